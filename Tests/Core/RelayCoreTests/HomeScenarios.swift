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
        #expect(
            report("chi", over: "chi", row(.expired, by: "tam", "chi", bundle: bundle)).alarms.count == 1,
            "against the home")
        #expect(Set(bench.reports(of: bundle).map(\.state)) == [.delivered, .expired])
        #expect(bench.states(of: bundle) == ["B1": .waiting], "no report changes custody")
    }

    /// B1 moves from binh to chi. Of what had arrived at binh, binh says truly that B1 has taken it; of anything else it says nothing
    /// that counts.
    @Test(arguments: [false, true])
    func theOldHomeOfAMovedAgencyIsBelievedOfWhatItHas(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("binh")
        bench.connect("chi")
        bench.connect("dao")
        let before = bench.submit(["B1"])!.accepted!
        let late = bench.submit(["B1"])!.accepted!
        let time = WallTime(milliseconds: bench.wall)
        func report(_ state: ReportedState, of bundle: BundleID, by reporter: String, _ stops: String...) -> [Effect] {
            let row = ReportRow(
                bundle: bundle, recipient: agency("B1"), state: state, time: time, reason: .none,
                path: (["tam"] + stops + [reporter]).map { PathStop(node: node($0), time: time) })
            return bench.event(
                .reported(
                    ticket: bench.ticket(), session: bench.sessions[node(reporter)]!, reporter: node(reporter),
                    bundle: bench.bundle(of: reporter), rows: [row]))
        }
        #expect(report(.arrived, of: before, by: "binh").alarms.isEmpty)
        var moved = bench.configuration
        moved.directory = Bench.directory(moved: ["B1": "chi"])
        bench.reload(moved)
        bench.breathe()

        // Nobody else may say it for the old home, nor the old home of what had not arrived there.
        #expect(report(.delivered, of: before, by: "dao").alarms.count == 1)
        #expect(report(.delivered, of: late, by: "binh").alarms.count == 1)
        #expect(report(.arrived, of: late, by: "binh").alarms.count == 1)
        #expect(bench.reports(of: before).map(\.state) == [.arrived])
        #expect(bench.reports(of: late).isEmpty)
        #expect(bench.counter(.reportRowRefused) == 3)

        #expect(report(.delivered, of: before, by: "binh").alarms.isEmpty)
        #expect(bench.reports(of: before).map(\.state) == [.arrived, .delivered])
        // The new home speaks for what came to it.
        #expect(report(.arrived, of: late, by: "chi").alarms.isEmpty)
        #expect(report(.delivered, of: late, by: "chi").alarms.isEmpty)
        #expect(bench.reports(of: late).map(\.state) == [.arrived, .delivered])
        #expect(report(.delivered, of: late, by: "binh").alarms.count == 1, "it had arrived at chi")
    }

    /// The other side: T1 moves away, and takes here what had come before; what comes after goes on to its new home.
    @Test(arguments: [false, true])
    func aMovedAgencyTakesAtItsOldHomeWhatHadArrived(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("an")
        let first = bench.bundle(of: "an")
        let document = bench.document("A1", ["T1"])
        bench.offer("an", first, document, path: bench.path("an"))
        let number = bench.rows(of: first)[0].number
        var moved = bench.configuration
        moved.directory = Bench.directory(moved: ["T1": "binh"])
        bench.reload(moved)
        bench.breathe()
        #expect(bench.states(of: first) == ["T1": .arrived], "it stays where it was reported")

        let second = bench.bundle(of: "an")
        #expect(bench.offer("an", second, document, path: bench.path("an")).acknowledgements == 1)
        #expect(bench.states(of: second) == ["T1": .waiting])
        #expect(bench.offer("an", first, document, path: bench.path("an")).refusals == [.completed])
        for expected in [1, 0] {
            let effects = bench.event(
                .inboxAcknowledged(ticket: bench.ticket(), agency: agency("T1"), envelopes: [number]))
            let taken = effects.compactMap { effect -> Int? in
                if case .answerInbox(_, let taken) = effect { taken } else { nil }
            }
            #expect(taken == [expected])
            bench.breathe()
        }
        #expect(bench.states(of: first) == ["T1": .delivered])
        #expect(bench.read { $0.count(.inbox) } == 0)
        // It is known here for as long as any delivery, and does not go to the new home.
        #expect(bench.offer("an", first, document, path: bench.path("an")).refusals == [.completed])
        #expect(bench.connect("binh").documents.map(\.bundle) == [second])
        #expect(bench.balance() == (2, 2))
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

    /// Envelopes made while the clock was doubted have no creation time: their reports go by their own.
    @Test func reportsOfEnvelopesWithoutATimeGoAsWell() {
        let bench = Bench { configuration in configuration.limits.historyMemory = .days(1) }
        bench.connect("binh")
        bench.event(.clockDoubted(true, why: "a test"))
        let bundle = bench.submit(["B1"])!.accepted!
        #expect(bundle.creationTime == 0)
        let row = ReportRow(
            bundle: bundle, recipient: agency("B1"), state: .arrived, time: WallTime(milliseconds: bench.wall),
            reason: .none, path: bench.path("tam", "binh"))
        bench.event(
            .reported(
                ticket: bench.ticket(), session: bench.sessions[node("binh")]!, reporter: node("binh"),
                bundle: bench.bundle(of: "binh"), rows: [row]))
        #expect(bench.reports(of: bundle).count == 1)
        bench.event(.clockDoubted(false, why: "a test"))
        bench.hear("binh", stamp: bench.wall)
        bench.hear("chi", stamp: bench.wall)
        bench.advance(.hours(23))
        #expect(bench.reports(of: bundle).count == 1)
        bench.advance(.hours(2))
        #expect(bench.reports(of: bundle).isEmpty)
        bench.advance(.hours(24))
        #expect(bench.allReports(of: bundle).isEmpty)
    }
}
