// AcceptPause: what a listening socket does when the system gives no descriptor or no memory for a connection: nothing for a moment,
// and then it goes on. Without it the event loop would be told again at once that somebody waits, for ever, on half a core. It stands
// first in the listening channel's pipeline, on its event loop. Other errors are handed on.

import Glibc
import NIOCore

public final class AcceptPause: ChannelInboundHandler {
    public typealias InboundIn = Any

    /// Between two tries.
    static let pause = TimeAmount.milliseconds(500)

    private let happened: @Sendable (_ why: String) -> Void

    /// `happened`: told each time, at most twice a second.
    public init(happened: @escaping @Sendable (_ why: String) -> Void) { self.happened = happened }

    public func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode) else {
            return context.fireErrorCaught(error)
        }
        happened(String(cString: strerror(error.errnoCode)))
        let channel = context.channel
        channel.setOption(.autoRead, value: false).whenSuccess {
            channel.eventLoop.scheduleTask(in: Self.pause) {
                channel.setOption(.autoRead, value: true).whenFailure { _ in }
            }
        }
    }
}
