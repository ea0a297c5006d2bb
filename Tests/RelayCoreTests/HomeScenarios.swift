// The two ends of a way: submission, inbox, reports, and documents in pieces.

import RelayCore
import RelayModel
import RelayRows
import Testing

@Suite struct HomeScenarios {
    @Test func submissionIsAllOrNothingAndNamesTheBadOnes() {
        let bench = Bench { $0 = Bench.configuration(routes: [("binh", ["binh"])]) }
        let problems = bench.submit(["B1", "X9", "D1"])!.submissionProblems
        #expect(problems.count == 2)
        #expect(problems.contains { $0.contains("X9") } && problems.contains { $0.contains("D1") })
        #expect(bench.read { $0.count(.envelope) } == 0)
        #expect(bench.submit(["B1"], sender: "A1")!.submissionProblems.count == 1, "the sender is not at home here")
        #expect(bench.submit([])!.submissionProblems.count == 1)
    }

    @Test func twoSpellingsAreOneRecipient() {
        let bench = Bench()
        let bundle = bench.submit(["T1", "000.T1"], sender: "T2")!.accepted!
        #expect(bench.rows(of: bundle)[0].recipients.map(\.name) == ["T1"])
        #expect(bench.counter(.acceptedSubmitted(admin: false)) == 1)
    }

    @Test(arguments: [false, true])
    func anInboxIsAcknowledgedOnce(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        let bundle = bench.submit(["T2"])!.accepted!
        let number = bench.rows(of: bundle)[0].number
        bench.breathe()
        for expected in [1, 0] {
            let effects = bench.event(
                .inboxAcknowledged(ticket: bench.ticket(), agency: agency("T2"), envelopes: [number, number, 999]))
            let taken = effects.compactMap { effect -> Int? in
                if case .answerInbox(_, let taken) = effect { taken } else { nil }
            }
            #expect(taken == [expected])
            bench.breathe()
        }
        #expect(bench.reports(of: bundle).map(\.state) == [.arrived, .delivered])
        #expect(bench.counter(.state(.delivered, admin: false)) == 1)
        #expect(bench.read { $0.count(.inbox) } == 0)
    }

