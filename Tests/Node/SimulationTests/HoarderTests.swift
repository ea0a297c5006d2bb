// A leaf that wants more than its share: what it has stays within that at every commit, nobody else is refused for it, and everything honest
// comes to its end as ever. A seed that has once failed stays here.

import RelaySimulator
import Testing

@Suite struct HoarderTests {
    private static func run(_ topology: Topology, _ seed: UInt64, hasFaults: Bool) -> Outcome {
        var plan = Plan(
            topology: topology, seed: seed, duration: 150_000, usesConversations: false, hasFaults: hasFaults,
            documents: 40)
        plan.hoards = true
        return World(plan).run()
    }

    @Test(arguments: [Topology.four, .chain, .hubs, .ring], [true, false])
    func nobodyElseFeelsAHoarder(topology: Topology, hasFaults: Bool) {
        let outcome = Self.run(topology, 3, hasFaults: hasFaults)
        #expect(outcome.failure == nil, "\(outcome.lastLines.suffix(20).joined(separator: "\n"))")
        #expect(outcome.summary.hoarded > 40)
        #expect(outcome.summary.accepted > 15)
    }

    @Test func aHoarderIsRepeatable() {
        #expect(Self.run(.four, 9, hasFaults: true).hash == Self.run(.four, 9, hasFaults: true).hash)
    }
}
