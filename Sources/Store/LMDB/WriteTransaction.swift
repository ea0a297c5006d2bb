// WriteTransaction: the one write transaction that an environment can have open. It owns its C transaction and belongs
// to the thread that began it, from begin to end: LMDB's lock is a mutex of that thread, and MDB_NOTLS changes nothing
// about it (lmdb.h, mdb_txn_begin). What is not committed when it goes out of scope is aborted. Changes fail with
// LMDBError.

import CLMDB
import Glibc
import Trap

public struct WriteTransaction: ~Copyable {
    public let handle: TransactionHandle
    private let environment: Environment
    private let thread: pthread_t
    private var isEnded = false

    init(_ handle: TransactionHandle, of environment: Environment) {
        self.handle = handle
        self.environment = environment
        self.thread = pthread_self()
    }

    deinit {
        if !isEnded {
            requireThread()
            mdb_txn_abort(handle.pointer)
        }
    }

    /// Opens a table, and creates it when it is not there. The number is good for other transactions after the commit.
    public func open(_ name: String) throws(LMDBError) -> Database {
        var number: MDB_dbi = 0
        try check(mdb_dbi_open(handle.pointer, name, UInt32(MDB_CREATE), &number), "mdb_dbi_open")
        return Database(number: number)
    }

    public func put(
        _ database: Database, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
    ) throws(LMDBError) {
        requireThread()
        var key = MDB_val(key)
        var value = MDB_val(value)
        try check(mdb_put(handle.pointer, database.number, &key, &value, 0), "mdb_put")
    }

    /// Makes room for a value and lets `fill` write all of it in its place.
    public func put(
        _ database: Database, _ key: UnsafeRawBufferPointer, count: Int, fill: (UnsafeMutableRawBufferPointer) -> Void
    ) throws(LMDBError) {
        requireThread()
        var key = MDB_val(key)
        var value = MDB_val(mv_size: count, mv_data: nil)
        try check(mdb_put(handle.pointer, database.number, &key, &value, UInt32(MDB_RESERVE)), "mdb_put")
        fill(UnsafeMutableRawBufferPointer(start: value.mv_data, count: count))
    }

    /// True when there was a row.
    public func delete(_ database: Database, _ key: UnsafeRawBufferPointer) throws(LMDBError) -> Bool {
        requireThread()
        if key.isEmpty { return false }
        var key = MDB_val(key)
        return try found(mdb_del(handle.pointer, database.number, &key, nil), "mdb_del")
    }

    /// Writes the pages, syncs them, writes and syncs the meta page. Whatever it answers, the transaction has ended.
    public consuming func commit() throws(LMDBError) {
        requireThread()
        isEnded = true
        try check(mdb_txn_commit(handle.pointer), "mdb_txn_commit")
    }

    private func requireThread() {
        demand(
            pthread_equal(thread, pthread_self()) != 0,
            "A write transaction was used on another thread than the one that began it.")
    }
}
