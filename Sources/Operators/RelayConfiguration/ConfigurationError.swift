// ConfigurationError: one wrong thing in a configuration file, with its place, what was expected and what stood
// there. Values; all errors of a load are gathered and printed at once, since a second look at a night's restart
// costs more than a long list. Texts from files are shown escaped and short.

import RelayModel

/// One error in a configuration file.
public struct ConfigurationError: Error, Hashable, Sendable {
    public enum Code: String, Sendable, CaseIterable {
        case unreadableFile = "unreadable-file"
        case notYAML = "not-yaml"
        case unknownKey = "unknown-key"
        case missingKey = "missing-key"
        case wrongType = "wrong-type"
        case badValue = "bad-value"
        case outOfRange = "out-of-range"
        case duplicate = "duplicate"
        case unknownReference = "unknown-reference"
        case contradiction = "contradiction"
        case tooManyErrors = "too-many-errors"
    }

    public var code: Code
    public var file: String
    /// From 1; 0 when the error has no place in the file.
    public var line: Int
    /// From 1, in Unicode scalars.
    public var column: Int
    /// Such as `peers.truc.dial`; empty for the file as a whole.
    public var keyPath: String
    public var expected: String
    public var found: String
    /// The known word nearest to what stood there.
    public var suggestion: String?

    public init(
        code: Code, file: String, line: Int, column: Int, keyPath: String, expected: String, found: String,
        suggestion: String? = nil
    ) {
        self.code = code
        self.file = file
        self.line = line
        self.column = column
        self.keyPath = keyPath
        self.expected = expected
        self.found = found
        self.suggestion = suggestion
    }
}

extension ConfigurationError: CustomStringConvertible {
    public var description: String {
        var text = line > 0 ? "\(file):\(line):\(column): " : "\(file): "
        if !keyPath.isEmpty { text += keyPath + ": " }
        text += "expected \(expected), found \(found)"
        if let suggestion { text += "; did you mean \(suggestion)?" }
        return text
    }
}

/// Everything that is wrong with a configuration, in file order.
public struct ConfigurationErrors: Error, Hashable, Sendable, CustomStringConvertible {
    public var errors: [ConfigurationError]
    public var description: String { errors.map(\.description).joined(separator: "\n") }
}

/// A place in a file.
struct ConfigurationMark: Hashable, Sendable {
    var line: Int
    var column: Int
}

/// Gathers the errors of one load.
struct ErrorList {
    private(set) var errors: [ConfigurationError] = []
    private var dropped = 0

    /// More would help nobody, and a wrong file can have one a line.
    static let errorsMax = 500

    mutating func add(
        _ code: ConfigurationError.Code, _ file: String, _ mark: ConfigurationMark?, _ keyPath: String,
        expected: String, found: String, suggestion: String? = nil
    ) {
        guard errors.count < Self.errorsMax else {
            dropped += 1
            return
        }
        errors.append(
            ConfigurationError(
                code: code, file: file, line: mark?.line ?? 0, column: mark?.column ?? 0, keyPath: keyPath,
                expected: expected, found: found, suggestion: suggestion))
    }

    /// The errors by file and place.
    var result: ConfigurationErrors? {
        guard !errors.isEmpty else { return nil }
        var sorted = errors.enumerated().sorted {
            ($0.element.file, $0.element.line, $0.element.column, $0.offset)
                < ($1.element.file, $1.element.line, $1.element.column, $1.offset)
        }.map(\.element)
        if dropped > 0 {
            sorted.append(
                ConfigurationError(
                    code: .tooManyErrors, file: errors[0].file, line: 0, column: 0, keyPath: "",
                    expected: "at most \(Self.errorsMax) errors", found: "\(dropped) more, not shown"))
        }
        return ConfigurationErrors(errors: sorted)
    }
}

/// Text from a file as it may stand in an error: printable, quoted and short.
func quoted(_ text: String) -> String { quoted(text, scalarsMax: 60) }

/// The candidate that differs from `word` in the fewest letters, if they are few.
func nearest(_ word: String, in candidates: some Sequence<String>) -> String? {
    var best: (text: String, distance: Int)?
    for candidate in candidates {
        let distance = editDistance(Array(word.lowercased().utf8.prefix(64)), Array(candidate.lowercased().utf8))
        if distance < best?.distance ?? Int.max { best = (candidate, distance) }
    }
    guard let best, best.distance <= max(1, word.utf8.count / 3) else { return nil }
    return best.text
}

/// Levenshtein's distance.
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var previous = Array(0...right.count)
    for (row, byte) in left.enumerated() {
        var current = [row + 1]
        for (column, other) in right.enumerated() {
            let change = previous[column] + (byte == other ? 0 : 1)
            current.append(min(change, previous[column + 1] + 1, current[column] + 1))
        }
        previous = current
    }
    return previous[right.count]
}
