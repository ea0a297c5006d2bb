// DoctorCommand: `edocctl doctor`: looks at everything that can be wrong on this machine, says what to do about each, and ends with 1 when
// something must be done. It works without a running daemon, and says more with one.

import ArgumentParser
import ControlAPI
import Glibc
import Language
import NIOCore
import NIOPosix
import RelayControl

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: phrase(
            "Look for what is wrong on this machine, and say what to do.",
            "Tìm những điểm bất thường trên máy này và chỉ cách xử lý."))

    @OptionGroup var common: LiveOptions
    @Option(
        help: ArgumentHelp(
            phrase(
                "The configuration file. Without it: the running daemon's, else /etc/edoc/edocd.yaml.",
                "Tệp cấu hình. Không nêu: của dịch vụ edocd đang chạy, nếu không thì /etc/edoc/edocd.yaml.")))
    var config: String?
    @Option(
        help: ArgumentHelp(
            phrase(
                "The user that the daemon runs as; root looks at files as that user. Without it: that of the running daemon, of the unit, or of the store.",
                "Người dùng chạy dịch vụ edocd; root xem xét tệp với tư cách người này. Không nêu: người dùng của dịch vụ edocd đang chạy, của unit, hoặc của kho."
            )))
    var user: String?
    @Option(help: ArgumentHelp(phrase("The daemon's program.", "Tệp chương trình edocd."), visibility: .hidden))
    var edocd: String?

    func run() async throws {
        guard common.store == nil else {
            throw UsageError(
                sentence: phrase(
                    "doctor looks at this machine and its daemon; leave --store out",
                    "doctor xem xét máy này và dịch vụ edocd trên máy; hãy bỏ --store"))
        }
        var facts = DoctorFacts()
        facts.socket = try common.client.socket
        do {
            facts.health = try await answer(ControlPath.health)
        } catch let error as ClientError {
            facts.daemonError = error
        } catch is Patience.Over {
            facts.daemonError = .broken(phrase("it does not answer", "không trả lời"))
        }
        let path = config ?? facts.health?.configurationPath ?? DaemonUser.standardConfiguration
        // The units run the daemon with the standard file.
        if path == DaemonUser.standardConfiguration { facts.units = ServiceUnits.asked() }
        try examine(path, &facts)
        if let health = facts.health, health.engineAnswers {
            facts.status = try? await answer(ControlPath.status)
            facts.peers = try? await answer(ControlPath.peers)
        }
        facts.reachable = await Self.probe(facts)
        facts.holders = Self.holders(facts)
        if case .unreachable? = facts.daemonError { facts.stopped = await Self.stopped(facts) }
        let findings = Doctor.findings(facts)
        Output.say(common.json ? DoctorView.json(findings) : DoctorView.text(findings, columns: Terminal.columns))
        if findings.contains(where: { $0.grade == .fault }) { throw QuietExit(status: .negative) }
    }

    private func answer<Answer: ControlAnswer>(_ uri: String) async throws -> Answer {
        let client = try common.client
        let bytes = try await Patience.within(seconds: 10) { try await client.get(uri) }
        guard let answer = try? ControlJSON.answer(Answer.self, from: bytes) else {
            throw ClientError.broken(FailureSentences.otherVersion)
        }
        return answer
    }

    /// Looks as whoever runs this, and again as the daemon's user where that can be done.
    private func examine(_ path: String, _ facts: inout DoctorFacts) throws {
        let first = try examination(path, as: nil)
        facts.examination = first
        if let user {
            guard let number = DaemonUser.number(user) else {
                throw UsageError(
                    sentence: phrase("there is no user \(Shown.text(user))", "không có người dùng \(Shown.text(user))"))
            }
            facts.daemonUser = number
        } else {
            facts.daemonUser = DaemonUser.found(
                first, facts.units, socket: facts.socket, isRunning: facts.daemonError == nil)
        }
        guard first.user == 0, let user = facts.daemonUser, user != 0 else { return }
        var second = try examination(path, as: user)
        if second.node == nil, first.node != nil {
            // It may not even read its configuration: the rest as root sees it.
            let seen = second
            second = first
            second.errors = seen.errors
            second.files = seen.files
            (second.user, second.userName) = (seen.user, seen.userName)
        }
        facts.examination = second
    }

    private func examination(_ path: String, as user: UInt32?) throws -> ExaminationAnswer {
        let program = edocd ?? ChildOutput.daemon
        let output = try ChildOutput(
            program, ["--examine", "--config", path] + (user.map { ["--user", String($0)] } ?? []))
        guard output.exitCode == 0,
            let answer = try? ControlJSON.answer(ExaminationAnswer.self, from: output.bytes)
        else {
            throw FileError(
                phrase(
                    "\(program) --examine gives no answer; install edocd and edocctl of one version",
                    "\(program) --examine không trả lời; hãy cài edocd và edocctl cùng phiên bản"))
        }
        return answer
    }

    /// Who has the addresses that the daemon cannot have.
    private static func holders(_ facts: DoctorFacts) -> [String: PortHolder] {
        var holders: [String: PortHolder] = [:]
        for port in facts.examination?.ports ?? [] where port.problem != nil {
            guard let number = port.address.split(separator: ":").last.flatMap({ UInt16($0) }) else { continue }
            holders[port.address] = PortHolder.of(port: number)
        }
        return holders
    }

    /// How full the store of a daemon that does not run is.
    private static func stopped(_ facts: DoctorFacts) async -> StatusAnswer? {
        guard let directory = facts.examination?.store?.directory,
            let offline = try? OfflineControl(directory: directory),
            let answer = try? await offline.answer("GET", ControlPath.status), answer.status < 300
        else { return nil }
        return try? ControlJSON.answer(StatusAnswer.self, from: answer.bytes)
    }

    /// Tries to connect where this node listens, and to the peers that it dials.
    private static func probe(_ facts: DoctorFacts) async -> [String: String?] {
        guard let node = facts.examination?.node else { return [:] }
        var addresses = facts.status?.listening ?? []
        addresses += node.peers.filter(\.dials).compactMap(\.address)
        var result: [String: String?] = [:]
        for address in Set(addresses).sorted() { result[address] = await Reach.problem(address) }
        return result
    }
}

/// A TCP connection that is closed at once.
enum Reach {
    /// Nil when something takes the connection.
    static func problem(_ address: String) async -> String? {
        guard let colon = address.lastIndex(of: ":"), let port = Int(address[address.index(after: colon)...]) else {
            return phrase("no address", "không phải địa chỉ")
        }
        var host = String(address[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        // Where this node listens on every address.
        if host == "::" || host == "0.0.0.0" { host = host == "::" ? "::1" : "127.0.0.1" }
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(3)).connect(host: host, port: port).get()
            try? await channel.close()
            return nil
        } catch let error as NIOConnectionError {
            return error.connectionErrors.first.map { reason($0.error) }
                ?? phrase("the name cannot be resolved", "không phân giải được tên")
        } catch {
            return reason(error)
        }
    }

    private static func reason(_ error: any Error) -> String {
        if let error = error as? IOError { return Shown.sentence(String(cString: strerror(error.errnoCode))) }
        if case ChannelError.connectTimeout = error {
            return phrase("no answer within 3 s", "không trả lời trong 3 giây")
        }
        return phrase("cannot connect", "không kết nối được")
    }
}
