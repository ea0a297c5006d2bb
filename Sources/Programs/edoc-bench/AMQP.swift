// AMQP: as much of AMQP 0-9-1 as a publisher with confirms and a consumer with acknowledgements need, over a plain socket of this
// machine: frames, the handshake, and the few methods. Reads what a broker of our own says; anything else ends the connection.

import Glibc

/// Octets that are put together.
struct AMQPWriter {
    private(set) var bytes: [UInt8] = []

    mutating func number<Number: FixedWidthInteger>(_ value: Number) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }
    mutating func short(_ text: String) {
        number(UInt8(truncatingIfNeeded: text.utf8.count))
        bytes += text.utf8
    }
    mutating func long(_ text: [UInt8]) {
        number(UInt32(text.count))
        bytes += text
    }
    mutating func raw(_ more: [UInt8]) { bytes += more }

    /// A frame around what `body` writes.
    static func frame(_ kind: AMQPFrame.Kind, channel: UInt16, _ body: (inout AMQPWriter) -> Void) -> [UInt8] {
        var inner = AMQPWriter()
        body(&inner)
        var outer = AMQPWriter()
        outer.number(kind.rawValue)
        outer.number(channel)
        outer.number(UInt32(inner.bytes.count))
        outer.raw(inner.bytes)
        outer.number(AMQPFrame.end)
        return outer.bytes
    }

    static func method(_ method: AMQPMethod, channel: UInt16 = 1, _ body: (inout AMQPWriter) -> Void = { _ in })
        -> [UInt8]
    {
        frame(.method, channel: channel) {
            $0.number(method.rawValue)
            body(&$0)
        }
    }
}

/// Class and method in one number.
enum AMQPMethod: UInt32 {
    case start = 0x000A_000A, startOk = 0x000A_000B, tune = 0x000A_001E, tuneOk = 0x000A_001F
    case open = 0x000A_0028, openOk = 0x000A_0029, close = 0x000A_0032
    case channelOpen = 0x0014_000A, channelOpenOk = 0x0014_000B, channelClose = 0x0014_0028
    case qos = 0x003C_000A, qosOk = 0x003C_000B, consume = 0x003C_0014, consumeOk = 0x003C_0015
    case publish = 0x003C_0028, deliver = 0x003C_003C, ack = 0x003C_0050, nack = 0x003C_0078
    case confirmSelect = 0x0055_000A, confirmSelectOk = 0x0055_000B
}

/// One frame that came; its body is valid only while it is looked at.
struct AMQPFrame {
    enum Kind: UInt8 { case method = 1, header = 2, body = 3, heartbeat = 8 }
    static let end: UInt8 = 0xCE
    var kind: Kind
    var body: UnsafeRawBufferPointer

    var method: AMQPMethod? {
        kind == .method && body.count >= 4 ? AMQPMethod(rawValue: number(at: 0)) : nil
    }
    func number<Number: FixedWidthInteger>(at offset: Int) -> Number {
        guard offset + MemoryLayout<Number>.size <= body.count else { return 0 }
        return Number(bigEndian: body.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
    /// The lowest bit of an octet.
    func flag(at offset: Int) -> Bool { offset < body.count && body[offset] & 1 == 1 }
}

/// What came and was not looked at yet.
struct IncomingOctets {
    private var bytes: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0

    init() { bytes = .allocate(byteCount: 1 << 20, alignment: 16) }
    func free() { bytes.deallocate() }

    var unread: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[start..<end]) }
    mutating func drop(_ count: Int) { start += count }

    /// Reads once; false when the socket has nothing now.
    mutating func read(_ descriptor: Int32) throws -> Bool {
        if start > 0 {
            memmove(bytes.baseAddress!, bytes.baseAddress! + start, end - start)
            (start, end) = (0, end - start)
        }
        if end == bytes.count {
            let more = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count * 2, alignment: 16)
            more.copyMemory(from: UnsafeRawBufferPointer(bytes))
            bytes.deallocate()
            bytes = more
        }
        while true {
            let count = Glibc.read(descriptor, bytes.baseAddress! + end, bytes.count - end)
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN { return false }
            guard count > 0 else { throw BenchFailure("a broker has closed the connection") }
            end += count
            return true
        }
    }
}

/// A connection with one channel, after its handshake.
final class AMQPConnection {
    let socket: Socket
    /// The largest frame, with its eight octets around.
    private(set) var frameMax = 4_096
    private var incoming = IncomingOctets()

