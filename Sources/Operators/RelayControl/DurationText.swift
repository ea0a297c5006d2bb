// DurationText: spans of time as people type them: `90s`, `15m`, `12h`, `30d`, `500ms`. A pure function.

import RelayModel

enum DurationText {
    static func parse(_ text: String) -> Milliseconds? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = UInt64(digits) else { return nil }
        switch text.dropFirst(digits.count) {
        case "ms": return Milliseconds(number)
        case "s": return .seconds(number)
        case "m": return .minutes(number)
        case "h": return .hours(number)
        case "d": return .days(number)
        default: return nil
        }
    }
}
