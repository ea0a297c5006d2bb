// SignatureVerdict+Judging: each signer of a signature judged by itself, so that a bad one hides no good one. Cheap questions come
// before those that cost a calculation, and nothing is calculated for a certificate that nobody has named. Cannot fail: what is wrong
// with a signer is its refusal.

internal import COpenSSL
import OpenSSLTLS
import RelayModel
import Trap

extension SignatureVerdict {
    init(judging data: SignedData, _ content: ContentDigests, trust: SignatureTrust, at moment: Int64) {
        let court = SignerCourt(data: data, content: content, trust: trust, moment: moment)
        var keys: Set<Digest> = []
        signers = data.signers.map { court.judge(SignerReading(signer: $0), counted: &keys) }
    }
}

private struct SignerCourt {
    let data: SignedData
    let content: ContentDigests
    let trust: SignatureTrust
    let moment: Int64

    /// `keys`: the keys, by digest, that count already.
    func judge(_ reading: SignerReading, counted keys: inout Set<Digest>) -> SignatureVerdict.Signer {
        var authority: Digest?
        let index = certificateIndex(of: reading)
        let pointer = index.flatMap { data.certificates[$0] }
        let certificate = pointer.flatMap { SignerCertificate(pointer: $0) }
        var refusal = Self.first {
            guard let digest = reading.digest else { return .digestNotAccepted }
            guard let index, let pointer, let certificate else { return .certificateMissing }
            if let refusal = self.refusal(ofAttributes: reading, pointer) { return refusal }
            if let refusal = self.refusal(of: certificate, index, authority: &authority) { return refusal }
            guard let kind = SigningKeyKind(of: pointer), reading.isAlgorithm(of: kind, digest) else {
                return .algorithmNotAccepted
            }
            guard let message = content.value(digest), reading.messageDigest == message else { return .contentDiffers }
            return Self.isSigned(reading.signer, by: pointer) ? nil : .signatureInvalid
        }
        if refusal == nil, let pointer {
            guard let key = keyDigest(of: pointer) else { trap("a key that has verified a signature has a DER form") }
            if !keys.insert(key).inserted { refusal = .repeated }
        }
        return SignatureVerdict.Signer(
            certificate: certificate, claimedTime: reading.signingTime, authority: refusal == nil ? authority : nil,
            refusal: refusal)
    }

    private static func first(_ body: () -> SignerRefusal?) -> SignerRefusal? { body() }

    /// Where the certificate of a signer stands. Several may have its issuer and serial number, made to hide it: then it is the one that
    /// the signed attributes name.
    private func certificateIndex(of reading: SignerReading) -> Int? {
        let fitting = (0..<data.certificates.count).filter { index in
            data.certificates[index].map { reading.isIdentified(by: $0) } == true
        }
        let named = reading.signingCertificate
        return fitting.first { index in data.certificates[index].map { named?.names($0) == true } == true }
            ?? fitting.first
    }

    private func refusal(ofAttributes reading: SignerReading, _ certificate: OpaquePointer) -> SignerRefusal? {
        guard let type = reading.contentType, reading.messageDigest != nil, reading.signingTime != nil,
            let named = reading.signingCertificate
        else { return .attributesMissing }
        return type == NID_pkcs7_data && named.names(certificate) ? nil : .attributesContradict
    }

    /// What is wrong with the certificate, whatever it has signed.
    private func refusal(
        of certificate: SignerCertificate, _ index: Int, authority: inout Digest?
    ) -> SignerRefusal? {
        let isNamed = trust.certificates.contains(certificate.fingerprint)
        if !isNamed, trust.authorities.isEmpty { return .certificateUnknown }
        guard let pointer = data.certificates[index], SigningKeyKind(of: pointer) != nil else { return .keyNotAccepted }
        guard COpenSSL_X509_may_sign(pointer) == 1 else { return .keyUsageMissing }
        if moment < certificate.description.notBefore { return .certificateNotYetValid }
        if moment >= certificate.description.notAfter { return .certificateExpired }
        if isNamed { return nil }
        authority = authorityAbove(pointer)
        return authority == nil ? .chainMissing : nil
    }

    /// The named authority to which certificates of the signature lead [RFC 5280, 6.1].
    private func authorityAbove(_ certificate: OpaquePointer) -> Digest? {
        guard let store = X509_STORE_new(), let verification = X509_STORE_CTX_new() else {
            trap("OpenSSL is out of memory")
        }
        defer {
            X509_STORE_CTX_free(verification)
            X509_STORE_free(store)
        }
        var hasAuthority = false
        for (index, fingerprint) in data.fingerprints.enumerated() where trust.authorities.contains(fingerprint) {
            // What is no authority makes none by being named.
            guard let anchor = data.certificates[index], X509_check_ca(anchor) > 0 else { continue }
            hasAuthority = X509_STORE_add_cert(store, anchor) == 1 || hasAuthority
        }
        guard hasAuthority, X509_STORE_CTX_init(verification, store, certificate, data.certificates.pointer) == 1,
            let parameters = X509_STORE_CTX_get0_param(verification)
        else { return nil }
        // A named authority ends the chain, also one that another has issued.
        X509_VERIFY_PARAM_set_flags(parameters, CUnsignedLong(X509_V_FLAG_PARTIAL_CHAIN))
        X509_VERIFY_PARAM_set_time(parameters, Int(clamping: moment))
        X509_VERIFY_PARAM_set_depth(parameters, Self.chainDepthMax)
        // Level 2: RSA of 2048 bits or more, no SHA-1.
        X509_VERIFY_PARAM_set_auth_level(parameters, 2)
        X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_ANY)
        guard withEmptyErrorQueue({ X509_verify_cert(verification) }) == 1,
            let chain = X509_STORE_CTX_get0_chain(verification),
            let anchor = COpenSSL_sk_X509_value(chain, COpenSSL_sk_X509_num(chain) - 1), anchor != certificate,
            let octets = derBytes(of: anchor)
        else { return nil }
        let fingerprint = octets.withUnsafeBytes { SHA256Hasher.digest(of: $0) }
        return trust.authorities.contains(fingerprint) ? fingerprint : nil
    }

    private static let chainDepthMax: Int32 = 8

    /// Whether the signed attributes are signed by the key of the certificate [RFC 5652, 5.6].
    private static func isSigned(_ signer: OpaquePointer, by certificate: OpaquePointer) -> Bool {
        withEmptyErrorQueue {
            CMS_SignerInfo_set1_signer_cert(signer, certificate)
            return CMS_SignerInfo_verify(signer) == 1
        }
    }
}

/// SHA-256 of a certificate's subjectPublicKeyInfo: two certificates of one key are one signer.
func keyDigest(of certificate: OpaquePointer) -> Digest? {
    guard let key = X509_get_X509_PUBKEY(certificate) else { return nil }
    let count = Int(i2d_X509_PUBKEY(key, nil))
    guard count > 0 else { return nil }
    let octets = [UInt8](unsafeUninitializedCapacity: count) { target, written in
        var next = target.baseAddress
        written = max(0, min(count, Int(i2d_X509_PUBKEY(key, &next))))
    }
    return octets.withUnsafeBytes { SHA256Hasher.digest(of: $0) }
}
