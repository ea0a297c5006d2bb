// CMSError: everything that can go wrong in making and reading detached signatures, as a value: a code to decide by, a sentence for
// people, and the text of OpenSSL's error queue. Holds no secrets: no passphrase, PIN or octet of a key is ever in a sentence.
// SignerRefusal: why one signer of a signature that can be read does not count.

import OpenSSLTLS

/// A signature that cannot be made, or cannot be read at all.
public struct CMSError: Error, Sendable {
    /// What kind of error it is.
    public enum Code: String, CaseIterable, Sendable {
        // Files of certificates and keys.

        /// A file is missing, is not a regular file, or cannot be read.
        case fileUnreadable = "file_unreadable"
        /// A file is beyond its bound.
        case fileTooLarge = "file_too_large"
        /// A file is not what it should be.
        case fileMalformed = "file_malformed"
        /// The key file can be read by others than its owner.
        case keyExposed = "key_exposed"
        /// The key is encrypted, and no passphrase was given.
        case passphraseMissing = "passphrase_missing"
        /// The passphrase does not open the key.
        case passphraseWrong = "passphrase_wrong"

        // Keys behind PKCS#11.

        /// OpenSSL finds no engine `pkcs11`.
        case engineMissing = "engine_missing"
        /// The engine does not start with this PKCS#11 library.
        case engineFailed = "engine_failed"
        /// The name of the key is no `pkcs11:` URI, or holds a PIN.
        case tokenNameMalformed = "token_name_malformed"
        /// No PIN was given.
        case pinMissing = "pin_missing"
        /// The token has no such key, or does not take the PIN.
        case tokenKeyUnavailable = "token_key_unavailable"

        // The signer.

        /// The key is not the one of the certificate.
        case keyMismatch = "key_mismatch"
        /// The key is neither RSA of 2048 bits or more nor ECDSA on P-256 or P-384.
        case keyNotAccepted = "key_not_accepted"
        /// The certificate's key usage does not say digitalSignature.
        case keyUsageMissing = "key_usage_missing"
        case certificateNotYetValid = "certificate_not_yet_valid"
        case certificateExpired = "certificate_expired"
        /// The certificate, or its key, has signed already.
        case alreadySigned = "already_signed"
        /// There are as many signers as may be.
        case tooManySigners = "too_many_signers"
        /// What has been signed before is not this content.
        case contentDiffers = "content_differs"
        /// The key or its token did not sign, or not so that the certificate confirms it.
        case signingFailed = "signing_failed"

        // The octets of a signature.

        /// Longer than a signature may be.
        case signatureTooLarge = "signature_too_large"
        /// Not a CMS SignedData, or not in DER.
        case signatureMalformed = "signature_malformed"
        /// What is signed stands in the signature; it must lie beside it.
        case contentEmbedded = "content_embedded"
        /// What is signed is called something else than data.
        case contentTypeForeign = "content_type_foreign"
        /// Nobody has signed.
        case noSigner = "no_signer"
        /// More certificates than are looked at.
        case tooManyCertificates = "too_many_certificates"
    }

    public let code: Code
    /// One sentence that says what happened, with the name of the file if there is one.
    public let sentence: String
    /// What OpenSSL had to say, oldest first.
    public let details: [String]

    init(_ code: Code, _ sentence: String, details: [String] = []) {
        self.code = code
        self.sentence = sentence
        self.details = details
    }

    /// What is wrong with a file, as the readers of trust files say it.
    init(_ error: TLSError) {
        let code: Code =
            switch error.code {
            case .fileUnreadable: .fileUnreadable
            case .fileTooLarge: .fileTooLarge
            case .keyExposed: .keyExposed
            default: .fileMalformed
            }
        self.init(code, error.sentence, details: error.details)
    }
}

extension CMSError: CustomStringConvertible {
    public var description: String {
        details.isEmpty ? sentence : sentence + " (" + details.joined(separator: "; ") + ")"
    }
}

/// Why one signer does not count. The first that holds, in this order.
public enum SignerRefusal: String, CaseIterable, Hashable, Sendable {
    /// MD5, SHA-1 and whatever is not SHA-256, SHA-384 or SHA-512.
    case digestNotAccepted = "digest_not_accepted"
    /// The signature holds no certificate of this signer, or one that cannot be read.
    case certificateMissing = "certificate_missing"
    /// Not all of content type, message digest, signing time and signing certificate are signed, each once.
    case attributesMissing = "attributes_missing"
    /// The signed attributes name another certificate [RFC 5035, 3], or another type of content [RFC 5652, 11.1].
    case attributesContradict = "attributes_contradict"
    /// The certificate is not among those named.
    case certificateUnknown = "certificate_unknown"
    /// RSA below 2048 bits, or of a kind or curve that is not taken.
    case keyNotAccepted = "key_not_accepted"
    /// The certificate's key usage does not say digitalSignature [RFC 5280, 4.2.1.3].
    case keyUsageMissing = "key_usage_missing"
    case certificateNotYetValid = "certificate_not_yet_valid"
    case certificateExpired = "certificate_expired"
    /// No chain in the signature leads to an authority that is named.
    case chainMissing = "chain_missing"
    /// The algorithm of the signature is not the one of its key and digest.
    case algorithmNotAccepted = "algorithm_not_accepted"
    /// The signature is of other content.
    case contentDiffers = "content_differs"
    /// The signature is not by the key of the certificate.
    case signatureInvalid = "signature_invalid"
    /// The same certificate, or another of the same key, counts already.
    case repeated = "repeated"

    /// One sentence for people.
    public var sentence: String {
        switch self {
        case .digestNotAccepted: "it was made with a digest that does not count, such as SHA-1"
        case .certificateMissing: "the certificate of the signer is not in the signature"
        case .attributesMissing: "signing time, signing certificate or another signed attribute is missing"
        case .attributesContradict: "its signed attributes name another certificate or another type of content"
        case .certificateUnknown: "the certificate of the signer is not among those named"
        case .keyNotAccepted: "the key of the signer is too weak, or of a kind that does not count"
        case .keyUsageMissing: "the certificate of the signer is not for digital signatures"
        case .certificateNotYetValid: "the certificate of the signer is not valid yet at that moment"
        case .certificateExpired: "the certificate of the signer has expired at that moment"
        case .chainMissing: "no certificates in the signature lead from the signer to an authority that is named"
        case .algorithmNotAccepted: "the algorithm of the signature is not the one of its key and digest"
        case .contentDiffers: "it signs other content than this"
        case .signatureInvalid: "the signature was not made by the key of the certificate, or was changed"
        case .repeated: "the same certificate or key has signed twice and counts once"
        }
    }
}
