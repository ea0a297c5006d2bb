// Catalogue: sentences that others have made, in Vietnamese, by their templates: the daemon's (it speaks English on the wire and in its
// log, so that both stay one thing for programs) and those of the library that reads command lines. Pure. A sentence that is not known
// (of a newer daemon, of a peer) stays as it came.

/// A template is the sentence with `%` where the daemon puts a value. The Vietnamese one names the values by number, and by a sign what
/// they are:
///
/// - `%1`: looked up itself where it is a sentence of several words; a single word stays, for it may be a name or a key.
/// - `%w1`: looked up, a single word, too: a state, a reason.
/// - `%t1`: a span of time such as `19d`. With another value it is another sentence.
/// - `%n1`: a name or a number: one word that stays. With several words it is another sentence.
/// - `%=1`: stays whatever it is: what a person has typed, or a key.
public struct Catalogue: Sendable {
    private struct Entry: Sendable {
        /// What stands between the values; one more than there are values.
        var parts: [Substring]
        var vietnamese: [Piece]
        var weight: Int
        var print: Fingerprint
    }

    /// Which runs of three bytes a text has, thinned out: what a text lacks, no text that holds it can be. There are many entries, and
    /// lists have many sentences.
    private struct Fingerprint: Sendable {
        private var bits = SIMD4<UInt64>()

        init(_ texts: [Substring]) {
            for text in texts {
                var run = 0
                for (index, byte) in text.utf8.enumerated() {
                    run = (run << 8 | Int(byte)) & 0xff_ffff
                    guard index >= 2 else { continue }
                    let place = run.multipliedReportingOverflow(by: 0x9e37_79b1).partialValue >> 20 & 0xff
                    bits[place >> 6] |= 1 << UInt64(place & 63)
                }
            }
        }

        func isIn(_ other: Fingerprint) -> Bool { bits & other.bits == bits }
    }

    private enum Piece: Sendable {
        case text(String)
        case value(Int, Kind)
    }

    private enum Kind: Character, Sendable {
        /// Without a sign.
        case sentence = "%"
        case word = "w"
        case span = "t"
        case name = "n"
        case literal = "="

        func takes(_ value: String) -> Bool {
            switch self {
            case .span: Span.vietnamese(value) != nil
            case .name: !value.isEmpty && !value.contains(" ")
            case .sentence, .word, .literal: true
            }
        }
    }

    /// Sentences without values.
    private let whole: [String: String]
    private let entries: [Entry]
    /// How deep sentences stand in sentences: "hcm is down …: 10.1.2.3:4556: Connection refused".
    private static let depth = 6

    /// The most that can be told apart comes first: a template of more letters is tried before one of fewer.
    public init(_ pairs: [(english: String, vietnamese: String)]) {
        whole = Dictionary(
            pairs.filter { !$0.english.contains("%") }.map { ($0.english, $0.vietnamese) },
            uniquingKeysWith: { first, _ in first })
        entries = pairs.filter { $0.english.contains("%") }.map { pair in
            let parts = pair.english.split(separator: "%", omittingEmptySubsequences: false)
            return Entry(
                parts: parts, vietnamese: Self.pieces(pair.vietnamese, values: parts.count - 1),
                weight: parts.reduce(0) { $0 + $1.utf8.count }, print: Fingerprint(parts))
        }.sorted { ($1.weight, $0.parts.count) < ($0.weight, $1.parts.count) }
    }

    /// The sentence in Vietnamese, or as it is. Values that are sentences themselves are looked up, too.
    public func vietnamese(_ sentence: String) -> String { vietnamese(sentence, Self.depth) }

    private func vietnamese(_ sentence: String, _ depth: Int) -> String {
        if let known = whole[sentence] { return known }
        let print = Fingerprint([sentence[...]])
        for entry in entries where entry.print.isIn(print) {
            guard let values = Self.values(of: sentence[...], entry.parts), Self.fit(values, entry) else { continue }
            return entry.vietnamese.map { piece in
                switch piece {
                case .text(let text): text
                case .value(let index, let kind): value(values[index], kind, depth)
                }
            }.joined()
        }
        return sentence
    }

    private func value(_ text: String, _ kind: Kind, _ depth: Int) -> String {
        switch kind {
        case .literal, .name: text
        case .span: Span.vietnamese(text) ?? text
        case .sentence where !text.contains(" "): text
        case .sentence, .word: depth == 0 ? text : vietnamese(text, depth - 1)
        }
    }

    private static func fit(_ values: [String], _ entry: Entry) -> Bool {
        entry.vietnamese.allSatisfy { piece in
            if case .value(let index, let kind) = piece { kind.takes(values[index]) } else { true }
        }
    }

    /// What stands at the places of the values; nil when it is another sentence. A value is as short as it can be.
    private static func values(of sentence: Substring, _ parts: [Substring]) -> [String]? {
        guard let first = parts.first, sentence.hasPrefix(first) else { return nil }
        var rest = sentence.dropFirst(first.count)
        var values: [String] = []
        for (index, part) in parts.enumerated().dropFirst() {
            let isLast = index == parts.count - 1
            if isLast {
                guard rest.hasSuffix(part) else { return nil }
                values.append(String(rest.dropLast(part.count)))
                return values
            }
            guard !part.isEmpty, let found = rest.firstRange(of: part) else { return nil }
            values.append(String(rest[..<found.lowerBound]))
            rest = rest[found.upperBound...]
        }
        return values
    }

    private static func pieces(_ template: String, values: Int) -> [Piece] {
        var result: [Piece] = []
        var text = ""
        var rest = template[...]
        while let place = rest.firstIndex(of: "%") {
            text += rest[..<place]
            rest = rest[place...].dropFirst()
            let sign = rest.first.flatMap(Kind.init)
            let kind = sign == .sentence ? nil : sign
            let behind = kind == nil ? rest : rest.dropFirst()
            guard let digit = behind.first?.wholeNumberValue, digit >= 1, digit <= values else {
                text += "%"
                continue
            }
            result += [.text(text), .value(digit - 1, kind ?? .sentence)]
            text = ""
            rest = behind.dropFirst()
        }
        return result + [.text(text + rest)]
    }

    /// The sentence in the language of this process.
    public func callAsFunction(_ sentence: String) -> String {
        Language.current == .vietnamese ? vietnamese(sentence) : sentence
    }
}
