// Load: documents of mixed sizes into a store and out of it again, from a seed, with the time of every batch. One
// thread.

import RelayRows
import RelayStore

struct Load {
    private let store: LMDBStore
    private let candidate: Candidate
    private var random: SplitMix
    private var nextExtent: UInt64 = 1
    /// Extents in the store, oldest first.
    private var extents: [UInt64] = []
    private let bytes: [UInt8]

    init(store: LMDBStore, candidate: Candidate, seed: UInt64) {
        self.store = store
        self.candidate = candidate
        random = SplitMix(state: seed)
        var filler = SplitMix(state: seed + 1)
        bytes = (0..<(4 << 20)).map { _ in UInt8(truncatingIfNeeded: filler.next()) }
    }

    /// Four parts of small mail, three of letters, two of scans, a tenth of large packages.
    private mutating func nextSize() -> Int {
        let jitter = Int(random.next() % 1000)
        return switch random.next() % 100 {
        case ..<40: 4096 + jitter
        case ..<70: 20_480 + jitter
        case ..<90: 204_800 + jitter * 10
        case ..<98: (1 << 20) - jitter * 100
        default: (4 << 20) - jitter * 100
        }
    }

    /// Batches of about 4 MiB until the rows take `goal` bytes.
    mutating func fill(to goal: UInt64) -> Phase {
        var phase = Phase()
        while store.headRoom.usedBytes < goal { fillOnce(&phase) }
        return phase
    }

    /// Batches of about 4 MiB with the rows held near `goal` bytes: documents leave in the batches between, half of
    /// them the oldest and half any. It is what breaks the free list into the smallest parts.
    mutating func churn(batches: Int, at goal: UInt64) -> Phase {
        var phase = Phase()
        var aside = Phase()
        for _ in 0..<batches {
            fillOnce(&phase)
            while store.headRoom.usedBytes > goal, !extents.isEmpty {
                for index in 0..<min(64, extents.count) where random.next() % 2 == 0 {
                    extents.swapAt(index, Int(random.next() % UInt64(extents.count)))
                }
                let leaving = Array(extents.prefix(64))
                deleteAll(leaving, &aside)
                extents.removeFirst(leaving.count)
            }
        }
        return phase
    }

    private mutating func fillOnce(_ phase: inout Phase) {
        var sizes: [Int] = []
        var sum = 0
        while sum < 4 << 20, sizes.count < 256 {
            sizes.append(nextSize())
            sum += sizes[sizes.count - 1]
        }
        let first = nextExtent
        phase.batch(envelopes: sizes.count, bytes: UInt64(sum)) {
            let result = store.batch { transaction -> UInt64 in
                let began = nanoseconds()
                for (index, size) in sizes.enumerated() {
                    var cursor = ExtentCursor(extent: first + UInt64(index), layout: candidate.layout(size))
                    bytes.withUnsafeBytes { all in
                        PayloadWriter.append(
                            UnsafeRawBufferPointer(rebasing: all[..<size]), to: &cursor, in: transaction)
                    }
                    PayloadWriter.finish(cursor, in: transaction)
                }
                return nanoseconds() - began
            }
            guard let rows = result.released else { fail("a filling batch failed: \(result)") }
            return rows
        }
        extents += (0..<sizes.count).map { first + UInt64($0) }
        nextExtent += UInt64(sizes.count)
    }

    /// Oldest first, but for one in ten that goes out of its turn; at most 1,024 rows a batch.
    mutating func drain(to goal: UInt64) -> Phase {
        var phase = Phase()
        var order = extents
        for index in order.indices where random.next() % 10 == 0 {
            order.swapAt(index, Int(random.next() % UInt64(order.count)))
        }
        var next = 0
        while store.headRoom.usedBytes > goal, next < order.count {
            let leaving = Array(order[next..<min(next + 64, order.count)])
            deleteAll(leaving, &phase)
            next += leaving.count
        }
        let gone = Set(order[..<next])
        extents.removeAll { gone.contains($0) }
        return phase
    }

    /// At most 1,024 rows a batch.
    private func deleteAll(_ leaving: [UInt64], _ phase: inout Phase) {
        var next = 0
        while next < leaving.count {
            phase.batch(envelopes: 0, bytes: 0) {
                let result = store.batch { transaction -> UInt64 in
                    let began = nanoseconds()
                    while next < leaving.count, transaction.rowsChanged < 1024 {
                        let limit = 1024 - Int(transaction.rowsChanged)
                        let deleted = PayloadWriter.delete(extent: leaving[next], limit: limit, in: transaction)
                        if !deleted.isComplete { break }
                        next += 1
                    }
                    return nanoseconds() - began
                }
                guard let rows = result.released else { fail("a draining batch failed: \(result)") }
                return rows
            }
        }
        phase.envelopes += leaving.count
    }
}

/// The times of one phase's batches.
struct Phase {
    var envelopes = 0
    private var bytes: UInt64 = 0
    /// Whole batches, and the part of each in which rows are changed, in nanoseconds.
    private var batches: [UInt64] = []
    private var rows: [UInt64] = []
    /// Calls of the kernel to write.
    private var writes: UInt64 = 0

    mutating func batch(envelopes: Int, bytes: UInt64, _ body: () -> UInt64) {
        let before = WriteCount.now()
        let began = nanoseconds()
        let inRows = body()
        batches.append(nanoseconds() - began)
        writes += WriteCount.now() - before
        rows.append(inRows)
        self.envelopes += envelopes
        self.bytes += bytes
    }

    func fields(_ name: String) -> String {
        let total = batches.reduce(0, +)
        let seconds = Double(total) / 1e9
        let commits = zip(batches, rows).map { $0 - $1 }
        return "\"\(name)\":{\"batches\":\(batches.count),\"envelopes\":\(envelopes),"
            + "\"writesPerMB\":\(bytes == 0 ? 0 : tenths(Double(writes) / (Double(bytes) / 1e6))),"
            + "\"MBs\":\(tenths(Double(bytes) / 1e6 / seconds)),\"perSecond\":\(Int(Double(envelopes) / seconds)),"
            + "\"rowsP50ms\":\(part(rows, 50)),\"rowsP99ms\":\(part(rows, 99)),\"rowsMaxms\":\(part(rows, 100)),"
            + "\"commitP50ms\":\(part(commits, 50)),\"commitP99ms\":\(part(commits, 99)),"
            + "\"commitMaxms\":\(part(commits, 100))}"
    }

    private func part(_ times: [UInt64], _ percent: Int) -> Double {
        let sorted = times.sorted()
        if sorted.isEmpty { return 0 }
        let index = min(sorted.count - 1, sorted.count * percent / 100)
        return Double(sorted[index] / 10_000) / 100
    }

    private func tenths(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}

/// A small seeded generator.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
