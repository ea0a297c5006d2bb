// Doubts: what was sent whole and not answered when its session ended may be on the other side's disk. It is offered to the same
// peer first, and to another hop only after `in_doubt_wait`, or two nodes would both have it. A doubt is about one copy: other
// recipients of the envelope go their way. Each is a row, so that a restart forgets none; and since a crash leaves no time to write
// which transfers were under way, the peers that have sessions are noted beforehand, and after a crash all that was in the store is
// treated as if it had been sent to the one it was bound for.
//
// Bounded by the windows of the sessions. An unreadable row is a doubt that is forgotten: the price is a duplicate on a link.

import RelayModel
import RelayRows

/// The doubts of one node.
struct Doubts {
    /// By envelope: one for each peer that may have a copy.
    private(set) var rows: [UInt64: [DoubtRow]] = [:]
    /// The peers that had sessions when the process before this one ended without ending them.
    private(set) var upBefore: [NodeID] = []
    private(set) var started: RelayTime = .zero
    /// What stands in the store of the peers that have sessions.
    private var written: [NodeID] = []

    mutating func load(_ reader: any RowReader, now: RelayTime) {
        reader.scan(.doubt, prefix: RowKey()) { key, value in
            if key.count > 8, let row = DoubtRow(record: value) { rows[key.number(at: 0), default: []].append(row) }
            return true
        }
        started = now
        guard let raw = reader.value(.meta, Self.upKey), var row = RowCursor(raw) else { return }
        for _ in 0..<row.count() { if let node = row.node() { upBefore.append(node) } }
        written = upBefore
    }

    mutating func note(_ number: UInt64, _ row: DoubtRow, now: RelayTime, _ transaction: any RowTransaction) {
        var list = rows[number] ?? []
        var row = row
        // An earlier copy for others may be there as well.
        if let place = list.firstIndex(where: { $0.peer == row.peer }) {
            let known = list.remove(at: place)
            if known.until > now {
                row.recipients += known.recipients.filter { !row.recipients.contains($0) }
                row.until = max(row.until, known.until)
            }
        }
        list.append(row)
        rows[number] = list
        transaction.put(.doubt, Keys.doubt(number, row.peer), row.encoded())
    }

    /// The peer has answered for these recipients. What it was sent before for others may still be there.
    mutating func settle(
        _ number: UInt64, at peer: NodeID, for recipients: [Int], _ transaction: any RowTransaction
    ) {
        guard let place = rows[number]?.firstIndex(where: { $0.peer == peer }) else { return }
        rows[number]?[place].recipients.removeAll { recipients.contains(Int($0)) }
        guard let left = rows[number]?[place], !left.recipients.isEmpty else {
            return settle(number, at: peer, transaction)
        }
        transaction.put(.doubt, Keys.doubt(number, peer), left.encoded())
    }

    /// The doubts at a peer are over; nil: every one of the envelope.
    mutating func settle(_ number: UInt64, at peer: NodeID? = nil, _ transaction: any RowTransaction) {
        guard var list = rows[number] else { return }
        for row in list where peer == nil || row.peer == peer {
            transaction.delete(.doubt, Keys.doubt(number, row.peer))
        }
        list.removeAll { peer == nil || $0.peer == peer }
        rows[number] = list.isEmpty ? nil : list
    }

    mutating func drop(until now: RelayTime, _ transaction: any RowTransaction) {
        for number in rows.keys.sorted() {
            for row in rows[number] ?? [] where row.until <= now { settle(number, at: row.peer, transaction) }
        }
    }

    func count(at peer: NodeID) -> Int { rows.values.reduce(0) { $0 + $1.count { $0.peer == peer } } }

    private static let upKey = Keys.meta("peersUp")

    /// Written whenever a link comes up or goes down, and when what was up before the start counts no more.
    mutating func note(up nodes: [NodeID], _ transaction: any RowTransaction) {
        guard nodes != written else { return }
        written = nodes
        var out = RowWriter(capacity: 64)
        out.number(UInt64(nodes.count))
        for node in nodes { out.node(node) }
        transaction.put(.meta, Self.upKey, out.record())
    }

