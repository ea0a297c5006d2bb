// TrustTests: whose signatures count: certificates that are named, or what authorities that are named have issued, at a moment; and that
// one bad signer hides no good one.

import Foundation
import RelayModel
import Testing

@testable import OpenSSLCMS

@Suite struct TrustTests {
    private let signers: TestSigners

    init() throws {
        signers = try TestSigners()
        try signers.authority("ca")
        try signers.signer("an", by: "ca")
    }

    private func signature(_ name: String, with authorities: [String], key: String? = nil) throws -> [UInt8] {
        let signer = SignatureSigner(
            certificate: try signers.certificate(name), authorities: try authorities.map(signers.certificate),
            key: try SigningKey(file: signers.path("\(key ?? name).key")))
        return try DetachedSignature.sign(signers.digests(), by: signer, at: TestSigners.moment).octets
    }

    private func refusals(_ octets: [UInt8], trusting names: [String], authorities: [String] = []) throws
        -> [SignerRefusal?]
    {
        try signers.verify(octets, trusting: names, authorities: authorities).signers.map(\.refusal)
    }

    @Test func onlyWhoIsNamedCounts() throws {
        try signers.signer("binh", by: "ca")
        let octets = try signers.sign("an").octets
        #expect(try refusals(octets, trusting: ["an"]) == [nil])
        #expect(try refusals(octets, trusting: ["binh"]) == [.certificateUnknown])
        #expect(try refusals(octets, trusting: []) == [.certificateUnknown])
        #expect(try refusals(octets, trusting: ["ca"]) == [.certificateUnknown])
    }

