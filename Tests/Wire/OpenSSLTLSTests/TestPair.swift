// TestPair: a client and a server, head to head on two embedded channels, with what came out at their inner ends.

import NIOCore
import NIOEmbedded
import OpenSSLTLS

/// The next handler: keeps what it gets.
final class Recorder: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    var received = ByteBuffer()
    var reads = 0
    var peer: PeerCertificate?
    var inputClosed: TLSInputClosed?
    var errors: [TLSError] = []
    var otherErrors = 0
    /// Called for each read; the bytes are kept unless it is set.
    var onRead: ((ChannelHandlerContext, ByteBuffer) -> Void)?

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = Self.unwrapInboundIn(data)
        reads += 1
        if let onRead { onRead(context, buffer) } else { received.writeBuffer(&buffer) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSHandshakeCompleted { peer = event.peer }
        if let event = event as? TLSInputClosed { inputClosed = event }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? TLSError { errors.append(error) } else { otherErrors += 1 }
    }

    var text: String { String(buffer: received) }
}

/// One end.
final class TestEnd {
    let channel = EmbeddedChannel()
    let recorder = Recorder()

    /// An active channel whose TLS begins at once.
    init(_ context: TLSContext, _ role: TLSRole, received: ByteBuffer? = nil, serverName: String? = nil) throws {
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "/peer")).wait()
        try channel.pipeline.syncOperations.addHandlers([
            TLSHandler(context: context, role: role, serverName: serverName, received: received), recorder,
        ])
    }

    deinit {
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }

    func output() throws -> ByteBuffer? {
        guard var all = try channel.readOutbound(as: ByteBuffer.self) else { return nil }
        while var next = try channel.readOutbound(as: ByteBuffer.self) { all.writeBuffer(&next) }
        return all
    }

    /// Feeds bytes, in parts of `part` bytes if given.
    func input(_ buffer: ByteBuffer, part: Int? = nil) throws {
        var buffer = buffer
        let part = part ?? max(1, buffer.readableBytes)
        while let slice = buffer.readSlice(length: min(part, buffer.readableBytes)), slice.readableBytes > 0 {
            channel.pipeline.syncOperations.fireChannelRead(NIOAny(slice))
            channel.pipeline.syncOperations.fireChannelReadComplete()
        }
    }

    /// The network ends.
    func cut() { channel.pipeline.syncOperations.fireChannelInactive() }

    func write(_ text: String) { channel.writeAndFlush(ByteBuffer(string: text), promise: nil) }
}

final class TestPair {
    let client: TestEnd
    let server: TestEnd

    init(_ clientContext: TLSContext, _ serverContext: TLSContext) throws {
        client = try TestEnd(clientContext, .client)
        server = try TestEnd(serverContext, .server)
    }

    /// Carries bytes both ways until both are quiet.
    func pump(part: Int? = nil) throws {
        var isBusy = true
        while isBusy {
            isBusy = false
            if let bytes = try client.output() {
                isBusy = true
                try server.input(bytes, part: part)
            }
            if let bytes = try server.output() {
                isBusy = true
                try client.input(bytes, part: part)
            }
        }
    }
}

/// A small seeded generator (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(count + 8)
        while result.count < count { withUnsafeBytes(of: next()) { result.append(contentsOf: $0) } }
        return Array(result.prefix(count))
    }
}
