// JournalLog: the log handler for the journal: a sentence with its fields, so that an operator can ask for a peer, an envelope or a kind of
// event. Any thread; never waits (JournalSocket).

import Glibc
import Logging

/// Writes entries with fields to the journal.
public struct JournalLog: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var logLevel: Logger.Level = .trace

    private let socket: JournalSocket
    private let identifier: String
    private let messageID: @Sendable (_ event: String) -> String?
    /// The kind of the entry that says how many are missing.
    private let lossEvent: String

    /// `messageID` knows the ID of an event by the word under the metadata key `event`.
    public init(
        socket: JournalSocket, identifier: String, lossEvent: String,
        messageID: @escaping @Sendable (_ event: String) -> String?
    ) {
        self.socket = socket
        self.identifier = identifier
        self.lossEvent = lossEvent
        self.messageID = messageID
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        write(event.level, "\(event.message)", metadata.merging(event.metadata ?? [:]) { $1 })
    }

    private func write(_ level: Logger.Level, _ message: String, _ fields: Logger.Metadata) {
        if socket.lost > 0 {
            let lost = socket.takeLost()
            let entry = entry(
                .warning, "\(lost) log entries could not be written and are missing here", ["event": "\(lossEvent)"])
            // Not taken: those that it tells of are still missing, and so is the one that was to follow it.
            guard socket.isTaken(entry) else { return socket.putBack(lost + 1) }
        }
        socket.send(entry(level, message, fields))
    }

    /// One entry; public for those who want to see the fields.
    public func entry(_ level: Logger.Level, _ message: String, _ fields: Logger.Metadata) -> JournalEntry {
        var entry = JournalEntry()
        entry.add("MESSAGE", LogText.line(message, fields))
        entry.add("PRIORITY", String(Self.priority(level)))
        entry.add("SYSLOG_IDENTIFIER", identifier)
        entry.add("SYSLOG_PID", String(getpid()))
        for key in fields.keys.sorted() {
            guard let value = fields[key].map({ "\($0)" }) else { continue }
            switch key {
            case "event":
                entry.add("EDOC_EVENT", value)
                if let id = messageID(value) { entry.add("MESSAGE_ID", id) }
            case "envelope": entry.add("ENVELOPE_ID", value)
            case "peer": entry.add("PEER", value)
            case "agency", "sender": entry.add("AGENCY", value)
            default: entry.add("EDOC_" + key, value)
            }
        }
        return entry
    }

    /// syslog(3)
    public static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}

/// A log entry as one line of text.
public enum LogText {
    /// The sentence and its fields; control characters of what others sent never get through.
    public static func line(_ message: String, _ fields: Logger.Metadata) -> String {
        var text = escaped(message)
        // The kind of the event is for programs.
        for key in fields.keys.sorted() where key != "event" { text += " \(key)=" + escaped("\(fields[key]!)") }
        return text
    }

    /// `2026-03-09T14:05:00.123+07:00`, in the zone of the process: for a log to which nobody else adds the time.
    public static func stamp(_ time: timespec) -> String {
        var (seconds, parts) = (time.tv_sec, tm())
        guard localtime_r(&seconds, &parts) != nil else { return "-" }
        func padded(_ number: some BinaryInteger, _ width: Int = 2) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let offset = parts.tm_gmtoff / 60
        return padded(parts.tm_year + 1_900, 4) + "-" + padded(parts.tm_mon + 1) + "-" + padded(parts.tm_mday) + "T"
            + padded(parts.tm_hour) + ":" + padded(parts.tm_min) + ":" + padded(parts.tm_sec) + "."
            + padded(time.tv_nsec / 1_000_000, 3) + (offset < 0 ? "-" : "+") + padded(abs(offset) / 60) + ":"
            + padded(abs(offset) % 60)
    }

    public static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return text.unicodeScalars.map { isControl($0) ? "\\u{" + String($0.value, radix: 16) + "}" : String($0) }
            .joined()
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
    }
}
