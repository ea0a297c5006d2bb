// TakeCase: the way out: a program behind the recipient's home takes everything by the take socket, first out of a full inbox, then while the
// load of `throughput` comes in. Says how many envelopes a second the program has, and what that costs its node beside what arriving costs.
// Then the same by the inbox over HTTP, with one connection that is kept.

import ControlAPI
import Glibc
import NIOCore
import RelayControl
import Synchronization

enum TakeCase {
    static func run(_ place: Place) throws -> CaseResult {
        let count = place.isQuick ? 2_000 : 100_000
        let network = try Network(place)
        defer { network.end() }
        try network.make(homes: [Network.first, Network.last])
        try network.start("truc", "vpcp", "hcm")
        try network.waitForLinks("truc", 2)
        let home = try network.watch("hcm")
        let socket = "\(network.directory)/hcm/take.sock"
        var plan = LoadPlan(socket: network.submitSocket("vpcp"), count: count / 10, underWay: 16_000)
        _ = try ThroughputCase.pass(plan, home)
        plan.count = count
        network.sampler.restart()

        // Arriving alone, then taking alone, then both.
        let alone = try Span(network, count) { _ = try ThroughputCase.pass(plan, home) }
        let drain = try Span(network, count + count / 10) {
            let consumer = TakeConsumer(socket: socket, count: count + count / 10)
            _ = try consumer.start().value()
        }
        let both = try Span(network, count) {
            let load = SubmissionLoad(plan)
            let consumer = TakeConsumer(socket: socket, count: count, load: load)
            let taking = consumer.start()
            let worker = load.start()
            do {
                _ = try taking.value()
            } catch {
                load.cancel()
                try? worker.value()
                throw error
            }
            try worker.value()
        }
        // The inbox over HTTP, on one connection.
        plan.count = count / 20
        _ = try ThroughputCase.pass(plan, home)
        let half = plan.count / 2
        let (control, batch) = (network.controlSocket("hcm"), 100)
        let fetched = try Span(network, half) { try httpConsumer(control, half, batch) }
        let oneByOne = try Span(network, half) { try httpConsumer(control, half, 1) }
        let (began, ended) = both.span
        let perSecond = Double(count) / Instant.seconds(since: began, until: ended)
        var result = CaseResult()
        result.targets = [
            .reach("4 KiB envelopes from submit request to the program behind the far home", "a second", perSecond),
            .reach("documents of a full inbox, to the program and acknowledged", "a second", drain.perSecond),
        ]
        result.figures = [
            ("envelopes", .count(count)), ("payloadBytes", .count(plan.payloadBytes)),
            ("perSecondToProgram", .real(perSecond)), ("perSecondWithoutProgram", .real(alone.perSecond)),
            ("perSecondFromFullInbox", .real(drain.perSecond)),
            ("homeMicrosecondsToArrive", .real(alone.home)), ("homeMicrosecondsWithProgram", .real(both.home)),
            ("homeMicrosecondsToTakeMeanwhile", .real(both.home - alone.home)),
            ("homeMicrosecondsToTakeFromFullInbox", .real(drain.home)),
            ("httpMicrosecondsOfProcessor", .real(fetched.home)),
            ("httpMicroseconds", .real(1e6 / fetched.perSecond)),
            ("httpOneByOneMicrosecondsOfProcessor", .real(oneByOne.home)),
            ("httpOneByOneMicroseconds", .real(1e6 / oneByOne.perSecond)),
            ("allNodesMicroseconds", .real(alone.all)), ("allNodesMicrosecondsWithProgram", .real(both.all)),
            ("benchmarkMicrosecondsWithProgram", .real(both.own)), ("memory", network.sampler.figure),
        ]
        return result
    }

    private static func httpConsumer(_ control: String, _ count: Int, _ batch: Int) throws {
        var consumer = try InboxFetcher(control)
        try consumer.run(count, acknowledging: batch)
    }
}

/// What a part of the case took, of processor time for each envelope.
private struct Span {
    var span: (began: UInt64, ended: UInt64)
    /// Microseconds of the recipients' home, of all nodes, of the benchmark itself.
    var home: Double
    var all: Double
    var own: Double
    var perSecond: Double

    init(_ network: Network, _ count: Int, _ body: () throws -> Void) throws {
        let pids = try network.names.map { ($0, try network.pid($0)) }
        let before = pids.map { ProcessorTime.of($0.1) }
        let ownBefore = ProcessorTime.of(getpid())
        let began = Instant.now()
        try body()
        span = (began, Instant.now())
        let spent = zip(pids, before).map { ($0.0, (ProcessorTime.of($0.1) - $1) * 1e6 / Double(count)) }
        own = (ProcessorTime.of(getpid()) - ownBefore) * 1e6 / Double(count)
        home = spent.first { $0.0 == "hcm" }?.1 ?? 0
        all = spent.reduce(0) { $0 + $1.1 }
        perSecond = Double(count) / Instant.seconds(since: began, until: span.ended)
    }
}

/// A program that takes documents and acknowledges what it has, some hundred at a time, on one connection and one thread.
final class TakeConsumer: Sendable {
    private let path: String
    private let count: Int
    private let load: SubmissionLoad?
    /// Asked for, and not acknowledged.
    private static let window: UInt32 = 2_048

