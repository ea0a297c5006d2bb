// SettingTests: a longer lifetime and another urgency of what waits, with the real programs: at the node where a document was handed in, and
// at a hub that holds another node's copy.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite struct SettingTests {
    private static func preview(_ network: Network, _ node: String, _ arguments: [String]) throws -> String {
        let answer: PreviewAnswer = try network.ask(node, arguments)
        return String(try #require(answer.job, "\(arguments): \(answer)").id)
    }

    private static func apply(_ network: Network, _ node: String, _ verb: String, _ arguments: [String]) throws -> Job {
        let id = try preview(network, node, [verb] + arguments)
        return (try network.ask(node, verb, "--apply", id) as JobAnswer).job
    }

    private static func submit(_ network: Network, _ name: String) throws -> String {
        try network.folder.write("công văn \(name)\n", to: name)
        return try network.submit(
            "vpcp", network.folder[name],
            ["--sender", "G22", "--document", name, "--to", "H29", "--urgency", "0", "--lifetime", "2d"]
        ).envelope
    }

    @Test func whatWaitsAtItsSource() throws {
        let network = try Network()
        // The hub has its port from its first start.
        try network.start("truc")
        #expect(network.stop("truc") == .exited(0))
        try network.start("vpcp")
        let old = try Self.submit(network, "1")
        let look = try network.control("vpcp", ["urgency", old, "--as", "3", "--reason", "họp chiều nay"])
        #expect(look.output.contains("to be 3 (Hỏa tốc)"), "\(look.output) \(look.errors)")
        #expect(try network.show("vpcp", old).envelope.recipients[0].state == "waiting", "a preview touches nothing")
        let urgent = try Self.apply(network, "vpcp", "urgency", [old, "--as", "3", "--reason", "họp chiều nay"])
        #expect(urgent.done == 1 && urgent.urgency == 3 && urgent.undoUntil == nil, "\(urgent)")
        let first = try #require(try network.show("vpcp", old).envelope.resubmittedAs.first)
        let lifetime = try Self.apply(network, "vpcp", "lifetime", [first, "--by", "10d", "--reason", "nghỉ lễ"])
        #expect(lifetime.done == 1 && lifetime.longerBySeconds == 864_000)
        let second = try #require(try network.show("vpcp", first).envelope.resubmittedAs.first)
        let shown = try network.show("vpcp", second).envelope
        #expect(shown.urgency == 3 && shown.formerly == first)
        let entries = (try network.ask("vpcp", "audit", "list", "--verb", "lifetime") as AuditAnswer).entries
        #expect(entries.contains { $0.reason == "nghỉ lễ" && $0.subject.hasSuffix("longer by 10d") }, "\(entries)")

        // It arrives as that, and its submitter hears of it under the new name; the old one points there.
        try network.start(["truc", "hcm"])
        #expect(try eventually { try network.inbox("hcm", "H29").count == 1 }, "\(network.logTail("vpcp"))")
        let document = try #require(try network.inbox("hcm", "H29").first)
        #expect(document.envelope == second && document.urgency == 3 && document.documentID == "1")
        #expect(try eventually { try network.trace("vpcp", second).recipients.first?.state == "arrived" })
        #expect(try network.trace("vpcp", old).resubmittedAs == [first, second])
        let waiting: QueueListAnswer = try network.ask("vpcp", "queue", "list", "--outcome", "undelivered")
        #expect(waiting.lines.map(\.name) == [second], "the old names wait for nothing: \(waiting.lines)")
        try network.expectBooksBalance(["vpcp", "truc", "hcm"])
    }

    @Test func whatWaitsAtAHub() throws {
        let network = try Network()
        try network.start(["vpcp", "truc"])
        let letters = try ["1", "2"].map { try Self.submit(network, $0) }
        #expect(try eventually { try network.status("truc").inStore["waiting"] == 2 })
        // The lifetime is its source's.
        let answer: PreviewAnswer = try network.ask(
            "truc", "lifetime", letters[1], "--total", "60d", "--reason", "nghỉ lễ")
        #expect(answer.job == nil && answer.passedOver == ["not handed in here": 1], "\(answer)")
        let beyond = try network.control(
            "truc", ["lifetime", letters[1], "--total", "999d", "--reason", "nghỉ lễ", "--json"])
        #expect(beyond.end == .exited(1) && beyond.errors.contains("at most 180d"), "\(beyond.errors) \(beyond.output)")
        let raised = try Self.apply(network, "truc", "urgency", [letters[1], "--as", "4", "--reason", "họp chiều nay"])
        #expect(raised.done == 1)
        let shown = try network.show("truc", letters[1]).envelope
        #expect(shown.urgency == 4 && shown.resubmittedAs.isEmpty)
        let again: PreviewAnswer = try network.ask("truc", "urgency", letters[1], "--as", "4", "--reason", "x")
        #expect(again.passedOver == ["already so": 1], "\(again)")
        // It is that of this node: what arrives says its own.
        try network.start("hcm")
        #expect(try eventually { try network.inbox("hcm", "H29").count == 2 }, "\(network.logTail("truc"))")
        let arrived = try network.inbox("hcm", "H29")
        #expect(Set(arrived.map(\.envelope)) == Set(letters) && arrived.allSatisfy { $0.urgency == 0 })
        try network.expectBooksBalance(["vpcp", "truc", "hcm"])
    }

    @Test func whatCannotBeAskedFor() throws {
        let network = try Network()
        try network.start("vpcp")
        for (arguments, word) in [
            (["lifetime", "--to", "H29", "--reason", "x"], "say the whole lifetime"),
            (["lifetime", "--to", "H29", "--total", "60d", "--by", "1d", "--reason", "x"], "say the whole lifetime"),
            (["lifetime", "--to", "H29", "--by", "0d", "--reason", "x"], "say the whole lifetime"),
            (["lifetime", "--to", "H29", "--by", "10d"], "needs a reason"),
            (["lifetime", "--to", "H29", "--total", "181d", "--reason", "x"], "a lifetime is at most"),
            (["urgency", "--to", "H29", "--as", "5", "--reason", "x"], "a number from 0 to 4"),
            (["urgency", "--to", "H29", "--reason", "x"], "a number from 0 to 4"),
            (["urgency", "--to", "H29", "--as", "1"], "needs a reason"),
            (["urgency", "--apply", "1", "--as", "1"], "leave the selector out"),
        ] as [([String], String)] {
            let result = try network.control("vpcp", arguments)
            #expect(result.end != .exited(0) && result.errors.contains(word), "\(arguments): \(result.errors)")
        }
        let json = try network.run(
            "/usr/bin/curl",
            [
                "-sS", "--unix-socket", network.folder["vpcp/control.sock"], "-d",
                #"{"verb": "lifetime", "lifetime": "999d", "reason": "x", "selector": {"to": "H29"}}"#,
                "http://localhost/v1/deeds/preview",
            ])
        #expect(json.output.contains(#""code":"lifetimeMax""#), "\(json.output)")
    }
}
