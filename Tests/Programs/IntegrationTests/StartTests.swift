// StartTests: what is wrong with configuration and certificates is said all at once, by file, line and key, with exit code 78, before
// any socket opens.

import Foundation
import TestNetwork
import Testing

@Suite(.serialized) struct StartTests {
    /// Runs the daemon, which must not come up.
    private func refusal(_ change: (Network) throws -> Void) throws -> (Network, String) {
        let network = try Network()
        try change(network)
        let result = try network.run(Places.edocd, ["--config", network.folder["truc.yaml"]])
        #expect(result.end == .exited(78), "\(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: network.folder["truc/control.sock"]))
        #expect(!FileManager.default.fileExists(atPath: network.folder["truc/store"]))
        let check = try network.run(Places.edocd, ["--check-config", "--config", network.folder["truc.yaml"]])
        // What goes into the file of a daemon has the time; what a person has asked for has not.
        let lines = result.errors.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let stamp = line.prefixMatch(of: #/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d /#)
            #expect(stamp != nil || line.isEmpty, "\(line)")
            return line.dropFirst(stamp?.output.count ?? 0)
        }
        let errors = lines.joined(separator: "\n")
        #expect(check.end == .exited(78) && check.errors == errors)
        return (network, errors)
    }

    private func line(_ network: Network, _ file: String, _ text: String) throws -> Int {
        let lines = network.folder.text(file).split(separator: "\n", omittingEmptySubsequences: false)
        return try #require(lines.firstIndex { $0.contains(text) }) + 1
    }

    @Test func allErrorsAtOnce() throws {
        let (network, errors) = try refusal { network in
            try network.replace("truc", "  map_size: 1GiB", "  map_size: enormous")
            try network.edit("truc") { $0 += "\nsession:\n  keepalive: 99999h\n  keep_alive: 3s\n" }
            let text = network.folder.text("agencies.yaml")
            try network.folder.write(
                text.replacingOccurrences(of: "home: hanoi", with: "home: nowhere"), to: "agencies.yaml")
        }
        for (file, text, key) in [
            ("truc.yaml", "map_size:", "store.map_size"), ("truc.yaml", "keepalive:", "session.keepalive"),
            ("truc.yaml", "keep_alive:", "session.keep_alive"), ("agencies.yaml", "home: nowhere", "agencies.H26.home"),
        ] {
            let place = "\(network.folder[file]):\(try line(network, file, text)):"
            #expect(errors.split(separator: "\n").contains { $0.hasPrefix(place) && $0.contains(key) }, "\(errors)")
        }
    }

    /// Certificates, keys, trust and lists, together with what is wrong in the files of the configuration.
    @Test func allErrorsOfCertificatesAtOnce() throws {
        func spoil(_ network: Network) throws {
            try network.certificates(["--name", "truc", "--expired", "late"])
            try network.replace("truc", "tls/truc.pem", "tls/late.pem")
            try network.replace("truc", "tls/truc.key", "tls/hcm.key")
            try network.replace("truc", "tls:\n", "tls:\n  crl: tls/agencies.pem\n")
            try network.folder.write("no PEM", to: "tls/ca.pem")
        }
        let sentences = [
            "CA file ", "CRL file ", "the certificate of file ", "is not the key of certificate file",
        ]
        let (_, errors) = try refusal(spoil)
        for sentence in sentences { #expect(errors.ranges(of: sentence).count == 1, "\(sentence): \(errors)") }
        let (_, more) = try refusal { network in
            try spoil(network)
            try network.edit("truc") { $0 += "\ncolour: red\n" }
        }
        for sentence in sentences + ["colour: "] { #expect(more.contains(sentence), "\(sentence): \(more)") }
    }

    @Test func aKeyThatOthersCanRead() throws {
        let (network, errors) = try refusal { network in chmod(network.folder["tls/truc.key"], 0o644) }
        #expect(errors.contains(network.folder["tls/truc.key"]), "\(errors)")
    }

    @Test func aCertificateOfAnotherNode() throws {
        let (_, errors) = try refusal { network in
            try network.replace("truc", "tls/truc.pem", "tls/hcm.pem")
            try network.replace("truc", "tls/truc.key", "tls/hcm.key")
        }
        #expect(errors.contains("dtn://truc/") && errors.contains("dtn://hcm/"), "\(errors)")
    }

    /// Where no time service keeps the clock, the daemon waits for a right one (ProcessTests); asked, it says what is wrong.
    @Test func aCertificateThatHasExpired() throws {
        let network = try Network()
        try network.certificates(["--name", "truc", "--expired", "late"])
        try network.replace("truc", "tls/truc.pem", "tls/late.pem")
        try network.replace("truc", "tls/truc.key", "tls/late.key")
        let check = try network.run(Places.edocd, ["--check-config", "--config", network.folder["truc.yaml"]])
        #expect(check.end == .exited(78), "\(check)")
        let errors = check.errors
        #expect(errors.contains("expired") && errors.contains(network.folder["tls/late.pem"]), "\(errors)")
    }

    @Test func plainTCPOnLoopbackOnly() throws {
        let (_, errors) = try refusal { network in
            try network.edit("truc") {
                $0 = $0.replacingOccurrences(of: "127.0.0.1:0", with: "0.0.0.0:0") + "\nplain_loopback: yes\n"
            }
        }
        #expect(errors.contains("loopback"), "\(errors)")
    }
}
