// SelectorReading: from the texts of a selector (query or JSON) to the core's value: names are looked up, codes made canonical, words
// and spans understood. What cannot be understood is a `ControlError` that says what to write instead. Looks at a bounded number
// of rows.

import ControlAPI
import RelayConfiguration
import RelayCore
import RelayModel
import RelayRouting
import RelayRows

extension SelectorValues {
    /// Of a list's query.
    init(_ query: ControlQuery) throws {
        self.init()
        envelope = try query.every("envelope")
        urgency = try query.every("urgency")
        state = try query.every("state")
        peer = try query.one("peer")
        hop = try query.one("hop")
        from = try query.one("from")
        to = try query.one("to")
        older = try query.one("older")
        newer = try query.one("newer")
        larger = try query.one("larger")
        smaller = try query.one("smaller")
        answer = try query.one("answer")
        document = try query.one("document")
        outcome = try query.one("outcome")
        switch try query.one("records") {
        case nil: records = nil
        case "true": records = true
        case "false": records = false
        default: throw ControlError.badRequest("records is true or false")
        }
    }
}

extension Selector {
    /// Longer texts are nobody's document ID or reason.
    private static var textBytesMax: Int { 1_024 }

    init(_ values: SelectorValues, _ configuration: Configuration, _ rows: any RowReader) throws {
        self.init()
        if !values.envelope.isEmpty { numbers = try Self.numbers(values.envelope, rows) }
        peer = try Self.peer(values, configuration, rows)
        from = try values.from.map { try Self.agency($0, "from", .sender, configuration, rows) }
        to = try values.to.map { try Self.agency($0, "to", .recipient, configuration, rows) }
        for text in values.urgency { urgencies.formUnion(try Self.urgencies(text)) }
        for text in values.state { states.insert(try Self.state(text)) }
        olderThan = try values.older.map { try Self.span($0, "older") }
        newerThan = try values.newer.map { try Self.span($0, "newer") }
        bytesMin = try values.larger.map { try Self.size($0, "larger") }
        bytesMax = try values.smaller.map { try Self.size($0, "smaller") }
        answer = try values.answer.map { try Self.text($0, "answer").lowercased() }
        documentID = try values.document.map { try Self.text($0, "document") }
        withRecords = values.records ?? false
        outcome = try values.outcome.map(Self.outcome)
    }

    private static func outcome(_ text: String) throws -> OutcomeChoice {
        guard let choice = OutcomeChoice(rawValue: text) else {
            let words = OutcomeChoice.allCases.map(\.rawValue).joined(separator: ", ")
            throw ControlError.badRequest("outcome must be one of \(words)")
        }
        return choice
    }

    private static func numbers(_ names: [String], _ rows: any RowReader) throws -> [UInt64] {
        guard names.count <= numbersMax else {
            throw ControlError.badRequest("at most \(numbersMax) envelopes can be named at once; use other conditions")
        }
        var result: Set<UInt64> = []
        for name in names {
            guard name.contains(where: { !$0.isWhitespace }) else {
                throw ControlError.badRequest("an envelope is named by nothing; edocctl list shows what is here")
            }
            // A number means that copy alone; a name means all copies of the envelope here.
            if let number = UInt64(name), EnvelopeSearch.envelope(number, rows) != nil {
                result.insert(number)
                continue
            }
            let (bundle, numbers) = try EnvelopeSearch.find(name, rows).resolved(name)
            guard !numbers.isEmpty else {
                throw ControlError.notFound("\(printable(bundle.envelopeName)) is not here, or no longer")
            }
            result.formUnion(numbers)
        }
        return result.sorted()
    }

