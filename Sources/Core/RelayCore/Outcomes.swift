// Outcomes: what became of each document that was handed in here, for each recipient, by what this node and others have said. A pair has
// a row from the commit in which it is accepted; the row changes in the transaction of the report row that says something new, and goes
// when the pair is delivered, which is final. Each change is written to a log that feeds those who wait for it. Bad ends and delays stay
// open until an operator acknowledges them. What was handed in before this was kept gets a row with the first that is said of it.

import RelayModel
import RelayRows

/// The log's head, and how many bad ends have been told lately.
struct OutcomeBook: Sendable {
    /// The order of the last change.
    var head: UInt64 = 0
    /// Another one than before when the store has come back from a copy: cursors of before say nothing of it.
    var epoch: UInt32 = 0
    /// The head with which the epoch began; nil: it began before this was noted.
    var start: UInt64?
    var minute: UInt64 = 0
    /// Of each kind by itself: a night of delays must not silence the first bad end.
    var ended = Telling()
    var late = Telling()
    /// Where the look for old rows goes on. What has ended badly, of which there is least, is looked at first.
    var sweep: RowKey? = Keys.outcomes(isBad: true)
    /// The open ones that this look has met: when it has come to the end, the counters are set by it.
    var recount: [OutcomeCause: Int64]? = [:]
    /// The incarnation whose numbers were given when no outcomes were kept; 0: none.
    var incarnationBefore: UInt32 = 0
    /// Under which name the pair goes on whose end is being noted.
    var successor: BundleID?

    /// What has been said of one kind within this minute.
    struct Telling: Sendable {
        var told = 0
        /// Not told by themselves.
        var untold = 0
    }

    /// So many of each kind are told by name within a minute.
    static let toldMax = 20

    mutating func load(_ rows: any RowReader) {
        epoch = UInt32(truncatingIfNeeded: rows.number(.meta, "outcomeEpoch"))
        head = max(
            rows.row(.outcomeChange, before: Keys.outcomeChange(.max))?.key.number(at: 0) ?? 0,
            rows.number(.meta, "outcomeHead"))
        incarnationBefore = UInt32(truncatingIfNeeded: rows.number(.meta, "outcomesAfter"))
        let began = rows.number(.meta, "outcomeStart")
        start = began > 0 ? began - 1 : nil
    }
}

extension RelayCore {
    /// The order of the last change, and the epoch in which it counts.
    public var outcomeHead: (epoch: UInt32, order: UInt64) { (outcomes.epoch, outcomes.head) }

    /// Up to which change the cursors of an earlier epoch may be believed: what is behind it, they have not counted.
    public var outcomeStart: UInt64 { outcomes.start ?? outcomes.head }

    /// Cursors of another life of this store must not be taken for its own.
    mutating func drawOutcomeEpoch(_ turn: inout Turn) {
        let old = outcomes.epoch
        // Of a generator of its own: what else is drawn stays as it was.
        var generator = random
        repeat {
            outcomes.epoch = UInt32(truncatingIfNeeded: generator.next())
        } while outcomes.epoch == old || outcomes.epoch == 0
        turn.rows.setNumber(.meta, "outcomeEpoch", UInt64(outcomes.epoch))
        outcomes.start = outcomes.head
        // One more, so that zero says that nothing was noted.
        turn.rows.setNumber(.meta, "outcomeStart", outcomes.head + 1)
    }

    /// The store begins to keep outcomes: of what it gave numbers to before, there are none.
    mutating func beginOutcomes(after incarnation: UInt32, _ turn: inout Turn) {
        drawOutcomeEpoch(&turn)
        guard incarnation != 0 else { return }
        outcomes.incarnationBefore = incarnation
        turn.rows.setNumber(.meta, "outcomesAfter", UInt64(incarnation))
    }

    /// A document that is handed in here has been accepted: each of its recipients is waited for.
    func expectOutcomes(_ row: EnvelopeRow, _ turn: Turn) {
        guard row.origin == nil, row.kind == .document, row.bundle.source == node.endpoint else { return }
        for recipient in row.recipients {
            guard let code = AgencyCode(recipient.name) else { continue }
            let outcome = OutcomeRow(
                subject(row, code), accepted: turn.now.relay, wall: row.arrivalWall)
            turn.rows.put(.outcome, Keys.outcome(isBad: false, row.bundle, code), outcome.encoded())
        }
    }

