// Bundles without a document block: whoever may send them, what is told of them, and what becomes of their pieces.

import NIOCore
import RelayCore
import RelayEngine
import RelayModel
import RelayRouting
import RelayRows
import Testing

@Suite struct NobodyScenarios {
    private static let nine = EndpointID.ipn(node: 9, service: 1)

    private func bench(
        limits: CoreLimits = CoreLimits(), _ change: (inout CoreConfiguration) -> Void = { _ in }
    ) -> Bench {
        let bench = Bench { configuration in
            configuration.limits = limits
            configuration.routes = RouteTable([
                Route(target: .node(NodeID(ipn: 7)), via: [node("binh")]),
                Route(target: .node(NodeID(ipn: 9)), via: [node("an")]),
                Route(target: .node(node("an")), via: [node("an")]),
                Route(target: .node(node("binh")), via: [node("binh")]),
            ])!
            change(&configuration)
        }
        bench.connect("an")
        return bench
    }

    private func offer(
        _ bench: Bench, source: EndpointID = NobodyScenarios.nine, sequence: UInt64 = 1, to destination: EndpointID,
        piece: PieceRange? = nil, _ change: (inout Offer) -> Void = { _ in }
    ) -> [Effect] {
        let length = piece?.length ?? 3
        var offer = Offer(
            ticket: bench.ticket(), session: bench.sessions[node("an")]!,
            bundle: BundleID(source: source, creationTime: Bench.epoch, sequence: sequence), destination: destination,
            reportTo: source, piece: piece, payloadLength: length, lifetime: .days(1), age: .zero, hopLimit: 32,
            hopCount: 1, isAdministrative: false, wantsStatusReports: false, document: nil, copy: nil, header: [1])
        change(&offer)
        return bench.run([
            .offered(offer), .offerBytes(offer.ticket, ByteBuffer(repeating: 3, count: Int(length))),
            .offerCompleted(offer.ticket, digest: nil),
        ]) ?? []
    }

    private func inbox(_ bench: Bench, _ code: String) -> Int {
        bench.allRows.flatMap(\.recipients).count { $0.name == code && $0.state == .arrived }
    }

    /// Two bundles of nobody with one name are two bundles, at home and in transit.
    @Test(arguments: [EndpointID.ipn(node: 0, service: 0), .none])
    func theAnonymousAreNeverDuplicates(source: EndpointID) {
        let bench = bench()
        for _ in 0..<2 {
            #expect(offer(bench, source: source, to: .dtn("T1/edoc")).acknowledgements == 1)
        }
        #expect(inbox(bench, "T1") == 2)
        for _ in 0..<2 {
            #expect(offer(bench, source: source, to: .ipn(node: 7, service: 3)).acknowledgements == 1)
        }
        #expect(bench.connect("binh").dispatches.count == 2)
        #expect(bench.balance() == (4, 4))
        // With a name of its own it is one.
        #expect(offer(bench, to: .dtn("T1/edoc")).acknowledgements == 1)
        #expect(offer(bench, to: .dtn("T1/edoc")).refusals == [.completed])
        #expect(inbox(bench, "T1") == 3)
    }

