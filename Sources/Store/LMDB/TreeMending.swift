// TreeMending: walks a table by its pages, not by its keys, and brings each row to where a look-up finds it. A bit that changes in a
// key breaks the order that LMDB's look-ups go by: they go past rows that are there. The walk sees them all the same; what does not
// belong under its key is handed out and removed where it lies, and what a look-up does not find is removed and put in anew. It
// works inside a write transaction and fails with LMDBError.

import CLMDB
import Trap

public struct TreeMending: Sendable, Hashable {
    /// Rows that were looked at.
    public var rows: UInt64 = 0
    /// Rows that no look-up found, and that are found now.
    public var moved: UInt64 = 0
    /// Rows that did not belong under their key, or of which a look-up finds another one.
    public var removed: UInt64 = 0
}

extension WriteTransaction {
    /// A row from bytes of its own.
    public func put(_ database: Database, key: [UInt8], value: [UInt8]) throws(LMDBError) {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: key.count + value.count, alignment: 8)
        defer { bytes.deallocate() }
        bytes.copyBytes(from: key + value)
        try put(
            database, UnsafeRawBufferPointer(rebasing: bytes[..<key.count]),
            UnsafeRawBufferPointer(rebasing: bytes[key.count...]))
    }

    /// `belongs`: was the row written under this key? `aside` gets what was not, before it goes.
    public func mend(
        _ database: Database, belongs: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool,
        aside: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void
    ) throws(LMDBError) -> TreeMending {
        var opened: OpaquePointer?
        try check(mdb_cursor_open(handle.pointer, database.number, &opened), "mdb_cursor_open")
        guard let cursor = opened else { trap("mdb_cursor_open answered success and gave nothing.") }
        // Closed before the transaction ends: LMDB frees what is left by itself.
        defer { mdb_cursor_close(cursor) }
        var result = TreeMending()
        var key = MDB_val()
        var value = MDB_val()
        var isThere = try found(mdb_cursor_get(cursor, &key, &value, MDB_FIRST), "mdb_cursor_get")
        while isThere {
            result.rows += 1
            if !belongs(key.bytes, value.bytes) {
                aside(key.bytes, value.bytes)
                try check(mdb_cursor_del(cursor, 0), "mdb_cursor_del")
                result.removed += 1
            } else {
                let looked = try handle.value(database, key.bytes)
                if looked?.baseAddress != value.bytes.baseAddress || looked == nil {
                    let (oldKey, oldValue) = ([UInt8](key.bytes), [UInt8](value.bytes))
                    try check(mdb_cursor_del(cursor, 0), "mdb_cursor_del")
                    if looked == nil {
                        try put(database, key: oldKey, value: oldValue)
                        result.moved += 1
                    } else {
                        // A look-up finds another row under this key: it was written later.
                        result.removed += 1
                    }
                }
            }
            // After a removal the next row is where the cursor stands; LMDB knows.
            isThere = try found(mdb_cursor_get(cursor, &key, &value, MDB_NEXT), "mdb_cursor_get")
        }
        return result
    }
}
