// LedgerAnswer: the books. What was accepted must be what has ended and what is in the store; the answer shows the sum, and
// both sides come from one snapshot. Plain values.

/// GET /v1/ledger and /v1/ledger/{peer}
public struct LedgerAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var now: Timestamp
    public var node: String
    /// Nil when one peer was asked for.
    public var documents: Book?
    public var reports: Book?
    public var peers: [Peer]
    /// Transfers that this node has refused, by cause.
    public var refusedTransfers: [String: UInt64]
    /// Submissions that this node has refused, by cause.
    public var refusedSubmissions: [String: UInt64]

    /// (Envelope, recipient) pairs of one kind.
    public struct Book: Codable, Sendable, Hashable {
        public var submitted: UInt64
        public var taken: UInt64
        /// By end: forwarded, delivered, refused, expired, deleted.
        public var ended: [String: UInt64]
        /// By state: waiting, deferred, held, arrived, corrupt.
        public var inStore: [String: UInt64]
        public var accepted: UInt64
        public var accountedFor: UInt64
        /// accepted = accountedFor
        public var balances: Bool

        public init(submitted: UInt64, taken: UInt64, ended: [String: UInt64], inStore: [String: UInt64]) {
            self.submitted = submitted
            self.taken = taken
            self.ended = ended
            self.inStore = inStore
            accepted = submitted &+ taken
            accountedFor = ended.values.reduce(0, &+) &+ inStore.values.reduce(0, &+)
            balances = accepted == accountedFor
        }
    }

    public struct Peer: Codable, Sendable, Hashable {
        public var node: String
        public var taken: UInt64
        public var takenBytes: UInt64
        public var forwarded: UInt64
        public var forwardedBytes: UInt64
        /// Transfers to it that it has refused.
        public var refusals: UInt64
        /// Times it had no resources.
        public var pauses: UInt64
        /// Times the link came up.
        public var linkUps: UInt64

        public init(
            node: String, taken: UInt64, takenBytes: UInt64, forwarded: UInt64, forwardedBytes: UInt64,
            refusals: UInt64, pauses: UInt64, linkUps: UInt64
        ) {
            self.node = node
            self.taken = taken
            self.takenBytes = takenBytes
            self.forwarded = forwarded
            self.forwardedBytes = forwardedBytes
            self.refusals = refusals
            self.pauses = pauses
            self.linkUps = linkUps
        }
    }

    public init(
        now: Timestamp, node: String, documents: Book?, reports: Book?, peers: [Peer],
        refusedTransfers: [String: UInt64], refusedSubmissions: [String: UInt64]
    ) {
        self.now = now
        self.node = node
        self.documents = documents
        self.reports = reports
        self.peers = peers
        self.refusedTransfers = refusedTransfers
        self.refusedSubmissions = refusedSubmissions
    }
}