    mutating func forgetBefore() { upBefore = [] }
}

extension RelayCore {
    /// `since`: when it fell silent, or ended.
    mutating func doubt(_ dispatch: DispatchState, since: RelayTime, _ turn: inout Turn) {
        let recipients = active[dispatch.number]?.copies.first { $0.order == dispatch.copy }?.recipients ?? []
        doubts.note(
            dispatch.number,
            DoubtRow(
                peer: dispatch.peer, until: since + doubtWait(dispatch.urgency),
                recipients: recipients.map { UInt64($0) }), now: turn.now.relay, turn.rows)
        // The doubt will be forgotten; that this name is out stays.
        guard var row = active[dispatch.number]?.row, row.former != nil, row.origin == nil else { return }
        row.note("sent, and not answered", of: dispatch.peer, for: recipients, turn.now.wall)
        save(row, turn.rows)
    }

    func doubtWait(_ urgency: Urgency) -> Milliseconds {
        urgency >= .urgent ? limits.inDoubtWaitUrgent : limits.inDoubtWait
    }

    /// The doubt about one recipient's copy that is in force; nil when any hop may be asked.
    func doubt(_ row: EnvelopeRow, _ index: Int, now: RelayTime) -> DoubtRow? {
        for doubt in doubts.rows[row.number] ?? [] where doubt.until > now && doubt.recipients.contains(UInt64(index)) {
            return doubt
        }
        if let doubt = row.recipients[index].crashDoubt { return doubt.until > now ? doubt : nil }
        return crashDoubt(row, index, now: now)
    }

    /// The crash: was it on the link that was its best one then? Not if that one has said no.
    private func crashDoubt(_ row: EnvelopeRow, _ index: Int, now: RelayTime) -> DoubtRow? {
        guard row.number < firstNumber, !doubts.upBefore.isEmpty else { return nil }
        let until = doubts.started + doubtWait(row.urgency)
        guard until > now, let hops = classes.hops[row.recipients[index].routeClass],
            let peer = hops.first(where: doubts.upBefore.contains),
            !row.recipients[index].refusedBy.contains(peer)
        else { return nil }
        return DoubtRow(peer: peer, until: until)
    }

    /// Its next hops are about to change: which one may have it from before the crash can no longer be told from them.
    mutating func keepCrashDoubt(_ row: inout EnvelopeRow, _ index: Int, now: RelayTime) {
        if let doubt = row.recipients[index].crashDoubt {
            if doubt.until <= now || row.recipients[index].refusedBy.contains(doubt.peer) {
                row.recipients[index].crashDoubt = nil
            }
        } else {
            row.recipients[index].crashDoubt = crashDoubt(row, index, now: now)
        }
    }

    /// Until when a recipient's copy must not be offered to a peer, because another one may have it.
    func isInDoubtElsewhere(_ row: EnvelopeRow, _ index: Int, _ node: NodeID, now: RelayTime) -> RelayTime? {
        if has(.doubtIgnored) { return nil }
        guard let doubt = doubt(row, index, now: now), doubt.peer != node else { return nil }
        return doubt.until
    }

    /// The links have changed. What was up at a crash stays noted for as long as it counts: a second crash must not forget it.
    mutating func noteLinks(_ turn: inout Turn) {
        if turn.now.relay >= doubts.started + limits.inDoubtWait { doubts.forgetBefore() }
        let up = peers.states.filter { mayHoldUnanswered($0) || doubts.upBefore.contains($0.peer.node) }.map(
            \.peer.node)
        doubts.note(up: up, turn.rows)
    }

    /// What is suspended gets nothing; what it had been sent before may still be unanswered.
    private func mayHoldUnanswered(_ state: PeerState) -> Bool {
        guard state.isUp else { return false }
        return !state.isSuspended || state.sessions.contains { sessions[$0]?.inFlight.isEmpty == false }
    }
}
