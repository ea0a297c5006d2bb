// LimitsCommand: `edocctl limits`: every bound, how close it is, and which ones bind now.

import ArgumentParser
import ControlAPI
import Language

struct LimitsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limits",
        abstract: phrase(
            "Every bound, how close it is, and which ones bind now.",
            "Mọi giới hạn, còn cách bao xa, và giới hạn nào đang chặn."))

    @OptionGroup var common: LiveOptions

    func run() async throws {
        try await common.show(ControlPath.limits) { LimitsView.text($0, columns: Terminal.columns) }
    }
}

enum LimitsView {
    static func text(_ answer: LimitsAnswer, columns: Int? = nil) -> String {
        var table = TextTable([
            (phrase("LIMIT", "GIỚI HẠN"), .left), (phrase("USED", "ĐÃ DÙNG"), .right), (phrase("OF", "MỨC"), .right),
            ("%", .right), ("", .left), (phrase("SETTING", "THIẾT LẬP"), .left),
        ])
        for limit in answer.limits {
            table.add([
                name(limit.name), limit.used.map { amount($0, limit.unit) } ?? "-", amount(limit.value, limit.unit),
                limit.percent.map(String.init) ?? "-", limit.binds ? phrase("BINDS", "CHẶN") : "",
                limit.setting == "built in" ? phrase("built in", "cố định") : Shown.sentence(limit.setting),
            ])
        }
        let binding = answer.limits.filter(\.binds)
        let width = columns.map { max($0, 20) } ?? .max
        let lines =
            binding.isEmpty
            ? [phrase("No limit binds now.", "Hiện không giới hạn nào chặn.")]
            : binding.map { phrase("Binds now: ", "Đang chặn: ") + name($0.name) + ": " + Shown.sentence($0.effect) }
        return table.text(columns: columns, yielding: [.cut(0, to: 20)], wrapping: true) + "\n"
            + lines.map { Shown.broken(Shown.text($0), to: width).joined(separator: "\n  ") + "\n" }.joined()
    }

    private static func name(_ text: String) -> String { Shown.sentence(text) }

    private static func amount(_ value: UInt64, _ unit: String) -> String {
        switch unit {
        case "bytes": Shown.size(value)
        case "milliseconds": Shown.span(value / 1_000)
        default: String(value)
        }
    }
}
