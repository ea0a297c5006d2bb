// SHA256Hasher: SHA-256 of bytes that come in parts. Not shared between threads. Cannot fail: OpenSSL's digest fails
// only when it is out of memory, which is a trap.

internal import COpenSSL
import RelayModel
import Trap

/// An incremental SHA-256.
public final class SHA256Hasher {
    private let context: OpaquePointer
    private var isFinished = false

    public init() {
        guard let context = EVP_MD_CTX_new() else { trap("OpenSSL is out of memory for a digest") }
        self.context = context
        let started = EVP_DigestInit_ex2(context, DigestMethod.sha256.pointer, nil)
        demand(started == 1, "OpenSSL refuses to start SHA-256")
    }

    deinit {
        EVP_MD_CTX_free(context)
    }

    /// Adds bytes.
    public func update(_ bytes: UnsafeRawBufferPointer) {
        demand(!isFinished, "a finished digest takes no more bytes")
        guard bytes.count > 0 else { return }
        let result = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        demand(result == 1, "OpenSSL refuses bytes for SHA-256")
    }

    /// The digest of all bytes added. To be called once.
    public func finish() -> Digest {
        demand(!isFinished, "a digest is finished once")
        isFinished = true
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { target in
            var count: UInt32 = 0
            let result = EVP_DigestFinal_ex(context, target.baseAddress?.assumingMemoryBound(to: UInt8.self), &count)
            demand(result == 1 && count == 32, "OpenSSL refuses to finish SHA-256")
        }
        return Digest(words: (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian))
    }

    /// The digest of bytes that are all there.
    public static func digest(of bytes: UnsafeRawBufferPointer) -> Digest {
        let hasher = SHA256Hasher()
        hasher.update(bytes)
        return hasher.finish()
    }
}

@available(*, unavailable)
extension SHA256Hasher: Sendable {}

/// The fetched method: EVP_sha256() would be looked up again for every digest. `@unchecked Sendable`: an EVP_MD never
/// changes after it is fetched, and this one is never freed.
private struct DigestMethod: @unchecked Sendable {
    let pointer: OpaquePointer

    static let sha256 = DigestMethod()

    private init() {
        guard let method = EVP_MD_fetch(nil, "SHA256", nil) else {
            trap("this OpenSSL has no SHA-256")
        }
        pointer = method
    }
}
