// StandardErrorLog: one line an event on standard error: time, level, text, fields; where standard error is the journal's, that adds the time.
// Control characters of what others sent never get through. Lines are written whole, by a thread of their own (LogPipe): nobody who logs
// waits for whoever reads.

import Glibc
import Journal
import Logging
import RelayModel

public struct StandardErrorLog: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var logLevel: Logger.Level = .trace
    private let label: String

    /// One for the process.
    public static let pipe = LogPipe(descriptor: STDERR_FILENO) { missing in
        line(.warning, "\(missing) log entries could not be written and are missing here", [:])
    }

    public init(label: String) { self.label = label }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        Self.pipe.write(Self.line(event.level, "\(event.message)", metadata.merging(event.metadata ?? [:]) { $1 }))
    }

    /// Lines that are no event of the log, such as what is wrong with the configuration; with the time where nobody else adds it.
    public static func write(lines: [String]) {
        let stamp = stamp
        pipe.write(Array(lines.map { stamp + $0 + "\n" }.joined().utf8))
    }

    private static func line(_ level: Logger.Level, _ message: String, _ fields: Logger.Metadata) -> [UInt8] {
        Array((stamp + priority(level) + "\(level): " + LogText.line(message, fields) + "\n").utf8)
    }

    /// Looked at once: whose standard error is does not change.
    private static let isUnderJournal = JournalSocket.isStandardError(
        getenv("JOURNAL_STREAM").map { String(cString: $0) })

    /// Empty under the journal.
    private static var stamp: String {
        guard !isUnderJournal else { return "" }
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return LogText.stamp(time) + " "
    }

    /// journald reads the level from the line's beginning (sd-daemon(3)); on a terminal it would be noise.
    private static func priority(_ level: Logger.Level) -> String {
        isUnderJournal ? "<\(JournalLog.priority(level))>" : ""
    }
}
