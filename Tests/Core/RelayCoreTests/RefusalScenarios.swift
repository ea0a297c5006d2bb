// What a node refuses of its neighbours is told: in its log and findings, by neighbour and cause, and, to neighbours that understand it, by a
// record that goes on to the node where the document was handed in.

import BundleProtocol
import NIOCore
import RelayCore
import RelayEngine
import RelayModel
import RelayRouting
import RelayRows
import RelayStore
import Testing

@Suite struct RefusalScenarios {
    private static let new = Greeting(version: "0.4", incarnation: 5, counter: 0)
    private static let old = Greeting(version: "0.3", incarnation: 5, counter: 0, features: [])

    /// `an` may send only what is its own.
    private func strict() -> Bench { Bench { $0 = Bench.configuration(rights: ["an": SendRights()]) } }

    /// A document of chi that an offers, which it may not.
    private func offer(_ bench: Bench) -> (bundle: BundleID, effects: [Effect]) {
        let bundle = bench.bundle(of: "chi")
        return (bundle, bench.offer("an", bundle, bench.document("C1", ["B1"]), path: bench.path("chi", "an")))
    }

    /// Envelope, sender and rule, once a minute, with a count; duplicates are nobody's news.
    @Test func aRefusalIsNamed() {
        let bench = strict()
        bench.connect("an")
        let (first, effects) = offer(bench)
        let notice = effects.notices.first { $0.kind == .peerRefused }
        #expect(notice?.peer == node("an") && notice?.envelope == first && notice?.grade == .warning)
        #expect(notice?.text == "refused a document of C1 (notAuthorised): may not send from node chi")
        for _ in 0..<30 { #expect(!offer(bench).effects.notices.contains { $0.kind == .peerRefused }) }
        bench.advance(.minutes(1))
        let later = offer(bench)
        #expect(
            later.effects.notices.first { $0.kind == .peerRefused }?.text
                == "refused a document of C1 (notAuthorised): may not send from node chi; 30 more of this cause since the last line"
        )
        let view = bench.engine.core.picture.refusalViews
        #expect(view.map(\.count) == [32] && view.first?.envelope == later.bundle && view.first?.sender == "C1")
        #expect(bench.counter(.refusedOf(node("an"), "notAuthorised")) == 32)
        func found() -> [Finding] {
            bench.engine.core.picture.findings(at: bench.reading).filter { $0.code == .peerRefused }
        }
        #expect(found().map(\.subject) == ["an"] && found().first?.grade == .warning)
        // It ends when it has not been so for an hour.
        bench.advance(.hours(1) + .minutes(1))
        #expect(found().isEmpty)
        let own = bench.bundle(of: "an")
        for _ in 0..<2 {
            let effects = bench.offer("an", own, bench.document("A1", ["B1"]), path: bench.path("an"))
            #expect(!effects.notices.contains { $0.kind == .peerRefused })
        }
        #expect(bench.counter(.refusedOf(node("an"), "duplicate")) == 0)
    }

    /// One record a cause and minute, of at most a hundred names; to a node of 0.3 none.
    @Test func theNeighbourHearsOfIt() {
        let bench = strict()
        bench.connect("an", greeting: Self.new)
        var bundles: [BundleID] = []
        for _ in 0..<150 { bundles.append(offer(bench).bundle) }
        bench.advance(.seconds(2))
        var told = bench.refusalNotices
        #expect(told.map { $0.names.map(\.bundle) } == [Array(bundles.prefix(100))])
        #expect(told.first?.names.allSatisfy { $0.recipients == [agency("B1")] } == true)
        #expect(told.first?.refuser == Bench.hub && told.first?.cause == RefusalCause.notAuthorised.code)
        let late = offer(bench).bundle
        bench.advance(.seconds(50))
        #expect(bench.refusalNotices.count == 1)
        bench.advance(.seconds(20))
        told = bench.refusalNotices
        #expect(told.count == 2 && told.last?.names == [RefusalNotice.Name(late, [agency("B1")])])

        let deaf = strict()
        deaf.connect("an", greeting: Self.old)
        _ = offer(deaf)
        deaf.advance(.minutes(5))
        #expect(deaf.refusalNotices.isEmpty && deaf.counter(.recordMade) == 0)
        let silent = strict()
        silent.connect("an")
        _ = offer(silent)
        silent.advance(.minutes(5))
        #expect(silent.refusalNotices.isEmpty)
    }

    /// Never about records: two nodes would tell each other for ever.
    @Test func recordsAreNotSpokenOf() {
        let bench = strict()
        bench.connect("an", greeting: Self.new)
        bench.offerRecord(from: "an", source: "chi")
        bench.advance(.minutes(5))
        #expect(bench.refusalNotices.isEmpty)
    }

