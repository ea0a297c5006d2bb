// MemoryStore: the store's body in memory, for the simulator and for tests of the decisions. It owns its tables and
// belongs to one thread. Its order of rows is that of LMDB, and nothing in it depends on hashing or addresses. It fails
// as the durable store does: full at a limit or at any change, and by the fates that a test asks for.

import RelayRows
import Trap

public final class MemoryStore: DurableStore {
    /// What happens to the next batch that changes something.
    public enum CommitFate: Hashable, Sendable {
        case durable
        /// There is no room: nothing has changed.
        case full
        /// The process ends before the commit: nothing has changed, and no effect goes out.
        case crashBefore
        /// The process ends after the commit: the rows are there, and no effect goes out.
        case crashAfter
    }

    /// The most bytes that rows may take, counted as `cost` does.
    public var capacityBytes: UInt64
    public var reserveBytes: UInt64
    /// Goes back to `durable` once it has been used.
    public var nextCommit: CommitFate = .durable
    /// The change of the coming batches that finds no room, counted from 1; goes back to nil once it has been met.
    public var failingChange: UInt64?
    /// As if free pages did not lie together: who runs the engine keeps it as it was before each batch.
    public var isTight = false
    /// Batches that changed something and are kept.
    public private(set) var commits: UInt64 = 0

    fileprivate var tables = [MemoryTable](repeating: MemoryTable(), count: Table.allCases.count)
    fileprivate var usedBytes: UInt64 = 0
    private var isInBatch = false

    public init(capacityBytes: UInt64 = .max, reserveBytes: UInt64 = 0) {
        self.capacityBytes = capacityBytes
        self.reserveBytes = reserveBytes
    }

    public func batch<Effects>(_ body: (any StoreTransaction) -> Effects) -> CommitResult<Effects> {
        demand(!isInBatch, "Two batches at a time: the store has one writer.")
        isInBatch = true
        defer { isInBatch = false }
        let transaction = MemoryTransaction(self)
        let effects = body(transaction)
        transaction.end()
        if transaction.isFailed {
            transaction.undo()
            return .full("The store has no room: its limit is \(capacityBytes) bytes, or the test says so.")
        }
        if transaction.rowsChanged == 0 { return .unchanged(effects) }
        let fate = nextCommit
        nextCommit = .durable
        switch fate {
        case .durable:
            commits += 1
            return .durable(effects)
        case .full:
            transaction.undo()
            return .full("The store has no room: the test says so.")
        case .crashBefore:
            transaction.undo()
            return .fatal("The process ended before the commit.")
        case .crashAfter:
            commits += 1
            return .fatal("The process ended after the commit.")
        }
    }

    public func read<Result>(_ body: (any RowReader) -> Result) throws(StoreFailure) -> Result {
        demand(!isInBatch, "A snapshot in the middle of a batch: this store keeps one state only.")
        let view = MemoryView(self)
        defer { view.end() }
        return body(view)
    }

    /// All rows as they are now, to go back to: a snapshot of a machine's disk.
    public struct Snapshot {
        fileprivate let tables: [MemoryTable]
        fileprivate let usedBytes: UInt64
    }

    public var snapshot: Snapshot { Snapshot(tables: tables, usedBytes: usedBytes) }

    public func goBack(to snapshot: Snapshot) {
        demand(!isInBatch, "A store goes back between two batches.")
        tables = snapshot.tables
        usedBytes = snapshot.usedBytes
    }

    public var headRoom: HeadRoom {
        var room = HeadRoom(
            freeBytes: capacityBytes > usedBytes ? capacityBytes - usedBytes : 0, reserveBytes: reserveBytes,
            usedBytes: usedBytes)
        room.isTight = isTight
        return room
    }

    /// About what LMDB takes for a row: long values have pages of their own.
    fileprivate static func cost(_ key: Int, _ value: Int) -> UInt64 {
        let page = ChunkLayout.pageBytes
        return UInt64(key + 16 + (value > page / 2 ? (value + 16 + page - 1) / page * page : value))
    }
}

private class MemoryView: RowReader {
    fileprivate let store: MemoryStore
    private var isEnded = false

    init(_ store: MemoryStore) { self.store = store }

    final func end() { isEnded = true }

    /// After a change that was not taken LMDB answers no more reads of that transaction; nor does this store.
    fileprivate var isBlind: Bool { false }

    fileprivate final func requireOpen() {
        demand(!isEnded, "A view of the store was used after the closure it was lent to.")
    }

    final func value(_ table: Table, _ key: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        requireOpen()
        if isBlind { return nil }
        return store.tables[Int(table.rawValue)].row(key).flatMap { damagedTables.opened(table, key, $0.value.bytes) }
    }

    private(set) final var damagedTables = TableSet()

