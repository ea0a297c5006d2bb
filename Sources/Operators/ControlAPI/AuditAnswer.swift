// AuditAnswer: the operator log, and what a check of its chain has found. Plain values.

/// GET /v1/audit
public struct AuditAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    /// The newest first.
    public var entries: [Entry]
    public var cursor: String?
    public var scanned: UInt64

    public struct Entry: Codable, Sendable, Hashable {
        public var order: UInt64
        public var time: Timestamp
        public var uid: UInt32
        public var login: String
        public var verb: String
        public var subject: String
        public var reason: String
        public var count: UInt64
        public var bytes: UInt64
        public var outcome: String
        /// SHA-256 in hexadecimal.
        public var hash: String

        public init(
            order: UInt64, time: Timestamp, uid: UInt32, login: String, verb: String, subject: String, reason: String,
            count: UInt64, bytes: UInt64, outcome: String, hash: String
        ) {
            self.order = order
            self.time = time
            self.uid = uid
            self.login = login
            self.verb = verb
            self.subject = subject
            self.reason = reason
            self.count = count
            self.bytes = bytes
            self.outcome = outcome
            self.hash = hash
        }
    }

    public init(entries: [Entry], cursor: String?, scanned: UInt64) {
        self.entries = entries
        self.cursor = cursor
        self.scanned = scanned
    }
}

/// GET /v1/audit/verify: one portion of the check.
public struct AuditCheckAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    /// Entries that this portion looked at.
    public var checked: UInt64
    /// The last sound entry and its hash; 0 and zeros for an empty log.
    public var order: UInt64
    public var hash: String
    /// The first entry that does not hold, and why; nil when all looked at hold.
    public var brokenAt: UInt64?
    public var why: String?
    /// The entry whose hash is the anchor, when this portion has it.
    public var anchoredAt: UInt64?
    /// Where the next portion begins; nil at the end of the log, or at a broken entry.
    public var cursor: String?

    public init(
        checked: UInt64, order: UInt64, hash: String, brokenAt: UInt64?, why: String?, anchoredAt: UInt64?,
        cursor: String?
    ) {
        self.checked = checked
        self.order = order
        self.hash = hash
        self.brokenAt = brokenAt
        self.why = why
        self.anchoredAt = anchoredAt
        self.cursor = cursor
    }
}
