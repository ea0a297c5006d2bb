// EngineThread: the one thread that decides and writes. It takes all that is in the mailbox, runs it in one transaction,
// commits, and only then hands the effects of that batch on. No timer groups anything: while a commit is on its way to the
// disk, the next batch gathers by itself.
//
// Failures: a full store throws the batch away, and nothing that was decided is sent. Where free pages may not lie together the engine
// is put back as it was, and smaller batches find out what has no room (RelayEngine, Narrowing). Else it is built anew from the store,
// and all sessions are ended. After a failed sync nothing can be promised, and the process ends.

import CLinux
import Glibc
import Logging
import Monotonic
import NIOConcurrencyHelpers
import OpenSSLTLS
import RelayCore
import RelayEngine
import RelayLink
import RelayModel
import RelayRows
import RelayStore
import Synchronization
import Trap

/// Where the effects of a durable batch go. Called on the engine thread, once a batch.
public protocol EffectSink: AnyObject, Sendable {
    func perform(_ effects: [Effect])
    /// The decisions of a batch are lost, and with them every ticket: end all sessions. Answers the tickets whose owners have been
    /// told that nothing became of them.
    func reset(why: String) -> Set<Ticket>
}

/// The engine's thread and its mailbox.
public final class EngineThread: @unchecked Sendable {
    // @unchecked: `mailbox`, `probes` and the two flags are guarded by `condition`; `engine` is touched by the thread alone.
    private let condition: MonotonicLock<Int>
    private var mailbox: [EngineInput] = []
    private var probes: [@Sendable (Bool) -> Void] = []
    /// Questions that depend on nothing in the mailbox.
    private var questions: [@Sendable (borrowing RelayCore, any RowReader) -> Void] = []
    private var isStopping = false
    /// The thread waits for more beside what has come, all of which is patient.
    private var isWaitingForMore = false
    /// As it stood behind the last batch.
    private var isCalm = false
    /// So long patient inputs wait for others, to be committed with them: two letters a tenth of a second apart need no commits for their
    /// answers alone.
    private static let patience = 0.04

    private let store: LMDBStore
    private let inHand: InHand?
    private let clock: RelayClock
    private let logger: Logger
    private var configuration: CoreConfiguration
    private var engine: Engine
    private var thread: pthread_t?
    /// Start-overs that followed one another closely; microseconds of the monotonic clock.
    private var startOvers = 0
    private var lastStartOver: UInt64 = 0
    private var narrowing = Narrowing()
    /// When rows were last moved so that free pages lie together; microseconds of the monotonic clock.
    private var lastTogether: UInt64 = 0
    private var toldReader: OldReader?
    private var steps = StepWatch()
    private weak var sink: (any EffectSink)?
    /// What has been posted and is not yet durable or dropped.
    public let gauge: Gauge
    /// The decisions as they stood behind the last durable batch.
    public let board: PictureBoard
    public let counts = EngineCounts()

    /// Builds the engine from the store; the thread starts with `start`.
    init(
        store: LMDBStore, clock: RelayClock, configuration: CoreConfiguration, gauge: Gauge, inHand: InHand?,
        logger: Logger
    ) throws(StoreFailure) {
        self.store = store
        self.inHand = inHand
        self.clock = clock
        self.configuration = configuration
        self.gauge = gauge
        self.logger = logger
        condition = MonotonicLock(value: 0)
        let engine = try Self.build(store, clock, configuration, inHand)
        board = PictureBoard(engine.core.picture)
        self.engine = engine
    }

    private static func build(
        _ store: LMDBStore, _ clock: RelayClock, _ configuration: CoreConfiguration, _ inHand: InHand?
    ) throws(StoreFailure) -> Engine {
        let room = store.headRoom
        let result = store.batch { rows in
            Engine(
                configuration: configuration, seed: SecureRandom.word(), now: clock.reading, room: room, rows: rows,
                hash: SHA256Hasher.digest
            ) { inHand?.hold($0) }
        }
        guard let engine = result.released else {
            throw StoreFailure(.system, "the store cannot be opened for writing: \(result.sentence)")
        }
        return engine
    }

    public func start(sink: any EffectSink) {
        self.sink = sink
        var handle = pthread_t()
        let context = Unmanaged.passRetained(self)
        let status = pthread_create(
            &handle, nil,
            { context in
                let engine = Unmanaged<EngineThread>.fromOpaque(context!).takeRetainedValue()
                clinux_name_thread("engine")
                engine.run()
                return nil
            }, context.toOpaque())
        demand(status == 0, "the engine's thread could not be created")
        thread = handle
    }

