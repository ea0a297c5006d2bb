// PayloadWriter: payload bytes into rows of the chunk table, and out of it again. It owns nothing and runs on the
// writer's thread. Bytes go straight from the receive buffer into the store's pages; only the part that does not fill a
// chunk is copied once more. A change that the store cannot take fails the transaction, as with every row.

import NIOCore
import RelayRows

public enum PayloadWriter {
    /// Appends bytes to an extent. Rows are written as they become full.
    public static func append(
        _ bytes: UnsafeRawBufferPointer, to cursor: inout ExtentCursor, in transaction: some RowTransaction
    ) {
        var rest = bytes[...]
        while rest.count >= cursor.room {
            let head = UnsafeRawBufferPointer(rebasing: rest.prefix(cursor.room))
            writeChunk(of: cursor, head, in: transaction)
            rest = rest.dropFirst(head.count)
            cursor.advance(by: head.count)
        }
        if !rest.isEmpty { cursor.keep(UnsafeRawBufferPointer(rebasing: rest)) }
    }

    /// Appends the readable bytes of a buffer to an extent.
    public static func append(
        _ buffer: ByteBuffer, to cursor: inout ExtentCursor, in transaction: some RowTransaction
    ) {
        buffer.withUnsafeReadableBytes { append($0, to: &cursor, in: transaction) }
    }

    /// Writes what has not filled a chunk, and answers the extent's length.
    @discardableResult
    public static func finish(_ cursor: consuming ExtentCursor, in transaction: some RowTransaction) -> UInt64 {
        if !cursor.carry.isEmpty {
            writeChunk(of: cursor, UnsafeRawBufferPointer(start: nil, count: 0), in: transaction)
        }
        return cursor.length
    }

    /// What a slice of a deletion did.
    public struct Deleted: Hashable, Sendable {
        public var rows: Int
        /// True when the extent has no rows left.
        public var isComplete: Bool
    }

    /// Removes at most `limit` rows of an extent, from its start: a long extent is removed in several batches.
    public static func delete(extent: UInt64, limit: Int, in transaction: some RowTransaction) -> Deleted {
        var rows = 0
        var key = ChunkKey(extent: extent, chunk: 0)
        while true {
            guard let next = firstChunk(atOrAfter: key, in: transaction), !transaction.isFailed else {
                return Deleted(rows: rows, isComplete: !transaction.isFailed)
            }
            if rows >= limit { return Deleted(rows: rows, isComplete: false) }
            key = next
            _ = key.withBytes { transaction.delete(.chunk, $0) }
            rows += 1
        }
    }

    private static func firstChunk(atOrAfter key: ChunkKey, in reader: some RowReader) -> ChunkKey? {
        let found = key.withBytes { bytes in reader.row(.chunk, atOrAfter: bytes).flatMap { ChunkKey($0.key) } }
        return found?.extent == key.extent ? found : nil
    }

    /// The cursor's carry and bytes after it, a full chunk or the end of an extent, in as few rows as the free pages allow.
    private static func writeChunk(
        of cursor: borrowing ExtentCursor, _ after: UnsafeRawBufferPointer, in transaction: some RowTransaction
    ) {
        let count = cursor.carry.count + after.count
        var start = 0
        while start < count {
            let pages = min(transaction.chunkPages, cursor.layout.pages)
            let length = cursor.layout.part(of: count - start, pages: pages)
            writeRow(of: cursor, start..<start + length, after, in: transaction)
            start += length
        }
    }

    /// A range of the carry with the bytes after it as a row.
    private static func writeRow(
        of cursor: borrowing ExtentCursor, _ range: Range<Int>, _ after: UnsafeRawBufferPointer,
        in transaction: some RowTransaction
    ) {
        let count = range.count
        let own = cursor.carry.count
        ChunkKey(extent: cursor.extent, chunk: cursor.nextChunk, part: UInt32(range.lowerBound)).withBytes { key in
            transaction.put(.chunk, key, count: count + ChunkLayout.checkBytes) { row in
                let first = min(range.lowerBound, own)..<min(range.upperBound, own)
                cursor.carry.withUnsafeBytes { row.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[first])) }
                let second = max(range.lowerBound - own, 0)..<max(range.upperBound - own, 0)
                UnsafeMutableRawBufferPointer(rebasing: row[first.count...])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: after[second]))
                let sum = Checksum.crc32c(
                    UnsafeRawBufferPointer(rebasing: row[..<count]), after: Checksum.crc32c(key))
                row.storeBytes(of: sum.littleEndian, toByteOffset: count, as: UInt32.self)
            }
        }
    }
}
