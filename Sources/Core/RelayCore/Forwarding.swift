// Forwarding: which copy goes next on which session. Urgent first; each lower class that is not empty gets at least 5 % of a
// link's bytes; pieces of giants take turns with whole envelopes of their own urgency.

import RelayModel
import RelayRows

/// An envelope that is on its way out on at least one link.
struct ActiveEnvelope {
    var row: EnvelopeRow
    var copies: [ActiveCopy] = []
    /// A recipient's turn came while its session carried another copy of this envelope.
    var hasPassedOver = false
}

extension ActiveEnvelope {
    /// Puts a copy in, in place of what it was before; true when it is a new one.
    mutating func put(_ copy: ActiveCopy) -> Bool {
        guard let position = copies.firstIndex(where: { $0.order == copy.order }) else {
            copies.append(copy)
            return true
        }
        copies[position] = copy
        return false
    }
}

/// What one link carries of an envelope at this moment.
struct ActiveCopy {
    /// Answers find their copy by this: one that was closed and begun again is another one.
    var order: UInt64
    var session: Ticket
    var peer: NodeID
    /// Indexes of the recipients in the envelope's row.
    var recipients: [Int]
    /// Offsets of the pieces that are on the link, unanswered; a whole envelope is the piece at 0.
    var flights: [UInt64] = []
    /// For an envelope in pieces: where the next piece is looked for, and what the peer has.
    var nextOffset: UInt64 = 0
    var sent: Set<UInt64> = []
    var sentBytes: UInt64 = 0
    /// Under which slot of the row's `sentMarks` it is written down what this copy's peer has; nil when none was free.
    var marksSlot: Int?
}

/// One transfer that has been handed to a link.
struct DispatchState {
    var number: UInt64
    /// The order of its copy.
    var copy: UInt64
    var session: Ticket
    var peer: NodeID
    var urgency: Urgency
    var bytes: UInt64
    var piece: PieceRow?
    /// When it was handed over.
    var decided: RelayTime
    /// It was given as the share of a lower class: nothing overtakes it.
    var isShare: Bool
    var recall = Recall.notAsked
}

extension RelayCore {
    /// Rows looked at per session and turn; what is left is looked at in the next turn.
    private static let scanBudget = 2_048

    mutating func feedLinks(_ turn: inout Turn) {
        hasMoreToFeed = false
        let busy = sessionsToFeed
        if busy.isEmpty { return }
        var shares = activeShares
        /// From which a place was kept.
        var kept: [Ticket] = []
        for session in busy {
            guard let peer = sessions.look(session, { $0.peer }) else { continue }
            releaseMisplaced(session, &turn)
            var allowance = Allowance(rows: Self.scanBudget, places: shares.places(for: peer, limits.activeMax))
            let role = role(of: session)
            let isOwed = role == .express && allowance.places > 0 && isOwedToOther(session, peer, busy)
            if isOwed { allowance.places -= 1 }
            while hasRoom(session), feed(session, peer, role, &allowance, &turn) {}
            if !hasRoom(session) || allowance.places <= 0 {
                overtake(session, peer, hasPlaces: isOwed || allowance.places > 0, &turn)
            }
            if isOwed, allowance.places <= 0 { kept.append(session) }
            shares.note(peer, copies(of: peer))
            // What was not looked at is looked at in a turn of its own, at once.
            if allowance.rows <= 0 { hasMoreToFeed = true }
        }
        // Where the other had nothing to send after all, this one goes on with what was kept from it.
        for session in kept {
            guard let peer = sessions.look(session, { $0.peer }) else { continue }
            if hasRoom(session), !isOwedToOther(session, peer, busy) { hasMoreToFeed = true }
        }
    }

    /// One place is for the peer's other session, if lower classes have earned it and that one has room: it comes behind this one, and
    /// would find each place that comes free taken.
    private func isOwedToOther(_ session: Ticket, _ peer: NodeID, _ busy: [Ticket]) -> Bool {
        peers.look(peer) { state in
            state.credit[..<Int(Self.expressUrgency.rawValue)].contains { $0 > 0 }
                && state.sessions.contains { $0 != session && hasRoom($0) && busy.contains($0) }
        } ?? false
    }

