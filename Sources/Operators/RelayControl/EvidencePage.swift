// EvidencePage: GET /v1/ledger/{node}/envelopes: what this node's books say, envelope by envelope, of what it has from another node, what
// it has handed to it, and what that node has reported as delivered. A node whose store was restored compares with it. Pages look at
// a bounded number of rows: first what is here, then what has ended, then the reports.

import ControlAPI
import Hummingbird
import RelayCore
import RelayModel
import RelayRows

extension ControlServer {
    func addEvidence(to router: Router<ControlContext>) {
        router.get("v1/ledger/{peer}/envelopes") { request, context in
            try await requireSee(context)
            let query = try ControlQuery(request, known: ["since", "limit", "cursor"])
            let text = try context.text("peer")
            guard let about = NodeID(shortName: text) ?? NodeID(text: text) else {
                throw ControlError.badRequest("\(printable(text)) is not a node name; edocctl peers lists them")
            }
            let walk = try EvidenceWalk(query, about: about, node: node.configuration.settings.node)
            let limit = try query.limit()
            let now = node.now
            return try json(try await node.read { rows in walk.page(rows, limit: limit, now: now) })
        }
    }
}

/// One page of the walk; where it ended is in the cursor: a letter for the table, then the key.
struct EvidenceWalk: Sendable {
    private let about: NodeID
    private let node: NodeID
    private let since: Timestamp?
    private let table: Character
    private let from: RowKey?

    /// Keys and times of different clocks are compared with this much to spare.
    private static let margin = Milliseconds.days(2)
    private static let lifetimeMax: UInt64 = 180 * 86_400_000

    init(_ query: ControlQuery, about: NodeID, node: NodeID) throws {
        self.about = about
        self.node = node
        since = try query.time("since")
        guard let text = try query.one("cursor") else {
            table = "e"
            from = nil
            return
        }
        guard let letter = text.first, "ehrz".contains(letter) else {
            throw ControlError.badRequest("the cursor is not one that this node gave")
        }
        table = letter
        if text.count == 1 {
            from = nil
        } else {
            guard let key = RowKey(hex: text.dropFirst()) else {
                throw ControlError.badRequest("the cursor is not one that this node gave")
            }
            from = key
        }
    }

    func page(_ rows: any RowReader, limit: Int, now: ClockReading) -> EvidenceAnswer {
        var answer = EvidenceAnswer()
        switch table {
        case "e": envelopes(rows, limit, &answer)
        case "h": history(rows, limit, now, &answer)
        case "r": reports(rows, limit, &answer)
        default: end(&answer)
        }
        return answer
    }

    private func isFull(_ answer: EvidenceAnswer, _ limit: Int) -> Bool {
        answer.lines.count >= limit || answer.scanned >= Page.scanMax
    }

    private func line(_ name: String, _ recipient: String, _ what: String, _ time: Timestamp) -> EvidenceLine {
        EvidenceLine(from: node.name, about: about.name, name: name, recipient: recipient, what: what, time: time)
    }

    /// What is here and has not ended; the newest first.
    private func envelopes(_ rows: any RowReader, _ limit: Int, _ answer: inout EvidenceAnswer) {
        var next = from ?? Keys.envelope(.max)
        while let found = rows.row(.envelope, before: next) {
            if isFull(answer, limit) {
                answer.cursor = "e" + next.hex
                return
            }
            answer.scanned += 1
            next = RowKey(copying: found.key)
            guard let row = EnvelopeRow(number: found.key.number(at: 0), record: found.value) else { continue }
            if let since, row.arrivalWall.timestamp.unixMilliseconds + Int64(Self.margin.count) < since.unixMilliseconds
            {
                break
            }
            guard row.origin == about, row.isComplete, row.kind != .administrative else { continue }
            for recipient in row.recipients where !recipient.state.isEnd {
                answer.lines.append(
                    line(row.bundle.envelopeName, recipient.name, "taken", row.arrivalWall.timestamp))
            }
        }
        answer.cursor = "h"
    }

    private func history(_ rows: any RowReader, _ limit: Int, _ now: ClockReading, _ answer: inout EvidenceAnswer) {
        var next = from ?? RowKey(UInt64.max)
        let oldest = since.map { since in
            let back = UInt64(max(now.wall.timestamp.unixMilliseconds - since.unixMilliseconds, 0)) + Self.margin.count
            return now.relay.milliseconds > back ? now.relay.milliseconds - back : 0
        }
        while let found = rows.row(.history, before: next) {
            if isFull(answer, limit) {
                answer.cursor = "h" + next.hex
                return
            }
            answer.scanned += 1
            next = RowKey(copying: found.key)
            if let oldest, found.key.number(at: 0) < oldest { break }
            guard let row = HistoryRow(record: found.value) else { continue }
            if let since, row.ended.timestamp < since { continue }
            let name = row.bundle.envelopeName
            // What was lost in part was never in this node's custody.
            if row.reason == .lostInPart { continue }
            if row.origin == about { answer.lines.append(line(name, row.recipient, "taken", row.accepted.timestamp)) }
            if row.state == .forwarded, row.peer == about {
                answer.lines.append(line(name, row.recipient, "forwarded", row.ended.timestamp))
            }
        }
        answer.cursor = "r"
    }

    /// Says that nothing is missing behind it, and from when on the books were looked through.
    private func end(_ answer: inout EvidenceAnswer) {
        answer.lines.append(line("", "", EvidenceLine.end, since ?? Timestamp(unixMilliseconds: 0)))
    }

    /// Of what was handed in here: the reports of the node in question that an agency has it.
    private func reports(_ rows: any RowReader, _ limit: Int, _ answer: inout EvidenceAnswer) {
        let prefix = RowKey(text: node.endpoint.text)
        let epoch = WallTime.unixSecondsAtEpoch * 1_000
        let start = since.map { UInt64($0.unixMilliseconds) }.map {
            $0 > epoch + Self.lifetimeMax ? $0 - epoch - Self.lifetimeMax : 0
        }
        var last: RowKey?
        answer.cursor = "z"
        (from ?? prefix.adding(start ?? 0)).withBytes { raw in
            rows.scan(.report, from: raw) { key, value in
                guard prefix.isPrefix(of: key) else { return false }
                if isFull(answer, limit) {
                    answer.cursor = last.map { "r" + $0.hex }
                    return false
                }
                answer.scanned += 1
                var after = RowKey(copying: key)
                after.append(UInt8(0))
                last = after
                guard let row = ReportRow(record: value), row.state == .delivered, row.path.last?.node == about else {
                    return true
                }
                let time = row.time.timestamp
                if let since, time < since { return true }
                answer.lines.append(line(row.bundle.envelopeName, row.recipient.text, "delivered", time))
                return true
            }
        }
    }
}

extension RowKey {
    var hex: String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }

    /// Nil for what is not a key in hexadecimal.
    init?(hex text: some StringProtocol) {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2), (2...2 * RowKey.bytesMax + 2).contains(digits.count) else { return nil }
        self.init()
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16) else {
                return nil
            }
            append(byte)
        }
    }
}
