// A record belongs to the key that it was written under: elsewhere it is unreadable. Stores of schema 1 open as they are.

import Glibc
import LMDB
import RelayModel
import RelayRows
import RelayStore
import Testing

@Suite struct SealTests {
    private let scratch = StoreScratch()

    private func number(_ value: UInt64) -> [UInt8] {
        var out = RowWriter()
        out.number(value)
        return out.record()
    }

    private struct RawRow {
        var table: Table
        var key: RowKey
        var value: [UInt8]
    }

    /// Writes rows behind the border's back, as a bit that changes does.
    private func putRaw(_ rows: [RawRow], deleting: (table: Table, key: RowKey)? = nil) throws {
        let environment = try Environment(directory: scratch.path, mapBytes: 32 << 20, tables: 64, readers: 8)
        let write = try environment.beginWrite()
        for row in rows {
            let database = try write.open(row.table.name)
            let (key, value) = (row.key.bytes, row.value)
            try key.withUnsafeBytes { key in
                let count = value.count
                try write.put(database, key, count: count) { if count > 0 { $0.copyBytes(from: value) } }
            }
        }
        if let (table, key) = deleting {
            let database = try write.open(table.name)
            _ = try key.bytes.withUnsafeBytes { try write.delete(database, $0) }
        }
        try write.commit()
    }

    private func move(_ table: Table, from old: RowKey, to new: RowKey) throws {
        var value: [UInt8] = []
        do {
            let environment = try Environment(directory: scratch.path, mapBytes: 32 << 20, tables: 64, readers: 8)
            let write = try environment.beginWrite()
            let database = try write.open(table.name)
            value = try old.bytes.withUnsafeBytes { try write.handle.value(database, $0).map { [UInt8]($0) } } ?? []
        }
        try putRaw([RawRow(table: table, key: new, value: value)], deleting: (table, old))
    }

    @Test(arguments: Body.allCases) func aRecordIsReadUnderItsOwnKey(_ body: Body) throws {
        let store = try body.make(in: scratch)
        #expect(store.batch { $0.put(.counter, RowKey(text: "a"), number(7)) }.isDurable)
        try store.read { rows in
            #expect(rows.number(.counter, "a") == 7)
            #expect(rows.value(.counter, RowKey(text: "a"))?[0] == RowSeal.version)
            #expect(rows.damagedTables.isEmpty)
        }
    }

    @Test func aRecordUnderAnotherKeyIsUnreadable() throws {
        do {
            let store = try LMDBStore(directory: scratch.path, settings: .small())
            #expect(store.batch { $0.put(.counter, RowKey(text: "a"), number(7)) }.isDurable)
        }
        try move(.counter, from: RowKey(text: "a"), to: RowKey(text: "b"))
        try StillStore(directory: scratch.path).read { rows in
            #expect(rows.number(.counter, "b") == 0)
            #expect(rows.isUnreadable(.counter, "b"))
            #expect(rows.damagedTables.tables == [.counter])
        }
        // A daemon sets it aside before it decides anything.
        let store = try LMDBStore(directory: scratch.path, settings: .small())
        #expect(store.findings.mended.tables == [.counter])
        #expect(store.findings.removed == 1)
        try store.read { rows in
            #expect(rows.value(.counter, RowKey(text: "b")) == nil)
            #expect(rows.count(.corrupt) == 1)
            #expect(rows.damagedTables.isEmpty)
        }
    }

