// SigningKey: owns a private key that signs: one of a PEM file, or one that stays in a token behind PKCS#11 (KeyToken). Blocking: files,
// and the token's library. Not shared between threads. Fails by CMSError; no sentence holds a secret.

internal import COpenSSL
import OpenSSLTLS
import Trap

/// A private key that signs.
public final class SigningKey {
    let pointer: OpaquePointer
    /// The token that the key lives in, which must outlive it.
    private let token: KeyToken?

    private init(takingOwnership pointer: OpaquePointer, token: KeyToken?) {
        self.pointer = pointer
        self.token = token
    }

    deinit {
        if let token { token.free(pointer) } else { EVP_PKEY_free(pointer) }
    }

    /// A key in PEM. The file may be read by its owner only. `passphrase` is asked, once, if the key is encrypted.
    public convenience init(file path: String, passphrase: SecretSource? = nil) throws(CMSError) {
        var octets: [UInt8]
        do throws(TLSError) {
            octets = try TrustFiles.contents(path, what: "key file", secret: true)
        } catch {
            throw CMSError(error)
        }
        defer { octets.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) } }
        let request = SecretRequest(passphrase)
        let key = withEmptyErrorQueue {
            octets.withUnsafeBytes { source -> OpaquePointer? in
                guard let bio = BIO_new_mem_buf(source.baseAddress, Int32(source.count)) else { return nil }
                defer { BIO_free(bio) }
                return PEM_read_bio_PrivateKey(bio, nil, answerSecret, Unmanaged.passUnretained(request).toOpaque())
            }
        }
        guard let key else {
            let details = OpenSSLErrorQueue.capture().texts
            if request.isAnswered {
                throw CMSError(.passphraseWrong, "the passphrase does not open key file \(path)", details: details)
            }
            if request.isAsked {
                throw CMSError(.passphraseMissing, "key file \(path) is encrypted, and there is no passphrase for it")
            }
            throw CMSError(
                .fileMalformed, "key file \(path) holds no private key that can be read", details: details)
        }
        self.init(takingOwnership: key, token: nil)
    }

    /// A key that a token keeps, by its `pkcs11:` URI [RFC 7512]. `module` is the PKCS#11 library; nil for what the system
    /// has registered. The engine keeps the first library that it was started with while one of its keys lives. `pin` is asked when the
    /// token wants it: now, and before each signature if the token wants it then.
    public convenience init(token uri: String, module: String? = nil, pin: SecretSource?) throws(CMSError) {
        let token = try KeyToken(module: module, pin: pin)
        self.init(takingOwnership: try token.load(uri), token: token)
    }

    /// Runs what uses the key.
    func use<Result>(_ body: (OpaquePointer) -> Result) -> Result {
        guard let token else { return body(pointer) }
        return token.use { body(pointer) }
    }
}

@available(*, unavailable)
extension SigningKey: Sendable {}
