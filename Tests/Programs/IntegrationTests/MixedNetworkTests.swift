// MixedNetworkTests: nodes of 0.3 beside nodes of this version, as real programs: documents and reports pass both ways, whole and in
// pieces, to several agencies and through a hub of either make, and nobody is sent what it has not said it understands. And a store
// that 0.3 has left opens and drains.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite(.serialized) struct MixedNetworkTests {
    private static let isBuilt: Comment = "NOT RUN: the programs of 0.3 are not built; Scripts/old-program builds them"

    /// Which of the nodes are old: the hub, a home, or both ends.
    @Test(.enabled(if: Places.oldPrograms != nil, isBuilt), arguments: [["truc"], ["hcm"], ["vpcp", "hcm"]])
    func documentsAndReportsPassBothWays(old: [String]) throws {
        let network = try Network()
        for name in old { network.setPrograms(name, folder: Places.oldPrograms) }
        try network.start(["truc", "vpcp", "hcm"])
        let names = try [
            network.submit("vpcp", network.package("one.edxml", to: ["H29"])).envelope,
            network.submit("vpcp", network.package("two.edxml", to: ["H29", "H29.15"])).envelope,
        ]
        let back = try network.submit("hcm", network.package("back.edxml", from: "H29", to: ["G22"])).envelope
        try expectArrived(network, "hcm", "H29", 2)
        try expectArrived(network, "vpcp", "G22", 1)
        // What was large goes in pieces.
        let large = try largeFile(network)
        let giant = try network.submit(
            "vpcp", large, ["--sender", "G22", "--to", "H29", "--document", "giant"]
        ).envelope
        try expectArrived(network, "hcm", "H29", 3)
        for (agency, count) in [("H29", 3), ("H29.15", 1)] {
            for document in try network.inbox("hcm", agency) {
                #expect(try network.control("hcm", ["inbox", "ack", agency, document.envelope]).end == .exited(0))
            }
            #expect(try network.inbox("hcm", agency).isEmpty, "\(count) were there")
        }
        for document in try network.inbox("vpcp", "G22") {
            #expect(try network.control("vpcp", ["inbox", "ack", "G22", document.envelope]).end == .exited(0))
        }
        for (node, envelope, agencies) in [
            ("vpcp", names[0], ["H29"]), ("vpcp", names[1], ["H29", "H29.15"]), ("hcm", back, ["G22"]),
            ("vpcp", giant, ["H29"]),
        ] {
            let isTold = try eventually {
                let text = try network.control(node, ["trace", envelope]).output
                return text.components(separatedBy: "delivered").count > agencies.count
            }
            #expect(isTold, "\(network.logTail(node))")
        }
        // A node of 0.3 refuses, and counts, what it does not know.
        for name in ["truc", "vpcp", "hcm"] {
            #expect(try network.ledger(name).refusedTransfers.isEmpty, "\(name): \(network.logTail(name))")
            #expect(!network.logText(name).contains("malformed"))
        }
    }

    /// A node of 0.3 with a second session for what is urgent: it takes both for what they are, neither for a clone nor for the other's
    /// successor. Documents of both kinds and their reports pass both ways, and no session comes or goes meanwhile.
    @Test(
        .enabled(if: Places.oldPrograms != nil, isBuilt),
        arguments: [(old: "truc", sessions: 2), (old: "vpcp", sessions: 1)])
    func aSecondSessionHurtsNoOldNode(old: String, sessions: Int) throws {
        let network = try Network()
        network.setPrograms(old, folder: Places.oldPrograms)
        try network.start(["truc", "vpcp", "hcm"])
        func addresses(_ node: String, _ peer: String) throws -> [String] {
            let answer: PeersAnswer = try network.ask(node, "peers")
            return (answer.peers.first { $0.node == peer }?.sessions ?? []).map(\.address).sorted()
        }
        // The old node dials one session, and is dialled by two.
        #expect(try eventually { try addresses("vpcp", "truc").count == sessions }, "\(network.logTail("vpcp"))")
        #expect(try eventually { try addresses("truc", "vpcp").count == sessions }, "\(network.logTail("truc"))")
        #expect(try eventually { try addresses("truc", "hcm").count == 2 }, "\(network.logTail("truc"))")
        let before = try addresses("truc", "vpcp")
        try network.folder.write(String(repeating: "x", count: 3_000), to: "small")
        let large = try largeFile(network)
        var there: [String] = []
        var back: [String] = []
        for (index, urgency) in ["0", "3", "2", "0", "4"].enumerated() {
            let options = ["--urgency", urgency, "--document", "D\(index)"]
            let file = index == 0 ? large : network.folder["small"]
            there.append(
                try network.submit("vpcp", file, ["--sender", "G22", "--to", "H29"] + options).envelope)
            back.append(
                try network.submit("hcm", file, ["--sender", "H29", "--to", "G22"] + options).envelope)
        }
        try expectArrived(network, "hcm", "H29", 5)
        try expectArrived(network, "vpcp", "G22", 5)
        for (node, agency, home, names) in [("hcm", "H29", "vpcp", there), ("vpcp", "G22", "hcm", back)] {
            #expect(try Set(network.inbox(node, agency).map(\.envelope)) == Set(names))
            for name in names {
                #expect(try network.control(node, ["inbox", "ack", agency, name]).end == .exited(0))
            }
            for name in names {
                let isTold = try eventually { try network.control(home, ["trace", name]).output.contains("delivered") }
                #expect(isTold, "\(name)\n\(network.logTail(home))")
            }
        }
        #expect(try addresses("truc", "vpcp") == before, "\(network.logTail("truc"))")
        for name in ["truc", "vpcp", "hcm"] {
            #expect(try network.ledger(name).refusedTransfers.isEmpty, "\(name): \(network.logTail(name))")
            #expect(!network.logText(name).contains("link down"), "\(network.logTail(name))")
            #expect(!network.logText(name).contains("identity"), "\(network.logTail(name))")
        }
    }

    private func expectArrived(_ network: Network, _ node: String, _ agency: String, _ count: Int) throws {
        let isThere = try eventually { try network.inbox(node, agency).count == count }
        #expect(isThere, "not \(count)\n\(network.logTail(node))")
    }

    private func largeFile(_ network: Network) throws -> String {
        let path = network.folder["giant.bin"]
        guard FileManager.default.createFile(atPath: path, contents: Data(repeating: 0x5a, count: 9 << 20)) else {
            throw TestFailure("no room for a large file")
        }
        return path
    }

    /// Stores of 0.3: at the hub two documents wait for hcm, whose inbox has one; at vpcp they are forwarded. All of it is there after
    /// the upgrade, and drains.
    @Test func storesOfThreeOpenAndDrain() throws {
        let network = try Network()
        let archive = Places.root + "/Tests/Programs/IntegrationTests/Stores/0.3.tar.gz"
        #expect(try network.run("/bin/tar", ["xzf", archive, "-C", network.folder.path]).end == .exited(0))
        try network.start(["truc", "vpcp", "hcm"])
        try expectArrived(network, "hcm", "H29", 3)
        for document in try network.inbox("hcm", "H29") {
            #expect(try network.control("hcm", ["inbox", "ack", "H29", document.envelope]).end == .exited(0))
        }
        let isEmpty = try eventually {
            let stock = try network.status("truc").inStore
            return (stock["waiting"] ?? 0) + (stock["deferred"] ?? 0) == 0
        }
        #expect(isEmpty, "\(network.logTail("truc"))")
        #expect(try network.control("vpcp", ["history"]).output.contains("forwarded"))
        for name in ["truc", "vpcp", "hcm"] { #expect(try network.ledger(name).documents?.balances == true) }
    }

    /// There is no way back but a backup that 0.3 has made: its program refuses the store that a newer one has opened, changes nothing,
    /// and goes on from the backup.
    @Test(.enabled(if: Places.oldPrograms != nil, isBuilt)) func aStoreDoesNotGoBack() throws {
        let network = try Network(plain: true)
        network.setPrograms("truc", folder: Places.oldPrograms)
        try network.start(["truc", "vpcp"])
        let envelope = try network.submit("vpcp", network.package("one.edxml", to: ["H29"])).envelope
        #expect(try eventually { try network.status("truc").inStore["waiting"] == 1 }, "\(network.logTail("truc"))")
        let backup = network.folder["before-0.4.mdb"]
        #expect(try network.control("truc", ["backup", backup]).end == .exited(0))
        #expect(network.stop("truc") == .exited(0))
        network.setPrograms("truc", folder: nil)
        try network.start("truc")
        #expect(try network.status("truc").inStore["waiting"] == 1)
        #expect(network.stop("truc") == .exited(0))

        let old = try #require(Places.oldPrograms)
        let refused = try network.run(old + "/edocd", ["--config", network.folder["truc.yaml"]])
        #expect(refused.end != .exited(0) && refused.errors.contains("schema 2"), "\(refused)")
        // This version names the backup; so does its look at the store that 0.3 has refused.
        let audit = try network.run(Places.edocctl, ["--store", network.folder["truc/store"], "audit", "list"])
        #expect(audit.output.contains(backup), "\(audit)")
        let restored = try network.run(
            old + "/edocctl",
            ["restore", backup, "--store", network.folder["truc/store"], "--force", "--reason", "về 0.3"])
        #expect(restored.end == .exited(0), "\(restored.errors)")
        network.setPrograms("truc", folder: old)
        try network.start("truc")
        let isHeld = try eventually { try network.status("truc").inStore["held"] == 1 }
        #expect(isHeld, "\(network.logTail("truc"))")
        #expect(try network.control("truc", ["show", envelope]).end == .exited(0))
    }
}
