// SessionEffects: what one or more calls of a session machine bring about. Owned by the shell, on the session's
// thread. Cannot fail.

/// Events for the shell and octets for the peer, gathered over a batch of calls.
public struct SessionEffects: Sendable {
    public var events: [SessionEvent] = []
    public var output = OutgoingBytes()

    public init() {}

    /// True while somebody watches: then all that passes is noted, and `takeWatched` must be called after every batch.
    public var isWatched: Bool {
        get { output.watched != nil }
        set { output.watched = newValue ? output.watched ?? [] : nil }
    }

    /// Hands over what passed since.
    public mutating func takeWatched() -> [WatchedMessage] {
        guard let watched = output.watched else { return [] }
        output.watched = []
        return watched
    }

    /// Hands over the events.
    public mutating func takeEvents() -> [SessionEvent] {
        let taken = events
        events = []
        return taken
    }
}
