// Backup: the copy of the store that a running daemon makes: one at a time, on a thread of its own, so that neither the engine nor the
// readers wait for it. It measures what the store frees, judges, copies, has the copy checked, and writes both its begin and its end
// into the operator log. What goes wrong is its answer and nothing else.

import ControlAPI
import Glibc
import Logging
import NIOConcurrencyHelpers
import NIOPosix
import RelayControl
import RelayCore
import RelayModel
import RelayStore

final class Backup: Sendable {
    private struct State {
        var answer = BackupAnswer(state: "none")
        var isCancelled = false
        var pool: NIOThreadPool?
    }
    private let store: LMDBStore
    private let node: NodeID
    private let now: @Sendable () -> WallTime
    private let record: @Sendable (Deed) -> Void
    private let logger: Logger
    private let state = NIOLockedValueBox(State())

    /// For how long the store is watched to know what it frees.
    private static let measureMicroseconds: UInt32 = 1_000_000

    init(
        store: LMDBStore, node: NodeID, now: @escaping @Sendable () -> WallTime,
        record: @escaping @Sendable (Deed) -> Void, logger: Logger
    ) {
        self.store = store
        self.node = node
        self.now = now
        self.record = record
        self.logger = logger
    }

    var answer: BackupAnswer { state.withLockedValue { $0.answer } }

    /// Begins a copy; nil when one is under way.
    func begin(_ order: BackupOrder, _ deed: Deed) -> BackupAnswer? {
        let pool = NIOThreadPool(numberOfThreads: 1)
        let begun = state.withLockedValue { state -> BackupAnswer? in
            guard !state.answer.isUnderWay else { return nil }
            state = State()
            state.answer = BackupAnswer(state: "measuring", path: target(order.path))
            state.answer.started = now().timestamp
            state.pool = pool
            return state.answer
        }
        guard let begun else {
            pool.shutdownGracefully { _ in }
            return nil
        }
        pool.start()
        pool.submit { [self] _ in
            run(begun.path, order, deed)
            pool.shutdownGracefully { _ in }
        }
        return begun
    }

    func cancel() { state.withLockedValue { $0.isCancelled = true } }

    /// Cancels and waits until the thread is through with the store.
    func stop() async {
        cancel()
        let pool = state.withLockedValue { $0.answer.isUnderWay ? $0.pool : nil }
        try? await pool?.shutdownGracefully()
    }

    /// In a folder the copy is named after the node and the moment.
    private func target(_ path: String) -> String {
        var facts = stat()
        guard stat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR else { return path }
        let moment = now().timestamp.text.prefix(19).filter { $0 != "-" && $0 != ":" }
        return path + (path.hasSuffix("/") ? "" : "/") + "edocd-\(node.name)-\(moment)Z.mdb"
    }

    private func run(_ path: String, _ order: BackupOrder, _ asked: Deed) {
        var deed = asked
        deed.subject = path
        deed.outcome = "begun"
        // It is in the store before the copy begins, and so in the copy.
        record(deed)
        do throws(StoreFailure) {
            let rate = order.bytesPerSecond ?? LMDBStore.copyRate
            let freed = store.freedBytes
            usleep(Self.measureMicroseconds)
            let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            let plan = store.copyPlan(
                toFolder: folder.isEmpty ? "/" : folder, churn: store.freedBytes - freed,
                bytesPerSecond: rate, isCompacting: !order.isWhole)
            state.withLockedValue {
                $0.answer.plan = .init(plan)
                $0.answer.state = "copying"
            }
            if let refusal = plan.refusal { throw StoreFailure(.refused, refusal) }
            let facts = try store.copy(
                to: path, bytesPerSecond: rate, isCompacting: !order.isWhole,
                goesOn: { written in
                    state.withLockedValue {
                        $0.answer.bytesWritten = written
                        return !$0.isCancelled
                    }
                }, check: StoreBooks.problem)
            deed.count = facts.envelopes
            deed.bytes = facts.bytes
            finish(deed, "done") {
                $0.bytesWritten = facts.bytes
                $0.envelopes = facts.envelopes
                $0.checkedRows = facts.checkedRows
            }
        } catch {
            finish(deed, "failed") { $0.why = error.sentence }
        }
    }

    private func finish(_ deed: Deed, _ word: String, _ change: (inout BackupAnswer) -> Void) {
        var deed = deed
        let answer = state.withLockedValue { state in
            change(&state.answer)
            state.answer.ended = now().timestamp
            state.answer.state = word
            return state.answer
        }
        deed.outcome = answer.why.map { "failed: " + $0 } ?? word
        record(deed)
        if let why = answer.why {
            logger.error("backup failed", metadata: ["path": "\(answer.path)", "why": "\(why)"])
        }
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
