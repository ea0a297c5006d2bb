// StalledReader: drops a client that does not take its answer. It stands in each connection's pipeline, on its event loop: from the
// moment at which as much waits for the socket as a connection may hold until the client has taken most of it, a clock runs. A client that
// takes its answer slowly is not stopped; one that stopped reading is closed, and what was kept for it is let go.

import Logging
import NIOCore

final class StalledReader: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Any

    private let patience: TimeAmount
    private let logger: Logger
    private var timer: Scheduled<Void>?

    init(patience: TimeAmount, logger: Logger) {
        self.patience = patience
        self.logger = logger
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        if !context.channel.isWritable, context.channel.isActive {
            let (channel, logger) = (context.channel, logger)
            timer = context.eventLoop.scheduleTask(in: patience) {
                logger.notice(
                    "control: a client that does not read its answer was dropped", metadata: .event(.clientDropped))
                channel.close(promise: nil)
            }
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
    }
}
