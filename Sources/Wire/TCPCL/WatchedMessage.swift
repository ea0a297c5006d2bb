// WatchedMessage: what passed on a session, for a person who watches it: contact headers and messages, of segments the header only. A
// value; cannot fail. Nothing is noted while nobody watches.

public enum WatchedMessage: Hashable, Sendable {
    case contact(isSent: Bool, ContactHeader)
    case message(isSent: Bool, Message)
}
