// LogLevelCommand: `edocctl log-level`: shows or changes how much the daemon logs, without a restart.

import ArgumentParser
import ControlAPI
import Language

struct LogLevelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log-level",
        abstract: phrase("How much the daemon logs, now.", "Mức ghi nhật ký hiện thời của dịch vụ edocd."),
        discussion: phrase(
            "Levels: trace, debug, info, notice, warning, error, critical. Changing it needs the right act.",
            "Các mức: trace, debug, info, notice, warning, error, critical. Cần quyền act để thay đổi."))

    @OptionGroup var common: LiveOptions
    @Argument(
        help: ArgumentHelp(
            phrase("The new level; without it the level is shown.", "Mức mới; không nêu thì chỉ hiển thị.")))
    var level: String?
    @Option(
        name: .customLong("for"),
        help: ArgumentHelp(
            phrase("Go back by itself after this, such as 10m.", "Tự trở lại mức cũ sau thời gian này, như 10m.")))
    var span: String?

    func run() async throws {
        guard let level else {
            if span != nil { throw UsageError(sentence: phrase("--for needs a level", "--for cần kèm một mức")) }
            return try await common.show(ControlPath.logLevel, LogLevelView.text)
        }
        let uri = ControlPath.query(ControlPath.logLevel, [("level", level), ("for", span)])
        let client = try common.client
        let bytes = try await UsageError.judging { try await client.post(uri, json: []) }
        _ = try await common.shown(bytes, LogLevelView.text)
    }
}

enum LogLevelView {
    static func text(_ answer: LogLevelAnswer, columns: Int? = nil) -> String {
        var text = phrase("level \(answer.level)", "mức \(answer.level)")
        if let until = answer.until {
            text += phrase(
                ", back to \(answer.configured) at \(Shown.time(until))",
                ", trở lại \(answer.configured) lúc \(Shown.time(until))")
        } else if answer.level != answer.configured {
            text += phrase(
                ", until the next start (configured: \(answer.configured))",
                ", đến lần khởi động sau (cấu hình: \(answer.configured))")
        }
        return Shown.folded(text, to: columns) + "\n"
    }
}
