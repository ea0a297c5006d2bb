// HostileTests: octets from anybody. Whatever is cut off, changed, added or said twice gives an error or a signer that does not count,
// and never a second one; what is beyond a bound is refused before it is looked at.

import Foundation
import RelayModel
import Testing

@testable import OpenSSLCMS

@Suite struct HostileTests {
    private let signers: TestSigners

    init() throws {
        signers = try TestSigners()
        try signers.authority("ca")
        try signers.signer("an", by: "ca")
    }

    /// How many count; none when it cannot be read.
    private func counted(_ octets: [UInt8], _ trust: SignatureTrust) -> Int {
        guard let signature = try? DetachedSignature(octets: octets),
            let verdict = try? signature.verify(
                signers.digests(for: signature), trust: trust, at: TestSigners.moment)
        else { return 0 }
        return verdict.counted.count
    }

    private func trust(_ names: [String], authorities: [String] = []) throws -> SignatureTrust {
        SignatureTrust(
            certificates: Set(try names.map(signers.fingerprint)),
            authorities: Set(try authorities.map(signers.fingerprint)))
    }

    @Test func noTruncationCounts() throws {
        let octets = try signers.sign("an").octets
        let trust = try trust(["an"])
        #expect(counted(octets, trust) == 1)
        for count in 0..<octets.count {
            #expect(code { _ = try DetachedSignature(octets: Array(octets.prefix(count))) } == .signatureMalformed)
            #expect(code { _ = try DetachedSignature(octets: Array(octets.suffix(count))) } == .signatureMalformed)
        }
    }

    @Test(arguments: ["P-256", "2048"])
    func noFlippedBitCounts(_ kind: String) throws {
        try signers.signer("binh", by: "ca", kind: kind)
        let octets = try signers.sign("binh").octets
        let trust = try trust(["binh"])
        #expect(counted(octets, trust) == 1)
        for index in octets.indices {
            // All bits of the small one; one bit of each octet of the other.
            let all = (0..<8).map { UInt8(1) << UInt8($0) } + [0xff]
            for mask in kind == "P-256" ? all : [all[index % 9]] {
                var flipped = octets
                flipped[index] ^= mask
                #expect(counted(flipped, trust) == 0, "octet \(index) of \(octets.count), mask \(mask)")
            }
        }
    }

    /// The chain is looked at too. Bits of the authority's and the signer's certificate are all in a fingerprint or under a signature.
    @Test func noFlippedBitOfAChainCounts() throws {
        let signer = SignatureSigner(
            certificate: try signers.certificate("an"), authorities: [try signers.certificate("ca")],
            key: try SigningKey(file: signers.path("an.key")))
        let octets = try DetachedSignature.sign(signers.digests(), by: signer, at: TestSigners.moment).octets
        let trust = try trust([], authorities: ["ca"])
        #expect(counted(octets, trust) == 1)
        for index in octets.indices {
            var flipped = octets
            flipped[index] ^= UInt8(1) << UInt8(index % 8)
            #expect(counted(flipped, trust) == 0, "octet \(index) of \(octets.count)")
        }
    }

    /// Several octets at once, from one seed: no crash, and never more than one.
    @Test func noMixtureCountsTwice() throws {
        try signers.signer("binh", by: "ca")
        let octets = try signers.sign("an", "binh").octets
        let trust = try trust(["an"], authorities: ["ca"])
        var state: UInt64 = 20_251_201
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for _ in 0..<2_000 {
            var mixed = octets
            for _ in 0...next(4) {
                let from = next(octets.count)
                let part = octets[from..<min(octets.count, from + next(64))]
                let to = next(mixed.count)
                switch next(3) {
                case 0: mixed.replaceSubrange(to..<min(mixed.count, to + part.count), with: part)
                case 1: mixed.insert(contentsOf: part, at: to)
                default: mixed[to] = UInt8(next(256))
                }
            }
            #expect(counted(mixed, trust) <= 1)
        }
    }

