// ForeignSocket: a TCP connection without any protocol, and a certificate of an authority that nobody here knows.

import Foundation
import OpenSSLTLS
import TestNetwork

final class ForeignSocket {
    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let answer = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) }
        }
        guard answer == 0 else { throw TestFailure("no connection: \(String(cString: strerror(errno)))") }
    }

    deinit { close(descriptor) }

    /// Says something; true when the other side then ends the connection.
    func speak(_ bytes: [UInt8]) throws -> Bool {
        _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&state, 1, 40_000) > 0 else { return false }
            if recv(descriptor, &buffer, buffer.count, 0) <= 0 { return true }
        }
    }
}

extension Hub {
    /// The certificate of hanoi by another authority, with the hub's for judging.
    func foreignTLS(_ other: Network) throws -> TLSContext {
        try TLSContext(
            TLSConfiguration(
                authorityFile: network.folder["tls/ca.pem"], certificateChainFile: other.folder["tls/hanoi.pem"],
                keyFile: other.folder["tls/hanoi.key"]))
    }
}
