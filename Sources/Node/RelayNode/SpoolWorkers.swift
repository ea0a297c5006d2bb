// SpoolWorkers: a thread for each spool directory that has something to do. A call on a dead disk may never return: it holds up what is to
// be done in its own directory, and nothing else. `look`, called now and then, notices a thread that has shown no sign of life for as
// long as its agency's spool allows, and says so once; that it goes on is said once too. The end of the process waits for such a thread
// a bounded time only.
//
// Steps of one directory run in the order in which they were ordered, those of one kind that follow each other as a group, bounded in number
// and octets. After the engine has started over, steps that were ordered before and not begun are dropped: a late one must not touch a
// file that a new one has written.

import NIOConcurrencyHelpers
import NIOCore
import RelayCore
import RelayEngine
import RelayModel

final class SpoolWorkers: Sendable {
    /// Does a group of steps, on their directory's thread, and answers what it has to report. May never return.
    typealias Act = @Sendable ([HandOver], Pulse) -> [EngineInput]

    /// A group holds no more than this, and no more octets unless it is a single document: the engine decides on one while the disk is at
    /// the next.
    static let groupMax = 128
    static let groupBytesMax: UInt64 = 32 << 20

    /// The sign of life of a thread, shown between two calls on its disk.
    struct Pulse: Sendable {
        fileprivate let workers: SpoolWorkers
        fileprivate let directory: String

        func beat() { workers.beat(directory) }
        /// What takes long is not gone on with.
        var isStopping: Bool { workers.work.withLockedValue { $0.isStopping } }
    }

    /// One directory with something to do, and so with a thread.
    private struct Lane {
        var waiting: [HandOver] = []
        /// The first of what the thread is at.
        var current: HandOver
        var since: NIODeadline
        /// That it shows no sign of life has been said.
        var isTold = false
    }

    private struct Work {
        var lanes: [String: Lane] = [:]
        var isStopping = false
        /// Who waits for the end of all threads.
        var ends: [EventLoopPromise<Bool>] = []
    }

    private let work = NIOLockedValueBox(Work())
    private let now: @Sendable () -> NIODeadline
    private let report: @Sendable ([EngineInput]) -> Void
    private let act: Act

    init(
        now: @escaping @Sendable () -> NIODeadline = { .now() },
        report: @escaping @Sendable ([EngineInput]) -> Void, act: @escaping Act
    ) {
        self.now = now
        self.report = report
        self.act = act
    }

    /// On the engine's thread; does not wait.
    func perform(_ steps: [HandOver]) {
        let begun = work.withLockedValue { work in
            guard !work.isStopping else { return [] as [String] }
            var begun: [String] = []
            for step in steps {
                if work.lanes[step.directory] == nil {
                    work.lanes[step.directory] = Lane(current: step, since: now())
                    begun.append(step.directory)
                }
                work.lanes[step.directory]?.waiting.append(step)
            }
            return begun
        }
        for directory in begun { begin(directory) }
    }

    /// What was ordered and not begun is void, and who is told of a silent thread has forgotten it.
    func reset() {
        work.withLockedValue { work in
            for directory in work.lanes.keys {
                work.lanes[directory]?.waiting = []
                work.lanes[directory]?.isTold = false
            }
        }
    }

    /// Begins nothing more.
    func stop() {
        work.withLockedValue { $0.isStopping = true }
        reset()
    }

    /// False when a thread is still at work after that time. What it was at is done again, or found done, after the next start.
    func ended(within patience: TimeAmount, on loop: any EventLoop) async -> Bool {
        let promise = loop.makePromise(of: Bool.self)
        let hasEnded = work.withLockedValue { work in
            if !work.lanes.isEmpty { work.ends.append(promise) }
            return work.lanes.isEmpty
        }
        if hasEnded { promise.succeed(true) }
        let timer = loop.scheduleTask(in: patience) { promise.succeed(false) }
        defer { timer.cancel() }
        return (try? await promise.futureResult.get()) ?? false
    }

    /// The directories in which something is under way.
    var busy: Set<String> { work.withLockedValue { Set($0.lanes.keys) } }

    /// Finds threads that show no sign of life. Any thread; does not wait.
    func look() {
        let now = now()
        let silent = work.withLockedValue { work -> [HandOver] in
            var silent: [HandOver] = []
            for (directory, lane) in work.lanes where !lane.isTold {
                guard now - lane.since >= .milliseconds(Int64(clamping: lane.current.patience.count)) else { continue }
                work.lanes[directory]?.isTold = true
                silent.append(lane.current)
            }
            return silent
        }
        guard !silent.isEmpty else { return }
        report(
            silent.map { step in
                .event(.spoolStalled(agency: step.agency, directory: step.directory, after: step.patience))
            })
    }

    private func beat(_ directory: String) {
        let now = now()
        let step = work.withLockedValue { work -> HandOver? in
            guard let lane = work.lanes[directory] else { return nil }
            work.lanes[directory]?.since = now
            work.lanes[directory]?.isTold = false
            return lane.isTold ? lane.current : nil
        }
        if let step { report([.event(.spoolAnswers(agency: step.agency))]) }
    }

    // MARK: - Threads

    /// The thread ends when its directory has nothing more to do.
    private func begin(_ directory: String) {
        guard let failure = DetachedThread.start("spool", { [self] in run(directory) }) else { return }
        let waiting = work.withLockedValue { work in
            let waiting = work.lanes.removeValue(forKey: directory)?.waiting ?? []
            Self.end(&work)
            return waiting
        }
        report(waiting.map { .event(.handOverFailed(ticket: $0.ticket, .spool(failure))) })
    }

    private func run(_ directory: String) {
        let pulse = Pulse(workers: self, directory: directory)
        while let group = next(directory) {
            let outcome = act(group, pulse)
            // First that the disk answers, then what.
            beat(directory)
            if !outcome.isEmpty { report(outcome) }
        }
    }

    private func next(_ directory: String) -> [HandOver]? {
        let now = now()
        return work.withLockedValue { work in
            guard let first = work.lanes[directory]?.waiting.first else {
                work.lanes[directory] = nil
                Self.end(&work)
                return nil
            }
            let count = Self.groupCount(work.lanes[directory]?.waiting ?? [])
            let group = Array(work.lanes[directory]?.waiting.prefix(count) ?? [])
            work.lanes[directory]?.waiting.removeFirst(count)
            work.lanes[directory]?.current = first
            work.lanes[directory]?.since = now
            return group
        }
    }

    /// How many of these are done together.
    private static func groupCount(_ waiting: [HandOver]) -> Int {
        guard let first = waiting.first else { return 0 }
        var bytes: UInt64 = 0
        let end = waiting.prefix(groupMax).firstIndex { step in
            bytes = bytes.saturatingPlus(step.bytes)
            return step.agency != first.agency || !step.isOfKind(of: first) || bytes > groupBytesMax
        }
        return max(end ?? min(waiting.count, groupMax), 1)
    }

    private static func end(_ work: inout Work) {
        guard work.lanes.isEmpty else { return }
        for promise in work.ends { promise.succeed(true) }
        work.ends = []
    }
}

extension HandOver {
    /// What is written for it.
    fileprivate var bytes: UInt64 { if case .write(_, let length, _, _) = step { length } else { 0 } }

    fileprivate func isOfKind(of other: HandOver) -> Bool {
        switch (step, other.step) {
        case (.write, .write), (.move, .move), (.discard, .discard): true
        case (.write, _), (.move, _), (.discard, _): false
        }
    }
}
