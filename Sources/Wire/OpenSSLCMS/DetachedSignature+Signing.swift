// DetachedSignature+Signing: making a signature, and adding one to those that are there. Nothing is signed by who could not be verified
// afterwards: the certificate is judged first, and the new signature is verified before it is given out. Fails by CMSError.

internal import COpenSSL
import OpenSSLTLS
import RelayModel
import Trap

/// Who signs: a certificate, its key, and the authorities above it that go with it.
public struct SignatureSigner {
    public let certificate: SignerCertificate
    /// Put into the signature, so that openssl alone finds the way to a root.
    public let authorities: [SignerCertificate]
    public let key: SigningKey

    public init(certificate: SignerCertificate, authorities: [SignerCertificate] = [], key: SigningKey) {
        self.certificate = certificate
        self.authorities = authorities
        self.key = key
    }

    /// The certificates of a file, the signer's first.
    public init(certificateFile path: String, key: SigningKey) throws(CMSError) {
        let chain = try SignerCertificate.chain(file: path)
        guard let first = chain.first else {
            throw CMSError(.fileMalformed, "certificate file \(path) holds no certificate")
        }
        self.init(certificate: first, authorities: Array(chain.dropFirst()), key: key)
    }
}

extension DetachedSignature {
    /// A new signature of content. `moment`, in Unix seconds, is said to be the signing time.
    public static func sign(
        _ content: ContentDigests, by signer: SignatureSigner, at moment: Int64
    ) throws(CMSError) -> DetachedSignature {
        try adding(signer, to: SignedData(), content, at: moment)
    }

    /// This signature with that of another signer. Those that are there stay octet by octet. They must be of the same content.
    public func adding(
        _ signer: SignatureSigner, _ content: ContentDigests, at moment: Int64
    ) throws(CMSError) -> DetachedSignature {
        let data = try SignedData(octets: octets)
        let readings = data.signers.map { SignerReading(signer: $0) }
        guard readings.count < Self.signersMax else {
            throw CMSError(.tooManySigners, "the signature has \(Self.signersMax) signers, which is as many as may be")
        }
        for reading in readings {
            guard let digest = reading.digest, reading.messageDigest != content.value(digest) else { continue }
            throw CMSError(.contentDiffers, "the signature that is there is of other content than this")
        }
        guard let own = OwnedCertificate(der: signer.certificate.octets) else {
            trap("a certificate that was read can be read")
        }
        let key = keyDigest(of: own.pointer)
        var hasSigned = readings.contains { $0.isIdentified(by: own.pointer) }
        for index in 0..<data.certificates.count {
            guard let certificate = data.certificates[index], keyDigest(of: certificate) == key else { continue }
            hasSigned = hasSigned || readings.contains { $0.isIdentified(by: certificate) }
        }
        guard !hasSigned else {
            throw CMSError(.alreadySigned, "\(signer.certificate.subject) has signed already, and counts once")
        }
        return try Self.adding(signer, to: data, content, at: moment)
    }

    private static func adding(
        _ signer: SignatureSigner, to data: SignedData, _ content: ContentDigests, at moment: Int64
    ) throws(CMSError) -> DetachedSignature {
        guard let own = OwnedCertificate(der: signer.certificate.octets), let digest = content.value(.sha256) else {
            trap("a certificate that was read can be read, and all content has its SHA-256")
        }
        try check(signer.certificate, own, moment)
        let certificate = own.pointer
        let (isSigned, code, details) = signer.key.use { key -> (Bool, CMSError.Code, [String]) in
            guard withEmptyErrorQueue({ X509_check_private_key(certificate, key) }) == 1 else {
                return (false, .keyMismatch, OpenSSLErrorQueue.capture().texts)
            }
            let isSigned = withEmptyErrorQueue { data.sign(certificate, key, digest, moment) }
            return (isSigned, .signingFailed, isSigned ? [] : OpenSSLErrorQueue.capture().texts)
        }
        guard isSigned else {
            guard code == .keyMismatch else { throw CMSError(code, "the key did not sign", details: details) }
            throw CMSError(code, "the key is not the key of the certificate of \(signer.certificate.subject)")
        }
        for certificate in [signer.certificate] + signer.authorities { data.include(certificate) }
        guard let octets = data.octets else {
            throw CMSError(.signingFailed, "the key did not sign", details: OpenSSLErrorQueue.capture().texts)
        }
        return try confirmed(octets, signer.certificate, content, moment)
    }

