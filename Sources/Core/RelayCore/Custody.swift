// Custody: what is written when an envelope is taken, when a recipient's state changes, and when the last one has ended.
// Counters change in the transaction of their rows; that is what makes the books balance.

import RelayModel
import RelayRows
import Trap

extension RelayCore {
    /// Takes an offered copy into custody: rows for the envelope, its queue places, its inboxes and its memory.
    mutating func admit(
        _ open: OpenOffer, _ recipients: [RecipientRow], avoiding tried: [PathStop], _ turn: inout Turn
    ) {
        let offer = open.offer
        let number = offer.piece == nil ? open.extent : takeNumber()
        var row = EnvelopeRow(
            number: number, bundle: offer.bundle,
            kind: offer.document != nil ? .document : offer.isAdministrative ? .administrative : .foreign,
            urgency: offer.document?.urgency ?? (offer.isAdministrative ? Self.recordUrgency : .normal),
            lifetime: lifetime(of: offer, turn), ageAtArrival: ageAtArrival(offer, turn), arrival: turn.now,
            origin: open.peer,
            destination: offer.destination, reportTo: offer.reportTo, payloadLength: offer.documentLength)
        row.wantsStatusReports = offer.wantsStatusReports
        row.statusRequest = offer.statusRequest
        row.payloadCover = offer.payloadCover
        row.header = offer.header
        row.document = offer.document
        row.path = (offer.copy?.path ?? tried) + [PathStop(node: node, time: turn.now.wall)]
        row.hopLimit = offer.hopLimit ?? 0
        row.hopCount = offer.hopCount ?? 0
        row.formerName = offer.formerName
        row.isInPieces = offer.piece != nil
        row.recipients = recipients
        row.receivedBytes = offer.piece == nil ? offer.payloadLength : 0
        row.holding.overhead = offer.overhead(recipients.count)
        row.holding.isAsItComes = offer.piece != nil && offer.comesUnpromised
        row.holding.isRecord = offer.isAdministrative
        record(&row, isComplete: offer.piece == nil, &turn)
        if offer.piece != nil {
            ledger.add(.reservedBytes, Int64(clamping: row.reservedBytes), of: number)
            save(row, turn.rows)
            addPiece(open, to: number, &turn)
        }
    }

    private func ageAtArrival(_ offer: Offer, _ turn: Turn) -> Milliseconds {
        if let age = offer.age { return age }
        let wall = turn.now.wall.milliseconds
        let created = offer.bundle.creationTime
        return Milliseconds(created > 0 && wall > created ? wall - created : 0)
    }

    /// Records go before ordinary documents and behind what is very urgent: whoever sends many does not overtake that.
    static let recordUrgency = Urgency.urgent

    /// A record of others is kept for a bounded time, whatever its sender says.
    private func lifetime(of offer: Offer, _ turn: Turn) -> Milliseconds {
        guard offer.isAdministrative else { return offer.lifetime }
        return min(offer.lifetime, ageAtArrival(offer, turn) + limits.recordLifetimeMax)
    }

    /// Writes the rows of a new envelope. Recipients that were refused on the way in end at once.
    mutating func record(_ row: inout EnvelopeRow, isComplete: Bool, _ turn: inout Turn) {
        // What is not whole takes room, too: its whole length counts against the quotas from its first piece on.
        row.isStocked = true
        expectOutcomes(row, turn)
        ledger.stocked(row, by: 1, turn.now)
        turn.rows.put(.bundle, Keys.bundle(row.bundle, number: row.number))
        row.nextLook = firstLook(row)
        turn.rows.put(.deadline, Keys.deadline(row.nextLook, number: row.number))
        index(row, turn.rows)
        label(row, turn.rows)
        if !isComplete {
            LookupIndex.park(row, turn.rows)
            LookupIndex.coming(row, turn.rows)
        }
        // Away recipients of an incomplete envelope are queued at once: its pieces travel on as they come.
        for index in row.recipients.indices where row.recipients[index].state == .waiting {
            if row.recipients[index].routeClass != 0 { enqueue(row, index, &turn) }
        }
        if isComplete { complete(&row, &turn) }
        settle(&row, &turn)
    }

