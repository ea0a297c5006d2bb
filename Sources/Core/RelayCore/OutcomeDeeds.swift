// OutcomeDeeds: an operator acknowledges bad ends and delays, with an entry of the operator log in the same transaction; and old outcomes go,
// a bounded number at a time.

import RelayModel
import RelayRouting
import RelayRows

/// Which open outcomes an operator has seen. Everything that is set must hold.
public struct OutcomeAcknowledgement: Sendable, Hashable {
    /// Empty: of any.
    public var bundles: [BundleID] = []
    public var causes: Set<OutcomeCause> = []
    public var from: AgencyPattern?
    public var to: AgencyPattern?
    /// What has changed behind this order he has not seen.
    public var upTo: UInt64
    /// Where an earlier portion ended.
    public var after: [UInt8] = []
    public var reason: String
    /// In words, for the operator log.
    public var text: String

    public init(upTo: UInt64, reason: String, text: String) {
        self.upTo = upTo
        self.reason = reason
        self.text = text
    }

    public static let bundlesMax = 1_000

    func means(_ row: OutcomeRow) -> Bool {
        guard row.isOpen, row.order <= upTo, let state = row.state else { return false }
        if !causes.isEmpty, OutcomeCause(state, row.reason).map(causes.contains) != true { return false }
        if let from {
            guard let sender = AgencyCode(row.about.sender), from.covers(sender) else { return false }
        }
        if let to, !to.covers(row.about.recipient) { return false }
        return true
    }
}

extension RelayCore {
    /// Rows looked at, and changed, in one portion.
    private static let outcomeLooksMax = 4_096
    private static let outcomeAcksMax = 1_024

    mutating func acknowledgeOutcomes(
        _ wish: OutcomeAcknowledgement, _ caller: Operator, _ turn: inout Turn
    ) -> OperationAnswer {
        var found: [(key: RowKey, row: OutcomeRow)] = []
        var next: RowKey?
        let bad = Keys.outcomes(isBad: true)
        var prefixes = wish.bundles.map { Keys.outcomes(isBad: true, of: $0) }
        if prefixes.isEmpty { prefixes = [bad] }
        for prefix in prefixes {
            var from = prefix
            if wish.bundles.isEmpty, !wish.after.isEmpty { from = wish.after.withUnsafeBytes { RowKey(copying: $0) } }
            var looked = 0
            from.withBytes { first in
                turn.rows.scan(.outcome, from: first) { key, value in
                    guard prefix.isPrefix(of: key) else { return false }
                    guard looked < Self.outcomeLooksMax, found.count < Self.outcomeAcksMax else {
                        next = RowKey(copying: key)
                        return false
                    }
                    looked += 1
                    if let row = OutcomeRow(record: value), wish.means(row) {
                        found.append((RowKey(copying: key), row))
                    }
                    return true
                }
            }
        }
        for (key, row) in found {
            countOpen(row, at: key, -1)
            var row = row
            row.isOpen = false
            turn.rows.put(.outcome, key, row.encoded())
        }
        if !found.isEmpty {
            audit(
                Deed(caller, "outcomes ack", wish.text, reason: wish.reason, count: UInt64(found.count)), &turn)
        }
        // Names are few: they are done in one go, however many pairs they have.
        let left = wish.bundles.isEmpty ? next?.bytes : nil
        return .acknowledged(count: UInt64(found.count), next: left)
    }

    /// The pair goes on under another name, which is waited for. Who follows the changes is told the new name: he would wait for the
    /// old one for ever.
    mutating func passOn(_ line: ReportRow, _ turn: inout Turn) {
        guard line.bundle.source == node.endpoint else { return }
        for isBad in [false, true] {
            let key = Keys.outcome(isBad: isBad, line.bundle, line.recipient)
            guard let raw = turn.rows.value(.outcome, key), let row = OutcomeRow(record: raw),
                row.about.bundle == line.bundle
            else { continue }
            countOpen(row, at: key, -1)
            turn.rows.delete(.outcome, key)
            outcomes.head += 1
            var change = OutcomeChangeRow(
                row.about, state: .deleted, reason: .renamed, reporter: node, time: line.time, changed: turn.now.relay)
            change.successor = outcomes.successor
            turn.rows.put(.outcomeChange, Keys.outcomeChange(outcomes.head), change.encoded())
        }
    }

    /// Old changes go from the beginning of the log; what has stood for as long as history is kept goes as well.
    mutating func dropOutcomes(_ turn: inout Turn) {
        tellOutcomes(&turn)
        let now = turn.now.relay
        let kept = historyRowsMax(turn.room)
        let count = turn.rows.count(.outcomeChange)
        let surplus = Int(clamping: count > kept ? count - kept : 0)
        var old: [RowKey] = []
        turn.rows.scan(.outcomeChange, prefix: RowKey()) { key, value in
            guard old.count < 4_096 else { return false }
            let isOld = OutcomeChangeRow(record: value).map { $0.changed + limits.historyMemory <= now } ?? true
            guard old.count < surplus || isOld else { return false }
            old.append(RowKey(copying: key))
            return true
        }
        if !old.isEmpty { turn.rows.setNumber(.meta, "outcomeHead", outcomes.head) }
        for key in old { turn.rows.delete(.outcomeChange, key) }
        if surplus > old.count { housekeepingDue = min(housekeepingDue, now + .seconds(1)) }
        dropStanding(&turn)
    }

    private mutating func dropStanding(_ turn: inout Turn) {
        var gone: [(RowKey, OutcomeRow?)] = []
        var looked = 0
        let from = outcomes.sweep ?? RowKey()
        // All that is open stands in this part.
        if from <= Keys.outcomes(isBad: true) { outcomes.recount = [:] }
        var next: RowKey?
        from.withBytes { first in
            turn.rows.scan(.outcome, from: first) { key, value in
                guard looked < 1_024 else {
                    next = RowKey(copying: key)
                    return false
                }
                looked += 1
                guard let row = OutcomeRow(record: value) else {
                    gone.append((RowKey(copying: key), nil))
                    return true
                }
                if row.isOpen, let cause = row.state.flatMap({ OutcomeCause($0, row.reason) }) {
                    outcomes.recount?[cause, default: 0] += 1
                }
                if row.changed + limits.historyMemory <= turn.now.relay { gone.append((RowKey(copying: key), row)) }
                return true
            }
        }
        outcomes.sweep = next ?? Keys.outcomes(isBad: true).adding(UInt64.max).adding(UInt64.max)
        for (key, row) in gone {
            guard let row else {
                if let raw = turn.rows.value(.outcome, key) { setAside(.outcome, key, [UInt8](raw), &turn) }
                continue
            }
            turn.rows.delete(.outcome, key)
            countOpen(row, at: key, -1)
        }
        guard next == nil else { return }
        outcomes.sweep = nil
        settleOpen(turn)
    }

    /// All that is open has been met: the counters say how many there are. They may have been put wrong by what an earlier version took for
    /// another outcome of the same pair.
    private mutating func settleOpen(_ turn: Turn) {
        guard let met = outcomes.recount else { return }
        outcomes.recount = nil
        for cause in OutcomeCause.all {
            let off = (met[cause] ?? 0) - Int64(clamping: ledger.value(.outcomeOpen(cause), turn.rows))
            if off != 0 { ledger.add(.outcomeOpen(cause), off) }
        }
    }
}