    /// What one session may take in one turn.
    struct Allowance {
        /// Rows of the queue to be looked at.
        var rows: Int
        /// Copies that may be begun before the active set is full for this peer.
        var places: Int
    }

    func hasRoom(_ session: Ticket) -> Bool {
        sessions.look(session) { state in
            isUsable(session) && isLive(state.peer) && state.inFlight.count < limits.windowTransfers
                && (state.unacknowledgedBytes < windowBytes(state) || state.inFlight.isEmpty)
        } ?? false
    }

    /// Sends one more thing on a session; false when there is nothing (or no budget) left.
    private mutating func feed(
        _ session: Ticket, _ peer: NodeID, _ role: SessionPart, _ allowance: inout Allowance, _ turn: inout Turn
    ) -> Bool {
        // Classes with credit first, lowest first; then all from the most urgent down.
        if let position = peers.position(peer), peers.states[position].credit.contains(where: { $0 > 0 }) {
            sessions.change(session) { $0.servesShare = true }
            for urgency in Urgency.allCases
            where role.serves(urgency) && peers.states[position].credit[Int(urgency.rawValue)] > 0 {
                if let sent = feed(session, peer, role, urgency, &allowance, &turn) {
                    charge(peer, urgency, sent, isCredit: true)
                    sessions.change(session) { $0.servesShare = false }
                    return true
                }
                // It has nothing to send; without a free place it keeps what it has earned, or the higher ones would take each that comes
                // free.
                if allowance.places > 0 { peers.states[position].credit[Int(urgency.rawValue)] = 0 }
            }
            sessions.change(session) { $0.servesShare = false }
        }
        let order = has(.nothingOvertakes) ? Urgency.allCases : Self.urgentFirst
        for urgency in order where role.serves(urgency) {
            if let sent = feed(session, peer, role, urgency, &allowance, &turn) {
                charge(peer, urgency, sent, isCredit: false)
                return true
            }
        }
        return false
    }

    private static let urgentFirst = Array(Urgency.allCases.reversed())

    /// Each byte given to a class earns every lower class a twentieth; what a class is given on credit is taken off.
    private mutating func charge(_ peer: NodeID, _ urgency: Urgency, _ bytes: UInt64, isCredit: Bool) {
        let amount = Int64(clamping: bytes)
        if has(.noCredit) { return }
        peers.change(peer) { state in
            if isCredit {
                state.credit[Int(urgency.rawValue)] -= amount
            } else {
                for lower in 0..<Int(urgency.rawValue) {
                    state.credit[lower] = min(state.credit[lower] + max(amount / 20, 1), 64 << 20)
                }
            }
        }
    }

    private mutating func feed(
        _ session: Ticket, _ peer: NodeID, _ role: SessionPart, _ urgency: Urgency, _ allowance: inout Allowance,
        _ turn: inout Turn
    ) -> UInt64? {
        guard let place = sessions.index(forKey: session) else { return nil }
        if !sessions.values[place].streams.isEmpty {
            if !sessions.values[place].servedStreamLast, let sent = feedStream(session, urgency, &turn) {
                sessions.change(session) { $0.servedStreamLast = true }
                return sent
            }
            sessions.change(session) { $0.servedStreamLast = false }
        }
        // A giant whose pieces are still to come gives its place to what could go now.
        if allowance.places <= 0, releaseDryStream(session, &turn) { allowance.places += 1 }
        if allowance.places > 0 {
            var sent = role == .express ? nil : feedSetAside(session, peer, urgency, &turn)
            if sent == nil, role != .bulk || urgency < Self.expressUrgency {
                sent = feedLane(session, peer, urgency, &allowance, &turn)
            }
            if let sent {
                allowance.places -= 1
                return sent
            }
        }
        return feedStream(session, urgency, &turn)
    }

    /// Takes the next of those that the other session is kept free of, and of those that another hop has no room for.
    private mutating func feedSetAside(
        _ session: Ticket, _ peer: NodeID, _ urgency: Urgency, _ turn: inout Turn
    ) -> UInt64? {
        while let key = nextSetAside(peer, urgency) {
            if let sent = begin(key, session, peer, &turn, isSetAside: true) { return sent }
        }
        return nil
    }

