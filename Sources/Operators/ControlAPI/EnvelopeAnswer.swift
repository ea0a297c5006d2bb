// EnvelopeAnswer and EnvelopesAnswer: one envelope with the reason for its every wait, and lists of envelopes. Plain values.

/// GET /v1/envelopes/{name or number}
public struct EnvelopeAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var now: Timestamp
    public var envelope: Envelope
    /// Numbers of other copies of the same envelope on this node.
    public var otherCopies: [UInt64]

    public struct Envelope: Codable, Sendable, Hashable {
        public var name: String
        /// The number on this node.
        public var number: UInt64
        /// document, administrative or foreign.
        public var kind: String
        public var urgency: Int
        public var sender: String?
        public var documentID: String?
        /// SHA-256 in hexadecimal.
        public var digest: String?
        public var bytes: UInt64
        public var receivedBytes: UInt64
        public var pieces: Pieces?
        public var accepted: Timestamp
        /// The peer it came from; nil when it was handed in or made here.
        public var origin: String?
        public var destination: String?
        public var lifetimeSeconds: UInt64
        public var ageSeconds: UInt64
        /// Nil when no recipient waits any more.
        public var expires: Timestamp?
        public var ended: Timestamp?
        /// What hops have answered lately, the oldest first; the last eight are kept.
        public var answers: [Answer]
        public var hopCount: UInt64
        public var hopLimit: UInt64
        public var path: [Stop]
        /// The envelope that this one was a resubmission of, and those that its recipients were resubmitted in.
        public var formerly: String?
        public var resubmittedAs: [String]
        public var recipients: [Recipient]

        public init(
            name: String, number: UInt64, kind: String, urgency: Int, bytes: UInt64, receivedBytes: UInt64,
            accepted: Timestamp, lifetimeSeconds: UInt64, ageSeconds: UInt64
        ) {
            self.name = name
            self.number = number
            self.kind = kind
            self.urgency = urgency
            self.bytes = bytes
            self.receivedBytes = receivedBytes
            self.accepted = accepted
            self.lifetimeSeconds = lifetimeSeconds
            self.ageSeconds = ageSeconds
            answers = []
            hopCount = 0
            hopLimit = 0
            path = []
            resubmittedAs = []
            recipients = []
        }
    }

    /// A hop's answer to an attempt.
    public struct Answer: Codable, Sendable, Hashable {
        public var time: Timestamp
        public var peer: String
        public var text: String
        public init(time: Timestamp, peer: String, text: String) {
            self.time = time
            self.peer = peer
            self.text = text
        }
    }

    public struct Pieces: Codable, Sendable, Hashable {
        public var received: UInt64
        public var sent: UInt64
        /// Whom they were sent to.
        public var sentTo: String?
        public init(received: UInt64, sent: UInt64, sentTo: String?) {
            self.received = received
            self.sent = sent
            self.sentTo = sentTo
        }
    }

    public struct Recipient: Codable, Sendable, Hashable {
        public var name: String
        /// incoming, waiting, active, deferred, held, arrived, corrupt, forwarded, delivered, refused, expired or deleted.
        public var state: String
        public var since: Timestamp?
        public var attempts: UInt32
        public var nextAttempt: Timestamp?
        public var nextHops: [String]
        /// From the route down to the limit or clock that binds; one sentence a step.
        public var why: [String]
        /// The peer that has taken it, or that said no last.
        public var peer: String?
        public var reason: String?
        public var refusedBy: [String]
        /// What was said of it last: by a hop, or by whoever ended, held or set it aside; empty when nobody has.
        public var lastAnswer: String
        /// True when its submitter has been told that it takes long.
        public var isDelayReported: Bool
        /// What has been reported since it was forwarded, at the node where the document was handed in.
        public var outcome: ReportedOutcome?

        public init(name: String, state: String, attempts: UInt32) {
            self.name = name
            self.state = state
            self.attempts = attempts
            nextHops = []
            why = []
            refusedBy = []
            lastAnswer = ""
            isDelayReported = false
        }
    }

    public init(now: Timestamp, envelope: Envelope, otherCopies: [UInt64]) {
        self.now = now
        self.envelope = envelope
        self.otherCopies = otherCopies
    }
}

/// What another node has reported of a recipient.
public struct ReportedOutcome: Codable, Sendable, Hashable {
    /// arrived, delivered, delayed, refused, expired or deleted.
    public var state: String
    public var reason: String?
    /// The node that says so.
    public var reporter: String?
    /// True when that node has never had it, for it refuses it; the hop before it tries on.
    public var isRefusal: Bool?
    public init(state: String, reason: String?, reporter: String?, isRefusal: Bool? = nil) {
        self.state = state
        self.reason = reason
        self.reporter = reporter
        self.isRefusal = isRefusal
    }
}

/// A node on a way, and when it took the copy.
public struct Stop: Codable, Sendable, Hashable {
    public var node: String
    public var time: Timestamp
    public init(node: String, time: Timestamp) {
        self.node = node
        self.time = time
    }
}

/// GET /v1/envelopes
public struct EnvelopesAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var now: Timestamp
    public var envelopes: [Line]
    /// Where to go on; nil at the end.
    public var cursor: String?
    /// Rows looked at for this answer.
    public var scanned: UInt64

    public struct Line: Codable, Sendable, Hashable {
        public var name: String
        public var number: UInt64
        public var kind: String
        public var urgency: Int
        public var sender: String?
        public var documentID: String?
        public var bytes: UInt64
        public var accepted: Timestamp
        public var origin: String?
        /// Recipients by state.
        public var states: [String: Int]
        /// Of those that are forwarded, what has been reported since, at the node where the document was handed in; nil where nothing has.
        public var outcomes: [String: Int]?
        public init(
            name: String, number: UInt64, kind: String, urgency: Int, sender: String?, documentID: String?,
            bytes: UInt64, accepted: Timestamp, origin: String?, states: [String: Int]
        ) {
            self.name = name
            self.number = number
            self.kind = kind
            self.urgency = urgency
            self.sender = sender
            self.documentID = documentID
            self.bytes = bytes
            self.accepted = accepted
            self.origin = origin
            self.states = states
        }
    }

    public init(now: Timestamp, envelopes: [Line], cursor: String?, scanned: UInt64) {
        self.now = now
        self.envelopes = envelopes
        self.cursor = cursor
        self.scanned = scanned
    }
}