    /// Weighs inputs and puts them into the mailbox, in order. Any thread.
    public func post(_ inputs: [EngineInput]) {
        gauge.add(Gauge.weight(of: inputs))
        deliver(inputs)
    }

    /// Puts inputs into the mailbox that have been weighed already.
    public func deliver(_ inputs: [EngineInput]) {
        guard !inputs.isEmpty else { return }
        condition.lock()
        let wakes = !isWaitingForMore || !inputs.allSatisfy(\.isPatient)
        mailbox.append(contentsOf: inputs)
        // What has been woken stays so.
        if wakes { condition.unlock(withValue: 1) } else { condition.unlock() }
    }

    public func post(_ input: EngineInput) { post([input]) }

    /// Inputs that wait in the mailbox.
    public var waiting: Int {
        condition.lock()
        defer { condition.unlock() }
        return mailbox.count
    }

    /// Has the next batch write a row, and answers when it is durable: proof that the store commits. False: the batch found no room.
    /// Probes that come together share a commit.
    public func probe(_ answer: @escaping @Sendable (_ isDurable: Bool) -> Void) {
        condition.lock()
        probes.append(answer)
        condition.unlock(withValue: 1)
    }

    private func takeProbes() -> [@Sendable (Bool) -> Void] {
        condition.lock()
        defer { condition.unlock() }
        let taken = probes
        probes = []
        return taken
    }

    private func putBack(_ taken: [@Sendable (Bool) -> Void]) {
        condition.lock()
        probes = taken + probes
        condition.unlock()
    }

    /// Asks before all that is in the mailbox is decided: an operator who looks does not wait for a night's mail. At the beginning of
    /// a batch nothing of it has been decided: what is seen is durable, and may be told at once.
    public func ask(_ question: @escaping @Sendable (borrowing RelayCore, any RowReader) -> Void) {
        condition.lock()
        questions.append(question)
        condition.unlock(withValue: 1)
    }

    private func takeQuestions() -> [@Sendable (borrowing RelayCore, any RowReader) -> Void] {
        condition.lock()
        defer { condition.unlock() }
        let taken = questions
        questions = []
        return taken
    }

    /// In front of what has come since: the order counts.
    private func putBack(_ inputs: [EngineInput]) {
        guard !inputs.isEmpty else { return }
        gauge.add(Gauge.weight(of: inputs))
        condition.lock()
        mailbox.insert(contentsOf: inputs, at: 0)
        condition.unlock(withValue: 1)
    }

    /// Of a batch that is tried again; it has stayed on the gauge.
    private func returnToMailbox(_ inputs: ArraySlice<EngineInput>) {
        guard !inputs.isEmpty else { return }
        condition.lock()
        mailbox.insert(contentsOf: inputs, at: 0)
        condition.unlock(withValue: 1)
    }

    /// The batch that was to answer them did not begin.
    private func ask(again taken: [@Sendable (borrowing RelayCore, any RowReader) -> Void]) {
        condition.lock()
        questions = taken + questions
        condition.unlock()
    }

    /// Lets the thread finish what is in the mailbox, and waits for its end. The effects of the last batches are performed.
    public func stop() {
        condition.lock()
        isStopping = true
        condition.unlock(withValue: 1)
        if let thread { pthread_join(thread, nil) }
        thread = nil
    }

    private func run() {
        var due: RelayTime? = clock.relayNow
        while true {
            let (inputs, stopping) = wait(until: due)
            noticeClockStep()
            due = decide(inputs)
            if stopping, inputs.isEmpty { return }
            due = bringTogether(isIdle: inputs.isEmpty, due)
            noticeReaders()
        }
    }

    /// Lets the store move rows where nothing waits for it; where something does, ten times a second at most.
    private func bringTogether(isIdle: Bool, _ due: RelayTime?) -> RelayTime? {
        let now = Self.microseconds()
        guard now - lastTogether >= (isIdle ? 10_000 : 100_000) else {
            return store.hasMoreToMove ? soon(due) : due
        }
        let hasMore = store.bringTogether()
        lastTogether = Self.microseconds()
        return hasMore ? soon(due) : due
    }

    private func soon(_ due: RelayTime?) -> RelayTime {
        let soon = clock.relayNow + Milliseconds(20)
        return due.map { min($0, soon) } ?? soon
    }

