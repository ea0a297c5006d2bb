// ReceiptTests: a document system finds a file for each thing that is heard of what its agency has sent: in order, whole, once, across a
// restart; and a folder that takes nothing is told.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite(.serialized) struct ReceiptTests {
    @Test func whatBecameOfWhatItSent() throws {
        let network = try Network()
        for name in ["spool/tmp", "spool/new", "receipts"] { try network.folder.makeFolder(name) }
        try network.edit("hcm") {
            $0 += "spool:\n  H29:\n    directory: spool\n    receipts: receipts\n    mode: \"0644\"\n"
        }
        let folder = network.folder["receipts"]
        func names() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: folder).filter { !$0.hasPrefix(".") }.sorted()
        }
        func lines() throws -> [OutcomeLine] {
            try names().map { name in
                let bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))
                return try ControlJSON.answer(OutcomeLine.self, from: [UInt8](bytes))
            }
        }
        try network.start("hcm")
        #expect(try eventually { FileManager.default.fileExists(atPath: folder + "/.cursor") })
        try network.folder.write("text", to: "a.txt")
        let sent = try network.submit(
            "hcm", network.folder["a.txt"], ["--sender", "H29", "--to", "H29.15", "--document", "5/VB"]
        ).envelope
        // What others send is not its business.
        _ = try network.submit(
            "hcm", network.folder["a.txt"], ["--sender", "H29.15", "--to", "H29.15", "--document", "6/VB"])
        #expect(try eventually { try names().count == 1 }, "\(network.logTail("hcm"))")
        let first = try #require(try lines().first)
        #expect(first.envelope == sent && first.recipient == "H29.15" && first.outcome == "arrived")
        #expect(first.documentID == "5/VB" && first.sender == "H29")
        var facts = stat()
        #expect(stat(folder + "/" + (try names()[0]), &facts) == 0 && facts.st_mode & 0o7777 == 0o644)

        // A folder that is gone is told, and waits for nobody; what happened meanwhile comes afterwards.
        #expect(rename(folder, folder + ".away") == 0)
        network.kill("hcm")
        try network.start("hcm")
        let ack = try network.control("hcm", ["inbox", "ack", "H29.15", sent])
        #expect(ack.end == .exited(0), "\(ack.errors)")
        #expect(
            try eventually {
                try network.status("hcm").findings?.contains {
                    $0.code == "receiptsTroubled" && $0.subject == "H29"
                } ?? false
            })
        #expect(rename(folder + ".away", folder) == 0)
        #expect(try eventually { try names().count == 2 }, "\(network.logTail("hcm"))")
        #expect(try lines().map(\.outcome) == ["arrived", "delivered"])
        #expect(
            try eventually { try network.status("hcm").findings?.contains { $0.code == "receiptsTroubled" } == false })
    }
}
