// A store whose free pages lie one by one between those of what waits: large documents still find room, row by row; nothing of what
// waits is harmed; room comes together again; and what other programs hold of the file is seen, and let go when they are killed.

import Glibc
import LMDB
import NIOCore
import RelayRows
import Testing

@testable import RelayStore

@Suite struct StoreInPiecesTests {
    private static func settings(mapBytes: UInt64) -> StoreSettings {
        var settings = StoreSettings.small(mapBytes: mapBytes)
        settings.reserveBytes = 4 << 20
        settings.aheadBytes = 4 << 20
        return settings
    }

    private static func payload(_ extent: UInt64, _ count: Int) -> [UInt8] {
        var random = SplitMix(state: extent)
        return random.bytes(count)
    }

    private static func write(_ extent: UInt64, _ bytes: [UInt8], in rows: any StoreTransaction) {
        var cursor = ExtentCursor(extent: extent)
        bytes.withUnsafeBytes { PayloadWriter.append($0, to: &cursor, in: rows) }
        PayloadWriter.finish(cursor, in: rows)
    }

    private static func expectSound(_ store: LMDBStore, _ extent: UInt64, _ bytes: [UInt8]) throws {
        var buffer = ByteBuffer()
        let length = UInt64(bytes.count)
        let outcome = try store.read { PayloadReader.copy(0..<length, of: extent, from: $0, into: &buffer) }
        #expect(outcome == .complete && buffer.readableBytesView.elementsEqual(bytes), "extent \(extent)")
        #expect(try store.read { PayloadReader.length(of: extent, in: $0) } == length)
        // From the middle of a chunk that stands in parts.
        var part = ByteBuffer()
        let range = length / 3..<length / 3 * 2
        _ = try store.read { PayloadReader.copy(range, of: extent, from: $0, into: &part) }
        #expect(part.readableBytesView.elementsEqual(bytes[Int(range.lowerBound)..<Int(range.upperBound)]))
    }

    /// Letters of 3 KB up to the brim, and then every second one goes. Answers the letters that stay.
    private static func breakUp(_ store: LMDBStore) throws -> [UInt64] {
        var last: UInt64 = 0
        while store.headRoom.acceptableBytes > 1 << 20 {
            let result = store.batch { rows in
                for _ in 0..<128 {
                    last += 1
                    write(last, payload(last, 3_000), in: rows)
                    rows.put(.envelope, Keys.envelope(last), [UInt8](repeating: 7, count: 400))
                }
            }
            try #require(result.isDurable)
        }
        for first in stride(from: UInt64(2), through: last, by: 512) {
            let result = store.batch { rows in
                for extent in stride(from: first, to: min(first + 512, last + 1), by: 2) {
                    _ = PayloadWriter.delete(extent: extent, limit: 9, in: rows)
                    rows.delete(.envelope, RowKey(extent))
                }
            }
            try #require(result.isDurable)
        }
        // Two commits later what was freed can be used.
        for number in 0..<3 { _ = store.batch { $0.put(.queue, "k", "\(number)") } }
        return Array(stride(from: UInt64(1), through: last, by: 2))
    }

