// AgeCells: how many pairs wait, by where and since when, in cells of a minute; cells older than a day are put together by the
// hour, so that a picture costs as much as there are hours in a lifetime, whatever the backlog. Rows of the table `counter`, changed in
// the transaction of what they count. Flows: what came and went in the last minutes, in memory, for "is it still growing?".

import RelayModel
import RelayRows

/// Where something waits.
public enum AgePlace: Hashable, Sendable, Comparable {
    /// To be sent, under a route class.
    case queued(UInt32)
    /// In the inbox of an agency.
    case arrived(String)
}

/// A cell: a place, an urgency where it queues, and the minute of acceptance, or of arrival.
struct AgeKey: Hashable, Comparable {
    var place: AgePlace
    var urgency: Urgency
    var minute: UInt64

    static func queued(_ routeClass: UInt32, _ row: EnvelopeRow) -> AgeKey {
        AgeKey(place: .queued(routeClass), urgency: row.urgency, minute: row.arrival.milliseconds / 60_000)
    }

    static func arrived(_ agency: String, at time: RelayTime) -> AgeKey {
        AgeKey(place: .arrived(agency), urgency: .normal, minute: time.milliseconds / 60_000)
    }

    static func < (left: AgeKey, right: AgeKey) -> Bool {
        if left.place != right.place { return left.place < right.place }
        return (left.urgency.rawValue, left.minute) < (right.urgency.rawValue, right.minute)
    }

    /// The key of its row; of a minute before `hourlyBefore` that of its hour.
    func key(_ hourlyBefore: UInt64) -> RowKey {
        AgeCells.lane(place, urgency).adding(
            minute < hourlyBefore ? minute - minute % AgeCells.minutesTogether : minute)
    }
}

/// What one batch changes in a cell.
struct AgeChange {
    var count: Int64 = 0
    var bytes: Int64 = 0
    var came: UInt64 = 0
    var left: UInt64 = 0

    mutating func add(_ sign: Int64, _ size: Int64) {
        count += sign
        bytes += sign * size
        if sign > 0 { came += 1 } else { left += 1 }
    }
}

/// The rows of the cells.
enum AgeCells {
    /// An hour.
    static let minutesTogether: UInt64 = 60
    /// Cells of the last day are of minutes.
    static let minutesApart: UInt64 = 24 * 60
    static let queuedMark: UInt8 = 1
    static let arrivedMark: UInt8 = 2

    /// What the keys of all cells of a place and urgency begin with.
    static func lane(_ place: AgePlace, _ urgency: Urgency) -> RowKey {
        var key = RowKey()
        switch place {
        case .queued(let routeClass):
            key.append(queuedMark)
            key.append(routeClass)
            key.append(urgency.rawValue)
        case .arrived(let agency):
            key.append(arrivedMark)
            key.append(text: agency)
        }
        return key
    }

    /// Adds to a cell; an empty one goes.
    static func add(_ count: Int64, _ bytes: Int64, to key: RowKey, _ rows: any RowTransaction) {
        var count = count
        var bytes = bytes
        if let raw = rows.value(.counter, key), var row = RowCursor(raw) {
            count &+= Int64(bitPattern: row.number())
            bytes &+= Int64(bitPattern: row.number())
        }
        if count == 0 {
            rows.delete(.counter, key)
        } else {
            var out = RowWriter(capacity: 32)
            out.number(UInt64(bitPattern: count))
            out.number(UInt64(bitPattern: bytes))
            rows.put(.counter, key, out.record())
        }
    }

