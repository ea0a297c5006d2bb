// WarnedConfigurationTests: what keeps a node from receiving is a warning before anybody misses a document: of `edocd --check-config`, of a
// start, and of `edocctl doctor`, with the real programs and files.

import Foundation
import TestNetwork
import Testing

@Suite struct WarnedConfigurationTests {
    /// None of them is an error: the daemon starts, says it in its log, and doctor shows it as a warning.
    private func expectWarned(_ network: Network, _ name: String, _ text: String) throws {
        let file = network.folder[name + ".yaml"]
        let check = try network.run(Places.edocd, ["--check-config", "--config", file])
        #expect(check.end == .exited(0) && check.errors.contains("warning: \(text)"), "\(check)")
        let doctor = try network.control(name, ["doctor", "--config", file])
        let lines = doctor.output.split(separator: "\n").filter { $0.contains(text) }
        #expect(lines.count == 1 && lines[0].hasPrefix("[ !  ] "), "\(doctor.output)")
        try network.start(name)
        #expect(network.logText(name).contains(text), "\(network.logTail(name))")
        network.stop(name)
    }

    private func expectQuiet(_ network: Network, _ name: String, _ text: String) throws {
        let check = try network.run(Places.edocd, ["--check-config", "--config", network.folder[name + ".yaml"]])
        #expect(check.end == .exited(0) && !check.errors.contains(text), "\(check)")
    }

    /// A leaf with one uplink and the default rights: what others send is refused from it.
    @Test func theDefaultRightsOfTheOneUplink() throws {
        let network = try Network()
        let rights = "    may_send_from:\n      nodes: [\"*\"]\n      agencies: [\"*\"]\n"
        try expectQuiet(network, "hcm", "may_send_from is the default")
        try network.replace("hcm", rights, "")
        try expectWarned(
            network, "hcm",
            "peers.truc.may_send_from is the default: documents of other nodes than truc are refused from it, and it is the one way to 2 of them"
        )
    }

    @Test func aHomeThatNoRouteReaches() throws {
        let network = try Network()
        let agencies = network.folder.text("agencies.yaml")
        let without = agencies.replacingOccurrences(of: "  - {to: hanoi, via: [hanoi], at: [truc]}\n", with: "")
        #expect(agencies != without)
        try expectQuiet(network, "truc", "no route reaches")
        try network.folder.write(without, to: "agencies.yaml")
        try expectWarned(
            network, "truc", "no route reaches hanoi, the home of H26 and others: documents for them are not taken")
    }

    @Test func aCertificateNotFromItsOwnAuthority() throws {
        let network = try Network()
        let text = "certificate \(network.folder["other/truc.pem"]) does not lead to an authority in "
        try expectQuiet(network, "truc", text)
        let other = try network.run(Places.root + "/Scripts/certificates", [network.folder["other"], "truc"])
        #expect(other.end == .exited(0), "\(other.errors)")
        for kind in ["pem", "key"] { try network.replace("truc", "tls/truc.\(kind)", "other/truc.\(kind)") }
        let check = try network.run(Places.edocd, ["--check-config", "--config", network.folder["truc.yaml"]])
        #expect(check.end == .exited(0), "\(check)")
        try expectWarned(network, "truc", text)
    }
}
