// ProcessMemory: how much memory the process holds, from /proc/self/status. Zero for what cannot be read.

import CLinux
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
/// What the process does with memory that it has freed.
public enum FreedMemory {
    /// Blocks from this size on are mapped by themselves, and go back when they are freed.
    private static let mappedBytesMin: Int32 = 4 << 20
    /// So much at the end of a heap stays for the next buffers.
    private static let keptBytesMax: Int32 = 16 << 20

    /// Once, before there are other threads.
    public static func keep() { clinux_keep_freed_memory(mappedBytesMin, keptBytesMax) }
}

enum FileSize {
    static func of(_ path: String) -> UInt64 {
        var status = stat()
        return stat(path, &status) == 0 ? UInt64(max(status.st_size, 0)) : 0
    }
}
