// Incoming: what is half-received. Its room is promised whole only to documents of this network on the grid, within their peer's share;
// everything else takes room as it comes. A promise that is not used is taken back, and when room is short the youngest half-received
// goes first, so that the oldest becomes whole.
//
// Found by index rows (`incoming` in `lookup`), one for each half-received envelope, so that nothing here grows with the backlog.

import RelayModel
import RelayRows

extension Offer {
    /// Whether nothing is promised for it: foreign, or cut elsewhere than on the grid.
    var comesUnpromised: Bool {
        if isAdministrative { return false }
        guard document != nil else { return true }
        guard let piece else { return false }
        return piece.offset % PieceRange.grid != 0 || piece.length != min(PieceRange.grid, piece.total - piece.offset)
    }

    /// Who answers for it.
    func owners(_ peer: NodeID) -> [ShareOwner] {
        if isAdministrative { return [.records(peer)] }
        return [.peer(peer)] + (document.map { [.sender($0.sender)] } ?? [])
    }

    /// Octets that it takes beside its payload, for so many recipients.
    func overhead(_ recipients: Int) -> UInt64 {
        UInt64(header.count) + UInt64(max(recipients, 1) - 1) * EnvelopeHolding.recipientBytes
    }
}

/// Who wants room: an owner, for something of this number; nil: for something new.
private struct Asker {
    var owner: ShareOwner
    var number: UInt64?
}

/// Something half-received that can be let go.
private enum HalfReceived {
    case offer(Ticket)
    case submission(Ticket)
    case envelope(UInt64)
}

/// One that is to go; the larger its number, the younger it is.
private struct Victim {
    var number: UInt64
    var what: HalfReceived
}

// Octets as they come.
extension RelayCore {
    /// Octets of an open offer or submission have come. False: they are not wanted any more, and the answer is among the effects.
    public mutating func grew(_ ticket: Ticket, by octets: Int, _ turn: inout Turn) -> Bool {
        let count = UInt64(clamping: octets)
        if let place = offers.index(forKey: ticket) {
            offers.values[place].touched = turn.now.relay
            guard offers.values[place].isAsItComes else {
                offers.values[place].received += count
                return true
            }
            let open = offers.values[place]
            let owners = open.offer.owners(open.peer)
            var refusal: (refusal: Refusal, cause: RefusalCause)?
            if let owner = owners.first(where: { isBeyondShare($0, count, isNew: false, turn.rows) }) {
                noteShareUsed(owner, &turn)
                refusal = (owner.refusal, .quota)
            } else if !takeRoom(count, Asker(owner: owners[0], number: open.extent), &turn) {
                refusal = (.noResources, .noResources)
            }
            if let refusal {
                dropOffer(ticket, refusal.refusal, refusal.cause.rawValue, refusal.cause, &turn)
                return false
            }
            offers.change(ticket) { $0.received += count }
            change(open: open, by: Int64(clamping: count))
            return true
        }
        guard let open = submissions[ticket] else { return false }
        let sender = open.submission.sender
        submissions.change(ticket) { $0.touched = turn.now.relay }
        if isBeyondShare(.sender(sender), count, isNew: false, turn.rows) {
            noteShareUsed(.sender(sender), &turn)
            dropSubmission(ticket, Self.quotaSentence(sender), &turn)
            return false
        }
        guard takeRoom(count, Asker(owner: .sender(sender), number: open.number), &turn) else {
            dropSubmission(ticket, Self.fullSentence, &turn)
            return false
        }
        submissions.change(ticket) { $0.received += count }
        openShares.grow(sender, count)
        return true
    }

    /// Room for octets that are here; of what is younger and half-received some may go for it.
    private mutating func takeRoom(_ bytes: UInt64, _ asker: Asker, _ turn: inout Turn) -> Bool {
        let hasRoom = hasRoom(for: bytes, asker.owner, &turn) || makeRoom(for: bytes, asker, &turn)
        if hasRoom { turn.promisedBytes = turn.promisedBytes.addingSaturating(bytes) }
        return hasRoom
    }

    /// Something new is offered; true when there is room for it, or some was made.
    mutating func makesRoom(for bytes: UInt64, _ owner: ShareOwner, _ turn: inout Turn) -> Bool {
        hasRoom(for: bytes, owner, &turn) || makeRoom(for: bytes, Asker(owner: owner, number: nil), &turn)
    }
}

// Open offers in the books of shares.
extension RelayCore {
    /// So many octets more, or fewer, are promised to an offer or have come of it.
    mutating func change(open: OpenOffer, by octets: Int64) {
        let sender = open.offer.document?.sender
        let isRecord = open.offer.isAdministrative
        sessions.change(open.offer.session) { session in
            if isRecord { session.openRecords.add(octets) } else { session.open.add(octets) }
        }
        if octets >= 0 { openShares.grow(sender, octets.magnitude) }
    }

