// LinkSockets: the options of the sockets of sessions, the listener, and the dialler. They run on event loops and fail by the
// error of the system's call: a listener to its caller, a dial to the engine as `dialFailed`.

import Glibc
import Listening
import NIOCore
import NIOPosix
import OpenSSLTLS
import RelayCore
import RelayModel
import RelaySession

/// Why links could not be set up.
public enum LinkError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Plain TCP is for the loopback interface only.
    case plainBeyondLoopback(String)
    case noTLSSettings

    public var description: String {
        switch self {
        case .plainBeyondLoopback(let address):
            "A link without TLS is possible on the loopback interface only, not at \(address)."
        case .noTLSSettings: "A link with TLS needs TLS settings."
        }
    }
}

enum LinkSockets {
    /// What the system says, without the call and the number.
    static func sentence(of error: IOError) -> String { String(cString: strerror(error.errnoCode)) }

    /// Connections that wait to be accepted.
    static let backlog: Int32 = 256
    /// Octets in the socket's buffer that have not been sent, above which it takes no more: what is urgent does not wait behind
    /// megabytes.
    static let unsentBytesMax = 128 * 1_024
    /// Octets that wait for the socket, between which a session writes.
    static let writeMarks = ChannelOptions.Types.WriteBufferWaterMark(low: 64 * 1_024, high: 256 * 1_024)

    /// Octets read at a time by a session that sends much: four of its writes in one turn of all that a read brings about.
    static let largeReadBytes = 256 * 1_024
    /// Octets after which a session counts as such a one.
    static let largeReadsAfter: UInt64 = 1 << 20
    /// Sessions that may read so much at a time, each of which keeps a buffer of that size. Others read 64 KiB, as the library does.
    static let largeReadersMax = 64

    static var largeReads: any RecvByteBufferAllocator {
        AdaptiveRecvByteBufferAllocator(minimum: 64, initial: largeReadBytes, maximum: largeReadBytes)
    }

    static let unsentLimit = ChannelOptions.Types.SocketOption(
        level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_NOTSENT_LOWAT))

    static func isLoopback(_ address: SocketAddress?) -> Bool {
        guard let host = address?.ipAddress else { return false }
        return host.hasPrefix("127.") || host == "::1"
    }
}

/// A listening socket.
public struct LinkListener: Sendable {
    /// The real one, where port 0 was asked for.
    public let address: SocketAddress
    let channel: any Channel

    static func open(
        _ address: LinkAddress, _ security: LinkSecurity, group: any EventLoopGroup,
        exhausted: @escaping @Sendable (String) -> Void, makeHandler: @escaping @Sendable () -> LinkHandler?
    ) -> EventLoopFuture<LinkListener> {
        bootstrap(group, exhausted, makeHandler).bind(host: address.host, port: address.port)
            .flatMapThrowing { try LinkListener($0, security, asked: address.host) }
    }

    /// Takes a socket over that listens already.
    static func adopt(
        _ descriptor: Int32, _ security: LinkSecurity, group: any EventLoopGroup,
        exhausted: @escaping @Sendable (String) -> Void, makeHandler: @escaping @Sendable () -> LinkHandler?
    ) -> EventLoopFuture<LinkListener> {
        bootstrap(group, exhausted, makeHandler).withBoundSocket(descriptor)
            .flatMapThrowing { try LinkListener($0, security, asked: "the given socket") }
    }

    private init(_ channel: any Channel, _ security: LinkSecurity, asked: String) throws {
        guard let bound = channel.localAddress, security == .tls || LinkSockets.isLoopback(bound) else {
            channel.close(promise: nil)
            throw LinkError.plainBeyondLoopback(asked)
        }
        address = bound
        self.channel = channel
    }

    private static func bootstrap(
        _ group: any EventLoopGroup, _ exhausted: @escaping @Sendable (String) -> Void,
        _ makeHandler: @escaping @Sendable () -> LinkHandler?
    ) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: LinkSockets.backlog)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause(happened: exhausted))
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(LinkSockets.unsentLimit, value: .init(LinkSockets.unsentBytesMax))
            .childChannelOption(.writeBufferWaterMark, value: LinkSockets.writeMarks)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // A node that stops takes none.
                    guard let handler = makeHandler() else { throw ChannelError.ioOnClosedChannel }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
    }

    /// Accepts no more; sessions that were accepted go on.
    public func close() -> EventLoopFuture<Void> {
        channel.close(promise: nil)
        return channel.closeFuture
    }
}

/// Opens the connection of a dialled session.
enum LinkDialler {
    /// `failed` is told why when there is no connection; from then on the session speaks for itself.
    static func dial(
        _ address: LinkAddress, _ security: LinkSecurity, timeout: Milliseconds, group: any EventLoopGroup,
        makeHandler: @escaping @Sendable () -> LinkHandler, failed: @escaping @Sendable (String) -> Void
    ) {
        ClientBootstrap(group: group)
            .connectTimeout(TimeAmount(timeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(LinkSockets.unsentLimit, value: .init(LinkSockets.unsentBytesMax))
            .channelOption(.writeBufferWaterMark, value: LinkSockets.writeMarks)
            .connect(host: address.host, port: address.port)
            .flatMap { channel in
                // Only the connection that won is given a session: a name may have several addresses.
                channel.eventLoop.submit {
                    guard security == .tls || LinkSockets.isLoopback(channel.remoteAddress) else {
                        channel.close(promise: nil)
                        throw LinkError.plainBeyondLoopback(address.host)
                    }
                    try channel.pipeline.syncOperations.addHandler(makeHandler())
                }
            }
            .whenFailure { failed(sentence(of: $0, address)) }
    }

    /// Nothing in it changes from one attempt to the next, so that the same trouble is the same news.
    private static func sentence(of error: any Error, _ address: LinkAddress) -> String {
        let place = "\(address.host):\(address.port)"
        switch error {
        case let error as LinkError: return error.description
        case ChannelError.connectTimeout: return "\(place) did not answer in time"
        case let error as NIOConnectionError:
            if let cause = error.connectionErrors.first?.error as? IOError {
                return "\(place): \(LinkSockets.sentence(of: cause))"
            }
            if error.connectionErrors.isEmpty { return "the name \(error.host) cannot be resolved" }
            return "\(place) cannot be reached"
        case let error as IOError: return "\(place): \(LinkSockets.sentence(of: error))"
        default: return "\(place) cannot be reached"
        }
    }
}
