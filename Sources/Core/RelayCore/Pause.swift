// Pause: a neighbour has answered *No Resources*. That it has no room for a document of 2 MB says nothing of a letter of 3 KB: what is as
// large as what was refused, or larger, goes by another hop or waits; smaller ones go on. What a small one hears holds for all.
//
// At the end of a pause one envelope is offered, and the first that is taken lets the others go. What was passed over is remembered, at
// most so many, so that a long backlog is not walked again for each try.

import RelayModel
import RelayRows

/// How it stands with a neighbour that had no resources.
struct Pause: Sendable {
    /// Pauses in a row.
    var count: UInt32 = 0
    /// Zero: it is over, and one envelope may find out.
    var until: RelayTime = .zero
    /// The smallest payload, in octets, that it had no room for; zero: nothing goes.
    var from = UInt64.max
    /// What was passed over, in the order of the queue; more is found again by looking at all lanes.
    var passed: [QueueKey] = []
    var hasMore = false
    /// The envelope that is on a link to find out.
    var probe: UInt64?
    /// The last refusal; so long after it the next one is the first again, if nothing is kept back any more.
    var last: RelayTime = .zero

    static let passedMax = 256
    static let memory = Milliseconds.minutes(5)
    /// A refusal of so many octets or fewer is one of everything.
    static let smallMax: UInt64 = 16 << 10

    /// Is an envelope of so many octets kept from it at this moment?
    func keeps(_ bytes: UInt64) -> Bool { bytes >= from && (until != .zero || probe != nil) }

    /// The smallest that is kept from it, while there are smaller ones that are not.
    var keptFrom: UInt64? { from > 0 && keeps(from) ? from : nil }

    var keepsNothing: Bool { until == .zero && probe == nil && passed.isEmpty && !hasMore }

    /// The smallest that it has no room for, while something is kept back for that; nil: nothing is, or everything.
    var noRoomFrom: UInt64? { count > 0 && from > 0 && !keepsNothing ? from : nil }

    mutating func pass(_ key: QueueKey) {
        if !passed.remember(key, Self.passedMax) { hasMore = true }
    }

    /// The first of a class that may find out whether there is room again.
    mutating func takeFirst(_ urgency: Urgency) -> QueueKey? {
        guard until == .zero, probe == nil, let place = passed.firstIndex(where: { $0.urgency == urgency }) else {
            return nil
        }
        return passed.remove(at: place)
    }

    /// True once when what was not remembered is to be looked for.
    mutating func findsMore() -> Bool {
        guard hasMore, passed.isEmpty, until == .zero, probe == nil else { return false }
        hasMore = false
        return true
    }

    func canTake(_ urgency: Urgency) -> Bool {
        until == .zero && probe == nil && passed.contains { $0.urgency == urgency }
    }
}

extension [QueueKey] {
    /// Puts one in, in the order of the queue. False when one is not remembered: this one, or the last of the least urgent, which is given
    /// up for one that is more urgent.
    mutating func remember(_ key: QueueKey, _ countMax: Int) -> Bool {
        if contains(key) { return true }
        let isFull = count >= countMax
        if isFull {
            guard let lowest = self.min(by: { $0.urgency < $1.urgency })?.urgency, lowest < key.urgency,
                let last = lastIndex(where: { $0.urgency == lowest })
            else { return false }
            remove(at: last)
        }
        insert(key, at: firstIndex { key < $0 } ?? count)
        return !isFull
    }
}

extension RelayCore {
    /// *No Resources*: nothing as large is offered for a while; the envelope has not failed.
    mutating func pause(_ ticket: Ticket, _ dispatch: DispatchState, _ turn: inout Turn) {
        guard var pause = peers.look(dispatch.peer, { $0.pause }) else { return returnToQueue(ticket, &turn) }
        let bytes = active[dispatch.number]?.row.payloadLength ?? 0
        pause.from = min(pause.from, bytes <= Pause.smallMax || has(.largePausesAll) ? 0 : bytes)
        if pause.probe == dispatch.number { pause.probe = nil }
        let isNews = pause.until == .zero
        pause.last = turn.now.relay
        if isNews {
            let backoff = Backoff(minimum: limits.pauseMin, maximum: limits.pauseMax)
            pause.count = pause.count.addingReportingOverflow(1).partialValue
            pause.until = turn.now.relay + backoff.delay(attempt: pause.count, random: &random)
        }
        peers.change(dispatch.peer) { $0.pause = pause }
        ledger.count(.paused(dispatch.peer))
        if isNews {
            let what =
                pause.from == 0
                ? "peer has no resources, paused"
                : "peer has no resources for \(pause.from) bytes or more, paused for these"
            turn.effects.append(.notice(Notice(.notice, what, peer: dispatch.peer, kind: .peerPaused)))
        }
        returnToQueue(ticket, &turn)
    }

