// CopyTests: copies of a live store: consistent whatever is written meanwhile, given up before the store's room is gone, and brought back
// only where nothing is in the way. Also reading a store that nobody writes.

import Foundation
import RelayModel
import RelayRows
import RelayStore
import Testing

@Suite struct CopyTests {
    private let scratch = CopyScratch()
    private var directory: String { scratch.path + "/store" }
    private var file: String { scratch.path + "/copy.mdb" }

    private func record(_ number: UInt64) -> [UInt8] {
        var out = RowWriter()
        out.number(number)
        return out.record()
    }

    /// Two rows that are always changed together.
    private func pair(_ number: UInt64, _ store: LMDBStore) {
        let bytes = record(number)
        _ = store.batch { rows in
            rows.put(.counter, RowKey(text: "left"), bytes)
            rows.put(.counter, RowKey(text: "right"), bytes)
        }
    }

    private func fill(_ store: LMDBStore, extents: Range<UInt64>, bytes: Int = 100_000) {
        for extent in extents {
            _ = store.batch { rows in
                rows.put(.envelope, Keys.envelope(extent), record(extent))
                rows.put(
                    .history, Keys.history(RelayTime(milliseconds: extent), number: extent, index: 0), record(extent))
                withBytes("x\(extent)") { key in
                    rows.put(.corrupt, key, count: bytes) { $0.initializeMemory(as: UInt8.self, repeating: 1) }
                }
            }
        }
    }

