// Consumer: what stands behind C and has what has come through, each once: a program that takes messages, or documents, and
// acknowledges them. What "come through" means is printed beside each figure.

import Glibc
import Synchronization

/// The far end of a measurement.
protocol Consumer: AnyObject, Sendable {
    /// What "has come through" means here.
    var end: String { get }
    /// Messages that have come through, each counted once, since the consumer was made.
    func count() throws -> UInt64
    /// Messages that came again.
    var twice: UInt64 { get }
    func stop()
}

/// What a program behind C has taken: by the token that each message begins with, so that one that comes again is not counted.
final class TakenTokens: Sendable {
    private struct State {
        var seen: [Bool] = []
        var count: UInt64 = 0
        var twice: UInt64 = 0
        /// Tokens begin anew with each load; those of a load that is over are forgotten when the next has begun.
        var failure: (any Error)?
    }
    private let state = Mutex(State())

    func took(_ token: UInt64) {
        state.withLock { state in
            // A token beyond any load is none: it is counted as one that came again, and seen by that.
            guard token < 1 << 28 else { return state.twice += 1 }
            let place = Int(token)
            while state.seen.count <= place {
                state.seen += [Bool](repeating: false, count: max(state.seen.count, 4_096))
            }
            if state.seen[place] {
                state.twice += 1
            } else {
                state.seen[place] = true
                state.count += 1
            }
        }
    }

    /// Called between loads, when nothing is under way.
    func beginAnew() { state.withLock { $0.seen = [] } }

    func failed(_ error: any Error) { state.withLock { $0.failure = error } }

    func count() throws -> UInt64 {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.count
        }
    }
    var twice: UInt64 { state.withLock { $0.twice } }
}
