// Backup: the copy of the store that a running daemon makes: one at a time, on a thread of its own, so that neither the engine nor the
// readers wait for it. It measures what the store frees, judges, copies, has the copy checked, and writes both its begin and its end
// into the operator log. What goes wrong is its answer and nothing else.
//
// The path that an operator names may lead to a disk that never answers. Only the backup's own thread calls the file system, and it
// holds no lock meanwhile: who asks, cancels or begins another is answered at once, and the end of the process waits a bounded time.

import ControlAPI
import Glibc
import Logging
import NIOConcurrencyHelpers
import NIOCore
import RelayControl
import RelayCore
import RelayModel
import RelayStore

final class Backup: Sendable {
    private struct State {
        var answer = BackupAnswer(state: "none")
        var isCancelled = false
        /// Told when the copy has its name, and when the thread is through.
        var named: EventLoopPromise<Void>?
        var ended: EventLoopPromise<Bool>?
    }
    private let store: LMDBStore
    private let node: NodeID
    private let now: @Sendable () -> WallTime
    private let record: @Sendable (Deed) -> Void
    private let logger: Logger
    /// For what waits with a bound.
    private let loop: any EventLoop
    /// Whether a path leads to a folder; may never return.
    private let isFolder: @Sendable (String) -> Bool
    /// `backup.directory`, as the configuration says now.
    private let standard: @Sendable () -> String?
    private let state = NIOLockedValueBox(State())

    /// For how long the store is watched to know what it frees.
    private static let measureMicroseconds: UInt32 = 1_000_000

    init(
        store: LMDBStore, node: NodeID, now: @escaping @Sendable () -> WallTime,
        record: @escaping @Sendable (Deed) -> Void, logger: Logger, loop: any EventLoop,
        standard: @escaping @Sendable () -> String? = { nil },
        isFolder: @escaping @Sendable (String) -> Bool = Backup.isFolder
    ) {
        self.store = store
        self.node = node
        self.now = now
        self.record = record
        self.logger = logger
        self.loop = loop
        self.standard = standard
        self.isFolder = isFolder
    }

    /// What the last try met, when it came to nothing.
    var failure: String? { state.withLockedValue { $0.answer.state == "failed" ? $0.answer.why : nil } }

    var answer: BackupAnswer { state.withLockedValue { $0.answer } }

    /// Begins a copy; nil when one is under way. Answers when the copy has its name, or when that takes long.
    func begin(_ order: BackupOrder, _ deed: Deed, patience: TimeAmount = .seconds(1)) async -> BackupAnswer? {
        let (named, ended) = (loop.makePromise(of: Void.self), loop.makePromise(of: Bool.self))
        let isFirst = state.withLockedValue { state in
            guard !state.answer.isUnderWay else { return false }
            state = State()
            state.answer = BackupAnswer(state: "measuring", path: order.path)
            state.answer.started = now().timestamp
            state.named = named
            state.ended = ended
            return true
        }
        guard isFirst else {
            named.succeed()
            ended.succeed(true)
            return nil
        }
        let failure = DetachedThread.start("backup") { [self] in
            run(order, deed)
            named.succeed()
            ended.succeed(true)
        }
        if let failure {
            state.withLockedValue { state in
                state.answer.state = "failed"
                state.answer.why = failure
            }
            named.succeed()
            ended.succeed(true)
        }
        let timer = loop.scheduleTask(in: patience) { named.succeed() }
        try? await named.futureResult.get()
        timer.cancel()
        return answer
    }

    /// The copy is given up as soon as its thread hears of it; false when none is under way.
    func cancel() -> Bool {
        state.withLockedValue { state in
            guard state.answer.isUnderWay else { return false }
            state.isCancelled = true
            state.answer.why = "it was cancelled, and ends when its disk answers"
            return true
        }
    }

    /// Cancels, and waits until the thread is through with the store; false when its disk does not answer in that time.
    func stop(within patience: TimeAmount) async -> Bool {
        _ = cancel()
        guard let ended = state.withLockedValue({ $0.answer.isUnderWay ? $0.ended : nil }) else { return true }
        let timer = loop.scheduleTask(in: patience) { ended.succeed(false) }
        defer { timer.cancel() }
        return (try? await ended.futureResult.get()) ?? false
    }

    private static func isFolder(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
    }

