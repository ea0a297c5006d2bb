// Span: a span of time as a person reads it, one number and its unit: `19d`, in Vietnamese `19 ngày`. Pure functions. What people type
// (`--for 3d`, and the configuration) is the English form in both languages.

public enum Span {
    public enum Unit: Character, Sendable, CaseIterable {
        case seconds = "s"
        case minutes = "m"
        case hours = "h"
        case days = "d"

        fileprivate var shortVietnamese: String {
            switch self {
            case .seconds: "s"
            case .minutes: "ph"
            case .hours: "h"
            case .days: "ng"
            }
        }

        fileprivate var vietnamese: String {
            switch self {
            case .seconds: "giây"
            case .minutes: "phút"
            case .hours: "giờ"
            case .days: "ngày"
            }
        }
    }

    /// For the title of a narrow column, as short in both languages.
    public static func short(_ number: UInt64, _ unit: Unit, _ language: Language = .current) -> String {
        language("\(number)\(unit.rawValue)", "\(number)\(unit.shortVietnamese)")
    }

    public static func text(_ number: UInt64, _ unit: Unit, _ language: Language = .current) -> String {
        language("\(number)\(unit.rawValue)", "\(number) \(unit.vietnamese)")
    }

    /// A span that another program wrote in English; nil where the text is none.
    static func vietnamese(_ text: String) -> String? {
        guard let unit = text.last.flatMap(Unit.init), let number = UInt64(text.dropLast()) else { return nil }
        return self.text(number, unit, .vietnamese)
    }
}
