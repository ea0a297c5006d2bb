// edoc-sim: runs the simulator from the command line: one seed, or a range of them; with a trace of one. It owns nothing that
// outlives it; one thread. It exits with 1 when a checker has something to say, and says it.

import ArgumentParser
import RelaySimulator

@main
struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edoc-sim",
        abstract:
            "Runs a network of relays on simulated clocks, disks and links, from a seed, and judges what they did.")

    @Option(help: "The seed of one run.")
    var seed: UInt64?

    @Option(help: "A range of seeds, as 1...200.")
    var seeds: String?

    @Option(help: "Simulated milliseconds with load and faults.")
    var duration: UInt64 = 300_000

    @Option(help: "Documents handed in, about.")
    var documents: Int = 120

    @Option(help: "One of \(Topology.allCases.map(\.rawValue).joined(separator: ", ")); by the seed when absent.")
    var topology: String?

    @Option(help: "values, conversations, or mixed (by the seed).")
    var links: String = "mixed"

    @Option(help: "Simulated milliseconds between two deeds of operators, about; 0 for none.")
    var operators: UInt64 = 8_000

    @Option(help: "Simulated milliseconds between two deeds of the hostile, about; 0 for none.")
    var hostile: UInt64 = 12_000

    @Option(help: "A mistake made on purpose: \(PlantedMistake.allCases.map(\.rawValue).joined(separator: ", ")).")
    var planted: String?

    @Flag(help: "Every mistake in turn: each must be found within the seeds given.")
    var allPlanted = false

    @Flag(help: "Without faults.")
    var calm = false

    @Flag(help: "Prints the last events of the run.")
    var trace = false

    @Option(help: "Events printed after a failure, or with --trace.")
    var lines: Int = 60

    @Flag(help: "Only failures and the total are printed.")
    var quiet = false

    func validate() throws {
        if let topology, Topology(rawValue: topology) == nil {
            throw ValidationError("\(topology) is no topology")
        }
        if let planted, PlantedMistake(rawValue: planted) == nil {
            throw ValidationError("\(planted) is no such mistake")
        }
        guard ["values", "conversations", "mixed"].contains(links) else {
            throw ValidationError("--links is values, conversations or mixed")
        }
        if seeds != nil, range == nil { throw ValidationError("--seeds is written as 1...200") }
    }

    private var range: ClosedRange<UInt64>? {
        guard let seeds else { return (seed ?? 1)...(seed ?? 1) }
        let parts = seeds.split(separator: ".", omittingEmptySubsequences: true)
        guard parts.count == 2, let first = UInt64(parts[0]), let last = UInt64(parts[1]), first <= last else {
            return nil
        }
        return first...last
    }

    /// Each mistake must be found, by a seed that without it has no fault; says by which seed and how.
    private func findAll() throws {
        var missed = 0
        for bug in PlantedMistake.allCases {
            var found: (seed: UInt64, how: String)?
            for seed in range ?? 1...40 where found == nil {
                // In a small world, too: in a large one other events may hide a mistake.
                for isSmall in [false, true] where found == nil {
                    func world(_ bug: PlantedMistake?) -> World {
                        var plan = plan(seed, keepsLines: false, bug)
                        if isSmall { (plan.duration, plan.documents) = (plan.duration / 2, plan.documents / 3) }
                        return World(plan)
                    }
                    if let how = world(bug).run().failure, world(nil).run().failure == nil { found = (seed, how) }
                }
            }
            if found == nil { missed += 1 }
            print("\(bug.rawValue): " + (found.map { "found by seed \($0.seed): \($0.how)" } ?? "NOT FOUND"))
        }
        if missed > 0 { throw ExitCode(1) }
    }

    func run() throws {
        if allPlanted { return try findAll() }
        var failures = 0
        for seed in range ?? 1...1 {
            let plan = plan(seed, keepsLines: trace)
            var outcome = World(plan).run()
            if outcome.failure != nil, !trace {
                // The same again, with lines: it is the same to the last event.
                outcome = World(self.plan(seed, keepsLines: true)).run()
            }
            if outcome.failure != nil || !quiet { print(line(plan, outcome)) }
            if outcome.failure != nil || trace {
                for line in outcome.lastLines.suffix(lines) { print("    " + line) }
            }
            if outcome.failure != nil { failures += 1 }
        }
        if failures > 0 {
            print("\(failures) seeds failed")
            throw ExitCode(1)
        }
    }

    private func plan(_ seed: UInt64, keepsLines: Bool, _ bug: PlantedMistake? = nil) -> Plan {
        let all = Topology.allCases
        let chosen = topology.flatMap { Topology(rawValue: $0) } ?? all[Int(seed % UInt64(all.count))]
        let usesConversations = links == "conversations" || links == "mixed" && (seed / UInt64(all.count)) % 2 == 0
        return Plan(
            topology: chosen, seed: seed, duration: duration, usesConversations: usesConversations, hasFaults: !calm,
            documents: documents, keepsLines: keepsLines, operatorGap: operators, hostileGap: hostile,
            planted: bug ?? planted.flatMap { PlantedMistake(rawValue: $0) })
    }

    private func line(_ plan: Plan, _ outcome: Outcome) -> String {
        let summary = outcome.summary
        let head =
            "seed \(plan.seed) \(plan.topology.rawValue) \(plan.usesConversations ? "conversations" : "values")"
        let numbers =
            "accepted \(summary.accepted) delivered \(summary.delivered)/\(summary.pairs) ended \(summary.endedOtherwise)"
            + " crashes \(summary.crashes) cuts \(summary.cuts) full \(summary.fullCommits) narrowed \(summary.narrowed) outgrown"
            + " \(summary.outgrown) completed"
            + " \(summary.completedAnswers) operations \(summary.operations) steps \(outcome.steps) hash \(String(outcome.hash, radix: 16))"
        return head + ": " + (outcome.failure.map { "FAILED: \($0)\n    " } ?? "") + numbers
    }
}
