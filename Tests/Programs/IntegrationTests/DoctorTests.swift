// DoctorTests: doctor, check and report on nodes that do not run, run as another user, hang, or are only a store; and a configuration that
// is looked at outside of its unit.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite(.serialized) struct DoctorTests {
    private func doctor(_ network: Network, _ arguments: [String] = []) throws -> Network.Result {
        try network.control("truc", ["doctor", "--config", network.folder["truc.yaml"]] + arguments)
    }

    private func lines(_ result: Network.Result, _ beginning: String) -> [Substring] {
        result.output.split(separator: "\n").filter { $0.hasPrefix(beginning) }
    }

    @Test func aPortThatAnotherHas() throws {
        let network = try Network(plain: true)
        let taken = try HeldPort()
        let address = "127.0.0.1:\(taken.port)"
        try network.replace("truc", "listen: [\"127.0.0.1:0\"]", "listen: [\"\(address)\"]")
        let found = try doctor(network)
        #expect(found.end == .exited(1))
        let line = lines(found, "[ !! ] ports: listen \(address) cannot be opened: Address already in use; ").first
        #expect(line?.contains("(process \(getpid()))") == true, "\(found.output)")
        taken.free()
        let free = try doctor(network)
        #expect(free.output.contains("[ ok ] ports: \(address): free for the daemon"), "\(free.output)")
    }

    /// Root may read all; the daemon's user may not.
    @Test(.enabled(if: geteuid() == 0)) func rootLooksAsTheDaemonsUser() throws {
        let network = try Network()
        let somebody: uid_t = 4_000_000
        chmod(network.folder.path, 0o755)
        chmod(network.folder["tls"], 0o755)
        for name in ["truc.yaml", "agencies.yaml", "tls/ca.pem", "tls/truc.pem"] { chmod(network.folder[name], 0o644) }
        chown(network.folder["truc"], somebody, somebody)
        func asked() throws -> Network.Result { try doctor(network, ["--user", String(somebody)]) }
        let key = try asked()
        #expect(key.end == .exited(1))
        #expect(
            lines(key, "[ !! ] files: ") == [
                "[ !! ] files: \(network.folder["tls/truc.key"]) (key) may not be read by uid \(somebody), as whom the daemon runs"
            ], "\(key.output)")
        #expect(lines(key, "[ !! ] configuration").isEmpty, "\(key.output)")
        chown(network.folder["tls/truc.key"], somebody, somebody)
        #expect(try asked().output.contains("[ ok ] files: all there, readable for uid \(somebody), guarded"))

        chmod(network.folder["tls"], 0o700)
        let blocked = try asked()
        #expect(lines(blocked, "[ !! ] files: ").count == 3, "\(blocked.output)")
        #expect(blocked.output.contains("it may not enter \(network.folder["tls"])"))
        chmod(network.folder["tls"], 0o755)

        // A store that root has made, in a folder of root's.
        try network.folder.makeFolder("truc/store")
        try network.folder.write("", to: "truc/store/data.mdb")
        chmod(network.folder["truc/store/data.mdb"], 0o600)
        let store = try asked()
        #expect(store.output.contains("[ !! ] files: \(network.folder["truc/store"]) (store) cannot be written"))
        #expect(
            store.output.contains("[ !! ] files: \(network.folder["truc/store/data.mdb"]) may not be read and written"))
        try FileManager.default.removeItem(atPath: network.folder["truc/store"])
        chown(network.folder["truc"], 0, 0)
        let folder = try asked()
        #expect(folder.output.contains("[ !! ] files: \(network.folder["truc/store"]) (store) is not there and cannot"))
        #expect(folder.output.contains("[ !! ] files: \(network.folder["truc"]) (sockets) cannot be written"))

        chmod(network.folder["truc.yaml"], 0o600)
        let configuration = try asked()
        #expect(configuration.output.contains("truc.yaml (configuration) may not be read by uid \(somebody)"))
        #expect(try doctor(network, ["--user", "nobody-of-that-name"]).end == .exited(2))
    }

    @Test func aKeyThatIsACredential() throws {
        let network = try Network()
        try network.replace("truc", "  key: tls/truc.key", "  key: credential:truc.key")
        let check = ["--check-config", "--config", network.folder["truc.yaml"]]
        let looked = try network.run(Places.edocd, check)
        #expect(looked.end == .exited(0), "\(looked.errors)")
        let note = "tls.key comes as the systemd credential truc.key at start; it cannot be looked at from here"
        // The example does not say who may send bundles without a sender, and is warned of it, by peer.
        func warned(_ text: String) -> [String] {
            text.split(separator: "\n").map(String.init).filter { $0.contains(".foreign is not set") }
        }
        #expect(warned(looked.errors).count == 3, "\(looked.errors)")
        #expect(looked.errors.hasSuffix(note + "\n") && looked.errors.split(separator: "\n").count == 4)
        let given = try network.run(
            Places.edocd, check, environment: ["CREDENTIALS_DIRECTORY": network.folder["tls"]])
        #expect(given.end == .exited(0), "\(given.errors)")
        #expect(warned(given.errors).count == given.errors.split(separator: "\n").count, "\(given.errors)")
        let found = try doctor(network)
        #expect(found.output.contains("[ ok ] configuration: \(note)"), "\(found.output)")
        #expect(lines(found, "[ !! ]").allSatisfy { $0.hasPrefix("[ !! ] daemon: ") }, "\(found.output)")
        // All else is looked at, and the daemon itself needs it.
        try network.replace("truc", "tls/truc.pem", "tls/hcm.pem")
        let other = try network.run(Places.edocd, check)
        #expect(other.end == .exited(78) && other.errors.contains("dtn://truc/"), "\(other.errors)")
        try network.replace("truc", "tls/hcm.pem", "tls/truc.pem")
        let start = try network.run(Places.edocd, ["--config", network.folder["truc.yaml"]])
        #expect(start.end == .exited(78) && start.errors.contains("LoadCredential=truc.key"), "\(start.errors)")
    }

    @Test func certificateDatesByTheFiles() throws {
        let network = try Network()
        try network.certificates(["--name", "truc", "--end", "20 days", "soon", "--expired", "late"])
        for (name, grade, sentence) in [
            ("soon", "[ !  ]", "this node's certificate ends in "),
            ("late", "[ !! ]", "this node's certificate has ended"),
        ] {
            try network.edit("truc") { text in
                for old in ["truc", "soon"] {
                    for end in ["pem", "key"] {
                        text = text.replacingOccurrences(of: "tls/\(old).\(end)", with: "tls/\(name).\(end)")
                    }
                }
            }
            let found = try doctor(network)
            #expect(lines(found, "\(grade) certificates: \(sentence)").count == 1, "\(found.output)")
        }
    }

    @Test func anOwnCertificateThatIsRevoked() throws {
        let network = try Network()
        try network.replace("truc", "tls:\n", "tls:\n  crl: tls/crl.pem\n")
        #expect(try !doctor(network).output.contains("revoked"))
        try network.certificates(["--revoke", "truc"])
        let found = try doctor(network)
        #expect(lines(found, "[ !! ] certificates: this node's certificate is revoked").count == 1, "\(found.output)")
        let check = try network.run(Places.edocd, ["--check-config", "--config", network.folder["truc.yaml"]])
        #expect(check.end == .exited(0) && check.errors.contains("is revoked by"), "\(check.errors)")
    }

    // MARK: check and report

    /// A store is no relay that runs.
    @Test func checkOfAStoreCannotTell() throws {
        let network = try Network(plain: true)
        try network.start("truc")
        network.stop("truc")
        let store = network.folder["truc/store"]
        for arguments in [["--store", store, "check"], ["check", "--store", store]] {
            let result = try network.run(Places.edocctl, arguments)
            #expect(result.end == .exited(3), "\(result.output) \(result.errors)")
            #expect(result.output.hasPrefix("EDOC UNKNOWN: ") && result.output.contains("leave --store out"))
        }
        let wrong = try network.run(Places.edocctl, ["--store", store, "check", "--level", "9"])
        #expect(wrong.end == .exited(3), "a command line that makes no sense is no warning")
    }

    private struct Parts: Decodable {
        struct Part: Decodable {
            var name: String
            var bytes: Int?
            var missing: String?
        }
        var file: String
        var isComplete: Bool
        var parts: [Part]
    }

    private func report(_ network: Network, _ arguments: [String], environment: [String: String] = [:]) throws -> (
        end: ProgramEnd, parts: Parts
    ) {
        let path = network.folder["report.tar"]
        let result = try network.run(
            Places.edocctl,
            ["report", "--json", "-o", path, "--force", "--config", network.folder["truc.yaml"]] + arguments,
            environment: environment)
        let parts = try? JSONDecoder().decode(Parts.self, from: Data(result.output.utf8))
        return (result.end, try #require(parts, "\(result.output) \(result.errors)"))
    }

    @Test func reportsThatAreNotWhole() throws {
        let network = try Network(plain: true)
        try network.start("truc")
        let socket = ["--socket", network.folder["truc/control.sock"]]
        let store = ["--store", network.folder["truc/store"]]
        let whole = try report(network, socket)
        #expect(whole.end == .exited(0) && whole.parts.isComplete)
        #expect(whole.parts.parts.contains { $0.name == "health.json" && ($0.bytes ?? 0) > 100 })
        let used = try network.run(Places.edocctl, ["report", "-o", network.folder["used.tar"]] + store)
        #expect(used.end == .exited(1) && used.errors.contains("in use"), "\(used.errors)")
        #expect(!FileManager.default.fileExists(atPath: network.folder["used.tar"]))

        // One that hangs is waited for once.
        network.send(SIGSTOP, to: "truc")
        let hung = try report(network, socket, environment: ["EDOC_PATIENCE": "1"])
        network.send(SIGCONT, to: "truc")
        #expect(hung.end == .exited(1) && !hung.parts.isComplete)
        let causes = hung.parts.parts.compactMap(\.missing)
        #expect(causes.first == "no answer in time")
        #expect(causes.dropFirst().allSatisfy { $0 == "not asked, the daemon had not answered before" }, "\(causes)")
        #expect(causes.count > 10)

        // Of one that does not run, what the store tells.
        network.stop("truc")
        let down = try report(network, socket)
        #expect(down.end == .exited(1))
        #expect(down.parts.parts.contains { $0.name == "status.json" && $0.missing == "no daemon answers" })
        #expect(down.parts.parts.contains { $0.name == "store-status.json" && ($0.bytes ?? 0) > 100 })
        let offline = try report(network, store)
        #expect(offline.end == .exited(0) && offline.parts.isComplete)
        #expect(offline.parts.parts.map(\.name).contains("ledger.json"))
        let list = try network.run("/usr/bin/env", ["tar", "-tf", network.folder["report.tar"]])
        #expect(list.output.contains("edoc-report-truc/status.json\n"), "\(list.output)")
    }
}
