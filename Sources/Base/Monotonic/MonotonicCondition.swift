// MonotonicCondition: a lock with a condition whose waits end by the monotonic clock. The clock on the wall may be stepped by hours while
// somebody waits; a wait that ends by it would last as long, or not at all. Everything in the program that waits on a thread waits
// here; Tests/House forbids the others. Any thread. Cannot fail; what the system refuses is a bug and traps.

import Glibc
import Trap

/// The monotonic clock, for waits.
public enum MonotonicClock {
    public static var nanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    public static var milliseconds: UInt64 { nanoseconds / 1_000_000 }

    /// The moment after a span; spans are cut at a year, so that any number fits.
    public static func nanoseconds(after seconds: Double) -> UInt64 {
        let span = seconds.isNaN ? 0 : min(max(seconds, 0), 366 * 86_400)
        return nanoseconds + UInt64(span * 1_000_000_000)
    }
}

/// A mutex and a condition.
///
/// `@unchecked Sendable`: the two objects of the system are made once, never moved, and are there for many threads.
public final class MonotonicCondition: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    public init() {
        mutex.initialize(to: pthread_mutex_t())
        condition.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        let isMade =
            pthread_mutex_init(mutex, nil) == 0 && pthread_condattr_init(&attributes) == 0
            && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0
            && pthread_cond_init(condition, &attributes) == 0
        demand(isMade, "The system gives no condition with a monotonic clock.")
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    public func lock() { demand(pthread_mutex_lock(mutex) == 0, "A lock was lost.") }

    public func unlock() { demand(pthread_mutex_unlock(mutex) == 0, "A lock was given back twice.") }

    /// Wakes all that wait.
    public func broadcast() { pthread_cond_broadcast(condition) }

    /// Waits, the lock given back meanwhile. Nobody is told why it ends: look again.
    public func wait() { pthread_cond_wait(condition, mutex) }

    /// The same, at most until a moment of the monotonic clock; false when it has come.
    public func wait(untilNanoseconds end: UInt64) -> Bool {
        var time = timespec(tv_sec: Int(end / 1_000_000_000), tv_nsec: Int(end % 1_000_000_000))
        return pthread_cond_timedwait(condition, mutex, &time) == 0
    }
}

/// A lock that can be waited for until a value is as wanted.
///
/// `@unchecked Sendable`: `value` is touched under the lock only.
public final class MonotonicLock<Value: Equatable & Sendable>: @unchecked Sendable {
    private let condition = MonotonicCondition()
    private var value: Value

    public init(value: Value) { self.value = value }

    public func lock() { condition.lock() }

    /// Locks once the value is as wanted.
    public func lock(whenValue wanted: Value) {
        condition.lock()
        while value != wanted { condition.wait() }
    }

    /// The same for a while; false, and not locked, when it is not as wanted in time.
    public func lock(whenValue wanted: Value, timeoutSeconds: Double) -> Bool {
        let end = MonotonicClock.nanoseconds(after: timeoutSeconds)
        condition.lock()
        while value != wanted {
            guard condition.wait(untilNanoseconds: end) || value == wanted else {
                condition.unlock()
                return false
            }
        }
        return true
    }

    public func unlock() { condition.unlock() }

    /// Gives the lock back with another value.
    public func unlock(withValue value: Value) {
        self.value = value
        condition.broadcast()
        condition.unlock()
    }
}
