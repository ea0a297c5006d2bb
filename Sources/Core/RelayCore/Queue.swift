// Queue: how the bounded active set is fed from the durable queue. The queue itself is the table `queue`; here are only the
// places up to which its lanes have been looked at, so that memory does not grow with the backlog.

import RelayModel
import RelayRows

/// One route class and urgency.
struct LaneKey: Hashable, Comparable {
    var routeClass: UInt32
    var urgency: Urgency
    static func < (left: LaneKey, right: LaneKey) -> Bool {
        (left.routeClass, left.urgency.rawValue) < (right.routeClass, right.urgency.rawValue)
    }
}

/// How far a lane has been looked at.
struct Lane {
    /// Rows up to this one are active or were passed over; nil: start at the beginning.
    var scanned: QueueKey?
    /// True when the lane was seen to its end and nothing has been added since.
    var isDry = false
    /// When the first row that is not yet due will be; nil when there is none.
    var waitUntil: RelayTime?

    /// A row of it may be due now.
    var isWet: Bool { !isDry && waitUntil == nil }

    /// A row has come (back) into the lane.
    mutating func offer(_ key: QueueKey, sleepsOn: Bool = false) {
        isDry = false
        if let scanned, key < scanned || key == scanned { self.scanned = key.predecessor }
        if let waitUntil, key.due < waitUntil, !sleepsOn { self.waitUntil = nil }
    }
}

/// The lanes in which a row may be due, by the hops that could be given it: a link looks at its own, and however many lanes are empty,
/// they cost nothing.
struct WetLanes: Sendable {
    /// Of each hop, by urgency, the classes in ascending order.
    private var byHop: [NodeID: [[UInt32]]] = [:]

    private static let none = [[UInt32]](repeating: [], count: Urgency.allCases.count)

    func classes(of hop: NodeID, _ urgency: Urgency) -> [UInt32] { byHop[hop]?[Int(urgency.rawValue)] ?? [] }

    /// All of which there is one; in no order.
    var hops: some Sequence<NodeID> { byHop.keys }

    mutating func set(_ key: LaneKey, isWet: Bool, _ hops: [NodeID]) {
        for hop in hops {
            if isWet { insert(key, hop) } else { remove(key, hop) }
        }
    }

    private mutating func insert(_ key: LaneKey, _ hop: NodeID) {
        let urgency = Int(key.urgency.rawValue)
        let known = byHop[hop]?[urgency] ?? []
        let place = known.firstPlace { $0 >= key.routeClass }
        if place < known.count, known[place] == key.routeClass { return }
        byHop[hop, default: Self.none][urgency].insert(key.routeClass, at: place)
    }

    private mutating func remove(_ key: LaneKey, _ hop: NodeID) {
        let urgency = Int(key.urgency.rawValue)
        guard let known = byHop[hop]?[urgency] else { return }
        let place = known.firstPlace { $0 >= key.routeClass }
        guard place < known.count, known[place] == key.routeClass else { return }
        byHop[hop]?[urgency].remove(at: place)
        if byHop[hop]?.allSatisfy(\.isEmpty) ?? false { byHop[hop] = nil }
    }
}

