// ControlAnswer: what every answer has in common, the answer that says no, and the JSON of both sides. Pure; encoding and
// decoding fail by the errors of Foundation's coders.

import FoundationEssentials

/// An answer of the control interface.
public protocol ControlAnswer: Codable, Sendable {
    /// `ControlPath.schema` of the daemon that made it.
    var schema: Int { get }
}

/// The answer to a request that was refused or failed.
public struct ErrorAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    /// One line that says what is wrong and what to do.
    public var error: String
    /// One line for each thing that is wrong, such as each bad recipient.
    public var problems: [String]
    /// A stable word for programs (docs/control.md); nil from a daemon before 0.4.
    public var code: String?

    public init(error: String, problems: [String] = [], code: String? = nil) {
        self.code = code
        self.error = error
        self.problems = problems
    }
}

/// The JSON of the interface: keys in order, so that the same state gives the same bytes.
public enum ControlJSON {
    /// No answer is longer.
    public static let answerBytesMax = 32 << 20

    public static func bytes(_ answer: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(answer))
    }

    public static func answer<Answer: Decodable>(_ type: Answer.Type, from bytes: [UInt8]) throws -> Answer {
        try JSONDecoder().decode(type, from: Data(bytes))
    }
}
