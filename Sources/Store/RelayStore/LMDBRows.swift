// LMDBRows: the row protocols over LMDB transactions. A view belongs to the closure that it is lent to, on one thread.
// The first error is remembered and every later call does nothing, so that the decisions need not handle errors row by
// row; the batch or the read that lent the view answers with the error.

import LMDB
import RelayRows
import Trap

/// The databases of all tables, by table number.
struct TableDatabases: Sendable {
    private let databases: [Database]

    init(openingIn transaction: borrowing WriteTransaction) throws(LMDBError) {
        var databases: [Database] = []
        for table in Table.allCases {
            demand(Int(table.rawValue) == databases.count, "Tables are numbered from 0 without gaps.")
            databases.append(try transaction.open(table.name))
        }
        self.databases = databases
    }

    subscript(table: Table) -> Database { databases[Int(table.rawValue)] }

    /// Pages of all tables and of LMDB's own.
    func usedPages(in handle: TransactionHandle) throws(LMDBError) -> UInt64 {
        var pages = try handle.ownPageCount()
        for database in databases { pages += try handle.pageCount(database) }
        return pages
    }
}

class LMDBView: RowReader {
    fileprivate(set) var handle: TransactionHandle?
    fileprivate(set) var failure: LMDBError?
    fileprivate let databases: TableDatabases

    init(_ handle: TransactionHandle, _ databases: TableDatabases) {
        self.handle = handle
        self.databases = databases
    }

    private(set) final var damagedTables = TableSet()

    final func value(_ table: Table, _ key: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        attempt(nil) { (handle) throws(LMDBError) in
            try handle.value(databases[table], key).flatMap { damagedTables.opened(table, key, $0) }
        }
    }

    final func row(_ table: Table, atOrAfter key: UnsafeRawBufferPointer) -> Row? {
        attempt(nil) { (handle) throws(LMDBError) in
            try handle.soundRow(databases[table], table, atOrAfter: key, &damagedTables)
        }
    }

    final func row(_ table: Table, before key: UnsafeRawBufferPointer) -> Row? {
        attempt(nil) { (handle) throws(LMDBError) in
            try handle.soundRow(databases[table], table, before: key, &damagedTables)
        }
    }

    final func scan(
        _ table: Table, from key: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) {
        attempt(()) { (handle) throws(LMDBError) in
            let noted = try handle.soundScan(databases[table], table, from: key, body)
            if !noted.isEmpty { damagedTables.formUnion(noted) }
        }
    }

    final func count(_ table: Table) -> UInt64 {
        attempt(0) { (handle) throws(LMDBError) in try handle.rowCount(databases[table]) }
    }

    /// The view is over: a use of it after this is a bug, and would read pages that may have been used again.
    fileprivate final func end() { handle = nil }

    @inline(__always)
    fileprivate final func attempt<Result>(
        _ otherwise: @autoclosure () -> Result, _ body: (TransactionHandle) throws(LMDBError) -> Result
    ) -> Result {
        guard let handle else { trap("A view of the store was used after the closure it was lent to.") }
        if failure != nil { return otherwise() }
        do throws(LMDBError) {
            return try body(handle)
        } catch {
            failure = error
            return otherwise()
        }
    }
}

/// A view of one snapshot.
final class LMDBReader: LMDBView {
    func finish() { end() }
}

/// The view of the one writer.
final class LMDBTransaction: LMDBView, StoreTransaction {
    private var transaction: WriteTransaction?
    private(set) var bytesChanged: UInt64 = 0
    private(set) var rowsChanged: UInt64 = 0
    /// Runs of free pages that were found, and those that are left; nil: there is room behind the last page.
    private let found: FreeRuns?
    private var runs: FreeRuns?
    private var mostPages = Int.max

    /// `runs`: how the free pages lie, when rows have to do with them.
    init(_ transaction: consuming WriteTransaction, _ databases: TableDatabases, runs: FreeRuns? = nil) {
        let handle = transaction.handle
        found = runs
        self.runs = runs
        self.transaction = consume transaction
        super.init(handle, databases)
    }

    var isFailed: Bool { failure != nil }

    var chunkPages: Int {
        get {
            guard let found, let runs else { return mostPages }
            return min(runs.pagesOfNextRow(of: found), mostPages)
        }
        set { mostPages = newValue }
    }

    func put(_ table: Table, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        requireKey(key)
        attempt(()) { (_) throws(LMDBError) in
            if let sealed = RowSeal.sealed(table, key, value) {
                try transaction!.put(databases[table], key, count: sealed.count) { sealed.write(to: $0) }
            } else {
                try transaction!.put(databases[table], key, value)
            }
            runs?.take(Self.pages(value.count))
            changed(key.count + value.count)
        }
    }

    func put(
        _ table: Table, _ key: UnsafeRawBufferPointer, count: Int, fill: (UnsafeMutableRawBufferPointer) -> Void
    ) {
        requireKey(key)
        attempt(()) { (_) throws(LMDBError) in
            try transaction!.put(databases[table], key, count: count, fill: fill)
            runs?.take(Self.pages(count))
            changed(key.count + count)
        }
    }

    @discardableResult
    func delete(_ table: Table, _ key: UnsafeRawBufferPointer) -> Bool {
        attempt(false) { (_) throws(LMDBError) in
            let existed = try transaction!.delete(databases[table], key)
            if existed { changed(key.count) }
            return existed
        }
    }

    func mend(_ table: Table) -> Bool {
        attempt(false) { (_) throws(LMDBError) in
            let result = try StoreOpening.mend(table, transaction!, databases)
            rowsChanged += result.moved + result.removed
            return true
        }
    }

    /// The rows as they are stored, sealed or damaged.
    func scanStored(
        _ table: Table, from key: [UInt8], _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) {
        key.withUnsafeBytes { key in
            attempt(()) { (handle) throws(LMDBError) in try handle.scan(databases[table], from: key, body) }
        }
    }

    /// Writes a row once more as it is stored, to have it in another place.
    func rewrite(_ table: Table, _ key: [UInt8]) {
        key.withUnsafeBytes { key in
            // Copied: the place that it is read from is let go by the same change.
            let stored: [UInt8]? = attempt(nil) { (handle) throws(LMDBError) in
                try handle.value(databases[table], key).map { [UInt8]($0) }
            }
            stored?.withUnsafeBytes { value in
                attempt(()) { (_) throws(LMDBError) in
                    try transaction!.put(databases[table], key, value)
                    runs?.take(Self.pages(value.count))
                    changed(key.count + value.count)
                }
            }
        }
    }

    /// Aborts: nothing has changed.
    func abort() {
        end()
        transaction = nil
    }

    /// Commits, with the sync.
    func commit() throws(LMDBError) {
        end()
        guard let transaction = transaction.take() else { trap("A batch was committed twice.") }
        try transaction.commit()
    }

    /// Pages of its own that a value takes; 0 when it stands among others.
    private static func pages(_ count: Int) -> Int {
        count <= ChunkLayout.pageBytes / 2 - 40 ? 0 : (count + 16 + ChunkLayout.pageBytes - 1) / ChunkLayout.pageBytes
    }

    private func changed(_ bytes: Int) {
        rowsChanged += 1
        bytesChanged += UInt64(bytes)
    }

    private func requireKey(_ key: UnsafeRawBufferPointer) {
        demand((1...511).contains(key.count), "A key has from 1 to 511 bytes.")
    }
}
