// TLSEvents: the user events that TLSHandler fires towards the next handler. Values only.

/// The handshake is complete and the peer's certificate has passed all checks of this side.
///
/// A client sees this before the server has judged the client's certificate (RFC 8446, 4.4.2.4 and 2): a refusal comes
/// later, as an error. Only data from the server proves that it accepted.
public struct TLSHandshakeCompleted: Sendable {
    public let peer: PeerCertificate
}

/// The peer has ended its direction; nothing more will be read. The next handler closes the channel.
public struct TLSInputClosed: Hashable, Sendable {
    /// True after close_notify; false when the connection just ended, so that what was read last may have been cut.
    public let clean: Bool
}
