// JobRows: what is on disk of the operators' deeds: jobs, the pairs that they are about, what it takes to undo them, and
// suspensions (docs/protocol.md, 8). Records like all others; nothing here decides.

import RelayModel

/// What is done to pairs. The number is on disk.
public enum DeedVerb: UInt8, Sendable, CaseIterable {
    case hold = 1
    case release, retry, requeue, reroute, expire, delete, resubmit, suspend, resume, lifetime, urgency

    public var word: String { String(describing: self) }
    public init?(word: String) {
        guard let verb = DeedVerb.allCases.first(where: { $0.word == word }) else { return nil }
        self = verb
    }

    /// What cannot be undone for long, and what keeps others from their mail, needs a reason.
    public var needsReason: Bool { self == .expire || self == .delete || self == .suspend || isSetting }
    /// Sets something of an envelope, under a new name where it was handed in.
    public var isSetting: Bool { self == .lifetime || self == .urgency }
    /// Ends a recipient here. Reports of this node are not ended: nobody would be told of what they tell.
    public var isEnd: Bool { self == .expire || self == .delete || self == .resubmit }
    public var canBeUndone: Bool { self == .hold || self == .suspend || self == .reroute || self == .delete }

    /// Can it be done to a recipient in this state?
    public func applies(to state: RecipientState) -> Bool {
        switch self {
        case .hold, .retry, .requeue: state.isQueued
        case .reroute, .expire, .lifetime, .urgency: state.isQueued || state == .held
        case .delete: state.isQueued || state == .held || state == .corrupt
        // What is corrupt is tried once more: a disk can read again what it could not.
        case .release: state == .held || state == .corrupt
        case .resubmit: state == .held
        // What waits for the peer or agency.
        case .suspend, .resume: state.isQueued
        }
    }
}

/// What a deed sets of an envelope.
public enum DeedSetting: Sendable, Hashable {
    case none
    case urgency(Urgency)
    /// The whole of it, from when it was handed in.
    case lifetime(Milliseconds)
    /// So much more than it has.
    case longer(Milliseconds)

    public var urgency: Urgency? {
        if case .urgency(let urgency) = self { urgency } else { nil }
    }

    /// The lifetime that it makes of this one.
    public func lifetime(from lifetime: Milliseconds) -> Milliseconds {
        switch self {
        case .none, .urgency: return lifetime
        case .lifetime(let whole): return whole
        case .longer(let more):
            let (sum, overflow) = lifetime.count.addingReportingOverflow(more.count)
            return Milliseconds(overflow ? .max : sum)
        }
    }

    func write(to out: inout RowWriter) {
        let (kind, value): (UInt8, UInt64) =
            switch self {
            case .none: (0, 0)
            case .urgency(let urgency): (1, UInt64(urgency.rawValue))
            case .lifetime(let whole): (2, whole.count)
            case .longer(let more): (3, more.count)
            }
        out.byte(kind)
        out.number(value)
    }

    init(_ row: inout RowCursor) {
        let kind = row.byte()
        let value = row.number()
        switch kind {
        case 1: self = Urgency(rawValue: UInt8(clamping: value)).map { .urgency($0) } ?? .none
        case 2: self = .lifetime(Milliseconds(value))
        case 3: self = .longer(Milliseconds(value))
        default: self = .none
        }
    }
}

/// How far a job is.
public enum JobPhase: UInt8, Sendable {
    /// Looked at, not applied: nothing has been touched.
    case preview = 0
    case running, done, cancelled, undoing, undone
    public var word: String { String(describing: self) }
}

