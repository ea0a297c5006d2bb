// PortHolder: which program of this machine listens at a port, as /proc tells. Root sees all; others their own programs only. Reads; nil
// where it cannot be told.

import Glibc

struct PortHolder: Equatable {
    var process: Int32
    /// Of the program, as the kernel knows it.
    var name: String

    /// systemd opens sockets for services and keeps them open.
    var isServiceManager: Bool { process == 1 }

    static func of(port: UInt16) -> PortHolder? {
        let links = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap { sockets(listeningAt: port, in: text($0)) }.map {
            "socket:[\($0)]"
        }
        guard !links.isEmpty else { return nil }
        for process in names(in: "/proc").compactMap(Int32.init).sorted() {
            let folder = "/proc/\(process)/fd"
            guard names(in: folder).contains(where: { links.contains(target(of: folder + "/" + $0)) }) else { continue }
            return PortHolder(process: process, name: String(text("/proc/\(process)/comm").prefix { $0 != "\n" }))
        }
        return nil
    }

    /// The inodes of the listening sockets of a port in a table of proc(5).
    static func sockets(listeningAt port: UInt16, in table: String) -> [Substring] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            // 0A: TCP_LISTEN.
            guard fields.count > 9, fields[3] == "0A", let colon = fields[1].lastIndex(of: ":"),
                UInt16(fields[1][fields[1].index(after: colon)...], radix: 16) == port
            else { return nil }
            return fields[9]
        }
    }

    private static func names(in folder: String) -> [String] {
        guard let folder = opendir(folder) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            names.append(
                withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names
    }

    private static func target(of link: String) -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = readlink(link, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : ""
    }

    private static func text(_ path: String) -> String {
        guard let file = fopen(path, "re") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count < 16 << 20, case let count = fread(&part, 1, part.count, file), count > 0 {
            bytes += part[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
