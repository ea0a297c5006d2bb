// NodeLogging: the log of the daemon: where entries go (the journal, or lines on standard error), from which level on, and the last few
// hundred of them for an operator's report. Any thread; a log that cannot be written is no reason to stop.

import Glibc
import Journal
import Logging
import Monotonic
import RelayControl
import RelayModel
import Synchronization

/// What is shared by all loggers of the process.
public struct NodeLogging: Sendable {
    public let threshold: LogThreshold
    public let recent: RecentEntries
    public let logger: Logger
    let thinning: LogThinning
    /// When a level for a while goes back.
    let loanEnds: LoanEnd

    /// `journal`: nil for lines on standard error.
    public init(level: Logger.Level, journal: JournalSocket?) {
        let threshold = LogThreshold(level)
        let recent = RecentEntries()
        let thinning = LogThinning()
        let base: any LogHandler =
            if let journal {
                JournalLog(socket: journal, identifier: "edocd", lossEvent: EventKind.logLost.rawValue) {
                    EventKind(rawValue: $0)?.messageID
                }
            } else {
                StandardErrorLog(label: "edocd")
            }
        LoggingSystem.bootstrap { _ in NodeLog(base: base, threshold: threshold, recent: recent, thinning: thinning) }
        self.threshold = threshold
        self.recent = recent
        self.thinning = thinning
        logger = Logger(label: "edocd")
        loanEnds = LoanEnd()
    }

    /// The journal when standard error is connected to it (`$JOURNAL_STREAM`). EDOC_JOURNAL_SOCKET names another socket, for tests.
    public static func journal() -> JournalSocket? {
        if let path = getenv("EDOC_JOURNAL_SOCKET") { return JournalSocket(path: String(cString: path)) }
        let stream = getenv("JOURNAL_STREAM").map { String(cString: $0) }
        return JournalSocket.isStandardError(stream) ? JournalSocket() : nil
    }
}

/// Hands entries on that are severe enough and not too many of their kind, and keeps the last ones.
struct NodeLog: LogHandler {
    var base: any LogHandler
    let threshold: LogThreshold
    let recent: RecentEntries
    let thinning: LogThinning
    /// Set on a copy of a logger: less severe entries of that copy are not written, whatever the threshold.
    private var own: Logger.Level = .trace

    init(base: any LogHandler, threshold: LogThreshold, recent: RecentEntries, thinning: LogThinning) {
        self.base = base
        self.threshold = threshold
        self.recent = recent
        self.thinning = thinning
    }

    var metadata: Logger.Metadata {
        get { base.metadata }
        set { base.metadata = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { base[metadataKey: key] }
        set { base[metadataKey: key] = newValue }
    }

    /// What is kept must be made, even if it is not written.
    var logLevel: Logger.Level {
        get { max(own, min(threshold.level, RecentEntries.level)) }
        set { own = newValue }
    }

    func log(event: LogEvent) {
        let kind = event.metadata?["event"].flatMap { EventKind(rawValue: "\($0)") }
        var event = event
        // Who asks for single steps wants them all.
        if event.level >= .info, event.level < .critical {
            switch thinning.judge(kind, Self.owner(of: event), now: MonotonicClock.milliseconds) {
            case .drop: return
            case .write(let unsaid) where unsaid > 0:
                event.message = "\(event.message), and \(unsaid) more like it that were not written"
            case .write: break
            }
        }
        if event.level >= threshold.level || kind?.isOfTheOperatorLog == true { base.log(event: event) }
        // The heads of a quiet day would leave no room for anything else.
        if event.level >= RecentEntries.level, kind != .operatorLogHead {
            recent.add(event.level, "\(event.message)", base.metadata.merging(event.metadata ?? [:]) { $1 })
        }
    }

    /// Who brought an entry about: a peer, a user, or the address at its end.
    private static func owner(of event: LogEvent) -> String? {
        for key in ["peer", "caller", "uid"] {
            if let value = event.metadata?[key] { return "\(value)" }
        }
        let text = "\(event.message)"
        guard text.hasSuffix("]"), let start = text.range(of: " [", options: .backwards) else { return nil }
        let address = text[start.upperBound...].dropLast()
        // Whoever connects again does so from another port.
        return address.lastIndex(of: ":").map { String(address[..<$0]) } ?? String(address)
    }
}

extension EventKind {
    /// Its lines stand outside of the store what the chain's head was: nobody who may set a level may keep them back.
    fileprivate var isOfTheOperatorLog: Bool { self == .deedDone || self == .operatorLogHead }
}

/// The last entries, in memory: a ring for each kind, so that none pushes out another.
public final class RecentEntries: Sendable {
    public static let level = Logger.Level.notice
    /// Entries of one kind.
    public static let kindMax = 40
    static let textMax = 1_000

    private struct Ring {
        var entries: [(order: UInt64, entry: RecentEntry)] = []
    }
    private let rings = Mutex<(byKind: [String: Ring], count: UInt64)>(([:], 0))

    public init() {}

    func add(_ level: Logger.Level, _ message: String, _ fields: Logger.Metadata) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let entry = RecentEntry(
            unixMilliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000, level: level.rawValue,
            event: fields["event"].map { "\($0)" }, text: String(LogText.line(message, fields).prefix(Self.textMax)))
        // Kinds are the program's own, and few.
        rings.withLock { rings in
            rings.count += 1
            let kind = entry.event ?? ""
            // In one go now and then, so that an entry costs no shift of all the others.
            if let count = rings.byKind[kind]?.entries.count, count >= 2 * Self.kindMax {
                rings.byKind[kind]?.entries.removeFirst(count - Self.kindMax + 1)
            }
            rings.byKind[kind, default: Ring()].entries.append((rings.count, entry))
        }
    }

    /// The oldest first.
    var all: [RecentEntry] {
        let rings = rings.withLock { Array($0.byKind.values) }
        return rings.flatMap { $0.entries.suffix(Self.kindMax) }.sorted { $0.order < $1.order }.map(\.entry)
    }
}

/// The moment at which a level for a while goes back; nil for none.
final class LoanEnd: Sendable {
    private let time = Mutex<WallTime?>(nil)
    func withLock<Result: Sendable>(_ body: (inout WallTime?) -> Result) -> Result { time.withLock { body(&$0) } }
}
