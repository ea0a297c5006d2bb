// LogThinning: which entries of the log are written. What a peer, an address or a user can bring about as often as it likes would fill the
// journal and push out what matters: of each kind and owner a handful is written at once, then one now and then, which says how
// many like it were not. What no owner brings about is written always. Any thread; cannot fail.

import RelayModel
import Synchronization

final class LogThinning: Sendable {
    enum Verdict: Hashable {
        /// `unsaid`: entries like it that were not written before it.
        case write(unsaid: UInt64)
        case drop
    }

    /// A bucket that fills by and by.
    private struct Bucket {
        var entries: Double
        var filled: UInt64
        var unsaid: UInt64 = 0

        init(_ size: Double, _ now: UInt64) {
            entries = size
            filled = now
        }

        mutating func take(_ size: Double, _ now: UInt64) -> Bool {
            entries = min(size, entries + size * Double(now - min(now, filled)) / Double(LogThinning.span.count))
            filled = max(now, filled)
            guard entries >= 1 else { return false }
            entries -= 1
            return true
        }
    }

    /// The time in which a bucket fills.
    static let span = Milliseconds.minutes(10)
    /// Entries of one kind and owner, and of one kind from all owners, in that time.
    static let ownerMax = 30.0
    static let kindMax = 300.0
    /// Kinds and owners that are remembered; the least recently used goes first.
    static let ownersMax = 512

    private struct Books {
        var owners = RecentlyUsed<String, Bucket>(max: LogThinning.ownersMax)
        var kinds = RecentlyUsed<String, Bucket>(max: LogThinning.ownersMax)
        var dropped: UInt64 = 0
        var lastDrop: UInt64?
    }
    private let books = Mutex(Books())

    /// Kinds that nobody else brings about, or of which none may be missing.
    private static let always: Set<EventKind> = [
        .started, .stopping, .stopped, .configurationChanged, .configurationRefused, .configurationWarning,
        .storeFailed, .deedDone, .operatorLogHead, .storeRestored, .restoredInPart, .restoreReleased, .resubmitted,
        .drained, .logLevelReturned, .logLost, .suspectHeld,
    ]

    /// `kind`: nil for lines that only tell more; `owner`: the peer, address or user that brought it about; `now`: of the monotonic
    /// clock, in milliseconds.
    func judge(_ kind: EventKind?, _ owner: String?, now: UInt64) -> Verdict {
        if let kind, Self.always.contains(kind) { return .write(unsaid: 0) }
        if kind == nil, owner == nil { return .write(unsaid: 0) }
        let word = kind?.rawValue ?? ""
        let key = word + "\n" + (owner ?? "")
        return books.withLock { books in
            var bucket = books.owners.take(key) ?? Bucket(Self.ownerMax, now)
            var all = books.kinds.take(word) ?? Bucket(Self.kindMax, now)
            defer {
                books.owners.put(key, bucket)
                books.kinds.put(word, all)
            }
            guard bucket.take(Self.ownerMax, now), all.take(Self.kindMax, now) else {
                bucket.unsaid += 1
                books.dropped += 1
                books.lastDrop = now
                return .drop
            }
            defer { bucket.unsaid = 0 }
            return .write(unsaid: bucket.unsaid)
        }
    }

    /// Entries that were not written since the start, and whether some were in the last minute.
    func dropped(now: UInt64) -> (count: UInt64, lately: Bool) {
        books.withLock { books in (books.dropped, books.lastDrop.map { now - min(now, $0) < 60_000 } ?? false) }
    }

    var ownersCount: Int { books.withLock { $0.owners.count } }
}

/// Values by key, of which the least recently used goes when there are too many.
struct RecentlyUsed<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let max: Int
    private var values: [Key: (value: Value, used: UInt64)] = [:]
    private var uses: UInt64 = 0

    init(max: Int) { self.max = max }

    var count: Int { values.count }

    /// Takes a value out, to be put back changed.
    mutating func take(_ key: Key) -> Value? { values.removeValue(forKey: key)?.value }

    subscript(key: Key) -> Value? { values[key]?.value }

    mutating func put(_ key: Key, _ value: Value) {
        if values.count >= max, values[key] == nil,
            let oldest = values.min(by: { $0.value.used < $1.value.used })?.key
        {
            values[oldest] = nil
        }
        uses += 1
        values[key] = (value, uses)
    }
}
