// ForwardingTests: what changes between hops and what does not, and pieces.

import NIOCore
import RelayModel
import Testing

@testable import BundleProtocol

@Suite struct ForwardingTests {
    private func octets(_ header: BundleHeader) -> ByteBuffer {
        var buffer = ByteBuffer()
        header.encode(into: &buffer)
        return buffer
    }

    @Test func aHop() throws {
        let sent = try Samples.header()
        var header = try BundleHeader(complete: octets(sent))
        var copy = Samples.copy
        copy.path.append(PathStop(node: Samples.otherNode, time: WallTime(milliseconds: 800_000_001_000)))
        try header.prepareForForwarding(previousNode: Samples.otherNode, age: Milliseconds(99_999), copy: copy)
        let received = try BundleHeader(complete: octets(header))
        #expect(received == header)
        #expect(received.primary.encoded.hex == sent.primary.encoded.hex)
        #expect(received.blocks[2].encoded.hex == sent.blocks[2].encoded.hex)
        #expect(received.document == sent.document)
        #expect(received.previousNode == Samples.otherNode.endpoint)
        #expect(received.age == Milliseconds(99_999))
        #expect(received.hopCount == (try HopCount(limit: 32, count: 1)))
        #expect(received.copy == copy)
        #expect(received.blocks.map(\.number) == [2, 3, 4, 5, 6])
        // The next hop replaces, and adds nothing.
        var next = received
        try next.prepareForForwarding(previousNode: Samples.node, age: Milliseconds(100_000), copy: copy)
        #expect(next.blocks.map(\.number) == [2, 3, 4, 5, 6])
        #expect(next.hopCount?.count == 2)
        #expect(next.previousNode == Samples.node.endpoint)
        try next.prepareForForwarding(previousNode: nil, age: Milliseconds(100_000), copy: copy)
        #expect(next.previousNode == nil)
        #expect(next.blocks.map(\.number) == [2, 3, 4, 5])
    }

    @Test func missingBlocksAreAdded() throws {
        var header = try WholeBundle(decoding: ByteBuffer(hex: RFC9173Tests.vectors[0].hex)).header
        try header.prepareForForwarding(previousNode: NodeID(ipn: 7), age: Milliseconds(5))
        #expect(header.blocks.map(\.type) == [.previousNode, .bundleAge])
        #expect(header.previousNode == .ipn(node: 7, service: 0))
        #expect(header.age == Milliseconds(5))
        #expect(header.hopCount == nil)
        #expect(try BundleHeader(complete: octets(header)) == header)
    }

    @Test func lastHop() throws {
        var header = try BundleHeader(
            primary: Samples.primary(), hopCount: HopCount(limit: 2, count: 1), payloadLength: 0)
        try header.prepareForForwarding(previousNode: nil, age: .zero)
        let before = header
        do throws(BundleError) {
            try header.prepareForForwarding(previousNode: nil, age: .zero)
            Issue.record("a third hop was made")
        } catch {
            #expect(error.code == .hopLimitExceeded)
        }
        #expect(header == before)
    }

    @Test func numbersAreNotTakenTwice() throws {
        let foreign = CanonicalBlock(
            type: BlockType(rawValue: 99), number: 3, flags: [], crcType: .none, data: ByteBuffer(hex: "00"))
        var header = try BundleHeader(
            primary: Samples.primary(), blocks: [foreign], payload: PayloadHead(length: 1))
        try header.prepareForForwarding(previousNode: Samples.node, age: .zero)
        #expect(header.blocks.map(\.number) == [3, 2, 4])
        #expect(header.unprocessed == [3])
    }

    @Test func roomForBlocks() throws {
        let full = (2...65).map {
            CanonicalBlock(type: BlockType(rawValue: 99), number: $0, flags: [], data: ByteBuffer())
        }
        var header = try BundleHeader(primary: Samples.primary(), blocks: full, payload: PayloadHead(length: 1))
        #expect(throws: BundleError.self) { try header.prepareForForwarding(previousNode: nil, age: .zero) }
    }

    @Test func piecesAndTheWhole() throws {
        let plain = CanonicalBlock(type: BlockType(rawValue: 99), number: 77, flags: [], data: ByteBuffer(hex: "00"))
        let sample = try Samples.header()
        let whole = try BundleHeader(
            primary: sample.primary, blocks: sample.blocks + [plain], payload: PayloadHead(length: 10_000_000))
        let first = try whole.piece(offset: 0, length: 4_194_304)
        let second = try whole.piece(offset: 4_194_304, length: 4_194_304)
        let last = try whole.piece(offset: 8_388_608, length: 1_611_392)
        for piece in [first, second, last] {
            let received = try BundleHeader(complete: octets(piece))
            #expect(received == piece)
            #expect(received.primary.flags.contains(.isFragment))
            #expect(received.primary.fragment?.totalLength == 10_000_000)
            #expect(received.primary.bundleID == whole.primary.bundleID)
            #expect(received.document == whole.document)
            #expect(received.copy == whole.copy)
        }
        #expect(first.blocks.count == 5)
        #expect(second.blocks.count == 4)
        #expect(try first.whole() == whole)
        #expect(throws: BundleError.self) { try second.whole() }
        #expect(throws: BundleError.self) { try whole.piece(offset: 8_388_608, length: 1_611_393) }
        #expect(throws: BundleError.self) { try whole.piece(offset: .max, length: 2) }
        #expect(throws: BundleError.self) { try second.piece(offset: 0, length: 1) }
        #expect(try second.piece(offset: 4_194_305, length: 3).primary.fragment?.offset == 4_194_305)
        let fixed = try BundleHeader(
            primary: Samples.primary(flags: .mustNotBeFragmented), payloadLength: 10)
        #expect(throws: BundleError.self) { try fixed.piece(offset: 0, length: 1) }
    }

    @Test func fragmentsLieInsideTheWhole() throws {
        func code(_ place: FragmentPlace, _ length: UInt64) -> BundleError.Code? {
            do throws(BundleError) {
                _ = try BundleHeader(primary: Samples.primary(fragment: place), payloadLength: length)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code(FragmentPlace(offset: 5, totalLength: 10), 5) == nil)
        #expect(code(FragmentPlace(offset: 5, totalLength: 10), 6) == .badFragment)
        #expect(code(FragmentPlace(offset: .max, totalLength: .max), 1) == .badFragment)
    }
}
