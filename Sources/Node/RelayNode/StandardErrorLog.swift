// StandardErrorLog: one line an event on standard error: level, text, fields. The journal adds the time. Control characters of what
// others sent never get through. Lines are written whole; a log that cannot be written is no reason to stop.

import Glibc
import Journal
import Logging

public struct StandardErrorLog: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var logLevel: Logger.Level = .trace
    private let label: String

    public init(label: String) { self.label = label }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }
        var text = Self.priority(event.level) + "\(event.level): " + LogText.line("\(event.message)", fields)
        text += "\n"
        let bytes = Array(text.utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }

    /// journald reads the level from the line's beginning (sd-daemon(3)); on a terminal it would be noise.
    private static let isUnderJournal = getenv("JOURNAL_STREAM") != nil

    private static func priority(_ level: Logger.Level) -> String {
        guard isUnderJournal else { return "" }
        return "<\(JournalLog.priority(level))>"
    }
}
