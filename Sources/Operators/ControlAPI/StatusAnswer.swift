// StatusAnswer: how a node stands, in figures that cost the same with ten envelopes as with ten million. Plain values.

/// GET /v1/status
public struct StatusAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var node: String
    public var version: String
    public var now: Timestamp
    public var started: Timestamp
    public var uptimeSeconds: UInt64
    /// Where other nodes can reach this one, with the real ports.
    public var listening: [String]
    /// Transactions of the engine since the start.
    public var batches: UInt64
    /// Sentences about what needs a person; empty when nothing does.
    public var attention: [String]
    public var memory: Memory
    public var store: Store
    /// (Envelope, recipient) pairs in the store, by state.
    public var inStore: [String: UInt64]
    public var links: Links
    /// Envelopes chosen for links at this moment.
    public var active: UInt64
    /// Octets received and not yet durable.
    public var stagedBytes: UInt64
    public var corruptRecords: UInt64
    /// True while expiry is suspended because the clock is not believed.
    public var clockDoubted: Bool
    /// The same as `attention`, in parts; the worst first.
    public var findings: [FindingLine]?
    /// When the last good copy of the store was made; nil when none was.
    public var lastBackup: Timestamp?
    /// When the store was verified last, and whether it was in order.
    public var verified: Timestamp?
    public var verifiedClean: Bool?
    /// How far history goes back; nil when there is none yet.
    public var history: History?

    public struct History: Codable, Sendable, Hashable {
        /// When the oldest copy ended that it still has.
        public var from: Timestamp
        public var seconds: UInt64
        /// `store.history_memory`.
        public var memorySeconds: UInt64
        /// It goes back no further because its part of the store is used up.
        public var isCut: Bool
        public init(from: Timestamp, seconds: UInt64, memorySeconds: UInt64, isCut: Bool) {
            self.from = from
            self.seconds = seconds
            self.memorySeconds = memorySeconds
            self.isCut = isCut
        }
    }

    /// Octets by /proc/self/status.
    public struct Memory: Codable, Sendable, Hashable {
        public var rssAnon: UInt64
        public var rssShmem: UInt64
        /// Mostly pages of the store's map, which are the kernel's to drop.
        public var rssFile: UInt64
        public init(rssAnon: UInt64, rssShmem: UInt64, rssFile: UInt64) {
            self.rssAnon = rssAnon
            self.rssShmem = rssShmem
            self.rssFile = rssFile
        }
    }

    public struct Store: Codable, Sendable, Hashable {
        public var envelopes: UInt64
        public var payloadBytes: UInt64
        public var usedBytes: UInt64
        public var freeBytes: UInt64
        public var reserveBytes: UInt64
        /// What may still be accepted before the reserve is touched.
        public var acceptableBytes: UInt64
        public var fileBytes: UInt64
        public init(
            envelopes: UInt64, payloadBytes: UInt64, usedBytes: UInt64, freeBytes: UInt64, reserveBytes: UInt64,
            acceptableBytes: UInt64, fileBytes: UInt64
        ) {
            self.envelopes = envelopes
            self.payloadBytes = payloadBytes
            self.usedBytes = usedBytes
            self.freeBytes = freeBytes
            self.reserveBytes = reserveBytes
            self.acceptableBytes = acceptableBytes
            self.fileBytes = fileBytes
        }
    }

    public struct Links: Codable, Sendable, Hashable {
        public var up: Int
        public var down: Int
        public init(up: Int, down: Int) {
            self.up = up
            self.down = down
        }
    }

    public init(
        node: String, version: String, now: Timestamp, started: Timestamp, uptimeSeconds: UInt64, listening: [String],
        batches: UInt64, attention: [String],
        memory: Memory, store: Store, inStore: [String: UInt64], links: Links, active: UInt64, stagedBytes: UInt64,
        corruptRecords: UInt64, clockDoubted: Bool
    ) {
        self.node = node
        self.version = version
        self.now = now
        self.started = started
        self.uptimeSeconds = uptimeSeconds
        self.listening = listening
        self.batches = batches
        self.attention = attention
        self.memory = memory
        self.store = store
        self.inStore = inStore
        self.links = links
        self.active = active
        self.stagedBytes = stagedBytes
        self.corruptRecords = corruptRecords
        self.clockDoubted = clockDoubted
    }
}
