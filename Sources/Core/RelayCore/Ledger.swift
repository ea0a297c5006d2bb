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
    var name: String {
        switch self {
        case .everything: "all"
        case .origin(let node): "origin." + node.name
        case .sender(let code): "sender." + code.text
        }
    }
}

/// Counter changes of one batch.
struct Ledger {
    private var deltas: [CounterKey: Int64] = [:]
    private var ages: [AgeKey: AgeChange] = [:]
    /// Cells of minutes before this one are cells of hours (AgeCells.swift).
    var hourlyBefore: UInt64 = 0
    /// Documents that arrived before this are in no cell: an earlier version counted none.
    var arrivedCellsFrom: RelayTime = .zero
    /// What came and went lately; in memory only.
    var flows = Flows()

    mutating func count(_ key: CounterKey) { deltas[key, default: 0] += 1 }
    mutating func add(_ key: CounterKey, _ amount: Int64) { deltas[key, default: 0] += amount }

    /// A counter with the changes of this batch.
    func value(_ key: CounterKey, _ rows: any RowReader) -> UInt64 {
        let stored = rows.number(.counter, key.name)
        let delta = deltas[key] ?? 0
        return delta >= 0 ? stored + UInt64(delta) : stored - min(stored, delta.magnitude)
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
        // Records are no documents, but those of others take room here as well.
        if row.kind == .administrative, row.origin == nil { return }
        var stocks: [Stock] = row.kind == .administrative ? [] : [.everything]
        if let origin = row.origin { stocks.append(.origin(origin)) }
        if let sender = row.document?.sender { stocks.append(.sender(sender)) }
        for stock in stocks {
            add(.stockCount(stock), sign)
            add(.stockBytes(stock), sign * Int64(clamping: row.payloadLength))
        }
    }

    /// One recipient changes its state; nil before it was accepted.
    mutating func moved(
        _ row: EnvelopeRow, _ recipient: RecipientRow, from old: RecipientState?, to new: RecipientState,
        _ now: RelayTime
    ) {
        let admin = row.kind == .administrative
        if let old { add(.state(old, admin: admin), -1) }
        add(.state(new, admin: admin), 1)
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
        ages[key, default: AgeChange()].add(sign, bytes)
    }

    /// A waiting recipient comes under another route class.
    mutating func reclassified(_ row: EnvelopeRow, _ recipient: RecipientRow, to routeClass: UInt32) {
        guard row.kind != .administrative, recipient.state.isQueued, recipient.routeClass != routeClass else { return }
        let bytes = Int64(clamping: row.payloadLength)
        change(.queued(recipient.routeClass, row), by: -1, bytes)
        change(.queued(routeClass, row), by: 1, bytes)
    }

    mutating func write(to rows: any RowTransaction, _ now: RelayTime) {
        for (name, delta) in deltas.map({ ($0.key.name, $0.value) }).sorted(by: { $0.0 < $1.0 }) where delta != 0 {
            let stored = Int64(bitPattern: rows.number(.counter, name))
            var next = stored + delta
            if next < 0, rows.isUnreadable(.counter, name) {
                // The count is lost with its record; it begins anew rather than stop the daemon.
                next = 0
            }
            precondition(next >= 0, "the counter \(name) would fall below zero")
            rows.setNumber(.counter, name, UInt64(next))
        }
        deltas.removeAll(keepingCapacity: true)
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
