// KeyedHash: SipHash-2-4 (Aumasson, Bernstein 2012): 64 bits over a key of 128. It tells whether two things are the same where the one
// who chose them does not know the key; it proves nothing to anybody else. Pure; cannot fail.

public struct KeyedHash: Sendable, Hashable {
    private let key: (UInt64, UInt64)

    public init(key first: UInt64, _ second: UInt64) { key = (first, second) }

    public var words: (UInt64, UInt64) { key }

    /// Tells keys apart, and nothing of them: a hash of nothing.
    public var identity: UInt16 { UInt16(truncatingIfNeeded: hash([])) }

    public func hash(_ bytes: [UInt8]) -> UInt64 {
        var state = State(key)
        var word: UInt64 = 0
        for (index, byte) in bytes.enumerated() {
            word |= UInt64(byte) << UInt64(index % 8 * 8)
            if index % 8 == 7 {
                state.take(word)
                word = 0
            }
        }
        state.take(word | UInt64(truncatingIfNeeded: bytes.count & 0xff) << 56)
        return state.finish()
    }

    public static func == (left: KeyedHash, right: KeyedHash) -> Bool { left.key == right.key }
    public func hash(into hasher: inout Hasher) {
        hasher.combine(key.0)
        hasher.combine(key.1)
    }

    private struct State {
        var v0: UInt64
        var v1: UInt64
        var v2: UInt64
        var v3: UInt64

        init(_ key: (UInt64, UInt64)) {
            v0 = key.0 ^ 0x736f_6d65_7073_6575
            v1 = key.1 ^ 0x646f_7261_6e64_6f6d
            v2 = key.0 ^ 0x6c79_6765_6e65_7261
            v3 = key.1 ^ 0x7465_6462_7974_6573
        }

        mutating func take(_ word: UInt64) {
            v3 ^= word
            round()
            round()
            v0 ^= word
        }

        mutating func finish() -> UInt64 {
            v2 ^= 0xff
            for _ in 0..<4 { round() }
            return v0 ^ v1 ^ v2 ^ v3
        }

        private mutating func round() {
            v0 &+= v1
            v1 = rotated(v1, 13) ^ v0
            v0 = rotated(v0, 32)
            v2 &+= v3
            v3 = rotated(v3, 16) ^ v2
            v0 &+= v3
            v3 = rotated(v3, 21) ^ v0
            v2 &+= v1
            v1 = rotated(v1, 17) ^ v2
            v2 = rotated(v2, 32)
        }

        private func rotated(_ word: UInt64, _ bits: UInt64) -> UInt64 { word << bits | word >> (64 - bits) }
    }
}

extension KeyedHash {
    /// Of what makes a document that very one under its number: creation time, digest, document ID.
    public func hash(created: UInt64, _ document: DocumentDescription) -> UInt64 {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(40 + document.documentID.utf8.count)
        let words = document.digest.words
        for word in [created, words.0, words.1, words.2, words.3] {
            withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
        }
        bytes.append(contentsOf: document.documentID.utf8)
        return hash(bytes)
    }
}