    /// `load`: is told what has been taken, as it may limit what is under way.
    init(socket: String, count: Int, load: SubmissionLoad? = nil) {
        path = socket
        self.count = count
        self.load = load
    }

    /// Ends when so many documents are here whole, and all their acknowledgements have been answered; answers their octets.
    func start() -> Worker<UInt64> { Worker { [self] in try run() } }

    private func run() throws -> UInt64 {
        let socket = try Socket(unix: path)
        var out = ByteBuffer()
        TakeGreeting(agencies: []).write(to: &out)
        TakeRequest.take(Self.window).write(to: &out)
        try out.withUnsafeReadableBytes { try socket.writeAll($0) }
        var input = ByteBuffer()
        var (whole, acknowledged, answered) = (UInt64(0), UInt64(0), 0)
        var left: UInt64 = 0
        var octets: UInt64 = 0
        while answered < count {
            try wait(socket, whole)
            let room = 256 << 10
            let read = input.writeWithUnsafeMutableBytes(minimumWritableBytes: room) {
                max(Glibc.read(socket.descriptor, $0.baseAddress, $0.count), 0)
            }
            guard read > 0 else { throw BenchFailure("the take connection was closed") }
            while let answer = try TakeAnswer.read(from: &input) {
                switch answer {
                case .document(let head):
                    left = head.payloadLength
                    if left == 0 { whole = head.sequence }
                case .portion(let portion):
                    octets += UInt64(portion.readableBytes)
                    left -= UInt64(portion.readableBytes)
                    if left == 0 { whole += 1 }
                case .acknowledged(_, let taken, let gone):
                    guard gone == 0 else { throw BenchFailure("\(gone) documents were taken by somebody else") }
                    answered += Int(taken)
                case .refused(let text): throw BenchFailure("taking was refused: \(text)")
                case .ready, .idle: break
                }
            }
            if input.readableBytes == 0 { input.clear() } else { input.discardReadBytes() }
            load?.arrived.store(Int(whole), ordering: .relaxed)
            guard whole > acknowledged else { continue }
            out.clear()
            TakeRequest.acknowledgeThrough(whole).write(to: &out)
            TakeRequest.take(UInt32(whole - acknowledged)).write(to: &out)
            acknowledged = whole
            try out.withUnsafeReadableBytes { try socket.writeAll($0) }
        }
        return octets
    }

    private func wait(_ socket: Socket, _ whole: UInt64) throws {
        var state = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&state, 1, 30_000) > 0 else {
            throw BenchFailure("\(whole) of \(count) documents were taken, and nothing more came for 30 s")
        }
    }
}

/// A program that fetches documents over HTTP, one request behind the other on one connection, and acknowledges some at a time.
private struct InboxFetcher {
    private let socket: Socket
    private var input: [UInt8] = []

    init(_ path: String) throws { socket = try Socket(unix: path) }

    mutating func run(_ count: Int, acknowledging batch: Int) throws {
        var done = 0
        while done < count {
            let list = try answer("GET", ControlPath.query(ControlPath.inbox("H29"), [("limit", "1000")]))
            let names = try ControlJSON.answer(InboxAnswer.self, from: list).documents.map(\.envelope)
            guard !names.isEmpty else { throw BenchFailure("\(done) of \(count) documents are in the inbox") }
            for start in stride(from: 0, to: min(names.count, count - done), by: batch) {
                let some = names[start..<min(start + batch, names.count, start + count - done)]
                for name in some { _ = try answer("GET", ControlPath.document("H29", name)) }
                let body = try ControlJSON.bytes(AcknowledgeRequest(envelopes: Array(some)))
                let taken = try answer("POST", ControlPath.acknowledge("H29"), body)
                guard try ControlJSON.answer(AcknowledgeAnswer.self, from: taken).taken == some.count else {
                    throw BenchFailure("not all were taken")
                }
                done += some.count
            }
        }
    }

    private mutating func answer(_ method: String, _ uri: String, _ body: [UInt8] = []) throws -> [UInt8] {
        let head = "\(method) \(uri) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.count)\r\n\r\n"
        try (Array(head.utf8) + body).withUnsafeBytes { try socket.writeAll($0) }
        while true {
            if let (end, length) = Self.head(input), input.count >= end + length {
                defer { input.removeFirst(end + length) }
                return Array(input[end..<end + length])
            }
            let more = try socket.readSome()
            guard !more.isEmpty else { throw BenchFailure("the control connection was closed") }
            input += more
        }
    }

    /// Where the body begins, and how long it is.
    private static func head(_ octets: [UInt8]) -> (end: Int, length: Int)? {
        let mark = Array("\r\n\r\n".utf8)
        let limit = min(octets.count, 2_048)
        guard limit > 4, let end = (4...limit).first(where: { Array(octets[$0 - 4..<$0]) == mark }) else { return nil }
        let lines = String(decoding: octets[..<end], as: UTF8.self).lowercased().split(separator: "\r\n")
        let length = lines.first { $0.hasPrefix("content-length:") }?.dropFirst(15).drop { $0 == " " }
        return (end, length.flatMap { Int($0) } ?? 0)
    }
}
