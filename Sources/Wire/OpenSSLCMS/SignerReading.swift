// SignerReading: what one SignerInfo [RFC 5652, 5.3] says of itself, before anything is believed. Borrows it from its SignedData, which
// must outlive this. Not shared between threads. What cannot be read is nil.

internal import COpenSSL
import Glibc
import OpenSSLTLS

struct SignerReading {
    let signer: OpaquePointer

    /// Nil for a digest that does not count.
    var digest: AcceptedDigest? {
        var method: UnsafeMutablePointer<X509_ALGOR>?
        CMS_SignerInfo_get0_algs(signer, nil, nil, &method, nil)
        guard let method, let algorithm = Algorithm(method), algorithm.hasParameters != .some else { return nil }
        return AcceptedDigest(rawValue: algorithm.number)
    }

    /// Whether the algorithm of the signature is what this kind of key and the digest make of it [RFC 5754, 3.2 and 3.3].
    func isAlgorithm(of kind: SigningKeyKind, _ digest: AcceptedDigest) -> Bool {
        var method: UnsafeMutablePointer<X509_ALGOR>?
        CMS_SignerInfo_get0_algs(signer, nil, nil, nil, &method)
        guard let method, let algorithm = Algorithm(method) else { return false }
        switch (kind, digest) {
        case (.rsa, _) where algorithm.number == NID_rsaEncryption: return algorithm.hasParameters == .null
        case (.rsa, .sha256):
            return algorithm.number == NID_sha256WithRSAEncryption && algorithm.hasParameters == .null
        case (.rsa, .sha384):
            return algorithm.number == NID_sha384WithRSAEncryption && algorithm.hasParameters == .null
        case (.rsa, .sha512):
            return algorithm.number == NID_sha512WithRSAEncryption && algorithm.hasParameters == .null
        case (.curve, .sha256): return algorithm.number == NID_ecdsa_with_SHA256 && algorithm.hasParameters == .absent
        case (.curve, .sha384): return algorithm.number == NID_ecdsa_with_SHA384 && algorithm.hasParameters == .absent
        case (.curve, .sha512): return algorithm.number == NID_ecdsa_with_SHA512 && algorithm.hasParameters == .absent
        }
    }

    /// Number and parameters of an AlgorithmIdentifier.
    private struct Algorithm {
        enum Parameters { case absent, null, some }
        let number: Int32
        let hasParameters: Parameters

        init?(_ pointer: UnsafePointer<X509_ALGOR>) {
            var object: OpaquePointer?
            var kind: Int32 = 0
            X509_ALGOR_get0(&object, &kind, nil, pointer)
            guard let object else { return nil }
            number = OBJ_obj2nid(object)
            hasParameters = kind == V_ASN1_UNDEF ? .absent : kind == V_ASN1_NULL ? .null : .some
        }
    }

    // MARK: Signed attributes

    /// The one value of a signed attribute that stands there once.
    private func attribute(_ number: Int32, _ type: Int32) -> UnsafeMutableRawPointer? {
        guard let name = OBJ_nid2obj(number) else { return nil }
        // -3: neither the attribute nor its value may be there twice.
        return withEmptyErrorQueue { CMS_signed_get0_data_by_OBJ(signer, name, -3, type) }
    }

    var messageDigest: [UInt8]? {
        attribute(NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING).map { pointer in
            let text = UnsafePointer(pointer.assumingMemoryBound(to: ASN1_STRING.self))
            let count = Int(ASN1_STRING_length(text))
            return Array(UnsafeBufferPointer(start: ASN1_STRING_get0_data(text), count: count))
        }
    }

    /// The number of the type of content.
    var contentType: Int32? {
        attribute(NID_pkcs9_contentType, V_ASN1_OBJECT).map { OBJ_obj2nid(OpaquePointer($0)) }
    }

    /// In Unix seconds. RFC 5652, 11.3: UTCTime up to 2049, GeneralizedTime from then on.
    var signingTime: Int64? {
        for type in [V_ASN1_UTCTIME, V_ASN1_GENERALIZEDTIME] {
            if let pointer = attribute(NID_pkcs9_signingTime, type) {
                var parts = tm()
                let time = UnsafePointer(pointer.assumingMemoryBound(to: ASN1_TIME.self))
                return ASN1_TIME_to_tm(time, &parts) == 1 ? Int64(timegm(&parts)) : nil
            }
        }
        return nil
    }

