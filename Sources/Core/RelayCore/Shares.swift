// Shares: whose room of the store something takes, and what is left of that share. A peer, a peer's records and a sender agency have a
// share each (quotas.*); what is still coming in counts as if it were here. Decides; holds in memory only what is open, and who was
// refused lately. Looks at a fixed number of counters, whatever the backlog.

import RelayModel
import RelayRows

/// Who answers for room in the store.
public enum ShareOwner: Hashable, Sendable {
    case peer(NodeID)
    /// Administrative records that came from a peer.
    case records(NodeID)
    case sender(AgencyCode)

    var stock: Stock {
        switch self {
        case .peer(let node): .origin(node)
        case .records(let node): .records(node)
        case .sender(let code): .sender(code)
        }
    }

    /// What a neighbour hears when the share is used up. *No Resources* makes it keep back all that is as large for a while:
    /// right for its own share, and not for that of one agency or of its records, for which the one envelope waits.
    var refusal: Refusal {
        if case .peer = self { return .noResources }
        return .retransmit
    }

    /// As `edocctl limits` and the log name it.
    public var text: String {
        switch self {
        case .peer(let node): "peer \(node.name)"
        case .records(let node): "records of peer \(node.name)"
        case .sender(let code): "sender \(code)"
        }
    }

    /// The names of its bounds by number and by octets.
    var countText: String {
        switch self {
        case .peer(let node): "envelopes of peer \(node.name)"
        case .records(let node): "records of peer \(node.name)"
        case .sender(let code): "envelopes of sender \(code)"
        }
    }
    var bytesText: String {
        switch self {
        case .peer(let node): "bytes of peer \(node.name)"
        case .records(let node): "bytes of records of peer \(node.name)"
        case .sender(let code): "bytes of sender \(code)"
        }
    }

    /// The keys of edocd.yaml that bound it.
    public var setting: String {
        switch self {
        case .peer: "quotas.peer"
        case .records: "quotas.record"
        case .sender: "quotas.sender"
        }
    }
}

/// What is being received for senders and is not in the books yet. Bounded by the sessions and submission connections.
struct OpenShares: Sendable {
    private var bySender: [AgencyCode: (count: UInt64, bytes: UInt64)] = [:]

    func of(_ sender: AgencyCode) -> (count: UInt64, bytes: UInt64) { bySender[sender] ?? (0, 0) }

    mutating func open(_ sender: AgencyCode?, _ bytes: UInt64) {
        guard let sender else { return }
        bySender.change(sender, default: (0, 0)) {
            $0.count += 1
            $0.bytes = $0.bytes.addingSaturating(bytes)
        }
    }

    mutating func grow(_ sender: AgencyCode?, _ bytes: UInt64) {
        if let sender { bySender.change(sender) { $0.bytes = $0.bytes.addingSaturating(bytes) } }
    }

    mutating func close(_ sender: AgencyCode?, _ bytes: UInt64) {
        guard let sender, let known = bySender[sender] else { return }
        bySender[sender] = known.count <= 1 ? nil : (known.count - 1, known.bytes - min(known.bytes, bytes))
    }
}

/// Whom something was refused lately because his share was used up. Bounded; who was refused longest ago is forgotten first.
public struct ShareRefusals: Sendable {
    private var entries: [(owner: ShareOwner, at: RelayTime)] = []
    static let kept = 64
    /// How long a refusal is spoken of.
    static let memory = Milliseconds.minutes(10)

    /// True when it was not known.
    mutating func note(_ owner: ShareOwner, _ now: RelayTime) -> Bool {
        let known = entries.firstIndex { $0.owner == owner }
        let isNews = known.map { now.since(entries[$0].at) >= Self.memory } ?? true
        if let known { entries.remove(at: known) }
        entries.append((owner, now))
        if entries.count > Self.kept { entries.removeFirst() }
        return isNews
    }

    /// Who was refused within the memory, the latest last.
    public func lately(_ now: RelayTime) -> [ShareOwner] {
        entries.filter { now.since($0.at) < Self.memory }.map(\.owner)
    }

    func binds(_ owner: ShareOwner, _ now: RelayTime) -> Bool {
        entries.contains { $0.owner == owner && now.since($0.at) < Self.memory }
    }
}