    final func row(_ table: Table, atOrAfter key: UnsafeRawBufferPointer) -> (
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    )? {
        requireOpen()
        if isBlind { return nil }
        return lend(table, store.tables[Int(table.rawValue)].position(atOrAfter: key))
    }

    final func row(_ table: Table, before key: UnsafeRawBufferPointer) -> (
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    )? {
        requireOpen()
        if isBlind { return nil }
        let rows = store.tables[Int(table.rawValue)]
        return lend(table, rows.position(before: rows.position(atOrAfter: key)))
    }

    final func scan(
        _ table: Table, from key: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) {
        requireOpen()
        if isBlind { return }
        let rows = store.tables[Int(table.rawValue)]
        var position = rows.position(atOrAfter: key)
        while let here = position {
            let row = rows[here]
            if let value = damagedTables.opened(table, row.key.bytes, row.value.bytes) {
                guard body(row.key.bytes, value) else { return }
            }
            position = rows.position(after: here)
        }
    }

    final func count(_ table: Table) -> UInt64 {
        requireOpen()
        return isBlind ? 0 : store.tables[Int(table.rawValue)].count
    }

    /// The table keeps the row, so that its bytes stay until it is replaced.
    private func lend(_ table: Table, _ position: MemoryTable.Position?) -> (
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    )? {
        guard let position else { return nil }
        let row = store.tables[Int(table.rawValue)][position]
        return damagedTables.opened(table, row.key.bytes, row.value.bytes).map { (row.key.bytes, $0) }
    }
}

private final class MemoryTransaction: MemoryView, StoreTransaction {
    /// What a change replaced: the way back. It also keeps replaced bytes alive until the batch ends.
    private enum Step {
        case wrote(Table, StableBytes, replaced: MemoryTable.Row?)
        case removed(Table, MemoryTable.Row)
    }

    private var steps: [Step] = []
    private(set) var isFailed = false
    private(set) var bytesChanged: UInt64 = 0
    private(set) var rowsChanged: UInt64 = 0
    var chunkPages = Int.max

    override fileprivate var isBlind: Bool { isFailed }

    func put(_ table: Table, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        if let sealed = RowSeal.sealed(table, key, value) {
            put(table, key, StableBytes(count: sealed.count, fill: sealed.write), counted: value.count)
        } else {
            put(table, key, StableBytes(value), counted: value.count)
        }
    }

    func put(
        _ table: Table, _ key: UnsafeRawBufferPointer, count: Int, fill: (UnsafeMutableRawBufferPointer) -> Void
    ) {
        if isFailed { return }
        put(table, key, StableBytes(count: count, fill: fill), counted: count)
    }

    private func put(_ table: Table, _ key: UnsafeRawBufferPointer, _ value: StableBytes, counted: Int) {
        requireOpen()
        demand((1...511).contains(key.count), "A key has from 1 to 511 bytes.")
        if isFailed || meetsFailingChange() { return }
        let row = MemoryTable.Row(key: StableBytes(key), value: value)
        let replaced = store.tables[Int(table.rawValue)].put(row)
        steps.append(.wrote(table, row.key, replaced: replaced))
        replace(replaced, by: row)
        isFailed = store.usedBytes > store.capacityBytes
        rowsChanged += 1
        bytesChanged += UInt64(key.count + counted)
    }

    @discardableResult
    func delete(_ table: Table, _ key: UnsafeRawBufferPointer) -> Bool {
        requireOpen()
        if isFailed || meetsFailingChange() { return false }
        guard let row = store.tables[Int(table.rawValue)].remove(key) else { return false }
        steps.append(.removed(table, row))
        replace(row, by: nil)
        rowsChanged += 1
        bytesChanged += UInt64(key.count)
        return true
    }

    /// True when the fault that was asked for is this change.
    private func meetsFailingChange() -> Bool {
        guard let change = store.failingChange else { return false }
        isFailed = change <= 1
        store.failingChange = isFailed ? nil : change - 1
        return isFailed
    }

    func undo() {
        for step in steps.reversed() {
            switch step {
            case .wrote(let table, let key, .some(let old)):
                replace(store.tables[Int(table.rawValue)].row(key.bytes), by: old)
                _ = store.tables[Int(table.rawValue)].put(old)
            case .wrote(let table, let key, nil):
                replace(store.tables[Int(table.rawValue)].remove(key.bytes), by: nil)
            case .removed(let table, let row):
                _ = store.tables[Int(table.rawValue)].put(row)
                replace(nil, by: row)
            }
        }
        steps = []
    }

    private func replace(_ old: MemoryTable.Row?, by new: MemoryTable.Row?) {
        if let old { store.usedBytes -= MemoryStore.cost(old.key.bytes.count, old.value.bytes.count) }
        if let new { store.usedBytes += MemoryStore.cost(new.key.bytes.count, new.value.bytes.count) }
    }
}