/// Why a pair was passed over.
public enum SkipCause: UInt8, Sendable, CaseIterable {
    /// It has ended, or its envelope is forgotten.
    case gone = 1
    /// It is not any more what the selector means, or not in a state that the deed is for.
    case changed
    /// On a link at this moment: the answer of the peer decides.
    case onLink
    /// Sent whole and not answered: the peer may have it.
    case inDoubt
    /// Not whole here yet.
    case incoming
    /// It would go back where it came from, or the route does not lead there.
    case noWay
    /// Not handed in at this node.
    case notAtHome
    /// Its lifetime is not over, or it is not held.
    case notExpired
    /// A report of this node, which would be lost without anybody being told.
    case record
    /// Held since the store was restored: it goes behind a comparison, by a release of its own.
    case restored
    /// Its lifetime has ended since the preview: a release would end what it was to let go.
    case outlived
    /// Its lifetime would not be longer, or would be over already.
    case notLonger
    /// Its lifetime would be longer than `limits.lifetime_max`.
    case beyondLimit
    /// It has that urgency.
    case alreadySo
    /// It has a new name already, and may be known by that.
    case renamed

    public var word: String {
        switch self {
        case .onLink: "on a link"
        case .inDoubt: "in doubt"
        case .noWay: "no way"
        case .notAtHome: "not handed in here"
        case .notExpired: "not held and expired"
        case .restored: "held since the restore"
        case .outlived: "expired since the preview"
        case .notLonger: "not longer"
        case .beyondLimit: "beyond lifetime_max"
        case .alreadySo: "already so"
        case .renamed: "renamed before"
        default: String(describing: self)
        }
    }
}

/// The head of a job.
public struct JobRow: Sendable, Hashable {
    public var number: UInt64
    public var verb: DeedVerb
    public var phase = JobPhase.preview
    /// The selector, as the core encodes it, and in words.
    public var selector: [UInt8] = []
    public var selectorText = ""
    /// Whom to reroute to.
    public var target: NodeID?
    /// How long a suspension lasts; zero: until it is resumed.
    public var span = Milliseconds.zero
    public var uid: UInt32
    public var login: String
    public var reason: String
    /// When the set was fixed: spans and due times of the selector count from then.
    public var created: ClockReading
    public var applied = WallTime(milliseconds: 0)
    public var finished = WallTime(milliseconds: 0)
    /// What the set holds.
    public var count: UInt64 = 0
    public var bytes: UInt64 = 0
    /// Where it goes on: a part of the set, and a pair in it.
    public var part: UInt32 = 0
    public var offset: UInt64 = 0
    public var done: UInt64 = 0
    public var doneBytes: UInt64 = 0
    public var failed: UInt64 = 0
    public var skipped: [UInt8: UInt64] = [:]
    public var undone: UInt64 = 0
    /// Until when it can be undone; zero: there is nothing (more) to undo.
    public var undoUntil = RelayTime.zero
    /// Of what was undone: pairs that stay held, because their lifetime is over.
    public var leftHeld: UInt64 = 0
    /// Who has had it undone.
    public var undoneBy: (uid: UInt32, login: String)? {
        get { undoLogin.isEmpty ? nil : (undoUID, undoLogin) }
        set { (undoUID, undoLogin) = newValue.map { ($0.uid, $0.login) } ?? (0, "") }
    }
    private var undoUID: UInt32 = 0
    private var undoLogin = ""
    /// The suspension in whose place this one stands, as it is on disk; empty: there was none.
    public var replaced: [UInt8] = []
    /// Pairs that have ended by this job for good: expired by a release, deleted when the time for undoing was over.
    public var ended: UInt64 = 0
    public var setting = DeedSetting.none

    public var skippedCount: UInt64 { skipped.values.reduce(0, +) }

    public init(number: UInt64, verb: DeedVerb, uid: UInt32, login: String, reason: String, created: ClockReading) {
        self.number = number
        self.verb = verb
        self.uid = uid
        self.login = login
        self.reason = reason
        self.created = created
    }

