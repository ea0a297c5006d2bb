// DeedSteps: what a deed does to one envelope and some of its recipients. Custody is never changed behind a link's back: a recipient that
// is on a link is passed over, and one that may be with a peer already (in doubt) is neither ended nor sent anew under another name.
// Counters, indexes and queue rows change with the envelope's row.

import RelayModel
import RelayRows
import Trap

/// A deed on a set, as it is judged pair by pair: by the preview that promises, and by the job that does.
public struct DeedCase: Sendable {
    public var verb: DeedVerb
    /// Whom to reroute to.
    public var target: NodeID?
    /// What a lifetime or an urgency is set to.
    public var setting: DeedSetting
    public var selector: Selector
    /// When the set was fixed.
    public var fixed: RelayTime
    /// What a restored store holds.
    public var restoration: RestorationRow?
    /// Nobody has asked the links yet what they can give back.
    public var isPreview: Bool

    public init(
        verb: DeedVerb, target: NodeID?, setting: DeedSetting = .none, selector: Selector, fixed: RelayTime,
        restoration: RestorationRow?, isPreview: Bool = false
    ) {
        self.isPreview = isPreview
        self.verb = verb
        self.target = target
        self.setting = setting
        self.selector = selector
        self.fixed = fixed
        self.restoration = restoration
    }
}

extension RelayCore {
    /// Pieces of giants that one turn may copy for resubmissions.
    private static let piecesPerTurn = 2_048

    /// Does the job's deed to these pairs of its set, envelope by envelope; answers how many were looked at.
    mutating func perform(
        job: inout JobRow, _ selector: Selector, _ pairs: [PairName], _ undo: inout UndoRow, _ turn: inout Turn
    ) -> Int {
        var context = selectorContext(now: job.created.relay, withActive: false)
        var selector = selector
        // What it waits for is what counts, not which of its hops is up at this moment; and the set has named its envelopes.
        // What is on a link, and stays there, is passed over as that; the rest waits.
        if selector.states.contains(.active) { selector.states.formUnion([.waiting, .deferred]) }
        if let peer = selector.peer { selector.peer = PeerChoice(node: peer.node, isAnyHop: true) }
        selector.numbers = nil
        selector.withRecords = true
        context.active = [:]
        let deed = DeedCase(
            verb: job.verb, target: job.target, setting: job.setting, selector: selector, fixed: job.created.relay,
            restoration: restoration?.row)
        var taken = 0
        var pieces = 0
        while taken < pairs.count, pieces < Self.piecesPerTurn {
            let number = pairs[taken].number
            let group = pairs[taken...].prefix { $0.number == number }
            taken += group.count
            guard var row = envelope(number, &turn) else {
                job.skip(.gone, group.count)
                continue
            }
            var fit: [Int] = []
            for pair in group {
                let index = Int(pair.index)
                guard index < row.recipients.count, !row.recipients[index].state.isEnd else {
                    job.skip(.gone)
                    continue
                }
                let onLinks = active[number]?.onLinks ?? []
                if let cause = obstacle(deed, row, index, onLinks, context, turn.now.relay) {
                    job.skip(cause)
                } else {
                    fit.append(index)
                }
            }
            if fit.isEmpty { continue }
            if job.verb == .resubmit || job.verb.isSetting {
                if row.isInPieces { pieces += Int(clamping: row.payloadLength / PieceRange.grid) }
                if job.verb == .resubmit { resubmit(&row, fit, &job, &turn) } else { set(&row, fit, &job, &turn) }
            } else {
                for index in fit { step(&row, index, &job, &undo, &turn) }
                LookupIndex.park(row, turn.rows)
                settle(&row, &turn)
            }
        }
        return taken
    }

    /// Why the deed cannot be done to this recipient; nil when it can. The preview asks as the job does, or it would promise what the
    /// job passes over. `onLinks`: what of its envelope is on links.
    func obstacle(
        _ deed: DeedCase, _ row: EnvelopeRow, _ index: Int, _ onLinks: [OnLink], _ context: SelectorContext,
        _ now: RelayTime
    ) -> SkipCause? {
        let verb = deed.verb
        let recipient = row.recipients[index]
        // What is half-received can be ended, and nothing else: its room is an operator's to take back.
        if !row.isComplete, verb != .expire, verb != .delete { return .incoming }
        // Of a report of this node nobody would be told; records of others are their nodes' to make again.
        if verb.isEnd, row.kind == .administrative, row.origin == nil { return .record }
        let isAskedFor = deed.isPreview && verb.recalls
        if !isAskedFor, onLinks.contains(where: { $0.recipients.contains(index) }) { return .onLink }
        if verb == .resubmit, !onLinks.isEmpty { return .onLink }
        guard verb.applies(to: recipient.state) else { return verb == .resubmit ? .notExpired : .changed }
        guard deed.selector.matches(envelope: row, context), deed.selector.matches(row, recipient: index, context)
        else { return .changed }
        if verb.isEnd, doubt(row, index, now: now) != nil { return .inDoubt }
        switch verb {
        case .release:
            if deed.restoration?.holds(recipient, of: row.number) ?? false { return .restored }
            if !recipient.hasArrived, !canBeReleased(row) { return .noWay }
            // It was to go on; that it ends instead, for good, is for the operator to say.
            if isEndedByRelease(row, index, now: now), row.expiry > deed.fixed { return .outlived }
        case .reroute:
            if deed.target.flatMap({ wayBy($0, row, index) }) == nil { return .noWay }
        case .resubmit:
            // Under another name nobody would know that the agency has had it.
            // As its release, this wants the books of all neighbours.
            if let mark = deed.restoration, mark.phase != .released, mark.holds(recipient, of: row.number),
                !mark.uncompared(configuration.peers.filter(\.isEdoc).map(\.node)).isEmpty
            {
                return .restored
            }
            if row.kind != .document || row.origin != nil || row.bundle.source != node.endpoint { return .notAtHome }
            if row.expiry > now { return .notExpired }
            guard let agency = AgencyCode(recipient.name) else { return .noWay }
            if case .nowhere = destiny(of: agency, avoiding: [], origin: nil) { return .noWay }
        case .lifetime, .urgency:
            return obstacleToSetting(deed, row, index, isOnLinks: !onLinks.isEmpty, now)
        case .requeue:
            if case .nowhere = destiny(of: recipient, in: row) { return .noWay }
        default: break
        }
        return nil
    }

