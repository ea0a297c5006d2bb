// Timestamp: a moment as the control interface writes it: RFC 3339 in UTC with milliseconds, `2026-03-09T07:05:00.000Z`.
// A value without clock and without Foundation. Parsing fails by nil, decoding by an error.

/// Milliseconds since 1970 by the wall clock.
public struct Timestamp: Hashable, Sendable, Comparable {
    public var unixMilliseconds: Int64

    /// The last moment that four digits of a year can say; a peer's clock may be anywhere.
    public static let latest: Int64 = 253_402_300_799_999

    public init(unixMilliseconds: Int64) { self.unixMilliseconds = min(max(unixMilliseconds, 0), Self.latest) }

    public init(clamping unixMilliseconds: UInt64) {
        self.unixMilliseconds = Int64(min(unixMilliseconds, UInt64(Self.latest)))
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.unixMilliseconds < right.unixMilliseconds }

    /// Whole seconds from `self` to `later`; zero when it is earlier.
    public func seconds(until later: Timestamp) -> UInt64 {
        later > self ? UInt64(later.unixMilliseconds - unixMilliseconds) / 1_000 : 0
    }

    public var text: String {
        let (days, inDay) = unixMilliseconds.quotientAndRemainder(dividingBy: 86_400_000)
        let (year, month, day) = Self.civil(days)
        func padded(_ number: Int64, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let date = padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2)
        let time =
            padded(inDay / 3_600_000, 2) + ":" + padded(inDay / 60_000 % 60, 2) + ":" + padded(inDay / 1_000 % 60, 2)
        return date + "T" + time + "." + padded(inDay % 1_000, 3) + "Z"
    }

    /// Parses a day (which begins in UTC), or a day with a time in UTC (`Z`) or with an offset (`+07:00`); seconds and fraction may
    /// be left out.
    public init?(text: String) {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int64? {
            guard range.upperBound <= bytes.count else { return nil }
            var result: Int64 = 0
            for byte in bytes[range] {
                guard byte >= 0x30, byte <= 0x39 else { return nil }
                result = result * 10 + Int64(byte - 0x30)
            }
            return result
        }
        func has(_ character: Unicode.Scalar, at index: Int) -> Bool {
            index < bytes.count && bytes[index] == UInt8(ascii: character)
        }
        guard let year = number(0..<4), has("-", at: 4), let month = number(5..<7), has("-", at: 7),
            let day = number(8..<10), year >= 1970, (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        let days = Self.days(year, month, day)
        guard Self.civil(days) == (year, month, day) else { return nil }
        var milliseconds = days * 86_400_000
        if bytes.count > 10 {
            guard has("T", at: 10) || has(" ", at: 10), let hour = number(11..<13), has(":", at: 13),
                let minute = number(14..<16), hour < 24, minute < 60
            else { return nil }
            milliseconds += hour * 3_600_000 + minute * 60_000
            var next = 16
            if has(":", at: 16) {
                guard let second = number(17..<19), second < 60 else { return nil }
                milliseconds += second * 1_000
                next = 19
            }
            if has(".", at: next) {
                guard let fraction = number(next + 1..<next + 4) else { return nil }
                milliseconds += fraction
                next += 4
            }
            if next + 1 == bytes.count, has("Z", at: next) {
                next += 1
            } else if has("+", at: next) || has("-", at: next), has(":", at: next + 3) {
                guard let hours = number(next + 1..<next + 3), let minutes = number(next + 4..<next + 6), hours < 24,
                    minutes < 60
                else { return nil }
                let offset = hours * 3_600_000 + minutes * 60_000
                milliseconds += has("+", at: next) ? -offset : offset
                next += 6
            } else {
                // A time of day without a zone would mean another moment to everybody.
                return nil
            }
            guard next == bytes.count else { return nil }
        }
        guard (0...Self.latest).contains(milliseconds) else { return nil }
        unixMilliseconds = milliseconds
    }

    /// The day of the Gregorian calendar that lies so many days after 1970-01-01 (eras of 400 years, from March on).
    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        return (yearOfEra + era * 400 + (month >= 10 ? 1 : 0), month < 10 ? month + 3 : month - 9, day)
    }

    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

extension Timestamp: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let time = Timestamp(text: text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a time: \(text)")
        }
        self = time
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
