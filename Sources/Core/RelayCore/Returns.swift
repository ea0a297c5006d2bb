// Returns: what becomes of a copy whose number another document has. Its home refuses it; it goes back along its path with its payload;
// its source, which knows it from its own books, sends it under a new name that names the old one. A home that has given the agency the
// very document under the old name lets it go as a duplicate.
//
// Nothing is believed here but what the books say: a copy comes back only from whom it was sent to, as it was sent, once. Each envelope
// is renamed once: a neighbour that says it of every number can delay a document, and make nothing grow.

import RelayModel
import RelayRows

extension RelayCore {
    mutating func noticeContentDiffers(_ bundle: BundleID, from peer: NodeID?, _ turn: inout Turn) {
        turn.effects.append(
            .notice(
                Notice(
                    .alarm, "another document came under a number that is known here", peer: peer, envelope: bundle,
                    kind: .contentDiffers)))
    }

    /// The node that this node had a copy from, by the copy's path; of one that has come back, before it went out.
    func hopBack(_ path: [PathStop]) -> NodeID? {
        guard let place = path.firstIndex(where: { $0.node == node }), place > 0 else { return nil }
        return path[place - 1].node
    }

    /// Can a copy go back to this node? Without a session that is not known; then it waits for one.
    private func mayTakeReturns(_ peer: NodeID) -> Bool {
        guard let state = peers[peer], state.peer.isEdoc else { return false }
        return !state.isUp || understands(.returns, peer)
    }

    /// What goes back and what goes on are two copies, and none goes back to who does not understand it.
    func ofOneKind(_ indexes: [Int], _ row: EnvelopeRow, _ peer: NodeID) -> [Int] {
        guard indexes.contains(where: { row.recipients[$0].isReturning }) else { return indexes }
        let onward = indexes.filter { !row.recipients[$0].isReturning }
        if !onward.isEmpty { return onward }
        return understands(.returns, peer) ? indexes : []
    }

    /// A hop has refused a copy, because another document is known there under its number.
    mutating func numberTaken(_ ticket: Ticket, _ dispatch: DispatchState, _ turn: inout Turn) {
        guard let entry = active[dispatch.number], let copy = entry.copies.first(where: { $0.order == dispatch.copy }),
            entry.row.kind == .document, !entry.row.recipients.contains(where: \.isReturning)
        else { return refused(ticket, dispatch, &turn) }
        let isOwn = isOwn(entry.row)
        let back = hopBack(entry.row.path)
        let goesBack = !isOwn && back.map(mayTakeReturns) ?? false
        guard goesBack || isOwn && entry.row.formerly == nil && entry.row.formerName == nil, land(ticket) != nil else {
            return refused(ticket, dispatch, &turn)
        }
        closeCopy(dispatch.number, dispatch.session)
        var row = entry.row
        if let slot = copy.marksSlot { row.sentMarks[slot].peer = nil }
        row.note(
            "another document is known there under its number", of: dispatch.peer, for: copy.recipients, turn.now.wall)
        ledger.count(.refusedByPeer(dispatch.peer))
        if isOwn {
            leaveIncarnation(
                of: row.bundle, asToldBy: dispatch.peer,
                why: "\(dispatch.peer.name) knows another document under a number of this node", &turn)
            rename(&row, copy.recipients, &turn)
        } else if let back {
            for index in copy.recipients {
                unqueue(row, index, turn.rows)
                row.recipients[index].isReturning = true
                row.recipients[index].refusedBy = []
                row.recipients[index].peer = dispatch.peer
                setClass(&row, index, hops: [back], &turn)
                row.recipients[index].due = turn.now.relay
                move(&row, index, to: .waiting, turn.now.relay)
                enqueue(row, index, &turn)
            }
            turn.effects.append(
                .notice(
                    Notice(
                        .warning, "it goes back to \(back.name): another document is known under its number",
                        peer: dispatch.peer, envelope: row.bundle, kind: .copyReturned)))
        }
        settle(&row, &turn)
    }

