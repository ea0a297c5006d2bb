// RestoreAnswer: what a store that was brought back from a copy holds, what its agencies may get twice, and what the books of other
// nodes say of it. Plain values.

/// GET /v1/restore
public struct RestoreAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    /// never, brought, holding, held, releasing, released.
    public var phase: String
    public var source: String
    public var login: String
    public var reason: String
    /// When the copy was made, and when the daemon took it up.
    public var copied: Timestamp?
    public var restored: Timestamp?
    /// In the order of acceptance.
    public var rows: [Row]
    public var cursor: String?
    public var scanned: UInt64
    /// Neighbours whose books it has not been set against; nil where there is nothing to compare.
    public var uncompared: [String]?

    public struct Row: Codable, Sendable, Hashable {
        public var name: String
        public var number: UInt64
        public var recipient: String
        /// held: waits for the comparison. held-before: an operator held it. arrived: its agency may have taken it already, and get it
        /// twice. handing: the same, on its way into the agency's spool. in-part: it was here in part, and ended.
        public var state: String
        public var documentID: String?
        public init(name: String, number: UInt64, recipient: String, state: String, documentID: String?) {
            self.name = name
            self.number = number
            self.recipient = recipient
            self.state = state
            self.documentID = documentID
        }
    }

    public init(phase: String) {
        self.phase = phase
        source = ""
        login = ""
        reason = ""
        rows = []
        scanned = 0
    }
}

/// One line of `edocctl ledger NODE --envelopes`: what this node's books say of one (envelope, recipient) and another node.
public struct EvidenceLine: Codable, Sendable, Hashable {
    /// Whose books.
    public var from: String
    /// The node that they speak of.
    public var about: String
    public var name: String
    public var recipient: String
    /// taken: `from` has taken it from `about`. forwarded: `about` has taken it from `from`. delivered: `about` has reported to `from`,
    /// the submitter, that the agency has it. end: behind all others; its time is where the listing begins.
    public var what: String
    public static let end = "end"
    public var isEnd: Bool { what == Self.end }
    public var time: Timestamp

    public init(from: String, about: String, name: String, recipient: String, what: String, time: Timestamp) {
        self.from = from
        self.about = about
        self.name = name
        self.recipient = recipient
        self.what = what
        self.time = time
    }
}

/// GET /v1/ledger/{node}/envelopes
public struct EvidenceAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var lines: [EvidenceLine]
    public var cursor: String?
    public var scanned: UInt64
    public init(lines: [EvidenceLine] = [], cursor: String? = nil, scanned: UInt64 = 0) {
        self.lines = lines
        self.cursor = cursor
        self.scanned = scanned
    }
}

/// The body of POST /v1/restore/compare
public struct CompareOrder: Codable, Sendable, Hashable {
    public var lines: [EvidenceLine]
    /// False: only say what it would end.
    public var isApplied: Bool
    public var reason: String
    /// False: more of the same comparison follows. What is applied is in the operator log when it has ended something, or is the last.
    public var isLast: Bool?
    public init(lines: [EvidenceLine], isApplied: Bool, reason: String, isLast: Bool? = nil) {
        self.lines = lines
        self.isApplied = isApplied
        self.reason = reason
        self.isLast = isLast
    }
    public static let linesMax = 500
}

/// POST /v1/restore/compare
public struct CompareAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    /// Held here and taken there: ended as forwarded, or would be.
    public var forwarded: [EvidenceLine]
    /// In an inbox here, or on its way into a spool, and reported as delivered: ended as delivered, or would be.
    public var delivered: [EvidenceLine]
    /// Handed to this node and not in its store: lost with what was newer than the copy.
    public var missing: [EvidenceLine]
    /// Lines that ask for nothing.
    public var agreeing: Int
    /// How many were ended; 0 when nothing was to be applied.
    public var ended: Int
    /// Nodes whose books have come to their end.
    public var compared: [String]?
    /// Taken there from this node, and not known here: handed in after the copy was made. Its reports are kept, and trace knows it,
    /// once that is applied.
    public var unknown: [EvidenceLine]?
    public init(
        forwarded: [EvidenceLine] = [], delivered: [EvidenceLine] = [], missing: [EvidenceLine] = [],
        agreeing: Int = 0, ended: Int = 0
    ) {
        self.forwarded = forwarded
        self.delivered = delivered
        self.missing = missing
        self.agreeing = agreeing
        self.ended = ended
    }
}

/// The body of POST /v1/restore/release, and what came of it.
public struct ReleaseOrder: Codable, Sendable, Hashable {
    public var reason: String
    /// True: although nothing has been compared.
    public var isUncompared: Bool?
    public init(reason: String, isUncompared: Bool? = nil) {
        self.reason = reason
        self.isUncompared = isUncompared
    }
}
