// RareAnswersTests: what the tool makes of answers that are rare: of another version, of a stopped store, of ended certificates, and of
// what operators have typed and nobody else should read.

import ControlAPI
import Foundation
import Testing

@testable import RelayControl
@testable import edocctl

@Suite struct RareAnswersTests {
    private static let now = Timestamp(text: "2026-03-09T07:05:00Z")!

    /// One line and 1, whatever is asked for.
    @Test func aDaemonOfAnotherVersion() async throws {
        for body in [#"{"schema": 9}"#, "", "[]"] {
            let server = try FixedServer(body)
            for arguments in [
                ["status"], ["suspensions", "--cancel", "3"], ["wire", "truc"], ["queue", "list"],
                ["hold", "--to", "H29"],
                ["ledger"], ["jobs"],
            ] {
                #expect(
                    await Entry.run(arguments + ["--socket", server.path]) == .negative, "\(arguments) to \(body)")
            }
        }
        #expect(Failure(DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "")))?.lines.count == 1)
    }

    @Test func onlyARefusalOfRightsIsAboutRights() {
        for (code, area) in [(403, "rights"), (404, "daemon"), (500, "daemon")] as [(UInt, String)] {
            var facts = DoctorFacts()
            facts.daemonError = .refused(status: code, ErrorAnswer(error: "no"))
            #expect(Doctor.findings(facts).map(\.area) == [area])
        }
    }

    @Test func whatIsSuspendedIsSaidBesideTheHops() {
        var answer = ExplainAnswer(asked: "H29", destination: "forwarded")
        answer.hops = [
            .init(node: "truc", isTaken: false, why: "truc is up"),
            .init(node: "hn2", isTaken: false, why: "peer hn2 is suspended by lan until resumed: x"),
        ]
        answer.nextHops = ["truc", "hn2"]
        answer.suspension = "agency H29.* is suspended by lan until resumed: y"
        answer.notes = ["peer hn2 is suspended by lan until resumed: x"]
        let text = RoutesView.explanation(answer)
        #expect(text.contains("agency H29.* is suspended") && !text.contains("no next hop is live"), "\(text)")
        #expect(text.ranges(of: "peer hn2 is suspended").count == 1, "\(text)")
    }

    @Test func theQueueEndsWithWhatItDoesNotShow() {
        var answer = QueueAnswer(now: Self.now, bucketSeconds: [60], rows: [], arrived: [], arrivedCount: 0)
        let bare = QueueView.text(answer)
        answer.attention = ["suspended: peer truc", "held: 3"]
        #expect(QueueView.text(answer) == bare + "\nsuspended: peer truc\nheld: 3\n")
    }

    @Test func whatOperatorsTypedIsHidden() throws {
        for (text, hidden) in [
            ("--to H29 --document 4 /VPCP --records", "--to H29 --document (redacted)"),
            ("--answer a --document b", "--answer (redacted)"), ("--document b", "--document (redacted)"),
            ("--to H29", "--to H29"),
        ] { #expect(Redaction.selector(text) == hidden) }
        for (text, hidden) in [
            (
                "operator log hash=1 reason=a subject=b uid=1 verb=x z subject=--to H29 uid=0 verb=hold",
                "operator log hash=1 reason=(redacted) uid=0 verb=hold"
            ),
            (
                "operator log order=1 subject=--document 4/VPCP uid=0 verb=hold",
                "operator log order=1 subject=--document (redacted) uid=0 verb=hold"
            ),
            (
                "operator log order=1 subject=job 3 uid=0 verb=hold",
                "operator log order=1 subject=job 3 uid=0 verb=hold"
            ),
            ("operator log reason=cut off uid=", "operator log reason=(redacted)"),
            ("link lost peer=truc reason=timeout", "link lost peer=truc reason=timeout"),
        ] { #expect(Redaction.notice(text) == hidden) }
        #expect(Redaction.answer("jobs.json", Array(#"{"schema": 9, "tasks": ["mật"]}"#.utf8)) == nil)
        #expect(Redaction.answer("notices.json", []) == nil)
        #expect(Redaction.answer("status.json", [1]) == [1])
    }
}

/// Says the same to everybody.
private final class FixedServer: Sendable {
    let path: String
    private let listener: Int32

    init(_ body: String) throws {
        path = "/tmp/edocctl-\(UUID().uuidString.prefix(8)).sock"
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        self.listener = listener
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = path
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name.utf8.prefix($0.count - 1)) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, length) }
        }
        guard bound == 0, listen(listener, 16) == 0 else { throw FileError("cannot listen", path) }
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
        Thread.detachNewThread {
            while case let connection = accept(listener, nil, nil), connection >= 0 {
                var bytes = [UInt8](repeating: 0, count: 64 << 10)
                _ = read(connection, &bytes, bytes.count)
                _ = answer.withCString { write(connection, $0, strlen($0)) }
                close(connection)
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        unlink(path)
    }
}
