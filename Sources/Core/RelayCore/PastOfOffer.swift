// PastOfOffer: what the copies that are here say of an offered one. Read-only; a part of the judgement (Admission.swift). An offer of a
// hundred octets may be about many copies of a thousand recipients each: no more of their records is read than is asked, and what is
// looked at is counted.

import RelayModel
import RelayRows

/// What the books say of one offered recipient.
enum Standing: Equatable {
    /// Held here, ended here, or handed on by an offer that is not a return.
    case known
    /// We have handed it on, and it comes back.
    case returned
}

extension RelayCore {
    /// What is known here of the offered bundle.
    struct Past {
        var conflict: RefusalCause?
        var hasPiece = false
        var joins: UInt64?
        var joinsReserved = false
        /// Its pieces have been let go.
        var letGo: UInt64?
        /// By the place of the name among those offered; empty: nothing is known of any.
        var standings: [Standing?] = []
        /// For bundles without a path: whom they were handed to from here before.
        var tried: [PathStop] = []
        /// Copies of it that are here, and the recipients of all of them.
        var copies = 0
        var recipients = 0

        mutating func note(_ standing: Standing, at place: Int, of count: Int) {
            if standings.isEmpty { standings = Array(repeating: nil, count: count) }
            if standings[place] != .known { standings[place] = standing }
        }
    }

    func past(of offer: Offer, from node: NodeID, _ names: [String], _ turn: inout Turn) -> Past {
        var past = Past()
        // Another one may have the same name; each is taken as it comes.
        if offer.isAnonymous { return past }
        let numbers = numbersOfCopies(offer.bundle, turn.rows)
        if numbers.isEmpty { return past }
        if numbers.count > Self.copiesOfOneMax {
            past.conflict = .tooManyCopies
            return past
        }
        let isReturnByPath = offer.copy?.path.contains { $0.node == self.node } ?? false
        let wanted = OfferedNames(names)
        for number in numbers {
            let held = active[number]?.row
            guard let raw = held == nil ? turn.rows.value(.envelope, Keys.envelope(number)) : nil,
                let glance = CopyGlance(record: raw)
            else {
                if let held { judgeHeld(held, offer, from: node, wanted, isReturnByPath, &past, &turn) }
                if past.conflict != nil { return past }
                continue
            }
            // Its way and its recipients say something of another whole copy; what is in pieces, or has no path, is read as a whole.
            if offer.copy == nil || !glance.isComplete && offer.piece != nil && glance.isInPieces {
                guard let row = EnvelopeRow(number: number, record: raw) else { continue }
                judgeHeld(row, offer, from: node, wanted, isReturnByPath, &past, &turn)
            } else {
                past.copies += 1
                past.recipients += glance.recipientCount
                turn.looked(recipients: glance.recipientCount + glance.path.count)
                if glance.payloadLength != offer.documentLength || glance.digest != offer.document?.digest {
                    past.conflict = .contentConflict
                    return past
                }
                guard glance.isComplete else { continue }
                glance.recipients(at: wanted.place) { place, state, peer, reason in
                    let standing = standing(
                        of: (state, peer, reason), (glance.path, glance.hopCount), offer, from: node,
                        isReturnByPath: isReturnByPath)
                    if let standing { past.note(standing, at: place, of: wanted.count) }
                }
            }
            if past.conflict != nil { return past }
            // The others say nothing more.
            if offer.piece == nil, offer.copy != nil, past.standings.count == wanted.count,
                past.standings.allSatisfy({ $0 == .known })
            {
                return past
            }
            // Of a store from before, in which more of them were taken.
            if past.recipients > 2 * Self.recipientsOfCopiesMax {
                past.conflict = .tooManyCopies
                return past
            }
        }
        return past
    }

