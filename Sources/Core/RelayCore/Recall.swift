// Recall: what has been chosen for a living session, and of which the link has written nothing, is taken back: when something more urgent
// waits and the session has no room for it, and when an operator's deed is for it. The link answers that it has given the transfer back
// (`transferAnswered`, *returned*) or that it has begun it (`transferBegun`); a session that ends answers for all of its transfers.
//
// Nothing is decided before the link has answered: what is asked for is still on the link. A deed waits for the answers for `waitMax`.

import RelayModel
import RelayRows

/// How it stands with taking one dispatch back.
enum Recall {
    case notAsked
    /// The link has been asked and has not answered.
    case asked
    /// Octets of it have been written: the peer's answer decides.
    case begun
}

/// The dispatches of one session, as far as they can be taken back.
struct RecallBook {
    /// By urgency, those that something more urgent may overtake: not asked for, and not given as a lower class's share.
    var overtakable = [Int](repeating: 0, count: Urgency.allCases.count)
    /// Asked for and not answered.
    var askedCount = 0
    var askedBytes: UInt64 = 0

    mutating func chosen(_ dispatch: DispatchState) {
        if !dispatch.isShare { overtakable[Int(dispatch.urgency.rawValue)] += 1 }
    }

    mutating func change(_ dispatch: DispatchState, to recall: Recall) {
        forget(dispatch)
        guard recall == .asked else { return }
        askedCount += 1
        askedBytes += dispatch.bytes
    }

    /// It is on the session no more, or counts otherwise from now on.
    mutating func forget(_ dispatch: DispatchState) {
        switch dispatch.recall {
        case .notAsked: if !dispatch.isShare { overtakable[Int(dispatch.urgency.rawValue)] -= 1 }
        case .asked:
            askedCount -= 1
            askedBytes -= dispatch.bytes
        case .begun: break
        }
    }
}

/// A job that has asked links for envelopes of its set. Until it is over none of them is chosen anew.
struct RecallWait {
    static let waitMax = Milliseconds.seconds(5)
    var job: UInt64
    var numbers: Set<UInt64>
    var tickets: [Ticket]
    var until: RelayTime
}

extension DeedVerb {
    /// Is it done to what is chosen for a link, too, as far as that is not begun?
    var recalls: Bool { self == .hold || self == .delete || self == .expire || self == .reroute }
}

extension RelayCore {
    /// So many a turn and session are asked for, so that something more urgent has room.
    private static let overtakenMax = 16
    /// A link that carries in this time all that is under way makes room by itself.
    private static let overtakingTime = Milliseconds(250)

    private mutating func recall(_ ticket: Ticket, _ turn: inout Turn) {
        guard let dispatch = dispatches[ticket], dispatch.recall == .notAsked else { return }
        sessions[dispatch.session]?.recalls.change(dispatch, to: .asked)
        dispatches.change(ticket) { $0.recall = .asked }
        turn.effects.append(.recall(session: dispatch.session, dispatch: ticket))
    }

    /// A link cannot give it back. What it was handed of the same urgency before that has begun as well.
    mutating func begun(_ ticket: Ticket, _ turn: inout Turn) {
        guard let dispatch = dispatches[ticket] else { return }
        if has(.begunIsGivenBack) { return returnToQueue(ticket, &turn) }
        let older = (sessions[dispatch.session]?.inFlight ?? []).filter {
            $0 <= ticket && dispatches[$0]?.urgency == dispatch.urgency
                && ($0 == ticket || dispatches[$0]?.recall == .notAsked)
        }
        for ticket in older {
            guard let dispatch = dispatches[ticket] else { continue }
            sessions[dispatch.session]?.recalls.change(dispatch, to: .begun)
            dispatches.change(ticket) { $0.recall = .begun }
        }
    }

    // MARK: - What is more urgent

    /// A session without room takes back what is least urgent, the latest first, for as long as something more urgent waits for it.
    mutating func overtake(_ session: Ticket, _ peer: NodeID, hasPlaces: Bool, _ turn: inout Turn) {
        if has(.nothingOvertakes) { return }
        for _ in 0..<Self.overtakenMax {
            guard let state = sessions[session], isUsable(session), isLive(peer), !state.inFlight.isEmpty,
                isBusyForLong(state), !hasRoomSoon(state, hasPlaces: hasPlaces),
                let lowest = state.recalls.overtakable.firstIndex(where: { $0 > 0 }),
                isMoreUrgentWaiting(than: lowest, session, peer, turn)
            else { return }
            let latest = state.inFlight.filter { ticket in
                guard let dispatch = dispatches[ticket] else { return false }
                return dispatch.recall == .notAsked && !dispatch.isShare && Int(dispatch.urgency.rawValue) == lowest
            }.max()
            guard let latest else { return }
            recall(latest, &turn)
        }
    }

