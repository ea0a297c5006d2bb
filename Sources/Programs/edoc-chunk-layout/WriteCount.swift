// WriteCount: how often this process has called the kernel to write, from /proc/self/io. LMDB gathers neighbouring
// pages into one call, so that the count tells how scattered a commit's pages were, whatever the disk's cache makes of
// the time.

import Glibc

enum WriteCount {
    static func now() -> UInt64 {
        let file = open("/proc/self/io", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return 0 }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 512)
        let count = read(file, &bytes, bytes.count)
        guard count > 0 else { return 0 }
        let text = String(decoding: bytes[..<count], as: UTF8.self)
        for line in text.split(separator: "\n") where line.hasPrefix("syscw: ") {
            return UInt64(line.dropFirst(7)) ?? 0
        }
        return 0
    }
}
