// PeersCase: edocd beside what else could be run, by turns in the same hour on the same machine: a stream of 4 KiB (W1), documents of
// 1 MiB (W2), and one of 4 KiB at a time, fifty a second (W4). Processor time is that of the nodes; the programs at both ends run in
// this process and are not in it. Ratios are of one round each, and the median of the rounds is told.

import Glibc
import Histogram

enum PeersCase {
    static func run(_ place: Place) throws -> CaseResult {
        var makers: [(Place) throws -> any Carrier] = [{ try OwnCarrier($0) }]
        if let server = place.rabbitmq { makers.append { try RabbitCarrier($0, server: server) } }
        if let server = place.nats {
            makers.append { try NATSCarrier($0, server: server, streams: 1, syncs: true) }
            makers.append { try NATSCarrier($0, server: server, streams: 16, syncs: true) }
            makers.append { try NATSCarrier($0, server: server, streams: 1, syncs: false) }
        }
        guard makers.count > 1 else { throw BenchFailure("neither --rabbitmq nor --nats names a server") }
        var found: [CarrierRounds] = []
        for round in 0..<place.rounds {
            for (index, make) in makers.enumerated() {
                let carrier = try make(place)
                defer { carrier.end() }
                if round == 0 { found.append(CarrierRounds(name: carrier.name, version: carrier.version)) }
                let one = try CarrierRound.measure(carrier, place)
                note("round \(round + 1), \(carrier.name): \(one.sentence)")
                found[index].rounds.append(one)
            }
        }
        note(PeersTable.text(found))
        var result = CaseResult()
        let own = found[0]
        for peer in found.dropFirst() {
            result.targets += [
                .reach("4 KiB a second, of \(peer.name)", "times", own.ratio(to: peer, \.rate)),
                .reach("processor of three nodes, of \(peer.name)", "times", own.ratio(to: peer, \.processor)),
                .reach("1 MiB, of \(peer.name)", "times", own.ratio(to: peer, \.megabytes)),
                .reach("one at a time p50, of \(peer.name)", "times", own.ratio(to: peer, \.p50)),
                .reach("one at a time p99, of \(peer.name)", "times", own.ratio(to: peer, \.p99)),
            ]
        }
        result.figures = [
            ("rounds", .count(place.rounds)), ("carriers", .list(found.map(\.figure))),
        ]
        return result
    }

    /// For whoever waits; the figures go to standard output.
    static func note(_ text: String) {
        let line = Array((text + "\n").utf8)
        _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }
}

/// One round of one carrier.
struct CarrierRound: Sendable {
    var end: String
    var stream: CarrierLoad
    var documents: CarrierLoad
    var times: Histogram<UInt64>
    var single: CarrierLoad
    var twice: UInt64

    var rate: Double { stream.perSecond }
    /// Microseconds for each message of the stream, over the three nodes.
    var processor: Double { stream.processor.reduce(0) { $0 + $1.seconds } * 1e6 / Double(stream.count) }
    var megabytes: Double { documents.perSecond * Double(1 << 20) / 1e6 }
    var documentProcessor: Double {
        documents.processor.reduce(0) { $0 + $1.seconds } * 1e3 / Double(documents.count)
    }
    var p50: Double { Double(times.valueAtPercentile(50)) / 1e6 }
    var p99: Double { Double(times.valueAtPercentile(99)) / 1e6 }
    var others: Double { max(stream.others, documents.others, single.others) }

    var sentence: String {
        func short(_ value: Double) -> String { Figure.real(value).json }
        return
            "\(Int(rate)) a second, \(Int(processor)) µs, \(Int(megabytes)) MB/s, p50 \(short(p50)) and p99 \(short(p99)) ms; "
            + "others used at most \(Int(others * 100)) % of the machine"
    }

