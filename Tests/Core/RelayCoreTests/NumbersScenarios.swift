// Which numbers a node gives: another incarnation at every start, nothing written before the first number, and what it remembers of
// its own and of its neighbours'.

import RelayCore
import RelayModel
import RelayRows
import Testing

@Suite struct NumbersScenarios {
    /// A stopped store's copy put back, a clone beside its original, a roll-back: none gives a number twice.
    @Test func everyStartDrawsAnotherIncarnation() throws {
        let bench = Bench()
        var seen: Set<UInt64> = []
        for _ in 0..<20 {
            for _ in 0..<3 {
                let bundle = try #require(bench.submit(["B1"])?.accepted)
                #expect(seen.insert(bundle.sequence).inserted)
            }
            bench.restart()
        }
        #expect(Set(seen.map { $0 >> 32 }).count == 20)
    }

    /// A daemon that restarts again and again, and accepts nothing, fills no table.
    @Test func aStartWithoutANumberWritesNothing() throws {
        let bench = Bench()
        let first = try #require(bench.submit(["B1"])?.accepted)
        for _ in 0..<50 { bench.restart() }
        #expect(bench.read { $0.count(.numbers) } == 0)
        #expect(bench.read { $0.number(.meta, "incarnation") } == UInt64(first.incarnation))
        _ = try #require(bench.submit(["B1"])?.accepted)
        #expect(bench.read { $0.count(.numbers) } == 1)
    }

    /// Reports name numbers of earlier incarnations for as long as history lasts.
    @Test func reportsOnEarlierIncarnationsAreBelieved() throws {
        let bench = Bench()
        let old = try #require(bench.submit(["B1"])?.accepted)
        for dispatch in bench.connect("binh").documents { bench.answer(dispatch, .acknowledged) }
        for _ in 0..<2 {
            bench.restart()
            _ = try #require(bench.submit(["T2"])?.accepted)
        }
        // Longer than the memory of what was forwarded: only the table of numbers knows that this was given out here.
        bench.advance(bench.limits.transitMemory + .days(1))
        #expect(bench.rows(of: old).isEmpty)
        bench.connect("binh")
        func alarms(_ bundle: BundleID) -> Int {
            let time = WallTime(milliseconds: bench.wall)
            let row = ReportRow(
                bundle: bundle, recipient: agency("B1"), state: .delivered, time: time, reason: .none,
                path: [PathStop(node: node("tam"), time: time), PathStop(node: node("binh"), time: time)])
            return bench.event(
                .reported(
                    ticket: bench.ticket(), session: bench.sessions[node("binh")]!, reporter: node("binh"),
                    bundle: bench.bundle(of: "binh"), rows: [row])
            ).alarms.count
        }
        var never = old
        never.sequence += 1
        #expect(alarms(never) == 1)
        #expect(alarms(old) == 0)
        #expect(bench.reports(of: old).map(\.state) == [.delivered])
    }

    /// What a neighbour has given itself is remembered, across restarts, and told to it; of 64 incarnations at most.
    @Test func whatWasTakenIsToldToItsNode() throws {
        let bench = Bench()
        bench.connect("an")
        for incarnation in UInt64(1)...70 {
            let bundle = BundleID(
                source: node("an").endpoint, creationTime: bench.wall, sequence: incarnation << 32 | (incarnation + 6))
            #expect(
                bench.offer("an", bundle, bench.document("A1", ["T1"]), path: bench.path("an")).acknowledgements == 1)
            bench.advance(.seconds(1))
        }
        bench.restart()
        let told = bench.engine.core.picture.greeting(for: node("an"), version: "x").taken
        #expect(told.count == 64)
        #expect(told.last == TakenNumbers(incarnation: 70, counter: 76, created: bench.wall - 1_000))
        #expect(bench.engine.core.picture.greeting(for: node("binh"), version: "x").taken.isEmpty)
        #expect(bench.engine.core.picture.greeting(for: nil, version: "x").taken.isEmpty)
    }

    @Test func aNodeThatSaysNothingUnderstandsNothing() throws {
        let bench = Bench()
        let feature = try #require(Feature("some-feature"))
        bench.connect("an")
        #expect(!bench.engine.core.understands(feature, node("an")))
        bench.lose("an")
        bench.connect("an", greeting: Greeting(version: "9", incarnation: 5, counter: 0, features: [feature]))
        #expect(bench.engine.core.understands(feature, node("an")))
        #expect(!bench.engine.core.understands(feature, node("binh")))
        bench.lose("an")
        #expect(!bench.engine.core.understands(feature, node("an")))
    }
}