    private func subject(_ row: EnvelopeRow, _ recipient: AgencyCode) -> OutcomeSubject {
        OutcomeSubject(
            bundle: row.bundle, recipient: recipient, number: row.number, urgency: row.urgency,
            sender: row.document?.sender.text ?? "", documentID: row.document?.documentID ?? "")
    }

    /// A report row of an own document has been stored.
    mutating func noteOutcome(_ line: ReportRow, _ turn: inout Turn) {
        // The pair goes on under another name, which is waited for.
        if line.state == .deleted, line.reason == .renamed { return passOn(line, &turn) }
        let found = outcome(of: line, turn)
        // Where its own row stands, that of another name cannot.
        let isInPlace = found.map { $0.isBad == line.state.isBadOutcome } ?? false
        guard var row = found?.row ?? firstOutcome(of: line, turn), changes(row, line, turn.rows),
            isInPlace || hasPlace(row, turn)
        else { return }
        let old = found.map { Keys.outcome(isBad: $0.isBad, line.bundle, line.recipient) }
        if let old { countOpen(row, at: old, -1) }
        outcomes.head += 1
        row.state = line.state
        row.reason = line.reason
        row.reporter = line.path.last?.node
        row.time = line.time
        row.changed = turn.now.relay
        row.order = outcomes.head
        // Who has deleted it here has said why in the operator log: that is nobody's news.
        row.isOpen = line.state.isBadOutcome && !(line.state == .deleted && row.reporter == node)
        var change = OutcomeChangeRow(
            row.about, state: line.state, reason: line.reason, reporter: row.reporter, time: line.time,
            changed: turn.now.relay)
        change.successor = outcomes.successor
        turn.rows.put(.outcomeChange, Keys.outcomeChange(outcomes.head), change.encoded())
        ledger.count(.outcome(line.state))
        let key = Keys.outcome(isBad: line.state.isBadOutcome, line.bundle, line.recipient)
        if let old, old != key || line.state == .delivered { turn.rows.delete(.outcome, old) }
        if line.state != .delivered { turn.rows.put(.outcome, key, row.encoded()) }
        guard row.isOpen else { return }
        countOpen(row, at: key, 1)
        tell(row, line, &turn)
    }

    private func outcome(of line: ReportRow, _ turn: Turn) -> (row: OutcomeRow, isBad: Bool)? {
        for isBad in [false, true] {
            let key = Keys.outcome(isBad: isBad, line.bundle, line.recipient)
            guard let raw = turn.rows.value(.outcome, key), let row = OutcomeRow(record: raw),
                row.about.bundle == line.bundle
            else { continue }
            return (row, isBad)
        }
        return nil
    }

    /// The key has no creation time. No row of another name is replaced, but for one that this store knows nothing of but the name, where
    /// it knows the one that comes.
    private mutating func hasPlace(_ row: OutcomeRow, _ turn: Turn) -> Bool {
        for isBad in [false, true] {
            let key = Keys.outcome(isBad: isBad, row.about.bundle, row.about.recipient)
            guard let raw = turn.rows.value(.outcome, key), let other = OutcomeRow(record: raw),
                other.about.bundle != row.about.bundle
            else { continue }
            guard other.about.number == 0, row.about.number != 0 else { return false }
            turn.rows.delete(.outcome, key)
            countOpen(other, at: key, -1)
        }
        return true
    }

