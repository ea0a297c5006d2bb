// StoreIdentity: what a store says of itself in its meta table, and whether this program may use it. It runs once, at
// opening, and fails with StoreFailure.

import LMDB
import RelayRows

enum StoreIdentity {
    /// The schema that this program reads and writes: tables, keys and records as docs/protocol.md has them. Of schema 1, that of
    /// version 0.3, everything is read as it is; a row gets the form of schema 2 when it is written the next time, so that there is
    /// nothing to convert at opening, and nothing that could be cut off half-way.
    static let schema: UInt64 = 2
    static let schemaKey = RowKey(text: RowSeal.schemaName)
    static let nodeKey = RowKey(text: "node")

    /// Opens all tables, creating those that are not there, and checks or writes schema and node, in one transaction.
    static func openTables(
        of environment: Environment, in directory: String, for node: String
    ) throws(StoreFailure) -> TableDatabases {
        let refusal: StoreFailure?
        do throws(LMDBError) {
            let write = try environment.beginWrite()
            let databases = try TableDatabases(openingIn: write)
            let transaction = LMDBTransaction(write, databases)
            refusal = self.refusal(transaction, directory, node)
            if let failure = transaction.failure { throw failure }
            if refusal == nil {
                try transaction.commit()
                return databases
            }
            transaction.abort()
        } catch {
            throw StoreFailure(error, opening: directory)
        }
        throw refusal ?? StoreFailure(.damaged, "The store in \(directory) cannot be opened.")
    }

    private static func writeSchema(_ transaction: LMDBTransaction) {
        var record = RowWriter()
        record.number(schema)
        transaction.put(.meta, schemaKey, record.record())
    }

    /// Of a newer program's store: what it is, and the way back, by the copy that the operator log names last.
    static func newer(_ found: UInt64, _ subject: String, _ rows: any RowReader) -> StoreFailure {
        guard let copy = lastCopy(rows) else {
            return StoreFailure(
                .refused,
                "\(subject) has schema \(found); this program knows schemas up to \(schema). Install the version of the program that "
                    + "wrote it, or take back a backup that was made before it ran: edocctl restore FILE --force.")
        }
        return StoreFailure(
            .refused,
            "\(subject) has schema \(found); this program knows schemas up to \(schema). Install the version of the program that wrote "
                + "it, or take back a backup that was made before it ran; the last one in its operator log is \(copy).")
    }

    /// The file of the last backup that went well.
    private static func lastCopy(_ rows: any RowReader) -> String? {
        var before = RowKey(UInt64.max)
        for _ in 0..<10_000 {
            guard let found = rows.row(.audit, before: before) else { return nil }
            before = RowKey(copying: found.key)
            if let row = AuditRow(record: found.value), row.verb == "backup", !row.subject.isEmpty,
                !row.outcome.hasPrefix("failed")
            {
                return row.subject
            }
        }
        return nil
    }

    /// Why the store is refused, or nil. Facts that are not there yet are written.
    private static func refusal(
        _ transaction: LMDBTransaction, _ directory: String, _ node: String
    ) -> StoreFailure? {
        let subject = "The store in \(directory)"
        if let value = transaction.value(.meta, schemaKey) {
            guard var record = RowCursor(value), case let found = record.number(), record.isSound else {
                return StoreFailure(.damaged, "\(subject) has a damaged record of its schema.")
            }
            if found > schema { return newer(found, subject, transaction) }
            if found < schema { writeSchema(transaction) }
        } else {
            writeSchema(transaction)
        }
        if let value = transaction.value(.meta, nodeKey) {
            guard var record = RowCursor(value), case let owner = record.text(), record.isSound else {
                return StoreFailure(.damaged, "\(subject) has a damaged record of its node.")
            }
            if owner != node {
                return StoreFailure(
                    .refused,
                    "\(subject) belongs to node \(owner.debugDescription); this node is \(node.debugDescription).")
            }
        } else {
            var record = RowWriter()
            record.text(node)
            transaction.put(.meta, nodeKey, record.record())
        }
        return nil
    }
}
