// ControlListener: accepts the connections of the control interface, on a socket that it binds or on one that listens already,
// which hummingbird's own server cannot take. It owns the listening socket and the connections until the service group shuts
// down: then it takes no more, and closes each connection after the answer that is under way. Runs on NIO's loops and Swift's
// threads. Fails when it cannot bind; a connection that fails ends by itself.

import Hummingbird
import HummingbirdCore
import Listening
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import ServiceLifecycle

struct ControlListener<Responder: HTTPResponder>: Sendable where Responder.Context == ControlContext {
    let responder: Responder
    /// How long a client may leave its answer untaken.
    let patience: TimeAmount
    let drops: ClientDrops
    let places: LocalPlaces
    /// How long a client may take for a request.
    let bodyPatience: TimeAmount
    /// Whether a caller has no right at all.
    let hasNoRight: @Sendable (PeerCredentials) async -> Bool
    /// For what operators should know.
    let notices: Logger
    /// For the library, which tells of each connection.
    let logger: Logger

    /// Where connections come from.
    enum Place: Sendable {
        /// A socket file to be made.
        case path(String)
        /// A socket that listens.
        case descriptor(Int32)
    }

    /// Connections that wait to be accepted.
    private static var backlog: Int32 { 256 }
    /// A connection on which nothing is asked for so long is closed.
    private static var idleTimeout: TimeAmount { .minutes(5) }

    /// What a client without any right may still ask, to be told so.
    private static var lastWord: TimeAmount { .seconds(1) }

    /// The connections that are open, and whether they are to end.
    private struct Connections {
        var open: [ObjectIdentifier: (channel: any Channel, credentials: PeerCredentials)] = [:]
        var isEnding = false
    }

    /// Serves until the service group shuts down; `onServing` is called once connections are taken.
    func serve(on place: Place, onServing: @escaping @Sendable () async -> Void) async throws {
        let connections = NIOLockedValueBox(Connections())
        let channel = HTTP1Channel(
            responder: { [responder, logger] request, writer, channel in
                var context = ControlContext(source: .init(channel: channel, logger: logger))
                context.credentials = connections.withLockedValue { $0.open[ObjectIdentifier(channel)]?.credentials }
                guard !LoopTasks.answers(request.uri.path) else {
                    let response = try await responder.respond(to: request, context: context)
                    return try await writer.write(response: response.head, body: response.body)
                }
                var held: ResponseWriter? = consume writer
                try await withTaskExecutorPreference(globalConcurrentExecutor) {
                    let response = try await responder.respond(to: request, context: context)
                    try await held.take()?.write(response: response.head, body: response.body)
                }
            },
            configuration: .init(
                additionalChannelHandlers: [
                    StalledReader(patience: patience) { [drops, notices] in
                        drops.drop(.control, .answersNotRead, logger: notices)
                    }, MalformedHeadAnswer(),
                ],
                idleTimeout: Self.idleTimeout))
        let listening = try await bind(place) { [self] child in
            let known = PeerCredentials.future(of: child)
            known.whenFailure { _ in child.close(promise: nil) }
            return known.flatMap { credentials in
                child.eventLoop.makeCompletedFuture {
                    try child.pipeline.syncOperations.addHandler(
                        RequestClock(patience: bodyPatience) { [drops, notices] in
                            drops.drop(.control, .tookTooLong, user: credentials.uid, logger: notices)
                        }, position: .first)
                }.flatMap {
                    enter(child, credentials, connections)
                    return channel.setup(channel: child, logger: logger)
                }
            }
        }
        await withGracefulShutdownHandler {
            await onServing()
            await withDiscardingTaskGroup { group in
                do {
                    try await listening.executeThenClose { inbound in
                        for try await connection in inbound {
                            group.addTask(executorPreference: LoopTasks(connection.channel.eventLoop)) { [logger] in
                                await channel.handle(value: connection, logger: logger)
                            }
                        }
                    }
                } catch {
                    logger.error("the control socket takes no more connections", metadata: ["why": "\(error)"])
                }
            }
        } onGracefulShutdown: {
            listening.channel.close(promise: nil)
            let open = connections.withLockedValue { connections in
                connections.isEnding = true
                return Array(connections.open.values)
            }
            for connection in open { Self.end(connection.channel) }
        }
    }

    private func bind(
        _ place: Place, _ setup: @escaping @Sendable (any Channel) -> EventLoopFuture<HTTP1Channel.Value>
    ) async throws -> NIOAsyncChannel<HTTP1Channel.Value, Never> {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: Self.backlog)
            .serverChannelInitializer { [notices] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        AcceptPause { why in
                            notices.error(
                                "clients of the control socket wait: the system gives nothing to take them with",
                                metadata: .event(.descriptorsExhausted, ["why": "\(why)"]))
                        }, position: .first)
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
        switch place {
        case .path(let path):
            return try await bootstrap.bind(unixDomainSocketPath: path, childChannelInitializer: setup)
        case .descriptor(let descriptor): return try await bootstrap.bind(descriptor, childChannelInitializer: setup)
        }
    }

    private func enter(
        _ channel: any Channel, _ credentials: PeerCredentials, _ connections: NIOLockedValueBox<Connections>
    ) {
        let key = ObjectIdentifier(channel)
        guard places.enter(credentials.uid) else {
            drops.drop(.control, .hasNoPlace, user: credentials.uid, logger: notices)
            return channel.close(promise: nil)
        }
        let isUnwanted = connections.withLockedValue { connections in
            connections.open[key] = (channel, credentials)
            return connections.isEnding
        }
        channel.closeFuture.whenComplete { [places] _ in
            places.leave(credentials.uid)
            connections.withLockedValue { $0.open[key] = nil }
        }
        if isUnwanted { channel.close(promise: nil) }
        guard credentials.uid != 0 else { return }
        // The names of users may come from elsewhere and take their time: the client is served meanwhile, and page by page refused.
        Task { [hasNoRight, drops, notices] in
            guard await hasNoRight(credentials) else { return }
            channel.eventLoop.scheduleTask(in: Self.lastWord) {
                guard channel.isActive else { return }
                drops.drop(.control, .hasNoRight, user: credentials.uid, logger: notices)
                channel.close(promise: nil)
            }
        }
    }

    /// After the answer that is under way, if there is one.
    private static func end(_ channel: any Channel) {
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }
}
