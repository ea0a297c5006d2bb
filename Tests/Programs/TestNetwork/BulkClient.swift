// BulkClient: the submission connection of a node, from the document system's side (docs/protocol.md, 7). Blocking, for one thread;
// `end` may be called from another. A connection that is gone is nil or false, not an error.

import Foundation
import NIOCore
import RelayModel
import RelayNode

public final class BulkClient {
    private let descriptor: Int32
    private var input = ByteBuffer()

    public init(socket path: String) throws {
        descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var patience = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let answer = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) }
        }
        guard answer == 0 else {
            let why = String(cString: strerror(errno))
            close(descriptor)
            throw TestFailure("\(path): \(why)")
        }
    }

    deinit { close(descriptor) }

    /// Hands in one envelope; false when the connection is gone.
    public func submit(
        token: UInt64, from sender: String, to recipients: [String], document: String, urgency: Urgency = .normal,
        payload: [UInt8]
    ) -> Bool {
        var buffer = ByteBuffer()
        BulkRequest(
            token: token, sender: sender, recipients: recipients, urgency: urgency, documentID: document,
            lifetime: .zero, payloadLength: UInt64(payload.count)
        ).write(to: &buffer)
        buffer.writeBytes(payload)
        return write(Array(buffer.readableBytesView))
    }

    /// False when the connection is gone, or takes nothing for a minute.
    public func write(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// The daemon has ended the connection, whatever it has sent before; false when it does not within a minute.
    public func isEnded() -> Bool {
        while true {
            var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&state, 1, 60_000) > 0 else { return false }
            var bytes = [UInt8](repeating: 0, count: 65_536)
            let count = recv(descriptor, &bytes, bytes.count, 0)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return true }
        }
    }

    /// The next answer; nil when the connection is gone or none comes within a minute.
    public func answer() -> BulkAnswer? {
        while true {
            if let answer = BulkAnswer.read(from: &input) {
                input.discardReadBytes()
                return answer
            }
            guard let more = more() else { return nil }
            input.writeBytes(more)
        }
    }

    /// What comes next; nil when the connection is gone or nothing comes within a minute.
    func more() -> ArraySlice<UInt8>? {
        while true {
            var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&state, 1, 60_000) > 0 else { return nil }
            var bytes = [UInt8](repeating: 0, count: 65_536)
            let count = recv(descriptor, &bytes, bytes.count, 0)
            if count < 0, errno == EINTR { continue }
            return count > 0 ? bytes[..<count] : nil
        }
    }
}
