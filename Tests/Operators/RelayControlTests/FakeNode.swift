// FakeNode: a node without links: a real engine over a real store in a folder of its own, and a clock that a test moves. Its
// actor stands for the engine's thread.

import ControlAPI
import Glibc
import NIOCore
import OpenSSLTLS
import RelayConfiguration
import RelayControl
import RelayCore
import RelayEngine
import RelayModel
import RelayRouting
import RelayRows
import RelayStore
import Synchronization

actor FakeNode: NodeAccess {
    nonisolated let configuration: Configuration
    nonisolated let store: LMDBStore
    nonisolated let watching = FakeWatching()
    nonisolated private let clock: Mutex<ClockReading>
    private var engine: Engine
    nonisolated private let board: PictureBoard
    private var nextTicket: UInt64 = 1
    private(set) var abandoned = 0
    /// The most anonymous memory seen while bytes came in.
    private(set) var rssAnonMax: UInt64 = 0
    private(set) var dispatches: [Dispatch] = []
    private(set) var auditHead: (order: UInt64, hash: Digest)?

    init(directory: String, configuration: Configuration) throws {
        self.configuration = configuration
        let start = ClockReading(
            relay: RelayTime(milliseconds: 1_000_000_000), wall: WallTime(milliseconds: 826_000_000_000))
        clock = Mutex(start)
        var settings = StoreSettings(node: configuration.settings.node.text)
        settings.mapBytes = 512 << 20
        settings.growthBytes = 16 << 20
        settings.aheadBytes = 8 << 20
        settings.reserveBytes = 8 << 20
        settings.ballastBytes = 0
        let store = try LMDBStore(directory: directory, settings: settings)
        self.store = store
        let core = Self.core(configuration)
        var engine: Engine?
        _ = store.batch { rows in
            engine = Engine(
                configuration: core, seed: 7, now: start, room: store.headRoom, rows: rows,
                hash: SHA256Hasher.digest)
        }
        board = PictureBoard(engine!.core.picture)
        self.engine = engine!
    }

    private static func core(_ configuration: Configuration) -> CoreConfiguration {
        let peers = configuration.settings.peers.map {
            Peer(node: $0.node, dials: $0.dial, isEdoc: $0.edoc, takesFragments: $0.fragments, rights: $0.rights)
        }
        return CoreConfiguration(
            node: configuration.settings.node, directory: configuration.directory, routes: configuration.routes,
            peers: peers, limits: CoreLimits())
    }

    nonisolated var now: ClockReading { clock.withLock { $0 } }

    nonisolated func advance(_ span: Milliseconds) {
        clock.withLock {
            $0.relay = $0.relay + span
            $0.wall.milliseconds += span.count
        }
    }

    @discardableResult
    func run(_ inputs: [EngineInput]) -> [Effect] {
        var rest = inputs[...]
        var effects: [Effect] = []
        repeat {
            let now = self.now
            let result = store.batch { rows in engine.run(rest, now: now, room: store.headRoom, rows: rows) }
            guard let released = result.released else { preconditionFailure("The store of a test is full: \(result)") }
            board.publish(released.picture)
            rest = rest.dropFirst(released.taken)
            effects += released.effects
        } while !rest.isEmpty
        for effect in effects {
            if case .send(let dispatch) = effect { dispatches.append(dispatch) }
            if case .reply(let tell) = effect { tell() }
            if case .verify(let number, _, _) = effect {
                effects += run([.event(.documentVerified(number: number, matches: true))])
            }
        }
        return effects
    }

    func takeTicket() -> Ticket {
        defer { nextTicket += 1 }
        return Ticket(nextTicket)
    }

    // MARK: NodeAccess

    nonisolated func read<Answer: Sendable>(
        _ body: @escaping @Sendable (any RowReader) throws -> Answer
    ) async throws -> Answer {
        // A page that the disk never brings.
        if watching.state.withLock({ $0.isDiskDead }) { try await Task.sleep(for: .seconds(3_600)) }
        return try store.read { rows in Result { try body(rows) } }.get()
    }

    nonisolated func picture(of numbers: [UInt64]?) -> CorePicture { board.picture(of: numbers) }

    func ask<Answer: Sendable>(
        _ question: @escaping @Sendable (borrowing RelayCore, any RowReader) -> Answer
    ) async throws -> Answer {
        while watching.state.withLock({ $0.isStuck }) { try await Task.sleep(for: .milliseconds(10)) }
        let box = Mutex<Answer?>(nil)
        let shared = Shared(box)
        run([
            .question { core, rows in
                let answer = question(core, rows)
                return { shared.set(answer) }
            }
        ])
        return shared.take()!
    }

    func beginSubmission(_ values: SubmissionValues) async throws -> SubmissionStart {
        let ticket = takeTicket()
        let submission = Submission(
            ticket: ticket, sender: values.sender, recipients: values.recipients, urgency: values.urgency,
            documentID: values.documentID, payloadLength: values.payloadLength, lifetime: values.lifetime,
            key: values.key)
        for case .answerSubmission(_, .refused(let problems, let cause)) in run([.submitted(submission)]) {
            return .refused(problems, cause: cause)
        }
        return .open(FakeStream(node: self, ticket: ticket))
    }

    func push(_ ticket: Ticket, _ bytes: ByteBuffer) {
        rssAnonMax = max(rssAnonMax, Self.rssAnon())
        run([.submissionBytes(ticket, bytes)])
    }

    func finish(_ ticket: Ticket, _ digest: Digest) -> SubmissionAnswer {
        for case .answerSubmission(_, let answer) in run([.submissionCompleted(ticket, digest: digest)]) {
            return answer
        }
        return .refused(["no answer"], cause: .noResources)
    }

    func abandon(_ ticket: Ticket) {
        abandoned += 1
        run([.submissionAbandoned(ticket)])
    }

    func acknowledgeInbox(_ agency: AgencyCode, _ envelopes: [UInt64]) async throws -> Int {
        let event = Event.inboxAcknowledged(ticket: takeTicket(), agency: agency, envelopes: envelopes)
        for case .answerInbox(_, let taken) in run([.event(event)]) { return taken }
        return 0
    }

    func operate(_ caller: Operator, _ wish: Operation.Wish) async throws -> OperationAnswer {
        let operation = Operation(ticket: takeTicket(), caller: caller, wish: wish)
        for case .answerOperation(_, let answer) in run([.event(.operated(operation))]) { return answer }
        return .refused("no answer")
    }

    func sessions() async throws -> [SessionInfo] {
        let peers = engine.core.peerViews.filter(\.isUp)
        return peers.map {
            SessionInfo(
                peer: $0.node, address: "127.0.0.1:4556", isDialled: true, since: now.wall, tlsVersion: "TLSv1.3",
                cipher: "TLS_AES_256_GCM_SHA384",
                certificateExpiry: WallTime(milliseconds: now.wall.milliseconds + 30 * 86_400_000), bytesSent: 2_048,
                bytesReceived: 1_024)
        }
    }

    func countRefusal(_ cause: SubmissionRefusal) async {
        _ = run([.event(.refusedOutside(.submissionRefused(cause.rawValue)))])
    }

    func reload(_ manner: ReloadManner) async throws -> (isApplied: Bool, lines: [String]) {
        (manner == .forced, ["routes: 0 added, 9 moved, 0 removed"])
    }

    func record(_ deed: Deed) async throws -> Bool {
        for case .auditHead(let head) in run([.event(.audited(deed, ticket: takeTicket()))]) {
            auditHead = (head.order, head.hash)
            return head.entry != nil
        }
        return false
    }

    func compareRestored(_ deed: Deed, _ portion: Comparison) async throws -> EvidenceCounts? {
        for case .answerRestore(_, let counts) in run([
            .event(.restoredCompared(ticket: takeTicket(), deed, portion))
        ]) { return counts }
        return nil
    }

    func releaseRestored(_ deed: Deed) async throws -> Bool {
        for case .answerRestore(_, let counts) in run([.event(.restoredReleased(ticket: takeTicket(), deed))]) {
            return counts != nil
        }
        return false
    }

    func beginBackup(_ order: BackupOrder, _ deed: Deed) async throws -> BackupAnswer? {
        BackupAnswer(state: "done", path: order.path)
    }
    var backup: BackupAnswer { BackupAnswer(state: "none") }
    func cancelBackup() async -> Bool { false }

    func facts() async throws -> NodeFacts {
        NodeFacts(
            version: "0.1.0", started: WallTime(milliseconds: 826_000_000_000), listening: ["127.0.0.1:4556"],
            rssAnon: Self.rssAnon(), rssShmem: 0, rssFile: 4_096, storeFileBytes: store.headRoom.usedBytes,
            headRoom: store.headRoom, batches: 0)
    }

    func bounds() async throws -> [LimitView] {
        [
            LimitView(
                "sessions that others opened", "session.sessions_max", .count, 4, used: 4, binds: true, effect: "closed"
            )
        ]
    }

    /// Octets of anonymous memory of this process.
    static func rssAnon() -> UInt64 {
        let descriptor = open("/proc/self/status", O_RDONLY)
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 8_192)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        let text = String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
        for line in text.split(separator: "\n") where line.hasPrefix("RssAnon:") {
            return
                (line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { UInt64($0) } ?? 0)
                << 10
        }
        return 0
    }
}

/// A value that one side sets and the other takes.
private final class Shared<Value: Sendable>: Sendable {
    private let box: Mutex<Value?>
    init(_ box: consuming Mutex<Value?>) { self.box = box }
    func set(_ value: Value) { box.withLock { $0 = value } }
    func take() -> Value? { box.withLock { $0 } }
}

private struct FakeStream: SubmissionStream {
    let node: FakeNode
    let ticket: Ticket

    func push(_ bytes: ByteBuffer) async throws { await node.push(ticket, bytes) }
    func finish(digest: Digest) async throws -> SubmissionAnswer { await node.finish(ticket, digest) }
    func abandon() async { await node.abandon(ticket) }
}
