// BulkSubmission: the submission socket. One handler a connection, on an event loop: frames in, engine inputs out, answers back
// after their commit. No task and no promise per envelope.
//
// Failures: a malformed frame is answered with a sentence and ends the connection; what was not complete is dropped, what was
// complete is answered or lost with the connection, and then found again by its document ID. A client that leaves its answers unread, or
// stops in the middle of a frame, is dropped after a while: it would keep a place from others for ever. Between two frames it may be
// silent as long as it likes.

import Glibc
import Logging
import NIOCore
import OpenSSLTLS
import RelayControl
import RelayCore
import RelayEngine
import RelayModel
import RelaySession

/// What the handler needs of its node.
public struct BulkSurroundings: Sendable {
    public var engine: EngineThread
    public var desk: SubmissionDesk
    public var tickets: TicketSource
    /// May this user (and its groups) submit as this agency?
    public var maySubmit: @Sendable (uid_t, gid_t, AgencyCode) -> Bool
    /// As any agency at all?
    public var maySubmitAtAll: @Sendable (uid_t, gid_t) -> Bool
    public var canonical: @Sendable (String) -> AgencyCode?
    /// How long a client may leave an answer unread or a frame unfinished.
    public var patience: TimeAmount
    /// How long it may take for one frame, however steadily it sends.
    public var framePatience: TimeAmount
    public var drops: ClientDrops
    public var logger: Logger
}

final class BulkHandler: LocalConnection, SubmissionWaiter, @unchecked Sendable {
    // @unchecked: everything but `loop` and `context` is touched on the channel's event loop only; `answered` hops there.
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let surroundings: BulkSurroundings
    private let user: (uid: uid_t, gid: gid_t)
    private let loop: any EventLoop
    private var context: ChannelHandlerContext?
    private var input = ByteBuffer()
    private var open: OpenEnvelope?
    private var tokens: [Ticket: UInt64] = [:]
    private var batch: [EngineInput] = []
    private var isPaused = false
    /// When octets came last, and who looks whether more have come.
    private var lastRead = NIODeadline.now()
    /// There is nobody whom this user may submit as; set before the connection is there.
    var isUnwelcome = false
    /// When the frame began that is coming in.
    private var frameBegan: NIODeadline?
    private var look: Scheduled<Void>?

    private struct OpenEnvelope {
        var ticket: Ticket
        var left: UInt64
        var hasher: SHA256Hasher?
    }