    private func tell(
        _ bench: Bench, _ from: String, _ bundles: [BundleID], _ cause: RefusalCause = .notAuthorised,
        refuser: String = "dao", of recipients: [String] = ["B1", "A1"], maker: String? = nil
    ) -> [Effect] {
        bench.event(
            .refusalsTold(
                ticket: bench.ticket(), session: bench.sessions[node(from)]!, bundle: bench.bundle(of: maker ?? from),
                RefusalNotice(
                    refuser: node(refuser), cause: cause.code,
                    names: bundles.map { RefusalNotice.Name($0, recipients.map { agency($0) }) })))
    }

    /// At the origin the pair is late, with node and cause; what the books do not say that neighbour had is not believed.
    @Test(arguments: [false, true]) func theOriginHearsOfIt(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("binh", greeting: Self.new)
        bench.connect("an", greeting: Self.new)
        let effects = bench.submit(["B1", "A1"])!
        let bundle = effects.accepted!
        for dispatch in effects.documents where dispatch.peer == node("binh") { bench.answer(dispatch, .acknowledged) }
        let answered = tell(bench, "binh", [bundle, bench.bundle(of: "tam"), bench.bundle(of: "chi")])
        #expect(answered.acknowledgements == 1)
        #expect(bench.read { Outcomes.state(bundle, agency("B1"), $0) } == .some(.delayed))
        #expect(bench.read { Outcomes.state(bundle, agency("A1"), $0) } == .some(nil), "binh never had that one")
        let notice = answered.notices.first { $0.kind == .documentLate }
        #expect(notice?.text == "a document handed in here is late: dao refuses it: not authorised")
        let row = bench.allReports(of: bundle).first { $0.recipient == agency("B1") }
        #expect(row?.path.map(\.node) == [Bench.hub, node("dao")] && row?.reason == .notAuthorised)
        // Again it says nothing new, and the arrival ends it.
        #expect(tell(bench, "binh", [bundle]).notices.isEmpty)
        #expect(bench.states(of: bundle)["B1"] == .forwarded, "it changes no custody")
        let line = ReportRow(
            bundle: bundle, recipient: agency("B1"), state: .arrived, time: WallTime(milliseconds: bench.wall),
            reason: .none, path: bench.path("tam", "binh"))
        bench.event(
            .reported(
                ticket: bench.ticket(), session: bench.sessions[node("binh")]!, reporter: node("binh"),
                bundle: bench.bundle(of: "binh"), rows: [line]))
        #expect(bench.read { Outcomes.state(bundle, agency("B1"), $0) } == .some(.arrived))
        _ = tell(bench, "binh", [bundle], .noRoute)
        #expect(bench.read { Outcomes.state(bundle, agency("B1"), $0) } == .some(.arrived))
    }

