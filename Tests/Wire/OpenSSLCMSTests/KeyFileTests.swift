// KeyFileTests: keys in files with and without a passphrase, certificates in PEM and in DER, and fingerprints as people read them.

import Foundation
import RelayModel
import Testing

@testable import OpenSSLCMS

@Suite struct KeyFileTests {
    private let signers: TestSigners

    init() throws {
        signers = try TestSigners()
        try signers.signer("an")
    }

    private func seal(_ name: String, _ further: [String]) throws {
        try TestSigners.run(
            "openssl", ["pkey", "-in", "an.key", "-out", "\(name).key", "-passout", "pass:mật khẩu"] + further,
            in: signers.directory)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: signers.path("\(name).key"))
    }

    /// PKCS#8, and the older form in which the PEM header names the cipher.
    @Test(arguments: [["-aes-256-cbc"], ["-aes-256-cbc", "-traditional"]])
    func aPassphraseOpensAKey(_ form: [String]) throws {
        try seal("sealed", form)
        let path = signers.path("sealed.key")
        var asked = 0
        let key = try SigningKey(file: path) {
            asked += 1
            return Array("mật khẩu".utf8)
        }
        #expect(asked == 1)
        let signer = SignatureSigner(certificate: try signers.certificate("an"), key: key)
        let signature = try DetachedSignature.sign(signers.digests(), by: signer, at: TestSigners.moment)
        #expect(try signers.verify(signature.octets, trusting: ["an"]).counted.count == 1)
        #expect(code { _ = try SigningKey(file: path) { Array("another".utf8) } } == .passphraseWrong)
        #expect(code { _ = try SigningKey(file: path) { [] } } == .passphraseWrong)
        #expect(code { _ = try SigningKey(file: path) { nil } } == .passphraseMissing)
        #expect(code { _ = try SigningKey(file: path) } == .passphraseMissing)
        #expect(code { _ = try SigningKey(file: path) { [UInt8](repeating: 65, count: 5_000) } } == .passphraseMissing)
        do {
            _ = try SigningKey(file: path) { Array("very secret".utf8) }
        } catch {
            #expect(!"\(error)".contains("very secret"))
        }
    }

    /// Whoever calls back twice in one call has tried the first: a token would count a second attempt.
    @Test func aSecretIsGivenOnce() {
        let request = SecretRequest { Array("2468".utf8) }
        let pointer = Unmanaged.passUnretained(request).toOpaque()
        var target = [CChar](repeating: 0, count: 16)
        #expect(answerSecret(&target, 16, 0, pointer) == 4)
        #expect(answerSecret(&target, 16, 0, pointer) == -1)
        let long = SecretRequest { Array("2468".utf8) }
        #expect(answerSecret(&target, 3, 0, Unmanaged.passUnretained(long).toOpaque()) == -1)
        #expect(long.isAsked && !long.isAnswered)
    }

    @Test func filesThatAreNoKeys() throws {
        #expect(code { _ = try SigningKey(file: signers.path("missing.key")) } == .fileUnreadable)
        #expect(code { _ = try SigningKey(file: signers.path("an.pem")) } == .keyExposed)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: signers.path("an.pem"))
        #expect(code { _ = try SigningKey(file: signers.path("an.pem")) } == .fileMalformed)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: signers.path("an.key"))
        #expect(code { _ = try SigningKey(file: signers.path("an.key")) } == .keyExposed)
        try signers.write("empty", [])
        #expect(code { _ = try SignerCertificate(file: signers.path("empty")) } == .fileMalformed)
        #expect(code { _ = try SignerCertificate(file: signers.path("content")) } == .fileMalformed)
        try signers.write("crowd", Array(repeating: signers.read("an.pem"), count: 9).flatMap { $0 })
        #expect(code { _ = try SignerCertificate(file: signers.path("crowd")) } == .fileTooLarge)
    }

    @Test func fingerprintsAreThoseOfOpenSSL() throws {
        let certificate = try signers.certificate("an")
        let printed = try signers.openssl("x509", "-in", "an.pem", "-noout", "-fingerprint", "-sha256")
        let groups = try #require(printed.split(separator: "=").last).trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(certificate.fingerprint.groups == groups)
        #expect(Digest(fingerprint: groups) == certificate.fingerprint)
        #expect(Digest(fingerprint: groups.lowercased()) == certificate.fingerprint)
        #expect(Digest(fingerprint: certificate.fingerprint.hex) == certificate.fingerprint)
        for wrong in [
            "", "ab", String(groups.dropLast()), groups + ":", groups.replacingOccurrences(of: ":", with: "-"),
            String(repeating: "g", count: 64), String(repeating: "à", count: 32),
        ] {
            #expect(Digest(fingerprint: wrong) == nil, "\(wrong)")
        }
        try signers.openssl("x509", "-in", "an.pem", "-outform", "DER", "-out", "an.der")
        #expect(try SignerCertificate(file: signers.path("an.der")) == certificate)
        try signers.write("longer.der", signers.read("an.der") + [0])
        #expect(code { _ = try SignerCertificate(file: signers.path("longer.der")) } == .fileMalformed)
    }

    /// Letters of all scripts are shown; what would steer a terminal is not.
    @Test func subjectsAreSafeToShow() throws {
        for (subject, shown) in [
            ("/C=VN/O=Bộ Thông tin/CN=Nguyễn Thị An", "C = VN, O = Bộ Thông tin, CN = Nguyễn Thị An"),
            ("/CN=a\u{202e}b", "CN = a\\u{202e}b"),
        ] {
            try signers.certify("shown", by: nil, extensions: "", key: "an", subject: subject)
            #expect(try signers.certificate("shown").subject == shown)
        }
    }
}
