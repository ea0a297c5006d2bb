// SubmissionTests: packages and callers that a node does not take at its own door: nothing of them is kept, and each thing that is
// wrong is named.

import ControlAPI
import Foundation
import NIOCore
import RelayModel
import RelayNode
import TestNetwork
import Testing

@Suite(.serialized) struct SubmissionTests {
    private func node(_ change: (Network) throws -> Void = { _ in }) throws -> Network {
        let network = try Network()
        try change(network)
        try network.start(["truc", "vpcp", "hcm"])
        return network
    }

    private func expectRefused(
        _ network: Network, _ file: String, _ options: [String] = [], says words: [String],
        location: SourceLocation = #_sourceLocation
    ) throws {
        let result = try network.control("vpcp", ["submit", file] + options)
        #expect(result.end != .exited(0), sourceLocation: location)
        for word in words { #expect(result.errors.contains(word), "\(result.errors)", sourceLocation: location) }
        let ledger = try network.ledger("vpcp")
        #expect(ledger.documents?.submitted == 0, sourceLocation: location)
        #expect(try network.status("vpcp").store.envelopes == 0, sourceLocation: location)
    }

    private func variant(
        _ network: Network, _ name: String, _ change: (String) -> String
    ) throws -> String {
        _ = try network.package("good-\(name)", to: ["H29"])
        let text = network.folder.text("good-\(name)")
        let changed = change(text)
        guard changed != text else { throw TestFailure("\(name): the package has nothing to change") }
        try network.folder.write(changed, to: name)
        return network.folder[name]
    }

    @Test func packages() throws {
        let network = try node()
        let doctype = "<!DOCTYPE edXML [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]>"
        let dtd = try variant(network, "dtd.edxml") { text in
            guard let end = text.range(of: "?>") else { return text }
            return text.replacingCharacters(in: end.upperBound..<end.upperBound, with: "\n" + doctype)
        }
        try expectRefused(network, dtd, says: ["edXML"])
        let broken = try variant(network, "base64.edxml") { text in
            // The longest run of base64 loses its sense.
            let run = text.matches(of: /[A-Za-z0-9+\/=]{200,}/).max { $0.output.count < $1.output.count }
            guard let run else { return text }
            let middle = text.index(run.range.lowerBound, offsetBy: run.output.count / 2)
            return text.replacingCharacters(in: middle..<text.index(after: middle), with: "!")
        }
        try expectRefused(network, broken, says: ["edXML", "base64"])
        let nobody = try variant(network, "nobody.edxml") { text in
            text.replacing(/<([A-Za-z0-9]+:)?To>.*?<\/([A-Za-z0-9]+:)?To>/.dotMatchesNewlines(), with: "")
        }
        try expectRefused(network, nobody, says: ["edXML"])
        let cut = try variant(network, "cut.edxml") { String($0.prefix($0.count * 2 / 3)) }
        try expectRefused(network, cut, says: ["edXML"])
        // No package at all, and nothing said about its way.
        try network.folder.write("Kính gửi", to: "letter.txt")
        try expectRefused(network, network.folder["letter.txt"], says: ["edXML"])
        try expectGood(network)
    }

    @Test func agencies() throws {
        let network = try node()
        // At home elsewhere.
        try expectRefused(network, try network.package("foreign.edxml", from: "H29", to: ["H26"]), says: ["H29"])
        try expectRefused(network, try network.package("unknown.edxml", from: "X1", to: ["H26"]), says: ["X1"])
        // All or nothing, and each bad one is named.
        let file = try network.package("partly.edxml", to: ["H29", "X98", "X99"])
        try expectRefused(network, file, says: ["X98", "X99"])
        let counts = try network.ledger("vpcp").refusedSubmissions
        #expect(counts["unknownAgency"] ?? 0 >= 1, "\(counts)")
        try expectGood(network)
    }

    /// A user of this machine who may submit as another agency only.
    @Test(.enabled(if: Places.isRoot)) func aCallerWithoutTheRight() throws {
        let network = try node { network in
            try network.replace(
                "vpcp", "  submit_socket: vpcp/submit.sock",
                """
                  submit_socket: vpcp/submit.sock
                  rights:
                    - {user: nobody, verbs: [submit_as, see], agencies: [H29]}
                """)
        }
        chmod(network.folder.path, 0o755)
        chmod(network.folder["vpcp"], 0o755)
        chmod(network.folder["vpcp/control.sock"], 0o666)
        let file = try network.package("dispatch.edxml", to: ["H29"])
        let socket = network.folder["vpcp/control.sock"]
        let helper = ["/usr/bin/setpriv", "/bin/setpriv"].first { (path: String) in access(path, X_OK) == 0 }
        guard let helper, access("/usr/bin/curl", X_OK) == 0 else { return }
        chmod(file, 0o644)
        func call(_ arguments: [String]) throws -> Network.Result {
            try network.run(
                helper,
                ["--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/curl", "-sS", "--unix-socket", socket]
                    + arguments)
        }
        let seen = try call(["http://localhost/v1/status"])
        #expect(seen.output.contains("\"node\":\"vpcp\""), "\(seen.output)\(seen.errors)")
        let refused = try call(["--data-binary", "@" + file, "http://localhost/v1/submit"])
        #expect(refused.output.contains("may not submit as G22"), "\(refused.output)\(refused.errors)")
        let inbox = try call(["http://localhost/v1/inbox/G22"])
        #expect(inbox.output.contains("may not"), "\(inbox.output)")
        #expect(network.logText("vpcp").contains("nobody"))
        #expect(try network.ledger("vpcp").documents?.submitted == 0)
        try expectGood(network)
    }

    @Test func theBulkConnection() throws {
        let network = try node()
        let socket = network.folder["vpcp/submit.sock"]
        // A frame that is none ends its connection with a sentence.
        for bytes in [Array("GET / HTTP/1.1\r\n\r\n".utf8), Array("EDS1".utf8) + [255, 255, 255, 255]] {
            let client = try BulkClient(socket: socket)
            #expect(client.write(bytes))
            guard case .refused(0, let text) = client.answer() else {
                Issue.record("no answer")
                continue
            }
            #expect(text.hasPrefix("badRequest\n"))
            #expect(client.answer() == nil)
        }
        // A connection that breaks off in a payload leaves nothing.
        do {
            let client = try BulkClient(socket: socket)
            var frame = ByteBuffer()
            BulkRequest(
                token: 9, sender: "G22", recipients: ["H29"], urgency: .normal, documentID: "broken off",
                lifetime: .zero,
                payloadLength: 1_000_000
            ).write(to: &frame)
            #expect(client.write(Array(frame.readableBytesView) + [UInt8](repeating: 1, count: 300_000)))
        }
        // Refused ones do not disturb those behind them on the same connection.
        let client = try BulkClient(socket: socket)
        #expect(client.submit(token: 1, from: "G22", to: ["X99"], document: "a", payload: [1, 2, 3]))
        #expect(client.submit(token: 2, from: "H29", to: ["H26"], document: "b", payload: [1, 2, 3]))
        #expect(client.submit(token: 3, from: "G22", to: [], document: "c", payload: [1, 2, 3]))
        #expect(client.submit(token: 4, from: "000.00.00.G22", to: ["H29"], document: "d", payload: [1, 2, 3]))
        var accepted: Set<UInt64> = []
        var refused: Set<UInt64> = []
        for _ in 0..<4 {
            switch client.answer() {
            case .accepted(let token, _): accepted.insert(token)
            case .refused(let token, _): refused.insert(token)
            case nil: Issue.record("no answer")
            }
        }
        #expect(accepted == [4] && refused == [1, 2, 3])
        #expect(try eventually { try network.inbox("hcm", "H29").map(\.bytes) == [3] })
        #expect(try network.ledger("vpcp").documents?.submitted == 1)
        try network.expectBooksBalance(["vpcp", "truc", "hcm"])
    }

    private func expectGood(_ network: Network) throws {
        let accepted = try network.submit("vpcp", try network.package("last.edxml", to: ["H29"]))
        #expect(try eventually { try network.inbox("hcm", "H29").map(\.envelope) == [accepted.envelope] })
        try network.expectBooksBalance(["vpcp", "truc", "hcm"])
    }
}
