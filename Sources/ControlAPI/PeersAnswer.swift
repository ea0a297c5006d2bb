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
        public var lastError: String
        public var transfersInFlight: Int
        public var bytesInFlight: UInt64
        /// Sent whole, not answered when their session ended.
        public var inDoubt: Int
        public var sessions: [Session]

        public init(node: String, state: String, dials: Bool) {
            self.node = node
            self.state = state
            self.dials = dials
            failures = 0
            lastError = ""
            transfersInFlight = 0
            bytesInFlight = 0
            inDoubt = 0
            sessions = []
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
        public init(
            address: String, dialled: Bool, since: Timestamp, tlsVersion: String?, cipher: String?,
            certificateExpires: Timestamp?, bytesSent: UInt64, bytesReceived: UInt64
        ) {
            self.address = address
            self.dialled = dialled
            self.since = since
            self.tlsVersion = tlsVersion
            self.cipher = cipher
            self.certificateExpires = certificateExpires
            self.bytesSent = bytesSent
            self.bytesReceived = bytesReceived
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
    /// at home on this node, forwarded, or why not.
    public var destination: String
    /// The row of the table that won.
    public var row: String?
    public var rule: String?
    public var nextHops: [String]
    /// The hop that a copy would take at this moment.
    public var liveHop: String?
    public var notes: [String]
    public var passedOver: [PassedOver]

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
        passedOver = []
    }
}
