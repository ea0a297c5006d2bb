// Ledger: the counts by which the books balance. Deltas are gathered in memory during a batch and written, once a counter, in
// the batch's own transaction.

import RelayModel
import RelayRows

/// What is counted. The name in the table is `name`; administrative envelopes have a ledger of their own (`admin.` before it).
public enum CounterKey: Hashable, Sendable {
    case acceptedSubmitted(admin: Bool)
    case acceptedTaken(admin: Bool)
    case state(RecipientState, admin: Bool)
    case takenFrom(NodeID)
    case takenBytesFrom(NodeID)
    case forwardedTo(NodeID)
    case forwardedBytesTo(NodeID)
    case refusedByPeer(NodeID)
    case refusedToPeer(String)
    case submissionRefused(String)
    case paused(NodeID)
    case linkUp(NodeID)
    case reservedBytes
    /// Pairs of documents that every next hop has refused, and that are tried again until the grace is over.
    case refusedEverywhere
    case corruptRecord
    case recordMade, recordTaken, reportRowRefused, reportUnroutable
    /// Delays that this node has reported or noted.
    case delayReported
    case stockCount(Stock)
    case stockBytes(Stock)
    /// Changes of what is known of pairs that were handed in here, by what they are now.
    case outcome(ReportedState)
    /// Bad ends and delays that nobody has acknowledged.
    case outcomeOpen(OutcomeCause)
    /// Offers of one neighbour that were refused, by cause.
    case refusedOf(NodeID, String)

    public var name: String {
        switch self {
        case .acceptedSubmitted(let admin): Self.prefix(admin) + "accepted.submitted"
        case .acceptedTaken(let admin): Self.prefix(admin) + "accepted.taken"
        case .state(let state, let admin): Self.prefix(admin) + (state.isEnd ? "ended." : "store.") + state.word
        case .takenFrom(let node): "peer." + node.name + ".taken"
        case .takenBytesFrom(let node): "peer." + node.name + ".takenBytes"
        case .forwardedTo(let node): "peer." + node.name + ".forwarded"
        case .forwardedBytesTo(let node): "peer." + node.name + ".forwardedBytes"
        case .refusedByPeer(let node): "peer." + node.name + ".refusedByPeer"
        case .refusedToPeer(let cause): "refused." + cause
        case .submissionRefused(let cause): "submission.refused." + cause
        case .paused(let node): "peer." + node.name + ".paused"
        case .linkUp(let node): "peer." + node.name + ".linkUp"
        case .reservedBytes: "reservedBytes"
        case .refusedEverywhere: "store.refusedEverywhere"
        case .corruptRecord: "corruptRecords"
        case .recordMade: "report.recordsMade"
        case .recordTaken: "report.recordsTaken"
        case .reportRowRefused: "report.rowsRefused"
        case .reportUnroutable: "report.unroutable"
        case .delayReported: "report.delays"
        case .stockCount(let stock): "stock." + stock.name + ".count"
        case .stockBytes(let stock): "stock." + stock.name + ".bytes"
        case .outcome(let state): "outcome." + String(describing: state)
        case .refusedOf(let node, let cause): "peer." + node.name + ".refused." + cause
        case .outcomeOpen(let cause): "outcome.open." + cause.code
        }
    }

    private static func prefix(_ admin: Bool) -> String { admin ? "admin." : "" }
}

/// Envelopes and bytes in the store by where they came from, for quotas.
public enum Stock: Hashable, Sendable {
    case everything
    case origin(NodeID)
    case sender(AgencyCode)
    /// Administrative records of others that came from a peer: they have a quota of their own.
    case records(NodeID)
    var name: String {
        switch self {
        case .everything: "all"
        case .origin(let node): "origin." + node.name
        case .sender(let code): "sender." + code.text
        case .records(let node): "records." + node.name
        }
    }
}

/// A counter as it stands in its row.
private struct ResidentCounter {
    let name: String
    let value: UInt64
}

/// What came into a stock, less what left it.
private struct StockChange {
    var count: Int64 = 0
    var bytes: Int64 = 0
}

