// Restoration: what a node does with a store that was brought back from a copy. The copy is of the past: what waits in it may have been
// sent since, and what lies in an inbox may have been taken. So nothing is sent, and nothing expires, before all that waited is held; new
// envelopes go on as ever under a new incarnation. Held ones end when a neighbour proves to have them, and the rest is released.
//
// What was here in part has lost the pieces that came after the copy, and the node that sent them believes them to be here. It ends, and
// pieces that would go on where the old store left off are refused: whoever still has the document then sends all of it anew.
//
// Work is done in bounded turns and begun again after a restart: what is held already has no queue row, and what is released is not held.

import RelayModel
import RelayRows

/// Where the work stands, in memory.
struct Restoration {
    var row: RestorationRow
    /// The pass over all envelopes of the copy: nil when it is over.
    var nextHeld: UInt64? = 0
    /// The pass over the queues, which follows it.
    var next = RowKey()
    var heldInPass = 0
    var nextNumber: UInt64 = 0
    /// What others have of it, in the order in which it came.
    var comparisons: [OpenComparison] = []

    var isHolding: Bool { row.phase == .holding }
    var isBusy: Bool { row.phase == .holding || row.phase == .releasing || !comparisons.isEmpty }
    static let rowsPerTurn = 512
    /// Rows looked at by a glance.
    static let glancesPerTurn = 4_096
}

extension RelayCore {
    /// Nothing is sent, ended or checked while this is true.
    var isHoldingRestored: Bool { restoration?.isHolding ?? false }

    /// In the transaction that builds the core. A mark that no daemon has seen: an entry of the operator log.
    mutating func loadRestoration(_ turn: inout Turn) {
        guard var row = RestorationRow.read(turn.rows) else { return }
        if row.phase == .brought, !isOffline {
            drawOutcomeEpoch(&turn)
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
            stopJobsOfCopy(&turn)
            cancelDrainOfCopy(&turn)
        }
        restoration = Restoration(row: row)
    }

    /// The node was being emptied when the copy was made. What it holds now is not to be overlooked for want of a daemon.
    private mutating func cancelDrainOfCopy(_ turn: inout Turn) {
        guard drain != nil else { return }
        turn.rows.delete(.meta, Keys.meta(DrainRow.name))
        drain = nil
        hasDrained = false
        noteDeed(
            Deed(.itself, "cancel drain", "node \(node.name)", reason: "the store was restored from a copy"), &turn)
        turn.effects.append(
            .notice(
                Notice(
                    .alarm,
                    "the copy was made while the node was being drained; the drain is cancelled, for what is held needs the daemon",
                    kind: .storeRestored)))
    }

    /// What operators had begun when the copy was made they have not begun on this store: nothing of it goes on by itself.
    private mutating func stopJobsOfCopy(_ turn: inout Turn) {
        for number in jobs.previews { drop(preview: number, turn.rows) }
        for number in jobs.busy {
            guard var job = JobRow.read(number, turn.rows) else { continue }
            finishJob(
                &job, .cancelled, &turn,
                outcome: "cancelled, for the store was restored from a copy: \(job.done) of \(job.count) done")
        }
        jobs.busy = []
    }

