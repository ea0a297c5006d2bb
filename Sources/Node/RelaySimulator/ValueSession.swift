// ValueSession: a session without octets: what one engine decides becomes what happens to the other. For runs in which the
// decisions are what is looked at. Owned by the world; one thread. It fails as a connection does, when the world says so.

import BundleProtocol
import NIOCore
import OpenSSLTLS
import RelayCore
import RelayEngine
import RelayModel

final class ValueSession: SimulatedSession {
    /// A dispatch that was not answered, and when its last octet will have left.
    private struct Flight {
        var ticket: Ticket
        var leaves: UInt64
    }

    /// What comes in at one end.
    private struct Incoming {
        var dispatch: Ticket
        var offer: Ticket?
        var hasher: SHA256Hasher?
        var record: ByteBuffer?
        var bundle: BundleID
        var age: Milliseconds
    }

    private var flights: [[Flight]] = [[], []]
    private var incoming: [Incoming?] = [nil, nil]
    /// The peer's name for each of our offers.
    private var dispatchOfOffer: [[Ticket: Ticket]] = [[:], [:]]
    /// The engine knows that nothing is acknowledged.
    private var isSilent = [false, false]
    private static let portion = 64 * 1_024

    override func opened(_ world: World) {
        for end in [0, 1] {
            ends[end].isKnown = true
            let peer = world.nodes[ends[1 - end].node].id
            let other = world.nodes[ends[1 - end].node]
            let greeting = other.board?.picture(of: []).greeting(
                for: world.nodes[ends[end].node].id, version: "simulated", wall: other.clock.wall(world.now))
            world.post(
                .event(
                    .sessionEstablished(
                        session: ends[end].ticket,
                        SessionFacts(peer: peer, transferMRU: 1 << 30, isDialled: end == 0, greeting: greeting))),
                to: ends[end].node)
        }
    }

    override func perform(_ effect: Effect, _ end: Int, _ world: World) {
        guard !ends[end].isOver else { return }
        switch effect {
        case .send(let dispatch): send(dispatch, end, world)
        case .acknowledge(_, let offer): answer(offer, .acknowledged, end, world)
        case .refuse(_, let offer, let refusal, _, _): answer(offer, .refused(refusal), end, world)
        // What is handed over is under way at once.
        case .recall(let session, let dispatch):
            world.post(.event(.transferBegun(session: session, dispatch: dispatch)), to: ends[end].node)
        case .endSession, .endTwin: world.cut(self)
        case .probe: write(.probe(isAnswer: false), from: end, world)
        default: break
        }
    }

    private func answer(_ offer: Ticket, _ answer: Answer, _ end: Int, _ world: World) {
        guard let dispatch = dispatchOfOffer[end].removeValue(forKey: offer) else { return }
        if incoming[end]?.offer == offer, case .refused = answer { incoming[end]?.offer = nil }
        write(.answer(dispatch, answer), from: end, world)
    }

    private func send(_ dispatch: Dispatch, _ end: Int, _ world: World) {
        let node = world.nodes[ends[end].node]
        var parts: [ByteBuffer] = []
        for range in dispatch.payload {
            guard let bytes = node.payload(range) else {
                return world.fail("\(node.id) dispatches \(dispatch.bundle), but its payload is not in the store")
            }
            parts.append(bytes)
        }
        write(.header(dispatch), from: end, world)
        for var part in parts {
            while part.readableBytes > 0, let slice = part.readSlice(length: min(Self.portion, part.readableBytes)) {
                write(.payload(dispatch.ticket, slice), from: end, world)
            }
        }
        write(.end(dispatch.ticket), from: end, world)
        flights[end].append(Flight(ticket: dispatch.ticket, leaves: directions[end].freeAt / 1_000))
    }

    override func delivered(_ packet: Packet, _ end: Int, _ world: World) {
        guard !ends[end].isOver else { return }
        let node = ends[end].node
        switch packet {
        case .header(let dispatch): began(dispatch, end, world)
        case .payload(let dispatch, let bytes):
            guard incoming[end]?.dispatch == dispatch else { return }
            bytes.withUnsafeReadableBytes { incoming[end]?.hasher?.update($0) }
            incoming[end]?.record?.writeImmutableBuffer(bytes)
            if let offer = incoming[end]?.offer { world.post(.offerBytes(offer, bytes), to: node) }
        case .end(let dispatch):
            guard let current = incoming[end], current.dispatch == dispatch else { return }
            incoming[end] = nil
            if let record = current.record {
                passRecord(record, current, end, world)
            } else if let offer = current.offer {
                world.post(.offerCompleted(offer, digest: current.hasher?.finish()), to: node)
            }
        case .answer(let dispatch, let answer):
            flights[end].removeAll { $0.ticket == dispatch }
            if isSilent[end] {
                isSilent[end] = false
                world.post(.event(.sessionAcknowledgesAgain(session: ends[end].ticket)), to: node)
            }
            world.post(
                .event(.transferAnswered(session: ends[end].ticket, dispatch: dispatch, answer)), to: node)
        case .probe(let isAnswer):
            if isAnswer {
                world.post(.event(.sessionAnswered(ends[end].ticket)), to: node)
            } else {
                write(.probe(isAnswer: true), from: end, world)
            }
        case .octets, .handshake: break
        }
    }