    /// Also one that has left the configuration while it was suspended.
    private static func peer(
        _ values: SelectorValues, _ configuration: Configuration, _ rows: any RowReader
    ) throws -> PeerChoice? {
        guard let text = values.peer else {
            guard values.hop == nil else { throw ControlError.badRequest("hop says how peer is meant; give peer, too") }
            return nil
        }
        guard let node = NodeID(shortName: text) ?? NodeID(text: text) else {
            throw ControlError.badRequest("\(printable(text)) is not a node name; edocctl peers lists them")
        }
        let isSuspended = rows.value(.suspension, SuspensionSubject.peer(node).key) != nil
        guard isSuspended || configuration.settings.peers.contains(where: { $0.node == node }) else {
            throw ControlError.notFound("no peer \(printable(text)) is known here; edocctl peers lists them")
        }
        switch values.hop {
        case nil, "best": return PeerChoice(node: node, isAnyHop: false)
        case "any": return PeerChoice(node: node, isAnyHop: true)
        default: throw ControlError.badRequest("hop is best or any")
        }
    }

    /// Also an agency that is in no directory any more, as long as the store has something of it, or it is suspended.
    static func agency(
        _ text: String, _ name: String, _ kind: LookupKind, _ configuration: Configuration, _ rows: any RowReader
    ) throws -> AgencyPattern {
        let isSubtree = text.hasSuffix(".*")
        let spelled = isSubtree ? String(text.dropLast(2)) : text
        guard let given = AgencyCode(spelled) else {
            throw ControlError.badRequest("\(name): \(printable(text)) is no agency code; write H29 or H29.*")
        }
        if let code = configuration.directory.canonical(spelled) { return isSubtree ? .subtree(code) : .agency(code) }
        let left: SuspensionSubject = isSubtree ? .subtree(given) : .agency(given)
        if rows.value(.suspension, left.key) != nil { return isSubtree ? .subtree(given) : .agency(given) }
        func isStored(_ prefix: RowKey) -> Bool {
            rows.row(.lookup, atOrAfter: prefix).map { prefix.isPrefix(of: $0.key) } ?? false
        }
        if isSubtree {
            let below = configuration.directory.codes.contains { $0.text.hasPrefix(given.text + ".") }
            if below || isStored(Keys.lookup(kind, beginning: given.text + ".")) { return .subtree(given) }
        }
        guard isStored(Keys.lookup(kind, given.text)) else {
            throw ControlError.notFound(
                "\(name): no agency \(printable(text)) in the directory; check the code in agencies.yaml, or edocctl routes explain CODE"
            )
        }
        return isSubtree ? .subtree(given) : .agency(given)
    }

    private static func urgencies(_ text: String) throws -> [Urgency] {
        let isAndAbove = text.hasSuffix("+")
        guard let number = UInt8(isAndAbove ? String(text.dropLast()) : text), let urgency = Urgency(rawValue: number)
        else { throw ControlError.badRequest("urgency is 0 to 4, or such as 2+ for 2 and above") }
        return isAndAbove ? Urgency.allCases.filter { $0 >= urgency } : [urgency]
    }

    private static func state(_ text: String) throws -> PairState {
        guard let state = PairState(rawValue: text) else {
            let words = PairState.allCases.map(\.rawValue).joined(separator: ", ")
            throw ControlError.badRequest("state must be one of \(words)")
        }
        return state
    }

    private static func span(_ text: String, _ name: String) throws -> Milliseconds {
        guard let span = DurationText.parse(text) else {
            throw ControlError.badRequest("\(name) is a span such as 90s, 15m, 12h or 30d")
        }
        return span
    }

    private static func size(_ text: String, _ name: String) throws -> UInt64 {
        guard let size = SizeText.parse(text) else {
            throw ControlError.badRequest("\(name) is a size such as 4096, 500KiB, 10MiB or 1GiB")
        }
        return size
    }

    private static func text(_ text: String, _ name: String) throws -> String {
        guard text.contains(where: { !$0.isWhitespace }) else { throw ControlQuery.empty(name) }
        guard text.utf8.count <= textBytesMax else {
            throw ControlError.badRequest("\(name) is longer than \(textBytesMax) bytes")
        }
        return text
    }
}

/// Sizes as people type them.
enum SizeText {
    static func parse(_ text: String) -> UInt64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = UInt64(digits) else { return nil }
        let units: [String: UInt64] = ["": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40]
        guard let unit = units[String(text.dropFirst(digits.count))] else { return nil }
        let (size, overflow) = number.multipliedReportingOverflow(by: unit)
        return overflow ? nil : size
    }
}
