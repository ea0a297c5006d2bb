// RestoredComparison: what other nodes' books prove of a store that was brought back: held copies that a neighbour has taken end as
// forwarded, and what lies in an inbox and the agency has had ends as delivered. One request's evidence is worked off in bounded batches, in
// turns with the traffic, and answered with exact counts when the last has been decided. What was decided before a restart stays; a
// request that got no answer is made again, and finds nothing to do where it has been.

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
    /// When, by the neighbour's clock; nil when that is not known.
    public var time: WallTime?

    public init(bundle: BundleID, recipient: String, fact: Fact, time: WallTime? = nil) {
        self.bundle = bundle
        self.recipient = recipient
        self.fact = fact
        self.time = time
    }
}

/// One portion of a comparison.
public struct Comparison: Sendable, Hashable {
    public var evidence: [Evidence]
    /// Nodes whose books have come to their end with this portion.
    public var nodes: [NodeID]
    /// Nothing follows: it is entered in the operator log even when it ends nothing.
    public var isLast: Bool

    public init(evidence: [Evidence], nodes: [NodeID] = [], isLast: Bool = true) {
        self.evidence = evidence
        self.nodes = nodes
        self.isLast = isLast
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

/// A portion that is being worked off.
struct OpenComparison {
    var ticket: Ticket
    var deed: Deed
    var comparison: Comparison
    var next = 0
    var counts = EvidenceCounts()
    var bytes: UInt64 = 0

    static let evidencePerTurn = 128
}

extension RelayCore {
    /// Copies of one envelope that a piece of evidence may mean.
    private static let copiesMax = 100

    mutating func restoredCompared(
        _ ticket: Ticket, _ deed: Deed, _ comparison: Comparison, _ turn: inout Turn
    ) {
        guard let phase = restoration?.row.phase, phase == .held || phase == .released else {
            turn.effects.append(.answerRestore(ticket: ticket, nil))
            return
        }
        restoration?.comparisons.append(OpenComparison(ticket: ticket, deed: deed, comparison: comparison))
    }

    /// Some pieces of evidence of the oldest portion.
    mutating func compareRestored(_ turn: inout Turn) {
        guard let mark = restoration?.row, var work = restoration?.comparisons.first else { return }
        let evidence = work.comparison.evidence
        let end = min(work.next + OpenComparison.evidencePerTurn, evidence.count)
        while work.next < end, turn.recipientsLeft > 0, turn.removalsLeft > 0 {
            weigh(evidence[work.next], mark, &work, &turn)
            work.next += 1
        }
        guard work.next == evidence.count else {
            restoration?.comparisons[0] = work
            return
        }
        restoration?.comparisons.removeFirst()
        close(work, &turn)
    }

    /// A portion is through: who has been compared is written down, and what it has ended.
    private mutating func close(_ work: OpenComparison, _ turn: inout Turn) {
        if var mark = restoration?.row {
            for node in work.comparison.nodes where !mark.compared.contains(node) { mark.compared.append(node) }
            if mark != restoration?.row {
                restoration?.row = mark
                turn.rows.put(.meta, RestorationRow.key, mark.encoded())
            }
        }
        let counts = work.counts
        if counts.forwarded + counts.delivered > 0 || work.comparison.isLast {
            var deed = work.deed
            deed.count = UInt64(counts.forwarded + counts.delivered)
            deed.bytes = work.bytes
            let nodes = work.comparison.nodes.map(\.name).joined(separator: ", ")
            deed.outcome =
                nodes.isEmpty
                ? "ended: \(counts.forwarded) as forwarded, \(counts.delivered) as delivered"
                : "ended: \(counts.forwarded) as forwarded, \(counts.delivered) as delivered; whole books of \(nodes)"
            audit(deed, &turn)
        }
        turn.effects.append(.answerRestore(ticket: work.ticket, counts))
    }

    private mutating func weigh(
        _ item: Evidence, _ mark: RestorationRow, _ work: inout OpenComparison, _ turn: inout Turn
    ) {
        var numbers: [UInt64] = []
        let prefix = Keys.bundle(item.bundle)
        turn.rows.scan(.bundle, prefix: prefix) { key, _ in
            if key.count == prefix.bytes.count + 8 { numbers.append(key.number(at: key.count - 8)) }
            return numbers.count < Self.copiesMax
        }
        var isUsed = false
        for number in numbers where number <= mark.last {
            guard let length = apply(item, to: number, mark, &turn) else { continue }
            work.bytes = work.bytes.addingSaturating(length)
            isUsed = true
            switch item.fact {
            case .taken: work.counts.forwarded += 1
            case .delivered: work.counts.delivered += 1
            }
        }
        if numbers.isEmpty, case .taken(let peer) = item.fact { expectUnknown(item, peer, &turn) }
        if !isUsed { work.counts.skipped += 1 }
    }

    /// A neighbour has taken it of this node, and this store does not know it: it was handed in after the copy was made. From now on what
    /// is reported of it is believed, kept, and shown.
    private mutating func expectUnknown(_ item: Evidence, _ peer: NodeID, _ turn: inout Turn) {
        guard item.bundle.source == node.endpoint, let code = AgencyCode(item.recipient),
            Outcomes.state(item.bundle, code, turn.rows) == nil, turn.rows.count(.outcome) < historyRowsMax(turn.room)
        else { return }
        let about = OutcomeSubject(
            bundle: item.bundle, recipient: code, number: 0, urgency: .normal, sender: "", documentID: "")
        var row = OutcomeRow(about, accepted: turn.now.relay, wall: item.time ?? turn.now.wall)
        row.reporter = peer
        turn.rows.put(.outcome, Keys.outcome(isBad: false, item.bundle, code), row.encoded())
        turn.recipientsLeft -= 1
    }

    /// The octets of what one piece of evidence has ended; nil when it ends nothing.
    private mutating func apply(
        _ item: Evidence, to number: UInt64, _ mark: RestorationRow, _ turn: inout Turn
    ) -> UInt64? {
        guard var row = envelope(number, &turn), row.isComplete,
            let index = row.recipients.firstIndex(where: { $0.name == item.recipient })
        else { return nil }
        turn.recipientsLeft -= row.recipients.count
        switch item.fact {
        case .taken(let peer):
            guard mark.mayBeGone(row.recipients[index], of: number),
                item.time.map({ !row.hasReturned(from: peer, after: $0) }) ?? true
            else { return nil }
            row.recipients[index].peer = peer
            end(&row, index, .forwarded, .none, &turn)
            ledger.forwarded(peer, row, 1)
        case .delivered:
            guard mark.mayRepeat(row.recipients[index], of: number) else { return nil }
            leaveSpool(row.recipients[index], number, &turn)
            // The submitter knows it already.
            end(&row, index, .delivered, .none, &turn, isReported: false)
        }
        settle(&row, &turn)
        return row.payloadLength
    }
}