    /// What a key makes that is broken, or a token, is not given out.
    private static func confirmed(
        _ octets: [UInt8], _ certificate: SignerCertificate, _ content: ContentDigests, _ moment: Int64
    ) throws(CMSError) -> DetachedSignature {
        let signature = try DetachedSignature(octets: octets)
        let trust = SignatureTrust(certificates: [certificate.fingerprint])
        let verdict = try signature.verify(content, trust: trust, at: moment)
        guard verdict.counted.contains(certificate.fingerprint) else {
            throw CMSError(
                .signingFailed, "the certificate of \(certificate.subject) does not confirm what its key signed")
        }
        return signature
    }

    /// Whoever signs hears at once what would make others refuse it.
    private static func check(
        _ certificate: SignerCertificate, _ own: borrowing OwnedCertificate, _ moment: Int64
    ) throws(CMSError) {
        let subject = certificate.subject
        guard SigningKeyKind(of: own.pointer) != nil else {
            throw CMSError(
                .keyNotAccepted, "the key of \(subject) is neither RSA of 2048 bits or more nor ECDSA on P-256 or P-384"
            )
        }
        guard COpenSSL_X509_may_sign(own.pointer) == 1 else {
            throw CMSError(.keyUsageMissing, "the certificate of \(subject) is not for digital signatures")
        }
        guard moment >= certificate.description.notBefore else {
            throw CMSError(.certificateNotYetValid, "the certificate of \(subject) is not valid yet")
        }
        guard moment < certificate.description.notAfter else {
            throw CMSError(.certificateExpired, "the certificate of \(subject) has expired")
        }
    }
}

extension SignedData {
    /// Adds a signer of content with this SHA-256. The digest is put in as it is, so that the content need not pass by again, and so that
    /// no other signer is made anew, as CMS_final would.
    fileprivate func sign(_ certificate: OpaquePointer, _ key: OpaquePointer, _ digest: [UInt8], _ moment: Int64)
        -> Bool
    {
        // RFC 5035, 3: signing-certificate-v2, which CMS_CADES adds.
        // CMS_NOCERTS: the certificate may be there, which would be an error; `include` adds it otherwise.
        let flags = UInt32(CMS_BINARY | CMS_PARTIAL | CMS_CADES | CMS_NOSMIMECAP | CMS_NOCERTS)
        guard let signer = CMS_add1_signer(pointer, certificate, key, EVP_sha256(), flags),
            let time = ASN1_TIME_set(nil, time_t(moment)), let type = OBJ_nid2obj(NID_pkcs7_data)
        else { return false }
        defer { ASN1_TIME_free(time) }
        let count = Int32(digest.count)
        return CMS_signed_add1_attr_by_NID(
            signer, NID_pkcs9_contentType, V_ASN1_OBJECT, UnsafeRawPointer(type), -1) == 1
            && CMS_signed_add1_attr_by_NID(signer, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING, digest, count) == 1
            && CMS_signed_add1_attr_by_NID(signer, NID_pkcs9_signingTime, time.pointee.type, time, -1) == 1
            && CMS_SignerInfo_sign(signer) == 1
    }

    /// Adds a certificate that is not in it yet.
    fileprivate func include(_ certificate: SignerCertificate) {
        guard let own = OwnedCertificate(der: certificate.octets) else { return }
        // One that is there already is an entry in the error queue.
        _ = withEmptyErrorQueue { CMS_add1_cert(pointer, own.pointer) }
        ERR_clear_error()
    }
}
