// Failure: what went wrong, in lines for the standard error, and the exit code. Pure.

import ArgumentParser
import EdXML
import Language

struct Failure {
    var status: ExitStatus
    var lines: [String]

    /// Nil for what the argument parser throws.
    init?(_ error: any Error) {
        switch error {
        case let error as ClientError: self.init(error)
        case let error as FileError: self.init(status: .negative, lines: [Shown.text(Shown.sentence(error.sentence))])
        case let error as EdXMLWriterError:
            self.init(status: .negative, lines: [Shown.text(Shown.sentence(error.description))])
        case let error as UsageError: self.init(status: .usage, lines: [error.sentence])
        case is DecodingError: self.init(status: .negative, lines: [FailureSentences.otherVersion])
        case let error as NegativeAnswer: self.init(status: .negative, lines: [error.sentence])
        default: return nil
        }
    }

    private init(_ error: ClientError) {
        switch error {
        case .unreachable(let socket):
            self.init(status: .unreachable, lines: [FailureSentences.unreachable(Shown.text(socket))])
        case .notPermitted(let socket):
            self.init(status: .notPermitted, lines: [FailureSentences.notPermitted(Shown.text(socket))])
        case .refused(let code, let answer):
            var lines = [Shown.sentence(answer.error)] + answer.problems.map { "  " + Shown.sentence($0) }
            // This edocctl asks for nothing that a daemon of its own version does not know.
            if ["no such path", "unknown parameter", "HTTP 4"].contains(where: answer.error.hasPrefix) {
                lines[0] += "; " + FailureSentences.daemonOfOtherVersion
            }
            self.init(status: code == 403 ? .notPermitted : .negative, lines: lines.map(Shown.text))
        case .silent: self.init(status: .unreachable, lines: [FailureSentences.silent])
        case .broken(let why): self.init(status: .negative, lines: [Shown.text(Shown.sentence(why))])
        }
    }

    private init(status: ExitStatus, lines: [String]) {
        self.status = status
        self.lines = lines
    }
}

/// The command line asks for something that makes no sense.
struct UsageError: Error {
    var sentence: String

    /// What the daemon says of a value that stands in the command line as it is: wrong usage, and no negative answer.
    static func judging<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch ClientError.refused(400, let answer) {
            throw UsageError(sentence: Shown.text(Shown.sentence(answer.error)))
        }
    }
}

/// The answer is there and says no.
struct NegativeAnswer: Error {
    var sentence: String
}

enum FailureSentences {
    static func unreachable(_ socket: String) -> String {
        phrase(
            "no daemon answers at \(socket); start it (systemctl start edocd) or name its socket with --socket",
            "không có dịch vụ edocd nào trả lời ở \(socket); hãy khởi động (systemctl start edocd) hoặc chỉ socket bằng --socket"
        )
    }
    static func notPermitted(_ socket: String) -> String {
        phrase(
            "you may not connect to \(socket); ask to be put into its group, or run as root",
            "bạn không được phép nối tới \(socket); hãy xin vào nhóm của nó, hoặc chạy bằng root")
    }
    static var silent: String {
        phrase(
            "edocd does not answer; edocctl check and journalctl -u edocd tell more",
            "dịch vụ edocd không trả lời; xem edocctl check và journalctl -u edocd")
    }
    static var daemonOfOtherVersion: String {
        phrase(
            "the daemon may be of another version: use the edocctl of its package",
            "dịch vụ edocd có thể khác phiên bản: hãy dùng edocctl trong gói cài của nó")
    }
    static var otherVersion: String {
        phrase(
            "the answer is not one that this edocctl understands; use the one of the daemon's version",
            "edocctl này không hiểu câu trả lời; hãy dùng bản cùng phiên bản với dịch vụ edocd")
    }
}
