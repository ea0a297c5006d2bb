// Base64Encoder: turns bytes into base64 text as they stream by. Owns at most two octets between calls.

/// The state of one base64 text being written.
struct Base64Encoder {
    private var pending: [UInt8] = []

    /// Appends the text of all whole groups of three to `output`.
    mutating func encode(_ bytes: UnsafeRawBufferPointer, into output: inout [UInt8]) {
        output.reserveCapacity(output.count + (pending.count + bytes.count) / 3 * 4)
        var index = 0
        while !pending.isEmpty, pending.count < 3, index < bytes.count {
            pending.append(bytes[index])
            index += 1
        }
        if pending.count == 3 {
            Self.append(pending[0], pending[1], pending[2], to: &output)
            pending.removeAll(keepingCapacity: true)
        }
        while bytes.count - index >= 3 {
            Self.append(bytes[index], bytes[index + 1], bytes[index + 2], to: &output)
            index += 3
        }
        pending.append(contentsOf: bytes[index...])
    }

    /// Appends the last group with its padding.
    mutating func finish(into output: inout [UInt8]) {
        guard let first = pending.first else { return }
        let second = pending.count == 2 ? pending[1] : 0
        Self.append(first, second, 0, to: &output)
        output[output.count - 1] = UInt8(ascii: "=")
        if pending.count == 1 { output[output.count - 2] = UInt8(ascii: "=") }
        pending.removeAll()
    }

    private static func append(_ first: UInt8, _ second: UInt8, _ third: UInt8, to output: inout [UInt8]) {
        output.append(Base64.alphabet[Int(first >> 2)])
        output.append(Base64.alphabet[Int((first & 0b11) << 4 | second >> 4)])
        output.append(Base64.alphabet[Int((second & 0b1111) << 2 | third >> 6)])
        output.append(Base64.alphabet[Int(third & 0b11_1111)])
    }
}
