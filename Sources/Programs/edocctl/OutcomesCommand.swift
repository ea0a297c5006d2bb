// OutcomesCommand: `edocctl outcomes`: bad ends and delays of documents that were handed in here, one by one or, when there are many, by
// cause; and `edocctl outcomes ack`: they have been seen.

import ArgumentParser
import ControlAPI
import Language

struct OutcomesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "outcomes",
        abstract: phrase(
            "What became of documents handed in here, and what of it nobody has looked at yet.",
            "Kết quả của văn bản nộp tại đây, và những kết quả chưa ai xem."),
        subcommands: [OutcomesOpenCommand.self, OutcomesAckCommand.self], defaultSubcommand: OutcomesOpenCommand.self)
}

struct OutcomesOpenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open",
        abstract: phrase(
            "Bad ends and delays that nobody has acknowledged; above 1,000 by cause.",
            "Các kết thúc xấu và chậm trễ chưa được xác nhận; quá 1.000 thì gộp theo nguyên nhân."))

    @OptionGroup var common: CommonOptions
    @Option(help: .init(phrase("Only of this cause, such as expired-1.", "Chỉ nguyên nhân này, ví dụ expired-1.")))
    var cause: String?

    func run() async throws {
        let client = try common.client
        let bytes = try await client.get(ControlPath.openOutcomes)
        let open = try common.decoded(OpenOutcomesAnswer.self, bytes)
        guard cause != nil || open.total > 0 && open.total <= OpenOutcomesAnswer.listedMax else {
            Output.say(
                common.json
                    ? Shown.json(String(decoding: bytes, as: UTF8.self)) + "\n"
                    : OutcomesView.causes(open, columns: Terminal.columns))
            return
        }
        var cursor: String?
        var all: OutcomesAnswer?
        repeat {
            let uri = ControlPath.query(
                ControlPath.outcomeList,
                [("open", "true"), ("cause", cause), ("limit", "1000"), ("cursor", cursor)])
            let page = try common.decoded(OutcomesAnswer.self, try await client.get(uri))
            cursor = page.cursor
            var merged = all ?? page
            if all != nil { merged.outcomes += page.outcomes }
            merged.cursor = cursor
            all = merged
        } while cursor != nil && (all?.outcomes.count ?? 0) < Int(OpenOutcomesAnswer.listedMax)
        guard let all else { return }
        if common.json {
            Output.say(Shown.json(String(decoding: try ControlJSON.bytes(all), as: UTF8.self)) + "\n")
        } else {
            Output.say(OutcomesView.text(all, columns: Terminal.columns))
        }
    }
}