    /// Of a document that was handed in before outcomes were kept; nil when it has been delivered.
    private func firstOutcome(of line: ReportRow, _ turn: Turn) -> OutcomeRow? {
        if line.state != .delivered {
            let delivered = Keys.report(
                line.bundle, recipient: line.recipient, order: UInt64(ReportedState.delivered.rawValue))
            if turn.rows.value(.report, delivered) != nil { return nil }
        }
        let prefix = Keys.bundle(line.bundle)
        if let found = turn.rows.row(.bundle, atOrAfter: prefix), prefix.isPrefix(of: found.key) {
            let number = found.key.number(at: found.key.count - 8)
            if let raw = turn.rows.value(.envelope, Keys.envelope(number)),
                let row = EnvelopeRow(number: number, record: raw)
            {
                return OutcomeRow(subject(row, line.recipient), accepted: row.arrival, wall: row.arrivalWall)
            }
        }
        let about = OutcomeSubject(
            bundle: line.bundle, recipient: line.recipient, number: 0, urgency: .normal, sender: "", documentID: "")
        return OutcomeRow(about, accepted: turn.now.relay, wall: turn.now.wall)
    }

    /// Does this row say something new? It is in the table of report rows already, and so is what came before.
    private func changes(_ row: OutcomeRow, _ line: ReportRow, _ rows: any RowReader) -> Bool {
        switch (row.state, line.state) {
        case (nil, _), (_, .delivered): return true
        case (.arrived?, .delayed), (.delayed?, .delayed): return true
        // That nobody took it is said of what has arrived, whichever came first.
        case (.delayed?, .arrived): return row.reason != .notPickedUp
        case (_, .delayed), (.arrived?, .arrived): return false
        default: return standing(line, rows) == line
        }
    }

    /// Which of the rows of one pair counts.
    private func standing(_ line: ReportRow, _ rows: any RowReader) -> ReportRow? {
        var prefix = Keys.report(line.bundle)
        prefix.append(text: line.recipient.text)
        var lines: [ReportRow] = []
        rows.scan(.report, prefix: prefix) { _, value in
            if let row = ReportRow(record: value) { lines.append(row) }
            return lines.count < 128
        }
        return ReportRow.standing(lines)
    }

    /// A row that is open has come to its place, or goes from it.
    mutating func countOpen(_ row: OutcomeRow, at key: RowKey, _ by: Int64) {
        guard row.isOpen, let cause = row.state.flatMap({ OutcomeCause($0, row.reason) }) else { return }
        ledger.add(.outcomeOpen(cause), by)
        // The look has passed it.
        if let sweep = outcomes.sweep, key < sweep { outcomes.recount?[cause, default: 0] += by }
    }

    /// A burst is told by its first cases and a count.
    private mutating func tell(_ row: OutcomeRow, _ line: ReportRow, _ turn: inout Turn) {
        tellOutcomes(&turn)
        let isDelay = line.state == .delayed
        var telling = isDelay ? outcomes.late : outcomes.ended
        let isTold = telling.told < OutcomeBook.toldMax
        if isTold { telling.told += 1 } else { telling.untold += 1 }
        if isDelay { outcomes.late = telling } else { outcomes.ended = telling }
        guard isTold else { return }
        let reporter = row.reporter?.name ?? "?"
        let text =
            isDelay && line.reason.isOfRefusal
            ? "a document handed in here is late: \(reporter) refuses it: \(line.reason.word)"
            : isDelay
                ? "a document handed in here is late at \(reporter): \(line.reason.word)"
                : "a document handed in here has ended as \(line.state) at \(reporter): \(line.reason.word)"
        turn.effects.append(
            .notice(
                Notice(
                    isDelay ? .warning : .alarm, text, envelope: line.bundle, agency: line.recipient,
                    kind: isDelay ? .documentLate : .documentEndedBadly)))
    }

    /// What was not told by itself is told by its number when its minute is over.
    mutating func tellOutcomes(_ turn: inout Turn) {
        let minute = turn.now.relay.milliseconds / 60_000
        guard minute != outcomes.minute else { return }
        outcomes.minute = minute
        let (ended, late) = (outcomes.ended.untold, outcomes.late.untold)
        outcomes.ended = .init()
        outcomes.late = .init()
        if ended > 0 {
            turn.effects.append(
                .notice(
                    Notice(
                        .alarm,
                        "documents handed in here have ended badly, for further recipients: \(ended); edocctl outcomes",
                        kind: .documentEndedBadly)))
        }
        if late > 0 {
            turn.effects.append(
                .notice(
                    Notice(
                        .warning,
                        "documents handed in here are late, for further recipients: \(late); edocctl outcomes",
                        kind: .documentLate)))
        }
    }
}
