// What becomes of envelopes whose lifetime ends between a preview and its job, or between a job and its undoing: nothing ends that an
// operator has not been shown to end. And what the operator log says of it all.

import RelayCore
import RelayModel
import RelayRouting
import RelayRows
import Testing

@Suite struct UndoScenarios {
    private static func expectBalance(_ bench: Bench) {
        let (accepted, states) = bench.balance()
        #expect(accepted == states, "accepted = ended + in store")
    }

    /// What the operator log got: verb, subject, outcome.
    private static func entries(_ bench: Bench) -> [[String]] {
        bench.released.compactMap { effect in
            guard case .auditHead(let head) = effect, let entry = head.entry else { return nil }
            return [entry.verb, entry.subject, entry.outcome]
        }
    }

    /// Undone behind the end of its lifetime: it is held, expired, and an operator says what becomes of it.
    @Test(arguments: [DeedVerb.hold, .delete], [false, true])
    func whatHasOutlivedItsLifetimeIsHeldWhenUndone(verb: DeedVerb, restarts: Bool) {
        let bench = Bench(restarts: restarts)
        let short = bench.submit(["B1"], lifetime: .minutes(10))!.accepted!
        let long = bench.submit(["B1"])!.accepted!
        let job = bench.deed(verb) { $0.states = [.waiting] }!
        #expect(job.done == 2)
        bench.advance(.minutes(12))
        bench.breathe()
        guard case .job = bench.operate(.undo(job.number)) else {
            Issue.record("it could not be undone")
            return
        }
        bench.finishJobs()
        #expect(bench.states(of: short) == ["B1": .held])
        #expect(bench.states(of: long) == ["B1": .waiting])
        #expect(bench.reports(of: short).isEmpty, "nothing has ended")
        let undone = bench.job(job.number)!
        #expect(undone.leftHeld == 1 && undone.undone == (verb == .delete ? 2 : 1))
        let why = bench.engine.core.wait(bench.rows(of: short)[0], 0, now: bench.reading.relay).why
        #expect(why.contains { $0.contains("by lan, job \(job.number)") }, "\(why)")
        #expect(Self.entries(bench).last?.last == "done: \(undone.undone) of 2 undone, 1 held beyond their lifetime")
        bench.breathe()
        bench.advance(.minutes(20))
        #expect(bench.states(of: short) == ["B1": .held], "the time for undoing is over, and it stays")
        #expect(bench.find(Self.heldExpired).count == 1)
        bench.deed(.release) { $0.states = [.heldExpired] }
        #expect(bench.states(of: short) == ["B1": .expired])
        #expect(bench.reports(of: short).map(\.state) == [.expired])
        Self.expectBalance(bench)
    }

    private static var heldExpired: Selector {
        var selector = Selector()
        selector.states = [.heldExpired]
        return selector
    }

    /// A release lets go; what would end by it since the preview is passed over, until an operator has been shown that.
    @Test(arguments: [false, true])
    func aReleaseEndsNothingThatItsPreviewHasNotShown(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        let over = bench.submit(["B1"], lifetime: .minutes(10))!.accepted!
        let soon = bench.submit(["B1"], lifetime: .minutes(30))!.accepted!
        let long = bench.submit(["B1"])!.accepted!
        bench.deed(.hold) { $0.states = [.waiting] }
        bench.advance(.minutes(20))
        let job = bench.preview(.release, { $0.states = [.held] }, reason: "the line is up again")!
        #expect(job.count == 3)
        bench.advance(.minutes(20))
        bench.breathe()
        _ = bench.operate(.apply(job.number))
        bench.finishJobs()
        let done = bench.job(job.number)!
        #expect(done.done == 2 && done.skipped == [SkipCause.outlived.rawValue: 1] && done.ended == 1)
        #expect(Self.entries(bench).last?.last == "done: 2 of 3, 1 skipped, 0 failed, 1 ended as expired")
        #expect(bench.states(of: over) == ["B1": .expired], "this had been shown")
        #expect(bench.states(of: soon) == ["B1": .held])
        #expect(bench.states(of: long) == ["B1": .waiting])
        #expect(bench.find(Self.heldExpired).count == 1)
        #expect(bench.deed(.release) { $0.states = [.heldExpired] }?.done == 1)
        #expect(bench.reports(of: soon).map(\.state) == [.expired])
        Self.expectBalance(bench)
    }

