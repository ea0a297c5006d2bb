// AttackTests: the attacking peer itself: what it says arrives, and what a node answers is heard.

import BundleProtocol
import NIOCore
import RelayModel
import TCPCL
import TestNetwork
import Testing

@Suite(.serialized) struct AttackTests {
    @Test func anythingCanBeSaid() throws {
        let hub = try Hub()
        // In order, message by message.
        let peer = try AttackingPeer(port: hub.network.port, tls: RawPeer.tls(hub.network, "hanoi"))
        let told = try #require(try peer.announce("hanoi"))
        #expect(told.nodeID == "dtn://truc/" && told.extensionItems?.count == 1)
        let sample = SampleBundle {
            $0.source = "hanoi"
            $0.sender = "H26"
            $0.path = ["hanoi"]
        }
        peer.transfer(try sample.octets(), id: 7, segment: 100)
        #expect(try peer.answer(to: 7) == .acknowledged)
        // Out of order.
        try hub.expectCounted("violation", orMore: true) {
            peer.say(.segment(SegmentHeader(flags: [.end], id: TransferID(99), dataLength: 1)), data: [0])
            peer.say([0x2a])
            try peer.awaitEnd()
        }
        // With a name that its certificate does not have.
        let thief = try AttackingPeer(port: hub.network.port, tls: RawPeer.tls(hub.network, "hanoi"))
        let stolen = try #require(try thief.announce("vpcp"))
        #expect((stolen.extensionItems ?? []).isEmpty, "nothing is told of this node, nor of what it has had of vpcp")
        #expect(
            try thief.hear { if case .termination(_, .contactFailure) = $0 { true } else { false } } != nil)
        let crowd = HeldConnections()
        try crowd.open(20, port: hub.network.port, from: "127.0.0.9")
        #expect(crowd.openCount == 20)
        crowd.say(Array("GET / HTTP/1.1\r\n".utf8))
        #expect(try eventually { crowd.openCount == 0 })
        try hub.expectGoodPasses()
    }
}
