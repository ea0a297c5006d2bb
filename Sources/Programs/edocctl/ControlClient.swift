// ControlClient: one HTTP/1.1 exchange with the daemon over its Unix socket, with SwiftNIO. It owns the connection for the time
// of the exchange. Bodies stream both ways: neither a document sent nor one fetched is ever held. An answer that comes while
// the body is still being sent ends the sending. Fails by `ClientError`.

import ControlAPI
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import RelayControl

/// Why there is no answer.
enum ClientError: Error, Hashable {
    /// Nobody listens.
    case unreachable(socket: String)
    /// The file mode forbids connecting.
    case notPermitted(socket: String)
    /// Somebody listens, and does not answer.
    case silent
    /// The daemon said no, or cannot.
    case refused(status: UInt, ErrorAnswer)
    /// The connection broke, or the answer makes no sense.
    case broken(String)
}

extension ErrorAnswer: Hashable {
    public static func == (left: ErrorAnswer, right: ErrorAnswer) -> Bool {
        left.error == right.error && left.problems == right.problems
    }
    public func hash(into hasher: inout Hasher) { hasher.combine(error) }
}

struct ControlClient: Sendable {
    /// Hands over the next bytes of a body; empty at the end.
    typealias Source = @Sendable () async throws -> ByteBuffer
    /// Takes the next bytes of an answer.
    typealias Sink = @Sendable (ByteBuffer) async throws -> Void

    let socket: String
    /// The pages over the store of a stopped daemon, instead of a daemon.
    var offline: OfflineControl?

    func get(_ uri: String) async throws -> [UInt8] {
        try await patiently(isLong: false) { try await answer(.GET, uri, length: nil, from: nil) }
    }

    /// `isLong`: it may take its time, as long as the daemon answers others meanwhile.
    func post(_ uri: String, json: [UInt8], isLong: Bool = false) async throws -> [UInt8] {
        try await patiently(isLong: isLong) {
            let body = Parts(ByteBuffer(bytes: json))
            return try await answer(.POST, uri, length: UInt64(json.count)) { await body.next() }
        }
    }

    /// How long an answer is waited for, in seconds; tests shorten it.
    private static let patience: Int = {
        let given = getenv("EDOC_PATIENCE").flatMap { Int(String(cString: $0)) } ?? 30
        return max(1, given)
    }()