    /// One more piece of an envelope that is being received.
    mutating func addPiece(_ open: OpenOffer, to number: UInt64, _ turn: inout Turn) {
        guard var row = envelope(number, &turn), let range = open.offer.piece else { return }
        let before = row
        row.holding.touched = turn.now.relay
        let isPlain = open.offer.header == row.header || open.offer.document != nil
        let gaps = gaps(of: number, over: range, &turn)
        for gap in gaps {
            let piece = PieceRow(
                offset: gap.lowerBound, length: UInt64(gap.count), extent: open.extent,
                extentOffset: gap.lowerBound - range.offset, header: isPlain ? [] : open.offer.header)
            turn.rows.put(.piece, Keys.piece(number, offset: piece.offset), piece.encoded())
            // A piece whose record was set aside comes again: what is here was counted before.
            let counted = min(piece.length, row.payloadLength - row.receivedBytes)
            row.receivedBytes += counted
            row.pieceCount += 1
            row.holding.overhead += UInt64(piece.header.count)
        }
        ledger.restocked(row, was: before)
        removeUnused(of: open.extent, range, gaps, turn.rows)
        if row.isComplete { complete(&row, &turn) }
        // Its row is written again, too, for what may be a few octets.
        turn.looked(recipients: row.recipients.count)
        save(row, turn.rows)
        pieceArrived(number, offset: gaps.first?.lowerBound ?? range.offset)
        reopenQueued(row)
    }

    /// Chunks of a piece whose bytes were all here before are not kept a second time.
    private func removeUnused(
        of extent: UInt64, _ range: PieceRange, _ gaps: [Range<UInt64>], _ rows: any RowTransaction
    ) {
        guard gaps != [range.offset..<range.end] else { return }
        let chunk = UInt64(ChunkLayout.standard.payloadBytes)
        for index in 0...(max(range.length, 1) - 1) / chunk {
            let start = range.offset + index * chunk
            let end = min(start + chunk, range.end)
            if gaps.contains(where: { $0.lowerBound < end && start < $0.upperBound }) { continue }
            // In stores of version 0.3 the rest of an extent's end stands under the next key; it lies in this range.
            for row in [index, index + 1] where row == index || end == range.end {
                removeChunk(extent, UInt32(clamping: row), rows)
            }
        }
    }

    /// All rows that one chunk stands in.
    private func removeChunk(_ extent: UInt64, _ chunk: UInt32, _ rows: any RowTransaction) {
        var keys: [RowKey] = []
        rows.scan(.chunk, prefix: RowKey(extent).adding(chunk)) { key, _ in
            keys.append(RowKey(copying: key))
            return true
        }
        for key in keys { rows.delete(.chunk, key) }
    }

    /// The whole document is here: from now on its recipients are counted, and those at home get it.
    private mutating func complete(_ row: inout EnvelopeRow, _ turn: inout Turn) {
        ledger.accepted(row, row.recipients.count { !$0.isDuplicate }, from: row.origin)
        if !row.isStocked {
            row.isStocked = true
            ledger.stocked(row, by: 1, turn.now)
        }
        if row.isInPieces {
            LookupIndex.park(row, turn.rows)
            if row.origin != nil { LookupIndex.notComing(row, turn.rows) }
        }
        for index in row.recipients.indices {
            let recipient = row.recipients[index]
            if recipient.isDuplicate { continue }
            if recipient.state.isEnd {
                // Refused on the way in, or ended before it was whole: counted as accepted and ended, and reported.
                ledger.moved(row, recipient, from: nil, to: .waiting, turn.now.relay)
                row.recipients[index].state = .waiting
                end(&row, index, recipient.state, recipient.reason, &turn)
            } else {
                ledger.moved(row, recipient, from: nil, to: recipient.state, turn.now.relay)
                guard recipient.state == .waiting, recipient.routeClass == 0 else { continue }
                if row.isInPieces, row.document != nil {
                    // Its digest is checked before the agency sees it.
                    enqueue(row, index, &turn)
                } else {
                    arrive(&row, index, &turn)
                }
            }
        }
    }

    private mutating func reopenQueued(_ row: EnvelopeRow) {
        // Once it is whole, links without fragments that had passed it over can have it; a link that had let it go because nothing
        // of it was left to send can go on. What a link carries at this moment goes on by itself.
        let carried = Set(row.isComplete ? [] : active[row.number]?.copies.flatMap(\.recipients) ?? [])
        for index in row.recipients.indices where !carried.contains(index) && row.recipients[index].state.isQueued {
            let recipient = row.recipients[index]
            offer(
                QueueKey(
                    routeClass: recipient.routeClass, urgency: row.urgency, due: recipient.due, number: row.number))
        }
    }

