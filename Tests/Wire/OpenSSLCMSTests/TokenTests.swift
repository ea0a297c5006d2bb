// TokenTests: a key that stays in a token, SoftHSM's, behind OpenSSL's engine. Each test works in a process of its own, since the token's
// library finds its folder by the environment. Skipped where the packages of `TokenTests.packages` are not installed.

import Foundation
import Testing

@testable import OpenSSLCMS

@Suite struct TokenTests {
    static let packages = "softhsm2, opensc and libengine-pkcs11-openssl are not installed (Scripts/install-missing)"
    static let module = [
        "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    ].first { FileManager.default.fileExists(atPath: $0) }
    static let isInstalled: Bool = {
        let needed = ["/usr/bin/softhsm2-util", "/usr/bin/pkcs11-tool"]
        guard module != nil, needed.allSatisfy(FileManager.default.fileExists) else { return false }
        return (try? KeyToken(module: nil, pin: nil)) != nil
    }()

    /// A token `so` with PIN 2468 and a key of each kind, named as the files of the certificates.
    private static func withToken(_ body: (TestSigners, String) throws -> Void) throws {
        let signers = try TestSigners()
        let tokens = signers.path("tokens")
        try FileManager.default.createDirectory(atPath: tokens, withIntermediateDirectories: true)
        try signers.write(
            "softhsm2.conf",
            Array("directories.tokendir = \(tokens)\nobjectstore.backend = file\nlog.level = ERROR\n".utf8))
        // Before any other thread of this process: a test in a process of its own.
        setenv("SOFTHSM2_CONF", signers.path("softhsm2.conf"), 1)
        let module = try #require(module)
        try TestSigners.run(
            "softhsm2-util", ["--init-token", "--free", "--label", "so", "--pin", "2468", "--so-pin", "13579"],
            in: signers.directory)
        for (number, (name, kind)) in [("rsa", "2048"), ("an", "P-256"), ("binh", "P-384")].enumerated() {
            try signers.signer(name, kind: kind)
            try TestSigners.run(
                "openssl", ["pkcs8", "-topk8", "-nocrypt", "-in", "\(name).key", "-out", "\(name).p8"],
                in: signers.directory)
            try TestSigners.run(
                "softhsm2-util",
                [
                    "--import", "\(name).p8", "--token", "so", "--label", name, "--id", "0\(number + 1)", "--pin",
                    "2468",
                ], in: signers.directory)
            // From here on the token has it alone.
            try FileManager.default.removeItem(atPath: signers.path("\(name).key"))
            try FileManager.default.removeItem(atPath: signers.path("\(name).p8"))
        }
        try body(signers, module)
    }

    @Test(.enabled(if: isInstalled, Comment(rawValue: packages)))
    func keysInATokenSign() async {
        await #expect(processExitsWith: .success) {
            try TokenTests.withToken { signers, module in
                var signature: DetachedSignature?
                for name in ["rsa", "an", "binh"] {
                    var asked = 0
                    let key = try SigningKey(token: "pkcs11:token=so;object=\(name);type=private", module: module) {
                        asked += 1
                        return Array("2468".utf8)
                    }
                    #expect(asked <= 1)
                    let signer = SignatureSigner(certificate: try signers.certificate(name), key: key)
                    signature =
                        try signature?.adding(signer, signers.digests(), at: TestSigners.moment)
                        ?? DetachedSignature.sign(signers.digests(), by: signer, at: TestSigners.moment)
                    #expect(asked <= 1)
                }
                let whole = try #require(signature)
                #expect(try signers.verify(whole.octets, trusting: ["rsa", "an", "binh"]).counted.count == 3)
                let all = try ["rsa", "an", "binh"].flatMap { try signers.read("\($0).pem") }
                try signers.write("all.pem", all)
                #expect(try signers.opensslVerifies(whole, authorityFile: "all.pem"))
            }
        }
    }

