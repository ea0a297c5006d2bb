// SHA256HasherTests: the vectors of FIPS 180-4, and parts of any size.

import OpenSSLTLS
import RelayModel
import Testing

@Suite struct SHA256HasherTests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            String(repeating: "a", count: 1_000_000),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        ),
    ])
    func vectors(text: String, hex: String) {
        let bytes = Array(text.utf8)
        #expect(bytes.withUnsafeBytes { SHA256Hasher.digest(of: $0) }.hex == hex)
    }

    @Test func partsGiveTheSame() {
        var generator = SeededGenerator(state: 256)
        let bytes = generator.bytes(100_000)
        let whole = bytes.withUnsafeBytes { SHA256Hasher.digest(of: $0) }
        for _ in 0..<20 {
            let hasher = SHA256Hasher()
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = min(rest.count, Int.random(in: 0...5_000, using: &generator))
                rest.prefix(count).withUnsafeBytes { hasher.update($0) }
                rest = rest.dropFirst(count)
            }
            #expect(hasher.finish() == whole)
        }
    }

    @Test func everyBitMatters() {
        let bytes = [UInt8](0..<64)
        var digests: Set<Digest> = [bytes.withUnsafeBytes { SHA256Hasher.digest(of: $0) }]
        for bit in 0..<(bytes.count * 8) {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << (bit % 8)
            digests.insert(flipped.withUnsafeBytes { SHA256Hasher.digest(of: $0) })
        }
        #expect(digests.count == 1 + bytes.count * 8)
    }

    @Test func randomBytesAreNotAllTheSame() {
        #expect(SecureRandom.bytes(0).isEmpty)
        let large = SecureRandom.bytes(3 << 20)
        #expect(large.count == 3 << 20)
        #expect(Set(large).count == 256)
        // The end is filled, too.
        #expect(large.suffix(64).contains { $0 != 0 })
        #expect(SecureRandom.word() != SecureRandom.word())
    }
}
