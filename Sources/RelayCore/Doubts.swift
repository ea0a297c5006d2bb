// Doubts: what was sent whole and not answered when its session ended may be on the other side's disk. It is offered to the same
// peer first, and to another hop only after `in_doubt_wait`, or two nodes would both have it. Each doubt is a row, so that a
// restart forgets none; and since a crash leaves no time to write which transfers were under way, the peers that had sessions are
// noted beforehand, and after a crash all that was in the store is treated as if it had been sent to the one it was bound for.
//
// Bounded by the windows of the sessions. An unreadable row is a doubt that is forgotten: the price is a duplicate on a link.

import RelayModel
import RelayRows

/// The doubts of one node.
struct Doubts {
    private(set) var rows: [UInt64: DoubtRow] = [:]
    /// The peers that had sessions when the process before this one ended without ending them.
    private(set) var upBefore: [NodeID] = []
    private(set) var started: RelayTime = .zero

    mutating func load(_ reader: any RowReader, now: RelayTime) {
        reader.scan(.doubt, prefix: RowKey()) { key, value in
            if key.count == 8, let row = DoubtRow(record: value) { rows[key.number(at: 0)] = row }
            return true
        }
        started = now
        guard let raw = reader.value(.meta, Self.upKey), var row = RowCursor(raw) else { return }
        for _ in 0..<row.count() { if let node = row.node() { upBefore.append(node) } }
    }

    mutating func note(_ number: UInt64, _ row: DoubtRow, _ transaction: any RowTransaction) {
        rows[number] = row
        transaction.put(.doubt, RowKey(number), row.encoded())
    }

    mutating func settle(_ number: UInt64, _ transaction: any RowTransaction) {
        guard rows.removeValue(forKey: number) != nil else { return }
        transaction.delete(.doubt, RowKey(number))
    }

    mutating func drop(until now: RelayTime, _ transaction: any RowTransaction) {
        for number in rows.keys.sorted() where rows[number]!.until <= now { settle(number, transaction) }
    }

    func count(at peer: NodeID) -> Int { rows.values.count { $0.peer == peer } }

    private static let upKey = Keys.meta("peersUp")

    /// Written whenever a link comes up or goes down.
    static func write(up nodes: [NodeID], _ transaction: any RowTransaction) {
        var out = RowWriter(capacity: 64)
        out.number(UInt64(nodes.count))
        for node in nodes { out.node(node) }
        transaction.put(.meta, upKey, out.record())
    }
}

extension RelayCore {
    mutating func doubt(_ number: UInt64, peer: NodeID, urgency: Urgency, _ turn: inout Turn) {
        doubts.note(number, DoubtRow(peer: peer, until: turn.now.relay + doubtWait(urgency)), turn.rows)
    }

    private func doubtWait(_ urgency: Urgency) -> Milliseconds {
        urgency >= .urgent ? limits.inDoubtWaitUrgent : limits.inDoubtWait
    }

    /// The doubt about an envelope that is in force; nil when any hop may be asked.
    func doubt(about number: UInt64, routeClass: UInt32, urgency: Urgency, now: RelayTime) -> DoubtRow? {
        if let row = doubts.rows[number] { return row.until > now ? row : nil }
        // The crash: was it on the link that was its best one then?
        guard number < firstNumber, !doubts.upBefore.isEmpty else { return nil }
        let until = doubts.started + doubtWait(urgency)
        guard until > now, let peer = classes.hops[routeClass]?.first(where: doubts.upBefore.contains) else {
            return nil
        }
        return DoubtRow(peer: peer, until: until)
    }

    /// Until when this envelope must not be offered to a peer, because another one may have it.
    func isInDoubtElsewhere(_ key: QueueKey, _ node: NodeID, now: RelayTime) -> RelayTime? {
        guard let doubt = doubt(about: key.number, routeClass: key.routeClass, urgency: key.urgency, now: now),
            doubt.peer != node
        else { return nil }
        return doubt.until
    }

    func noteLinks(_ rows: any RowTransaction) {
        Doubts.write(up: peers.states.filter(\.isUp).map(\.peer.node), rows)
    }
}
