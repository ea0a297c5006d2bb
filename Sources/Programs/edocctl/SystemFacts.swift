// SystemFacts: the machine in a few lines of text: system, memory, load. Reads /proc; what is not there is left out.

import Glibc

/// What whoever helps wants to know of the machine.
enum SystemFacts {
    static var text: [UInt8] {
        var text = ""
        var names = utsname()
        if uname(&names) == 0 {
            text += "system: \(string(&names.sysname)) \(string(&names.release)) \(string(&names.machine))\n"
        }
        text += "processors: \(sysconf(Int32(_SC_NPROCESSORS_ONLN)))\n"
        for (path, keys) in [
            ("/etc/os-release", ["PRETTY_NAME"]),
            ("/proc/meminfo", ["MemTotal", "MemAvailable", "SwapTotal", "SwapFree", "Dirty"]),
            ("/proc/uptime", []), ("/proc/loadavg", []), ("/proc/pressure/io", []), ("/proc/pressure/memory", []),
        ] {
            guard let content = head(path) else { continue }
            for line in content.split(separator: "\n")
            where keys.isEmpty || keys.contains(where: { line.hasPrefix($0) }) {
                text += "\(path): \(Shown.text(String(line)))\n"
            }
        }
        return Array(text.utf8)
    }

    private static func string<Field>(_ field: inout Field) -> String {
        withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private static func head(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { _ = close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let count = read(descriptor, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}