/// Counter changes of one batch.
struct Ledger {
    private var deltas: [CounterKey: Int64] = [:]
    /// The same of stocks, each of which has two counters that change together.
    private var stockDeltas: [Stock: StockChange] = [:]
    /// Counters as they were written last, with their names: every envelope asks for the same few.
    private var resident: [CounterKey: ResidentCounter] = [:]
    private static let residentMax = 8_192
    private var ages: [AgeKey: AgeChange] = [:]
    /// Cells of minutes before this one are cells of hours (AgeCells.swift).
    var hourlyBefore: UInt64 = 0
    /// Documents that arrived before this are in no cell: an earlier version counted none.
    var arrivedCellsFrom: RelayTime = .zero
    /// What came and went lately; in memory only.
    var flows = Flows()
    /// While the books are made anew: the counts of what has been passed (Reckoning.swift).
    var tally: Tally?
    /// A counter did not fit what was done.
    var hasMisfit = false

    mutating func count(_ key: CounterKey) { deltas.change(key, default: 0) { $0 += 1 } }
    /// `number`: the envelope by which a count of what is in the store changes.
    mutating func add(_ key: CounterKey, _ amount: Int64, of number: UInt64 = .max) {
        deltas.change(key, default: 0) { $0 += amount }
        if number != .max, let through = tally?.through, number <= through { tally?.add(key, amount) }
    }

    /// A counter with the changes of this batch.
    func value(_ key: CounterKey, _ rows: any RowReader) -> UInt64 {
        let stored = resident[key]?.value ?? rows.number(.counter, key.name)
        let delta = delta(key)
        return delta >= 0 ? stored + UInt64(delta) : stored - min(stored, delta.magnitude)
    }

    private func delta(_ key: CounterKey) -> Int64 {
        switch key {
        case .stockCount(let stock): stockDeltas[stock]?.count ?? 0
        case .stockBytes(let stock): stockDeltas[stock]?.bytes ?? 0
        default: deltas[key] ?? 0
        }
    }

    private mutating func change(_ stock: Stock, count: Int64, bytes: Int64, of number: UInt64) {
        stockDeltas.change(stock, default: StockChange()) {
            $0.count += count
            $0.bytes += bytes
        }
        guard let through = tally?.through, number <= through else { return }
        tally?.add(.stockCount(stock), count)
        tally?.add(.stockBytes(stock), bytes)
    }

    /// All changes of this batch, by counter.
    private var changes: [CounterKey: Int64] {
        var changes = deltas
        for (stock, change) in stockDeltas {
            changes[.stockCount(stock)] = change.count
            changes[.stockBytes(stock)] = change.bytes
        }
        return changes
    }

    func stock(_ stock: Stock, _ rows: any RowReader) -> (count: UInt64, bytes: UInt64) {
        (value(.stockCount(stock), rows), value(.stockBytes(stock), rows))
    }

    /// All recipients of an envelope have been accepted here.
    mutating func accepted(_ row: EnvelopeRow, _ recipients: Int, from origin: NodeID?) {
        let admin = row.kind == .administrative
        let count = Int64(recipients)
        if let origin {
            add(.acceptedTaken(admin: admin), count)
            if !admin { add(.takenFrom(origin), count) }
            add(.takenBytesFrom(origin), Int64(clamping: row.payloadLength))
        } else {
            add(.acceptedSubmitted(admin: admin), count)
        }
    }

    mutating func forwarded(_ peer: NodeID, _ row: EnvelopeRow, _ recipients: Int) {
        if row.kind != .administrative { add(.forwardedTo(peer), Int64(recipients)) }
        add(.forwardedBytesTo(peer), Int64(clamping: row.payloadLength))
    }

    /// An envelope has come into the store (1) or left it (−1).
    mutating func stocked(_ row: EnvelopeRow, by sign: Int64, _ now: ClockReading) {
        Self.eachStock(of: row) { stock, bytes in
            change(stock, count: sign, bytes: sign * bytes, of: row.number)
        }
    }

    /// What an envelope in the store counts for in the stock of its origin and sender. Of everything only the payload is counted; origins
    /// and senders answer for all that they take.
    private static func eachStock(of row: EnvelopeRow, _ body: (Stock, _ bytes: Int64) -> Void) {
        // Records are no documents, but those of others take room here as well.
        if row.kind == .administrative, row.origin == nil { return }
        if row.kind != .administrative { body(.everything, Int64(clamping: row.stockedPayload)) }
        let bytes = Int64(clamping: row.stockedBytes)
        if let origin = row.origin { body(row.holding.isRecord ? .records(origin) : .origin(origin), bytes) }
        if let sender = row.document?.sender { body(.sender(sender), bytes) }
    }

