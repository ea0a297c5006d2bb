// TLSHandler: puts TLS between a channel and the next handler. It runs TLSLifecycle and TLSConnection and does
// nothing else: bytes from the network → connection → plaintext for the next handler, and back. Everything on the
// channel's event loop. It can be added to a live pipeline: the handshake begins at once, with the bytes that were
// left over.
//
// How it fails: with `errorCaught(TLSError)`, once, after which it sends the alert and closes the channel. The end of
// the input after the handshake is an event (TLSInputClosed), not an error: what a cut means is the next handler's to
// judge.

import NIOCore

/// TLS for one channel.
///
/// The next handler waits for `TLSHandshakeCompleted`, answers `TLSInputClosed` by closing the channel, and writes
/// ByteBuffers. Back-pressure goes by the channel's own writability, which passes through.
public final class TLSHandler: ChannelDuplexHandler {
    public typealias InboundIn = ByteBuffer
    public typealias InboundOut = ByteBuffer
    public typealias OutboundIn = ByteBuffer
    public typealias OutboundOut = ByteBuffer

    /// The times that a handler waits.
    public struct Limits: Sendable {
        /// From the start of the handshake to its end.
        public var handshakeTime: TimeAmount
        /// From a close until close_notify is written; then the channel is closed without it.
        public var closeTime: TimeAmount

        public init(handshakeTime: TimeAmount = .seconds(30), closeTime: TimeAmount = .seconds(5)) {
            self.handshakeTime = handshakeTime
            self.closeTime = closeTime
        }
    }

    /// What may be written before the handshake is complete; more is refused.
    public static let earlyBytesMax = 1 << 20
    /// The most plaintext in one TLS record (RFC 8446, 5.1).
    static let recordBytesMax = 16_384
    /// What a record adds: header 5, content type 1, tag 16.
    static let recordOverhead = 22
    /// The plaintext in one outgoing buffer: 15 records and their overhead fit into 256 KiB.
    static let pieceBytesMax = 15 * recordBytesMax
    /// Writes up to this size are copied together into one record.
    static let smallBytesMax = 4_096
    /// The largest buffer of plaintext handed on.
    static let inputBytesMax = 256 << 10

    private let tls: TLSContext
    private let role: TLSRole
    private let serverName: String?
    private let limits: Limits

    private var lifecycle = TLSLifecycle()
    private var connection: TLSConnection?
    /// Bytes that came before the handshake could begin.
    private var early: ByteBuffer?
    private var queue = PlaintextQueue()
    /// Small writes on their way into one record.
    private var small = ByteBuffer()
    private var timer: Scheduled<Void>?
    private var closePromise: EventLoopPromise<Void>?
    private var isDelivering = false
    private var isEncrypting = false
    /// The next handler has asked for data and got none yet: bytes of the protocol itself do not count.
    private var isReadWanted = false

    /// - Parameters:
    ///   - context: The node's settings.
    ///   - role: Which side of the handshake this is.
    ///   - serverName: On a client, the DNS name for the server_name extension; address literals are not sent.
    ///   - received: Bytes that came after the contact header and belong to the handshake.
    public init(
        context: TLSContext, role: TLSRole, serverName: String? = nil, received: ByteBuffer? = nil,
        limits: Limits = Limits()
    ) {
        tls = context
        self.role = role
        self.serverName = serverName
        self.limits = limits
        early = received
    }

    // MARK: The channel's life