    public func encoded() -> [UInt8] {
        var out = RowWriter(capacity: 192 + selector.count)
        out.byte(verb.rawValue)
        out.byte(phase.rawValue)
        out.blob(selector)
        out.text(selectorText)
        out.node(target)
        out.number(span.count)
        out.number(UInt64(uid))
        out.text(login)
        out.text(reason)
        for time in [
            created.relay.milliseconds, created.wall.milliseconds, applied.milliseconds, finished.milliseconds, count,
            bytes, UInt64(part), offset, done, doneBytes, failed, undone, undoUntil.milliseconds,
        ] { out.number(time) }
        out.number(UInt64(skipped.count))
        for cause in skipped.keys.sorted() {
            out.byte(cause)
            out.number(skipped[cause] ?? 0)
        }
        out.number(leftHeld)
        out.number(UInt64(undoUID))
        out.text(undoLogin)
        out.blob(replaced)
        out.number(ended)
        setting.write(to: &out)
        return out.record()
    }

    public init?(number: UInt64, record: UnsafeRawBufferPointer) {
        guard var row = RowCursor(record), let verb = DeedVerb(rawValue: row.byte()),
            let phase = JobPhase(rawValue: row.byte())
        else { return nil }
        self.number = number
        self.verb = verb
        self.phase = phase
        selector = row.blob()
        selectorText = row.text()
        target = row.node()
        span = Milliseconds(row.number())
        uid = UInt32(truncatingIfNeeded: row.number())
        login = row.text()
        reason = row.text()
        created = ClockReading(
            relay: RelayTime(milliseconds: row.number()), wall: WallTime(milliseconds: row.number()))
        applied = WallTime(milliseconds: row.number())
        finished = WallTime(milliseconds: row.number())
        count = row.number()
        bytes = row.number()
        part = UInt32(truncatingIfNeeded: row.number())
        offset = row.number()
        done = row.number()
        doneBytes = row.number()
        failed = row.number()
        undone = row.number()
        undoUntil = RelayTime(milliseconds: row.number())
        for _ in 0..<row.count() {
            let cause = row.byte()
            skipped[cause] = row.number()
        }
        if !row.isAtEnd {
            leftHeld = row.number()
            undoUID = UInt32(truncatingIfNeeded: row.number())
            undoLogin = row.text()
            replaced = row.blob()
        }
        if !row.isAtEnd { ended = row.number() }
        if !row.isAtEnd { setting = DeedSetting(&row) }
        guard row.isSound else { return nil }
    }

    /// Heads of jobs from the newest to the oldest.
    public static func newest(_ rows: any RowReader, before: UInt64 = .max, limit: Int) -> [JobRow] {
        var result: [JobRow] = []
        var end = RowKey(before)
        while result.count < limit, let found = rows.row(.job, before: end) {
            let number = found.key.number(at: 0)
            // Of a set's part its head is found by the same number.
            end = RowKey(number)
            if let job = read(number, rows) { result.append(job) }
        }
        return result
    }

    public static func read(_ number: UInt64, _ rows: any RowReader) -> JobRow? {
        rows.value(.job, RowKey(number)).flatMap { JobRow(number: number, record: $0) }
    }
}

/// One (envelope, recipient): the envelope's number here, and the recipient's index in its row.
public struct PairName: Sendable, Hashable, Comparable {
    public var number: UInt64
    public var index: UInt32
    public init(number: UInt64, index: UInt32) {
        self.number = number
        self.index = index
    }
    public static func < (left: PairName, right: PairName) -> Bool {
        (left.number, left.index) < (right.number, right.index)
    }
}

/// The set of a job, cut into parts of a few KiB: pairs in ascending order, as differences. The pairs of an envelope stay together.
public enum PairSet {
    public static let partMax = 4_096

    public static func key(_ job: UInt64, part: UInt32) -> RowKey { RowKey(job).adding(part) }

    public static func parts(_ pairs: [PairName]) -> [[UInt8]] {
        var parts: [[UInt8]] = []
        var start = 0
        while start < pairs.count {
            let most = min(start + partMax, pairs.count)
            var end = most
            while end < pairs.count, end > start, pairs[end].number == pairs[end - 1].number { end -= 1 }
            if end == start { end = most }
            parts.append(encoded(pairs[start..<end]))
            start = end
        }
        return parts
    }

