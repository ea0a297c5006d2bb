// QueuePicture: the age cells of the counters, put together by next hop and urgency, and by agency for what has arrived. A value; costs
// as much as there are cells, which is minutes of a day and hours of a lifetime, not envelopes.

import ControlAPI
import RelayCore
import RelayModel
import RelayRows

/// What came and went lately, by place; asked of the core.
typealias LatelyByPlace = [AgePlace: (came: UInt64, left: UInt64)]

struct QueuePicture {
    /// One minute to one week; what is older has the last bucket.
    static let bucketSeconds: [UInt64] = [60, 300, 900, 3_600, 14_400, 86_400, 604_800]
    /// Agencies shown: those that have waited longest.
    static let agenciesMax = 1_000

    /// The fullest first; equal ones by name.
    private(set) var rows: [QueueAnswer.Row]
    /// The oldest first; equal ones by code.
    private(set) var arrived: [QueueAnswer.Inbox]

    init(_ reader: any RowReader, now: ClockReading, lately: LatelyByPlace, name: (String) -> String?) {
        let ways = Self.ways(reader)
        var queued: [Way: [UInt8: QueueAnswer.Ages]] = [:]
        var inboxes: [String: QueueAnswer.Ages] = [:]
        for (cell, seconds) in AgeCell.aged(reader, at: now.relay) where cell.count > 0 {
            switch cell.place {
            case .queued(let routeClass):
                queued[ways[routeClass] ?? Way(), default: [:]][cell.urgency.rawValue, default: .empty].add(
                    cell, seconds: seconds)
            case .arrived(let agency): inboxes[agency, default: .empty].add(cell, seconds: seconds)
            }
        }
        var flows: [Way: (came: UInt64, left: UInt64)] = [:]
        for case (.queued(let routeClass), let flow) in lately {
            let way = ways[routeClass] ?? Way()
            let before = flows[way] ?? (0, 0)
            flows[way] = (before.came &+ flow.came, before.left &+ flow.left)
        }
        rows = queued.map { way, classes in
            let lines = classes.sorted { $0.key > $1.key }.map {
                QueueAnswer.Class(urgency: Int($0.key), ages: $0.value)
            }
            var total = QueueAnswer.Ages.empty
            for line in lines { total.add(line.ages) }
            var row = QueueAnswer.Row(
                nextHops: way.hops, total: total, urgencies: lines, lately: .init(flows[way]))
            row.isSuspended = way.isSuspended
            return row
        }
        rows.sort { ($1.total.count, $0.order) < ($0.total.count, $1.order) }
        arrived = inboxes.map { agency, ages in
            QueueAnswer.Inbox(
                agency: agency, name: name(agency), count: ages.count, isExact: true,
                oldest: now.timestamp(before: ages.oldestSeconds), ages: ages,
                lately: .init(lately[.arrived(agency)]))
        }
        arrived.sort { ($1.ages.oldestSeconds, $0.agency) < ($0.ages.oldestSeconds, $1.agency) }
        if arrived.count > Self.agenciesMax { arrived.removeLast(arrived.count - Self.agenciesMax) }
    }

    /// What a route class stands for.
    private struct Way: Hashable {
        var hops: [String] = []
        /// Of agencies that are suspended: nobody draws from it.
        var isSuspended = false
    }

    private static func ways(_ reader: any RowReader) -> [UInt32: Way] {
        var ways: [UInt32: Way] = [:]
        reader.scan(.routeClass, prefix: RowKey()) { key, value in
            if key.count == 4, let row = RouteClassRow(record: value) {
                ways[key.number32(at: 0)] = Way(hops: row.hops.map(\.name), isSuspended: row.isSuspended)
            }
            return true
        }
        return ways
    }

    /// What waits under lists that begin with a neighbour. What waits for a suspended agency does not wait for the neighbour.
    static func backlogs(_ reader: any RowReader, now: RelayTime) -> [String: PeersAnswer.Backlog] {
        let ways = ways(reader)
        var result: [String: PeersAnswer.Backlog] = [:]
        for (cell, seconds) in AgeCell.aged(reader, at: now) where cell.count > 0 {
            guard case .queued(let routeClass) = cell.place, let way = ways[routeClass], !way.isSuspended,
                let first = way.hops.first
            else { continue }
            result[first, default: .init()].add(cell.count, cell.bytes, seconds: seconds)
        }
        return result
    }
}

extension PeersAnswer.Backlog {
    fileprivate mutating func add(_ pairs: UInt64, _ size: UInt64, seconds: UInt64) {
        count &+= pairs
        bytes &+= size
        oldestSeconds = max(oldestSeconds, seconds)
    }
}

extension QueueAnswer.Row {
    fileprivate var order: String { nextHops.joined() + (isSuspended ? "!" : "") }
}

extension QueueAnswer.Lately {
    fileprivate init(_ flow: (came: UInt64, left: UInt64)?) {
        self.init(came: flow?.came ?? 0, left: flow?.left ?? 0)
    }
}

extension QueueAnswer.Ages {
    fileprivate static var empty: Self {
        .init(buckets: Array(repeating: 0, count: QueuePicture.bucketSeconds.count + 1))
    }

    fileprivate mutating func add(_ cell: AgeCell, seconds: UInt64) {
        count &+= cell.count
        bytes &+= cell.bytes
        oldestSeconds = max(oldestSeconds, seconds)
        let bucket = QueuePicture.bucketSeconds.firstIndex { seconds <= $0 } ?? QueuePicture.bucketSeconds.count
        buckets[bucket] &+= cell.count
    }

    fileprivate mutating func add(_ other: QueueAnswer.Ages) {
        count &+= other.count
        bytes &+= other.bytes
        oldestSeconds = max(oldestSeconds, other.oldestSeconds)
        for index in buckets.indices { buckets[index] &+= other.buckets[index] }
    }
}
