// TraceAnswer and HistoryAnswer: the way of an envelope to each recipient, and how copies have ended here. Plain values.

/// GET /v1/trace/{name}
public struct TraceAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var now: Timestamp
    public var name: String
    /// The node that answers.
    public var node: String
    /// True when this is the node where the document was handed in: it hears of every recipient.
    public var isSubmitter: Bool
    public var sender: String?
    public var documentID: String?
    public var submitted: Timestamp?
    /// The envelope that this one was a resubmission of, and those that it was resubmitted as, one after the other.
    public var formerly: String?
    public var resubmittedAs: [String] = []
    public var recipients: [Recipient]

    public struct Recipient: Codable, Sendable, Hashable {
        public var name: String
        /// The node where the agency is at home, as far as this node's directory says.
        public var home: String?
        /// What is known of its end: arrived, delivered, refused, expired, deleted; else delayed, or the state on this node.
        public var state: String
        public var since: Timestamp?
        /// True when no other state can follow.
        public var isFinal: Bool
        public var reason: String?
        public var stops: [Stop]
        /// What is not known, in a sentence; nil when the way is known to its end.
        public var unknown: String?
        /// Nodes that have said that it takes long there.
        public var delays: [Delay]

        public init(name: String, home: String?, state: String) {
            self.name = name
            self.home = home
            self.state = state
            isFinal = false
            stops = []
            delays = []
        }
    }

    /// A word of warning: it has been somewhere for longer than it should.
    public struct Delay: Codable, Sendable, Hashable {
        public var node: String
        public var time: Timestamp
        public var reason: String
        /// True when the node has never had it, for it refuses it; the hop before it tries on.
        public var isRefusal: Bool?
        public init(node: String, time: Timestamp, reason: String, isRefusal: Bool? = nil) {
            self.node = node
            self.time = time
            self.reason = reason
            self.isRefusal = isRefusal
        }
    }

    public init(
        now: Timestamp, name: String, node: String, isSubmitter: Bool, sender: String?, documentID: String?,
        submitted: Timestamp?, recipients: [Recipient]
    ) {
        self.now = now
        self.name = name
        self.node = node
        self.isSubmitter = isSubmitter
        self.sender = sender
        self.documentID = documentID
        self.submitted = submitted
        self.recipients = recipients
    }
}

/// GET /v1/history
public struct HistoryAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    /// The newest first.
    public var rows: [Row]
    public var cursor: String?
    public var scanned: UInt64

    public struct Row: Codable, Sendable, Hashable {
        public var name: String
        public var sender: String
        public var recipient: String
        public var documentID: String
        public var urgency: Int
        public var bytes: UInt64
        public var accepted: Timestamp
        public var ended: Timestamp
        public var state: String
        /// Where it went.
        public var peer: String?
        /// Where it came from.
        public var origin: String?
        public var attempts: UInt32
        public var reason: String?
        public var answer: String
        /// What has been reported since it was forwarded, at the node where the document was handed in.
        public var outcome: ReportedOutcome?
        /// The envelope that this one was a resubmission of.
        public var formerly: String?

        public init(
            name: String, sender: String, recipient: String, documentID: String, urgency: Int, bytes: UInt64,
            accepted: Timestamp, ended: Timestamp, state: String, peer: String?, origin: String?, attempts: UInt32,
            reason: String?, answer: String
        ) {
            self.name = name
            self.sender = sender
            self.recipient = recipient
            self.documentID = documentID
            self.urgency = urgency
            self.bytes = bytes
            self.accepted = accepted
            self.ended = ended
            self.state = state
            self.peer = peer
            self.origin = origin
            self.attempts = attempts
            self.reason = reason
            self.answer = answer
        }
    }

    public init(rows: [Row], cursor: String?, scanned: UInt64) {
        self.rows = rows
        self.cursor = cursor
        self.scanned = scanned
    }
}
