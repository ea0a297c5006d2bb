// HeaderDraftTests: a header that is written block by block is, octet by octet, the one that the header as a value makes.

import NIOCore
import RelayModel
import Testing

@testable import BundleProtocol

@Suite struct HeaderDraftTests {
    private func octets(_ header: BundleHeader) -> ByteBuffer {
        var buffer = ByteBuffer()
        header.encode(into: &buffer)
        return buffer
    }

    /// What the value makes of it.
    private func byValue(_ stored: BundleHeader, _ changes: HeaderChanges) throws -> ByteBuffer {
        var header = stored
        try header.prepareForForwarding(
            previousNode: changes.previousNode, age: changes.age, copy: changes.copy)
        if changes.setsNames { try header.setNames(former: changes.formerName, isReturn: changes.isReturn) }
        if changes.removesFeatures { header.removeFeatures() }
        return octets(header)
    }

    private func changes(_ random: inout SeededGenerator) -> HeaderChanges {
        var changes = HeaderChanges(
            previousNode: Bool.random(using: &random) ? Samples.otherNode : NodeID(ipn: 70_000),
            age: Milliseconds(random.next() >> UInt64.random(in: 0...63, using: &random)))
        if Bool.random(using: &random) { changes.copy = Samples.copy }
        changes.setsNames = Bool.random(using: &random)
        if changes.setsNames {
            if Bool.random(using: &random) {
                changes.formerName = BundleID(
                    source: Samples.node.endpoint, creationTime: 1, sequence: random.next())
            }
            changes.isReturn = Bool.random(using: &random)
        }
        changes.removesFeatures = Bool.random(using: &random)
        return changes
    }

    /// Each kind of block is there or not, in any order, of this make or of another under the same type.
    private func header(_ random: inout SeededGenerator) throws -> BundleHeader {
        func foreign(_ type: BlockType, _ number: UInt64) -> CanonicalBlock {
            CanonicalBlock(
                type: type, number: number, flags: [.mustBeReplicated], crcType: .crc16,
                data: ByteBuffer(bytes: [0x82, 0x63, 0x61, 0x62, 0x63, 0x01]))
        }
        var makers: [(UInt64) throws -> CanonicalBlock] = [
            { .previousNode(Samples.node, number: $0, crcType: .none) },
            { .bundleAge(Milliseconds(77), number: $0, crcType: .crc16) },
            { .hopCount(try HopCount(limit: 200, count: 23), number: $0) },
            { try .document(Samples.document, number: $0) }, { try .copy(Samples.copy, number: $0) },
            { .formerName(BundleID(source: Samples.node.endpoint, creationTime: 9, sequence: 9), number: $0) },
            { .returned(number: $0) }, { .features(Feature.own, number: $0) },
            { foreign(BlockType(rawValue: 193), $0) }, { foreign(.copy, $0) }, { foreign(.features, $0) },
            { foreign(.formerName, $0) },
        ]
        makers = makers.filter { _ in UInt64.random(in: 0..<3, using: &random) > 0 }
        makers.shuffle(using: &random)
        let first = UInt64.random(in: 2...4, using: &random)
        return try BundleHeader(
            primary: Samples.primary(crcType: Bool.random(using: &random) ? .crc32c : .crc16),
            blocks: try makers.enumerated().map { try $1(first + UInt64($0)) },
            payload: PayloadHead(crcType: Bool.random(using: &random) ? .crc32c : .none, length: 4_096))
    }

    @Test(arguments: 0..<300)
    func forwarded(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let header = try header(&random)
        let changes = changes(&random)
        let stored = header.octets
        #expect(ByteBuffer(bytes: stored) == octets(header))
        let draft = try #require(try HeaderOctets.forwarded(stored, payloadLength: 4_096, changes))
        #expect(draft.octets.hex == (try byValue(header, changes)).hex)
        #expect(draft.payload == header.payload)
        #expect(try draft.read().bundleLength == draft.bundleLength)
    }

    @Test func hopsAreCounted() throws {
        let header = try BundleHeader(
            primary: Samples.primary(), hopCount: HopCount(limit: 2, count: 2), payloadLength: 0)
        let changes = HeaderChanges(previousNode: Samples.node, age: .zero)
        #expect(throws: BundleError.self) { try HeaderOctets.forwarded(header.octets, payloadLength: 0, changes) }
    }

    /// What a draft cannot do is left to the value.
    @Test func leftToTheValue() throws {
        let changes = HeaderChanges(previousNode: Samples.node, age: .zero)
        let whole = try Samples.header()
        #expect(try HeaderOctets.forwarded(whole.octets, payloadLength: 6, changes) == nil)
        let piece = try whole.piece(offset: 0, length: 2)
        #expect(try HeaderOctets.forwarded(piece.octets, payloadLength: 2, changes) == nil)
        for type in [BlockType.integrity, .confidentiality] {
            let covered = try BundleHeader(
                primary: Samples.primary(),
                blocks: [
                    CanonicalBlock(type: type, number: 2, flags: [], data: ByteBuffer(bytes: [0x81, 0x01])),
                    .bundleAge(.zero, number: 3),
                ], payload: PayloadHead(length: 4))
            #expect(try HeaderOctets.forwarded(covered.octets, payloadLength: 4, changes) == nil)
        }
        #expect(throws: BundleError.self) {
            try HeaderOctets.forwarded(whole.octets.dropLast(1), payloadLength: 5, changes)
        }
    }

    @Test(arguments: 0..<64)
    func made(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        var changes = changes(&random)
        changes.copy = Bool.random(using: &random) ? Samples.copy : nil
        let document = Bool.random(using: &random) ? Samples.document : nil
        let features = Bool.random(using: &random) ? Feature.own : []
        let payload = try PayloadHead(crcType: .crc32c, length: 9)
        let hops = try HopCount(limit: 32, count: 1)
        var blocks: [CanonicalBlock] = [
            .previousNode(changes.previousNode, number: 2), .bundleAge(changes.age, number: 3),
            .hopCount(hops, number: 4),
        ]
        if let document { blocks.append(try .document(document, number: 5)) }
        if let copy = changes.copy { blocks.append(try .copy(copy, number: UInt64(blocks.count) + 2)) }
        var header = try BundleHeader(primary: Samples.primary(), blocks: blocks, payload: payload)
        if changes.setsNames { try header.setNames(former: changes.formerName, isReturn: changes.isReturn) }
        if !features.isEmpty { try header.setFeatures(features) }
        let draft = try HeaderOctets.made(
            Samples.primary(), hopLimit: 32, document: document, features: features, changes, payload: payload)
        #expect(draft.octets.hex == octets(header).hex)
    }
}
