// ExaminationAnswer: what `edocd --examine` finds without a running daemon: configuration, files, certificates, disk, clock. Facts only;
// what they mean and what to do is the business of who shows them. No content of any file is in it. Plain values.

public struct ExaminationAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var version: String
    public var now: Timestamp
    /// The configuration file that was looked at.
    public var configuration: String
    /// As edocd would print them before it refuses to start; empty when it would start.
    public var errors: [String] = []
    public var warnings: [String] = []
    /// What could not be looked at, and is no fault.
    public var notes: [String] = []
    /// As whom all this was found.
    public var user: UInt32 = 0
    public var userName: String?
    /// Nil when the configuration cannot be read; then all below is missing, too.
    public var node: Node?
    public var files: [File] = []
    public var certificates: Certificates?
    public var store: Store?
    public var ports: [Port] = []
    public var clock: Clock

    public struct Node: Codable, Sendable, Hashable {
        public var name: String
        public var listen: [String]
        public var plain: Bool
        public var controlSocket: String
        public var submitSocket: String?
        public var takeSocket: String?
        public var metrics: String?
        public var peers: [Peer]
        /// Users and groups of the rights table that this machine does not know.
        public var unknownCallers: [String]
        public init(
            name: String, listen: [String], plain: Bool, controlSocket: String, submitSocket: String?,
            takeSocket: String? = nil,
            metrics: String?, peers: [Peer], unknownCallers: [String]
        ) {
            self.name = name
            self.listen = listen
            self.plain = plain
            self.controlSocket = controlSocket
            self.submitSocket = submitSocket
            self.takeSocket = takeSocket
            self.metrics = metrics
            self.peers = peers
            self.unknownCallers = unknownCallers
        }
    }

    public struct Peer: Codable, Sendable, Hashable {
        public var name: String
        public var address: String?
        public var dials: Bool
        public init(name: String, address: String?, dials: Bool) {
            self.name = name
            self.address = address
            self.dials = dials
        }
    }

    public struct File: Codable, Sendable, Hashable {
        /// configuration, agencies, ca, certificate, key, crl; store, sockets, backups (folders); store file.
        public var what: String
        public var path: String
        public var exists: Bool
        /// Permission bits.
        public var mode: UInt32
        public var uid: UInt32
        public var gid: UInt32
        /// absent, denied, or what the system says; nil when it can be read.
        public var problem: String?
        /// The folder that may not be entered, if it is another than the file itself.
        public var blockedAt: String?
        /// Of a folder: whether something can be made in it, or, where it is absent, it can itself be made. Of a file of the store:
        /// whether it can be written.
        public var writable: Bool?
        public init(what: String, path: String, exists: Bool, mode: UInt32, uid: UInt32, gid: UInt32) {
            self.what = what
            self.path = path
            self.exists = exists
            self.mode = mode
            self.uid = uid
            self.gid = gid
        }
    }

    /// An address of the configuration, while nobody need listen there.
    public struct Port: Codable, Sendable, Hashable {
        /// listen, metrics.listen.
        public var key: String
        public var address: String
        /// Why it cannot be bound; nil when it can.
        public var problem: String?
        public init(key: String, address: String, problem: String?) {
            self.key = key
            self.address = address
            self.problem = problem
        }
    }

    public struct Certificates: Codable, Sendable, Hashable {
        public var own: Timestamp
        public var ownBegins: Timestamp
        public var fingerprint: String
        /// By a list of tls.crl.
        public var isRevoked = false
        public var authorities: Timestamp?
        public var revocationLists: Timestamp?
        public init(
            own: Timestamp, ownBegins: Timestamp, fingerprint: String, authorities: Timestamp?,
            revocationLists: Timestamp?
        ) {
            self.own = own
            self.ownBegins = ownBegins
            self.fingerprint = fingerprint
            self.authorities = authorities
            self.revocationLists = revocationLists
        }
    }

    public struct Store: Codable, Sendable, Hashable {
        public var directory: String
        /// By the magic number of statfs(2); nil when the folder is not there.
        public var filesystem: String?
        public var isNetwork: Bool
        /// In memory, gone with the machine.
        public var isVolatile: Bool
        public var freeBytes: UInt64
        public var diskBytes: UInt64
        public var mapBytes: UInt64
        public var reserveBytes: UInt64
        /// Length of the data file.
        public var fileBytes: UInt64
        public init(
            directory: String, filesystem: String?, isNetwork: Bool, isVolatile: Bool, freeBytes: UInt64,
            diskBytes: UInt64, mapBytes: UInt64, reserveBytes: UInt64, fileBytes: UInt64
        ) {
            self.directory = directory
            self.filesystem = filesystem
            self.isNetwork = isNetwork
            self.isVolatile = isVolatile
            self.freeBytes = freeBytes
            self.diskBytes = diskBytes
            self.mapBytes = mapBytes
            self.reserveBytes = reserveBytes
            self.fileBytes = fileBytes
        }
    }

    public struct Clock: Codable, Sendable, Hashable {
        /// Nil when the kernel does not tell.
        public var isSynchronised: Bool?
        public var estimatedErrorMicroseconds: Int64
        public var greatestErrorMicroseconds: Int64
        public init(isSynchronised: Bool?, estimatedErrorMicroseconds: Int64, greatestErrorMicroseconds: Int64) {
            self.isSynchronised = isSynchronised
            self.estimatedErrorMicroseconds = estimatedErrorMicroseconds
            self.greatestErrorMicroseconds = greatestErrorMicroseconds
        }
    }

    public init(version: String, now: Timestamp, configuration: String, clock: Clock) {
        self.version = version
        self.now = now
        self.configuration = configuration
        self.clock = clock
    }
}
