// TLSConnection: one SSL object and its transport. Every OpenSSL call becomes a method with a three-valued result;
// OpenSSL's WANT_READ and error codes never leave this file. Used on the event loop of its channel only.
// After `failed` the only thing left to do is to send what the transport holds (the alert) and to close.

internal import COpenSSL
import NIOCore
import Trap

/// What an operation came to.
enum TLSResult<Value> {
    /// More bytes from the network are needed.
    case incomplete
    case complete(Value)
    /// The session is over.
    case failed(TLSError)
}

final class TLSConnection {
    /// What a read gave.
    enum Input {
        case bytes(Int)
        /// The peer sent close_notify: nothing more comes.
        case end
    }

    let transport: ByteBufferBIO
    private let ssl: OpaquePointer
    private let role: TLSRole
    /// Keeps the settings, the key log and the trusted CAs alive as long as the session.
    private let context: TLSContext
    /// The subject of the certificate that failed verification, for the sentence of the error.
    private var rejectedSubject: String?
    /// The `bundleEID` names of the peer's own certificate, when verification failed.
    private var rejectedNames: [String] = []

    /// Records sent with the current key, at least.
    private var recordsWithKey = 0
    private let recordsPerKey: Int

    /// RFC 8446, 5.5: AES-GCM is good for 2^24.5 full records with one key; a session may live for a day and send more.
    static let recordsPerKeyMax = 1 << 23

    init(
        context: TLSContext, role: TLSRole, serverName: String?, allocator: ByteBufferAllocator,
        recordsPerKey: Int = recordsPerKeyMax
    ) throws(TLSError) {
        let transport = ByteBufferBIO(allocator: allocator)
        guard let ssl = withEmptyErrorQueue({ SSL_new(context.sslContext) }) else {
            throw TLSError(.settingRefused, "OpenSSL made no session", details: OpenSSLErrorQueue.capture().texts)
        }
        guard let bio = transport.makeOwnedBIO() else {
            SSL_free(ssl)
            throw TLSError(.settingRefused, "OpenSSL made no transport", details: OpenSSLErrorQueue.capture().texts)
        }
        // With the same BIO in both directions SSL_set_bio takes one reference: ours.
        SSL_set_bio(ssl, bio, bio)
        self.transport = transport
        self.ssl = ssl
        self.role = role
        self.context = context
        self.recordsPerKey = recordsPerKey
        // Unretained: `deinit` frees the SSL, so it never outlives this object.
        SSL_set_ex_data(ssl, TLSConnection.backPointerIndex, Unmanaged.passUnretained(self).toOpaque())
        switch role {
        case .client:
            SSL_set_connect_state(ssl)
            // RFC 6066, 3: server_name is a DNS name, never an address literal.
            if let serverName, Self.isDNSName(serverName) { _ = COpenSSL_SSL_set_tlsext_host_name(ssl, serverName) }
        case .server:
            SSL_set_accept_state(ssl)
        }
    }

    deinit {
        SSL_free(ssl)
    }

    // MARK: Operations

    /// Goes on with the handshake.
    func handshake() -> TLSResult<Void> {
        let result = withEmptyErrorQueue { SSL_do_handshake(ssl) }
        guard result == 1 else {
            return failure(of: result, during: "shaking hands", whenEnded: .handshakeInterrupted)
        }
        return .complete(())
    }

    /// Decrypts at most one record's worth into `target`, which is not empty.
    func read(into target: UnsafeMutableRawBufferPointer) -> TLSResult<Input> {
        var count = 0
        let result = withEmptyErrorQueue { SSL_read_ex(ssl, target.baseAddress, target.count, &count) }
        if result == 1 {
            transport.resetInboundTaken()
            return .complete(.bytes(count))
        }
        // SSL_ERROR_ZERO_RETURN is close_notify and only that: SSL_OP_IGNORE_UNEXPECTED_EOF is off.
        if SSL_get_error(ssl, result) == SSL_ERROR_ZERO_RETURN { return .complete(.end) }
        return failure(of: result, during: "reading", whenEnded: .truncated)
    }