    static func measure(_ carrier: any Carrier, _ place: Place) throws -> CarrierRound {
        let consumer = try carrier.consumer()
        defer { consumer.stop() }
        func load(_ plan: LoadPlan) throws -> CarrierLoad { try CarrierLoad.run(carrier, consumer, plan) }
        // As many as take about eight seconds, by the rate of a short run before, which warms up as well.
        let seconds = 8.0
        var small = LoadPlan(socket: "", count: place.isQuick ? 500 : 3_000, underWay: 16_000)
        let warm = try load(small)
        if !place.isQuick { small.count = min(max(Int(warm.perSecond * seconds), 10_000), 150_000) }
        let stream = try load(small)
        var large = LoadPlan(
            socket: "", count: place.isQuick ? 4 : 24, payloadBytes: 1 << 20, connections: 2, window: 64, underWay: 128)
        let warmLarge = try load(large)
        if !place.isQuick { large.count = min(max(Int(warmLarge.perSecond * seconds), 200), 1_500) }
        let documents = try load(large)
        let single = try CarrierLoad.oneByOne(carrier, consumer, count: place.isQuick ? 50 : 500)
        return CarrierRound(
            end: consumer.end, stream: stream, documents: documents, times: single.times, single: single.load,
            twice: consumer.twice)
    }

    var figure: Figure {
        .fields([
            ("perSecond", .real(rate)), ("acceptedPerSecond", .real(stream.acceptedPerSecond)),
            ("processorMicroseconds", .real(processor)), ("stream", stream.figure), ("MBs", .real(megabytes)),
            ("processorMillisecondsADocument", .real(documentProcessor)), ("documents", documents.figure),
            ("p50ms", .real(p50)), ("p99ms", .real(p99)), ("single", single.figure), ("cameTwice", .count(twice)),
        ])
    }
}

/// One load on one carrier: what went through, and what the nodes worked for it.
struct CarrierLoad: Sendable {
    var count: Int
    var perSecond = 0.0
    var acceptedPerSecond = 0.0
    var processor: [(node: String, seconds: Double)] = []
    var coresOfTheBenchmark = 0.0
    var others = 0.0

    var figure: Figure {
        .fields([
            ("count", .count(count)),
            (
                "processorMicrosecondsByNode",
                .fields(processor.map { ($0.node, .real($0.seconds * 1e6 / Double(max(count, 1)))) })
            ),
            ("coresOfTheBenchmark", .real(coresOfTheBenchmark)), ("shareOfOthers", .real(others)),
        ])
    }

    static func run(_ carrier: any Carrier, _ consumer: any Consumer, _ plan: LoadPlan) throws -> CarrierLoad {
        carrier.beginLoad()
        let load = SubmissionLoad(plan, connect: try carrier.connect(plan))
        let before = try Work(carrier)
        let arrivals = try Arrivals(every: 2_000, load: load) { try consumer.count() }
        defer { arrivals.end() }
        let worker = load.start()
        do {
            try arrivals.wait(for: plan.count, patience: 30)
        } catch {
            load.cancel()
            try worker.value()
            _ = try consumer.count()
            throw error
        }
        try worker.value()
        var found = try before.until(try Work(carrier), count: plan.count)
        let first = load.firstSent.load(ordering: .relaxed)
        found.perSecond = Double(plan.count) / Instant.seconds(since: first, until: arrivals.last ?? 0)
        found.acceptedPerSecond = load.rate(parts: 0..<SubmissionLoad.parts)
        return found
    }

    /// Fifty a second, from the moment at which each was due.
    static func oneByOne(_ carrier: any Carrier, _ consumer: any Consumer, count: Int) throws -> (
        load: CarrierLoad, times: Histogram<UInt64>
    ) {
        let plan = LoadPlan(socket: "", count: count, connections: 1)
        guard let line = try carrier.connect(plan)(plan).first else { throw BenchFailure("no connection") }
        // Timers of this thread are exact to microseconds instead of 50.
        try? Folder.write("1", to: "/proc/thread-self/timerslack_ns")
        var times = Histogram<UInt64>(highestTrackableValue: 120_000_000_000, numberOfSignificantValueDigits: .three)
        carrier.beginLoad()
        let warmUp = count / 10
        var before = try Work(carrier)
        var come = try consumer.count()
        let start = Instant.now() + 20_000_000
        for index in 0..<(count + warmUp) {
            if index == warmUp { before = try Work(carrier) }
            let due = start + UInt64(index) * UInt64(1_000_000_000 / SingleCase.perSecond)
            while Instant.now() < due { Instant.pause(microseconds: 50) }
            line.add(token: UInt64(index))
            var answered = 0
            var hasCome = false
            while !hasCome || answered == 0 {
                try line.flush()
                answered += try line.readAnswers()
                if !hasCome, try consumer.count() > come {
                    if index >= warmUp { times.record(Instant.now() - due) }
                    hasCome = true
                    continue
                }
                guard Instant.seconds(since: due) < 60 else { throw BenchFailure("a message did not come through") }
                Instant.pause(microseconds: 50)
            }
            come += 1
        }
        return (try before.until(try Work(carrier), count: count), times)
    }
}

