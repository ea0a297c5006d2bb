// Restoration: what a node does with a store that was brought back from a copy. The copy is of the past: what waits in it may have been
// sent since, and what lies in an inbox may have been taken. So nothing is sent, and nothing expires, before all that waited is held; new
// envelopes go on as ever under a new incarnation. Held ones end when a neighbour proves to have them, and the rest is released.
//
// Work is done in bounded turns and begun again after a restart: what is held already has no queue row, and what is released is not held.

import RelayModel
import RelayRows

/// What a neighbour's books say of one (envelope, recipient).
public struct Evidence: Sendable, Hashable {
    public enum Fact: Sendable, Hashable {
        /// This neighbour has taken it from here.
        case taken(by: NodeID)
        /// The submitter has heard that the agency took it from this node.
        case delivered
    }
    public var bundle: BundleID
    public var recipient: String
    public var fact: Fact

    public init(bundle: BundleID, recipient: String, fact: Fact) {
        self.bundle = bundle
        self.recipient = recipient
        self.fact = fact
    }
}

/// What a comparison has ended.
public struct EvidenceCounts: Sendable, Hashable {
    public var forwarded = 0
    public var delivered = 0
    /// Not held here, or ended already.
    public var skipped = 0
    public init() {}
}

/// Where the work stands, in memory.
struct Restoration {
    var row: RestorationRow
    var next = RowKey()
    var heldInPass = 0
    var nextNumber: UInt64 = 0

    var isHolding: Bool { row.phase == .holding }
    var isBusy: Bool { row.phase == .holding || row.phase == .releasing }
    static let rowsPerTurn = 512
}

extension RelayCore {
    /// Nothing is sent, ended or checked while this is true.
    var isHoldingRestored: Bool { restoration?.isHolding ?? false }

    /// In the transaction that builds the core. A mark that no daemon has seen: a new incarnation, and an entry of the operator log.
    mutating func loadRestoration(_ turn: inout Turn) {
        guard var row = RestorationRow.read(turn.rows) else { return }
        if row.phase == .brought, !isOffline {
            drawIncarnation(&turn)
            row.phase = .holding
            row.time = turn.now.relay
            row.wall = turn.now.wall
            row.last = nextNumber - 1
            turn.rows.put(.meta, RestorationRow.key, row.encoded())
            let states: [RecipientState] = [.waiting, .deferred]
            let waiting = states.reduce(UInt64(0)) {
                $0 + turn.rows.number(.counter, CounterKey.state($1, admin: false).name)
            }
            audit(
                Deed(
                    uid: row.uid, login: row.login, verb: "restore", subject: row.source, reason: row.reason,
                    count: waiting, outcome: "done; what waited is held, incarnation \(incarnation)"), &turn)
        }
        restoration = Restoration(row: row)
    }

    /// Holds what waited in the copy, a bounded number of rows a turn. A reload may put rows behind the place that was looked at: the
    /// work is over when a whole pass finds none.
    mutating func holdRestored(_ turn: inout Turn) {
        guard var work = restoration, work.isHolding else { return }
        var found: [(number: UInt64, next: RowKey)] = []
        work.next.withBytes { raw in
            turn.rows.scan(.queue, from: raw) { key, _ in
                var after = RowKey(copying: key)
                after.append(UInt8(0))
                found.append((QueueKey(key)?.number ?? .max, after))
                return found.count < Restoration.rowsPerTurn
            }
        }
        var last: RowKey?
        for entry in found {
            // Envelopes may have a thousand recipients.
            if turn.recipientsLeft <= 0 { break }
            last = entry.next
            if entry.number <= work.row.last, holdRestored(entry.number, work.row, &turn) { work.heldInPass += 1 }
        }
        if let last {
            work.next = last
        } else if !found.isEmpty {
            // Nothing was left of this turn; the next one begins here.
        } else if work.heldInPass > 0 {
            work.next = RowKey()
            work.heldInPass = 0
        } else {
            work.row.phase = .held
            turn.rows.put(.meta, RestorationRow.key, work.row.encoded())
            turn.effects.append(
                .notice(
                    Notice(
                        .alarm,
                        "restored from a copy: what waited in it is held until it was compared with the neighbours' ledgers",
                        kind: .storeRestored)))
            reopenLanes()
        }
        restoration = work
    }

    private mutating func holdRestored(_ number: UInt64, _ mark: RestorationRow, _ turn: inout Turn) -> Bool {
        guard var row = envelope(number, &turn) else { return false }
        var isChanged = false
        for index in row.recipients.indices where row.recipients[index].state.isQueued {
            unqueue(row, index, turn.rows)
            move(&row, index, to: .held, mark.time)
            row.recipients[index].since = mark.time
            row.recipients[index].heldBecause = "held: the store was restored from a copy"
            row.recipients[index].lastAnswer = "held: the store was restored from a copy"
            isChanged = true
        }
        guard isChanged else { return false }
        LookupIndex.park(row, turn.rows)
        turn.recipientsLeft -= row.recipients.count
        settle(&row, &turn)
        return true
    }

    /// The operator has compared: what is still held goes its way.
    mutating func restoredReleased(_ ticket: Ticket, _ deed: Deed, _ turn: inout Turn) {
        guard var work = restoration, work.row.phase == .held || work.row.phase == .released else {
            turn.effects.append(.answerRestore(ticket: ticket, nil))
            return
        }
        work.row.phase = .releasing
        work.nextNumber = 0
        restoration = work
        turn.rows.put(.meta, RestorationRow.key, work.row.encoded())
        audit(deed, &turn)
        turn.effects.append(.answerRestore(ticket: ticket, EvidenceCounts()))
    }

