// CertificateDescriptionTests: names in certificates, as they are, several, none, and hostile ones.

import Testing

@testable import OpenSSLTLS

@Suite struct CertificateDescriptionTests {
    private let authority: TestAuthority

    init() throws {
        authority = try TestAuthority()
    }

    private func describe(_ names: String?, subject: String = "/CN=node") throws -> CertificateDescription {
        try authority.issue("node", names: names, subject: subject)
        return try authority.context("node").ownCertificate
    }

    private static let type = "otherName:1.3.6.1.5.5.7.8.11"

    @Test func one() throws {
        let description = try describe("\(Self.type);IA5STRING:dtn://hcm/")
        #expect(description.bundleEIDs == ["dtn://hcm/"])
        #expect(description.uris.isEmpty && description.dnsNames.isEmpty)
    }

    @Test func several() throws {
        let description = try describe(
            "\(Self.type);IA5STRING:dtn://hcm/, URI:dtn://a/, \(Self.type);IA5STRING:ipn:7.0, DNS:a, DNS:b, URI:ipn:1.0"
        )
        #expect(description.bundleEIDs == ["dtn://hcm/", "ipn:7.0"])
        #expect(description.uris == ["dtn://a/", "ipn:1.0"])
        #expect(description.dnsNames == ["a", "b"])
    }

    @Test func none() throws {
        #expect(try describe(nil).bundleEIDs.isEmpty)
        #expect(try describe("URI:dtn://hcm/, IP:127.0.0.1, email:a@b").bundleEIDs.isEmpty)
    }

    @Test func anotherKindOfOtherNameIsNotOurs() throws {
        #expect(try describe("otherName:1.3.6.1.5.5.7.8.12;IA5STRING:dtn://hcm/").bundleEIDs.isEmpty)
    }

    @Test func aBundleEIDOfAnotherTypeIsCountedAndMatchesNothing() throws {
        let description = try describe("\(Self.type);UTF8:dtn://hcm/")
        #expect(description.bundleEIDs == ["\\invalid"])
    }

    @Test func controlBytesAreEscaped() throws {
        // The IA5String "dtn://a/" NUL "b/".
        let description = try describe("DER:301ba01906082b0601050507080ba00d160b64746e3a2f2f612f00622f")
        #expect(description.bundleEIDs == ["dtn://a/\\x00b/"])
    }

    @Test func theCommonNameIsReadable() throws {
        let description = try describe("DNS:a", subject: "/CN=Tỉnh ủy \u{202e}\u{1b}[31mHà Nội")
        #expect(description.commonName == "Tỉnh ủy \\u{202e}\\u{1b}[31mHà Nội")
        #expect(try describe("DNS:a", subject: "/O=nobody").commonName == "")
    }

    @Test func serialTimesAndFingerprint() throws {
        try authority.issue("node", names: "DNS:a", extra: ["-set_serial", "0x00c0ffee"])
        let description = try authority.context("node").ownCertificate
        #expect(description.serial == "c0ffee")
        #expect(description.notAfter - description.notBefore == 10 * 86_400)
        #expect(description.fingerprint != .zero)
    }

    @Test func escapingIsOneToOne() {
        let texts = (0..<256).map { byte in withUnsafeBytes(of: UInt8(byte)) { escaped($0) } }
        #expect(Set(texts).count == 256)
        #expect(texts.allSatisfy { $0.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f } })
        #expect(texts[Int(UInt8(ascii: "\\"))] == "\\x5c")
    }
}
