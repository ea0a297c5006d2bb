// ContextTests: what a TLSContext refuses at start, with the file and the reason in the sentence.

import Foundation
import Testing

@testable import OpenSSLTLS

@Suite struct ContextTests {
    private let authority: TestAuthority
    private var configuration: TLSConfiguration

    init() throws {
        authority = try TestAuthority("hcm", "vpcp")
        configuration = authority.configuration("hcm", withRevocation: true)
    }

    private func refusal(_ configuration: TLSConfiguration) -> TLSError? {
        do throws(TLSError) {
            _ = try TLSContext(configuration)
            return nil
        } catch {
            return error
        }
    }

    @Test func goodFilesGiveNoWarning() throws {
        let context = try TLSContext(configuration)
        #expect(context.warnings.isEmpty)
        #expect(context.ownCertificate.bundleEIDs == ["dtn://hcm/"])
        #expect(context.ownCertificate.notAfter > context.ownCertificate.notBefore)
    }

    static let files: [any WritableKeyPath<TLSConfiguration, String> & Sendable] = [
        \.authorityFile, \.certificateChainFile, \.keyFile,
    ]

    @Test(arguments: files.indices)
    func everyMissingFileIsNamed(index: Int) {
        var configuration = configuration
        configuration[keyPath: Self.files[index]] = authority.path("missing.pem")
        let error = refusal(configuration)
        #expect(error?.code == .fileUnreadable)
        #expect(error?.sentence.contains(authority.path("missing.pem")) == true)
        #expect(error?.sentence.contains("No such file") == true)
    }

    @Test func aMissingRevocationListIsNamed() {
        var configuration = configuration
        configuration.revocationListFile = authority.path("missing.pem")
        #expect(refusal(configuration)?.code == .fileUnreadable)
    }

    @Test(arguments: ["", "no PEM at all\n", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
    func everyMalformedFileIsNamed(text: String) throws {
        let path = authority.path("malformed.pem")
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        for file in Self.files {
            var configuration = configuration
            configuration[keyPath: file] = path
            let error = refusal(configuration)
            #expect(error?.code == .fileMalformed)
            #expect(error?.sentence.contains(path) == true)
        }
        var configuration = configuration
        configuration.revocationListFile = path
        #expect(refusal(configuration)?.code == .fileMalformed)
    }

    @Test func aFolderIsNoFile() {
        var configuration = configuration
        configuration.authorityFile = authority.directory.path
        #expect(refusal(configuration)?.code == .fileUnreadable)
    }

    @Test func aKeyOfAnotherCertificate() {
        var configuration = configuration
        configuration.keyFile = authority.path("vpcp.key")
        let error = refusal(configuration)
        #expect(error?.code == .keyMismatch)
        #expect(error?.sentence.contains("vpcp.key") == true)
    }

    @Test(arguments: [0o644, 0o604, 0o620, 0o601, 0o660, 0o666, 0o777])
    func aKeyThatOthersCanUse(mode: Int) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: configuration.keyFile)
        let error = refusal(configuration)
        #expect(error?.code == .keyExposed)
        #expect(error?.sentence.contains(configuration.keyFile) == true)
    }

    @Test func aKeyThatAGroupOfRootMayRead() {
        #expect(TrustFiles.isPrivate(mode: 0o100640, owner: 0))
        #expect(TrustFiles.isPrivate(mode: 0o100440, owner: 0))
        #expect(!TrustFiles.isPrivate(mode: 0o100640, owner: 1_000))
        #expect(!TrustFiles.isPrivate(mode: 0o100660, owner: 0))
        #expect(!TrustFiles.isPrivate(mode: 0o100644, owner: 0))
        #expect(TrustFiles.isPrivate(mode: 0o100400, owner: 1_000))
    }

    @Test func anEncryptedKeyAsksNobody() throws {
        try authority.openssl(
            "pkcs8", "-topk8", "-v2", "aes256", "-passout", "pass:secret", "-in", "hcm.key", "-out", "locked.key")
        var configuration = configuration
        configuration.keyFile = authority.path("locked.key")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: configuration.keyFile)
        #expect(refusal(configuration)?.code == .keyEncrypted)
    }

    @Test func anExpiredCertificateOfOurOwn() throws {
        try authority.script(["--expired", "old"])
        let error = refusal(authority.configuration("old"))
        #expect(error?.code == .ownCertificateExpired)
        #expect(error?.sentence.contains("old.pem") == true)
    }

    @Test func anExpiredCA() throws {
        var configuration = authority.configuration("late")
        try authority.issue("late", names: "DNS:late", extra: ["-days", "9000"])
        configuration.verificationTime = Int64(Date().timeIntervalSince1970) + 4_000 * 86_400
        #expect(try TLSContext(configuration).warnings.map(\.kind) == [.authorityExpired])
    }

    @Test func errorsDoNotQuoteKeys() throws {
        let key = try String(contentsOfFile: configuration.keyFile, encoding: .utf8)
        let lines = key.split(separator: "\n")
        // A key with a damaged line.
        let damaged = lines.enumerated().map { $0.offset == 1 ? $0.element.dropLast(5) + "!!!!!" : $0.element }
        var configuration = configuration
        configuration.keyFile = authority.path("damaged.key")
        try damaged.joined(separator: "\n").write(toFile: configuration.keyFile, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: configuration.keyFile)
        let error = try #require(refusal(configuration))
        #expect(error.code == .fileMalformed)
        #expect(!error.description.contains(lines[1].prefix(8)))
    }

    @Test func aKeyLogIsWrittenWhenAskedForAndIsPrivate() throws {
        var configuration = configuration
        configuration.keyLogFile = authority.path("keys.log")
        let logged = try TLSContext(configuration)
        #expect(logged.warnings.map(\.kind) == [.keyLogEnabled])
        let pair = try TestPair(logged, authority.context("vpcp"))
        try pair.pump()
        let text = try String(contentsOfFile: authority.path("keys.log"), encoding: .utf8)
        for label in ["CLIENT_HANDSHAKE_TRAFFIC_SECRET ", "CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 "] {
            #expect(text.split(separator: "\n").filter { $0.hasPrefix(label) }.count == 1)
        }
        let mode = try FileManager.default.attributesOfItem(atPath: authority.path("keys.log"))[.posixPermissions]
        #expect(mode as? Int == 0o600)
    }

    @Test func theScriptKeepsWhatExists() throws {
        let before = try Data(contentsOf: URL(fileURLWithPath: authority.path("hcm.pem")))
        let authorityBefore = try Data(contentsOf: URL(fileURLWithPath: authority.path("ca.pem")))
        try authority.script(["hcm", "third"])
        #expect(try Data(contentsOf: URL(fileURLWithPath: authority.path("hcm.pem"))) == before)
        #expect(try Data(contentsOf: URL(fileURLWithPath: authority.path("ca.pem"))) == authorityBefore)
        #expect(try authority.context("third").ownCertificate.bundleEIDs == ["dtn://third/"])
        #expect(throws: ToolFailure.self) { try authority.script(["../escape"]) }
        #expect(throws: ToolFailure.self) { try authority.script(["--revoke", "unknown"]) }
    }
}