    /// A neighbour has taken something: if it is as large as what it had no room for, it has room again.
    mutating func resourcesTaken(_ dispatch: DispatchState, _ row: EnvelopeRow) {
        guard let pause = peers.look(dispatch.peer, { $0.pause }), pause.count > 0, row.payloadLength >= pause.from
        else { return }
        endPause(dispatch.peer)
    }

    /// Nothing is kept from it any more.
    mutating func endPause(_ peer: NodeID) {
        guard let pause = peers.look(peer, { $0.pause }), pause.count > 0 else { return }
        peers.change(peer) { $0.pause = Pause() }
        offerKept(butOf: peer)
        for key in pause.passed { setAside(key, for: peer) }
        guard pause.hasMore else { return }
        // They are looked for when what is set aside has gone; where nothing is, at once.
        if pause.passed.isEmpty { reopenLanes() } else { peers.change(peer) { $0.hasMoreSetAside = true } }
    }

    /// A hop may be given large ones again: what others' pauses have kept back may go by it.
    private mutating func offerKept(butOf peer: NodeID) {
        for position in peers.states.indices where peers.states[position].peer.node != peer {
            if peers.states[position].pause.passed.isEmpty, !peers.states[position].pause.hasMore { continue }
            let pause = peers.states[position].pause
            peers.states[position].pause.passed = []
            peers.states[position].pause.hasMore = false
            for key in pause.passed { offer(key) }
            if pause.hasMore { reopenLanes() }
        }
    }

    /// Pauses that are over: the next envelope that is offered is to tell.
    mutating func pausesDue(_ now: RelayTime) {
        for position in peers.states.indices {
            if peers.states[position].pause.count == 0 { continue }
            let pause = peers.states[position].pause
            if pause.until != .zero, pause.until <= now {
                peers.states[position].pause.until = .zero
                offerKept(butOf: peers.states[position].peer.node)
            } else if pause.keepsNothing, now.since(pause.last) >= Pause.memory {
                peers.states[position].pause = Pause()
            }
        }
    }

    /// An envelope is on its way to a peer that had no resources for one like it.
    mutating func noteProbe(_ row: EnvelopeRow, _ peer: NodeID) {
        guard let pause = peers.look(peer, { $0.pause }), pause.count > 0, row.payloadLength >= pause.from else {
            return
        }
        peers.change(peer) { $0.pause.probe = row.number }
    }

    /// The copy that was to tell is over, whatever became of it.
    mutating func forgetProbe(_ number: UInt64, _ peer: NodeID) {
        guard peers.look(peer, { $0.pause.probe }) == number else { return }
        peers.change(peer) { $0.pause.probe = nil }
    }

    func isKept(_ row: EnvelopeRow, from peer: NodeID) -> Bool {
        guard let pause = peers.look(peer, { $0.pause }), pause.probe != row.number else { return false }
        return pause.keeps(row.payloadLength)
    }

    /// An envelope that is kept from a hop is handed to the one that takes it, or remembered until the pause is over.
    mutating func keepBack(_ key: QueueKey, _ row: EnvelopeRow, from peer: NodeID, _ now: RelayTime) {
        if let hop = bestLiveHop(key.routeClass, for: row, now: now), hop != peer {
            setAside(key, for: hop)
            // Its turn may be over.
            hasMoreToFeed = true
        } else {
            peers.change(peer) { $0.pause.pass(key) }
        }
    }

    /// What is on no link any more waits again.
    mutating func waitAgain(_ row: EnvelopeRow, _ recipients: [Int], _ peer: NodeID, _ now: RelayTime) {
        // What everything is kept from is given nothing of its lanes.
        guard isKept(row, from: peer), peers.look(peer, { $0.pause.from }) != 0 else { return reopen(row, recipients) }
        for index in recipients where row.recipients[index].state.isQueued {
            keepBack(queueKey(row, index), row, from: peer, now)
        }
    }
}
