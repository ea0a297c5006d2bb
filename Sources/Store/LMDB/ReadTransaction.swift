// ReadTransaction: a snapshot that is kept and renewed instead of made anew, because beginning one takes a slot of the
// reader table. It owns its C transaction; it may move between threads but is used by one at a time. Renewing fails
// with LMDBError.

import CLMDB
import Trap

public struct ReadTransaction: ~Copyable {
    public let handle: TransactionHandle
    private let environment: Environment
    private var isOpen = true

    init(_ handle: TransactionHandle, of environment: Environment) {
        self.handle = handle
        self.environment = environment
    }

    /// Ending a reader is an abort in LMDB's words; it frees the slot.
    deinit { mdb_txn_abort(handle.pointer) }

    /// A table that is there, for this transaction only; nil when there is none of that name.
    public func open(_ name: String) throws(LMDBError) -> Database? {
        var number: MDB_dbi = 0
        guard try found(mdb_dbi_open(handle.pointer, name, 0, &number), "mdb_dbi_open") else { return nil }
        return Database(number: number)
    }

    /// Lets go of the snapshot, so that the pages that it holds can be used again, but keeps the slot.
    public mutating func reset() {
        demand(isOpen, "A read transaction was reset twice.")
        mdb_txn_reset(handle.pointer)
        isOpen = false
    }

    /// Takes a new snapshot: the last commit.
    public mutating func renew() throws(LMDBError) {
        demand(!isOpen, "A read transaction was renewed while it was open.")
        try check(mdb_txn_renew(handle.pointer), "mdb_txn_renew")
        isOpen = true
    }
}
