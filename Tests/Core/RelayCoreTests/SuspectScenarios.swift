// Envelopes that were in hand at crashes: two running hold one, anything between forgets.

import RelayCore
import RelayModel
import RelayRows
import Testing

@Suite struct SuspectScenarios {
    private func bench() -> (Bench, BundleID, UInt64) {
        let bench = Bench()
        let bundle = bench.submit(["B1"])!.accepted!
        return (bench, bundle, bench.rows(of: bundle)[0].number)
    }

    @Test func twoCrashesRunningHoldIt() {
        let (bench, bundle, number) = bench()
        #expect(bench.event(.suspected([number])).alarms.isEmpty)
        #expect(bench.states(of: bundle) == ["B1": .waiting])
        bench.restart()
        #expect(bench.event(.suspected([number, 999])).alarms.count == 1)
        #expect(bench.states(of: bundle) == ["B1": .held])
        #expect(bench.counter(.state(.held, admin: false)) == 1 && bench.counter(.state(.waiting, admin: false)) == 0)
        #expect(bench.connect("binh").documents.isEmpty)
        // A third crash finds nothing to hold.
        bench.restart()
        #expect(bench.event(.suspected([number])).alarms.isEmpty)
    }

    @Test func aGoodEndBetweenForgets() {
        let (bench, bundle, number) = bench()
        bench.event(.suspected([number]))
        bench.restart()
        bench.event(.suspected([]))
        bench.restart()
        bench.event(.suspected([number]))
        #expect(bench.states(of: bundle) == ["B1": .waiting])
        #expect(bench.connect("binh").documents.count == 1)
    }

    @Test func twoDifferentOnesHoldNothing() {
        let (bench, bundle, number) = bench()
        let other = bench.submit(["C1"])!.accepted!
        bench.event(.suspected([number]))
        bench.restart()
        bench.event(.suspected([bench.rows(of: other)[0].number]))
        #expect(bench.states(of: bundle) == ["B1": .waiting] && bench.states(of: other) == ["C1": .waiting])
    }

    /// What is at home is with its agency already, and stays where it is.
    @Test func whatHasArrivedIsNotHeld() {
        let bench = Bench()
        let bundle = bench.submit(["T2", "B1"])!.accepted!
        let number = bench.rows(of: bundle)[0].number
        for _ in 1...2 { bench.event(.suspected([number])) }
        #expect(bench.states(of: bundle) == ["T2": .arrived, "B1": .held])
    }
}
