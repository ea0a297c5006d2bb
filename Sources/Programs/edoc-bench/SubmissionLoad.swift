// SubmissionLoad: a document system under load: envelopes from a template over a few submission connections, so many unanswered
// at once, on one thread in poll. It fails when a connection breaks, an envelope is refused, or the time is over. The connections
// are those of edocd unless others are given: what is measured beside it is loaded by the same thread in the same way.

import Glibc
import NIOCore
import RelayModel
import RelayNode
import Synchronization
import Trap

/// What to submit.
struct LoadPlan: Sendable {
    var socket: String
    var sender = "G22"
    var recipients = ["H29"]
    var count: Int
    var payloadBytes = 4_096
    var connections = 4
    /// Submitted and not yet answered, over all connections.
    var window = 4_000
    /// Submitted and not yet arrived, when somebody says what has arrived.
    var underWay = Int.max
    var seconds = 600.0
    var keepsCounters = false
}

/// A connection on which envelopes are handed in and answered; its socket does not block.
protocol SendingLine: AnyObject {
    var descriptor: Int32 { get }
    /// Nothing waits to be written.
    var isEmpty: Bool { get }
    /// One more may be added.
    var hasRoom: Bool { get }
    func add(token: UInt64)
    func flush() throws
    /// Answers how many were answered since the last call.
    func readAnswers() throws -> Int
}

/// A load that runs.
final class SubmissionLoad: Sendable {
    let plan: LoadPlan
    let sent = Atomic<Int>(0)
    let accepted = Atomic<Int>(0)
    /// Written by the observer, when `underWay` counts.
    let arrived = Atomic<Int>(0)
    /// When the first request was written; when each twentieth part was answered.
    let firstSent = Atomic<UInt64>(0)
    private let marks = Mutex<[UInt64]>([])
    private let counters = Mutex<[UInt32]>([])
    private let isCancelled = Atomic(false)
    private let connect: (@Sendable (LoadPlan) throws -> [any SendingLine])?
    static let parts = 20

    init(_ plan: LoadPlan, connect: (@Sendable (LoadPlan) throws -> [any SendingLine])? = nil) {
        self.plan = plan
        self.connect = connect
    }

    func start() -> Worker<Void> { Worker { [self] in try run() } }
    func cancel() { isCancelled.store(true, ordering: .relaxed) }

    /// The counters in the names of the envelopes that were accepted.
    var acceptedCounters: [UInt32] { counters.withLock { $0 } }

    /// Envelopes a second answered in each twentieth part, and over parts `range`.
    func rate(parts range: Range<Int>) -> Double {
        let marks = marks.withLock { $0 }
        guard range.upperBound <= marks.count else { return 0 }
        let start = range.lowerBound == 0 ? firstSent.load(ordering: .relaxed) : marks[range.lowerBound - 1]
        let seconds = Instant.seconds(since: start, until: marks[range.upperBound - 1])
        return Double(plan.count * range.count / Self.parts) / seconds
    }
    var rates: [Double] { (0..<Self.parts).map { rate(parts: $0..<$0 + 1) } }

    private func run() throws {
        let lines = try connect?(plan) ?? Self.submissionLines(plan) { [self] in try took($0) }
        let start = Instant.now()
        var next = 0
        var answered = 0
        var polls = lines.map { pollfd(fd: $0.descriptor, events: 0, revents: 0) }
        while answered < plan.count {
            guard Instant.seconds(since: start) < plan.seconds, !isCancelled.load(ordering: .relaxed) else {
                throw BenchFailure("\(answered) of \(plan.count) envelopes accepted within \(plan.seconds) s")
            }
            for line in lines {
                while next < plan.count, next - answered < plan.window,
                    next - arrived.load(ordering: .relaxed) < plan.underWay, line.hasRoom
                {
                    line.add(token: UInt64(next))
                    next += 1
                }
                if firstSent.load(ordering: .relaxed) == 0 { firstSent.store(Instant.now(), ordering: .relaxed) }
                try line.flush()
            }
            sent.store(next, ordering: .relaxed)
            for (index, line) in lines.enumerated() {
                polls[index].events = Int16(POLLIN) | (line.isEmpty ? 0 : Int16(POLLOUT))
            }
            // Arrivals wake nobody; look again soon when they are what is waited for.
            _ = poll(&polls, nfds_t(polls.count), next - answered < plan.window && next < plan.count ? 1 : 100)
            for (index, line) in lines.enumerated() where polls[index].revents != 0 {
                answered += try line.readAnswers()
            }
            accepted.store(answered, ordering: .relaxed)
            mark(answered)
        }
    }

    /// Connections to edocd.
    static func submissionLines(
        _ plan: LoadPlan, took: @escaping (BulkAnswer) throws -> Void = { _ = try SubmissionLoad.acceptedName($0) }
    ) throws -> [any SendingLine] {
        let template = try FrameTemplate(plan)
        return try (0..<plan.connections).map { _ in
            try SubmissionLine(socket: plan.socket, template: template, took: took)
        }
    }

