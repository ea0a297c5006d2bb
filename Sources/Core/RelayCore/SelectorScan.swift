// SelectorScan: goes through the rows that a selector can mean, by the narrowest index that there is, a bounded number of rows a
// page. Its place between two pages is a cursor: where it stands in which index. Rows that stay where they are come neither twice
// nor not at all; an envelope that is tried between two pages may come again. Pure over the rows of one snapshot.

import RelayModel
import RelayRouting
import RelayRows

/// Where a scan goes on: which leg, and behind which key.
public struct ScanPlace: Sendable, Hashable {
    /// The leg's name (SelectorScan.name), which stays its own when there are others between two pages.
    public var leg: Int
    /// Empty: at the leg's beginning.
    public var after: [UInt8]
    /// The index is used below this number, and rows are scanned above it: fixed for the whole scan, or what is indexed between two
    /// pages would be missed. Nil: as it stands at the first page.
    public var mark: UInt64?
    public init(leg: Int = 0, after: [UInt8] = [], mark: UInt64? = nil) {
        self.leg = leg
        self.after = after
        self.mark = mark
    }

    /// As clients carry it: the leg, the mark, and the key in hexadecimal, with dots between them.
    public var text: String {
        var text = String(leg) + "." + (mark.map { String($0) } ?? "") + "."
        for byte in after { text += (byte < 16 ? "0" : "") + String(byte, radix: 16) }
        return text
    }

    public init?(text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let leg = Int(parts[0]), leg >= 0 else { return nil }
        let mark = UInt64(parts[1])
        guard mark != nil || parts[1].isEmpty else { return nil }
        let digits = Array(parts[2].utf8)
        guard digits.count % 2 == 0, digits.count <= 2 * RowKey.bytesMax else { return nil }
        var bytes: [UInt8] = []
        for position in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[position...position + 1], as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(byte)
        }
        self.init(leg: leg, after: bytes, mark: mark)
    }
}

/// One selector's way through the store.
public struct SelectorScan: Sendable {
    /// One index, or a part of it.
    enum Leg: Sendable, Hashable {
        /// Named envelopes.
        case numbers([UInt64])
        /// Rows of `lookup`: of one text, or of all texts that begin so.
        case lookup(LookupKind, text: String, isPrefix: Bool)
        /// Rows of `queue`: of one class, or of all.
        case queue(UInt32?)
        /// What stands in no queue and no inbox.
        case parked
        /// Documents in inboxes: of one agency, or of all.
        case inbox(String?)
        /// Every envelope that is remembered.
        case envelopes
        /// Those above the mark, which no index row finds yet: all of them, or what is parked.
        case recent(isParkedOnly: Bool)
        /// Those from elsewhere below the mark, ended ones too, which are not found by their document ID.
        case elsewhere
        /// Pairs that were handed in here and are not delivered.
        case outcomes(isBad: Bool)
    }

    public let selector: Selector
    let legs: [Leg]
    /// Where it stands; nil at the end.
    public private(set) var place: ScanPlace?
    /// Rows looked at by this value.
    public private(set) var scanned: UInt64 = 0

    /// `place`: where an earlier page ended. The legs follow from the selector, the route classes and whether the index is whole.
    public init(
        _ selector: Selector, _ context: SelectorContext, _ rows: any RowReader, from place: ScanPlace = .init()
    ) {
        self.selector = selector
        legs = Self.legs(selector, context)
        mark = place.mark ?? LookupIndex.mark(rows)
        names = Self.names(legs)
        self.place = Self.position(place.leg, names).map { position in
            // A leg that is no more (a route class of another hop by now) was left behind: the next one begins.
            names[position] == place.leg ? place : ScanPlace(leg: names[position], mark: place.mark)
        }
    }

    private let names: [Int]

    /// Ascending. The queue of a route class is named by its class, and what comes behind the queues by itself: the peer of a selector
    /// may gain and lose classes between two pages.
    private static func names(_ legs: [Leg]) -> [Int] {
        legs.enumerated().map { position, leg in
            switch leg {
            case .queue(let routeClass?): Int(routeClass) + 1
            case .recent(isParkedOnly: true): 1 << 40
            case .parked: 1 << 40 | 1
            default: position + 1
            }
        }
    }

    private static func position(_ name: Int, _ names: [Int]) -> Int? { names.firstIndex { $0 >= name } }

    private let mark: UInt64

    public var isAtEnd: Bool { place == nil }

    /// How many rows its index has in all; nil where that is not known without counting.
    public func total(_ rows: any RowReader) -> UInt64? {
        if legs == [.envelopes] { return rows.count(.envelope) }
        if legs == Self.everything { return rows.count(.queue) + rows.count(.inbox) + parkedMax(rows) }
        return nil
    }

