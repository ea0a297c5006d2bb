// Finding: one thing about a node that a person should know, as a value: what, how bad, about what, since when, in one sentence. Status,
// check, top, doctor, metrics and alerts speak from one list of these, so that no two of them can say different things of one node. Whoever
// finds something adds to that list and says it nowhere else: the decisions in CoreFindings.swift, what is in the store in
// StoreFindings.swift and HistoryReach.swift (all in RelayCore), what only the process knows in `WatchFacts.findings` (RelayControl). A
// value; cannot fail.

/// How bad a finding is.
public enum FindingGrade: String, Sendable, Hashable, CaseIterable, Comparable {
    /// So it is; nobody is called for it. `edocctl check` stays in order.
    case note
    /// Somebody looks in the morning.
    case warning
    /// Somebody is called at night.
    case critical

    public static func < (left: FindingGrade, right: FindingGrade) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .note: 0
        case .warning: 1
        case .critical: 2
        }
    }
}

/// What a finding is about. A code is added, never renamed: monitors wait for it. docs/findings.md says of each what to do.
public enum FindingCode: String, Sendable, Hashable, CaseIterable {
    case draining, drained, suspended
    case storeFull, roomShort, roomLow
    case certificateEnds, authorityEnds, peerCertificateEnds, revocationListOld
    case clockDoubted, linkDown, spoolTroubled, metricsTroubled
    case refusedEverywhere, recordsCorrupt, held, restored
    case oldWaiting, oldArrived
    case endedBadly, documentsLate
    case storeMended, unreadable
    case readerOld
    case boundReached, storeSilent
    case shareUsedUp
    case peerRefused, receiptsTroubled
    case linkBarren
    case backupOld
    case spoolUntaken
    case inboxHidden
    case historyShort

    /// The check of `edocctl check` that counts it.
    public var check: String {
        switch self {
        case .roomLow, .storeFull, .readerOld: "room"
        case .certificateEnds, .authorityEnds, .peerCertificateEnds, .revocationListOld: "certificates"
        case .clockDoubted: "clock"
        case .linkDown, .linkBarren: "links"
        case .recordsCorrupt, .storeMended, .unreadable: "records"
        case .oldWaiting: "oldest"
        case .oldArrived, .spoolUntaken, .inboxHidden: "arrived"
        case .endedBadly, .documentsLate: "outcomes"
        case .backupOld: "backup"
        default: "alarms"
        }
    }
}

public struct Finding: Sendable, Hashable {
    public var code: FindingCode
    public var grade: FindingGrade
    /// A peer, an agency, a user, a directory, a table; empty: the node itself. The same thing is always named in the same way.
    public var subject: String
    /// Nil where nobody knows.
    public var since: WallTime?
    /// One sentence in English, without its subject's secrets; it has an entry in RelayLanguage.
    public var text: String

    public init(
        _ grade: FindingGrade, _ code: FindingCode, subject: String = "", since: WallTime? = nil, _ text: String
    ) {
        self.grade = grade
        self.code = code
        self.subject = subject
        self.since = since
        self.text = text
    }
}

/// From when on what grows with time is a finding. An operator may ask with bounds of his own.
public struct FindingBounds: Sendable, Hashable {
    public struct Pair: Sendable, Hashable {
        public var warning: UInt64
        public var critical: UInt64
        public init(_ warning: UInt64, _ critical: UInt64) {
            self.warning = warning
            self.critical = critical
        }

        /// Nil: below both.
        public func grade(_ value: UInt64) -> FindingGrade? {
            value >= critical ? .critical : value >= warning ? .warning : nil
        }
        /// Of what becomes less.
        public func grade(left: UInt64) -> FindingGrade? {
            left < critical ? .critical : left < warning ? .warning : nil
        }
    }

    /// Seconds that a document may wait, by urgency; an urgency that is not there may wait for ever.
    public var waitingWarning: [Int: UInt64] = [0: 14_400, 1: 3_600, 2: 1_800, 3: 900, 4: 900]
    public var waitingCritical: [Int: UInt64] = [0: 86_400, 1: 14_400, 2: 7_200, 3: 3_600, 4: 3_600]
    /// Seconds in an inbox.
    public var arrivedWarning: UInt64 = 14_400
    /// Seconds without a session, from which on a neighbour counts among those that are down.
    public var linkDown = Pair(600, 3_600)
    /// Percent of the neighbours that are down: one of a hundred is an ordinary day.
    public var linkShare = Pair(10, 25)
    /// What waits for a neighbour that is down: how many copies, and for how many seconds by urgency.
    public var linkWaiting = Pair(100, 1_000)
    public var linkWaitingWarning: [Int: UInt64] = [0: 3_600, 1: 1_800, 2: 600, 3: 300, 4: 300]
    public var linkWaitingCritical: [Int: UInt64] = [0: 43_200, 1: 7_200, 2: 3_600, 3: 1_800, 4: 1_800]
    /// Percent of the store's room.
    public var room = Pair(20, 10)
    /// Seconds before a certificate ends.
    public var certificate = Pair(30 * 86_400, 7 * 86_400)

    public init() {}
}

/// What waits for one neighbour, of one urgency.
public struct LinkBacklog: Sendable, Hashable {
    public var urgency: Int
    public var count: UInt64
    public var oldestSeconds: UInt64
    public init(urgency: Int, count: UInt64, oldestSeconds: UInt64) {
        self.urgency = urgency
        self.count = count
        self.oldestSeconds = oldestSeconds
    }
}

extension FindingBounds {
    /// Of what waits for a neighbour that is down; nil: it may.
    public func grade(_ waiting: [LinkBacklog]) -> FindingGrade? {
        func isOver(_ bounds: [Int: UInt64]) -> Bool {
            waiting.contains { line in line.count > 0 && bounds[line.urgency].map { line.oldestSeconds >= $0 } ?? false
            }
        }
        let count = waiting.reduce(UInt64(0)) { $0.saturatingPlus($1.count) }
        if isOver(linkWaitingCritical) || linkWaiting.grade(count) == .critical { return .critical }
        return isOver(linkWaitingWarning) ? .warning : linkWaiting.grade(count)
    }

    /// Of the share of neighbours that are down for so many seconds each, of so many.
    public func grade(down seconds: [UInt64], of total: Int) -> FindingGrade? {
        func isOver(_ bound: UInt64, _ share: UInt64) -> Bool {
            let count = UInt64(seconds.count { $0 >= bound })
            return count > 0 && count * 100 >= share * UInt64(total)
        }
        if isOver(linkDown.critical, linkShare.critical) { return .critical }
        return isOver(linkDown.warning, linkShare.warning) ? .warning : nil
    }
}

extension ClockReading {
    /// The wall time of a moment of relay time; nil for one that no row has noted.
    public func wall(of time: RelayTime) -> WallTime? {
        guard time != .zero, time != .never else { return nil }
        let span = relay.since(time).count
        return WallTime(milliseconds: wall.milliseconds > span ? wall.milliseconds - span : 0)
    }
}
