// SignerCertificate: a certificate of one who signs, as a value: its DER octets and what they say. Read from a file in PEM or DER
// (blocking), or from a signature. Trusts nothing: a certificate counts by its fingerprint where somebody names it.

internal import COpenSSL
import OpenSSLTLS
import RelayModel

/// A certificate, as octets and as what they say.
public struct SignerCertificate: Hashable, Sendable {
    /// The DER form, of which the fingerprint is made.
    public let octets: [UInt8]
    /// Dates, names, serial number and fingerprint.
    public let description: CertificateDescription
    /// The whole name of the subject on one line, escaped.
    public let subject: String

    /// SHA-256 of the DER form.
    public var fingerprint: Digest { description.fingerprint }

    /// Beyond every certificate that is used.
    public static let octetsMax = 64 << 10
    /// A file may hold the authorities between the signer and the root too.
    static let chainMax = 8

    /// Borrows the certificate; nil when it cannot be read.
    init?(pointer: OpaquePointer) {
        guard let octets = derBytes(of: pointer), octets.count <= Self.octetsMax,
            let description = CertificateDescription(certificate: pointer)
        else { return nil }
        self.octets = octets
        self.description = description
        subject = Self.subject(of: pointer)
    }

    /// The first certificate of a file.
    public init(file path: String) throws(CMSError) {
        guard let first = try Self.chain(file: path).first else {
            throw CMSError(.fileMalformed, "certificate file \(path) holds no certificate")
        }
        self = first
    }

    /// All certificates of a file in PEM, the signer's first; or the one of a file in DER.
    public static func chain(file path: String) throws(CMSError) -> [SignerCertificate] {
        let stack: CertificateStack?
        do throws(TLSError) {
            let contents = try TrustFiles.contents(path, what: "certificate file", secret: false)
            // DER begins with the tag of a SEQUENCE, which no PEM file does.
            stack =
                contents.first == DERElement.sequence
                ? CertificateStack(der: contents)
                : try TrustFiles.certificates(of: contents, path, what: "certificate file")
        } catch {
            throw CMSError(error)
        }
        guard let stack else { throw CMSError(.fileMalformed, "certificate file \(path) cannot be parsed") }
        guard stack.count <= chainMax else {
            throw CMSError(.fileTooLarge, "certificate file \(path) holds more than \(chainMax) certificates")
        }
        var chain: [SignerCertificate] = []
        for index in 0..<stack.count {
            guard let pointer = stack[index], let certificate = SignerCertificate(pointer: pointer) else {
                throw CMSError(
                    .fileMalformed, "certificate file \(path) holds a certificate that cannot be read")
            }
            chain.append(certificate)
        }
        return chain
    }

    private static func subject(of certificate: OpaquePointer) -> String {
        guard let name = X509_get_subject_name(certificate), let bio = BIO_new(BIO_s_mem()) else { return "" }
        defer { BIO_free(bio) }
        guard withEmptyErrorQueue({ COpenSSL_X509_NAME_print_line(bio, name) }) >= 0 else { return "" }
        var start: UnsafeMutablePointer<CChar>?
        let count = COpenSSL_BIO_get_mem_data(bio, &start)
        guard count > 0, let start else { return "" }
        let octets = UnsafeRawBufferPointer(start: start, count: Int(count))
        return escapedForDisplay(String(decoding: octets, as: UTF8.self))
    }
}

extension CertificateStack {
    /// The one certificate that the octets are, without anything behind it; nil for all else.
    convenience init?(der octets: [UInt8]) {
        self.init()
        guard let certificate = OwnedCertificate(der: octets) else { return nil }
        X509_up_ref(certificate.pointer)
        append(takingOwnership: certificate.pointer)
    }

    /// Adds a reference of its own.
    func append(borrowed certificate: OpaquePointer) {
        X509_up_ref(certificate)
        append(takingOwnership: certificate)
    }
}

/// Owns a certificate.
struct OwnedCertificate: ~Copyable {
    let pointer: OpaquePointer

    init?(der octets: [UInt8]) {
        let (pointer, isWhole) = withEmptyErrorQueue {
            octets.withUnsafeBufferPointer { source -> (OpaquePointer?, Bool) in
                var next = source.baseAddress
                let certificate = d2i_X509(nil, &next, source.count)
                return (certificate, next == source.baseAddress.map { $0 + source.count })
            }
        }
        guard let pointer else { return nil }
        guard isWhole else {
            X509_free(pointer)
            return nil
        }
        self.pointer = pointer
    }

    deinit {
        X509_free(pointer)
    }
}
