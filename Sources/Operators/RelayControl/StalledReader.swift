// StalledReader: drops a client that does not take its answer. It stands in each connection's pipeline, on its event loop: from the
// moment at which as much waits for the socket as a connection may hold until the client has taken most of it, a clock runs. A client that
// takes its answer slowly is not stopped; one that stopped reading is closed, and what was kept for it is let go.

import NIOCore

public final class StalledReader: ChannelInboundHandler, RemovableChannelHandler {
    public typealias InboundIn = Any

    private let patience: TimeAmount
    private let entered: @Sendable () -> Void
    private var timer: Scheduled<Void>?

    /// `entered`: that it is dropped, right before.
    public init(patience: TimeAmount, entered: @escaping @Sendable () -> Void) {
        self.patience = patience
        self.entered = entered
    }

    public func channelWritabilityChanged(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        if !context.channel.isWritable, context.channel.isActive {
            let (channel, entered) = (context.channel, entered)
            timer = context.eventLoop.scheduleTask(in: patience) {
                entered()
                channel.close(promise: nil)
            }
        }
        context.fireChannelWritabilityChanged()
    }

    public func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        context.fireChannelInactive()
    }

    public func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
    }
}
