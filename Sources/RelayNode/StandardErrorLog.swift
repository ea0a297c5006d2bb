// StandardErrorLog: one line an event on standard error: level, text, fields. The journal adds the time. Control characters of what
// others sent never get through. Lines are written whole; a log that cannot be written is no reason to stop.

import Glibc
import Logging

public struct StandardErrorLog: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var logLevel: Logger.Level = .notice
    private let label: String

    public init(label: String) { self.label = label }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var text = Self.priority(event.level) + "\(event.level): " + Self.escaped("\(event.message)")
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        for key in all.keys.sorted() { text += " \(key)=" + Self.escaped("\(all[key]!)") }
        text += "\n"
        let bytes = Array(text.utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }

    /// journald reads the level from the line's beginning (sd-daemon(3)); on a terminal it would be noise.
    private static let isUnderJournal = getenv("JOURNAL_STREAM") != nil

    private static func priority(_ level: Logger.Level) -> String {
        guard isUnderJournal else { return "" }
        switch level {
        case .trace, .debug: return "<7>"
        case .info: return "<6>"
        case .notice: return "<5>"
        case .warning: return "<4>"
        case .error: return "<3>"
        case .critical: return "<2>"
        }
    }

    static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) }) else {
            return text
        }
        return text.unicodeScalars.map { scalar in
            scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
                ? "\\u{" + String(scalar.value, radix: 16) + "}" : String(scalar)
        }.joined()
    }
}
