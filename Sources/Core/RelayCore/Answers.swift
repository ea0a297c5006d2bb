// Answers: what a peer's answer to a transfer means for custody, and what becomes of an envelope that was not taken.

import RelayModel
import RelayRows
import Trap

extension RelayCore {
    mutating func answered(_ ticket: Ticket, _ answer: Answer, _ turn: inout Turn) {
        guard let dispatch = dispatches[ticket] else { return }
        if answer != .returned, answer != .unreadable, answer != .tooLarge { heardAnswer(dispatch) }
        switch answer {
        case .acknowledged: taken(ticket, dispatch, &turn)
        case .refused(.completed): taken(ticket, dispatch, &turn)
        case .unreadable:
            returnToQueue(ticket, &turn)
            damaged.insert(dispatch.number)
        case .refused(.noResources): pause(ticket, dispatch, &turn)
        case .refused(.notAcceptable), .refused(.extensionFailure): refused(ticket, dispatch, &turn)
        case .refused(.numberTaken): numberTaken(ticket, dispatch, &turn)
        case .refused(.sessionTerminating):
            sessionEnding(dispatch.session, turn.now.relay)
            returnToQueue(ticket, &turn)
        case .refused(.retransmit):
            let until = active[dispatch.number].flatMap { shareRefused(dispatch, $0.row, turn.now.relay) }
            retryLater(ticket, dispatch, why: "asked to retransmit", isAnew: true, until: until, &turn)
        case .refused(.unknown): retryLater(ticket, dispatch, why: "asked to retransmit", isAnew: false, &turn)
        case .returned: returnToQueue(ticket, &turn)
        case .tooLarge: refused(ticket, dispatch, why: Self.beyondMRU, &turn)
        }
        lateRows.writeLeft(turn.rows)
    }

    static let beyondMRU = "larger than the peer's transfer MRU"

    /// Takes a transfer off the books of its session; answers the copy it belonged to.
    mutating func land(_ ticket: Ticket) -> (DispatchState, Int)? {
        guard let dispatch = dispatches.removeValue(forKey: ticket) else { return nil }
        if let place = sessions.index(forKey: dispatch.session) { sessions.values[place].landed(ticket, dispatch) }
        guard let place = active.index(forKey: dispatch.number),
            let position = active.values[place].landed(dispatch)
        else { return nil }
        return (dispatch, position)
    }

    /// The next hop has it on disk.
    private mutating func taken(_ ticket: Ticket, _ dispatch: DispatchState, _ turn: inout Turn) {
        guard let (_, position) = land(ticket), let row = active[dispatch.number]?.row else { return }
        shareHasRoom(dispatch, row)
        resourcesTaken(dispatch, row)
        hopTimes.answered(decided: dispatch.decided, now: turn.now.relay)
        if let piece = dispatch.piece {
            if row.kind == .foreign { statusForwarded(row, piece, &turn) }
            if !pieceTaken(piece, dispatch, position, &turn) { return }
        } else {
            statusForwarded(row, nil, &turn)
        }
        handedOn(dispatch, position, &turn)
    }

    /// A copy is at its next hop, whole.
    private mutating func handedOn(_ dispatch: DispatchState, _ position: Int, _ turn: inout Turn) {
        // Out of the active set: what changes in place copies no list of a thousand recipients.
        guard var entry = active.removeValue(forKey: dispatch.number) else { return }
        let recipients = entry.copies[position].recipients
        doubts.settle(dispatch.number, at: dispatch.peer, for: recipients, turn.rows)
        // A lone fragment: handed on for good, and like all that is not whole never counted as accepted.
        let isWhole = entry.row.isComplete
        if let slot = entry.copies[position].marksSlot { entry.row.sentMarks[slot].peer = nil }
        for index in recipients {
            if has(.expiresOnLink), entry.row.recipients[index].state.isEnd { continue }
            unqueue(entry.row, index, turn.rows)
            entry.row.recipients[index].peer = dispatch.peer
            end(&entry.row, index, .forwarded, .none, &turn)
        }
        if isWhole { ledger.forwarded(dispatch.peer, entry.row, recipients.count) }
        if isWhole, entry.row.kind != .administrative {
            hopTimes.forwarded(urgency: entry.row.urgency, accepted: entry.row.arrival, now: turn.now.relay)
        }
        closeCopy(of: &entry, dispatch.session)
        if entry.copies.isEmpty || entry.row.isEnded {
            settle(&entry.row, &turn)
        } else {
            // More answers are to come: its row is written once, behind those of this batch.
            lateRows.changed(dispatch.number)
        }
        if !entry.copies.isEmpty { active[dispatch.number] = entry }
    }

