// ClosingTests: how sessions end: close_notify, truncation, half-closure, and close before the end of the handshake.

import NIOCore
import NIOEmbedded
import Testing

@testable import OpenSSLTLS

@Suite struct ClosingTests {
    private let authority: TestAuthority
    private let pair: TestPair

    init() throws {
        authority = try TestAuthority("hcm", "vpcp")
        pair = try TestPair(authority.context("hcm"), authority.context("vpcp"))
        try pair.pump()
    }

    @Test func aCloseIsClean() throws {
        pair.client.write("last words")
        try pair.client.channel.close().wait()
        #expect(!pair.client.channel.isActive)
        try pair.pump()
        #expect(pair.server.recorder.text == "last words")
        #expect(pair.server.recorder.inputClosed == TLSInputClosed(clean: true))
        pair.server.cut()
        #expect(pair.server.recorder.errors.isEmpty)
    }

    @Test func anEndWithoutCloseNotifyIsNot() throws {
        pair.client.write("cut off")
        try pair.pump()
        pair.server.cut()
        #expect(pair.server.recorder.text == "cut off")
        #expect(pair.server.recorder.inputClosed == TLSInputClosed(clean: false))
        #expect(pair.server.recorder.errors.isEmpty)
    }

    @Test func aHalfClosureWithoutCloseNotifyIsNotClean() throws {
        pair.server.channel.pipeline.syncOperations.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(pair.server.recorder.inputClosed == TLSInputClosed(clean: false))
        pair.server.recorder.inputClosed = nil
        pair.server.cut()
        #expect(pair.server.recorder.inputClosed == nil)
    }

    @Test func afterTheInputTheOutputStillWorks() throws {
        try pair.server.input(closeNotify(from: pair.client))
        #expect(pair.server.recorder.inputClosed == TLSInputClosed(clean: true))
        pair.server.write("still here")
        #expect(try pair.server.output() != nil)
    }

    @Test func bytesAfterCloseNotifyAreIgnored() throws {
        try pair.server.input(closeNotify(from: pair.client))
        try pair.server.input(ByteBuffer(string: "more"))
        #expect(pair.server.recorder.errors.isEmpty)
        #expect(pair.server.recorder.received.readableBytes == 0)
    }

    @Test func writesAfterACloseFail() throws {
        pair.client.channel.close(promise: nil)
        #expect(throws: (any Error).self) { try pair.client.channel.writeAndFlush(ByteBuffer(string: "x")).wait() }
    }

    @Test func unflushedWritesFailAtAClose() throws {
        let write = pair.client.channel.write(ByteBuffer(string: "never"))
        pair.client.channel.close(promise: nil)
        #expect(throws: ChannelError.self) { try write.wait() }
        try pair.pump()
        #expect(pair.server.recorder.received.readableBytes == 0)
        #expect(pair.server.recorder.inputClosed == TLSInputClosed(clean: true))
    }

    @Test func aCloseInTheHandshakeIsAtOnce() throws {
        let end = try TestEnd(authority.context("hcm"), .client)
        try end.channel.close().wait()
        #expect(!end.channel.isActive)
        #expect(end.recorder.errors.isEmpty)
    }

    @Test func aCloseWaitsForTheSocketAndNoLongerThanItsTime() throws {
        let stuck = StuckWrites()
        try pair.client.channel.pipeline.syncOperations.addHandler(stuck, position: .first)
        let first = pair.client.channel.close()
        let second = pair.client.channel.close()
        #expect(pair.client.channel.isActive)
        pair.client.channel.embeddedEventLoop.advanceTime(by: .seconds(5))
        #expect(!pair.client.channel.isActive)
        try first.wait()
        try second.wait()
        stuck.release()
    }

    @Test func closeInTheMiddleOfAReadStopsIt() throws {
        pair.server.recorder.onRead = { context, _ in context.close(promise: nil) }
        pair.client.channel.writeAndFlush(ByteBuffer(repeating: 1, count: 3 << 20), promise: nil)
        try pair.pump()
        #expect(pair.server.recorder.reads == 1)
        #expect(pair.server.recorder.errors.isEmpty)
        #expect(!pair.server.channel.isActive)
        #expect(pair.client.recorder.inputClosed == TLSInputClosed(clean: true))
    }

    @Test func noInputMayBeClosedAlone() throws {
        #expect(throws: ChannelError.self) { try pair.client.channel.close(mode: .input).wait() }
        #expect(pair.client.channel.isActive)
    }

    @Test func everyEventIsAllowedInEveryState() {
        var machine = TLSLifecycle()
        #expect(machine.isIdle && machine.takesWrites && !machine.canRead && !machine.canWrite)
        guard case .beginHandshake = machine.started(), case .ignore = machine.started() else {
            Issue.record("a handshake begins once")
            return
        }
        guard case .announce = machine.handshakeCompleted(), case .ignore = machine.handshakeCompleted() else {
            Issue.record("a handshake ends once")
            return
        }
        guard case .announce(clean: true) = machine.closeNotifyReceived(), case .ignore = machine.connectionEnded()
        else {
            Issue.record("the input ends once")
            return
        }
        guard case .ignore = machine.failed(), case .close = machine.closeRequested() else {
            Issue.record("nothing fails after the end")
            return
        }
        #expect(!machine.takesWrites && !machine.canRead && !machine.canWrite)
    }

    /// close_notify without a close of the channel.
    private func closeNotify(from end: TestEnd) throws -> ByteBuffer {
        end.channel.close(mode: .output, promise: nil)
        return try #require(try end.output())
    }
}

/// A socket that takes nothing: holds the promises of all writes.
private final class StuckWrites: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    private var promises: [EventLoopPromise<Void>] = []

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if let promise { promises.append(promise) }
    }

    func release() {
        for promise in promises { promise.succeed(()) }
        promises = []
    }
}
