// SignedData: owns a parsed CMS SignedData [RFC 5652, 5.1] of detached content. Bounds come first; then octets that OpenSSL would not
// write in the same way are refused, so that what is not signed of a signature, versions and lists of algorithms, has one form only.
// Not shared between threads. Fails by CMSError.

internal import COpenSSL
import OpenSSLTLS
import RelayModel
import Trap

final class SignedData {
    let pointer: OpaquePointer
    /// The certificates inside, in order; the one at the same index of `fingerprints` is its SHA-256.
    let certificates: CertificateStack
    let fingerprints: [Digest]

    /// Without signers.
    init() {
        let flags = UInt32(CMS_DETACHED | CMS_BINARY | CMS_PARTIAL)
        guard let pointer = withEmptyErrorQueue({ CMS_sign(nil, nil, nil, nil, flags) }) else {
            trap("OpenSSL is out of memory for a signature")
        }
        self.pointer = pointer
        certificates = CertificateStack()
        fingerprints = []
    }

    init(octets: [UInt8]) throws(CMSError) {
        guard octets.count <= DetachedSignature.octetsMax else {
            throw CMSError(.signatureTooLarge, "the signature is longer than \(DetachedSignature.octetsMax) bytes")
        }
        let parsed = withEmptyErrorQueue {
            octets.withUnsafeBufferPointer { source -> OpaquePointer? in
                var next = source.baseAddress
                return d2i_CMS_ContentInfo(nil, &next, source.count)
            }
        }
        guard let parsed else {
            throw CMSError(
                .signatureMalformed, "the signature is not a CMS signature in DER",
                details: OpenSSLErrorQueue.capture().texts)
        }
        pointer = parsed
        (certificates, fingerprints) = Self.certificates(of: parsed)
        try checkContent()
        // Trailing octets, indefinite lengths and sets out of order come out otherwise than they went in.
        guard Self.octets(of: parsed) == octets, octets.withUnsafeBytes({ SignedDataFrame.isPlain($0) }) else {
            throw CMSError(.signatureMalformed, "the signature is not a CMS signature in DER")
        }
        try checkBounds()
    }

    deinit {
        CMS_ContentInfo_free(pointer)
    }

    /// The DER form.
    var octets: [UInt8]? { Self.octets(of: pointer) }

    private static func octets(of pointer: OpaquePointer) -> [UInt8]? {
        withEmptyErrorQueue {
            let count = Int(i2d_CMS_ContentInfo(pointer, nil))
            guard count > 0 else { return nil }
            return [UInt8](unsafeUninitializedCapacity: count) { target, written in
                var next = target.baseAddress
                written = max(0, min(count, Int(i2d_CMS_ContentInfo(pointer, &next))))
            }
        }
    }

    /// Borrowed from the signature.
    var signers: [OpaquePointer] {
        guard let stack = CMS_get0_SignerInfos(pointer) else { return [] }
        return (0..<COpenSSL_sk_CMS_SignerInfo_num(stack)).compactMap { COpenSSL_sk_CMS_SignerInfo_value(stack, $0) }
    }

    private static func certificates(of pointer: OpaquePointer) -> (CertificateStack, [Digest]) {
        let stack = withEmptyErrorQueue { CMS_get1_certs(pointer) }.map { CertificateStack(takingOwnership: $0) }
        guard let stack, stack.count <= DetachedSignature.certificatesMax else { return (CertificateStack(), []) }
        let fingerprints = (0..<stack.count).map { index in
            stack[index].flatMap { derBytes(of: $0) }?.withUnsafeBytes { SHA256Hasher.digest(of: $0) } ?? .zero
        }
        return (stack, fingerprints)
    }

    private func checkContent() throws(CMSError) {
        guard let type = CMS_get0_type(pointer), OBJ_obj2nid(type) == NID_pkcs7_signed else {
            throw CMSError(.signatureMalformed, "the CMS file is not a signature")
        }
        // RFC 5652, 5.2: detached content is absent.
        guard CMS_is_detached(pointer) == 1 else {
            throw CMSError(.contentEmbedded, "the signature holds its content; it must lie beside it")
        }
        guard let type = CMS_get0_eContentType(pointer), OBJ_obj2nid(type) == NID_pkcs7_data else {
            throw CMSError(.contentTypeForeign, "the signature is of another type of content than data")
        }
    }

    private func checkBounds() throws(CMSError) {
        guard let stack = CMS_get0_SignerInfos(pointer), COpenSSL_sk_CMS_SignerInfo_num(stack) > 0 else {
            throw CMSError(.noSigner, "the signature has no signer")
        }
        guard COpenSSL_sk_CMS_SignerInfo_num(stack) <= DetachedSignature.signersMax else {
            throw CMSError(.tooManySigners, "the signature has more than \(DetachedSignature.signersMax) signers")
        }
        if let all = withEmptyErrorQueue({ CMS_get1_certs(pointer) }) {
            let count = CertificateStack(takingOwnership: all).count
            guard count <= DetachedSignature.certificatesMax else {
                throw CMSError(
                    .tooManyCertificates,
                    "the signature holds more than \(DetachedSignature.certificatesMax) certificates")
            }
        }
    }
}

/// What of a SignedData is signed by nobody, and OpenSSL does not compare.
enum SignedDataFrame {
    /// Whether versions and digest algorithms are what the signers make of them [RFC 5652, 5.1 and 5.3], and all certificates are
    /// of X.509.
    static func isPlain(_ octets: UnsafeRawBufferPointer) -> Bool {
        var rest = octets
        guard let info = DERElement(takenFrom: &rest), rest.isEmpty, let outer = info.elements(limit: 2),
            outer.count == 2, outer[1].tag == DERElement.context(0), let data = outer[1].elements(limit: 1)?.first,
            data.tag == DERElement.sequence, let parts = data.elements(limit: 6), parts.count >= 4,
            parts[0].tag == DERElement.integer, parts[1].tag == DERElement.set, let last = parts.last,
            let signers = last.elements(limit: DetachedSignature.signersMax + 1)
        else { return false }
        var digests: Set<[UInt8]> = []
        var hasKeyIdentifier = false
        for signer in signers {
            guard let fields = signer.elements(limit: 7), fields.count >= 5, let digest = algorithm(fields[2]) else {
                return false
            }
            // issuerAndSerialNumber, or [0] subjectKeyIdentifier.
            let isByName = fields[1].tag == DERElement.sequence
            hasKeyIdentifier = hasKeyIdentifier || !isByName
            guard Array(fields[0].content) == [isByName ? 1 : 3] else { return false }
            digests.insert(digest)
        }
        let listed = (parts[1].elements(limit: DetachedSignature.signersMax) ?? []).map(algorithm)
        guard Array(parts[0].content) == [hasKeyIdentifier ? 3 : 1], listed.count == digests.count,
            Set(listed.compactMap(\.self)) == digests
        else { return false }
        return parts.dropFirst(3).dropLast().allSatisfy { part in
            guard part.tag == DERElement.context(0) else { return part.tag == DERElement.context(1) }
            return part.elements(limit: DetachedSignature.octetsMax)?.allSatisfy { $0.tag == DERElement.sequence }
                == true
        }
    }

    /// The object identifier of a digest algorithm; its parameters are absent or NULL [RFC 5754, 2].
    static func algorithm(_ element: DERElement) -> [UInt8]? {
        guard element.tag == DERElement.sequence, let fields = element.elements(limit: 2), let name = fields.first,
            name.tag == DERElement.objectIdentifier
        else { return nil }
        if fields.count == 2, Array(fields[1].whole) != [0x05, 0x00] { return nil }
        return Array(name.content)
    }
}
