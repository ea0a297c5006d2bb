// HeldSockets: the service manager's part of socket activation: listening sockets that the test holds, and programs that are given them
// (sd_listen_fds(3)). The sockets and their files live as long as the value.

import Foundation
import TestNetwork

final class HeldSockets {
    private(set) var descriptors: [Int32] = []
    private(set) var names: [String] = []
    private var files: [String] = []

    deinit {
        for descriptor in descriptors { close(descriptor) }
        for file in files { unlink(file) }
    }

    /// Listens on the loopback interface; the port.
    func listen(as name: String) throws -> Int {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let descriptor = try open(AF_INET, name, &address)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// Listens at a path.
    func listen(at path: String, as name: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        _ = try open(AF_UNIX, name, &address)
        files.append(path)
    }

    private func open<Address>(_ family: Int32, _ name: String, _ address: inout Address) throws -> Int32 {
        let low = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        // Far above the places that it takes in the child.
        let descriptor = fcntl(low, F_DUPFD_CLOEXEC, 64)
        close(low)
        let length = socklen_t(MemoryLayout<Address>.size)
        let answer = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard answer == 0, Glibc.listen(descriptor, 64) == 0 else {
            throw TestFailure("\(name): \(String(cString: strerror(errno)))")
        }
        descriptors.append(descriptor)
        names.append(name)
        return descriptor
    }

    /// Starts the daemon with the sockets. `pid` is whom they are said to be for; without it, the daemon.
    func start(
        _ network: Network, _ node: String, pid: String = "$$", environment: [String: String] = [:]
    ) throws -> Program {
        var environment = environment
        environment["LISTEN_FDS"] = String(descriptors.count)
        environment["LISTEN_FDNAMES"] = names.joined(separator: ":")
        // The shell becomes the daemon and keeps its number.
        return try Program(
            "/bin/sh",
            [
                "-c", "export LISTEN_PID=\(pid); exec \"$0\" --create-store --config \"$1\"", Places.edocd,
                network.folder[node + ".yaml"],
            ], environment: environment, descriptors: descriptors, output: network.log(node), errors: network.log(node))
    }
}