    init(port: UInt16, user: String) throws {
        socket = try Socket.loopback(port: port, listens: false)
        try send(Array("AMQP".utf8) + [0, 0, 9, 1])
        _ = try wait(for: .start)
        try send(
            AMQPWriter.method(.startOk, channel: 0) {
                $0.number(UInt32(0))
                $0.short("PLAIN")
                $0.long([0] + Array(user.utf8) + [0] + Array(user.utf8))
                $0.short("en_US")
            })
        try waitForTune()
        try send(
            AMQPWriter.method(.open, channel: 0) {
                $0.short("/")
                $0.number(UInt16(0))
            })
        _ = try wait(for: .openOk)
        try send(AMQPWriter.method(.channelOpen) { $0.short("") })
        _ = try wait(for: .channelOpenOk)
    }

    deinit { incoming.free() }

    private func waitForTune() throws {
        var channels: UInt16 = 0
        try until { frame in
            guard frame.method == .tune else { return false }
            channels = frame.number(at: 4)
            frameMax = Int(frame.number(at: 6) as UInt32)
            return true
        }
        try send(
            AMQPWriter.method(.tuneOk, channel: 0) {
                $0.number(channels)
                $0.number(UInt32(frameMax))
                $0.number(UInt16(0))
            })
    }

    func send(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try socket.writeAll($0) } }

    func ask(_ request: [UInt8], _ answer: AMQPMethod) throws {
        try send(request)
        try wait(for: answer)
    }

    private func wait(for method: AMQPMethod) throws { try until { $0.method == method } }

    /// For the handshake: the socket blocks.
    private func until(_ isIt: (AMQPFrame) -> Bool) throws {
        var isFound = false
        while true {
            try frames { if isIt($0) { isFound = true } }
            if isFound { return }
            _ = try incoming.read(socket.descriptor)
        }
    }

    /// Reads once and passes on each whole frame; false when there was nothing to read.
    func read(_ body: (AMQPFrame) throws -> Void) throws -> Bool {
        let isSome = try incoming.read(socket.descriptor)
        try frames(body)
        return isSome
    }

    private func frames(_ body: (AMQPFrame) throws -> Void) throws {
        while true {
            let unread = incoming.unread
            guard unread.count >= 8 else { return }
            let size = Int(UInt32(bigEndian: unread.loadUnaligned(fromByteOffset: 3, as: UInt32.self)))
            guard unread.count >= size + 8 else { return }
            guard let kind = AMQPFrame.Kind(rawValue: unread[0]), unread[size + 7] == AMQPFrame.end else {
                throw BenchFailure("a broker sent what is not a frame")
            }
            let frame = AMQPFrame(kind: kind, body: UnsafeRawBufferPointer(rebasing: unread[7..<7 + size]))
            switch frame.method {
            case .close, .channelClose:
                throw BenchFailure(
                    "a broker closes: \(String(decoding: frame.body.dropFirst(7).prefix(200), as: UTF8.self))")
            case .nack: throw BenchFailure("a broker did not take a message")
            default: try body(frame)
            }
            incoming.drop(size + 8)
        }
    }
}

/// Publishes into one queue; a message is answered when the broker confirms it.
final class AMQPLine: SendingLine {
    private let connection: AMQPConnection
    private let out: OutgoingOctets
    /// The frames of one message, and where its token goes.
    private let template: [UInt8]
    private let tokenAt: Int
    /// All up to this one are confirmed, and these beyond it.
    private var confirmed: UInt64 = 0
    private var beyond: Set<UInt64> = []

    init(port: UInt16, user: String, queue: String, payload: [UInt8]) throws {
        connection = try AMQPConnection(port: port, user: user)
        try connection.ask(AMQPWriter.method(.confirmSelect) { $0.number(UInt8(0)) }, .confirmSelectOk)
        var frames = AMQPWriter.method(.publish) {
            $0.number(UInt16(0))
            $0.short("")
            $0.short(queue)
            $0.number(UInt8(0))
        }
        frames += AMQPWriter.frame(.header, channel: 1) {
            $0.number(UInt16(60))
            $0.number(UInt16(0))
            $0.number(UInt64(payload.count))
            // Delivery mode, which is 2: on disk.
            $0.number(UInt16(0x1000))
            $0.number(UInt8(2))
        }
        tokenAt = frames.count + 7
        let portion = connection.frameMax - 8
        for start in stride(from: 0, to: payload.count, by: portion) {
            let part = Array(payload[start..<min(start + portion, payload.count)])
            frames += AMQPWriter.frame(.body, channel: 1) { $0.raw(part) }
        }
        template = frames
        out = OutgoingOctets(connection.socket, capacity: max(frames.count * 2, 512 << 10))
    }

