// LinkSilence: sessions on which transfers are under way and nothing is acknowledged, and sessions that end so. The link measures
// silence in its own time (RelaySession); here is decided what it means: nothing new goes on such a session; what is under way is
// offered to another hop after `in_doubt_wait_urgent` or `in_doubt_wait`, if there is one, and an answer that comes later finds nothing.
// A session that dies with transfers unanswered is an attempt of each; two in a row without one answer are a finding of the peer.

import RelayModel
import RelayRows

extension RelayCore {
    /// What cannot go elsewhere is looked at again after this.
    private static let silenceStep = Milliseconds.seconds(1)
    /// So many sessions in a row that carried nothing are told.
    private static let barrenMax = 2

    // MARK: - Fail-over

    /// Since when a peer takes nothing: the last of its sessions was lost, ends or is silent since.
    func lost(_ state: borrowing PeerState) -> RelayTime {
        var last: RelayTime?
        for session in state.sessions {
            guard let state = sessions[session] else { continue }
            let time = state.isSilent ? state.silentSince : state.endingSince
            last = max(last ?? time, time)
        }
        return last ?? state.downSince
    }

    /// How long a peer that was lost may come back before the next hop is asked.
    func failoverWait(_ urgency: Urgency) -> Milliseconds {
        urgency >= .urgent ? min(limits.failoverWait, limits.inDoubtWaitUrgent) : limits.failoverWait
    }

    /// Links have changed: lanes are looked at again when others may take over.
    mutating func wakeForFailover(_ now: RelayTime) {
        wakeups.insert(now + failoverWait(.flash), .everything)
        wakeups.insert(now + failoverWait(.normal), .everything)
    }

    // MARK: - Silence

    mutating func fellSilent(_ session: Ticket, _ turn: inout Turn) {
        guard let state = sessions[session], !state.isSilent else { return }
        let now = turn.now.relay
        let due = now + doubtWait(.flash)
        sessions.change(session) {
            $0.isSilent = true
            $0.silentSince = now
            $0.silenceDue = due
        }
        wakeForFailover(now)
        offerSetAside(state.peer)
        // Another session of the same peer, if there is one, takes what waits.
        reopenLanes()
        peers.change(state.peer) { $0.furtherDialDue = min($0.furtherDialDue, now) }
        guard let peer = peers[state.peer], !hasUsableSession(peer) else { return }
        turn.effects.append(
            .notice(
                Notice(
                    .notice, "nothing is acknowledged any more: other hops are asked in their time", peer: state.peer,
                    kind: .linkSilent)))
    }

    mutating func answersAgain(_ session: Ticket) {
        guard sessions.look(session, { $0.isSilent }) == true else { return }
        sessions.change(session) { $0.isSilent = false }
        reopenLanes()
    }

    /// What has been under way on silent sessions for long enough goes another way, where there is one.
    mutating func silencesDue(_ turn: inout Turn) {
        if !sessions.values.contains(where: \.isSilent) { return }
        let now = turn.now.relay
        for session in sessionOrder {
            guard let state = sessions[session], state.isSilent, !state.inFlight.isEmpty, state.silenceDue <= now else {
                continue
            }
            var next = now + Self.silenceStep
            let isReplaced = hasNewerSession(state)
            for ticket in state.inFlight.sorted() {
                guard let dispatch = dispatches[ticket] else { continue }
                let due = state.silentSince + doubtWait(dispatch.urgency)
                if due > now, isReplaced {
                    // It goes to the same peer again; others still wait, should that one have it.
                    doubt(dispatch, since: state.silentSince, &turn)
                    withdraw(ticket, dispatch, &turn)
                } else if due > now {
                    next = min(next, due)
                } else {
                    withdraw(ticket, dispatch, &turn)
                }
            }
            sessions.change(session) { $0.silenceDue = next }
        }
    }

