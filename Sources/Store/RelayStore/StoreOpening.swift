// StoreOpening: what happens to a data file before a daemon maps it, and what is mended before it decides anything. The file is
// looked through as bytes (StoreAnatomy): what would kill the process, or make it overwrite what is in use, is refused with a
// sentence, and the file stays as it is. Keys out of their order are put right, row by row, in one transaction a table. It runs
// once, at opening, before there is anybody else; it fails with StoreFailure.

import Glibc
import LMDB
import RelayRows

/// What was found and mended when the store was opened.
public struct OpeningFindings: Sendable {
    /// Tables whose order was broken, or that had rows under keys of others.
    public internal(set) var mended = TableSet()
    /// Tables with records that do not check.
    public internal(set) var unreadable = TableSet()
    /// Rows that no look-up found before.
    public internal(set) var moved: UInt64 = 0
    /// Rows that did not belong under their key; records are in `corrupt` now.
    public internal(set) var removed: UInt64 = 0
    public internal(set) var badRows: UInt64 = 0

    public var isEmpty: Bool { mended.isEmpty && unreadable.isEmpty }
    public var sentence: String {
        let names = { (set: TableSet) in set.tables.map(\.name).joined(separator: " ") }
        var parts: [String] = []
        if !mended.isEmpty {
            parts.append(
                "the order of the rows was broken in: \(names(mended)); \(moved) put right, \(removed) taken out")
        }
        if !unreadable.isEmpty { parts.append("\(badRows) records cannot be read, in: \(names(unreadable))") }
        return parts.joined(separator: "; ")
    }
}

enum StoreOpening {
    /// Looks at the file; answers which tables are to be mended. A fault is a refusal.
    static func look(_ directory: String, milliseconds: UInt64) throws(StoreFailure) -> StoreAnatomy {
        let path = directory + "/" + StorePlace.data
        guard StorePlace.bytes(path) > 0 else { return StoreAnatomy() }
        if let problem = StoreLength.problem(path) {
            throw StoreFailure(.damaged, "The store in \(directory) cannot be used: \(problem)")
        }
        let end = now() + milliseconds
        let anatomy = try StoreAnatomy.look(path: path) { now() < end }
        if let fault = anatomy.fault {
            throw StoreFailure(.damaged, sentence(directory, fault, anatomy.faultPage))
        }
        return anatomy
    }

    static func sentence(_ directory: String, _ fault: String, _ page: UInt64?) -> String {
        let place = page.map { "page \($0): " } ?? ""
        return "The store in \(directory) is damaged: \(place)\(fault). Nothing has been changed. "
            + "edocctl salvage brings what can be read into a new store; edocctl restore takes back a backup."
    }

    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
    }

    /// Puts the tables in order, one transaction each. What does not belong under its key is set aside; a marker is only taken out:
    /// it says nothing that the envelopes' rows do not say.
    static func mend(
        _ anatomy: StoreAnatomy, _ environment: Environment, _ databases: TableDatabases
    ) throws(LMDBError) -> OpeningFindings {
        var findings = OpeningFindings()
        findings.unreadable = anatomy.unreadable
        findings.badRows = anatomy.badRows
        for table in anatomy.disordered.tables {
            findings.mended.insert(table)
            let write = try environment.beginWrite()
            let result = try mend(table, write, databases)
            try write.commit()
            findings.moved += result.moved
            findings.removed += result.removed
        }
        return findings
    }

    /// One table, in a transaction that is open.
    static func mend(
        _ table: Table, _ write: borrowing WriteTransaction, _ databases: TableDatabases
    ) throws(LMDBError) -> TreeMending {
        var asides: [(key: [UInt8], value: [UInt8])] = []
        let result = try write.mend(databases[table]) { key, value in
            switch table.form {
            case .record: if case .misplaced = RowSeal.opened(table, key, value) { false } else { true }
            case .marker, .bytes: StoreSample.isSound(table, key, value)
            }
        } aside: { key, value in
            if table.form != .marker { asides.append(([UInt8](key), [UInt8](value))) }
        }
        for (key, value) in asides where !value.isEmpty {
            let aside = [table.rawValue] + key.prefix(RowKey.bytesMax - 1)
            try write.put(databases[.corrupt], key: aside, value: value)
        }
        return result
    }
}
