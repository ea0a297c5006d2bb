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

    /// Refused, counted once under this cause and under no other, and nothing is kept.
    private func expectRefused(
        _ network: Network, _ file: String, _ options: [String] = [], counted cause: String?, says words: [String],
        location: SourceLocation = #_sourceLocation
    ) throws {
        let before = try network.ledger("vpcp").refusedSubmissions
        let result = try network.control("vpcp", ["submit", file] + options)
        #expect(result.end != .exited(0), sourceLocation: location)
        if let cause {
            var expected = before
            expected[cause, default: 0] += 1
            let isCounted = try eventually(within: 10) { try network.ledger("vpcp").refusedSubmissions == expected }
            let counts = try network.ledger("vpcp").refusedSubmissions
            #expect(isCounted, "\(cause): \(counts)", sourceLocation: location)
        }
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
        try expectRefused(network, dtd, counted: "badPackage", says: ["edXML"])
        let broken = try variant(network, "base64.edxml") { text in
            // The longest run of base64 loses its sense.
            let run = text.matches(of: /[A-Za-z0-9+\/=]{200,}/).max { $0.output.count < $1.output.count }
            guard let run else { return text }
            let middle = text.index(run.range.lowerBound, offsetBy: run.output.count / 2)
            return text.replacingCharacters(in: middle..<text.index(after: middle), with: "!")
        }
        try expectRefused(network, broken, counted: "badPackage", says: ["edXML", "base64"])
        let nobody = try variant(network, "nobody.edxml") { text in
            text.replacing(/<([A-Za-z0-9]+:)?To>.*?<\/([A-Za-z0-9]+:)?To>/.dotMatchesNewlines(), with: "")
        }
        try expectRefused(network, nobody, counted: "badPackage", says: ["edXML"])
        let cut = try variant(network, "cut.edxml") { String($0.prefix($0.count * 2 / 3)) }
        try expectRefused(network, cut, counted: "badPackage", says: ["edXML"])
        // No package at all, and nothing said about its way.
        try network.folder.write("Kính gửi", to: "letter.txt")
        try expectRefused(network, network.folder["letter.txt"], counted: "badPackage", says: ["edXML"])
        try expectGood(network)
    }

    /// Older systems name files in TCVN3 or VISCII: such a file is read, and no other one is made under a name nobody typed.
    @Test func namesThatAreNotUTF8() throws {
        let network = try node()
        func shell(_ script: String) throws -> Network.Result {
            try network.run(
                "/bin/sh",
                [
                    "-c", "cd \"$0\" && name=$(printf 'c\\364ng v\\250n') && \(script)", network.folder.path,
                    Places.edocctl,
                ])
        }
        let submit = "\"$1\" submit \"$name\" --sender G22 --to H26 --socket vpcp/control.sock"
        let taken = try shell("printf text >\"$name\" && \(submit)")
        #expect(taken.end == .exited(0), "\(taken)")
        let gone = try shell("rm \"$name\" && \(submit)")
        #expect(gone.end != .exited(0) && gone.errors.contains("No such file"), "\(gone)")
        for written in ["backup \"$name\"", "inbox fetch G22 1 -o \"$name\""] {
            let refused = try shell("\"$1\" \(written) --socket vpcp/control.sock")
            #expect(refused.end != .exited(0) && refused.errors.contains("not UTF-8"), "\(refused)")
        }
        try expectGood(network)
    }

    @Test func agencies() throws {
        let network = try node()
        // At home elsewhere.
        let foreign = try network.package("foreign.edxml", from: "H29", to: ["H26"])
        try expectRefused(network, foreign, counted: "notAuthorised", says: ["H29"])
        let unknown = try network.package("unknown.edxml", from: "X1", to: ["H26"])
        try expectRefused(network, unknown, counted: "unknownAgency", says: ["X1"])
        // All or nothing, and each bad one is named.
        let file = try network.package("partly.edxml", to: ["H29", "X98", "X99"])
        try expectRefused(network, file, counted: "unknownAgency", says: ["X98", "X99"])
        try expectGood(network)
    }

    /// What the node would take of nobody: too large, no way, no sense.
    @Test func limits() throws {
        let network = try node { network in
            try network.edit("vpcp") { $0 += "\nlimits:\n  document_max: 1MiB\n" }
            // The Government Office knows the way to one of the two provinces only.
            let text = network.folder.text("agencies.yaml")
            try network.folder.write(
                text.replacingOccurrences(
                    of: "{to: \"*\", via: [truc], at: [vpcp, ",
                    with: "{to: hcm, via: [truc], at: [vpcp]}\n  - {to: \"*\", via: [truc], at: ["),
                to: "agencies.yaml")
        }
        try network.folder.write(String(repeating: "d", count: (1 << 20) + 1), to: "large.txt")
        let large = network.folder["large.txt"]
        let way = ["--sender", "G22", "--to", "H29"]
        try expectRefused(network, large, way, counted: "tooLarge", says: ["larger"])
        try network.folder.write("Kính gửi", to: "letter.txt")
        let letter = network.folder["letter.txt"]
        try expectRefused(network, letter, ["--sender", "G22", "--to", "H26"], counted: "noRoute", says: ["H26"])
        try expectRefused(network, letter, way + ["--lifetime", "3000d"], counted: "badRequest", says: ["lifetime"])
        try expectGood(network)
    }

    /// A user of this machine who may submit as another agency only: only root can call as somebody else.
    @Test(.enabled(if: Places.isRoot, "Calling as another user needs root.")) func aCallerWithoutTheRight() throws {
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
        chmod(file, 0o644)
        func call(_ arguments: [String]) throws -> Network.Result {
            // Both are installed by Scripts/install-missing; without them the test fails.
            try network.run(
                "/usr/bin/setpriv",
                ["--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/curl", "-sS", "--unix-socket", socket]
                    + arguments)
        }
        let before = try network.ledger("vpcp").refusedSubmissions["notAuthorised"] ?? 0
        let seen = try call(["http://localhost/v1/status"])
        #expect(seen.output.contains("\"node\":\"vpcp\""), "\(seen.output)\(seen.errors)")
        let refused = try call(["--data-binary", "@" + file, "http://localhost/v1/submit"])
        #expect(refused.output.contains("may not submit as G22"), "\(refused.output)\(refused.errors)")
        #expect(
            try eventually(within: 10) {
                try network.ledger("vpcp").refusedSubmissions["notAuthorised"] == before + 1
            })
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
        #expect(try eventually(within: 10) { try network.ledger("vpcp").refusedSubmissions["badRequest"] == 2 })
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
        let counts = try network.ledger("vpcp").refusedSubmissions.filter { $0.value > 0 }
        #expect(counts == ["badRequest": 3, "unknownAgency": 1, "notAuthorised": 1])
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
