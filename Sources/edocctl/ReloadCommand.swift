// ReloadCommand: `edocctl reload`: the daemon reads its configuration anew.

import ArgumentParser
import ControlAPI
import Language

struct ReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: phrase(
            "Have the daemon read its configuration anew, whole or not at all.",
            "Cho dịch vụ edocd đọc lại cấu hình, trọn vẹn hoặc không gì cả."))

    @OptionGroup var common: CommonOptions
    @Flag(
        help: .init(
            phrase(
                "Also when more than 5 % of the rows would be moved or removed.",
                "Kể cả khi quá 5 % số dòng bị chuyển hoặc bỏ."))) var force = false

    func run() async throws {
        let uri = ControlPath.query(ControlPath.reload, [("force", force ? "true" : nil)])
        let answer = try await common.shown(try await common.client.post(uri, json: []), ReloadView.text)
        if !answer.isApplied { throw NegativeAnswer(sentence: ReloadView.refused) }
    }
}

enum ReloadView {
    static let refused = "The old configuration stays."
    static func text(_ answer: ReloadAnswer) -> String {
        answer.lines.map { Shown.text($0) + "\n" }.joined()
    }
}
