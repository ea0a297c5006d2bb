// ChecksumTests: the CRCs by published vectors, in portions, and table against instruction.

import CChecksum
import NIOCore
import Testing

@testable import BundleProtocol

@Suite struct ChecksumTests {
    @Test(arguments: [(CRCType.crc16, UInt32(0x906e)), (.crc32c, 0xe306_9283), (.none, 0)])
    func checkString(type: CRCType, value: UInt32) {
        var checksum = Checksum(type)
        checksum.update(ByteBuffer(string: "123456789"))
        #expect(checksum.value == value)
    }

    // RFC 7143, A.4.
    @Test(arguments: [(UInt8(0), UInt32(0x8a91_36aa)), (0xff, 0x62a8_ab43)])
    func constantOctets(octet: UInt8, value: UInt32) {
        var checksum = Checksum(.crc32c)
        checksum.update(ByteBuffer(repeating: octet, count: 32))
        #expect(checksum.value == value)
    }

    @Test func ascendingOctets() {
        var checksum = Checksum(.crc32c)
        checksum.update(ByteBuffer(bytes: 0..<32))
        #expect(checksum.value == 0x46dd_794e)
    }

    @Test(arguments: [CRCType.crc16, .crc32c])
    func portionsGiveTheSame(type: CRCType) {
        var random = SeededGenerator(seed: 1)
        let octets = random.octets(200)
        var whole = Checksum(type)
        whole.update(octets)
        for cut in 0...200 {
            var parts = Checksum(type)
            parts.update(octets.getSlice(at: 0, length: cut)!)
            parts.update(octets.getSlice(at: cut, length: 200 - cut)!)
            #expect(parts.value == whole.value)
        }
    }

    @Test func tableEqualsInstruction() {
        var random = SeededGenerator(seed: 2)
        for count in Array(0..<70) + [255, 256, 767, 768, 769, 1_023, 1_536, 1_600, 2_303, 2_304, 4_076, 9_000] {
            let octets = Array(random.octets(count).readableBytesView)
            let start = UInt32(truncatingIfNeeded: random.next())
            #expect(cchecksum_crc32c(start, octets, count) == cchecksum_crc32c_table(start, octets, count))
        }
    }
}
