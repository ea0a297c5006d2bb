// SelectorValues: a selector as clients write it: texts, one field a condition, all of which must hold. The same fields stand in the
// JSON of a deed, in the query of a list, and in the flags of edocctl. Plain values; what they mean is decided by the daemon.

public struct SelectorValues: Codable, Sendable, Hashable {
    /// Names of envelopes, beginnings of names, or numbers here.
    public var envelope: [String] = []
    /// A neighbour: what waits for it.
    public var peer: String?
    /// `best` (the default): what would go to the peer now. `any`: what it stands in the list of next hops of.
    public var hop: String?
    /// The sending agency, or `H29.*` for it and every body below it.
    public var from: String?
    /// The receiving agency, likewise.
    public var to: String?
    /// `3`, or `2+` for 2 and above.
    public var urgency: [String] = []
    /// Words for states; none: whatever is in the store.
    public var state: [String] = []
    /// Spans such as `2h`: accepted here so long ago or longer; less long ago.
    public var older: String?
    public var newer: String?
    /// Sizes such as `10MiB`: so large or larger; so large or smaller.
    public var larger: String?
    public var smaller: String?
    /// A text in the last answer or the reason.
    public var answer: String?
    /// The sender's own ID of the document.
    public var document: String?
    /// Reports, too.
    public var records: Bool?
    /// Of what was handed in here: how it ended, or stands, as far as is known.
    public var outcome: String?

    public init() {}

    /// It says nothing of which pairs are meant: no deed is done to everything by mistake.
    public var isEmpty: Bool {
        var rest = self
        rest.records = nil
        return rest == SelectorValues()
    }

    /// Names of the fields, as they stand in JSON and in queries.
    public static let names = CodingKeys.allCases.map(\.rawValue)

    public enum CodingKeys: String, CodingKey, CaseIterable, Sendable {
        case envelope, peer, hop, from, to, urgency, state, older, newer, larger, smaller, answer, document, records,
            outcome
    }

    private struct AnyKey: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// A field that is not known is an error: a misspelt condition must not select everything.
    public init(from decoder: any Decoder) throws {
        for key in try decoder.container(keyedBy: AnyKey.self).allKeys where !Self.names.contains(key.stringValue) {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "unknown field \(key.stringValue) in a selector; known: "
                        + Self.names.joined(separator: ", ")))
        }
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        envelope = try fields.decodeIfPresent([String].self, forKey: .envelope) ?? []
        peer = try fields.decodeIfPresent(String.self, forKey: .peer)
        hop = try fields.decodeIfPresent(String.self, forKey: .hop)
        from = try fields.decodeIfPresent(String.self, forKey: .from)
        to = try fields.decodeIfPresent(String.self, forKey: .to)
        urgency = try fields.decodeIfPresent([String].self, forKey: .urgency) ?? []
        state = try fields.decodeIfPresent([String].self, forKey: .state) ?? []
        older = try fields.decodeIfPresent(String.self, forKey: .older)
        newer = try fields.decodeIfPresent(String.self, forKey: .newer)
        larger = try fields.decodeIfPresent(String.self, forKey: .larger)
        smaller = try fields.decodeIfPresent(String.self, forKey: .smaller)
        answer = try fields.decodeIfPresent(String.self, forKey: .answer)
        document = try fields.decodeIfPresent(String.self, forKey: .document)
        records = try fields.decodeIfPresent(Bool.self, forKey: .records)
        outcome = try fields.decodeIfPresent(String.self, forKey: .outcome)
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        if !envelope.isEmpty { try fields.encode(envelope, forKey: .envelope) }
        try fields.encodeIfPresent(peer, forKey: .peer)
        try fields.encodeIfPresent(hop, forKey: .hop)
        try fields.encodeIfPresent(from, forKey: .from)
        try fields.encodeIfPresent(to, forKey: .to)
        if !urgency.isEmpty { try fields.encode(urgency, forKey: .urgency) }
        if !state.isEmpty { try fields.encode(state, forKey: .state) }
        try fields.encodeIfPresent(older, forKey: .older)
        try fields.encodeIfPresent(newer, forKey: .newer)
        try fields.encodeIfPresent(larger, forKey: .larger)
        try fields.encodeIfPresent(smaller, forKey: .smaller)
        try fields.encodeIfPresent(answer, forKey: .answer)
        try fields.encodeIfPresent(document, forKey: .document)
        try fields.encodeIfPresent(records, forKey: .records)
        try fields.encodeIfPresent(outcome, forKey: .outcome)
    }

    /// As a query: what `ControlPath.query` takes.
    public var queryItems: [(name: String, value: String?)] {
        var items: [(name: String, value: String?)] = envelope.map { ("envelope", $0) }
        items += urgency.map { ("urgency", $0) } + state.map { ("state", $0) }
        items += [
            ("peer", peer), ("hop", hop), ("from", from), ("to", to), ("older", older), ("newer", newer),
            ("larger", larger), ("smaller", smaller), ("answer", answer), ("document", document),
            ("records", records.map { $0 ? "true" : "false" }), ("outcome", outcome),
        ]
        return items
    }

    /// In words, as it would be typed behind a command.
    public var text: String {
        let given = queryItems.compactMap { item in
            item.value.map {
                item.name == "envelope" ? $0 : item.name == "records" ? "--records" : "--\(item.name) \($0)"
            }
        }
        return given.isEmpty ? "everything in the store" : given.joined(separator: " ")
    }
}