    /// An envelope takes other room than `old` did, which was it before.
    mutating func restocked(_ row: EnvelopeRow, was old: EnvelopeRow) {
        add(.reservedBytes, Int64(clamping: row.reservedBytes) - Int64(clamping: old.reservedBytes), of: row.number)
        guard row.isStocked, row.stockedPayload != old.stockedPayload || row.stockedBytes != old.stockedBytes else {
            return
        }
        let payload = Int64(clamping: row.stockedPayload) - Int64(clamping: old.stockedPayload)
        let bytes = Int64(clamping: row.stockedBytes) - Int64(clamping: old.stockedBytes)
        Self.eachStock(of: row) { stock, _ in
            let change = stock == .everything ? payload : bytes
            if change != 0 { self.change(stock, count: 0, bytes: change, of: row.number) }
        }
    }

    mutating func tallyStock(_ row: EnvelopeRow) {
        Self.eachStock(of: row) { stock, bytes in
            tally?.add(.stockCount(stock), 1)
            tally?.add(.stockBytes(stock), bytes)
        }
    }

    mutating func tallyAge(_ row: EnvelopeRow, _ recipient: RecipientRow) {
        let bytes = Int64(clamping: row.payloadLength)
        if recipient.state == .arrived, recipient.since >= arrivedCellsFrom {
            tally?.ages[.arrived(recipient.name, at: recipient.since), default: AgeChange()].add(1, bytes)
        } else if recipient.state.isQueued {
            tally?.ages[.queued(recipient.routeClass, row), default: AgeChange()].add(1, bytes)
        }
    }

    /// Sets the counters of what is in the store to what is there; answers how many were wrong. The changes of this batch are in
    /// both already.
    mutating func settle(_ tally: Tally, _ rows: any RowTransaction) -> UInt64 {
        resident = [:]
        var wanted = tally.counts
        for state in RecipientState.allCases where !state.isEnd {
            for admin in [false, true] { wanted[CounterKey.state(state, admin: admin).name, default: 0] += 0 }
        }
        for key in [CounterKey.reservedBytes, .refusedEverywhere, .stockCount(.everything), .stockBytes(.everything)] {
            wanted[key.name, default: 0] += 0
        }
        var prefix = RowKey()
        prefix.append(unended: "stock.")
        rows.scan(.counter, prefix: prefix) { key, _ in
            wanted[String(decoding: key.dropLast(), as: UTF8.self), default: 0] += 0
            return true
        }
        var wrong: UInt64 = 0
        let pending = Dictionary(changes.map { ($0.key.name, $0.value) }) { $0 + $1 }
        for (name, count) in wanted.sorted(by: { $0.key < $1.key }) {
            // What this batch adds is written behind this.
            let before = count - (pending[name] ?? 0)
            let stored = Int64(bitPattern: rows.number(.counter, name))
            guard stored != before else { continue }
            wrong += 1
            rows.setNumber(.counter, name, UInt64(bitPattern: before))
        }
        return wrong + settleAges(tally, rows)
    }

    private mutating func settleAges(_ tally: Tally, _ rows: any RowTransaction) -> UInt64 {
        var wanted: [RowKey: (count: Int64, bytes: Int64)] = [:]
        func add(_ key: AgeKey, _ change: AgeChange, _ sign: Int64) {
            let row = key.key(hourlyBefore)
            let before = wanted[row] ?? (0, 0)
            wanted[row] = (before.count + sign * change.count, before.bytes + sign * change.bytes)
        }
        for (key, change) in tally.ages { add(key, change, 1) }
        for (key, change) in ages { add(key, change, -1) }
        var stored: [RowKey: (count: Int64, bytes: Int64)] = [:]
        for mark in [AgeCells.queuedMark, AgeCells.arrivedMark] {
            var prefix = RowKey()
            prefix.append(mark)
            rows.scan(.counter, prefix: prefix) { key, value in
                var row = RowCursor(value)
                let count = Int64(bitPattern: row?.number() ?? 0)
                stored[RowKey(copying: key)] = (count, Int64(bitPattern: row?.number() ?? 0))
                return true
            }
        }
        var wrong: UInt64 = 0
        for key in Set(wanted.keys).union(stored.keys).sorted() {
            let want = wanted[key] ?? (0, 0)
            if let have = stored[key] ?? (want.count == 0 ? (0, want.bytes) : nil), have == want { continue }
            wrong += 1
            rows.delete(.counter, key)
            if want.count != 0 { AgeCells.add(want.count, want.bytes, to: key, rows) }
        }
        return wrong
    }

