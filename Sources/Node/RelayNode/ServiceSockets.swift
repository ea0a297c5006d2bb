// ServiceSockets: listening sockets that the service manager holds for the daemon (sd_listen_fds(3)). They outlive the process, so
// that a connection made during a restart waits instead of being refused. Taken once, at the start, by the main thread, before
// any other descriptor is opened. The configuration says where the node listens; a socket of the manager is used where it
// listens at that very place. One that the configuration does not know would be connected to and never answered: an error.

import Glibc
import RelayConfiguration

/// Why the sockets cannot be used: the configuration and the units do not fit together.
struct ServiceSocketFailure: Error, CustomStringConvertible {
    var description: String
}

/// The sockets that the manager has handed over, by where they listen.
public struct ServiceSockets: Sendable {
    struct Socket: Sendable {
        var descriptor: Int32
        /// What the unit calls it, for sentences.
        var name: String
        var place: Place
    }

    enum Place: Hashable, Sendable {
        /// Family, address and port as the kernel tells them.
        case network(SocketEnd)
        case file(String)
    }

    private(set) var sockets: [Socket] = []

    /// The first descriptor that a manager hands over (SD_LISTEN_FDS_START).
    private static let firstDescriptor: Int32 = 3
    /// More than any unit has.
    private static let countMax: Int32 = 256

    /// Takes what the environment of this process names, and removes the names, so that no child mistakes them for its own.
    public static func take() throws(NodeFailure) -> ServiceSockets {
        let pid = variable("LISTEN_PID")
        let count = variable("LISTEN_FDS")
        let names = variable("LISTEN_FDNAMES")?.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"] { unsetenv(name) }
        guard let count, let pid, Int32(pid) == getpid() else { return ServiceSockets() }
        do {
            guard let count = Int32(count), (0...countMax).contains(count) else {
                throw ServiceSocketFailure(description: "LISTEN_FDS is not a number from 0 to \(countMax)")
            }
            var result = ServiceSockets()
            for index in 0..<count {
                let name = names.flatMap { Int(index) < $0.count ? $0[Int(index)] : nil }
                result.sockets.append(try socket(firstDescriptor + index, name ?? "LISTEN_FD_\(index)"))
            }
            return result
        } catch {
            throw NodeFailure(sentence: "sockets of the service manager: \(error)", exitCode: 78)
        }
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    private static func socket(_ descriptor: Int32, _ name: String) throws(ServiceSocketFailure) -> Socket {
        var isListening: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        let answer = getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length)
        guard answer == 0, isListening != 0, fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else {
            throw ServiceSocketFailure(
                description: "\(name) is not a listening stream socket; set ListenStream= in its unit")
        }
        guard let place = Place(of: descriptor) else {
            throw ServiceSocketFailure(description: "\(name) is neither an IP socket nor a socket with a path")
        }
        return Socket(descriptor: descriptor, name: name, place: place)
    }

    /// What of the sockets is for what.
    struct Assigned: Sendable {
        var control: Int32?
        var submit: Int32?
        var take: Int32?
        /// By position in `listen`.
        var links: [Int: Int32] = [:]
    }

    /// Matches the sockets with the configuration; each must have its place there.
    func assigned(_ settings: NodeConfiguration) throws(NodeFailure) -> Assigned {
        var result = Assigned()
        for socket in sockets {
            switch socket.place {
            case .file(let path) where SocketFile.isSame(path, settings.control.socket):
                result.control = socket.descriptor
            case .file(let path) where settings.control.submitSocket.map({ SocketFile.isSame(path, $0) }) == true:
                result.submit = socket.descriptor
            case .file(let path) where settings.control.takeSocket.map({ SocketFile.isSame(path, $0) }) == true:
                result.take = socket.descriptor
            case .file(let path):
                throw Self.unknown(socket, path, key: "control.socket, control.submit_socket nor control.take_socket")
            case .network(let end):
                let index = settings.listen.firstIndex { SocketEnd.all(of: $0).contains(end) }
                guard let index else { throw Self.unknown(socket, end.description, key: "listen") }
                result.links[index] = socket.descriptor
            }
        }
        return result
    }

    private static func unknown(_ socket: Socket, _ place: String, key: String) -> NodeFailure {
        let isPair = key.contains(" nor ")
        return NodeFailure(
            sentence: "the service manager's socket \(socket.name) listens at \(place), which "
                + (isPair ? "neither \(key) names" : "\(key) does not name")
                + "; change the one or the other, or: systemctl disable --now \(unit(socket.name))", exitCode: 78)
    }

    private static func unit(_ name: String) -> String { name.hasSuffix(".socket") ? name : "its .socket unit" }
}

/// One end of an IP socket.
struct SocketEnd: Hashable, Sendable, CustomStringConvertible {
    private var family: Int32
    /// In network order.
    private var address: [UInt8]
    private var port: UInt16

    init?(_ storage: UnsafePointer<sockaddr>) {
        family = Int32(storage.pointee.sa_family)
        switch family {
        case AF_INET:
            let value = UnsafeRawPointer(storage).loadUnaligned(as: sockaddr_in.self)
            address = withUnsafeBytes(of: value.sin_addr) { Array($0) }
            port = UInt16(bigEndian: value.sin_port)
        case AF_INET6:
            let value = UnsafeRawPointer(storage).loadUnaligned(as: sockaddr_in6.self)
            address = withUnsafeBytes(of: value.sin6_addr) { Array($0) }
            port = UInt16(bigEndian: value.sin6_port)
        default: return nil
        }
    }

    /// Every address that a host and a port mean here. Asks the resolver if the host is a name.
    static func all(of place: HostPort) -> [SocketEnd] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(place.host, String(place.port), &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var result: [SocketEnd] = []
        var next = list
        while let entry = next {
            if let end = SocketEnd(entry.pointee.ai_addr) { result.append(end) }
            next = entry.pointee.ai_next
        }
        return result
    }

    var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN) + 1)
        guard inet_ntop(family, address, &text, socklen_t(text.count)) != nil else { return "port \(port)" }
        let host = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return HostPort(host: host, port: port).description
    }
}

extension ServiceSockets.Place {
    /// Where a socket is bound; nil for an abstract or unnamed one and for other families.
    init?(of descriptor: Int32) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let answer = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard answer == 0 else { return nil }
        if Int32(storage.ss_family) == AF_UNIX {
            let head = MemoryLayout<sa_family_t>.size
            let bytes = withUnsafeBytes(of: storage) {
                Array($0.prefix(Int(length)).dropFirst(head).prefix { $0 != 0 })
            }
            guard !bytes.isEmpty else { return nil }
            self = .file(String(decoding: bytes, as: UTF8.self))
        } else {
            let end = withUnsafePointer(to: storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { SocketEnd($0) }
            }
            guard let end else { return nil }
            self = .network(end)
        }
    }
}

private enum SocketFile {
    /// The same path, or two spellings of one file.
    static func isSame(_ left: String, _ right: String) -> Bool {
        if left == right { return true }
        var (one, other) = (stat(), stat())
        return stat(left, &one) == 0 && stat(right, &other) == 0 && one.st_dev == other.st_dev
            && one.st_ino == other.st_ino
    }
}