    /// What was promised to an offer is used, or given back.
    mutating func release(_ open: OpenOffer) {
        stagedBytes -= open.promised
        let share = open.promised + (open.isAsItComes ? open.received : 0)
        change(open: open, by: -Int64(clamping: share))
        openShares.close(open.offer.document?.sender, share)
        if open.offer.isAdministrative {
            sessions.change(open.offer.session) { $0.openRecords.count -= 1 }
        } else {
            sessions.change(open.offer.session) { $0.open.count -= 1 }
        }
    }

    /// The rest of an offer is not wanted.
    mutating func dropOffer(
        _ ticket: Ticket, _ refusal: Refusal, _ why: String, _ cause: RefusalCause, _ turn: inout Turn
    ) {
        guard let open = closeOffer(ticket) else { return }
        decisions += 1
        release(open)
        discard(open, &turn)
        refuse(open.offer, refusal, why, cause, &turn)
    }
}

// What goes first.
extension RelayCore {
    /// So many are let go at most for one that asks.
    private static let letGoMax = 8
    /// Of one peer's half-received so many are looked at that are on a link at this moment.
    private static let busyMax = 4

    /// Lets go what is half-received, the youngest first; nothing, where all that may go would not be enough. For something that is
    /// half-received itself: only what is younger. For something new: only what belongs to somebody who has taken more.
    private mutating func makeRoom(for bytes: UInt64, _ asker: Asker, _ turn: inout Turn) -> Bool {
        let missing = shortfall(of: bytes, asker.owner, &turn)
        var victims: [Victim] = []
        var freed: UInt64 = 0
        while freed < missing {
            guard victims.count < Self.letGoMax,
                let victim = youngest(asker, bytes, but: Set(victims.map(\.number)), turn.rows)
            else { return false }
            victims.append(victim)
            freed = freed.addingSaturating(takes(victim.what, turn.rows))
        }
        for victim in victims {
            decisions += 1
            switch victim.what {
            case .offer(let ticket):
                dropOffer(ticket, .noResources, "older ones need the room", .noResources, &turn)
            case .submission(let ticket): dropSubmission(ticket, Self.fullSentence, &turn)
            case .envelope(let number):
                guard var row = envelope(number, &turn) else { return false }
                letGo(&row, "room was short", &turn)
            }
        }
        // What was freed shows in the head room behind the commit: it is lent to what is here already, and not to what is new.
        return asker.number != nil || hasRoom(for: bytes, asker.owner, &turn)
    }

    /// What it has, and what is promised to it.
    private func takes(_ what: HalfReceived, _ rows: any RowReader) -> UInt64 {
        switch what {
        case .offer(let ticket): offers[ticket].map { $0.received.addingSaturating($0.promised) } ?? 0
        case .submission(let ticket): submissions[ticket]?.received ?? 0
        case .envelope(let number):
            (active[number]?.row
                ?? rows.value(.envelope, Keys.envelope(number)).flatMap { EnvelopeRow(number: number, record: $0) })
                .map { $0.receivedBytes.addingSaturating($0.reservedBytes) } ?? 0
        }
    }

    private func youngest(
        _ asker: Asker, _ bytes: UInt64, but chosen: Set<UInt64>, _ rows: any RowReader
    ) -> Victim? {
        var found: Victim?
        let own = asker.number == nil ? taken(by: asker.owner, rows).bytes.addingSaturating(bytes) : 0
        var richer: [ShareOwner: Bool] = [:]
        func take(_ number: UInt64, _ owner: ShareOwner, _ what: @autoclosure () -> HalfReceived) {
            if chosen.contains(number) { return }
            if let found, found.number > number { return }
            if let bound = asker.number {
                guard number > bound else { return }
            } else {
                let isRicher = richer[owner] ?? (owner != asker.owner && taken(by: owner, rows).bytes > own)
                richer[owner] = isRicher
                guard isRicher else { return }
            }
            found = Victim(number: number, what: what())
        }
        // Numbers differ, so the order of hashing decides nothing.
        for open in openOnes.youngest(Self.letGoMax) {
            take(open.number, open.owner, offers[open.ticket] != nil ? .offer(open.ticket) : .submission(open.ticket))
        }
        for state in peers.states {
            if let number = youngestEnvelope(from: state.peer.node, but: chosen, rows) {
                take(number, .peer(state.peer.node), .envelope(number))
            }
        }
        return found
    }