    init(_ surroundings: BulkSurroundings, user: (uid: uid_t, gid: gid_t), loop: any EventLoop) {
        self.surroundings = surroundings
        self.user = user
        self.loop = loop
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelActive(context: ChannelHandlerContext) {
        if isUnwelcome { sendAway(context) }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isUnwelcome else { return }
        var buffer = unwrapInboundIn(data)
        if input.readableBytes == 0 { input = buffer } else { input.writeBuffer(&buffer) }
        consume(context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        post()
        lastRead = .now()
        frameBegan = isInFrame ? frameBegan ?? lastRead : nil
        watch(context)
        if surroundings.engine.gauge.isHigh || !context.channel.isWritable { pause(context) }
    }

    /// A caller that does not read its answers is not read either.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { resume() }
        context.fireChannelWritabilityChanged()
    }

    /// Looks later, once for many reads, whether the client goes on with its frame. While this node does not read, it does not count.
    private func watch(_ context: ChannelHandlerContext) {
        guard look == nil, isInFrame else { return }
        let frameEnds = (frameBegan ?? lastRead) + surroundings.framePatience
        look = loop.scheduleTask(deadline: min(lastRead + surroundings.patience, frameEnds)) { [self] in
            look = nil
            guard let context = self.context, isInFrame, !isPaused else { return }
            let now = NIODeadline.now()
            let isTooLong = frameBegan.map { now - $0 >= surroundings.framePatience } ?? false
            guard isTooLong || now - lastRead >= surroundings.patience else { return watch(context) }
            surroundings.drops.drop(
                .submission, isTooLong ? .tookTooLong : .stoppedInFrame, user: user.uid, logger: surroundings.logger)
            context.close(promise: nil)
        }
    }

    private var isInFrame: Bool { open != nil || input.readableBytes > 0 }

    func channelInactive(context: ChannelHandlerContext) {
        look?.cancel()
        look = nil
        if let open { batch.append(.submissionAbandoned(open.ticket)) }
        open = nil
        post()
        for ticket in tokens.keys { surroundings.desk.forget(ticket) }
        self.context = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func consume(_ context: ChannelHandlerContext) {
        while true {
            if var envelope = open {
                guard take(&envelope) else { return }
                continue
            }
            do throws(BulkRequest.Fault) {
                guard let request = try BulkRequest.read(from: &input) else { break }
                begin(request, context)
            } catch {
                batch.append(.event(.refusedOutside(.submissionRefused(SubmissionRefusal.badRequest.rawValue))))
                answer(.refused(token: 0, text: "badRequest\n\(error.rawValue)"), context)
                context.flush()
                context.close(promise: nil)
                return
            }
        }
        input.discardReadBytes()
    }

    /// Passes payload on; false when more octets are needed.
    private func take(_ envelope: inout OpenEnvelope) -> Bool {
        let count = Int(clamping: min(UInt64(input.readableBytes), envelope.left))
        if count > 0, let slice = input.readSlice(length: count) {
            envelope.left -= UInt64(count)
            if let hasher = envelope.hasher {
                slice.withUnsafeReadableBytes { hasher.update($0) }
                batch.append(.submissionBytes(envelope.ticket, slice))
            }
        }
        if envelope.left > 0 {
            open = envelope
            input.discardReadBytes()
            return false
        }
        if let hasher = envelope.hasher {
            batch.append(.submissionCompleted(envelope.ticket, digest: hasher.finish()))
        }
        open = nil
        frameBegan = nil
        return true
    }

    private func begin(_ request: BulkRequest, _ context: ChannelHandlerContext) {
        let ticket = surroundings.tickets.take()
        guard let sender = surroundings.canonical(request.sender) else {
            batch.append(.event(.refusedOutside(.submissionRefused(SubmissionRefusal.unknownAgency.rawValue))))
            answer(
                .refused(token: request.token, text: "unknownAgency\nsender \(request.sender.debugDescription)"),
                context)
            context.flush()
            open = OpenEnvelope(ticket: ticket, left: request.payloadLength, hasher: nil)
            return
        }
        guard surroundings.maySubmit(user.uid, user.gid, sender) else {
            batch.append(.event(.refusedOutside(.submissionRefused(SubmissionRefusal.notAuthorised.rawValue))))
            answer(
                .refused(token: request.token, text: "notAuthorised\nthis user may not submit as \(sender)"), context)
            context.flush()
            open = OpenEnvelope(ticket: ticket, left: request.payloadLength, hasher: nil)
            return
        }
        tokens[ticket] = request.token
        surroundings.desk.expect(ticket, self)
        batch.append(
            .submitted(
                Submission(
                    ticket: ticket, sender: sender, recipients: request.recipients, urgency: request.urgency,
                    documentID: request.documentID, payloadLength: request.payloadLength,
                    lifetime: request.lifetime == .zero ? nil : request.lifetime)))
        open = OpenEnvelope(ticket: ticket, left: request.payloadLength, hasher: SHA256Hasher())
    }

    private func post() {
        guard !batch.isEmpty else { return }
        surroundings.engine.post(batch)
        batch = []
    }

    private func pause(_ context: ChannelHandlerContext) {
        guard !isPaused else { return }
        isPaused = true
        context.channel.setOption(.autoRead, value: false).whenFailure { _ in }
    }

    /// The gauge is low again. Any thread.
    func resume() {
        loop.execute { [self] in
            guard isPaused, let context, context.channel.isWritable, !surroundings.engine.gauge.isHigh else { return }
            isPaused = false
            lastRead = .now()
            watch(context)
            context.channel.setOption(.autoRead, value: true).whenFailure { _ in }
            context.read()
        }
    }

    func answered(_ answers: [(Ticket, SubmissionAnswer)]) {
        loop.execute { [self] in
            guard let context else { return }
            var buffer = context.channel.allocator.buffer(capacity: answers.count * 48)
            for (ticket, result) in answers {
                guard let token = tokens.removeValue(forKey: ticket) else { continue }
                switch result {
                case .accepted(let bundle, _), .repeated(let bundle, _):
                    BulkAnswer.accepted(token: token, envelope: bundle.envelopeName).write(to: &buffer)
                case .refused(let problems, let cause):
                    BulkAnswer.refused(token: token, text: ([cause.rawValue] + problems).joined(separator: "\n"))
                        .write(to: &buffer)
                }
            }
            context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        }
    }

    private func sendAway(_ context: ChannelHandlerContext) {
        surroundings.drops.drop(.submission, .hasNoRight, user: user.uid, logger: surroundings.logger)
        answer(.refused(token: 0, text: "notAuthorised\nthis user may not submit as any agency"), context)
        context.flush()
        context.close(promise: nil)
    }

    /// The node stops. Any thread.
    func end() { loop.execute { [self] in context?.close(promise: nil) } }

    func lost(_ tickets: [Ticket], why: String) {
        loop.execute { [self] in context?.close(promise: nil) }
    }

    private func answer(_ answer: BulkAnswer, _ context: ChannelHandlerContext) {
        var buffer = context.channel.allocator.buffer(capacity: 128)
        answer.write(to: &buffer)
        context.write(wrapOutboundOut(buffer), promise: nil)
    }
}
