// A look through a store that is in use: of the last commit, while the writer goes on; what it finds ends the writer.

import Glibc
import RelayModel
import RelayRows
import Testing

@testable import RelayStore

@Suite struct LookThroughTests {
    private let scratch = StoreScratch()

    /// More pages than are looked at before time is asked for the first time.
    private func store() throws -> LMDBStore {
        do {
            let store = try LMDBStore(directory: scratch.path, settings: .small())
            for part in 0..<20 {
                fill(store, part)
            }
        }
        var settings = StoreSettings.small()
        settings.lookMilliseconds = 0
        return try LMDBStore(directory: scratch.path, settings: settings)
    }

    private func fill(_ store: LMDBStore, _ part: Int) {
        let result = store.batch { rows in
            for index in 0..<100 {
                var out = RowWriter()
                for word in 0..<120 { out.number(UInt64(part * 7 + index + word + 1) << 48) }
                rows.put(.report, RowKey(UInt64(part * 1_000 + index)), out.record())
            }
        }
        guard case .durable = result else {
            Issue.record("no commit: \(result)")
            return
        }
    }

    @Test func whatTheOpeningHadNoTimeForIsLookedAt() throws {
        let store = try store()
        #expect(!store.isLookedThrough)
        // The writer goes on; the state of a snapshot is looked at.
        for part in 20..<30 {
            fill(store, part)
            let found = try #require(store.lookThrough(milliseconds: 60_000))
            #expect(found.fault == nil && !found.isCutShort && found.rows > 2_000 && found.pages > 256)
        }
        let short = try #require(store.lookThrough(milliseconds: 0))
        #expect(short.isCutShort && short.fault == nil)
    }

    @Test func damageEndsTheWriter() throws {
        let store = try store()
        let path = scratch.path + "/data.mdb"
        let file = open(path, O_RDWR)
        defer { close(file) }
        var status = stat()
        #expect(fstat(file, &status) == 0)
        // Every leaf says that it is no leaf.
        var byte: UInt8 = 0
        for page in stride(from: 8_192, to: Int(status.st_size), by: 4_096)
        where pread(file, &byte, 1, off_t(page + 10)) == 1 && byte == 2 {
            byte = 0
            #expect(pwrite(file, &byte, 1, off_t(page + 10)) == 1)
        }
        let found = try #require(store.lookThrough(milliseconds: 60_000))
        #expect(found.fault != nil)
        guard case .fatal(let sentence) = store.batch({ _ in }) else {
            Issue.record("the writer goes on")
            return
        }
        #expect(sentence.contains("edocctl salvage"))
        #expect(StopNote.read(scratch.path)?.count == 1)
    }
}
