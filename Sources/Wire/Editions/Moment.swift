// Moment: when something is so, in seconds since 1970 (UTC), written in the time of Vietnam. A value; reads no clock. A text that is
// no moment has none: nil.

import RelayModel

/// A date with an hour, in UTC+7. There is one way to write it: `2026-07-01` at the beginning of a day, else
/// `2026-07-01T12:00:00+07:00`.
public struct Moment: Hashable, Sendable, Comparable {
    /// Since 1970-01-01T00:00:00Z.
    public var seconds: Int64

    public init(seconds: Int64) { self.seconds = seconds }

    public static let offsetSeconds: Int64 = 7 * 3_600
    public static let daySeconds: Int64 = 86_400
    /// Years that can be written.
    public static let years: ClosedRange<Int> = 2_000...2_999
    /// Octets of the longest form.
    static let textBytesMax = 25

    /// What a clock on the wall shows, rounded down.
    public init(_ time: WallTime) { seconds = Int64(clamping: time.unixMilliseconds / 1_000) }

    /// The beginning of a day; nil where there is no such day.
    public init?(year: Int, month: Int, day: Int) {
        guard Self.years.contains(year), (1...12).contains(month),
            (1...Self.days(of: month, in: year)).contains(day)
        else { return nil }
        seconds = Int64(Self.dayNumber(year, month, day)) * Self.daySeconds - Self.offsetSeconds
    }

    /// A text of the one form; nil for any other.
    public init?(_ text: String) {
        var text = text
        guard let moment = text.withUTF8({ Self.parsed(UnsafeRawBufferPointer($0)) }) else { return nil }
        self = moment
    }

    public func adding(days: Int) -> Moment { Moment(seconds: seconds &+ Int64(days) &* Self.daySeconds) }
    public func adding(hours: Int) -> Moment { Moment(seconds: seconds &+ Int64(hours) &* 3_600) }

    public static func < (left: Moment, right: Moment) -> Bool { left.seconds < right.seconds }

    /// The one form.
    public var text: String {
        let local = seconds &+ Self.offsetSeconds
        var day = local / Self.daySeconds
        var second = local % Self.daySeconds
        if second < 0 {
            second += Self.daySeconds
            day -= 1
        }
        let date = Self.date(ofDay: Int(day))
        let dayText = "\(Self.padded(date.year, 4))-\(Self.padded(date.month, 2))-\(Self.padded(date.day, 2))"
        if second == 0 { return dayText }
        let hour = Self.padded(Int(second / 3_600), 2)
        return "\(dayText)T\(hour):\(Self.padded(Int(second / 60 % 60), 2)):\(Self.padded(Int(second % 60), 2))+07:00"
    }

    /// Of the octets of one text.
    static func parsed(_ bytes: UnsafeRawBufferPointer) -> Moment? {
        guard bytes.count == 10 || bytes.count == textBytesMax else { return nil }
        func digits(_ start: Int, _ count: Int) -> Int? {
            var value = 0
            for byte in bytes[start..<start + count] {
                guard (0x30...0x39).contains(byte) else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            return value
        }
        func holds(_ index: Int, _ byte: Unicode.Scalar) -> Bool { bytes[index] == UInt8(ascii: byte) }
        guard holds(4, "-"), holds(7, "-"), let year = digits(0, 4), let month = digits(5, 2), let day = digits(8, 2),
            var moment = Moment(year: year, month: month, day: day)
        else { return nil }
        if bytes.count == 10 { return moment }
        guard holds(10, "T"), holds(13, ":"), holds(16, ":"), holds(19, "+"), holds(22, ":"),
            let hour = digits(11, 2), let minute = digits(14, 2), let second = digits(17, 2),
            digits(20, 2) == 7, digits(23, 2) == 0, hour < 24, minute < 60, second < 60
        else { return nil }
        let within = hour * 3_600 + minute * 60 + second
        // The beginning of a day is written as the day.
        guard within > 0 else { return nil }
        moment.seconds += Int64(within)
        return moment
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }

    private static func days(of month: Int, in year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01 in the Gregorian calendar; years are counted from March, so that the leap day is their last.
    private static func dayNumber(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func date(ofDay number: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = number + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}

extension Moment: CustomStringConvertible {
    public var description: String { text }
}
