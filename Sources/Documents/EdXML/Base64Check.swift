// Base64Check: judges base64 text as it streams by and keeps nothing of it (RFC 4648, section 4, with the white space
// of XML allowed between characters). Receivers cut a file short at the first bad character without a word, so
// nothing doubtful may pass.

/// The state of one base64 text.
struct Base64Check {
    /// Characters of the open group of four, padding included.
    private var groupCount = 0
    private var paddingCount = 0
    /// The value of the last character before padding; its unused bits must be zero (RFC 4648, 3.5).
    private var lastValue: UInt8 = 0
    private var ended = false
    /// Octets that the text stands for so far.
    private(set) var decodedBytes: UInt64 = 0

    /// Takes the next characters; gives the offset of the first that is wrong, with the reason.
    mutating func feed(_ bytes: UnsafeRawBufferPointer) -> (offset: Int, reason: String)? {
        var group = groupCount
        for (offset, byte) in bytes.enumerated() {
            let value = Self.values[Int(byte)]
            if value < 64 {
                if paddingCount > 0 || ended { return (offset, "a character stands after the padding") }
                lastValue = value
                group += 1
                if group == 4 {
                    group = 0
                    decodedBytes &+= 3
                }
            } else if value == Self.space {
                continue
            } else if value == Self.pad {
                if ended || group < 2 { return (offset, "padding stands where none may be") }
                paddingCount += 1
                group += 1
                if group == 4 {
                    let unusedBits: UInt8 = paddingCount == 2 ? 0b1111 : 0b11
                    if lastValue & unusedBits != 0 { return (offset, "the bits under the padding are not zero") }
                    decodedBytes &+= UInt64(3 - paddingCount)
                    paddingCount = 0
                    group = 0
                    ended = true
                }
            } else {
                return (offset, "a character outside the base64 alphabet")
            }
        }
        groupCount = group
        return nil
    }

    /// How the text ends.
    enum End {
        case whole
        /// The last group lacks its padding, and says without doubt what it stands for.
        case unpadded
        case broken(String)
    }

    /// The text has ended. A last group of two or three characters stands for one or two octets, as if it were padded.
    mutating func finish() -> End {
        if groupCount == 0 { return .whole }
        guard paddingCount == 0, groupCount > 1 else {
            return .broken("the text ends inside a group of four characters")
        }
        let unusedBits: UInt8 = groupCount == 2 ? 0b1111 : 0b11
        guard lastValue & unusedBits == 0 else { return .broken("the text ends inside a group of four characters") }
        decodedBytes &+= UInt64(groupCount - 1)
        groupCount = 0
        return .unpadded
    }

    private static let space: UInt8 = 64
    private static let pad: UInt8 = 65
    private static let bad: UInt8 = 66

    /// What each byte is: 0...63 a digit, or one of the three marks above.
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: bad, count: 256)
        for (value, byte) in Base64.alphabet.enumerated() { table[Int(byte)] = UInt8(value) }
        for byte in " \t\r\n".utf8 { table[Int(byte)] = space }
        table[Int(UInt8(ascii: "="))] = pad
        return table
    }()
}

/// The alphabet that the reader and the writer share (RFC 4648, table 1).
enum Base64 {
    static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
}