    /// A node on the way says it to the one before, if that one understands it.
    @Test func itGoesOnToTheOrigin() {
        for greeting in [Self.new, Self.old] {
            let bench = Bench()
            bench.connect("an", greeting: greeting)
            bench.connect("binh", greeting: Self.new)
            let bundle = bench.bundle(of: "an")
            for dispatch in bench.offer("an", bundle, bench.document("A1", ["B1"]), path: bench.path("an")).documents {
                bench.answer(dispatch, .acknowledged)
            }
            _ = tell(bench, "binh", [bundle])
            bench.advance(.seconds(2))
            let told = bench.refusalNotices
            guard greeting == Self.new else {
                #expect(told.isEmpty)
                continue
            }
            #expect(
                told.map(\.refuser) == [node("dao")]
                    && told.map(\.names) == [[RefusalNotice.Name(bundle, [agency("B1")])]])
            #expect(bench.refusalDispatches.map(\.peer) == [node("an")])
        }
    }

    private func isLate(_ bench: Bench, _ bundle: BundleID, _ recipient: String) -> Bool {
        bench.read { Outcomes.state(bundle, agency(recipient), $0) } == .some(.delayed)
    }

    /// A leaf speaks for itself, of what it was offered and has not taken; what it says in another's name, or hands on, is not believed.
    @Test func aLeafSpeaksForItself() {
        for isHub in [false, true] {
            let bench = Bench {
                $0 = Bench.configuration(
                    routes: [("an", ["binh"]), ("binh", ["binh"])], rights: isHub ? [:] : ["binh": SendRights()])
            }
            bench.connect("binh", greeting: Self.new)
            let effects = bench.submit(["B1", "A1"])!
            let bundle = effects.accepted!
            // Still being offered: its own word counts.
            #expect(
                tell(bench, "binh", [bundle], refuser: "dao").notices.contains { $0.kind == .reportsDisbelieved }
                    != isHub)
            #expect(isLate(bench, bundle, "B1") == isHub)
            #expect(tell(bench, "binh", [bundle], refuser: "tam").notices.contains { $0.kind == .reportsDisbelieved })
            #expect(
                tell(bench, "binh", [bundle], refuser: "binh", maker: "dao").notices.contains {
                    $0.kind == .reportsDisbelieved
                })
            #expect(isLate(bench, bundle, "B1") == isHub)
            _ = tell(bench, "binh", [bundle], .noRoute, refuser: "binh", of: ["B1"])
            #expect(isLate(bench, bundle, "B1") && isLate(bench, bundle, "A1") == isHub)
            let second = bench.submit(["B1"])!
            for dispatch in effects.documents + second.documents { bench.answer(dispatch, .acknowledged) }
            // What it has taken it does not refuse.
            _ = tell(bench, "binh", [second.accepted!], refuser: "binh")
            #expect(!isLate(bench, second.accepted!, "B1"))
            _ = tell(bench, "binh", [second.accepted!], refuser: "dao")
            #expect(isLate(bench, second.accepted!, "B1") == isHub)
        }
    }

    /// A hub hands on what it offered to that neighbour, and nothing of the recipients whose copies wait here or went elsewhere.
    @Test func aHubNamesRecipients() {
        let bench = Bench { $0 = Bench.configuration(rights: ["binh": SendRights()]) }
        bench.connect("an", greeting: Self.new)
        bench.connect("binh", greeting: Self.new)
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["B1", "C1", "D1"])
        #expect(
            bench.offer("an", bundle, document, path: bench.path("an")).documents.map { $0.copy?.recipients.count } == [
                1
            ])
        // In its own name, of what is under way to it; the others' copies wait here.
        _ = tell(bench, "binh", [bundle], refuser: "dao", of: ["B1", "C1", "D1"])
        bench.advance(.seconds(2))
        #expect(bench.refusalNotices.isEmpty)
        _ = tell(bench, "binh", [bundle], refuser: "binh", of: ["B1", "D1", "T1"])
        bench.advance(.seconds(2))
        let told = bench.refusalNotices
        #expect(told.map(\.refuser) == [node("binh")])
        #expect(told.map(\.names) == [[RefusalNotice.Name(bundle, [agency("B1")])]])
    }

    /// A name is looked up once, and all that neighbours say in a turn costs no more than a turn may.
    @Test func manyNamesAreBounded() {
        let bench = Bench()
        bench.failingChanges = []
        bench.connect("binh", greeting: Self.new)
        let bundles = (0..<90).map { _ in bench.submit(["B1", "B2"])!.accepted! }
        func record(_ names: [BundleID]) -> EngineInput {
            .event(
                .refusalsTold(
                    ticket: bench.ticket(), session: bench.sessions[node("binh")]!, bundle: bench.bundle(of: "binh"),
                    RefusalNotice(
                        refuser: node("dao"), cause: 7,
                        names: names.map { RefusalNotice.Name($0, [agency("B1"), agency("B2")]) })))
        }
        let clock = ContinuousClock()
        let asked = bundles.filter { bundle in bench.released.documents.contains { $0.bundle == bundle } }
        #expect(!asked.isEmpty)
        let time = clock.measure {
            let effects = bench.run(
                (0..<200).map { record(Array(repeating: $0 == 0 ? asked[0] : bundles[80], count: 100)) })
            #expect(effects?.acknowledgements == 200)
        }
        #expect(isLate(bench, asked[0], "B1") && isLate(bench, asked[0], "B2"))
        #expect(time < .seconds(2), "a debug build: \(time)")
        #expect(bench.allReports(of: asked[0]).count == 2)
    }

    /// An alias that would hide a filled inbox is found, with its count.
    @Test func aHiddenInboxIsFound() throws {
        let bench = Bench()
        for _ in 0..<3 { #expect(bench.submit(["T2"])?.accepted != nil) }
        #expect(bench.submit(["T1"], sender: "T2")?.accepted != nil)
        var merged = Directory()
        try merged.insert(
            Directory.Agency(code: agency("T1"), name: "T1", home: Bench.hub, aliases: [agency("T2")]))
        let hidden = bench.read { HiddenInbox.found(from: bench.configuration.directory, to: merged, $0) }
        #expect(hidden.map(\.agency) == [agency("T2")] && hidden.first?.count == 3 && hidden.first?.isMore == false)
        #expect(
            hidden.first?.sentence
                == "T2 would become another spelling of T1, and 3 documents lie in its inbox here: have them taken first"
        )
        // A restart has not asked: then it is a finding.
        let finding = bench.read { HiddenInbox.found(in: merged, $0) }.map(\.finding)
        #expect(
            finding.map(\.text) == [
                "T2 is another spelling of T1 now, and nobody can take what lies in its inbox here: 3; take the alias away, reload, and have it taken first"
            ])
        #expect(finding.map(\.grade) == [.critical] && finding.map(\.subject) == ["T2"])
        #expect(bench.read { HiddenInbox.found(in: bench.configuration.directory, $0) }.isEmpty)
        for row in bench.allRows where row.recipients[0].name == "T2" {
            bench.event(.inboxAcknowledged(ticket: bench.ticket(), agency: agency("T2"), envelopes: [row.number]))
        }
        #expect(bench.read { HiddenInbox.found(from: bench.configuration.directory, to: merged, $0) }.isEmpty)
    }

    /// What a neighbour has taken of us after the copy was made is expected from then on: its reports are believed, and kept.
    @Test func whatARestoredStoreDoesNotKnow() {
        let bench = Bench()
        bench.connect("binh")
        let lost = BundleID(
            source: Bench.hub.endpoint, creationTime: bench.wall,
            sequence: UInt64(bench.engine.core.incarnation) << 32 | 900)
        bench.bringBack()
        bench.connect("binh")
        bench.advance(.seconds(1))
        let line = ReportRow(
            bundle: lost, recipient: agency("B1"), state: .delivered, time: WallTime(milliseconds: bench.wall),
            reason: .none, path: bench.path("tam", "binh"))
        func report() {
            bench.event(
                .reported(
                    ticket: bench.ticket(), session: bench.sessions[node("binh")]!, reporter: node("binh"),
                    bundle: bench.bundle(of: "binh"), rows: [line]))
        }
        report()
        #expect(bench.allReports(of: lost).isEmpty, "nobody has said that it was ours")
        let item = Evidence(bundle: lost, recipient: "B1", fact: .taken(by: node("binh")), time: line.time)
        bench.event(
            .restoredCompared(
                ticket: bench.ticket(), Deed(uid: 1, login: "lan", verb: "restore compare"),
                Comparison(evidence: [item])))
        bench.advance(.seconds(1))
        #expect(bench.read { Outcomes.state(lost, agency("B1"), $0) } == .some(nil))
        report()
        #expect(bench.allReports(of: lost) == [line])
        #expect(bench.read { Outcomes.state(lost, agency("B1"), $0) } == .some(.delivered))
    }
}

