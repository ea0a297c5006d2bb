// LogPipe: the way of log lines to a descriptor whose other end may never read: a pipe that is full, a terminal that was stopped, a file on
// a disk that hangs. Lines are queued, and a thread of its own writes them; whoever logs waits for the thread for some milliseconds,
// so that in an ordinary time a line is out when the call comes back, and not at all once the other end was found to hang. What
// does not fit into the queue is dropped; how many those were is said where they are missing. Any thread; cannot fail.

import CLinux
import Glibc
import Monotonic

public final class LogPipe: @unchecked Sendable {
    // @unchecked: everything below `condition` is touched under it only.

    /// Octets that wait; beyond them lines are dropped.
    public static let waitingBytesMax = 1 << 20
    /// How long a caller waits for its line.
    private static let courtesyNanoseconds: UInt64 = 50_000_000
    /// After a wait in vain nobody waits for so long.
    private static let distrustNanoseconds: UInt64 = 10_000_000_000

    private let descriptor: Int32
    private let lossLine: @Sendable (UInt64) -> [UInt8]
    private let condition = MonotonicCondition()
    private var queue: [[UInt8]] = []
    private var queuedBytes = 0
    private var queued: UInt64 = 0
    private var written: UInt64 = 0
    private var lost: UInt64 = 0
    private var distrustUntil: UInt64 = 0
    private var hasThread = false

    /// `lossLine`: the line that says how many are missing.
    public init(descriptor: Int32, lossLine: @escaping @Sendable (UInt64) -> [UInt8]) {
        self.descriptor = descriptor
        self.lossLine = lossLine
    }

    /// Lines that are missing and of which nobody has been told.
    public var lostCount: UInt64 {
        condition.lock()
        defer { condition.unlock() }
        return lost
    }

    /// Queues a whole line with its end.
    public func write(_ line: [UInt8]) {
        condition.lock()
        defer { condition.unlock() }
        startThread()
        // After the first that is missing all are, until the thread has taken what waits: the gap is one, and stands where it was.
        guard lost == 0, queuedBytes + line.count <= Self.waitingBytesMax else {
            lost += 1
            return
        }
        queue.append(line)
        queuedBytes += line.count
        queued += 1
        let own = queued
        condition.broadcast()
        let now = MonotonicClock.nanoseconds
        guard now >= distrustUntil else { return }
        while written < own {
            guard condition.wait(untilNanoseconds: now + Self.courtesyNanoseconds) else {
                if written < own { distrustUntil = MonotonicClock.nanoseconds + Self.distrustNanoseconds }
                return
            }
        }
    }

    /// Waits until all is written, at most for a while; before the process ends.
    public func flush(seconds: Double) {
        let end = MonotonicClock.nanoseconds(after: seconds)
        condition.lock()
        defer { condition.unlock() }
        while written < queued || lost > 0 { guard condition.wait(untilNanoseconds: end) else { return } }
    }

    private func startThread() {
        guard !hasThread else { return }
        hasThread = true
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self)
        let code = pthread_create(
            &thread, &attributes,
            { context in
                clinux_name_thread("log")
                Unmanaged<LogPipe>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, context.toOpaque())
        guard code != 0 else { return }
        // Tried again with the next line.
        context.release()
        hasThread = false
    }

    private func run() {
        condition.lock()
        while true {
            while queue.isEmpty, lost == 0 { condition.wait() }
            let lines = queue
            let missing = lost
            queue = []
            queuedBytes = 0
            lost = 0
            condition.unlock()
            let count = put(lines)
            // A descriptor that takes nothing for good: all that comes is counted, and nobody waits for it.
            let unsaid = missing > 0 && put([lossLine(missing)]) == 0 ? missing : 0
            condition.lock()
            written += UInt64(lines.count)
            let failed = UInt64(lines.count - count)
            condition.broadcast()
            guard failed + unsaid > 0 else { continue }
            lost += failed + unsaid
            _ = condition.wait(untilNanoseconds: MonotonicClock.nanoseconds(after: 1))
        }
    }

    /// Writes lines, and waits for as long as it takes; how many are out whole.
    private func put(_ lines: [[UInt8]]) -> Int {
        for (index, line) in lines.enumerated() {
            var rest = line[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if count < 0, errno == EAGAIN {
                    var state = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = poll(&state, 1, -1)
                } else if count < 0, errno != EINTR {
                    return index
                }
            }
        }
        return lines.count
    }
}
