// LinkWindow: what goes on which of a peer's sessions, and how much of it at a time. The newest of two or more sessions is kept free for
// what is urgent and small: on a slow link one document of 4 MB is on its way for half a minute, and TCPCL does not interleave. Of each
// session no more is chosen than its link carries in `windowTime`: what is not chosen can be overtaken, held and deleted.
//
// Which session is which needs no agreement with the peer: the directions of a connection are independent.

import RelayModel
import RelayRows

/// What a session is for.
enum SessionPart {
    /// The peer has no other that can be used.
    case all
    /// Small urgent envelopes, and nothing else.
    case express
    /// Everything else.
    case bulk

    /// Has it anything to do with this class?
    func serves(_ urgency: Urgency) -> Bool { self != .express || urgency >= RelayCore.expressUrgency }
}

extension SessionState {
    var unacknowledgedBytes: UInt64 { inFlightBytes - min(acknowledgedBytes, inFlightBytes) }
}

extension RelayCore {
    /// From this degree on an envelope goes by the session that is kept free.
    static let expressUrgency = Urgency.veryUrgent
    /// An envelope up to this size may go by it on any link, and a larger one if the link carries it in `expressTime`.
    package static let expressBytesMin: UInt64 = 64 << 10
    static let expressTime = Milliseconds(500)
    /// So long a link may be busy with what has been chosen; but no less than `windowBytesMin`.
    static let windowTime = Milliseconds.seconds(2)
    static let windowBytesMin: UInt64 = 256 << 10
    /// Large urgent envelopes that are remembered for the other session; more are found again by looking at all lanes.
    static let setAsideMax = 256
    /// So many sessions with a peer, those that end or are silent included, and no more are dialled.
    static let sessionsPerPeerMax = 4
    /// A session that has lived so long was a good one.
    static let steadySession = Milliseconds.minutes(1)

    /// New envelopes may go on it.
    func isUsable(_ session: Ticket) -> Bool {
        sessions.look(session) { !$0.isEnding && !$0.isSilent } ?? false
    }

    func role(of session: Ticket) -> SessionPart {
        if has(.noSecondSession) { return .all }
        guard let node = sessions.look(session, { $0.peer }),
            let usable = peers.look(node, { $0.peer.hasUrgentSession ? $0.sessions : [] }), usable.count > 1
        else { return .all }
        var count = 0
        var newest: Ticket?
        for candidate in usable where isUsable(candidate) {
            count += 1
            newest = candidate
        }
        if count < 2 { return .all }
        return newest == session ? .express : .bulk
    }

    /// Little is under way, and nothing that is under way keeps anything else back: answers of next hops change the books only.
    public var isCalm: Bool {
        guard active.count <= Self.calmCount, active.count < limits.activeMax / 2 else { return false }
        var bytes: UInt64 = 0
        for entry in active.values {
            if entry.row.isInPieces { return false }
            bytes = bytes.addingSaturating(entry.row.payloadLength)
            for copy in entry.copies where !hasRoom(copy.session) { return false }
        }
        return bytes <= Self.calmBytes
    }

    private static let calmCount = 16
    private static let calmBytes = windowBytesMin / 2

    /// Those for which there may be something. The sessions that are kept free come first; otherwise as they were established.
    var sessionsToFeed: [Ticket] {
        let busy = busySessions
        let express = Set(busy.filter { role(of: $0) == .express })
        return express.isEmpty ? busy : busy.filter(express.contains) + busy.filter { !express.contains($0) }
    }

    /// Those to whose peer something may go at this moment, whatever room they have. Found from what there is, not asked one by one:
    /// hundreds of idle links are passed over.
    private var busySessions: [Ticket] {
        var busy: Set<Ticket> = []
        for hop in wetLanes.hops { peers.look(hop) { busy.formUnion($0.sessions) } }
        for position in peers.states.indices where peers.states[position].hasMoreThanLanes {
            busy.formUnion(peers.states[position].sessions)
        }
        for place in sessions.values.indices where !sessions.values[place].streams.isEmpty {
            busy.insert(sessions.key(at: place))
        }
        return busy.isEmpty ? [] : sessionOrder.filter(busy.contains)
    }

    /// How much may be under way on a session and not acknowledged.
    func windowBytes(_ state: SessionState) -> UInt64 {
        guard let rate = state.bytesPerSecond else { return min(limits.windowBytes, state.facts.firstWindow) }
        let carried = rate.saturatingTimes(Self.windowTime.count) / 1_000
        return min(limits.windowBytes, max(carried, Self.windowBytesMin))
    }

    mutating func measured(_ session: Ticket, _ rate: UInt64, _ acknowledged: UInt64) {
        sessions.change(session) {
            $0.bytesPerSecond = rate
            $0.acknowledgedBytes = acknowledged
        }
    }

    // MARK: - Large ones that are urgent

    /// The largest envelope that goes by the session that is kept free.
    private func expressBytesMax(_ peer: NodeID) -> UInt64 {
        let rates = (peers.look(peer, { $0.sessions }) ?? []).compactMap {
            sessions.look($0, { $0.bytesPerSecond }) ?? nil
        }
        let carried = (rates.max() ?? 0).saturatingTimes(Self.expressTime.count) / 1_000
        return max(carried, Self.expressBytesMin)
    }

