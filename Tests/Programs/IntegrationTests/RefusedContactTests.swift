// RefusedContactTests: a neighbour that is not let in, over real TLS between real programs: who was refused stands at that peer, on both sides,
// with the cause, until it comes in.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite(.serialized) struct RefusedContactTests {
    enum Fault: CaseIterable {
        /// Its certificate is from an authority that the hub does not know.
        case untrusted
        case revoked
    }

    /// Waits until `node` says this of `peer`, in `peers`, in the findings that `status` has, and in `check`.
    private func expectStands(
        _ network: Network, at node: String, of peer: String, _ text: String,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let stands = try eventually(within: 30) { try error(network, node, peer).contains(text) }
        let said = try error(network, node, peer)
        #expect(stands, "\(said)\n\(network.logTail(node))", sourceLocation: location)
        let shown = try network.control(node, ["peers", peer])
        #expect(shown.output.contains(text), "\(shown)", sourceLocation: location)
        let found = try network.status(node).findings?.filter { $0.subject == peer } ?? []
        #expect(found.contains { $0.text.contains(text) }, "\(found)", sourceLocation: location)
        let isChecked = try eventually(within: 30) {
            let check = try network.control(node, ["check", "links", "--link-down", "1s,1h"])
            return check.end == .exited(1) && check.output.contains(text)
        }
        #expect(isChecked, sourceLocation: location)
    }

    private func error(_ network: Network, _ node: String, _ peer: String) throws -> String {
        let answer: PeersAnswer = try network.ask(node, "peers")
        return answer.peers.first { $0.node == peer }?.lastError ?? ""
    }

    @Test(arguments: Fault.allCases) func aWrongCertificate(_ fault: Fault) throws {
        let network = try Network()
        let own = try ["pem", "key"].map { try network.folder.bytes("tls/hanoi.\($0)") }
        switch fault {
        case .untrusted:
            let other = try network.run(Places.root + "/Scripts/certificates", [network.folder["other"], "hanoi"])
            #expect(other.end == .exited(0), "\(other.errors)")
            for kind in ["pem", "key"] {
                unlink(network.folder["tls/hanoi.\(kind)"])
                try FileManager.default.copyItem(
                    atPath: network.folder["other/hanoi.\(kind)"], toPath: network.folder["tls/hanoi.\(kind)"])
            }
        case .revoked:
            try network.certificates(["--revoke", "hanoi"])
            try network.replace("truc", "tls:\n", "tls:\n  crl: tls/crl.pem\n")
        }
        try network.start(["truc", "hanoi"])
        switch fault {
        case .untrusted:
            try expectStands(
                network, at: "truc", of: "hanoi",
                "refused here: the certificate of \"hanoi\" does not lead to a trusted CA")
            try expectStands(network, at: "hanoi", of: "truc", "with alert 48, unknown CA")
        case .revoked:
            try expectStands(network, at: "truc", of: "hanoi", "refused here: the certificate of \"hanoi\" is revoked")
            try expectStands(network, at: "hanoi", of: "truc", "with alert 44, certificate revoked")
        }
        // Nobody else is spoken of.
        #expect(try error(network, "truc", "hcm") == "")
        network.stop("hanoi")
        // It comes in with another certificate, and nothing of it is left.
        switch fault {
        case .untrusted:
            for (kind, bytes) in zip(["pem", "key"], own) {
                try Data(bytes).write(to: URL(fileURLWithPath: network.folder["tls/hanoi.\(kind)"]))
                chmod(network.folder["tls/hanoi.\(kind)"], 0o600)
            }
        case .revoked:
            for kind in ["pem", "key"] { unlink(network.folder["tls/hanoi.\(kind)"]) }
            try network.certificates(["hanoi"])
        }
        try network.start("hanoi")
        for (node, peer) in [("truc", "hanoi"), ("hanoi", "truc")] {
            let isUp = try eventually {
                let answer: PeersAnswer = try network.ask(node, "peers")
                let found = answer.peers.first { $0.node == peer }
                return found?.state == "up" && found?.lastError == ""
            }
            #expect(isUp, "\(network.logTail(node))")
        }
    }

    /// The hub's certificate is one that the leaf does not trust: the leaf says so; the hub hears an alert before it knows of whom.
    @Test func theHubsOwnCertificate() throws {
        let network = try Network()
        let other = try network.run(Places.root + "/Scripts/certificates", [network.folder["other"], "truc"])
        #expect(other.end == .exited(0), "\(other.errors)")
        for kind in ["pem", "key"] { try network.replace("truc", "tls/truc.\(kind)", "other/truc.\(kind)") }
        try network.start(["truc", "hanoi"])
        try expectStands(
            network, at: "hanoi", of: "truc", "the certificate of \"truc\" does not lead to a trusted CA")
        #expect(try eventually { network.logText("truc").contains("contact failed") })
    }

    /// A good certificate of somebody else, and a neighbour that is not configured.
    @Test func anotherName() throws {
        let network = try Network()
        try network.start("truc")
        let thief = try RawPeer(port: network.port, as: "hanoi", tls: RawPeer.tls(network, "hcm"))
        try thief.awaitEnd()
        #expect(thief.terminations == [.contactFailure])
        try expectStands(
            network, at: "truc", of: "hanoi",
            "refused here: The peer announces dtn://hanoi/, but its certificate is that of dtn://hcm/.")
        #expect(try error(network, "truc", "hcm") == "")

        // hanoi is taken out of the hub's files: the hub says so in its log, and counts it; hanoi at its peer.
        let agencies = network.folder.text("agencies.yaml")
        try network.folder.write(
            agencies.replacingOccurrences(of: "  - {to: hanoi, via: [hanoi], at: [truc]}\n", with: ""),
            to: "hub.yaml")
        try network.replace("truc", "agencies: agencies.yaml", "agencies: hub.yaml")
        try network.replace("truc", "  hanoi: {}\n", "")
        network.stop("truc")
        try network.start(["truc", "hanoi"])
        try expectStands(network, at: "hanoi", of: "truc", "The peer ended the session (contact failure).")
        let said = "contact failed: The peer announces dtn://hanoi/, which is not configured here."
        #expect(try eventually { network.logText("truc").contains(said) }, "\(network.logTail("truc"))")
        #expect(try network.ledger("truc").refusedTransfers["contact"] ?? 0 >= 2)
    }
}
