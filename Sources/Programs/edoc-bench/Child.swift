// Child: a process that the benchmark started, and the list of them. Whatever ends the benchmark ends them too: a signal is taken
// by a thread of its own, which ends every child and removes the folder before it leaves.

import Glibc
import Synchronization

/// One process.
final class Child: Sendable {
    let pid: pid_t
    private let status = Mutex<Int32?>(nil)

    /// Starts a program; its output goes to `output`, nothing is read.
    init(_ arguments: [String], output: String) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // The benchmark blocks the signals that it waits for; a child must not inherit that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var pid = pid_t()
        let code = posix_spawnp(&pid, arguments[0], &actions, &attributes, words, environ)
        guard code == 0 else { throw BenchFailure("\(arguments[0]): \(String(cString: strerror(code)))") }
        self.pid = pid
        Children.add(self)
    }

    /// Runs a program to its end.
    static func run(_ arguments: [String], output: String) throws {
        let child = try Child(arguments, output: output)
        guard child.wait() == 0 else { throw BenchFailure("\(arguments.joined(separator: " ")) failed, see \(output)") }
    }

    func signal(_ number: Int32) {
        // A process that has been waited for has given its number back.
        status.withLock { if $0 == nil { _ = Glibc.kill(pid, number) } }
    }

    /// Waits for the end; answers the status of wait(2).
    @discardableResult
    func wait() -> Int32 {
        while true {
            if let ended = poll() { return ended }
            Instant.pause(microseconds: 1_000)
        }
    }

    /// Nil while it runs.
    func poll() -> Int32? {
        status.withLock { status in
            if status == nil {
                var value: Int32 = 0
                if waitpid(pid, &value, WNOHANG) == pid {
                    status = value
                    Children.remove(self)
                }
            }
            return status
        }
    }

    func kill() {
        signal(SIGKILL)
        wait()
    }

    /// SIGTERM; SIGKILL when that takes longer than 20 s.
    func end() {
        signal(SIGTERM)
        let start = Instant.now()
        while poll() == nil {
            guard Instant.seconds(since: start) < 20 else { return kill() }
            Instant.pause(microseconds: 2_000)
        }
    }
}

/// All processes that run, and what to do when the benchmark is told to end.
enum Children {
    private static let running = Mutex<[Child]>([])
    private static let folder = Mutex<String?>(nil)

    fileprivate static func add(_ child: Child) { running.withLock { $0.append(child) } }
    fileprivate static func remove(_ child: Child) { running.withLock { $0.removeAll { $0 === child } } }

    static func killAll() {
        for child in running.withLock({ $0 }) { child.kill() }
    }

    /// Takes SIGINT, SIGTERM and SIGHUP from now on. To be called before any other thread is there.
    static func watchSignals(removing path: String) {
        folder.withLock { $0 = path }
        var set = sigset_t()
        sigemptyset(&set)
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&set, number) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        // A peer that has closed its socket is an answer of write, not a signal.
        Glibc.signal(SIGPIPE, SIG_IGN)
        _ = Worker {
            var set = sigset_t()
            sigemptyset(&set)
            for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&set, number) }
            var number: Int32 = 0
            sigwait(&set, &number)
            killAll()
            if let path = folder.withLock({ $0 }) { Folder.remove(path) }
            _exit(128 + number)
        }
    }
}
