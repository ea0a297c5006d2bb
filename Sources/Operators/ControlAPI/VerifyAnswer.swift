// VerifyAnswer: how a verification of the store stands, or how the last one ended.

/// POST /v1/verify, instead of a query.
public struct VerifyOrder: Codable, Sendable, Hashable {
    /// Octets a second.
    public var rate: UInt64?
    public var reason: String?
    public init() {}
}

public struct VerifyAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var now: Timestamp
    public var isRunning: Bool
    /// What is looked at now: indexes, envelopes, labels, payloads or books.
    public var step: String?
    public var why: String
    public var began: Timestamp?
    public var ended: Timestamp?
    public var envelopes: UInt64
    public var payloads: UInt64
    /// Rows of indexes that led nowhere, and that were missing; counters that were wrong. All are mended.
    public var strays: UInt64
    public var missing: UInt64
    public var counters: UInt64
    /// Envelopes set aside by name, records that had no label, payloads that cannot be read.
    public var named: UInt64
    public var unnamed: UInt64
    public var badPayloads: UInt64
    /// Nothing was found.
    public var isClean: Bool
    /// What is in the store at this moment and cannot be read, and where it can be had again; the first hundred.
    public var unreadable: [Unreadable]?

    public struct Unreadable: Codable, Sendable, Hashable {
        public var name: String
        public var sender: String?
        public var documentID: String?
        /// Those whose copy cannot be read.
        public var recipients: [String]
        /// The neighbour that handed it over, and remembers it for a week; nil: it was handed in here.
        public var cameFrom: String?
        /// Where it was handed in: its submitter can send it again.
        public var submitter: String
        /// Neighbours that have taken it for other recipients.
        public var takenBy: [String]
        /// The next hops of its recipients, which may have it.
        public var nextHops: [String]

        public init(
            name: String, sender: String?, documentID: String?, recipients: [String], cameFrom: String?,
            submitter: String, takenBy: [String], nextHops: [String]
        ) {
            self.name = name
            self.sender = sender
            self.documentID = documentID
            self.recipients = recipients
            self.cameFrom = cameFrom
            self.submitter = submitter
            self.takenBy = takenBy
            self.nextHops = nextHops
        }
    }

    public init(
        now: Timestamp, isRunning: Bool, step: String?, why: String, began: Timestamp?, ended: Timestamp?,
        envelopes: UInt64, payloads: UInt64, strays: UInt64, missing: UInt64, counters: UInt64, named: UInt64,
        unnamed: UInt64, badPayloads: UInt64, isClean: Bool
    ) {
        self.now = now
        self.isRunning = isRunning
        self.step = step
        self.why = why
        self.began = began
        self.ended = ended
        self.envelopes = envelopes
        self.payloads = payloads
        self.strays = strays
        self.missing = missing
        self.counters = counters
        self.named = named
        self.unnamed = unnamed
        self.badPayloads = badPayloads
        self.isClean = isClean
    }
}
