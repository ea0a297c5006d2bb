// A next hop without resources for large documents: smaller ones go on, large ones go another way or wait, and one at a time finds out
// whether there is room again. Offers are counted, and rows that are looked at.

import RelayCore
import RelayModel
import Testing

@Suite struct PauseScenarios {
    private static let large = 100_000

    /// The next hop: refuses what is large while it is full.
    private struct Hop {
        var refused: [UInt64] = []
        var taken: [Dispatch] = []
        var isFull = true
        var open: [Dispatch] = []

        mutating func answer(_ bench: Bench, _ effects: [Effect]) {
            open += effects.documents
            while !open.isEmpty {
                let dispatch = open.removeFirst()
                let isRefused = isFull && dispatch.payloadLength >= UInt64(PauseScenarios.large)
                if isRefused { refused.append(dispatch.number) } else { taken.append(dispatch) }
                open += bench.answer(dispatch, isRefused ? .refused(.noResources) : .acknowledged).documents
            }
        }
    }

    private static func wait(_ bench: Bench, _ hop: inout Hop, seconds: Int) {
        for _ in 0..<seconds { hop.answer(bench, bench.advance(.seconds(1))) }
    }

    /// Two hundred letters stood a minute and more behind documents of 2 MB that were refused one by one.
    @Test(arguments: [1, 16]) func smallOnesPassLargeOnesThatAreRefused(window: Int) {
        let bench = Bench { $0.limits.windowTransfers = window }
        bench.failingChanges = []
        var hop = Hop()
        for _ in 0..<10 { bench.submit(["C1"], length: Self.large) }
        for _ in 0..<20 { bench.submit(["C1"], length: 3_000) }
        hop.answer(bench, bench.connect("chi"))
        #expect(hop.taken.count == 20, "small ones go at once")
        #expect(hop.refused.count <= window)
        let first = hop.refused.count
        let view = bench.engine.core.peerViews.first { $0.node.name == "chi" }
        #expect(view?.pausedUntil != nil && view?.pausedFrom == UInt64(Self.large))
        let row = bench.allRows.first { $0.number == hop.refused[0] }!
        let wait = bench.engine.core.wait(row, 0, now: bench.reading.relay)
        #expect(wait.why.contains { $0.contains("no room for 100000 bytes or more") }, "\(wait.why)")
        #expect(wait.nextAttempt == view?.pausedUntil)
        // One finds out, again and again, each time after a longer while.
        Self.wait(bench, &hop, seconds: 120)
        #expect((3...20).contains(hop.refused.count - first), "\(hop.refused.count - first)")
        hop.answer(bench, bench.submit(["C1"], length: 3_000)!)
        #expect(hop.taken.count == 21)
        hop.isFull = false
        Self.wait(bench, &hop, seconds: 60)
        #expect(hop.taken.count == 31)
        // In the order in which they came.
        let large = hop.taken.filter { $0.payloadLength == UInt64(Self.large) }.map(\.number)
        #expect(large == large.sorted())
        #expect(bench.engine.core.peerViews.first { $0.node.name == "chi" }?.pausedUntil == nil)
    }

    /// What a small one hears holds for all.
    @Test func aSmallOneThatIsRefusedHoldsAll() {
        let bench = Bench { $0.limits.windowTransfers = 1 }
        bench.failingChanges = []
        bench.submit(["C1"], length: 3_000)
        bench.submit(["C1"], length: 10)
        let sent = bench.connect("chi").documents
        #expect(bench.answer(sent[0], .refused(.noResources)).documents.isEmpty)
        #expect(bench.engine.core.peerViews.first { $0.node.name == "chi" }?.pausedFrom == nil)
        let again = bench.advance(.seconds(5)).documents
        #expect(again.map(\.number) == [sent[0].number], "one finds out")
        #expect(bench.answer(again[0], .acknowledged).documents.count == 1)
    }

    /// The second hop has room: large ones go by it, and small ones stay with the first.
    @Test func largeOnesGoByAnotherHop() {
        let bench = Bench { $0.limits.windowTransfers = 2 }
        bench.failingChanges = []
        bench.connect("binh")
        bench.connect("chi")
        var sent: [Dispatch] = []
        for _ in 0..<5 { sent += bench.submit(["B1"], length: Self.large)!.documents }
        for _ in 0..<5 { sent += bench.submit(["B1"], length: 3_000)!.documents }
        var byHop: [String: [UInt64]] = [:]
        while !sent.isEmpty {
            let dispatch = sent.removeFirst()
            let isRefused = dispatch.peer.name == "binh" && dispatch.payloadLength >= UInt64(Self.large)
            if !isRefused { byHop[dispatch.peer.name, default: []].append(dispatch.payloadLength) }
            sent += bench.answer(dispatch, isRefused ? .refused(.noResources) : .acknowledged).documents
        }
        #expect(byHop["binh"] == Array(repeating: 3_000, count: 5))
        #expect(byHop["chi"] == Array(repeating: UInt64(Self.large), count: 5))
    }

