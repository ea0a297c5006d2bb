// SoundRows: LMDB's look-ups as the row border wants them: what stands under a key that it was not written under is no answer, and
// an order of keys that breaks is noted. LMDB believes its pages: one changed bit in a key, and a look-up goes past all that lies
// behind it. It owns nothing and fails with LMDBError.

import Glibc
import LMDB
import RelayRows

extension TableSet {
    /// The value that belongs under a key; nil for a marker that does not. Damage is noted.
    @inline(__always)
    mutating func opened(
        _ table: Table, _ key: UnsafeRawBufferPointer, _ stored: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer? {
        switch RowSeal.opened(table, key, stored) {
        case .sound(let value): return value
        case .misplaced(let rest):
            insert(table)
            return table.form == .marker ? nil : rest
        }
    }
}

/// The order of keys, LMDB's and the memory store's: byte by byte, a beginning before what it begins.
func isAscending(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    let common = min(left.count, right.count)
    let order = common == 0 ? 0 : memcmp(left.baseAddress!, right.baseAddress!, common)
    return order == 0 ? left.count < right.count : order < 0
}

extension TransactionHandle {
    /// Rows that a look-up may pass over because they are not what they should be.
    private static let passedMax = 4_096

    func soundRow(
        _ database: Database, _ table: Table, atOrAfter key: UnsafeRawBufferPointer, _ damage: inout TableSet
    ) throws(LMDBError) -> Row? {
        guard let found = try row(database, atOrAfter: key) else { return nil }
        // Nearly always the first one is it.
        if !isAscending(found.key, key) {
            if case .sound(let value) = RowSeal.opened(table, found.key, found.value) { return (found.key, value) }
            if table.form != .marker {
                return damage.opened(table, found.key, found.value).map { (found.key, $0) }
            }
        }
        damage.insert(table)
        var answer: Row?
        var passed = 0
        try scan(database, from: key) { found, stored in
            passed += 1
            if !isAscending(found, key), let value = damage.opened(table, found, stored) { answer = (found, value) }
            return answer == nil && passed < Self.passedMax
        }
        return answer
    }

    func soundRow(
        _ database: Database, _ table: Table, before key: UnsafeRawBufferPointer, _ damage: inout TableSet
    ) throws(LMDBError) -> Row? {
        var bound = key
        for _ in 0..<Self.passedMax {
            guard let found = try row(database, before: bound) else { return nil }
            guard isAscending(found.key, bound) else {
                damage.insert(table)
                return nil
            }
            if let value = damage.opened(table, found.key, found.value) { return (found.key, value) }
            bound = found.key
        }
        return nil
    }

    /// Answers what it has noted: the body may look things up in the same view meanwhile.
    func soundScan(
        _ database: Database, _ table: Table, from key: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) throws(LMDBError) -> TableSet {
        var noted = TableSet()
        var previous: UnsafeRawBufferPointer?
        try scan(database, from: key) { found, stored in
            if let previous {
                if !isAscending(previous, found) { noted.insert(table) }
            } else if isAscending(found, key) {
                noted.insert(table)
            }
            previous = found
            guard let value = noted.opened(table, found, stored) else { return true }
            return body(found, value)
        }
        return noted
    }
}
