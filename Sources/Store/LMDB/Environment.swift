// Environment: one open LMDB environment. It owns the map and the lock table; transactions come from it and must end
// before it is closed. It is opened without MDB_WRITEMAP (a stray write cannot reach the file), with MDB_NOTLS (a
// reader belongs to an object, not to a thread) and never without sync. It fails with LMDBError at opening and at
// beginning a transaction.

import CLMDB
import Trap

/// What LMDB says of its file.
public struct EnvironmentInfo: Hashable, Sendable {
    public let mapBytes: UInt64
    /// Number of the last page that was ever in use; pages count from 0.
    public let lastPage: UInt64
    public let lastTransaction: UInt64
}

/// A snapshot that some process has open: pages that were freed since cannot be used again.
public struct OpenSnapshot: Hashable, Sendable {
    public let process: Int32
    public let transaction: UInt64

    public init(process: Int32, transaction: UInt64) {
        self.process = process
        self.transaction = transaction
    }
}

/// One open environment.
///
/// Unchecked Sendable because the C object is safe for use by several threads by its contract (lmdb.h, "Restrictions"):
/// the pointer never changes, read transactions are independent of threads (MDB_NOTLS), and `beginWrite` waits for
/// LMDB's own lock.
public final class Environment: @unchecked Sendable {
    private let environment: OpaquePointer
    public let pageBytes: UInt64

    /// Opens the environment in a directory that exists, and creates its two files when they are not there.
    public init(
        directory: String, mapBytes: UInt64, tables: UInt32, readers: UInt32, mode: UInt32 = 0o600
    ) throws(LMDBError) {
        var created: OpaquePointer?
        try check(mdb_env_create(&created), "mdb_env_create")
        guard let environment = created else {
            trap("mdb_env_create answered success and gave nothing.")
        }
        do throws(LMDBError) {
            try check(mdb_env_set_mapsize(environment, Int(clamping: mapBytes)), "mdb_env_set_mapsize")
            try check(mdb_env_set_maxdbs(environment, tables), "mdb_env_set_maxdbs")
            try check(mdb_env_set_maxreaders(environment, readers), "mdb_env_set_maxreaders")
            try check(mdb_env_open(environment, directory, UInt32(MDB_NOTLS), mode), "mdb_env_open")
        } catch {
            // lmdb.h: after a failed mdb_env_open the handle must be closed all the same.
            mdb_env_close(environment)
            throw error
        }
        var stat = MDB_stat()
        mdb_env_stat(environment, &stat)
        self.environment = environment
        self.pageBytes = UInt64(stat.ms_psize)
    }

    /// Opens an environment for reading only: nothing is made, changed or locked against writing. `isFile`: the path is the data file
    /// itself. Without the lock table nobody may write meanwhile; with it, a writer leaves alone what is being read.
    public init(reading path: String, isFile: Bool, usesLockTable: Bool, tables: UInt32) throws(LMDBError) {
        var created: OpaquePointer?
        try check(mdb_env_create(&created), "mdb_env_create")
        guard let environment = created else {
            trap("mdb_env_create answered success and gave nothing.")
        }
        var flags = UInt32(MDB_NOTLS) | UInt32(MDB_RDONLY)
        if isFile { flags |= UInt32(MDB_NOSUBDIR) }
        if !usesLockTable { flags |= UInt32(MDB_NOLOCK) }
        do throws(LMDBError) {
            try check(mdb_env_set_maxdbs(environment, tables), "mdb_env_set_maxdbs")
            // The size of the map is that of the last writer: it stands in the file.
            try check(mdb_env_open(environment, path, flags, 0), "mdb_env_open")
        } catch {
            mdb_env_close(environment)
            throw error
        }
        var stat = MDB_stat()
        mdb_env_stat(environment, &stat)
        self.environment = environment
        self.pageBytes = UInt64(stat.ms_psize)
    }

    /// Writes a consistent copy of the data file to a descriptor and returns when all is written; writers go on meanwhile. A read
    /// transaction is open all the time. Compacting leaves out free pages. A descriptor that takes no more ends the copy with
    /// that error.
    public func copy(to descriptor: Int32, isCompacting: Bool) throws(LMDBError) {
        try check(
            mdb_env_copyfd2(environment, descriptor, isCompacting ? UInt32(MDB_CP_COMPACT) : 0), "mdb_env_copyfd2")
    }

    /// All transactions have ended by now: each holds a reference to its environment.
    deinit { mdb_env_close(environment) }

    /// Frees the reader slots of processes that died; answers how many there were.
    public func releaseDeadReaders() throws(LMDBError) -> Int {
        var dead: Int32 = 0
        try check(mdb_reader_check(environment, &dead), "mdb_reader_check")
        return Int(dead)
    }

    /// Who has a snapshot open, of this process and of others.
    public func snapshots() throws(LMDBError) -> [OpenSnapshot] {
        var lines: [String] = []
        let code = withUnsafeMutablePointer(to: &lines) { context in
            mdb_reader_list(
                environment,
                { line, context in
                    guard let line, let context else { return 0 }
                    context.assumingMemoryBound(to: [String].self).pointee.append(String(cString: line))
                    return 0
                }, context)
        }
        if code < 0 { throw LMDBError(code, "mdb_reader_list") }
        // Process, thread, and the number of the snapshot or a dash.
        return lines.compactMap { line in
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\n" })
            guard words.count == 3, let process = Int32(words[0]), let transaction = UInt64(words[2]) else {
                return nil
            }
            return OpenSnapshot(process: process, transaction: transaction)
        }
    }

    public var info: EnvironmentInfo {
        var info = MDB_envinfo()
        mdb_env_info(environment, &info)
        return EnvironmentInfo(
            mapBytes: UInt64(info.me_mapsize), lastPage: UInt64(info.me_last_pgno),
            lastTransaction: UInt64(info.me_last_txnid))
    }

    /// Begins the write transaction; waits while another one is open. It must end on the thread that called this.
    public func beginWrite() throws(LMDBError) -> WriteTransaction {
        WriteTransaction(try begin(0), of: self)
    }

    /// Begins a read transaction: a snapshot of the last commit.
    public func beginRead() throws(LMDBError) -> ReadTransaction {
        ReadTransaction(try begin(UInt32(MDB_RDONLY)), of: self)
    }

    private func begin(_ flags: UInt32) throws(LMDBError) -> TransactionHandle {
        var transaction: OpaquePointer?
        try check(mdb_txn_begin(environment, nil, flags, &transaction), "mdb_txn_begin")
        guard let transaction else { trap("mdb_txn_begin answered success and gave nothing.") }
        return TransactionHandle(transaction)
    }
}
