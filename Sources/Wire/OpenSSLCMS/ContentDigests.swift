// ContentDigests: the digests of what is signed, which comes in portions and is never copied. Not shared between threads. Cannot
// fail: OpenSSL's digests fail only when it is out of memory, which is a trap.

internal import COpenSSL
import Trap

/// The digests by which a signature may be made, by OpenSSL's numbers (NID_sha256 and so on). Anything else does not count.
enum AcceptedDigest: Int32, CaseIterable, Sendable {
    case sha256 = 672
    case sha384 = 673
    case sha512 = 674

    var name: String {
        switch self {
        case .sha256: "SHA256"
        case .sha384: "SHA384"
        case .sha512: "SHA512"
        }
    }

    /// As it stands in DER [RFC 5754, 2].
    var objectIdentifier: [UInt8] {
        let last: UInt8 =
            switch self {
            case .sha256: 1
            case .sha384: 2
            case .sha512: 3
            }
        return [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last]
    }
}

/// The digests of content that comes in portions: SHA-256, and what the signers of a signature have used besides.
public final class ContentDigests {
    private var contexts: [AcceptedDigest: OpaquePointer] = [:]
    private var finished: [AcceptedDigest: [UInt8]] = [:]

    /// For a new signature.
    public convenience init() { self.init([]) }

    /// For verifying a signature, or adding to it.
    public convenience init(for signature: DetachedSignature) { self.init(signature.digests) }

    private init(_ further: Set<AcceptedDigest>) {
        for digest in further.union([.sha256]) {
            guard let method = EVP_MD_fetch(nil, digest.name, nil), let context = EVP_MD_CTX_new() else {
                trap("OpenSSL has no \(digest.name)")
            }
            let started = EVP_DigestInit_ex2(context, method, nil)
            EVP_MD_free(method)
            demand(started == 1, "OpenSSL refuses to start a digest")
            contexts[digest] = context
        }
    }

    deinit {
        for context in contexts.values { EVP_MD_CTX_free(context) }
    }

    /// Adds a portion.
    public func update(_ portion: UnsafeRawBufferPointer) {
        demand(finished.isEmpty, "content that was judged takes no more octets")
        guard portion.count > 0 else { return }
        for context in contexts.values {
            let result = EVP_DigestUpdate(context, portion.baseAddress, portion.count)
            demand(result == 1, "OpenSSL refuses octets for a digest")
        }
    }

    /// The digest of all that was added, after which nothing can be added; nil for a method that was not asked for.
    func value(_ digest: AcceptedDigest) -> [UInt8]? {
        if finished.isEmpty {
            for (digest, context) in contexts {
                finished[digest] = [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { target, written in
                    var count: UInt32 = 0
                    let result = EVP_DigestFinal_ex(context, target.baseAddress, &count)
                    demand(result == 1, "OpenSSL refuses to finish a digest")
                    written = Int(count)
                }
            }
        }
        return finished[digest]
    }
}

@available(*, unavailable)
extension ContentDigests: Sendable {}
