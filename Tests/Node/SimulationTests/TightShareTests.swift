// A next hop at which the share of every sender is used up for minutes: what waits for it is not offered over and over, and goes when there
// is room again.

import RelaySimulator
import Testing

@Suite struct TightShareTests {
    private static func run(_ topology: Topology, _ seed: UInt64, conversations: Bool) -> Outcome {
        var plan = Plan(
            topology: topology, seed: seed, duration: 600_000, usesConversations: conversations, hasFaults: false,
            documents: 400)
        plan.isTight = true
        return World(plan).run()
    }

    @Test(arguments: [Topology.four, .chain], [UInt64(1), 2])
    func refusalsAreFew(topology: Topology, seed: UInt64) {
        let outcome = Self.run(topology, seed, conversations: seed == 2)
        #expect(outcome.failure == nil, "\(outcome.lastLines.suffix(20).joined(separator: "\n"))")
        #expect(outcome.summary.accepted > 200)
        // All of it goes when there is room, but what was handed in for less than the five minutes; the judge lets nothing else end.
        #expect(outcome.summary.delivered + outcome.summary.endedOtherwise == outcome.summary.pairs)
        #expect(outcome.summary.endedOtherwise * 20 < outcome.summary.pairs)
        // Some dozen agencies send for five minutes to one that is full: a wave and some probes each. Each document once in five seconds
        // would be thousands.
        #expect(outcome.summary.shareRefusals > 5, "a run in which no share is used up proves nothing")
        #expect(outcome.summary.shareRefusals < 500, "\(outcome.summary.shareRefusals)")
    }
}
