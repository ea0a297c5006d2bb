// Compaction: brings the free pages of a full store together again. Rows that stand far behind are written once more, as they are, and
// LMDB puts them into the first free pages; what they leave lies behind and side by side. A bounded part in a transaction of its own,
// on the writer's thread between two batches. A part that finds no room is thrown away: nothing depends on it.
//
// Where a row stands, its address tells: pages lie in the map by their numbers (mdb.c, MDB_page; the number of a page of rows is its
// first word).

import Glibc
import LMDB
import RelayRows

/// How far the rewriting of rows has come.
struct Compaction {
    /// The table and the key where it goes on; nil while nothing is to do.
    fileprivate var place: (table: Int, key: [UInt8])?
    /// Rows on this page and those behind it are written anew.
    fileprivate var threshold: UInt64 = 0
    /// When to look whether there is something to do; milliseconds of the monotonic clock.
    fileprivate var due: UInt64 = 0
    fileprivate var pause: UInt64 = 5_000
    fileprivate var pagesInLongRuns = 0
    /// Pages that were left behind since the store was opened.
    fileprivate(set) var pagesMoved: UInt64 = 0
}

extension LMDBStore {
    private static let rowsLookedAt = 8_192
    private static let bytesMoved = 1 << 20
    private static let rowsMoved = 512
    /// Fewer free pages than these are not worth it.
    private static let pagesWorth = 1_024
    private static let pauseMax: UInt64 = 600_000

    /// Pages of rows that were moved so that free ones lie together.
    public var pagesMoved: UInt64 { compaction.pagesMoved }

    /// True while a pass is under way.
    public var hasMoreToMove: Bool { space.runs != nil && compaction.place != nil }

    /// Does a part of the work, if there is any; true when there is more. Between two batches only, on their thread.
    public func bringTogether() -> Bool {
        guard space.runs != nil else { return false }
        do throws(LMDBError) {
            if compaction.place == nil { try look() }
            guard compaction.place != nil else { return false }
            try step()
            return compaction.place != nil
        } catch {
            compaction.place = nil
            compaction.due = Self.milliseconds + Self.pauseMax
            // A page that cannot be read is left to who needs it; a commit that failed has stopped the store by itself.
            if error.fate == .full { _ = settle(error) as CommitResult<Void> }
            return false
        }
    }

    private func look() throws(LMDBError) {
        let now = Self.milliseconds
        guard now >= compaction.due, space.pinnedBytes < space.reusableBytes / 4 else { return }
        let runs = try readers.read { (handle, _) throws(LMDBError) in
            try freeRuns(environment.info, before: handle.number, isWhole: true, in: handle)
        }
        // Of a large store the look itself takes a while.
        compaction.pause = max(compaction.pause, (Self.milliseconds - now) * 100)
        let isBroken = runs.pages >= Self.pagesWorth && runs.pagesInLongRuns < runs.pages / 2
        // A pass that has not brought much is not repeated soon.
        let hasHelped = runs.pagesInLongRuns > compaction.pagesInLongRuns + runs.pages / 16
        compaction.pause = hasHelped || !isBroken ? 5_000 : min(compaction.pause * 2, Self.pauseMax)
        compaction.due = Self.milliseconds + compaction.pause
        compaction.pagesInLongRuns = runs.pagesInLongRuns
        guard isBroken else { return }
        let page = environment.pageBytes
        compaction.threshold = (space.usedBytes + space.pinnedBytes) / page + UInt64(runs.pages / 8)
        compaction.place = (0, [])
    }

    private func step() throws(LMDBError) {
        guard let place = compaction.place else { return }
        let tables = Table.allCases
        let table = tables[place.table]
        let transaction = LMDBTransaction(try environment.beginWrite(), databases, runs: space.runs)
        var walk = Walk(pageBytes: environment.pageBytes, threshold: compaction.threshold)
        var last: [UInt8]?
        var looked = 0
        transaction.scanStored(table, from: place.key) { key, value in
            walk.note(key, value, isSure: { $0 <= transaction.chunkPages })
            looked += 1
            if looked >= Self.rowsLookedAt || walk.bytes >= Self.bytesMoved || walk.keys.count >= Self.rowsMoved {
                last = Array(key)
                return false
            }
            return true
        }
        for key in walk.keys { transaction.rewrite(table, key) }
        if let failure = transaction.failure {
            transaction.abort()
            throw failure
        }
        if walk.keys.isEmpty {
            transaction.abort()
        } else {
            try commit(transaction)
            try measureAgain()
            compaction.pagesMoved += walk.pages
        }
        if let last {
            // The next key in order.
            compaction.place = (place.table, last + [0])
        } else {
            compaction.place = place.table + 1 < tables.count ? (place.table + 1, []) : nil
            if compaction.place == nil { compaction.due = Self.milliseconds + compaction.pause }
        }
    }

    /// Which of the rows that are looked at stand too far behind.
    private struct Walk {
        let pageBytes: UInt64
        let threshold: UInt64
        private var base: UInt64?
        private var lastLeaf: UInt64?
        private(set) var keys: [[UInt8]] = []
        private(set) var bytes = 0
        private(set) var pages: UInt64 = 0

        init(pageBytes: UInt64, threshold: UInt64) {
            self.pageBytes = pageBytes
            self.threshold = threshold
        }

        mutating func note(
            _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, isSure: (_ pages: Int) -> Bool
        ) {
            let leaf = UInt64(UInt(bitPattern: key.baseAddress)) & ~(pageBytes - 1)
            if base == nil, let start = UnsafeRawPointer(bitPattern: UInt(leaf)) {
                base = leaf &- start.loadUnaligned(as: UInt64.self) &* pageBytes
            }
            guard let base else { return }
            // A value of more than half a page has pages of its own.
            let isApart = value.count > Int(pageBytes) / 2
            let apart = isApart ? Int((UInt64(value.count) + 16 + pageBytes - 1) / pageBytes) : 0
            if isApart {
                let own = UInt64(UInt(bitPattern: value.baseAddress)) & ~(pageBytes - 1)
                let number = (own &- base) / pageBytes
                if number >= threshold, apart == 1 || isSure(apart) { return take(key, value, UInt64(apart)) }
            }
            // The rows of one leaf move together.
            let number = (leaf &- base) / pageBytes
            guard number >= threshold, leaf != lastLeaf, !isApart || isSure(apart) || apart == 1 else { return }
            lastLeaf = leaf
            take(key, value, 1)
        }

        private mutating func take(
            _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ count: UInt64
        ) {
            keys.append(Array(key))
            bytes += value.count + Int(pageBytes)
            pages += count
        }
    }

    private static var milliseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
    }
}
