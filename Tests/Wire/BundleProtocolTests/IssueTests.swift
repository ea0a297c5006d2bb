// IssueTests: the rules that a well-formed bundle may break.

import NIOCore
import RelayModel
import Testing

@testable import BundleProtocol

@Suite struct IssueTests {
    private func primary(_ flags: BundleFlags, source: EndpointID = Samples.node.endpoint) -> PrimaryBlock {
        PrimaryBlock(
            flags: flags, destination: Samples.node.endpoint, source: source, reportTo: .none, creationTime: 1,
            sequence: 1, lifetime: .seconds(1),
            fragment: flags.contains(.isFragment) ? FragmentPlace(offset: 0, totalLength: 5) : nil)
    }

    @Test func flags() {
        #expect(primary([]).issues == [])
        #expect(primary([.reportDelivery, .statusTimeRequested]).issues == [])
        #expect(primary([.isFragment, .mustNotBeFragmented]).issues.map(\.code) == [.fragmentMustNotBe])
        for report: BundleFlags in [.reportReception, .reportForwarding, .reportDelivery, .reportDeletion] {
            #expect(
                primary([.isAdministrativeRecord, report]).issues.map(\.code) == [.recordRequestsReports])
            #expect(
                primary([.mustNotBeFragmented, report], source: .none).issues.map(\.code)
                    == [.nullSourceRequestsReports])
        }
        #expect(primary([.mustNotBeFragmented], source: .none).issues == [])
        #expect(primary([], source: .none).issues.map(\.code) == [.nullSourceMayBeFragmented])
        #expect(primary([], source: .ipn(node: 0, service: 0)).issues.map(\.code) == [.nullSourceMayBeFragmented])
        #expect(primary([], source: .none).issues.allSatisfy { $0.clause == "RFC 9171, 4.2.3" })
    }

    @Test func unknownFlagsAreKept() throws {
        let primary = primary(BundleFlags(rawValue: 1 << 40))
        #expect(primary.issues == [])
        let header = try BundleHeader(primary: primary, payloadLength: 0)
        var octets = ByteBuffer()
        header.encode(into: &octets)
        #expect(try BundleHeader(complete: octets).primary.flags.rawValue == 1 << 40)
    }

    @Test func headers() throws {
        #expect(try Samples.header().issues == [])
        #expect(try Samples.header(payloadLength: 6).issues.map(\.code) == [.documentLength])
        let bare = PrimaryBlock(
            crcType: .none, destination: .none, source: Samples.node.endpoint, reportTo: .none, creationTime: 0,
            sequence: 1, lifetime: .zero)
        #expect(try BundleHeader(primary: bare, payloadLength: 0).issues.map(\.code) == [.noChecksum, .noAge])
        let orphan = try BundleHeader(primary: Samples.primary(), copy: Samples.copy, payloadLength: 5)
        #expect(orphan.issues.map(\.code) == [.copyWithoutDocument])
        let stranger = try BundleHeader(
            primary: Samples.primary(), document: Samples.document,
            copy: CopyDescription(recipients: [AgencyCode("G01")!], path: []), payloadLength: 5)
        #expect(stranger.issues.map(\.code) == [.copyNotInDocument])
        let piece = try Samples.header().piece(offset: 2, length: 3)
        #expect(piece.issues == [])
    }
}