    /// Puts one recipient's copy into its agency's inbox. The lifetime stops, and the submitter is told.
    mutating func arrive(_ row: inout EnvelopeRow, _ index: Int, _ turn: inout Turn) {
        unqueue(row, index, turn.rows)
        let name = row.recipients[index].name
        reading = turn.now
        switch memory(of: row, name, &turn) {
        case .unknown where hasFormerly(row.formerName, row.document, name, &turn):
            report(row, row.recipients[index], .arrived, &turn)
            return end(&row, index, .deleted, .none, &turn, isReported: false)
        case .unknown: break
        case .same, .unhashed:
            // Two copies came in pieces at a time, and the other was whole first.
            return end(&row, index, .deleted, .none, &turn, isReported: false)
        case .other:
            noticeContentDiffers(row.bundle, from: row.origin, &turn)
            return end(&row, index, .refused, .numberTaken, &turn)
        }
        remember(row, name, &turn)
        lieInInbox(&row, index, &turn)
        report(row, row.recipients[index], .arrived, &turn)
    }

    /// It waits for its agency.
    mutating func lieInInbox(_ row: inout EnvelopeRow, _ index: Int, _ turn: inout Turn) {
        let name = row.recipients[index].name
        move(&row, index, to: .arrived, turn.now.relay)
        turn.rows.put(.inbox, Keys.inbox(name, number: row.number))
        arrivals &+= 1
        lookAfterArrival(&row, turn.rows, turn.now.relay)
        if !spools.order.isEmpty, let agency = AgencyCode(name) { spools[agency]?.offer(row.number) }
    }

    /// Changes the state of one recipient, with its counters.
    mutating func move(_ row: inout EnvelopeRow, _ index: Int, to state: RecipientState, _ now: RelayTime) {
        let old = row.recipients[index].state
        if row.isComplete { ledger.moved(row, row.recipients[index], from: old, to: state, now) }
        if old != state { row.recipients[index].since = now }
        // A deletion may be undone.
        if state != .held, state != .deleting { row.recipients[index].heldBecause = "" }
        markRefused(&row, index, false)
        row.recipients[index].state = state
    }

    /// Notes, or forgets, that every next hop has refused it. Nobody is called for a record.
    mutating func markRefused(_ row: inout EnvelopeRow, _ index: Int, _ isRefused: Bool) {
        guard row.recipients[index].isRefusedEverywhere != isRefused, row.kind != .administrative else { return }
        row.recipients[index].isRefusedEverywhere = isRefused
        ledger.add(.refusedEverywhere, isRefused ? 1 : -1, of: row.number)
    }

    /// Ends one recipient on this node: counted, remembered in the history, and reported unless it was handed on.
    mutating func end(
        _ row: inout EnvelopeRow, _ index: Int, _ state: RecipientState, _ reason: ReportReason, _ turn: inout Turn,
        isReported: Bool = true
    ) {
        demand(state.isEnd && !row.recipients[index].state.isEnd, "a recipient ends once")
        if row.recipients[index].state.isAtHome {
            turn.rows.delete(.inbox, Keys.inbox(row.recipients[index].name, number: row.number))
        }
        let wasParked = LookupIndex.isParked(row.recipients[index], in: row)
        move(&row, index, to: state, turn.now.relay)
        unindex(row, recipient: index, turn.rows)
        if wasParked { LookupIndex.unpark(row, index, turn.rows) }
        row.recipients[index].reason = reason
        guard row.isComplete else {
            // Fragments of others, of which the rest never came: not counted, but their source may have asked.
            if isReported, row.kind == .foreign { report(row, row.recipients[index], state.reported, &turn) }
            return
        }
        if row.kind != .administrative {
            turn.rows.put(
                .history, Keys.history(turn.now.relay, number: row.number, index: index),
                HistoryRow(envelope: row, recipient: row.recipients[index], ended: turn.now.wall).encoded())
        }
        guard isReported else { return }
        report(row, row.recipients[index], state.reported, &turn)
    }

