// SystemdNotifier: tells the service manager how the daemon stands (sd_notify(3)). Does nothing when no manager listens. A
// message that cannot be sent is dropped: the manager's own time-outs cover it.

import Glibc

public struct SystemdNotifier: Sendable {
    private let path: String?

    public init(environment: [String: String]) { path = environment["NOTIFY_SOCKET"] }

    public func ready() { send("READY=1") }
    /// With what `systemctl status` shows until the next one.
    public func ready(status text: String) { send("READY=1\nSTATUS=" + Self.line(text)) }
    public func stopping() { send("STOPPING=1") }
    /// A manager that has not read the pings before needs no further one: nobody waits for it here.
    public func watchdog() { send("WATCHDOG=1", flags: Int32(MSG_DONTWAIT)) }
    /// The start takes longer, and why; to be said again within a minute.
    public func waiting(_ why: String) { send("EXTEND_TIMEOUT_USEC=60000000\nSTATUS=\(why)") }

    /// What stands behind a line's end would be another message.
    private static func line(_ text: String) -> String {
        String(text.split(whereSeparator: \.isNewline).joined(separator: "; ").prefix(512))
    }

    /// `Type=notify-reload` wants the monotonic time of the reload's start, in microseconds.
    public func reloading() {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let microseconds = UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1_000
        send("RELOADING=1\nMONOTONIC_USEC=\(microseconds)")
    }

    private func send(_ message: String, flags: Int32 = 0) {
        guard let path, !path.isEmpty else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard bytes.count < capacity else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { field in
            field.copyBytes(from: bytes)
            // A name in the abstract space is written with @ and begins with a zero byte.
            if bytes[0] == UInt8(ascii: "@") { field[0] = 0 }
        }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let text = Array(message.utf8)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                _ = sendto(descriptor, text, text.count, Int32(MSG_NOSIGNAL) | flags, generic, length)
            }
        }
    }
}
