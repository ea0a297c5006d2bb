// StillStore: a store that nobody writes, read without a daemon: that of a stopped one, or a copy in a file. It owns one snapshot from
// opening to the end; nothing on disk is made or changed. Any thread may read, one at a time. A running daemon, a newer schema, and
// what is no store are refusals; a table that an older program did not know is empty.

import Glibc
import LMDB
import NIOConcurrencyHelpers
import RelayRows

/// Unchecked Sendable: the snapshot is used by the thread that holds `turn` only; all else is immutable.
public final class StillStore: @unchecked Sendable {
    public let path: String
    /// The node that it belongs to, as text.
    public let node: String
    public let mapBytes: UInt64
    /// Where the pages that were ever in use end.
    public let endBytes: UInt64
    /// Pages that rows and trees take.
    public let usedBytes: UInt64
    private let snapshot: Snapshot
    private let turn = NIOLock()

    /// The one open transaction and the tables that it knows.
    private final class Snapshot {
        let environment: Environment
        let transaction: ReadTransaction
        var databases: [Database?] = []

        init(_ path: String, isFile: Bool, usesLockTable: Bool) throws(LMDBError) {
            environment = try Environment(
                reading: path, isFile: isFile, usesLockTable: usesLockTable, tables: UInt32(Table.allCases.count) + 8)
            transaction = try environment.beginRead()
            for table in Table.allCases { databases.append(try transaction.open(table.name)) }
        }

        func usedBytes() throws(LMDBError) -> UInt64 {
            var pages = try transaction.handle.ownPageCount()
            for case .some(let database) in databases { pages += try transaction.handle.pageCount(database) }
            return pages * environment.pageBytes
        }
    }

    /// The store in a directory, unless a daemon has it.
    public convenience init(directory: String) throws(StoreFailure) {
        let data = directory + "/data.mdb"
        guard access(data, F_OK) == 0 else {
            if errno == EACCES { throw StoreFailure(call: "access", path: data, errno: EACCES) }
            throw StoreFailure(.refused, "There is no store in \(directory).")
        }
        guard StorePlace.bytes(data) > 0 else { throw StoreFailure(.refused, "There is no store in \(directory).") }
        if try Self.isInUse(directory) {
            throw StoreFailure(
                .refused, "The store in \(directory) is in use by a running daemon; leave --store out and ask it.")
        }
        if let problem = StoreLength.problem(data) { throw StoreFailure(.damaged, problem) }
        try Self.requireSound(data)
        // Reading as another user must not make a lock table that the daemon could not open later.
        let locks = access(directory + "/lock.mdb", R_OK | W_OK) == 0
        try self.init(directory, isFile: false, usesLockTable: locks)
    }

    /// A copy in a file.
    public convenience init(file: String) throws(StoreFailure) {
        guard access(file, R_OK) == 0 else { throw StoreFailure(call: "open", path: file, errno: errno) }
        if let problem = StoreLength.problem(file) { throw StoreFailure(.damaged, problem) }
        try Self.requireSound(file)
        try self.init(file, isFile: true, usesLockTable: false)
    }

    /// What would kill the process that maps it is refused.
    private static func requireSound(_ path: String) throws(StoreFailure) {
        let end = StoreOpening.now() + 3_000
        let anatomy = try StoreAnatomy.look(path: path) { StoreOpening.now() < end }
        guard let fault = anatomy.fault else { return }
        let place = anatomy.faultPage.map { "page \($0): " } ?? ""
        throw StoreFailure(
            .damaged, "\(path) is damaged: \(place)\(fault). edocctl salvage brings what can be read into a new store.")
    }

    private init(_ path: String, isFile: Bool, usesLockTable: Bool) throws(StoreFailure) {
        self.path = path
        do throws(LMDBError) {
            snapshot = try Snapshot(path, isFile: isFile, usesLockTable: usesLockTable)
            usedBytes = try snapshot.usedBytes()
        } catch {
            throw StoreFailure(error, reading: path)
        }
        let info = snapshot.environment.info
        mapBytes = info.mapBytes
        endBytes = (info.lastPage + 1) * snapshot.environment.pageBytes
        node = try Self.identity(StillReader(snapshot.transaction.handle, snapshot.databases), path)
    }

