// TLSContext: the node's TLS settings with their files read and checked: an SSL_CTX and the store of CAs and CRLs.
// Immutable, shared by all links of a node on any thread; a reload makes a new one, and sessions keep the one that they
// began with. `init` does blocking file I/O and throws errors that name file and reason; what only weakens trust is a
// warning. Sends nothing, owns no connection.

internal import COpenSSL
import Glibc
import Trap

/// The shared TLS settings of a node.
///
/// `@unchecked Sendable`: OpenSSL counts references to an SSL_CTX and an X509_STORE atomically and locks their lookups;
/// nothing here changes them after `init`.
public final class TLSContext: @unchecked Sendable {
    public let configuration: TLSConfiguration
    /// What weakens trust; to be logged and shown.
    public let warnings: [TLSWarning]
    /// The node's own certificate.
    public let ownCertificate: CertificateDescription
    public let trustDates: TrustDates

    private let owned: OwnedContext
    private let keyLog: KeyLog?

    var sslContext: OpaquePointer { owned.context }

    /// The longest chain: root, three intermediate CAs, and the peer is generous.
    static let chainDepthMax: Int32 = 8

    public init(_ configuration: TLSConfiguration) throws(TLSError) {
        self.configuration = configuration
        let now = configuration.verificationTime ?? Int64(time(nil))
        let owned = try OwnedContext()
        try owned.applyRules(configuration)
        var dates = TrustDates()
        var warnings = try owned.loadAuthorities(configuration.authorityFile, now: now, &dates)
        if let path = configuration.revocationListFile {
            warnings += try owned.loadRevocationLists(
                path, authorityFile: configuration.authorityFile, now: now, &dates)
        }
        let identity = try owned.loadIdentity(configuration, now: now)
        ownCertificate = identity.certificate
        warnings += identity.warnings
        if let path = configuration.keyLogFile {
            let log = try KeyLog(path: path)
            // Unretained: the log lives as long as this object, which every session of the SSL_CTX keeps alive.
            SSL_CTX_set_ex_data(owned.context, keyLogIndex, Unmanaged.passUnretained(log).toOpaque())
            SSL_CTX_set_keylog_callback(owned.context, appendToKeyLog)
            warnings.append(TLSWarning(.keyLogEnabled, "the secrets of all sessions are written to \(path)"))
            keyLog = log
        } else {
            keyLog = nil
        }
        self.warnings = warnings
        trustDates = dates
        self.owned = owned
    }

    // MARK: Judging a peer again

    /// Judges the peer of a live session by these settings: CA, CRL and time. Throws what a handshake would have failed
    /// with. For a reload: sessions whose peer is revoked, expired or no longer trusted are ended.
    public func verify(_ peer: PeerCertificate, at time: Int64? = nil) throws(TLSError) {
        try verify(chain: peer.chain, peerRole: peer.role, at: time)
    }

    /// Judges a chain in DER, the peer's own certificate first. `time` is in Unix seconds; nil is the configured time
    /// or the clock.
    public func verify(chain: [[UInt8]], peerRole: TLSRole, at time: Int64? = nil) throws(TLSError) {
        let presented = CertificateStack()
        for bytes in chain {
            guard let certificate = Self.certificate(der: bytes) else {
                throw TLSError(.certificateInvalid, "the peer's chain holds something that is no certificate")
            }
            presented.append(takingOwnership: certificate)
        }
        guard let leaf = presented[0] else {
            throw TLSError(.certificateMissing, "the peer sent no certificate")
        }
        guard let verification = X509_STORE_CTX_new() else { trap("OpenSSL is out of memory") }
        defer { X509_STORE_CTX_free(verification) }
        let result = withEmptyErrorQueue { () -> Int32 in
            guard X509_STORE_CTX_init(verification, owned.store, leaf, presented.pointer) == 1,
                X509_STORE_CTX_set_default(verification, peerRole == .client ? "ssl_client" : "ssl_server") == 1,
                let parameters = X509_STORE_CTX_get0_param(verification)
            else { return -1 }
            owned.apply(configuration, to: parameters, time: time ?? configuration.verificationTime)
            X509_STORE_CTX_set_verify_cb(verification, judgeCertificate)
            return X509_verify_cert(verification)
        }
        _ = OpenSSLErrorQueue.capture()
        guard result == 1 else {
            let subject = X509_STORE_CTX_get_current_cert(verification).map { commonName(of: $0) }
            throw certificateError(verifyCode: X509_STORE_CTX_get_error(verification), subject: subject)
        }
        guard CertificateUse.permits(leaf, as: peerRole) else {
            throw certificateError(verifyCode: X509_V_ERR_INVALID_PURPOSE, subject: commonName(of: leaf))
        }
    }

    private static func certificate(der bytes: [UInt8]) -> OpaquePointer? {
        withEmptyErrorQueue {
            bytes.withUnsafeBufferPointer { source in
                var cursor = source.baseAddress
                return d2i_X509(nil, &cursor, source.count)
            }
        }
    }
}

/// The index of the pointer from an SSL_CTX to its key log: OpenSSL's application data.
private let keyLogIndex: Int32 = 0

private func appendToKeyLog(_ ssl: OpaquePointer?, _ line: UnsafePointer<CChar>?) {
    guard let ssl, let line, let context = SSL_get_SSL_CTX(ssl),
        let pointer = SSL_CTX_get_ex_data(context, keyLogIndex)
    else { return }
    Unmanaged<KeyLog>.fromOpaque(pointer).takeUnretainedValue().append(line)
}
