// Outgrown: what becomes of one document for which the store had no room by itself, though its books said otherwise. The engine finds
// out which one it is (Narrowing.swift), and hands it in here, in a transaction of its own: it is refused with the reason, and nothing
// else is touched. Nothing here fails but as every change of rows does.

import RelayModel
import RelayRows

extension RelayCore {
    static let outgrownSentence =
        "the store's free pages do not lie together as this document needs them; try again later"

    /// A commit with this offer alone found no room. `offer`: when it had not been judged.
    public mutating func offerOutgrew(_ ticket: Ticket, _ offer: Offer?, _ turn: inout Turn) {
        if let open = closeOffer(ticket) {
            release(open)
            discard(open, &turn)
            noteOutgrown(open.offer.bundle, open.peer, &turn)
            refuse(open.offer, .noResources, Self.outgrownSentence, .storeInPieces, &turn)
        } else if let offer, let session = sessions[offer.session] {
            noteOutgrown(offer.bundle, session.peer, &turn)
            refuse(offer, .noResources, Self.outgrownSentence, .storeInPieces, &turn)
        }
    }

    /// A commit with this submission alone found no room.
    public mutating func submissionOutgrew(_ ticket: Ticket, _ turn: inout Turn) {
        if submissions[ticket] != nil { submissionAbandoned(ticket, &turn) }
        shortageAt = turn.now.relay
        ledger.count(.submissionRefused(SubmissionRefusal.noResources.rawValue))
        turn.effects.append(
            .answerSubmission(ticket: ticket, .refused([Self.outgrownSentence], cause: .noResources)))
    }

    private mutating func noteOutgrown(_ bundle: BundleID, _ peer: NodeID, _ turn: inout Turn) {
        shortageAt = turn.now.relay
        turn.effects.append(
            .notice(
                Notice(
                    .warning, "a document was refused: the store's free pages do not lie together", peer: peer,
                    envelope: bundle, kind: .storeInPieces)))
    }

    /// True when there are pages side by side for the longest row that this offer brings: its envelope's.
    func hasRun(for offer: Offer, _ turn: Turn) -> Bool {
        guard turn.room.isTight else { return true }
        let names = offer.copy?.recipients.reduce(0) { $0 + $1.text.utf8.count } ?? 0
        let all = offer.document?.recipients.reduce(0) { $0 + $1.text.utf8.count + 2 } ?? 0
        let path = (offer.copy?.path.count ?? 0) * 80
        // A recipient's state, times and peer stand beside its name, and an answer that comes later may add to them.
        let row = offer.header.count + names + (offer.copy?.recipients.count ?? 1) * 160 + all + path + 1_024
        return UInt64(row) <= max(turn.room.longestRunBytes, UInt64(ChunkLayout.pageBytes))
    }
}