    /// Writes a changed row. When the last recipient has ended, the payload goes, and the row stays as memory against
    /// duplicates.
    mutating func settle(_ row: inout EnvelopeRow, _ turn: inout Turn) {
        guard row.isEnded, row.ended == .zero else { return save(row, turn.rows) }
        let keepsLook = keepsLook(row, turn.now.relay)
        if !keepsLook { turn.rows.delete(.deadline, Keys.deadline(row.look, number: row.number)) }
        // Rows of an earlier version say nothing of it: there documents were counted when they were whole, and records never.
        if row.isStocked || row.isComplete && row.kind != .administrative { ledger.stocked(row, by: -1, turn.now) }
        if !row.isComplete {
            ledger.add(.reservedBytes, -Int64(clamping: row.reservedBytes), of: row.number)
            LookupIndex.notComing(row, turn.rows)
        }
        unlabel(row, turn.rows)
        row.ended = max(turn.now.relay, RelayTime(milliseconds: 1))
        unindex(row, turn.rows)
        removePayload(of: row, &turn)
        row.header = []
        doubts.settle(row.number, turn.rows)
        save(row, turn.rows)
        // Where a report is still to be looked for, that look writes the deadline of the memory.
        if keepsLook { return }
        turn.rows.put(.deadline, Keys.deadline(row.ended + limits.transitMemory, number: row.number))
    }

    private mutating func removePayload(of row: EnvelopeRow, _ turn: inout Turn) {
        let isShared = leaveShared(row, turn.rows)
        guard row.isInPieces else { return isShared ? () : remove(extent: row.extent, &turn) }
        var extents: [UInt64] = []
        for piece in pieces(of: row.number, turn.rows) {
            if extents.last != piece.extent, !extents.contains(piece.extent) { extents.append(piece.extent) }
            turn.rows.delete(.piece, Keys.piece(row.number, offset: piece.offset))
        }
        if isShared { return }
        for extent in extents { remove(extent: extent, &turn) }
    }
}

// Extents: small ones go in the transaction that ends their envelope, large ones in slices, each a bounded part of a later one.
extension RelayCore {
    mutating func remove(extent: UInt64, _ turn: inout Turn) {
        discard(extent: extent, isMarked: false, &turn)
    }

    /// Removes what a turn may remove of an extent (one budget for all: a document in pieces has many); the rest is left to later turns,
    /// and its row in `staging` says so. `isMarked`: it has such a row already, because it was being filled.
    mutating func discard(extent: UInt64, isMarked: Bool, _ turn: inout Turn) {
        if removeChunks(of: extent, budget: &turn.removalsLeft, turn.rows) {
            turn.rows.put(.staging, Keys.extent(extent), Self.toBeRemoved)
            hasRemovals = true
        } else if isMarked {
            turn.rows.delete(.staging, Keys.extent(extent))
        }
    }

    /// The value of a row in `staging` whose extent is to go; an extent that is being filled has none.
    private static let toBeRemoved: [UInt8] = [1]

    /// Removes up to `budget` chunks; true when some are left.
    private func removeChunks(of extent: UInt64, budget: inout Int, _ rows: any RowTransaction) -> Bool {
        var keys: [RowKey] = []
        var isMore = false
        rows.scan(.chunk, prefix: RowKey(extent)) { key, _ in
            if keys.count == budget {
                isMore = true
                return false
            }
            keys.append(RowKey(copying: key))
            return true
        }
        for key in keys { rows.delete(.chunk, key) }
        budget -= keys.count
        return isMore
    }

    /// Goes on removing, from the oldest extent. What stood in `staging` at start was being filled or removed when the process
    /// before ended.
    mutating func removeLeftovers(_ turn: inout Turn) {
        guard hasRemovals else { return }
        var extents: [UInt64] = []
        turn.rows.scan(.staging, prefix: RowKey()) { key, value in
            let extent = key.number(at: 0)
            if extent < firstNumber || !value.isEmpty { extents.append(extent) }
            return extents.count < Self.removalsPerTurn
        }
        for extent in extents {
            guard turn.removalsLeft > 0, !removeChunks(of: extent, budget: &turn.removalsLeft, turn.rows) else {
                return
            }
            turn.rows.delete(.staging, Keys.extent(extent))
        }
        hasRemovals = extents.count == Self.removalsPerTurn
    }

    private static let removalsPerTurn = 256
}
