// RollBackTests: a store that is put back, a clone beside its original, and a second daemon with the identity of one that runs, as real
// programs. No document is lost by them, and both ends say so.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite(.serialized) struct RollBackTests {
    private func copy(_ network: Network, _ from: String, _ to: String) throws {
        try? FileManager.default.removeItem(atPath: network.folder[to])
        try FileManager.default.copyItem(atPath: network.folder[from], toPath: network.folder[to])
    }

    /// Of four that were accepted and forwarded three were at no agency. (Before: new documents got the numbers of old ones.)
    @Test func aStoreThatIsPutBackLosesNothing() throws {
        let network = try Network()
        try network.start(["truc", "vpcp", "hcm"])
        var names: Set<String> = []
        func submit(_ count: Int) throws {
            for _ in 0..<count {
                let file = try network.package("doc-\(names.count).edxml", to: ["H29"])
                names.insert(try network.submit("vpcp", file).envelope)
            }
        }
        try submit(1)
        #expect(try eventually { try network.inbox("hcm", "H29").count == 1 })
        network.stop("vpcp")
        try copy(network, "vpcp/store", "snapshot")
        try network.start("vpcp")
        try submit(3)
        #expect(try eventually { try network.inbox("hcm", "H29").count == 4 })
        network.stop("vpcp")
        try copy(network, "snapshot", "vpcp/store")
        try network.start("vpcp")
        try submit(4)
        #expect(names.count == 8)
        let isThere = try eventually { try network.inbox("hcm", "H29").count == 8 }
        let found = try network.inbox("hcm", "H29")
        #expect(isThere, "\(found.map(\.envelope))")
        #expect(Set(found.map(\.envelope)) == names)
    }

    /// A clone beside its original, or a thief of its key: while the first answers the second is not let in, and both ends alarm. When the
    /// first hangs, the second takes its place.
    @Test func ofTwoWithOneIdentityTheFirstStays() throws {
        let network = try Network()
        try network.start(["truc", "vpcp", "hcm"])
        #expect(try eventually { network.logText("vpcp").contains("link up") })
        try network.folder.makeFolder("vpcp2")
        let text = network.folder.text("vpcp.yaml")
        try network.folder.write(text.replacingOccurrences(of: "vpcp/", with: "vpcp2/"), to: "vpcp2.yaml")
        try network.start("vpcp2")
        #expect(
            try eventually { network.logText("truc").contains("two nodes with one identity") },
            "\(network.logTail("truc"))")
        #expect(
            try eventually { network.logText("vpcp2").contains("another one with this node's identity") },
            "\(network.logTail("vpcp2"))")
        let sent = try network.submit("hcm", network.package("back.edxml", from: "H29", to: ["G22"])).envelope
        #expect(try eventually { try network.inbox("vpcp", "G22").map(\.envelope) == [sent] })
        #expect(try network.inbox("vpcp2", "G22").isEmpty)
        // It hangs: what does not answer in five seconds loses its place.
        network.send(SIGSTOP, to: "vpcp")
        defer { network.send(SIGCONT, to: "vpcp") }
        let next = try network.submit("hcm", network.package("next.edxml", from: "H29", to: ["G22"])).envelope
        #expect(
            try eventually { try network.inbox("vpcp2", "G22").map(\.envelope).contains(next) },
            "\(network.logTail("truc"))\n\(network.logTail("vpcp2"))")
    }
}