    /// Not fewer than there are rows in the legs behind the queues: what is held, being deleted or set aside, and the newest, which are all
    /// looked at.
    private func parkedMax(_ rows: any RowReader) -> UInt64 {
        var most: UInt64 = 0
        for state in [RecipientState.held, .deleting, .corrupt] {
            for admin in [false, true] { most += rows.number(.counter, CounterKey.state(state, admin: admin).name) }
        }
        let newest = rows.row(.envelope, before: Keys.envelope(.max))?.key.number(at: 0) ?? 0
        return most + (newest >= mark ? newest - mark + 1 : 0)
    }

    private static let parked: [Leg] = [.recent(isParkedOnly: true), .parked]
    private static let everything: [Leg] = [.queue(nil), .inbox(nil)] + parked

    private static func legs(_ selector: Selector, _ context: SelectorContext) -> [Leg] {
        if let numbers = selector.numbers { return [.numbers(numbers)] }
        if let document = selector.documentID {
            let indexed: [Leg] = [.recent(isParkedOnly: false), .lookup(.documentID, text: document, isPrefix: false)]
            return selector.meansEnded ? indexed + [.elsewhere] : indexed
        }
        switch selector.outcome {
        case nil, .delivered: break
        case .undelivered: return [.outcomes(isBad: true), .outcomes(isBad: false)]
        default: return [.outcomes(isBad: true)]
        }
        // The other indexes know only what is in the store.
        if selector.meansEnded { return [.envelopes] }
        var states = selector.states
        if states.contains(.held) { states.insert(.heldExpired) }
        let isParkedOnly =
            !states.isEmpty && states.isSubset(of: [.held, .heldExpired, .deleting, .corrupt])
        if isParkedOnly { return parked }
        switch (selector.to, selector.from) {
        case (.agency(let code), _):
            if states == [.arrived] { return [.inbox(code.text)] }
            return [.recent(isParkedOnly: false), .lookup(.recipient, text: code.text, isPrefix: false)]
        case (_, .agency(let code)):
            return [.recent(isParkedOnly: false), .lookup(.sender, text: code.text, isPrefix: false)]
        default: break
        }
        if states == [.arrived] { return [.inbox(nil)] }
        if let peer = selector.peer {
            let classes = context.hops.filter { $0.value.contains(peer.node) }.keys.sorted()
            return classes.map { .queue($0) } + parked
        }
        switch (selector.to, selector.from) {
        case (.subtree(let code), _): return subtree(.recipient, code)
        case (_, .subtree(let code)): return subtree(.sender, code)
        default: return everything
        }
    }

    /// An agency, and then every body below it.
    private static func subtree(_ kind: LookupKind, _ code: AgencyCode) -> [Leg] {
        [
            .recent(isParkedOnly: false), .lookup(kind, text: code.text, isPrefix: false),
            .lookup(kind, text: code.text + ".", isPrefix: true),
        ]
    }

    /// Looks at up to `budget` more rows. The body gets each envelope that has pairs that are meant, with their indexes, and
    /// answers false to stop behind it. An envelope with several recipients can come several times, each time with other indexes.
    public mutating func run(
        _ rows: any RowReader, _ context: SelectorContext, budget: Int, _ body: (EnvelopeRow, [Int]) -> Bool
    ) {
        var left = budget
        while let here = place, left > 0 {
            guard let position = Self.position(here.leg, names) else { return place = nil }
            var last: RowKey?
            let before = left
            walk(legs[position], after: here.after, rows) { key, found in
                left -= 1
                let goesOn = look(found, rows, context, body) && left > 0
                // Copied once a page, not once a row.
                if !goesOn { last = key() }
                return goesOn
            }
            scanned += UInt64(before - left)
            if let last {
                place = ScanPlace(leg: here.leg, after: last.bytes, mark: mark)
                return
            }
            place = position + 1 < legs.count ? ScanPlace(leg: names[position + 1], mark: mark) : nil
        }
    }

    /// One envelope. Most of those that do not fit are told by a glance.
    private func look(
        _ found: Found, _ rows: any RowReader, _ context: SelectorContext, _ body: (EnvelopeRow, [Int]) -> Bool
    ) -> Bool {
        guard let record = found.record ?? rows.value(.envelope, Keys.envelope(found.number)),
            let glance = EnvelopeGlance(number: found.number, record: record),
            selector.matches(envelope: glance, context), selector.mayMatchRecipient(of: glance),
            let row = EnvelopeRow(number: found.number, record: record)
        else { return true }
        let indexes = selector.recipients(of: row, context).filter {
            found.means(row, $0) && meansOutcome(row, $0, rows)
        }
        return indexes.isEmpty || body(row, indexes)
    }

    private func meansOutcome(_ row: EnvelopeRow, _ index: Int, _ rows: any RowReader) -> Bool {
        guard let choice = selector.outcome else { return true }
        guard row.origin == nil, let code = AgencyCode(row.recipients[index].name),
            let known = Outcomes.state(row.bundle, code, rows)
        else { return false }
        return choice.means(known)
    }