    /// What was handed to the second hop because the first had no room goes by the first when that has room again, and is not forgotten.
    @Test func whatWasHandedOverIsNotForgotten() {
        let bench = Bench { $0.limits.windowTransfers = 2 }
        bench.failingChanges = []
        bench.connect("binh")
        bench.connect("chi")
        var sent: [Dispatch] = []
        for _ in 0..<8 { sent += bench.submit(["B1"], length: Self.large)!.documents }
        var open: [Dispatch] = []
        // The first hop has no room for the first two; the second one is slow.
        while let dispatch = sent.popLast() {
            if dispatch.peer.name == "binh" {
                sent += bench.answer(dispatch, .refused(.noResources)).documents
            } else {
                open.append(dispatch)
            }
        }
        #expect(open.count == 2)
        var taken: Set<UInt64> = []
        for second in 0..<60 {
            sent += bench.advance(.seconds(1)).documents
            while let dispatch = sent.popLast() {
                taken.insert(dispatch.number)
                sent += bench.answer(dispatch, .acknowledged).documents
            }
            guard second == 10 else { continue }
            for dispatch in open {
                taken.insert(dispatch.number)
                sent += bench.answer(dispatch, .acknowledged).documents
            }
        }
        #expect(taken.count == 8)
        #expect(bench.counter(.state(.waiting, admin: false)) == 0)
    }

    /// One in pieces finds out, and its piece comes back from a link that has not begun it: the hop is not kept from everything for ever.
    @Test func aPieceThatComesBackFindsOutNothing() {
        let bench = Bench { $0.limits.windowTransfers = 1 }
        bench.failingChanges = []
        bench.submit(["C1"], length: 10)
        let small = bench.connect("chi").documents
        // A small one is refused: nothing goes until one finds out, and that one is in pieces.
        bench.answer(small[0], .refused(.noResources))
        bench.deed(.delete) { $0.numbers = [small[0].number] }
        bench.submit(["C1"], length: 2 * Int(PieceRange.grid))
        let probe = bench.advance(.seconds(5)).dispatches
        #expect(probe.map { $0.piece?.offset } == [0])
        var open = bench.answer(probe[0], .returned).dispatches
        var offsets: [UInt64] = []
        for _ in 0..<10 {
            while !open.isEmpty {
                let next = open.removeFirst()
                offsets.append(next.piece?.offset ?? .max)
                open += bench.answer(next, .acknowledged).dispatches
            }
            open += bench.advance(.seconds(1)).dispatches
        }
        #expect(offsets == [0, PieceRange.grid])
    }

    /// Hops that have no room for what is large, by name; what they take is counted.
    private struct Hops {
        var full: Set<String>
        var taken: [(peer: String, dispatch: Dispatch)] = []
        var refused = 0

        mutating func run(_ bench: Bench, _ effects: [Effect], seconds: Int) {
            var open = effects.dispatches
            for second in 0...seconds {
                while !open.isEmpty {
                    let dispatch = open.removeFirst()
                    let bytes = dispatch.piece?.total ?? dispatch.payloadLength
                    let isRefused = full.contains(dispatch.peer.name) && bytes >= UInt64(PauseScenarios.large)
                    if isRefused { refused += 1 } else { taken.append((dispatch.peer.name, dispatch)) }
                    open += bench.answer(dispatch, isRefused ? .refused(.noResources) : .acknowledged).dispatches
                }
                if second < seconds { open += bench.advance(.seconds(1)).dispatches }
            }
        }
    }

    /// One copy is for an agency behind both hops and for one behind the second only: what was handed to the second for the first
    /// agency's sake goes in the end, though another recipient's copy goes there meanwhile.
    @Test func recipientsOfOneEnvelopeAreNotForgotten() {
        let bench = Bench { $0.limits.windowTransfers = 1 }
        bench.failingChanges = []
        bench.connect("binh")
        bench.connect("chi")
        var effects: [Effect] = []
        for _ in 0..<6 { effects += bench.submit(["B1", "C1"], length: Self.large)! }
        var hops = Hops(full: ["binh"])
        hops.run(bench, effects, seconds: 2)
        hops.full = []
        hops.run(bench, [], seconds: 90)
        #expect(bench.counter(.state(.waiting, admin: false)) == 0)
        #expect(bench.counter(.state(.forwarded, admin: false)) == 12)
    }

    /// Both hops had no room. When one has room again, what was kept back for the sake of the other goes by it.
    @Test func whatIsKeptBackGoesByTheHopThatHasRoomAgain() {
        let bench = Bench { $0.limits.windowTransfers = 2 }
        bench.failingChanges = []
        bench.connect("binh")
        bench.connect("chi")
        var effects: [Effect] = []
        for _ in 0..<40 { effects += bench.submit(["B1"], length: Self.large)! }
        var hops = Hops(full: ["binh", "chi"])
        hops.run(bench, effects, seconds: 30)
        #expect(hops.taken.isEmpty)
        hops.full = ["binh"]
        hops.run(bench, [], seconds: 90)
        #expect(hops.taken.count == 40 && hops.taken.allSatisfy { $0.peer == "chi" })
    }