    private func run(_ asked: BackupOrder, _ by: Deed) {
        var order = asked
        // Without a path it is the folder of the configuration, which must then be there.
        let standard = standard()
        if order.path.isEmpty { order.path = standard ?? "" }
        let names = CopyNames(node: node)
        let isDated = asked.path.isEmpty || order.path.hasSuffix("/") || isFolder(order.path)
        let path = isDated ? names.path(in: order.path, at: now()) : order.path
        state.withLockedValue { state in
            state.answer.path = path
            state.named?.succeed()
        }
        var deed = by
        deed.subject = path
        deed.outcome = "begun"
        // It is in the store before the copy begins, and so in the copy.
        record(deed)
        do throws(StoreFailure) {
            if order.path.isEmpty {
                throw StoreFailure(.refused, "backup.directory is empty, so a copy needs a path")
            }
            if !isDated, order.keep != nil || order.keepDays != nil {
                throw StoreFailure(
                    .refused, "keep and keepDays are for a folder, in which copies have names of their own")
            }
            let folder = CopyFolder(FileLook.parent(path))
            if let trouble = folder.trouble(seenAs: order.folder, standard: standard) {
                throw StoreFailure(.refused, trouble)
            }
            // Before the room on the disk is judged.
            for left in try LMDBStore.removeLeftovers(besideCopy: path, prefix: names.prefix) {
                logger.notice("removed what an interrupted backup had left", metadata: ["path": "\(left)"])
            }
            let facts = try copy(to: path, folder: folder.path, order)
            deed.count = facts.envelopes
            deed.bytes = facts.bytes
            // Only now, when there is one more that is good.
            let pruned = folder.prune(
                names, besides: path, keep: order.keep, days: order.keepDays, now: now())
            for path in pruned?.removed ?? [] {
                logger.notice("removed an old backup", metadata: ["path": "\(path)"])
            }
            if let trouble = pruned?.trouble {
                logger.warning("old backups cannot be removed", metadata: ["why": "\(trouble)"])
            }
            finish(deed, Deed.backupDone) {
                $0.why = nil
                $0.bytesWritten = facts.bytes
                $0.envelopes = facts.envelopes
                $0.checkedRows = facts.checkedRows
                $0.removed = pruned?.removed
                $0.removalTrouble = pruned?.trouble
            }
        } catch {
            finish(deed, "failed") { $0.why = error.sentence }
        }
    }

    private func copy(to path: String, folder: String, _ order: BackupOrder) throws(StoreFailure) -> CopyFacts {
        let rate = order.bytesPerSecond ?? LMDBStore.copyRate
        let freed = store.freedBytes
        usleep(Self.measureMicroseconds)
        let plan = store.copyPlan(
            toFolder: folder, churn: store.freedBytes - freed, bytesPerSecond: rate, isCompacting: !order.isWhole)
        state.withLockedValue {
            $0.answer.plan = .init(plan)
            $0.answer.state = "copying"
        }
        if let refusal = plan.refusal { throw StoreFailure(.refused, refusal) }
        return try store.copy(
            to: path, bytesPerSecond: rate, isCompacting: !order.isWhole,
            goesOn: { written in
                state.withLockedValue {
                    $0.answer.bytesWritten = written
                    return !$0.isCancelled
                }
            }, check: StoreBooks.problem)
    }

    /// Who sees that it is done finds it in the operator log as well.
    private func finish(_ deed: Deed, _ word: String, _ change: (inout BackupAnswer) -> Void) {
        var deed = deed
        var answer = state.withLockedValue { $0.answer }
        change(&answer)
        answer.ended = now().timestamp
        answer.state = word
        deed.outcome = answer.why.map { "failed: " + $0 } ?? word
        record(deed)
        if let why = answer.why {
            logger.error("backup failed", metadata: ["path": "\(answer.path)", "why": "\(why)"])
        }
        state.withLockedValue { [answer] in $0.answer = answer }
    }
}

extension BackupAnswer.Plan {
    fileprivate init(_ plan: CopyPlan) {
        self.init(
            copyBytes: plan.copyBytes, seconds: plan.seconds, churnBytesPerSecond: plan.churnBytesPerSecond,
            needBytes: plan.needBytes, headRoomBytes: plan.headRoomBytes, floorBytes: plan.floorBytes,
            diskBytes: plan.diskBytes)
    }
}
