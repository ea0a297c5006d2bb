// NodeIDText: how node IDs compare (RFC 3986, 6.2.2): the letters of scheme and node name in any case, and a letter that need not be
// percent-encoded encoded or not, are the same. For the names that peers announce and certificates carry; what stands in bundles
// is compared as it is. Pure; a text that is no node ID has no comparable form.

extension NodeID {
    /// The form in which two spellings of one node ID are equal; nil for a text that names no node.
    public static func comparable(_ text: String) -> String? {
        guard text.utf8.count <= nameBytesMax * 3 + 16 else { return nil }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(lower(byte))
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                return nil
            }
            bytes.append(lower(high << 4 | low))
        }
        guard let plain = String(validating: bytes, as: UTF8.self) else { return nil }
        return NodeID(text: plain) == nil ? nil : plain
    }

    /// The form of this node ID.
    public var comparable: String { Self.comparable(text) ?? text }

    private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte + 0x20 : byte }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