    @Test func aMarkerUnderAnotherKeyIsPassedOverAndNoted() throws {
        do {
            let store = try LMDBStore(directory: scratch.path, settings: .small())
            #expect(
                store.batch { for number in 1...9 { $0.put(.inbox, Keys.inbox("H29", number: UInt64(number))) } }
                    .isDurable)
        }
        try move(.inbox, from: Keys.inbox("H29", number: 4), to: Keys.inbox("H29", number: 400))
        try StillStore(directory: scratch.path).read { rows in
            var found: [UInt64] = []
            rows.scan(.inbox, prefix: RowKey(text: "H29")) { key, value in
                found.append(key.number(at: 4))
                #expect(value.isEmpty)
                return true
            }
            #expect(found == [1, 2, 3, 5, 6, 7, 8, 9])
            #expect(rows.damagedTables.tables == [.inbox])
            #expect(rows.row(.inbox, before: Keys.inbox("H29", number: 1_000))?.key.number(at: 4) == 9)
            #expect(rows.row(.inbox, atOrAfter: Keys.inbox("H29", number: 10)) == nil)
        }
        let store = try LMDBStore(directory: scratch.path, settings: .small())
        #expect(store.findings.mended.tables == [.inbox])
        try store.read { rows in
            #expect(rows.count(.inbox) == 8)
            #expect(rows.count(.corrupt) == 0)
        }
    }

    /// A bit that changes in a key on its page breaks the order of the tree: look-ups go past rows that are there.
    @Test func anOrderThatBreaksIsSeenAndPutRight() throws {
        do {
            let store = try LMDBStore(directory: scratch.path, settings: .small())
            #expect(
                store.batch { for n in 1...2_000 { $0.put(.counter, RowKey(UInt64(n)), number(UInt64(n))) } }.isDurable)
        }
        // The top byte of one key in the middle of a leaf.
        let path = scratch.path + "/data.mdb"
        let file = open(path, O_RDWR)
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = pread(file, &bytes, bytes.count, 0)
        let key = RowKey(UInt64(1_000)).bytes
        var changed = 0
        for place in 0..<(count - key.count) where Array(bytes[place..<place + 8]) == key {
            var byte: [UInt8] = [0x40]
            changed += pwrite(file, &byte, 1, off_t(place))
        }
        #expect(changed > 0)
        try StillStore(directory: scratch.path).read { rows in
            rows.scan(.counter, from: UnsafeRawBufferPointer(start: nil, count: 0)) { _, _ in true }
            #expect(rows.damagedTables.tables == [.counter])
        }
        let store = try LMDBStore(directory: scratch.path, settings: .small())
        #expect(store.findings.mended.tables == [.counter])
        try store.read { rows in
            for n in (1...2_000 as ClosedRange<UInt64>) where n != 1_000 {
                #expect(rows.value(.counter, RowKey(n)) != nil, "\(n)")
            }
            #expect(rows.count(.corrupt) >= 1)
            #expect(rows.damagedTables.isEmpty)
        }
    }

    @Test func whatWouldKillTheProcessIsRefusedWithASentence() throws {
        do {
            let store = try LMDBStore(directory: scratch.path, settings: .small())
            #expect(
                store.batch { for n in 1...2_000 { $0.put(.counter, RowKey(UInt64(n)), number(UInt64(n))) } }.isDurable)
        }
        let path = scratch.path + "/data.mdb"
        let pages = Int(sysconf(Int32(_SC_PAGESIZE)))
        let file = open(path, O_RDWR)
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 2 << 20)
        let count = pread(file, &bytes, bytes.count, 0)
        // The bounds of every leaf that is in use or was.
        for page in stride(from: 2 * pages, to: count, by: pages) where bytes[page + 10] == 2 && bytes[page + 11] == 0 {
            var byte: [UInt8] = [bytes[page + 13] ^ 0x80]
            _ = pwrite(file, &byte, 1, off_t(page + 13))
        }
        let opening = #expect(throws: StoreFailure.self) {
            try LMDBStore(directory: scratch.path, settings: .small())
        }
        let asking = #expect(throws: StoreFailure.self) { try StillStore(directory: scratch.path) }
        for refusal in [opening, asking] {
            #expect(refusal?.kind == .damaged)
            #expect(refusal?.sentence.contains("its bounds cannot be") == true)
            #expect(refusal?.sentence.contains("edocctl salvage") == true)
        }
    }

    @Test func aTruncatedFileIsFoundBeforeItIsMapped() throws {
        do {
            let store = try LMDBStore(directory: scratch.path, settings: .small())
            #expect(
                store.batch { for n in 1...2_000 { $0.put(.counter, RowKey(UInt64(n)), number(UInt64(n))) } }.isDurable)
        }
        #expect(truncate(scratch.path + "/data.mdb", 40_960) == 0)
        let opening = #expect(throws: StoreFailure.self) {
            try LMDBStore(directory: scratch.path, settings: .small())
        }
        let asking = #expect(throws: StoreFailure.self) { try StillStore(directory: scratch.path) }
        for refusal in [opening, asking] {
            #expect(refusal?.kind == .damaged)
            #expect(refusal?.sentence.contains("cut off") == true)
        }
    }

    @Test func aStoreOfSchemaOneOpensAsItIsAndBecomesTwo() throws {
        let (schema, node) = (
            number(1),
            { () -> [UInt8] in
                var out = RowWriter()
                out.text("dtn://test/")
                return out.record()
            }()
        )
        try putRaw([
            RawRow(table: .meta, key: RowKey(text: "schema"), value: schema),
            RawRow(table: .meta, key: RowKey(text: "node"), value: node),
            RawRow(table: .counter, key: RowKey(text: "old"), value: number(5)),
            RawRow(table: .queue, key: RowKey(11), value: []),
            RawRow(table: .staging, key: RowKey(12), value: [1]),
        ])
        // Asked without a daemon it stays what it is.
        #expect(try StillStore(directory: scratch.path).read { $0.number(.counter, "old") } == 5)
        for _ in 0..<2 {
            let store = try LMDBStore(directory: scratch.path, settings: .small())
            try store.read { rows in
                #expect(rows.number(.meta, "schema") == 2)
                #expect(rows.number(.counter, "old") == 5)
                #expect(rows.value(.queue, RowKey(11))?.isEmpty == true)
                #expect(rows.value(.staging, RowKey(12)).map { [UInt8]($0) } == [1])
                #expect(rows.damagedTables.isEmpty)
            }
        }
        #expect(try StillStore(directory: scratch.path).read { $0.number(.counter, "old") } == 5)
    }

    /// A program of schema 1 knows no check of a key, and has to read there that the store is not for it.
    @Test func theSchemaIsReadByEveryVersion() throws {
        RowKey(text: "schema").bytes.withUnsafeBytes { key in
            number(2).withUnsafeBytes { #expect(RowSeal.sealed(.meta, key, $0) == nil) }
        }
        let store = try LMDBStore(directory: scratch.path, settings: .small())
        let found = try store.read { rows -> UInt64? in
            guard let stored = rows.value(.meta, RowKey(text: "schema")), var record = RowCursor(stored, newest: 1)
            else { return nil }
            return record.number()
        }
        #expect(found == 2)
    }

    @Test func aNewerSchemaNamesTheBackupToTakeBack() throws {
        do {
            let store = try LMDBStore(directory: scratch.path, settings: .small())
            let row = AuditRow(
                order: 1, time: WallTime(milliseconds: 1), uid: 0, login: "root", verb: "backup",
                subject: "/backup/node-1.mdb", reason: "", count: 1, bytes: 1, outcome: "done", previous: .zero)
            #expect(
                store.batch {
                    $0.put(.audit, Keys.audit(1), row.encoded())
                    $0.put(.meta, RowKey(text: "schema"), number(3))
                }.isDurable)
        }
        let opening = #expect(throws: StoreFailure.self) {
            try LMDBStore(directory: scratch.path, settings: .small())
        }
        let asking = #expect(throws: StoreFailure.self) { try StillStore(directory: scratch.path) }
        for refusal in [opening, asking] {
            #expect(refusal?.kind == .refused)
            #expect(refusal?.sentence.contains("schema 3") == true)
            #expect(refusal?.sentence.contains("/backup/node-1.mdb") == true)
        }
    }
}
