// NATSLines: as much of the NATS protocol as a publisher with acknowledgements of its stream and a consumer need, over a plain
// socket of this machine: lines of text with octets behind some of them. Reads what a server of our own says.

import Glibc

/// One message that came.
struct NATSMessage {
    var subscription: Int
    /// Where an acknowledgement goes; empty for what needs none.
    var reply: String
    /// Valid only while it is looked at.
    var payload: UnsafeRawBufferPointer
}

/// A connection after its greeting.
final class NATSConnection {
    let socket: Socket
    private var incoming = IncomingOctets()

    init(port: UInt16) throws {
        socket = try Socket.loopback(port: port, listens: false)
        try send(
            "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\"protocol\":1}\r\n")
    }

    deinit { incoming.free() }

    func send(_ text: String) throws {
        try Array(text.utf8).withUnsafeBytes { try socket.writeAll($0) }
    }

    /// A question to the API of the server's streams, on a connection that has nothing else to do yet.
    func ask(_ subject: String, _ body: String) throws -> String {
        let inbox = "_INBOX.q"
        try send("SUB \(inbox) 9\r\nPUB \(subject) \(inbox) \(body.utf8.count)\r\n\(body)\r\n")
        var answer: String?
        while answer == nil {
            _ = try read { if $0.subscription == 9 { answer = String(decoding: $0.payload, as: UTF8.self) } }
        }
        try send("UNSUB 9\r\n")
        return answer ?? ""
    }

    /// Reads once and passes on each whole message; false when there was nothing to read.
    func read(_ body: (NATSMessage) throws -> Void) throws -> Bool {
        let isSome = try incoming.read(socket.descriptor)
        while true {
            let unread = incoming.unread
            guard let base = unread.baseAddress, let feed = memchr(base, 0x0A, unread.count) else { return isSome }
            let length = UnsafeRawPointer(feed) - base + 1
            let line = UnsafeRawBufferPointer(rebasing: unread[..<(length - 1)])
            switch unread[0] {
            case UInt8(ascii: "M"), UInt8(ascii: "H"):
                let words = line.split(whereSeparator: { $0 == 0x20 || $0 == 0x0D })
                guard words.count >= 4, let size = Self.number(words[words.count - 1]), let id = Self.number(words[2])
                else { throw BenchFailure("a server sent a message without its size") }
                guard unread.count >= length + size + 2 else { return isSome }
                let hasHeader = unread[0] == UInt8(ascii: "H")
                let header = hasHeader ? Self.number(words[words.count - 2]) ?? 0 : 0
                let reply = words.count == (hasHeader ? 6 : 5) ? String(decoding: words[3], as: UTF8.self) : ""
                let payload = UnsafeRawBufferPointer(rebasing: unread[(length + header)..<(length + size)])
                try body(NATSMessage(subscription: id, reply: reply, payload: payload))
                incoming.drop(length + size + 2)
            case UInt8(ascii: "P") where unread[1] == UInt8(ascii: "I"):
                try send("PONG\r\n")
                incoming.drop(length)
            case UInt8(ascii: "-"): throw BenchFailure("a server says \(String(decoding: line, as: UTF8.self))")
            default: incoming.drop(length)
            }
        }
    }

    private static func number(_ digits: Slice<UnsafeRawBufferPointer>) -> Int? {
        var value = 0
        for digit in digits {
            guard digit >= 0x30, digit <= 0x39, value < 1 << 32 else { return nil }
            value = value * 10 + Int(digit - 0x30)
        }
        return value
    }
}

/// Publishes by turns into streams; a message is answered when its stream has stored it.
final class NATSLine: SendingLine {
    private let connection: NATSConnection
    private let out: OutgoingOctets
    /// A whole message for each stream; the token stands behind its first line.
    private let templates: [[UInt8]]
    private let tokenAt: [Int]