    public func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { start(context) }
    }

    public func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        failWrites(ChannelError.ioOnClosedChannel)
        closePromise?.fail(ChannelError.alreadyClosed)
        closePromise = nil
        connection = nil
    }

    public func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        start(context)
    }

    public func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        switch lifecycle.connectionEnded() {
        case .announce(let clean): context.fireUserInboundEventTriggered(TLSInputClosed(clean: clean))
        case .handshakeInterrupted: context.fireErrorCaught(Self.handshakeInterrupted)
        case .ignore: break
        }
        failWrites(ChannelError.ioOnClosedChannel)
        connection = nil
        context.fireChannelInactive()
    }

    private func start(_ context: ChannelHandlerContext) {
        guard case .beginHandshake = lifecycle.started() else { return }
        do throws(TLSError) {
            connection = try TLSConnection(
                context: tls, role: role, serverName: serverName, allocator: context.channel.allocator)
        } catch {
            return fail(context, error)
        }
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: limits.handshakeTime) {
            self.fail(context, TLSError(.handshakeTimedOut, "the handshake took too long"))
        }
        if let early {
            connection?.transport.receive(early)
            self.early = nil
        }
        advanceHandshake(context)
    }

    // MARK: Inbound

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = Self.unwrapInboundIn(data)
        if lifecycle.isIdle {
            var buffer = buffer
            early.setOrWriteBuffer(&buffer)
        } else if lifecycle.isHandshaking {
            connection?.transport.receive(buffer)
            advanceHandshake(context)
        } else if lifecycle.canRead {
            connection?.transport.receive(buffer)
            deliver(context)
        }
        // Otherwise the input is over; what still comes belongs to nobody.
    }

    public func channelReadComplete(context: ChannelHandlerContext) {
        // A channel that reads only when asked must be asked again when all that came was protocol.
        if isReadWanted || lifecycle.isHandshaking || lifecycle.isClosing { context.read() }
        context.fireChannelReadComplete()
    }

    public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            inputEnded(context, lifecycle.connectionInputEnded())
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func advanceHandshake(_ context: ChannelHandlerContext) {
        guard let connection else { return }
        let result = connection.handshake()
        switch result {
        case .incomplete:
            sendOutbound(context)
            context.read()
        case .failed(let error):
            fail(context, error)
        case .complete:
            timer?.cancel()
            timer = nil
            sendOutbound(context)
            guard let peer = connection.peerCertificate() else {
                return fail(context, TLSError(.certificateInvalid, "the peer's certificate cannot be read"))
            }
            guard case .announce = lifecycle.handshakeCompleted() else { return }
            context.fireUserInboundEventTriggered(TLSHandshakeCompleted(peer: peer))
            encryptFlushed(context)
            deliver(context)
        }
    }

    /// Decrypts all that is there, into as few buffers as possible, and hands them on.
    private func deliver(_ context: ChannelHandlerContext) {
        // The next handler may cause more input while it is called: the loop below takes that, too.
        guard !isDelivering else { return }
        isDelivering = true
        defer { isDelivering = false }
        var isMore = true
        while isMore, lifecycle.canRead, let connection {
            let capacity = min(max(connection.plaintextBound, 256), Self.inputBytesMax)
            var buffer = context.channel.allocator.buffer(capacity: capacity)
            let result = Self.fill(&buffer, from: connection)
            if buffer.readableBytes > 0 {
                isReadWanted = false
                context.fireChannelRead(Self.wrapInboundOut(buffer))
            }
            switch result {
            case .complete(.bytes):
                break
            case .incomplete:
                // What came in while the next handler was called is in the transport.
                isMore = connection.transport.inboundBytes > 0
            case .complete(.end):
                inputEnded(context, lifecycle.closeNotifyReceived())
            case .failed(let error):
                fail(context, error)
            }
        }
        if let connection {
            connection.transport.releaseReadInput(context.channel.allocator)
            // Answers of the protocol itself, such as to a key update.
            sendOutbound(context)
        }
    }

    /// Reads until the buffer is full (`complete(.bytes)`) or nothing more can be read now.
    private static func fill(
        _ buffer: inout ByteBuffer, from connection: TLSConnection
    ) -> TLSResult<TLSConnection.Input> {
        while buffer.writableBytes > 0 {
            let result = buffer.withUnsafeMutableWritableBytes { connection.read(into: $0) }
            guard case .complete(.bytes(let count)) = result else { return result }
            buffer.moveWriterIndex(forwardBy: count)
        }
        return .complete(.bytes(buffer.readableBytes))
    }

    private func inputEnded(_ context: ChannelHandlerContext, _ result: TLSLifecycle.InputEndResult) {
        switch result {
        case .announce(let clean):
            context.fireUserInboundEventTriggered(TLSInputClosed(clean: clean))
        case .handshakeInterrupted:
            fail(context, Self.handshakeInterrupted)
        case .ignore:
            break
        }
    }

    private static let handshakeInterrupted = TLSError(
        .handshakeInterrupted, "the connection ended during the handshake")

    // MARK: Outbound

    public func read(context: ChannelHandlerContext) {
        isReadWanted = true
        context.read()
    }

    public func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard lifecycle.takesWrites else {
            promise?.fail(TLSError(.alreadyClosed, "the session is closed"))
            return
        }
        let buffer = Self.unwrapOutboundIn(data)
        if !lifecycle.canWrite, buffer.readableBytes > Self.earlyBytesMax - queue.bytes {
            promise?.fail(TLSError(.tooMuchBuffered, "more than \(Self.earlyBytesMax) bytes before the handshake"))
            return
        }
        queue.append(buffer, promise: promise)
    }

    public func flush(context: ChannelHandlerContext) {
        queue.markFlushed()
        encryptFlushed(context)
    }

    /// Encrypts all that is flushed and sends it: few SSL_write_ex calls, few buffers, one flush.
    private func encryptFlushed(_ context: ChannelHandlerContext) {
        guard lifecycle.canWrite, !isEncrypting, queue.hasFlushed, let connection else { return }
        isEncrypting = true
        defer { isEncrypting = false }
        var piece = OutgoingPiece(connection: connection)
        piece.prepare(forRemaining: queue.flushedBytes)
        while let entry = queue.takeFlushed() {
            do throws(TLSError) {
                try encrypt(entry.buffer, into: &piece, context)
            } catch {
                piece.failPromises(error)
                entry.promise?.fail(error)
                return fail(context, error)
            }
            if let promise = entry.promise { piece.promises.append(promise) }
        }
        do throws(TLSError) {
            try piece.encrypt(&small)
        } catch {
            piece.failPromises(error)
            return fail(context, error)
        }
        piece.write(context)
        context.flush()
    }

    private func encrypt(
        _ buffer: ByteBuffer, into piece: inout OutgoingPiece, _ context: ChannelHandlerContext
    ) throws(TLSError) {
        var buffer = buffer
        if buffer.readableBytes <= Self.smallBytesMax {
            if small.readableBytes + buffer.readableBytes > Self.recordBytesMax { try piece.encrypt(&small) }
            small.writeBuffer(&buffer)
            return
        }
        try piece.encrypt(&small)
        while buffer.readableBytes > 0 {
            if piece.isFull {
                piece.write(context)
                piece.prepare(forRemaining: buffer.readableBytes + queue.flushedBytes)
            }
            try piece.encryptPart(of: &buffer)
        }
    }

    /// Writes and flushes what the connection itself has to say: handshake messages, alerts.
    private func sendOutbound(_ context: ChannelHandlerContext, promise: EventLoopPromise<Void>? = nil) {
        guard let bytes = connection?.transport.takeOutbound() else {
            promise?.succeed(())
            return
        }
        context.writeAndFlush(Self.wrapOutboundOut(bytes), promise: promise)
    }

    // MARK: Closing

    public func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch mode {
        case .all:
            closeAll(context, promise)
        case .output:
            closeOutput(context, promise)
        case .input:
            // TLS has no way to say that nothing more will be read.
            promise?.fail(ChannelError.operationUnsupported)
        }
    }

    private func closeAll(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        switch lifecycle.closeRequested() {
        case .sendCloseNotify:
            failWrites(ChannelError.ioOnClosedChannel)
            _ = connection?.sendCloseNotify()
            closeAfterLastBytes(context, promise)
        case .close:
            timer?.cancel()
            timer = nil
            failWrites(ChannelError.ioOnClosedChannel)
            context.close(promise: promise)
        case .join:
            joinClosing(promise)
        }
    }

    private func closeOutput(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        guard case .sendCloseNotify = lifecycle.outputCloseRequested() else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        failWrites(ChannelError.outputClosed)
        _ = connection?.sendCloseNotify()
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { _ in context.close(mode: .output, promise: promise) }
        sendOutbound(context, promise: sent)
    }

    /// Reports an error once, sends the alert that OpenSSL has made of it, and closes the channel.
    private func fail(_ context: ChannelHandlerContext, _ error: TLSError) {
        guard case .report = lifecycle.failed() else { return }
        failWrites(error)
        context.fireErrorCaught(error)
        closeAfterLastBytes(context, nil)
    }

    /// A close would drop what the socket has not taken yet, close_notify or the alert with it: so it comes after them,
    /// or after `closeTime` if the peer does not read.
    private func closeAfterLastBytes(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        timer?.cancel()
        joinClosing(promise)
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: limits.closeTime) { self.closeNow(context) }
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { _ in self.closeNow(context) }
        sendOutbound(context, promise: sent)
    }

    private func closeNow(_ context: ChannelHandlerContext) {
        guard lifecycle.isClosing else { return }
        lifecycle.lastBytesSent()
        timer?.cancel()
        timer = nil
        let promise = closePromise
        closePromise = nil
        context.close(promise: promise)
    }

    private func joinClosing(_ promise: EventLoopPromise<Void>?) {
        guard let promise else { return }
        if let closePromise {
            closePromise.futureResult.cascade(to: promise)
        } else {
            closePromise = promise
        }
    }

    private func failWrites(_ error: any Error) {
        for promise in queue.removeAll() { promise.fail(error) }
    }
}

@available(*, unavailable)
extension TLSHandler: Sendable {}