    /// The case of a hub that live-locked: room for 2 MB documents, and no run of eight pages for them.
    @Test func largeDocumentsFitBetweenSmallOnes() throws {
        let scratch = StoreScratch()
        let store = try LMDBStore(directory: scratch.path, settings: Self.settings(mapBytes: 64 << 20))
        let letters = try Self.breakUp(store)
        #expect(store.headRoom.isTight)
        #expect(store.headRoom.acceptableBytes > 16 << 20)
        var large: [UInt64] = []
        while store.headRoom.acceptableBytes > 3 << 20 {
            let extent = UInt64(1_000_000 + large.count)
            let result = store.batch { Self.write(extent, Self.payload(extent, 2_000_000), in: $0) }
            guard result.isDurable else {
                Issue.record("document \(large.count): \(result), \(store.headRoom)")
                return
            }
            large.append(extent)
        }
        #expect(large.count >= 6)
        for extent in large { try Self.expectSound(store, extent, Self.payload(extent, 2_000_000)) }
        for extent in letters { try Self.expectSound(store, extent, Self.payload(extent, 3_000)) }
        // And out again, with nothing left behind.
        for extent in large + letters {
            var isComplete = false
            while !isComplete {
                isComplete = try #require(
                    store.batch { PayloadWriter.delete(extent: extent, limit: 500, in: $0) }.released
                ).isComplete
            }
        }
        #expect(try store.read { $0.count(.chunk) } == 0)
    }

    @Test func roomComesTogetherAgain() throws {
        let scratch = StoreScratch()
        let store = try LMDBStore(directory: scratch.path, settings: Self.settings(mapBytes: 64 << 20))
        let letters = try Self.breakUp(store)
        let before = try store.read { Table.allCases.flatMap($0.all) }
        var parts = 0
        while store.bringTogether(), parts < 2_000 { parts += 1 }
        #expect(store.pagesMoved > 1_000)
        #expect(try store.read { Table.allCases.flatMap($0.all) } == before)
        for number in 0..<3 { _ = store.batch { $0.put(.queue, "k", "again \(number)") } }
        // More than half of what is free is one run, or nearly.
        #expect(store.headRoom.longestRunBytes > store.headRoom.acceptableBytes / 2, "\(store.headRoom)")
        for extent in letters.prefix(50) { try Self.expectSound(store, extent, Self.payload(extent, 3_000)) }
        // Nothing to do is said, and costs nothing.
        #expect(!store.bringTogether())
    }

    /// Rows that a batch of one page each has written are read like others, also when pieces of them are missing.
    @Test func chunksInPartsAreRead() throws {
        for pages in [1, 2, 3, 5, 7] {
            let store = MemoryStore()
            for (extent, length) in [1, 4_076, 4_077, 5_976, 5_977, 32_747, 32_748, 32_749, 100_000].enumerated() {
                let bytes = Self.payload(UInt64(extent), length)
                _ = store.batch { rows in
                    rows.chunkPages = pages
                    Self.write(UInt64(extent), bytes, in: rows)
                }
                var buffer = ByteBuffer()
                let outcome = try store.read {
                    PayloadReader.copy(0..<UInt64(length), of: UInt64(extent), from: $0, into: &buffer)
                }
                #expect(outcome == .complete && buffer.readableBytesView.elementsEqual(bytes), "\(pages), \(length)")
                #expect(try store.read { PayloadReader.length(of: UInt64(extent), in: $0) } == UInt64(length))
            }
            // A part that is missing is named by its chunk.
            let extent: UInt64 = 8
            let first = UInt32(pages * 4_096 - 20)
            _ = store.batch { rows in
                ChunkKey(extent: extent, chunk: 1, part: first).withBytes { _ = rows.delete(.chunk, $0) }
            }
            var buffer = ByteBuffer()
            let outcome = try store.read { PayloadReader.copy(0..<100_000, of: extent, from: $0, into: &buffer) }
            #expect(outcome == .missing(chunk: 1), "\(pages)")
        }
    }

    /// A program outside is told once its snapshot is old, and forgotten when it has ended.
    @Test func oldReadersAreTold() {
        var outside = OutsideReaders()
        let own = OpenSnapshot(process: getpid(), transaction: 3)
        let other = OpenSnapshot(process: 1, transaction: 5)
        #expect(outside.note([own, other], now: 100) == 3)
        #expect(outside.oldest == nil)
        #expect(outside.note([other], now: 170) == 5)
        #expect(outside.oldest == OldReader(process: 1, seconds: 70))
        // It has begun anew.
        #expect(outside.note([OpenSnapshot(process: 1, transaction: 9)], now: 180) == 9)
        #expect(outside.oldest == nil)
        #expect(outside.note([], now: 300) == nil)
    }
}