extension [UInt32] {
    /// Where the first element stands for which this is true, as it is for all behind it; the end if there is none.
    func firstPlace(where isBehind: (UInt32) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

extension QueueKey {
    /// The largest key of the lane that is smaller; nil for the smallest.
    var predecessor: QueueKey? {
        var key = self
        if number > 0 {
            key.number -= 1
        } else if due.milliseconds > 0 {
            key.due.milliseconds -= 1
            key.number = .max
        } else {
            return nil
        }
        return key
    }
    var successor: QueueKey {
        var key = self
        if number < .max {
            key.number += 1
        } else {
            key.due.milliseconds += 1
            key.number = 0
        }
        return key
    }
}

/// Times at which parts of the queue are to be looked at again.
struct WakeupList {
    enum Target: Equatable {
        case lane(LaneKey, QueueKey)
        /// Every lane: links have changed.
        case everything
    }
    private var entries: [(time: RelayTime, order: UInt64, target: Target)] = []
    private var order: UInt64 = 0
    /// More than this many are kept as one wake-up of everything.
    static let entriesMax = 4_096

    var first: RelayTime? { entries.first?.time }
    var count: Int { entries.count }

    mutating func insert(_ time: RelayTime, _ target: Target) {
        let kept = entries.count >= Self.entriesMax ? .everything : target
        if kept == .everything {
            // Those of one time stand together.
            var position = lowerBound(time)
            while position < entries.count, entries[position].time == time {
                if entries[position].target == .everything { return }
                position += 1
            }
        }
        order += 1
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if (entries[middle].time.milliseconds, entries[middle].order) < (time.milliseconds, order) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        entries.insert((time, order, kept), at: low)
    }

    private func lowerBound(_ time: RelayTime) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].time < time { low = middle + 1 } else { high = middle }
        }
        return low
    }

    mutating func take(until now: RelayTime) -> [Target] {
        let count = entries.firstIndex { $0.time > now } ?? entries.count
        defer { entries.removeFirst(count) }
        return entries.prefix(count).map(\.target)
    }
}

extension RelayCore {
    /// Reads an envelope; a corrupt record is set aside and named, and nil is answered.
    mutating func envelope(_ number: UInt64, _ turn: inout Turn) -> EnvelopeRow? {
        inHand(number)
        if let active = active[number] { return active.row }
        if let row = lateRows.row(number) { return row }
        if let fresh = fresh[number] { return fresh }
        let key = Keys.envelope(number)
        guard let raw = turn.rows.value(.envelope, key) else { return nil }
        if let row = EnvelopeRow(number: number, record: raw) {
            turn.looked(recipients: row.recipients.count * 4)
            return row
        }
        setAside(.envelope, key, [UInt8](raw), &turn)
        let row = standIn(for: number, &turn)
        // In which states its recipients were is not known: the books are counted anew, if they are not just now.
        if row != nil { reckon("the record of an envelope could not be read", turn.rows) }
        return row
    }

    /// Moves an unreadable record to the table `corrupt`; it is named, counted, and stops nothing. `isReplaced`: under its key stands a new
    /// one already.
    mutating func setAside(
        _ table: Table, _ key: RowKey, _ record: [UInt8], _ turn: inout Turn, isReplaced: Bool = false
    ) {
        var aside = RowKey()
        aside.append(table.rawValue)
        for byte in key.bytes.prefix(RowKey.bytesMax - 1) { aside.append(byte) }
        turn.rows.put(.corrupt, aside, record)
        if !isReplaced { turn.rows.delete(table, key) }
        ledger.count(.corruptRecord)
        let name = key.bytes.map { String($0, radix: 16) }.joined(separator: " ")
        turn.effects.append(
            .notice(
                Notice(.alarm, "unreadable record set aside: table \(table.name), key \(name)", kind: .recordCorrupt)))
    }

    /// Writes an envelope's row; the active copy of it, if any, follows.
    mutating func save(_ row: EnvelopeRow, _ rows: any RowTransaction) {
        rows.put(.envelope, Keys.envelope(row.number), row.encoded())
        lateRows.written(row.number)
        if let place = active.index(forKey: row.number) {
            active.values[place].row = row
        } else if row.ended == .zero, row.recipients.count <= Self.freshRecipientsMax {
            fresh[row.number] = row
        } else {
            fresh[row.number] = nil
        }
    }

    /// Writes what answers have changed in this batch. Before anything that reads rows of envelopes by itself.
    public mutating func writeLateRows(_ rows: any RowTransaction) {
        for number in lateRows.takeAll() {
            if let row = active[number]?.row { rows.put(.envelope, Keys.envelope(number), row.encoded()) }
        }
    }

