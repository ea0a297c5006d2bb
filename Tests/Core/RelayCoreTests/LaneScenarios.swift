// LaneScenarios: which lanes a link looks at, and when answers may wait for company.

import RelayModel
import RelayRows
import Testing

@testable import RelayCore

@Suite struct LaneScenarios {
    /// What is listed is what was set, in order, whatever came between.
    @Test(arguments: 0..<8)
    func wetLanesAreWhatWasSet(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let hops = ["an", "binh", "chi"].map { node($0) }
        var lanes = WetLanes()
        var model: Set<LaneKey> = []
        func hopsOf(_ routeClass: UInt32) -> [NodeID] { Array(hops.prefix(Int(routeClass % 3) + 1)) }
        for _ in 0..<500 {
            let urgency = Urgency.allCases[Int(random.next(below: UInt64(Urgency.allCases.count)))]
            let key = LaneKey(routeClass: UInt32(random.next(below: 12)) + 1, urgency: urgency)
            let isWet = random.next(below: 2) == 0
            if isWet { model.insert(key) } else { model.remove(key) }
            lanes.set(key, isWet: isWet, hopsOf(key.routeClass))
            for hop in hops {
                let listed = model.filter { hopsOf($0.routeClass).contains(hop) }
                #expect(lanes.hops.contains(hop) == !listed.isEmpty)
                for urgency in Urgency.allCases {
                    #expect(
                        lanes.classes(of: hop, urgency)
                            == listed.filter { $0.urgency == urgency }.map(\.routeClass).sorted())
                }
            }
        }
    }

    @Test func firstPlaceIsFound() {
        let list: [UInt32] = [2, 4, 4, 9]
        #expect(
            (0...10).map { number in list.firstPlace { $0 >= UInt32(number) } } == [0, 0, 0, 1, 1, 3, 3, 3, 3, 3, 4])
        #expect([UInt32]().firstPlace { _ in true } == 0)
    }

    /// A link for which nothing may be due is passed over; with the first row it is looked at again.
    @Test(arguments: [false, true])
    func idleLinksArePassedOver(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        for name in ["an", "binh", "chi", "dao"] { bench.connect(name) }
        bench.submit(["C1"])
        #expect(bench.released.documents.map(\.peer.name) == ["chi"])
        bench.answer(bench.released.documents[0], .acknowledged)
        bench.advance(.seconds(1))
        #expect(bench.engine.core.sessionsToFeed.isEmpty)
        bench.breathe()
        bench.submit(["D1"])
        #expect(bench.released.documents.map(\.peer.name) == ["chi", "dao"])
    }

    /// What is not due yet wakes its lane at its time, and not before.
    @Test func aLaneWakesInTime() {
        let bench = Bench()
        bench.connect("chi")
        bench.submit(["C1"])
        bench.answer(bench.released.documents[0], .refused(.unknown))
        bench.advance(Milliseconds(1))
        #expect(bench.engine.core.sessionsToFeed.isEmpty)
        #expect(!bench.engine.core.laneWaits.isEmpty)
        #expect(bench.advance(.hours(1)).documents.map(\.peer.name) == ["chi"])
    }

    /// A list of next hops whose record was lost comes again under the same number: the lane that nobody could draw from is listed.
    @Test func aClassComesAgain() {
        let bench = Bench()
        bench.submit(["C1"])
        _ = bench.store.batch { rows in
            rows.delete(.routeClass, Keys.routeClass(1))
            rows.setNumber(.meta, "routesDigest", 0)
        }
        bench.restart()
        bench.connect("chi")
        bench.advance(.minutes(1))
        #expect(bench.released.documents.map(\.peer.name) == ["chi"])
    }

    @Test func littleUnderWayIsCalm() {
        let bench = Bench()
        bench.connect("chi")
        #expect(bench.engine.core.isCalm)
        bench.submit(["C1"])
        #expect(bench.engine.core.isCalm, "one letter is on the link")
        for _ in 0..<20 { bench.submit(["C1"]) }
        #expect(!bench.engine.core.isCalm, "many are")
    }

    /// Where the answer makes room for the next one, it does not wait.
    @Test func whoWaitsForRoomIsNotCalm() {
        let bench = Bench { $0.limits.windowTransfers = 1 }
        bench.connect("chi")
        bench.submit(["C1"])
        #expect(!bench.engine.core.isCalm)
        bench.answer(bench.released.documents[0], .acknowledged)
        #expect(bench.engine.core.isCalm)
    }

    @Test func largeOnesAreNotCalm() {
        let bench = Bench()
        bench.connect("chi")
        bench.submit(["C1"], length: 200_000)
        #expect(!bench.engine.core.isCalm)
    }
}
