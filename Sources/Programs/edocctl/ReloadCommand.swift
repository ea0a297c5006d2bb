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

    @OptionGroup var common: LiveOptions
    @Flag(
        help: .init(
            phrase(
                "Also when more than 5 % of the rows would be moved or removed.",
                "Kể cả khi quá 5 % số dòng bị chuyển hoặc bỏ."))) var force = false
    @Flag(
        help: .init(
            phrase(
                "Only say what it would change; nothing is changed.", "Chỉ nói sẽ thay đổi gì; không thay đổi gì.")))
    var dryRun = false

    func validate() throws {
        guard force, dryRun else { return }
        throw ValidationError(phrase("--force and --dry-run exclude each other", "--force và --dry-run loại trừ nhau"))
    }

    func run() async throws {
        let uri = ControlPath.query(
            ControlPath.reload, [("force", force ? "true" : nil), ("dry", dryRun ? "true" : nil)])
        let answer = try await common.shown(try await common.client.post(uri, json: []), ReloadView.text)
        if dryRun, !answer.isApplied { throw NegativeAnswer(sentence: ReloadView.wouldBeRefused) }
        if !answer.isApplied { throw NegativeAnswer(sentence: ReloadView.refused) }
    }
}

enum ReloadView {
    static var refused: String { phrase("The old configuration stays.", "Cấu hình cũ vẫn được dùng.") }

    static var wouldBeRefused: String { phrase("It would be refused.", "Sẽ bị từ chối.") }
    static var dry: String {
        phrase("Nothing was changed; it would change:", "Chưa thay đổi gì; sẽ thay đổi:")
    }

    static func text(_ answer: ReloadAnswer, columns: Int? = nil) -> String {
        // What needed force has had it.
        let lines = answer.isApplied ? answer.lines.filter { !$0.hasSuffix(": needs force") } : answer.lines
        let head = answer.isDry == true ? dry + "\n" : ""
        return head
            + lines.map { line in
                let words = line.drop { $0 == " " }
                let text = line.prefix(line.count - words.count) + Shown.sentence(String(words))
                return Shown.folded(Shown.text(String(text)), to: columns, hanging: 4) + "\n"
            }.joined()
    }
}