    /// Encrypts all of `bytes` into the transport. The transport always takes all, so that `incomplete` means that the
    /// handshake is not over.
    func write(_ bytes: UnsafeRawBufferPointer) -> TLSResult<Void> {
        guard bytes.count > 0 else { return .complete(()) }
        var count = 0
        let result = withEmptyErrorQueue { SSL_write_ex(ssl, bytes.baseAddress, bytes.count, &count) }
        guard result == 1 else {
            return failure(of: result, during: "writing", whenEnded: .truncated)
        }
        demand(count == bytes.count, "SSL_write_ex without partial writes writes all or nothing")
        recordsWithKey += (count + TLSHandler.recordBytesMax - 1) / TLSHandler.recordBytesMax
        if recordsWithKey >= recordsPerKey {
            recordsWithKey = 0
            // Goes out before the next record. A failure shows at that write.
            _ = withEmptyErrorQueue { SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) }
        }
        return .complete(())
    }

    /// Puts close_notify into the transport (RFC 8446, 6.1). Does not wait for the peer's.
    func sendCloseNotify() -> TLSResult<Void> {
        let result = withEmptyErrorQueue { SSL_shutdown(ssl) }
        guard result >= 0 else {
            return failure(of: result, during: "closing", whenEnded: .truncated)
        }
        return .complete(())
    }

    /// An upper bound of the plaintext that reads can give before more bytes come: OpenSSL's decrypted rest, the part
    /// of a record that it holds, and the bytes not taken yet.
    var plaintextBound: Int {
        Int(SSL_pending(ssl)) + transport.inboundTaken + transport.inboundBytes
    }

    /// Who the peer is; nil before the handshake is complete.
    func peerCertificate() -> PeerCertificate? {
        guard let leaf = SSL_get1_peer_certificate(ssl) else { return nil }
        defer { X509_free(leaf) }
        guard let description = CertificateDescription(certificate: leaf), let leafBytes = derBytes(of: leaf) else {
            return nil
        }
        var chain = [leafBytes]
        // On a client OpenSSL's list begins with the leaf, on a server it does not.
        if let others = SSL_get_peer_cert_chain(ssl) {
            for index in 0..<COpenSSL_sk_X509_num(others) {
                guard let certificate = COpenSSL_sk_X509_value(others, index), let bytes = derBytes(of: certificate),
                    bytes != leafBytes
                else { continue }
                chain.append(bytes)
            }
        }
        let version = SSL_get_version(ssl).map { String(cString: $0) } ?? ""
        let cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)).map { String(cString: $0) } ?? ""
        return PeerCertificate(
            certificate: description, role: role.opposite, protocolVersion: version, cipher: cipher, chain: chain)
    }

    // MARK: Failures

    /// The index of the pointer from an SSL back to its TLSConnection: OpenSSL's application data.
    private static let backPointerIndex: Int32 = 0

    /// Called from the verification callback, while the handshake runs on this connection's thread.
    /// `own` is the peer's, `certificate` the one of its chain that is at fault.
    static func rejected(certificate: OpaquePointer?, own: OpaquePointer?, on ssl: OpaquePointer) {
        guard let pointer = SSL_get_ex_data(ssl, backPointerIndex) else { return }
        let connection = Unmanaged<TLSConnection>.fromOpaque(pointer).takeUnretainedValue()
        if let certificate { connection.rejectedSubject = commonName(of: certificate) }
        if let own { connection.rejectedNames = CertificateDescription(certificate: own)?.bundleEIDs ?? [] }
    }

    private func failure<Value>(
        of result: Int32, during activity: String, whenEnded endCode: TLSError.Code
    ) -> TLSResult<Value> {
        let kind = SSL_get_error(ssl, result)
        if kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE { return .incomplete }
        let queue = OpenSSLErrorQueue.capture()
        let reasons = queue.reasons
        if kind == SSL_ERROR_ZERO_RETURN || reasons.contains(SSL_R_UNEXPECTED_EOF_WHILE_READING) {
            return .failed(TLSError(endCode, "the connection ended while \(activity)", details: queue.texts))
        }
        if reasons.contains(SSL_R_CERTIFICATE_VERIFY_FAILED) {
            return .failed(
                certificateError(
                    verifyCode: Int32(SSL_get_verify_result(ssl)), subject: rejectedSubject, claimed: rejectedNames))
        }
        if reasons.contains(SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
            return .failed(TLSError(.certificateMissing, "the peer sent no certificate", details: queue.texts))
        }
        if let alert = queue.receivedAlert {
            let name = SSL_alert_desc_string_long(Int32(alert)).map { String(cString: $0) } ?? "unknown"
            let sentence = "the peer ended the session while \(activity) with alert \(alert), \(name)"
            return .failed(TLSError(.refusedByPeer, sentence, alert: alert, details: queue.texts))
        }
        if reasons.contains(where: Self.versionReasons.contains) {
            let sentence = "the peer does not offer TLS 1.3"
            return .failed(TLSError(.versionRefused, sentence, details: queue.texts))
        }
        let sentence = "the peer broke the TLS protocol while \(activity)"
        return .failed(TLSError(.protocolViolation, sentence, details: queue.texts))
    }

    private static let versionReasons: [Int32] = [
        SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_VERSION_TOO_HIGH, SSL_R_NO_PROTOCOLS_AVAILABLE,
        SSL_R_UNSUPPORTED_SSL_VERSION,
    ]

    private static func isDNSName(_ name: String) -> Bool {
        guard !name.isEmpty, name.utf8.count <= 253, !name.utf8.contains(0), !name.contains(":") else { return false }
        return !name.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || $0 == UInt8(ascii: ".") }
    }
}

@available(*, unavailable)
extension TLSConnection: Sendable {}
