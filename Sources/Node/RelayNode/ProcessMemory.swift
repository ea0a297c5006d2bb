// ProcessMemory: how much memory the process holds, from /proc/self/status. Zero for what cannot be read.

import Glibc

/// Resident memory in bytes, by kind. Anonymous and shared memory is the process's own; file pages are the kernel's to drop.
struct ProcessMemory {
    var anonymous: UInt64 = 0
    var shared: UInt64 = 0
    var file: UInt64 = 0

    static func read() -> ProcessMemory {
        var memory = ProcessMemory()
        guard let handle = fopen("/proc/self/status", "r") else { return memory }
        defer { fclose(handle) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), handle) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let fields = text.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard fields.count >= 2, let kilobytes = UInt64(fields[1]) else { continue }
            switch fields[0] {
            case "RssAnon:": memory.anonymous = kilobytes * 1_024
            case "RssShmem:": memory.shared = kilobytes * 1_024
            case "RssFile:": memory.file = kilobytes * 1_024
            default: break
            }
        }
        return memory
    }
}

/// The length of a file; zero when it cannot be told.
enum FileSize {
    static func of(_ path: String) -> UInt64 {
        var status = stat()
        return stat(path, &status) == 0 ? UInt64(max(status.st_size, 0)) : 0
    }
}