    /// Marks one piece as sent; true when the peer now has them all.
    private mutating func pieceTaken(
        _ piece: PieceRow, _ dispatch: DispatchState, _ position: Int, _ turn: inout Turn
    ) -> Bool {
        guard var copy = active[dispatch.number]?.copies[position] else { return false }
        if copy.sent.insert(piece.offset).inserted { copy.sentBytes += piece.length }
        active.change(dispatch.number) { $0.copies[position] = copy }
        let key = Keys.piece(dispatch.number, offset: piece.offset)
        if let slot = copy.marksSlot, let raw = turn.rows.value(.piece, key),
            var stored = PieceRow(offset: piece.offset, record: raw)
        {
            stored.mark(slot, isSent: true)
            turn.rows.put(.piece, key, stored.encoded())
        }
        guard let row = active[dispatch.number]?.row else { return false }
        if copy.sentBytes >= row.payloadLength { return true }
        // Others' fragments go each its own way, and what is not here may never come: once the next hop has all that is here, it is over
        // for this node. What comes later begins anew.
        guard row.kind == .foreign, !row.isComplete, copy.flights.isEmpty else { return false }
        return pieces(of: row.number, turn.rows).allSatisfy { copy.sent.contains($0.offset) }
    }

    /// Removes the queue row of a recipient, unless another one still waits under the same row.
    func unqueue(_ row: EnvelopeRow, _ index: Int, _ rows: any RowTransaction) {
        let key = queueKey(row, index)
        // From the next one on: whoever ends many in their order finds a companion at once.
        for other in [index + 1..<row.recipients.count, 0..<index].joined() where row.recipients[other].state.isQueued {
            if row.recipients[other].routeClass == key.routeClass, row.recipients[other].due == key.due { return }
        }
        rows.delete(.queue, key.key)
    }

    /// The copy of an envelope on a session is over; the envelope leaves the active set with its last copy.
    mutating func closeCopy(_ number: UInt64, _ session: Ticket) {
        guard var entry = active.removeValue(forKey: number) else { return }
        closeCopy(of: &entry, session)
        if entry.copies.isEmpty { lateRows.left(entry.row) } else { active[number] = entry }
    }

    /// The same of one that has been taken out of the active set; where other copies are left, it goes back.
    private mutating func closeCopy(of entry: inout ActiveEnvelope, _ session: Ticket) {
        let number = entry.row.number
        let before = entry.copies.count
        for place in entry.copies.indices.reversed() where entry.copies[place].session == session {
            let peer = entry.copies[place].peer
            forgetProbe(number, peer)
            probeEnded(entry.row, peer)
            entry.copies.remove(at: place)
        }
        if let place = sessions.index(forKey: session) {
            sessions.values[place].copies -= before - entry.copies.count
            sessions.values[place].streams.removeAll { $0 == number }
        }
        let hasPassedOver = entry.hasPassedOver
        entry.hasPassedOver = false
        activeChanges.append(number)
        if hasPassedOver { reopen(entry.row, Array(entry.row.recipients.indices)) }
    }