    /// Puts the minutes of one more hour together in every lane, if that hour is over for a day; answers the new mark, nil when
    /// there is nothing to do. Costs as much as there are lanes, and at most 60 cells in each.
    static func compact(_ hourlyBefore: UInt64, now: RelayTime, _ rows: any RowTransaction) -> UInt64? {
        let minute = now.milliseconds / 60_000
        guard minute > minutesApart else { return nil }
        let last = (minute - minutesApart) / minutesTogether * minutesTogether
        guard hourlyBefore < last else { return nil }
        var mark = last
        var lanes: [RowKey] = []
        // The oldest minute that stands by itself; hours in which nothing waits are passed over at once.
        for first in [queuedMark, arrivedMark] {
            var from = RowKey()
            from.append(first)
            while let found = rows.row(.counter, atOrAfter: from), found.key.first == first, found.key.count > 8 {
                let lane = RowKey(copying: UnsafeRawBufferPointer(rebasing: found.key.dropLast(8)))
                lanes.append(lane)
                if let next = rows.row(.counter, atOrAfter: lane.adding(hourlyBefore)), lane.isPrefix(of: next.key) {
                    let oldest = next.key.number(at: next.key.count - 8)
                    mark = min(mark, oldest - oldest % minutesTogether + minutesTogether)
                }
                from = lane.adding(UInt64.max)
                from.append(UInt8(0))
            }
        }
        guard mark > hourlyBefore else { return nil }
        for lane in lanes { compact(lane, from: hourlyBefore, to: mark, rows) }
        return mark
    }

    private static func compact(_ lane: RowKey, from: UInt64, to end: UInt64, _ rows: any RowTransaction) {
        var minutes: [UInt64] = []
        lane.adding(from).withBytes { start in
            rows.scan(.counter, from: start) { key, _ in
                guard lane.isPrefix(of: key), key.count == lane.bytes.count + 8 else { return false }
                let minute = key.number(at: key.count - 8)
                guard minute < end else { return false }
                if minute % minutesTogether != 0 { minutes.append(minute) }
                return true
            }
        }
        for minute in minutes {
            let key = lane.adding(minute)
            guard let raw = rows.value(.counter, key), var row = RowCursor(raw) else { continue }
            let (count, bytes) = (Int64(bitPattern: row.number()), Int64(bitPattern: row.number()))
            rows.delete(.counter, key)
            add(count, bytes, to: lane.adding(minute - minute % minutesTogether), rows)
        }
    }
}

/// Pairs that came to and left a place in each of the last minutes.
public struct Flows: Sendable {
    /// Minutes looked back to.
    public static let minutes: UInt64 = 5

    private struct Ring {
        var minute: UInt64 = 0
        var came = [UInt64](repeating: 0, count: Int(Flows.minutes))
        var left = [UInt64](repeating: 0, count: Int(Flows.minutes))

        /// Forgets what lies further back than the ring reaches.
        mutating func turn(to now: UInt64) {
            guard now > minute else { return }
            for step in 1...min(now - minute, Flows.minutes) {
                let place = Int((minute + step) % Flows.minutes)
                came[place] = 0
                left[place] = 0
            }
            minute = now
        }
    }
    private var rings: [AgePlace: Ring] = [:]

    mutating func note(_ place: AgePlace, _ change: AgeChange, _ now: RelayTime) {
        let minute = now.milliseconds / 60_000
        var ring = rings[place] ?? Ring(minute: minute)
        ring.turn(to: minute)
        ring.came[Int(minute % Self.minutes)] &+= change.came
        ring.left[Int(minute % Self.minutes)] &+= change.left
        rings[place] = ring
    }

    /// What came and went in the last minutes, the running one included; places where nothing did are not named.
    public func lately(_ now: RelayTime) -> [AgePlace: (came: UInt64, left: UInt64)] {
        var result: [AgePlace: (came: UInt64, left: UInt64)] = [:]
        for (place, ring) in rings {
            var ring = ring
            ring.turn(to: now.milliseconds / 60_000)
            let (came, left) = (ring.came.reduce(0, &+), ring.left.reduce(0, &+))
            if came > 0 || left > 0 { result[place] = (came, left) }
        }
        return result
    }

    /// Places where nothing has happened lately are forgotten.
    mutating func forget(_ now: RelayTime) {
        let minute = now.milliseconds / 60_000
        rings = rings.filter { $0.value.minute + Self.minutes > minute }
    }
}

extension Ledger {
    /// Where the cells stand, as the store says.
    mutating func load(_ rows: any RowTransaction, now: RelayTime) {
        hourlyBefore = rows.number(.meta, "agesHourlyBefore")
        let from = rows.number(.meta, "arrivedCellsFrom")
        if from == 0 {
            rows.setNumber(.meta, "arrivedCellsFrom", max(now.milliseconds, 1))
            arrivedCellsFrom = now
        } else {
            arrivedCellsFrom = RelayTime(milliseconds: from)
        }
    }

