// edocd: the relay daemon. Reads its configuration, then runs until it is told to stop.
//
// Exit codes: 0 stopped in order, 64 wrong usage, 70 the store failed, 78 the configuration is wrong (systemd does not restart
// then), 1 anything else.

import ArgumentParser
import ControlAPI
import Glibc
import Language
import Logging
import RelayConfiguration
import RelayLanguage
import RelayNode

@main
enum Entry {
    static func main() async {
        do {
            // Beside the command itself there are those of the library, which write completion scripts.
            var command = try EdocdCommand.parseAsRoot()
            if let daemon = command as? EdocdCommand {
                try await daemon.run()
            } else {
                try command.run()
            }
            // What was asked for has not been said: whoever reads the exit code must not take it for done.
            guard fflush(nil) == 0 else { Terminal.failUnwritten() }
        } catch {
            finish(error)
        }
    }

    /// What the library that reads command lines has to say, in the language of this process.
    private static func finish(_ error: any Error) -> Never {
        let code = EdocdCommand.exitCode(for: error)
        let message = HelpText.inLanguage(EdocdCommand.fullMessage(for: error))
        guard !message.isEmpty else { exit(code.rawValue) }
        let (stream, columns) =
            code.isSuccess
            ? (STDOUT_FILENO, Terminal.width(STDOUT_FILENO))
            : (
                STDERR_FILENO, Terminal.width(STDERR_FILENO)
            )
        let text = HelpText.folded(message, to: columns) { TextColumns.folded($0, to: $1, hanging: $2) }
        Terminal.put(text + "\n", stream)
        exit(code.rawValue)
    }
}

enum Terminal {
    static func put(_ text: String, _ descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                if descriptor == STDOUT_FILENO { failUnwritten() }
                return
            }
            bytes = bytes.dropFirst(count)
        }
    }

    /// EX_IOERR, as edocctl ends.
    static func failUnwritten() -> Never {
        let why = String(cString: strerror(errno))
        put(
            phrase("the answer could not be written: \(why)", "không ghi được câu trả lời: \(why)") + "\n",
            STDERR_FILENO)
        _exit(74)
    }

    /// Columns; nil where nobody looks on a terminal.
    static func width(_ descriptor: Int32) -> Int? {
        guard isatty(descriptor) == 1 else { return nil }
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}

struct EdocdCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edocd",
        abstract: phrase(
            "The e-Doc relay daemon: queues, retries and forwards envelopes.",
            "Dịch vụ edocd, trạm chuyển e-Doc: xếp hàng, thử lại và chuyển tiếp gói tin."),
        version: ProgramVersion.text)

    @Option(name: .customLong("config"), help: .init(phrase("The configuration file.", "Tệp cấu hình.")))
    var path = "/etc/edoc/edocd.yaml"

    @Flag(
        name: .customLong("check-config"),
        help: .init(
            phrase(
                "Read configuration, agencies and certificates, say what is wrong, and exit.",
                "Đọc cấu hình, danh bạ và chứng thư, báo điều sai, rồi thoát.")))
    var checkConfiguration = false

    @Flag(
        name: .customLong("print-defaults"),
        help: .init(
            phrase(
                "Print every key with its default and a sentence, and exit.",
                "In mọi khóa với giá trị mặc định và một câu giải thích, rồi thoát.")))
    var printDefaults = false

    @Flag(
        name: .customLong("create-store"),
        help: .init(
            phrase(
                "Begin with an empty store where there is none. Without it a store that is not there is an error.",
                "Bắt đầu với kho trống nếu chưa có kho. Nếu không có tùy chọn này, thiếu kho là lỗi.")))
    var createStore = false

    @Flag(
        name: .customLong("examine"),
        help: ArgumentHelp(
            phrase(
                "Print as JSON what edocctl doctor wants to know of configuration, files, disk and clock, and exit.",
                "In ra dạng JSON những gì edocctl doctor cần biết về cấu hình, tệp, đĩa và đồng hồ, rồi thoát.")))
    var examine = false

    @Option(
        name: .customLong("user"),
        help: ArgumentHelp(
            phrase(
                "With --examine: look as this user, by name or number. Needs root.",
                "Cùng --examine: xem xét với tư cách người dùng này, theo tên hoặc số. Cần quyền root.")))
    var user: String?

    func run() async throws {
        // A peer that has gone must not end the process.
        signal(SIGPIPE, SIG_IGN)
        umask(0o027)
        defer { StandardErrorLog.pipe.flush(seconds: 2) }
        if printDefaults {
            Terminal.put(ConfigurationDefaults.text(), STDOUT_FILENO)
            return
        }
        if examine {
            if let user, let problem = Identity.become(user) {
                complain("\(user): \(problem)")
                throw ExitCode(1)
            }
            Terminal.put(
                String(decoding: try ControlJSON.bytes(Examination.of(path: path)), as: UTF8.self) + "\n", STDOUT_FILENO
            )
            return
        }
        let prepared: PreparedNode
        do throws(PreparationFailure) {
            prepared = try await readFiles()
        } catch {
            complain("\(error)")
            throw ExitCode(78)
        }
        for warning in prepared.warnings { complain("warning: \(warning)") }
        if checkConfiguration {
            for warning in StoreLook.warnings(prepared.configuration) { complain("warning: \(warning)") }
            for note in prepared.notes { complain(note) }
            Terminal.put(
                "\(path): " + phrase("in order; ", "hợp lệ; ") + Self.summary(prepared.configuration) + "\n",
                STDOUT_FILENO)
            return
        }
        DescriptorLimit.raise()
        FreedMemory.keep()
        let log = NodeLogging(level: prepared.logLevel, journal: NodeLogging.journal())
        do {
            try await Node.run(
                prepared, sockets: try ServiceSockets.take(), log: log, mayCreateStore: createStore)
        } catch let failure as NodeFailure {
            complain("\(failure)")
            throw ExitCode(failure.exitCode)
        }
    }

    /// Reads what the operator wrote. A certificate of our own that has ended may do so by a clock that is ahead and will be mended: an exit
    /// after which nobody starts the daemon again would outlast it.
    private func readFiles() async throws(PreparationFailure) -> PreparedNode {
        do throws(PreparationFailure) {
            return try PreparedNode(path: path, credentials: checkConfiguration ? .lookedAt : .needed)
        } catch {
            guard error.mayPass, !checkConfiguration else { throw error }
            complain("\(error)")
            return try await CertificateWait.until(path: path) { complain($0) }
        }
    }

    private static func summary(_ configuration: Configuration) -> String {
        let counts = [
            (configuration.settings.peers.count, phrase("peer", "nút kề"), phrase("peers", "nút kề")),
            (configuration.directory.count, phrase("agency", "cơ quan"), phrase("agencies", "cơ quan")),
            (configuration.routes.rows.count, phrase("route", "tuyến"), phrase("routes", "tuyến")),
        ]
        let parts = counts.map { count, one, many in "\(count) \(count == 1 ? one : many)" }
        let node = configuration.settings.node.name
        return ([phrase("node \(node)", "nút \(node)")] + parts).joined(separator: ", ")
    }

    /// To a person, in that one's language; where the service manager keeps it, English as all of the log.
    private func complain(_ text: String) {
        let isRead = checkConfiguration || isatty(STDERR_FILENO) == 1
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let said = isRead ? lines.map(RelaySentence.inLanguage) : lines
        // A pipe that nobody reads keeps the daemon neither from starting nor from ending.
        guard isRead else { return StandardErrorLog.write(lines: said) }
        Terminal.put(said.joined(separator: "\n") + "\n", STDERR_FILENO)
    }
}
