// Suspensions: peers that are given nothing, and agencies whose envelopes wait, until a time or until resumed. Durable; few, and kept
// in memory. A suspended peer is not live: its classes are drawn from by the next hop in their lists, and nobody dials it; what it hands
// over is taken as ever. What waits for a suspended agency stands under route classes that nobody draws from; the pass over the queue
// that follows a reload puts it there, and back again.

import RelayModel
import RelayRouting
import RelayRows

struct Suspensions {
    private(set) var rows: [SuspensionRow] = []

    static let max = 1_000

    mutating func load(_ reader: any RowReader) { rows = SuspensionRow.all(reader) }

    mutating func set(_ row: SuspensionRow) {
        rows.removeAll { $0.subject == row.subject }
        rows.append(row)
    }

    mutating func remove(_ subject: SuspensionSubject) { rows.removeAll { $0.subject == subject } }

    subscript(subject: SuspensionSubject) -> SuspensionRow? { rows.first { $0.subject == subject } }

    func of(_ peer: NodeID) -> SuspensionRow? { self[.peer(peer)] }

    /// The suspension that an agency falls under; of several the one that ends last.
    func of(agency name: String) -> SuspensionRow? {
        if rows.isEmpty { return nil }
        return all(agency: name).last
    }

    /// All that an agency falls under, the one that ends last behind the others.
    func all(agency name: String) -> [SuspensionRow] {
        rows.filter { $0.subject.covers(agency: name) }.sorted { $0.until < $1.until }
    }

    /// The first time at which one ends.
    var due: RelayTime? { rows.lazy.map(\.until).filter { $0 != .never }.min() }
}

extension Selector {
    /// Of `--peer` or `--to` alone; nil for any other selector.
    public var suspensionSubject: SuspensionSubject? {
        var rest = self
        rest.peer = nil
        rest.to = nil
        guard rest == Selector() else { return nil }
        switch (peer, to) {
        case (let peer?, nil): return .peer(peer.node)
        case (nil, .agency(let code)): return .agency(code)
        case (nil, .subtree(let code)): return .subtree(code)
        default: return nil
        }
    }
}

extension RelayCore {
    public var suspensionRows: [SuspensionRow] { suspensions.rows }

    /// Applies a job that suspends or resumes; a sentence when it cannot be done.
    mutating func changeSuspension(_ job: inout JobRow, _ caller: Operator, _ turn: inout Turn) -> String? {
        guard let subject = Selector(record: job.selector)?.suspensionSubject else {
            return "the selector of job \(job.number) names no peer and no agency"
        }
        if job.verb == .resume {
            guard suspensions[subject] != nil else { return "\(subject.text) is not suspended" }
            resume(subject, &turn)
        } else {
            let before = suspensions[subject]
            guard before != nil || suspensions.rows.count < Suspensions.max else {
                return "\(Suspensions.max) suspensions are in force; resume some first"
            }
            let until: RelayTime = job.span == .zero ? .never : turn.now.relay + job.span
            let row = SuspensionRow(
                subject: subject, since: turn.now, until: until, uid: caller.uid, login: caller.login,
                reason: job.reason, job: job.number)
            job.replaced = before?.encoded() ?? []
            put(row, &turn)
            job.undoUntil = turn.now.relay + limits.undoWindow
            jobs.windows.append((job.undoUntil, job.number))
        }
        job.done = job.count
        job.doneBytes = job.bytes
        return nil
    }

    /// Undoes a suspension, if it is still the one that the job began; a sentence when it is not. The one in whose place it stood is
    /// in force again, unless its time is over.
    mutating func endSuspension(of job: inout JobRow, _ turn: inout Turn) -> String? {
        guard let row = suspensions.rows.first(where: { $0.job == job.number }) else {
            guard let subject = Selector(record: job.selector)?.suspensionSubject, let other = suspensions[subject]
            else { return "nothing is left to undo: the suspension of job \(job.number) has ended" }
            return "nothing is left to undo: \(subject.text) is suspended by job \(other.job) now"
        }
        let before = job.replaced.withUnsafeBytes { SuspensionRow(record: $0) }
        if let before, before.until > turn.now.relay {
            put(before, &turn)
        } else {
            resume(row.subject, &turn)
        }
        job.undone = job.done
        return nil
    }

    private mutating func put(_ row: SuspensionRow, _ turn: inout Turn) {
        turn.rows.put(.suspension, row.subject.key, row.encoded())
        suspensions.set(row)
        suspensionsChanged(row.subject, &turn)
    }

    private mutating func resume(_ subject: SuspensionSubject, _ turn: inout Turn) {
        turn.rows.delete(.suspension, subject.key)
        suspensions.remove(subject)
        suspensionsChanged(subject, &turn)
    }

    /// Those whose time is over end.
    mutating func suspensionsDue(_ turn: inout Turn) {
        guard let due = suspensions.due, due <= turn.now.relay else { return }
        for row in suspensions.rows where row.until <= turn.now.relay {
            noteDeed(Deed(.itself, "resume", row.subject.text, reason: "the time of its suspension is over"), &turn)
            resume(row.subject, &turn)
        }
    }

    private mutating func suspensionsChanged(_ subject: SuspensionSubject, _ turn: inout Turn) {
        switch subject {
        case .peer(let node):
            markSuspendedPeers()
            if suspensions.of(node) != nil {
                releaseIdleStreams(of: node, &turn)
            } else {
                peers.change(node) { $0.dialDue = turn.now.relay }
            }
            noteLinks(&turn)
            reopenLanes()
        case .agency, .subtree:
            sweep = RouteSweep()
            // As after a reload: a pass that is cut off is begun again.
            turn.rows.setNumber(.meta, "routesDigest", 0)
            reopenLanes()
        }
    }

    /// After a start, a reload or a change.
    mutating func markSuspendedPeers() {
        for position in peers.states.indices {
            peers.states[position].isSuspended = suspensions.of(peers.states[position].peer.node) != nil
        }
    }

    /// A giant that has nothing on the link goes another way.
    private mutating func releaseIdleStreams(of node: NodeID, _ turn: inout Turn) {
        for session in peers.look(node, { $0.sessions }) ?? [] {
            for number in sessions.look(session, { $0.streams }) ?? [] {
                let copy = active[number]?.copies.first { $0.session == session }
                if copy?.flights.isEmpty == true { releaseStream(number, session: session, &turn) }
            }
        }
    }

    /// The class of a recipient with these next hops.
    mutating func routeClass(for hops: [NodeID], _ name: String, _ rows: any RowTransaction) -> UInt32 {
        routeClass(for: hops, isSuspended: suspensions.of(agency: name) != nil, rows)
    }
}