    @Test func whatIsNotSignedHasOneForm() throws {
        let octets = try signers.sign("an").octets
        let good = try #require(CraftedSignature(octets))
        #expect(good.octets == octets)
        let changes: [(inout CraftedSignature) -> Void] = [
            { $0.version = [0x02, 0x01, 0x03] }, { $0.version = [0x02, 0x01, 0x05] },
            { $0.version = [0x02, 0x02, 0x00, 0x01] },
            { $0.digests = [] }, { $0.digests.append($0.digests[0]) },
            // SHA-1, which nobody used.
            { $0.digests.append([0x30, 0x07, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a]) },
            { $0.infos = [] },
            {
                $0.content = CraftedSignature.element(
                    0x30, CraftedSignature.content(of: $0.content) + [0xa0, 0x02, 0x04, 0x00])
            },
            { $0.certificates.append([0xa1, 0x02, 0x30, 0x00]) }, { $0.certificates.append([0xa3, 0x02, 0x06, 0x00]) },
        ]
        for (number, change) in changes.enumerated() {
            var crafted = good
            change(&crafted)
            #expect(code { _ = try DetachedSignature(octets: crafted.octets) } != nil, "\(number)")
        }
        #expect(code { _ = try DetachedSignature(octets: octets + [0]) } == .signatureMalformed)
        #expect(code { _ = try DetachedSignature(octets: octets + octets) } == .signatureMalformed)
    }

    /// One SignerInfo many times is one signer.
    @Test func copiesOfASignerAreOne() throws {
        var crafted = try #require(CraftedSignature(signers.sign("an").octets))
        crafted.infos = Array(repeating: crafted.infos[0], count: DetachedSignature.signersMax)
        let verdict = try signers.verify(crafted.octets, trusting: ["an"], authorities: ["ca"])
        #expect(verdict.signers.count == 16 && verdict.counted.count == 1)
        #expect(verdict.signers.filter { $0.refusal == .repeated }.count == 15)
        crafted.infos.append(crafted.infos[0])
        #expect(code { _ = try DetachedSignature(octets: crafted.octets) } != nil)
    }

    /// The attribute that names the signer's certificate [RFC 5035, 4]: long lists are not looked through.
    @Test func signingCertificatesAreBounded() throws {
        func read(_ octets: [UInt8]) -> SignerReading.SigningCertificate? {
            octets.withUnsafeBytes { SignerReading.SigningCertificate($0) }
        }
        func attribute(_ names: [[UInt8]], _ further: [UInt8] = []) -> [UInt8] {
            let list = names.flatMap { CraftedSignature.element(0x30, $0) }
            return CraftedSignature.element(0x30, CraftedSignature.element(0x30, list) + further)
        }
        let hash = CraftedSignature.element(0x04, [UInt8](repeating: 7, count: 32))
        func method(_ name: [UInt8]) -> [UInt8] {
            CraftedSignature.element(0x30, CraftedSignature.element(0x06, name)) + hash
        }
        #expect(read(attribute([hash]))?.digest == .sha256)
        #expect(read(attribute([hash], [0x30, 0x00]))?.hash.count == 32)
        for digest in AcceptedDigest.allCases {
            #expect(read(attribute([method(digest.objectIdentifier)]))?.digest == digest)
        }
        #expect(read(attribute(Array(repeating: hash, count: 16))) != nil)
        #expect(read(attribute(Array(repeating: hash, count: 17))) == nil)
        // SHA-1, nothing, and what stands behind.
        #expect(read(attribute([method([0x2b, 0x0e, 0x03, 0x02, 0x1a])])) == nil)
        #expect(read(attribute([])) == nil && read(attribute([[]])) == nil && read([]) == nil)
        #expect(read(attribute([hash]) + [0]) == nil)
        let good = attribute([method(AcceptedDigest.sha384.objectIdentifier)])
        for count in 0..<good.count { #expect(read(Array(good.prefix(count))) == nil) }
    }

    @Test func boundsComeFirst() throws {
        let good = try #require(CraftedSignature(signers.sign("an").octets))
        #expect(code { _ = try DetachedSignature(octets: []) } == .signatureMalformed)
        #expect(
            code { _ = try DetachedSignature(octets: [UInt8](repeating: 0x30, count: DetachedSignature.octetsMax + 1)) }
                == .signatureTooLarge)
        // Nested as deep as the bound allows.
        #expect(
            code { _ = try DetachedSignature(octets: Array(repeating: [0x30, 0x80], count: 100_000).flatMap { $0 }) }
                == .signatureMalformed)
        var many = good
        for number in 0..<DetachedSignature.certificatesMax {
            try signers.certify("c\(number % 4)", by: nil, extensions: "", key: "an", serial: "\(number + 1)")
            many.certificates.append(try signers.certificate("c\(number % 4)").octets)
        }
        #expect(many.octets.count < DetachedSignature.octetsMax)
        #expect(code { _ = try DetachedSignature(octets: many.octets) } == .tooManyCertificates)
        many.certificates.removeLast()
        #expect(try signers.verify(many.octets, trusting: ["an"]).counted.count == 1)
    }
}
