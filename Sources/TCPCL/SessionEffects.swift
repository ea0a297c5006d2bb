// SessionEffects: what one or more calls of a session machine bring about. Owned by the shell, on the session's
// thread. Cannot fail.

/// Events for the shell and octets for the peer, gathered over a batch of calls.
public struct SessionEffects: Sendable {
    public var events: [SessionEvent] = []
    public var output = OutgoingBytes()

    public init() {}

    /// Hands over the events.
    public mutating func takeEvents() -> [SessionEvent] {
        let taken = events
        events = []
        return taken
    }
}
