// AgenciesCase: a hub of a whole country: a hundred thousand agencies at five hundred neighbours. How long a start takes, how long a reload
// takes in which a hundred agencies move and one in ten has another name, and how long a document that is handed in meanwhile waits for its
// answer. One after the other is handed in all the time, so that whatever keeps the engine from its work is seen as one long wait.

import ControlAPI
import Glibc
import NIOCore
import RelayNode
import Synchronization

enum AgenciesCase {
    private static let hub = NodePlan(name: Network.hub, agencies: ["G99"])

    static func run(_ place: Place) throws -> CaseResult {
        let country = place.isQuick ? Country(agencies: 2_000, homes: 20) : Country(agencies: 100_000, homes: 498)
        let network = try Network(place)
        defer { network.end() }
        try network.make(hub: hub, homes: [Network.first, Network.last])
        try country.write(0, network)
        try country.addPeers(network)
        var starts: [Double] = []
        for _ in 0..<(place.isQuick ? 1 : 5) {
            network.stop(Network.hub)
            let start = try network.launch(Network.hub)
            try waitUntil("the hub answers", seconds: 60, every: 1_000) {
                (try? network.status(Network.hub)) != nil
            }
            starts.append(Instant.seconds(since: start))
        }
        try network.start("vpcp", "hcm")
        try network.waitForLinks(Network.hub, 2)
        let idle = ProcessorTime.of(try network.pid(Network.hub))
        let prober = Prober(socket: network.submitSocket(Network.hub))
        let worker = prober.start()
        defer { prober.end() }
        Instant.pause(microseconds: place.isQuick ? 200_000 : 3_000_000)
        var reloads: [Reload] = []
        for round in 1...(place.isQuick ? 2 : 7) {
            try country.write(round, network)
            let began = Instant.now()
            let answer: ReloadAnswer = try ControlQuestion.post(
                network.controlSocket(Network.hub), ControlPath.reload)
            let ended = Instant.now()
            guard answer.isApplied else { throw BenchFailure("no reload: \(answer.lines.joined(separator: "; "))") }
            // The queue is looked through behind it.
            Instant.pause(microseconds: 500_000)
            guard !worker.isDone else { break }
            reloads.append(
                Reload(
                    seconds: Instant.seconds(since: began, until: ended),
                    wait: prober.longest(began, ended + 400_000_000),
                    before: prober.longest(began - 400_000_000, began)))
        }
        prober.end()
        try worker.value()
        return result(country, starts, reloads, prober, try network.pid(Network.hub), idle, network)
    }

    private struct Reload {
        var seconds: Double
        /// Milliseconds: the longest while it went on, and in the time before.
        var wait: Double
        var before: Double
    }

    private static func result(
        _ country: Country, _ starts: [Double], _ reloads: [Reload], _ prober: Prober, _ pid: pid_t, _ idle: Double,
        _ network: Network
    ) -> CaseResult {
        var result = CaseResult()
        result.targets = [
            .atMost("from exec to the answer of the control socket, median", 1, "s", median(starts)),
            .atMost("a reload, median", 1, "s", median(reloads.map(\.seconds))),
            .atMost("longest wait for an answer while it reloads, median", 100, "ms", median(reloads.map(\.wait))),
        ]
        result.figures = [
            ("agencies", .count(country.agencies)), ("homes", .count(country.homes)),
            ("startSeconds", .list(starts.map { .real($0) })),
            ("reloadSeconds", .list(reloads.map { .real($0.seconds) })),
            ("longestWaitMs", .list(reloads.map { .real($0.wait) })),
            ("longestWaitBeforeMs", .list(reloads.map { .real($0.before) })),
            ("handedIn", .count(prober.count)),
            ("processorSecondsOfTheHub", .real(ProcessorTime.of(pid) - idle)), ("memory", network.sampler.figure),
        ]
        return result
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? .infinity : sorted[sorted.count / 2]
    }
}

/// The file of the agencies, and the neighbours of the hub.
private struct Country {
    var agencies: Int
    /// Beside the two that run.
    var homes: Int

