// ForeignTests: bundles of other makes, which name no sender, at the real hub and the real home: who may send them, what is said of
// them, and what is not handed over as good.

import BundleProtocol
import ControlAPI
import Foundation
import NIOCore
import RelayModel
import TCPCL
import TestNetwork
import Testing

@Suite(.serialized) struct ForeignTests {
    /// vpcp may send for everybody.
    private func hub(_ more: String = "") throws -> Hub {
        try Hub { network in
            try network.replace(
                "truc", "  vpcp: {}", "  vpcp:\n    may_send_from: {nodes: [\"*\"], agencies: [\"*\"]}\n" + more)
        }
    }

    private func bundle(_ source: String = "ipn:9.1", cover: BlockType? = nil) throws -> WholeBundle {
        let payload = Array("no document of this network".utf8)
        // RFC 9171, 4.2.3: what nobody has sent must not be cut.
        let primary = PrimaryBlock(
            flags: source == "ipn:0.0" ? .mustNotBeFragmented : [], destination: EndpointID(text: "dtn://H29/edoc")!,
            source: EndpointID(text: source)!,
            reportTo: EndpointID(text: source)!, creationTime: SampleBundle.now, sequence: 7, lifetime: .days(1))
        var header = try BundleHeader(
            primary: primary, hopCount: HopCount(limit: 32, count: 1), age: Milliseconds(5),
            payloadLength: UInt64(payload.count))
        if let cover {
            // Its first item: the blocks that it covers; here the payload.
            let block = CanonicalBlock(type: cover, number: 20, flags: [], data: ByteBuffer(bytes: [0x81, 0x01]))
            header = try BundleHeader(primary: primary, blocks: header.blocks + [block], payload: header.payload)
        }
        return WholeBundle(header: header, payload: ByteBuffer(bytes: payload))
    }

    /// Inbox and tool say that nobody vouches for the sender.
    @Test func nobodyVouchesForTheSender() throws {
        let hub = try hub()
        #expect(try hub.vpcp.send(bundle()) == .acknowledged, "\(hub.network.logTail("truc"))")
        #expect(
            try eventually { try hub.network.inbox("hcm", "H29").count == 1 }, "\(hub.network.logTail("hcm"))")
        let document = try hub.network.inbox("hcm", "H29")[0]
        #expect(document.unvouched == true && document.sender == nil && document.source == "ipn:9.1")
        let list = try hub.network.control("hcm", ["inbox", "list", "H29"]).output
        #expect(list.contains("ipn:9.1 (unvouched)"), "\(list)")
        try hub.expectGoodPasses()
        #expect(try hub.network.inbox("hcm", "H29").contains { $0.unvouched == nil && $0.sender == "G22" })
    }

    @Test func aPeerThatMayNot() throws {
        let hub = try hub("    foreign: no\n")
        var octets = ByteBuffer()
        try bundle().encode(into: &octets)
        try hub.expectRefused(.notAcceptable, counted: "notAuthorised", octets: octets)
        let log = hub.network.logText("truc")
        #expect(!log.contains("peers.vpcp.foreign is not set") && log.contains("peers.hcm.foreign is not set"))
        try hub.expectGoodPasses()
    }

    /// Two bundles of nobody with one name are two.
    @Test func theAnonymousAreNeverDuplicates() throws {
        let hub = try hub()
        // The home takes them from the hub, which may send for everybody.
        for _ in 0..<2 { #expect(try hub.vpcp.send(bundle("ipn:0.0")) == .acknowledged) }
        #expect(
            try eventually { try hub.network.inbox("hcm", "H29").count == 2 }, "\(hub.network.logTail("hcm"))")
    }

    /// A payload under a block of RFC 9172 passes the hub, and is refused by name where it would be handed over.
    @Test(arguments: [BlockType.integrity, .confidentiality])
    func aCoveredPayload(type: BlockType) throws {
        let hub = try hub()
        #expect(try hub.vpcp.send(bundle(cover: type)) == .acknowledged, "\(hub.network.logTail("truc"))")
        let isRefused = try eventually {
            try hub.network.ledger("hcm").refusedTransfers["payloadCovered"] ?? 0 > 0
        }
        #expect(isRefused, "\(hub.network.logTail("hcm"))")
        #expect(try hub.network.inbox("hcm", "H29").isEmpty)
    }
}
