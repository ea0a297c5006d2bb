// FakeNode, the watching side: what a test sets is what the interface sees.

import ControlAPI
import Logging
import RelayControl
import RelayModel
import RelayRows
import Synchronization

/// What a test may set and see of the watching side.
final class FakeWatching: Sendable {
    struct State {
        var level = Logger.Level.info
        var until: WallTime?
        var entries: [RecentEntry] = []
        var taps: [@Sendable ([WireLine]) -> Bool] = []
        var ended = 0
        /// True: questions to the engine are not answered.
        var isStuck = false
        /// True: nothing of the store can be read.
        var isDiskDead = false
        var backupTimer: WallTime?
        var backupFailure: String?
    }
    let state = Mutex(State())
}

extension FakeNode {
    nonisolated func watchFacts() async throws -> WatchFacts {
        var commits = TimeHistogram.ofCommits
        commits.add(microseconds: 150)
        var facts = WatchFacts(configurationPath: "/etc/edoc/edocd.yaml", mapBytes: 512 << 20, commitTimes: commits)
        facts.certificateExpiry = Int64(now.wall.unixMilliseconds / 1_000) + 86_400
        facts.diskBytes = 1 << 40
        facts.diskFreeBytes = 1 << 39
        (facts.backupTimer, facts.backupFailure) = watching.state.withLock { ($0.backupTimer, $0.backupFailure) }
        return facts
    }

    nonisolated var recentEntries: [RecentEntry] { watching.state.withLock { $0.entries } }

    func probeCommit() async throws -> UInt64 {
        _ = store.batch { rows in rows.setNumber(.meta, "probe", now.relay.milliseconds) }
        return 1_000
    }

    nonisolated var logLevel: (level: Logger.Level, standard: Logger.Level, until: WallTime?) {
        watching.state.withLock { ($0.level, .info, $0.until) }
    }

    nonisolated func setLogLevel(_ level: Logger.Level, for span: Milliseconds?) {
        let until = span.map { WallTime(milliseconds: now.wall.milliseconds + $0.count) }
        watching.state.withLock {
            $0.level = level
            $0.until = until
        }
    }

    nonisolated func watchWire(_ peer: NodeID, _ take: @escaping @Sendable ([WireLine]) -> Bool) -> any WireWatch {
        watching.state.withLock { $0.taps.append(take) }
        return FakeWatch(watching: watching)
    }

    private struct FakeWatch: WireWatch {
        let watching: FakeWatching
        func end() {
            watching.state.withLock { $0.ended += 1 }
        }
    }
}
