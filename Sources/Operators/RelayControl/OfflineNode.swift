// OfflineNode: the body of `NodeAccess` that reads the store of a stopped daemon, so that the pages of the control interface show what is
// in it. What needs a running daemon says so; nothing is changed. It knows of the configuration only what the store says: the node
// and the peers that it has counted. Fails with StoreFailure at opening.

import ControlAPI
import Glibc
import Logging
import OpenSSLTLS
import RelayConfiguration
import RelayCore
import RelayModel
import RelayRows
import RelayStore

struct OfflineNode: NodeAccess {
    let store: StillStore
    let configuration: Configuration
    /// Both clocks as the daemon left them.
    let left: ClockReading
    /// Of a store in which nothing changes. Nothing is on a link.
    private let still: CorePicture

    init(directory: String) throws(StoreFailure) {
        let store = try StillStore(directory: directory)
        self.store = store
        guard let node = NodeID(text: store.node) else {
            throw StoreFailure(
                .damaged, "The store in \(directory) says that its node is \(store.node.debugDescription).")
        }
        let (peers, relay, wall) = try store.read { rows in
            (Self.peers(rows), rows.number(.meta, "relayTime"), rows.number(.meta, "wallTime"))
        }
        left = ClockReading(relay: RelayTime(milliseconds: relay), wall: WallTime(milliseconds: wall))
        do throws(ConfigurationErrors) {
            var text = "node: {name: \"\(node.name)\"}\npeers:\n"
            for peer in peers where peer != node { text += "  \"\(peer.name)\": {}\n" }
            if peers.isEmpty { text += "  {}\n" }
            configuration = try Configuration.parse(
                edocd: text, agencies: "nodes: {\"\(node.name)\": \"\(node.name)\"}\nagencies: {}\nroutes: []\n")
        } catch {
            throw StoreFailure(.damaged, "The store in \(directory) names nodes that cannot be: \(error)")
        }
        still = try Self.core(store, configuration, Self.now(left)) { core, _ in core.picture }
    }

    /// The peers that the books know.
    private static func peers(_ rows: any RowReader) -> [NodeID] {
        var names: [String] = []
        var prefix = RowKey()
        prefix.append(unended: "peer.")
        rows.scan(.counter, prefix: prefix) { key, _ in
            let text = String(decoding: key.dropLast(), as: UTF8.self)
            let name = text.dropFirst(5).prefix { $0 != "." }
            if names.last != String(name) { names.append(String(name)) }
            return true
        }
        return names.compactMap { NodeID(shortName: $0) }.filter { !$0.name.hasPrefix("ipn:") }
    }

    var now: ClockReading { Self.now(left) }

    private static func now(_ left: ClockReading) -> ClockReading {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let epoch = Int(WallTime.unixSecondsAtEpoch)
        guard time.tv_sec > epoch else { return left }
        let wall = UInt64(time.tv_sec - epoch) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
        // As a daemon that is started now would count: at most a day for the time off.
        let away = min(wall > left.wall.milliseconds ? wall - left.wall.milliseconds : 0, 86_400_000)
        return ClockReading(relay: left.relay + Milliseconds(away), wall: WallTime(milliseconds: wall))
    }

    func read<Answer: Sendable>(
        _ body: @escaping @Sendable (any RowReader) throws -> Answer
    ) async throws -> Answer {
        try store.read { rows in Result { try body(rows) } }.get()
    }

    func picture(of numbers: [UInt64]?) -> CorePicture { still }

    /// The decisions as they would be built from this store, without a clock that runs and without links.
    func ask<Answer: Sendable>(
        _ question: @escaping @Sendable (borrowing RelayCore, any RowReader) -> Answer
    ) async throws -> Answer {
        try Self.core(store, configuration, now, question)
    }

    private static func core<Answer>(
        _ store: StillStore, _ configuration: Configuration, _ now: ClockReading,
        _ question: (borrowing RelayCore, any RowReader) -> Answer
    ) throws(StoreFailure) -> Answer {
        try store.read { rows in
            let room = headRoom(store)
            var turn = Turn(now: now, room: room, rows: UnchangedRows(rows))
            let core = RelayCore(
                offline: CoreConfiguration(
                    node: configuration.settings.node, directory: configuration.directory,
                    routes: configuration.routes,
                    peers: configuration.settings.peers.map { Peer(node: $0.node, dials: false) },
                    limits: CoreLimits()), turn: &turn, hash: SHA256Hasher.digest)
            return question(core, rows)
        }
    }

