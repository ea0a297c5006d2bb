// Reoffers: what a next hop answers with *Retransmit* is one envelope's; when the next one of the same sender hears the same, that agency's
// share at the hop is used up, and all others of it would hear it, too. So they are not offered: one goes as a probe after a while, twice
// as long each time, and the first that is taken lets all of them go. The same for records. Others' envelopes go on as ever.
//
// In memory: one entry a neighbour and sender, at most so many. What was passed over stands in the queue as before; only the first of it
// in each lane is remembered. A restart forgets it, and finds out once more.

import RelayModel
import RelayRows

struct Reoffers: Sendable {
    /// Whose share at the next hop it is, as far as this node can tell.
    enum Share: Hashable, Sendable {
        /// Urgent documents have a hold of their own, which is short: two refusals of ordinary mail do not hold up a Hỏa tốc.
        case sender(AgencyCode, isUrgent: Bool)
        case records

        var text: String {
            switch self {
            case .sender(let code, _): "the share of sender \(code)"
            case .records: "the share of records"
            }
        }
    }

    struct Key: Hashable, Sendable {
        var peer: NodeID
        var share: Share
    }

    struct Hold: Sendable {
        /// Waves of refusals; what comes back from one wave counts once.
        var refusals: UInt32 = 0
        var last: RelayTime
        /// Nothing is offered before; zero: one refusal is no share.
        var until = RelayTime.zero
        /// The smallest that was refused: that there is no room for a large one says nothing of a letter.
        var smallest = UInt64.max
        /// The envelope that has been offered since.
        var probe: UInt64?
        /// The first that was passed over in each lane.
        var passed: [LaneKey: QueueKey] = [:]
    }

    var holds: [Key: Hold] = [:]
    /// Probes of this minute, by neighbour.
    private var probes: [NodeID: (since: RelayTime, count: Int)] = [:]

    static let holdsMax = 4_096
    /// As long as this after the last refusal, the next one is the first again.
    static let memory = Milliseconds.minutes(5)
    static let waitMax = Milliseconds.minutes(2)
    /// For urgent documents.
    static let urgentWaitMax = Milliseconds.seconds(15)
    /// Probes to one neighbour in a minute, for all senders together.
    static let probesMax = 30

    /// May one more probe go to this neighbour? If not: when.
    mutating func probe(_ peer: NodeID, _ now: RelayTime) -> RelayTime? {
        var entry = probes[peer] ?? (now, 0)
        if entry.since + .minutes(1) <= now { entry = (now, 0) }
        guard entry.count < Self.probesMax else { return entry.since + .minutes(1) }
        entry.count += 1
        probes[peer] = entry
        return nil
    }

    mutating func forget(_ isOver: (Key, Hold) -> Bool) -> [Hold] {
        let over = holds.filter { isOver($0.key, $0.value) }
        for key in over.keys { holds[key] = nil }
        return Array(over.values)
    }

    mutating func forgetProbes(until now: RelayTime) {
        probes = probes.filter { $0.value.since + .minutes(1) > now }
    }
}

extension RelayCore {
    private static func share(of row: EnvelopeRow) -> Reoffers.Share? {
        if row.kind == .administrative { return .records }
        return row.document.map { .sender($0.sender, isUrgent: row.urgency >= expressUrgency) }
    }

    /// True when it is not to be offered to this neighbour now; it is looked at again when its share has room.
    mutating func isHeldBack(_ key: QueueKey, _ row: EnvelopeRow, _ peer: NodeID, _ now: RelayTime) -> Bool {
        guard !reoffers.holds.isEmpty, let share = Self.share(of: row),
            case let place = Reoffers.Key(peer: peer, share: share), var hold = reoffers.holds[place],
            hold.until != .zero, row.payloadLength >= hold.smallest
        else { return false }
        let lane = LaneKey(routeClass: key.routeClass, urgency: key.urgency)
        if hold.until <= now, hold.probe == nil {
            if let next = reoffers.probe(peer, now) {
                hold.until = next
                wakeups.insert(next, .lane(lane, key))
            } else {
                hold.probe = row.number
                reoffers.holds[place] = hold
                return false
            }
        }
        hold.passed[lane] = hold.passed[lane].map { min($0, key) } ?? key
        reoffers.holds[place] = hold
        return true
    }