    private func began(_ dispatch: Dispatch, _ end: Int, _ world: World) {
        let receiver = world.nodes[ends[end].node]
        let sender = world.nodes[ends[1 - end].node]
        let age = dispatch.age + sender.clock.relay(world.now).since(dispatch.decided)
        var current = Incoming(dispatch: dispatch.ticket, bundle: dispatch.bundle, age: age)
        if dispatch.kind == .administrative, dispatch.destination == receiver.id.endpoint {
            current.record = ByteBuffer()
        } else {
            let offer = offer(dispatch, end, sender, world)
            current.offer = offer.ticket
            if dispatch.document != nil, dispatch.piece == nil { current.hasher = SHA256Hasher() }
            dispatchOfOffer[end][offer.ticket] = dispatch.ticket
            world.post(.offered(offer), to: ends[end].node)
        }
        incoming[end] = current
    }

    /// The received header of a relayed bundle is nothing but its hop count here.
    private func offer(_ dispatch: Dispatch, _ end: Int, _ sender: SimulatedNode, _ world: World) -> Offer {
        let count = (dispatch.header.count == 2 ? UInt64(dispatch.header[1]) : 0) + 1
        let limit: UInt64 = 32
        var destination = dispatch.destination
        if let document = dispatch.document {
            destination =
                document.recipients.count == 1
                ? .dtn(document.recipients[0].text + "/edoc") : .dtn("edoc/~agencies")
        }
        var offer = Offer(
            ticket: world.tickets.take(), session: ends[end].ticket, bundle: dispatch.bundle, destination: destination,
            reportTo: dispatch.bundle.source, piece: dispatch.piece, payloadLength: dispatch.payloadLength,
            lifetime: dispatch.lifetime,
            age: dispatch.age + sender.clock.relay(world.now).since(dispatch.decided), hopLimit: limit,
            hopCount: count, isAdministrative: dispatch.kind == .administrative, wantsStatusReports: false,
            document: dispatch.document, copy: dispatch.copy, header: [UInt8(limit), UInt8(truncatingIfNeeded: count)])
        offer.formerName = dispatch.formerName
        offer.isReturn = dispatch.isReturn
        return offer
    }

    private func passRecord(_ octets: ByteBuffer, _ current: Incoming, _ end: Int, _ world: World) {
        let record = try? AdministrativeRecord(decoding: octets)
        if case .refusals(let notice)? = record {
            let ticket = world.tickets.take()
            dispatchOfOffer[end][ticket] = current.dispatch
            world.post(.event(.recordHeard(ticket: ticket, age: current.age)), to: ends[end].node)
            return world.post(
                .event(
                    .refusalsTold(ticket: ticket, session: ends[end].ticket, bundle: current.bundle, notice)),
                to: ends[end].node)
        }
        guard case .reports(let rows)? = record, let reporter = current.bundle.source.node else {
            return world.fail("a report record of \(current.bundle) cannot be read")
        }
        let ticket = world.tickets.take()
        dispatchOfOffer[end][ticket] = current.dispatch
        world.post(.event(.recordHeard(ticket: ticket, age: current.age)), to: ends[end].node)
        world.post(
            .event(
                .reported(
                    ticket: ticket, session: ends[end].ticket, reporter: reporter, bundle: current.bundle, rows: rows)),
            to: ends[end].node)
    }

    override func lost(_ end: Int, _ world: World) {
        guard !ends[end].isOver else { return }
        ends[end].isOver = true
        let whole = flights[end].filter { $0.leaves <= world.now }.map(\.ticket)
        world.post(
            .event(.sessionEnded(session: ends[end].ticket, sentWhole: whole, reason: "the connection was cut")),
            to: ends[end].node)
    }

    override func judgeSilence(_ end: Int, _ world: World) {
        guard !ends[end].isOver, !isSilent[end], !flights[end].isEmpty,
            directions.contains(where: { $0.stalledUntil > world.now })
        else { return }
        isSilent[end] = true
        world.summary.silences += 1
        world.post(.event(.sessionSilent(session: ends[end].ticket)), to: ends[end].node)
    }
}