    @Test(arguments: [true, false]) func aCopyIsOfOneMoment(isCompacting: Bool) throws {
        let store = try LMDBStore(directory: directory, settings: .small())
        _ = store.batch { rows in
            for number in 0..<2_000 as Range<UInt64> { rows.put(.envelope, Keys.envelope(number), record(number)) }
        }
        pair(1, store)
        var number: UInt64 = 1
        let facts = try store.copy(
            to: file, bytesPerSecond: 400_000, isCompacting: isCompacting,
            goesOn: { _ in
                number += 1
                pair(number, store)
                _ = store.batch { $0.put(.envelope, Keys.envelope(10_000 + number), record(number)) }
                return true
            }, check: { _ in nil })
        #expect(number > 1 && facts.bytes > 0 && facts.checkedRows > 500)
        let copy = try StillStore(file: file)
        #expect(copy.node == StoreSettings.small().node)
        let (left, right, count) = try copy.read {
            ($0.number(.counter, "left"), $0.number(.counter, "right"), $0.count(.envelope))
        }
        #expect(left == right && left <= 2 && count >= 2_000 && count <= 2_001 && count == facts.envelopes)
        var status = stat()
        #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == 0o600)
        // A copy never takes the place of a file.
        let again = #expect(throws: StoreFailure.self) {
            try store.copy(
                to: file, bytesPerSecond: nil, isCompacting: true, goesOn: { _ in true }, check: { _ in nil })
        }
        #expect(again?.kind == .refused)
    }

    /// While a copy reads, what is freed counts as gone; below the floor the copy is given up, and the room comes back.
    @Test func theHeadRoomIsWatched() throws {
        var settings = StoreSettings.small()
        settings.mapBytes = 64 << 20
        settings.reserveBytes = 8 << 20
        settings.ballastBytes = 0
        settings.aheadBytes = 8 << 20
        let store = try LMDBStore(directory: directory, settings: settings)
        _ = store.batch { rows in
            withBytes("payload") { key in
                rows.put(.corrupt, key, count: 12 << 20) { $0.initializeMemory(as: UInt8.self, repeating: 1) }
            }
        }
        let room = store.headRoom.freeBytes
        #expect(room > store.copyFloorBytes && store.copyFloorBytes == 16 << 20)
        var turns = 0
        let failure = #expect(throws: StoreFailure.self) {
            try store.copy(
                to: file, bytesPerSecond: 2 << 20, isCompacting: true,
                goesOn: { _ in
                    // Writes the same row over and over: without the copy it would take the same pages again.
                    for _ in 0..<4 {
                        _ = store.batch { rows in
                            withBytes("busy") { key in
                                rows.put(.corrupt, key, count: 2 << 20) {
                                    $0.initializeMemory(as: UInt8.self, repeating: 2)
                                }
                            }
                        }
                    }
                    turns += 1
                    return turns < 60
                }, check: { _ in nil })
        }
        #expect(failure?.sentence.contains("below the floor") == true, "\(failure?.sentence ?? "-")")
        #expect(turns < 60)
        #expect(access(file, F_OK) != 0 && access(scratch.path + "/.copy.mdb.partial", F_OK) != 0)
        for number in 0..<4 as Range<UInt64> { pair(number, store) }
        #expect(store.headRoom.freeBytes > store.copyFloorBytes)
        #expect(store.freedBytes > 0)
        let plan = store.copyPlan(toFolder: scratch.path, churn: 64 << 20, bytesPerSecond: 1 << 20)
        #expect(plan.refusal?.contains("gives up below a floor") == true && plan.needBytes > plan.headRoomBytes)
        #expect(store.copyPlan(toFolder: scratch.path, churn: 0, bytesPerSecond: nil).refusal == nil)
    }

    @Test func aCopyThatDoesNotCheckIsRemoved() throws {
        let store = try LMDBStore(directory: directory, settings: .small())
        pair(1, store)
        let failure = #expect(throws: StoreFailure.self) {
            try store.copy(
                to: file, bytesPerSecond: nil, isCompacting: true, goesOn: { _ in true },
                check: { _ in "the books lie" })
        }
        #expect(failure?.sentence.contains("the books lie") == true)
        _ = store.batch { $0.put(.counter, RowKey(text: "bad"), [1, 2, 3, 4, 5, 6, 7]) }
        let bad = #expect(throws: StoreFailure.self) {
            try store.copy(
                to: file, bytesPerSecond: nil, isCompacting: true, goesOn: { _ in true }, check: { _ in nil })
        }
        #expect(bad?.sentence.contains("table counter") == true)
        #expect(access(file, F_OK) != 0)
    }

    @Test func bringingBack() throws {
        do {
            let store = try LMDBStore(directory: directory, settings: .small())
            pair(7, store)
            fill(store, extents: 1..<20)
            _ = try store.copy(
                to: file, bytesPerSecond: nil, isCompacting: true, goesOn: { _ in true }, check: { _ in nil })
            pair(8, store)
            let busy = refusal(isForced: true)
            #expect(busy?.sentence.contains("in use by a running daemon") == true)
        }
        let full = refusal(isForced: false)
        #expect(full?.kind == .refused && full?.sentence.contains("--force") == true)
        let restore = try StoreRestore(
            file: file, directory: directory, isForced: true, uid: 5, login: "lan", reason: "vì lũ", suffix: "1",
            check: { _ in nil })
        #expect(restore.movedTo == directory + "/before-restore-1" && restore.envelopes == 19)
        let old = try StillStore(directory: directory + "/before-restore-1")
        #expect(try old.read { $0.number(.counter, "left") } == 8)
        #expect(access(directory + "/.restoring", F_OK) != 0)
        let still = try StillStore(directory: directory)
        let mark = try still.read { RestorationRow.read($0) }
        #expect(mark?.phase == .brought && mark?.uid == 5 && mark?.reason == "vì lũ" && mark?.source == file)
        let store = try LMDBStore(directory: directory, settings: .small())
        #expect(try store.read { $0.number(.counter, "left") } == 7)
        #expect(throws: StoreFailure.self) { try StillStore(directory: directory) }
        // Into a place where nothing is.
        let fresh = try StoreRestore(
            file: file, directory: scratch.path + "/fresh", isForced: false, uid: 5, login: "lan", reason: "",
            suffix: "1", check: { _ in nil })
        #expect(fresh.movedTo == nil)
        // One that does not check stays where it is.
        let bad = #expect(throws: StoreFailure.self) {
            try StoreRestore(
                file: file, directory: scratch.path + "/other", isForced: false, uid: 5, login: "lan", reason: "",
                suffix: "1", check: { _ in "the books lie" })
        }
        #expect(bad?.kind == .damaged && access(scratch.path + "/other", F_OK) != 0)
    }

    private func refusal(isForced: Bool) -> StoreFailure? {
        #expect(throws: StoreFailure.self) {
            try StoreRestore(
                file: file, directory: directory, isForced: isForced, uid: 5, login: "lan", reason: "", suffix: "1",
                check: { _ in nil })
        }
    }

    @Test func aStoreOfAnotherTimeIsRead() throws {
        do {
            let store = try LMDBStore(directory: directory, settings: .small())
            pair(3, store)
        }
        let still = try StillStore(directory: directory)
        #expect(still.usedBytes > 0 && still.endBytes >= still.usedBytes && still.mapBytes > 0)
        #expect(try still.read { $0.number(.counter, "right") } == 3)
        #expect(throws: StoreFailure.self) { try StillStore(directory: scratch.path) }
        #expect(throws: StoreFailure.self) { try StillStore(file: directory + "/owner.lock") }
    }
}

/// A directory that is removed with all that is in it.
final class CopyScratch {
    let path: String

    init() {
        var template = Array("/tmp/copy-tests-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "No temporary directory.")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
