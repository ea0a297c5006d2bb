// Suspensions that follow one another, and those of agencies that leave the directory.

import RelayCore
import RelayModel
import RelayRouting
import RelayRows
import Testing

@Suite struct SuspensionScenarios {
    private static func suspend(
        _ bench: Bench, _ span: Milliseconds, _ reason: String, _ change: (inout Selector) -> Void
    ) -> UInt64 {
        let job = bench.preview(.suspend, change, span: span, reason: reason)!
        _ = bench.operate(.apply(job.number))
        return job.number
    }

    private static func dao(_ selector: inout Selector) {
        selector.peer = PeerChoice(node: node("dao"), isAnyHop: false)
    }

    /// The second stands in the place of the first; undone, the first is in force again, with its own reason and end.
    @Test(arguments: [false, true])
    func aSecondSuspensionIsUndoneToTheFirst(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("dao")
        let first = Self.suspend(bench, .hours(2), "line is being repaired", Self.dao)
        let before = bench.engine.core.suspensionRows
        bench.advance(.minutes(5))
        let second = Self.suspend(bench, .zero, "moved", Self.dao)
        #expect(bench.engine.core.suspensionRows.map(\.reason) == ["moved"])
        bench.breathe()
        // The first one's undoing finds the second.
        guard case .refused(let sentence) = bench.operate(.undo(first)) else {
            Issue.record("it was undone")
            return
        }
        #expect(sentence == "nothing is left to undo: peer dao is suspended by job \(second) now")
        #expect(bench.job(first)?.phase == .done)
        bench.breathe()
        guard case .job(let undone) = bench.operate(.undo(second)) else {
            Issue.record("it was not undone")
            return
        }
        #expect(undone.phase == .undone)
        #expect(bench.engine.core.suspensionRows == before)
        #expect(bench.read { SuspensionRow.all($0) } == before)
        bench.breathe()
        let bundle = bench.submit(["D1"])!.accepted!
        #expect(bench.states(of: bundle) == ["D1": .waiting])
        #expect(bench.released.documents.isEmpty, "it is suspended still")
        guard case .job = bench.operate(.undo(first)) else {
            Issue.record("the first was not undone")
            return
        }
        bench.advance(.seconds(1))
        #expect(bench.released.documents.map(\.peer.name) == ["dao"])
    }

    /// The first one's time is over when the second is undone: nothing is in force.
    @Test func anEndedSuspensionDoesNotComeBack() {
        let bench = Bench()
        _ = Self.suspend(bench, .minutes(5), "a", Self.dao)
        let second = Self.suspend(bench, .hours(1), "b", Self.dao)
        bench.advance(.minutes(10))
        #expect(bench.engine.core.suspensionRows.map(\.reason) == ["b"])
        _ = bench.operate(.undo(second))
        #expect(bench.engine.core.suspensionRows.isEmpty)
    }

    /// What has been resumed cannot be undone.
    @Test func anUndoAfterAResumeSaysSo() {
        let bench = Bench()
        let job = Self.suspend(bench, .hours(1), "a", Self.dao)
        bench.deed(.resume, Self.dao)
        guard case .refused(let sentence) = bench.operate(.undo(job)) else {
            Issue.record("it was undone")
            return
        }
        #expect(sentence == "nothing is left to undo: the suspension of job \(job) has ended")
    }

    /// The operator log has the span.
    @Test(arguments: [
        (Milliseconds.hours(2), ", for 2h"), (.minutes(90), ", for 90m"), (.days(3), ", for 3d"),
        (.zero, ", until resumed"),
    ])
    func theLogHasTheSpan(span: Milliseconds, words: String) {
        let bench = Bench()
        let job = Self.suspend(bench, span, "a", Self.dao)
        let subjects = bench.released.compactMap { effect -> String? in
            if case .auditHead(let head) = effect { head.entry?.subject } else { nil }
        }
        #expect(subjects == ["job \(job): suspend\(words)"])
    }

    private static func without(_ code: String) -> Directory {
        var directory = Directory()
        for (agencyCode, home) in [
            ("A1", "an"), ("A2", "an"), ("B1", "binh"), ("B2", "binh"), ("C1", "chi"), ("D1", "dao"), ("T1", "tam"),
            ("T2", "tam"),
        ] where agencyCode != code {
            do {
                try directory.insert(
                    Directory.Agency(code: agency(agencyCode), name: agencyCode, home: node(home), aliases: []))
            } catch {
                Issue.record("the directory is wrong: \(error)")
            }
        }
        return directory
    }

    /// Suspended, gone from the directory, and resumed: its copies go on by the way that they had.
    @Test(arguments: [false, true], [false, true])
    func aSuspendedAgencyLeavesTheDirectory(restarts: Bool, isHeld: Bool) {
        let bench = Bench(restarts: restarts)
        let bundle = bench.submit(["D1"])!.accepted!
        _ = Self.suspend(bench, .zero, "a") { $0.to = .agency(agency("D1")) }
        bench.finishJobs()
        if isHeld { bench.deed(.hold) { $0.states = [.waiting] } }
        bench.breathe()
        var configuration = Bench.configuration()
        configuration.directory = Self.without("D1")
        bench.reload(configuration)
        bench.finishJobs()
        bench.breathe()
        #expect(bench.engine.core.suspensionRows.map(\.subject.text) == ["agency D1"], "it is listed still")
        bench.connect("dao")
        #expect(bench.released.documents.isEmpty)
        #expect(bench.deed(.resume) { $0.to = .agency(agency("D1")) }?.phase == .done)
        bench.finishJobs()
        if isHeld {
            bench.breathe()
            bench.deed(.release) { $0.states = [.held] }
        }
        #expect(bench.released.documents.map(\.bundle) == [bundle])
        bench.answer(bench.released.documents[0], .acknowledged)
        #expect(bench.states(of: bundle) == ["D1": .forwarded])
    }

    /// The other way round: suspended after it has left, it is given nothing either, and what waits expires in its time.
    @Test func anAgencyThatHasLeftIsSuspended() {
        let bench = Bench()
        let bundle = bench.submit(["D1"], lifetime: .hours(1))!.accepted!
        var configuration = Bench.configuration()
        configuration.directory = Self.without("D1")
        bench.reload(configuration)
        bench.finishJobs()
        _ = Self.suspend(bench, .zero, "a") { $0.to = .agency(agency("D1")) }
        bench.finishJobs()
        bench.connect("dao")
        #expect(bench.released.documents.isEmpty)
        bench.advance(.hours(2))
        #expect(bench.states(of: bundle) == ["D1": .expired])
    }
}
