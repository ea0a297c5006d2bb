// DataTests: payload through two handlers: order, coalescing, promises, bit flips, truncations, key updates.

import NIOCore
import NIOEmbedded
import RelayModel
import Testing

@testable import OpenSSLTLS

@Suite struct DataTests {
    private let authority: TestAuthority
    private let pair: TestPair

    init() throws {
        authority = try TestAuthority("hcm", "vpcp")
        pair = try TestPair(authority.context("hcm"), authority.context("vpcp"))
        try pair.pump()
    }

    @Test func sixtyFourMebibytesComeBackUnchanged() throws {
        var generator = SeededGenerator(state: 64)
        let part = ByteBuffer(bytes: generator.bytes(1 << 20))
        let sent = SHA256Hasher()
        let echoed = SHA256Hasher()
        var count = 0
        pair.server.recorder.onRead = { context, buffer in context.writeAndFlush(NIOAny(buffer), promise: nil) }
        pair.client.recorder.onRead = { _, buffer in
            count += buffer.readableBytes
            buffer.withUnsafeReadableBytes { echoed.update($0) }
        }
        for turn in 0..<64 {
            var buffer = part
            buffer.setInteger(UInt64(turn), at: turn * 4_096)
            buffer.withUnsafeReadableBytes { sent.update($0) }
            pair.client.channel.write(buffer, promise: nil)
            if turn % 8 == 7 {
                pair.client.channel.flush()
                try pair.pump()
            }
        }
        #expect(count == 64 << 20)
        #expect(sent.finish() == echoed.finish())
    }

    @Test(arguments: [1, 5, 4_095, 70_000], [UInt64(1), 2])
    func writesOfAnySizeKeepTheirOrder(part: Int, seed: UInt64) throws {
        var generator = SeededGenerator(state: seed)
        var expected: [UInt8] = []
        var promised: [EventLoopFuture<Void>] = []
        for _ in 0..<40 {
            let sizes = part < 100 ? [0, 1, 20, 4_096, 4_097] : [0, 1, 20, 4_096, 4_097, 16_384, 16_385, 60_000]
            let bytes = generator.bytes(sizes.randomElement(using: &generator) ?? 0)
            expected += bytes
            let buffer = ByteBuffer(bytes: bytes)
            if Bool.random(using: &generator) {
                promised.append(pair.client.channel.write(buffer))
            } else {
                pair.client.channel.write(buffer, promise: nil)
            }
            if Int.random(in: 0..<5, using: &generator) == 0 { pair.client.channel.flush() }
        }
        pair.client.channel.flush()
        try pair.pump(part: part)
        #expect(Array(buffer: pair.server.recorder.received) == expected)
        for future in promised { try future.wait() }
    }

    @Test func nothingIsSentBeforeAFlush() throws {
        pair.client.channel.write(ByteBuffer(string: "later"), promise: nil)
        #expect(try pair.client.output() == nil)
        pair.client.channel.flush()
        #expect(try pair.client.output() != nil)
    }

    @Test func smallWritesOfOneFlushShareARecord() throws {
        for _ in 0..<100 { pair.client.channel.write(ByteBuffer(repeating: 7, count: 20), promise: nil) }
        pair.client.channel.flush()
        let bytes = try #require(try pair.client.output())
        #expect(bytes.readableBytes == 100 * 20 + TLSHandler.recordOverhead)
    }

    @Test func oneFlushIsOneBuffer() throws {
        pair.client.channel.write(ByteBuffer(repeating: 1, count: 20), promise: nil)
        pair.client.channel.write(ByteBuffer(repeating: 2, count: 200_000), promise: nil)
        pair.client.channel.flush()
        #expect(try pair.client.channel.readOutbound(as: ByteBuffer.self) != nil)
        #expect(try pair.client.channel.readOutbound(as: ByteBuffer.self) == nil)
    }

    @Test func oneReadGivesOneBuffer() throws {
        pair.client.channel.writeAndFlush(ByteBuffer(repeating: 2, count: 60_000), promise: nil)
        try pair.pump()
        #expect(pair.server.recorder.reads == 1)
        #expect(pair.server.recorder.received.readableBytes == 60_000)
    }

