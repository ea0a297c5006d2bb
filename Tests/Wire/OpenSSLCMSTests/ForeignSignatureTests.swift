// ForeignSignatureTests: signatures that openssl has made: those in the form of the directory count, the others say why they do not.

import Foundation
import Testing

@testable import OpenSSLCMS

@Suite struct ForeignSignatureTests {
    private let signers: TestSigners

    init() throws {
        signers = try TestSigners()
        try signers.authority("ca")
        try signers.signer("an", by: "ca")
        try signers.signer("rsa", by: "ca", kind: "2048")
    }

    /// Signs by openssl, with further arguments.
    private func sign(_ name: String, _ further: [String]) throws -> [UInt8] {
        let arguments = [
            "cms", "-sign", "-binary", "-in", "content", "-signer", "\(name).pem", "-inkey", "\(name).key", "-outform",
            "DER", "-out", "foreign.p7s",
        ]
        try TestSigners.run("openssl", arguments + further, in: signers.directory)
        return try signers.read("foreign.p7s")
    }

    @Test(
        arguments: [
            ("an", ["-cades"], nil), ("an", ["-cades", "-md", "sha384"], nil),
            ("rsa", ["-cades", "-md", "sha512"], nil),
            ("an", ["-cades", "-keyid"], nil), ("rsa", ["-cades", "-nosmimecap", "-certfile", "ca.pem"], nil),
            ("an", [], .attributesMissing), ("an", ["-noattr"], .attributesMissing),
            ("rsa", ["-cades", "-md", "sha1"], .digestNotAccepted), ("an", ["-md", "sha1"], .digestNotAccepted),
            ("rsa", ["-md", "md5"], .digestNotAccepted), ("an", ["-cades", "-md", "sha224"], .digestNotAccepted),
            ("an", ["-cades", "-nocerts"], .certificateMissing),
            ("rsa", ["-cades", "-keyopt", "rsa_padding_mode:pss"], .algorithmNotAccepted),
        ] as [(String, [String], SignerRefusal?)])
    func ofOneSigner(_ name: String, _ further: [String], _ expected: SignerRefusal?) throws {
        let verdict = try signers.verify(sign(name, further), trusting: ["an", "rsa"])
        #expect(verdict.signers.map(\.refusal) == [expected])
        #expect(verdict.counted == (expected == nil ? [try signers.fingerprint(name)] : []))
    }

    @Test func whatIsNoSignatureOfDataBeside() throws {
        #expect(code { _ = try DetachedSignature(octets: sign("an", ["-cades", "-nodetach"])) } == .contentEmbedded)
        #expect(
            code { _ = try DetachedSignature(octets: sign("an", ["-econtent_type", "1.2.840.113549.1.9.16.1.4"])) }
                == .contentTypeForeign)
        try signers.openssl(
            "cms", "-encrypt", "-binary", "-in", "content", "-outform", "DER", "-out", "sealed", "-recip", "rsa.pem")
        #expect(code { _ = try DetachedSignature(octets: signers.read("sealed")) } == .signatureMalformed)
        // BER: lengths that are not said before.
        #expect(code { _ = try DetachedSignature(octets: sign("an", ["-cades", "-stream", "-nodetach"])) } != nil)
        try signers.openssl("crl2pkcs7", "-nocrl", "-certfile", "an.pem", "-outform", "DER", "-out", "certificates")
        #expect(code { _ = try DetachedSignature(octets: signers.read("certificates")) } == .noSigner)
    }

    /// What openssl adds is judged, and what it adds to is added to here.
    @Test func openSSLAndThisAddToEachOther() throws {
        let first = try signers.sign("an")
        try signers.write("first", first.octets)
        try signers.openssl(
            "cms", "-resign", "-binary", "-cades", "-inform", "DER", "-in", "first", "-signer", "rsa.pem", "-inkey",
            "rsa.key", "-outform", "DER", "-out", "second")
        let second = try DetachedSignature(octets: signers.read("second"))
        #expect(try signers.verify(second.octets, trusting: ["an", "rsa"]).counted.count == 2)
        #expect(Set(signerInfos(first.octets)).isSubset(of: signerInfos(second.octets)))
        try signers.signer("chi", by: "ca")
        let third = try second.adding(signers.signing("chi"), signers.digests(for: second), at: TestSigners.moment)
        #expect(try signers.verify(third.octets, trusting: ["an", "rsa", "chi"]).counted.count == 3)
        #expect(try signers.opensslVerifies(third, authorityFile: "ca.pem"))
        let foreign = try DetachedSignature(octets: sign("an", ["-cades", "-md", "sha384"]))
        let mixed = try foreign.adding(signers.signing("rsa"), signers.digests(for: foreign), at: TestSigners.moment)
        #expect(try signers.verify(mixed.octets, trusting: ["an", "rsa"]).counted.count == 2)
        #expect(try signers.opensslVerifies(mixed, authorityFile: "ca.pem"))
    }

    /// The certificate that is named twice in a row counts once, whoever adds it.
    @Test func twiceIsOnce() throws {
        try signers.write("first", signers.sign("an").octets)
        for (again, key) in [("an", "an"), ("renewed", "an")] {
            if again == "renewed" {
                try signers.certify("renewed", by: "ca", extensions: "keyUsage=digitalSignature\n", key: "an")
            }
            let arguments = [
                "cms", "-resign", "-binary", "-cades", "-inform", "DER", "-in", "first", "-signer", "\(again).pem",
                "-inkey", "\(key).key", "-outform", "DER", "-out", "twice",
            ]
            // openssl does not add a certificate that is there.
            let further = again == "an" ? ["-nocerts"] : []
            try TestSigners.run("openssl", arguments + further, in: signers.directory)
            let verdict = try signers.verify(signers.read("twice"), trusting: ["an", again])
            #expect(verdict.signers.count == 2 && verdict.counted.count == 1, "\(again)")
            #expect(verdict.signers.filter { $0.refusal == .repeated }.count == 1, "\(again)")
        }
    }

    /// What is put beside a signature, and signed by nobody, changes nothing.
    @Test func unsignedAttributesAreIgnored() throws {
        let plain = try signers.sign("an")
        let wider = try #require(withUnsignedAttribute(plain.octets))
        #expect(wider.count > plain.octets.count)
        #expect(try signers.verify(wider, trusting: ["an"]).counted.count == 1)
        #expect(try signers.opensslVerifies(DetachedSignature(octets: wider), authorityFile: "ca.pem"))
    }
}
