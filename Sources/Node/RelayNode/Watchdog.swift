// Watchdog: tells the service manager that the daemon is alive, as long as it is: before each ping a question has gone through the
// engine's mailbox and been answered on its thread, between two batches, and every event loop has run a task. A disk that does
// not come back from a sync, or a loop that spins, ends the pings, and the manager starts the daemon anew. Runs as a task of
// the service group; it is there only when the manager asks (WATCHDOG_USEC).

import Glibc
import NIOCore
import NIOPosix
import RelayEngine
import ServiceLifecycle

struct Watchdog: Service {
    private let pause: Duration
    private let engine: EngineThread
    private let groups: [MultiThreadedEventLoopGroup]
    private let notifier: SystemdNotifier

    /// Nil when nobody asks for pings, or not this process.
    init?(engine: EngineThread, group: MultiThreadedEventLoopGroup, notifier: SystemdNotifier) {
        guard let microseconds = Self.number("WATCHDOG_USEC"), microseconds > 0 else { return nil }
        if let pid = Self.number("WATCHDOG_PID"), pid != UInt64(getpid()) { return nil }
        // A third of what is allowed: a ping may be late by as much again.
        pause = .microseconds(Int64(clamping: max(microseconds / 3, 1_000)))
        self.engine = engine
        // The links' and submissions' loops, and those of the control interface.
        groups = [group, .singleton]
        self.notifier = notifier
    }

    private static func number(_ name: String) -> UInt64? {
        guard let text = getenv(name).map({ String(cString: $0) }) else { return nil }
        return UInt64(text)
    }

    func run() async throws {
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            try await askEverybody()
            notifier.watchdog()
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: pause) }
        }
    }

    /// Comes back when all have answered. One question at a time: what hangs is not asked again.
    private func askEverybody() async throws {
        await withCheckedContinuation { continuation in
            engine.post(.question { _, _ in { continuation.resume() } })
        }
        for group in groups {
            for loop in group.makeIterator() { try await loop.submit {}.get() }
        }
    }
}
