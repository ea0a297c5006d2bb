// TextCharacter: which characters a text of the directory may have, so that two texts that look alike are the same octets. Pure.

/// What a scalar beyond ASCII is to the directory.
enum TextCharacter {
    case plain
    case control
    /// Not seen, or seen as another.
    case hidden
    /// A mark apart from its letter: every letter of Vietnamese has a scalar of its own.
    case combining

    init(_ value: UInt32) {
        switch value {
        case 0x80...0x9f: self = .control
        case 0x300...0x36f: self = .combining
        // Spaces of other widths, soft hyphen, joiners, marks of direction, separators, tags, private use, no characters at all.
        case 0xa0, 0xad, 0x34f, 0x61c, 0x115f...0x1160, 0x17b4...0x17b5, 0x180b...0x180f, 0x2000...0x200f,
            0x2028...0x202f, 0x205f...0x206f, 0x3000, 0x3164, 0xe000...0xf8ff, 0xfdd0...0xfdef, 0xfe00...0xfe0f, 0xfeff,
            0xffa0, 0xfff0...0xffff, 0xe0000...0x10ffff:
            self = .hidden
        default: self = value & 0xfffe == 0xfffe ? .hidden : .plain
        }
    }
}

enum UTF8Scalar {
    /// The scalar at `index` and its octets, 0 where they are not the one form of a scalar (RFC 3629, 3).
    static func decoded(_ bytes: UnsafeRawBufferPointer, at index: Int) -> (count: Int, value: UInt32) {
        let first = bytes[index]
        let count: Int
        var value: UInt32
        let least: UInt32
        switch first {
        case 0x00..<0x80: return (1, UInt32(first))
        case 0xc2...0xdf: (count, value, least) = (2, UInt32(first & 0x1f), 0x80)
        case 0xe0...0xef: (count, value, least) = (3, UInt32(first & 0x0f), 0x800)
        case 0xf0...0xf4: (count, value, least) = (4, UInt32(first & 0x07), 0x1_0000)
        default: return (0, 0)
        }
        guard bytes.count - index >= count else { return (0, 0) }
        for offset in 1..<count {
            let byte = bytes[index + offset]
            guard byte & 0xc0 == 0x80 else { return (0, 0) }
            value = value << 6 | UInt32(byte & 0x3f)
        }
        guard value >= least, value <= 0x10_ffff, !(0xd800...0xdfff).contains(value) else { return (0, 0) }
        return (count, value)
    }
}
