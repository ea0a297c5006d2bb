// WorkingTime: time as an office counts it: without Saturdays and Sundays, in the zone of Vietnam (UTC+7, which has no summer time).
// Holidays are not known here. Pure.

public enum WorkingTime {
    private static let day: Int64 = 86_400
    private static let zone: Int64 = 7 * 3_600
    /// From 1970-01-01, a Thursday, to the Monday after it.
    private static let firstMonday: Int64 = 4

    /// A working day, in seconds of working time: what comes on Friday at noon is a day old on Monday at noon.
    public static let daySeconds: UInt64 = 86_400

    /// Seconds between two moments (Unix time in seconds); zero when the second is earlier.
    public static func seconds(from: Int64, to: Int64) -> UInt64 {
        UInt64(max(sinceFirstMonday(to) - sinceFirstMonday(from), 0))
    }

    private static func sinceFirstMonday(_ time: Int64) -> Int64 {
        let (days, inDay) = divided(time + zone - firstMonday * day, by: day)
        let (weeks, weekday) = divided(days, by: 7)
        return (weeks * 5 + min(weekday, 5)) * day + (weekday < 5 ? inDay : 0)
    }

    /// Rounded down, also before the first Monday.
    private static func divided(_ number: Int64, by divisor: Int64) -> (quotient: Int64, rest: Int64) {
        let rest = ((number % divisor) + divisor) % divisor
        return ((number - rest) / divisor, rest)
    }
}
