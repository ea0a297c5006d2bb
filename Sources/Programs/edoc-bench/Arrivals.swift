// Arrivals: follows the inbox of a home node, or whatever else counts what has come through, on a thread of its own while a load
// runs, and keeps when how many had arrived.

import Glibc
import Synchronization

final class Arrivals: Sendable {
    private struct State {
        var points: [(time: UInt64, count: UInt64)] = []
        var isEnding = false
    }
    private let state = Mutex(State())
    private let worker: Mutex<Worker<Void>?> = Mutex(nil)

    /// Counts what arrives from now on, and tells the load, which may limit what is under way.
    convenience init(_ watch: StoreWatch, every microseconds: UInt32 = 10_000, load: SubmissionLoad? = nil) throws {
        try self.init(every: microseconds, load: load) { try watch.arrived() }
    }

    init(
        every microseconds: UInt32 = 10_000, load: SubmissionLoad? = nil, count: @escaping @Sendable () throws -> UInt64
    ) throws {
        let base = try count()
        let worker = Worker { [self] in
            var last: UInt64 = 0
            while !state.withLock({ $0.isEnding }) {
                let count = try count() - base
                if count != last {
                    last = count
                    let now = Instant.now()
                    state.withLock { $0.points.append((now, count)) }
                    load?.arrived.store(Int(count), ordering: .relaxed)
                }
                Instant.pause(microseconds: microseconds)
            }
        }
        self.worker.withLock { $0 = worker }
    }

    var count: UInt64 { state.withLock { $0.points.last?.count ?? 0 } }
    var last: UInt64? { state.withLock { $0.points.last?.time } }

    /// The first arrival later than a moment.
    func first(after time: UInt64) -> UInt64? { state.withLock { $0.points.first { $0.time > time }?.time } }

    /// Waits until so many have arrived; fails when nothing has come for `patience` seconds.
    func wait(for goal: Int, patience: Double = 60) throws {
        var start = Instant.now()
        var before = count
        while count < UInt64(goal) {
            if count != before { (before, start) = (count, Instant.now()) }
            guard Instant.seconds(since: start) < patience else {
                throw BenchFailure("\(count) of \(goal) have arrived, and nothing more for \(patience) s")
            }
            Instant.pause(microseconds: 5_000)
        }
    }

    /// Arrivals a second between the first and the last tenth: without the start and the end.
    func middleRate(of goal: Int) -> Double {
        state.withLock { state in
            guard let first = state.points.first(where: { $0.count >= UInt64(goal / 10) }),
                let last = state.points.first(where: { $0.count >= UInt64(goal - goal / 10) })
            else { return 0 }
            return Double(last.count - first.count) / Instant.seconds(since: first.time, until: last.time)
        }
    }

    func end() {
        state.withLock { $0.isEnding = true }
        try? worker.withLock { $0 }?.value()
        worker.withLock { $0 = nil }
    }
}
