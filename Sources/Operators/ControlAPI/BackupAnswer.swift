// BackupAnswer: how a copy of the store stands. Plain values.

/// GET and POST /v1/backup, POST /v1/backup/cancel
public struct BackupAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    /// none, measuring, copying, done, failed.
    public var state: String
    public var path: String
    public var started: Timestamp?
    public var ended: Timestamp?
    public var bytesWritten: UInt64
    /// Nil before it has been measured.
    public var plan: Plan?
    /// Of the finished copy.
    public var envelopes: UInt64?
    public var checkedRows: UInt64?
    /// Why it failed; or, while it is under way, what it waits for.
    public var why: String?
    /// Earlier copies that were removed because the order said so many are enough; nil when it said nothing.
    public var removed: [String]?
    /// What kept some of them from being removed.
    public var removalTrouble: String?

    /// What the copy needs, as measured before it began.
    public struct Plan: Codable, Sendable, Hashable {
        public var copyBytes: UInt64
        public var seconds: UInt64
        public var churnBytesPerSecond: UInt64
        public var needBytes: UInt64
        public var headRoomBytes: UInt64
        public var floorBytes: UInt64
        public var diskBytes: UInt64

        public init(
            copyBytes: UInt64, seconds: UInt64, churnBytesPerSecond: UInt64, needBytes: UInt64, headRoomBytes: UInt64,
            floorBytes: UInt64, diskBytes: UInt64
        ) {
            self.copyBytes = copyBytes
            self.seconds = seconds
            self.churnBytesPerSecond = churnBytesPerSecond
            self.needBytes = needBytes
            self.headRoomBytes = headRoomBytes
            self.floorBytes = floorBytes
            self.diskBytes = diskBytes
        }
    }

    public init(state: String, path: String = "") {
        self.state = state
        self.path = path
        bytesWritten = 0
    }

    public var isUnderWay: Bool { state == "measuring" || state == "copying" }
}

/// The body of POST /v1/backup
public struct BackupOrder: Codable, Sendable, Hashable {
    /// Absolute: a file that is not there yet, or a folder that is, in which the copy gets a name of its own. Empty: `backup.directory`.
    public var path: String
    public var bytesPerSecond: UInt64?
    /// With its free pages, as the file is.
    public var isWhole: Bool
    public var reason: String
    /// In a folder: so many copies of this node are kept, the new one among them; and those that are not so many days old.
    public var keep: UInt64?
    public var keepDays: UInt64?
    /// The folder as the caller sees it; the daemon may see another one there.
    public var folder: FolderIdentity?

    /// Which folder a name leads to.
    public struct FolderIdentity: Codable, Sendable, Hashable {
        public var device: UInt64
        public var inode: UInt64
        public init(device: UInt64, inode: UInt64) {
            self.device = device
            self.inode = inode
        }
    }

    public init(path: String, bytesPerSecond: UInt64?, isWhole: Bool, reason: String) {
        self.path = path
        self.bytesPerSecond = bytesPerSecond
        self.isWhole = isWhole
        self.reason = reason
    }
}