extension RelayCore {
    /// What an owner has in the store and on its way into it.
    func taken(by owner: ShareOwner, _ rows: any RowReader) -> (count: UInt64, bytes: UInt64) {
        var stock = ledger.stock(owner.stock, rows)
        switch owner {
        case .peer(let node), .records(let node):
            let isPeer = if case .peer = owner { true } else { false }
            for session in peers.look(node, { $0.sessions }) ?? [] {
                guard let place = sessions.index(forKey: session) else { continue }
                let open = isPeer ? sessions.values[place].open : sessions.values[place].openRecords
                stock.count = stock.count.addingSaturating(open.count)
                stock.bytes = stock.bytes.addingSaturating(open.bytes)
            }
        case .sender(let code):
            let open = openShares.of(code)
            stock.count = stock.count.addingSaturating(open.count)
            stock.bytes = stock.bytes.addingSaturating(open.bytes)
        }
        return stock
    }

    func quota(of owner: ShareOwner) -> Quota {
        switch owner {
        case .peer(let node): peers.look(node) { $0.peer.quota } ?? .unlimited
        case .records: limits.recordQuota
        case .sender: limits.senderQuota
        }
    }

    /// Would so many octets more be beyond the owner's share? `isNew`: one envelope more, too.
    func isBeyondShare(_ owner: ShareOwner, _ bytes: UInt64, isNew: Bool, _ rows: any RowReader) -> Bool {
        let quota = quota(of: owner)
        if quota == .unlimited { return false }
        let taken = taken(by: owner, rows)
        if isNew, quota.count > 0, taken.count.addingSaturating(1) > quota.count { return true }
        return quota.bytes > 0 && taken.bytes.addingSaturating(bytes) > quota.bytes
    }

    /// Somebody was refused for his share: told once, and shown while it is fresh.
    mutating func noteShareUsed(_ owner: ShareOwner, _ turn: inout Turn) {
        guard shareRefusals.note(owner, turn.now.relay) else { return }
        let (peer, agency): (NodeID?, AgencyCode?) =
            switch owner {
            case .peer(let node), .records(let node): (node, nil)
            case .sender(let code): (nil, code)
            }
        turn.effects.append(
            .notice(
                Notice(
                    .warning, "the share of \(owner.text) is used up: no resources for it until some have gone on",
                    peer: peer, agency: agency, kind: .shareUsedUp)))
    }

    /// Who was refused lately because his share is used up.
    public func sharesUsedUp(_ now: RelayTime) -> [ShareOwner] { shareRefusals.lately(now) }
}

/// What of the free room is kept for neighbours that have taken less than their minimum.
struct KeptRoom {
    var of: [NodeID: UInt64] = [:]
    var total: UInt64 = 0

    func forOthers(than owner: ShareOwner) -> UInt64 {
        switch owner {
        case .peer(let node), .records(let node): total - (of[node] ?? 0)
        case .sender: total
        }
    }
}

// The least that each has.
extension RelayCore {
    private static let minimumMax: UInt64 = 16 << 20
    /// What is larger does not take the last of the room: that is for letters, which mostly go on at once.
    private static let letterBytesMax: UInt64 = 64 << 10
    private static let lettersRoomMax: UInt64 = 16 << 20

    /// Octets that large documents leave free: a sixty-fourth of the store.
    private func lettersRoom(_ room: HeadRoom) -> UInt64 { min(Self.lettersRoomMax, storeBytes(room) / 64) }

    /// The store without its reserve.
    private func storeBytes(_ room: HeadRoom) -> UInt64 {
        let whole = room.usedBytes.addingSaturating(room.freeBytes)
        return whole > room.reserveBytes ? whole - room.reserveBytes : 0
    }

    /// Octets that each neighbour of the configuration has for itself, whatever the others have taken: a sixteenth of the store is for
    /// these, so that a store that is nearly full still shows as such.
    func minimum(_ room: HeadRoom) -> UInt64 {
        min(Self.minimumMax, storeBytes(room) / 16 / UInt64(max(peers.states.count, 1)))
    }

    private func minimum(of peer: Peer, _ room: HeadRoom) -> UInt64 {
        peer.quota.bytes > 0 ? min(peer.quota.bytes, minimum(room)) : minimum(room)
    }

    private func keptRoom(_ room: HeadRoom, _ rows: any RowReader) -> KeptRoom {
        var kept = KeptRoom()
        for state in peers.states {
            let minimum = minimum(of: state.peer, room)
            let taken = taken(by: .peer(state.peer.node), rows).bytes
            guard taken < minimum else { continue }
            kept.of[state.peer.node] = minimum - taken
            kept.total = kept.total.addingSaturating(minimum - taken)
        }
        return kept
    }

