// SessionParameters: what two SESS_INIT messages together say (RFC 9174, 4.7). A value; cannot fail.

/// The negotiated parameters of an established session.
public struct SessionParameters: Sendable, Hashable {
    /// The smaller of both intervals, in seconds; 0 means no KEEPALIVE.
    public let keepaliveSeconds: UInt16
    /// The largest segment that the peer takes.
    public let peerSegmentMRU: UInt64
    /// The largest transfer that the peer takes.
    public let peerTransferMRU: UInt64
    public let usesTLS: Bool
    /// The items of the peer's SESS_INIT that are of known types, as they came.
    public var peerItems: [ExtensionItem] = []
}
