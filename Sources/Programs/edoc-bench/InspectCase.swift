// InspectCase: an operator looks while the hub works. A million envelopes wait at the hub for a home that is not there, and traffic for
// another home passes at full rate. In every second window of time questions are asked, twenty a second: `show` of envelopes all over the
// backlog, and first pages of lists by several conditions. What each took, and what went through with and without them, in one run, so
// that nothing else differs: windows are short, and each is compared with its neighbour, because the machine's own pace drifts. And, before
// there is traffic, what each kind of question costs the hub of the processor.

import ControlAPI
import Glibc
import Synchronization

enum InspectCase {
    private static let absent = NodePlan(name: "hanoi", agencies: ["H26"])

    static func run(_ place: Place) throws -> CaseResult {
        let queued = place.isQuick ? 20_000 : 1_000_000
        let pairs = place.isQuick ? 3 : 40
        let seconds = 2.0
        let network = try Network(place, mapSize: "24GiB")
        defer { network.end() }
        try network.make(homes: [Network.first, Network.last, absent])
        try network.start("truc", "vpcp", "hcm")
        try network.waitForLinks("truc", 2)
        try fill(network, queued)
        let inspector = Inspector(socket: network.controlSocket("truc"), envelopes: queued)
        let costs = try inspector.costs(of: network.pid("truc"), each: place.isQuick ? 20 : 200)

        let home = try network.watch("hcm")
        // Longer than the windows can take.
        let load = SubmissionLoad(
            LoadPlan(
                socket: network.submitSocket("vpcp"), count: 50_000_000, underWay: 16_000,
                seconds: Double(pairs) * seconds * 6 + 120))
        let arrivals = try Arrivals(home, every: 2_000, load: load)
        defer { arrivals.end() }
        let worker = load.start()
        defer {
            load.cancel()
            _ = try? worker.value()
        }
        let asking = inspector.start()
        defer {
            inspector.end()
            _ = try? asking.value()
        }
        // The load finds its pace first.
        Instant.pause(microseconds: UInt32(seconds * 1e6))
        func window(isAsked: Bool) throws -> Double {
            inspector.isOn.store(isAsked, ordering: .relaxed)
            let (start, before) = (Instant.now(), try home.arrived())
            Instant.pause(microseconds: UInt32(seconds * 1e6))
            return Double(try home.arrived() - before) / Instant.seconds(since: start)
        }
        var rates = Rates()
        for pair in 0..<pairs {
            // Which comes first changes, so that a steady drift counts for neither.
            let isAskedFirst = pair % 2 == 1
            let first = try window(isAsked: isAskedFirst)
            let second = try window(isAsked: !isAskedFirst)
            rates.with.append(isAskedFirst ? first : second)
            rates.without.append(isAskedFirst ? second : first)
        }
        inspector.end()
        try asking.value()
        return result(queued, rates, costs, inspector, try network.status("truc"), place)
    }

    /// Envelopes a second, in windows side by side.
    private struct Rates {
        var with: [Double] = []
        var without: [Double] = []

        /// What part of its neighbour each window with questions lost.
        private var losses: [Double] { zip(with, without).map { 1 - $0 / max($1, 1) } }
        var loss: Double { mean(losses) }
        /// Of the loss.
        var standardError: Double {
            let middle = loss
            let squares = losses.map { ($0 - middle) * ($0 - middle) }
            return (squares.reduce(0, +) / Double(max(losses.count - 1, 1)) / Double(max(losses.count, 1))).squareRoot()
        }