    @Test func reportRowsAreBelievedOfThoseWhoCanKnow() {
        let bench = Bench()
        bench.connect("binh")
        bench.connect("chi")
        let bundle = bench.submit(["B1"])!.accepted!
        let time = WallTime(milliseconds: bench.wall)
        func row(_ state: ReportedState, by names: String..., bundle: BundleID, recipient: String = "B1") -> ReportRow {
            ReportRow(
                bundle: bundle, recipient: agency(recipient), state: state, time: time, reason: .none,
                path: names.map { PathStop(node: node($0), time: time) })
        }
        func report(_ reporter: String, over link: String, _ rows: ReportRow...) -> [Effect] {
            bench.event(
                .reported(
                    ticket: bench.ticket(), session: bench.sessions[node(link)]!, reporter: node(reporter),
                    bundle: bench.bundle(of: reporter), rows: rows))
        }
        // chi is not the home of B1: it may say that it has refused, not that B1 has it.
        #expect(report("chi", over: "chi", row(.delivered, by: "tam", "chi", bundle: bundle)).alarms.count == 1)
        // Not the last stop of its path; an envelope of nobody; a recipient that it does not have; no way from here.
        var unknown = bundle
        unknown.sequence += 1
        #expect(report("binh", over: "binh", row(.delivered, by: "tam", "chi", bundle: bundle)).alarms.count == 1)
        #expect(report("binh", over: "binh", row(.delivered, by: "tam", "binh", bundle: unknown)).alarms.count == 1)
        #expect(
            report("binh", over: "binh", row(.delivered, by: "tam", "binh", bundle: bundle, recipient: "B2")).alarms
                .count == 1)
        #expect(report("binh", over: "binh", row(.delivered, by: "chi", "binh", bundle: bundle)).alarms.count == 1)
        #expect(bench.reports(of: bundle).isEmpty)
        #expect(report("binh", over: "binh", row(.delivered, by: "tam", "binh", bundle: bundle)).alarms.isEmpty)
        #expect(report("chi", over: "chi", row(.expired, by: "tam", "chi", bundle: bundle)).alarms.isEmpty)
        #expect(Set(bench.reports(of: bundle).map(\.state)) == [.delivered, .expired])
        #expect(bench.states(of: bundle) == ["B1": .waiting], "no report changes custody")
    }

    @Test func aReportMayComeOnlyOverALinkThatMayCarryIt() {
        let bench = Bench { $0 = Bench.configuration(rights: ["an": .init()]) }
        bench.connect("an")
        let bundle = bench.submit(["B1"])!.accepted!
        let row = ReportRow(
            bundle: bundle, recipient: agency("B1"), state: .delivered, time: WallTime(milliseconds: bench.wall),
            reason: .none, path: bench.path("tam", "binh"))
        let effects = bench.event(
            .reported(
                ticket: bench.ticket(), session: bench.sessions[node("an")]!, reporter: node("binh"),
                bundle: bench.bundle(of: "binh"), rows: [row]))
        #expect(effects.refusals == [.notAcceptable])
        #expect(bench.reports(of: bundle).isEmpty)
    }

    private static let total: UInt64 = 10_000
    private static let pieces: [(UInt64, UInt64)] = [(6_000, 4_000), (0, 3_000), (3_000, 3_000)]

    /// Out of order, each twice, on two links; verified; one arrival.
    @Test(arguments: [false, true])
    func piecesArriveInAnyOrder(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("an")
        bench.connect("binh")
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["T1", "T2"], length: Self.total)
        var verifications: [Effect] = []
        for (index, piece) in Self.pieces.enumerated() {
            let link = index % 2 == 0 ? "an" : "binh"
            let path = index % 2 == 0 ? bench.path("an") : bench.path("an", "binh")
            let effects = bench.offer(link, bundle, document, path: path, piece: piece)
            #expect(effects.acknowledgements == 1)
            verifications += effects
            bench.breathe()
            let again = bench.offer("an", bundle, document, path: bench.path("an"), piece: piece)
            #expect(again.refusals == [.completed])
        }
        #expect(bench.rows(of: bundle).count == 1)
        #expect(bench.counter(.reservedBytes) == 0)
        #expect(bench.released.contains { if case .verify = $0 { true } else { false } })
        let number = bench.rows(of: bundle)[0].number
        bench.event(.documentVerified(number: number, matches: true))
        #expect(bench.states(of: bundle) == ["T1": .arrived, "T2": .arrived])
    }

    @Test func aDocumentThatIsNotWhatItSaysIsRefused() {
        let bench = Bench()
        bench.connect("an")
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["T1"], length: Self.total)
        for piece in Self.pieces { bench.offer("an", bundle, document, path: bench.path("an"), piece: piece) }
        bench.event(.documentVerified(number: bench.rows(of: bundle)[0].number, matches: false))
        #expect(bench.states(of: bundle) == ["T1": .refused])
        let whole = bench.bundle(of: "an")
        let wrong = Digest(words: (9, 9, 9, 9))
        let refused = bench.offer("an", whole, bench.document("A1", ["T1"]), path: bench.path("an"), digest: wrong)
        #expect(refused.refusals == [.notAcceptable])
        bench.advance(.seconds(1))
        #expect(bench.read { $0.count(.chunk) } == 0 || bench.rows(of: whole).isEmpty)
    }

    /// Some of the recipients are known here already: all pieces still find their row, and nobody is counted twice.
    @Test func piecesOfAPartlyKnownCopyComeTogether() {
        let bench = Bench()
        bench.connect("an")
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["T1", "T2"], length: Self.total)
        for piece in Self.pieces {
            bench.offer("an", bundle, document, for: ["T1"], path: bench.path("an"), piece: piece)
        }
        bench.event(.documentVerified(number: bench.rows(of: bundle)[0].number, matches: true))
        for piece in Self.pieces {
            #expect(bench.offer("an", bundle, document, path: bench.path("an"), piece: piece).acknowledgements == 1)
        }
        let second = bench.rows(of: bundle)[1]
        bench.event(.documentVerified(number: second.number, matches: true))
        #expect(bench.rows(of: bundle)[1].recipients.map(\.name).sorted() == ["T1", "T2"])
        #expect(bench.counter(.state(.arrived, admin: false)) == 2)
        #expect(bench.counter(.acceptedTaken(admin: false)) == 2)
    }

    /// A large document for two links: each link's progress is its own.
    @Test func aGiantGoesOutOnTwoLinks() {
        let bench = Bench()
        bench.connect("binh")
        bench.connect("chi")
        let length = Int(PieceRange.grid) * 2 + 5
        let bundle = bench.submit(["B1", "C1"], length: length)!.accepted!
        var open = bench.released.documents
        var seen: [String: [UInt64]] = [:]
        while !open.isEmpty {
            let next = open.removeFirst()
            seen[next.peer.name, default: []].append(next.piece?.offset ?? 0)
            open += bench.answer(next, .acknowledged).documents
        }
        let offsets = [0, PieceRange.grid, 2 * PieceRange.grid]
        #expect(seen == ["binh": offsets, "chi": offsets])
        #expect(bench.states(of: bundle) == ["B1": .forwarded, "C1": .forwarded])
        bench.advance(.seconds(1))
        #expect(bench.read { $0.count(.chunk) } == 0)
    }
}
