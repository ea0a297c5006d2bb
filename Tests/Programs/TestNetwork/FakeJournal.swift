// FakeJournal: journald's end of the native protocol in a test's folder: a datagram socket whose entries are parsed as journald does.

import Foundation

public final class FakeJournal {
    private let descriptor: Int32
    public let path: String
    /// Entries that came as the descriptor of a file.
    public private(set) var filesTaken = 0

    public init(_ path: String) throws {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let answer = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard answer == 0 else { throw TestFailure("\(path): \(String(cString: strerror(errno)))") }
    }

    deinit { close(descriptor) }

    /// The fields of the next entry; it must come within half a minute.
    public func next() throws -> [String: String] {
        var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&state, 1, 30_000) > 0 else { throw TestFailure("no entry comes") }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        var control = [UInt8](repeating: 0, count: 64)
        let (count, controlCount) = bytes.withUnsafeMutableBytes { data in
            control.withUnsafeMutableBytes { extra in
                var vector = iovec(iov_base: data.baseAddress, iov_len: data.count)
                return withUnsafeMutablePointer(to: &vector) { vector in
                    var message = msghdr()
                    message.msg_iov = vector
                    message.msg_iovlen = 1
                    message.msg_control = extra.baseAddress
                    message.msg_controllen = extra.count
                    let count = recvmsg(descriptor, &message, 0)
                    return (count, message.msg_controllen)
                }
            }
        }
        guard count >= 0 else { throw TestFailure("the journal's socket is broken") }
        guard count == 0, controlCount > 0 else { return try Self.fields(Array(bytes[..<count])) }
        // struct cmsghdr is 16 octets; the descriptor follows.
        let file = control.withUnsafeBytes { $0.load(fromByteOffset: 16, as: Int32.self) }
        filesTaken += 1
        let handle = FileHandle(fileDescriptor: file, closeOnDealloc: true)
        try handle.seek(toOffset: 0)
        return try Self.fields([UInt8](handle.readDataToEndOfFile()))
    }

    /// The next entry that `isWanted` takes, and how many there were before it.
    public func next(where isWanted: ([String: String]) -> Bool) throws -> [String: String] {
        while true {
            let fields = try next()
            if isWanted(fields) { return fields }
        }
    }

    private static func fields(_ bytes: [UInt8]) throws -> [String: String] {
        var fields: [String: String] = [:]
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { throw TestFailure("a field without an end") }
            let line = rest[..<end]
            rest = rest[(end + 1)...]
            if let equals = line.firstIndex(of: UInt8(ascii: "=")) {
                fields[String(decoding: line[..<equals], as: UTF8.self)] =
                    String(decoding: line[(equals + 1)...], as: UTF8.self)
                continue
            }
            guard rest.count >= 9 else { throw TestFailure("a value without its length") }
            let length = rest.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(8)
            guard rest.count > length else { throw TestFailure("a value shorter than its length") }
            fields[String(decoding: line, as: UTF8.self)] = String(decoding: rest.prefix(length), as: UTF8.self)
            rest = rest.dropFirst(length + 1)
        }
        return fields
    }
}