    /// True for an envelope that would keep others waiting on this session; it is set aside for the other one.
    mutating func isTooLarge(_ key: QueueKey, _ session: Ticket, _ peer: NodeID, _ turn: inout Turn) -> Bool {
        guard role(of: session) == .express, let row = envelope(key.number, &turn),
            row.payloadLength > expressBytesMax(peer)
        else { return false }
        setAside(key, for: peer)
        return true
    }

    /// Remembers an envelope for a hop that takes it beside what stands in its lanes.
    mutating func setAside(_ key: QueueKey, for peer: NodeID) {
        peers.change(peer) { if !$0.setAside.remember(key, Self.setAsideMax) { $0.hasMoreSetAside = true } }
    }

    /// Takes the next one that was set aside, or that is to tell whether a pause is over. Not on a session that is kept free.
    mutating func nextSetAside(_ peer: NodeID, _ urgency: Urgency) -> QueueKey? {
        guard let position = peers.position(peer) else { return nil }
        if !peers.states[position].pause.passed.isEmpty,
            let key = peers.states[position].pause.takeFirst(urgency)
        {
            return key
        }
        if peers.states[position].pause.findsMore() { reopenLanes() }
        if peers.states[position].setAside.isEmpty { return nil }
        guard let place = peers.states[position].setAside.firstIndex(where: { $0.urgency == urgency }) else {
            return nil
        }
        let key = peers.states[position].setAside.remove(at: place)
        if peers.states[position].setAside.isEmpty, peers.states[position].hasMoreSetAside {
            peers.states[position].hasMoreSetAside = false
            reopenLanes()
        }
        return key
    }

    func hasSetAside(_ peer: NodeID, _ urgency: Urgency) -> Bool {
        guard let state = peers[peer] else { return false }
        return state.setAside.contains { $0.urgency == urgency } || state.pause.canTake(urgency)
    }

    /// The sessions of a peer have changed: what was set aside goes the way of all others.
    mutating func offerSetAside(_ peer: NodeID) {
        guard let position = peers.position(peer) else { return }
        if peers.states[position].hasMoreSetAside {
            peers.states[position].hasMoreSetAside = false
            reopenLanes()
        }
        let keys = peers.states[position].setAside
        peers.states[position].setAside = []
        for key in keys { offer(key) }
    }

    // MARK: - Further sessions

    private func wantsFurtherSession(_ state: borrowing PeerState) -> Bool {
        guard state.mayDialFurther, state.sessions.count < Self.sessionsPerPeerMax else { return false }
        if state.peer.hasUrgentSession, !has(.noSecondSession) { return state.sessions.count(where: isUsable) < 2 }
        // Where the old way leads nowhere any more, a new connection may find another.
        return state.sessions.allSatisfy { sessions.look($0, { $0.isSilent }) == true }
    }

    mutating func dialFurther(_ position: Int, _ now: RelayTime, _ turn: inout Turn) {
        guard peers.states[position].mayDialFurther, wantsFurtherSession(peers.states[position]) else { return }
        let state = peers.states[position]
        guard max(state.furtherDialDue, state.twinUntil) <= now else { return }
        let backoff = Backoff(minimum: limits.dialBackoffMin, maximum: limits.dialBackoffMax)
        peers.states[position].isDialling = true
        peers.states[position].dialDue = now
        peers.states[position].furtherDials = state.furtherDials.addingReportingOverflow(1).partialValue
        peers.states[position].furtherDialDue = now + backoff.delay(attempt: state.furtherDials + 1, random: &random)
        turn.effects.append(.dial(peer: state.peer.node))
    }

    /// When a session beside those that are there is due, or a silent one is to be looked at.
    var linkDeadline: RelayTime? {
        var next: RelayTime?
        for position in peers.states.indices
        where peers.states[position].mayDialFurther && wantsFurtherSession(peers.states[position]) {
            next = min(next ?? .never, max(peers.states[position].furtherDialDue, peers.states[position].twinUntil))
        }
        for place in sessions.values.indices
        where sessions.values[place].isSilent && !sessions.values[place].inFlight.isEmpty {
            next = min(next ?? .never, sessions.values[place].silenceDue)
        }
        return next
    }

    // MARK: - Signs of life

    /// The first link is up again: what kept it down kept the others down, too.
    mutating func networkAnswers(but node: NodeID, _ now: RelayTime) {
        guard peers.states.allSatisfy({ !$0.isUp || $0.peer.node == node }) else { return }
        for position in peers.states.indices where peers.states[position].peer.node != node { dialSoon(position, now) }
    }

    /// Nodes that a copy or a report has passed a moment ago live.
    mutating func heard(of path: [PathStop], _ now: ClockReading) {
        for stop in path {
            guard let position = peers.position(stop.node), peers.states[position].failures > 0,
                stop.time.milliseconds <= now.wall.milliseconds
            else { continue }
            let age = Milliseconds(now.wall.milliseconds - stop.time.milliseconds)
            // Later than the last dial that failed, or it says nothing.
            guard now.relay.since(peers.states[position].failedAt) > age else { continue }
            dialSoon(position, now.relay)
        }
    }

    private mutating func dialSoon(_ position: Int, _ now: RelayTime) {
        let state = peers.states[position]
        guard state.peer.dials, !state.isUp, !state.isDialling, state.failures > 0 else { return }
        peers.states[position].failures = 0
        peers.states[position].dialDue = min(state.dialDue, now)
    }
}
