// The memory of arrivals: what 0.3 has written stays readable and without a hash; what is new tells the same from another; many are
// parted, so that no row grows long; 24 bytes a pair are never reached when they are many.

import RelayModel
import RelayRows
import RelayStore
import Testing

@Suite struct SeenRowTests {
    private static let source = EndpointID.dtn("leaf/")
    private static let key: UInt16 = 99

    private static func bundle(_ counter: UInt32) -> BundleID {
        BundleID(source: source, creationTime: 1, sequence: 5 << 32 | UInt64(counter))
    }

    /// A record as 0.3 wrote it: day, list, bitmap.
    private static func old(_ offsets: [UInt16], bitmap: [UInt64] = []) -> [UInt8] {
        var out = RowWriter()
        out.number(300)
        out.number(UInt64(offsets.count))
        for offset in offsets {
            out.byte(UInt8(offset >> 8))
            out.byte(UInt8(offset & 0xff))
        }
        out.number(UInt64(bitmap.count))
        for word in bitmap {
            for shift in stride(from: UInt64(56), through: 0, by: -8) { out.byte(UInt8(word >> shift & 0xff)) }
        }
        return out.record()
    }

    @Test(arguments: [false, true]) func rowsOfThreeAreReadAndKept(isDense: Bool) throws {
        let store = MemoryStore()
        var bitmap = Array(repeating: UInt64(0), count: 64)
        bitmap[0] = 1 << 7
        let place = SeenPlace(Self.bundle(7), "T1")
        let result = store.batch { rows -> [SeenAnswer] in
            rows.put(.seen, place.block, isDense ? Self.old([], bitmap: bitmap) : Self.old([7]))
            rows.remember(SeenPlace(Self.bundle(8), "T1"), hash: 88, Self.key, day: 301)
            return [
                rows.seen(place, hash: 1, Self.key), rows.seen(SeenPlace(Self.bundle(8), "T1"), hash: 88, Self.key),
                rows.seen(SeenPlace(Self.bundle(8), "T1"), hash: 89, Self.key),
                rows.seen(SeenPlace(Self.bundle(9), "T1"), hash: 1, Self.key),
                // Hashes of another key tell nothing.
                rows.seen(SeenPlace(Self.bundle(8), "T1"), hash: 88, Self.key + 1),
            ]
        }
        #expect(result.released == [.unhashed, .same, .other, .unknown, .unhashed])
    }

    @Test func manyArePartedAndStayShort() throws {
        let store = MemoryStore()
        var order = Array(UInt32(0)..<4_096)
        var random: UInt64 = 1
        for index in order.indices.dropFirst() {
            random = random &* 6_364_136_223_846_793_005 &+ 1
            order.swapAt(index, Int(random >> 33) % (index + 1))
        }
        for batch in stride(from: 0, to: 4_096, by: 128) {
            _ = store.batch { rows in
                for counter in order[batch..<batch + 128] {
                    let place = SeenPlace(Self.bundle(counter), "T1")
                    if rows.seen(place, hash: UInt64(counter) &* 77, Self.key) != .unknown {
                        Issue.record("known too early")
                    }
                    rows.remember(place, hash: UInt64(counter) &* 77, Self.key, day: UInt64(300 + batch / 128))
                }
            }
        }
        try store.read { rows in
            var wrong = 0
            for counter in UInt32(0)..<4_096 {
                let place = SeenPlace(Self.bundle(counter), "T1")
                if !rows.hasSeen(place) || rows.seen(place, hash: UInt64(counter) &* 77, Self.key) != .same
                    || rows.seen(place, hash: 3, Self.key) != .other
                {
                    wrong += 1
                }
            }
            #expect(wrong == 0)
            var bytes = 0
            var longest = 0
            var oldest = UInt64.max
            rows.scan(.seen, prefix: RowKey()) { key, value in
                bytes += key.count + value.count
                longest = max(longest, value.count)
                if key.count == SeenPlace(Self.bundle(0), "T1").block.bytes.count, let row = SeenRow(record: value) {
                    oldest = min(oldest, row.day)
                }
                return true
            }
            #expect(bytes <= 24 * 4_096, "\(bytes) bytes")
            #expect(longest < 2_700)
            // The row that finds the parts is as young as the youngest of them.
            #expect(oldest == 331)
        }
    }

    /// The reference vectors of SipHash-2-4 (Aumasson and Bernstein): key 00…0f, messages of 0, 1, 7, 8 and 15 bytes.
    @Test func theHashIsSipHash() {
        let hash = KeyedHash(key: 0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)
        #expect(hash.hash([]) == 0x726f_db47_dd0e_0e31)
        #expect(hash.hash([0]) == 0x74f8_39c5_93dc_67fd)
        #expect(hash.hash(Array(0..<8)) == 0x93f5_f579_9a93_2462)
        #expect(hash.hash(Array(0..<15)) == 0xa129_ca61_49be_45e5)
    }
}
