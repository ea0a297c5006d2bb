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

    @OptionGroup var common: CommonOptions

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
                limit.setting == "built in" ? phrase("built in", "cố định") : limit.setting,
            ])
        }
        let binding = answer.limits.filter(\.binds)
        let width = columns.map { max($0, 20) } ?? .max
        let lines =
            binding.isEmpty
            ? [phrase("No limit binds now.", "Hiện không giới hạn nào chặn.")]
            : binding.map { phrase("Binds now: \($0.name): \($0.effect)", "Đang chặn: \(name($0.name))") }
        return table.text(columns: columns, shrinking: 5) + "\n"
            + lines.map { Shown.broken(Shown.text($0), to: width).joined(separator: "\n  ") + "\n" }.joined()
    }

    /// The daemon's name of a limit; what it is of (a peer, an agency) stands behind it as it is.
    private static func name(_ text: String) -> String {
        let known = [
            ("store without its reserve", "kho, không kể dự trữ"), ("reserve", "dự trữ"),
            ("promised to documents coming in", "dành cho văn bản đang đến"), ("active envelopes", "gói tin đang gửi"),
            ("wake-ups", "lần hẹn xem lại"), ("bytes received, not yet durable", "byte đã nhận, chưa ghi bền"),
            ("sessions that others opened", "phiên do nút khác mở"), ("submission connections", "kết nối nộp văn bản"),
            ("bytes of one document", "byte của một văn bản"),
            ("recipients of one document", "nơi nhận của một văn bản"),
            ("lifetime", "thời hạn"), ("hops", "số chặng"), ("stops of a path", "điểm dừng trên đường"),
            ("rows of one report", "dòng của một báo cáo"), ("bytes of one batch", "byte của một lô ghi"),
        ]
        if let found = known.first(where: { $0.0 == text }) { return phrase(text, found.1) }
        let beginnings = [
            ("envelopes of peer ", "gói tin của nút "), ("bytes of peer ", "byte của nút "),
            ("envelopes of sender ", "gói tin của nơi gửi "), ("bytes of sender ", "byte của nơi gửi "),
            ("window to ", "cửa sổ tới "),
        ]
        guard let found = beginnings.first(where: { text.hasPrefix($0.0) }) else { return text }
        let rest = text.dropFirst(found.0.count)
        return phrase(
            text, found.1 + rest.replacing(", transfers", with: ", lượt").replacing(", bytes", with: ", byte"))
    }

    private static func amount(_ value: UInt64, _ unit: String) -> String {
        switch unit {
        case "bytes": Shown.size(value)
        case "milliseconds": Shown.span(value / 1_000)
        default: String(value)
        }
    }
}
