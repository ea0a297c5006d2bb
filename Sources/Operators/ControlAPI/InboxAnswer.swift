// SubmitAnswer, InboxAnswer and the acknowledgement: the two ends of a document's way. Plain values.

/// POST /v1/submit, 201: the document is durable, and this node answers for it.
public struct SubmitAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var envelope: String
    public var number: UInt64
    public var sender: String
    public var recipients: [String]
    public var bytes: UInt64
    /// SHA-256 in hexadecimal.
    public var digest: String
    /// What an edXML package does against the rules of its format and was understood all the same, with its line.
    public var warnings: [String]?
    /// True: it was taken before under the same Idempotency-Key, and this is that envelope.
    public var isRepeated: Bool?

    public init(
        envelope: String, number: UInt64, sender: String, recipients: [String], bytes: UInt64, digest: String,
        warnings: [String]? = nil
    ) {
        self.envelope = envelope
        self.number = number
        self.sender = sender
        self.recipients = recipients
        self.bytes = bytes
        self.digest = digest
        self.warnings = warnings
    }
}

/// GET /v1/inbox/{agency}
public struct InboxAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var now: Timestamp
    public var agency: String
    /// The oldest first.
    public var documents: [Document]
    public var cursor: String?
    /// The directory from which the agency takes its documents instead.
    public var spool: SpoolLine?

    public struct Document: Codable, Sendable, Hashable {
        public var envelope: String
        public var number: UInt64
        public var sender: String?
        public var documentID: String?
        public var urgency: Int
        public var bytes: UInt64
        public var arrived: Timestamp?
        public var digest: String?
        /// True when the store was restored from a copy that had it already: the agency may have taken it before.
        public var mayRepeat: Bool?
        /// `handing`: it is being moved into the agency's spool. Nil: it waits.
        public var state: String?
        /// True when nobody vouches for the sender: the bundle named none, and came from a node of another make.
        public var unvouched: Bool?
        /// The endpoint that such a bundle names as its source.
        public var source: String?
        public init(
            envelope: String, number: UInt64, sender: String?, documentID: String?, urgency: Int, bytes: UInt64,
            arrived: Timestamp?, digest: String?, state: String? = nil
        ) {
            self.envelope = envelope
            self.number = number
            self.sender = sender
            self.documentID = documentID
            self.urgency = urgency
            self.bytes = bytes
            self.arrived = arrived
            self.digest = digest
            self.state = state
        }
    }

    public init(now: Timestamp, agency: String, documents: [Document], cursor: String?) {
        self.now = now
        self.agency = agency
        self.documents = documents
        self.cursor = cursor
    }
}

/// The body of POST /v1/inbox/{agency}/ack.
public struct AcknowledgeRequest: Codable, Sendable {
    /// Names or numbers.
    public var envelopes: [String]
    /// More than this are refused: a system acknowledges in batches.
    public static let envelopesMax = 1_000
    public init(envelopes: [String]) { self.envelopes = envelopes }
}

/// Its answer: the acknowledgement is durable.
public struct AcknowledgeAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var agency: String
    /// Documents that are delivered by this request.
    public var taken: Int
    /// Documents that had been taken before.
    public var alreadyTaken: Int
    public init(agency: String, taken: Int, alreadyTaken: Int) {
        self.agency = agency
        self.taken = taken
        self.alreadyTaken = alreadyTaken
    }
}
