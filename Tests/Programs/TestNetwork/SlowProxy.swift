// SlowProxy: a TCP proxy on the loopback interface that is as slow, as silent and as forgetful as a test says: one link of a certain
// rate for all its connections, which can freeze, swallow what comes in large reads, and which remembers how each side of each connection
// ended. One thread of its own; ended with the value. What cannot be set up is a `TestFailure`.

import Foundation
import Synchronization

public final class SlowProxy: Sendable {
    /// What the link is like. Changed at any time.
    public struct Conduct: Sendable {
        /// Octets a second each way, shared by all connections; nil: as fast as it goes.
        public var bytesPerSecond: Int?
        /// Nothing passes and nothing is told: a cable that was cut, a hop that hangs.
        public var isFrozen = false
        /// When a connection has carried `swallowsAfter` octets one way, that way carries nothing more once a read brings more
        /// than this at once: packets that vanish for their size are sent again and again, and nothing behind them passes.
        public var swallowsAbove: Int?
        public var swallowsAfter = 0
        /// A connection that has carried nothing for so many seconds is forgotten, as by an address translator: nothing passes on it any
        /// more, and neither side is told.
        public var forgetsAfter: Double?
        public init(bytesPerSecond: Int? = nil) { self.bytesPerSecond = bytesPerSecond }
    }

    /// How one side ended its direction.
    public enum End: Sendable, Hashable {
        case finished
        case reset
    }

    private struct State {
        var conduct = Conduct()
        var ends: [[End]] = []
        var accepted = 0
        var forgotten = 0
        var isStopping = false
    }

    private let state: Mutex<State>
    public let port: Int
    private let listener: Int32
    private static let readBytes = 4_096
    private static let socketBytes: Int32 = 32 * 1_024

