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
            writeRow(cursor.nextChunk, of: cursor, 0..<cursor.carry.count, head, in: transaction)
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
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        let (first, second) = cursor.layout.tail(cursor.carry.count)
        if first > 0 { writeRow(cursor.nextChunk, of: cursor, 0..<first, none, in: transaction) }
        if second > 0 { writeRow(cursor.nextChunk + 1, of: cursor, first..<first + second, none, in: transaction) }
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
            // Chunks follow one another: the next key is known without a search, but for a chunk that is not there.
            while rows < limit, key.withBytes({ transaction.delete(.chunk, $0) }) {
                rows += 1
                if key.chunk == .max { return Deleted(rows: rows, isComplete: true) }
                key.chunk += 1
            }
            guard let next = firstChunk(atOrAfter: key, in: transaction), !transaction.isFailed else {
                return Deleted(rows: rows, isComplete: !transaction.isFailed)
            }
            if rows >= limit { return Deleted(rows: rows, isComplete: false) }
            key = next
        }
    }

    private static func firstChunk(atOrAfter key: ChunkKey, in reader: some RowReader) -> ChunkKey? {
        let found = key.withBytes { bytes in reader.row(.chunk, atOrAfter: bytes).flatMap { ChunkKey($0.key) } }
        return found?.extent == key.extent ? found : nil
    }

    /// A row of a part of the cursor's carry and of bytes after it.
    private static func writeRow(
        _ chunk: UInt32, of cursor: borrowing ExtentCursor, _ part: Range<Int>, _ after: UnsafeRawBufferPointer,
        in transaction: some RowTransaction
    ) {
        let count = part.count + after.count
        ChunkKey(extent: cursor.extent, chunk: chunk).withBytes { key in
            transaction.put(.chunk, key, count: count + ChunkLayout.checkBytes) { row in
                cursor.carry.withUnsafeBytes { row.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[part])) }
                UnsafeMutableRawBufferPointer(rebasing: row[part.count...]).copyMemory(from: after)
                let sum = Checksum.crc32c(
                    UnsafeRawBufferPointer(rebasing: row[..<count]), after: Checksum.crc32c(key))
                row.storeBytes(of: sum.littleEndian, toByteOffset: count, as: UInt32.self)
            }
        }
    }
}