    @Test func nobodyHasNoPiecesAndNeedsTheRight() {
        let bench = bench()
        let piece = PieceRange(offset: 0, length: 3, total: 10)!
        #expect(
            offer(bench, source: .none, to: .dtn("T1/edoc"), piece: piece).refusals == [.notAcceptable],
            "pieces of nobody cannot be told from others'")
        bench.reload(Bench.configuration(rights: ["an": SendRights()]))
        #expect(offer(bench, source: .none, to: .dtn("T1/edoc")).reasons == ["anonymous source"])
    }

    /// peers.*.foreign
    @Test func aPeerMayBeForbiddenToSendWithoutASender() {
        let bench = bench { $0.peers[0].allowsForeign = false }
        let refused = offer(bench, to: .dtn("T1/edoc"))
        #expect(refused.refusals == [.notAcceptable])
        #expect(refused.reasons == ["it may not send bundles without a document block"])
        #expect(bench.counter(.refusedToPeer(RefusalCause.notAuthorised.rawValue)) == 1)
        let document = bench.document("A1", ["T1"])
        #expect(bench.offer("an", bench.bundle(of: "an"), document, path: bench.path("an")).acknowledgements == 1)
    }

    /// A payload under a BIB or BCB is refused by name at home, and passes in transit.
    @Test(arguments: ["BIB", "BCB"])
    func coveredPayloadIsNotHandedOver(cover: String) {
        let bench = bench()
        let refused = offer(bench, to: .dtn("T1/edoc")) { $0.payloadCover = cover }
        #expect(refused.refusals == [.notAcceptable])
        #expect(refused.reasons.allSatisfy { $0.contains(cover) })
        #expect(bench.counter(.refusedToPeer(RefusalCause.payloadCovered.rawValue)) == 1)
        #expect(inbox(bench, "T1") == 0)
        #expect(offer(bench, to: .ipn(node: 7, service: 3)) { $0.payloadCover = cover }.acknowledgements == 1)
    }

    // MARK: - Status reports

    private func notes(_ effects: [Effect]) -> Int { effects.dispatches.count { $0.kind == .administrative } }

    /// Off unless an operator has switched them on; each flag by itself.
    @Test(arguments: [StatusRequest.received, .forwarded, .delivered, .deleted])
    func eachFlagByItself(flag: StatusRequest) {
        for isOn in [false, true] {
            var limits = CoreLimits()
            limits.statusReports = isOn
            let bench = bench(limits: limits)
            func count(_ effects: [Effect], _ happens: StatusRequest) {
                #expect(notes(effects) == (isOn && flag == happens ? 1 : 0), "\(flag.rawValue) at \(happens.rawValue)")
            }
            count(offer(bench, sequence: 1, to: .ipn(node: 7, service: 3)) { $0.statusRequest = [flag] }, .received)
            let sent = bench.connect("binh").dispatches.filter { $0.kind == .foreign }
            count(bench.answer(sent[0], .acknowledged), .forwarded)
            count(offer(bench, sequence: 2, to: .dtn("T1/edoc")) { $0.statusRequest = [flag] }, .received)
            let number = bench.allRows.last { $0.kind == .foreign }!.number
            count(
                bench.event(.inboxAcknowledged(ticket: bench.ticket(), agency: agency("T1"), envelopes: [number])),
                .delivered)
            bench.lose("binh")
            count(
                offer(bench, sequence: 3, to: .ipn(node: 7, service: 3)) {
                    $0.statusRequest = [flag]
                    $0.lifetime = .minutes(1)
                }, .received)
            count(bench.advance(.minutes(2)), .deleted)
        }
    }

    @Test func reportsToNowhereAreSaid() {
        var limits = CoreLimits()
        limits.statusReports = true
        let bench = bench(limits: limits)
        let effects = offer(bench, to: .ipn(node: 7, service: 3)) {
            $0.statusRequest = [.received, .time]
            $0.reportTo = .none
        }
        #expect(effects.acknowledgements == 1 && notes(effects) == 0)
        #expect(effects.notices.contains { $0.kind == .reportsUnroutable && $0.text.contains("nowhere") })
        #expect(notes(offer(bench, sequence: 2, to: .ipn(node: 7, service: 3)) { $0.statusRequest = [.time] }) == 0)
    }

    // MARK: - Fragments

    /// A lone fragment in transit ends when the next hop has taken it; the others find their way later.
    @Test(arguments: [false, true])
    func aLoneFragmentEndsWithItsTransfer(restarts: Bool) {
        let bench = bench()
        let middle = PieceRange(offset: 10, length: 10, total: 30)!
        #expect(offer(bench, to: .ipn(node: 7, service: 3), piece: middle).acknowledgements == 1)
        if restarts {
            bench.restart()
            bench.connect("an")
        }
        let sent = bench.connect("binh").dispatches
        #expect(sent.map(\.piece) == [middle])
        bench.answer(sent[0], .acknowledged)
        #expect(bench.allRows.allSatisfy { $0.ended != .zero })
        #expect(bench.counter(.reservedBytes) == 0)
        #expect(bench.read { $0.count(.piece) } == 0)
        let first = PieceRange(offset: 0, length: 10, total: 30)!
        let next = offer(bench, to: .ipn(node: 7, service: 3), piece: first)
        #expect(next.acknowledgements == 1)
        #expect(next.dispatches.map(\.piece) == [first])
        bench.answer(next.dispatches[0], .acknowledged)
        #expect(bench.allRows.allSatisfy { $0.ended != .zero })
        #expect(bench.balance() == (0, 0))
    }

    // MARK: - Several agencies, one of them with another make

    @Test(arguments: [100, 9 << 20])
    func aDocumentIsSplitForAForeignNode(length: Int) throws {
        let bench = bench { configuration in
            configuration.peers[1].isEdoc = false
            configuration.peers[1].takesFragments = false
        }
        for name in ["binh", "chi"] { bench.connect(name) }
        bench.reload(
            {
                var configuration = Bench.configuration()
                configuration.peers[1].isEdoc = false
                configuration.peers[1].takesFragments = false
                return configuration
            }())
        bench.connect("dao")
        let effects = bench.submit(["B1", "C1", "D1", "T2", "B2"], length: length)!
        let main = try #require(effects.accepted)
        let rows = bench.allRows.filter { $0.kind == .document }
        #expect(rows.map { $0.recipients.map(\.name) } == [["C1", "D1", "T2"], ["B1"], ["B2"]])
        #expect(rows[0].bundle == main)
        #expect(rows.allSatisfy { $0.document?.recipients.map(\.text) == $0.recipients.map(\.name) })
        #expect(rows[0].siblings == [rows[1].bundle, rows[2].bundle])
        #expect(Set(rows.map(\.extent)) == [rows[0].number], "the document lies here once")
        var waiting = effects.documents
        while let dispatch = waiting.popLast() { waiting += bench.answer(dispatch, .acknowledged).documents }
        #expect(bench.states(of: rows[1].bundle) == ["B1": .forwarded])
        #expect(bench.states(of: rows[2].bundle) == ["B2": .forwarded])
        let number = rows[0].number
        if length > 4 << 20 { bench.event(.documentVerified(number: number, matches: true)) }
        bench.event(.inboxAcknowledged(ticket: bench.ticket(), agency: agency("T2"), envelopes: [number]))
        for _ in 0..<8 { bench.run([]) }
        #expect(bench.read { $0.count(.chunk) } == 0, "the payload goes with the last of them")
        #expect(bench.balance().0 == bench.balance().1)
    }
}