    /// Numbers of this incarnation are known to belong to others: it is left, once. That ends all sessions: a neighbour that says it of
    /// every number is believed once an hour; until then what it says it of gets a new name, and nothing else happens.
    mutating func leaveIncarnation(of bundle: BundleID, asToldBy peer: NodeID, why: String, _ turn: inout Turn) {
        guard bundle.incarnation == incarnation, believesOfNumbers(peer, turn.now.relay) else { return }
        beginIncarnation(&turn)
        turn.effects.append(
            .notice(
                Notice(
                    .alarm, "this node has gone back to an earlier state, or has a double: \(why)", peer: peer,
                    envelope: bundle, kind: .numbersGivenTwice)))
    }

    /// Sends an envelope of this node under a new name, for these recipients; the rest of its lifetime goes with it.
    mutating func rename(
        _ row: inout EnvelopeRow, _ indexes: [Int], isTold: Bool = true, _ turn: inout Turn, isTimeless: Bool = false
    ) {
        let created = isTimeless ? 0 : row.bundle.creationTime
        let name = succeed(
            &row, indexes, by: indexes.map { wayAnew(row.recipients[$0].name, &turn) }, as: (.deleted, .renamed), &turn
        ) { new in
            // Its age counts from then.
            new.bundle.creationTime = created
        }
        if isTold { noticeRenamed(row.bundle, name, &turn) }
    }

    private mutating func noticeRenamed(_ old: BundleID, _ new: BundleID, _ turn: inout Turn) {
        turn.effects.append(
            .notice(Notice(.warning, "sent again as \(new.envelopeName)", envelope: old, kind: .envelopeRenamed)))
    }

    /// A recipient of an envelope that begins anew here.
    private mutating func wayAnew(_ name: String, _ turn: inout Turn) -> RecipientRow {
        var recipient = RecipientRow(
            name: name, state: .waiting, routeClass: 0, due: turn.now.relay, since: turn.now.relay)
        guard let agency = AgencyCode(name) else { return recipient }
        switch destiny(of: agency, avoiding: [], origin: nil) {
        case .home: break
        case .away(let hops): recipient.routeClass = routeClass(for: hops, name, turn.rows)
        case .nowhere(let reason):
            recipient.state = .refused
            recipient.reason = reason
        }
        return recipient
    }
}

// A copy comes back.
extension RelayCore {
    mutating func judgeReturn(_ offer: Offer, _ peer: Peer, isGranted: Bool, _ turn: inout Turn) -> Judgement {
        func no(_ why: String) -> Judgement { .refuse(.notAcceptable, why: why, count: .falseReturn) }
        guard peer.isEdoc, let document = offer.document, let copy = offer.copy else {
            return no("only documents come back")
        }
        let names = names(of: offer)
        let wanted = OfferedNames(names)
        let rows = copies(of: offer.bundle, document, &turn)
        guard
            let sent = rows.first(where: { row in
                wanted.areAll(in: row) { $0.state == .forwarded && $0.peer == peer.node && !$0.isReturning }
            })
        else { return no("it was not sent from here to \(peer.node.name)") }
        let isOwn = isOwn(sent)
        // It may have come before, whole or in part.
        let before =
            isOwn
            ? sent.resubmittedAs.flatMap { copies(of: $0, document, &turn) }
            : rows.filter { row in row.number != sent.number && row.path.dropLast().elementsEqual(copy.path) }
        if let known = before.last(where: { wanted.areAll(in: $0) }) {
            guard !known.isComplete, known.ended == .zero, let piece = offer.piece else {
                return .refuse(.completed, why: RefusalCause.duplicate.rawValue, count: .duplicate)
            }
            var past = Past()
            judgePiece(piece, of: known, isOwn: true, &past, &turn)
            return past.hasPiece
                ? .refuse(.completed, why: RefusalCause.duplicate.rawValue, count: .duplicate)
                : .join(known.number, isReserved: !known.holding.isAsItComes)
        }
        if isOwn, sent.formerly != nil || sent.formerName != nil { return no("it was renamed once") }
        if !isOwn, !(hopBack(copy.path).map(mayTakeReturns) ?? false) { return no("it cannot go back any further") }
        if !isGranted, let shortage = shortage(offer, peer, names.count, &turn) {
            return .refuse(shortage.refusal, why: shortage.cause.rawValue, count: shortage.cause)
        }
        if isOwn { return .renew(names.map { wayAnew($0, &turn) }, sent.number) }
        return .take(
            names.map { name in
                var recipient = RecipientRow(
                    name: name, state: .waiting, routeClass: 0, due: turn.now.relay, since: turn.now.relay)
                recipient.isReturning = true
                if let back = hopBack(copy.path) { recipient.routeClass = routeClass(for: [back], name, turn.rows) }
                return recipient
            }, avoiding: [])
    }