    /// The transfer did not happen: its recipients wait again, at their old place, at no cost in writes or attempts.
    mutating func returnToQueue(_ ticket: Ticket, _ turn: inout Turn) {
        guard let (dispatch, position) = land(ticket), let entry = active[dispatch.number] else { return }
        // A piece comes back and its copy stays: it finds out nothing any more.
        forgetProbe(dispatch.number, dispatch.peer)
        if dispatch.piece != nil, sessions[dispatch.session] != nil {
            let offset = dispatch.piece?.offset ?? 0
            active.change(dispatch.number) {
                $0.copies[position].nextOffset = min(entry.copies[position].nextOffset, offset)
            }
            if isUsable(dispatch.session) { return }
            guard active[dispatch.number]?.copies[position].flights.isEmpty == true else { return }
        } else if dispatch.piece != nil {
            // The session is gone; its stream is released as a whole.
            return
        }
        let copy = entry.copies[position]
        closeCopy(dispatch.number, dispatch.session)
        waitAgain(entry.row, copy.recipients, dispatch.peer, turn.now.relay)
    }

    /// A session's giant goes back to the queue; pieces that the peer has stay marked.
    mutating func releaseStream(_ number: UInt64, session: Ticket, _ turn: inout Turn) {
        guard let entry = active[number], let copy = entry.copies.first(where: { $0.session == session }) else {
            return
        }
        closeCopy(number, session)
        reopen(entry.row, copy.recipients)
    }

    mutating func reopen(_ row: EnvelopeRow, _ recipients: [Int]) {
        for index in recipients where row.recipients[index].state.isQueued {
            offer(queueKey(row, index))
        }
    }

    /// *Retransmit*: once more to the same hop, after a backoff of the envelope. `isAnew`: with its first piece, as the hop may have let
    /// go what it had. `until`: the hop's share is used up, and this one is the next probe.
    private mutating func retryLater(
        _ ticket: Ticket, _ dispatch: DispatchState, why: String, isAnew: Bool, until: RelayTime? = nil,
        _ turn: inout Turn
    ) {
        guard let (_, position) = land(ticket), let entry = active[dispatch.number] else { return }
        // Answers to other pieces of the copy are still to come; they find no copy and change nothing.
        let copy = entry.copies[position]
        closeCopy(dispatch.number, dispatch.session)
        var row = entry.row
        if isAnew, let slot = copy.marksSlot { row.sentMarks[slot].peer = nil }
        row.note(why, of: dispatch.peer, for: copy.recipients, turn.now.wall)
        let due = until ?? nextDue(row, copy.recipients, turn.now.relay)
        for index in copy.recipients {
            unqueue(row, index, turn.rows)
            deferRecipient(&row, index, until: due, &turn)
        }
        save(row, turn.rows)
    }

    /// *Not Acceptable*: the next route; when all have said so, deferred, and refused only after the grace.
    mutating func refused(
        _ ticket: Ticket, _ dispatch: DispatchState, why: String = "not acceptable", _ turn: inout Turn
    ) {
        guard let (_, position) = land(ticket), let entry = active[dispatch.number] else { return }
        let copy = entry.copies[position]
        // Answers to its other pieces are still to come; they find no copy and change nothing.
        closeCopy(dispatch.number, dispatch.session)
        var row = entry.row
        // What it had of a copy that it refuses it may have thrown away.
        if let slot = copy.marksSlot { row.sentMarks[slot].peer = nil }
        row.note(why, of: dispatch.peer, for: copy.recipients, turn.now.wall)
        if why != Self.beyondMRU { ledger.count(.refusedByPeer(dispatch.peer)) }
        saidNo(&row, copy.recipients, dispatch.peer, &turn)
        settle(&row, &turn)
    }

    /// For so long at most a copy is deferred that one hop has refused while another is down.
    private static let unaskedBackoffMax = Milliseconds.minutes(2)

    /// A hop that cannot take a copy as it is, known before it is asked.
    mutating func refuseLocally(
        _ row: EnvelopeRow, _ recipients: [Int], peer: NodeID, why: String, _ turn: inout Turn
    ) {
        var row = row
        row.note(why, of: peer, for: recipients, turn.now.wall)
        saidNo(&row, recipients, peer, &turn)
        settle(&row, &turn)
    }