    /// Who it belongs to, if this program can read it.
    private static func identity(_ reader: StillReader, _ path: String) throws(StoreFailure) -> String {
        guard let schema = reader.value(.meta, StoreIdentity.schemaKey) else {
            throw StoreFailure(.foreign, "\(path) is no store of this program.")
        }
        guard var record = RowCursor(schema), case let found = record.number(), record.isSound else {
            throw StoreFailure(.damaged, "\(path) has a damaged record of its schema.")
        }
        guard found <= StoreIdentity.schema else { throw StoreIdentity.newer(found, path, reader) }
        guard let owner = reader.value(.meta, StoreIdentity.nodeKey), var record = RowCursor(owner),
            case let node = record.text(), record.isSound
        else { throw StoreFailure(.damaged, "\(path) has a damaged record of its node.") }
        return node
    }

    /// True when a daemon holds the lock of the directory. The lock is given back at once: a daemon may start at any time.
    static func isInUse(_ directory: String) throws(StoreFailure) -> Bool {
        let path = directory + "/owner.lock"
        let lock = open(path, O_RDONLY | O_CLOEXEC)
        if lock < 0 {
            if errno == ENOENT { return false }
            throw StoreFailure(call: "open", path: path, errno: errno)
        }
        defer { close(lock) }
        if flock(lock, LOCK_SH | LOCK_NB) == 0 { return false }
        if errno == EWOULDBLOCK { return true }
        throw StoreFailure(call: "flock", path: path, errno: errno)
    }

    public func read<Result>(_ body: (any RowReader) -> Result) throws(StoreFailure) -> Result {
        let reader = StillReader(snapshot.transaction.handle, snapshot.databases)
        let result = turn.withLock { body(reader) }
        if let failure = reader.failure { throw StoreFailure(failure, reading: path) }
        return result
    }
}

/// A view of the one snapshot; the first error is remembered.
private final class StillReader: RowReader {
    private let handle: TransactionHandle
    private let databases: [Database?]
    private(set) var failure: LMDBError?

    init(_ handle: TransactionHandle, _ databases: [Database?]) {
        self.handle = handle
        self.databases = databases
    }

    private func attempt<Result>(
        _ table: Table, _ otherwise: Result, _ body: (Database) throws(LMDBError) -> Result
    ) -> Result {
        guard failure == nil, let database = databases[Int(table.rawValue)] else { return otherwise }
        do throws(LMDBError) {
            return try body(database)
        } catch {
            failure = error
            return otherwise
        }
    }

    private(set) var damagedTables = TableSet()

    func value(_ table: Table, _ key: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        attempt(table, nil) { (database) throws(LMDBError) in
            try handle.value(database, key).flatMap { damagedTables.opened(table, key, $0) }
        }
    }

    func row(_ table: Table, atOrAfter key: UnsafeRawBufferPointer) -> Row? {
        attempt(table, nil) { (database) throws(LMDBError) in
            try handle.soundRow(database, table, atOrAfter: key, &damagedTables)
        }
    }

    func row(_ table: Table, before key: UnsafeRawBufferPointer) -> Row? {
        attempt(table, nil) { (database) throws(LMDBError) in
            try handle.soundRow(database, table, before: key, &damagedTables)
        }
    }

    func scan(
        _ table: Table, from key: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) {
        attempt(table, ()) { (database) throws(LMDBError) in
            let noted = try handle.soundScan(database, table, from: key, body)
            if !noted.isEmpty { damagedTables.formUnion(noted) }
        }
    }

    func count(_ table: Table) -> UInt64 {
        attempt(table, 0) { (database) throws(LMDBError) in try handle.rowCount(database) }
    }
}
