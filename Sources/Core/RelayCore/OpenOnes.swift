// OpenOnes: the offers and submissions that are open, found by whose they are: by session, by the envelope that they join, and the youngest
// of each owner. Ends of sessions, deadlines and a full store ask for them, and must not go through all that is open.

import RelayModel

struct OpenOnes: Sendable {
    private var bySession: [Ticket: Set<Ticket>] = [:]
    private var byJoined: [UInt64: Set<Ticket>] = [:]
    /// Those that take room as they come, by owner, in the order of their numbers.
    private var byOwner: [ShareOwner: [(number: UInt64, ticket: Ticket)]] = [:]

    mutating func add(_ open: OpenOffer) {
        bySession.change(open.offer.session, default: []) { $0.insert(open.offer.ticket) }
        if case .join(let number, _) = open.judgement { byJoined[number, default: []].insert(open.offer.ticket) }
        if open.isAsItComes { add(.peer(open.peer), open.extent, open.offer.ticket) }
    }

    mutating func add(_ owner: ShareOwner, _ number: UInt64, _ ticket: Ticket) {
        byOwner.change(owner, default: []) { $0.append((number, ticket)) }
    }

    mutating func remove(_ open: OpenOffer) {
        bySession.change(open.offer.session) { $0.remove(open.offer.ticket) }
        if case .join(let number, _) = open.judgement {
            byJoined[number]?.remove(open.offer.ticket)
            if byJoined[number]?.isEmpty == true { byJoined[number] = nil }
        }
        if open.isAsItComes { remove(.peer(open.peer), open.extent) }
    }

    mutating func remove(_ owner: ShareOwner, _ number: UInt64) {
        guard let list = byOwner[owner] else { return }
        var low = 0
        var high = list.count
        while low < high {
            let middle = (low + high) / 2
            if list[middle].number < number { low = middle + 1 } else { high = middle }
        }
        guard low < list.count, list[low].number == number else { return }
        if list.count == 1 { byOwner[owner] = nil } else { byOwner.change(owner) { $0.remove(at: low) } }
    }

    /// A session is over; none of its offers is open any more.
    mutating func ended(_ session: Ticket) { bySession[session] = nil }

    func of(session: Ticket) -> [Ticket] { bySession[session]?.sorted() ?? [] }
    func joining(_ number: UInt64) -> Set<Ticket> { byJoined[number] ?? [] }
    /// The youngest of each owner, so many; in no order.
    func youngest(_ count: Int) -> [(owner: ShareOwner, number: UInt64, ticket: Ticket)] {
        byOwner.flatMap { owner, list in list.suffix(count).map { (owner, $0.number, $0.ticket) } }
    }
}

extension RelayCore {
    mutating func open(_ offer: OpenOffer) {
        offers[offer.offer.ticket] = offer
        openOnes.add(offer)
    }

    mutating func closeOffer(_ ticket: Ticket) -> OpenOffer? {
        guard let open = offers.removeValue(forKey: ticket) else { return nil }
        openOnes.remove(open)
        return open
    }

    mutating func closeSubmission(_ ticket: Ticket) -> OpenSubmission? {
        guard let open = submissions.removeValue(forKey: ticket) else { return nil }
        openOnes.remove(.sender(open.submission.sender), open.number)
        return open
    }
}