    /// The peer was reached anew while this session was silent: it lives, and what leads nowhere is the old connection, as where a
    /// firewall has forgotten it.
    private func hasNewerSession(_ state: SessionState) -> Bool {
        peers[state.peer]?.sessions.contains { session in
            isUsable(session) && (sessions[session]?.since ?? .zero) > state.silentSince
        } ?? false
    }

    /// A session has come: those of its peer that are silent are looked at.
    mutating func lookAtSilent(_ peer: NodeID, _ now: RelayTime) {
        for session in peers.look(peer, { $0.sessions }) ?? [] where sessions.look(session, { $0.isSilent }) == true {
            sessions.change(session) { $0.silenceDue = now }
        }
    }

    /// Takes a whole copy off a silent session, if another one can take at least one of its recipients.
    private mutating func withdraw(_ ticket: Ticket, _ dispatch: DispatchState, _ turn: inout Turn) {
        guard let entry = active[dispatch.number], let copy = entry.copies.first(where: { $0.order == dispatch.copy })
        else { return }
        let now = turn.now.relay
        let hasWay = copy.recipients.contains { index in
            let recipient = entry.row.recipients[index]
            return recipient.state.isQueued
                && bestLiveHop(recipient.routeClass, for: entry.row, now: now) != nil
        }
        guard hasWay else { return }
        noteUnanswered(ticket, "nothing is acknowledged", &turn)
        let flights = (sessions[dispatch.session]?.inFlight ?? []).filter { dispatches[$0]?.copy == dispatch.copy }
        for flight in flights.sorted() { _ = land(flight) }
        guard let row = active[dispatch.number]?.row else { return }
        closeCopy(dispatch.number, dispatch.session)
        reopen(row, copy.recipients)
    }

    // MARK: - Sessions that die

    /// A session that ended before it answered is an attempt, with this for its answer; once for all pieces of a copy.
    mutating func noteUnanswered(_ ticket: Ticket, _ why: String, _ turn: inout Turn) {
        guard let dispatch = dispatches[ticket], let entry = active[dispatch.number],
            let copy = entry.copies.first(where: { $0.order == dispatch.copy }),
            copy.flights.first == dispatch.piece?.offset ?? 0
        else { return }
        var row = entry.row
        row.note("no answer: \(why)", of: dispatch.peer, for: copy.recipients, turn.now.wall)
        for index in copy.recipients where row.recipients[index].state.isQueued {
            let attempts = row.recipients[index].attempts
            row.recipients[index].attempts = attempts == .max ? attempts : attempts + 1
        }
        save(row, turn.rows)
    }

    /// The peer has answered a transfer: its link carries something.
    mutating func heardAnswer(_ dispatch: DispatchState) {
        guard sessions.look(dispatch.session, { $0.hasAnswers }) == false else { return }
        sessions.change(dispatch.session) { $0.hasAnswers = true }
        peers.change(dispatch.peer) {
            $0.barrenSessions = 0
            $0.finding = ""
        }
    }

    /// A session is over: did it carry anything?
    mutating func judgeBarren(_ state: SessionState, _ reason: String, _ turn: inout Turn) {
        guard !state.hasAnswers, !state.inFlight.isEmpty, let peer = peers[state.peer] else { return }
        let isNews = peer.barrenSessions + 1 == Self.barrenMax
        // What is small has passed, the handshake and SESS_INIT; of what is large nothing was heard.
        let finding =
            state.acknowledgedBytes == 0
            ? "sessions come up and end with transfers unanswered (\(reason)); large packets are probably lost on the way (MTU)"
            : "sessions come up and end with transfers unanswered (\(reason)); the line breaks in the middle of transfers"
        peers.change(state.peer) {
            $0.barrenSessions = min($0.barrenSessions + 1, Self.barrenMax)
            if $0.barrenSessions >= Self.barrenMax { $0.finding = finding }
        }
        if isNews { turn.effects.append(.notice(Notice(.alarm, finding, peer: state.peer, kind: .linkBarren))) }
    }
}
