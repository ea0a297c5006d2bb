// Names: what is taken as a name and what is not, and that names survive being written and read.

import RelayModel
import Testing

@Suite struct NameTests {
    @Test(arguments: ["G22", "H29.15", "000.00.00.G22", "H37.DN.001", "a_b-c"])
    func agencyCodesAreTaken(text: String) {
        #expect(AgencyCode(text)?.text == text)
    }

    @Test(arguments: [
        "", ".", "G22.", ".G22", "G..22", "G 22", "G22/..", "../etc", "G22\n", "Hà", String(repeating: "H", count: 36),
    ])
    func otherTextsAreNoAgencyCodes(text: String) {
        #expect(AgencyCode(text) == nil)
    }

    @Test func parentsGoFromTheNearest() throws {
        let code = try #require(AgencyCode("H29.15.02"))
        #expect(code.parents.map(\.text) == ["H29.15", "H29"])
        #expect(try #require(AgencyCode("G22")).parents.isEmpty)
    }

    @Test(arguments: ["dtn:none", "dtn://vpcp/", "dtn://H29/edoc", "ipn:7.0", "ipn:18446744073709551615.1"])
    func endpointsAreReadAndWritten(text: String) {
        #expect(EndpointID(text: text)?.text == text)
    }

    @Test(arguments: [
        "", "dtn:", "dtn://", "dtn:///x", "dtn://a b/", "ipn:", "ipn:1", "ipn:1.", "ipn:-1.0",
        "ipn:18446744073709551616.0",
        "http://a/", "dtn://é/",
    ])
    func otherTextsAreNoEndpoints(text: String) {
        #expect(EndpointID(text: text) == nil)
    }

    @Test func onlyAdministrativeEndpointsAreNodeIDs() {
        #expect(NodeID(text: "dtn://vpcp/")?.name == "vpcp")
        #expect(NodeID(text: "ipn:7.0")?.name == "ipn:7")
        #expect(NodeID(text: "dtn://vpcp/edoc") == nil)
        #expect(NodeID(text: "ipn:7.1") == nil)
        #expect(NodeID(shortName: "ipn:7")?.text == "ipn:7.0")
    }

    @Test(arguments: [
        (UInt32(1), UInt32(1), UInt64(0)), (0x7fff_ffff, .max, 837_000_000_000), (123_456, 7, .max),
    ])
    func envelopeNamesAreReadAndWritten(incarnation: UInt32, counter: UInt32, time: UInt64) throws {
        let node = try #require(NodeID(name: "ha-noi.2"))
        let id = BundleID(
            source: node.endpoint, creationTime: time, sequence: UInt64(incarnation) << 32 | UInt64(counter))
        #expect(BundleID(envelopeName: id.envelopeName) == id)
    }

    @Test func foreignEnvelopeNamesAreReadAndWritten() {
        for source in [EndpointID.ipn(node: 2, service: 1), .dtn("other/app"), .dtn("other/")] {
            let id = BundleID(source: source, creationTime: 40, sequence: 3)
            #expect(BundleID(envelopeName: id.envelopeName) == id)
        }
    }

    @Test(arguments: ["", "@", "vpcp", "vpcp-1@", "vpcp-1-1", "vpcp--1@0", "vpcp-1-4294967296@0", "dtn://x/@1"])
    func otherTextsAreNoEnvelopeNames(text: String) {
        #expect(BundleID(envelopeName: text) == nil)
    }
}

@Suite struct TimeTests {
    @Test func additionStopsAtTheEnd() {
        #expect(RelayTime(milliseconds: .max - 1) + Milliseconds(5) == .never)
        #expect(Milliseconds.days(.max).count == .max)
        #expect(Milliseconds(.max) + Milliseconds(1) == Milliseconds(.max))
    }

    @Test func spansAreNeverNegative() {
        let spans: [(UInt64, String, String)] = [
            (0, "0s", "0s"), (59, "59s", "59s"), (119, "1m", "2m"), (7_197, "1h", "2h"), (86_399, "23h", "1d"),
            (1_641_600, "19d", "19d"),
        ]
        for (seconds, text, nearest) in spans {
            #expect(Milliseconds.seconds(seconds).text == text)
            #expect(Milliseconds.seconds(seconds).nearestText == nearest)
        }
        let early = RelayTime(milliseconds: 5)
        let late = RelayTime(milliseconds: 9)
        #expect(late.since(early) == Milliseconds(4))
        #expect(early.since(late) == .zero)
    }

    @Test func theDTNEpochIsTheYear2000() {
        #expect(WallTime(milliseconds: 0).unixMilliseconds == 946_684_800_000)
    }
}

@Suite struct PieceRangeTests {
    @Test func rangesLieWithinTheTotal() {
        #expect(PieceRange(offset: 0, length: 10, total: 10)?.end == 10)
        #expect(PieceRange(offset: 1, length: 10, total: 10) == nil)
        #expect(PieceRange(offset: .max, length: 2, total: .max) == nil)
    }

    @Test func digestsAreReadAndWritten() {
        let bytes = (0..<32).map { UInt8($0 * 7) }
        #expect(Digest(bytes: bytes)?.bytes == bytes)
        #expect(Digest(bytes: bytes.dropLast()) == nil)
        #expect(Digest.zero.hex == String(repeating: "0", count: 64))
    }
}
