// PeersAnswer, RoutesAnswer and ExplainAnswer: neighbours with their sessions, and where copies go. Plain values.

/// GET /v1/peers
public struct PeersAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var now: Timestamp
    public var peers: [Peer]

    public struct Peer: Codable, Sendable, Hashable {
        public var node: String
        /// up, down, dialling, paused or suspended.
        public var state: String
        public var since: Timestamp?
        /// True when this node dials it.
        public var dials: Bool
        /// Failed dials in a row.
        public var failures: UInt32
        public var nextDial: Timestamp?
        public var pausedUntil: Timestamp?
        /// It has no room for documents of so many bytes or more; smaller ones go. Absent: the pause is for all, or there is none.
        public var pausedFromBytes: UInt64?
        public var lastError: String
        public var transfersInFlight: Int
        public var bytesInFlight: UInt64
        /// Sent whole, not answered when their session ended.
        public var inDoubt: Int
        /// What waits and would go to it first.
        public var backlog: Backlog
        /// Why it does not take what it should; nil when it does.
        public var stuck: Stuck?
        public var sessions: [Session]
        /// What of it is refused here since the daemon's start, by cause.
        public var refused: [Refused]?
        /// What it has said of itself on its session; nil while it has none, and of one that says nothing (0.3 or another make).
        public var greeting: Greeting?

        public init(node: String, state: String, dials: Bool) {
            self.node = node
            self.state = state
            self.dials = dials
            failures = 0
            lastError = ""
            transfersInFlight = 0
            bytesInFlight = 0
            inDoubt = 0
            backlog = Backlog()
            sessions = []
        }
    }

    /// What a neighbour says of itself before anything else on a session.
    public struct Greeting: Codable, Sendable, Hashable {
        /// Of its program.
        public var version: String
        /// Drawn at each of its starts; as in the middle of the names of its envelopes.
        public var incarnation: String
        /// What it understands of what was added since 0.3.
        public var understands: [String]
        public init(version: String, incarnation: String, understands: [String]) {
            self.version = version
            self.incarnation = incarnation
            self.understands = understands
        }
    }

    /// Bundles of a neighbour that a rule of this node refuses.
    public struct Refused: Codable, Sendable, Hashable {
        public var cause: String
        public var count: UInt64
        public var since: Timestamp?
        public var last: Timestamp?
        /// The last of them.
        public var envelope: String
        public var sender: String?
        public var why: String
        public init(
            cause: String, count: UInt64, since: Timestamp?, last: Timestamp?, envelope: String, sender: String?,
            why: String
        ) {
            self.cause = cause
            self.count = count
            self.since = since
            self.last = last
            self.envelope = envelope
            self.sender = sender
            self.why = why
        }
    }

    public struct Backlog: Codable, Sendable, Hashable {
        public var count: UInt64
        public var bytes: UInt64
        public var oldestSeconds: UInt64
        public init(count: UInt64 = 0, bytes: UInt64 = 0, oldestSeconds: UInt64 = 0) {
            self.count = count
            self.bytes = bytes
            self.oldestSeconds = oldestSeconds
        }
    }

    public struct Stuck: Codable, Sendable, Hashable {
        /// silent, paused, suspended, unreachable, absent, idle or barren.
        public var word: String
        /// One sentence.
        public var why: String
        public init(word: String, why: String) {
            self.word = word
            self.why = why
        }
    }

    public struct Session: Codable, Sendable, Hashable {
        public var address: String
        /// True when this node opened it.
        public var dialled: Bool
        public var since: Timestamp
        public var tlsVersion: String?
        public var cipher: String?
        public var certificateExpires: Timestamp?
        public var bytesSent: UInt64
        public var bytesReceived: UInt64
        /// Of the connection, measured by the kernel.
        public var roundTripMicroseconds: UInt64?
        /// Transfers that are under way and not answered.
        public var inFlight: Int
        /// For how long transfers are under way and nothing has been acknowledged.
        public var silentSeconds: UInt64
        public init(
            address: String, dialled: Bool, since: Timestamp, tlsVersion: String?, cipher: String?,
            certificateExpires: Timestamp?, bytesSent: UInt64, bytesReceived: UInt64,
            roundTripMicroseconds: UInt64? = nil, inFlight: Int = 0, silentSeconds: UInt64 = 0
        ) {
            self.address = address
            self.dialled = dialled
            self.since = since
            self.tlsVersion = tlsVersion
            self.cipher = cipher
            self.certificateExpires = certificateExpires
            self.bytesSent = bytesSent
            self.bytesReceived = bytesReceived
            self.roundTripMicroseconds = roundTripMicroseconds
            self.inFlight = inFlight
            self.silentSeconds = silentSeconds
        }
    }

    public init(now: Timestamp, peers: [Peer]) {
        self.now = now
        self.peers = peers
    }
}

/// GET /v1/routes
public struct RoutesAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var node: String
    public var agencies: Int
    public var routes: [Route]
    public var cursor: String?

    public struct Route: Codable, Sendable, Hashable {
        public var target: String
        public var via: [String]
        public init(target: String, via: [String]) {
            self.target = target
            self.via = via
        }
    }

    public init(node: String, agencies: Int, routes: [Route], cursor: String?) {
        self.node = node
        self.agencies = agencies
        self.routes = routes
        self.cursor = cursor
    }
}

/// GET /v1/routes/explain?agency=
public struct ExplainAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var asked: String
    /// The canonical code; nil for a node or an unknown agency.
    public var agency: String?
    public var name: String?
    public var home: String?
    /// What the home says that it understands of what is newer than 0.3; nil: it has not said.
    public var homeUnderstands: [String]?
    /// at home on this node, forwarded, or why not.
    public var destination: String
    /// The row of the table that won.
    public var row: String?
    public var rule: String?
    public var nextHops: [String]
    /// The hop that a copy would take at this moment.
    public var liveHop: String?
    /// Why the agency's documents wait whatever the hops are like; nil when they do not.
    public var suspension: String?
    public var notes: [String]
    /// Every hop of the row, in order, and what speaks for or against it now.
    public var hops: [Hop]
    public var passedOver: [PassedOver]

    public struct Hop: Codable, Sendable, Hashable {
        public var node: String
        /// True for the one that a copy would take at this moment.
        public var isTaken: Bool
        public var why: String
        public init(node: String, isTaken: Bool, why: String) {
            self.node = node
            self.isTaken = isTaken
            self.why = why
        }
    }

    public struct PassedOver: Codable, Sendable, Hashable {
        public var row: String
        public var reason: String
        public init(row: String, reason: String) {
            self.row = row
            self.reason = reason
        }
    }

    public init(asked: String, destination: String) {
        self.asked = asked
        self.destination = destination
        nextHops = []
        notes = []
        hops = []
        passedOver = []
    }
}