    /// Takes the next envelope from the lanes for which this peer is the best live hop.
    private mutating func feedLane(
        _ session: Ticket, _ peer: NodeID, _ urgency: Urgency, _ allowance: inout Allowance, _ turn: inout Turn
    ) -> UInt64? {
        let order = wetLanes.classes(of: peer, urgency)
        guard !order.isEmpty, let start = peers.look(peer, { $0.nextClass }) else { return nil }
        let first = order.firstPlace { $0 >= start }
        for step in 0..<order.count {
            let key = LaneKey(routeClass: order[(first + step) % order.count], urgency: urgency)
            guard bestLiveHop(key.routeClass, urgency, now: turn.now.relay) == peer else { continue }
            while let queueKey = nextInLane(key, now: turn.now.relay, budget: &allowance.rows, turn.rows) {
                if isTooLarge(queueKey, session, peer, &turn) { continue }
                if let sent = begin(queueKey, session, peer, &turn) {
                    peers.change(peer) { $0.nextClass = key.routeClass + 1 }
                    return sent
                }
            }
        }
        return nil
    }

    /// Makes a copy for this peer of one queued envelope and sends it (or its first piece); nil when it cannot go now.
    private mutating func begin(
        _ key: QueueKey, _ session: Ticket, _ peer: NodeID, _ turn: inout Turn, isSetAside: Bool = false
    ) -> UInt64? {
        // A deed is about to be done to it; it is looked at again behind that.
        if recallWait?.numbers.contains(key.number) ?? false { return nil }
        guard let row = envelope(key.number, &turn) else {
            turn.rows.delete(.queue, key.key)
            return nil
        }
        if isKept(row, from: peer) {
            if !isUnderWay(key, row) { keepBack(key, row, from: peer, turn.now.relay) }
            return nil
        }
        var doubtful: RelayTime?
        var chosen: [Int] = []
        for index in recipientsBound(for: peer, row, turn.now.relay) {
            if let until = isInDoubtElsewhere(row, index, peer, now: turn.now.relay) {
                doubtful = min(doubtful ?? until, until)
            } else {
                chosen.append(index)
            }
        }
        if let doubtful {
            wakeups.insert(doubtful, .lane(LaneKey(routeClass: key.routeClass, urgency: key.urgency), key))
            if chosen.isEmpty { return nil }
        }
        guard !chosen.isEmpty else {
            if !row.recipients.contains(where: {
                $0.state.isQueued && $0.routeClass == key.routeClass && $0.due == key.due
            }) {
                turn.rows.delete(.queue, key.key)
            } else if isSetAside, !isUnderWay(key, row),
                bestLiveHop(key.routeClass, for: row, now: turn.now.relay) != peer
            {
                // The hop that it was taken from has room again, and its lane has gone on.
                offer(key)
            }
            return nil
        }
        // It goes for others of its recipients: those of this key are looked at again in their lane.
        if isSetAside,
            !chosen.contains(where: {
                row.recipients[$0].routeClass == key.routeClass && row.recipients[$0].due == key.due
            }), !isUnderWay(key, row)
        {
            offer(key)
        }
        guard let facts = sessions.look(session, { $0.facts }), let settings = peers.look(peer, { $0.peer }) else {
            return nil
        }
        if active[row.number]?.copies.contains(where: { $0.session == session }) == true {
            // One copy of an envelope on a session at a time; these recipients are looked at again when it is over.
            active.change(row.number) { $0.hasPassedOver = true }
            return nil
        }
        let goesInPieces = row.isInPieces && settings.takesFragments
        if !goesInPieces {
            // What has no fragments is given whole bundles up to its transfer MRU; an incomplete one waits for its rest.
            guard row.isComplete else { return nil }
            if row.payloadLength > facts.transferMRU {
                refuseLocally(row, chosen, peer: peer, why: Self.beyondMRU, &turn)
                return nil
            }
        }
        if !settings.isEdoc, chosen.count > 1 || (row.document?.recipients.count ?? 1) > 1 {
            refuseLocally(row, chosen, peer: peer, why: "the peer takes single-recipient envelopes only", &turn)
            return nil
        }
        // Last, for what is not held back may be the probe of its share, and has to go then.
        if isHeldBack(key, row, peer, turn.now.relay) { return nil }
        var copy = ActiveCopy(order: nextDispatch, session: session, peer: peer, recipients: chosen)
        nextDispatch += 1
        let sent =
            goesInPieces
            ? startStream(row, &copy, session, &turn) : send(row, &copy, piece: nil, session, &turn)
        if sent != nil { noteProbe(row, peer) }
        return sent
    }

