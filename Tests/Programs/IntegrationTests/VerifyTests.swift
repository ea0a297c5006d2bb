// VerifyTests: a bit that changed in the file of a stopped store, and the daemon that starts on it: what cannot be read is set aside by its
// name, what can be made anew is mended, everything else goes on, and `edocctl verify` says what was found and where the rest can be had.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite(.serialized) struct VerifyTests {
    private static let count = 12

    /// A hub that has stopped; documents wait in its store for hanoi.
    private func network() throws -> (network: Network, envelopes: [String]) {
        let network = try Network(plain: true)
        try network.start(["truc", "vpcp"])
        let envelopes = try (1...Self.count).map { index in
            let text = String(repeating: "Nội dung của văn bản số <\(index)>. ", count: 300)
            try network.folder.write(text, to: "text-\(index)")
            return try network.submit(
                "vpcp", network.folder["text-\(index)"],
                ["--sender", "G22", "--to", "H26", "--document", "<\(index)>/VPCP"]
            ).envelope
        }
        #expect(try eventually { try network.status("truc").inStore["waiting"] == UInt64(Self.count) })
        #expect(network.stop("truc") == .exited(0))
        return (network, envelopes)
    }

    /// `edocctl verify --wait`, once one that the start has begun by itself is over.
    private func verify(_ network: Network) throws -> (end: ProgramEnd, answer: VerifyAnswer) {
        #expect(try eventually { try !(network.ask("truc", "verify") as VerifyAnswer).isRunning })
        let result = try network.control("truc", ["verify", "--wait", "--json", "--reason", "sau khi hỏng đĩa"])
        guard let answer = try? ControlJSON.answer(VerifyAnswer.self, from: Array(result.output.utf8)) else {
            throw TestFailure("verify: \(result)")
        }
        #expect(!answer.isRunning && answer.ended != nil)
        return (result.end, answer)
    }

    /// hanoi comes: it has all of these, byte by byte, and nothing else.
    private func expectDelivered(_ network: Network, _ envelopes: [String], of all: [String]) throws {
        try network.start("hanoi")
        let hasAll = try eventually { try network.inbox("hanoi", "H26").count >= envelopes.count }
        #expect(hasAll, "\(network.logTail("truc"))")
        #expect(try Set(network.inbox("hanoi", "H26").map(\.envelope)) == Set(envelopes))
        for name in envelopes {
            let copy = network.folder["copy"]
            let fetched = try network.control("hanoi", ["inbox", "fetch", "H26", name, "-o", copy])
            #expect(fetched.end == .exited(0), "\(fetched.errors)")
            let index = try #require(all.firstIndex(of: name)) + 1
            #expect(try network.folder.bytes("copy") == network.folder.bytes("text-\(index)"))
            unlink(copy)
        }
        #expect(network.isRunning("truc"))
        try network.expectBooksBalance(["truc", "hanoi"])
    }

    /// Which of them stands where, and where it can be had again: of a payload and of a record.
    private func expectNamed(_ network: Network, _ answer: VerifyAnswer, _ envelopes: [String]) throws {
        let line = try #require(answer.unreadable?.first, "\(answer)")
        #expect(answer.unreadable?.count == 1)
        #expect(line.name == envelopes[6] && line.documentID == "<7>/VPCP" && line.sender == "G22")
        #expect(line.recipients == ["H26"] && line.cameFrom == "vpcp" && line.submitter == "vpcp")
        #expect(line.nextHops == ["hanoi"] && line.takenBy == [])
        let text = try network.control("truc", ["verify"])
        #expect(
            text.output.replacing("\n", with: " ").contains("<7>/VPCP, G22 → H26:")
                && text.output.contains("handed it over and remembers it"), "\(text.output)")
        let list: QueueListAnswer = try network.ask("truc", "queue", "list", "--state", "corrupt")
        #expect(list.lines.map(\.name) == [envelopes[6]] && list.lines.map(\.documentID) == ["<7>/VPCP"])
        let check = try network.control("truc", ["check", "records"])
        #expect(check.end == .exited(2) && check.output.contains("unreadable, and set aside: 1"), "\(check.output)")
        // The node before remembers it, and its submitter is told.
        #expect(try network.show("vpcp", envelopes[6]).envelope.recipients.map(\.state) == ["forwarded"])
        let isTold = try eventually {
            let trace = try network.trace("vpcp", envelopes[6]).recipients.first
            return trace?.state == "delayed" && trace?.delays.first?.node == "truc"
        }
        let trace = try network.trace("vpcp", envelopes[6])
        #expect(isTold, "\(trace)")
        let outcomes = try network.control("vpcp", ["list", "--outcome", "delayed"])
        #expect(outcomes.output.contains(envelopes[6]), "\(outcomes)")
    }

    @Test func aPayload() throws {
        let (network, envelopes) = try network()
        let place = try network.flip("truc", "chunk", containing: "<7>")
        try network.start("truc")
        let found = try verify(network)
        #expect(found.end == .exited(1) && found.answer.badPayloads == 1, "\(place): \(found)")
        #expect(found.answer.payloads == UInt64(Self.count) && found.answer.why == "asked by root")
        try expectNamed(network, found.answer, envelopes)
        try expectDelivered(network, envelopes.filter { $0 != envelopes[6] }, of: envelopes)
        // The next one finds nothing new, and check says when it was.
        let again = try verify(network)
        #expect(again.end == .exited(0) && again.answer.isClean && again.answer.unreadable?.count == 1)
        let log: AuditAnswer = try network.ask("truc", "audit")
        #expect(log.entries.filter { $0.verb == "verify" && $0.reason == "sau khi hỏng đĩa" }.count == 2)
        // Its sender hands it in again.
        _ = try network.submit("vpcp", network.folder["text-7"], ["--sender", "G22", "--to", "H26"])
        #expect(try eventually { try network.inbox("hanoi", "H26").count == Self.count })
    }

    @Test func aRecord() throws {
        let (network, envelopes) = try network()
        let place = try network.flip("truc", "envelope leaf: value", containing: "<7>/VPCP")
        try network.start("truc")
        let found = try verify(network)
        let log = network.logText("truc")
        #expect(log.contains("set aside by its name: from G22 to H26, document <7>/VPCP"), "\(place)\n\(log)")
        try expectNamed(network, found.answer, envelopes)
        try expectDelivered(network, envelopes.filter { $0 != envelopes[6] }, of: envelopes)
    }

    /// In the key of a row of an index: look-ups went past it, and what stood behind it waited for ever.
    @Test(arguments: ["queue leaf: key", "bundle leaf: key", "deadline leaf: key", "counter leaf: key"])
    func aKey(_ kind: String) throws {
        let (network, envelopes) = try network()
        let place = try network.flip("truc", kind)
        try network.start("truc")
        let found = try verify(network)
        let said = network.logText("truc").contains("the store's books are made anew")
        #expect(said || !found.answer.isClean, "\(place): \(found)\n\(network.logTail("truc"))")
        #expect(found.answer.unreadable == nil && found.answer.named == 0)
        let again = try verify(network)
        #expect(again.end == .exited(0) && again.answer.isClean, "\(place): \(again)")
        let check = try network.control("truc", ["check", "records"])
        #expect(check.end == .exited(0) && check.output.contains("verified ") && check.output.contains(", in order"))
        try expectDelivered(network, envelopes, of: envelopes)
    }
}
