// TLSError: everything that can go wrong in this module, as a value: a code to decide by, a sentence for people, the
// TLS alert if the peer sent one, and the text of OpenSSL's error queue. Holds no secrets: OpenSSL's queue names
// functions and reasons, never key bytes, and file contents are never quoted.

/// An error of the TLS layer.
public struct TLSError: Error, Sendable {
    /// What kind of error it is. A struct, so that kinds can be added.
    public struct Code: Hashable, Sendable {
        /// The name of the code, as in logs and metrics: `certificate_revoked`.
        public let name: String

        private init(_ name: String) { self.name = name }

        // Configuration: found when a context is made.

        /// A file is missing, is not a regular file, or cannot be read.
        public static let fileUnreadable = Code("file_unreadable")
        /// A file is beyond the size limit.
        public static let fileTooLarge = Code("file_too_large")
        /// A file is not what it should be.
        public static let fileMalformed = Code("file_malformed")
        /// The key file can be read by others than its owner.
        public static let keyExposed = Code("key_exposed")
        /// The key file is encrypted; the daemon has nobody to ask for a passphrase.
        public static let keyEncrypted = Code("key_encrypted")
        /// The key is not the one of the certificate.
        public static let keyMismatch = Code("key_mismatch")
        /// The node's own certificate has expired.
        public static let ownCertificateExpired = Code("own_certificate_expired")
        /// OpenSSL refused a setting.
        public static let settingRefused = Code("setting_refused")

        // The peer's certificate: found in the handshake or by `TLSContext.verify`.

        /// The peer sent no certificate.
        public static let certificateMissing = Code("certificate_missing")
        /// No chain from the peer's certificate to a CA of the CA file.
        public static let certificateUntrusted = Code("certificate_untrusted")
        public static let certificateExpired = Code("certificate_expired")
        public static let certificateNotYetValid = Code("certificate_not_yet_valid")
        public static let certificateRevoked = Code("certificate_revoked")
        /// There is a CRL file, but it has no CRL of the issuer of the peer's certificate.
        public static let revocationUnknown = Code("revocation_unknown")
        /// The peer's certificate fails another check: signature, purpose, path length.
        public static let certificateInvalid = Code("certificate_invalid")

        // The session.

        /// The peer sent a fatal alert; `alert` says which.
        public static let refusedByPeer = Code("refused_by_peer")
        /// The peer offers no protocol version that is allowed here.
        public static let versionRefused = Code("version_refused")
        /// The peer broke the protocol.
        public static let protocolViolation = Code("protocol_violation")
        /// The connection ended before the handshake did.
        public static let handshakeInterrupted = Code("handshake_interrupted")
        /// The handshake took too long.
        public static let handshakeTimedOut = Code("handshake_timed_out")
        /// The connection ended without close_notify.
        public static let truncated = Code("truncated")
        /// More was written before the handshake ended than is buffered.
        public static let tooMuchBuffered = Code("too_much_buffered")
        /// Written after the session was closed.
        public static let alreadyClosed = Code("already_closed")
    }

    public let code: Code
    /// One sentence that says what happened, with the name of the file if there is one.
    public let sentence: String
    /// The number of the fatal alert that the peer sent (RFC 8446, 6.2), for `refusedByPeer`.
    public let alert: UInt8?
    /// What OpenSSL had to say, oldest first.
    public let details: [String]
    /// The `bundleEID` names of the certificate that was refused. Nobody has proven them.
    public let claimed: [String]

    init(_ code: Code, _ sentence: String, alert: UInt8? = nil, details: [String] = [], claimed: [String] = []) {
        self.code = code
        self.sentence = sentence
        self.alert = alert
        self.details = details
        self.claimed = claimed
    }
}

extension TLSError.Code: CustomStringConvertible {
    public var description: String { name }
}

extension TLSError: CustomStringConvertible {
    public var description: String {
        details.isEmpty ? sentence : sentence + " (" + details.joined(separator: "; ") + ")"
    }
}

/// Something that weakens trust without stopping the node: said at start and at reload, and shown to the operator.
public struct TLSWarning: Hashable, Sendable {
    public struct Kind: Hashable, Sendable {
        public let name: String

        private init(_ name: String) { self.name = name }

        /// The CRL's next update has passed: what it revokes stays revoked, what was revoked since is not known.
        public static let revocationListExpired = Kind("revocation_list_expired")
        /// The CRL is from the future: the clock of this node or of the CA is wrong.
        public static let revocationListNotYetValid = Kind("revocation_list_not_yet_valid")
        /// A CA of the CA file has no CRL in the CRL file: certificates it issued are refused.
        public static let revocationListMissing = Kind("revocation_list_missing")
        /// The node's own certificate is not valid yet.
        public static let ownCertificateNotYetValid = Kind("own_certificate_not_yet_valid")
        /// A CRL of this node's own file revokes its certificate: peers that read the same list refuse it.
        public static let ownCertificateRevoked = Kind("own_certificate_revoked")
        /// No authority of this node's own has issued it.
        public static let ownCertificateUntrusted = Kind("own_certificate_untrusted")
        /// A CA of the CA file has expired.
        public static let authorityExpired = Kind("authority_expired")
        /// A key log is being written: whoever has it can read the links.
        public static let keyLogEnabled = Kind("key_log_enabled")
    }

    public let kind: Kind
    public let sentence: String

    init(_ kind: Kind, _ sentence: String) {
        self.kind = kind
        self.sentence = sentence
    }
}
