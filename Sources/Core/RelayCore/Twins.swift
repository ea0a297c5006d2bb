// Twins: two daemons with one identity, found at their first common neighbour: a clone beside its original, or a thief of the node's key.
// While a session of a node lives, another one of the same node ID with another incarnation, or from elsewhere, is not established: the
// old one is asked for a sign of life. If it gives one, the new one is ended, and both ends alarm; if not, the new one takes its place.
// A second session of the same incarnation is right, and so is one that this node dials while the peer dials too.

import RelayModel

/// A session that waits for the answer of those that its node has.
struct PendingSession {
    var session: Ticket
    var facts: SessionFacts
    /// Then it takes their place.
    var due: RelayTime
    var rivals: [Ticket]
}

extension RelayCore {
    /// A node that lives answers within this time.
    private static let answerTime = Milliseconds.seconds(5)
    /// So many wait at a time for one peer; more are ended at once.
    private static let pendingMax = 4

    func isPending(_ session: Ticket) -> Bool { pendingSessions.contains { $0.session == session } }

    /// Sessions of the peer that cannot be of the same process.
    func rivals(of facts: SessionFacts, _ state: PeerState) -> [Ticket] {
        state.sessions.filter { session in
            guard let other = sessions[session], !other.isEnding else { return false }
            if other.facts.greeting?.incarnation != facts.greeting?.incarnation { return true }
            // What is dialled and what comes in may have two addresses of one machine.
            return !other.facts.isDialled && !facts.isDialled && !other.facts.host.isEmpty && !facts.host.isEmpty
                && other.facts.host != facts.host
        }
    }

    mutating func askRivals(_ rivals: [Ticket], _ session: Ticket, _ facts: SessionFacts, _ turn: inout Turn) {
        peers.change(facts.peer) { $0.isDialling = false }
        guard pendingSessions.count(where: { $0.facts.peer == facts.peer }) < Self.pendingMax else {
            turn.effects.append(.endTwin(session: session, why: Self.twinSentence))
            return
        }
        pendingSessions.append(
            PendingSession(
                session: session, facts: facts, due: turn.now.relay + Self.answerTime, rivals: rivals))
        for rival in rivals { turn.effects.append(.probe(session: rival)) }
    }

    private static let twinSentence = "another one with this node's identity has a session, and answers"

    /// A session has given a sign of life: those that wanted its place do not get it.
    mutating func sessionAnswered(_ session: Ticket, _ turn: inout Turn) {
        for pending in pendingSessions where pending.rivals.contains(session) {
            pendingSessions.removeAll { $0.session == pending.session }
            let later = turn.now.relay + limits.dialBackoffMax
            peers.change(pending.facts.peer) { $0.dialDue = max($0.dialDue, later) }
            let host = pending.facts.host
            let text =
                host.isEmpty
                ? "two nodes with one identity: a second one was not let in, the first answers"
                : "two nodes with one identity: a second one from \(host) was not let in, the first answers"
            turn.effects.append(.endTwin(session: pending.session, why: Self.twinSentence))
            turn.effects.append(
                .notice(Notice(.alarm, text, peer: pending.facts.peer, kind: .identityTwice)))
        }
    }

    /// Nobody has answered in time: the new one takes the place.
    mutating func pendingSessionsDue(_ turn: inout Turn) {
        let now = turn.now.relay
        for pending in pendingSessions where pending.due <= now {
            pendingSessions.removeAll { $0.session == pending.session }
            for rival in pending.rivals where sessions[rival]?.isEnding == false {
                turn.effects.append(
                    .endSession(session: rival, why: "the peer has begun anew, and does not answer here"))
                sessionEnding(rival, now)
            }
            establish(pending.session, pending.facts, &turn)
        }
    }

    /// One of the old ones is over.
    mutating func rivalEnded(_ session: Ticket, _ turn: inout Turn) {
        for position in pendingSessions.indices { pendingSessions[position].rivals.removeAll { $0 == session } }
        for pending in pendingSessions where pending.rivals.isEmpty {
            pendingSessions.removeAll { $0.session == pending.session }
            establish(pending.session, pending.facts, &turn)
        }
    }

    /// True: it was one of those that wait.
    mutating func pendingEnded(_ session: Ticket, _ reason: String, _ turn: inout Turn) -> Bool {
        guard let position = pendingSessions.firstIndex(where: { $0.session == session }) else { return false }
        pendingSessions.remove(at: position)
        return true
    }

    /// A neighbour says that it has a session with another one of this node's identity.
    mutating func identityTwice(_ session: Ticket, _ turn: inout Turn) {
        guard let peer = sessions.look(session, { $0.peer }) else { return }
        let later = turn.now.relay + limits.dialBackoffMax
        peers.change(peer) { $0.twinUntil = later }
        turn.effects.append(
            .notice(
                Notice(
                    .alarm,
                    "another one with this node's identity has a session with \(peer.name): a copy of this node runs, or its key was stolen",
                    peer: peer, kind: .identityTwice)))
    }
}
