// QueueAnswer: what waits, by next hop and age. Made from counters, so that it costs the same at any backlog. Plain values.

/// GET /v1/queue
public struct QueueAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var now: Timestamp
    /// Upper ends of the age buckets in seconds; the last bucket has none.
    public var bucketSeconds: [UInt64]
    /// By next hop, the fullest first.
    public var rows: [Row]
    /// Documents that wait in inboxes here, the oldest first.
    public var arrived: [Inbox]
    /// How far back `lately` looks; the running minute is included.
    public var latelyMinutes: UInt64 = 5
    /// All documents that wait in inboxes here.
    public var arrivedCount: UInt64
    /// Agencies that take their documents from a directory.
    public var spools: [SpoolLine]?

    /// What waits under one list of next hops.
    public struct Row: Codable, Sendable, Hashable {
        /// The next hops in order of preference; empty for documents that are at home here and being checked.
        public var nextHops: [String]
        /// True for what waits for agencies that are suspended; it does not wait for these hops.
        public var isSuspended = false
        /// All urgencies together.
        public var total: Ages
        public var urgencies: [Class]
        public var lately: Lately
        public init(nextHops: [String], total: Ages, urgencies: [Class], lately: Lately = Lately()) {
            self.nextHops = nextHops
            self.total = total
            self.urgencies = urgencies
            self.lately = lately
        }
    }

    /// Pairs that came and went in the last minutes.
    public struct Lately: Codable, Sendable, Hashable {
        public var came: UInt64
        public var left: UInt64
        /// growing, shrinking or steady.
        public var trend: String
        public init(came: UInt64 = 0, left: UInt64 = 0) {
            self.came = came
            self.left = left
            trend = came > left ? "growing" : came < left ? "shrinking" : "steady"
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
        /// By the directory.
        public var name: String?
        public var count: UInt64
        /// False when there are more than `count`: some arrived under a version of the daemon that did not count them by agency.
        public var isExact: Bool
        /// To the minute, and to the hour after a day.
        public var oldest: Timestamp?
        /// By the time since they arrived.
        public var ages: Ages
        public var lately: Lately
        public init(
            agency: String, name: String?, count: UInt64, isExact: Bool, oldest: Timestamp?, ages: Ages, lately: Lately
        ) {
            self.agency = agency
            self.name = name
            self.count = count
            self.isExact = isExact
            self.oldest = oldest
            self.ages = ages
            self.lately = lately
        }
    }

    /// What the picture does not show and a person should know.
    public var attention: [String]?

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