    /// Lists of recipients that are longer are read again.
    private static let freshRecipientsMax = 16

    /// Puts the queue row of one recipient and tells its lane.
    mutating func enqueue(_ row: EnvelopeRow, _ index: Int, _ turn: inout Turn) {
        let key = queueKey(row, index)
        turn.rows.put(.queue, key.key)
        offer(key)
    }

    mutating func offer(_ key: QueueKey) {
        let place = LaneKey(routeClass: key.routeClass, urgency: key.urgency)
        var lane = lanes[place] ?? Lane()
        lane.offer(key, sleepsOn: has(.laneStalls))
        set(lane, at: place)
    }

    /// Every change of a lane: what draws from it, and what wakes it, knows it.
    private mutating func set(_ lane: Lane, at key: LaneKey) {
        let before = lanes.updateValue(lane, forKey: key)
        if before?.waitUntil != lane.waitUntil { laneWaits[key] = lane.waitUntil }
        if before?.isWet != lane.isWet { setWet(key, lane.isWet) }
    }

    private mutating func setWet(_ key: LaneKey, _ isWet: Bool) {
        // Nobody draws from what is suspended; its rows come under another class when it is resumed.
        guard !classes.suspended.contains(key.routeClass) else { return }
        wetLanes.set(key, isWet: isWet, classes.hops[key.routeClass] ?? [])
    }

    /// The number of a list of next hops; of a new one the lanes are opened: where its record had been lost, rows may stand in them.
    mutating func routeClass(for hops: [NodeID], isSuspended: Bool = false, _ rows: any RowTransaction) -> UInt32 {
        let known = classes.order.count
        let number = classes.number(for: hops, isSuspended: isSuspended, rows)
        guard classes.order.count > known else { return number }
        for urgency in Urgency.allCases {
            let key = LaneKey(routeClass: number, urgency: urgency)
            if lanes[key]?.isWet ?? true { setWet(key, true) }
        }
        return number
    }

    /// At start nothing is known of any lane.
    mutating func openLanes() {
        for routeClass in classes.order {
            for urgency in Urgency.allCases { setWet(LaneKey(routeClass: routeClass, urgency: urgency), true) }
        }
    }

    mutating func wake(_ now: RelayTime) {
        // A lane that nobody draws from at present must not ask for a turn over and over.
        for (key, time) in laneWaits where time <= now {
            guard var lane = lanes[key] else { continue }
            lane.waitUntil = nil
            set(lane, at: key)
        }
        for target in wakeups.take(until: now) {
            switch target {
            case .lane(_, let key): offer(key)
            case .everything: reopenLanes()
            }
        }
    }

    /// Every lane is looked at again from its beginning; what is active is passed over.
    mutating func reopenLanes() {
        for key in lanes.keys { set(Lane(), at: key) }
    }

    /// The next due row of a lane that is not active yet, or nil. Looks at a bounded number of rows.
    mutating func nextInLane(_ key: LaneKey, now: RelayTime, budget: inout Int, _ rows: any RowReader) -> QueueKey? {
        var lane = lanes[key] ?? Lane()
        defer { set(lane, at: key) }
        if lane.isDry { return nil }
        if let wait = lane.waitUntil {
            guard wait <= now else { return nil }
            lane.waitUntil = nil
        }
        let prefix = QueueKey.lane(key.routeClass, key.urgency)
        while budget > 0 {
            budget -= 1
            let from = lane.scanned.map { $0.successor.key } ?? prefix
            guard let found = rows.row(.queue, atOrAfter: from), prefix.isPrefix(of: found.key),
                let queueKey = QueueKey(found.key)
            else {
                lane.isDry = true
                return nil
            }
            if queueKey.due > now {
                lane.waitUntil = queueKey.due
                return nil
            }
            lane.scanned = queueKey
            return queueKey
        }
        return nil
    }
}