    /// The rows of one bundle with this content, as many as are told apart.
    private func copies(of bundle: BundleID, _ document: DocumentDescription, _ turn: inout Turn) -> [EnvelopeRow] {
        var found: [EnvelopeRow] = []
        var recipients = 0
        for number in numbersOfCopies(bundle, turn.rows) {
            guard
                let row = active[number]?.row
                    ?? turn.rows.value(.envelope, Keys.envelope(number)).flatMap({
                        EnvelopeRow(number: number, record: $0)
                    })
            else { continue }
            turn.looked(recipients: row.recipients.count * 4)
            recipients += row.recipients.count
            if row.document == document { found.append(row) }
            if recipients > 2 * Self.recipientsOfCopiesMax { break }
        }
        return found
    }

    /// A copy of this node's own is back: it is sent under a new name.
    mutating func renew(_ open: OpenOffer, _ recipients: [RecipientRow], _ old: UInt64, _ turn: inout Turn) {
        guard var sent = envelope(old, &turn) else { return discard(extent: open.extent, isMarked: false, &turn) }
        let offer = open.offer
        leaveIncarnation(
            of: sent.bundle, asToldBy: open.peer,
            why: "\(open.peer.name) sends back what another document's number had", &turn)
        var row = EnvelopeRow(
            number: offer.piece == nil ? open.extent : takeNumber(), bundle: takeBundleID(&turn), kind: .document,
            urgency: sent.urgency, lifetime: sent.lifetime, ageAtArrival: sent.age(at: turn.now.relay),
            arrival: turn.now, origin: nil, destination: sent.destination, reportTo: node.endpoint,
            payloadLength: sent.payloadLength)
        row.bundle.creationTime = sent.bundle.creationTime
        row.document = sent.document
        row.path = [PathStop(node: node, time: turn.now.wall)]
        row.hopLimit = limits.hopLimit
        row.formerName = sent.bundle
        row.isInPieces = offer.piece != nil
        row.receivedBytes = offer.piece == nil ? row.payloadLength : 0
        row.recipients = recipients
        row.holding.overhead = offer.overhead(recipients.count)
        row.holding.isAsItComes = offer.piece != nil && offer.comesUnpromised
        sent.resubmittedAs.append(row.bundle)
        let back = OfferedNames(recipients.map(\.name))
        for index in sent.recipients.indices where back.place(sent.recipients[index].name) != nil {
            sent.recipients[index].isRenewed = true
            sent.recipients[index].lastAnswer = "sent again as \(row.bundle.envelopeName)"
            report(sent, sent.recipients[index], .deleted, &turn, reason: .renamed)
        }
        if sent.ended == .zero {
            turn.rows.put(.lookup, LookupIndex.key(.sharer, String(sent.extent), sent.number))
        }
        save(sent, turn.rows)
        record(&row, isComplete: offer.piece == nil, &turn)
        if offer.piece != nil {
            ledger.add(.reservedBytes, Int64(clamping: row.reservedBytes), of: row.number)
            save(row, turn.rows)
            addPiece(open, to: row.number, &turn)
        }
        noticeRenamed(sent.bundle, row.bundle, &turn)
    }
}
