// QueueListAnswer: the pairs that a selector means, a page at a time. Plain values.

/// GET /v1/queue/list
public struct QueueListAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var now: Timestamp
    /// One (envelope, recipient) each. A page ends behind the envelope with which it is full, so it can be longer than its limit by the
    /// recipients of that one.
    public var lines: [Line]
    /// Where to go on; nil at the end. A page without lines and with a cursor found nothing among the rows that it looked at.
    public var cursor: String?
    /// Rows looked at for this page.
    public var scanned: UInt64
    /// Rows that there are to look at, where that is known.
    public var total: UInt64?

    public struct Line: Codable, Sendable, Hashable {
        public var number: UInt64
        public var name: String
        /// document, administrative (a report) or foreign.
        public var kind: String?
        public var recipient: String
        public var state: String
        public var urgency: Int
        public var bytes: UInt64
        public var sender: String?
        public var documentID: String?
        public var origin: String?
        public var accepted: Timestamp
        /// Since when it is in this state.
        public var since: Timestamp?
        public var expires: Timestamp?
        public var attempts: UInt32
        public var nextAttempt: Timestamp?
        public var nextHops: [String]
        public var lastAnswer: String
        public var reason: String?

        public init(
            number: UInt64, name: String, recipient: String, state: String, urgency: Int, bytes: UInt64,
            accepted: Timestamp, attempts: UInt32, lastAnswer: String
        ) {
            self.number = number
            self.name = name
            self.recipient = recipient
            self.state = state
            self.urgency = urgency
            self.bytes = bytes
            self.accepted = accepted
            self.attempts = attempts
            self.lastAnswer = lastAnswer
            nextHops = []
        }
    }

    public init(now: Timestamp) {
        self.now = now
        lines = []
        scanned = 0
    }
}