    private func youngestEnvelope(from peer: NodeID, but chosen: Set<UInt64>, _ rows: any RowReader) -> UInt64? {
        let prefix = Keys.lookup(.incoming, peer.text)
        var bound = UInt64.max
        var busy = 0
        while busy < Self.busyMax {
            guard let found = rows.row(.lookup, before: prefix.adding(bound)), prefix.isPrefix(of: found.key) else {
                return nil
            }
            bound = found.key.number(at: found.key.count - 8)
            if chosen.contains(bound) { continue }
            let isBusy = active[bound]?.copies.contains { !$0.flights.isEmpty } ?? false
            if !isBusy { return bound }
            busy += 1
        }
        return nil
    }

    /// Ends what is half-received. Nobody is told of an end: it was not accepted, and whoever sends it begins anew.
    mutating func letGo(_ row: inout EnvelopeRow, _ why: String, _ turn: inout Turn) {
        for copy in active[row.number]?.copies ?? [] { closeCopy(row.number, copy.session) }
        row.holding.isLetGo = true
        let missing = row.payloadLength - row.receivedBytes
        for index in row.recipients.indices where !row.recipients[index].state.isEnd {
            if row.recipients[index].state.isQueued { unqueue(row, index, turn.rows) }
            end(&row, index, .deleted, .depletedStorage, &turn, isReported: false)
        }
        settle(&row, &turn)
        turn.effects.append(
            .notice(
                Notice(
                    .notice, "half-received and let go, \(missing) bytes had not come: \(why)", peer: row.origin,
                    envelope: row.bundle, kind: .incomingLetGo)))
    }

    /// The sender believes that pieces are here which have been let go. It is asked to begin anew; one that does not know what that
    /// means (0.3) forgets what it believes when it hears *Not Acceptable*.
    mutating func askAnew(_ number: UInt64, _ turn: inout Turn) -> Judgement {
        let why = "its first pieces were let go: begin with the first one"
        guard var row = envelope(number, &turn) else { return .refuse(.retransmit, why: why, count: .letGo) }
        if row.holding.askedAnew == .zero {
            row.holding.askedAnew = turn.now.relay
            save(row, turn.rows)
        }
        let isDeaf = !row.holding.hasBegunAnew && turn.now.relay.since(row.holding.askedAnew) >= Self.anewPatience
        return .refuse(isDeaf ? .notAcceptable : .retransmit, why: why, count: .letGo)
    }

    private static let anewPatience = Milliseconds.seconds(20)

    /// The first piece is offered again: the sender has understood.
    mutating func noteBegunAnew(_ number: UInt64, _ turn: inout Turn) {
        guard var row = envelope(number, &turn), !row.holding.hasBegunAnew else { return }
        row.holding.hasBegunAnew = true
        save(row, turn.rows)
    }
}

// What nobody adds to.
extension RelayCore {
    /// When the promise for the rest of an envelope is taken back; nil: nothing is promised to it.
    func promiseEnds(_ row: EnvelopeRow) -> RelayTime? {
        guard row.isInPieces, row.reservedBytes > 0, limits.incomingWait != .zero else { return nil }
        return max(row.holding.touched, row.arrival) + limits.incomingWait
    }

    /// True when its promise was taken back.
    mutating func takeBackPromise(_ row: inout EnvelopeRow, _ turn: inout Turn) -> Bool {
        guard let end = promiseEnds(row), end <= turn.now.relay, !isComing(row.number, turn.now.relay),
            !(active[row.number]?.copies.contains { !$0.flights.isEmpty } ?? false)
        else { return false }
        letGo(&row, Self.stillSentence(limits.incomingWait), &turn)
        return true
    }

    /// A piece of it is coming in at this moment.
    private func isComing(_ number: UInt64, _ now: RelayTime) -> Bool {
        openOnes.joining(number).contains { offers[$0].map { $0.touched + limits.incomingWait > now } ?? false }
    }

    /// Transfers and submissions that have stood still for as long. Once a minute; as many as there are open.
    mutating func dropUntouched(_ turn: inout Turn) {
        guard limits.incomingWait != .zero else { return }
        let now = turn.now.relay
        for ticket in offers.keys.sorted()
        where offers[ticket].map({ $0.touched + limits.incomingWait <= now }) ?? false {
            dropOffer(ticket, .retransmit, Self.stillSentence(limits.incomingWait), .letGo, &turn)
        }
        for ticket in submissions.keys.sorted()
        where submissions[ticket].map({ $0.touched + limits.incomingWait <= now }) ?? false {
            dropSubmission(ticket, Self.stillSentence(limits.incomingWait), &turn)
        }
    }
}
