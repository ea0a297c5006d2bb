// Mistakes planted on purpose: a judge that does not see them any more is no judge. Each is looked for in seeds that begin with one
// that has found it; the same world without the mistake must have no fault. All within 40 seeds, with more load:
// `Scripts/simulate --planted`.

import RelaySimulator
import Testing

@Suite struct PlantedTests {
    struct Case: Sendable {
        var bug: PlantedMistake
        /// The first seed that is tried.
        var seed: UInt64
        /// Both kinds of link, by the seed; or values only, which are quicker.
        var isMixed = true
    }

    static let cases = [
        Case(bug: .expiresOnLink, seed: 2), Case(bug: .noCredit, seed: 37), Case(bug: .doubtIgnored, seed: 2),
        Case(bug: .laneStalls, seed: 46, isMixed: false), Case(bug: .reportIsCustody, seed: 108),
        Case(bug: .completedWhileHeld, seed: 31, isMixed: false), Case(bug: .nothingOvertakes, seed: 1),
        Case(bug: .noSecondSession, seed: 1), Case(bug: .begunIsGivenBack, seed: 1),
        Case(bug: .largePausesAll, seed: 11),
    ]

    private static let seedsMax: UInt64 = 40

    private func run(_ seed: UInt64, _ one: Case, planted: PlantedMistake?) -> Outcome {
        let all = Topology.allCases
        return World(
            Plan(
                topology: all[Int(seed % UInt64(all.count))], seed: seed, duration: 150_000,
                usesConversations: one.isMixed && (seed / UInt64(all.count)) % 2 == 0,
                documents: 40, planted: planted)
        ).run()
    }

    @Test(arguments: cases)
    func itIsFound(one: Case) throws {
        var found: UInt64?
        for seed in one.seed..<one.seed + Self.seedsMax where found == nil {
            if run(seed, one, planted: one.bug).failure != nil { found = seed }
        }
        let seed = try #require(found, "\(one.bug) is not found")
        #expect(run(seed, one, planted: nil).failure == nil, "seed \(seed) finds \(one.bug), and something else")
    }

    @Test func everyMistakeHasItsCase() {
        #expect(Set(Self.cases.map(\.bug)).count == PlantedMistake.allCases.count)
    }
}
