// HandshakeTests: two handlers head to head: what a handshake gives, in whole and in drips, and in a live pipeline.

import NIOCore
import NIOEmbedded
import Testing

@testable import OpenSSLTLS

@Suite struct HandshakeTests {
    @Test(arguments: [nil, 1, 7, 1_000])
    func bothSidesLearnWhoThePeerIs(part: Int?) throws {
        let authority = try TestAuthority("hcm", "vpcp")
        let pair = try TestPair(
            authority.context("hcm", withRevocation: true), authority.context("vpcp", withRevocation: true))
        try pair.pump(part: part)

        let server = try #require(pair.client.recorder.peer)
        #expect(server.bundleEIDs == ["dtn://vpcp/"])
        #expect(server.certificate.uris == ["dtn://vpcp/"])
        #expect(server.certificate.dnsNames == ["vpcp", "localhost"])
        #expect(server.certificate.commonName == "vpcp")
        #expect(server.role == .server)
        #expect(server.protocolVersion == "TLSv1.3")
        #expect(server.cipher.hasPrefix("TLS_"))
        #expect(server.chain.count == 1)
        let client = try #require(pair.server.recorder.peer)
        #expect(client.bundleEIDs == ["dtn://hcm/"])
        #expect(client.role == .client)
        #expect(client.chain.count == 1)

        pair.client.write("ping")
        try pair.pump(part: part)
        pair.server.write("pong")
        try pair.pump(part: part)
        #expect(pair.server.recorder.text == "ping")
        #expect(pair.client.recorder.text == "pong")
        #expect(pair.client.recorder.errors.isEmpty && pair.server.recorder.errors.isEmpty)
    }

    @Test func bytesLeftOverFromTheContactHeaderBelongToTheHandshake() throws {
        let authority = try TestAuthority("hcm", "vpcp")
        let client = try TestEnd(authority.context("hcm"), .client, serverName: "vpcp")
        let hello = try #require(try client.output())
        let server = try TestEnd(authority.context("vpcp"), .server, received: hello)
        let answer = try #require(try server.output())
        try client.input(answer)
        try server.input(try #require(try client.output()))
        #expect(client.recorder.peer != nil)
        #expect(server.recorder.peer?.bundleEIDs == ["dtn://hcm/"])
    }

    @Test func bytesBeforeTheChannelIsActiveAreKept() throws {
        let authority = try TestAuthority("hcm", "vpcp")
        let client = try TestEnd(authority.context("hcm"), .client)
        let channel = EmbeddedChannel()
        let recorder = Recorder()
        try channel.pipeline.syncOperations.addHandlers([
            TLSHandler(context: authority.context("vpcp"), role: .server), recorder,
        ])
        var hello = try #require(try client.output())
        let head = hello.readSlice(length: 10) ?? ByteBuffer()
        channel.pipeline.syncOperations.fireChannelRead(NIOAny(head))
        channel.pipeline.syncOperations.fireChannelRead(NIOAny(hello))
        #expect(try channel.readOutbound(as: ByteBuffer.self) == nil)
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "/peer")).wait()
        #expect(try channel.readOutbound(as: ByteBuffer.self) != nil)
        #expect(recorder.errors.isEmpty)
        _ = try? channel.finish()
    }

    @Test func writesBeforeTheEndOfTheHandshakeAreSentAfterIt() throws {
        let authority = try TestAuthority("hcm", "vpcp")
        let pair = try TestPair(authority.context("hcm"), authority.context("vpcp"))
        pair.client.write("early ")
        pair.client.write("bird")
        try pair.pump()
        #expect(pair.server.recorder.text == "early bird")
    }

    @Test func earlyWritesAreBounded() throws {
        let authority = try TestAuthority("hcm")
        let end = try TestEnd(authority.context("hcm"), .client)
        let full = end.channel.write(ByteBuffer(repeating: 1, count: TLSHandler.earlyBytesMax))
        let refused = end.channel.write(ByteBuffer(repeating: 1, count: 1))
        let error = #expect(throws: TLSError.self) { try refused.wait() }
        #expect(error?.code == .tooMuchBuffered)
        end.channel.close(promise: nil)
        #expect(throws: ChannelError.self) { try full.wait() }
    }

    @Test func aHandshakeHasATimeLimit() throws {
        let authority = try TestAuthority("hcm")
        let end = try TestEnd(authority.context("hcm"), .server)
        end.channel.embeddedEventLoop.advanceTime(by: .seconds(29))
        #expect(end.recorder.errors.isEmpty)
        end.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(end.recorder.errors.map(\.code) == [.handshakeTimedOut])
        #expect(!end.channel.isActive)
    }

    @Test func theTimeLimitEndsWithTheHandshake() throws {
        let authority = try TestAuthority("hcm", "vpcp")
        let pair = try TestPair(authority.context("hcm"), authority.context("vpcp"))
        try pair.pump()
        pair.client.channel.embeddedEventLoop.advanceTime(by: .hours(20))
        #expect(pair.client.channel.isActive)
        #expect(pair.client.recorder.errors.isEmpty)
    }

    @Test func noSessionTicketsAreSent() throws {
        let authority = try TestAuthority("hcm", "vpcp")
        let pair = try TestPair(authority.context("hcm"), authority.context("vpcp"))
        let hello = try #require(try pair.client.output())
        try pair.server.input(hello)
        try pair.client.input(try #require(try pair.server.output()))
        try pair.server.input(try #require(try pair.client.output()))
        #expect(pair.server.recorder.peer != nil)
        #expect(try pair.server.output() == nil)
    }

    @Test func anInterruptedHandshakeIsAnError() throws {
        let authority = try TestAuthority("hcm")
        let end = try TestEnd(authority.context("hcm"), .client)
        end.cut()
        #expect(end.recorder.errors.map(\.code) == [.handshakeInterrupted])
        #expect(end.recorder.inputClosed == nil)
    }

    @Test func garbageEndsTheSessionWithAnAlert() throws {
        let authority = try TestAuthority("hcm")
        let end = try TestEnd(authority.context("hcm"), .server)
        try end.input(ByteBuffer(string: "dtn!\u{4}\u{0}this is no TLS at all"))
        #expect(end.recorder.errors.map(\.code) == [.protocolViolation])
        #expect(!end.channel.isActive)
    }

    @Test func everyTruncationOfAClientHelloWaits() throws {
        let authority = try TestAuthority("hcm")
        let context = try authority.context("hcm")
        let hello = try #require(try TestEnd(context, .client).output())
        for length in 1..<hello.readableBytes {
            let end = try TestEnd(context, .server, received: hello.getSlice(at: hello.readerIndex, length: length))
            #expect(try end.output() == nil)
            #expect(end.recorder.errors.isEmpty)
            end.cut()
            #expect(end.recorder.errors.map(\.code) == [.handshakeInterrupted])
        }
    }
}