    /// One recipient changes its state; nil before it was accepted.
    mutating func moved(
        _ row: EnvelopeRow, _ recipient: RecipientRow, from old: RecipientState?, to new: RecipientState,
        _ now: RelayTime
    ) {
        let admin = row.kind == .administrative
        if let old { add(.state(old, admin: admin), -1, of: old.isEnd ? .max : row.number) }
        add(.state(new, admin: admin), 1, of: new.isEnd ? .max : row.number)
        passed = tally.map { row.number <= $0.through } ?? false
        guard !admin else { return }
        let bytes = Int64(clamping: row.payloadLength)
        if old == .arrived, new != .arrived, recipient.since >= arrivedCellsFrom {
            change(.arrived(recipient.name, at: recipient.since), by: -1, bytes)
        } else if new == .arrived, old != .arrived {
            change(.arrived(recipient.name, at: now), by: 1, bytes)
        }
        let wasQueued = old?.isQueued ?? false
        if wasQueued == new.isQueued { return }
        change(.queued(recipient.routeClass, row), by: new.isQueued ? 1 : -1, bytes)
    }

    private mutating func change(_ key: AgeKey, by sign: Int64, _ bytes: Int64) {
        ages.change(key, default: AgeChange()) { $0.add(sign, bytes) }
        if passed { tally?.ages[key, default: AgeChange()].add(sign, bytes) }
    }
    /// The envelope at hand is in the tally.
    private var passed = false

    /// A waiting recipient comes under another route class.
    mutating func reclassified(_ row: EnvelopeRow, _ recipient: RecipientRow, to routeClass: UInt32) {
        guard row.kind != .administrative, recipient.state.isQueued, recipient.routeClass != routeClass else { return }
        let bytes = Int64(clamping: row.payloadLength)
        passed = tally.map { row.number <= $0.through } ?? false
        change(.queued(recipient.routeClass, row), by: -1, bytes)
        change(.queued(routeClass, row), by: 1, bytes)
    }

    /// A waiting recipient leaves, or comes into, the lane of its envelope's urgency.
    mutating func requeued(_ row: EnvelopeRow, _ recipient: RecipientRow, by sign: Int64) {
        guard row.isComplete, row.kind != .administrative else { return }
        passed = tally.map { row.number <= $0.through } ?? false
        change(.queued(recipient.routeClass, row), by: sign, Int64(clamping: row.payloadLength))
    }

    mutating func write(to rows: any RowTransaction, _ now: RelayTime) {
        if resident.count > Self.residentMax { resident = [:] }
        let changes = self.changes.map { (name: resident[$0.key]?.name ?? $0.key.name, key: $0.key, delta: $0.value) }
        for (name, key, delta) in changes.sorted(by: { $0.name < $1.name }) where delta != 0 {
            let stored = Int64(bitPattern: resident[key]?.value ?? rows.number(.counter, name))
            // After a change that was not taken reads say nothing, and nothing of this batch stays.
            if rows.isFailed { return }
            var (next, overflow) = stored.addingReportingOverflow(delta)
            if overflow || next < 0 {
                // The record of the count was damaged, or lost with its key. The books are made anew from the rows (Reckoning.swift)
                // rather than stop the daemon, which would meet them at its next start as well.
                next = 0
                hasMisfit = true
            }
            rows.setNumber(.counter, name, UInt64(next))
            resident[key] = ResidentCounter(name: name, value: UInt64(next))
        }
        deltas.removeAll(keepingCapacity: true)
        stockDeltas.removeAll(keepingCapacity: true)
        for key in ages.keys.sorted() {
            guard let change = ages[key] else { continue }
            flows.note(key.place, change, now)
            guard change.count != 0 || change.bytes != 0 else { continue }
            let stored = key.key(hourlyBefore)
            AgeCells.add(change.count, change.bytes, to: stored, rows)
        }
        ages.removeAll(keepingCapacity: true)
    }
}
