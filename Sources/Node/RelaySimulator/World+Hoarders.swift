// World, the hoarders: a leaf that wants more than its share: it announces what it does not send, promises what never comes, fills headers
// with what nobody reads, and sends records without end. And the judge of shares: what it has at a neighbour stays within its share at
// every commit, and nobody else is ever refused for it. It speaks over the sessions of its node, whose own agencies send as ever.

import BundleProtocol
import NIOCore
import RelayCore
import RelayEngine
import RelayModel
import RelayRows
import Trap

/// What a hoarder has at one node and does not end.
struct Hoard {
    var node: Int
    var ticket: Ticket
}

extension World {
    /// Room of each store: everything honest fits several times over, what a hoarder announces does not.
    static let hoardedCapacity: UInt64 = 256 << 20
    /// The hoarder's share at each neighbour.
    static let hoarderQuota = Quota(bytes: 12 << 20, count: 60)
    static let hoarderRecords = Quota(bytes: 2 << 20, count: 2_000)
    /// Offers that it leaves open.
    private static let openMax = 6
    /// Beyond it what it has begun is gone, so that the world comes to rest.
    private static let lifetime = Milliseconds.minutes(10)

    func planHoarding() {
        guard plan.hoards else { return }
        for node in nodes { node.store.capacityBytes = Self.hoardedCapacity }
        var at: UInt64 = 4_000
        while at < plan.duration {
            plan(.hoard, at: at)
            at += 100 + hoarders.next(below: 1_200)
        }
    }

    func hoard() {
        guard !isHealed, let hoarder = network.hoarder else { return }
        let living = sessions.keys.sorted().compactMap { sessions[$0] }.filter { session in
            !session.isCut && session.ends.contains { $0.node == hoarder }
                && session.ends.allSatisfy { $0.isKnown && !$0.isOver }
        }
        guard !living.isEmpty else { return }
        let session = living[Int(hoarders.next(below: UInt64(living.count)))]
        guard let end = session.ends.first(where: { $0.node != hoarder }), nodes[end.node].isUp else { return }
        summary.hoarded += 1
        switch hoarders.next(below: 6) {
        case 0: send(foreign(end, length: 4 << 20), 1, ends: false, end.node)
        case 1:
            let piece = PieceRange(offset: 0, length: 1, total: 200 << 20)
            send(foreign(end, length: 1, piece: piece), 1, ends: true, end.node)
        case 2: send(document(end, PieceRange(offset: 5, length: 1, total: 8 << 20)!), 1, ends: true, end.node)
        case 3:
            send(
                document(end, PieceRange(offset: 0, length: PieceRange.grid, total: 6 << 20)!), 1, ends: false, end.node
            )
        case 4: send(foreign(end, length: 1, header: 30_000), 1, ends: true, end.node)
        default: sendRecord(end)
        }
    }

    /// What it has left open ends when the world is healed.
    func endHoarding() {
        for hoard in books.hoards { post(.offerAbandoned(hoard.ticket), to: hoard.node) }
        books.hoards = []
    }

    // MARK: - What it sends

    private func name() -> UInt64 {
        books.hoardedNames += 1
        return 0x7fff_0000 << 32 | books.hoardedNames
    }

    private func foreign(_ end: SessionEnd, length: UInt64, piece: PieceRange? = nil, header: Int = 2) -> Offer {
        let others = nodes.indices.filter { $0 != end.node && $0 != network.hoarder }
        let target = nodes[others[Int(hoarders.next(below: UInt64(others.count)))]].id
        return offer(
            end, source: .ipn(node: 999, service: 1), to: .dtn("\(target.name)/app"), length, piece, header: header)
    }

    private func document(_ end: SessionEnd, _ piece: PieceRange) -> Offer {
        let own = network.agencies.first { $0.home == network.hoarder }!.code
        let others = network.agencies.filter { $0.home != network.hoarder }
        let target = others[Int(hoarders.next(below: UInt64(others.count)))].code
        let hoarder = nodes[network.hoarder!].id
        var offer = offer(end, source: hoarder.endpoint, to: .dtn("\(target)/edoc"), piece.length, piece)
        offer.document = DocumentDescription(
            sender: own, recipients: [target], urgency: .normal, documentID: "", payloadLength: piece.total,
            digest: Digest(words: (hoarders.next(), 0, 0, 0)))
        offer.copy = CopyDescription(
            recipients: [target],
            path: [PathStop(node: hoarder, time: WallTime(milliseconds: offer.bundle.creationTime))]
        )
        return offer
    }