    @Test func everyBitFlipOfARecordEndsTheSession() throws {
        pair.client.write("twelve bytes")
        let record = try #require(try pair.client.output())
        let (hcm, vpcp) = (try authority.context("hcm"), try authority.context("vpcp"))
        for bit in 0..<(record.readableBytes * 8) {
            let pair = try TestPair(hcm, vpcp)
            try pair.pump()
            pair.client.write("twelve bytes")
            var record = try #require(try pair.client.output())
            let index = record.readerIndex + bit / 8
            let byte = try #require(record.getInteger(at: index, as: UInt8.self))
            record.setInteger(byte ^ (1 << (bit % 8)), at: index)
            try pair.server.input(record)
            pair.server.cut()
            #expect(pair.server.recorder.received.readableBytes == 0)
            // A longer length waits for bytes that never come; every other flip is found out.
            let isWaiting = pair.server.recorder.inputClosed == TLSInputClosed(clean: false)
            #expect(isWaiting ? (24..<40).contains(bit) : pair.server.recorder.errors.count == 1)
        }
    }

    @Test func everyTruncationOfARecordGivesNothing() throws {
        pair.client.write("twelve bytes")
        let record = try #require(try pair.client.output())
        for length in 0..<record.readableBytes {
            let slice = try #require(record.getSlice(at: record.readerIndex + length, length: 1))
            #expect(pair.server.recorder.received.readableBytes == 0)
            try pair.server.input(slice)
        }
        #expect(pair.server.recorder.text == "twelve bytes")
    }

    @Test func aReplayedRecordEndsTheSession() throws {
        pair.client.write("once")
        let record = try #require(try pair.client.output())
        try pair.server.input(record)
        try pair.server.input(record)
        #expect(pair.server.recorder.text == "once")
        #expect(pair.server.recorder.errors.map(\.code) == [.protocolViolation])
    }

    @Test func keysAreRenewedAfterManyRecords() throws {
        let allocator = ByteBufferAllocator()
        let client = try TLSConnection(
            context: authority.context("hcm"), role: .client, serverName: nil, allocator: allocator, recordsPerKey: 4)
        let server = try TLSConnection(
            context: authority.context("vpcp"), role: .server, serverName: nil, allocator: allocator)
        for _ in 0..<3 {
            _ = client.handshake()
            if let bytes = client.transport.takeOutbound() { server.transport.receive(bytes) }
            _ = server.handshake()
            if let bytes = server.transport.takeOutbound() { client.transport.receive(bytes) }
        }
        let text: [UInt8] = Array("0123456789".utf8)
        var sizes: Set<Int> = []
        for _ in 0..<20 {
            guard case .complete = text.withUnsafeBytes({ client.write($0) }) else {
                Issue.record("a write failed")
                return
            }
            let bytes = try #require(client.transport.takeOutbound())
            sizes.insert(bytes.readableBytes)
            server.transport.receive(bytes)
            var target = [UInt8](repeating: 0, count: 100)
            guard case .complete(.bytes(10)) = target.withUnsafeMutableBytes({ server.read(into: $0) }) else {
                Issue.record("a read failed")
                return
            }
            #expect(Array(target.prefix(10)) == text)
        }
        // Every fourth record has a KeyUpdate message of 5 bytes in a record of its own before it.
        let plain = 10 + TLSHandler.recordOverhead
        #expect(sizes == [plain, plain + 5 + TLSHandler.recordOverhead])
    }

    @Test func aChannelThatReadsWhenAskedIsAskedAgainAfterBytesOfTheProtocol() throws {
        let reads = ReadCounter()
        let channel = EmbeddedChannel()
        try channel.connect(to: SocketAddress(unixDomainSocketPath: "/peer")).wait()
        let recorder = Recorder()
        try channel.pipeline.syncOperations.addHandlers([
            reads, TLSHandler(context: authority.context("vpcp"), role: .server), recorder,
        ])
        #expect(reads.count == 1)
        let client = try TestEnd(authority.context("hcm"), .client)
        channel.pipeline.syncOperations.fireChannelRead(NIOAny(try #require(try client.output())))
        let before = reads.count
        channel.pipeline.syncOperations.fireChannelReadComplete()
        #expect(reads.count == before + 1)
        _ = try? channel.finish()
    }
}

private final class ReadCounter: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    var count = 0

    func read(context: ChannelHandlerContext) {
        count += 1
        context.read()
    }
}