    private static let kinds = [
        "Ủy ban nhân dân", "Sở Nội vụ", "Phòng Văn hóa và Thông tin", "Trung tâm Y tế", "Trường tiểu học",
    ]

    private func home(_ index: Int) -> String { "n\(index)" }

    /// In each round other agencies are at other homes, and some have other names.
    func write(_ round: Int, _ network: Network) throws {
        let hub = Network.hub
        var text = "nodes:\n  \(hub): Trục\n  vpcp: Văn phòng\n  hcm: Thành phố\n"
        for index in 0..<homes { text += "  \(home(index)): \"Nút \(index)\"\n" }
        text += "agencies:\n  G99: {name: Trục, home: \(hub)}\n  G22: {name: Văn phòng, home: vpcp}\n"
        text += "  H29: {name: Thành phố, home: hcm}\n"
        for index in 0..<agencies {
            let code = "P\(index % 63).\(index / 63 % 100).\(index / 6_300)"
            let moved = index % 1_000 == round ? round : 0
            var name = "\(Self.kinds[index % Self.kinds.count]) số \(index)"
            if index % 10 == round % 10 { name += ", lần \(round)" }
            let alias = index % 10 == 0 ? ", aliases: [000.\(code)]" : ""
            text += "  \(code): {name: \"\(name)\", home: \(home((index + moved) % homes))\(alias)}\n"
        }
        text += "routes:\n  - {to: \"*\", via: [\(hub)], at: [vpcp, hcm]}\n"
        for name in ["vpcp", "hcm"] + (0..<homes).map(home) {
            text += "  - {to: \(name), via: [\(name)], at: [\(hub)]}\n"
        }
        try Folder.write(text, to: network.directory + "/agencies.yaml")
    }

    /// They never call, and are not called.
    func addPeers(_ network: Network) throws {
        let path = "\(network.directory)/\(Network.hub).yaml"
        try Folder.write(
            SmallFile.text(path) + (0..<homes).map { "  \(home($0)): {foreign: no}\n" }.joined(), to: path)
    }
}

/// Hands in one document after the other for the neighbour that runs; a thread of its own.
private final class Prober: Sendable {
    private let socket: String
    private let isEnding = Atomic(false)
    private let found = Mutex<[(from: UInt64, until: UInt64)]>([])

    init(socket: String) { self.socket = socket }

    func end() { isEnding.store(true, ordering: .relaxed) }

    var count: Int { found.withLock { $0.count } }

    /// Milliseconds of the longest wait of those that reach into this time.
    func longest(_ from: UInt64, _ until: UInt64) -> Double {
        let waits = found.withLock { found in
            found.filter { $0.until >= from && $0.from <= until }.map { $0.until - $0.from }
        }
        return Double(waits.max() ?? 0) / 1e6
    }

    func start() -> Worker<Void> {
        Worker { [self] in
            var plan = LoadPlan(socket: socket, count: 1)
            plan.sender = "G99"
            let template = try FrameTemplate(plan)
            let line = try Socket(unix: socket)
            let frame = UnsafeMutableRawBufferPointer.allocate(byteCount: template.bytes.count, alignment: 16)
            defer { frame.deallocate() }
            var answers = ByteBuffer()
            var token: UInt64 = 0
            while !isEnding.load(ordering: .relaxed) {
                template.write(token, to: frame.baseAddress!)
                let from = Instant.now()
                try line.writeAll(UnsafeRawBufferPointer(frame))
                while true {
                    if let answer = BulkAnswer.read(from: &answers) {
                        if case .refused(_, let text) = answer { throw BenchFailure("it was refused: \(text)") }
                        break
                    }
                    let portion = try line.readSome()
                    guard !portion.isEmpty else { throw BenchFailure("the submission connection was closed") }
                    answers.writeBytes(portion)
                }
                answers.discardReadBytes()
                let until = Instant.now()
                found.withLock { $0.append((from, until)) }
                token += 1
                Instant.pause(microseconds: 1_000)
            }
        }
    }
}
