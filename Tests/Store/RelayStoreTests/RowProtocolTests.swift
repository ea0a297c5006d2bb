// The row protocol, on both bodies: what one answers the other answers.

import RelayRows
import RelayStore
import Testing

@Suite struct RowProtocolTests {
    private let scratch = StoreScratch()

    @Test(arguments: Body.allCases) func aBatchReadsWhatItWrote(_ body: Body) throws {
        let store = try body.make(in: scratch)
        let result = store.batch { rows -> String? in
            rows.put(.queue, "k", "one")
            rows.put(.queue, "k", "two")
            rows.put(.inbox, "k", "other table")
            return rows.text(.queue, "k")
        }
        #expect(result.isDurable)
        #expect(result.released == "two")
        #expect(try store.read { $0.text(.queue, "k") } == "two")
        #expect(try store.read { $0.text(.inbox, "k") } == "other table")
    }

    @Test(arguments: Body.allCases) func aBatchThatChangesNothingWritesNothing(_ body: Body) throws {
        let store = try body.make(in: scratch)
        _ = store.batch { $0.put(.queue, "k", "v") }
        let result = store.batch { rows -> Bool in rows.delete(.queue, "not there") }
        #expect(result.isUnchanged)
        #expect(result.released == false)
    }

    @Test(arguments: Body.allCases) func seeksFindTheNeighbours(_ body: Body) throws {
        let store = try body.make(in: scratch)
        _ = store.batch { rows in
            for key in ["b", "bb", "d"] { rows.put(.queue, key, key.uppercased()) }
        }
        try store.read { rows in
            func after(_ key: String) -> String? { withBytes(key) { text(rows.row(.queue, atOrAfter: $0)?.key) } }
            func before(_ key: String) -> String? { withBytes(key) { text(rows.row(.queue, before: $0)?.value) } }
            #expect(
                ["", "a", "b", "ba", "bb", "c", "d", "e"].map(after) == ["b", "b", "b", "bb", "bb", "d", "d", nil])
            #expect(
                ["", "a", "b", "ba", "bb", "c", "d", "e"].map(before) == [nil, nil, nil, "B", "B", "BB", "BB", "D"])
            #expect(withBytes("") { rows.row(.inbox, atOrAfter: $0) == nil && rows.row(.inbox, before: $0) == nil })
            #expect(rows.count(.queue) == 3)
            #expect(rows.count(.inbox) == 0)
        }
    }

    @Test(arguments: Body.allCases) func aScanEndsWhenToldAndMayReadInBetween(_ body: Body) throws {
        let store = try body.make(in: scratch)
        _ = store.batch { rows in
            for number in 100..<200 { rows.put(.queue, "\(number)", "v\(number)") }
        }
        try store.read { rows in
            var seen: [String] = []
            withBytes("150") { from in
                rows.scan(.queue, from: from) { key, value in
                    // Another seek in the same table must not move the scan.
                    #expect(withBytes("199") { text(rows.row(.queue, atOrAfter: $0)?.value) } == "v199")
                    seen.append(text(key)! + text(value)!)
                    return seen.count < 3
                }
            }
            #expect(seen == ["150v150", "151v151", "152v152"])
        }
    }

    @Test(arguments: Body.allCases) func valuesMayBeEmptyAndFilledInPlace(_ body: Body) throws {
        let store = try body.make(in: scratch)
        _ = store.batch { rows in
            rows.put(.chunk, "empty", "")
            withBytes("filled") { key in
                rows.put(.chunk, key, count: 10_000) { room in
                    for index in room.indices { room[index] = UInt8(truncatingIfNeeded: index) }
                }
            }
        }
        try store.read { rows in
            #expect(rows.text(.chunk, "empty") == "")
            let value = withBytes("filled") { rows.value(.chunk, $0).map(Array.init) }
            #expect(value == (0..<10_000).map { UInt8(truncatingIfNeeded: $0) })
        }
    }

    @Test(arguments: Body.allCases) func aBatchCountsItsChanges(_ body: Body) throws {
        let store = try body.make(in: scratch)
        let counts = store.batch { rows -> [UInt64] in
            rows.put(.queue, "abc", "12345")
            rows.delete(.queue, "not there")
            var counts = [rows.rowsChanged, rows.bytesChanged]
            rows.delete(.queue, "abc")
            counts += [rows.rowsChanged, rows.bytesChanged]
            #expect(!rows.isLarge)
            for number in 0..<BatchLimits.rows { rows.put(.queue, "\(number)", "") }
            #expect(rows.isLarge)
            return counts
        }
        #expect(counts.released == [1, 8, 2, 11])
    }

    @Test(arguments: Body.allCases) func whatDoesNotFitIsGoneWhole(_ body: Body) throws {
        let store = try body.make(in: scratch)
        _ = store.batch { rows in
            rows.put(.queue, "stays", "old")
            rows.put(.queue, "goes", "there")
        }
        let room = store.headRoom
        let result = store.batch { rows -> String in
            rows.put(.queue, "stays", "new")
            rows.delete(.queue, "goes")
            rows.put(.queue, "more", "row")
            for number in 0..<64 where !rows.isFailed {
                withBytes("big \(number)") { rows.put(.chunk, $0, count: 1 << 20) { _ in } }
            }
            #expect(rows.isFailed)
            #expect(rows.text(.queue, "more") == nil || body == .memory)
            return "an effect"
        }
        #expect(result.isFull)
        #expect(result.released == nil)
        #expect(store.headRoom == room)
        try store.read { rows in
            #expect(rows.text(.queue, "stays") == "old")
            #expect(rows.text(.queue, "goes") == "there")
            #expect(rows.count(.queue) == 2)
            #expect(rows.count(.chunk) == 0)
        }
        #expect(store.batch { $0.put(.queue, "stays", "newer") }.isDurable)
    }

    /// Admission stops at the reserve; a store that is full in this sense can be emptied.
    @Test(arguments: Body.allCases) func aFullStoreDrains(_ body: Body) throws {
        let store = try body.make(in: scratch)
        var extents: UInt64 = 0
        while store.headRoom.acceptableBytes > 600 << 10 {
            let result = store.batch { rows in
                extents += 1
                var cursor = ExtentCursor(extent: extents)
                let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: extents), count: 500_000)
                bytes.withUnsafeBytes { PayloadWriter.append($0, to: &cursor, in: rows) }
                PayloadWriter.finish(cursor, in: rows)
            }
            #expect(result.isDurable)
        }
        #expect(extents > 40)
        for extent in 1...extents {
            var isComplete = false
            while !isComplete {
                let result = store.batch { PayloadWriter.delete(extent: extent, limit: 20, in: $0) }
                isComplete = try #require(result.released).isComplete
            }
        }
        #expect(try store.read { $0.count(.chunk) } == 0)
        // The pages that the last batches freed come back with the next ones.
        for number in 0..<3 { _ = store.batch { $0.put(.meta, "touch", "\(number)") } }
        #expect(store.headRoom.acceptableBytes > 28 << 20)
        #expect(store.headRoom.usedBytes < 512 << 10)
    }
}