    /// Would it end as expired if it were let go?
    func isEndedByRelease(_ row: EnvelopeRow, _ index: Int, now: RelayTime) -> Bool {
        row.expiry <= now && !row.recipients[index].hasArrived && !clockJudge.isDoubted
    }

    /// The next hops of a recipient that is to go by this peer first; nil when it cannot.
    private func wayBy(_ peer: NodeID, _ row: EnvelopeRow, _ index: Int) -> [NodeID]? {
        var recipient = row.recipients[index]
        recipient.via = peer
        guard case .away(let hops) = destiny(of: recipient, in: row), hops.first == peer else { return nil }
        return hops
    }

    private mutating func step(
        _ row: inout EnvelopeRow, _ index: Int, _ job: inout JobRow, _ undo: inout UndoRow, _ turn: inout Turn
    ) {
        let before = row.recipients[index]
        let entry = UndoRow.Entry(
            pair: PairName(number: row.number, index: UInt32(index)), state: before.state, via: before.via,
            since: before.since)
        let now = turn.now.relay
        switch job.verb {
        case .hold:
            park(&row, index, .held, now, turn.rows)
            // Stands in every recipient; the job has the whole of it.
            let why = job.reason.isEmpty ? "" : ": " + String(job.reason.prefix(40))
            row.recipients[index].heldBecause = "held by \(job.login), job \(job.number)\(why)"
            undo.entries.append(entry)
        case .delete:
            park(&row, index, .deleting, now, turn.rows)
            undo.entries.append(entry)
        case .release:
            if isEndedByRelease(row, index, now: now) { job.ended += 1 }
            release(&row, index, &turn)
        case .expire:
            if before.state.isQueued { unqueue(row, index, turn.rows) }
            row.recipients[index].lastAnswer = "expired by \(job.login): \(job.reason)"
            // RFC 9171, 9.5: by whose will it ended is to be told from a lifetime that was over.
            end(&row, index, .expired, .transmissionCancelled, &turn)
        case .retry:
            unqueue(row, index, turn.rows)
            row.recipients[index].due = now
            move(&row, index, to: .waiting, now)
            enqueue(row, index, &turn)
            askAgain(hops(ofClass: before.routeClass), now)
        case .requeue:
            row.recipients[index].via = nil
            sendAnew(&row, index, &turn)
        case .reroute:
            guard let target = job.target, let hops = wayBy(target, row, index) else { return job.skip(.noWay) }
            row.recipients[index].via = target
            if before.state == .held {
                setClass(&row, index, hops: hops, &turn)
            } else {
                sendAnew(&row, index, &turn)
            }
            undo.entries.append(entry)
        case .resubmit, .suspend, .resume, .lifetime, .urgency: trap("\(job.verb) is no deed on one recipient")
        }
        job.done += 1
        job.doneBytes = job.doneBytes.addingSaturating(row.payloadLength)
    }

    /// Takes a recipient out of the queue.
    private mutating func park(
        _ row: inout EnvelopeRow, _ index: Int, _ state: RecipientState, _ now: RelayTime, _ rows: any RowTransaction
    ) {
        if row.recipients[index].state.isQueued { unqueue(row, index, rows) }
        move(&row, index, to: state, now)
    }

