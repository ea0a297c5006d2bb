// Edocctl: the operator's tool: its commands, the options that all have, and how it ends. It runs one request against the daemon's
// control socket and stops. Exit codes: 0 done, 1 a negative answer, 2 wrong usage, 69 no daemon, 74 the
// output cannot be written, 77 not permitted.

import ArgumentParser
import ControlAPI
import Glibc
import Language
import RelayControl
import RelayLanguage
import Synchronization

@main
enum Entry {
    static func main() async {
        let status = await run(Array(CommandLine.arguments.dropFirst()))
        // What was asked for has not been said: whoever reads the exit code must not take it for done.
        if let failure = Output.failure, status == .done || status == .negative {
            Output.complain([OutputSentences.unwritten(String(cString: strerror(failure)))])
            // Of `check` a monitor knows its own codes only.
            let isCheck = Offline.ordered(Array(CommandLine.arguments.dropFirst())).first == "check"
            exit((isCheck ? ExitStatus.unknown : .unwritten).rawValue)
        }
        exit(status.rawValue)
    }

    /// Runs one command line; what it has to say goes to the standard streams.
    static func run(_ arguments: [String]) async -> ExitStatus {
        do {
            let command = try Edocctl.parseAsRoot(Offline.ordered(arguments))
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                var command = command
                try command.run()
            }
            return .done
        } catch let exit as QuietExit {
            return exit.status
        } catch {
            // A monitor takes 2 for critical and 1 for a warning: a command line that makes no sense is neither.
            let isCheck = Offline.ordered(arguments).first == "check"
            if let failure = Failure(error) {
                Output.complain(failure.lines)
                return isCheck ? .unknown : failure.status
            }
            guard Edocctl.exitCode(for: error) == .success else {
                Output.complain([UsageLine.text(Edocctl.message(for: error), arguments)])
                return isCheck ? .unknown : .usage
            }
            let message = HelpText.inLanguage(Edocctl.fullMessage(for: error))
            Output.say(
                message.isEmpty
                    ? ""
                    : HelpText.folded(message, to: Terminal.columns) { Shown.folded($0, to: $1, hanging: $2) } + "\n")
            return .done
        }
    }
}

/// How the tool ends.
enum ExitStatus: Int32 {
    case done = 0
    case negative = 1
    case usage = 2
    /// Of `check`: it cannot be told.
    case unknown = 3
    /// EX_IOERR: the answer could not be written where it was to go.
    case unwritten = 74
    /// EX_UNAVAILABLE
    case unreachable = 69
    /// EX_NOPERM
    case notPermitted = 77
}

struct Edocctl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edocctl",
        abstract: phrase(
            "Looks into the relay and works with its documents.",
            "Xem bên trong trạm chuyển tiếp và làm việc với văn bản."),
        version: "edocctl \(ProgramVersion.text)",
        subcommands: [
            StatusCommand.self, QueueCommand.self, ListCommand.self, ShowCommand.self, TraceCommand.self,
            HistoryCommand.self, OutcomesCommand.self, PeersCommand.self, RoutesCommand.self, LimitsCommand.self,
            TopCommand.self,
            LedgerCommand.self, SubmitCommand.self, InboxCommand.self, PackageCommand.self, HoldCommand.self,
            ReleaseCommand.self, RetryCommand.self, RequeueCommand.self, RerouteCommand.self, ExpireCommand.self,
            DeleteCommand.self, ResubmitCommand.self, LifetimeCommand.self, UrgencyCommand.self,
            SuspendCommand.self, ResumeCommand.self,
            SuspensionsCommand.self, JobsCommand.self, DrainCommand.self, ReloadCommand.self, AuditCommand.self,
            BackupCommand.self, RestoreCommand.self, SalvageCommand.self, VerifyCommand.self, CheckCommand.self,
            DoctorCommand.self,
            ReportCommand.self,
            LogLevelCommand.self, WireCommand.self, DirectoryCommand.self,
        ])
}

/// What the argument parser says of a command line that makes no sense, in one line.
enum UsageLine {
    static func text(_ message: String, _ arguments: [String]) -> String {
        let first = message.split(separator: "\n").first.map(String.init) ?? ""
        let said = HelpText.inLanguage("Error: " + first).drop { $0 != " " }.dropFirst()
        // Words before the first option or value name the command.
        var words: [String] = []
        var commands = [Edocctl.self] as [any ParsableCommand.Type]
        for word in arguments {
            guard
                let command = commands.last?.configuration.subcommands.first(where: {
                    $0.configuration.commandName == word
                })
            else { break }
            commands.append(command)
            words.append(word)
        }
        let help = (["edocctl"] + words + ["--help"]).joined(separator: " ")
        return Shown.text(String(said)) + phrase("; \(help) tells more", "; xem \(help)")
    }
}

/// Where the answers come from, and how they are printed.
protocol DaemonOptions {
    var socket: String? { get }
    var store: String? { get }
    var json: Bool { get }
}