    /// One in pieces, of which the first hop has taken none, goes by the second as well.
    @Test func aGiantGoesByAnotherHop() {
        let bench = Bench()
        bench.failingChanges = []
        bench.connect("binh")
        bench.connect("chi")
        var hops = Hops(full: ["binh"])
        hops.run(bench, bench.submit(["B1"], length: 2 * Int(PieceRange.grid))!, seconds: 5)
        #expect(hops.taken.map(\.peer) == ["chi", "chi"])
        #expect(bench.counter(.state(.forwarded, admin: false)) == 1)
    }

    /// More wait than are remembered: the urgent one goes first all the same.
    @Test func anUrgentOneIsRemembered() {
        let bench = Bench { $0.limits.windowTransfers = 1 }
        bench.failingChanges = []
        bench.connect("chi")
        var effects: [Effect] = []
        for _ in 0..<300 { effects += bench.submit(["C1"], length: Self.large)! }
        var hops = Hops(full: ["chi"])
        hops.run(bench, effects, seconds: 5)
        hops.run(bench, bench.submit(["C1"], length: Self.large, urgency: .flash)!, seconds: 5)
        hops.full = []
        hops.run(bench, [], seconds: 60)
        let urgent = hops.taken.firstIndex { $0.dispatch.urgency == .flash }
        #expect(urgent.map { $0 <= 1 } ?? false, "\(String(describing: urgent))")
        #expect(hops.taken.count == 301)
    }

    /// Long after a pause that kept nothing back, the next one is the first again.
    @Test func aPauseIsForgotten() {
        let bench = Bench { $0.limits.windowTransfers = 1 }
        bench.failingChanges = []
        bench.connect("binh")
        bench.connect("chi")
        var hops = Hops(full: ["binh"])
        hops.run(bench, bench.submit(["B1"], length: Self.large)!, seconds: 20)
        #expect(hops.taken.map(\.peer) == ["chi"])
        let view = bench.engine.core.peerViews.first { $0.node.name == "binh" }
        #expect(view?.pausedFrom == nil, "nothing is kept back from it")
        hops.run(bench, [], seconds: 400)
        let first = bench.submit(["B1"], length: Self.large)!.documents
        #expect(first.map(\.peer.name) == ["binh"])
    }

    enum Loss: CaseIterable { case session, expiry, answer }

    /// The one that was to find out comes to another end: the next one does.
    @Test(arguments: Loss.allCases) func aProbeThatIsGoneHoldsNobodyUp(_ loss: Loss) {
        let bench = Bench { $0.limits.windowTransfers = 2 }
        bench.failingChanges = []
        var hop = Hop()
        for _ in 0..<6 { bench.submit(["C1"], length: Self.large) }
        hop.answer(bench, bench.connect("chi"))
        var probes: [Dispatch] = []
        while probes.isEmpty { probes = bench.advance(.seconds(1)).documents }
        #expect(probes.count == 1)
        hop.isFull = false
        switch loss {
        case .session:
            bench.lose("chi")
            hop.answer(bench, bench.connect("chi"))
        case .expiry:
            let before = bench.released.count
            bench.deed(.expire, givingBack: [probes[0].number]) { $0.numbers = [probes[0].number] }
            hop.answer(bench, Array(bench.released[before...]))
        case .answer: hop.answer(bench, bench.answer(probes[0], .refused(.notAcceptable)))
        }
        Self.wait(bench, &hop, seconds: 120)
        #expect(hop.taken.count >= 5)
        #expect(bench.counter(.state(.waiting, admin: false)) == 0)
    }

    /// Thousands of them wait: those that are remembered find out, and the rest is looked for when there is room.
    @Test func aLongBacklogIsNotWalkedForEachTry() {
        let bench = Bench { $0.limits.windowTransfers = 4 }
        bench.failingChanges = []
        for _ in 0..<1_000 { bench.submit(["C1"], length: 20_000) }
        // Taken for large here.
        var refused = 0
        var taken = 0
        var open = bench.connect("chi").documents
        func answer(isFull: Bool) {
            while !open.isEmpty {
                let dispatch = open.removeFirst()
                if isFull { refused += 1 } else { taken += 1 }
                open += bench.answer(dispatch, isFull ? .refused(.noResources) : .acknowledged).documents
            }
        }
        answer(isFull: true)
        for _ in 0..<120 {
            open += bench.advance(.seconds(1)).documents
            answer(isFull: true)
        }
        #expect((4...24).contains(refused), "\(refused)")
        for _ in 0..<120 {
            open += bench.advance(.seconds(1)).documents
            answer(isFull: false)
        }
        #expect(taken == 1_000)
        let (accepted, states) = bench.balance()
        #expect(accepted == states)
    }
}
