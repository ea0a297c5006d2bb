// LostPageTests: a page of the store that the disk does not give. Under a mapped file that is a bus error, which ends the process. What
// stood there is set aside by its name at the next start and all others go on; where nobody's name can be told, the daemon starts no
// third time, and says why.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite(.serialized) struct LostPageTests {
    private static let letters = 3

    /// Documents of 80 KB from vpcp to hanoi, by way of the hub; each has content of its own.
    private func letter(_ network: Network, _ index: Int) throws -> String {
        let name = "letter-\(index)"
        try network.folder.write(
            (0..<2_000).map { "Văn bản \(index), dòng \($0) của tờ trình.\n" }.joined(), to: name)
        return try network.submit("vpcp", network.folder[name], ["--sender", "G22", "--to", "H26"]).envelope
    }

    /// The pages of a node's file on which this text stands are lost; of earlier states of a page, too, which nobody reads.
    private func lose(_ text: String, _ network: Network, _ node: String) throws {
        let bytes = Data(try network.folder.bytes(node + "/store/data.mdb"))
        let pages = Set(bytes.ranges(of: Data(text.utf8)).map { $0.lowerBound / 4_096 * 4_096 })
        #expect(!pages.isEmpty)
        network.setEnvironment(
            node,
            [
                "LD_PRELOAD": try network.interposer("hole"),
                "EDOC_HOLE_AT": pages.map(String.init).joined(separator: ","),
                "EDOC_HOLE_FILE": network.folder[node + "/store/data.mdb"],
                // The runtime's own report of a crash takes seconds.
                "SWIFT_BACKTRACE": "enable=no",
            ])
    }

    private func expectSetAside(_ network: Network, _ node: String, _ envelope: String) throws {
        #expect(
            try eventually {
                try network.show(node, envelope).envelope.recipients.first?.state == "corrupt"
            }, "\(network.logTail(node))")
        let list = try network.control(node, ["queue", "list", "--state", "corrupt"]).output
        #expect(list.contains("H26"), "\(list)")
        #expect(try network.status(node).inStore["held"] ?? 0 == 0, "nobody is to blame")
    }

    @Test func ofADocumentThatWaits() throws {
        let network = try Network()
        try network.start(["truc", "vpcp"])
        let envelopes = try (0..<Self.letters).map { try letter(network, $0) }
        #expect(try eventually { try network.status("truc").inStore["waiting"] == UInt64(Self.letters) })
        #expect(network.stop("truc") == .exited(0))
        try lose("Văn bản 1, dòng 1000 của", network, "truc")

        try network.start("truc")
        try network.start("hanoi")
        #expect(try network.end(of: "truc") == .signalled(SIGBUS), "\(network.logTail("truc"))")
        // It knows whose page it was.
        try network.start("truc")
        try expectSetAside(network, "truc", envelopes[1])
        #expect(
            try eventually { Set(try network.inbox("hanoi", "H26").map(\.envelope)) == [envelopes[0], envelopes[2]] },
            "\(network.logTail("truc"))")
        #expect(network.isRunning("truc"))
        #expect(try eventually { try network.trace("vpcp", envelopes[1]).recipients[0].state == "delayed" })
        try network.expectBooksBalance(["truc", "vpcp", "hanoi"])
    }

    /// What reads it is the verification, and then a person who fetches it.
    @Test(arguments: ["verify", "fetch"]) func ofADocumentThatHasArrived(_ reader: String) throws {
        let network = try Network()
        try network.start(["truc", "vpcp", "hanoi"])
        let envelopes = try (0..<Self.letters).map { try letter(network, $0) }
        #expect(try eventually { try network.inbox("hanoi", "H26").count == Self.letters })
        #expect(network.stop("hanoi") == .exited(0))
        try lose("Văn bản 1, dòng 1000 của", network, "hanoi")

        try network.start("hanoi")
        let command =
            reader == "verify"
            ? ["verify", "--wait"] : ["inbox", "fetch", "H26", envelopes[1], "-o", network.folder["out"]]
        #expect(try network.control("hanoi", command).end != .exited(0))
        #expect(try network.end(of: "hanoi") == .signalled(SIGBUS), "\(network.logTail("hanoi"))")
        try network.start("hanoi")
        try expectSetAside(network, "hanoi", envelopes[1])
        #expect(try Set(network.inbox("hanoi", "H26").map(\.envelope)) == [envelopes[0], envelopes[2]])
        // A look through the store, begun before or now, comes to its end.
        #expect(try eventually { try network.status("hanoi").verified != nil || reader != "verify" })
        #expect(network.isRunning("hanoi"))
    }

    /// A page of rows: every start meets it, and no envelope is in hand.
    @Test func ofRows() throws {
        let network = try Network()
        try network.start(["truc", "vpcp"])
        _ = try (0..<Self.letters).map { try letter(network, $0) }
        #expect(try eventually { try network.status("truc").inStore["waiting"] == UInt64(Self.letters) })
        #expect(network.stop("truc") == .exited(0))
        // The names of the clocks stand on a page that every start reads.
        try lose("relayTime", network, "truc")

        var ends: [ProgramEnd] = []
        var said = ""
        while ends.count < 6, ends.last != .exited(78) {
            let result = try network.run(
                Places.edocd, ["--config", network.folder["truc.yaml"]],
                environment: network.environment(of: "truc"))
            ends.append(result.end)
            said = result.errors
        }
        #expect(ends == [.signalled(SIGBUS), .signalled(SIGBUS), .exited(78)], "\(ends)")
        #expect(said.contains("signal 7") && said.contains("edocctl salvage"), "\(said)")
    }
}
