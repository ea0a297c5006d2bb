// DeedSteps: what a deed does to one envelope and some of its recipients. Custody is never changed behind a link's back: a recipient that
// is on a link is passed over, and one that may be with a peer already (in doubt) is neither ended nor sent anew under another name.
// Counters, indexes and queue rows change with the envelope's row.

import RelayModel
import RelayRows

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
        if let peer = selector.peer { selector.peer = PeerChoice(node: peer.node, isAnyHop: true) }
        selector.numbers = nil
        selector.withRecords = true
        context.active = [:]
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
                if let cause = obstacle(job.verb, selector, row, index, context, turn.now.relay) {
                    job.skip(cause)
                } else {
                    fit.append(index)
                }
            }
            if fit.isEmpty { continue }
            if job.verb == .resubmit {
                if row.isInPieces { pieces += Int(clamping: row.payloadLength / PieceRange.grid) }
                resubmit(&row, fit, &job, &turn)
            } else {
                for index in fit { step(&row, index, &job, &undo, &turn) }
                LookupIndex.park(row, turn.rows)
                settle(&row, &turn)
            }
        }
        return taken
    }

    /// Why the deed cannot be done to this recipient; nil when it can.
    private func obstacle(
        _ verb: DeedVerb, _ selector: Selector, _ row: EnvelopeRow, _ index: Int, _ context: SelectorContext,
        _ now: RelayTime
    ) -> SkipCause? {
        let state = row.recipients[index].state
        if !row.isComplete { return .incoming }
        if verb.isEnd, row.kind == .administrative { return .record }
        let copies = active[row.number]?.copies ?? []
        if copies.contains(where: { $0.recipients.contains(index) }) { return .onLink }
        if verb == .resubmit, !copies.isEmpty { return .onLink }
        guard verb.applies(to: state) else { return verb == .resubmit ? .notExpired : .changed }
        guard selector.matches(envelope: row, context), selector.matches(row, recipient: index, context) else {
            return .changed
        }
        if verb == .release, restoration?.row.holds(row.recipients[index], of: row.number) ?? false { return .restored }
        if verb.isEnd, doubt(row, index, now: now) != nil {
            return .inDoubt
        }
        if verb == .resubmit {
            if row.kind != .document || row.origin != nil || row.bundle.source != node.endpoint { return .notAtHome }
            if row.expiry > now { return .notExpired }
        }
        return nil
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
        case .release: release(&row, index, &turn)
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
            row.recipients[index].via = job.target
            guard case .away(let hops) = destiny(of: row.recipients[index], in: row), hops.first == job.target else {
                row.recipients[index].via = before.via
                return job.skip(.noWay)
            }
            if before.state == .held {
                setClass(&row, index, hops: hops, &turn)
            } else {
                sendAnew(&row, index, &turn)
            }
            undo.entries.append(entry)
        case .resubmit, .suspend, .resume: preconditionFailure("\(job.verb) is no deed on one recipient")
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
        if row.expiry <= now {
            if !clockJudge.isDoubted { return end(&row, index, .expired, .lifetimeExpired, &turn) }
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
        case .nowhere: enqueue(row, index, &turn)
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
        case .nowhere: enqueue(row, index, &turn)
        }
    }

    /// Peers that are left alone for a while are asked at once.
    private mutating func askAgain(_ hops: [NodeID], _ now: RelayTime) {
        for hop in hops {
            guard let state = peers[hop] else { continue }
            if state.pausedUntil != .zero || state.dialDue > now {
                peers.change(hop) {
                    $0.pausedUntil = .zero
                    $0.dialDue = now
                }
            }
        }
    }

    // MARK: Undoing

    /// Undoes one batch; answers for how many recipients. What has been changed by somebody else meanwhile stays as it is.
    mutating func restore(_ job: JobRow, _ undo: UndoRow, _ turn: inout Turn) -> UInt64 {
        var count: UInt64 = 0
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
            default: release(&row, index, &turn)
            }
            LookupIndex.park(row, turn.rows)
            settle(&row, &turn)
            count += 1
        }
        return count
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
    mutating func endDeleted(_ job: JobRow, _ undo: UndoRow, _ turn: inout Turn) {
        for entry in undo.entries {
            guard var row = envelope(entry.pair.number, &turn) else { continue }
            let index = Int(entry.pair.index)
            guard index < row.recipients.count, isAsLeft(row.recipients[index], job, undo.time) else { continue }
            row.recipients[index].lastAnswer = "deleted by \(job.login): \(job.reason)"
            end(&row, index, .deleted, .transmissionCancelled, &turn)
            settle(&row, &turn)
        }
    }
}

extension JobRow {
    mutating func skip(_ cause: SkipCause, _ count: Int = 1) { skipped[cause.rawValue, default: 0] += UInt64(count) }
}
