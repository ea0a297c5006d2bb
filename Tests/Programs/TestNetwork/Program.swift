// Program: one run of a program as a child of the test: started with posix_spawn, its output in a file, ended and waited for by
// its process ID. Used on the thread of one test; what cannot be started is a `TestFailure`. A child that is still there
// when the value goes away is killed.

import Foundation

/// Why a test cannot go on.
public struct TestFailure: Error, CustomStringConvertible {
    public var description: String
    public init(_ description: String) { self.description = description }
}

/// How a program ended.
public enum ProgramEnd: Hashable, Sendable {
    case exited(Int32)
    case signalled(Int32)
}

public final class Program {
    public let pid: pid_t
    private var end: ProgramEnd?

    /// Starts `path`; standard output and standard error go to files, appended. `descriptors` become 3 and upwards, and must be far
    /// above that here. `hasOwnGroup`: a process group of its own, so that it can be stopped as a job of a shell.
    public init(
        _ path: String, _ arguments: [String], environment: [String: String] = [:], descriptors: [Int32] = [],
        input: String = "/dev/null", hasOwnGroup: Bool = false,
        output: String, errors: String
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY | O_NOCTTY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        for (index, descriptor) in descriptors.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(3 + index))
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // What the test process ignores or blocks is none of the child's business.
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        let group = hasOwnGroup ? POSIX_SPAWN_SETPGROUP : 0
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group))
        var variables = ProcessInfo.processInfo.environment
        variables["NOTIFY_SOCKET"] = nil
        variables.merge(environment) { $1 }
        var argv: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var child: pid_t = 0
        let code = posix_spawn(&child, path, &actions, &attributes, &argv, &envp)
        guard code == 0 else { throw TestFailure("\(path) cannot be started: \(String(cString: strerror(code)))") }
        pid = child
    }

    deinit {
        if end == nil {
            kill(pid, SIGKILL)
            _ = wait()
        }
    }

    public var isRunning: Bool {
        if end != nil { return false }
        collect(WNOHANG)
        return end == nil
    }

    public func send(_ signal: Int32) {
        if end == nil { kill(pid, signal) }
    }

    /// Waits for the end.
    @discardableResult
    public func wait() -> ProgramEnd {
        while end == nil { collect(0) }
        return end!
    }

    /// SIGTERM, and SIGKILL for one that takes too long.
    @discardableResult
    public func stop() -> ProgramEnd {
        send(SIGTERM)
        if !(try! eventually(within: 30) { !isRunning }) { send(SIGKILL) }
        return wait()
    }

    private func collect(_ options: Int32) {
        var status: Int32 = 0
        var answer: pid_t
        repeat { answer = waitpid(pid, &status, options) } while answer == -1 && errno == EINTR
        guard answer != 0 else { return }
        let signal = status & 0x7f
        end = answer == pid && signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal)
    }
}

/// Asks again until the answer is yes; false when it never is within some seconds.
public func eventually(within seconds: Double = 60, _ condition: () throws -> Bool) throws -> Bool {
    let end = ProcessInfo.processInfo.systemUptime + seconds
    var pause: useconds_t = 2_000
    while true {
        if try condition() { return true }
        guard ProcessInfo.processInfo.systemUptime < end else { return false }
        usleep(pause)
        pause = min(pause * 2, 50_000)
    }
}