    /// What the signing-certificate-v2 attribute says of the signer's certificate [RFC 5035, 3 and 4]: the first of its list, as it must
    /// be. Read here and not by OpenSSL, which would compare each of a long list with each certificate.
    var signingCertificate: SigningCertificate? {
        guard let pointer = attribute(NID_id_smime_aa_signingCertificateV2, V_ASN1_SEQUENCE) else { return nil }
        let text = UnsafePointer(pointer.assumingMemoryBound(to: ASN1_STRING.self))
        guard let start = ASN1_STRING_get0_data(text) else { return nil }
        return SigningCertificate(UnsafeRawBufferPointer(start: start, count: Int(ASN1_STRING_length(text))))
    }

    /// Hash of a certificate, and the method.
    struct SigningCertificate {
        let digest: AcceptedDigest
        let hash: [UInt8]

        /// The signer and the authorities above it.
        private static let certificatesMax = 16

        init?(_ octets: UnsafeRawBufferPointer) {
            var rest = octets
            guard let list = DERElement(takenFrom: &rest), rest.isEmpty, list.tag == DERElement.sequence,
                let certificates = list.elements(limit: 2)?.first, certificates.tag == DERElement.sequence,
                let first = certificates.elements(limit: Self.certificatesMax)?.first,
                let fields = first.elements(limit: 3), let kind = fields.first
            else { return nil }
            // The method is SHA-256 unless it says another.
            let isDefault = kind.tag == DERElement.octetString
            guard let hash = isDefault ? kind : fields.dropFirst().first, hash.tag == DERElement.octetString,
                let digest = isDefault ? .sha256 : Self.method(kind)
            else { return nil }
            self.digest = digest
            self.hash = Array(hash.content)
        }

        private static func method(_ element: DERElement) -> AcceptedDigest? {
            AcceptedDigest.allCases.first { digest in
                SignedDataFrame.algorithm(element) == digest.objectIdentifier
            }
        }

        /// Whether this is the hash of the certificate.
        func names(_ certificate: OpaquePointer) -> Bool {
            var octets = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
            var count: UInt32 = 0
            let method =
                switch digest {
                case .sha256: EVP_sha256()
                case .sha384: EVP_sha384()
                case .sha512: EVP_sha512()
                }
            guard X509_digest(certificate, method, &octets, &count) == 1 else { return false }
            return Array(octets.prefix(Int(count))) == hash
        }
    }

    // MARK: Certificate

    /// Whether the signer's identifier is that of the certificate, octet by octet: comparing names as OpenSSL does would pass over
    /// letters of the other case.
    func isIdentified(by certificate: OpaquePointer) -> Bool {
        var key: UnsafeMutablePointer<ASN1_OCTET_STRING>?
        var issuer: OpaquePointer?
        var serial: UnsafeMutablePointer<ASN1_INTEGER>?
        guard CMS_SignerInfo_cert_cmp(signer, certificate) == 0,
            CMS_SignerInfo_get0_signer_id(signer, &key, &issuer, &serial) == 1
        else { return false }
        guard let issuer else { return key != nil }
        return Self.octets(of: issuer) == X509_get_issuer_name(certificate).flatMap { Self.octets(of: $0) }
    }

    private static func octets(of name: OpaquePointer) -> [UInt8]? {
        var start: UnsafePointer<UInt8>?
        var count = 0
        guard X509_NAME_get0_der(name, &start, &count) == 1, let start else { return nil }
        return Array(UnsafeBufferPointer(start: start, count: count))
    }
}

/// The kinds of keys that sign.
enum SigningKeyKind {
    /// Of 2048 bits or more.
    case rsa
    /// P-256 or P-384.
    case curve

    /// Nil for a key that does not count.
    init?(of certificate: OpaquePointer) {
        guard let key = withEmptyErrorQueue({ X509_get0_pubkey(certificate) }) else { return nil }
        switch EVP_PKEY_get_base_id(key) {
        case EVP_PKEY_RSA:
            guard EVP_PKEY_get_bits(key) >= Self.bitsMin else { return nil }
            self = .rsa
        case EVP_PKEY_EC:
            var name = [CChar](repeating: 0, count: 64)
            var count = 0
            guard withEmptyErrorQueue({ EVP_PKEY_get_group_name(key, &name, name.count, &count) }) == 1 else {
                return nil
            }
            let text = String(decoding: name.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard ["prime256v1", "secp384r1"].contains(text) else { return nil }
            self = .curve
        default: return nil
        }
    }

    static let bitsMin: Int32 = 2048
}