    /// A neighbour has asked for it once more. Until when nothing of that share is offered to it; nil: the envelope goes by itself.
    mutating func shareRefused(_ dispatch: DispatchState, _ row: EnvelopeRow, _ now: RelayTime) -> RelayTime? {
        guard let share = Self.share(of: row) else { return nil }
        let key = Reoffers.Key(peer: dispatch.peer, share: share)
        var hold = reoffers.holds[key] ?? Reoffers.Hold(last: now)
        if reoffers.holds[key] == nil, reoffers.holds.count >= Reoffers.holdsMax { return nil }
        if now.since(hold.last) >= Reoffers.memory, hold.probe != row.number {
            hold.refusals = 0
            hold.smallest = .max
        }
        hold.last = now
        hold.smallest = min(hold.smallest, row.payloadLength)
        defer { reoffers.holds[key] = hold }
        // Of the same wave: it was under way when the first came back.
        if hold.until > now, hold.probe != row.number { return nil }
        hold.probe = nil
        hold.refusals += 1
        guard hold.refusals > 1 else { return nil }
        let most =
            row.urgency >= Self.expressUrgency && row.kind != .administrative
            ? Reoffers.urgentWaitMax : Reoffers.waitMax
        let backoff = Backoff(minimum: min(limits.envelopeBackoffMin, most), maximum: most)
        hold.until = now + backoff.delay(attempt: hold.refusals - 1, random: &random)
        return hold.until
    }

    /// A neighbour has taken one: there is room. Its next refusal waits longer all the same, if it comes soon.
    mutating func shareHasRoom(_ dispatch: DispatchState, _ row: EnvelopeRow) {
        guard !reoffers.holds.isEmpty, let share = Self.share(of: row) else { return }
        let key = Reoffers.Key(peer: dispatch.peer, share: share)
        // A smaller one was never held back, and says nothing of the others.
        guard let hold = reoffers.holds[key], hold.until != .zero, row.payloadLength >= hold.smallest else { return }
        reoffers.holds[key]?.until = .zero
        reoffers.holds[key]?.smallest = .max
        reoffers.holds[key]?.probe = nil
        reoffers.holds[key]?.passed = [:]
        lookAgain(hold)
    }

    /// The copy that was offered as a probe is over, and nothing was said of the neighbour's share: the next one is.
    mutating func probeEnded(_ row: EnvelopeRow, _ peer: NodeID) {
        guard !reoffers.holds.isEmpty, let share = Self.share(of: row) else { return }
        let key = Reoffers.Key(peer: peer, share: share)
        guard let hold = reoffers.holds[key], hold.probe == row.number else { return }
        reoffers.holds[key]?.probe = nil
        lookAgain(hold)
    }

    /// Until when an envelope is held back because its share at a neighbour is used up; nil: it is not.
    func heldBack(_ row: EnvelopeRow, at peer: NodeID) -> (until: RelayTime, share: String)? {
        guard !reoffers.holds.isEmpty, let share = Self.share(of: row),
            let hold = reoffers.holds[Reoffers.Key(peer: peer, share: share)], hold.until != .zero,
            row.payloadLength >= hold.smallest, hold.probe != row.number
        else { return nil }
        return (hold.until, share.text)
    }

    /// Holds whose probe never came about, because its envelope has gone another way: once a minute.
    mutating func forgetReoffers(_ now: RelayTime) {
        let live = Set(active.keys)
        let over = reoffers.forget { _, hold in
            hold.until == .zero
                ? hold.last + Reoffers.memory <= now
                : hold.until + .minutes(1) <= now && !(hold.probe.map(live.contains) ?? false)
        }
        for hold in over { lookAgain(hold) }
        reoffers.forgetProbes(until: now)
    }

    private mutating func lookAgain(_ hold: Reoffers.Hold) {
        for lane in hold.passed.keys.sorted() { if let key = hold.passed[lane] { offer(key) } }
    }
}