    /// An index row: which envelope, and which of its recipients it stands for.
    private struct Found {
        enum Part {
            case all
            case queued(QueueKey)
            case named(String)
            case parked
            case arrived(String)
            /// In the row of a document from elsewhere that has ended: nothing else of it is left to be found.
            case endedElsewhere
        }
        var number: UInt64
        var part: Part
        /// The envelope's own record, where the index is the envelopes' table.
        var record: UnsafeRawBufferPointer?

        func means(_ row: EnvelopeRow, _ index: Int) -> Bool {
            let recipient = row.recipients[index]
            switch part {
            case .all: return true
            case .queued(let key):
                return recipient.state.isQueued && recipient.routeClass == key.routeClass && recipient.due == key.due
            case .named(let name): return recipient.name == name
            case .parked: return LookupIndex.isParked(recipient, in: row)
            case .arrived(let name): return recipient.state == .arrived && recipient.name == name
            case .endedElsewhere: return row.origin != nil && row.ended != .zero
            }
        }
    }

    /// The rows of a leg behind a key, until the body answers false. The body gets the row's key as one that can be kept.
    private func walk(
        _ leg: Leg, after: [UInt8], _ rows: any RowReader, _ body: (() -> RowKey, Found) -> Bool
    ) {
        switch leg {
        case .numbers(let numbers):
            let last = after.count == 8 ? after.withUnsafeBytes { $0.number(at: 0) } : nil
            for number in numbers where last.map({ number > $0 }) ?? true {
                guard body({ RowKey(number) }, Found(number: number, part: .all)) else { return }
            }
        case .lookup(let kind, let text, let isPrefix):
            let prefix = isPrefix ? Keys.lookup(kind, beginning: text) : Keys.lookup(kind, text)
            walk(.lookup, prefix, after, rows, body) { key, _ in
                guard key.count > 10, let end = key.dropFirst().firstIndex(of: 0), key.count == end + 9 else {
                    return nil
                }
                let name = String(decoding: key[1..<end], as: UTF8.self)
                let number = key.number(at: end + 1)
                return number < mark ? Found(number: number, part: kind == .recipient ? .named(name) : .all) : nil
            }
        case .queue(let routeClass):
            walk(.queue, routeClass.map { Keys.routeClass($0) } ?? RowKey(), after, rows, body) { key, _ in
                QueueKey(key).map { Found(number: $0.number, part: .queued($0)) }
            }
        case .parked:
            walk(.lookup, Keys.lookup(.parked, ""), after, rows, body) { key, _ in
                key.count == 10 && key.number(at: 2) < mark ? Found(number: key.number(at: 2), part: .parked) : nil
            }
        case .inbox(let agency):
            walk(.inbox, agency.map { RowKey(text: $0) } ?? RowKey(), after, rows, body) { key, _ in
                guard let end = key.firstIndex(of: 0), key.count >= end + 9 else { return nil }
                let name = String(decoding: key[..<end], as: UTF8.self)
                return Found(number: key.number(at: end + 1), part: .arrived(name))
            }
        case .envelopes:
            walk(.envelope, RowKey(), after, rows, body) { key, record in
                Found(number: key.number(at: 0), part: .all, record: record)
            }
        case .recent(let isParkedOnly):
            let start = after.isEmpty && mark > 0 ? RowKey(mark - 1).bytes : after
            walk(.envelope, RowKey(), start, rows, body) { key, record in
                Found(number: key.number(at: 0), part: isParkedOnly ? .parked : .all, record: record)
            }
        case .outcomes(let isBad):
            walk(.outcome, Keys.outcomes(isBad: isBad), after, rows, body) { _, record in
                OutcomeRow(record: record).flatMap {
                    $0.about.number > 0 ? Found(number: $0.about.number, part: .named($0.about.recipient.text)) : nil
                }
            }
        case .elsewhere:
            walk(.envelope, RowKey(), after, rows, body) { key, record in
                key.number(at: 0) < mark ? Found(number: key.number(at: 0), part: .endedElsewhere, record: record) : nil
            }
        }
    }

    /// The rows of a prefix behind a key. A row of another shape is passed over.
    private func walk(
        _ table: Table, _ prefix: RowKey, _ after: [UInt8], _ rows: any RowReader,
        _ body: (() -> RowKey, Found) -> Bool, read: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Found?
    ) {
        var from = prefix
        if !after.isEmpty {
            from = after.withUnsafeBytes { RowKey(copying: $0) }
            from.append(UInt8(0))
        }
        from.withBytes { from in
            rows.scan(table, from: from) { key, value in
                guard prefix.isPrefix(of: key) else { return false }
                guard let found = read(key, value) else { return true }
                return body({ RowKey(copying: key) }, found)
            }
        }
    }
}
