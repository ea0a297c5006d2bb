// OfferedPieces: which envelope an offered piece belongs to, and what of it is here already. Read-only; a part of the judgement
// (Admission.swift).

import RelayModel
import RelayRows

extension RelayCore {
    /// The copy of which some pieces are here already.
    func isSameCopy(_ offer: Offer, _ names: OfferedNames, _ row: EnvelopeRow) -> Bool {
        guard let path = offer.copy?.path else { return true }
        return row.path.dropLast().elementsEqual(path) && row.recipients.count == names.count && names.areAll(in: row)
    }

    /// Copies that end here may be put together from the pieces of any of them.
    func isAllAtHome(_ names: OfferedNames, _ row: EnvelopeRow) -> Bool {
        names.areAll(in: row) { $0.state == .waiting && $0.routeClass == 0 }
    }

    func judgePiece(_ piece: PieceRange, of row: EnvelopeRow, isOwn: Bool, _ past: inout Past, _ turn: inout Turn) {
        // One row only: the copy's own, or else the first that takes any copy's pieces.
        if past.joins != nil, !isOwn { return }
        past.joins = row.number
        past.joinsReserved = !row.holding.isAsItComes
        past.hasPiece = gaps(of: row.number, over: piece, &turn).isEmpty
        // What foreign pieces bring beside their payload counts against whoever brought the first one.
        if !past.hasPiece, row.pieceCount >= Self.piecesMax || row.holding.overhead >= Self.pieceHeadersMax {
            past.conflict = .tooManyPieces
        }
    }

    /// Octets of the headers of one envelope's foreign pieces, beside its own.
    private static let pieceHeadersMax: UInt64 = 1 << 20

    /// A foreign piece keeps its own header.
    static let pieceHeaderMax = 16_384

    /// Pieces of one envelope. Ours are cut on the grid and stay far below; those of foreign nodes may be of any length.
    private static let piecesMax = 16_384

    /// The parts of an offered piece that are not here yet, in order. Foreign nodes cut where they like, and pieces may overlap: what
    /// came first is kept (RFC 9171, 5.9 leaves open which). Looks at the pieces that the offered one touches only.
    func gaps(of number: UInt64, over piece: PieceRange, _ turn: inout Turn) -> [Range<UInt64>] {
        let prefix = RowKey(number)
        var gaps: [Range<UInt64>] = []
        var from = piece.offset
        let rows = turn.rows
        var looked = 0
        if let before = rows.row(.piece, before: Keys.piece(number, offset: piece.offset)),
            prefix.isPrefix(of: before.key),
            let part = PieceRow(offset: before.key.number(at: 8), record: before.value, withHeader: false)
        {
            from = max(from, part.end)
        }
        Keys.piece(number, offset: piece.offset).withBytes { start in
            rows.scan(.piece, from: start) { key, value in
                looked += 1
                guard prefix.isPrefix(of: key), from < piece.end, key.number(at: 8) < piece.end else { return false }
                guard let part = PieceRow(offset: key.number(at: 8), record: value, withHeader: false) else {
                    return true
                }
                if part.offset > from { gaps.append(from..<part.offset) }
                from = max(from, part.end)
                return true
            }
        }
        turn.looked(smallRows: looked)
        if from < piece.end { gaps.append(from..<piece.end) }
        return gaps
    }
}