    /// All of whom the key tells are on a link: they are looked at again when that is over. Offered before, the key would go round between
    /// the hop that it is kept from and the one that has it.
    private func isUnderWay(_ key: QueueKey, _ row: EnvelopeRow) -> Bool {
        guard let copies = active[row.number]?.copies else { return false }
        var isTold = false
        for (index, recipient) in row.recipients.enumerated()
        where recipient.state.isQueued && recipient.routeClass == key.routeClass && recipient.due == key.due {
            guard copies.contains(where: { $0.recipients.contains(index) }) else { return false }
            isTold = true
        }
        return isTold
    }

    /// The waiting recipients of an envelope whose best hop is this peer and that no copy carries yet.
    private func recipientsBound(for peer: NodeID, _ row: EnvelopeRow, _ now: RelayTime) -> [Int] {
        // Of hundreds of recipients most go by other hops: those are passed over before anything else is asked.
        let listing = classes.listing(peer)
        var classIsOurs: [UInt32: Bool] = [:]
        var result: [Int] = []
        for index in row.recipients.indices
        where row.recipients[index].state.isQueued && row.recipients[index].due <= now
            && listing.contains(row.recipients[index].routeClass)
        {
            // What waits for a suspended agency may still stand under its old class.
            guard suspensions.of(agency: row.recipients[index].name) == nil else { continue }
            let routeClass = row.recipients[index].routeClass
            let isOurs: Bool
            if let known = classIsOurs[routeClass] {
                isOurs = known
            } else {
                isOurs = bestLiveHop(routeClass, for: row, now: now) == peer
                classIsOurs[routeClass] = isOurs
            }
            if isOurs { result.append(index) }
        }
        if !result.isEmpty, let copies = active[row.number]?.copies {
            for place in copies.indices { result.removeAll { copies[place].recipients.contains($0) } }
        }
        return ofOneKind(result, row, peer)
    }

    /// Hands one transfer to the session.
    private mutating func send(
        _ row: EnvelopeRow, _ copy: inout ActiveCopy, piece: PieceRow?, _ session: Ticket, _ turn: inout Turn
    ) -> UInt64 {
        let ticket = Ticket(nextDispatch)
        nextDispatch += 1
        let bytes = piece?.length ?? row.payloadLength
        let cost = bytes + UInt64(row.header.count) + 512
        let state = DispatchState(
            number: row.number, copy: copy.order, session: session, peer: copy.peer, urgency: row.urgency, bytes: cost,
            piece: piece, decided: turn.now.relay, isShare: sessions.look(session, { $0.servesShare }) ?? false)
        dispatches[ticket] = state
        copy.flights.append(piece?.offset ?? 0)
        var isNew = false
        if let place = active.index(forKey: row.number) {
            isNew = active.values[place].put(copy)
        } else {
            active[row.number] = ActiveEnvelope(row: row, copies: [copy])
            isNew = true
        }
        if isNew { activeChanges.append(row.number) }
        if let place = sessions.index(forKey: session) {
            sessions.values[place].began(ticket, state)
            if isNew { sessions.values[place].copies += 1 }
        }
        turn.effects.append(.send(dispatch(row, copy, piece: piece, ticket: ticket, &turn)))
        return cost
    }

