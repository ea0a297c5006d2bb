// Comparison: two builds by turns, each with its own benchmark, in so many rounds: the medians of what both print, and the medians of
// the ratios round by round. Which of the two begins changes with the round, so that neither always follows the other.

import Glibc

enum Comparison {
    /// Cases whose figures say most.
    static let usual = ["throughput", "documents", "single"]

    static func run(_ place: Place, _ other: String, _ cases: [String]) throws -> CaseResult {
        let mine = [EngineCase.program, place.edocd]
        let theirs = [other + "/edoc-bench", other + "/edocd"]
        var result = CaseResult()
        for name in cases {
            var found: [(mine: [String: Double], theirs: [String: Double])] = []
            for round in 0..<place.rounds {
                var one: [[String: Double]] = [[:], [:]]
                for side in round % 2 == 0 ? [0, 1] : [1, 0] {
                    one[side] = try measure(place, [mine, theirs][side], name)
                }
                found.append((one[0], one[1]))
                PeersCase.note("\(name): round \(round + 1) of \(place.rounds)")
            }
            let rows = Self.rows(found)
            PeersCase.note(table(name, rows))
            result.figures.append(
                (
                    name,
                    .fields(
                        rows.map {
                            (
                                $0.what,
                                .fields([
                                    ("before", .real($0.theirs)), ("now", .real($0.mine)), ("ratio", .real($0.ratio)),
                                ])
                            )
                        })
                ))
        }
        return result
    }

    struct Row {
        var what: String
        var mine: Double
        var theirs: Double
        var ratio: Double
    }

    /// What both have printed in each round.
    static func rows(_ found: [(mine: [String: Double], theirs: [String: Double])]) -> [Row] {
        guard let first = found.first else { return [] }
        return first.mine.keys.sorted().compactMap { what in
            let pairs = found.compactMap { round in
                round.mine[what].flatMap { mine in round.theirs[what].map { (mine: mine, theirs: $0) } }
            }
            guard pairs.count == found.count else { return nil }
            // What is the same in every run of both is the plan of the case.
            guard pairs.count < 2 || Set(pairs.flatMap { [$0.mine, $0.theirs] }).count > 1 else { return nil }
            let ratios = pairs.filter { $0.theirs != 0 }.map { $0.mine / $0.theirs }
            return Row(
                what: what, mine: Median.of(pairs.map(\.mine)), theirs: Median.of(pairs.map(\.theirs)),
                ratio: Median.of(ratios))
        }
    }

    /// One case by one build: its targets by their names, and its figures, with the processor time of all nodes added up.
    private static func measure(_ place: Place, _ programs: [String], _ name: String) throws -> [String: Double] {
        let output = place.directory + "/compared"
        unlink(output)
        let words =
            [
                programs[0], "--edocd", programs[1], "--certificates", place.certificates, "--directory",
                place.directory,
            ] + (place.isQuick ? ["--quick"] : []) + place.settings.flatMap { ["--set", $0] } + [name]
        // A case that misses a target ends with 1 and has its figures all the same.
        _ = try Child(words, output: output).wait()
        guard let line = try JSONLines.read(file: output).first, line["error"].text == nil else {
            throw BenchFailure("\(programs[0]) \(name): \(SmallFile.text(output).suffix(400))")
        }
        return numbers(line)
    }

    static func numbers(_ line: ReadFigure) -> [String: Double] {
        var numbers = line["figures"].numbers.filter { !$0.key.hasPrefix("disk") }
        for target in line["targets"].list {
            if let what = target["what"].text, let value = target["measured"].number {
                numbers["target: " + what] = value
            }
        }
        let processor = numbers.filter { $0.key.hasPrefix("nodes.") && $0.key.hasSuffix(".cpuMicrosecondsPerEnvelope") }
        if !processor.isEmpty { numbers["cpuMicrosecondsPerEnvelope, all nodes"] = processor.values.reduce(0, +) }
        return numbers
    }

    private static func table(_ name: String, _ rows: [Row]) -> String {
        (["| \(name) | before | now | ratio |", "|---|---|---|---|"]
            + rows.map {
                "| \($0.what) | \(Figure.real($0.theirs).json) | \(Figure.real($0.mine).json) | \(Figure.real($0.ratio).json) |"
            }).joined(separator: "\n")
    }
}