    init(port: UInt16, number: Int, streams: Int, payload: [UInt8]) throws {
        connection = try NATSConnection(port: port)
        try connection.send("SUB _INBOX.l\(number) 1\r\n")
        let heads = (0..<streams).map { "PUB d.\($0) _INBOX.l\(number) \(payload.count)\r\n" }
        templates = heads.map { Array($0.utf8) + payload + [0x0D, 0x0A] }
        tokenAt = heads.map(\.utf8.count)
        out = OutgoingOctets(connection.socket, capacity: max((templates[0].count + 8) * 2, 512 << 10))
    }

    var descriptor: Int32 { connection.socket.descriptor }
    var isEmpty: Bool { out.isEmpty }
    /// Numbers of streams differ by a digit.
    var hasRoom: Bool { out.hasRoom(templates[0].count + 8) }

    func add(token: UInt64) {
        let stream = Int(token % UInt64(templates.count))
        out.add(templates[stream].count) { target in
            templates[stream].withUnsafeBytes { target.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
            target.storeBytes(of: token.bigEndian, toByteOffset: tokenAt[stream], as: UInt64.self)
        }
    }

    func flush() throws { try out.flush() }

    func readAnswers() throws -> Int {
        var found = 0
        while try connection.read({ message in
            guard message.subscription == 1 else { return }
            let text = String(decoding: message.payload, as: UTF8.self)
            guard text.hasPrefix("{\"stream\"") else { throw BenchFailure("a stream did not take a message: \(text)") }
            found += 1
        }) {}
        return found
    }
}

/// A durable consumer of each stream, by which the server pushes; one acknowledgement covers all before it in its stream.
final class NATSConsumer: Consumer {
    let end = "taken and acknowledged by a program behind C"
    private let taken: TakenTokens
    private let worker: Worker<Void>
    private let wake: Socket

    init(port: UInt16, streams: Int, into taken: TakenTokens) throws {
        let asking = try NATSConnection(port: port)
        let connection = try NATSConnection(port: port)
        for stream in 0..<streams { try connection.send("SUB _TAKE.\(stream) \(stream + 1)\r\n") }
        for stream in 0..<streams {
            let answer = try asking.ask(
                "$JS.API.CONSUMER.CREATE.S\(stream).bench",
                """
                {"stream_name":"S\(stream)","action":"create","config":{"name":"bench","durable_name":"bench",\
                "deliver_subject":"_TAKE.\(stream)","deliver_policy":"all","ack_policy":"all","ack_wait":60000000000,\
                "max_ack_pending":\(20_000 / streams)}}
                """)
            guard !answer.contains("\"error\"") else { throw BenchFailure("no consumer: \(answer)") }
        }
        self.taken = taken
        wake = connection.socket
        let body = NATSConsumerBody(connection, taken, streams: streams)
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
private final class NATSConsumerBody: @unchecked Sendable {
    // @unchecked: made by one thread and used by another, one after the other.
    private let connection: NATSConnection
    private let taken: TakenTokens
    /// What to acknowledge of each stream, and how much it covers.
    private var replies: [String]
    private var unacknowledged: [Int]
    private static let range = 250

    init(_ connection: NATSConnection, _ taken: TakenTokens, streams: Int) {
        self.connection = connection
        self.taken = taken
        replies = .init(repeating: "", count: streams)
        unacknowledged = .init(repeating: 0, count: streams)
    }

    func run() throws {
        while true {
            _ = try connection.read { message in
                let stream = message.subscription - 1
                guard replies.indices.contains(stream), !message.reply.isEmpty, message.payload.count >= 8 else {
                    return
                }
                taken.took(UInt64(bigEndian: message.payload.loadUnaligned(as: UInt64.self)))
                replies[stream] = message.reply
                unacknowledged[stream] += 1
                if unacknowledged[stream] >= Self.range { try acknowledge(stream) }
            }
            for stream in replies.indices { try acknowledge(stream) }
        }
    }

    private func acknowledge(_ stream: Int) throws {
        guard unacknowledged[stream] > 0 else { return }
        unacknowledged[stream] = 0
        try connection.send("PUB \(replies[stream]) 4\r\n+ACK\r\n")
    }
}
