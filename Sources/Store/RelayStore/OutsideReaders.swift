// OutsideReaders: programs that read the store beside the daemon (an operator's mdb_stat or mdb_copy). What they look at cannot be used
// again while they look. One that was killed leaves its snapshot behind: it is released by and by. One that is alive is left alone and
// told when it is old. On the writer's thread only; what LMDB cannot tell is tried again at the next look.

import Glibc
import LMDB
import RelayRows

struct OutsideReaders {
    /// When each snapshot of another process was first seen, in seconds of the monotonic clock.
    private var firstSeen: [OpenSnapshot: UInt64] = [:]
    private var nextRelease: UInt64 = 0
    /// Snapshots of dead processes that were released since the last question.
    private(set) var released = 0
    private(set) var oldest: OldReader?

    private static let secondsBetween: UInt64 = 5
    /// A look at a store takes seconds; a copy of a large one minutes.
    private static let secondsOld: UInt64 = 60

    /// Frees what processes hold that have died; every few seconds.
    mutating func releaseDead(of environment: Environment) {
        let now = Self.now
        guard now >= nextRelease else { return }
        nextRelease = now + Self.secondsBetween
        do throws(LMDBError) {
            released += try environment.releaseDeadReaders()
        } catch {
            // The table is locked or damaged: those who need it will say so.
        }
    }

    /// The oldest snapshot that anybody has open; notes whose they are.
    mutating func look(at environment: Environment) throws(LMDBError) -> UInt64? {
        note(try environment.snapshots(), now: Self.now)
    }

    mutating func note(_ open: [OpenSnapshot], now: UInt64) -> UInt64? {
        let others = Set(open.filter { $0.process != getpid() })
        firstSeen = firstSeen.filter { others.contains($0.key) }
        for other in others where firstSeen[other] == nil { firstSeen[other] = now }
        oldest = firstSeen.min { ($0.value, $0.key.process) < ($1.value, $1.key.process) }
            .map { OldReader(process: $0.key.process, seconds: now - $0.value) }
            .flatMap { $0.seconds >= Self.secondsOld ? $0 : nil }
        return open.map(\.transaction).min()
    }

    mutating func takeReleased() -> Int {
        defer { released = 0 }
        return released
    }

    private static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec)
    }
}
