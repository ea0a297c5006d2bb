// Nodes that are put back to earlier states, stopped or running, and clones that take turns with their originals: no document that was
// accepted is lost by them.

import RelaySimulator
import Testing

@Suite struct GoingBackTests {
    private static func run(_ topology: Topology, _ seed: UInt64, conversations: Bool) -> Outcome {
        var plan = Plan(
            topology: topology, seed: seed, duration: 300_000, usesConversations: conversations, hasFaults: false,
            documents: 150)
        plan.goesBack = true
        return World(plan).run()
    }

    @Test(arguments: [Topology.four, .hubs, .chain], UInt64(1)...3)
    func noDocumentIsLost(topology: Topology, seed: UInt64) {
        let outcome = Self.run(topology, seed, conversations: seed == 2)
        #expect(outcome.failure == nil, "seed \(seed), \(topology.rawValue)")
        #expect(outcome.summary.accepted > 80)
        #expect(outcome.summary.wentBack > 3)
        #expect(outcome.summary.delivered > outcome.summary.pairs / 2)
    }

    /// It does happen that numbers are given twice: a run in which nothing is renamed proves nothing.
    @Test func numbersAreGivenTwice() {
        var renamed = 0
        for seed in UInt64(1)...6 where renamed == 0 {
            renamed += Self.run(.four, seed, conversations: false).summary.renamed
        }
        #expect(renamed > 0)
    }
}
