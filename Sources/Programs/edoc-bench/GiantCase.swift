// GiantCase, FanoutCase: what crosses the first link. A document of 2 GiB whose link is cut in the middle, with the memory of every
// node; and one document for many agencies behind the hub.

import Glibc
import NIOCore
import RelayModel
import RelayNode

enum GiantCase {
    private static let piece: UInt64 = 4 << 20
    private static let window: UInt64 = 16 << 20

    static func run(_ place: Place) throws -> CaseResult {
        let bytes: UInt64 = place.isQuick ? 64 << 20 : 2 << 30
        let network = try Network(place)
        defer { network.end() }
        let proxy = try CountingProxy(target: network.hubPort)
        defer { proxy.end() }
        var first = Network.first
        first.hubPort = proxy.port
        try network.make(homes: [first, Network.last])
        try network.start("truc", "vpcp", "hcm")
        try network.waitForLinks("truc", 2)
        let home = try network.watch("hcm")
        let arrivals = try Arrivals(home)
        defer { arrivals.end() }
        network.sampler.restart()
        proxy.restart()
        proxy.cut(at: bytes / 2)
        let start = Instant.now()
        try submit(bytes, to: network.submitSocket("vpcp"))
        let accepted = Instant.seconds(since: start)
        let atAcceptance = network.sampler.mostMB()
        try arrivals.wait(for: 1, patience: place.isQuick ? 60 : 900)
        let arrived = Instant.seconds(since: start, until: arrivals.last ?? 0)

        // A segment's head has at most 26 octets, each is acknowledged in the other direction; a piece repeats the bundle's head.
        let inside = proxy.up.inside
        let segments = inside / (64 << 10) + 1
        let heads = segments * 26 + inside / piece * 1_024 + 64 << 10
        let excess = inside > bytes + heads ? inside - bytes - heads : 0
        var result = CaseResult()
        result.targets = [
            .atMost("resident, the largest of all nodes", 100, "MB", network.sampler.mostMB()),
            .atMost(
                "payload sent twice after one cut", Double(piece + window) / 1_048_576, "MiB",
                Double(excess) / 1_048_576),
            .atLeast("cuts", 1, "", Double(proxy.cuts)),
        ]
        result.figures = [
            ("documentBytes", .count(bytes)), ("insideTLSBytes", .count(inside)), ("rawBytes", .count(proxy.up.raw)),
            ("tlsBytes", .count(proxy.up.raw - inside)), ("headBytesAtMost", .count(heads)),
            ("backBytes", .count(proxy.down.raw)), ("connections", .count(proxy.connections)),
            ("acceptedSeconds", .real(accepted)), ("arrivedSeconds", .real(arrived)),
            ("residentMBAtAcceptance", .real(atAcceptance)), ("memory", network.sampler.figure),
        ]
        return result
    }

    /// One document of any length; its octets are made as they go.
    static func submit(_ bytes: UInt64, to path: String) throws {
        let socket = try Socket(unix: path)
        var head = ByteBuffer()
        BulkRequest(
            token: 1, sender: "G22", recipients: ["H29"], urgency: .normal, documentID: "bench-giant",
            lifetime: .zero, payloadLength: bytes
        ).write(to: &head)
        try head.withUnsafeReadableBytes { try socket.writeAll($0) }
        var random = PseudoRandom(state: 3)
        var portion = random.bytes(1 << 20)
        var left = bytes
        while left > 0 {
            portion.withUnsafeMutableBytes { $0.storeBytes(of: left, as: UInt64.self) }
            let step = Int(min(left, UInt64(portion.count)))
            try portion.withUnsafeBytes { try socket.writeAll(UnsafeRawBufferPointer(rebasing: $0[..<step])) }
            left -= UInt64(step)
        }
        var answers = ByteBuffer()
        while true {
            if let answer = BulkAnswer.read(from: &answers) {
                if case .refused(_, let text) = answer { throw BenchFailure("the document was refused: \(text)") }
                return
            }
            let got = try socket.readSome()
            guard !got.isEmpty else { throw BenchFailure("the submission connection was closed") }
            answers.writeBytes(got)
        }
    }
}

enum FanoutCase {
    static let homes = 7
    static let agenciesEach = 9

    static func run(_ place: Place) throws -> CaseResult {
        let network = try Network(place, mapSize: "1GiB")
        defer { network.end() }
        let proxy = try CountingProxy(target: network.hubPort)
        defer { proxy.end() }
        var first = Network.first
        first.hubPort = proxy.port
        let plans = (1...homes).map { home in
            NodePlan(name: "home\(home)", agencies: (1...agenciesEach).map { "T\(home * 10 + $0)" })
        }
        try network.make(homes: [first] + plans)
        try network.start("truc")
        try network.start("vpcp")
        for plan in plans { try network.start(plan.name) }
        try network.waitForLinks("truc", homes + 1)
        let watches = try plans.map { try network.watch($0.name) }
        var load = LoadPlan(socket: network.submitSocket("vpcp"), count: 1, payloadBytes: 1 << 20, connections: 1)
        load.recipients = plans.flatMap(\.agencies)
        proxy.restart()
        let start = Instant.now()
        let worker = SubmissionLoad(load).start()
        try waitUntil("all copies arrive", seconds: 60, every: 2_000) {
            try watches.map { try $0.arrived() }.reduce(0, +) >= UInt64(homes * agenciesEach)
        }
        let seconds = Instant.seconds(since: start)
        let up = proxy.up
        try worker.value()
        let document = Double(1 << 20)
        var result = CaseResult()
        result.targets = [
            .atMost("bytes on the first link for each of the document", 1.05, "", Double(up.raw) / document)
        ]
        result.figures = [
            ("agencies", .count(homes * agenciesEach)), ("homes", .count(homes)), ("documentBytes", .count(1 << 20)),
            ("rawBytes", .count(up.raw)), ("insideTLSBytes", .count(up.inside)),
            ("backBytesUntilThen", .count(proxy.down.raw)), ("seconds", .real(seconds)),
        ]
        return result
    }
}
