// Worker: a plain thread with a name and a result, and the clock that everything here is measured by. The benchmark's threads
// wait in poll and short sleeps; tasks would share one pool with them.

import Glibc
import Synchronization
import Trap

/// Nanoseconds of the monotonic clock.
enum Instant {
    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    static func seconds(since start: UInt64, until end: UInt64 = now()) -> Double {
        end > start ? Double(end - start) / 1e9 : 0
    }

    static func pause(microseconds: UInt32) { usleep(microseconds) }
}

/// A thread that answers once.
final class Worker<Answer: Sendable>: Sendable {
    private let answer = Mutex<Result<Answer, any Error>?>(nil)
    private let thread: Mutex<pthread_t?> = Mutex(nil)

    init(_ body: @escaping @Sendable () throws -> Answer) {
        var handle = pthread_t()
        let run: @Sendable () -> Void = { [self] in
            let result = Result { try body() }
            answer.withLock { $0 = result }
        }
        let box = Unmanaged.passRetained(ThreadBody(run))
        let status = pthread_create(
            &handle, nil,
            { context in
                Unmanaged<ThreadBody>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        demand(status == 0, "a thread could not be created")
        thread.withLock { $0 = handle }
    }

    /// Waits for the end.
    func value() throws -> Answer {
        let handle = thread.withLock { thread in
            let handle = thread
            thread = nil
            return handle
        }
        if let handle { pthread_join(handle, nil) }
        guard let result = answer.withLock({ $0 }) else { trap("a thread ended without its answer") }
        return try result.get()
    }

    var isDone: Bool { answer.withLock { $0 != nil } }
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// Repeats a look at something until it is true.
func waitUntil(_ what: String, seconds: Double, every microseconds: UInt32 = 10_000, _ isTrue: () throws -> Bool) throws
{
    let start = Instant.now()
    while try !isTrue() {
        guard Instant.seconds(since: start) < seconds else { throw BenchFailure("\(what): not within \(seconds) s") }
        Instant.pause(microseconds: microseconds)
    }
}
