// RoundTripTests: random bundles from fixed seeds, written, read in random portions, and written again.

import NIOCore
import RelayModel
import Testing

@testable import BundleProtocol

@Suite struct RoundTripTests {
    private func bundle(_ random: inout SeededGenerator) throws -> WholeBundle {
        let payload = random.octets(Int(random.number() % 300))
        let length = UInt64(payload.readableBytes)
        let offset = random.number() >> 1
        let isFragment = random.next() % 3 == 0
        let place = FragmentPlace(offset: offset, totalLength: offset + length + random.number() % 1_000)
        let primary = PrimaryBlock(
            flags: BundleFlags(rawValue: random.number()), crcType: random.crcType(), destination: random.endpoint(),
            source: random.endpoint(), reportTo: random.endpoint(), creationTime: random.number(),
            sequence: random.number(), lifetime: Milliseconds(random.number()), fragment: isFragment ? place : nil)
        var blocks: [CanonicalBlock] = []
        var number: UInt64 = 2
        func next() -> UInt64 {
            number += 1 + random.next() % 3
            return number
        }
        let hops = try HopCount(limit: UInt8.random(in: 1...255, using: &random), count: random.number())
        blocks.append(.hopCount(hops, number: next(), crcType: random.crcType()))
        blocks.append(.bundleAge(Milliseconds(random.number()), number: next(), crcType: random.crcType()))
        if random.next() % 2 == 0 {
            blocks.append(.previousNode(NodeID(ipn: random.number()), number: next(), crcType: random.crcType()))
        }
        let document = DocumentDescription(
            sender: random.agency(), recipients: random.agencies(40), urgency: Urgency.allCases[Int(random.next() % 5)],
            documentID: "số \(random.next())", payloadLength: random.number(), digest: random.digest())
        blocks.append(try .document(document, number: next(), crcType: random.crcType()))
        let copy = CopyDescription(recipients: random.agencies(10), path: random.path())
        blocks.append(try .copy(copy, number: next(), crcType: random.crcType()))
        blocks.append(
            CanonicalBlock(
                type: BlockType(rawValue: 192 + random.next() % 40), number: next(),
                flags: BlockFlags(rawValue: random.number()), crcType: random.crcType(),
                data: random.octets(Int(random.next() % 50))))
        blocks.shuffle(using: &random)
        let head = try PayloadHead(
            flags: BlockFlags(rawValue: random.number()), crcType: random.crcType(), length: length)
        let header = try BundleHeader(primary: primary, blocks: blocks, payload: head)
        #expect(header.document == document)
        #expect(header.copy == copy)
        #expect(header.hopCount == hops)
        return WholeBundle(header: header, payload: payload)
    }

    @Test func bundles() throws {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<300 {
            let sent = try bundle(&random)
            let octets = Samples.octets(sent)
            #expect(UInt64(octets.readableBytes) == sent.header.bundleLength)
            let received = try WholeBundle(decoding: octets)
            #expect(received == sent)
            #expect(received.header.primary.bundleID == sent.header.primary.bundleID)
            #expect(Samples.octets(received).hex == octets.hex)
        }
    }

    /// The way a link goes: header, payload in portions past the running CRC, trailer.
    @Test func streams() throws {
        var random = SeededGenerator(seed: 8)
        for _ in 0..<100 {
            let sent = try bundle(&random)
            var stream = Samples.octets(sent)
            var parser = BundleHeaderParser()
            var header: BundleHeader?
            while header == nil {
                var portion = stream.readSlice(length: min(Int(1 + random.next() % 200), stream.readableBytes))!
                if case .header(let found, _) = try parser.parse(&portion) { header = found }
                // What the parser left goes before the rest of the stream.
                var rest = portion
                rest.writeImmutableBuffer(stream)
                stream = rest
            }
            let found = try #require(header)
            var checksum = PayloadChecksum(found.payload)
            var left = Int(found.payload.length)
            while left > 0 {
                let portion = stream.readSlice(length: min(left, Int(1 + random.next() % 50)))!
                checksum.update(portion)
                left -= portion.readableBytes
            }
            for count in 0..<found.payload.trailerLength {
                var short = stream.getSlice(at: stream.readerIndex, length: count)!
                #expect(try !BundleTrailer.decode(&short, after: found.payload, checksum: checksum))
                #expect(short.readableBytes == count)
            }
            #expect(try BundleTrailer.decode(&stream, after: found.payload, checksum: checksum))
            #expect(stream.readableBytes == 0)
        }
    }
}
