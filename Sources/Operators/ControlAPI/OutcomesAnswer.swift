// OutcomesAnswer: what became of documents that were handed in at a node, for each recipient: as a list, as a feed, and what an operator
// has still to look at. Plain values.

/// GET /v1/outcomes (the feed: the oldest first) and GET /v1/outcomes/list (the newest first)
public struct OutcomesAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var now: Timestamp
    public var node: String
    public var outcomes: [OutcomeLine]
    /// Where to go on. The feed has one always, its reader's own; of a list it is nil at the end.
    public var cursor: String?
    /// Of the feed: changes before these are gone, or are of another life of the store; what stands is in the list.
    public var isGap: Bool?
    /// Of the list: rows looked at.
    public var scanned: UInt64?

    public init(now: Timestamp, node: String) {
        self.now = now
        self.node = node
        outcomes = []
    }
}

/// One (document, recipient), or one change of it.
public struct OutcomeLine: Codable, Sendable, Hashable {
    public var envelope: String
    public var recipient: String
    /// waiting (nothing has been heard), arrived, delivered, delayed, refused, expired, deleted; of a change also renamed: what is heard
    /// from then on bears the new name
    public var outcome: String
    public var reason: String?
    /// The reason as a number of docs/protocol.md, 4.
    public var reasonCode: UInt64?
    /// As `outcomes ack --cause` takes it; nil where the outcome is not a bad one.
    public var cause: String?
    /// Who said it.
    public var reporter: String?
    /// When, by the reporter's clock.
    public var time: Timestamp
    public var sender: String?
    public var documentID: String?
    /// The name under which the document goes on to this recipient.
    public var resubmittedAs: String?
    public var urgency: Int
    /// A bad end or a delay that nobody has acknowledged.
    public var isOpen: Bool

    public init(envelope: String, recipient: String, outcome: String, time: Timestamp, urgency: Int, isOpen: Bool) {
        self.envelope = envelope
        self.recipient = recipient
        self.outcome = outcome
        self.time = time
        self.urgency = urgency
        self.isOpen = isOpen
    }
}

/// GET /v1/outcomes/open
public struct OpenOutcomesAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var now: Timestamp
    public var node: String
    public var total: UInt64
    /// The most first.
    public var causes: [Cause]
    /// Up to which change this answer knows: an acknowledgement with it is not about what comes later.
    public var upTo: UInt64

    public struct Cause: Codable, Sendable, Hashable {
        /// `expired-1`: as an acknowledgement names it.
        public var cause: String
        public var outcome: String
        public var reason: String
        public var count: UInt64
        public init(cause: String, outcome: String, reason: String, count: UInt64) {
            self.cause = cause
            self.outcome = outcome
            self.reason = reason
            self.count = count
        }
    }

    public init(now: Timestamp, node: String, total: UInt64, causes: [Cause], upTo: UInt64) {
        self.now = now
        self.node = node
        self.total = total
        self.causes = causes
        self.upTo = upTo
    }

    /// With more, lists are of causes.
    public static let listedMax: UInt64 = 1_000
}

/// POST /v1/outcomes/ack
public struct OutcomeAckRequest: Codable, Sendable, Hashable {
    /// Names of envelopes; none: all that the other conditions mean.
    public var envelopes: [String]?
    public var causes: [String]?
    public var from: String?
    public var to: String?
    public var upTo: UInt64
    public var reason: String
    /// Where an earlier portion ended.
    public var cursor: String?

    public init(upTo: UInt64, reason: String) {
        self.upTo = upTo
        self.reason = reason
    }
}

/// Its answer.
public struct OutcomeAckAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var acknowledged: UInt64
    /// Nil: all are done.
    public var cursor: String?

    public init(acknowledged: UInt64, cursor: String?) {
        self.acknowledged = acknowledged
        self.cursor = cursor
    }
}
