// CertificateDescription: what a certificate says, as values, read once with OpenSSL's X509 functions.
// PeerCertificate: the same for the peer of a session, with what the session agreed on. No I/O. Texts are escaped:
// certificates are written by others. Fails by nil for a certificate whose times or names cannot be read.

internal import COpenSSL
import Glibc
import RelayModel

/// The parts of a certificate that the relay and its operator look at.
public struct CertificateDescription: Hashable, Sendable {
    /// The `bundleEID` otherNames (RFC 9174, 4.4.1), in order. Printable ASCII as it is, all else as `\xNN`, so that a
    /// crafted name equals no valid one. One that is not an IA5String is `\invalid`.
    public let bundleEIDs: [String]
    /// The URI names, escaped in the same way.
    public let uris: [String]
    /// The DNS names, escaped in the same way.
    public let dnsNames: [String]
    /// Unix seconds.
    public let notBefore: Int64
    /// Unix seconds.
    public let notAfter: Int64
    /// Lower-case hexadecimal.
    public let serial: String
    /// The common name of the subject, for display; empty if there is none.
    public let commonName: String
    /// SHA-256 of the certificate's DER form.
    public let fingerprint: Digest

    /// id-on-bundleEID (RFC 9174, 8.10).
    static let bundleEIDType = "1.3.6.1.5.5.7.8.11"

    package init?(certificate: OpaquePointer) {
        guard let notBefore = unixSeconds(X509_get0_notBefore(certificate)),
            let notAfter = unixSeconds(X509_get0_notAfter(certificate)),
            let names = AlternativeNames(certificate: certificate),
            let der = derBytes(of: certificate)
        else { return nil }
        self.notBefore = notBefore
        self.notAfter = notAfter
        bundleEIDs = names.bundleEIDs
        uris = names.uris
        dnsNames = names.dnsNames
        serial = serialText(of: certificate)
        commonName = OpenSSLTLS.commonName(of: certificate)
        fingerprint = der.withUnsafeBytes { SHA256Hasher.digest(of: $0) }
    }
}

/// The peer of a session.
public struct PeerCertificate: Hashable, Sendable {
    public let certificate: CertificateDescription
    /// The peer's role in the handshake.
    public let role: TLSRole
    /// `TLSv1.3`.
    public let protocolVersion: String
    /// The cipher suite, by its RFC 8446 name.
    public let cipher: String
    /// What the peer presented, in DER, its own certificate first; for `TLSContext.verify`.
    public let chain: [[UInt8]]

    /// The `bundleEID` names of the peer's certificate.
    public var bundleEIDs: [String] { certificate.bundleEIDs }
}

// MARK: Reading

/// The subjectAltName extension, sorted by kind.
private struct AlternativeNames {
    var bundleEIDs: [String] = []
    var uris: [String] = []
    var dnsNames: [String] = []

    /// No extension gives no names; a malformed one gives nil.
    init?(certificate: OpaquePointer) {
        guard let names = withEmptyErrorQueue({ COpenSSL_X509_copy_alternative_names(certificate) }) else {
            if X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) >= 0 { return nil }
            return
        }
        defer { GENERAL_NAMES_free(names) }
        guard let wanted = OBJ_txt2obj(CertificateDescription.bundleEIDType, 1) else { return nil }
        defer { ASN1_OBJECT_free(wanted) }
        for index in 0..<COpenSSL_GENERAL_NAMES_num(names) {
            guard let name = COpenSSL_GENERAL_NAMES_value(names, index) else { continue }
            switch COpenSSL_GENERAL_NAME_type(name) {
            case GEN_OTHERNAME:
                guard let type = COpenSSL_GENERAL_NAME_get0_other_type(name), OBJ_cmp(type, wanted) == 0 else {
                    continue
                }
                bundleEIDs.append(text(of: COpenSSL_GENERAL_NAME_get0_other_ia5(name)) ?? "\\invalid")
            case GEN_URI:
                if let text = text(of: COpenSSL_GENERAL_NAME_get0_text(name)) { uris.append(text) }
            case GEN_DNS:
                if let text = text(of: COpenSSL_GENERAL_NAME_get0_text(name)) { dnsNames.append(text) }
            default:
                continue
            }
        }
    }

    private func text(of string: UnsafePointer<ASN1_STRING>?) -> String? {
        guard let string else { return nil }
        let count = Int(ASN1_STRING_length(string))
        guard count > 0, let bytes = ASN1_STRING_get0_data(string) else { return "" }
        return escaped(UnsafeRawBufferPointer(start: bytes, count: count))
    }
}

/// Nil for a time that cannot be read.
func unixSeconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
    var parts = tm()
    guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
    return Int64(timegm(&parts))
}

private func serialText(of certificate: OpaquePointer) -> String {
    guard let serial = X509_get0_serialNumber(certificate), let bytes = ASN1_STRING_get0_data(serial) else { return "" }
    let count = Int(ASN1_STRING_length(serial))
    let sign = ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER ? "-" : ""
    return sign + hexText(UnsafeBufferPointer(start: bytes, count: count))
}

/// The DER form of a certificate.
package func derBytes(of certificate: OpaquePointer) -> [UInt8]? {
    let count = Int(i2d_X509(certificate, nil))
    guard count > 0 else { return nil }
    return [UInt8](unsafeUninitializedCapacity: count) { target, written in
        var end = target.baseAddress
        written = max(0, min(count, Int(i2d_X509(certificate, &end))))
    }
}

/// The common name of a certificate's subject, for display; empty if there is none.
func commonName(of certificate: OpaquePointer) -> String {
    guard let name = X509_get_subject_name(certificate) else { return "" }
    let index = X509_NAME_get_index_by_NID(name, NID_commonName, -1)
    guard index >= 0, let entry = X509_NAME_get_entry(name, index),
        let value = X509_NAME_ENTRY_get_data(entry)
    else { return "" }
    var bytes: UnsafeMutablePointer<UInt8>?
    let count = ASN1_STRING_to_UTF8(&bytes, value)
    guard count >= 0, let bytes else { return "" }
    defer { CRYPTO_free(bytes, nil, 0) }
    return escapedForDisplay(String(decoding: UnsafeBufferPointer(start: bytes, count: Int(count)), as: UTF8.self))
}