    /// Puts a recipient on its way again, by the routes of today. What has outlived its lifetime meanwhile ends as expired.
    mutating func release(_ row: inout EnvelopeRow, _ index: Int, _ turn: inout Turn) {
        let now = turn.now.relay
        if row.recipients[index].hasArrived {
            // Its lifetime has stopped, it is remembered and reported: it only lies in its inbox again.
            row.recipients[index].hasArrived = false
            return lieInInbox(&row, index, &turn)
        }
        if isEndedByRelease(row, index, now: now) { return end(&row, index, .expired, .lifetimeExpired, &turn) }
        if row.expiry <= now {
            // The deadline was met while it was held; the clock is believed again some day.
            turn.rows.put(.deadline, Keys.deadline(now + .minutes(10), number: row.number))
        }
        let isDeferred = row.recipients[index].due > now && row.recipients[index].attempts > 0
        move(&row, index, to: isDeferred ? .deferred : .waiting, now)
        switch destiny(of: row.recipients[index], in: row) {
        case .home: comeHome(&row, index, &turn)
        case .away(let hops):
            setClass(&row, index, hops: hops, &turn)
            enqueue(row, index, &turn)
        case .nowhere:
            keepWay(&row, index, &turn)
            enqueue(row, index, &turn)
        }
    }

    /// A queued recipient begins again: at once, by the routes of today, with nothing held against any hop.
    private mutating func sendAnew(_ row: inout EnvelopeRow, _ index: Int, _ turn: inout Turn) {
        unqueue(row, index, turn.rows)
        row.recipients[index].refusedBy = []
        row.recipients[index].refusedSince = .zero
        row.recipients[index].due = turn.now.relay
        move(&row, index, to: .waiting, turn.now.relay)
        switch destiny(of: row.recipients[index], in: row) {
        case .home: comeHome(&row, index, &turn)
        case .away(let hops):
            setClass(&row, index, hops: hops, &turn)
            enqueue(row, index, &turn)
        case .nowhere:
            keepWay(&row, index, &turn)
            enqueue(row, index, &turn)
        }
    }

    /// Peers that are left alone for a while are asked at once.
    private mutating func askAgain(_ hops: [NodeID], _ now: RelayTime) {
        for hop in hops {
            guard let state = peers[hop] else { continue }
            endPause(hop)
            if state.dialDue > now { peers.change(hop) { $0.dialDue = now } }
        }
    }

    // MARK: Undoing

    /// Undoes one batch, counted in the job. What has been changed by somebody else meanwhile stays as it is, and what has outlived
    /// its lifetime ends by no undoing: it stays held, for an operator to release or to resubmit.
    mutating func restore(_ job: inout JobRow, _ undo: UndoRow, _ turn: inout Turn) {
        for entry in undo.entries {
            guard var row = envelope(entry.pair.number, &turn) else { continue }
            let index = Int(entry.pair.index)
            guard index < row.recipients.count, isAsLeft(row.recipients[index], job, undo.time),
                !isOnLink(row.number, index)
            else { continue }
            switch job.verb {
            case .reroute:
                row.recipients[index].via = entry.via
                if row.recipients[index].state.isQueued {
                    sendAnew(&row, index, &turn)
                } else if case .away(let hops) = destiny(of: row.recipients[index], in: row) {
                    setClass(&row, index, hops: hops, &turn)
                }
            case .delete where !entry.state.isQueued:
                move(&row, index, to: entry.state, turn.now.relay)
                // By this it is known what has been held since a restore (RestorationRow).
                if let since = entry.since { row.recipients[index].since = since }
            case .hold where isEndedByRelease(row, index, now: turn.now.relay):
                job.leftHeld += 1
                continue
            case .delete where isEndedByRelease(row, index, now: turn.now.relay):
                move(&row, index, to: .held, turn.now.relay)
                row.recipients[index].heldBecause =
                    "held: its lifetime ended while it was deleted by \(job.login), job \(job.number)"
                job.leftHeld += 1
                job.undone += 1
                LookupIndex.park(row, turn.rows)
                settle(&row, &turn)
                continue
            default: release(&row, index, &turn)
            }
            LookupIndex.park(row, turn.rows)
            settle(&row, &turn)
            job.undone += 1
        }
    }

    private func isOnLink(_ number: UInt64, _ index: Int) -> Bool {
        active[number]?.copies.contains { $0.recipients.contains(index) } ?? false
    }

    /// Is this recipient still as the job has left it?
    private func isAsLeft(_ recipient: RecipientRow, _ job: JobRow, _ time: RelayTime) -> Bool {
        switch job.verb {
        case .hold: recipient.state == .held && recipient.since == time
        case .delete: recipient.state == .deleting && recipient.since == time
        case .reroute: !recipient.state.isEnd && recipient.via == job.target
        default: false
        }
    }

    /// The time for undoing is over.
    mutating func endDeleted(_ job: inout JobRow, _ undo: UndoRow, _ turn: inout Turn) {
        for entry in undo.entries {
            guard var row = envelope(entry.pair.number, &turn) else { continue }
            let index = Int(entry.pair.index)
            guard index < row.recipients.count, isAsLeft(row.recipients[index], job, undo.time) else { continue }
            row.recipients[index].lastAnswer = "deleted by \(job.login): \(job.reason)"
            end(&row, index, .deleted, .transmissionCancelled, &turn)
            settle(&row, &turn)
            job.ended += 1
        }
    }
}

extension JobRow {
    mutating func skip(_ cause: SkipCause, _ count: Int = 1) { skipped[cause.rawValue, default: 0] += UInt64(count) }
}
