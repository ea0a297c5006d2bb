// TransactionHandle: the calls that read through an open transaction of either kind. It owns nothing and is good only
// while its transaction is open. Values come back as pointers into the map: nothing is copied. Each call fails with
// LMDBError.

import CLMDB
import Trap

/// One table of an environment. The number is the same in all transactions once the one that opened it is committed.
public struct Database: Hashable, Sendable {
    let number: MDB_dbi

    /// LMDB's own table of free pages.
    static let freeList = Database(number: MDB_dbi(CLMDB_FREE_LIST))
    /// LMDB's own table of tables.
    static let main = Database(number: MDB_dbi(CLMDB_MAIN))
}

/// A key and its value, in the map.
public typealias Row = (key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)

/// A transaction as its readers see it.
public struct TransactionHandle {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    /// The number of the snapshot, or of the write transaction itself.
    public var number: UInt64 { UInt64(mdb_txn_id(pointer)) }

    public func value(_ database: Database, _ key: UnsafeRawBufferPointer) throws(LMDBError) -> UnsafeRawBufferPointer?
    {
        // LMDB stores no empty key and answers MDB_BAD_VALSIZE to one.
        if key.isEmpty { return nil }
        var key = MDB_val(key)
        var value = MDB_val()
        return try found(mdb_get(pointer, database.number, &key, &value), "mdb_get") ? value.bytes : nil
    }

    public func row(_ database: Database, atOrAfter key: UnsafeRawBufferPointer) throws(LMDBError) -> Row? {
        try withCursor(database) { (cursor) throws(LMDBError) in try cursor.seek(atOrAfter: key) }
    }

    public func row(_ database: Database, before key: UnsafeRawBufferPointer) throws(LMDBError) -> Row? {
        if key.isEmpty { return nil }
        return try withCursor(database) { (cursor) throws(LMDBError) in
            try cursor.seek(atOrAfter: key) == nil ? try cursor.move(MDB_LAST) : try cursor.move(MDB_PREV)
        }
    }

    public func scan(
        _ database: Database, from key: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) throws(LMDBError) {
        try withCursor(database) { (cursor) throws(LMDBError) in
            var row = try cursor.seek(atOrAfter: key)
            while let (key, value) = row, body(key, value) { row = try cursor.move(MDB_NEXT) }
        }
    }

    public func rowCount(_ database: Database) throws(LMDBError) -> UInt64 {
        UInt64(try statistics(database).ms_entries)
    }

    /// Pages that the rows of a table and its tree take.
    public func pageCount(_ database: Database) throws(LMDBError) -> UInt64 {
        let stat = try statistics(database)
        let numbers = [stat.ms_branch_pages, stat.ms_leaf_pages, stat.ms_overflow_pages]
        // They stand in the file, and a sum that overflows must not end the process.
        return numbers.reduce(0) { sum, number in
            let (result, isTooMuch) = sum.addingReportingOverflow(UInt64(number))
            return isTooMuch ? .max / 65_536 : min(result, .max / 65_536)
        }
    }

    /// Pages that LMDB's own tables and its two meta pages take.
    public func ownPageCount() throws(LMDBError) -> UInt64 {
        2 + (try pageCount(.freeList)) + (try pageCount(.main))
    }

    /// Pages that the transactions from `number` on have freed: the next writer cannot use those of a transaction that
    /// is not older than the oldest snapshot. Only on a read transaction; LMDB refuses it to a writer.
    public func pagesFreed(since number: UInt64) throws(LMDBError) -> UInt64 {
        var pages: UInt64 = 0
        // The free list is keyed by a transaction's number in the machine's order; a value is a count and then the
        // pages.
        let first = UInt(clamping: number)
        try withUnsafeBytes(of: first) { (key) throws(LMDBError) in
            try scan(.freeList, from: key) { _, value in
                if value.count >= MemoryLayout<UInt>.size { pages += UInt64(value.loadUnaligned(as: UInt.self)) }
                return true
            }
        }
        return pages
    }

    /// Lends LMDB's records of free pages one by one, oldest first, as the next writer would take them: those of transactions older
    /// than `number`. Only on a read transaction.
    public func freeRecords(
        before number: UInt64, _ body: (_ pages: UnsafeBufferPointer<UInt>) -> Bool
    ) throws(LMDBError) {
        try scan(.freeList, from: UnsafeRawBufferPointer(start: nil, count: 0)) { key, value in
            let word = MemoryLayout<UInt>.size
            guard key.count == word, UInt64(key.loadUnaligned(as: UInt.self)) < number else { return false }
            guard value.count >= word, Int(bitPattern: value.baseAddress) % word == 0 else { return true }
            let words = value.bindMemory(to: UInt.self)
            let count = min(Int(clamping: words[0]), words.count - 1)
            return body(UnsafeBufferPointer(rebasing: words[1..<1 + count]))
        }
    }

    private func statistics(_ database: Database) throws(LMDBError) -> MDB_stat {
        var stat = MDB_stat()
        try check(mdb_stat(pointer, database.number, &stat), "mdb_stat")
        return stat
    }

    /// A cursor lives for one call. In a write transaction LMDB frees the cursors that are left at its end, so that
    /// closing one later would be a use after free: none is kept.
    private func withCursor<Result>(
        _ database: Database, _ body: (borrowing Cursor) throws(LMDBError) -> Result
    ) throws(LMDBError) -> Result {
        try body(try Cursor(self, database))
    }
}

/// One cursor; closed when it goes out of scope.
private struct Cursor: ~Copyable {
    private let cursor: OpaquePointer

    init(_ transaction: TransactionHandle, _ database: Database) throws(LMDBError) {
        var opened: OpaquePointer?
        try check(mdb_cursor_open(transaction.pointer, database.number, &opened), "mdb_cursor_open")
        guard let opened else { trap("mdb_cursor_open answered success and gave nothing.") }
        cursor = opened
    }

    deinit { mdb_cursor_close(cursor) }

    func seek(atOrAfter key: UnsafeRawBufferPointer) throws(LMDBError) -> Row? {
        key.isEmpty ? try get(MDB_val(), MDB_FIRST) : try get(MDB_val(key), MDB_SET_RANGE)
    }

    func move(_ operation: MDB_cursor_op) throws(LMDBError) -> Row? { try get(MDB_val(), operation) }

    private func get(_ key: MDB_val, _ operation: MDB_cursor_op) throws(LMDBError) -> Row? {
        var key = key
        var value = MDB_val()
        guard try found(mdb_cursor_get(cursor, &key, &value, operation), "mdb_cursor_get") else { return nil }
        return (key.bytes, value.bytes)
    }
}

/// True for success, false for MDB_NOTFOUND.
@inline(__always)
func found(_ code: Int32, _ call: StaticString) throws(LMDBError) -> Bool {
    if code == MDB_NOTFOUND { return false }
    try check(code, call)
    return true
}

extension MDB_val {
    /// LMDB never writes through a key or value that it is given, though its C type allows it.
    init(_ bytes: UnsafeRawBufferPointer) {
        self.init(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: mv_data, count: mv_size) }
}
