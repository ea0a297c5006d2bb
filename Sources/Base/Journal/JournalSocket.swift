// JournalSocket: the way to journald. It owns one datagram socket; any thread. Nothing here waits: an entry that journald does not take at
// once is dropped and counted, because a log must never hold up the daemon, and the next one that gets through says how many are
// missing. An entry that is too large for a datagram goes as a sealed memory file.

import CLinux
import Glibc
import Synchronization

public final class JournalSocket: Sendable {
    /// Where journald listens.
    public static let standardPath = "/run/systemd/journal/socket"

    private let descriptor: Int32
    private let path: String
    private let lostCount = Atomic<UInt64>(0)

    /// Nil when no socket can be made. Nobody need listen yet.
    public init?(path: String = JournalSocket.standardPath) {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        self.descriptor = descriptor
        self.path = path
        clinux_enlarge_send_buffer(descriptor, 8 << 20)
    }

    deinit { close(descriptor) }

    /// Entries that journald did not take since the last that it took.
    public var lost: UInt64 { lostCount.load(ordering: .relaxed) }

    /// Takes the count of lost entries, to be told in an entry of its own.
    public func takeLost() -> UInt64 { lostCount.exchange(0, ordering: .relaxed) }

    /// True when journald has the entry; else it is counted.
    @discardableResult
    public func send(_ entry: JournalEntry) -> Bool {
        if isTaken(entry) { return true }
        putBack(1)
        return false
    }

    /// The same without counting.
    func isTaken(_ entry: JournalEntry) -> Bool {
        entry.bytes.withUnsafeBytes { clinux_journal_send(descriptor, path, $0.baseAddress, $0.count) } == 0
    }

    /// Counts entries that are missing and of which nobody has been told.
    func putBack(_ lost: UInt64) { lostCount.add(lost, ordering: .relaxed) }

    /// True when standard error is the stream to the journal that the service manager has made: `$JOURNAL_STREAM` names its device
    /// and inode (systemd.exec(5)).
    public static func isStandardError(_ stream: String?) -> Bool {
        guard let stream else { return false }
        let parts = stream.split(separator: ":")
        var status = stat()
        guard parts.count == 2, let device = UInt64(parts[0]), let inode = UInt64(parts[1]),
            fstat(STDERR_FILENO, &status) == 0
        else { return false }
        return UInt64(status.st_dev) == device && UInt64(status.st_ino) == inode
    }
}
