// LMDBError: what LMDB or the system below it answered, with the fate that follows from it. A value; never logged here.

import CLMDB
import Glibc

/// A result code of LMDB or an errno, and the call that gave it.
public struct LMDBError: Error, Hashable, Sendable {
    /// What a caller has to do about an error.
    public enum Fate: Hashable, Sendable {
        /// There is no room now: nothing has changed, and it may succeed later.
        case full
        /// The disk failed, or it is not known what reached it: the process has to stop.
        case fatal
        /// The file is not what it should be, or may not be opened.
        case invalid
    }

    public let code: Int32
    /// The call that failed, as in lmdb.h.
    public let call: StaticString

    init(_ code: Int32, _ call: StaticString) {
        self.code = code
        self.call = call
    }

    /// What a commit comes to that the disk had no room for.
    public static let noSpace = LMDBError(ENOSPC, "mdb_txn_commit")

    public static func == (left: LMDBError, right: LMDBError) -> Bool { left.code == right.code }
    public func hash(into hasher: inout Hasher) { hasher.combine(code) }

    public var fate: Fate {
        switch code {
        case MDB_MAP_FULL, ENOSPC, EDQUOT: .full
        // A transaction or a reader table beyond its limit, or no memory: aborted, nothing changed.
        case MDB_TXN_FULL, MDB_READERS_FULL, ENOMEM: .full
        // MDB_PANIC is what LMDB answers for ever after a meta page could not be written.
        case EIO, MDB_PANIC: .fatal
        default: .invalid
        }
    }

    public var isFatal: Bool { fate == .fatal }

    /// A sentence for a log or an operator.
    public var sentence: String {
        let words = mdb_strerror(code).map { String(cString: $0) } ?? "unknown error"
        return "\(call) failed: \(words) (\(code))."
    }
}

/// Turns a result code into success or an error.
@inline(__always)
func check(_ code: Int32, _ call: StaticString) throws(LMDBError) {
    if code != MDB_SUCCESS { throw LMDBError(code, call) }
}
