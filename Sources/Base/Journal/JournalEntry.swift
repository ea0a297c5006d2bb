// JournalEntry: one entry of the system's journal in its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): fields with names and
// values, as bytes of one datagram. Pure. Values may be anything, also several lines; they are bounded, so an entry is, too.

/// The fields of one entry, in order.
public struct JournalEntry: Sendable, Hashable {
    public private(set) var bytes: [UInt8] = []

    /// Longer values are cut, on a character's border.
    public static let valueBytesMax = 48 << 10
    /// Further fields are left out.
    public static let fieldsMax = 64
    /// As systemd.journal-fields(7) has it.
    public static let nameBytesMax = 64

    private var count = 0

    public init() {}

    /// Adds a field. A name that the journal would not take is made one that it takes.
    public mutating func add(_ name: String, _ value: String) {
        guard count < Self.fieldsMax else { return }
        count += 1
        let octets = Self.bounded(value)
        bytes += Array(Self.fieldName(name).utf8)
        if octets.contains(UInt8(ascii: "\n")) {
            // A value of several lines goes behind its length: 64 bits, little-endian.
            bytes.append(UInt8(ascii: "\n"))
            var length = UInt64(octets.count)
            for _ in 0..<8 {
                bytes.append(UInt8(truncatingIfNeeded: length))
                length >>= 8
            }
        } else {
            bytes.append(UInt8(ascii: "="))
        }
        bytes += octets
        bytes.append(UInt8(ascii: "\n"))
    }

    private static func bounded(_ value: String) -> [UInt8] {
        guard value.utf8.count > valueBytesMax else { return Array(value.utf8) }
        var end = value.utf8.index(value.utf8.startIndex, offsetBy: valueBytesMax)
        while value.utf8[end] & 0xc0 == 0x80 { end = value.utf8.index(before: end) }
        return Array(value.utf8[..<end]) + Array("…".utf8)
    }

    /// Upper-case letters, digits and underscores; not beginning with an underscore, which the journal keeps for itself, or a digit.
    public static func fieldName(_ text: String) -> String {
        var name = ""
        for byte in text.utf8.prefix(nameBytesMax) {
            switch byte {
            case 0x41...0x5a, 0x30...0x39: name.unicodeScalars.append(Unicode.Scalar(byte))
            case 0x61...0x7a: name.unicodeScalars.append(Unicode.Scalar(byte - 0x20))
            default: name += "_"
            }
        }
        while name.hasPrefix("_") { name.removeFirst() }
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else {
            return String(("X_" + name).prefix(nameBytesMax))
        }
        return name
    }
}
