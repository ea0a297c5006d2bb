// A next hop at which one agency's share is used up: its documents are not offered over and over, others' go on, and all of them go as
// soon as the hop has room again. Offers are counted.

import RelayCore
import RelayModel
import RelayRows
import Testing

@Suite struct ReofferScenarios {
    /// The next hop: refuses what is of one sender, takes the rest, and counts.
    private struct Hop {
        var refusals = 0
        var taken = 0
        var isFull = true
        var open: [Dispatch] = []

        mutating func answer(_ bench: Bench, _ effects: [Effect]) {
            open += effects.documents
            while !open.isEmpty {
                let dispatch = open.removeFirst()
                let isRefused = isFull && dispatch.document?.sender.text == "T1"
                if isRefused { refusals += 1 } else { taken += 1 }
                open += bench.answer(dispatch, isRefused ? .refused(.retransmit) : .acknowledged).documents
            }
        }
    }

    private static func wait(_ bench: Bench, _ hop: inout Hop, minutes: Int) {
        for _ in 0..<(minutes * 60) { hop.answer(bench, bench.advance(.seconds(1))) }
    }

    /// 70,000 refusals were seen in one night.
    @Test func whatHasNoShareIsNotOfferedOverAndOver() {
        let bench = Bench { $0.limits.windowTransfers = 16 }
        bench.failingChanges = []
        var hop = Hop()
        for _ in 0..<300 { bench.submit(["C1"], sender: "T1", length: 4) }
        for _ in 0..<20 { bench.submit(["C1"], sender: "T2", length: 4) }
        hop.answer(bench, bench.connect("chi"))
        #expect(hop.taken == 20, "others' go on at once")
        #expect(hop.refusals <= 17, "what was under way, and one behind the first: \(hop.refusals)")
        Self.wait(bench, &hop, minutes: 10)
        let waiting = bench.allRows.first { $0.recipients[0].state == .waiting }!
        let wait = bench.engine.core.wait(waiting, 0, now: bench.reading.relay)
        #expect(wait.why.contains { $0.contains("the share of sender T1 at chi is used up") }, "\(wait.why)")
        // Probes after 5, 10, 20, 40, 80 and then every 120 seconds, or half of that by chance.
        #expect((16...50).contains(hop.refusals), "\(hop.refusals)")
        // One more of another sender is not held up by that.
        hop.answer(bench, bench.submit(["C1"], sender: "T2", length: 4)!)
        #expect(hop.taken == 21)
        // Room again: the next probe lets all of them go.
        hop.isFull = false
        let before = hop.refusals
        Self.wait(bench, &hop, minutes: 3)
        #expect(hop.taken == 321 && hop.refusals == before)
        #expect(bench.counter(.state(.forwarded, admin: false)) == 321)
        let (accepted, states) = bench.balance()
        #expect(accepted == states)
    }

    /// One refusal is one envelope's: another document of the same sender goes.
    @Test func oneRefusalIsNoShare() {
        let bench = Bench { $0.limits.windowTransfers = 1 }
        bench.failingChanges = []
        let first = bench.submit(["C1"], sender: "T1")!.accepted!
        let second = bench.submit(["C1"], sender: "T1")!.accepted!
        var open = bench.connect("chi").documents
        #expect(open.map(\.bundle) == [first])
        open = bench.answer(open[0], .refused(.retransmit)).documents
        #expect(open.map(\.bundle) == [second])
        bench.answer(open[0], .acknowledged)
        #expect(bench.advance(.minutes(2)).documents.map(\.bundle) == [first])
    }

    /// The probe's own document ends while the share is used up: the others do not wait for it.
    @Test(arguments: [false, true]) func aProbeThatIsGoneHoldsNobodyUp(isLost: Bool) {
        let bench = Bench { $0.limits.windowTransfers = 2 }
        bench.failingChanges = []
        var hop = Hop()
        for _ in 0..<6 { bench.submit(["C1"], sender: "T1", length: 4) }
        hop.answer(bench, bench.connect("chi"))
        if isLost {
            // Its session ends with the probe on it.
            var probes: [Dispatch] = []
            while probes.isEmpty { probes = bench.advance(.seconds(1)).documents }
            #expect(probes.count == 1)
            bench.lose("chi")
            hop.isFull = false
            hop.answer(bench, bench.connect("chi"))
        } else {
            bench.deed(.expire) { $0.states = [.deferred] }
            hop.isFull = false
        }
        Self.wait(bench, &hop, minutes: 5)
        #expect(bench.counter(.state(.waiting, admin: false)) + bench.counter(.state(.deferred, admin: false)) == 0)
    }

    /// Many senders at once: so many probes a minute for all of them together.
    @Test func probesOfAllSendersTogetherAreBounded() {
        let bench = Bench { configuration in
            configuration.limits.windowTransfers = 8
            for index in 0..<200 {
                try? configuration.directory.insert(
                    .init(code: agency("S\(index)"), name: "S", home: Bench.hub, aliases: []))
            }
        }
        bench.failingChanges = []
        for index in 0..<200 {
            for _ in 0..<3 { bench.submit(["C1"], sender: "S\(index)", length: 4) }
        }
        var refusals: [UInt64] = []
        var open = bench.connect("chi").documents
        func answer(_ effects: [Effect]) {
            open += effects.documents
            while !open.isEmpty {
                refusals.append(bench.relay)
                open += bench.answer(open.removeFirst(), .refused(.retransmit)).documents
            }
        }
        answer([])
        #expect(refusals.count <= 600, "each once")
        for _ in 0..<600 { answer(bench.advance(.seconds(1))) }
        let late = refusals.filter { $0 > refusals[0] + 60_000 }
        #expect(late.count <= 9 * 31 + 31, "thirty a minute: \(late.count)")
        #expect(late.count > 100, "they are tried")
    }
}
