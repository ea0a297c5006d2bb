// A clock that was ahead and was mended: what was accepted meanwhile is refused by others as made in the future, and goes on.

import NIOCore
import RelayCore
import RelayEngine
import RelayModel
import RelayRows
import Testing

@Suite struct ClockAheadScenarios {
    private static let ahead = Milliseconds.days(2).count

    /// Refused by every hop, it goes on at once under a name without a time, and is delivered; the old name tells the new one.
    @Test func whatWasAcceptedGoesOnUnderANameWithoutATime() throws {
        let bench = Bench()
        bench.wall += Self.ahead
        let bundle = try #require(bench.submit(["A1"])?.accepted)
        #expect(bundle.creationTime == bench.wall)
        bench.wall -= Self.ahead
        let first = bench.connect("an").documents
        #expect(first.map(\.bundle) == [bundle])
        let effects = bench.answer(first[0], .refused(.notAcceptable))
        #expect(effects.alarms.isEmpty, "the cause is known and mended")
        let again = try #require(effects.documents.first)
        #expect(again.bundle != bundle && again.bundle.creationTime == 0)
        #expect(again.document == first[0].document)
        bench.answer(again, .acknowledged)
        #expect(bench.states(of: again.bundle) == ["A1": .forwarded])
        #expect(bench.rows(of: bundle)[0].resubmittedAs == [again.bundle])
        #expect(bench.balance().accepted == bench.balance().states)
    }

    /// In transit nobody can give it another name: it ends after the grace, with the true cause.
    @Test func inTransitTheTrueCauseIsSaid() throws {
        let bench = Bench { $0.limits.clockAheadMax = .days(3) }
        bench.connect("an")
        bench.connect("chi")
        let bundle = bench.bundle(of: "an", created: bench.wall + Self.ahead)
        var sent = bench.offer(
            "an", bundle, bench.document("A1", ["C1"]), path: bench.path("an"), lifetime: .days(30)
        ).documents
        var alarms: [String] = []
        for _ in 0..<600
        where bench.states(of: bundle) == ["C1": .waiting] || bench.states(of: bundle) == ["C1": .deferred] {
            for dispatch in sent { alarms += bench.answer(dispatch, .refused(.notAcceptable)).alarms }
            sent = bench.advance(.minutes(1)).documents
        }
        #expect(alarms.contains { $0.contains("the sender's clock was ahead") })
        let row = bench.rows(of: bundle)[0]
        #expect(row.recipients[0].state == .refused && row.recipients[0].reason == .clockWasAhead)
    }

    /// Setting a clock right is a step, and a step is doubted until a neighbour's word comes: a node that only sends may wait for that.
    @Test func aDoubtOfTheStepKeepsNothing() throws {
        let bench = Bench()
        bench.wall += Self.ahead
        let bundle = try #require(bench.submit(["A1"])?.accepted)
        bench.wall -= Self.ahead
        let first = bench.connect("an").documents
        bench.event(.clockDoubted(true, why: "a test"))
        bench.answer(first[0], .refused(.notAcceptable))
        // A step ends the sessions: numbers begin anew.
        let again = try #require(bench.connect("an").documents.first)
        #expect(again.bundle != bundle && again.bundle.creationTime == 0)
        bench.answer(again, .acknowledged)
        #expect(bench.states(of: again.bundle) == ["A1": .forwarded])
    }
}
