// FrameTests: octets that are no protocol, no CBOR, or lie about their length, and identities that are not proven: each ends one
// session or refuses one transfer, and nothing else.

import BundleProtocol
import Foundation
import NIOCore
import RelayModel
import TCPCL
import TestNetwork
import Testing

@Suite(.serialized) struct FrameTests {
    @Test func malformedMessages() throws {
        let hub = try Hub()
        let bad: [(String, (RawPeer) -> Void)] = [
            ("unknown type", { $0.writeRaw([0x2a, 0, 0]) }),
            (
                "a segment above the MRU",
                {
                    $0.writeRaw(
                        .segment(SegmentHeader(flags: [.start], id: TransferID(1), dataLength: 1 << 40)))
                }
            ),
            (
                "a list of extensions without end",
                { $0.writeRaw([1, 2] + [UInt8](repeating: 0, count: 8) + [255, 255, 255, 255]) }
            ),
            (
                "acknowledgements of nothing",
                { peer in
                    for id in 1...20 {
                        peer.writeRaw(.acknowledgement(flags: [.end], id: TransferID(UInt64(id)), length: 5))
                    }
                }
            ),
        ]
        for (name, write) in bad {
            let peer = try hub.peer("hanoi")
            #expect(peer.isEstablished)
            try hub.expectCounted("violation", orMore: true) {
                write(peer)
                try peer.awaitEnd()
            }
            #expect(!peer.rejections.isEmpty, "\(name): MSG_REJECT")
            try hub.expectGoodPasses()
        }
    }

    @Test func octetsThatAreNoSession() throws {
        let hub = try Hub()
        let random = (0..<4_096).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 13) }
        for bytes in [
            Array("GET / HTTP/1.1\r\n\r\n".utf8), random, Array("dtn!".utf8) + [3, 0], Array("dtn!".utf8) + [4, 0],
        ] {
            try hub.expectCounted("contact") {
                let isClosed = try ForeignSocket(port: hub.network.port).speak(bytes)
                #expect(isClosed, "the hub closes")
            }
        }
        try hub.expectGoodPasses()
    }

    /// Not Acceptable, and the session goes on.
    @Test func malformedBundles() throws {
        let hub = try Hub()
        let good = try Array(SampleBundle().octets().readableBytesView)
        var bad: [(String, [UInt8])] = [
            ("not CBOR", Array("hello, this is no bundle".utf8)),
            ("a bundle of version 6", [6] + good.dropFirst()),
            ("an array without blocks", [0x9f, 0xff]),
            ("cut in its header", Array(good.prefix(60))),
            ("cut in its payload", Array(good.dropLast(9))),
            ("more behind its end", good + [0]),
            ("a checksum that is wrong", good.enumerated().map { $0.offset == 20 ? $0.element ^ 1 : $0.element }),
            ("nothing at all", []),
        ]
        // An array that says it has 2^60 items, and a text of 2^63 octets.
        bad.append(("an array of 2^60", [0x9f, 0x9b, 0x10, 0, 0, 0, 0, 0, 0, 0]))
        bad.append(("a text of 2^63", [0x9f, 0x89, 7, 0, 0, 0x82, 1, 0x7b, 0x80, 0, 0, 0, 0, 0, 0, 0]))
        for (_, bytes) in bad {
            try hub.expectRefused(.notAcceptable, counted: "badPayload", octets: ByteBuffer(bytes: bytes))
        }
        #expect(hub.vpcp.ending == nil)
        #expect(try hub.logs("malformed bundle refused"))
        try hub.expectGoodPasses()
    }

    @Test func blocksThatNobodyKnows() throws {
        let hub = try Hub()
        func block(_ flags: BlockFlags) -> CanonicalBlock {
            CanonicalBlock(type: BlockType(rawValue: 199), number: 20, flags: flags, data: ByteBuffer(string: "x"))
        }
        let critical = SampleBundle { $0.extraBlocks = [block(.deleteBundleIfUnprocessed)] }
        try hub.expectRefused(.notAcceptable, counted: "badCopy", critical)
        #expect(try hub.logs("block unsupported"))
        let harmless = SampleBundle { $0.extraBlocks = [block(.discardIfUnprocessed)] }
        #expect(try hub.vpcp.send(harmless.octets()) == .acknowledged)
        #expect(try hub.report(of: harmless, "H29").state == .arrived)
        try hub.expectGoodPasses()
    }

    /// The transfer says one length and has another.
    @Test func lengthsThatLie() throws {
        let hub = try Hub()
        let octets = try Array(SampleBundle().octets().readableBytesView)
        for claimed in [UInt64(octets.count - 1), UInt64(octets.count + 1), 0, 1 << 50] {
            let peer = try hub.peer("hanoi")
            let header = SegmentHeader(
                flags: [.start, .end], id: TransferID(0), extensions: .understood(transferLength: claimed),
                dataLength: UInt64(octets.count))
            peer.writeRaw(.segment(header), data: octets)
            // The hub refuses a transfer that this peer's own machine never began: the refusal ends our side, and says so.
            try peer.end()
            try hub.expectGoodPasses()
        }
        #expect(try hub.network.inbox("hcm", "H29").count == 4)
    }

    @Test func identities() throws {
        let hub = try Hub { network in
            try network.certificates(["--name", "vpcp", "impostor"])
            try network.certificates(["stranger"])
            try network.certificates(["--name", "hanoi", "stolen", "--revoke", "stolen"])
            try network.replace("truc", "tls:\n", "tls:\n  crl: tls/crl.pem\n")
        }
        // A certificate of vpcp, and a SESS_INIT of hanoi.
        try hub.expectCounted("contact") {
            let impostor = try hub.peer("hanoi", certificate: "impostor")
            try impostor.awaitEnd()
            #expect(impostor.terminations == [.contactFailure])
        }
        #expect(try hub.logs("its certificate is that of dtn://vpcp/"))
        // A node that is not configured.
        try hub.expectCounted("contact") {
            let stranger = try hub.peer("stranger")
            try stranger.awaitEnd()
            #expect(stranger.terminations == [.contactFailure])
        }
        #expect(try hub.logs("which is not configured here"))
        // Revoked: TLS does not come to be.
        try hub.expectCounted("contact") {
            let stolen = try hub.peer("hanoi", certificate: "stolen")
            try stolen.awaitEnd()
            #expect(stolen.terminations.isEmpty)
        }
        #expect(try hub.logs("revoked"))
        // Of another authority.
        let other = try Network()
        try hub.expectCounted("contact") {
            let foreign = try RawPeer(port: hub.network.port, as: "hanoi", tls: hub.foreignTLS(other))
            try foreign.awaitEnd()
        }
        try hub.expectGoodPasses()
    }
}
