// RestorePlaceTests: where a copy may come to and where not, what a restore that was killed leaves, and copies that were cut off.

import Foundation
import RelayModel
import RelayRows
import RelayStore
import Testing

@Suite struct RestorePlaceTests {
    private let scratch = PlaceScratch()
    private var directory: String { scratch.path + "/store" }
    private var file: String { scratch.path + "/copy.mdb" }

    private func record(_ number: UInt64) -> [UInt8] {
        var out = RowWriter()
        out.number(number)
        return out.record()
    }

    private func set(_ number: UInt64, _ store: LMDBStore) {
        _ = store.batch { $0.put(.counter, RowKey(text: "mark"), record(number)) }
    }

    private func mark(_ path: String) throws -> UInt64 {
        try StillStore(directory: path).read { $0.number(.counter, "mark") }
    }

    /// A store whose copy has 7 as its mark, and it has 8.
    private func makeStoreAndCopy(isCompacting: Bool = true) throws {
        let store = try LMDBStore(directory: directory, settings: .small())
        set(7, store)
        for number in 0..<200 as Range<UInt64> {
            _ = store.batch { rows in
                rows.put(.envelope, Keys.envelope(number), record(number))
                rows.put(.corrupt, RowKey(text: "x\(number)"), [UInt8](repeating: 1, count: 3_000))
            }
        }
        _ = try store.copy(
            to: file, bytesPerSecond: nil, isCompacting: isCompacting, goesOn: { _ in true }, check: { _ in nil })
        set(8, store)
    }

    @discardableResult
    private func restore(to path: String? = nil, isForced: Bool = true) throws -> StoreRestore {
        try StoreRestore(
            file: file, directory: path ?? directory, isForced: isForced, uid: 5, login: "lan", reason: "", suffix: "1",
            check: { _ in nil })
    }

    private func refusal(to path: String? = nil) -> String {
        let failure = #expect(throws: StoreFailure.self) { try restore(to: path) }
        return failure?.sentence ?? ""
    }

    /// Wherever a copy was cut off, it is refused with a sentence; LMDB alone would die of it.
    @Test(arguments: [true, false]) func aCopyThatWasCutOffIsRefused(isCompacting: Bool) throws {
        try makeStoreAndCopy(isCompacting: isCompacting)
        let whole = try #require(FileManager.default.contents(atPath: file))
        for length in [whole.count - 1, whole.count - 4_096, whole.count / 2, 16_384, 8_192] {
            try Data(whole.prefix(length)).write(to: URL(fileURLWithPath: file))
            let sentence = refusal(to: scratch.path + "/other")
            #expect(sentence.contains("is cut off") && sentence.contains("\(length)"), "\(length): \(sentence)")
        }
        for length in [4_096, 100, 0] {
            try Data(whole.prefix(length)).write(to: URL(fileURLWithPath: file))
            #expect(!refusal(to: scratch.path + "/other").isEmpty)
        }
        #expect(access(scratch.path + "/other", F_OK) != 0)
        try whole.write(to: URL(fileURLWithPath: file))
        try restore(to: scratch.path + "/other")
        #expect(try mark(scratch.path + "/other") == 7)
    }

    @Test func aLinkIsFollowed() throws {
        try makeStoreAndCopy()
        let link = scratch.path + "/link"
        #expect(symlink("store", link) == 0)
        let restore = try restore(to: link + "/")
        #expect(restore.movedTo?.hasSuffix("/store/before-restore-1") == true)
        #expect(try mark(directory) == 7)
        #expect(try mark(directory + "/before-restore-1") == 8)
        var facts = stat()
        #expect(lstat(link, &facts) == 0 && facts.st_mode & S_IFMT == S_IFLNK)
        #expect(symlink("nowhere", scratch.path + "/loose") == 0)
        #expect(refusal(to: scratch.path + "/loose").contains("symbolic link to a place that is not there"))
    }

    /// The directory itself stays where it is: it may be where a file system is mounted.
    @Test func theDirectoryStays() throws {
        try makeStoreAndCopy()
        var before = stat()
        var after = stat()
        #expect(stat(directory, &before) == 0 && mkdir(directory + "/lost+found", 0o700) == 0)
        let ballast = access(directory + "/ballast", F_OK)
        try Data([1]).write(to: URL(fileURLWithPath: directory + "/in-hand"))
        try restore()
        #expect(stat(directory, &after) == 0 && before.st_ino == after.st_ino)
        #expect(try mark(directory) == 7)
        #expect(access(directory + "/lost+found", F_OK) == 0 && access(directory + "/ballast", F_OK) == ballast)
        // What an envelope's number meant in the old store it does not mean in this one.
        #expect(access(directory + "/in-hand", F_OK) != 0 && access(directory + "/lock.mdb", F_OK) != 0)
        // A file system that has just been made.
        let fresh = scratch.path + "/fresh"
        #expect(mkdir(fresh, 0o700) == 0 && mkdir(fresh + "/lost+found", 0o700) == 0)
        #expect(try restore(to: fresh).movedTo == nil)
        #expect(try mark(fresh) == 7)
    }

    @Test func whatIsNoStoreIsLeftAlone() throws {
        try makeStoreAndCopy()
        let home = scratch.path + "/home"
        #expect(mkdir(home, 0o700) == 0)
        try Data([1]).write(to: URL(fileURLWithPath: home + "/letter"))
        #expect(refusal(to: home).contains("is no store: it has letter in it"))
        #expect(access(home + "/letter", F_OK) == 0 && access(home + "/owner.lock", F_OK) != 0)
        try Data([1]).write(to: URL(fileURLWithPath: scratch.path + "/plain"))
        #expect(refusal(to: scratch.path + "/plain").contains("is not a directory"))
    }

