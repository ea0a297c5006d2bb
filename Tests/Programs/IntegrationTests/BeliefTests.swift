// BeliefTests: a neighbour with a good certificate that says what it cannot know, at real programs over mutual TLS: documents under numbers
// that another node is about to give. Nobody loses a document by it, and what was said is told.

import BundleProtocol
import ControlAPI
import Foundation
import NIOCore
import RelayModel
import TCPCL
import TestNetwork
import Testing

@Suite(.serialized) struct BeliefTests {
    private func port(_ network: Network, _ node: String) throws -> Int {
        let address = try network.status(node).listening.first
        return try #require(address?.split(separator: ":").last.flatMap { Int($0) })
    }

    /// A hub that sent documents under a node's next numbers made the true ones *Completed* and gone, for 400 days.
    @Test func poisonedNumbersLoseNoDocument() throws {
        let network = try Network()
        // The hub's port, for its true program later.
        try network.start("truc")
        network.stop("truc")
        try network.start(["vpcp", "hcm"])
        func submit(_ index: Int) throws -> String {
            try network.folder.write("văn bản số \(index)", to: "text-\(index)")
            return try network.submit(
                "vpcp", network.folder["text-\(index)"],
                ["--sender", "G22", "--to", "H29", "--document", "\(index)/VPCP"]
            ).envelope
        }
        let next = try #require(BundleID(envelopeName: submit(1)))
        // Somebody with the hub's key is at hcm first.
        let hub = try RawPeer(port: port(network, "hcm"), as: "truc", tls: RawPeer.tls(network, "truc"))
        #expect(hub.isEstablished, "\(hub.ending ?? "")")
        for offset in 0..<10 as Range<UInt64> {
            let poison = SampleBundle {
                $0.sequence = next.sequence + offset
                $0.path = ["vpcp", "truc"]
                $0.documentID = "poison \(offset)"
            }
            #expect(try hub.send(poison.octets()) == .acknowledged, "\(network.logTail("hcm"))")
        }
        try hub.end()
        let envelopes = try [next.envelopeName] + (2...6).map(submit)
        try network.start("truc")
        let wanted = Set((1...6).map { "\($0)/VPCP" })
        let hasAll = try eventually {
            try wanted.isSubset(of: network.inbox("hcm", "H29").compactMap(\.documentID))
        }
        #expect(hasAll, "\(network.logTail("hcm"))\n\(network.logTail("vpcp"))")
        // Each once, and as it was handed in.
        let documents = try network.inbox("hcm", "H29").filter { wanted.contains($0.documentID ?? "") }
        #expect(documents.count == 6)
        for document in documents {
            let copy = network.folder["copy"]
            let fetched = try network.control("hcm", ["inbox", "fetch", "H29", document.envelope, "-o", copy])
            #expect(fetched.end == .exited(0), "\(fetched.errors)")
            let index = document.documentID?.prefix { $0 != "/" } ?? ""
            #expect(try network.folder.bytes("copy") == network.folder.bytes("text-\(index)"))
            unlink(copy)
        }
        // The home alarms, the source says under which name it went on.
        #expect(network.logText("hcm").contains("another document came under a number"))
        let trace = try network.trace("vpcp", envelopes[0])
        #expect(trace.resubmittedAs.count == 1, "\(trace)")
        let isKnown = try eventually {
            try network.trace("vpcp", trace.resubmittedAs.first ?? "").recipients.map(\.state) == ["arrived"]
        }
        #expect(isKnown, "\(network.logTail("vpcp"))")
    }
}