    private func sendRecord(_ end: SessionEnd) {
        let others = nodes.indices.filter { $0 != end.node && $0 != network.hoarder }
        let target = nodes[others[Int(hoarders.next(below: UInt64(others.count)))]].id
        let hoarder = nodes[network.hoarder!].id
        let line = ReportRow(
            bundle: BundleID(source: target.endpoint, creationTime: 1, sequence: 1), recipient: AgencyCode("H10")!,
            state: .expired, time: .init(milliseconds: 1), reason: .none,
            path: [PathStop(node: hoarder, time: .init(milliseconds: 1))])
        var payload = ByteBuffer()
        do {
            try ReportRecord.encode(Array(repeating: line, count: 500), into: &payload)
        } catch {
            trap("the hoarder's record cannot be encoded: \(error)")
        }
        var offer = offer(end, source: hoarder.endpoint, to: target.endpoint, UInt64(payload.readableBytes), nil)
        offer.isAdministrative = true
        books.hoarded.insert(offer.bundle)
        post(.offered(offer), to: end.node)
        post(.offerBytes(offer.ticket, payload), to: end.node)
        post(.offerCompleted(offer.ticket, digest: nil), to: end.node)
    }

    private func offer(
        _ end: SessionEnd, source: EndpointID, to destination: EndpointID, _ length: UInt64, _ piece: PieceRange?,
        header: Int = 2
    ) -> Offer {
        let wall = nodes[end.node].clock.reading(now).wall.milliseconds
        return Offer(
            ticket: tickets.take(), session: end.ticket,
            bundle: BundleID(source: source, creationTime: wall, sequence: name()), destination: destination,
            reportTo: source, piece: piece, payloadLength: length, lifetime: Self.lifetime, age: .zero, hopLimit: 32,
            hopCount: 1, isAdministrative: false, wantsStatusReports: false, document: nil, copy: nil,
            header: [32, 1] + [UInt8](repeating: 0, count: header - 2))
    }

    private func send(_ offer: Offer, _ octets: Int, ends: Bool, _ node: Int) {
        books.hoarded.insert(offer.bundle)
        post(.offered(offer), to: node)
        post(.offerBytes(offer.ticket, ByteBuffer(repeating: 7, count: octets)), to: node)
        if ends { return post(.offerCompleted(offer.ticket, digest: nil), to: node) }
        books.hoards.append(Hoard(node: node, ticket: offer.ticket))
        guard books.hoards.count > Self.openMax else { return }
        let oldest = books.hoards.removeFirst()
        post(.offerAbandoned(oldest.ticket), to: oldest.node)
    }

    // MARK: - Tight shares

    /// What one sender may have at a node that is no leaf.
    static let tightQuota = Quota(count: 2)

    /// The last leaf is away for half of the time: what is for it stays at the node before, and the shares of its senders are used up.
    func planTightShares() {
        guard plan.isTight, let leaf = network.nodes.indices.last(where: { network.neighbours(of: $0).count == 1 })
        else { return }
        for peer in network.neighbours(of: leaf) {
            let pair = [leaf, peer].sorted()
            closedEdges.insert(pair)
            plan(.edgeOpens(pair[0], pair[1]), at: plan.duration / 2)
        }
        for node in nodes where network.neighbours(of: node.index).count > 1 {
            node.configuration.limits.senderQuota = Self.tightQuota
        }
    }

    // MARK: - The judge of shares

    /// At every commit: what came from the hoarder is within its share.
    func judgeShares(_ node: SimulatedNode) {
        guard plan.hoards, let hoarder = network.hoarder, node.index != hoarder, failure == nil else { return }
        let id = nodes[hoarder].id
        let stocks: [(Stock, Quota)] = [(.origin(id), Self.hoarderQuota), (.records(id), Self.hoarderRecords)]
        node.read { rows in
            for (stock, quota) in stocks {
                let count = rows.number(.counter, CounterKey.stockCount(stock).name)
                let bytes = rows.number(.counter, CounterKey.stockBytes(stock).name)
                if count > quota.count || bytes > quota.bytes {
                    fail("\(node.id) holds \(count) envelopes of \(bytes) bytes of the hoarder, beyond its share")
                }
            }
        }
        let promised = (node.engine?.core.stagedOctets ?? 0) + node.read { $0.number(.counter, "reservedBytes") }
        if promised > Self.hoardedCapacity / 2 {
            fail("\(node.id) has promised \(promised) bytes to what is coming in")
        }
    }

    /// Nobody is refused for want of room but the hoarder: there is room for all others.
    func judgeRefusal(_ refusal: Refusal, _ cause: RefusalCause, _ from: Int?, _ node: SimulatedNode) {
        if refusal == .retransmit, cause == .quota { summary.shareRefusals += 1 }
        guard plan.hoards, refusal == .noResources, let from, from >= 0, from != network.hoarder else { return }
        switch cause {
        // A store in pieces is a fault of its own; and while the old session of the same node is asked for a sign of life, the new one is
        // taken nothing from.
        case .storeInPieces, .unknownPeer: return
        default: fail("\(node.id) refuses \(nodes[from].id) for a hoarder's share: \(cause.rawValue)")
        }
    }
}
