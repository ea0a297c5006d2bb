// Catalogue: sentences that others have made, in Vietnamese, by their templates: the daemon's (it speaks English on the wire and in its
// log, so that both stay one thing for programs) and those of the library that reads command lines. Pure. A sentence that is not known
// (of a newer daemon, of a peer) stays as it came.

/// A template is the sentence with `%` where the daemon puts a value; the Vietnamese one names the values by number, `%1` first.
public struct Catalogue: Sendable {
    private struct Entry: Sendable {
        /// What stands between the values; one more than there are values.
        var parts: [Substring]
        var vietnamese: String
        var weight: Int
    }

    private let entries: [Entry]

    /// The most that can be told apart comes first: a template of more letters is tried before one of fewer.
    public init(_ pairs: [(english: String, vietnamese: String)]) {
        entries = pairs.map { pair in
            let parts = pair.english.split(separator: "%", omittingEmptySubsequences: false)
            return Entry(
                parts: parts, vietnamese: pair.vietnamese, weight: parts.reduce(0) { $0 + $1.utf8.count })
        }.sorted { ($1.weight, $0.parts.count) < ($0.weight, $1.parts.count) }
    }

    /// The sentence in Vietnamese, or as it is. Values that are sentences themselves are looked up, too.
    public func vietnamese(_ sentence: String, depth: Int = 3) -> String {
        for entry in entries {
            guard let values = Self.values(of: sentence[...], entry.parts) else { continue }
            return Self.fill(entry.vietnamese, depth == 0 ? values : values.map { vietnamese($0, depth: depth - 1) })
        }
        return sentence
    }

    /// What stands at the places of the values; nil when it is another sentence. A value is as short as it can be.
    private static func values(of sentence: Substring, _ parts: [Substring]) -> [String]? {
        guard let first = parts.first, sentence.hasPrefix(first) else { return nil }
        var rest = sentence.dropFirst(first.count)
        if parts.count == 1 { return rest.isEmpty ? [] : nil }
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

    private static func fill(_ template: String, _ values: [String]) -> String {
        var result = ""
        var rest = template[...]
        while let place = rest.firstIndex(of: "%") {
            result += rest[..<place]
            rest = rest[place...].dropFirst()
            guard let digit = rest.first?.wholeNumberValue, digit >= 1, digit <= values.count else {
                result += "%"
                continue
            }
            result += values[digit - 1]
            rest = rest.dropFirst()
        }
        return result + rest
    }

    /// The sentence in the language of this process.
    public func callAsFunction(_ sentence: String) -> String {
        Language.current == .vietnamese ? vietnamese(sentence) : sentence
    }
}