    /// True when there may be more to put together.
    mutating func compactAges(_ rows: any RowTransaction, now: RelayTime) -> Bool {
        flows.forget(now)
        guard let mark = AgeCells.compact(hourlyBefore, now: now, rows) else { return false }
        hourlyBefore = mark
        rows.setNumber(.meta, "agesHourlyBefore", mark)
        return true
    }
}

/// One cell of the age picture, as it is stored: its minute is the minute of acceptance or arrival (relay time), or the first minute of
/// that hour.
public struct AgeCell: Sendable, Hashable {
    public var place: AgePlace
    public var urgency: Urgency
    public var minute: UInt64
    public var count: UInt64
    public var bytes: UInt64

    /// All cells, by scanning the counters, never the envelopes.
    public static func all(_ rows: any RowReader) -> [AgeCell] {
        var cells: [AgeCell] = []
        for mark in [AgeCells.queuedMark, AgeCells.arrivedMark] {
            var prefix = RowKey()
            prefix.append(mark)
            rows.scan(.counter, prefix: prefix) { key, value in
                if let cell = AgeCell(key, value) { cells.append(cell) }
                return true
            }
        }
        return cells
    }

    /// All cells, each with the age of its oldest. A cell knows the minute only: what came a second ago would be as old as its minute.
    /// So the oldest cell of a lane asks the first rows of that lane, as long as a minute makes a difference.
    public static func aged(_ rows: any RowReader, at now: RelayTime) -> [(cell: AgeCell, seconds: UInt64)] {
        var lanes: Set<Lane> = []
        return all(rows).map { cell in
            let began = RelayTime(milliseconds: cell.minute.saturatingTimes(60_000))
            let isOldest = cell.count > 0 && lanes.insert(Lane(place: cell.place, urgency: cell.urgency)).inserted
            let isFine = isOldest && now.since(began) < .hours(2)
            return (cell, now.since(isFine ? cell.oldest(rows) ?? began : began).count / 1_000)
        }
    }

    private struct Lane: Hashable {
        var place: AgePlace
        var urgency: Urgency
    }

    /// Rows looked at for the oldest of a cell; mostly it is the first.
    private static let rowsLooked = 8

    /// When the oldest of this cell came, among the first rows of its lane; nil when none of them is of it.
    private func oldest(_ rows: any RowReader) -> RelayTime? {
        var numbers: [UInt64] = []
        let (table, prefix): (Table, RowKey) =
            switch place {
            case .queued(let routeClass): (.queue, QueueKey.lane(routeClass, urgency))
            case .arrived(let agency): (.inbox, Keys.inbox(agency))
            }
        rows.scan(table, prefix: prefix) { key, _ in
            guard key.count >= 8 else { return true }
            numbers.append(key.number(at: key.count - 8))
            return numbers.count < Self.rowsLooked
        }
        let times = numbers.compactMap { number -> RelayTime? in
            guard let record = rows.value(.envelope, Keys.envelope(number)) else { return nil }
            guard case .arrived(let agency) = place else {
                // Reports are in no cell.
                let glance = EnvelopeGlance(number: number, record: record)
                return glance?.kind == .administrative ? nil : glance?.arrival
            }
            return EnvelopeRow(number: number, record: record)?.recipients.first { $0.name == agency }?.since
        }
        return times.filter { $0.milliseconds / 60_000 == minute }.min()
    }

    private init?(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard var row = RowCursor(value) else { return nil }
        if key.first == AgeCells.queuedMark {
            guard key.count == 14, let urgency = Urgency(rawValue: key[5]) else { return nil }
            place = .queued(key.number32(at: 1))
            self.urgency = urgency
        } else {
            guard key.count > 10, let end = key.firstIndex(of: 0), key.count == end + 9 else { return nil }
            place = .arrived(String(decoding: key[1..<end], as: UTF8.self))
            urgency = .normal
        }
        minute = key.number(at: key.count - 8)
        count = UInt64(max(Int64(bitPattern: row.number()), 0))
        bytes = UInt64(max(Int64(bitPattern: row.number()), 0))
    }
}
