// UnixSocket: blocking sockets of this machine, for one request or one long document. Descriptors are owned by the object.

import ControlAPI
import Glibc

final class Socket: @unchecked Sendable {
    // @unchecked: the number never changes; each object is used by one thread at a time.
    let descriptor: Int32

    init(descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }

    /// Connects to a Unix socket.
    init(unix path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard descriptor >= 0, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw BenchFailure("\(path): no socket, or the path is too long; use a shorter --directory")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard code == 0 else { throw BenchFailure("\(path): \(String(cString: strerror(errno)))") }
    }

    /// A socket on 127.0.0.1: bound to a port, or connected to one.
    static func loopback(port: UInt16, listens: Bool) throws -> Socket {
        let made = Socket(
            descriptor: socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0))
        var yes: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(made.descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, size)
        setsockopt(made.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, size)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                let length = socklen_t(MemoryLayout<sockaddr_in>.size)
                return listens ? bind(made.descriptor, $0, length) : connect(made.descriptor, $0, length)
            }
        }
        guard code == 0, !listens || listen(made.descriptor, 16) == 0 else {
            throw BenchFailure("127.0.0.1:\(port): \(String(cString: strerror(errno)))")
        }
        return made
    }

    /// The port that the system chose.
    var port: UInt16 {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &length) }
        }
        return UInt16(bigEndian: address.sin_port)
    }

    /// A port that nobody listens on at this moment.
    static func freePort() throws -> UInt16 { try loopback(port: 0, listens: true).port }

    func setNonblocking() { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }

    func writeAll(_ bytes: UnsafeRawBufferPointer) throws {
        var offset = 0
        while offset < bytes.count {
            let count = write(descriptor, bytes.baseAddress! + offset, bytes.count - offset)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw BenchFailure("write: \(String(cString: strerror(errno)))") }
            offset += count
        }
    }

    /// What is there; empty at the end.
    func readSome() throws -> [UInt8] {
        var portion = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &portion, portion.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw BenchFailure("read: \(String(cString: strerror(errno)))") }
            return Array(portion[..<count])
        }
    }
}

/// One question to the control socket.
enum ControlQuestion {
    static func status(_ path: String) throws -> StatusAnswer { try get(path, ControlPath.status) }

    /// One question on a connection of its own, as edocctl asks it.
    static func get<Answer: ControlAnswer>(_ path: String, _ uri: String) throws -> Answer {
        try ask("GET", path, uri)
    }

    static func post<Answer: ControlAnswer>(_ path: String, _ uri: String) throws -> Answer {
        try ask("POST", path, uri)
    }

    private static func ask<Answer: ControlAnswer>(_ method: String, _ path: String, _ uri: String) throws -> Answer {
        let socket = try Socket(unix: path)
        let request = Array("\(method) \(uri) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
        try request.withUnsafeBytes { try socket.writeAll($0) }
        var answer: [UInt8] = []
        while answer.count < ControlJSON.answerBytesMax {
            let portion = try socket.readSome()
            if portion.isEmpty { break }
            answer += portion
        }
        // One object: from the first brace to the last, whatever the transfer encoding.
        guard let start = answer.firstIndex(of: UInt8(ascii: "{")), let end = answer.lastIndex(of: UInt8(ascii: "}"))
        else { throw BenchFailure("\(path): no answer") }
        do {
            return try ControlJSON.answer(Answer.self, from: Array(answer[start...end]))
        } catch {
            throw BenchFailure("\(uri): \(String(decoding: answer[start...end].prefix(200), as: UTF8.self))")
        }
    }
}