extension Bench {
    /// Refusal records that were made, as they stand in the store.
    var refusalDispatches: [Dispatch] {
        var seen: Set<UInt64> = []
        return released.dispatches.filter { $0.kind == .administrative && seen.insert($0.number).inserted }.filter {
            refusalNotice($0) != nil
        }
    }
    var refusalNotices: [RefusalNotice] { refusalDispatches.compactMap(refusalNotice) }

    private func record(_ dispatch: Dispatch) -> AdministrativeRecord? {
        read { rows in
            var octets = ByteBuffer()
            for range in dispatch.payload {
                let end = range.offset + range.length
                guard
                    PayloadReader.copy(range.offset..<end, of: range.extent, from: rows, into: &octets) == .complete
                else { return nil }
            }
            return try? AdministrativeRecord(decoding: octets)
        }
    }

    /// A record of another node that the peer may not hand over.
    func offerRecord(from peer: String, source: String) {
        let offer = Offer(
            ticket: ticket(), session: sessions[node(peer)]!, bundle: bundle(of: source),
            destination: node("binh").endpoint, reportTo: .none, piece: nil, payloadLength: 10, lifetime: .days(1),
            age: .zero, hopLimit: 32, hopCount: 1, isAdministrative: true, wantsStatusReports: false, document: nil,
            copy: nil, header: [1])
        #expect(run([.offered(offer)])?.refusals == [.notAcceptable])
    }

    /// What a dispatched record says, when it is one of refusals.
    private func refusalNotice(_ dispatch: Dispatch) -> RefusalNotice? {
        guard case .refusals(let notice)? = record(dispatch) else { return nil }
        return notice
    }
}

@Suite struct RefusedContactScenarios {
    /// Who was not let in stands at the peer that he says he is; while that one is connected nothing is said of it.
    @Test func aRefusedContactStandsAtItsPeer() {
        let bench = Bench()
        func error() -> String? { bench.engine.core.picture.peerViews.first { $0.node == node("an") }?.lastError }
        bench.event(.contactRefused(peer: node("an"), reason: "The peer's certificate has no bundleEID name."))
        #expect(error() == "refused here: The peer's certificate has no bundleEID name.")
        bench.event(.contactRefused(peer: node("nobody"), reason: "x"))
        bench.connect("an")
        bench.event(.contactRefused(peer: node("an"), reason: "again"))
        #expect(error() == "")
    }
}
