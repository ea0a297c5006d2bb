// ExpiredPeerTests: a peer whose certificate has expired. An honest program does not start with such a certificate, so the test's side
// judges all certificates as of a day when it was good: authority and hub have certificates older than that.

import Foundation
import OpenSSLTLS
import TestNetwork
import Testing

@Suite struct ExpiredPeerTests {
    @Test func anExpiredCertificate() throws {
        let hub = try Hub { network in try network.makeOldAuthority(["truc", "vpcp", "hcm"], expired: "hanoi") }
        let folder = hub.network.folder["tls/"]
        let tenDaysAgo = Int64(Date().timeIntervalSince1970) - 10 * 86_400
        let tls = try TLSContext(
            TLSConfiguration(
                authorityFile: folder + "ca.pem", certificateChainFile: folder + "hanoi.pem",
                keyFile: folder + "hanoi.key", verificationTime: tenDaysAgo))
        let late = try RawPeer(port: hub.network.port, as: "hanoi", tls: tls)
        try late.awaitEnd()
        #expect(late.terminations.isEmpty)
        #expect(try hub.logs("expired"), "\(hub.network.logTail("truc"))")
        try hub.expectGoodPasses()
    }

    /// A session that was right when it began ends within seconds when the peer's certificate does; others stay.
    @Test func aCertificateThatEndsInMidSession() throws {
        let hub = try Hub { network in
            for kind in ["pem", "key"] { unlink(network.folder["tls/hanoi.\(kind)"]) }
            try network.certificates(["--end", "15 seconds", "hanoi"])
        }
        let hanoi = try hub.peer("hanoi")
        #expect(hanoi.isEstablished, "\(hanoi.ending ?? "")")
        let before = Date()
        try hanoi.awaitEnd()
        #expect(!hanoi.terminations.isEmpty)
        #expect(try hub.logs("has expired"), "\(hub.network.logTail("truc"))")
        #expect(Date().timeIntervalSince(before) < 25, "not at the next look in ten minutes")
        #expect(hub.vpcp.ending == nil)
        try hub.expectGoodPasses()
    }

    /// Said every day, beginning at once.
    @Test func aListPastItsEndIsSaid() throws {
        let hub = try Hub { network in
            try network.certificates(["--expire-crl"])
            try network.replace("truc", "tls:\n", "tls:\n  crl: tls/crl.pem\n")
        }
        #expect(try hub.logs("a list of revoked certificates should have been replaced"))
        #expect(try hub.logs("then=peers are refused from"))
        // Within the grace it stops nobody. Without any, everybody.
        try hub.expectGoodPasses()
        try hub.network.replace("truc", "  crl: tls/crl.pem\n", "  crl: tls/crl.pem\n  crl_grace: 0s\n")
        #expect(try hub.network.control("truc", ["reload"]).end == .exited(0))
        let late = try hub.peer("hanoi")
        try late.awaitEnd()
        #expect(try hub.logs("should have been replaced too long ago"), "\(hub.network.logTail("truc"))")
    }
}

extension Network {
    /// An authority of a month ago, with certificates of a month ago; that of one node ended yesterday.
    func makeOldAuthority(_ names: [String], expired: String) throws {
        try FileManager.default.removeItem(atPath: folder["tls"])
        try folder.makeFolder("tls/issued")
        let old = try stamp("-30 days")
        try folder.write("", to: "tls/index.txt")
        try folder.write(
            """
            [ca]
            default_ca = relay
            [relay]
            database = \(folder["tls/index.txt"])
            rand_serial = yes
            new_certs_dir = \(folder["tls/issued"])
            default_md = sha256
            unique_subject = no
            policy = any
            [any]
            commonName = supplied
            [authority]
            basicConstraints = critical, CA:true
            keyUsage = critical, keyCertSign, cRLSign
            subjectKeyIdentifier = hash

            """, to: "tls/old.cnf")
        try request("ca", "Relay test CA of a month ago")
        try sign("ca", ["-selfsign", "-keyfile", folder["tls/ca.key"], "-extensions", "authority"], old, "+300 days")
        for name in names + [expired] {
            try folder.write(
                """
                [node]
                basicConstraints = critical, CA:false
                keyUsage = critical, digitalSignature
                extendedKeyUsage = serverAuth, clientAuth
                subjectAltName = otherName:1.3.6.1.5.5.7.8.11;IA5STRING:dtn://\(name)/

                """, to: "tls/\(name).cnf")
            try request(name, name)
            try sign(
                name,
                [
                    "-cert", folder["tls/ca.pem"], "-keyfile", folder["tls/ca.key"], "-extfile",
                    folder["tls/\(name).cnf"], "-extensions", "node",
                ], old, name == expired ? "-1 day" : "+300 days")
        }
    }

    private func stamp(_ offset: String) throws -> String {
        let result = try run("/usr/bin/env", ["date", "-u", "-d", offset, "+%Y%m%d%H%M%SZ"])
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func request(_ name: String, _ subject: String) throws {
        let key = folder["tls/\(name).key"]
        try openssl(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key])
        chmod(key, 0o600)
        try openssl(["req", "-new", "-key", key, "-subj", "/CN=\(subject)", "-out", folder["tls/\(name).csr"]])
    }

    private func sign(_ name: String, _ options: [String], _ from: String, _ until: String) throws {
        try openssl(
            ["ca", "-batch", "-notext", "-config", folder["tls/old.cnf"], "-in", folder["tls/\(name).csr"]] + options
                + ["-startdate", from, "-enddate", try stamp(until), "-out", folder["tls/\(name).pem"]])
    }

    private func openssl(_ arguments: [String]) throws {
        let result = try run("/usr/bin/env", ["openssl"] + arguments)
        guard result.end == .exited(0) else { throw TestFailure("openssl \(arguments): \(result.errors)") }
    }
}
