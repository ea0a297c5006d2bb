// RawChannel: a TCP connection from the test's side: octets in, octets out, TLS put on at a moment of the test's choosing. What
// comes is queued by the event loop and taken by the test's thread, which waits for at most half a minute.

import Foundation
import NIOCore
import NIOPosix
import OpenSSLTLS

/// What a connection brings.
enum RawInput: Sendable {
    case bytes(ByteBuffer)
    case secured
    case failed(String)
    /// The peer has ended its direction, or the connection is gone.
    case ended
}

/// A queue between the event loop and the thread of a test.
final class RawQueue: @unchecked Sendable {
    // @unchecked: `inputs` is touched under `condition` only.
    private let condition = NSCondition()
    private var inputs: [RawInput] = []

    func put(_ input: RawInput) {
        condition.lock()
        inputs.append(input)
        condition.signal()
        condition.unlock()
    }

    func take(seconds: Double) -> RawInput? {
        condition.lock()
        defer { condition.unlock() }
        let end = Date(timeIntervalSinceNow: seconds)
        while inputs.isEmpty {
            guard condition.wait(until: end) else { return inputs.isEmpty ? nil : inputs.removeFirst() }
        }
        return inputs.removeFirst()
    }
}

private final class RawHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let queue: RawQueue
    init(_ queue: RawQueue) { self.queue = queue }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { queue.put(.bytes(Self.unwrapInboundIn(data))) }
    func channelInactive(context: ChannelHandlerContext) { queue.put(.ended) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { queue.put(.failed("\(error)")) }
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is TLSHandshakeCompleted { queue.put(.secured) }
        if event is TLSInputClosed { queue.put(.ended) }
    }
}

final class RawChannel {
    let queue = RawQueue()
    private let channel: any Channel

    init(port: Int) throws {
        let queue = queue
        channel = try ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(RawHandler(queue))
                }
            }
            .connect(host: "127.0.0.1", port: port).wait()
    }

    deinit { channel.close(promise: nil) }

    func write(_ buffer: ByteBuffer) { channel.writeAndFlush(buffer, promise: nil) }

    func close() { channel.close(promise: nil) }

    /// Begins the handshake as the client; `received` came behind the contact header.
    func secure(_ tls: TLSContext, received: ByteBuffer?) throws {
        try channel.eventLoop.submit { [channel] in
            let handler = TLSHandler(context: tls, role: .client, received: received)
            try channel.pipeline.syncOperations.addHandler(handler, position: .first)
        }.wait()
    }
}
