// PeerFaultTests: what a peer does wrong stays with that transfer or that session.

import BundleProtocol
import NIOCore
import RelayModel
import RelaySession
import TCPCL
import Testing

@testable import RelayCore

struct PeerFaultTests {
    private func side(_ change: (inout ConversationSettings) -> Void = { _ in }) -> Side {
        Side("b", dialled: nil, judge: Duet.judge("a"), change)
    }

    @Test func truncatedAtEveryOctetBetweenGoodOnes() throws {
        let side = side()
        let peer = RawPeer(side)
        let bundle = try Sample.foreign(1, [1, 2, 3, 4, 5])
        for length in 0..<bundle.readableBytes {
            let part = try #require(bundle.getSlice(at: bundle.readerIndex, length: length))
            #expect(try peer.refusal(part) == .notAcceptable)
            #expect(try peer.isTaken(bundle))
        }
        // What had been offered was taken back.
        #expect(side.offers.count == side.completed.count + side.abandoned.count)
        #expect(side.abandoned.count > 5)
        #expect(side.counts.malformed == UInt64(bundle.readableBytes))
        #expect(side.counted.count == bundle.readableBytes)
        // A flood of them does not become a flood of notices.
        #expect(side.notices.count <= 33)
    }

    @Test func octetsBehindTheBundle() throws {
        let side = side()
        let peer = RawPeer(side)
        var bundle = try Sample.foreign(1, [1, 2, 3])
        bundle.writeInteger(UInt8(0))
        #expect(try peer.refusal(bundle) == .notAcceptable)
        #expect(side.completed.isEmpty)
        #expect(side.abandoned == side.offers.map(\.ticket))
    }

    @Test func everySingleBit() throws {
        let side = side()
        let peer = RawPeer(side)
        let bundle = try Sample.foreign(1, [1, 2, 3, 4, 5])
        let octets = Array(bundle.readableBytesView)
        for bit in 0..<octets.count * 8 {
            var damaged = octets
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(try peer.refusal(ByteBuffer(bytes: damaged)) == .notAcceptable, "bit \(bit)")
        }
        #expect(try peer.isTaken(bundle))
        #expect(side.completed.count == 1)
    }

    @Test func blocksThatNobodyProcesses() throws {
        let side = side()
        let peer = RawPeer(side)
        func block(_ flags: BlockFlags) -> CanonicalBlock {
            CanonicalBlock(type: BlockType(rawValue: 200), number: 9, flags: flags, data: ByteBuffer(bytes: [1, 2]))
        }
        #expect(try peer.refusal(Sample.foreign(1, [1], blocks: [block(.deleteBundleIfUnprocessed)])) == .notAcceptable)
        #expect(side.counts.unacceptable == 1)
        let kept = try Sample.foreign(2, [1], blocks: [block([])])
        #expect(try peer.isTaken(kept))
        #expect(side.offers.last?.header == Array(kept.readableBytesView.prefix(side.offers.last!.header.count)))
        #expect(try peer.isTaken(Sample.foreign(2, [1], blocks: [block(.discardIfUnprocessed)])))
        #expect(side.offers[1].header.count < side.offers[0].header.count)
    }

    @Test func rulesMayBeTolerated() throws {
        let bundle = try Sample.foreign(1, [1], primaryCRC: .none)
        #expect(try RawPeer(side()).refusal(bundle) == .notAcceptable)
        #expect(try RawPeer(side { $0.toleratedIssues = [.noChecksum] }).isTaken(bundle))
    }

    @Test func foreignWishesAreToldToTheEngine() throws {
        let side = side()
        let peer = RawPeer(side)
        #expect(try peer.isTaken(Sample.foreign(1, [1], flags: .reportDelivery)))
        #expect(try peer.isTaken(Sample.foreign(2, [1], flags: .reportReception)))
        #expect(side.offers.map(\.wantsStatusReports) == [true, true])
        #expect(side.completed.allSatisfy { $0.digest == nil })
    }

    @Test func transfersBehindARefusedIdentityAreNotLookedAt() throws {
        let side = Side("b", dialled: nil, judge: Duet.judge("c")) { _ in }
        var machine = SessionMachine(SessionConfiguration(role: .active, tls: .forbidden, nodeID: NodeID(name: "a")!))
        var effects = SessionEffects()
        machine.start(now: 1, &effects)
        side.start(RelayTime(milliseconds: 1))
        // A peer that does not wait: everything in one buffer.
        var bytes = ByteBuffer()
        for var buffer in effects.output.take() { bytes.writeBuffer(&buffer) }
        SessionInitialization(
            keepaliveSeconds: 0, segmentMRU: 1 << 20, transferMRU: 1 << 20, nodeID: "dtn://a/"
        ).write(to: &bytes)
        var reply = ByteBuffer()
        ContactHeader(canTLS: false).write(to: &reply)
        SessionInitialization(
            keepaliveSeconds: 0, segmentMRU: 1 << 20, transferMRU: 1 << 20, nodeID: "dtn://b/"
        ).write(to: &reply)
        machine.feed(&reply, now: 2, &effects)
        _ = effects.output.take()
        let bundle = try Sample.foreign(1, [1, 2, 3])
        let id = try machine.beginTransfer(totalLength: UInt64(bundle.readableBytes))
        machine.sendBytes(id, bundle, isEnd: true, now: 3, &effects)
        for var buffer in effects.output.take() { bytes.writeBuffer(&buffer) }
        side.receive(bytes, RelayTime(milliseconds: 4))
        #expect(side.offers.isEmpty && side.completed.isEmpty)
        #expect(side.log.allSatisfy { $0.hasPrefix("contactRefused a: ") })
        #expect(side.closed == "The peer announces dtn://a/, which is not configured here.")
        #expect(side.notices.count == 1)
    }
}
