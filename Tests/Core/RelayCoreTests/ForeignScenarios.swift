// Bundles of other makes, without a document block: they find their way to a node by the routing table, also where the node has a
// number instead of a name.

import NIOCore
import RelayCore
import RelayEngine
import RelayModel
import RelayRouting
import RelayRows
import Testing

@Suite struct ForeignScenarios {
    private static let seven = NodeID(ipn: 7)

    private func bench(restarts: Bool = false, _ more: [Route] = []) -> Bench {
        Bench(restarts: restarts) { configuration in
            configuration.routes = RouteTable(
                [Route(target: .node(Self.seven), via: [node("binh"), node("chi")])] + more)!
        }
    }

    /// A bundle of ipn:9.1, from the peer an.
    @discardableResult
    private func offer(
        _ bench: Bench, _ sequence: UInt64, to destination: EndpointID, hops: UInt64 = 1, from peer: String = "an"
    ) -> [Effect] {
        let source = EndpointID.ipn(node: 9, service: 1)
        let offer = Offer(
            ticket: bench.ticket(), session: bench.sessions[node(peer)]!, bundle: bundle(bench, sequence),
            destination: destination, reportTo: source, piece: nil, payloadLength: 3, lifetime: .days(1), age: .zero,
            hopLimit: 32, hopCount: hops, isAdministrative: false, wantsStatusReports: false, document: nil, copy: nil,
            header: [1])
        return bench.run([
            .offered(offer), .offerBytes(offer.ticket, ByteBuffer(bytes: [1, 2, 3])),
            .offerCompleted(offer.ticket, digest: nil),
        ]) ?? []
    }

    private func bundle(_ bench: Bench, _ sequence: UInt64) -> BundleID {
        BundleID(source: .ipn(node: 9, service: 1), creationTime: bench.wall, sequence: sequence)
    }

    @Test(arguments: [false, true])
    func aNumberedNodeIsRoutedTo(restarts: Bool) throws {
        let bench = bench(restarts: restarts)
        bench.connect("an")
        let name = bundle(bench, 1)
        let destination = EndpointID.ipn(node: 7, service: 3)
        let taken = offer(bench, 1, to: destination)
        #expect(taken.acknowledgements == 1)
        #expect(taken.dispatches.isEmpty, "binh may still come")
        #expect(bench.states(of: name) == ["ipn:7.3": .waiting])
        bench.breathe()
        let sent = bench.connect("binh").dispatches
        let dispatch = try #require(sent.first)
        #expect(sent.count == 1 && dispatch.peer == node("binh") && dispatch.bundle == name)
        #expect(bench.rows(of: name)[0].destination == destination, "what is relayed keeps its destination")
        bench.answer(dispatch, .acknowledged)
        #expect(bench.states(of: name) == ["ipn:7.3": .forwarded])
        #expect(bench.counter(.forwardedTo(node("binh"))) == 1)
        #expect(bench.balance() == (1, 1))
    }

    /// The second hop of the row, when the first stays away; and back from it there is no other way.
    @Test func theSecondHopIsTaken() {
        let bench = bench()
        bench.connect("an")
        bench.connect("chi")
        let name = bundle(bench, 1)
        let destination = EndpointID.ipn(node: 7, service: 0)
        #expect(offer(bench, 1, to: destination).acknowledgements == 1)
        let sent = bench.advance(.minutes(5)).dispatches
        #expect(sent.map(\.peer.name) == ["chi"])
        bench.answer(sent[0], .acknowledged)
        #expect(bench.states(of: name) == ["ipn:7.0": .forwarded])
    }

    /// Another number has no row of its own: no way, or the way of everything else.
    @Test func otherNumbersGoWhereEverythingElseGoes() {
        let bench = bench()
        bench.connect("an")
        let refused = offer(bench, 1, to: .ipn(node: 8, service: 3))
        #expect(refused.refusals == [.notAcceptable])
        #expect(bench.counter(.refusedToPeer(RefusalCause.noRoute.rawValue)) == 1)
        #expect(bench.balance() == (0, 0))

        let open = self.bench([Route(target: .anything, via: [node("dao")])])
        for name in ["an", "binh", "dao"] { open.connect(name) }
        #expect(offer(open, 1, to: .ipn(node: 8, service: 3)).dispatches.map(\.peer.name) == ["dao"])
        #expect(offer(open, 2, to: .ipn(node: 7, service: 3)).dispatches.map(\.peer.name) == ["binh"])
    }

    /// A peer that has a number itself.
    @Test func aNumberedPeer() {
        let bench = Bench { configuration in
            configuration.routes = RouteTable([Route(target: .node(Self.seven), via: [Self.seven])])!
            configuration.peers.append(Peer(node: Self.seven, dials: false, isEdoc: false, rights: Bench.open))
        }
        bench.connect("an")
        let session = bench.ticket()
        bench.event(
            .sessionEstablished(
                session: session, SessionFacts(peer: Self.seven, transferMRU: 1 << 30, isDialled: false)))
        let sent = offer(bench, 1, to: .ipn(node: 7, service: 3)).dispatches
        #expect(sent.map(\.peer) == [Self.seven])
        bench.event(.transferAnswered(session: session, dispatch: sent[0].ticket, .acknowledged))
        #expect(bench.states(of: bundle(bench, 1)) == ["ipn:7.3": .forwarded])
    }
}
