// SecureRandom: bytes nobody can guess, from OpenSSL's generator, which is seeded by the kernel. Callable on any
// thread. Traps when the generator cannot be seeded: going on with guessable bytes would be worse.

internal import COpenSSL
import Trap

public enum SecureRandom {
    /// Fills the memory with random bytes.
    public static func fill(_ target: UnsafeMutableRawBufferPointer) {
        var offset = 0
        while offset < target.count {
            // RAND_bytes counts in Int32.
            let count = min(target.count - offset, 1 << 20)
            let start = target.baseAddress?.advanced(by: offset).assumingMemoryBound(to: UInt8.self)
            let result = RAND_bytes(start, Int32(count))
            demand(result == 1, "OpenSSL has no random bytes")
            offset += count
        }
    }

    /// `count` random bytes.
    public static func bytes(_ count: Int) -> [UInt8] {
        demand(count >= 0, "a number of bytes is not negative")
        return [UInt8](unsafeUninitializedCapacity: count) { target, written in
            fill(UnsafeMutableRawBufferPointer(target))
            written = count
        }
    }

    /// One random word.
    public static func word() -> UInt64 {
        var word: UInt64 = 0
        withUnsafeMutableBytes(of: &word) { fill($0) }
        return word
    }
}
