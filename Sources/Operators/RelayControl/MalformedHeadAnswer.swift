// MalformedHeadAnswer: what is no HTTP gets its answer from the library, with nothing in it; here it gets the body that every error has. It
// stands in each connection's pipeline, on its event loop. Every other answer of 400 has a body already.

import ControlAPI
import HTTPTypes
import NIOCore
import NIOHTTPTypes

final class MalformedHeadAnswer: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(var head) = unwrapOutboundIn(data), head.status == .badRequest,
            head.headerFields[.contentLength] == "0"
        else { return context.write(data, promise: promise) }
        let error = ControlError.badRequest("the request is not HTTP that can be understood")
        let bytes = (try? ControlJSON.bytes(ErrorAnswer(error: error.error, code: error.stableCode))) ?? []
        head.headerFields[.contentType] = "application/json"
        head.headerFields[.contentLength] = String(bytes.count)
        context.write(wrapOutboundOut(.head(head)), promise: promise)
        context.write(wrapOutboundOut(.body(context.channel.allocator.buffer(bytes: bytes))), promise: nil)
    }
}
