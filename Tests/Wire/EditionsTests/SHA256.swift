// SHA256: the hash of the directory for these tests, which are below OpenSSL (FIPS 180-4, 6.2).

import Editions
import RelayModel

struct SHA256 {
    private var state: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]
    private var rest: [UInt8] = []
    private var count: UInt64 = 0

    /// Fractions of the cube roots of the first primes.
    private static let constants: [UInt32] = {
        var primes: [Int] = []
        var candidate = 2
        while primes.count < 64 {
            if primes.allSatisfy({ candidate % $0 != 0 }) { primes.append(candidate) }
            candidate += 1
        }
        return primes.map { prime in
            // The largest root with root^3 <= prime * 2^96, in 128 bits by bisection over 40.
            var low: UInt64 = 0
            var high: UInt64 = 1 << 36
            while high - low > 1 {
                let middle = (low + high) / 2
                if cubeIsAbove(middle, prime) { high = middle } else { low = middle }
            }
            return UInt32(truncatingIfNeeded: low)
        }
    }()

    private static func cubeIsAbove(_ root: UInt64, _ prime: Int) -> Bool {
        let cube = UInt128(root) * UInt128(root) * UInt128(root)
        return cube > UInt128(prime) << 96
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        count += UInt64(bytes.count)
        rest.append(contentsOf: bytes)
        var start = 0
        while rest.count - start >= 64 {
            block(start)
            start += 64
        }
        rest.removeFirst(start)
    }

    mutating func finish() -> Digest {
        let bits = count * 8
        rest.append(0x80)
        while rest.count % 64 != 56 { rest.append(0) }
        for shift in stride(from: 56, through: 0, by: -8) {
            rest.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift)))
        }
        for start in stride(from: 0, to: rest.count, by: 64) { block(start) }
        func word(_ index: Int) -> UInt64 { UInt64(state[index]) << 32 | UInt64(state[index + 1]) }
        return Digest(words: (word(0), word(2), word(4), word(6)))
    }

    private mutating func block(_ start: Int) {
        var words = [UInt32](repeating: 0, count: 64)
        for index in 0..<16 {
            for byte in rest[(start + index * 4)..<(start + index * 4 + 4)] {
                words[index] = words[index] << 8 | UInt32(byte)
            }
        }
        func turned(_ word: UInt32, _ bits: UInt32) -> UInt32 { word >> bits | word << (32 - bits) }
        for index in 16..<64 {
            let (early, late) = (words[index - 15], words[index - 2])
            let first = turned(early, 7) ^ turned(early, 18) ^ early >> 3
            let second = turned(late, 17) ^ turned(late, 19) ^ late >> 10
            words[index] = words[index - 16] &+ first &+ words[index - 7] &+ second
        }
        var now = state
        for index in 0..<64 {
            let sum = turned(now[4], 6) ^ turned(now[4], 11) ^ turned(now[4], 25)
            let choice = now[4] & now[5] ^ ~now[4] & now[6]
            let first = now[7] &+ sum &+ choice &+ Self.constants[index] &+ words[index]
            let other = turned(now[0], 2) ^ turned(now[0], 13) ^ turned(now[0], 22)
            let second = other &+ (now[0] & now[1] ^ now[0] & now[2] ^ now[1] & now[2])
            now = [first &+ second, now[0], now[1], now[2], now[3] &+ first, now[4], now[5], now[6]]
        }
        for index in 0..<8 { state[index] &+= now[index] }
    }

    static let function = HashFunction {
        final class Running {
            var hash = SHA256()
        }
        let running = Running()
        return RunningHash(update: { running.hash.update($0) }, finish: { running.hash.finish() })
    }

    static func hash(_ text: String) -> Digest { Array(text.utf8).withUnsafeBytes { function.hash($0) } }
}