    private func patiently(
        isLong: Bool, _ body: @escaping @Sendable () async throws -> [UInt8]
    ) async throws -> [UInt8] {
        guard offline == nil else { return try await body() }
        return try await withThrowingTaskGroup(of: [UInt8].self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: .seconds(Self.patience))
                while isLong {
                    do {
                        _ = try await Patience.within(seconds: Self.patience) {
                            try await answer(.GET, ControlPath.health, length: nil, from: nil)
                        }
                    } catch is Patience.Over {
                        break
                    } catch ClientError.refused {
                        // An answer, too: not everybody may see.
                    }
                    try await Task.sleep(for: .seconds(Self.patience))
                }
                throw ClientError.silent
            }
            defer { group.cancelAll() }
            guard let answer = try await group.next() else { throw ClientError.silent }
            return answer
        }
    }

    /// Sends `length` bytes as the body.
    func post(
        _ uri: String, length: UInt64, headers: [(name: String, value: String)] = [], from source: @escaping Source
    ) async throws -> [UInt8] {
        try await answer(.POST, uri, length: length, headers: headers, from: source)
    }

    /// Hands the answer's body on as it comes; answers how many bytes there were.
    func fetch(_ uri: String, into sink: @escaping Sink) async throws -> UInt64 {
        try await exchange(.GET, uri, length: nil, from: nil, into: sink)
    }

    /// The whole answer, which is bounded.
    private func answer(
        _ method: HTTPMethod, _ uri: String, length: UInt64?, headers: [(name: String, value: String)] = [],
        from source: Source?
    ) async throws -> [UInt8] {
        let collected = Collected()
        _ = try await exchange(method, uri, length: length, headers: headers, from: source) {
            try await collected.add($0)
        }
        return await collected.bytes
    }

    private func exchange(
        _ method: HTTPMethod, _ uri: String, length: UInt64?, headers: [(name: String, value: String)] = [],
        from source: Source?, into sink: @escaping Sink
    ) async throws -> UInt64 {
        if let offline {
            let (status, bytes) = try await offline.answer(method.rawValue, uri)
            guard status < 300 else { throw Self.refusal(.init(statusCode: Int(status)), bytes) }
            try await sink(ByteBuffer(bytes: bytes))
            return UInt64(bytes.count)
        }
        let channel = try await connect()
        return try await channel.executeThenClose { inbound, outbound in
            var head = HTTPRequestHead(version: .http1_1, method: method, uri: uri)
            head.headers.add(name: "Host", value: "localhost")
            head.headers.add(name: "Connection", value: "close")
            if let length { head.headers.add(name: "Content-Length", value: String(length)) }
            for header in headers { head.headers.add(name: header.name, value: header.value) }
            let first = head
            return try await withThrowingTaskGroup(of: UInt64?.self) { group in
                group.addTask {
                    try await send(first, length: length ?? 0, from: source, outbound)
                    return nil
                }
                group.addTask { try await receive(inbound, into: sink) }
                defer { group.cancelAll() }
                while let result = try await group.next() {
                    if let result { return result }
                }
                throw ClientError.broken("no answer")
            }
        }
    }

    /// When the daemon hangs up or the exchange is over, the rest of a body is not sent: the answer says why.
    private func send(
        _ head: HTTPRequestHead, length: UInt64, from source: Source?,
        _ outbound: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>
    ) async throws {
        func write(_ part: HTTPClientRequestPart) async -> Bool { (try? await outbound.write(part)) != nil }
        guard await write(.head(head)) else { return }
        if let source {
            var sent: UInt64 = 0
            while case let bytes = try await source(), bytes.readableBytes > 0 {
                sent += UInt64(bytes.readableBytes)
                guard sent <= length else { break }
                guard await write(.body(.byteBuffer(bytes))) else { return }
            }
            guard sent == length else { throw FileError("the file changed while it was sent; nothing was submitted") }
        }
        _ = await write(.end(nil))
    }

    private func receive(
        _ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>, into sink: Sink
    ) async throws -> UInt64 {
        var status: HTTPResponseStatus?
        var count: UInt64 = 0
        let refusal = Collected()
        do {
            for try await part in inbound {
                switch part {
                case .head(let head): status = head.status.code >= 200 ? head.status : nil
                case .body(let bytes):
                    guard let status, status.code < 300 else {
                        try await refusal.add(bytes)
                        continue
                    }
                    count += UInt64(bytes.readableBytes)
                    try await sink(bytes)
                case .end:
                    guard let status else { throw ClientError.broken("an answer without a status") }
                    guard status.code >= 300 else { return count }
                    throw await Self.refusal(status, refusal.bytes)
                }
            }
        } catch let error as IOError {
            throw ClientError.broken("the connection broke: \(String(cString: strerror(error.errnoCode)))")
        } catch is HTTPParserError {
            throw ClientError.broken("the daemon broke off in the middle of its answer; look at its log")
        }
        throw ClientError.broken("the daemon broke off in the middle of its answer; look at its log")
    }

    private static func refusal(_ status: HTTPResponseStatus, _ bytes: [UInt8]) -> ClientError {
        let answer = try? ControlJSON.answer(ErrorAnswer.self, from: bytes)
        return .refused(status: status.code, answer ?? ErrorAnswer(error: "HTTP \(status.code) \(status.reasonPhrase)"))
    }

    private func connect() async throws -> NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart> {
        do {
            return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(unixDomainSocketPath: socket) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        return try NIOAsyncChannel(
                            wrappingChannelSynchronously: channel,
                            configuration: .init(isOutboundHalfClosureEnabled: true))
                    }
                }
        } catch let error as IOError where error.errnoCode == EACCES || error.errnoCode == EPERM {
            throw ClientError.notPermitted(socket: socket)
        } catch {
            throw ClientError.unreachable(socket: socket)
        }
    }
}

/// Bytes of a bounded answer.
private actor Collected {
    private(set) var bytes: [UInt8] = []

    func add(_ buffer: ByteBuffer) throws {
        guard bytes.count + buffer.readableBytes <= ControlJSON.answerBytesMax else {
            throw ClientError.broken("the answer is longer than \(ControlJSON.answerBytesMax) bytes")
        }
        bytes.append(contentsOf: buffer.readableBytesView)
    }
}

/// A body that is there already.
private actor Parts {
    private var rest: ByteBuffer

    init(_ buffer: ByteBuffer) { rest = buffer }

    func next() -> ByteBuffer {
        defer { rest = ByteBuffer() }
        return rest
    }
}
