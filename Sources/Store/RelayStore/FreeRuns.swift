// FreeRuns: how the free pages of the file lie: how many rows of several pages still find pages side by side. A value, counted behind a
// commit from LMDB's records of free pages, in the order in which LMDB takes them up. It cannot fail.
//
// LMDB looks for a run in the records that it has taken up and takes up one more, oldest first, when there is none; after sixty records
// a page it gives up and takes pages behind the last one. So only the first records count here: what lies in later ones is not found, or
// found at the price of going through all that comes before.

import LMDB

struct FreeRuns: Sendable, Hashable {
    /// The lengths into which runs are cut, longest first.
    static let lengths = [8, 4, 2]
    private static let recordsMax = 100
    /// Of the file; runs behind these are not looked at.
    private static let pagesMax: UInt = 1 << 26

    /// How many runs of each length there are, when every run is cut into as long ones as it has.
    private(set) var counts = [0, 0, 0]
    /// Pages of the longest run.
    private(set) var longest = 0
    /// Free pages looked at, and those of them that lie in runs of at least eight.
    private(set) var pages = 0
    private(set) var pagesInLongRuns = 0

    init() {}

    /// `records` lends the records of free pages that the next writer may take. `isWhole`: all of them are looked at.
    init(
        endPages: UInt64, isWhole: Bool = false,
        _ records: ((UnsafeBufferPointer<UInt>) -> Bool) throws(LMDBError) -> Void
    ) throws(LMDBError) {
        let count = Int(min(UInt(clamping: endPages), Self.pagesMax))
        var map = [UInt64](repeating: 0, count: count / 64 + 1)
        var seen = 0
        try records { page in
            for number in page where number < UInt(count) { map[Int(number / 64)] |= 1 << UInt64(number % 64) }
            seen += 1
            return isWhole || seen < Self.recordsMax
        }
        tally(map)
    }

    private mutating func tally(_ map: [UInt64]) {
        var run = 0
        for word in map {
            if word == 0 {
                if run > 0 { add(run) }
                run = 0
            } else if word == .max {
                run += 64
            } else {
                var rest = word
                var left = 64
                while left > 0 {
                    let free = min((~rest).trailingZeroBitCount, left)
                    run += free
                    left -= free
                    if left == 0 { break }
                    rest = free == 64 ? 0 : rest >> UInt64(free)
                    if run > 0 { add(run) }
                    run = 0
                    let used = min(rest.trailingZeroBitCount, left)
                    left -= used
                    rest = used == 64 ? 0 : rest >> UInt64(used)
                }
            }
        }
        if run > 0 { add(run) }
    }

    private mutating func add(_ run: Int) {
        pages += run
        longest = max(longest, run)
        if run >= Self.lengths[0] { pagesInLongRuns += run / Self.lengths[0] * Self.lengths[0] }
        var rest = run
        for (index, length) in Self.lengths.enumerated() {
            counts[index] += rest / length
            rest %= length
        }
    }

    /// The most pages that the next row of payload may take. A part of the runs is left to rows of other tables, which take single
    /// pages from anywhere.
    func pagesOfNextRow(of found: FreeRuns) -> Int {
        for (index, length) in Self.lengths.enumerated() where counts[index] > found.counts[index] / 4 { return length }
        return 1
    }

    /// A row of so many pages has been written.
    mutating func take(_ pages: Int) {
        guard pages > 1 else { return }
        for index in Self.lengths.indices.reversed() where Self.lengths[index] >= pages && counts[index] > 0 {
            counts[index] -= 1
            return
        }
        // Longer than the lengths that are counted: as many of the longest.
        counts[0] = max(0, counts[0] - (pages + 7) / 8)
    }
}
