// AuditCommand: `edocctl audit list` and `edocctl audit verify`: the operator log, and whether it is as it was written.

import ArgumentParser
import ControlAPI
import Language
import RelayLanguage

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: phrase(
            "The operator log: who did what, when, why and to how much.",
            "Nhật ký vận hành: ai đã làm gì, khi nào, vì sao, với bao nhiêu."),
        subcommands: [AuditListCommand.self, AuditVerifyCommand.self], defaultSubcommand: AuditListCommand.self)
}

struct AuditListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: phrase("Its entries, the newest first.", "Các mục, mới nhất trước."))

    @OptionGroup var common: CommonOptions
    @Option(help: .init(phrase("Not before this day or time.", "Từ ngày hoặc thời điểm này."))) var since: String?
    @Option(help: .init(phrase("Not after this day or time.", "Đến ngày hoặc thời điểm này."))) var until: String?
    @Option(
        help: .init(
            phrase("Only what this user did: login name or number.", "Chỉ của người dùng này: tên đăng nhập hoặc số.")))
    var user: String?
    @Option(help: .init(phrase("Only this verb, such as reload.", "Chỉ việc này, ví dụ reload."))) var verb: String?
    @Option(help: .init(phrase("Lines at most.", "Số dòng tối đa."))) var limit = 50
    @Option(help: .init(phrase("Where an earlier list ended.", "Nơi danh sách trước dừng lại."))) var cursor: String?

    func run() async throws {
        let uri = ControlPath.query(
            ControlPath.audit,
            [
                ("since", since), ("until", until), ("user", user), ("verb", verb), ("limit", String(limit)),
                ("cursor", cursor),
            ])
        let isAll = [since, until, user, verb, cursor].allSatisfy { $0 == nil }
        try await common.show(uri) { AuditView.text($0, columns: Terminal.columns, isAll: isAll) }
    }
}

struct AuditVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: phrase(
            "Check the whole chain; ends with 1 when an entry was changed, removed or put in.",
            "Kiểm tra toàn bộ chuỗi; kết thúc với mã 1 khi có mục bị sửa, xóa hoặc chèn."))

    @OptionGroup var common: CommonOptions
    @Option(
        help: .init(
            phrase(
                "A hash that the journal has kept: is it part of the chain, and at which entry?",
                "Một giá trị băm mà journal đã giữ: nó có trong chuỗi không, ở mục nào?")))
    var anchor: String?

    func run() async throws {
        let client = try common.client
        var total = AuditCheck()
        var cursor: String?
        repeat {
            let uri = ControlPath.query(ControlPath.auditCheck, [("anchor", anchor), ("cursor", cursor)])
            let bytes = try await client.get(uri)
            let part = try common.decoded(AuditCheckAnswer.self, bytes)
            total.add(part)
            cursor = part.cursor
        } while cursor != nil
        if common.json {
            Output.say(String(decoding: try ControlJSON.bytes(total.answer), as: UTF8.self) + "\n")
        } else {
            Output.say(total.text(anchor: anchor))
        }
        if let answer = total.negative(anchor: anchor) { throw NegativeAnswer(sentence: answer) }
    }
}

/// The portions of a check, put together.
struct AuditCheck {
    private(set) var answer = AuditCheckAnswer(
        checked: 0, order: 0, hash: "", brokenAt: nil, why: nil, anchoredAt: nil, cursor: nil)

    mutating func add(_ part: AuditCheckAnswer) {
        let checked = answer.checked + part.checked
        let anchored = answer.anchoredAt ?? part.anchoredAt
        answer = part
        answer.checked = checked
        answer.anchoredAt = anchored
        answer.cursor = nil
    }

    func text(anchor: String?) -> String {
        var facts = FactList()
        facts.add(phrase("entries", "số mục"), String(answer.checked))
        facts.add(phrase("head", "đầu chuỗi"), answer.order == 0 ? "-" : "\(answer.order) \(answer.hash)")
        if anchor != nil, let order = answer.anchoredAt {
            facts.add(
                phrase("anchor", "mốc"),
                phrase("is entry \(order) of the chain", "là mục \(order) của chuỗi"))
        }
        if answer.brokenAt == nil { facts.add(phrase("chain", "chuỗi"), phrase("holds", "nguyên vẹn")) }
        return facts.text
    }

    func negative(anchor: String?) -> String? {
        if let order = answer.brokenAt {
            let why = Shown.text(Shown.sentence(answer.why ?? ""))
            return phrase(
                "the chain breaks at entry \(order): \(why); keep the store as it is and compare with the journal",
                "chuỗi đứt ở mục \(order): \(why); hãy giữ nguyên kho và đối chiếu với journal")
        }
        if anchor != nil, answer.anchoredAt == nil {
            return phrase(
                "the anchor is not part of the chain: entries after it were removed or replaced, or it is of another store",
                "mốc không có trong chuỗi: các mục đã bị xóa hoặc thay thế, hoặc mốc thuộc kho khác")
        }
        return nil
    }
}

enum AuditView {
    /// Two lines an entry, so that it fits a terminal of 80 columns: what was done, and below it to what and why.
    /// `isAll`: every entry was asked for.
    static func text(_ answer: AuditAnswer, columns: Int? = nil, isAll: Bool = false) -> String {
        var table = TextTable([
            (phrase("ENTRY", "MỤC"), .right), (phrase("TIME", "THỜI ĐIỂM"), .left), (phrase("WHO", "AI"), .left),
            (phrase("VERB", "VIỆC"), .left), (phrase("COUNT", "SỐ LƯỢNG"), .right),
        ])
        for entry in answer.entries {
            table.add([
                String(entry.order), Shown.time(entry.time),
                entry.login.isEmpty ? "uid \(entry.uid)" : "\(entry.login) (\(entry.uid))", entry.verb,
                entry.count == 0 ? "-" : String(entry.count),
            ])
        }
        let none =
            (isAll && answer.cursor == nil
                ? phrase("The operator log is empty.", "Nhật ký vận hành chưa có mục nào.")
                : phrase("No such entry among those looked at.", "Không có mục như vậy trong số đã xem.")) + "\n"
        var text = table.isEmpty ? none : ""
        var entries = answer.entries[...]
        for (index, line) in table.text(columns: columns, shrinking: 2).split(separator: "\n").enumerated()
        where !table.isEmpty {
            text += line + "\n"
            if index > 0, let entry = entries.popFirst() { text += below(entry, columns) }
        }
        let more =
            answer.cursor.map {
                phrase("There is more: --cursor \(Shown.text($0))", "Còn nữa: --cursor \(Shown.text($0))") + "\n"
            } ?? ""
        return text + more
    }

    private static func below(_ entry: AuditAnswer.Entry, _ columns: Int?) -> String {
        let reason = entry.reason.isEmpty ? nil : phrase("reason: ", "lý do: ") + entry.reason
        let outcome = AuditWords.inLanguage(entry.outcome)
        let subject = entry.subject.isEmpty ? nil : AuditWords.inLanguage(entry.subject)
        let parts = [subject, outcome, reason].compactMap { $0 }
        return Shown.folded("       " + Shown.text(parts.joined(separator: " · ")), to: columns) + "\n"
    }
}

/// What the daemon writes into its log of deeds, by template. Most of it is what the operator typed, and stays so.
enum AuditWords {
    static func inLanguage(_ text: String) -> String { words(text) }

    private static let words = Catalogue(
        [
            ("done", "xong"), ("begun", "đã bắt đầu"), ("failed: %", "không thành: %w1"),
            ("refused: %", "bị từ chối: %w1"), ("configuration", "cấu hình"),
        ] + CatalogueEntries.all)
}