    private static func encoded(_ pairs: ArraySlice<PairName>) -> [UInt8] {
        var out = RowWriter(capacity: 16 + pairs.count * 3)
        out.number(UInt64(pairs.count))
        var last: UInt64 = 0
        for pair in pairs {
            out.number(pair.number - last)
            out.number(UInt64(pair.index))
            last = pair.number
        }
        return out.record()
    }

    /// Nil when the record is corrupt.
    public static func pairs(_ record: UnsafeRawBufferPointer) -> [PairName]? {
        guard var row = RowCursor(record) else { return nil }
        var pairs: [PairName] = []
        var last: UInt64 = 0
        for _ in 0..<row.count() {
            let (number, overflow) = last.addingReportingOverflow(row.number())
            let index = row.number()
            guard !overflow, index <= UInt32.max else { return nil }
            pairs.append(PairName(number: number, index: UInt32(index)))
            last = number
        }
        return row.isSound ? pairs : nil
    }
}

/// What it takes to undo one batch of a job. Key: job, order of the batch.
public struct UndoRow: Sendable, Hashable {
    public struct Entry: Sendable, Hashable {
        public var pair: PairName
        public var state: RecipientState
        public var via: NodeID?
        /// Since when it was in that state; nil in rows of an earlier version.
        public var since: RelayTime?
        public init(pair: PairName, state: RecipientState, via: NodeID?, since: RelayTime?) {
            self.pair = pair
            self.state = state
            self.via = via
            self.since = since
        }
    }

    /// When the batch was done: a recipient that has changed since is not this job's any more.
    public var time: RelayTime
    public var entries: [Entry] = []
    public init(time: RelayTime) { self.time = time }

    public func encoded() -> [UInt8] {
        var out = RowWriter(capacity: 32 + entries.count * 8)
        out.number(time.milliseconds)
        out.number(UInt64(entries.count))
        for entry in entries {
            out.number(entry.pair.number)
            out.number(UInt64(entry.pair.index))
            out.byte(entry.state.rawValue)
            out.node(entry.via)
        }
        for entry in entries { out.number(entry.since?.milliseconds ?? 0) }
        return out.record()
    }

    public init?(record: UnsafeRawBufferPointer) {
        guard var row = RowCursor(record) else { return nil }
        time = RelayTime(milliseconds: row.number())
        for _ in 0..<row.count() {
            let pair = PairName(number: row.number(), index: UInt32(truncatingIfNeeded: row.number()))
            guard let state = RecipientState(rawValue: row.byte()) else { return nil }
            entries.append(Entry(pair: pair, state: state, via: row.node(), since: nil))
        }
        if !row.isAtEnd {
            for index in entries.indices {
                let since = row.number()
                entries[index].since = since == 0 ? nil : RelayTime(milliseconds: since)
            }
        }
        guard row.isSound else { return nil }
    }
}

/// Whom a suspension is about.
public enum SuspensionSubject: Sendable, Hashable {
    case peer(NodeID)
    case agency(AgencyCode)
    case subtree(AgencyCode)

    /// `peer truc`, `agency H29`, `agency H29.*`
    public var text: String {
        switch self {
        case .peer(let node): "peer " + node.name
        case .agency(let code): "agency " + code.text
        case .subtree(let code): "agency " + code.text + ".*"
        }
    }

    public var key: RowKey { RowKey(text: text) }

    public func covers(agency name: String) -> Bool {
        switch self {
        case .peer: false
        case .agency(let code): code.text == name
        case .subtree(let code): code.text == name || name.hasPrefix(code.text + ".")
        }
    }