    /// What other programs hold of the store, or held until they were killed.
    private func noticeReaders() {
        let released = store.takeReleasedReaders()
        if released > 0 {
            logger.notice(
                "a program that read the store from outside was killed; what it held is released",
                metadata: .event(.readerReleased, ["readers": "\(released)"]))
        }
        let old = store.headRoom.oldReader
        if let old, old.process != toldReader?.process {
            logger.warning(
                "a program outside reads the store from an old snapshot; pages freed since cannot be used",
                metadata: .event(.readerOld, ["process": "\(old.process)", "seconds": "\(old.seconds)"]))
        }
        toldReader = old
    }

    /// What is in the mailbox; waits for something, the next deadline, or the end.
    private func wait(until due: RelayTime?) -> (inputs: [EngineInput], stopping: Bool) {
        let now = clock.relayNow
        let patience = due.map { min(Double($0.since(now).count) / 1_000, 60) } ?? 60
        if condition.lock(whenValue: 1, timeoutSeconds: max(patience, 0)) {
            if hasOnlyPatient { waitForMore(atMost: min(patience, Self.patience)) }
            let inputs = takeInputs()
            let stopping = isStopping
            // The value stays 1 while stopping, so that nothing waits any more.
            condition.unlock(withValue: stopping || !mailbox.isEmpty ? 1 : 0)
            return (inputs, stopping)
        }
        return ([], false)
    }

    private var hasOnlyPatient: Bool {
        isCalm && !isStopping && probes.isEmpty && questions.isEmpty && !mailbox.isEmpty
            && mailbox.allSatisfy(\.isPatient)
    }

    /// Gives the lock back for a while, unless something comes that somebody waits for.
    private func waitForMore(atMost seconds: Double) {
        isWaitingForMore = true
        condition.unlock(withValue: 0)
        if !condition.lock(whenValue: 1, timeoutSeconds: max(seconds, 0)) { condition.lock() }
        isWaitingForMore = false
    }

    /// As much as one transaction takes: what was decided is let go before more is looked at, so that payload is held once.
    private func takeInputs() -> [EngineInput] {
        var count = 0
        var bytes: UInt64 = 0
        while count < mailbox.count, bytes < BatchLimits.bytes {
            bytes += UInt64(mailbox[count].payloadBytes)
            count += 1
        }
        if count == mailbox.count {
            // As it is, without a copy of each.
            let inputs = mailbox
            mailbox = []
            return inputs
        }
        let inputs = Array(mailbox.prefix(count))
        mailbox.removeFirst(count)
        return inputs
    }

    /// Runs the inputs in as many transactions as their size asks for; answers when time has something to do next.
    private func decide(_ inputs: [EngineInput]) -> RelayTime? {
        var rest = inputs[...]
        var next: RelayTime?
        var isRetry = false
        repeat {
            isRetry = false
            let reading = clock.reading
            let room = store.headRoom
            let probes = takeProbes()
            let questions = takeQuestions()
            var decided: UInt64 = 0
            // Kept only where it may be needed: what the batch changes is copied then.
            let before = room.isTight ? engine : nil
            let share = rest.prefix(narrowing.share(of: rest.count))
            let isLean = narrowing.isLean
            var hasRun = false
            let result = store.batch { rows in
                hasRun = true
                for question in questions { question(engine.core, rows) }
                let outcome = engine.run(share, now: reading, room: room, rows: rows, isLean: isLean)
                next = engine.core.nextDeadline(rows)
                isCalm = engine.core.isCalm
                if rows.rowsChanged > 0 || !probes.isEmpty {
                    rows.setNumber(.meta, "relayTime", reading.relay.milliseconds)
                    rows.setNumber(.meta, "wallTime", reading.wall.milliseconds)
                }
                decided = Self.microseconds()
                return outcome
            }
            if case .durable = result { counts.committed(microseconds: Self.microseconds() - decided) }
            if case .full = result, before != nil, narrowing.step == .wide {
                putBack(probes)
            } else {
                for probe in probes { probe(result.isDurable) }
            }
            switch result {
            case .durable(let outcome), .unchanged(let outcome):
                let taken = rest.prefix(outcome.taken)
                rest = rest.dropFirst(outcome.taken)
                gauge.release(Gauge.weight(of: taken))
                counts.add(batches: 1, inputs: outcome.taken)
                board.publish(outcome.picture)
                if !outcome.effects.isEmpty { sink?.perform(outcome.effects) }
                if narrowing.went() == .refuseFirst, let first = rest.popFirst() {
                    rest = [.foundNoRoom(first)] + rest
                }
            case .full(let sentence):
                if let before, let wait = narrow(sentence, first: rest.first) {
                    engine = before
                    if !hasRun { ask(again: questions) }
                    isRetry = true
                    if wait == 0 { continue }
                    // What comes meanwhile may be what makes room; it is decided behind what is here, but it is there.
                    usleep(wait * 1_000)
                    returnToMailbox(rest)
                    return clock.relayNow
                }
                gauge.release(Gauge.weight(of: rest))
                startOver(sentence)
                if !hasRun { ask(again: questions) }
                putBack(rest.filter(\.isSaidOnce))
                return clock.relayNow
            case .fatal(let sentence):
                // Invariant 1: what the disk holds is not known any more.
                logger.critical(
                    "the store has failed, the daemon stops", metadata: .event(.storeFailed, ["why": "\(sentence)"]))
                fatalStop()
            }
        } while !rest.isEmpty || isRetry
        return next
    }

