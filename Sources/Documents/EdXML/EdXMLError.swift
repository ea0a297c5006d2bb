// EdXMLError: why a package was refused, where, and in a sentence that a document system's developer understands. A
// value; the sentence never quotes the package unescaped.

import RelayModel

/// The refusal of an edXML package.
public struct EdXMLError: Error, Hashable, Sendable {
    /// What is wrong. Stable words: they stand in answers to submitters and in metrics.
    public enum Code: String, Sendable, CaseIterable {
        case notWellFormed = "not-well-formed"
        case wrongEncoding = "wrong-encoding"
        case documentTypePresent = "document-type-present"
        case noNamespace = "no-namespace"
        case wrongNamespace = "wrong-namespace"
        case notEdXML = "not-edxml"
        case oldDialect = "old-dialect"
        case noHeader = "no-header"
        case noSender = "no-sender"
        case noRecipient = "no-recipient"
        case badOrganID = "bad-organ-id"
        case tooManyRecipients = "too-many-recipients"
        case duplicateElement = "duplicate-element"
        case mixedKind = "mixed-kind"
        case badPriority = "bad-priority"
        case badDate = "bad-date"
        case badStatusCode = "bad-status-code"
        case badBase64 = "bad-base64"
        case tooDeep = "too-deep"
        case tooLong = "too-long"
        case tooManyAttachments = "too-many-attachments"
        case outOfMemory = "out-of-memory"
    }

    public let code: Code
    /// From 1.
    public let line: UInt64
    /// From 1, in bytes.
    public let column: UInt64
    public let sentence: String

    public init(code: Code, line: UInt64, column: UInt64, sentence: String) {
        self.code = code
        self.line = line
        self.column = column
        self.sentence = sentence
    }
}

extension EdXMLError: CustomStringConvertible {
    public var description: String { "line \(line), column \(column): \(sentence) [\(code.rawValue)]" }
}

/// A refusal before its place in the file is known; `offset` is in bytes from the start of the event at hand.
struct EdXMLFault: Error {
    var code: EdXMLError.Code
    var sentence: String
    var offset = 0

    init(_ code: EdXMLError.Code, _ sentence: String, offset: Int = 0) {
        self.code = code
        self.sentence = sentence
        self.offset = offset
    }
}

/// Text from a package as it may stand in a sentence: printable, quoted and short.
func quoted(_ text: String) -> String { quoted(text, scalarsMax: 40) }
