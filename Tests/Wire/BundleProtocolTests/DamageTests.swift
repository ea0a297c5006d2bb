// DamageTests: truncated, flipped and random octets. Nothing may crash, and nothing wrong may pass.

import NIOCore
import RelayModel
import Testing

@testable import BundleProtocol

@Suite struct DamageTests {
    private static func samples() throws -> [ByteBuffer] {
        [Samples.octets(try Samples.bundle()), Samples.octets(try Samples.bundle(payloadChecksum: .crc16))]
            + RFC9173Tests.vectors.map { ByteBuffer(hex: $0.hex) }
    }

    @Test func everyTruncation() throws {
        for octets in try Self.samples() {
            for count in 0..<octets.readableBytes {
                #expect(throws: BundleError.self) { try WholeBundle(decoding: octets.getSlice(at: 0, length: count)!) }
            }
            var longer = octets
            longer.writeInteger(UInt8(0))
            #expect(throws: BundleError.self) { try WholeBundle(decoding: longer) }
        }
    }

    @Test(arguments: [CRCType.crc16, .crc32c])
    func everyBitFlipIsFound(payloadChecksum: CRCType) throws {
        // All blocks carry a CRC, and the two octets outside of them are fixed: no flip may pass.
        let octets = Samples.octets(try Samples.bundle(payloadChecksum: payloadChecksum))
        for bit in 0..<(octets.readableBytes * 8) {
            var flipped = octets
            flipped.setInteger(octets.getInteger(at: bit / 8, as: UInt8.self)! ^ 1 << (bit % 8), at: bit / 8)
            #expect(throws: BundleError.self, "bit \(bit)") { try WholeBundle(decoding: flipped) }
        }
    }

    @Test func flipsWithoutChecksumDoNotCrash() throws {
        for octets in try Self.samples() {
            for bit in 0..<(octets.readableBytes * 8) {
                var flipped = octets
                flipped.setInteger(octets.getInteger(at: bit / 8, as: UInt8.self)! ^ 1 << (bit % 8), at: bit / 8)
                guard let bundle = try? WholeBundle(decoding: flipped) else { continue }
                // What passes is another bundle, and leaves as it came.
                #expect(Samples.octets(bundle).hex == flipped.hex)
                _ = bundle.header.issues
                _ = bundle.header.demands
            }
        }
    }

    @Test func randomOctetsDoNotCrash() {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<5_000 {
            var octets = ByteBuffer(hex: "9f")
            octets.writeImmutableBuffer(random.octets(Int(random.next() % 60)))
            #expect(throws: BundleError.self) { try WholeBundle(decoding: octets) }
            _ = try? AdministrativeRecord(decoding: random.octets(Int(random.next() % 60)))
        }
    }

    @Test func damagedContentsDoNotCrash() throws {
        // Content damaged beneath a right CRC, as a hostile peer would send it.
        var random = SeededGenerator(seed: 4)
        let header = try Samples.header()
        for _ in 0..<5_000 {
            let block = header.blocks[Int(random.next() % UInt64(header.blocks.count))]
            var data = block.data
            let index = data.readerIndex + Int(random.next() % UInt64(data.readableBytes))
            data.setInteger(UInt8(truncatingIfNeeded: random.next()), at: index)
            let blocks = header.blocks.map { $0.number == block.number ? block.with(data: data) : $0 }
            let damaged = try? BundleHeader(primary: header.primary, blocks: blocks, payload: header.payload)
            guard let damaged else { continue }
            var octets = ByteBuffer()
            damaged.encode(into: &octets)
            #expect(try BundleHeader(complete: octets) == damaged)
        }
    }

    @Test func trailerFaults() throws {
        let head = "9f" + RFC9173Tests.primary + "85010100004161"
        #expect(code(head + "ff") == nil)
        #expect(code(head + "850702000041" + "05ff") == .payloadNotLast)
        #expect(code(head + "00") == .malformedCBOR)
        #expect(code(head) == .truncated)
        #expect(code(head + "ffff") == .trailingOctets)
        let protected = "9f" + RFC9173Tests.primary + "86010100014161"
        #expect(code(protected + "420000ff") == .checksumMismatch)
        #expect(code(protected + "4300000000ff") == .wrongShape || code(protected + "4300000000ff") == .truncated)
    }

    private func code(_ hex: String) -> BundleError.Code? {
        do throws(BundleError) {
            _ = try WholeBundle(decoding: ByteBuffer(hex: hex))
            return nil
        } catch {
            return error.code
        }
    }
}
