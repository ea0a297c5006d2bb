// SigningTests: what is signed here is confirmed here and by openssl alone; adding a signature leaves the others as they are; and who
// could not be verified afterwards does not sign.

import Foundation
import RelayModel
import Testing

@testable import OpenSSLCMS

@Suite struct SigningTests {
    private let signers: TestSigners

    init() throws {
        signers = try TestSigners()
        try signers.authority("ca")
    }

    @Test(arguments: ["2048", "P-256", "P-384"])
    func opensslAloneConfirms(_ kind: String) throws {
        try signers.signer("an", by: "ca", kind: kind)
        let signature = try signers.sign("an")
        #expect(try signers.opensslVerifies(signature, authorityFile: "ca.pem"))
        try signers.write("other", Array("other".utf8))
        #expect(try !signers.opensslVerifies(signature, authorityFile: "ca.pem", content: "other"))
        let verdict = try signers.verify(signature.octets, trusting: ["an"])
        #expect(verdict.counted == [try signers.fingerprint("an")])
        #expect(verdict.signers.map(\.claimedTime) == [TestSigners.moment])
        #expect(verdict.signers.first?.certificate?.subject == "C = VN, CN = an")
        let other = try signers.verify(signature.octets, trusting: ["an"], content: Array("other".utf8))
        #expect(other.signers.map(\.refusal) == [.contentDiffers] && other.counted.isEmpty)
        // RFC 5652, 11.1 to 11.3, and RFC 5035, 3; and nothing else.
        let text = try signers.openssl("cms", "-cmsout", "-print", "-inform", "DER", "-in", "content.p7s")
        for name in ["contentType", "signingTime", "messageDigest", "id-smime-aa-signingCertificateV2"] {
            #expect(text.components(separatedBy: "object: \(name)").count == 2, "\(name)")
        }
        #expect(text.components(separatedBy: "\n            set:").count == 5)
    }

