// NodeWatching: what the watching side of the control interface needs of the node: facts for monitors, the log's level, the last entries, a
// proof that the store commits, and the frames of a session. Any thread, many at a time.

import ControlAPI
import Logging
import RelayModel

public protocol NodeWatching: Sendable {
    func watchFacts() async throws -> WatchFacts

    /// The last entries of the log from `notice` up, the oldest first.
    var recentEntries: [RecentEntry] { get }

    /// Has the store write and sync a row; answers how long it took, in microseconds. Throws when there was no room.
    func probeCommit() async throws -> UInt64

    /// The level of the log, what the configuration says, and when the level goes back.
    var logLevel: (level: Logger.Level, standard: Logger.Level, until: WallTime?) { get }

    /// Sets the level for a while, or for as long as the daemon runs.
    func setLogLevel(_ level: Logger.Level, for span: Milliseconds?)

    /// Hands all frames of a peer's sessions to `take`, on the sessions' threads, until it answers false or the watch is ended.
    func watchWire(_ peer: NodeID, _ take: @escaping @Sendable ([WireLine]) -> Bool) -> any WireWatch
}

/// A watch on a link; ends when told so, and not by itself.
public protocol WireWatch: Sendable {
    func end()
}

/// What monitors want beside `NodeFacts`.
public struct WatchFacts: Sendable {
    /// Where the daemon has its configuration from.
    public var configurationPath: String
    public var metrics = MetricsState.none
    /// Inputs that wait for the engine.
    public var mailbox: Int
    public var commitTimes: TimeHistogram
    /// The greatest length of the store.
    public var mapBytes: UInt64
    /// Of the disk that the store is on.
    public var diskFreeBytes: UInt64
    public var diskBytes: UInt64
    /// Unix seconds; nil without TLS.
    public var certificateExpiry: Int64?
    public var authorityExpiry: Int64?
    public var revocationListUpdate: Int64?
    public var openFiles: Int
    public var openFilesMax: UInt64
    /// Since when backups are made by a timer; nil when they are not.
    public var backupTimer: WallTime?
    /// Why the last backup of this process came to nothing; nil when it did not.
    public var backupFailure: String?
    /// What only the process knows and a person should (RelayModel, Finding).
    public var findings: [Finding] = []

    public init(configurationPath: String, mapBytes: UInt64, commitTimes: TimeHistogram) {
        self.configurationPath = configurationPath
        self.mapBytes = mapBytes
        self.commitTimes = commitTimes
        mailbox = 0
        diskFreeBytes = 0
        diskBytes = 0
        openFiles = 0
        openFilesMax = 0
    }
}

/// One entry of the log.
public struct RecentEntry: Sendable, Hashable {
    public var unixMilliseconds: Int64
    public var level: String
    public var event: String?
    public var text: String

    public init(unixMilliseconds: Int64, level: String, event: String?, text: String) {
        self.unixMilliseconds = unixMilliseconds
        self.level = level
        self.event = event
        self.text = text
    }
}
