// TestSigners: a folder of throw-away keys and certificates, made by openssl and removed with this object.

import Foundation
import RelayModel
import Testing

@testable import OpenSSLCMS

struct ToolFailure: Error, CustomStringConvertible {
    let description: String
}

final class TestSigners {
    let directory: URL
    static let content = Array("{\"edition\":{\"authority\":\"H29\",\"number\":12}}\r\nthứ hai\n".utf8)

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("cms-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try write("content", Self.content)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

    func write(_ name: String, _ octets: [UInt8]) throws {
        try Data(octets).write(to: directory.appendingPathComponent(name))
    }

    func read(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: directory.appendingPathComponent(name)))
    }

    /// Runs openssl in the folder, and gives what it prints.
    @discardableResult
    func openssl(_ arguments: String...) throws -> String { try Self.run("openssl", arguments, in: directory) }

    @discardableResult
    static func run(
        _ tool: String, _ arguments: [String], in folder: URL, environment: [String: String] = [:]
    ) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = environment.map { "\($0)=\($1)" } + [tool] + arguments
        process.currentDirectoryURL = folder
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw ToolFailure(description: text) }
        return text
    }

    /// `P-256`, `P-384` and so on, a number of bits for RSA, or `ed25519`.
    func makeKey(_ name: String, _ kind: String) throws {
        let options =
            kind == "ed25519"
            ? ["-algorithm", "ed25519"]
            : Int(kind) != nil
                ? ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:\(kind)"]
                : ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:\(kind)"]
        try Self.run("openssl", ["genpkey", "-out", "\(name).key"] + options, in: directory)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path("\(name).key"))
    }

    /// An authority; its own, or under another.
    func authority(_ name: String, by issuer: String? = nil, kind: String = "P-256") throws {
        try makeKey(name, kind)
        try certify(
            name, by: issuer, extensions: "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\n")
    }

    /// A key and a certificate, signed by itself or by an authority.
    func signer(
        _ name: String, by issuer: String? = nil, kind: String = "P-256", usage: String? = "digitalSignature"
    ) throws {
        try makeKey(name, kind)
        try certify(name, by: issuer, extensions: usage.map { "keyUsage=critical,\($0)\n" } ?? "")
    }

    func certify(
        _ name: String, by issuer: String?, extensions: String, key: String? = nil, serial: String? = nil,
        subject: String? = nil, days: Int = 10
    ) throws {
        try write("\(name).cnf", Array(("subjectKeyIdentifier=hash\n" + extensions).utf8))
        let subject = subject ?? "/C=VN/CN=\(name)"
        try openssl("req", "-new", "-utf8", "-key", "\(key ?? name).key", "-subj", subject, "-out", "\(name).csr")
        let by = issuer.map { ["-CA", "\($0).pem", "-CAkey", "\($0).key"] } ?? ["-signkey", "\(key ?? name).key"]
        let number = serial ?? "0x\(UInt64.random(in: 1 << 32...UInt64.max >> 1))"
        let digits = number.hasPrefix("0x") ? String(number.dropFirst(2)) : number
        try Self.run(
            "openssl",
            [
                "x509", "-req", "-in", "\(name).csr", "-days", "\(days)", "-set_serial", digits, "-extfile",
                "\(name).cnf", "-out", "\(name).pem",
            ] + by, in: directory)
    }

    // MARK: In the words of the module

    func certificate(_ name: String) throws -> SignerCertificate { try SignerCertificate(file: path("\(name).pem")) }

    func fingerprint(_ name: String) throws -> Digest { try certificate(name).fingerprint }

    func signing(_ name: String, key: String? = nil) throws -> SignatureSigner {
        SignatureSigner(certificate: try certificate(name), key: try SigningKey(file: path("\(key ?? name).key")))
    }

    func digests(_ content: [UInt8] = TestSigners.content, for signature: DetachedSignature? = nil) -> ContentDigests {
        let digests = signature.map { ContentDigests(for: $0) } ?? ContentDigests()
        content.withUnsafeBytes { digests.update($0) }
        return digests
    }

    /// A moment at which all of them are valid, however long it takes to make them.
    static let moment = Int64(Date().timeIntervalSince1970) + 43_200

    func sign(_ name: String) throws -> DetachedSignature {
        try DetachedSignature.sign(digests(), by: signing(name), at: Self.moment)
    }

    func sign(_ first: String, _ others: String...) throws -> DetachedSignature {
        var signature = try sign(first)
        for other in others { signature = try signature.adding(signing(other), digests(), at: Self.moment) }
        return signature
    }

    func verify(
        _ octets: [UInt8], trusting names: [String], authorities: [String] = [], at moment: Int64 = TestSigners.moment,
        content: [UInt8] = TestSigners.content
    ) throws -> SignatureVerdict {
        let trust = SignatureTrust(
            certificates: Set(try names.map(fingerprint)), authorities: Set(try authorities.map(fingerprint)))
        let signature = try DetachedSignature(octets: octets)
        return try signature.verify(digests(content, for: signature), trust: trust, at: moment)
    }

    /// What openssl alone says of a signature.
    func opensslVerifies(_ signature: DetachedSignature, authorityFile: String, content: String = "content") throws
        -> Bool
    {
        try write("content.p7s", signature.octets)
        do {
            let output = try openssl(
                "cms", "-verify", "-binary", "-inform", "DER", "-in", "content.p7s", "-content", content, "-CAfile",
                authorityFile, "-out", "verified")
            let written = try read("verified")
            return try output.contains("CMS Verification successful") && written == read(content)
        } catch is ToolFailure {
            return false
        }
    }
}

/// The code of the error that a body throws; nil when it throws none.
func code(_ body: () throws -> Void) -> CMSError.Code? {
    do { try body() } catch let error as CMSError {
        #expect(!error.sentence.isEmpty)
        return error.code
    } catch { Issue.record("\(error)") }
    return nil
}

/// The octets of each SignerInfo of a signature.
func signerInfos(_ octets: [UInt8]) -> [[UInt8]] {
    octets.withUnsafeBytes { source in
        var rest = source
        let data = DERElement(takenFrom: &rest)?.elements(limit: 2)?.last?.elements(limit: 1)?.first
        let infos = data?.elements(limit: 6)?.last?.elements(limit: 99)
        return (infos ?? []).map { Array($0.whole) }
    }
}
