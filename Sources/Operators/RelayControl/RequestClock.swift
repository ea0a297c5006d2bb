// RequestClock: how long a client may take for one request, however steadily it sends. It stands first in a connection's pipeline, on its event
// loop: from the first octets behind an answer until the next answer begins a clock runs. StalledReader is the same for the way back.

import NIOCore

public final class RequestClock: ChannelDuplexHandler, RemovableChannelHandler {
    public typealias InboundIn = Any
    public typealias OutboundIn = Any

    private let patience: TimeAmount
    private let entered: @Sendable () -> Void
    private var timer: Scheduled<Void>?

    /// `entered`: that it is dropped, right before.
    public init(patience: TimeAmount, entered: @escaping @Sendable () -> Void) {
        self.patience = patience
        self.entered = entered
    }

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if timer == nil {
            let (channel, entered) = (context.channel, entered)
            timer = context.eventLoop.scheduleTask(in: patience) {
                entered()
                channel.close(promise: nil)
            }
        }
        context.fireChannelRead(data)
    }

    public func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        stop()
        context.write(data, promise: promise)
    }

    public func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    public func handlerRemoved(context: ChannelHandlerContext) { stop() }

    private func stop() {
        timer?.cancel()
        timer = nil
    }
}
