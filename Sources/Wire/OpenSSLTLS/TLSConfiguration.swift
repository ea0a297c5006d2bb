// TLSConfiguration: what a TLSContext is made of, as plain values. No I/O, cannot fail; reading the files is
// TLSContext's.

/// The settings of a node's TLS: one certificate, one set of CAs, for all its links, in both roles.
///
/// What is not a setting: TLS 1.3 only, its groups, cipher suites and signatures, certificates of both sides required, no early data, no session tickets and no
/// resumption (a resumed session would not look at the CRL).
public struct TLSConfiguration: Hashable, Sendable {
    /// PEM: the certificates of the CAs that are trusted.
    public var authorityFile: String
    /// PEM: the node's certificate, then the intermediate ones, if any.
    public var certificateChainFile: String
    /// PEM, not encrypted: the key of the node's certificate. Refused when others can read it; see `SecretFile`.
    public var keyFile: String
    /// PEM: the CRLs, one for each CA. Without it nothing is looked up.
    public var revocationListFile: String?
    /// How long a CRL is good for after the time of its next one, in seconds; nil is for ever. Then peers that it is about are refused.
    public var revocationGrace: Int64? = 30 * 86_400
    /// Where to append the secrets of sessions (NSS key log format, as Wireshark reads it). Whoever has the file can
    /// read the links: off unless set.
    public var keyLogFile: String?
    /// The time at which certificates are judged, in Unix seconds, for tests and simulations; nil is the clock.
    public var verificationTime: Int64?

    public init(
        authorityFile: String, certificateChainFile: String, keyFile: String, revocationListFile: String? = nil,
        keyLogFile: String? = nil, verificationTime: Int64? = nil, revocationGrace: Int64? = 30 * 86_400
    ) {
        self.authorityFile = authorityFile
        self.certificateChainFile = certificateChainFile
        self.keyFile = keyFile
        self.revocationListFile = revocationListFile
        self.keyLogFile = keyLogFile
        self.verificationTime = verificationTime
        self.revocationGrace = revocationGrace
    }
}

/// Which side of the handshake somebody plays.
public enum TLSRole: Hashable, Sendable {
    case client
    case server

    public var opposite: TLSRole { self == .client ? .server : .client }
}
