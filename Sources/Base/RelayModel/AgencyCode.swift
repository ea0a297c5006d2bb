// AgencyCode: the identifier of an agency. Which of several spellings is canonical is the directory's knowledge
// (agencies.yaml), never arithmetic on the code; this type only guarantees a harmless spelling.

/// An agency identifier such as `G22`, `H29.15` or the old form `000.00.00.G22`.
public struct AgencyCode: Hashable, Sendable, Comparable {
    public let text: String

    /// The longest code in bytes (QĐ 20/2020 allows 35 characters).
    public static let textBytesMax = 35

    /// Nil unless the text is 1...35 bytes of letters, digits, `-` and `_` in non-empty groups parted by dots.
    public init?(_ text: String) {
        guard !text.isEmpty, text.utf8.count <= Self.textBytesMax else { return nil }
        var groupBytes = 0
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "_"): groupBytes += 1
            case UInt8(ascii: "."):
                guard groupBytes > 0 else { return nil }
                groupBytes = 0
            default: return nil
            }
        }
        guard groupBytes > 0 else { return nil }
        self.text = text
    }

    /// The codes of the bodies above: `H29.15.02` gives `H29.15` and then `H29` (new form, largest unit first).
    public var parents: [AgencyCode] {
        var result: [AgencyCode] = []
        var rest = Substring(text)
        while let dot = rest.lastIndex(of: ".") {
            rest = rest[..<dot]
            if let code = AgencyCode(String(rest)) { result.append(code) }
        }
        return result
    }

    public static func < (left: AgencyCode, right: AgencyCode) -> Bool { left.text < right.text }
}

extension AgencyCode: CustomStringConvertible {
    public var description: String { text }
}
