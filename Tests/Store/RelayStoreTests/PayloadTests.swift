// Payload bytes through chunk rows: sizes around the borders, ranges, slices of deletion, damage.

import NIOCore
import RelayRows
import RelayStore
import Testing

@Suite struct PayloadTests {
    private static let full = ChunkLayout.standard.payloadBytes
    private static let lengths: [Int] = [
        0, 1, 1900, 2060, 4075, 4076, 4077, 4096, 5976, 5977, 8172, 8173, 10_000, full - 4096, full - 4095,
        full - 2196, full - 2195, full - 1, full, full + 1, 2 * full - 1, 2 * full, 2 * full + 1, 2 * full + 4096,
        7 * full + 5000,
    ]

    private func write(
        _ bytes: [UInt8], extent: UInt64, step: (inout SplitMix) -> Int, to store: any DurableStore
    ) throws {
        var random = SplitMix(state: UInt64(bytes.count))
        var cursor = ExtentCursor(extent: extent)
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = rest.prefix(step(&random))
            rest = rest.dropFirst(part.count)
            // Each part in a batch of its own: the cursor carries what is over.
            let next = store.batch { rows -> ExtentCursor in
                var copy = cursor
                PayloadWriter.append(ByteBuffer(bytes: part), to: &copy, in: rows)
                return copy
            }
            cursor = try #require(next.released)
            #expect(cursor.length == UInt64(bytes.count - rest.count))
        }
        let length = store.batch { PayloadWriter.finish(cursor, in: $0) }
        #expect(length.released == UInt64(bytes.count))
    }

    private func read(_ range: Range<UInt64>, _ extent: UInt64, _ store: any DurableStore) throws -> [UInt8]? {
        var buffer = ByteBuffer(string: "head")
        let outcome = try store.read { PayloadReader.copy(range, of: extent, from: $0, into: &buffer) }
        #expect(buffer.readString(length: 4) == "head")
        if outcome != .complete { #expect(buffer.readableBytes == 0) }
        return outcome == .complete ? Array(buffer.readableBytesView) : nil
    }

    @Test(arguments: Body.allCases, lengths) func anExtentComesBackAsItWent(_ body: Body, _ length: Int) throws {
        let store = try body.make(in: StoreScratch())
        var random = SplitMix(state: 11)
        let bytes = random.bytes(length)
        try write(bytes, extent: 5, step: { Int.random(in: 1...9000, using: &$0) }, to: store)
        try write(bytes, extent: 6, step: { _ in 1 << 20 }, to: store)
        // Neighbours must not be taken for parts of it.
        try write([1, 2, 3], extent: 4, step: { _ in 1 }, to: store)
        try write([4, 5, 6], extent: 7, step: { _ in 1 }, to: store)
        for extent: UInt64 in [5, 6] {
            #expect(try read(0..<UInt64(length), extent, store) == bytes)
            #expect(try store.read { PayloadReader.length(of: extent, in: $0) } == UInt64(length))
            for _ in 0..<20 {
                let from = Int.random(in: 0...length, using: &random)
                let to = Int.random(in: from...length, using: &random)
                #expect(try read(UInt64(from)..<UInt64(to), extent, store) == Array(bytes[from..<to]))
            }
            #expect(try read(0..<UInt64(length + 1), extent, store) == nil)
            #expect(try read(0..<UInt64.max, extent, store) == nil)
        }
        let rows = try store.read { $0.count(.chunk) }
        #expect(rows == 2 * ChunkLayout.standard.rowCount(length: UInt64(length)) + 2)
    }

    /// Every short length, every border between rows: what the arithmetic says is what the store has.
    @Test func tailsFillPagesAndNeverLoseAByte() {
        let layout = ChunkLayout.standard
        for count in 1..<layout.payloadBytes {
            let (first, second) = layout.tail(count)
            #expect(first > 0 && second >= 0 && first + second == count)
            if second > 0 { #expect((first + 20) % 4096 == 0 && second <= 1900) }
        }
        #expect(layout.tail(4096) == (4076, 20))
        #expect(layout.tail(4076) == (4076, 0))
        #expect(layout.tail(1000) == (1000, 0))
    }

    @Test(arguments: Body.allCases) func anExtentIsRemovedInSlices(_ body: Body) throws {
        let store = try body.make(in: StoreScratch())
        for extent: UInt64 in 1...3 {
            try write(
                [UInt8](repeating: 9, count: 10 * Self.full + 1), extent: extent, step: { _ in 50_000 }, to: store)
        }
        // A row that was set aside leaves a gap.
        _ = store.batch { rows in ChunkKey(extent: 2, chunk: 4).withBytes { rows.delete(.chunk, $0) } }
        var slices: [Int] = []
        var isComplete = false
        while !isComplete {
            let result = store.batch { PayloadWriter.delete(extent: 2, limit: 4, in: $0) }
            let deleted = try #require(result.released)
            slices.append(deleted.rows)
            isComplete = deleted.isComplete
        }
        #expect(slices == [4, 4, 2])
        #expect(try store.read { $0.count(.chunk) } == 22)
        #expect(try store.read { PayloadReader.length(of: 2, in: $0) } == 0)
        let again = store.batch { PayloadWriter.delete(extent: 2, limit: 4, in: $0) }
        #expect(again.isUnchanged)
        #expect(again.released?.isComplete == true)
    }

    @Test func everyFlippedBitIsFound() throws {
        let store = MemoryStore()
        var random = SplitMix(state: 3)
        try write(random.bytes(40), extent: 1, step: { _ in 40 }, to: store)
        let key = ChunkKey(extent: 1, chunk: 0)
        let row = try #require(try store.read { rows in key.withBytes { rows.value(.chunk, $0).map(Array.init) } })
        for bit in 0..<row.count * 8 {
            var damaged = row
            damaged[bit / 8] ^= 1 << (bit % 8)
            _ = store.batch { rows in
                key.withBytes { key in damaged.withUnsafeBytes { rows.put(.chunk, key, $0) } }
            }
            var buffer = ByteBuffer()
            let outcome = try store.read { PayloadReader.copy(0..<40, of: 1, from: $0, into: &buffer) }
            #expect(outcome == .damaged(chunk: 0))
        }
        for count in 0..<row.count {
            _ = store.batch { rows in
                key.withBytes { key in row[..<count].withUnsafeBytes { rows.put(.chunk, key, $0) } }
            }
            var buffer = ByteBuffer()
            let outcome = try store.read { PayloadReader.copy(0..<40, of: 1, from: $0, into: &buffer) }
            #expect(outcome == .damaged(chunk: 0))
        }
        // A sound row under another chunk's key is not that chunk's.
        _ = store.batch { rows in
            ChunkKey(extent: 2, chunk: 0).withBytes { key in row.withUnsafeBytes { rows.put(.chunk, key, $0) } }
        }
        var buffer = ByteBuffer()
        let outcome = try store.read { PayloadReader.copy(0..<40, of: 2, from: $0, into: &buffer) }
        #expect(outcome == .damaged(chunk: 0))
    }

    @Test func aMissingChunkIsNamed() throws {
        let store = MemoryStore()
        try write([UInt8](repeating: 1, count: 5 * Self.full), extent: 1, step: { _ in 1 << 20 }, to: store)
        _ = store.batch { rows in ChunkKey(extent: 1, chunk: 3).withBytes { rows.delete(.chunk, $0) } }
        var buffer = ByteBuffer()
        let length = UInt64(5 * Self.full)
        #expect(try store.read { PayloadReader.copy(0..<length, of: 1, from: $0, into: &buffer) } == .missing(chunk: 3))
        #expect(buffer.readableBytes == 0)
        #expect(try store.read { PayloadReader.copy(0..<100, of: 9, from: $0, into: &buffer) } == .missing(chunk: 0))
    }
}
