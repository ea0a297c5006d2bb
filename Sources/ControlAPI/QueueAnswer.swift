// QueueAnswer: what waits, by next hop and age. Made from counters, so that it costs the same at any backlog. Plain values.

/// GET /v1/queue
public struct QueueAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var now: Timestamp
    /// Upper ends of the age buckets in seconds; the last bucket has none.
    public var bucketSeconds: [UInt64]
    /// By next hop, the fullest first.
    public var rows: [Row]
    /// Documents that wait in inboxes here.
    public var arrived: [Inbox]
    /// All documents that wait in inboxes here.
    public var arrivedCount: UInt64
    /// Agencies that take their documents from a directory.
    public var spools: [SpoolLine]?

    /// What waits under one list of next hops.
    public struct Row: Codable, Sendable, Hashable {
        /// The next hops in order of preference; empty for documents that are at home here and being checked.
        public var nextHops: [String]
        /// All urgencies together.
        public var total: Ages
        public var urgencies: [Class]
        public init(nextHops: [String], total: Ages, urgencies: [Class]) {
            self.nextHops = nextHops
            self.total = total
            self.urgencies = urgencies
        }
    }

    public struct Class: Codable, Sendable, Hashable {
        public var urgency: Int
        public var ages: Ages
        public init(urgency: Int, ages: Ages) {
            self.urgency = urgency
            self.ages = ages
        }
    }

    /// (Envelope, recipient) pairs by the time since this node accepted them.
    public struct Ages: Codable, Sendable, Hashable {
        public var count: UInt64
        public var bytes: UInt64
        public var oldestSeconds: UInt64
        /// As many as `bucketSeconds`, and one more.
        public var buckets: [UInt64]
        public init(count: UInt64 = 0, bytes: UInt64 = 0, oldestSeconds: UInt64 = 0, buckets: [UInt64]) {
            self.count = count
            self.bytes = bytes
            self.oldestSeconds = oldestSeconds
            self.buckets = buckets
        }
    }

    public struct Inbox: Codable, Sendable, Hashable {
        public var agency: String
        public var count: UInt64
        /// False when there are more than `count`: counting stops at a bound.
        public var isExact: Bool
        public var oldest: Timestamp?
        public init(agency: String, count: UInt64, isExact: Bool, oldest: Timestamp?) {
            self.agency = agency
            self.count = count
            self.isExact = isExact
            self.oldest = oldest
        }
    }

    public init(
        now: Timestamp, bucketSeconds: [UInt64], rows: [Row], arrived: [Inbox], arrivedCount: UInt64
    ) {
        self.now = now
        self.bucketSeconds = bucketSeconds
        self.rows = rows
        self.arrived = arrived
        self.arrivedCount = arrivedCount
    }
}