    /// The same from a row that has been read.
    private func judgeHeld(
        _ row: EnvelopeRow, _ offer: Offer, from node: NodeID, _ wanted: OfferedNames, _ isReturnByPath: Bool,
        _ past: inout Past, _ turn: inout Turn
    ) {
        past.copies += 1
        past.recipients += row.recipients.count
        turn.looked(recipients: row.recipients.count + row.path.count)
        if row.payloadLength != offer.documentLength || row.document?.digest != offer.document?.digest {
            past.conflict = .contentConflict
            return
        }
        guard row.isComplete else {
            // What is not whole here proves nothing of the recipients; its pieces count for the same copy only.
            guard let piece = offer.piece, row.isInPieces else { return }
            let isOwn = isSameCopy(offer, wanted, row)
            guard isOwn || isAllAtHome(wanted, row) else { return }
            if row.ended == .zero {
                judgePiece(piece, of: row, isOwn: isOwn, &past, &turn)
            } else if row.holding.isLetGo {
                // Foreign nodes cut where they like, and need not begin anew.
                if offer.document != nil { past.letGo = row.number }
            } else if row.kind == .foreign, row.recipients.allSatisfy({ $0.state == .forwarded }) {
                // Fragments that are at the next hop; this one follows them.
            } else if !row.isLostInPart {
                past.conflict = .expired
            }
            return
        }
        if offer.copy == nil { past.tried += tried(row) }
        for recipient in row.recipients {
            guard let place = wanted.place(recipient.name) else { continue }
            let standing = standing(
                of: (recipient.state, recipient.peer, recipient.reason), (row.path, row.hopCount), offer, from: node,
                isReturnByPath: isReturnByPath)
            if let standing { past.note(standing, at: place, of: wanted.count) }
        }
    }

    /// The numbers of the copies of a bundle that are here; one more than are told apart at most.
    func numbersOfCopies(_ bundle: BundleID, _ rows: any RowReader) -> [UInt64] {
        var numbers: [UInt64] = []
        let prefix = Keys.bundle(bundle)
        rows.scan(.bundle, prefix: prefix) { key, _ in
            if key.count == prefix.count + 8 { numbers.append(key.number(at: key.count - 8)) }
            return numbers.count <= Self.copiesOfOneMax
        }
        return numbers
    }

    /// Copies of one envelope that are told apart; each is looked at when another comes.
    static let copiesOfOneMax = 64
    /// Recipients of all copies of one envelope: beyond that no further copy is taken. So many are looked at when another comes, though
    /// that may be of a hundred octets.
    static let recipientsOfCopiesMax = 4_096

    /// What a whole envelope here says of an offered copy for one of its recipients; nil: nothing.
    private func standing(
        of recipient: (state: RecipientState, peer: NodeID?, reason: ReportReason),
        _ held: (path: [PathStop], hopCount: UInt64), _ offer: Offer, from node: NodeID, isReturnByPath: Bool
    ) -> Standing? {
        // It was here before that copy came, and is not one of that copy's.
        if recipient.state == .forwarded, recipient.peer == nil { return nil }
        // Put together from pieces of which one was wrong: that says nothing of another copy. What is left of the same one, or of one
        // that had begun to join it, would never become whole: a copy begins with its first piece.
        if recipient.state == .refused, recipient.reason == .digestMismatch,
            offer.piece.map({ $0.offset == 0 }) ?? true,
            !held.path.dropLast().elementsEqual(offer.copy?.path ?? [])
        {
            return nil
        }
        if has(.completedWhileHeld), recipient.state == .held { return .known }
        // Here for good, or ended here and reported.
        guard recipient.state == .forwarded || recipient.state.isQueued || recipient.state == .held else {
            return .known
        }
        guard let path = offer.copy?.path else {
            // Handed to the very node that it is for.
            if recipient.state == .forwarded, recipient.peer == offer.destination.node { return .known }
            if recipient.state == .forwarded, recipient.peer == node { return .returned }
            // Records and foreign bundles have no path. One that has come further than the one that was here may be the same on
            // its way back; and as the count grows on every way, no two nodes let go one for the other's.
            return offer.hopCount.map { $0 > held.hopCount } ?? false ? .returned : .known
        }
        if held.path.dropLast().elementsEqual(path) { return .known }
        // It has been here, so this node has sent it on, answered or not. A copy that is still kept here does not count: the next
        // hop may call that one complete because it has had the one that now returns.
        if isReturnByPath || recipient.state == .forwarded && recipient.peer == node { return .returned }
        return isSenior(held.path, to: path) ? .known : nil
    }
}
