// ProfileCase: where the processor time of an envelope of 4 KiB goes, by kind of work and node, and what is counted for it. Two runs
// of three nodes: one that perf looks at, which gives shares of the time that the nodes used; and one under the library that counts
// (Scripts/counters.c), whose times mean nothing.

import Glibc

enum ProfileCase {
    static func run(_ place: Place) throws -> CaseResult {
        let count = place.isQuick ? 4_000 : 60_000
        let times = try Self.times(place, count)
        let work = try counted(place, count)
        PeersCase.note(table(times))
        PeersCase.note(table(work, count))
        var result = CaseResult()
        result.targets = [
            .reach("processor of three nodes an envelope", "µs", times.reduce(0) { $0 + $1.microseconds }),
            .reach("allocations an envelope, the most of a node", "", most(work, .allocations) / Double(count)),
            .reach(
                "octets copied a byte of payload, the most of a node", "",
                most(work, .copiedBytes) / Double(count) / 4_096),
        ]
        result.figures = [
            ("envelopes", .count(count)),
            (
                "microseconds",
                .fields(
                    times.map { node in
                        (
                            node.name,
                            .fields(
                                [("all", .real(node.microseconds))]
                                    + WorkGroup.allCases.map { ($0.rawValue, .real(node.groups[$0] ?? 0)) })
                        )
                    })
            ),
            (
                "hottest",
                .fields(times.map { ($0.name, .fields($0.hottest.map { ($0.name, .real($0.microseconds)) })) })
            ),
            (
                "counts",
                .fields(
                    work.map { name, work in
                        (
                            name,
                            CountLines.figure(
                                of: work, node: name, CountLines.of(work, node: name, count, 4_096), count)
                        )
                    })
            ),
        ]
        return result
    }

    private static func most(_ work: [(name: String, work: CountedWork)], _ total: CountedWork.Total) -> Double {
        Double(work.map { $0.work[total] }.max() ?? 0)
    }

    /// One node's time an envelope.
    struct NodeTime {
        var name: String
        var microseconds: Double
        var groups: [WorkGroup: Double]
        var hottest: [(name: String, microseconds: Double)]
    }

    private static func times(_ place: Place, _ count: Int) throws -> [NodeTime] {
        let network = try Network(place)
        defer { network.end() }
        let nodes = try start(network)
        let pids = try nodes.map { (name: $0.name, pid: try network.pid($0.node)) }
        let samples = place.directory + "/perf.data"
        defer { unlink(samples) }
        // The virtual processor has no counters of its own: the clock has to do.
        let perf = try Child(
            [
                "perf", "record", "-q", "-e", "cpu-clock", "-F", "999", "--call-graph", "fp", "-o", samples, "-p",
                pids.map { String($0.pid) }.joined(separator: ","),
            ], output: place.directory + "/perf.log")
        try pass(network, count / 10)
        let before = pids.map { ProcessorTime.of($0.pid) }
        try pass(network, count)
        let used = zip(pids, before).map { ProcessorTime.of($0.pid) - $1 }
        perf.signal(SIGINT)
        perf.wait()
        let text = place.directory + "/perf.txt"
        defer { unlink(text) }
        try Child.run(["perf", "script", "-i", samples, "-F", "pid,ip,sym,dso"], output: text)
        var reader = SampleReader()
        try LineReader.each(of: text) { reader.read($0) }
        reader.finish()
        return try zip(pids, used).map { node, seconds in
            let groups = reader.samples[node.pid] ?? [:]
            let all = groups.values.reduce(0, +)
            guard all > 0 else {
                throw BenchFailure(
                    "perf has no samples of \(node.name): \(SmallFile.text(place.directory + "/perf.log"))")
            }
            let each = seconds * 1e6 / Double(count)
            func share(_ samples: Int) -> Double { each * Double(samples) / Double(all) }
            let hottest = (reader.functions[node.pid] ?? [:]).sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(
                25)
            return NodeTime(
                name: node.name, microseconds: each, groups: groups.mapValues(share),
                hottest: hottest.map { ($0.key, share($0.value)) })
        }
    }

    private static func counted(_ place: Place, _ count: Int) throws -> [(name: String, work: CountedWork)] {
        var place = place
        place.counting = try CountingLibrary(place)
        let network = try Network(place)
        defer { network.end() }
        let nodes = try start(network)
        try pass(network, count / 10)
        let counts = try nodes.map { try network.counts($0.node) }
        let before = counts.map { $0.read() }
        try pass(network, count)
        return zip(zip(nodes, counts), before).map { ($0.0.name, $0.1.read().since($1)) }
    }

    private static func start(_ network: Network) throws -> [(name: String, node: String)] {
        try network.make(homes: [Network.first, Network.last])
        try network.start("truc", "vpcp", "hcm")
        try network.waitForLinks("truc", 2)
        return [("A", "vpcp"), ("hub", "truc"), ("C", "hcm")]
    }

    private static func pass(_ network: Network, _ count: Int) throws {
        let plan = LoadPlan(socket: network.submitSocket("vpcp"), count: count, underWay: 16_000)
        _ = try ThroughputCase.pass(plan, try network.watch("hcm"))
    }

    private static func short(_ value: Double) -> String { Figure.real((value * 10).rounded() / 10).json }

    private static func table(_ times: [NodeTime]) -> String {
        var lines = ["| µs an envelope | A | hub | C | all |", "|---|---|---|---|---|"]
        func row(_ name: String, _ values: [Double]) -> String {
            "| \(name) | " + (values + [values.reduce(0, +)]).map(short).joined(separator: " | ") + " |"
        }
        lines += WorkGroup.allCases.map { group in row(group.rawValue, times.map { $0.groups[group] ?? 0 }) }
        lines.append(row("all", times.map(\.microseconds)))
        return lines.joined(separator: "\n")
    }

    private static func table(_ work: [(name: String, work: CountedWork)], _ count: Int) -> String {
        var lines = ["| an envelope | A | hub | C |", "|---|---|---|---|"]
        let counted = work.map { CountLines.of($0.work, node: $0.name, count, 4_096) }
        for index in counted.first?.indices ?? 0..<0 {
            let values = counted.map { Figure.real(($0[index].number * 100).rounded() / 100).json }
            lines.append("| \(counted[0][index].what) | " + values.joined(separator: " | ") + " |")
        }
        return lines.joined(separator: "\n")
    }
}

/// A large file of text, line by line.
enum LineReader {
    static func each(of path: String, _ body: (Substring) -> Void) throws {
        guard let file = fopen(path, "r") else { throw BenchFailure("\(path): \(String(cString: strerror(errno)))") }
        defer { fclose(file) }
        var line: UnsafeMutablePointer<CChar>?
        var room = 0
        defer { free(line) }
        while true {
            let count = getline(&line, &room, file)
            guard count >= 0, let start = line else { return }
            let text = String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
            body(Substring(text).dropLast(text.hasSuffix("\n") ? 1 : 0))
        }
    }
}
