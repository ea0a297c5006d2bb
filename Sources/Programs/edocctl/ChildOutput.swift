// ChildOutput: one run of another program of ours, to its end, with what it printed. Blocks; the child gets no input. Fails by `FileError`.

import Glibc

struct ChildOutput {
    var bytes: [UInt8]
    /// Nil when a signal ended it.
    var exitCode: Int32?

    /// More is not read.
    static let bytesMax = 4 << 20

    init(_ path: String, _ arguments: [String]) throws(FileError) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw FileError("cannot run", path) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        posix_spawn_file_actions_addclose(&actions, ends[1])
        var argv: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for text in argv { free(text) } }
        var child: pid_t = 0
        let code = posix_spawn(&child, path, &actions, nil, &argv, environ)
        close(ends[1])
        defer { close(ends[0]) }
        guard code == 0 else { throw FileError("cannot run", path, code) }
        bytes = Self.read(ends[0])
        var status: Int32 = 0
        while waitpid(child, &status, 0) == -1, errno == EINTR {}
        exitCode = status & 0x7f == 0 ? (status >> 8) & 0xff : nil
    }

    private static func read(_ descriptor: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count < bytesMax {
            let count = Glibc.read(descriptor, &part, part.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += part[..<count]
        }
        return bytes
    }

    /// The daemon's program beside this one, else where the package puts it.
    static var daemon: String {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        if count > 0 {
            let own = String(decoding: buffer[..<count], as: UTF8.self)
            let beside = own[..<(own.lastIndex(of: "/") ?? own.startIndex)] + "/edocd"
            if access(String(beside), X_OK) == 0 { return String(beside) }
        }
        return "/usr/bin/edocd"
    }
}