/// The options of commands that only a running daemon answers. `--store` is taken, and the answer says why that does not work.
struct LiveOptions: ParsableArguments, DaemonOptions {
    @Option(
        help: .init(
            phrase(
                "The daemon's control socket. Without it: EDOC_SOCKET, else \(ControlPath.defaultSocket).",
                "Socket điều khiển của dịch vụ edocd. Nếu bỏ trống: EDOC_SOCKET, nếu không thì \(ControlPath.defaultSocket)."
            )))
    var socket: String?

    @Option(help: .hidden) var store: String?

    @Flag(help: .init(phrase("Print the daemon's JSON.", "In JSON của dịch vụ edocd.")))
    var json = false
}

/// The options of commands that can also read the store of a daemon that does not run.
struct CommonOptions: ParsableArguments, DaemonOptions {
    @Option(
        help: .init(
            phrase(
                "The daemon's control socket. Without it: EDOC_SOCKET, else \(ControlPath.defaultSocket).",
                "Socket điều khiển của dịch vụ edocd. Nếu bỏ trống: EDOC_SOCKET, nếu không thì \(ControlPath.defaultSocket)."
            )))
    var socket: String?

    @Option(
        help: .init(
            phrase(
                "Read the store in this directory while its daemon does not run, without the daemon.",
                "Đọc kho trong thư mục này khi dịch vụ edocd không chạy, không cần dịch vụ edocd.")))
    var store: String?

    @Flag(help: .init(phrase("Print the daemon's JSON.", "In JSON của dịch vụ edocd.")))
    var json = false
}

extension DaemonOptions {
    var client: ControlClient {
        get throws {
            let environment = getenv("EDOC_SOCKET").map { String(cString: $0) }
            var client = ControlClient(socket: socket ?? environment ?? ControlPath.defaultSocket)
            guard let store else { return client }
            do {
                let offline = try OfflineControl(directory: store)
                if !json { Offline.sayFirst(Offline.header(offline.left)) }
                client.offline = offline
            } catch {
                throw FileError(error.sentence)
            }
            return client
        }
    }

    /// Fetches an answer and shows it, as JSON or by `view`.
    func show<Answer: ControlAnswer>(_ uri: String, _ view: (Answer) -> String) async throws {
        _ = try await shown(try await client.get(uri), view)
    }

    /// The same by a view that asks how wide the terminal is.
    func show<Answer: ControlAnswer>(_ uri: String, _ view: (Answer, Int?) -> String) async throws {
        _ = try await shown(try await client.get(uri), view)
    }

    /// An answer as a value.
    func decoded<Answer: ControlAnswer>(_ type: Answer.Type, _ bytes: [UInt8]) throws -> Answer {
        do {
            return try ControlJSON.answer(type, from: bytes)
        } catch {
            throw ClientError.broken(FailureSentences.otherVersion)
        }
    }

    /// Of what is asked for by name: an empty name is none.
    func name(_ text: String) throws -> String {
        guard text.contains(where: { !$0.isWhitespace }) else {
            throw UsageError(
                sentence: phrase(
                    "which envelope? give its name, the beginning of it, or its number; edocctl list shows them",
                    "gói tin nào? hãy ghi tên, phần đầu của tên hoặc số; edocctl list liệt kê các gói tin"))
        }
        return text
    }

    /// Shows an answer that is here.
    func shown<Answer: ControlAnswer>(_ bytes: [UInt8], _ view: (Answer) -> String) async throws -> Answer {
        let answer = try decoded(Answer.self, bytes)
        Output.say(json ? Shown.json(String(decoding: bytes, as: UTF8.self)) + "\n" : view(answer))
        return answer
    }

    func shown<Answer: ControlAnswer>(_ bytes: [UInt8], _ view: (Answer, Int?) -> String) async throws -> Answer {
        try await shown(bytes) { view($0, Terminal.columns) }
    }
}

enum OutputSentences {
    static func unwritten(_ why: String) -> String {
        phrase(
            "the answer could not be written: \(why)", "không ghi được câu trả lời: \(RelaySentence.inLanguage(why))")
    }
}

/// The standard streams.
enum Output {
    /// Why something of what was asked for could not be written; nil when all of it was.
    static var failure: Int32? { unwritten.withLock { $0 } }
    private static let unwritten = Mutex<Int32?>(nil)

    static func say(_ text: String) {
        // Beside the output: what is said may go into a file that a program reads.
        note(Offline.takeHeader())
        put(text, STDOUT_FILENO)
    }

    static func complain(_ lines: [String]) { put(complaint(lines, columns: Terminal.errorColumns), STDERR_FILENO) }

    static func complaint(_ lines: [String], columns: Int?) -> String {
        lines.map { Shown.folded("edocctl: " + $0, to: columns) + "\n" }.joined()
    }

    /// Something passing, such as progress, beside the output.
    static func note(_ text: String) { put(text, STDERR_FILENO) }

    private static func put(_ text: String, _ descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                // Whoever has stopped reading has seen what it wanted.
                if descriptor == STDOUT_FILENO, errno != EPIPE {
                    let code = errno
                    unwritten.withLock { $0 = $0 ?? code }
                }
                return
            }
            rest = rest.dropFirst(count)
        }
    }
}