    @Test func aChainToANamedAuthorityCounts() throws {
        try signers.authority("between", by: "ca")
        try signers.authority("other")
        try signers.signer("binh", by: "between")
        let octets = try signature("binh", with: ["between", "ca"])
        for authority in ["ca", "between"] {
            let verdict = try signers.verify(octets, trusting: [], authorities: [authority])
            #expect(verdict.counted == [try signers.fingerprint("binh")])
            #expect(verdict.signers.first?.authority == (try signers.fingerprint(authority)))
        }
        // Who is named needs no authority.
        #expect(try signers.verify(octets, trusting: ["binh"], authorities: ["ca"]).signers.first?.authority == nil)
        #expect(try refusals(octets, trusting: ["binh"], authorities: ["other"]) == [nil])
        #expect(try refusals(octets, trusting: [], authorities: ["other"]) == [.chainMissing])
        // The chain must be in it, as a whole.
        #expect(
            try refusals(signature("binh", with: ["between"]), trusting: [], authorities: ["ca"]) == [.chainMissing])
        #expect(try refusals(signature("binh", with: ["ca"]), trusting: [], authorities: ["ca"]) == [.chainMissing])
        #expect(
            try refusals(signature("binh", with: ["other"]), trusting: [], authorities: ["other"]) == [.chainMissing])
        // A signer is no authority, of itself or of others.
        #expect(try refusals(octets, trusting: [], authorities: ["binh"]) == [.chainMissing])
        try signers.signer("chi", by: "an")
        #expect(try refusals(signature("chi", with: ["an"]), trusting: [], authorities: ["an"]) == [.chainMissing])
        #expect(
            try refusals(signature("chi", with: ["an", "ca"]), trusting: [], authorities: ["ca"]) == [.chainMissing])
    }

    /// An authority of the same name and key identifier is another.
    @Test func anAuthorityIsItsFingerprint() throws {
        let named = try signers.fingerprint("ca")
        try signers.authority("ca")
        try signers.signer("false", by: "ca")
        let octets = try signature("false", with: ["ca"])
        let content = signers.digests()
        let verdict = try DetachedSignature(octets: octets).verify(
            content, trust: SignatureTrust(certificates: [], authorities: [named]), at: TestSigners.moment)
        #expect(verdict.signers.map(\.refusal) == [.chainMissing])
    }

    @Test func certificatesAreValidAtTheMoment() throws {
        let octets = try signature("an", with: ["ca"])
        let dates = try signers.certificate("an").description
        for (moment, expected) in [
            (dates.notBefore - 1, .certificateNotYetValid), (dates.notBefore, nil), (dates.notAfter - 1, nil),
            (dates.notAfter, .certificateExpired), (.max, .certificateExpired), (.min, .certificateNotYetValid),
        ] as [(Int64, SignerRefusal?)] {
            #expect(try signers.verify(octets, trusting: ["an"], at: moment).signers.map(\.refusal) == [expected])
        }
        // The authority ends before the signer.
        try signers.makeKey("short", "P-256")
        try signers.certify("short", by: nil, extensions: "basicConstraints=critical,CA:true\n", days: 1)
        try signers.signer("long", by: "short")
        let long = try signature("long", with: ["short"])
        let end = try signers.certificate("short").description.notAfter
        let inside = try signers.verify(long, trusting: [], authorities: ["short"], at: end - 1)
        #expect(inside.counted.count == 1)
        let behind = try signers.verify(long, trusting: [], authorities: ["short"], at: end)
        #expect(behind.signers.map(\.refusal) == [.chainMissing])
    }

    @Test func weakKeysAndOtherUsesDoNotCount() throws {
        for (kind, usage, expected) in [
            ("1024", "digitalSignature", .keyNotAccepted), ("P-521", "digitalSignature", .keyNotAccepted),
            ("P-256", "keyAgreement", .keyUsageMissing), ("P-256", "nonRepudiation", .keyUsageMissing),
            ("2048", nil, nil), ("P-384", "digitalSignature,nonRepudiation", nil),
        ] as [(String, String?, SignerRefusal?)] {
            try signers.signer("weak", kind: kind, usage: usage)
            try signers.openssl(
                "cms", "-sign", "-binary", "-cades", "-in", "content", "-signer", "weak.pem", "-inkey", "weak.key",
                "-md", "sha256", "-outform", "DER", "-out", "weak.p7s")
            #expect(try refusals(signers.read("weak.p7s"), trusting: ["weak"]) == [expected], "\(kind) \(usage ?? "")")
        }
    }

    @Test func aBadSignerHidesNoGoodOne() throws {
        try signers.signer("binh", by: "ca")
        try signers.signer("chi", by: "ca")
        let good = try signers.sign("an", "binh", "chi")
        for info in signerInfos(good.octets) {
            // The end of each SignerInfo is its signature.
            let range = try #require(Data(good.octets).range(of: Data(info)))
            var octets = good.octets
            octets[range.upperBound - 1] ^= 1
            let verdict = try signers.verify(octets, trusting: ["an", "binh", "chi"])
            #expect(verdict.counted.count == 2)
            #expect(verdict.signers.filter { $0.refusal == .signatureInvalid }.count == 1)
        }
        // One who signs other content, one who is not named, and one who is.
        try signers.write("good", signers.sign("an").octets)
        try signers.write("otherwise", Array("otherwise".utf8))
        try signers.openssl(
            "cms", "-sign", "-binary", "-cades", "-in", "otherwise", "-signer", "binh.pem", "-inkey", "binh.key",
            "-outform", "DER", "-out", "bad")
        let mixed = try #require(merged(signers.read("good"), signers.read("bad")))
        let verdict = try signers.verify(mixed, trusting: ["an", "binh"])
        #expect(verdict.counted == [try signers.fingerprint("an")])
        #expect(Set(verdict.signers.map(\.refusal)) == [nil, .contentDiffers])
        let stranger = try signers.verify(signers.sign("chi", "an").octets, trusting: ["an"])
        #expect(stranger.counted == [try signers.fingerprint("an")])
        #expect(Set(stranger.signers.map(\.refusal)) == [nil, .certificateUnknown])
    }

    /// A certificate that somebody made with the issuer's name and the serial number of a good one.
    @Test func anImpostorHidesNoGoodOne() throws {
        try signers.makeKey("false", "P-256")
        try signers.certify("false", by: nil, extensions: "basicConstraints=critical,CA:true\n", subject: "/C=VN/CN=ca")
        for serial in ["0x3011", "0x3012", "0x3013"] {
            try signers.certify("an", by: "ca", extensions: "keyUsage=digitalSignature\n", serial: serial)
            try signers.makeKey("impostor", "P-256")
            try signers.certify(
                "impostor", by: "false", extensions: "keyUsage=digitalSignature\n", serial: serial,
                subject: "/C=VN/CN=an")
            let octets = try signature("an", with: ["impostor"])
            #expect(try signers.verify(octets, trusting: ["an"]).counted == [try signers.fingerprint("an")])
            #expect(try refusals(octets, trusting: ["impostor"]) == [.certificateUnknown])
            // The impostor's own signature, with the good certificate beside it.
            let forged = try signature("impostor", with: ["an"])
            #expect(try refusals(forged, trusting: ["an"]) == [.certificateUnknown])
            // Its certificate taken out, so that the good one is all that fits.
            let swapped = try #require(
                merged(signers.sign("an").octets, signature("impostor", with: []), keepingCertificates: false))
            #expect(Set(try refusals(swapped, trusting: ["an", "impostor"])) == [nil, .attributesContradict])
        }
    }
}
