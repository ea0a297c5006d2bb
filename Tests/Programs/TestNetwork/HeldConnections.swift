// HeldConnections: many connections of one attacker at a time, over TCP or to a Unix socket, that say nothing or a few octets and are
// held. Plain descriptors, no threads: thousands cost no more than their descriptors. Used on the thread of one test; all are
// closed when the value goes away. What cannot be opened is a `TestFailure`.

import Foundation

public final class HeldConnections {
    private var descriptors: [Int32] = []

    public init() {}

    deinit { for descriptor in descriptors { Foundation.close(descriptor) } }

    public var count: Int { descriptors.count }

    /// Opens connections to a port of this machine. `from`: the address to come from, any of 127.0.0.0/8.
    public func open(_ count: Int, port: Int, from: String = "127.0.0.1") throws {
        for _ in 0..<count {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else { throw TestFailure("no socket: \(String(cString: strerror(errno)))") }
            descriptors.append(descriptor)
            let isBound = try Self.with(from, 0) { bind(descriptor, $0, $1) == 0 }
            let isConnected = try Self.with("127.0.0.1", port) { connect(descriptor, $0, $1) == 0 }
            guard isBound, isConnected else {
                throw TestFailure("connection \(descriptors.count): \(String(cString: strerror(errno)))")
            }
        }
    }

    /// Opens connections to a Unix socket.
    public func open(_ count: Int, socket path: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw TestFailure("\(path) is too long for a socket")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        for _ in 0..<count {
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else { throw TestFailure("no socket: \(String(cString: strerror(errno)))") }
            descriptors.append(descriptor)
            let length = socklen_t(MemoryLayout<sockaddr_un>.size)
            let isConnected = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) == 0 }
            }
            guard isConnected else {
                throw TestFailure("connection \(descriptors.count): \(String(cString: strerror(errno)))")
            }
        }
    }

    /// Says the same on each that still takes it.
    public func say(_ bytes: [UInt8]) {
        for descriptor in descriptors { _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }
    }

    /// How many the other side has not ended. What it has said is read and thrown away.
    public var openCount: Int { descriptors.count { Self.isOpen($0) } }

    /// Closes the oldest.
    public func close(_ count: Int) {
        for descriptor in descriptors.prefix(count) { Foundation.close(descriptor) }
        descriptors.removeFirst(min(count, descriptors.count))
    }

    private static func isOpen(_ descriptor: Int32) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            if count > 0 { continue }
            return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        }
    }

    private static func with<Result>(
        _ host: String, _ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) throws -> Result {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(clamping: port)).bigEndian
        guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else { throw TestFailure("\(host) is no address") }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
