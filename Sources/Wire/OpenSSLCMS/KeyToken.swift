// KeyToken: a reference to OpenSSL's engine `pkcs11` (Debian: libengine-pkcs11-openssl), behind which keys live in a token. The engine is
// one for the process and asks for the PIN through one callback; so whatever uses it runs under one lock, with the PIN of its own key.
// Blocking: the token's library. Fails by CMSError.

internal import COpenSSL
import OpenSSLTLS
import Synchronization
import Trap

final class KeyToken {
    private let engine: OpaquePointer
    private let pin: SecretSource?

    /// One user of the engine at a time.
    private static let turn = Mutex(())

    init(module: String?, pin: SecretSource?) throws(CMSError) {
        self.pin = pin
        let (engine, code, details) = Self.start(module)
        guard let engine else {
            switch code {
            case .engineMissing:
                throw CMSError(
                    code, "OpenSSL has no engine pkcs11 here; the package is libengine-pkcs11-openssl",
                    details: details)
            default:
                guard let module else {
                    throw CMSError(
                        code, "the engine pkcs11 does not start with the PKCS#11 library of the system",
                        details: details)
                }
                throw CMSError(
                    code, "the engine pkcs11 does not start with PKCS#11 library \(module)", details: details)
            }
        }
        self.engine = engine
    }

    private static func start(_ module: String?) -> (OpaquePointer?, CMSError.Code, [String]) {
        turn.withLock { _ in
            guard let engine = withEmptyErrorQueue({ COpenSSL_ENGINE_by_id("pkcs11") }) else {
                return (nil, .engineMissing, OpenSSLErrorQueue.capture().texts)
            }
            let isStarted = withEmptyErrorQueue {
                (module == nil || COpenSSL_ENGINE_set(engine, "MODULE_PATH", module) == 1)
                    && COpenSSL_ENGINE_init(engine) == 1
            }
            guard isStarted else {
                let details = OpenSSLErrorQueue.capture().texts
                COpenSSL_ENGINE_free(engine)
                return (nil, .engineFailed, details)
            }
            return (engine, .engineFailed, [])
        }
    }

    deinit {
        Self.turn.withLock { _ in
            COpenSSL_ENGINE_finish(engine)
            COpenSSL_ENGINE_free(engine)
        }
    }

    /// The private key of this name; the caller owns it, and gives it back by `free`.
    func load(_ uri: String) throws(CMSError) -> OpaquePointer {
        guard uri.hasPrefix("pkcs11:"), !uri.utf8.contains(0) else {
            throw CMSError(.tokenNameMalformed, "the name of a key in a token begins with pkcs11:")
        }
        // A PIN in the name stands in process lists, histories and logs.
        guard !uri.lowercased().contains("pin-") else {
            throw CMSError(.tokenNameMalformed, "the name of a key in a token must not hold its PIN")
        }
        let request = SecretRequest(pin)
        let (key, details) = Self.inTurn(request) { method, data in
            let key = withEmptyErrorQueue { COpenSSL_ENGINE_load_private_key(engine, uri, method, data) }
            return (key, key == nil ? OpenSSLErrorQueue.capture().texts : [])
        }
        guard let key else {
            guard request.isAnswered || !request.isAsked else {
                throw CMSError(.pinMissing, "the token asks for a PIN, and there is none")
            }
            let name = escapedForDisplay(uri)
            throw CMSError(
                .tokenKeyUnavailable, "the token has no key \(name), or does not take the PIN", details: details)
        }
        return key
    }

    /// Runs what uses a key of the token; the PIN is there if the token asks.
    func use<Result>(_ body: () -> Result) -> Result {
        Self.inTurn(SecretRequest(pin)) { _, _ in body() }
    }

    private static func inTurn<Result>(
        _ request: SecretRequest, _ body: (OpaquePointer, UnsafeMutableRawPointer) -> Result
    ) -> Result {
        var result: Result?
        turn.withLock { _ in
            result = PINCallback.shared.with(request, body)
        }
        guard let result else { trap("a body that has run has a result") }
        return result
    }

    func free(_ key: OpaquePointer) {
        Self.turn.withLock { _ in EVP_PKEY_free(key) }
    }
}

/// What the engine asks for the PIN. It remembers method and data beyond a call: so both live as long as the process, and what is asked
/// is whoever has the turn. `@unchecked Sendable`: the request is only touched under `KeyToken`'s lock, the method never changes.
private final class PINCallback: @unchecked Sendable {
    static let shared = PINCallback()

    private let method: OpaquePointer
    private var request: SecretRequest?

    private init() {
        guard let method = UI_UTIL_wrap_read_pem_callback(answerPIN, 0) else { trap("OpenSSL is out of memory") }
        self.method = method
    }

    func with<Result>(
        _ request: SecretRequest, _ body: (OpaquePointer, UnsafeMutableRawPointer) -> Result
    ) -> Result {
        self.request = request
        defer { self.request = nil }
        return body(method, Unmanaged.passUnretained(self).toOpaque())
    }

    fileprivate func answer(_ target: UnsafeMutablePointer<CChar>?, _ capacity: Int32) -> Int32 {
        guard let request else { return -1 }
        return answerSecret(target, capacity, 0, Unmanaged.passUnretained(request).toOpaque())
    }
}

private func answerPIN(
    _ target: UnsafeMutablePointer<CChar>?, _ capacity: Int32, _ writing: Int32, _ data: UnsafeMutableRawPointer?
) -> Int32 {
    guard let data else { return -1 }
    return Unmanaged<PINCallback>.fromOpaque(data).takeUnretainedValue().answer(target, capacity)
}
