// WorkingTimeTests: a day of an office has no Saturday and no Sunday in it, by the clocks of Vietnam; and by when links that are down matter.

import RelayModel
import Testing

@Suite struct WorkingTimeTests {
    private static let hour: Int64 = 3_600
    /// Monday, 2026-03-09, 00:00 in Vietnam.
    private static let monday: Int64 = 1_772_989_200

    /// Hours from that Monday on, and the working hours between them.
    @Test(
        arguments: [
            (0, 0, 0), (0, 24, 24), (0, 120, 120), (0, 168, 120), (0, 336, 240), (9, 8, 0),
            // Friday noon to Monday noon; to Saturday noon; Saturday to Sunday.
            (108, 180, 24), (108, 132, 12), (121, 167, 0), (120, 168, 0), (167, 169, 1), (119, 121, 1),
        ] as [(Int64, Int64, UInt64)])
    func weekendsDoNotCount(_ from: Int64, _ to: Int64, _ hours: UInt64) {
        let (start, end) = (Self.monday + from * Self.hour, Self.monday + to * Self.hour)
        #expect(WorkingTime.seconds(from: start, to: end) == hours * 3_600)
    }

    /// The week begins at midnight in Vietnam, which is Sunday evening in UTC.
    @Test func theZoneIsThatOfVietnam() {
        // Sunday, 2026-03-08, 16:59:59 UTC, to 17:00:01.
        #expect(WorkingTime.seconds(from: Self.monday - 1, to: Self.monday + 1) == 1)
        // 1970-01-01 was a Thursday: to the end of that Friday there are two days less seven hours.
        #expect(WorkingTime.seconds(from: 0, to: 30 * 86_400) > 0)
        #expect(WorkingTime.seconds(from: 0, to: 2 * 86_400 - 7 * Self.hour) == UInt64(2 * 86_400 - 7 * Self.hour))
        #expect(WorkingTime.seconds(from: 2 * 86_400 - 7 * Self.hour, to: 4 * 86_400 - 7 * Self.hour) == 0)
    }

    /// Minutes that neighbours are down, of how many, and what that is by the standard bounds.
    @Test(
        arguments: [
            ([], 1, nil), ([9], 1, nil), ([10], 1, .warning), ([60], 1, .critical), ([600], 3, .critical),
            ([600], 4, .critical), ([600], 5, .warning), ([600], 10, .warning), ([600], 11, nil), ([600], 100, nil),
            (Array(repeating: 15, count: 9), 100, nil), (Array(repeating: 15, count: 10), 100, .warning),
            (Array(repeating: 15, count: 100), 100, .warning), (Array(repeating: 90, count: 24), 100, .warning),
            (Array(repeating: 90, count: 25), 100, .critical),
        ] as [([UInt64], Int, FindingGrade?)])
    func linksByShare(_ minutes: [UInt64], _ total: Int, _ grade: FindingGrade?) {
        #expect(FindingBounds().grade(down: minutes.map { $0 * 60 }, of: total) == grade)
    }

    /// (Urgency, count, minutes) of what waits for one that is down.
    @Test(
        arguments: [
            ([], nil), ([(0, 0, 9_999)], nil), ([(0, 99, 59)], nil), ([(0, 1, 60)], .warning),
            ([(0, 100, 1)], .warning),
            ([(0, 1_000, 1)], .critical), ([(0, 60, 1), (1, 40, 1)], .warning), ([(4, 1, 4)], nil),
            ([(4, 1, 5)], .warning),
            ([(3, 1, 30)], .critical), ([(0, 100, 1), (3, 1, 30)], .critical), ([(2, 1, 10)], .warning),
        ] as [([(Int, UInt64, UInt64)], FindingGrade?)])
    func whatWaitsForOne(_ lines: [(Int, UInt64, UInt64)], _ grade: FindingGrade?) {
        let waiting = lines.map { LinkBacklog(urgency: $0.0, count: $0.1, oldestSeconds: $0.2 * 60) }
        #expect(FindingBounds().grade(waiting) == grade)
    }
}