    /// The batch found no room. The engine is put back, and after so many milliseconds the next batch is a smaller one; nil: nothing
    /// helps but a new engine.
    private func narrow(_ why: String, first: EngineInput?) -> UInt32? {
        if !narrowing.isLean {
            logger.notice(
                "a batch found no room in the store's free pages and is tried in smaller parts",
                metadata: .event(.storeInPieces, ["why": "\(why)"]))
        }
        switch narrowing.foundNoRoom(first: first) {
        case .again, .refuseFirst: return 0
        case .wait(let milliseconds): return milliseconds
        case .startOver:
            narrowing = Narrowing()
            return nil
        }
    }

    private static func microseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1_000
    }

    private func startOver(_ why: String) {
        // Where nothing at all can be written the new engine fails as well: not as fast as the machine can.
        let now = Self.microseconds()
        startOvers = now - lastStartOver < 10_000_000 ? startOvers + 1 : 0
        if startOvers > 0 { usleep(min(50_000 << UInt32(min(startOvers, 7)), 5_000_000)) }
        lastStartOver = Self.microseconds()
        logger.error(
            "the store is full; sessions are ended and the engine starts anew",
            metadata: .event(.storeFull, ["why": "\(why)"]))
        drop(sink?.reset(why: why) ?? [])
        do throws(StoreFailure) {
            condition.lock()
            let current = configuration
            condition.unlock()
            engine = try Self.build(store, clock, current, inHand)
            board.replace(engine.core.picture)
        } catch {
            logger.critical("the store cannot be used any more", metadata: .event(.storeFailed, ["why": "\(error)"]))
            fatalStop()
        }
    }

    /// Takes what belongs to these tickets out of the mailbox: their owners have been told that nothing of it is in the store.
    private func drop(_ lost: Set<Ticket>) {
        condition.lock()
        let dropped = mailbox.filter { $0.owner.map(lost.contains) ?? false }
        if !dropped.isEmpty { mailbox.removeAll { $0.owner.map(lost.contains) ?? false } }
        condition.unlock()
        gauge.release(Gauge.weight(of: dropped))
    }

    private func fatalStop() -> Never {
        fflush(nil)
        StandardErrorLog.pipe.flush(seconds: 2)
        _exit(70)
    }

    /// The engine keeps the configuration of its core, to be built anew with.
    public func reconfigure(_ new: CoreConfiguration) {
        condition.lock()
        configuration = new
        condition.unlock()
        post(.event(.reconfigured(new)))
    }

    private func noticeClockStep() {
        guard let step = steps.notice(clock.wallDrift) else { return }
        post(.event(.clockDoubted(step.isOff, why: step.why)))
    }
}

extension CommitResult {
    fileprivate var isDurable: Bool { if case .durable = self { true } else { false } }

    /// Why a batch was not durable.
    fileprivate var sentence: String {
        switch self {
        case .durable, .unchanged: ""
        case .full(let sentence), .fatal(let sentence): sentence
        }
    }
}

/// How the batches came out, for status and benchmarks.
public final class EngineCounts: Sendable {
    private let batchCount = Atomic<UInt64>(0)
    private let inputCount = Atomic<UInt64>(0)
    /// Once a batch, by the engine's thread; monitors read it.
    private let commits = Mutex(TimeHistogram.ofCommits)
    func add(batches: UInt64, inputs: Int) {
        batchCount.add(batches, ordering: .relaxed)
        inputCount.add(UInt64(inputs), ordering: .relaxed)
    }
    func committed(microseconds: UInt64) { commits.withLock { $0.add(microseconds: microseconds) } }
    /// From the end of the decisions to the end of the sync, of each batch that changed something.
    public var commitTimes: TimeHistogram { commits.withLock { $0 } }
    public var batches: UInt64 { batchCount.load(ordering: .relaxed) }
    public var inputs: UInt64 { inputCount.load(ordering: .relaxed) }
}
