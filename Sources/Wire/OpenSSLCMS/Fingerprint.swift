// Fingerprint: the SHA-256 of a certificate's DER form as people write it: 64 hexadecimal digits, or groups of two with colons, to be
// read over the telephone. Pure functions; what is no fingerprint is nil.

import RelayModel

extension Digest {
    /// `3A:5F:…`: thirty-two groups, as `openssl x509 -fingerprint -sha256` prints them.
    public var groups: String {
        let digits = Array(hex.uppercased())
        return stride(from: 0, to: digits.count, by: 2).map { String(digits[$0..<$0 + 2]) }.joined(separator: ":")
    }

    /// From 64 hexadecimal digits, or 32 groups of two with colons between them, in either case of letters.
    public init?(fingerprint text: some StringProtocol) {
        let characters = Array(text.utf8)
        let width = characters.count == 95 ? 3 : 2
        guard characters.count == 64 || characters.count == 95 else { return nil }
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: characters.count, by: width) {
            guard let high = Self.value(characters[start]), let low = Self.value(characters[start + 1]) else {
                return nil
            }
            if width == 3, start + 2 < characters.count, characters[start + 2] != UInt8(ascii: ":") { return nil }
            bytes.append(high << 4 | low)
        }
        self.init(bytes: bytes)
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
