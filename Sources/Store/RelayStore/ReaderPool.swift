// ReaderPool: a few read transactions that are renewed and reset instead of made anew. Any thread may borrow one; when
// all are out, it waits. It knows which snapshots are open, so that the writer can tell which free pages it may not use
// yet.

import LMDB
import Monotonic
import Trap

/// Unchecked Sendable because all its state is behind `lock`; a transaction that is out belongs to the thread that
/// borrowed it.
final class ReaderPool: @unchecked Sendable {
    private final class Slot {
        var transaction: ReadTransaction?
        var snapshot: UInt64?
    }

    private let environment: Environment
    private let databases: TableDatabases
    private let slots: [Slot]
    /// Guards `free` and every `snapshot`. Its condition is that `free` is not empty.
    private let lock = MonotonicLock(value: true)
    private var free: [Int]
    /// Snapshots that are held beside the pool, for a copy of the store.
    private var pins: [UInt64] = []

    init(environment: Environment, databases: TableDatabases, count: Int) {
        demand(count > 0, "A store has at least one reader.")
        self.environment = environment
        self.databases = databases
        slots = (0..<count).map { _ in Slot() }
        free = Array((0..<count).reversed())
    }

    func read<Result>(_ body: (TransactionHandle, LMDBReader) throws(LMDBError) -> Result) throws(LMDBError) -> Result {
        lock.lock(whenValue: true)
        guard let index = free.popLast() else { trap("A reader was promised and is not there.") }
        let slot = slots[index]
        do throws(LMDBError) {
            // Renewed under the lock: a snapshot is known to the writer as soon as it is there.
            try open(slot)
        } catch {
            free.append(index)
            lock.unlock(withValue: true)
            throw error
        }
        lock.unlock(withValue: !free.isEmpty)
        defer {
            lock.lock()
            slot.transaction?.reset()
            slot.snapshot = nil
            free.append(index)
            lock.unlock(withValue: true)
        }
        guard let handle = slot.transaction?.handle else { trap("A reader was lost while it was out.") }
        let reader = LMDBReader(handle, databases)
        defer { reader.finish() }
        let result = try body(handle, reader)
        if let failure = reader.failure { throw failure }
        return result
    }

    /// The oldest snapshot that is open, or nil.
    var oldestSnapshot: UInt64? {
        lock.lock()
        defer { lock.unlock() }
        return (slots.compactMap(\.snapshot) + pins).min()
    }

    /// Holds a snapshot for as long as `body` runs; no slot of the pool is taken. What `body` opens by itself is not older.
    func pinned<Result>(_ body: () throws(LMDBError) -> Result) throws(LMDBError) -> Result {
        lock.lock()
        let transaction: ReadTransaction
        do throws(LMDBError) {
            transaction = try environment.beginRead()
        } catch {
            lock.unlock()
            throw error
        }
        let number = transaction.handle.number
        pins.append(number)
        lock.unlock()
        defer {
            lock.lock()
            if let index = pins.firstIndex(of: number) { pins.remove(at: index) }
            lock.unlock()
        }
        return try body()
    }

    private func open(_ slot: Slot) throws(LMDBError) {
        if slot.transaction == nil {
            slot.transaction = try environment.beginRead()
        } else {
            try slot.transaction?.renew()
        }
        slot.snapshot = slot.transaction?.handle.number
    }
}