    private func isBusyForLong(_ state: SessionState) -> Bool {
        guard let rate = state.bytesPerSecond else { return true }
        return state.unacknowledgedBytes.saturatingTimes(1_000) / max(rate, 1) >= Self.overtakingTime.count
    }

    /// Will there be room when all that was asked for comes back?
    private func hasRoomSoon(_ state: SessionState, hasPlaces: Bool) -> Bool {
        let asked = state.recalls
        if !hasPlaces, asked.askedCount == 0 { return false }
        let left = state.inFlight.count - asked.askedCount
        let bytes = state.unacknowledgedBytes - min(asked.askedBytes, state.unacknowledgedBytes)
        return left < limits.windowTransfers && (bytes < windowBytes(state) || left == 0)
    }

    private mutating func isMoreUrgentWaiting(
        than lowest: Int, _ session: Ticket, _ peer: NodeID, _ turn: Turn
    ) -> Bool {
        let role = role(of: session)
        for urgency in Urgency.allCases where Int(urgency.rawValue) > lowest && role.serves(urgency) {
            if urgency >= Self.expressUrgency, role == .bulk {
                if hasSetAside(peer, urgency) { return true }
                continue
            }
            if role != .express, hasSetAside(peer, urgency) { return true }
            for routeClass in wetLanes.classes(of: peer, urgency) {
                let key = LaneKey(routeClass: routeClass, urgency: urgency)
                guard bestLiveHop(routeClass, urgency, now: turn.now.relay) == peer else { continue }
                if isDue(key, now: turn.now.relay, turn.rows) { return true }
            }
        }
        return false
    }

    /// Is there a row that could be chosen now? The lane stays where it is.
    private mutating func isDue(_ key: LaneKey, now: RelayTime, _ rows: any RowReader) -> Bool {
        let scanned = lanes[key]?.scanned
        var budget = 1
        guard nextInLane(key, now: now, budget: &budget, rows) != nil else { return false }
        lanes.change(key) { $0.scanned = scanned }
        return true
    }

    // MARK: - Deeds

    /// Asks the links for what they have not begun of these pairs. True while their answers are waited for; the job is to come again.
    mutating func awaitsRecall(_ job: JobRow, _ pairs: ArraySlice<PairName>, _ turn: inout Turn) -> Bool {
        if recallWait?.job == job.number { return isRecallOpen(turn.now.relay) }
        guard job.verb.recalls else { return false }
        var numbers: Set<UInt64> = []
        for pair in pairs {
            let copies = active[pair.number]?.copies ?? []
            if copies.contains(where: { $0.recipients.contains(Int(pair.index)) }) { numbers.insert(pair.number) }
        }
        guard !numbers.isEmpty else { return false }
        var tickets: [Ticket] = []
        for session in sessionOrder {
            for ticket in (sessions[session]?.inFlight ?? []).sorted() {
                guard let dispatch = dispatches[ticket], numbers.contains(dispatch.number), dispatch.recall != .begun
                else { continue }
                recall(ticket, &turn)
                tickets.append(ticket)
            }
        }
        recallWait = RecallWait(
            job: job.number, numbers: numbers, tickets: tickets, until: turn.now.relay + RecallWait.waitMax)
        return isRecallOpen(turn.now.relay)
    }

    /// Is there an answer that a job waits for?
    func isRecallOpen(_ now: RelayTime) -> Bool {
        guard let wait = recallWait, now < wait.until else { return false }
        return wait.tickets.contains { dispatches[$0]?.recall == .asked }
    }

    /// An envelope in pieces that has nothing on its link, and was about to send the next piece, is on it no more.
    mutating func closeRecalled() {
        for number in recallWait?.numbers.sorted() ?? [] {
            for copy in active[number]?.copies ?? [] where copy.flights.isEmpty {
                guard let row = active[number]?.row else { continue }
                closeCopy(number, copy.session)
                reopen(row, copy.recipients)
            }
        }
    }

    /// The job has come to them: what is left of them is looked at again.
    mutating func endRecall(_ turn: inout Turn) {
        guard let wait = recallWait else { return }
        recallWait = nil
        for number in wait.numbers.sorted() {
            if let row = envelope(number, &turn) { reopen(row, Array(row.recipients.indices)) }
        }
    }

    /// A job that waited is over, or waits for room: what it has asked for goes on.
    mutating func dropRecall(_ turn: inout Turn) {
        guard let wait = recallWait, !jobs.busy.contains(wait.job) else { return }
        endRecall(&turn)
    }
}
