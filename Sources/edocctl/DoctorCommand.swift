// DoctorCommand: `edocctl doctor`: looks at everything that can be wrong on this machine, says what to do about each, and ends with 1 when
// something must be done. It works without a running daemon, and says more with one.

import ArgumentParser
import ControlAPI
import Glibc
import Language
import NIOCore
import NIOPosix

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
        let path = config ?? facts.health?.configurationPath ?? "/etc/edoc/edocd.yaml"
        facts.examination = try examination(path)
        if let health = facts.health, health.engineAnswers {
            facts.status = try? await answer(ControlPath.status)
            facts.peers = try? await answer(ControlPath.peers)
        }
        facts.socketOwner = Self.owner(of: facts.socket)
        facts.reachable = await Self.probe(facts)
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

    private func examination(_ path: String) throws -> ExaminationAnswer {
        let program = edocd ?? ChildOutput.daemon
        let output = try ChildOutput(program, ["--examine", "--config", path])
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

    private static func owner(of socket: String) -> UInt32? {
        var status = stat()
        return stat(socket, &status) == 0 ? status.st_uid : nil
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