/// What nodes, benchmark and machine have worked by a moment.
private struct Work {
    let nodes: [(node: String, seconds: Double)]
    let own: Double
    let machine: MachineTime
    let time: UInt64

    init(_ carrier: any Carrier) throws {
        nodes = try carrier.processes().map { ($0.node, ProcessorTime.of($0.pid)) }
        own = ProcessorTime.of(getpid())
        machine = MachineTime()
        time = Instant.now()
    }

    func until(_ later: Work, count: Int) throws -> CarrierLoad {
        guard nodes.count == later.nodes.count else { throw BenchFailure("a node has ended") }
        var load = CarrierLoad(count: count)
        load.processor = zip(nodes, later.nodes).map { ($0.node, $1.seconds - $0.seconds) }
        let benchmark = later.own - own
        let known = load.processor.reduce(benchmark) { $0 + $1.seconds }
        load.coresOfTheBenchmark = benchmark / Instant.seconds(since: time, until: later.time)
        load.others = machine.shareOfOthers(until: later.machine, own: known)
        return load
    }
}

/// All rounds of one carrier.
struct CarrierRounds {
    var name: String
    var version: String
    var rounds: [CarrierRound] = []

    func median(_ value: (CarrierRound) -> Double) -> Double { Median.of(rounds.map(value)) }

    /// Of each round that both have.
    func ratio(to other: CarrierRounds, _ value: (CarrierRound) -> Double) -> Double {
        Median.of(zip(rounds, other.rounds).map { value($0) / value($1) })
    }

    var figure: Figure {
        .fields([
            ("name", .text(name)), ("version", .text(version)), ("end", .text(rounds.first?.end ?? "")),
            ("perSecond", .real(median(\.rate))),
            ("processorMicroseconds", .real(median(\.processor))), ("MBs", .real(median(\.megabytes))),
            ("processorMillisecondsADocument", .real(median(\.documentProcessor))), ("p50ms", .real(median(\.p50))),
            ("p99ms", .real(median(\.p99))), ("shareOfOthers", .real(rounds.map(\.others).max() ?? 0)),
            ("rounds", .list(rounds.map(\.figure))),
        ])
    }
}

enum Median {
    /// The middle one, or the mean of the two; zero of none.
    static func of(_ values: [Double]) -> Double {
        guard !values.isEmpty else { return 0 }
        let sorted = values.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}

/// The medians side by side, for a reader.
enum PeersTable {
    static func text(_ all: [CarrierRounds]) -> String {
        var lines = [
            "| | until | 4 KiB a second | µs, three nodes | 1 MiB, MB/s | ms a document | one at a time p50 / p99 ms | others |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for one in all {
            let times = "\(short(one.median(\.p50))) / \(short(one.median(\.p99)))"
            lines.append(
                "| \(one.name) | \(one.rounds.first?.end ?? "") | \(Int(one.median(\.rate))) "
                    + "| \(Int(one.median(\.processor))) | \(Int(one.median(\.megabytes))) "
                    + "| \(short(one.median(\.documentProcessor))) | \(times) "
                    + "| \(Int((one.rounds.map(\.others).max() ?? 0) * 100)) % |")
        }
        guard let own = all.first else { return "" }
        for peer in all.dropFirst() {
            lines.append(
                "\(own.name) is, of \(peer.name): rate \(short(own.ratio(to: peer, \.rate))), "
                    + "processor \(short(own.ratio(to: peer, \.processor))), 1 MiB \(short(own.ratio(to: peer, \.megabytes))), "
                    + "p50 \(short(own.ratio(to: peer, \.p50))), p99 \(short(own.ratio(to: peer, \.p99)))")
        }
        return lines.joined(separator: "\n")
    }

    private static func short(_ value: Double) -> String { Figure.real((value * 100).rounded() / 100).json }
}