        func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(values.count, 1)) }
    }

    private static func fill(_ network: Network, _ count: Int) throws {
        var plan = LoadPlan(socket: network.submitSocket("vpcp"), count: count, seconds: 3_600)
        plan.recipients = absent.agencies
        plan.underWay = .max
        try SubmissionLoad(plan).start().value()
        try waitUntil("the backlog is at the hub", seconds: 1_200, every: 200_000) {
            (try network.status("truc").inStore["waiting"] ?? 0) >= UInt64(count)
        }
    }

    private static func result(
        _ queued: Int, _ rates: Rates, _ costs: [Inspector.Kind: Double], _ inspector: Inspector,
        _ status: StatusAnswer, _ place: Place
    ) -> CaseResult {
        let times = inspector.milliseconds
        let all = times.values.flatMap { $0 }.sorted()
        let cores = Double(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let mixed = Inspector.Kind.round.map { costs[$0] ?? 0 }
        let share = mixed.reduce(0, +) / Double(mixed.count) / 1_000 * Double(Inspector.perSecond) / cores
        var loss = Target.atMost("of the throughput, lost to questions", 0.02, "of 1", rates.loss)
        // A short run says nothing of two in a hundred.
        if place.isQuick { loss.holds = nil }
        var result = CaseResult()
        result.targets = [
            .atMost("show, or the first page of a list, the slowest of 99 in 100", 50, "ms", quantile(all, 0.99)), loss,
            .atMost("of the machine's processor, taken at the hub by the questions", 0.02, "of 1", share),
        ]
        result.figures =
            [
                ("queued", .count(queued)), ("waitingAtTheEnd", .count(status.inStore["waiting"] ?? 0)),
                ("perSecondWith", .real(rates.mean(rates.with))),
                ("perSecondWithout", .real(rates.mean(rates.without))),
                ("standardErrorOfLoss", .real(rates.standardError)),
                ("windowsWith", .list(rates.with.map { .real($0) })),
                ("windowsWithout", .list(rates.without.map { .real($0) })), ("questions", .count(all.count)),
                (
                    "processorMs",
                    .fields(Inspector.Kind.allCases.map { ($0.rawValue, .real(costs[$0] ?? 0)) })
                ),
            ]
            + times.sorted { $0.key < $1.key }.map { name, list in
                let sorted = list.sorted()
                return (
                    name,
                    .fields([
                        ("count", .count(sorted.count)), ("p50Ms", .real(quantile(sorted, 0.5))),
                        ("p99Ms", .real(quantile(sorted, 0.99))), ("maxMs", .real(sorted.last ?? 0)),
                    ])
                )
            }
        return result
    }

    private static func quantile(_ sorted: [Double], _ part: Double) -> Double {
        sorted.isEmpty ? 0 : sorted[min(Int(Double(sorted.count) * part), sorted.count - 1)]
    }
}

/// Asks twenty times a second while it is on; a thread of its own.
private final class Inspector: Sendable {
    enum Kind: String, CaseIterable {
        case show, list, listPeer, listTo
        /// Nothing fits: the page is the whole budget of rows.
        case listNothing

        /// In this order, again and again.
        static let round: [Kind] = [.show, .list, .listPeer, .show, .listTo, .listNothing]
    }

    static let perSecond = 20
    let isOn = Atomic(false)
    private let isEnding = Atomic(false)
    private let found = Mutex<[String: [Double]]>([:])
    private let socket: String
    private let envelopes: Int

    init(socket: String, envelopes: Int) {
        self.socket = socket
        self.envelopes = envelopes
    }

    /// What each kind of question took.
    var milliseconds: [String: [Double]] { found.withLock { $0 } }

    func end() { isEnding.store(true, ordering: .relaxed) }

    func start() -> Worker<Void> {
        Worker { [self] in
            var random = PseudoRandom(state: 11)
            var round = 0
            while !isEnding.load(ordering: .relaxed) {
                if isOn.load(ordering: .relaxed) {
                    let kind = Kind.round[round % Kind.round.count]
                    let start = Instant.now()
                    try ask(kind, &random)
                    let span = Double(Instant.now() - start) / 1e6
                    found.withLock { $0[kind.rawValue, default: []].append(span) }
                    round += 1
                }
                Instant.pause(microseconds: UInt32(1_000_000 / Self.perSecond))
            }
        }
    }

    /// Milliseconds of the processor that one question of each kind costs a node that has nothing else to do.
    func costs(of node: pid_t, each count: Int) throws -> [Kind: Double] {
        var random = PseudoRandom(state: 7)
        var costs: [Kind: Double] = [:]
        for kind in Kind.allCases {
            let before = ProcessorTime.of(node)
            for _ in 0..<count { try ask(kind, &random) }
            costs[kind] = (ProcessorTime.of(node) - before) * 1e3 / Double(count)
        }
        return costs
    }

    private func ask(_ kind: Kind, _ random: inout PseudoRandom) throws {
        switch kind {
        case .show:
            let number = UInt64(random.next() % UInt64(max(envelopes, 1))) + 1
            let answer: EnvelopeAnswer = try ControlQuestion.get(socket, ControlPath.envelope(String(number)))
            guard answer.envelope.number == number else { throw BenchFailure("show \(number) answered another") }
        case .list: try page([])
        case .listPeer: try page([("peer", "hanoi")])
        case .listTo: try page([("to", "H26"), ("state", "waiting")])
        case .listNothing: try page([("larger", "1GiB")])
        }
    }

    private func page(_ items: [(name: String, value: String?)]) throws {
        let _: QueueListAnswer = try ControlQuestion.get(
            socket, ControlPath.query(ControlPath.queueList, items + [("limit", "50")]))
    }
}