    /// Is there an agency, in a directory or not, that both mean?
    public func overlaps(_ other: SuspensionSubject) -> Bool {
        switch (self, other) {
        case (.peer, _), (_, .peer): self == other
        case (.agency(let code), _): other.covers(agency: code.text)
        case (_, .agency(let code)): covers(agency: code.text)
        case (.subtree(let one), .subtree(let two)): covers(agency: two.text) || other.covers(agency: one.text)
        }
    }

    public init?(text: String) {
        let parts = text.split(separator: " ", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        switch parts[0] {
        case "peer":
            guard let node = NodeID(name: String(parts[1])) else { return nil }
            self = .peer(node)
        case "agency":
            let isSubtree = parts[1].hasSuffix(".*")
            guard let code = AgencyCode(String(isSubtree ? parts[1].dropLast(2) : parts[1])) else { return nil }
            self = isSubtree ? .subtree(code) : .agency(code)
        default: return nil
        }
    }
}

/// A peer or an agency that is given nothing for a while.
public struct SuspensionRow: Sendable, Hashable {
    public var subject: SuspensionSubject
    public var since: ClockReading
    /// `never`: until it is resumed.
    public var until: RelayTime
    public var uid: UInt32
    public var login: String
    public var reason: String
    /// The job that began it.
    public var job: UInt64

    public init(
        subject: SuspensionSubject, since: ClockReading, until: RelayTime, uid: UInt32, login: String, reason: String,
        job: UInt64
    ) {
        self.subject = subject
        self.since = since
        self.until = until
        self.uid = uid
        self.login = login
        self.reason = reason
        self.job = job
    }

    public func encoded() -> [UInt8] {
        var out = RowWriter(capacity: 128)
        out.text(subject.text)
        out.number(since.relay.milliseconds)
        out.number(since.wall.milliseconds)
        out.number(until.milliseconds)
        out.number(UInt64(uid))
        out.text(login)
        out.text(reason)
        out.number(job)
        return out.record()
    }

    public init?(record: UnsafeRawBufferPointer) {
        guard var row = RowCursor(record), let subject = SuspensionSubject(text: row.text()) else { return nil }
        self.subject = subject
        since = ClockReading(relay: RelayTime(milliseconds: row.number()), wall: WallTime(milliseconds: row.number()))
        until = RelayTime(milliseconds: row.number())
        uid = UInt32(truncatingIfNeeded: row.number())
        login = row.text()
        reason = row.text()
        job = row.number()
        guard row.isSound else { return nil }
    }

    public static func all(_ rows: any RowReader) -> [SuspensionRow] {
        var result: [SuspensionRow] = []
        rows.scan(.suspension, prefix: RowKey()) { _, value in
            if let row = SuspensionRow(record: value) { result.append(row) }
            return true
        }
        return result
    }
}

/// That the node is being emptied: a record of `meta`.
public struct DrainRow: Sendable, Hashable {
    public var since: WallTime
    public var uid: UInt32
    public var login: String
    public var reason: String
    /// The queues were found empty. What starts the daemon again, maybe a peer that dials a socket which the service manager holds, does
    /// not make it accept: only an operator does.
    public var isDone = false
    public static let name = "drain"

    public init(since: WallTime, uid: UInt32, login: String, reason: String) {
        self.since = since
        self.uid = uid
        self.login = login
        self.reason = reason
    }

    public func encoded() -> [UInt8] {
        var out = RowWriter(capacity: 64)
        out.number(since.milliseconds)
        out.number(UInt64(uid))
        out.text(login)
        out.text(reason)
        if isDone { out.byte(1) }
        return out.record()
    }

    public static func read(_ rows: any RowReader) -> DrainRow? {
        guard let raw = rows.value(.meta, Keys.meta(name)), var row = RowCursor(raw) else { return nil }
        var drain = DrainRow(
            since: WallTime(milliseconds: row.number()), uid: UInt32(truncatingIfNeeded: row.number()),
            login: row.text(), reason: row.text())
        if !row.isAtEnd { drain.isDone = row.byte() != 0 }
        return row.isSound ? drain : nil
    }
}