    public init(to target: Int, _ conduct: Conduct = Conduct()) throws {
        state = Mutex(State(conduct: conduct))
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        listener = descriptor
        guard descriptor >= 0 else { throw TestFailure("no socket: errno \(errno)") }
        Self.keepSmall(descriptor)
        var address = Self.loopback(0)
        let isBound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isBound, listen(descriptor, 64) == 0 else { throw TestFailure("cannot listen: errno \(errno)") }
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &length) }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [state = StateBox(self)] in Self.run(state, descriptor, target) }
    }

    /// The thread must not keep the proxy alive.
    private final class StateBox: Sendable {
        let conduct: @Sendable () -> Conduct?
        let accepted: @Sendable () -> Int
        let ended: @Sendable (Int, End) -> Void
        let forgot: @Sendable () -> Void

        init(_ proxy: SlowProxy) {
            conduct = { [weak proxy] in proxy?.state.withLock { $0.isStopping ? nil : $0.conduct } }
            accepted = { [weak proxy] in
                proxy?.state.withLock {
                    $0.accepted += 1
                    $0.ends.append([])
                    return $0.accepted - 1
                } ?? 0
            }
            forgot = { [weak proxy] in proxy?.state.withLock { $0.forgotten += 1 } }
            ended = { [weak proxy] index, end in proxy?.state.withLock { $0.ends[index].append(end) } }
        }
    }

    deinit { stop() }

    public func stop() { state.withLock { $0.isStopping = true } }

    public func change(_ change: (inout Conduct) -> Void) { state.withLock { change(&$0.conduct) } }

    /// Connections so far.
    public var accepted: Int { state.withLock { $0.accepted } }

    /// Connections that it has forgotten.
    public var forgotten: Int { state.withLock { $0.forgotten } }

    /// How the two sides of each connection ended their directions, as far as they have.
    public var ends: [[End]] { state.withLock { $0.ends } }

    // MARK: - The thread

    private struct Way {
        let from: Int32
        let to: Int32
        var pending: [UInt8] = []
        var carried = 0
        var isEnded = false
        var isSwallowed = false
    }

    private struct Connection {
        let index: Int
        var ways: [Way]
        var carriedAt = ProcessInfo.processInfo.systemUptime
        var isForgotten = false
        var isOver: Bool { ways.allSatisfy { $0.isEnded && $0.pending.isEmpty } }
    }

    private static func run(_ state: StateBox, _ listener: Int32, _ target: Int) {
        var connections: [Connection] = []
        var tokens = [0.0, 0.0]
        var last = ProcessInfo.processInfo.systemUptime
        var turn = 0
        while let conduct = state.conduct() {
            let now = ProcessInfo.processInfo.systemUptime
            let rate = Double(conduct.bytesPerSecond ?? 1 << 30)
            for index in tokens.indices {
                tokens[index] = min(tokens[index] + (now - last) * rate, max(rate / 20, 2_048))
            }
            last = now
            var isBusy = false
            if let connection = accept(listener, target, state) {
                connections.append(connection)
                isBusy = true
            }
            turn += 1
            if !conduct.isFrozen {
                for offset in connections.indices {
                    let place = (offset + turn) % connections.count
                    if let limit = conduct.forgetsAfter, !connections[place].isForgotten,
                        now - connections[place].carriedAt > limit
                    {
                        connections[place].isForgotten = true
                        state.forgot()
                    }
                    for way in [0, 1] where carry(&connections[place], way, conduct, &tokens[way], state) {
                        isBusy = true
                    }
                }
            }
            for connection in connections where connection.isOver { for way in connection.ways { close(way.from) } }
            connections.removeAll(where: \.isOver)
            if !isBusy { usleep(2_000) }
        }
        for connection in connections { for way in connection.ways { close(way.from) } }
        close(listener)
    }

    private static func accept(_ listener: Int32, _ target: Int, _ state: StateBox) -> Connection? {
        var ready = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        guard poll(&ready, 1, 0) > 0 else { return nil }
        let client = Foundation.accept(listener, nil, nil)
        guard client >= 0 else { return nil }
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        keepSmall(server)
        var address = loopback(UInt16(target))
        let isConnected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else {
            close(client)
            close(server)
            return nil
        }
        for descriptor in [client, server] {
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
            var one: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        }
        return Connection(
            index: state.accepted(), ways: [Way(from: client, to: server), Way(from: server, to: client)])
    }

    /// Moves what may pass one way; true when something did.
    private static func carry(
        _ connection: inout Connection, _ index: Int, _ conduct: Conduct, _ tokens: inout Double, _ state: StateBox
    ) -> Bool {
        var way = connection.ways[index]
        defer { connection.ways[index] = way }
        if !way.pending.isEmpty {
            let sent = send(way.to, way.pending, way.pending.count, Int32(MSG_NOSIGNAL))
            if sent > 0 { way.pending.removeFirst(sent) } else if sent < 0, errno != EAGAIN { way.pending = [] }
            return sent > 0
        }
        guard !way.isEnded, tokens >= 1 else { return false }
        var bytes = [UInt8](repeating: 0, count: min(readBytes, Int(tokens)))
        let count = recv(way.from, &bytes, bytes.count, 0)
        if count < 0, errno == EAGAIN { return false }
        guard count > 0 else {
            way.isEnded = true
            state.ended(connection.index, count == 0 ? .finished : .reset)
            shutdown(way.to, Int32(SHUT_WR))
            return true
        }
        tokens -= Double(count)
        if connection.isForgotten { return true }
        connection.carriedAt = ProcessInfo.processInfo.systemUptime
        if let limit = conduct.swallowsAbove, count > limit, way.carried >= conduct.swallowsAfter {
            way.isSwallowed = true
        }
        way.carried += count
        if !way.isSwallowed { way.pending = Array(bytes.prefix(count)) }
        return true
    }

    private static func keepSmall(_ descriptor: Int32) {
        var size = socketBytes
        for option in [SO_RCVBUF, SO_SNDBUF] {
            setsockopt(descriptor, SOL_SOCKET, option, &size, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }
}