    var descriptor: Int32 { connection.socket.descriptor }
    var isEmpty: Bool { out.isEmpty }
    var hasRoom: Bool { out.hasRoom(template.count) }

    func add(token: UInt64) {
        out.add(template.count) { target in
            template.withUnsafeBytes { target.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
            target.storeBytes(of: token.bigEndian, toByteOffset: tokenAt, as: UInt64.self)
        }
    }

    func flush() throws { try out.flush() }

    func readAnswers() throws -> Int {
        var found = 0
        while try connection.read({ frame in
            guard frame.method == .ack else { return }
            found += confirm(frame.number(at: 4), upTo: frame.flag(at: 12))
        }) {}
        return found
    }

    private func confirm(_ tag: UInt64, upTo: Bool) -> Int {
        if upTo {
            guard tag > confirmed else { return 0 }
            let known = beyond.filter { $0 <= tag }
            beyond.subtract(known)
            let found = Int(tag - confirmed) - known.count
            confirmed = tag
            return found
        }
        guard tag > confirmed, beyond.insert(tag).inserted else { return 0 }
        while beyond.remove(confirmed + 1) != nil { confirmed += 1 }
        return 1
    }
}

/// Takes from one queue and acknowledges ranges: whatever has come by the time the socket is empty, and at most so many.
final class AMQPConsumer: Consumer {
    let end = "taken and acknowledged by a program behind C"
    private let taken: TakenTokens
    private let worker: Worker<Void>
    private let wake: Socket
    private static let prefetch: UInt16 = 2_000
    private static let range = 250

    init(port: UInt16, user: String, queue: String, into taken: TakenTokens) throws {
        let connection = try AMQPConnection(port: port, user: user)
        let qos = AMQPWriter.method(.qos) {
            $0.number(UInt32(0))
            $0.number(Self.prefetch)
            $0.number(UInt8(0))
        }
        try connection.ask(qos, .qosOk)
        try connection.send(
            AMQPWriter.method(.consume) {
                $0.number(UInt16(0))
                $0.short(queue)
                $0.short("bench")
                $0.number(UInt8(0))
                $0.number(UInt32(0))
            })
        self.taken = taken
        wake = connection.socket
        let body = ConsumerBody(connection, taken, range: Self.range)
        worker = Worker {
            do { try body.run() } catch { taken.failed(error) }
        }
    }

    func count() throws -> UInt64 { try taken.count() }
    var twice: UInt64 { taken.twice }

    func stop() {
        shutdown(wake.descriptor, Int32(SHUT_RDWR))
        try? worker.value()
    }
}

/// The consumer's thread.
private final class ConsumerBody: @unchecked Sendable {
    // @unchecked: made by one thread and used by another, one after the other.
    private let connection: AMQPConnection
    private let taken: TakenTokens
    private let range: Int
    /// Of the message that is coming, and of the last one that is here whole.
    private var tag: UInt64 = 0
    private var lastTag: UInt64 = 0
    private var unacknowledged = 0
    private var rest: UInt64 = 0
    private var token: UInt64 = 0
    private var hasToken = false

    init(_ connection: AMQPConnection, _ taken: TakenTokens, range: Int) {
        self.connection = connection
        self.taken = taken
        self.range = range
    }

    func run() throws {
        while true {
            _ = try connection.read(take)
            try acknowledge()
        }
    }

    private func take(_ frame: AMQPFrame) throws {
        switch (frame.kind, frame.method) {
        case (.method, .deliver):
            tag = frame.number(at: 5 + Int(frame.number(at: 4) as UInt8))
        case (.header, _):
            rest = frame.number(at: 4)
            hasToken = false
        case (.body, _):
            if !hasToken {
                token = frame.number(at: 0)
                hasToken = true
            }
            rest -= min(rest, UInt64(frame.body.count))
            guard rest == 0 else { return }
            taken.took(token)
            lastTag = tag
            unacknowledged += 1
            if unacknowledged >= range { try acknowledge() }
        default: break
        }
    }

    private func acknowledge() throws {
        guard unacknowledged > 0 else { return }
        unacknowledged = 0
        let tag = lastTag
        try connection.send(
            AMQPWriter.method(.ack) {
                $0.number(tag)
                $0.number(UInt8(1))
            })
    }
}
