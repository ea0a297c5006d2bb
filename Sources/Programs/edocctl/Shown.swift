// Shown: text, sizes, spans and moments as a person reads them. Pure functions, but for the zone of local time, which the C
// library knows. Nothing that steers a terminal passes: such characters are shown as \u{…}.

import ControlAPI
import Glibc
import Language
import RelayLanguage

enum Shown {
    /// Text from elsewhere, harmless on a terminal and in one line.
    static func text(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: steers) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if steers(scalar) {
                result += "\\u{" + String(scalar.value, radix: 16) + "}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A sentence of the daemon, in the language of this process.
    static func sentence(_ text: String) -> String { RelaySentence.inLanguage(text) }

    /// JSON that says the same and is harmless on a terminal: outside of texts JSON has no such characters.
    static func json(_ json: String) -> String {
        guard json.unicodeScalars.contains(where: { steers($0) && $0 != "\n" }) else { return json }
        var result = ""
        for scalar in json.unicodeScalars {
            guard steers(scalar), scalar != "\n", scalar != "\t", scalar != "\r" else {
                result.unicodeScalars.append(scalar)
                continue
            }
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return result
    }

    /// Controls, and the invisible signs that turn the order of a line around.
    private static func steers(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    /// Columns that a text takes on a terminal.
    static func width(_ text: String) -> Int { TextColumns.width(text) }

    /// The beginning of a text in at most so many columns, with a sign that there is more.
    static func cut(_ text: String, to columns: Int) -> String {
        guard width(text) > columns else { return text }
        var result = ""
        var left = columns - 1
        for character in text {
            left -= width(String(character))
            guard left >= 0 else { break }
            result.append(character)
        }
        return result + "…"
    }

    static func broken(_ text: String, to columns: Int, first more: Int = 0) -> [String] {
        TextColumns.broken(text, to: columns, first: more)
    }

    static func folded(_ text: String, to columns: Int?, hanging: Int = 2) -> String {
        TextColumns.folded(text, to: columns, hanging: hanging)
    }

    /// `999 B`, `1.5 KiB`, `64 MiB`; rounded down.
    static func size(_ bytes: UInt64) -> String {
        guard bytes >= 1_024 else { return "\(bytes) B" }
        let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        var index = 0
        var unit: UInt64 = 1_024
        while index + 1 < units.count, bytes / unit >= 1_024 {
            unit <<= 10
            index += 1
        }
        let whole = bytes / unit
        guard whole < 10 else { return "\(whole) \(units[index])" }
        let tenth = min(bytes % unit / (unit / 10), 9)
        return tenth == 0 ? "\(whole) \(units[index])" : "\(whole).\(tenth) \(units[index])"
    }

    /// The same in at most four columns: `999B`, `1.5K`, `64M`.
    static func shortSize(_ bytes: UInt64) -> String {
        let parts = size(bytes).split(separator: " ")
        return String(parts[0].prefix(4) + parts[1].prefix(1))
    }

    /// `9999`, `12k`, `1.2M`; rounded down.
    static func count(_ count: UInt64) -> String {
        guard count >= 10_000 else { return String(count) }
        let units = ["k", "M", "G", "T", "P", "E"]
        var index = 0
        var unit: UInt64 = 1_000
        while index + 1 < units.count, count / unit >= 1_000 {
            unit *= 1_000
            index += 1
        }
        let whole = count / unit
        let tenth = count % unit / (unit / 10)
        return whole < 10 && tenth > 0 ? "\(whole).\(tenth)\(units[index])" : "\(whole)\(units[index])"
    }

    /// `45s`, `3m`, `2h`, `5d`; in Vietnamese `45 giây`, `3 phút`, `2 giờ`, `5 ngày`.
    static func span(_ seconds: UInt64) -> String {
        let (number, unit) = largest(seconds)
        return Span.text(number, unit)
    }

    /// The same for the title of a narrow column: `3m`, in Vietnamese `3ph`.
    static func shortSpan(_ seconds: UInt64) -> String {
        let (number, unit) = largest(seconds)
        return Span.short(number, unit)
    }

    private static func largest(_ seconds: UInt64) -> (UInt64, Span.Unit) {
        switch seconds {
        case 0..<60: (seconds, .seconds)
        case 60..<3_600: (seconds / 60, .minutes)
        case 3_600..<86_400: (seconds / 3_600, .hours)
        default: (seconds / 86_400, .days)
        }
    }

    /// The same, rounded to the nearest: what is to last two hours is not `1h` after a second.
    static func nearestSpan(_ seconds: UInt64) -> String {
        switch seconds {
        case 0..<60: Span.text(seconds, .seconds)
        case 60..<3_570: Span.text((seconds + 30) / 60, .minutes)
        case 3_570..<84_600: Span.text((seconds + 1_800) / 3_600, .hours)
        default: Span.text((seconds + 43_200) / 86_400, .days)
        }
    }

    /// Of what was to last until a moment that is over.
    static func ended(_ name: String, _ ends: Timestamp) -> String {
        phrase("\(name) has ended, on \(Shown.time(ends))", "\(name) đã hết hạn từ \(Shown.time(ends))")
    }

    /// `90s`, `36h`, `3d`: in the largest unit that says it wholly.
    static func exactSpan(_ seconds: UInt64) -> String {
        for (length, unit) in [(UInt64(86_400), Span.Unit.days), (3_600, .hours), (60, .minutes)]
        where seconds >= length && seconds % length == 0 {
            return Span.text(seconds / length, unit)
        }
        return Span.text(seconds, .seconds)
    }

    /// `94 more`, and what shows them.
    static func more(_ count: Int, _ how: String) -> String {
        phrase("\(count) more: \(how)", "còn \(count) nữa: \(how)")
    }

    /// The first few of many names: `H01, H02, H03 and 97 more`.
    static func names(_ names: [String], max count: Int = 8) -> String {
        // One more takes no more room than saying so.
        guard names.count > count + 1 else { return names.joined(separator: ", ") }
        let (first, rest) = (names.prefix(count).joined(separator: ", "), names.count - count)
        return phrase("\(first) and \(rest) more", "\(first) và \(rest) nữa")
    }

    /// `1 recipient`, `2 recipients`; Vietnamese has one form.
    static func counted(_ count: UInt64, _ one: String, _ many: String, _ vietnamese: String) -> String {
        phrase("\(count) \(count == 1 ? one : many)", "\(count) \(vietnamese)")
    }

    /// Times of a column, without the zone when it is the same for all: that goes into the title.
    static func times(_ times: [Timestamp], _ title: String) -> (title: String, texts: [String]) {
        let texts = times.map { Shown.time($0) }
        guard let first = texts.first, first.count > 7, texts.allSatisfy({ $0.suffix(6) == first.suffix(6) }) else {
            return (title, texts)
        }
        return ("\(title) (\(first.suffix(6)))", texts.map { String($0.dropLast(7)) })
    }

    /// `2026-03-09 14:05:00 +07:00`, by the zone of the environment.
    static func time(_ time: Timestamp) -> String {
        var seconds = time_t(time.unixMilliseconds / 1_000)
        var parts = tm()
        guard localtime_r(&seconds, &parts) != nil else { return time.text }
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let offset = Int32(clamping: parts.tm_gmtoff / 60)
        let zone = (offset < 0 ? "-" : "+") + two(abs(offset) / 60) + ":" + two(abs(offset) % 60)
        return "\(parts.tm_year + 1_900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) \(zone)"
    }

    static func time(_ time: Timestamp?) -> String { time.map { Shown.time($0) } ?? "-" }

    /// How long ago, or how far ahead: `3m ago`, `in 2h`.
    static func distance(_ time: Timestamp, from now: Timestamp) -> String {
        if time > now {
            let span = nearestSpan(now.seconds(until: time))
            return phrase("in \(span)", "\(span) nữa")
        }
        let span = span(time.seconds(until: now))
        return phrase("\(span) ago", "\(span) trước")
    }
}