    private static func headRoom(_ store: StillStore) -> HeadRoom {
        let reserve = max(store.mapBytes / 50, 64 << 20)
        let free = store.mapBytes > store.usedBytes ? store.mapBytes - store.usedBytes : 0
        return HeadRoom(freeBytes: free, reserveBytes: reserve, usedBytes: store.usedBytes)
    }

    func facts() async throws -> NodeFacts {
        NodeFacts(
            version: "offline", started: left.wall, listening: [], rssAnon: 0, rssShmem: 0, rssFile: 0,
            storeFileBytes: FileLength.of(store.path + "/data.mdb"), headRoom: Self.headRoom(store), batches: 0)
    }

    func sessions() async throws -> [SessionInfo] { [] }

    // MARK: What only a running daemon does

    func beginSubmission(_ values: SubmissionValues) async throws -> SubmissionStart { throw Self.stopped }
    func operate(_ caller: Operator, _ wish: Operation.Wish) async throws -> OperationAnswer { throw Self.stopped }
    func countRefusal(_ cause: SubmissionRefusal) async {}
    func acknowledgeInbox(_ agency: AgencyCode, _ envelopes: [UInt64]) async throws -> Int { throw Self.stopped }
    func reload(_ manner: ReloadManner) async throws -> (isApplied: Bool, lines: [String]) { throw Self.stopped }
    func compareRestored(_ deed: Deed, _ portion: Comparison) async throws -> EvidenceCounts? { throw Self.stopped }
    func releaseRestored(_ deed: Deed) async throws -> Bool { throw Self.stopped }
    func beginBackup(_ order: BackupOrder, _ deed: Deed) async throws -> BackupAnswer? { throw Self.stopped }
    var backup: BackupAnswer { BackupAnswer(state: "none") }
    func cancelBackup() async -> Bool { false }
    func record(_ deed: Deed) async throws -> Bool { throw Self.stopped }

    func bounds() async throws -> [LimitView] { throw Self.stopped }
    func watchFacts() async throws -> WatchFacts { throw Self.stopped }
    var recentEntries: [RecentEntry] { [] }
    func probeCommit() async throws -> UInt64 { throw Self.stopped }
    var logLevel: (level: Logger.Level, standard: Logger.Level, until: WallTime?) { (.notice, .notice, nil) }
    func setLogLevel(_ level: Logger.Level, for span: Milliseconds?) {}
    func watchWire(_ peer: NodeID, _ take: @escaping @Sendable ([WireLine]) -> Bool) -> any WireWatch { NoWatch() }

    private struct NoWatch: WireWatch {
        func end() {}
    }

    static var stopped: ControlError {
        ControlError.badRequest("--store only reads; start the daemon for this, and leave --store out")
    }
}

/// Length of a file; zero when it cannot be asked.
private enum FileLength {
    static func of(_ path: String) -> UInt64 {
        var facts = stat()
        return stat(path, &facts) == 0 ? UInt64(clamping: facts.st_size) : 0
    }
}

/// Rows that cannot be changed: what is written falls to the ground.
private final class UnchangedRows: RowTransaction {
    private let rows: any RowReader
    init(_ rows: any RowReader) { self.rows = rows }

    func value(_ table: Table, _ key: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? { rows.value(table, key) }
    func row(_ table: Table, atOrAfter key: UnsafeRawBufferPointer) -> (
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    )? { rows.row(table, atOrAfter: key) }
    func row(_ table: Table, before key: UnsafeRawBufferPointer) -> (
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    )? { rows.row(table, before: key) }
    func scan(
        _ table: Table, from key: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) { rows.scan(table, from: key, body) }
    func count(_ table: Table) -> UInt64 { rows.count(table) }

    func put(_ table: Table, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {}
    func put(
        _ table: Table, _ key: UnsafeRawBufferPointer, count: Int, fill: (UnsafeMutableRawBufferPointer) -> Void
    ) {}
    func delete(_ table: Table, _ key: UnsafeRawBufferPointer) -> Bool { false }
    var isFailed: Bool { false }
}
