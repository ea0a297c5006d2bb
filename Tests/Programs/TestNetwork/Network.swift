// Network: the example network as real programs in a temporary folder: certificates, the configuration of Config/example with a
// port chosen by the system, nodes that are started, signalled and stopped, and edocctl to look at them. Used on the thread
// of one test. Everything that was started is ended and the folder removed when the value goes away.

import ControlAPI
import Foundation

public final class Network {
    public let folder: TestFolder
    public private(set) var port = 0
    private var nodes: [String: Program] = [:]
    private var environments: [String: [String: String]] = [:]
    /// Nodes that run the programs of a folder of its own.
    private var folders: [String: String] = [:]
    private let isPlain: Bool
    private var calls = 0

    /// Names of the nodes of the example.
    public static let names = ["vpcp", "truc", "hcm", "hanoi"]

    /// What makes retries quick enough for a test.
    public static let quickRetries = """
        retry:
          dial_backoff_min: 100ms
          dial_backoff_max: 1s
          envelope_backoff_min: 200ms
          envelope_backoff_max: 1s
          pause_min: 200ms
          pause_max: 1s
          in_doubt_wait: 2s
          in_doubt_wait_urgent: 1s
        """

    /// Makes folder, certificates and configuration; starts nothing. `plain`: without TLS.
    public init(plain: Bool = false, retries: String = Network.quickRetries) throws {
        folder = try TestFolder()
        isPlain = plain
        for name in try FileManager.default.contentsOfDirectory(atPath: Places.root + "/Config/example") {
            let source = Places.root + "/Config/example/" + name
            try FileManager.default.copyItem(atPath: source, toPath: folder[name])
        }
        if !plain { try certificates(Self.names) }
        for name in Self.names {
            try folder.makeFolder(name)
            try edit(name) { text in
                var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
                    if line.hasPrefix("listen:") { return "listen: [\"127.0.0.1:0\"]" }
                    if line.contains("growth_step:") { return "  growth_step: 16MiB" }
                    return String(line)
                }
                if plain { lines.append("plain_loopback: yes") }
                text = lines.joined(separator: "\n") + "\n" + retries + "\n"
            }
        }
    }

    deinit {
        for program in nodes.values { program.send(SIGKILL) }
        for program in nodes.values { program.wait() }
    }

    // MARK: - Making

    /// Runs Scripts/certificates in the network's folder of certificates.
    public func certificates(_ arguments: [String]) throws {
        let result = try run(Places.root + "/Scripts/certificates", [folder["tls"]] + arguments)
        guard result.end == .exited(0) else { throw TestFailure("certificates: \(result.errors)") }
    }

    /// Changes the configuration file of a node.
    public func edit(_ name: String, _ change: (inout String) -> Void) throws {
        var text = folder.text(name + ".yaml")
        change(&text)
        try folder.write(text, to: name + ".yaml")
    }

    public func replace(_ name: String, _ old: String, _ new: String) throws {
        var isFound = false
        try edit(name) { text in
            isFound = text.contains(old)
            text = text.replacingOccurrences(of: old, with: new)
        }
        if !isFound { throw TestFailure("\(name).yaml has no \(old)") }
    }

    /// From its next start a node runs, and is asked by, the programs of this folder; nil: those under test.
    public func setPrograms(_ name: String, folder: String?) { folders[name] = folder }

    public func environment(of name: String) -> [String: String] { environments[name] ?? [:] }

    public func setEnvironment(_ name: String, _ variables: [String: String]) { environments[name] = variables }

    // MARK: - Running

    /// Starts the hub first, whose port the others dial, then the others.
    public func start(_ names: [String]) throws {
        for name in names.sorted(by: { left, _ in left == "truc" }) { try start(name) }
    }

    /// Starts a node and does not wait for it. `through`: a program and its arguments that run the node's command line behind them.
    public func launch(_ name: String, through: [String] = []) throws {
        if port != 0 { try edit(name) { Self.fix(port, &$0, isHub: name == "truc") } }
        let program = folders[name].map { $0 + "/edocd" } ?? Places.edocd
        let options = (folders[name] == nil ? ["--create-store"] : []) + ["--config", folder[name + ".yaml"]]
        let line = through + [program] + options
        nodes[name] = try Program(
            line[0], Array(line.dropFirst()), environment: environments[name] ?? [:], output: log(name),
            errors: log(name))
    }

    public func start(_ name: String) throws {
        try launch(name)
        try awaitReady(name)
        guard name == "truc", port == 0 else { return }
        let status: StatusAnswer = try ask("truc", "status")
        guard let text = status.listening.first?.split(separator: ":").last, let number = Int(text) else {
            throw TestFailure("the hub does not say where it listens")
        }
        port = number
    }

    /// The hub keeps the port that it got at its first start; the others dial it.
    private static func fix(_ port: Int, _ text: inout String, isHub: Bool) {
        if isHub {
            text = text.replacingOccurrences(of: "listen: [\"127.0.0.1:0\"]", with: "listen: [\"127.0.0.1:\(port)\"]")
        }
        text = text.replacingOccurrences(of: "address: 127.0.0.1:14557", with: "address: 127.0.0.1:\(port)")
    }

    private func awaitReady(_ name: String) throws {
        let isReady = try eventually {
            if nodes[name]?.isRunning != true { throw TestFailure("\(name) ended at its start:\n\(logTail(name))") }
            return try control(name, ["status"]).end == .exited(0)
        }
        if !isReady { throw TestFailure("\(name) does not answer:\n\(logTail(name))") }
    }

    public func isRunning(_ name: String) -> Bool { nodes[name]?.isRunning ?? false }

    public func send(_ signal: Int32, to name: String) { nodes[name]?.send(signal) }

    /// SIGKILL, and waits until the process is gone.
    public func kill(_ name: String) {
        nodes[name]?.send(SIGKILL)
        nodes[name]?.wait()
        nodes[name] = nil
    }

    /// SIGTERM, and how it ended.
    @discardableResult
    public func stop(_ name: String) -> ProgramEnd? {
        let end = nodes[name]?.stop()
        nodes[name] = nil
        return end
    }

    public func pid(_ name: String) -> pid_t? { nodes[name]?.pid }

    // MARK: - Looking

    public func log(_ name: String) -> String { folder[name + ".log"] }
    public func logText(_ name: String) -> String { folder.text(name + ".log") }
    public func logTail(_ name: String) -> String {
        logText(name).split(separator: "\n").suffix(15).joined(separator: "\n")
    }

    public struct Result {
        public var end: ProgramEnd
        public var output: String
        public var errors: String
    }

    /// Runs a program to its end.
    public func run(_ path: String, _ arguments: [String], environment: [String: String] = [:]) throws -> Result {
        calls += 1
        let (output, errors) = ("run-\(calls).out", "run-\(calls).err")
        let program = try Program(
            path, arguments, environment: environment, output: folder[output], errors: folder[errors])
        // A program that should end and does not fails its test, and not the whole run.
        if try !eventually(within: 120, { !program.isRunning }) { program.send(SIGKILL) }
        let end = program.wait()
        defer {
            unlink(folder[output])
            unlink(folder[errors])
        }
        return Result(end: end, output: folder.text(output), errors: folder.text(errors))
    }

    /// edocctl on a node's socket.
    public func control(_ name: String, _ arguments: [String]) throws -> Result {
        let program = folders[name].map { $0 + "/edocctl" } ?? Places.edocctl
        return try run(program, arguments + ["--socket", folder[name + "/control.sock"]])
    }

    /// edocctl, its JSON decoded.
    public func ask<Answer: ControlAnswer>(_ name: String, _ arguments: String...) throws -> Answer {
        try ask(name, arguments)
    }

    public func ask<Answer: ControlAnswer>(_ name: String, _ arguments: [String]) throws -> Answer {
        let result = try control(name, arguments + ["--json"])
        guard let answer = try? ControlJSON.answer(Answer.self, from: Array(result.output.utf8)) else {
            throw TestFailure("edocctl \(arguments) at \(name): \(result.output) \(result.errors)\n\(logTail(name))")
        }
        return answer
    }

    public func status(_ name: String) throws -> StatusAnswer { try ask(name, "status") }
    public func ledger(_ name: String) throws -> LedgerAnswer { try ask(name, "ledger") }
    public func trace(_ name: String, _ envelope: String) throws -> TraceAnswer { try ask(name, "trace", envelope) }
    public func show(_ name: String, _ envelope: String) throws -> EnvelopeAnswer { try ask(name, "show", envelope) }

    /// Everything in an inbox, page by page.
    public func inbox(_ name: String, _ agency: String) throws -> [InboxAnswer.Document] {
        var documents: [InboxAnswer.Document] = []
        var cursor: String?
        repeat {
            var arguments = ["inbox", "list", agency, "--limit", "1000", "--json"]
            if let cursor { arguments += ["--cursor", cursor] }
            let result = try control(name, arguments)
            guard let page = try? ControlJSON.answer(InboxAnswer.self, from: Array(result.output.utf8)) else {
                throw TestFailure("inbox of \(agency) at \(name): \(result.output) \(result.errors)")
            }
            documents += page.documents
            cursor = page.cursor
        } while cursor != nil
        return documents
    }

    /// Hands in a file; the name of the envelope.
    public func submit(_ name: String, _ file: String, _ options: [String] = []) throws -> SubmitAnswer {
        let result = try control(name, ["submit", file, "--json"] + options)
        guard let answer = try? ControlJSON.answer(SubmitAnswer.self, from: Array(result.output.utf8)) else {
            throw TestFailure("submit at \(name): \(result.output) \(result.errors)\n\(logTail(name))")
        }
        return answer
    }
}