    @Test func theStoreOfAnotherNodeIsLeftAlone() throws {
        try makeStoreAndCopy()
        let other = scratch.path + "/other"
        do {
            let store = try LMDBStore(directory: other, settings: .small(node: "dtn://khac/"))
            set(9, store)
        }
        let sentence = refusal(to: other)
        #expect(
            sentence.contains("is that of dtn://khac/, and the copy is of \(StoreSettings.small().node)"), "\(sentence)"
        )
        #expect(try mark(other) == 9)
    }

    /// A store that cannot be read any more is what a restore is for.
    @Test func aDamagedStoreIsMovedAside() throws {
        try makeStoreAndCopy()
        let data = directory + "/data.mdb"
        let whole = try #require(FileManager.default.contents(atPath: data))
        for (index, bytes) in [whole.prefix(12_288), Data(repeating: 7, count: 40_960)].enumerated() {
            try bytes.write(to: URL(fileURLWithPath: data))
            let restored = try StoreRestore(
                file: file, directory: directory, isForced: true, uid: 5, login: "lan", reason: "",
                suffix: "damaged-\(index)", check: { _ in nil })
            #expect(restored.movedTo == directory + "/before-restore-damaged-\(index)")
            #expect(FileManager.default.contents(atPath: restored.movedTo! + "/data.mdb") == bytes)
            #expect(try mark(directory) == 7)
        }
    }

    /// Killed after the old data got its second name: the store is in use as before, and the next restore does not count that name as an
    /// old store.
    @Test func aRestoreThatWasKilledLeavesTheOldStore() throws {
        try makeStoreAndCopy()
        let aside = directory + "/before-restore-0"
        #expect(mkdir(aside, 0o700) == 0 && link(directory + "/data.mdb", aside + "/data.mdb") == 0)
        #expect(mkdir(directory + "/.restoring", 0o700) == 0)
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: directory + "/.restoring/data.mdb"))
        do {
            let store = try LMDBStore(directory: directory, settings: .small())
            #expect(try store.read { $0.number(.counter, "mark") } == 8)
        }
        try restore()
        #expect(try mark(directory) == 7)
        #expect(try mark(directory + "/before-restore-1") == 8)
        #expect(access(aside, F_OK) != 0 && access(directory + "/.restoring", F_OK) != 0)
    }

    /// An empty store beside what an interrupted restore has left would look as if all were lost.
    @Test(arguments: ["store/before-restore-1", "store/.restoring", "store.before-restore-1", "store.restoring"])
    func noEmptyStoreIsMadeBesideALeftover(_ name: String) throws {
        try makeStoreAndCopy()
        let left = scratch.path + "/" + name
        #expect(mkdir(left, 0o700) == 0)
        #expect(rename(directory + "/data.mdb", left + "/data.mdb") == 0)
        let failure = #expect(throws: StoreFailure.self) {
            _ = try LMDBStore(directory: directory, settings: .small())
        }
        #expect(failure?.kind == .refused && failure?.sentence.contains(left) == true, "\(failure?.sentence ?? "")")
        #expect(access(directory + "/data.mdb", F_OK) != 0)
        // Either of what the sentence says will do.
        if name.hasSuffix("1") {
            #expect(rename(left + "/data.mdb", directory + "/data.mdb") == 0)
            let store = try LMDBStore(directory: directory, settings: .small())
            #expect(try store.read { $0.number(.counter, "mark") } == 8)
        } else {
            try restore()
            #expect(try mark(directory) == 7)
        }
    }

    /// What an interrupted copy has left goes with the next one, unless somebody writes it or it is somebody else's by its name.
    @Test func leftoversOfCopiesGo() throws {
        let store = try LMDBStore(directory: directory, settings: .small())
        let names = [
            ".edocd-truc-1.mdb.partial", ".edocd-truc-2.mdb.partial", ".edocd-truc-bac-1.mdb.partial", "notes",
        ]
        for name in names { try Data([1]).write(to: URL(fileURLWithPath: scratch.path + "/" + name)) }
        let busy = open(scratch.path + "/" + names[1], O_RDONLY)
        #expect(busy >= 0 && flock(busy, LOCK_EX | LOCK_NB) == 0)
        let removed = try LMDBStore.removeLeftovers(besideCopy: file, prefix: "edocd-truc-")
        #expect(removed == [scratch.path + "/" + names[0]])
        #expect(names.map { access(scratch.path + "/" + $0, F_OK) } == [-1, 0, 0, 0])
        close(busy)
        // One that is being written is not written by a second.
        let partial = scratch.path + "/.copy.mdb.partial"
        try Data([1]).write(to: URL(fileURLWithPath: partial))
        let writing = open(partial, O_RDONLY)
        #expect(flock(writing, LOCK_EX | LOCK_NB) == 0)
        func copy() throws {
            _ = try store.copy(
                to: file, bytesPerSecond: nil, isCompacting: true, goesOn: { _ in true }, check: { _ in nil })
        }
        let failure = #expect(throws: StoreFailure.self) { try copy() }
        #expect(failure?.sentence.contains("Another copy is being written") == true)
        close(writing)
        try copy()
        #expect(access(partial, F_OK) != 0 && access(file, F_OK) == 0)
    }
}

/// A directory that is removed with all that is in it.
private final class PlaceScratch {
    let path: String

    init() {
        var template = Array("/tmp/place-tests-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "No temporary directory.")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
