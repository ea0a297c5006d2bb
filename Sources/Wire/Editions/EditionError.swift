// EditionError: why the octets of an edition are refused: a code, the line, the field, and a sentence that never quotes the file
// unescaped. A value.

import RelayModel

public struct EditionError: Error, Hashable, Sendable {
    /// What is wrong. Stable words: they stand in answers, in logs and in metrics.
    public enum Code: String, Sendable, CaseIterable {
        // Octets and lines.
        case tooLarge = "too-large"
        case lineTooLong = "line-too-long"
        case badUTF8 = "bad-utf8"
        case controlCharacter = "control-character"
        case hiddenCharacter = "hidden-character"
        case notComposed = "not-composed"
        case needlessEscape = "needless-escape"
        case edgeSpace = "edge-space"
        case whiteSpace = "white-space"
        case unexpected = "unexpected"
        case cutOff = "cut-off"
        case afterTheEnd = "after-the-end"
        // Fields.
        case unknownFormat = "unknown-format"
        case unknownField = "unknown-field"
        case missingField = "missing-field"
        case fieldOrder = "field-order"
        case emptyValue = "empty-value"
        case textTooLong = "text-too-long"
        case listTooLong = "list-too-long"
        case listOrder = "list-order"
        case badNumber = "bad-number"
        case numberTooLarge = "number-too-large"
        case badMoment = "bad-moment"
        case badCode = "bad-code"
        case badNode = "bad-node"
        case badSubtree = "bad-subtree"
        case badFingerprint = "bad-fingerprint"
        case badCertificate = "bad-certificate"
        case badAddress = "bad-address"
        case badFeature = "bad-feature"
        case badWord = "bad-word"
        // Rows.
        case unknownKind = "unknown-kind"
        case notTheRoot = "not-the-root"
        case notOfTheWhole = "not-of-the-whole"
        case rowOrder = "row-order"
        case rowTwice = "row-twice"
        case tooManyRows = "too-many-rows"
        case wrongCount = "wrong-count"
        case wrongRows = "wrong-rows"
        // Changes against the edition before.
        case removesNothing = "removes-nothing"
        case changesNothing = "changes-nothing"
    }

    public let code: Code
    /// From 1; 0 where it is not about a line.
    public let line: Int
    /// The field at hand; empty where it is not about one.
    public let field: String
    public let sentence: String

    public init(code: Code, line: Int, field: String = "", sentence: String) {
        self.code = code
        self.line = line
        self.field = field
        self.sentence = sentence
    }
}

extension EditionError: CustomStringConvertible {
    public var description: String {
        if line == 0 { return "\(sentence) [\(code.rawValue)]" }
        if field.isEmpty { return "line \(line): \(sentence) [\(code.rawValue)]" }
        return "line \(line), field \(field): \(sentence) [\(code.rawValue)]"
    }
}

/// A refusal before its line is known.
struct EditionFault: Error {
    var code: EditionError.Code
    var field: String
    var sentence: String

    init(_ code: EditionError.Code, _ field: StaticString = "", _ sentence: String) {
        self.code = code
        self.field = field.description
        self.sentence = sentence
    }

    func at(line: Int) -> EditionError { EditionError(code: code, line: line, field: field, sentence: sentence) }
}

/// A text of a file as it may stand in a sentence: printable, quoted and short.
func quoted(_ text: String) -> String { quoted(text, scalarsMax: 40) }