    /// For `edocctl limits`: the minimum of each, and what of it is used.
    func minimumViews(_ room: HeadRoom, _ rows: any RowReader) -> [LimitView] {
        peers.states.map { state in
            let minimum = minimum(of: state.peer, room)
            return LimitView(
                "room kept for peer \(state.peer.node.name)", "built in", .bytes, minimum,
                used: min(taken(by: .peer(state.peer.node), rows).bytes, minimum),
                effect: "nobody else is given what is left of it")
        }
    }
}

// Room for what is offered.
extension RelayCore {
    /// How long a header may be: what recipients and path take, and as much as the configuration allows beside them.
    func headerBytesMax(_ offer: Offer) -> UInt64 {
        var known: UInt64 = 0
        for code in (offer.document?.recipients ?? []) + (offer.copy?.recipients ?? []) {
            known += UInt64(code.text.utf8.count) + 3
        }
        for stop in offer.copy?.path ?? [] { known += UInt64(stop.node.text.utf8.count) + 16 }
        known += UInt64(offer.document?.documentID.utf8.count ?? 0)
        return known.addingSaturating(limits.headerBytesMax)
    }

    /// Why there is no room for it; nil when there is.
    mutating func shortage(
        _ offer: Offer, _ peer: Peer, _ recipients: Int, _ turn: inout Turn
    ) -> (refusal: Refusal, cause: RefusalCause)? {
        if drain != nil { return (.noResources, .draining) }
        let owners = offer.owners(peer.node)
        let overhead = offer.overhead(recipients)
        let whole = offer.documentLength.addingSaturating(overhead)
        // What takes room as it comes is looked at again as it comes.
        let wanted = offer.comesUnpromised ? offer.payloadLength.addingSaturating(overhead) : whole
        if !hasRun(for: offer, turn) { return (.noResources, .storeInPieces) }
        if let owner = owners.first(where: { isBeyondShare($0, wanted, isNew: true, turn.rows) }) {
            noteShareUsed(owner, &turn)
            return (owner.refusal, .quota)
        }
        if !makesRoom(for: wanted, owners[0], &turn) {
            shortageAt = turn.now.relay
            return (.noResources, .noResources)
        }
        return nil
    }

    /// True when the store can take so many more octets of payload of this owner, rows included, without touching the reserve and what
    /// is kept for others.
    func hasRoom(for bytes: UInt64, _ owner: ShareOwner, _ turn: inout Turn) -> Bool {
        shortfall(of: bytes, owner, &turn) == 0
    }

    /// How many octets of room are missing for it.
    func shortfall(of bytes: UInt64, _ owner: ShareOwner, _ turn: inout Turn) -> UInt64 {
        let reserved = ledger.value(.reservedBytes, turn.rows)
        let promised = stagedBytes.addingSaturating(turn.promisedBytes).addingSaturating(reserved)
        let need = need(for: bytes, promised: promised)
        let room = turn.room.acceptableBytes
        // As long as there is plenty nobody needs to count.
        let letters = bytes > Self.letterBytesMax ? lettersRoom(turn.room) : 0
        let plenty = minimum(turn.room).saturatingTimes(UInt64(peers.states.count)).addingSaturating(letters)
        if need <= room, room - need >= plenty { return 0 }
        var whole = need
        if !isWithinMinimum(bytes, owner, turn) {
            let kept = turn.keptRoom ?? keptRoom(turn.room, turn.rows)
            turn.keptRoom = kept
            whole = need.addingSaturating(kept.forOthers(than: owner)).addingSaturating(letters)
        }
        return whole - min(whole, room)
    }

    /// Within its own minimum nobody takes what is kept for others.
    private func isWithinMinimum(_ bytes: UInt64, _ owner: ShareOwner, _ turn: Turn) -> Bool {
        guard case .peer(let node) = owner, let peer = peers.look(node, { $0.peer }) else { return false }
        return taken(by: owner, turn.rows).bytes.addingSaturating(bytes) <= minimum(of: peer, turn.room)
    }

    /// What the store must be able to take for so many more octets, beside what is promised already.
    func need(for bytes: UInt64, promised: UInt64) -> UInt64 {
        let rows: UInt64 = 8_192
        return bytes.addingSaturating(bytes / 32).addingSaturating(rows).addingSaturating(promised)
    }
}
