// ForeignAdmission: what is particular to bundles of other makes: sources that are nobody, payloads under security blocks that are not
// checked here, pieces cut at any place. Judgements only; it changes nothing.

import RelayModel
import RelayRows

extension RelayCore {
    /// A bundle of nobody: whoever may send for anybody may send it. Its name says nothing, so its pieces cannot be told from others'.
    func refusalOfNobody(_ offer: Offer, _ peer: Peer) -> Judgement? {
        guard offer.document == nil, !offer.isAdministrative, peer.rights.fromNodes.contains(.any) else {
            return .refuse(.notAcceptable, why: "anonymous source", count: .notAuthorised)
        }
        guard offer.piece == nil else {
            return .refuse(.notAcceptable, why: "a piece of an anonymous bundle", count: .badCopy)
        }
        return nil
    }

    /// By name: what this node cannot check it does not hand over as good.
    static func refusalOfCover(_ cover: String) -> Judgement {
        .refuse(
            .notAcceptable, why: "its payload is under a \(cover) (RFC 9172), which is not checked here",
            count: .payloadCovered)
    }

    func isHome(_ name: String, _ offer: Offer) -> Bool {
        !offer.isAdministrative && AgencyCode(name).flatMap(configuration.directory.home(of:)) == node
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