    private mutating func saidNo(_ row: inout EnvelopeRow, _ recipients: [Int], _ peer: NodeID, _ turn: inout Turn) {
        let now = turn.now.relay
        let due = nextDue(row, recipients, now)
        var hasNewHop = false
        var isDeferred = false
        var isNews = false
        // What is not whole has not been accepted, so it cannot be refused either. Nobody is told of a refused record: one of this node
        // is kept until it expires; those of others are not sent again and again for as long as their senders say.
        let isOthersRecord = row.kind == .administrative && row.origin != nil
        let canEnd = row.isComplete && (row.kind != .administrative || isOthersRecord)
        for index in recipients {
            unqueue(row, index, turn.rows)
            row.recipients[index].peer = peer
            if !row.recipients[index].refusedBy.contains(peer) { row.recipients[index].refusedBy.append(peer) }
            // The grace is for a hop that keeps saying no; a no of long ago, before links were down, is not held against it.
            let wasAskedLately = now.since(row.recipients[index].due).count <= limits.refusalGrace.count / 2
            if row.recipients[index].refusedSince == .zero || !wasAskedLately {
                row.recipients[index].refusedSince = now
            }
            let saidNo = row.recipients[index].refusedBy
            let isGraceOver = now.since(row.recipients[index].refusedSince) >= limits.refusalGrace
            let way = destiny(of: row.recipients[index], in: row)
            if way == .home {
                comeHome(&row, index, &turn)
                continue
            }
            guard case .away(let hops) = way else {
                // The directory or the routes have lost it; they may find it again before the grace is over.
                if canEnd, isGraceOver {
                    end(&row, index, .refused, .noKnownRoute, &turn)
                } else {
                    deferRecipient(&row, index, until: due, &turn)
                    markRefused(&row, index, true)
                    isDeferred = true
                    if now.since(row.recipients[index].refusedSince) <= .minutes(1) { isNews = true }
                }
                continue
            }
            let left = hops.filter { !saidNo.contains($0) }
            if left.contains(where: {
                isLive($0, bytes: row.payloadLength, number: row.number)
                    || isExpectedBack($0, urgency: row.urgency, now: now)
            }) {
                // Those who said no come last: they are asked again if the others die.
                setClass(&row, index, hops: left + hops.filter(saidNo.contains), &turn)
                row.recipients[index].attempts += 1
                row.recipients[index].due = now
                move(&row, index, to: .waiting, now)
                enqueue(row, index, &turn)
                hasNewHop = true
            } else if left.isEmpty, isGraceOver, canEnd {
                end(&row, index, .refused, isOfTheFuture(row, turn) ? .clockWasAhead : .refusedByNextHop, &turn)
            } else {
                if left.isEmpty { row.recipients[index].refusedBy = [] }
                // The hops that a record has come back from may have found another way by then.
                if left.isEmpty, row.kind == .administrative {
                    renameRecord(&row, &turn)
                    row.path = Array(row.path.suffix(1))
                }
                if case .away(let all) = destiny(of: row.recipients[index], in: row) {
                    setClass(&row, index, hops: all, &turn)
                }
                // Alarmed at once, but not at every later round, nor while a hop has not been asked.
                if left.isEmpty, now.since(row.recipients[index].refusedSince) <= .minutes(1) { isNews = true }
                // The hop that has not been asked may come up any moment, and would find it deferred for an hour.
                let soon = now + Self.unaskedBackoffMax
                let again = isOthersRecord ? max(due, now + Milliseconds(limits.refusalGrace.count / 4)) : due
                deferRecipient(&row, index, until: left.isEmpty ? again : min(due, soon), &turn)
                markRefused(&row, index, left.isEmpty)
                isDeferred = true
            }
        }
        if renameOfTheFuture(&row, recipients, &turn) { return }
        if isDeferred, isNews, !hasNewHop {
            turn.effects.append(
                .notice(
                    Notice(
                        .alarm,
                        "refused by every next hop: \(recipients.first.map { row.recipients[$0].lastAnswer } ?? "")"
                            + (isOfTheFuture(row, turn)
                                ? "; its time is of the future: the sender's clock was ahead" : ""),
                        peer: peer, envelope: row.bundle,
                        kind: .refusedEverywhere)))
        }
    }