    /// Undoing what others have changed since says so, and an undo that finds nothing is no undo.
    @Test func anUndoThatFindsNothingSaysSo() {
        let bench = Bench()
        let bundle = bench.submit(["B1"])!.accepted!
        let job = bench.deed(.hold) { $0.states = [.waiting] }!
        bench.deed(.release) { $0.states = [.held] }
        _ = bench.operate(.undo(job.number))
        bench.finishJobs()
        #expect(bench.job(job.number)?.undone == 0)
        #expect(Self.entries(bench).last?.last == "done: nothing was left to undo")
        #expect(bench.states(of: bundle) == ["B1": .waiting])
    }

    /// The operator log: begun, and at the end what came of it; what was refused, and why; by whom it was undone.
    @Test func theLogSaysHowItEnded() {
        let bench = Bench()
        bench.submit(["B1", "C1"])
        let job = bench.deed(.hold) { $0.states = [.waiting] }!
        _ = bench.operate(.apply(job.number))
        _ = bench.operate(.apply(77, as: .delete))
        _ = bench.operate(.cancel(job.number, as: .delete))
        let other = Operator(uid: 1_001, login: "minh")
        bench.event(.operated(Operation(ticket: bench.ticket(), caller: other, wish: .undo(job.number))))
        bench.finishJobs()
        _ = bench.operate(.drain(false, reason: ""))
        let name = "job \(job.number)"
        #expect(
            Self.entries(bench) == [
                ["hold", "\(name): hold", "begun"],
                ["hold", "\(name): hold", "done: 2 of 2, 0 skipped, 0 failed"],
                ["hold", "\(name): hold", "refused: \(name) has been applied already: done"],
                [
                    "delete", "job 77",
                    "refused: there is no job 77; a preview is kept for an hour, and no more than 32 of them; edocctl jobs lists what there is",
                ],
                ["cancel", "\(name), hold: hold", "refused: \(name) is a hold, not a delete; nothing was done"],
                ["undo", "\(name), hold: hold", "begun"],
                ["undo", "\(name), hold: hold", "done: 2 of 2 undone"],
                ["cancel drain", "node tam", "refused: the node is not being drained"],
            ])
        let logins = bench.released.compactMap { effect -> String? in
            if case .auditHead(let head) = effect { head.entry?.login } else { nil }
        }
        #expect(logins == ["lan", "lan", "lan", "lan", "lan", "minh", "minh", "lan"])
    }

    /// A deletion is one when it cannot be undone any more; the log says then how much of it there was.
    @Test(arguments: [false, true])
    func theLogSaysWhatWasDeletedForGood(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        for _ in 0..<300 { bench.submit(["B1"], length: 4) }
        let lost = bench.submit(["C1"])!.accepted!
        let job = bench.deed(.delete) { $0.states = [.waiting] }!
        let again = bench.preview(.delete, { $0.to = .agency(agency("C1")) })
        #expect(again == nil, "it is being deleted already")
        bench.breathe()
        bench.advance(.minutes(16))
        bench.finishJobs()
        #expect(bench.states(of: lost) == ["C1": .deleted])
        #expect(bench.job(job.number)?.ended == 301)
        #expect(
            Self.entries(bench).last == ["delete", "job \(job.number): delete", "done: 301 of 301 deleted for good"])
        Self.expectBalance(bench)
    }

    @Test func theLogSaysHowFarACancelledJobCame() {
        let bench = Bench()
        for _ in 0..<300 { bench.submit(["B1"], length: 4) }
        let job = bench.preview(.hold, { $0.states = [.waiting] })!
        _ = bench.operate(.apply(job.number))
        _ = bench.operate(.cancel(job.number))
        #expect(
            Self.entries(bench).map { $0[0] + " " + $0[2] } == [
                "hold begun", "cancel done", "hold cancelled: 256 of 300, 0 skipped, 0 failed",
            ])
    }
}
