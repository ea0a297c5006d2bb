// StoreWatch: looks into a node's store from outside, as LMDB allows other processes to: a read transaction of microseconds each
// time, so that no page stays pinned. A row in `inbox` is one (envelope, recipient) that has arrived: it is there when the commit
// is on disk, because LMDB shows a transaction to new readers after the sync of its meta page.
//
// Any thread; one looks at a time. A process must not open an environment twice (lmdb.h, "Caveats"): `Network.watch` keeps one.

import CLMDB
import Glibc
import Synchronization

final class StoreWatch: @unchecked Sendable {
    // @unchecked: the pointers never change, and `looking` keeps one thread at a time in the transaction.
    private let looking = Mutex(())
    private let environment: OpaquePointer
    private let reader: OpaquePointer
    private let inbox: MDB_dbi
    private let bundle: MDB_dbi

    init(directory: String) throws {
        var opened: OpaquePointer?
        try Self.check(mdb_env_create(&opened), "mdb_env_create")
        guard let environment = opened else { throw BenchFailure("mdb_env_create gave nothing") }
        var begun: OpaquePointer?
        var inbox = MDB_dbi()
        var bundle = MDB_dbi()
        do {
            try Self.check(mdb_env_set_maxdbs(environment, 32), "mdb_env_set_maxdbs")
            let flags = UInt32(MDB_RDONLY) | UInt32(MDB_NOTLS)
            try Self.check(mdb_env_open(environment, directory, flags, 0o600), "mdb_env_open \(directory)")
            // Table handles live on only when the transaction that opened them is committed.
            try Self.check(mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &begun), "mdb_txn_begin")
            try Self.check(mdb_dbi_open(begun, "inbox", 0, &inbox), "mdb_dbi_open inbox")
            try Self.check(mdb_dbi_open(begun, "bundle", 0, &bundle), "mdb_dbi_open bundle")
            try Self.check(mdb_txn_commit(begun), "mdb_txn_commit")
            try Self.check(mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &begun), "mdb_txn_begin")
        } catch {
            mdb_env_close(environment)
            throw error
        }
        guard let reader = begun else { throw BenchFailure("mdb_txn_begin gave nothing") }
        mdb_txn_reset(reader)
        self.environment = environment
        self.reader = reader
        self.inbox = inbox
        self.bundle = bundle
    }

    deinit {
        mdb_txn_abort(reader)
        mdb_env_close(environment)
    }

    private static func check(_ code: Int32, _ call: String) throws {
        guard code == MDB_SUCCESS else { throw BenchFailure("\(call): \(String(cString: mdb_strerror(code)))") }
    }

    private func look<Answer>(_ body: () throws -> Answer) throws -> Answer {
        try looking.withLock { _ in
            try Self.check(mdb_txn_renew(reader), "mdb_txn_renew")
            defer { mdb_txn_reset(reader) }
            return try body()
        }
    }

    /// (Envelope, recipient) pairs that have arrived and were not taken.
    func arrived() throws -> UInt64 {
        try look {
            var stat = MDB_stat()
            try Self.check(mdb_stat(reader, inbox, &stat), "mdb_stat")
            return UInt64(stat.ms_entries)
        }
    }

    /// Commits since the store was made: each is one sync of pages and one of the meta page.
    func commits() throws -> UInt64 { try look { UInt64(mdb_txn_id(reader)) } }

    /// The counters of the envelopes in the inbox: the low half of each bundle's sequence number, in no order. An envelope that
    /// stands there twice is here twice.
    func arrivedCounters() throws -> [UInt32] {
        try look {
            var counters: [UInt64: UInt32] = [:]
            try walk(bundle) { key in
                // Ends with sequence number and envelope number (docs/protocol.md, 8).
                counters[Self.number(key, fromEnd: 8)] = UInt32(truncatingIfNeeded: Self.number(key, fromEnd: 16))
            }
            var result: [UInt32] = []
            try walk(inbox) { key in
                let number = Self.number(key, fromEnd: 8)
                guard let counter = counters[number] else {
                    throw BenchFailure("envelope \(number) is in the inbox and not in the bundle index")
                }
                result.append(counter)
            }
            return result
        }
    }

    private func walk(_ table: MDB_dbi, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        var cursor: OpaquePointer?
        try Self.check(mdb_cursor_open(reader, table, &cursor), "mdb_cursor_open")
        defer { mdb_cursor_close(cursor) }
        var key = MDB_val()
        var value = MDB_val()
        while true {
            let code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)
            if code == MDB_NOTFOUND { return }
            try Self.check(code, "mdb_cursor_get")
            try body(UnsafeRawBufferPointer(start: key.mv_data, count: key.mv_size))
        }
    }

    private static func number(_ key: UnsafeRawBufferPointer, fromEnd offset: Int) -> UInt64 {
        guard key.count >= offset else { return 0 }
        return UInt64(bigEndian: key.loadUnaligned(fromByteOffset: key.count - offset, as: UInt64.self))
    }
}
