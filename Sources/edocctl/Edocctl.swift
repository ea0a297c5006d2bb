// Edocctl: the operator's tool: its commands, the options that all have, and how it ends. It runs one request against the daemon's
// control socket and stops. Exit codes: 0 done, 1 a negative answer, 2 wrong usage, 69 no daemon, 77 not permitted.

import ArgumentParser
import ControlAPI
import Glibc

@main
enum Entry {
    static func main() async { exit(await run(Array(CommandLine.arguments.dropFirst())).rawValue) }

    /// Runs one command line; what it has to say goes to the standard streams.
    static func run(_ arguments: [String]) async -> ExitStatus {
        do {
            let command = try Edocctl.parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                var command = command
                try command.run()
            }
            return .done
        } catch {
            if let failure = Failure(error) {
                Output.complain(failure.lines)
                return failure.status
            }
            let message = Edocctl.fullMessage(for: error)
            guard Edocctl.exitCode(for: error) == .success else {
                Output.complain([message])
                return .usage
            }
            Output.say(message.isEmpty ? "" : message + "\n")
            return .done
        }
    }
}

/// How the tool ends.
enum ExitStatus: Int32 {
    case done = 0
    case negative = 1
    case usage = 2
    /// EX_UNAVAILABLE
    case unreachable = 69
    /// EX_NOPERM
    case notPermitted = 77
}

struct Edocctl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edocctl", abstract: "Looks into the relay and works with its documents.",
        subcommands: [
            StatusCommand.self, QueueCommand.self, ListCommand.self, ShowCommand.self, TraceCommand.self,
            HistoryCommand.self, PeersCommand.self, RoutesCommand.self, LedgerCommand.self, SubmitCommand.self,
            InboxCommand.self, PackageCommand.self, ReloadCommand.self,
            HoldCommand.self, ReleaseCommand.self, RetryCommand.self, RequeueCommand.self, RerouteCommand.self,
            ExpireCommand.self, DeleteCommand.self, ResubmitCommand.self, SuspendCommand.self, ResumeCommand.self,
            SuspensionsCommand.self, JobsCommand.self, DrainCommand.self,
        ])
}

/// The options of every command that talks to the daemon.
struct CommonOptions: ParsableArguments {
    @Option(help: "The daemon's control socket. Without it: EDOC_SOCKET, else \(ControlPath.defaultSocket).")
    var socket: String?

    @Flag(help: "Print the daemon's JSON.")
    var json = false

    var client: ControlClient {
        let environment = getenv("EDOC_SOCKET").map { String(cString: $0) }
        return ControlClient(socket: socket ?? environment ?? ControlPath.defaultSocket)
    }

    /// Fetches an answer and shows it, as JSON or by `view`.
    func show<Answer: ControlAnswer>(_ uri: String, _ view: (Answer) -> String) async throws {
        _ = try await shown(try await client.get(uri), view)
    }

    /// Shows an answer that is here.
    func shown<Answer: ControlAnswer>(_ bytes: [UInt8], _ view: (Answer) -> String) async throws -> Answer {
        let answer: Answer
        do {
            answer = try ControlJSON.answer(Answer.self, from: bytes)
        } catch {
            throw ClientError.broken(FailureSentences.otherVersion)
        }
        Output.say(json ? Shown.json(String(decoding: bytes, as: UTF8.self)) + "\n" : view(answer))
        return answer
    }
}

/// The standard streams.
enum Output {
    static func say(_ text: String) { put(text, STDOUT_FILENO) }

    static func complain(_ lines: [String]) {
        for line in lines { put("edocctl: " + line + "\n", STDERR_FILENO) }
    }

    private static func put(_ text: String, _ descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                return
            }
            rest = rest.dropFirst(count)
        }
    }
}