    /// What was handed in here while this node's clock was ahead, and every hop refuses as made in the future, goes on under a name
    /// without a time, as records do: its age tells the rest. Once; true when it was done. Also while this node doubts its clock: setting it
    /// right is a step, which is doubted until a neighbour's word comes, and of its own document a name without a time is never wrong.
    private mutating func renameOfTheFuture(
        _ row: inout EnvelopeRow, _ recipients: [Int], _ turn: inout Turn
    ) -> Bool {
        guard row.kind == .document, row.origin == nil, row.isComplete, row.former == nil,
            isAhead(row, of: turn.now.wall), active[row.number] == nil
        else { return false }
        let refused = recipients.filter { index in
            row.recipients[index].state == .deferred && row.recipients[index].isRefusedEverywhere
                && doubt(row, index, now: turn.now.relay) == nil
        }
        guard !refused.isEmpty else { return false }
        rename(&row, refused, &turn, isTimeless: true)
        return true
    }

    /// Made while the clock of its source was ahead; that others refuse it is no matter of the ways. Where this node doubts its own
    /// clock, it cannot say so.
    private func isOfTheFuture(_ row: EnvelopeRow, _ turn: Turn) -> Bool {
        !clockJudge.isDoubted && isAhead(row, of: turn.now.wall)
    }

    private func isAhead(_ row: EnvelopeRow, of wall: WallTime) -> Bool {
        row.bundle.creationTime > wall.milliseconds.addingSaturating(limits.clockDisagreementMax.count)
    }

    /// A node whose clock is ahead does not know it before others tell, and older nodes refuse its records meanwhile. One that every
    /// hop has refused gets a name without a time.
    private mutating func renameRecord(_ row: inout EnvelopeRow, _ turn: inout Turn) {
        guard row.kind == .administrative, row.origin == nil, row.bundle.creationTime > 0 else { return }
        turn.rows.delete(.bundle, Keys.bundle(row.bundle, number: row.number))
        row.bundle = takeBundleID(&turn)
        row.bundle.creationTime = 0
        turn.rows.put(.bundle, Keys.bundle(row.bundle, number: row.number))
        label(row, turn.rows)
    }

    /// When the recipients of a copy that was not taken are tried again: one time for all, or each would go as a copy of its own.
    private mutating func nextDue(_ row: EnvelopeRow, _ recipients: [Int], _ now: RelayTime) -> RelayTime {
        let attempts = recipients.map { row.recipients[$0].attempts }.max() ?? 0
        let backoff = Backoff(minimum: limits.envelopeBackoffMin, maximum: limits.envelopeBackoffMax)
        return now + backoff.delay(attempt: attempts.addingReportingOverflow(1).partialValue, random: &random)
    }

    /// Puts one recipient back with a later due time; its old queue row is gone already.
    private mutating func deferRecipient(
        _ row: inout EnvelopeRow, _ index: Int, until due: RelayTime, _ turn: inout Turn
    ) {
        row.recipients[index].attempts += 1
        row.recipients[index].due = due
        move(&row, index, to: .deferred, turn.now.relay)
        enqueue(row, index, &turn)
    }
}

extension SessionState {
    /// A transfer is on the session no more.
    mutating func landed(_ ticket: Ticket, _ dispatch: DispatchState) {
        demand(inFlightBytes >= dispatch.bytes, "a session's window has lost count")
        inFlight.remove(ticket)
        recalls.forget(dispatch)
        inFlightBytes -= dispatch.bytes
        acknowledgedBytes -= min(acknowledgedBytes, dispatch.bytes)
    }

    /// A transfer is handed to the session.
    mutating func began(_ ticket: Ticket, _ dispatch: DispatchState) {
        inFlight.insert(ticket)
        recalls.chosen(dispatch)
        inFlightBytes += dispatch.bytes
    }
}

extension ActiveEnvelope {
    /// A transfer is on its link no more; answers the place of the copy that it belonged to.
    mutating func landed(_ dispatch: DispatchState) -> Int? {
        guard let position = copies.firstIndex(where: { $0.order == dispatch.copy }) else { return nil }
        let offset = dispatch.piece?.offset ?? 0
        copies[position].flights.removeAll { $0 == offset }
        return position
    }
}
