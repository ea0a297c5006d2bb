// Opening a store, its limits on disk, its readers, and the fates of the memory store.

import Glibc
import LMDB
import RelayRows
import RelayStore
import Testing

@Suite struct OpeningTests {
    private let scratch = StoreScratch()

    private func failure(_ settings: StoreSettings = .small()) -> StoreFailure? {
        #expect(throws: StoreFailure.self) { try LMDBStore(directory: scratch.path, settings: settings) }
    }

    @Test func aSecondStoreIsKeptOut() throws {
        let first = try LMDBStore(directory: scratch.path, settings: .small())
        let refusal = failure()
        #expect(refusal?.kind == .refused)
        #expect(refusal?.sentence.contains("in use") == true)
        #expect(first.batch { $0.put(.queue, "k", "v") }.isDurable)
    }

    @Test func aNewerSchemaIsRefusedAndLeftAlone() throws {
        do {
            let store = try LMDBStore(directory: scratch.path, settings: .small())
            var record = RowWriter()
            record.number(3)
            let bytes = record.record()
            #expect(store.batch { $0.put(.meta, RowKey(text: "schema"), bytes) }.isDurable)
        }
        for _ in 0..<2 {
            let refusal = failure()
            #expect(refusal?.kind == .refused)
            #expect(refusal?.sentence.contains("schema 3") == true)
        }
    }

    @Test func anotherNodesStoreIsRefused() throws {
        do { _ = try LMDBStore(directory: scratch.path, settings: .small()) }
        let refusal = failure(.small(node: "dtn://other/"))
        #expect(refusal?.kind == .refused)
        #expect(refusal?.sentence.contains("dtn://test/") == true)
        _ = try LMDBStore(directory: scratch.path, settings: .small())
    }

    @Test func damagedFactsAndFilesAreNamed() throws {
        do {
            let store = try LMDBStore(directory: scratch.path, settings: .small())
            #expect(store.batch { $0.put(.meta, RowKey(text: "node"), [1, 2, 3, 4, 5, 6]) }.isDurable)
        }
        #expect(failure()?.kind == .damaged)
        let file = open("\(scratch.path)/data.mdb", O_WRONLY)
        let noise = [UInt8](repeating: 0xa5, count: 8192)
        #expect(write(file, noise, noise.count) == noise.count)
        close(file)
        #expect(failure()?.kind == .damaged)
    }

    @Test func aDirectoryThatCannotBeIsASystemFailure() {
        let refusal = #expect(throws: StoreFailure.self) {
            try LMDBStore(directory: "\(scratch.path)/no/such", settings: .small())
        }
        #expect(refusal?.kind == .system)
    }

    @Test func theFileIsAllocatedAheadAndKeepsItsLengthAcrossOpenings() throws {
        var length: UInt64 = 0
        do {
            let store = try LMDBStore(directory: scratch.path, settings: .small())
            #expect(store.fileBytes >= store.pagesEndBytes + 2 << 20)
            for number in 0..<8 {
                _ = store.batch { rows in
                    withBytes("big \(number)") { rows.put(.chunk, $0, count: 1 << 20) { _ in } }
                }
                #expect(store.fileBytes >= store.pagesEndBytes)
            }
            #expect(store.fileBytes % (1 << 20) < 4096 * 64)
            length = store.fileBytes
        }
        var facts = stat()
        #expect(stat("\(scratch.path)/data.mdb", &facts) == 0)
        #expect(UInt64(facts.st_size) == length)
        #expect(UInt64(facts.st_blocks) * 512 >= length)
        let store = try LMDBStore(directory: scratch.path, settings: .small())
        #expect(try store.read { $0.count(.chunk) } == 8)
        #expect(stat("\(scratch.path)/ballast", &facts) == 0)
        #expect(facts.st_size == 1 << 20)
    }

    @Test func aReaderKeepsItsSnapshotAndThePagesBelowIt() throws {
        let store = try LMDBStore(directory: scratch.path, settings: .small())
        _ = store.batch { rows in withBytes("k") { rows.put(.chunk, $0, count: 1 << 20) { _ in } } }
        try store.read { old in
            #expect(store.batch { $0.delete(.chunk, "k") }.isDurable)
            for number in 0..<3 { _ = store.batch { $0.put(.queue, "k", "\(number)") } }
            // The freed megabyte is not free while a snapshot shows it.
            #expect(store.headRoom.freeBytes + store.headRoom.usedBytes <= 31 << 20)
            #expect(withBytes("k") { old.value(.chunk, $0)?.count } == 1 << 20)
            #expect(old.count(.queue) == 0)
        }
        for number in 0..<3 { _ = store.batch { $0.put(.queue, "k", "\(number)") } }
        #expect(store.headRoom.freeBytes + store.headRoom.usedBytes > 31 << 20)
    }

    @Test func manyReadersShareAFewSlots() async throws {
        let store = try LMDBStore(directory: scratch.path, settings: .small())
        _ = store.batch { $0.put(.queue, "k", "0") }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    var isSound = true
                    for _ in 0..<200 {
                        isSound =
                            try store.read { rows in
                                rows.text(.queue, "k") == rows.text(.inbox, "k") ?? "0"
                            } && isSound
                    }
                    return isSound
                }
            }
            for number in 1...50 {
                let result = store.batch { rows in
                    rows.put(.queue, "k", "\(number)")
                    rows.put(.inbox, "k", "\(number)")
                }
                #expect(result.isDurable)
            }
            for try await isSound in group { #expect(isSound) }
        }
    }

    @Test func theMemoryStoreEndsAsATestAsks() throws {
        let store = MemoryStore(capacityBytes: 100_000)
        _ = store.batch { $0.put(.queue, "k", "0") }
        store.nextCommit = .crashBefore
        #expect(store.batch { $0.put(.queue, "k", "1") }.isFatal)
        #expect(try store.read { $0.text(.queue, "k") } == "0")
        store.nextCommit = .crashAfter
        #expect(store.batch { $0.put(.queue, "k", "2") }.released == nil)
        #expect(try store.read { $0.text(.queue, "k") } == "2")
        store.nextCommit = .full
        #expect(store.batch { $0.delete(.queue, "k") }.isFull)
        #expect(try store.read { $0.text(.queue, "k") } == "2")
        #expect(store.batch { $0.delete(.queue, "k") }.isDurable)
        #expect(store.headRoom.usedBytes == 0)
        #expect(store.commits == 3)
    }
}
