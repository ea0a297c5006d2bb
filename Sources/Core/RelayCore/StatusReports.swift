// StatusReports: the RFC's own reports (RFC 9171, 6.1.1), for foreign bundles that ask, where an operator has switched them on. Each of
// the four flags by itself; the time only if it is asked for; a fragment is named by its place. They are records like any other. Where
// they cannot go is said, once for each bundle, when it comes.

import RelayModel
import RelayRows

extension RelayCore {
    /// Fragments of one bundle that are reported one by one at most; the first of them are.
    private static let fragmentsMax = 16

    /// A bundle, or a fragment of one, was taken from a peer.
    mutating func statusReceived(_ offer: Offer, from peer: NodeID, _ turn: inout Turn) {
        guard limits.statusReports, offer.statusRequest.asksForReports, offer.document == nil, !offer.isAnonymous,
            !offer.isAdministrative
        else { return }
        guard offer.reportTo.node != nil else {
            ledger.count(.reportUnroutable)
            turn.effects.append(
                .notice(
                    Notice(
                        .notice, "asks for status reports to nowhere (\(offer.reportTo.text)); none is made",
                        peer: peer,
                        envelope: offer.bundle, kind: .reportsUnroutable)))
            return
        }
        guard offer.statusRequest.contains(.received) else { return }
        send(
            StatusNote(
                bundle: offer.bundle, piece: offer.piece, status: .received,
                time: offer.statusRequest.contains(.time) ? turn.now.wall : nil, reason: .none), to: offer.reportTo,
            &turn)
    }

    /// It, or one fragment of it, is at the next hop.
    mutating func statusForwarded(_ row: EnvelopeRow, _ piece: PieceRow?, _ turn: inout Turn) {
        let range = piece.flatMap { PieceRange(offset: $0.offset, length: $0.length, total: row.payloadLength) }
        status(.forwarded, row, range, .none, &turn)
    }

    /// Its end here. What was put together is delivered as a whole; what is dropped, is dropped fragment by fragment.
    mutating func statusEnded(
        _ row: EnvelopeRow, _ state: ReportedState, _ reason: ReportReason, _ turn: inout Turn
    ) {
        if state == .delivered { return status(.delivered, row, nil, .none, &turn) }
        guard state == .refused || state == .expired || state == .deleted else { return }
        guard row.isInPieces else { return status(.deleted, row, nil, reason, &turn) }
        guard limits.statusReports, row.statusRequest.contains(.deleted) else { return }
        for piece in pieces(of: row.number, turn.rows).prefix(Self.fragmentsMax) {
            let range = PieceRange(offset: piece.offset, length: piece.length, total: row.payloadLength)
            status(.deleted, row, range, reason, &turn)
        }
    }

    private mutating func status(
        _ status: StatusRequest, _ row: EnvelopeRow, _ piece: PieceRange?, _ reason: ReportReason, _ turn: inout Turn
    ) {
        guard limits.statusReports, row.kind == .foreign, row.statusRequest.contains(status), !row.bundle.isAnonymous
        else { return }
        send(
            StatusNote(
                bundle: row.bundle, piece: piece, status: status,
                time: row.statusRequest.contains(.time) ? turn.now.wall : nil, reason: reason), to: row.reportTo, &turn)
    }

    private mutating func send(_ note: StatusNote, to reportTo: EndpointID, _ turn: inout Turn) {
        guard let node = reportTo.node, node != self.node else { return }
        makeRecord(.status(note), for: reportTo, node, &turn)
    }
}
