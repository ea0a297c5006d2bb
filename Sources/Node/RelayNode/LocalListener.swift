// LocalListener: the listening end of a socket of this machine whose clients speak frames: the submission socket and the take socket. It owns
// the listening socket, its file unless that is another's, and the connections, each of which has a place of its user (LocalPlaces) for as long
// as it is there. It fails where it cannot bind; a connection that fails ends by itself.

import Glibc
import Listening
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import RelayControl

/// One connection, on its event loop but for what is said otherwise.
protocol LocalConnection: ChannelInboundHandler {
    /// There is room again, or something new. Any thread.
    func resume()
    /// The node stops. Any thread.
    func end()
}

public final class LocalListener: Sendable {
    /// What all connections of one socket have in common.
    struct Terms: Sendable {
        var socket: ClientDrops.Socket
        var places: LocalPlaces
        var drops: ClientDrops
        /// How long a client may leave what it is sent untaken.
        var patience: TimeAmount
        /// The most that waits for a client, and how little it must be before more is written.
        var waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 32 << 10, high: 64 << 10)
        /// How much is read at a time.
        var readBytes = 4_096...1 << 20
        var logger: Logger
    }

    private typealias Connections = NIOLockedValueBox<[ObjectIdentifier: any LocalConnection & Sendable]>

    private let channel: any Channel
    /// The file to remove in the end; nil when it is another's.
    private let path: String?
    private let connectionsBox: Connections

    /// Connections there are.
    public var connections: Int { connectionsBox.withLockedValue { $0.count } }

    /// Listens at `path`, or on a socket that does so already and whose file is another's. `make`: what serves a client.
    static func start(
        path: String, descriptor: Int32?, group: any EventLoopGroup, _ terms: Terms,
        make: @escaping @Sendable (PeerCredentials, any EventLoop) -> any LocalConnection & Sendable
    ) throws -> LocalListener {
        if descriptor == nil { try UnixSocketFile.prepare(path) }
        let connections = Connections([:])
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        AcceptPause { why in
                            terms.logger.error(
                                "clients of the \(terms.socket.rawValue) socket wait: the system gives nothing to take them with",
                                metadata: .event(.descriptorsExhausted, ["why": "\(why)"]))
                        })
                }
            }
            .childChannelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(
                    minimum: terms.readBytes.lowerBound, initial: min(65_536, terms.readBytes.upperBound),
                    maximum: terms.readBytes.upperBound)
            )
            .childChannelOption(.writeBufferWaterMark, value: terms.waterMark)
            .childChannelInitializer { channel in
                PeerCredentials.future(of: channel).flatMap { credential in
                    channel.eventLoop.makeCompletedFuture {
                        guard terms.places.enter(credential.uid) else {
                            terms.drops.drop(terms.socket, .hasNoPlace, user: credential.uid, logger: terms.logger)
                            return channel.close(promise: nil)
                        }
                        channel.closeFuture.whenComplete { _ in terms.places.leave(credential.uid) }
                        let connection = make(credential, channel.eventLoop)
                        let key = ObjectIdentifier(connection)
                        connections.withLockedValue { $0[key] = connection }
                        channel.closeFuture.whenComplete { _ in connections.withLockedValue { $0[key] = nil } }
                        let reader = StalledReader(patience: terms.patience) {
                            terms.drops.drop(
                                terms.socket, .answersNotRead, user: credential.uid, logger: terms.logger)
                        }
                        try channel.pipeline.syncOperations.addHandler(reader)
                        try channel.pipeline.syncOperations.addHandler(connection)
                    }
                }
            }
        if let descriptor {
            let channel = try bootstrap.withBoundSocket(descriptor).wait()
            return LocalListener(channel: channel, path: nil, connections: connections)
        }
        let channel = try bootstrap.bind(unixDomainSocketPath: path).wait()
        try UnixSocketFile.restrict(path)
        return LocalListener(channel: channel, path: path, connections: connections)
    }

    private init(channel: any Channel, path: String?, connections: Connections) {
        self.channel = channel
        self.path = path
        connectionsBox = connections
    }

    /// There is room again, or something new.
    public func resume() {
        for connection in connectionsBox.withLockedValue({ Array($0.values) }) { connection.resume() }
    }

    /// Takes no more connections and ends those that are there. Before the event loops stop.
    public func stop() async {
        try? await channel.close().get()
        for connection in connectionsBox.withLockedValue({ Array($0.values) }) { connection.end() }
        if let path { unlink(path) }
    }
}

/// The file of a listening Unix socket.
enum UnixSocketFile {
    struct InTheWay: Error, CustomStringConvertible {
        var path: String
        var description: String { "\(path) exists and is not a socket; it is not removed" }
    }

    /// Removes what an earlier process left, if it is a socket.
    static func prepare(_ path: String) throws {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw InTheWay(path: path) }
        unlink(path)
    }

    static func restrict(_ path: String) throws { chmod(path, 0o660) }
}
