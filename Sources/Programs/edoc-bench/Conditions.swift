// Conditions: what a figure depends on, printed beside it: processor, disk, kernel, versions, and what else ran. Read from the
// system; what cannot be told is left empty.

import Glibc

enum Conditions {
    static func figure(_ place: Place) -> Figure {
        let processor = SmallFile.text("/proc/cpuinfo").split(separator: "\n").first { $0.hasPrefix("model name") }
        let memory = SmallFile.text("/proc/meminfo").split(separator: "\n").first { $0.hasPrefix("MemTotal") }
        return .fields([
            ("cpu", .text(value(processor))), ("cores", .count(sysconf(Int32(_SC_NPROCESSORS_ONLN)))),
            ("memory", .text(value(memory))), ("disk", .text(disk(place.directory))),
            ("kernel", .text(trimmed(SmallFile.text("/proc/sys/kernel/osrelease")))),
            ("openssl", .text(said(["openssl", "version"], place))),
            ("swift", .text(said(["swift", "--version"], place))),
            ("loadAverageBefore", .text(String(SmallFile.text("/proc/loadavg").split(separator: " ").first ?? ""))),
            ("quick", .flag(place.isQuick)), ("settings", .list(place.settings.map { .text($0) })),
        ])
    }

    private static func value(_ line: Substring?) -> String {
        guard let line, let colon = line.firstIndex(of: ":") else { return "" }
        return trimmed(String(line[line.index(after: colon)...]))
    }

    private static func trimmed(_ text: String) -> String {
        text.split(whereSeparator: { $0 == " " || $0 == "\n" || $0 == "\t" }).joined(separator: " ")
    }

    /// Device and file system: the longest mount point that the path begins with.
    private static func disk(_ path: String) -> String {
        var best: (length: Int, text: String) = (0, "")
        for line in SmallFile.text("/proc/self/mounts").split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 3 else { continue }
            let point = String(fields[1])
            let isAbove = point == "/" || path == point || path.hasPrefix(point + "/")
            if isAbove, point.count > best.length { best = (point.count, "\(fields[0]) \(fields[2])") }
        }
        return best.text
    }

    /// True for a file system in memory, on which a sync costs nothing.
    static func isInMemory(_ path: String) -> Bool {
        let kind = disk(path)
        return kind.hasSuffix(" tmpfs") || kind.hasSuffix(" ramfs")
    }

    /// The first line that a program says.
    static func said(_ words: [String], _ place: Place) -> String {
        let output = place.directory + "/said"
        defer { unlink(output) }
        guard let child = try? Child(words, output: output), child.wait() == 0 else { return "" }
        return trimmed(String(SmallFile.text(output).split(separator: "\n").first ?? ""))
    }
}
