// QueueListCommand: `edocctl queue list`: the pairs that a selector means, a page at a time, or all of them page by page as they come.

import ArgumentParser
import ControlAPI
import Language

struct QueueListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: phrase(
            "Envelopes and recipients, by whatever conditions; all must hold.",
            "Gói tin và nơi nhận theo các điều kiện; phải thỏa tất cả."))

    @OptionGroup var common: CommonOptions
    @OptionGroup var selector: SelectorOptions
    @Option(help: .init(phrase("Lines of a page.", "Số dòng mỗi trang."))) var limit = 50
    @Option(help: .init(phrase("Where an earlier page ended.", "Nơi trang trước kết thúc."))) var cursor: String?
    @Flag(
        help: .init(
            phrase(
                "Page after page to the end; with --json one line an entry.",
                "Lần lượt mọi trang cho đến hết; với --json mỗi mục một dòng.")))
    var all = false

    func run() async throws {
        var next = cursor
        var table = QueueListView.table()
        var isFirst = true
        var scanned: UInt64 = 0
        repeat {
            let items = selector.values.queryItems + [("limit", all ? "1000" : String(limit)), ("cursor", next)]
            let bytes = try await common.client.get(ControlPath.query(ControlPath.queueList, items))
            let answer = try common.decoded(QueueListAnswer.self, bytes)
            scanned += answer.scanned
            next = answer.cursor
            if common.json {
                try all ? sayLines(answer) : Output.say(Shown.json(String(decoding: bytes, as: UTF8.self)) + "\n")
                if !all { return }
                continue
            }
            QueueListView.add(answer, to: &table)
            if !table.isEmpty {
                Output.say(
                    table.text(
                        columns: Terminal.columns, yielding: QueueListView.yields, withTitles: isFirst))
                isFirst = false
                table.clear()
            }
            // A rare line may need several pages; without --all the first page with lines is shown.
            if !all, !isFirst || next == nil || scanned >= QueueListView.scanShown {
                Output.say(QueueListView.end(answer, isEmpty: isFirst, scanned: scanned, columns: Terminal.columns))
                return
            }
        } while next != nil
        if !common.json, isFirst { Output.say(QueueListView.none + "\n") }
    }

    private func sayLines(_ answer: QueueListAnswer) throws {
        var text = ""
        for line in answer.lines {
            text += Shown.json(String(decoding: try ControlJSON.bytes(line), as: UTF8.self)) + "\n"
        }
        Output.say(text)
    }
}

enum QueueListView {
    /// Rows looked at before a page without lines is shown as what it is.
    static let scanShown: UInt64 = 100_000

    static func table() -> TextTable {
        TextTable([
            (phrase("NUMBER", "SỐ"), .right), (phrase("TO", "NƠI NHẬN"), .left), ("", .left),
            (phrase("STATE", "TRẠNG THÁI"), .left),
            (phrase("U", "K"), .left), (phrase("AGE", "TUỔI"), .right), (phrase("SIZE", "CỠ"), .right),
            (phrase("TRIES", "LẦN"), .right), (phrase("NEXT", "THỬ LẠI"), .left), (phrase("HOP", "CHẶNG"), .left),
            (phrase("LAST ANSWER", "TRẢ LỜI"), .left),
        ])
    }
    /// What was answered has the most words; `show` has all of them.
    static let yields: [TextTable.Yield] = [.cut(10, to: 24), .drop(7), .drop(6), .cut(10), .drop(5), .cut(9)]

    static func add(_ answer: QueueListAnswer, to table: inout TextTable) {
        for line in answer.lines {
            let words = [line.reason, line.lastAnswer.isEmpty ? nil : line.lastAnswer].compactMap {
                $0.map(Shown.sentence)
            }
            table.add([
                String(line.number), line.recipient, line.kind.map(Words.kindMark) ?? "", Words.state(line.state),
                Words.shortUrgency(line.urgency),
                Shown.span(line.accepted.seconds(until: answer.now)), Shown.shortSize(line.bytes),
                String(line.attempts),
                line.nextAttempt.map { Shown.span(answer.now.seconds(until: $0)) } ?? "-", line.nextHops.first ?? "-",
                words.joined(separator: "; "),
            ])
        }
    }

    static var none: String { phrase("Nothing here is meant by that.", "Không có gì ở đây thỏa các điều kiện đó.") }

    /// What stands below a page.
    static func end(_ answer: QueueListAnswer, isEmpty: Bool, scanned: UInt64, columns: Int? = nil) -> String {
        guard let cursor = answer.cursor.map(Shown.text) else { return isEmpty ? none + "\n" : "" }
        let of = answer.total.map { phrase(" of \($0)", " trên \($0)") } ?? ""
        let text = phrase(
            "Scanned \(scanned)\(of) rows. There is more: --cursor \(cursor), or --all\n",
            "Đã xem \(scanned)\(of) dòng. Còn nữa: --cursor \(cursor), hoặc --all\n")
        return Shown.folded(text, to: columns)
    }
}