    fileprivate static func acceptedName(_ answer: BulkAnswer) throws -> String {
        switch answer {
        case .refused(_, let text): throw BenchFailure("an envelope was refused: \(text)")
        case .accepted(_, let name): return name
        }
    }

    private func took(_ answer: BulkAnswer) throws {
        let name = try Self.acceptedName(answer)
        if plan.keepsCounters {
            // <node>-<incarnation>-<counter>@<time>
            guard let at = name.lastIndex(of: "@"), let dash = name[..<at].lastIndex(of: "-"),
                let counter = UInt32(name[name.index(after: dash)..<at])
            else { throw BenchFailure("\(name) is not the name of an envelope") }
            counters.withLock { $0.append(counter) }
        }
    }

    private func mark(_ answered: Int) {
        marks.withLock { marks in
            while marks.count < Self.parts, answered >= plan.count * (marks.count + 1) / Self.parts {
                marks.append(Instant.now())
            }
        }
    }
}

/// One request whose token and document ID are written anew for each envelope.
struct FrameTemplate {
    var bytes: [UInt8]
    private let digits: Int
    private let payload: Int
    static let tokenOffset = 8

    init(_ plan: LoadPlan) throws {
        let name = "bench-0000000000"
        let request = BulkRequest(
            token: 0, sender: plan.sender, recipients: plan.recipients, urgency: .normal, documentID: name,
            lifetime: .zero, payloadLength: UInt64(plan.payloadBytes))
        var buffer = ByteBuffer()
        request.write(to: &buffer)
        payload = buffer.readableBytes
        // Fixed part, then sender and document ID, each behind a length of two octets.
        digits = 33 + 2 + plan.sender.utf8.count + 2 + 6
        var random = PseudoRandom(state: 11)
        bytes = Array(buffer.readableBytesView) + random.bytes(plan.payloadBytes)
        guard Array(bytes[digits - 6..<digits + 10]) == Array(name.utf8) else {
            throw BenchFailure("the frame is not laid out as docs/protocol.md, 7, says")
        }
    }

    /// Where the frame of one envelope goes.
    func write(_ token: UInt64, to target: UnsafeMutableRawPointer) {
        bytes.withUnsafeBytes { target.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        target.storeBytes(of: token.bigEndian, toByteOffset: Self.tokenOffset, as: UInt64.self)
        var rest = token
        for place in (0..<10).reversed() {
            target.storeBytes(of: UInt8(0x30 + rest % 10), toByteOffset: digits + place, as: UInt8.self)
            rest /= 10
        }
        if bytes.count >= payload + 8 {
            target.storeBytes(of: token.bigEndian, toByteOffset: payload, as: UInt64.self)
        }
    }
}

/// One submission connection with what is to be written and what came.
private final class SubmissionLine: SendingLine {
    private let out: OutgoingOctets
    private let template: FrameTemplate
    private let took: (BulkAnswer) throws -> Void
    private var answers = ByteBuffer()

    init(socket path: String, template: FrameTemplate, took: @escaping (BulkAnswer) throws -> Void) throws {
        out = OutgoingOctets(try Socket(unix: path), capacity: max(template.bytes.count * 2, 512 << 10))
        self.template = template
        self.took = took
    }

    var descriptor: Int32 { out.socket.descriptor }
    var isEmpty: Bool { out.isEmpty }
    var hasRoom: Bool { out.hasRoom(template.bytes.count) }

    func add(token: UInt64) {
        out.add(template.bytes.count) { template.write(token, to: $0) }
    }

    func flush() throws { try out.flush() }

    func readAnswers() throws -> Int {
        var found = 0
        while true {
            let count = answers.writeWithUnsafeMutableBytes(minimumWritableBytes: 65_536) {
                max(read(descriptor, $0.baseAddress, $0.count), 0)
            }
            if count == 0, found == 0, errno != EAGAIN { throw BenchFailure("the submission connection was closed") }
            while let answer = BulkAnswer.read(from: &answers) {
                try took(answer)
                found += 1
            }
            if count < 65_536 {
                answers.discardReadBytes()
                return found
            }
        }
    }
}

/// What is to be written to a socket that does not block.
final class OutgoingOctets {
    let socket: Socket
    private let out: UnsafeMutableRawPointer
    private let capacity: Int
    private var start = 0
    private var end = 0

    init(_ socket: Socket, capacity: Int) {
        self.socket = socket
        self.capacity = capacity
        socket.setNonblocking()
        out = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { out.deallocate() }

    var isEmpty: Bool { start == end }

    func hasRoom(_ count: Int) -> Bool { capacity - (start == end ? 0 : end) >= count }

    /// To be called only where there is room for as many.
    func add(_ count: Int, _ write: (UnsafeMutableRawPointer) -> Void) {
        demand(hasRoom(count), "More is to be written than there is room for.")
        if start == end { (start, end) = (0, 0) }
        write(out + end)
        end += count
    }

    func flush() throws {
        while start < end {
            let count = write(socket.descriptor, out + start, end - start)
            if count < 0, errno == EAGAIN { return }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw BenchFailure("submission: \(String(cString: strerror(errno)))") }
            start += count
        }
    }
}

/// A small seeded generator.
struct PseudoRandom {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
}
