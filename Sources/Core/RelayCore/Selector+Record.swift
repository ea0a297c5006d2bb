// Selector, its record: how a job keeps it on disk.

import RelayModel
import RelayRouting
import RelayRows

extension Selector {
    /// What a field that is not set is written as; all others count from 1.
    private static func optional(_ number: UInt64?) -> UInt64 { number.map { $0 == .max ? $0 : $0 + 1 } ?? 0 }
    private static func optional(read number: UInt64) -> UInt64? { number == 0 ? nil : number - 1 }

    func encoded() -> [UInt8] {
        var out = RowWriter(capacity: 128)
        out.number(Self.optional(numbers.map { UInt64($0.count) }))
        for number in numbers ?? [] { out.number(number) }
        out.node(peer?.node)
        out.byte(peer?.isAnyHop == true ? 1 : 0)
        out.text(from?.text ?? "")
        out.text(to?.text ?? "")
        out.number(UInt64(urgencies.count))
        for urgency in urgencies.sorted() { out.byte(urgency.rawValue) }
        out.number(UInt64(states.count))
        for state in states.sorted(by: { $0.rawValue < $1.rawValue }) { out.text(state.rawValue) }
        for number in [olderThan?.count, newerThan?.count, bytesMin, bytesMax] { out.number(Self.optional(number)) }
        for text in [answer, documentID] {
            out.byte(text == nil ? 0 : 1)
            out.text(text ?? "")
        }
        out.byte(withRecords ? 1 : 0)
        if let outcome { out.text(outcome.rawValue) }
        return out.record()
    }

    init?(record: [UInt8]) {
        let read = record.withUnsafeBytes { raw -> Selector? in
            guard var row = RowCursor(raw) else { return nil }
            return Selector(&row)
        }
        guard let read else { return nil }
        self = read
    }

    private init?(_ row: inout RowCursor) {
        self.init()
        if let count = Self.optional(read: row.number()) {
            guard count <= UInt64(Self.numbersMax) else { return nil }
            numbers = (0..<count).map { _ in row.number() }
        }
        let node = row.node()
        let isAnyHop = row.byte() != 0
        peer = node.map { PeerChoice(node: $0, isAnyHop: isAnyHop) }
        from = Self.pattern(row.text())
        to = Self.pattern(row.text())
        for _ in 0..<row.count() {
            if let urgency = Urgency(rawValue: row.byte()) { urgencies.insert(urgency) }
        }
        for _ in 0..<row.count() {
            if let state = PairState(rawValue: row.text()) { states.insert(state) }
        }
        olderThan = Self.optional(read: row.number()).map { Milliseconds($0) }
        newerThan = Self.optional(read: row.number()).map { Milliseconds($0) }
        bytesMin = Self.optional(read: row.number())
        bytesMax = Self.optional(read: row.number())
        answer = Self.text(&row)
        documentID = Self.text(&row)
        withRecords = row.byte() != 0
        if !row.isAtEnd { outcome = OutcomeChoice(rawValue: row.text()) }
        guard row.isSound else { return nil }
    }

    private static func text(_ row: inout RowCursor) -> String? {
        let isThere = row.byte() != 0
        let text = row.text()
        return isThere ? text : nil
    }

    private static func pattern(_ text: String) -> AgencyPattern? {
        if text.hasSuffix(".*") { return AgencyCode(String(text.dropLast(2))).map { .subtree($0) } }
        return AgencyCode(text).map { .agency($0) }
    }
}
