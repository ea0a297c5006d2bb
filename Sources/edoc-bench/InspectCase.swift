// InspectCase: an operator looks while the hub works. A million envelopes wait at the hub for a home that is not there, and traffic for
// another home passes at full rate. In every second window of time questions are asked, twenty a second: `show` of envelopes all over the
// backlog, and first pages of lists by several conditions. What each took, and what went through with and without them, in one run, so
// that nothing else differs: medians over the windows.

import ControlAPI
import Glibc
import Synchronization

enum InspectCase {
    private static let absent = NodePlan(name: "hanoi", agencies: ["H26"])

    static func run(_ place: Place) throws -> CaseResult {
        let queued = place.isQuick ? 20_000 : 1_000_000
        let windows = place.isQuick ? 6 : 16
        let seconds = place.isQuick ? 2.0 : 6.0
        let network = try Network(place, mapSize: "24GiB")
        defer { network.end() }
        try network.make(homes: [Network.first, Network.last, absent])
        try network.start("truc", "vpcp", "hcm")
        try network.waitForLinks("truc", 2)
        try fill(network, queued)

        let home = try network.watch("hcm")
        // Longer than the windows can take.
        let load = SubmissionLoad(
            LoadPlan(
                socket: network.submitSocket("vpcp"), count: 50_000_000, underWay: 16_000,
                seconds: Double(windows) * seconds * 3 + 120))
        let arrivals = try Arrivals(home, every: 2_000, load: load)
        defer { arrivals.end() }
        let worker = load.start()
        defer {
            load.cancel()
            _ = try? worker.value()
        }
        let inspector = Inspector(socket: network.controlSocket("truc"), envelopes: queued)
        let asking = inspector.start()
        defer {
            inspector.end()
            _ = try? asking.value()
        }
        // The load finds its pace first.
        Instant.pause(microseconds: UInt32(seconds * 1e6))
        var rates: (with: [Double], without: [Double]) = ([], [])
        for window in 0..<windows {
            let isAsked = window % 2 == 1
            inspector.isOn.store(isAsked, ordering: .relaxed)
            let (start, before) = (Instant.now(), try home.arrived())
            Instant.pause(microseconds: UInt32(seconds * 1e6))
            let rate = Double(try home.arrived() - before) / Instant.seconds(since: start)
            if isAsked { rates.with.append(rate) } else { rates.without.append(rate) }
        }
        inspector.end()
        try asking.value()
        return result(queued, rates, inspector, try network.status("truc"), place)
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
        _ queued: Int, _ rates: (with: [Double], without: [Double]), _ inspector: Inspector, _ status: StatusAnswer,
        _ place: Place
    ) -> CaseResult {
        let (with, without) = (median(rates.with), median(rates.without))
        let times = inspector.milliseconds
        let all = times.values.flatMap { $0 }.sorted()
        var cost = Target.atMost("of the throughput, lost to questions", 0.02, "of 1", 1 - with / max(without, 1))
        // A short run says nothing of two in a hundred.
        if place.isQuick { cost.holds = nil }
        var result = CaseResult()
        result.targets = [
            .atMost("show, or the first page of a list, the slowest of 99 in 100", 50, "ms", quantile(all, 0.99)), cost,
        ]
        result.figures =
            [
                ("queued", .count(queued)), ("waitingAtTheEnd", .count(status.inStore["waiting"] ?? 0)),
                ("perSecondWith", .real(with)), ("perSecondWithout", .real(without)),
                ("windowsWith", .list(rates.with.map { .real($0) })),
                ("windowsWithout", .list(rates.without.map { .real($0) })), ("questions", .count(all.count)),
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

    private static func median(_ values: [Double]) -> Double { quantile(values.sorted(), 0.5) }

    private static func quantile(_ sorted: [Double], _ part: Double) -> Double {
        sorted.isEmpty ? 0 : sorted[min(Int(Double(sorted.count) * part), sorted.count - 1)]
    }
}

/// Asks twenty times a second while it is on; a thread of its own.
private final class Inspector: Sendable {
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
                    try ask(round, UInt64(random.next() % UInt64(max(envelopes, 1))) + 1)
                    round += 1
                }
                Instant.pause(microseconds: 50_000)
            }
        }
    }

    private func ask(_ round: Int, _ number: UInt64) throws {
        let list = { (items: [(name: String, value: String?)]) in
            ControlPath.query(ControlPath.queueList, items + [("limit", "50")])
        }
        switch round % 6 {
        case 0, 3:
            try time("show") {
                let answer: EnvelopeAnswer = try ControlQuestion.get(socket, ControlPath.envelope(String(number)))
                guard answer.envelope.number == number else { throw BenchFailure("show \(number) answered another") }
            }
        case 1: try page("list", list([]))
        case 2: try page("listPeer", list([("peer", "hanoi")]))
        case 4: try page("listTo", list([("to", "H26"), ("state", "waiting")]))
        // Nothing fits: the page is the whole budget of rows.
        default: try page("listNothing", list([("larger", "1GiB")]))
        }
    }

    private func page(_ name: String, _ uri: String) throws {
        try time(name) { let _: QueueListAnswer = try ControlQuestion.get(socket, uri) }
    }

    private func time(_ name: String, _ body: () throws -> Void) throws {
        let start = Instant.now()
        try body()
        let span = Double(Instant.now() - start) / 1e6
        found.withLock { $0[name, default: []].append(span) }
    }
}