    @Test func severalSign() throws {
        for (name, kind) in [("an", "P-256"), ("binh", "2048"), ("chi", "P-384")] {
            try signers.signer(name, by: "ca", kind: kind)
        }
        let one = try signers.sign("an")
        let two = try one.adding(signers.signing("binh"), signers.digests(for: one), at: TestSigners.moment + 5)
        let three = try two.adding(signers.signing("chi"), signers.digests(for: two), at: TestSigners.moment + 9)
        #expect(try signers.opensslVerifies(three, authorityFile: "ca.pem"))
        let verdict = try signers.verify(three.octets, trusting: ["an", "binh", "chi"])
        #expect(verdict.counted.count == 3 && verdict.signers.count == 3)
        #expect(
            Set(verdict.signers.compactMap(\.claimedTime))
                == [0, 5, 9].reduce(into: []) { $0.insert(TestSigners.moment + $1) })
        #expect(try signers.verify(three.octets, trusting: ["binh"]).counted == [try signers.fingerprint("binh")])
        // What was there is there octet by octet.
        #expect(Set(signerInfos(one.octets)).isSubset(of: signerInfos(two.octets)))
        #expect(Set(signerInfos(two.octets)).isSubset(of: signerInfos(three.octets)))
        #expect(signerInfos(three.octets).count == 3)
        for name in ["an", "binh", "chi"] {
            #expect(
                code { _ = try three.adding(signers.signing(name), signers.digests(), at: TestSigners.moment) }
                    == .alreadySigned)
        }
    }

    @Test func anIntermediateGoesWithIt() throws {
        try signers.authority("between", by: "ca")
        try signers.signer("an", by: "between")
        try signers.write("chain.pem", signers.read("an.pem") + signers.read("between.pem"))
        let signer = try SignatureSigner(
            certificateFile: signers.path("chain.pem"), key: SigningKey(file: signers.path("an.key")))
        let signature = try DetachedSignature.sign(signers.digests(), by: signer, at: TestSigners.moment)
        #expect(try signers.opensslVerifies(signature, authorityFile: "ca.pem"))
        #expect(try !signers.opensslVerifies(signers.sign("an"), authorityFile: "ca.pem"))
        #expect(try signers.verify(signature.octets, trusting: ["an"]).counted.count == 1)
    }

    @Test func anotherCertificateOfTheKeyIsTheSameSigner() throws {
        try signers.signer("an", by: "ca")
        try signers.certify("again", by: "ca", extensions: "keyUsage=digitalSignature\n", key: "an")
        let signature = try signers.sign("an")
        #expect(
            code {
                _ = try signature.adding(signers.signing("again", key: "an"), signers.digests(), at: TestSigners.moment)
            } == .alreadySigned)
    }

    @Test func whoCouldNotBeVerifiedDoesNotSign() throws {
        for (kind, expected) in [
            ("1024", CMSError.Code.keyNotAccepted), ("P-521", .keyNotAccepted), ("ed25519", .keyNotAccepted),
        ] {
            try signers.signer("weak", kind: kind)
            #expect(code { _ = try signers.sign("weak") } == expected, "\(kind)")
        }
        try signers.signer("usage", usage: "keyEncipherment")
        #expect(code { _ = try signers.sign("usage") } == .keyUsageMissing)
        try signers.signer("an")
        try signers.signer("binh")
        #expect(
            code {
                _ = try DetachedSignature.sign(
                    signers.digests(), by: signers.signing("an", key: "binh"), at: TestSigners.moment)
            } == .keyMismatch)
        let an = try signers.signing("an")
        let dates = an.certificate.description
        #expect(
            code { _ = try DetachedSignature.sign(signers.digests(), by: an, at: dates.notBefore - 1) }
                == .certificateNotYetValid)
        #expect(
            code { _ = try DetachedSignature.sign(signers.digests(), by: an, at: dates.notAfter) }
                == .certificateExpired)
        #expect(code { _ = try DetachedSignature.sign(signers.digests(), by: an, at: dates.notAfter - 1) } == nil)
    }

    /// Also one that is in the signature already, put there by another signer.
    @Test func aCertificateIsInItOnce() throws {
        try signers.signer("an", by: "ca")
        try signers.signer("binh", by: "ca")
        let signer = SignatureSigner(
            certificate: try signers.certificate("an"),
            authorities: [
                try signers.certificate("ca"), try signers.certificate("binh"), try signers.certificate("ca"),
            ],
            key: try SigningKey(file: signers.path("an.key")))
        let one = try DetachedSignature.sign(signers.digests(), by: signer, at: TestSigners.moment)
        let two = try one.adding(signers.signing("binh"), signers.digests(), at: TestSigners.moment)
        #expect(try signers.verify(two.octets, trusting: ["an", "binh"]).counted.count == 2)
        #expect(try signers.opensslVerifies(two, authorityFile: "ca.pem"))
        #expect(CraftedSignature(two.octets)?.certificates.count == 3)
    }

    @Test func nothingIsAddedToASignatureOfOtherContent() throws {
        try signers.signer("an")
        try signers.signer("binh")
        let signature = try signers.sign("an")
        let other = signers.digests(Array("other".utf8), for: signature)
        #expect(
            code { _ = try signature.adding(signers.signing("binh"), other, at: TestSigners.moment) } == .contentDiffers
        )
    }

    @Test func noMoreSignThanMay() throws {
        var signature: DetachedSignature?
        for number in 0..<DetachedSignature.signersMax {
            try signers.signer("s\(number)")
            let signer = try signers.signing("s\(number)")
            signature =
                try signature?.adding(signer, signers.digests(), at: TestSigners.moment)
                ?? DetachedSignature.sign(signers.digests(), by: signer, at: TestSigners.moment)
        }
        let full = try #require(signature)
        #expect(try signers.verify(full.octets, trusting: (0..<16).map { "s\($0)" }).counted.count == 16)
        try signers.signer("late")
        #expect(
            code { _ = try full.adding(signers.signing("late"), signers.digests(), at: TestSigners.moment) }
                == .tooManySigners)
        try signers.write("full.p7s", full.octets)
        try signers.openssl(
            "cms", "-resign", "-binary", "-inform", "DER", "-in", "full.p7s", "-signer", "late.pem", "-inkey",
            "late.key", "-outform", "DER", "-out", "more.p7s")
        #expect(code { _ = try DetachedSignature(octets: signers.read("more.p7s")) } == .tooManySigners)
    }

    @Test func contentComesInPortions() throws {
        try signers.signer("an")
        let content = (0..<3_000_000).map { (number: Int) in UInt8(truncatingIfNeeded: (number &* 40_503) >> 13) }
        let whole = signers.digests(content)
        let parts = ContentDigests()
        var rest = content[...]
        var size = 1
        while !rest.isEmpty {
            rest.prefix(size).withUnsafeBytes { parts.update($0) }
            rest = rest.dropFirst(size)
            size *= 3
        }
        let signature = try DetachedSignature.sign(whole, by: signers.signing("an"), at: TestSigners.moment)
        let trust = SignatureTrust(certificates: [try signers.fingerprint("an")])
        #expect(try signature.verify(parts, trust: trust, at: TestSigners.moment).counted.count == 1)
        // Nothing is as good as content as all else.
        let empty = try DetachedSignature.sign(ContentDigests(), by: signers.signing("an"), at: TestSigners.moment)
        #expect(try empty.verify(ContentDigests(), trust: trust, at: TestSigners.moment).counted.count == 1)
        #expect(try empty.verify(parts, trust: trust, at: TestSigners.moment).counted.isEmpty)
    }
}