struct OutcomesAckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ack",
        abstract: phrase(
            "These bad ends and delays have been seen; status and alarms speak of them no more.",
            "Đã xem các kết thúc xấu và chậm trễ này; tình trạng và cảnh báo thôi nhắc đến."))

    @OptionGroup var common: LiveOptions
    @Argument(
        help: .init(
            phrase("Envelopes: names or beginnings of names.", "Gói tin: tên hoặc phần đầu của tên."),
            valueName: phrase("envelope", "gói-tin")))
    var envelopes: [String] = []
    @Option(
        help: .init(
            phrase(
                "Only of this cause, such as expired-1. Repeatable.",
                "Chỉ nguyên nhân này, ví dụ expired-1. Có thể lặp lại.")))
    var cause: [String] = []
    @Option(help: .init(phrase("The sending agency; or H29.*.", "Cơ quan gửi; hoặc H29.*."))) var from: String?
    @Option(help: .init(phrase("The receiving agency, or H29.*.", "Cơ quan nhận, hoặc H29.*."))) var to: String?
    @Flag(help: .init(phrase("All that are open now.", "Tất cả những gì đang mở."))) var all = false
    @Option(help: .init(phrase("Why; stands in the operator log.", "Lý do; được ghi vào nhật ký vận hành.")))
    var reason: String

    func run() async throws {
        guard all != !(envelopes.isEmpty && cause.isEmpty && from == nil && to == nil) else {
            throw UsageError(
                sentence: phrase(
                    "say which: envelopes, --cause, --from, --to; or --all",
                    "hãy nêu cái nào: gói tin, --cause, --from, --to; hoặc --all"))
        }
        let client = try common.client
        let open = try common.decoded(OpenOutcomesAnswer.self, try await client.get(ControlPath.openOutcomes))
        var order = OutcomeAckRequest(upTo: open.upTo, reason: reason)
        order.envelopes = envelopes.isEmpty ? nil : envelopes
        order.causes = cause.isEmpty ? nil : cause
        order.from = from
        order.to = to
        var total: UInt64 = 0
        repeat {
            let bytes = try await client.post(ControlPath.outcomeAck, json: try ControlJSON.bytes(order))
            let answer = try common.decoded(OutcomeAckAnswer.self, bytes)
            total += answer.acknowledged
            order.cursor = answer.cursor
        } while order.cursor != nil
        if common.json {
            let answer = OutcomeAckAnswer(acknowledged: total, cursor: nil)
            Output.say(String(decoding: try ControlJSON.bytes(answer), as: UTF8.self) + "\n")
        } else {
            Output.say(phrase("acknowledged: \(total)", "đã xác nhận: \(total)") + "\n")
        }
        if total == 0 {
            throw NegativeAnswer(
                sentence: phrase("nothing that is open is meant by that", "không có gì đang mở thỏa các điều kiện đó"))
        }
    }
}

enum OutcomesView {
    static func text(_ answer: OutcomesAnswer, columns: Int? = nil, empty: String = none) -> String {
        var table = TextTable([
            (phrase("ENVELOPE", "GÓI TIN"), .left), (phrase("TO", "NƠI NHẬN"), .left),
            (phrase("OUTCOME", "KẾT QUẢ"), .left), (phrase("AGE", "TUỔI"), .right), (phrase("AT", "TẠI"), .left),
            (phrase("OPEN", "MỞ"), .left), (phrase("REASON", "LÝ DO"), .left), (phrase("DOCUMENT", "VĂN BẢN"), .left),
            (phrase("CAUSE", "NGUYÊN NHÂN"), .left),
        ])
        for line in answer.outcomes {
            table.add([
                line.envelope, line.recipient, Words.state(line.outcome),
                Shown.span(line.time.seconds(until: answer.now)), line.reporter ?? "-",
                line.isOpen ? phrase("open", "mở") : "-", line.reason.map(Shown.sentence) ?? "-",
                line.documentID ?? "-", line.cause ?? "-",
            ])
        }
        let more = answer.cursor.map {
            phrase("There is more: --cursor \(Shown.text($0))", "Còn nữa: --cursor \(Shown.text($0))") + "\n"
        }
        return
            (table.isEmpty
            ? empty + "\n" : table.text(columns: columns, yielding: [.drop(7), .cut(6), .drop(8), .cut(0)]))
            + (more ?? "")
    }

    static func causes(_ answer: OpenOutcomesAnswer, columns: Int? = nil) -> String {
        guard answer.total > 0 else { return none + "\n" }
        var table = TextTable([
            (phrase("CAUSE", "NGUYÊN NHÂN"), .left), (phrase("OUTCOME", "KẾT QUẢ"), .left),
            (phrase("REASON", "LÝ DO"), .left), (phrase("OPEN", "MỞ"), .right),
        ])
        for cause in answer.causes {
            table.add([
                cause.cause, Words.state(cause.outcome), Shown.sentence(cause.reason), Shown.count(cause.count),
            ])
        }
        return table.text(columns: columns, yielding: [.cut(2)])
    }

    private static var none: String { phrase("Nothing is open.", "Không có gì đang mở.") }
    static var noSuchOutcome: String {
        phrase("No document handed in here has that outcome.", "Không văn bản nào nộp tại đây có kết quả đó.")
    }
}
