// Mistakes planted on purpose: a judge that does not see them any more is no judge. Each with a seed that finds it; all of them within
// 40 seeds: `Scripts/simulate --planted`.

import RelaySimulator
import Testing

@Suite struct PlantedTests {
    struct Case: Sendable {
        var bug: PlantedMistake
        var topology: Topology
        var seed: UInt64
        var conversations: Bool
        /// What the judge says of it.
        var sentence: String
    }

    static let cases = [
        Case(bug: .expiresOnLink, topology: .chain, seed: 1, conversations: true, sentence: "has taken it"),
        Case(bug: .noCredit, topology: .chain, seed: 1, conversations: true, sentence: "gets no share"),
        Case(bug: .doubtIgnored, topology: .ring, seed: 3, conversations: true, sentence: "may have it"),
        Case(bug: .laneStalls, topology: .clock, seed: 9, conversations: false, sentence: "it does not go"),
        Case(bug: .reportIsCustody, topology: .four, seed: 15, conversations: false, sentence: "never had it"),
    ]

    private func run(_ one: Case, planted: PlantedMistake?) -> Outcome {
        World(
            Plan(
                topology: one.topology, seed: one.seed, duration: 150_000, usesConversations: one.conversations,
                documents: 40, planted: planted)
        ).run()
    }

    @Test(arguments: cases)
    func itIsFound(one: Case) throws {
        let failure = try #require(run(one, planted: one.bug).failure, "\(one.bug) is not found")
        #expect(failure.contains(one.sentence))
    }

    /// The same worlds without the mistake: what was found was the mistake.
    @Test(arguments: cases)
    func withoutItNothingIs(one: Case) {
        #expect(run(one, planted: nil).failure == nil)
    }

    @Test func everyMistakeHasItsCase() {
        #expect(Set(Self.cases.map(\.bug)).count == PlantedMistake.allCases.count)
    }
}