    private func dispatch(
        _ row: EnvelopeRow, _ copy: ActiveCopy, piece: PieceRow?, ticket: Ticket, _ turn: inout Turn
    ) -> Dispatch {
        let codes = copy.recipients.compactMap { AgencyCode(row.recipients[$0].name) }
        var payload: [ExtentRange] = []
        var range: PieceRange?
        if let piece {
            payload = [ExtentRange(extent: piece.extent, offset: piece.extentOffset, length: piece.length)]
            range = PieceRange(offset: piece.offset, length: piece.length, total: row.payloadLength)
        } else if row.isInPieces {
            payload = pieces(of: row.number, turn.rows).map {
                ExtentRange(extent: $0.extent, offset: $0.extentOffset, length: $0.length)
            }
        } else {
            payload = [ExtentRange(extent: row.extent, offset: 0, length: row.payloadLength)]
        }
        var result = Dispatch(
            ticket: ticket, session: copy.session, peer: copy.peer, number: row.number, bundle: row.bundle,
            kind: row.kind, lifetime: row.lifetime, age: row.age(at: turn.now.relay), decided: turn.now.relay,
            header: piece.map { $0.header.isEmpty ? row.header : $0.header } ?? row.header, document: row.document,
            copy: row.document == nil ? nil : CopyDescription(recipients: codes, path: row.path),
            destination: row.destination, piece: range, payload: payload,
            payloadLength: piece?.length ?? row.payloadLength,
            urgency: has(.nothingOvertakes) ? .normal : row.urgency)
        result.isReturn = copy.recipients.contains { row.recipients[$0].isReturning }
        if sessions.look(copy.session, { $0.facts.understands(.formerName) }) ?? false {
            result.formerName = row.former
        }
        result.tellsFeatures =
            row.kind == .administrative && sessions.look(copy.session, { $0.facts.understands(.homeFeatures) }) ?? false
        return result
    }

    /// All pieces that are here, without their headers.
    func pieces(of number: UInt64, _ rows: any RowReader) -> [PieceRow] {
        var result: [PieceRow] = []
        rows.scan(.piece, prefix: RowKey(number)) { key, value in
            if let piece = PieceRow(offset: key.number(at: 8), record: value, withHeader: false) {
                result.append(piece)
            }
            return true
        }
        return result
    }

    func piece(_ number: UInt64, at offset: UInt64, _ rows: any RowReader) -> PieceRow? {
        rows.value(.piece, Keys.piece(number, offset: offset)).flatMap { PieceRow(offset: offset, record: $0) }
    }
}

// Envelopes in pieces: a copy that stays on its session until the peer has every piece.
extension RelayCore {
    private mutating func startStream(
        _ row: EnvelopeRow, _ copy: inout ActiveCopy, _ session: Ticket, _ turn: inout Turn
    ) -> UInt64? {
        var row = row
        takeUpMarks(&row, &copy, turn.rows)
        // What has nothing to send takes no place; the next piece that comes in offers it again.
        guard nextPiece(row.number, &copy, turn.rows) != nil else { return nil }
        var entry = active[row.number] ?? ActiveEnvelope(row: row)
        entry.row = row
        entry.copies.append(copy)
        active[row.number] = entry
        activeChanges.append(row.number)
        sessions.change(session) { $0.copies += 1 }
        sessions[session]?.streams.append(row.number)
        return feedStream(session, row.urgency, &turn, only: row.number) ?? 0
    }

    /// What an earlier session has got across counts if it was the same copy: to the same peer, for the same recipients. To the
    /// peer a copy for others is another one, whose pieces it has yet to get.
    private mutating func takeUpMarks(_ row: inout EnvelopeRow, _ copy: inout ActiveCopy, _ rows: any RowTransaction) {
        let taken = Set(active[row.number]?.copies.compactMap(\.marksSlot) ?? [])
        let wanted = SentMarks(peer: copy.peer, recipients: copy.recipients.map { UInt64($0) })
        let free = row.sentMarks.indices.filter { !taken.contains($0) }
        if let slot = free.first(where: { row.sentMarks[$0] == wanted }) {
            let sent = pieces(of: row.number, rows).filter { $0.isSent(slot) }
            let bytes = sent.reduce(0) { $0 + $1.length }
            // Had the peer everything, the copy would be over: it is to be sent anew.
            if bytes < row.payloadLength {
                copy.marksSlot = slot
                copy.sent = Set(sent.map(\.offset))
                copy.sentBytes = bytes
                return
            }
            row.sentMarks[slot].peer = nil
        }
        // An empty slot first: what another copy has got across may still count.
        if let slot = free.first(where: { row.sentMarks[$0].peer == nil }) {
            copy.marksSlot = slot
        } else if row.sentMarks.count < SentMarks.slotsMax {
            copy.marksSlot = row.sentMarks.count
            row.sentMarks.append(SentMarks())
        } else {
            copy.marksSlot = free.first
        }
        guard let slot = copy.marksSlot else { return }
        for marked in pieces(of: row.number, rows) where marked.isSent(slot) {
            guard var piece = piece(row.number, at: marked.offset, rows) else { continue }
            piece.mark(slot, isSent: false)
            rows.put(.piece, Keys.piece(row.number, offset: piece.offset), piece.encoded())
        }
        row.sentMarks[slot] = wanted
        save(row, rows)
    }

