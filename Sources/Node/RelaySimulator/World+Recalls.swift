// World, the judge of what links give back: a transfer that an engine has got back was never seen at the other end of its session. It knows what was handed to
// each session, what came back, and what came out at the other end; neither the queue of a link nor the order in which it sends.

import RelayCore
import RelayModel

/// What was handed to sessions and what came of it.
struct HandedBooks {
    /// A transfer as both ends of its session know it.
    struct Transfer: Hashable {
        var session: Int
        var from: Int
        var bundle: BundleID
        var offset: UInt64?
    }
    /// Handed over, less what was given back; and what came out.
    var sent: [Transfer: Int] = [:]
    var seen: [Transfer: Int] = [:]
    /// By session of one node and dispatch.
    var dispatches: [Name: Transfer] = [:]
    struct Name: Hashable {
        var session: Ticket
        var dispatch: Ticket
    }
}

extension World {
    func handedOver(_ dispatch: Dispatch, _ node: SimulatedNode) {
        guard let place = sessionOfTicket[dispatch.session] else { return }
        let transfer = HandedBooks.Transfer(
            session: place.session, from: place.end, bundle: dispatch.bundle, offset: dispatch.piece?.offset)
        belief.handed.sent[transfer, default: 0] += 1
        belief.handed.dispatches[HandedBooks.Name(session: dispatch.session, dispatch: dispatch.ticket)] = transfer
    }

    /// A link gives a transfer back.
    func judgeReturned(_ session: Ticket, _ dispatch: Ticket, _ node: SimulatedNode) {
        let name = HandedBooks.Name(session: session, dispatch: dispatch)
        guard let transfer = belief.handed.dispatches.removeValue(forKey: name) else {
            return fail(
                "\(node.id) gets \(dispatch.number) back from a session that was not handed it, or gives it twice")
        }
        summary.recalled += 1
        belief.handed.sent[transfer, default: 0] -= 1
        compare(transfer, node)
    }

    /// A transfer comes out at this node.
    func judgeBegun(_ offer: Offer, _ node: SimulatedNode) {
        guard let place = sessionOfTicket[offer.session], !books.hoarded.contains(offer.bundle),
            !books.givenBack.contains(offer.bundle)
        else { return }
        let transfer = HandedBooks.Transfer(
            session: place.session, from: 1 - place.end, bundle: offer.bundle, offset: offer.piece?.offset)
        // The hostile speak over the sessions of others, which have not been handed what they say.
        guard belief.handed.sent[transfer] != nil else { return }
        belief.handed.seen[transfer, default: 0] += 1
        compare(transfer, node)
    }

    private func compare(_ transfer: HandedBooks.Transfer, _ node: SimulatedNode) {
        guard belief.handed.seen[transfer, default: 0] > belief.handed.sent[transfer, default: 0] else { return }
        fail("\(transfer.bundle) was given back by session \(transfer.session), and was sent on it all the same")
    }
}
