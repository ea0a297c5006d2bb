// The LMDB wrapper by itself: transactions, seeks, errors and the figures that the store's head room is made of.

import Glibc
import LMDB
import Testing

/// A directory that is removed with what LMDB puts into it.
private final class Scratch {
    let path: String

    init() {
        var template = Array("/tmp/lmdb-tests-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "No temporary directory.")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for file in ["data.mdb", "lock.mdb"] { unlink("\(path)/\(file)") }
        rmdir(path)
    }
}

private func withBytes<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try Array(text.utf8).withUnsafeBytes(body)
}

private func text(_ bytes: UnsafeRawBufferPointer?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

@Suite struct EnvironmentTests {
    private let scratch = Scratch()

    private func open(mapBytes: UInt64 = 1 << 20) throws -> Environment {
        try Environment(directory: scratch.path, mapBytes: mapBytes, tables: 4, readers: 8)
    }

    @Test func rowsAreThereAfterACommitAndGoneAfterAnAbort() throws {
        let environment = try open()
        let write = try environment.beginWrite()
        let database = try write.open("rows")
        try withBytes("a") { key in try withBytes("1") { try write.put(database, key, $0) } }
        try withBytes("c") { key in
            try write.put(database, key, count: 3) { $0.copyBytes(from: [51, 51, 51]) }
        }
        try write.commit()
        do {
            let aborted = try environment.beginWrite()
            try withBytes("b") { key in try withBytes("2") { try aborted.put(database, key, $0) } }
            #expect(try withBytes("a") { try aborted.delete(database, $0) })
            #expect(try withBytes("b") { try text(aborted.handle.value(database, $0)) } == "2")
        }
        let read = try environment.beginRead()
        let handle = read.handle
        #expect(try withBytes("a") { try text(handle.value(database, $0)) } == "1")
        #expect(try withBytes("b") { try text(handle.value(database, $0)) } == nil)
        #expect(try withBytes("b") { try text(handle.row(database, atOrAfter: $0)?.key) } == "c")
        #expect(try withBytes("c") { try text(handle.row(database, before: $0)?.value) } == "1")
        #expect(try withBytes("z") { try text(handle.row(database, before: $0)?.value) } == "333")
        #expect(try withBytes("a") { try text(handle.row(database, before: $0)?.value) } == nil)
        #expect(try withBytes("") { try text(handle.row(database, atOrAfter: $0)?.key) } == "a")
        #expect(try handle.rowCount(database) == 2)
    }

    @Test func aSnapshotStaysUntilItIsRenewed() throws {
        let environment = try open()
        let first = try environment.beginWrite()
        let database = try first.open("rows")
        try first.commit()
        var read = try environment.beginRead()
        let second = try environment.beginWrite()
        try withBytes("k") { key in try withBytes("v") { try second.put(database, key, $0) } }
        try second.commit()
        let before = read.handle
        #expect(try before.rowCount(database) == 0)
        read.reset()
        try read.renew()
        let after = read.handle
        #expect(try after.rowCount(database) == 1)
    }

    @Test func aFullMapIsAnErrorOfItsOwn() throws {
        let environment = try open(mapBytes: 64 << 10)
        let write = try environment.beginWrite()
        let database = try write.open("rows")
        let error = withBytes("big") { key in
            #expect(throws: LMDBError.self) { try write.put(database, key, count: 1 << 20) { _ in } }
        }
        #expect(error?.fate == .full)
        #expect(error?.sentence.contains("mdb_put failed") == true)
    }

    @Test func aFileThatIsNoEnvironmentIsInvalid() throws {
        let file = Glibc.open("\(scratch.path)/data.mdb", O_CREAT | O_WRONLY, 0o600)
        let noise = [UInt8](repeating: 0xa5, count: 65_536)
        #expect(write(file, noise, noise.count) == noise.count)
        close(file)
        let error = #expect(throws: LMDBError.self) { try open() }
        #expect(error?.fate == .invalid)
        #expect(error?.isFatal == false)
    }

    @Test func usedAndFreedPagesAddUpToThePagesOfTheFile() throws {
        let environment = try open(mapBytes: 8 << 20)
        var write = try environment.beginWrite()
        let database = try write.open("rows")
        for number in 0..<100 {
            try withBytes("key \(number)") { try write.put(database, $0, count: 8000) { _ in } }
        }
        try write.commit()
        write = try environment.beginWrite()
        for number in 0..<50 { _ = try withBytes("key \(number)") { try write.delete(database, $0) } }
        try write.commit()
        let read = try environment.beginRead()
        let handle = read.handle
        let used = try handle.ownPageCount() + handle.pageCount(database)
        let free = try handle.pagesFreed(since: 0)
        #expect(used + free == environment.info.lastPage + 1)
        #expect(free >= 100)
        #expect(try handle.pagesFreed(since: handle.number) >= 100)
        #expect(try handle.pagesFreed(since: handle.number + 1) == 0)
    }

    @Test func anEnvironmentWithoutReadersHasNoDeadOnes() throws {
        #expect(try open().releaseDeadReaders() == 0)
    }
}
