// SecretRequest: a passphrase or PIN on its way from whoever is asked to OpenSSL. Asks once, so that a wrong PIN costs one of a token's
// attempts and not several; wipes what it was given; keeps nothing. Used on the thread of the call that needs the secret.

internal import COpenSSL
import Glibc

/// Asks a person or a file for a passphrase or a PIN; nil when there is none. The octets are wiped after use.
public typealias SecretSource = () -> [UInt8]?

final class SecretRequest {
    private let source: SecretSource?
    private(set) var isAsked = false
    /// Whether there was a secret to give.
    private(set) var isAnswered = false

    init(_ source: SecretSource?) { self.source = source }

    /// Writes the secret, and gives its length; -1 when there is none, it does not fit, or it was given already.
    fileprivate func answer(_ target: UnsafeMutablePointer<CChar>, _ capacity: Int) -> Int32 {
        let isFirst = !isAsked
        isAsked = true
        guard isFirst, var secret = source?() else { return -1 }
        defer { secret.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) } }
        guard secret.count <= capacity else { return -1 }
        isAnswered = true
        for (index, octet) in secret.enumerated() { target[index] = CChar(bitPattern: octet) }
        return Int32(secret.count)
    }
}

/// OpenSSL's callback for passphrases; the last argument is a SecretRequest.
func answerSecret(
    _ target: UnsafeMutablePointer<CChar>?, _ capacity: Int32, _ writing: Int32, _ request: UnsafeMutableRawPointer?
) -> Int32 {
    guard let target, let request, capacity > 0 else { return -1 }
    return Unmanaged<SecretRequest>.fromOpaque(request).takeUnretainedValue().answer(target, Int(capacity))
}
