// OpenSSLToolTests: the handler on real loopback sockets, against the openssl command line tool in both roles.

import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import OpenSSLTLS

@Suite struct OpenSSLToolTests {
    private let authority: TestAuthority

    init() throws {
        authority = try TestAuthority("hcm", "vpcp")
    }

    /// What our side saw, once the channel has closed.
    struct Outcome: Sendable {
        var peer: PeerCertificate?
        var errors: [TLSError] = []
        var inputClosed: TLSInputClosed?
        var text = ""
    }

    /// Answers each line in upper case and ends with the session.
    private final class Conversation: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private var outcome = Outcome()
        private let promise: EventLoopPromise<Outcome>
        private let greeting: String?

        init(_ promise: EventLoopPromise<Outcome>, greeting: String? = nil) {
            self.promise = promise
            self.greeting = greeting
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: Self.unwrapInboundIn(data))
            outcome.text += text
            if greeting == nil {
                context.writeAndFlush(NIOAny(ByteBuffer(string: text.uppercased())), promise: nil)
            } else if text.hasSuffix("\n") {
                context.close(promise: nil)
            }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if let event = event as? TLSHandshakeCompleted {
                outcome.peer = event.peer
                if let greeting { context.writeAndFlush(NIOAny(ByteBuffer(string: greeting)), promise: nil) }
            }
            if let event = event as? TLSInputClosed {
                outcome.inputClosed = event
                context.close(promise: nil)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            if let error = error as? TLSError { outcome.errors.append(error) }
        }

        func channelInactive(context: ChannelHandlerContext) { promise.succeed(outcome) }
    }

    /// Runs `openssl s_client` with these arguments against our server; gives what both saw.
    private func serve(_ arguments: [String], input: String) async throws -> (Outcome, String) {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let promise = group.next().makePromise(of: Outcome.self)
        let context = try authority.context("vpcp", withRevocation: true)
        let listener = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        TLSHandler(context: context, role: .server), Conversation(promise),
                    ])
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = listener.localAddress?.port ?? 0
        let tool = try Tool(["s_client", "-connect", "127.0.0.1:\(port)"] + arguments, in: authority.directory)
        tool.write(input)
        let output = await tool.output(until: input.uppercased())
        tool.closeInput()
        let outcome = try await promise.futureResult.get()
        await tool.end()
        try await listener.close()
        try await group.shutdownGracefully()
        return (outcome, output)
    }

    private static let mutual = ["-cert", "hcm.pem", "-key", "hcm.key", "-CAfile", "ca.pem", "-verify_return_error"]

    @Test func aClientExchangesLines() async throws {
        let (outcome, output) = try await serve(Self.mutual + ["-quiet", "-no_ign_eof"], input: "xin chao\n")
        #expect(output.contains("XIN CHAO\n"))
        #expect(outcome.text == "xin chao\n")
        #expect(outcome.peer?.bundleEIDs == ["dtn://hcm/"])
        #expect(outcome.errors.isEmpty)
        #expect(outcome.inputClosed == TLSInputClosed(clean: true))
    }

    @Test func aClientWithoutACertificateIsRefused() async throws {
        let (outcome, output) = try await serve(["-CAfile", "ca.pem", "-quiet"], input: "xin chao\n")
        #expect(outcome.errors.map(\.code) == [.certificateMissing])
        #expect(outcome.peer == nil)
        #expect(output.contains("SSL alert number 116"))
    }

    @Test func aClientOfTLS12IsRefused() async throws {
        let (outcome, output) = try await serve(Self.mutual + ["-tls1_2"], input: "xin chao\n")
        #expect(outcome.errors.map(\.code) == [.versionRefused])
        #expect(output.contains("SSL alert number 70"))
    }

    /// The system's default may allow it; here it is not among the groups.
    @Test func aGroupThatIsNotPinnedIsRefused() async throws {
        let (outcome, _) = try await serve(Self.mutual + ["-groups", "ffdhe2048"], input: "xin chao\n")
        #expect(outcome.peer == nil && !outcome.errors.isEmpty)
        let (good, _) = try await serve(
            Self.mutual + ["-groups", "P-384", "-quiet", "-no_ign_eof"], input: "xin chao\n")
        #expect(good.peer != nil)
    }

    /// Runs `openssl s_server` with these arguments and connects to it; gives what our side saw.
    private func connect(_ arguments: [String], greeting: String) async throws -> Outcome {
        let tool = try Tool(
            [
                "s_server", "-naccept", "1", "-accept", "127.0.0.1:0", "-cert", "vpcp.pem", "-key", "vpcp.key",
                "-CAfile", "ca.pem",
            ]
                + arguments, in: authority.directory)
        let accept = await tool.output(until: "ACCEPT 127.0.0.1:", thenLine: true)
        let port = try #require(
            accept.split(separator: "ACCEPT 127.0.0.1:").last.flatMap { Int($0.prefix { $0.isNumber }) })
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let promise = group.next().makePromise(of: Outcome.self)
        let context = try authority.context("hcm", withRevocation: true)
        _ = try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        TLSHandler(context: context, role: .client, serverName: "vpcp"),
                        Conversation(promise, greeting: greeting),
                    ])
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        let outcome = try await promise.futureResult.get()
        await tool.end()
        try await group.shutdownGracefully()
        return outcome
    }

    @Test func aServerExchangesLines() async throws {
        let outcome = try await connect(["-Verify", "3", "-verify_return_error", "-rev"], greeting: "abc\n")
        #expect(outcome.text == "cba\n")
        #expect(outcome.peer?.bundleEIDs == ["dtn://vpcp/"])
        #expect(outcome.errors.isEmpty)
    }

    @Test func aServerOfTLS12IsRefused() async throws {
        let outcome = try await connect(["-tls1_2", "-rev"], greeting: "abc\n")
        #expect(outcome.errors.map(\.code) == [.refusedByPeer])
        #expect(outcome.errors.first?.alert == 70)
        #expect(outcome.peer == nil)
    }
}

/// A run of openssl; its output is gathered on a thread of its own.
private final class Tool: Sendable {
    private let process: Process
    private let standardInput = Pipe()
    private let chunks: AsyncStream<Data>

    init(_ arguments: [String], in folder: URL) throws {
        process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.currentDirectoryURL = folder
        process.standardInput = standardInput
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        let (chunks, continuation) = AsyncStream.makeStream(of: Data.self)
        self.chunks = chunks
        try process.run()
        Thread.detachNewThread {
            while case let data = output.fileHandleForReading.availableData, !data.isEmpty { continuation.yield(data) }
            continuation.finish()
        }
    }

    func write(_ text: String) { try? standardInput.fileHandleForWriting.write(contentsOf: Data(text.utf8)) }

    func closeInput() { try? standardInput.fileHandleForWriting.close() }

    /// The output up to this text (and the rest of its line), or all of it.
    func output(until end: String, thenLine: Bool = false) async -> String {
        var text = ""
        for await chunk in chunks {
            text += String(decoding: chunk, as: UTF8.self)
            guard let range = text.range(of: end) else { continue }
            if !thenLine || text[range.upperBound...].contains("\n") { break }
        }
        return text
    }

    func end() async {
        // A child may have inherited a mask that blocks SIGTERM.
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        for await _ in chunks {}
        process.waitUntilExit()
    }
}
