// PartedCopies: what a copy that comes has in common with one that was here before: whom that one has been sent to, and which of two that
// have parted goes before the other, and which parts of a piece are not here yet. Pure.

import RelayModel
import RelayRows

extension RelayCore {
    /// The hops that a copy here has been sent to.
    func tried(_ row: EnvelopeRow) -> [PathStop] {
        let taken = row.recipients.filter { $0.state == .forwarded }.compactMap(\.peer)
        let asked = active[row.number]?.copies.map(\.peer) ?? []
        return (taken + asked).map { PathStop(node: $0, time: row.arrivalWall) }
    }

    /// Copies of one envelope that have parted (a session was lost in doubt, and another hop was asked) meet again. Two nodes
    /// must not each let one go because of the other: a copy is let go only for one whose way is the lesser at the stop where
    /// they part. That stop lies behind both, so every node answers alike.
    func isSenior(_ held: [PathStop], to offered: [PathStop]) -> Bool {
        for (ours, theirs) in zip(held, offered) where ours != theirs {
            return ours.node == theirs.node ? ours.time < theirs.time : ours.node < theirs.node
        }
        guard held.count > offered.count else { return false }
        let next = held[offered.count].node
        return next == node || next < node
    }

    /// The copy of which some pieces are here already.
    func isSameCopy(_ offer: Offer, _ names: [String], _ row: EnvelopeRow) -> Bool {
        guard let path = offer.copy?.path else { return true }
        return row.path.dropLast().elementsEqual(path) && row.recipients.count == names.count
            && names.allSatisfy { name in row.recipients.contains { $0.name == name } }
    }

    /// Copies that end here may be put together from the pieces of any of them.
    func isAllAtHome(_ names: [String], _ row: EnvelopeRow) -> Bool {
        names.allSatisfy { name in
            row.recipients.contains { $0.name == name && $0.state == .waiting && $0.routeClass == 0 }
        }
    }

    /// The parts of an offered piece that are not here yet, in order. Foreign nodes cut where they like, and pieces may overlap: what
    /// came first is kept (RFC 9171, 5.9 leaves open which). Looks at the pieces that the offered one touches only.
    func gaps(of number: UInt64, over piece: PieceRange, _ rows: any RowReader) -> [Range<UInt64>] {
        let prefix = RowKey(number)
        var gaps: [Range<UInt64>] = []
        var from = piece.offset
        if let before = rows.row(.piece, before: Keys.piece(number, offset: piece.offset)),
            prefix.isPrefix(of: before.key),
            let part = PieceRow(offset: before.key.number(at: 8), record: before.value, withHeader: false)
        {
            from = max(from, part.end)
        }
        Keys.piece(number, offset: piece.offset).withBytes { start in
            rows.scan(.piece, from: start) { key, value in
                guard prefix.isPrefix(of: key), from < piece.end, key.number(at: 8) < piece.end else { return false }
                guard let part = PieceRow(offset: key.number(at: 8), record: value, withHeader: false) else {
                    return true
                }
                if part.offset > from { gaps.append(from..<part.offset) }
                from = max(from, part.end)
                return true
            }
        }
        if from < piece.end { gaps.append(from..<piece.end) }
        return gaps
    }
}
