// HealthAnswer, NoticesAnswer, LogLevelAnswer and WireLine: what the watching side of the interface answers. Plain values.

/// GET /v1/health
public struct HealthAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var now: Timestamp
    public var node: String
    public var version: String
    /// False: the engine has not answered within two seconds; what only it knows is missing.
    public var engineAnswers: Bool
    public var engineMilliseconds: UInt64?
    /// Asked for by `commit=true`: how long the store took to write and sync a row; nil when it could not.
    public var commitMicroseconds: UInt64?
    /// Why the store could not.
    public var commitError: String?
    /// Why nothing of what lies in the store is shown; nil when it can be read.
    public var storeError: String?
    /// Inputs that wait for the engine.
    public var mailbox: Int
    public var clockDoubted: Bool?
    public var disk: Disk
    public var certificates: Certificates
    /// The oldest document that waits for a link, by urgency, in seconds; an urgency of which none waits is left out.
    public var oldestSeconds: [Int: UInt64]
    /// The oldest document in an inbox.
    public var oldestArrivedSeconds: UInt64?
    /// When the last good copy of the store was made; nil when none was.
    public var lastBackup: Timestamp?
    public var configurationPath: String
    public var metricsAddress: String?
    public var openFiles: Int
    public var openFilesMax: UInt64

    public struct Disk: Codable, Sendable, Hashable {
        public var freeBytes: UInt64
        public var bytes: UInt64
        public var mapBytes: UInt64
        public init(freeBytes: UInt64, bytes: UInt64, mapBytes: UInt64) {
            self.freeBytes = freeBytes
            self.bytes = bytes
            self.mapBytes = mapBytes
        }
    }

    /// The earliest of each kind; nil where there is none.
    public struct Certificates: Codable, Sendable, Hashable {
        public var own: Timestamp?
        public var authorities: Timestamp?
        /// When the first CRL should be replaced.
        public var revocationLists: Timestamp?
        public var peers: [String: Timestamp]
        public init(own: Timestamp?, authorities: Timestamp?, revocationLists: Timestamp?, peers: [String: Timestamp]) {
            self.own = own
            self.authorities = authorities
            self.revocationLists = revocationLists
            self.peers = peers
        }
    }

    public init(
        now: Timestamp, node: String, version: String, engineMilliseconds: UInt64?, mailbox: Int, disk: Disk,
        certificates: Certificates, oldestSeconds: [Int: UInt64], configurationPath: String
    ) {
        self.now = now
        self.node = node
        self.version = version
        engineAnswers = engineMilliseconds != nil
        self.engineMilliseconds = engineMilliseconds
        self.mailbox = mailbox
        self.disk = disk
        self.certificates = certificates
        self.oldestSeconds = oldestSeconds
        self.configurationPath = configurationPath
        openFiles = 0
        openFilesMax = 0
    }
}

/// GET /v1/notices
public struct NoticesAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    /// The oldest first.
    public var notices: [Line]

    public struct Line: Codable, Sendable, Hashable {
        public var time: Timestamp
        public var level: String
        /// docs/log-events.md
        public var event: String?
        public var text: String
        public init(time: Timestamp, level: String, event: String?, text: String) {
            self.time = time
            self.level = level
            self.event = event
            self.text = text
        }
    }

    public init(notices: [Line]) { self.notices = notices }
}

/// GET and POST /v1/log-level
public struct LogLevelAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var level: String
    /// What the configuration says, to which the level goes back.
    public var configured: String
    /// When it goes back; nil when it stays.
    public var until: Timestamp?

    public init(level: String, configured: String, until: Timestamp?) {
        self.level = level
        self.configured = configured
        self.until = until
    }
}

/// One line of GET /v1/wire/{peer}: a message of the session protocol, the header of a bundle, or a word of the watch itself.
public struct WireLine: Codable, Sendable, Hashable {
    public var time: Timestamp
    /// in, out, or - for the watch's own.
    public var way: String
    /// Names the session among those of the peer.
    public var session: UInt64?
    /// CONTACT, SESS_INIT, XFER_SEGMENT, XFER_ACK, XFER_REFUSE, KEEPALIVE, SESS_TERM, MSG_REJECT, BUNDLE; WATCH, QUIET, END.
    public var message: String
    public var transfer: UInt64?
    public var flags: [String]?
    /// Octets of a segment, or acknowledged in all.
    public var length: UInt64?
    public var reason: String?
    public var figures: [String: String]?
    public var bundle: Bundle?

    public struct Bundle: Codable, Sendable, Hashable {
        public var envelope: String
        public var source: String
        public var destination: String
        public var lifetimeMilliseconds: UInt64
        public var ageMilliseconds: UInt64?
        public var hopLimit: UInt64?
        public var hopCount: UInt64?
        public var offset: UInt64?
        public var totalLength: UInt64?
        public var payloadLength: UInt64
        public var administrative: Bool
        public var blocks: [Block]

        public init(
            envelope: String, source: String, destination: String, lifetimeMilliseconds: UInt64, payloadLength: UInt64,
            administrative: Bool, blocks: [Block]
        ) {
            self.envelope = envelope
            self.source = source
            self.destination = destination
            self.lifetimeMilliseconds = lifetimeMilliseconds
            self.payloadLength = payloadLength
            self.administrative = administrative
            self.blocks = blocks
        }
    }

    /// Kind and length only.
    public struct Block: Codable, Sendable, Hashable {
        public var type: UInt64
        public var name: String
        public var number: UInt64
        public var length: Int
        public init(type: UInt64, name: String, number: UInt64, length: Int) {
            self.type = type
            self.name = name
            self.number = number
            self.length = length
        }
    }

    public init(time: Timestamp, way: String, message: String) {
        self.time = time
        self.way = way
        self.message = message
    }
}
