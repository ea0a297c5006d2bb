// EdXMLWarning: what a package does against the rules of its format and is understood all the same. Values; the package is taken as
// it is, byte for byte, and the submitter hears what his program writes wrongly.

/// One thing that was understood though it is not written as the rules want.
public struct EdXMLWarning: Hashable, Sendable {
    /// Stable words, for programs.
    public enum Code: String, Sendable, CaseIterable {
        case dateUnpadded = "date-unpadded"
        case timeIgnored = "time-ignored"
        case dueTime = "due-time"
        case traceTimestamp = "trace-timestamp"
        case priorityPadded = "priority-padded"
        case utf16 = "utf-16"
        case unboundPrefix = "unbound-prefix"
        case base64Unpadded = "base64-unpadded"
        case noNamespace = "no-namespace"
    }

    public let code: Code
    /// The local name of the element.
    public let element: String
    /// From 1.
    public let line: UInt64
    public let sentence: String
}

extension EdXMLWarning: CustomStringConvertible {
    public var description: String { "line \(line): \(sentence) [\(code.rawValue)]" }
}

/// A warning before its place in the file is known.
struct EdXMLNote {
    var code: EdXMLWarning.Code
    var element: String
    var sentence: String
}
