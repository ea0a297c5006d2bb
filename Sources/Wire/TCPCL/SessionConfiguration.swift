// SessionConfiguration: what one session is told before it begins. A struct of values; read once.

import RelayModel

/// Which side of the connection this is (RFC 9174, 2.1).
public enum SessionRole: Sendable, Hashable {
    /// Opened the TCP connection; speaks first and is the TLS client.
    case active
    /// Accepted the TCP connection; says nothing before the peer did.
    case passive
}

/// Whether the session runs over TLS.
public enum TLSRule: Sendable, Hashable {
    /// Announces CAN_TLS and gives up a peer that does not.
    case required
    /// Never announces CAN_TLS: plain TCP, for interoperability tests.
    case forbidden
}

/// The settings of a session. All times are milliseconds; 0 switches the timer off.
public struct SessionConfiguration: Sendable {
    public var role: SessionRole
    public var tls: TLSRule
    /// The identity told in SESS_INIT.
    public var nodeID: NodeID
    /// Announced; the session uses the smaller of both sides' intervals, 0 switches KEEPALIVE off.
    public var keepaliveSeconds: UInt16 = 30
    /// Announced, and checked on reception. Bounded because some peers allocate a buffer of this size.
    public var segmentMRU: UInt64 = 1 << 20
    /// Announced, and checked on reception.
    public var transferMRU: UInt64 = 1 << 30
    /// Segments that we send are no larger than this and the peer's segment MRU.
    public var segmentBytesMax = 256 * 1_024
    /// Until the session is established, for contact header, TLS handshake and SESS_INIT together. RFC 9174, 4.1: no longer
    /// than one minute.
    public var contactTimeout: UInt64 = 30_000
    /// From the first SESS_TERM until the connection is closed whatever is still open.
    public var terminationTimeout: UInt64 = 30_000
    /// A session without transfers for this long is ended.
    public var idleTimeout: UInt64 = 0
    /// A peer that owes answers and gives none for this long loses the session.
    public var answerTimeout: UInt64 = 0
    /// With more received transfers than this undecided the machine wants no more input (`wantsInput`).
    public var undecidedTransfersMax = 256
    /// With more answers than this waiting behind an undecided transfer the machine wants no more input.
    public var waitingAnswersMax = 4_096
    /// After this many MSG_REJECTs sent the session is given up.
    public var rejectionsMax = 8
    /// The extension items of our SESS_INIT. Asked for when it is written: on the passive side with the node ID that the peer has
    /// announced and not proven, on the active side with nil.
    public var initializationItems: @Sendable (_ announced: String?) -> [ExtensionItem] = { _ in [] }
    /// Types of the peer's items that the shell knows: they may be critical.
    public var knownItemTypes: Set<UInt16> = []
    /// Reads and writes an extension list in every segment, for peers that misread the RFC.
    public var extensionLengthInEverySegment = false

    public init(role: SessionRole, tls: TLSRule, nodeID: NodeID) {
        self.role = role
        self.tls = tls
        self.nodeID = nodeID
    }
}