    mutating func releaseRestored(_ turn: inout Turn) {
        guard var work = restoration, work.row.phase == .releasing else { return }
        var numbers: [UInt64] = []
        Keys.envelope(work.nextNumber).withBytes { raw in
            turn.rows.scan(.envelope, from: raw) { key, _ in
                let number = key.number(at: 0)
                guard number <= work.row.last, numbers.count < Restoration.rowsPerTurn else { return false }
                numbers.append(number)
                return true
            }
        }
        var last: UInt64?
        for number in numbers {
            if turn.recipientsLeft <= 0 { break }
            last = number
            releaseRestored(number, work.row, &turn)
        }
        if let last {
            work.nextNumber = last + 1
        } else if numbers.isEmpty {
            work.row.phase = .released
            for agency in spools.order { spools[agency]?.offer(0) }
            turn.rows.put(.meta, RestorationRow.key, work.row.encoded())
            turn.effects.append(
                .notice(Notice(.notice, "what was held since the restore has been released", kind: .restoreReleased)))
        }
        restoration = work
    }

    private mutating func releaseRestored(_ number: UInt64, _ mark: RestorationRow, _ turn: inout Turn) {
        guard var row = envelope(number, &turn) else { return }
        var isChanged = false
        for index in row.recipients.indices where mark.holds(row.recipients[index], of: number) {
            isChanged = true
            row.recipients[index].due = turn.now.relay
            row.recipients[index].refusedBy = []
            row.recipients[index].lastAnswer = ""
            switch destiny(of: row.recipients[index], in: row) {
            case .home:
                row.recipients[index].routeClass = 0
                move(&row, index, to: .waiting, turn.now.relay)
                // What is not whole waits for its rest, without a queue row.
                guard row.isComplete else { continue }
                if row.isInPieces, row.document != nil {
                    enqueue(row, index, &turn)
                } else {
                    arrive(&row, index, &turn)
                }
            case .away(let hops):
                setClass(&row, index, hops: hops, &turn)
                move(&row, index, to: .waiting, turn.now.relay)
                enqueue(row, index, &turn)
            case .nowhere:
                keepWay(&row, index, &turn)
                move(&row, index, to: .waiting, turn.now.relay)
                enqueue(row, index, &turn)
            }
        }
        guard isChanged else { return }
        turn.recipientsLeft -= row.recipients.count
        LookupIndex.park(row, turn.rows)
        settle(&row, &turn)
    }

    /// Ends what others prove to have: held copies that a neighbour has taken, and documents in inboxes that the agency has had.
    mutating func restoredCompared(_ ticket: Ticket, _ deed: Deed, _ evidence: [Evidence], _ turn: inout Turn) {
        guard var mark = restoration?.row, mark.phase == .held || mark.phase == .released else {
            turn.effects.append(.answerRestore(ticket: ticket, nil))
            return
        }
        if !mark.isCompared {
            mark.isCompared = true
            restoration?.row = mark
            turn.rows.put(.meta, RestorationRow.key, mark.encoded())
        }
        var counts = EvidenceCounts()
        var bytes: UInt64 = 0
        for item in evidence {
            var numbers: [UInt64] = []
            let prefix = Keys.bundle(item.bundle)
            turn.rows.scan(.bundle, prefix: prefix) { key, _ in
                if key.count == prefix.bytes.count + 8 { numbers.append(key.number(at: key.count - 8)) }
                return numbers.count < 100
            }
            var isUsed = false
            for number in numbers where number <= mark.last {
                guard let length = apply(item, to: number, mark, &turn) else { continue }
                bytes = bytes.addingSaturating(length)
                isUsed = true
                switch item.fact {
                case .taken: counts.forwarded += 1
                case .delivered: counts.delivered += 1
                }
            }
            if !isUsed { counts.skipped += 1 }
        }
        if counts.forwarded + counts.delivered > 0 {
            var deed = deed
            deed.count = UInt64(counts.forwarded + counts.delivered)
            deed.bytes = bytes
            deed.outcome = "ended: \(counts.forwarded) as forwarded, \(counts.delivered) as delivered"
            audit(deed, &turn)
        }
        turn.effects.append(.answerRestore(ticket: ticket, counts))
    }

    /// The octets of what one piece of evidence has ended; nil when it ends nothing.
    private mutating func apply(
        _ item: Evidence, to number: UInt64, _ mark: RestorationRow, _ turn: inout Turn
    ) -> UInt64? {
        guard var row = envelope(number, &turn), row.isComplete,
            let index = row.recipients.firstIndex(where: { $0.name == item.recipient })
        else { return nil }
        switch item.fact {
        case .taken(let peer):
            guard mark.mayBeGone(row.recipients[index], of: number) else { return nil }
            row.recipients[index].peer = peer
            end(&row, index, .forwarded, .none, &turn)
            ledger.forwarded(peer, row, 1)
        case .delivered:
            guard mark.mayRepeat(row.recipients[index], of: number) else { return nil }
            // The submitter knows it already.
            end(&row, index, .delivered, .none, &turn, isReported: false)
        }
        settle(&row, &turn)
        return row.payloadLength
    }
}
