// Fixed seeds of every network, on both kinds of link, with all faults; and what the simulator promises of itself. A seed that
// has once failed stays here.

import RelaySimulator
import Testing

@Suite struct SeedTests {
    private static func run(
        _ topology: Topology, _ seed: UInt64, conversations: Bool, hasFaults: Bool = true, documents: Int = 40
    ) -> Outcome {
        World(
            Plan(
                topology: topology, seed: seed, duration: 150_000, usesConversations: conversations,
                hasFaults: hasFaults, documents: documents)
        ).run()
    }

    @Test(arguments: Topology.allCases, [UInt64(1), 2])
    func everyCopyEndsOnceWithValues(topology: Topology, seed: UInt64) {
        let outcome = Self.run(topology, seed, conversations: false)
        #expect(outcome.failure == nil, "seed \(seed), \(topology.rawValue)")
        #expect(outcome.summary.accepted > 15)
    }

    @Test(arguments: Topology.allCases, [UInt64(5)])
    func everyCopyEndsOnceWithConversations(topology: Topology, seed: UInt64) {
        let outcome = Self.run(topology, seed, conversations: true)
        #expect(outcome.failure == nil, "seed \(seed), \(topology.rawValue)")
        #expect(outcome.summary.accepted > 15)
    }

    /// Without faults and wrong routes every copy is delivered; nothing is refused, expired or sent twice.
    @Test(arguments: [Topology.four, .chain, .hubs], [UInt64(8)])
    func calmNetworksDeliverEverything(topology: Topology, seed: UInt64) {
        let outcome = Self.run(topology, seed, conversations: seed % 2 == 0, hasFaults: false)
        #expect(outcome.failure == nil)
        #expect(outcome.summary.delivered == outcome.summary.pairs)
        #expect(outcome.summary.completedAnswers == 0)
        #expect(outcome.summary.crashes == 0)
    }

    /// Invariant 7: same seed, same run, to the last event.
    @Test(arguments: [Topology.four, .hubs])
    func aSeedIsRepeatable(topology: Topology) {
        let first = Self.run(topology, 9, conversations: topology == .hubs)
        let second = Self.run(topology, 9, conversations: topology == .hubs)
        #expect(first.hash == second.hash)
        #expect(first.steps == second.steps)
        #expect(first.summary == second.summary)
        #expect(Self.run(topology, 10, conversations: false).hash != first.hash)
    }

    /// Links are asked to give back what they have not begun, and do; and urgent documents are timed over a slow line.
    @Test func linksGiveBackAndUrgentOnesAreTimed() {
        var (recalled, timed) = (0, 0)
        for seed in UInt64(1)...4 where recalled == 0 || timed == 0 {
            let outcome = Self.run(.four, seed, conversations: true)
            #expect(outcome.failure == nil, "seed \(seed)")
            recalled += outcome.summary.recalled
            timed += outcome.summary.timed
        }
        #expect(recalled > 0 && timed > 0)
    }

    /// The faults do happen: a run that meets none proves nothing.
    @Test func faultsAreMet() {
        var crashes = 0
        var cuts = 0
        var completed = 0
        var operations = 0
        for seed in UInt64(20)...29 where crashes <= 2 || cuts <= 5 || completed == 0 || operations <= 20 {
            let summary = Self.run(.hubs, seed, conversations: false).summary
            crashes += summary.crashes
            cuts += summary.cuts
            completed += summary.completedAnswers
            operations += summary.operations
        }
        #expect(crashes > 2)
        #expect(cuts > 5)
        #expect(completed > 0)
        #expect(operations > 20)
    }
}