    /// Debian registers the library of SoftHSM, and the engine finds it there.
    @Test(.enabled(if: isInstalled, Comment(rawValue: packages)))
    func theLibraryNeedNotBeNamed() async {
        await #expect(processExitsWith: .success) {
            try TokenTests.withToken { signers, _ in
                let key = try SigningKey(token: "pkcs11:token=so;object=an;type=private") { Array("2468".utf8) }
                let signer = SignatureSigner(certificate: try signers.certificate("an"), key: key)
                let signature = try DetachedSignature.sign(signers.digests(), by: signer, at: TestSigners.moment)
                #expect(try signers.verify(signature.octets, trusting: ["an"]).counted.count == 1)
            }
        }
    }

    /// Two keys at once, each with its own PIN source, and the first goes on when the second is gone.
    @Test(.enabled(if: isInstalled, Comment(rawValue: packages)))
    func keysOfATokenLiveBesideEachOther() async {
        await #expect(processExitsWith: .success) {
            try TokenTests.withToken { signers, module in
                let first = try SigningKey(token: "pkcs11:token=so;object=an;type=private", module: module) {
                    Array("2468".utf8)
                }
                for name in ["binh", "rsa", "binh"] {
                    let second = try SigningKey(token: "pkcs11:token=so;object=\(name);type=private", module: module) {
                        Array("2468".utf8)
                    }
                    let signer = SignatureSigner(certificate: try signers.certificate(name), key: second)
                    _ = try DetachedSignature.sign(signers.digests(), by: signer, at: TestSigners.moment)
                }
                let signer = SignatureSigner(certificate: try signers.certificate("an"), key: first)
                let signature = try DetachedSignature.sign(signers.digests(), by: signer, at: TestSigners.moment)
                #expect(try signers.verify(signature.octets, trusting: ["an"]).counted.count == 1)
                let other = SignatureSigner(certificate: try signers.certificate("binh"), key: first)
                #expect(
                    code { _ = try DetachedSignature.sign(signers.digests(), by: other, at: TestSigners.moment) }
                        == .keyMismatch)
            }
        }
    }

    @Test(.enabled(if: isInstalled, Comment(rawValue: packages)))
    func whatATokenRefuses() async {
        await #expect(processExitsWith: .success) {
            try TokenTests.withToken { signers, module in
                func load(_ uri: String, _ pin: SecretSource?) -> CMSError.Code? {
                    code { _ = try SigningKey(token: uri, module: module, pin: pin) }
                }
                let good = "pkcs11:token=so;object=an;type=private"
                #expect(load(good, nil) == .pinMissing)
                #expect(load(good) { nil } == .pinMissing)
                // A wrong PIN is tried once: tokens lock themselves after few.
                var asked = 0
                let wrong = load(good) {
                    asked += 1
                    return Array("1111".utf8)
                }
                #expect(wrong == .tokenKeyUnavailable && asked == 1)
                do {
                    _ = try SigningKey(token: good, module: module) { Array("9753113".utf8) }
                } catch {
                    #expect(!"\(error)".contains("9753113"))
                }
                #expect(load("pkcs11:token=so;object=none;type=private") { Array("2468".utf8) } == .tokenKeyUnavailable)
                #expect(load("pkcs11:token=no;object=an;type=private") { Array("2468".utf8) } == .tokenKeyUnavailable)
                #expect(load(good + "?pin-value=2468", nil) == .tokenNameMalformed)
                #expect(load(good + "?pin-source=file:/tmp/pin", nil) == .tokenNameMalformed)
                #expect(load("slot_0-id_01", nil) == .tokenNameMalformed)
                // Right again after all that.
                #expect(load(good) { Array("2468".utf8) } == nil)
            }
        }
    }

    /// openssl's own program ends with a fault then (Debian 12).
    @Test(.enabled(if: isInstalled, Comment(rawValue: packages)), arguments: [true, false])
    func aProcessThatFoundNoKeyEndsWell(_ isNamed: Bool) async {
        await #expect(processExitsWith: .success) { [isNamed] in
            try TokenTests.withToken { signers, module in
                let uri = "pkcs11:token=so;object=none;type=private"
                let found = code {
                    _ = try SigningKey(token: uri, module: isNamed ? module : nil) { Array("2468".utf8) }
                }
                #expect(found == .tokenKeyUnavailable)
            }
        }
    }

    @Test(.enabled(if: isInstalled, Comment(rawValue: packages)))
    func aLibraryThatIsNone() async {
        await #expect(processExitsWith: .success) {
            let found = code {
                _ = try SigningKey(token: "pkcs11:object=an", module: "/nonexistent/library.so") { Array("1".utf8) }
            }
            #expect(found == .engineFailed || found == .tokenKeyUnavailable, "\(String(describing: found))")
        }
    }
}
