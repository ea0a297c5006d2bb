// Figures: what a case found, as one line of JSON. Values with an order, because a reader looks for the same thing in the same
// place. Pure; never fails.

/// A value that can be printed as JSON.
indirect enum Figure: Sendable {
    case count(UInt64)
    case real(Double)
    case text(String)
    case flag(Bool)
    case list([Figure])
    case fields([(String, Figure)])

    static func count(_ value: Int) -> Figure { .count(UInt64(max(value, 0))) }

    var json: String {
        switch self {
        case .count(let value): String(value)
        case .real(let value): Self.number(value)
        case .text(let value): Self.quoted(value)
        case .flag(let value): value ? "true" : "false"
        case .list(let values): "[" + values.map(\.json).joined(separator: ",") + "]"
        case .fields(let values): "{" + values.map { Self.quoted($0) + ":" + $1.json }.joined(separator: ",") + "}"
        }
    }

    /// Three decimals say all that a benchmark knows.
    private static func number(_ value: Double) -> String {
        guard value.isFinite else { return "null" }
        return String((value * 1_000).rounded() / 1_000)
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\" + String(scalar)
            case _ where scalar.value < 0x20: result += " "
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

/// One promise and what was measured.
struct Target: Sendable {
    var what: String
    var bound: String
    var measured: Double
    /// Nil for what is only reached for.
    var holds: Bool?

    static func atMost(_ what: String, _ bound: Double, _ unit: String, _ measured: Double) -> Target {
        Target(what: what, bound: "≤ \(Figure.real(bound).json) \(unit)", measured: measured, holds: measured <= bound)
    }
    static func atLeast(_ what: String, _ bound: Double, _ unit: String, _ measured: Double) -> Target {
        Target(what: what, bound: "≥ \(Figure.real(bound).json) \(unit)", measured: measured, holds: measured >= bound)
    }
    static func reach(_ what: String, _ unit: String, _ measured: Double) -> Target {
        Target(what: what, bound: unit, measured: measured, holds: nil)
    }

    var figure: Figure {
        var fields: [(String, Figure)] = [
            ("what", .text(what)), ("target", .text(bound)), ("measured", .real(measured)),
        ]
        if let holds { fields.append(("pass", .flag(holds))) }
        return .fields(fields)
    }
}

/// All that one case found.
struct CaseResult: Sendable {
    var targets: [Target] = []
    var figures: [(String, Figure)] = []

    var holds: Bool { targets.allSatisfy { $0.holds ?? true } }

    func line(_ name: String, conditions: Figure) -> String {
        Figure.fields([
            ("case", .text(name)), ("pass", .flag(holds)), ("targets", .list(targets.map(\.figure))),
            ("figures", .fields(figures)), ("conditions", conditions),
        ]).json
    }
}

/// Why a case could not be measured.
struct BenchFailure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
