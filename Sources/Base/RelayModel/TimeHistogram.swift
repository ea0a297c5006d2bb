// TimeHistogram: how long something took, in buckets with fixed bounds, for monitors. A value of a few hundred bytes that never grows:
// one addition a measurement. Cannot fail; sums and counts stop at the largest number.

import Trap

/// Counts of spans by bucket.
public struct TimeHistogram: Sendable, Hashable {
    /// Upper bounds of the buckets in microseconds, ascending; a span equal to a bound belongs to its bucket.
    public let bounds: [UInt64]
    /// One more than there are bounds: the last has what is longer than all of them. Not cumulative.
    public private(set) var counts: [UInt64]
    /// Microseconds of all spans together.
    public private(set) var sum: UInt64 = 0

    public init(bounds: [UInt64]) {
        demand(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "The bounds of a histogram ascend.")
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    public mutating func add(microseconds: UInt64) {
        var index = 0
        while index < bounds.count, bounds[index] < microseconds { index += 1 }
        counts[index] = counts[index] &+ 1
        let (total, overflow) = sum.addingReportingOverflow(microseconds)
        sum = overflow ? .max : total
    }

    public mutating func add(_ span: Milliseconds) { add(microseconds: span.count.saturatingTimes(1_000)) }

    public var count: UInt64 { counts.reduce(0, &+) }

    /// From acceptance to the next hop's answer: 5 ms to 3 days, the span of what an operator promises.
    public static let ofHops = TimeHistogram(bounds: [
        5_000, 20_000, 100_000, 500_000, 2_000_000, 10_000_000, 60_000_000, 300_000_000, 900_000_000, 3_600_000_000,
        14_400_000_000, 86_400_000_000, 259_200_000_000,
    ])
    /// From the decision to send to the answer: 1 ms to 5 min, a link's round trip with the other side's commit.
    public static let ofAnswers = TimeHistogram(bounds: [
        1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 5_000_000, 30_000_000,
        120_000_000, 300_000_000,
    ])
    /// From the end of the decisions to the end of the sync: 0.1 ms to 10 s.
    public static let ofCommits = TimeHistogram(bounds: [
        100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 10_000_000,
    ])
}
