// MainJobTests: dispatch 1907/TTg-KGVX from the Government Office to three agencies in two provinces, with the real programs.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite struct MainJobTests {
    static let homes = [("hcm", "H29"), ("hcm", "H29.15"), ("hanoi", "H26")]

    @Test func oneDocumentThreeAgencies() throws {
        let network = try Network()
        try network.start(Network.names)
        let file = try network.package("dispatch.edxml", to: Self.homes.map(\.1))
        let original = try network.folder.bytes("dispatch.edxml")

        let accepted = try network.submit("vpcp", file)
        #expect(accepted.sender == "G22")
        #expect(accepted.recipients.sorted() == ["H26", "H29", "H29.15"])
        #expect(accepted.bytes == UInt64(original.count))
        for (node, agency) in Self.homes {
            let hasArrived = try eventually {
                try network.inbox(node, agency).contains { $0.envelope == accepted.envelope }
            }
            #expect(hasArrived, "\(agency): \(network.logTail(node))")
            let copy = "\(agency).edxml"
            let fetched = try network.control(
                node, ["inbox", "fetch", agency, accepted.envelope, "-o", network.folder[copy]])
            #expect(fetched.end == .exited(0), "\(fetched.errors)")
            #expect(try network.folder.bytes(copy) == original)
        }

        // Once over the first link, whatever the number of recipients behind it.
        let hub = try network.ledger("truc")
        let first = try #require(hub.peers.first { $0.node == "vpcp" })
        #expect(first.takenBytes == UInt64(original.count))
        #expect(first.taken == 3)

        // The submitter hears of each recipient by name.
        try network.expectTrace(accepted.envelope, "arrived", isFinal: false)
        for (node, agency) in Self.homes {
            let taken: AcknowledgeAnswer = try network.ask(node, "inbox", "ack", agency, accepted.envelope)
            #expect(taken.taken == 1)
            #expect(try network.inbox(node, agency).isEmpty)
            let again: AcknowledgeAnswer = try network.ask(node, "inbox", "ack", agency, accepted.envelope)
            #expect(again.taken == 0 && again.alreadyTaken == 1)
        }
        try network.expectTrace(accepted.envelope, "delivered", isFinal: true)
        try network.expectBooksBalance(Network.names)
        for name in Network.names { #expect(network.stop(name) == .exited(0), "\(name): \(network.logTail(name))") }
    }

    /// 9 MiB travel in three pieces and arrive as one.
    @Test func aLargeDocumentTravelsInPieces() throws {
        let network = try Network()
        try network.start(Network.names)
        let bytes = (0..<(9 << 20) + 77).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
        try Data(bytes).write(to: URL(fileURLWithPath: network.folder["large.bin"]))
        let accepted = try network.submit(
            "vpcp", network.folder["large.bin"],
            ["--sender", "G22", "--to", "H29", "--to", "H26", "--document", "large"])
        for (node, agency) in [("hcm", "H29"), ("hanoi", "H26")] {
            #expect(try eventually { try network.inbox(node, agency).count == 1 }, "\(network.logTail(node))")
            let copy = "\(agency).bin"
            _ = try network.control(node, ["inbox", "fetch", agency, accepted.envelope, "-o", network.folder[copy]])
            #expect(try network.folder.bytes(copy) == bytes)
        }
        #expect(try network.ledger("truc").peers.first { $0.node == "vpcp" }?.takenBytes == UInt64(bytes.count))
        try network.expectBooksBalance(Network.names)
    }
}

extension Network {
    /// An edXML package with the dispatch's text as its attachment; the file's path.
    func package(_ name: String, from: String = "G22", to recipients: [String]) throws -> String {
        let arguments =
            ["package", "--from", from] + recipients.flatMap { ["--to", $0] }
            + [
                "--number", "1907", "--notation", "TTg-KGVX", "--date", "2013/11/11", "--place", "Hà Nội", "--document",
                "G22,2013/11/11,1907/TTg-KGVX", "--priority", "1", "--subject",
                "V/v triển khai dự án \"Phát triển hệ thống thông tin quản lý văn bản\"", "--attach",
                Places.root + "/Config/example/1907-ttg-kgvx.txt", "-o", folder[name],
            ]
        let result = try run(Places.edocctl, arguments)
        guard result.end == .exited(0) else { throw TestFailure("package: \(result.errors)") }
        return folder[name]
    }

    /// Waits until the submitter knows this state of every recipient.
    func expectTrace(_ envelope: String, _ state: String, isFinal: Bool) throws {
        let isKnown = try eventually {
            let trace = try self.trace("vpcp", envelope)
            return trace.recipients.count == 3 && trace.recipients.allSatisfy { $0.state == state }
        }
        let trace = try self.trace("vpcp", envelope)
        #expect(isKnown, "\(trace)")
        #expect(trace.isSubmitter)
        for recipient in trace.recipients {
            #expect(recipient.isFinal == isFinal)
            let home = recipient.name == "H26" ? "hanoi" : "hcm"
            #expect(recipient.stops.map(\.node) == ["vpcp", "truc", home])
        }
    }

    /// What was accepted is what has ended and what is in the store, on every node.
    func expectBooksBalance(_ names: [String]) throws {
        for name in names {
            let ledger = try self.ledger(name)
            #expect(ledger.documents?.balances == true, "\(name): \(ledger)")
            #expect(ledger.reports?.balances == true, "\(name): \(ledger)")
        }
    }
}