    /// Sends the next piece of one of the session's giants of an urgency; nil when none has a piece ready.
    mutating func feedStream(
        _ session: Ticket, _ urgency: Urgency, _ turn: inout Turn, only: UInt64? = nil
    ) -> UInt64? {
        for number in sessions.look(session, { $0.streams }) ?? [] where only == nil || only == number {
            if recallWait?.numbers.contains(number) ?? false { continue }
            guard let entry = active[number], entry.row.urgency == urgency,
                let position = entry.copies.firstIndex(where: { $0.session == session })
            else { continue }
            var copy = entry.copies[position]
            if isKept(entry.row, from: copy.peer) { continue }
            guard let piece = nextPiece(number, &copy, turn.rows) else {
                active.change(number) { $0.copies[position].nextOffset = copy.nextOffset }
                continue
            }
            copy.nextOffset = piece.end
            noteProbe(entry.row, copy.peer)
            return send(entry.row, &copy, piece: piece, session, &turn)
        }
        return nil
    }

    /// The first piece at or after an offset that is here and that the peer does not have.
    private mutating func nextPiece(
        _ number: UInt64, _ copy: inout ActiveCopy, _ rows: any RowReader
    ) -> PieceRow? {
        let prefix = RowKey(number)
        while let found = rows.row(.piece, atOrAfter: Keys.piece(number, offset: copy.nextOffset)),
            prefix.isPrefix(of: found.key)
        {
            guard let piece = PieceRow(offset: found.key.number(at: 8), record: found.value) else {
                damaged.insert(number)
                return nil
            }
            if !copy.sent.contains(piece.offset), !copy.flights.contains(piece.offset) { return piece }
            copy.nextOffset = piece.end
        }
        return nil
    }

    /// A session may have become the one that is kept free, or take nothing more, or its peer has no room: giants with nothing on the link
    /// go on by another way.
    private mutating func releaseMisplaced(_ session: Ticket, _ turn: inout Turn) {
        guard let streams = sessions.look(session, { $0.streams }), !streams.isEmpty else { return }
        let isOver = !isUsable(session)
        let isKeptFree = !isOver && role(of: session) == .express
        for number in streams {
            guard let entry = active[number], let copy = entry.copies.first(where: { $0.session == session }),
                copy.flights.isEmpty
            else { continue }
            if isOver || isKeptFree && entry.row.urgency < Self.expressUrgency {
                releaseStream(number, session: session, &turn)
            } else if copy.sent.isEmpty, isKept(entry.row, from: copy.peer),
                copy.recipients.contains(where: {
                    let hop = bestLiveHop(entry.row.recipients[$0].routeClass, for: entry.row, now: turn.now.relay)
                    return hop != nil && hop != copy.peer
                })
            {
                // The hop has no room for it and nothing of it, and another one has.
                closeCopy(number, session)
                waitAgain(entry.row, copy.recipients, copy.peer, turn.now.relay)
            }
        }
    }

    /// Lets go a giant that has nothing on the link and nothing to send; its next piece offers it again. False when there is none.
    private mutating func releaseDryStream(_ session: Ticket, _ turn: inout Turn) -> Bool {
        for number in sessions.look(session, { $0.streams }) ?? [] {
            guard var copy = active[number]?.copies.first(where: { $0.session == session }), copy.flights.isEmpty,
                nextPiece(number, &copy, turn.rows) == nil
            else { continue }
            closeCopy(number, session)
            return true
        }
        return false
    }

    /// A piece has come in for an envelope that is being sent: streams that had run dry go on.
    mutating func pieceArrived(_ number: UInt64, offset: UInt64) {
        guard let entry = active[number] else { return }
        for position in entry.copies.indices where entry.copies[position].nextOffset > offset {
            active.change(number) { $0.copies[position].nextOffset = offset }
        }
    }
}
