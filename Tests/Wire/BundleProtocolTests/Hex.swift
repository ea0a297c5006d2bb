// Hex: octets as the vectors print them, for tests.

import NIOCore

extension ByteBuffer {
    /// Spaces are ignored; anything else that is not a pair of digits is a bug of the test.
    init(hex: String) {
        let digits = hex.filter { $0 != " " && $0 != "\n" }
        precondition(digits.count.isMultiple(of: 2), "octets have two digits")
        var bytes: [UInt8] = []
        var rest = Substring(digits)
        while !rest.isEmpty {
            guard let byte = UInt8(rest.prefix(2), radix: 16) else { preconditionFailure("not hexadecimal: \(rest)") }
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        self.init(bytes: bytes)
    }

    var hex: String {
        readableBytesView.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
