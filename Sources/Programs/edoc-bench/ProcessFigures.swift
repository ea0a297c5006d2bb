// ProcessFigures: what the kernel says of a process: resident memory, processor time, bytes written. Read from /proc; a process
// that is gone has zeros. The sampler keeps the largest values on a thread of its own.

import Glibc
import Synchronization

/// A small file, whole.
enum SmallFile {
    static func text(_ path: String) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var result: [UInt8] = []
        var portion = [UInt8](repeating: 0, count: 65_536)
        while result.count < 1 << 22 {
            let count = read(file, &portion, portion.count)
            guard count > 0 else { break }
            result += portion[..<count]
        }
        return String(decoding: result, as: UTF8.self)
    }
}

/// Resident octets. RssAnon + RssShmem are the process's own; RssFile is mostly the store's map, which the kernel may drop.
struct Memory: Sendable {
    var own: UInt64 = 0
    var file: UInt64 = 0

    static func of(_ pid: pid_t) -> Memory {
        var memory = Memory()
        for line in SmallFile.text("/proc/\(pid)/status").split(separator: "\n") where line.hasPrefix("Rss") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard words.count >= 2, let kilobytes = UInt64(words[1]) else { continue }
            switch words[0] {
            case "RssAnon:", "RssShmem:": memory.own += kilobytes << 10
            case "RssFile:": memory.file = kilobytes << 10
            default: break
            }
        }
        return memory
    }

    mutating func raise(to other: Memory) {
        own = max(own, other.own)
        file = max(file, other.file)
    }

    var figure: Figure {
        .fields([("ownMB", .real(Double(own) / 1e6)), ("fileMB", .real(Double(file) / 1e6))])
    }
}

/// Processor seconds of all threads, user and system.
enum ProcessorTime {
    static func of(_ pid: pid_t) -> Double {
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(pid, &clock) == 0, clock_gettime(clock, &time) == 0 else { return 0 }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// Octets of the page cache that a process has made dirty. An upper bound of what goes to the disk: a small write may make a whole
/// large folio count.
enum DiskWrites {
    static func of(_ pid: pid_t) -> UInt64 {
        for line in SmallFile.text("/proc/\(pid)/io").split(separator: "\n") where line.hasPrefix("write_bytes: ") {
            return UInt64(line.dropFirst(13)) ?? 0
        }
        return 0
    }
}

/// Looks at the memory of processes every 20 ms and keeps the most of each.
final class MemorySampler: Sendable {
    private struct State {
        var watched: [(name: String, pid: pid_t)] = []
        var most: [String: Memory] = [:]
        var isEnding = false
    }
    private let state: Mutex<State>
    private let worker: Mutex<Worker<Void>?> = Mutex(nil)

    init() {
        state = Mutex(State())
        let worker = Worker { [self] in
            while !state.withLock({ $0.isEnding }) {
                sample()
                Instant.pause(microseconds: 20_000)
            }
        }
        self.worker.withLock { $0 = worker }
    }

    /// A node that is started again takes the place of its old process.
    func watch(_ name: String, _ pid: pid_t) {
        state.withLock { state in
            state.watched.removeAll { $0.name == name }
            state.watched.append((name, pid))
        }
    }

    private func sample() {
        for (name, pid) in state.withLock({ $0.watched }) {
            let memory = Memory.of(pid)
            state.withLock { $0.most[name, default: Memory()].raise(to: memory) }
        }
    }

    /// Forgets what was so far.
    func restart() { state.withLock { $0.most = [:] } }

    func end() {
        state.withLock { $0.isEnding = true }
        try? worker.withLock { $0 }?.value()
        worker.withLock { $0 = nil }
    }

    var most: [(String, Memory)] { state.withLock { $0.most.sorted { $0.key < $1.key } } }
    /// MB of one process's own, or the largest of all.
    func mostMB(of name: String? = nil) -> Double {
        Double(most.filter { name == nil || $0.0 == name }.map(\.1.own).max() ?? 0) / 1e6
    }
    var figure: Figure { .fields(most.filter { $1.own > 0 }.map { ($0, $1.figure) }) }
}
