// QueuePicture: the age cells of the counters, put together by next hop and urgency. A value; costs as much as there are cells,
// which is minutes of acceptance, not envelopes.

import ControlAPI
import RelayCore
import RelayModel
import RelayRows

struct QueuePicture {
    /// One minute to one week; what is older has the last bucket.
    static let bucketSeconds: [UInt64] = [60, 300, 900, 3_600, 14_400, 86_400, 604_800]

    /// The fullest first; equal ones by name.
    private(set) var rows: [QueueAnswer.Row]

    init(_ reader: any RowReader, now: RelayTime) {
        var hops: [UInt32: [String]] = [:]
        reader.scan(.routeClass, prefix: RowKey()) { key, value in
            if key.count == 4, let row = RouteClassRow(record: value) {
                hops[key.number32(at: 0)] = row.hops.map(\.name)
            }
            return true
        }
        var ages: [[String]: [UInt8: QueueAnswer.Ages]] = [:]
        for cell in AgeCell.all(reader) where cell.count > 0 {
            let list = hops[cell.routeClass] ?? []
            // A cell holds a minute; its oldest can be of the minute's first moment.
            let accepted = RelayTime(milliseconds: cell.minute.saturatingTimes(60_000))
            let seconds = now.since(accepted).count / 1_000
            let empty = QueueAnswer.Ages(buckets: Array(repeating: 0, count: Self.bucketSeconds.count + 1))
            ages[list, default: [:]][cell.urgency.rawValue, default: empty].add(cell, seconds: seconds)
        }
        rows = ages.map { list, classes in
            let lines = classes.sorted { $0.key > $1.key }.map {
                QueueAnswer.Class(urgency: Int($0.key), ages: $0.value)
            }
            var total = QueueAnswer.Ages(buckets: Array(repeating: 0, count: Self.bucketSeconds.count + 1))
            for line in lines { total.add(line.ages) }
            return QueueAnswer.Row(nextHops: list, total: total, urgencies: lines)
        }
        rows.sort { ($1.total.count, $0.nextHops.joined()) < ($0.total.count, $1.nextHops.joined()) }
    }
}

extension QueueAnswer.Ages {
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

/// The inboxes of the agencies at home here.
enum Inboxes {
    static let agenciesMax = 1_000
    /// Documents counted in one inbox; beyond it only that there are more is said.
    static let countMax: UInt64 = 1_000

    /// Hops from agency to agency; looks at a bounded number of rows.
    static func overview(_ rows: any RowReader, now: ClockReading) -> [QueueAnswer.Inbox] {
        var result: [QueueAnswer.Inbox] = []
        var from = RowKey()
        var budget = Page.scanMax
        while result.count < agenciesMax, let found = rows.row(.inbox, atOrAfter: from) {
            guard let end = found.key.firstIndex(of: 0), found.key.count >= end + 9 else { break }
            let agency = String(decoding: found.key[..<end], as: UTF8.self)
            let oldest = found.key.number(at: end + 1)
            var count: UInt64 = 0
            var isExact = budget > 0
            rows.scan(.inbox, prefix: RowKey(text: agency)) { _, _ in
                guard count < countMax, budget > 0 else {
                    isExact = false
                    return false
                }
                count += 1
                budget -= 1
                return true
            }
            result.append(
                .init(agency: agency, count: count, isExact: isExact, oldest: arrival(oldest, agency, rows, now)))
            from = RowKey()
            for byte in agency.utf8 { from.append(byte) }
            from.append(UInt8(1))
        }
        return result
    }

    private static func arrival(
        _ number: UInt64, _ agency: String, _ rows: any RowReader, _ now: ClockReading
    ) -> Timestamp? {
        guard let raw = rows.value(.envelope, Keys.envelope(number)),
            let row = EnvelopeRow(number: number, record: raw),
            let recipient = row.recipients.first(where: { $0.name == agency })
        else { return nil }
        return now.timestamp(recipient.since)
    }
}
