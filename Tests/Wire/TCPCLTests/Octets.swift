// Octets: hexadecimal text to buffers and back, and a seeded generator, for the tests of this folder.

import NIOCore

/// Reads hexadecimal digits, ignoring spaces.
func octets(_ hex: String) -> ByteBuffer {
    let digits = hex.compactMap { $0.hexDigitValue.map(UInt8.init) }
    precondition(digits.count % 2 == 0, "Hexadecimal text has two digits an octet.")
    return ByteBuffer(bytes: stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
}

func hex(_ buffer: ByteBuffer) -> String {
    buffer.readableBytesView.map { octet in
        let digits = String(octet, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }.joined()
}

func joined(_ buffers: [ByteBuffer]) -> ByteBuffer {
    var all = ByteBuffer()
    for buffer in buffers {
        all.writeImmutableBuffer(buffer)
    }
    return all
}

/// SplitMix64: the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