    /// Holds what waited in the copy, a bounded number of rows a turn: first by a pass over its envelopes, for not all that waits has a
    /// queue row. A reload may put rows into the queues meanwhile: the work is over when a whole pass over those finds none.
    mutating func holdRestored(_ turn: inout Turn) {
        guard var work = restoration, work.isHolding else { return }
        if let start = work.nextHeld {
            let (numbers, end) = unsettled(from: start, upTo: work.row.last, turn.rows)
            work.nextHeld = end
            for number in numbers {
                guard turn.recipientsLeft > 0 else {
                    work.nextHeld = number
                    break
                }
                if holdRestored(number, &work.row, &turn) { work.heldInPass += 1 }
            }
            restoration = work
            return
        }
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
            if entry.number <= work.row.last, holdRestored(entry.number, &work.row, &turn) { work.heldInPass += 1 }
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
            if work.row.lostInPart > 0 {
                turn.effects.append(
                    .notice(
                        Notice(
                            .alarm,
                            "documents that were in the copy in part, and ended: \(work.row.lostInPart). A node that still has one sends "
                                + "it anew; the others are in edocctl restore list --state in-part: their senders hand them in again",
                            kind: .restoredInPart)))
            }
            reopenLanes()
        }
        restoration = work
    }

    /// Envelopes of the copy that wait, are being deleted or are not whole, and where to look on; nil at the end.
    private func unsettled(
        from start: UInt64, upTo last: UInt64, _ rows: any RowReader
    ) -> (numbers: [UInt64], next: UInt64?) {
        var numbers: [UInt64] = []
        var next: UInt64?
        var looked = 0
        Keys.envelope(start).withBytes { raw in
            rows.scan(.envelope, from: raw) { key, value in
                let number = key.number(at: 0)
                guard number <= last else { return false }
                guard looked < Restoration.glancesPerTurn, numbers.count < Restoration.rowsPerTurn else {
                    next = number
                    return false
                }
                looked += 1
                // A record that cannot be read is set aside by whoever reads it.
                guard let glance = EnvelopeGlance(number: number, record: value) else { return true }
                if glance.hasRecipient(where: { _, state in state.isQueued || state == .deleting || state == .held }) {
                    numbers.append(number)
                }
                return true
            }
        }
        return (numbers, next)
    }

    private mutating func holdRestored(_ number: UInt64, _ mark: inout RestorationRow, _ turn: inout Turn) -> Bool {
        guard var row = envelope(number, &turn) else { return false }
        if !row.isComplete {
            loseInPart(&row, &turn)
            mark.lostInPart += 1
            turn.rows.put(.meta, RestorationRow.key, mark.encoded())
            return true
        }
        var isChanged = false
        for index in row.recipients.indices where row.recipients[index].state == .deleting {
            // Whether it is still to go is its operator's to say once more. It is not what the release of the restore means.
            let since = row.recipients[index].since
            move(&row, index, to: .held, mark.time)
            row.recipients[index].since = since
            row.recipients[index].heldBecause =
                "held: it was being deleted when the copy was made; delete it once more, or release it"
            isChanged = true
        }
        // The copy was of a store that was itself restored, and not yet released: that restore's holding goes on as this one's.
        for index in row.recipients.indices where mark.heldFormerly(row.recipients[index], of: number) {
            row.recipients[index].since = mark.time
            isChanged = true
        }
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

    /// Ends what is here in part. It was never accepted, so nothing of it is in the books; the history names it.
    private mutating func loseInPart(_ row: inout EnvelopeRow, _ turn: inout Turn) {
        turn.recipientsLeft -= row.recipients.count
        for index in row.recipients.indices where !row.recipients[index].state.isEnd {
            row.recipients[index].lastAnswer =
                "here in part when the copy was made; its other pieces were lost with the old store"
            if row.recipients[index].state.isQueued { unqueue(row, index, turn.rows) }
            end(&row, index, .deleted, .lostInPart, &turn, isReported: false)
            turn.rows.put(
                .history, Keys.history(turn.now.relay, number: row.number, index: index),
                HistoryRow(envelope: row, recipient: row.recipients[index], ended: turn.now.wall).encoded())
        }
        LookupIndex.park(row, turn.rows)
        settle(&row, &turn)
    }

    /// True for a piece in the middle of a document of which nothing is here, from before the restore: its sender believes that the
    /// pieces before it are here. Foreign nodes cut where they like, and need not begin anew.
    func mayLackPieces(_ offer: Offer, _ now: ClockReading) -> Bool {
        guard let mark = restoration?.row, mark.phase != .brought, offer.document != nil, let piece = offer.piece,
            piece.offset > 0
        else { return false }
        let wall = now.wall.milliseconds
        let age = offer.age?.count ?? 0
        let created = offer.bundle.creationTime > 0 ? offer.bundle.creationTime : wall - min(age, wall)
        // Clocks differ, and a document that begins with its first piece is never asked.
        return created < mark.wall.milliseconds.addingSaturating(Milliseconds.days(1).count)
    }

    /// The operator has compared: what is still held goes its way.
    mutating func restoredReleased(_ ticket: Ticket, _ deed: Deed, _ turn: inout Turn) {
        guard var work = restoration, work.row.phase == .held || work.row.phase == .released,
            work.comparisons.isEmpty
        else {
            turn.effects.append(.answerRestore(ticket: ticket, nil))
            return
        }
        work.row.phase = .releasing
        (work.row.letGo, work.row.letGoBytes, work.row.endedByRelease) = (0, 0, 0)
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
            releaseRestored(number, &work.row, &turn)
        }
        if let last {
            work.nextNumber = last + 1
        } else if numbers.isEmpty {
            work.row.phase = .released
            var deed = Deed(.itself, "restore released", "restored store")
            deed.count = work.row.letGo
            deed.bytes = work.row.letGoBytes
            deed.outcome = "done; ended as expired: \(work.row.endedByRelease)"
            noteDeed(deed, &turn)
            for agency in spools.order { spools[agency]?.offer(0) }
            turn.rows.put(.meta, RestorationRow.key, work.row.encoded())
            turn.effects.append(
                .notice(Notice(.notice, "what was held since the restore has been released", kind: .restoreReleased)))
        }
        restoration = work
    }

    private mutating func releaseRestored(_ number: UInt64, _ mark: inout RestorationRow, _ turn: inout Turn) {
        guard var row = envelope(number, &turn) else { return }
        var isChanged = false
        for index in row.recipients.indices where mark.holds(row.recipients[index], of: number) {
            isChanged = true
            mark.letGo += 1
            mark.letGoBytes = mark.letGoBytes.addingSaturating(row.payloadLength)
            if isEndedByRelease(row, index, now: turn.now.relay) { mark.endedByRelease += 1 }
            row.recipients[index].due = turn.now.relay
            row.recipients[index].refusedBy = []
            row.recipients[index].lastAnswer = ""
            // What has outlived its lifetime meanwhile ends as expired, and its submitter hears of it.
            release(&row, index, &turn)
        }
        guard isChanged else { return }
        turn.rows.put(.meta, RestorationRow.key, mark.encoded())
        turn.recipientsLeft -= row.recipients.count
        LookupIndex.park(row, turn.rows)
        settle(&row, &turn)
    }
}
