// TraceCommand and HistoryCommand: `edocctl trace` and `edocctl history`.

import ArgumentParser
import ControlAPI
import Language

struct TraceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: phrase(
            "The way of an envelope to each recipient, as far as this node knows.",
            "Đường đi của gói tin tới từng nơi nhận, theo những gì nút này biết."))

    @OptionGroup var common: CommonOptions
    @Argument(
        help: .init(
            phrase(
                "Its name, the beginning of it, or its number here.", "Tên, phần đầu của tên, hoặc số tại nút này."),
            valueName: phrase("envelope", "gói-tin")))
    var envelope: String
    @Flag(help: .init(AlikeRecipients.help)) var all = false

    func run() async throws {
        try await common.show(ControlPath.trace(try common.name(envelope))) {
            TraceView.text($0, columns: Terminal.columns, isAll: all)
        }
    }
}

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: phrase(
            "How copies have ended on this node, the newest first.",
            "Các bản sao đã kết thúc ra sao tại nút này, mới nhất trước."))

    @OptionGroup var common: CommonOptions
    @Option(help: .init(phrase("Only this sender or recipient.", "Chỉ nơi gửi hoặc nơi nhận này."))) var agency: String?
    @Option(help: .init(phrase("Only what came from or went to this node.", "Chỉ những gì từ hoặc tới nút này.")))
    var peer: String?
    @Option(
        help: .init(
            phrase(
                "Only what ended at this time or later, such as 2026-03-09.",
                "Chỉ những gì kết thúc từ lúc này trở đi, ví dụ 2026-03-09.")))
    var since: String?
    @Option(
        help: .init(
            phrase("Only what ended at this time or earlier.", "Chỉ những gì kết thúc đến lúc này trở về trước.")))
    var until: String?
    @Option(help: .init(phrase("Lines at most.", "Số dòng tối đa."))) var limit = 50
    @Option(help: .init(phrase("Where an earlier list ended.", "Nơi danh sách trước kết thúc."))) var cursor: String?

    func run() async throws {
        var next = cursor
        var shown = 0
        repeat {
            let uri = ControlPath.query(
                ControlPath.history,
                [
                    ("agency", agency), ("peer", peer), ("since", since), ("until", until),
                    ("limit", String(limit - shown)), ("cursor", next),
                ])
            let bytes = try await common.client.get(uri)
            // The daemon looks at a bounded number of rows for one answer: a rare line may need several.
            let answer = try common.decoded(HistoryAnswer.self, bytes)
            let isUnknown = answer.rows.isEmpty && answer.cursor == nil && agency != nil && shown == 0
            if isUnknown, let agency { try await checkKnown(agency) }
            if !answer.rows.isEmpty || answer.cursor == nil || common.json {
                _ = try await common.shown(bytes) { HistoryView.text($0, columns: Terminal.columns) }
            }
            shown += answer.rows.count
            next = answer.cursor
        } while next != nil && shown == 0 && !common.json
    }

    /// What is in no directory and has left nothing here is a slip of the pen.
    private func checkKnown(_ agency: String) async throws {
        do {
            _ = try await common.client.get(ControlPath.query(ControlPath.explain, [("agency", agency)]))
        } catch ClientError.refused(404, _) {
            let name = Shown.text(agency)
            throw NegativeAnswer(
                sentence: phrase(
                    "no agency \(name) is in the directory of this node, and nothing of it that fits has ended here",
                    "danh bạ của nút này không có cơ quan \(name), và không có gì phù hợp của nó đã kết thúc tại đây"))
        } catch ClientError.refused {
            // A store by itself has no directory.
        }
    }
}

enum TraceView {
    static func text(_ answer: TraceAnswer, columns: Int? = nil, isAll: Bool = false) -> String {
        var facts = FactList()
        facts.add(phrase("envelope", "gói tin"), answer.name)
        facts.add(phrase("sender", "nơi gửi"), answer.sender)
        facts.add(phrase("document", "văn bản"), answer.documentID.flatMap { $0.isEmpty ? nil : $0 })
        facts.add(phrase("submitted", "nộp lúc"), answer.submitted.map { Shown.time($0) })
        facts.add(phrase("formerly", "trước là"), answer.formerly)
        facts.add(
            phrase("resubmitted as", "gửi lại thành"),
            answer.resubmittedAs.isEmpty ? nil : answer.resubmittedAs.joined(separator: ", "))
        if !answer.isSubmitter { facts.add(phrase("seen from", "nhìn từ"), "\(answer.node); \(Sentences.partial)") }
        var text = facts.text(columns: columns)
        let groups = AlikeRecipients.groups(answer.recipients, isAll: isAll, state: \.state, key: key)
        for group in groups { text += lines(group, columns) }
        return text
    }

    /// What is said of a recipient, but for times.
    private static func key(_ recipient: TraceAnswer.Recipient) -> [String] {
        [recipient.state, recipient.reason ?? "", recipient.unknown ?? ""] + recipient.stops.map(\.node)
            + recipient.delays.flatMap { ["!", $0.node, $0.reason, $0.isRefusal == true ? "refuses" : ""] }
    }

    private static func lines(_ group: AlikeRecipients.Group<TraceAnswer.Recipient>, _ columns: Int?) -> String {
        let (members, first) = (group.members, group.members[0])
        let width = columns.map { max($0 - 5, 20) } ?? .max
        func note(_ sign: String, _ sentence: String) -> String {
            "  \(sign)  " + Shown.broken(Shown.text(sentence), to: width).joined(separator: "\n     ") + "\n"
        }
        var line = "\(AlikeRecipients.title(members.map(\.name))): \(Words.state(first.state))"
        if let times = AlikeRecipients.range(members.compactMap(\.since).sorted().map { Shown.time($0) }) {
            line += " \(times)"
        }
        if !group.isMixed, let reason = first.reason { line += " (\(Shown.sentence(reason)))" }
        var text = Shown.folded(Shown.text(line), to: columns, hanging: 4) + "\n"
        text += AlikeRecipients.names(members.map(\.name), columns)
        if group.isMixed { return text + AlikeRecipients.steps([AlikeRecipients.mixed], columns) }
        if members.allSatisfy({ $0.stops == first.stops }) {
            text += EnvelopeView.stops(first.stops)
        } else {
            text += AlikeRecipients.steps([Sentences.way(first.stops.map(\.node).joined(separator: ", "))], columns)
        }
        for (index, delay) in first.delays.enumerated() {
            let times = members.compactMap { $0.delays.indices.contains(index) ? $0.delays[index].time : nil }
            let time = AlikeRecipients.range(times.sorted().map { Shown.time($0) }) ?? "-"
            let reason = Shown.sentence(delay.reason)
            text += note(
                "!",
                delay.isRefusal == true
                    ? Sentences.refusal(delay.node, time, reason) : Sentences.delay(delay.node, time, reason))
        }
        if let unknown = first.unknown { text += note("?", Shown.sentence(unknown)) }
        return text
    }

    private enum Sentences {
        static var partial: String {
            phrase(
                "only the submitter's node hears of every end", "chỉ nút nơi nộp được báo về mọi kết thúc")
        }
        static func way(_ nodes: String) -> String { phrase("by way of \(nodes)", "qua \(nodes)") }
        static func refusal(_ node: String, _ time: String, _ reason: String) -> String {
            phrase(
                "\(node) refuses it, \(time): \(reason); the hop before it tries on",
                "\(node) từ chối nhận, \(time): \(reason); nút trước nó vẫn thử tiếp")
        }
        static func delay(_ node: String, _ time: String, _ reason: String) -> String {
            phrase("\(node) said that it takes long, \(time): \(reason)", "\(node) báo chậm, \(time): \(reason)")
        }
    }
}

enum HistoryView {
    static func text(_ answer: HistoryAnswer, columns: Int? = nil) -> String {
        let ended = Shown.times(answer.rows.map(\.ended), phrase("ENDED", "KẾT THÚC"))
        // The reason is never cut: on a narrow terminal it stands below.
        let hasReasons = answer.rows.contains { $0.reason != nil || $0.formerly != nil || $0.outcome != nil }
        var table = TextTable([
            (ended.title, .left), (phrase("STATE", "TRẠNG THÁI"), .left),
            (phrase("RECIPIENT", "NƠI NHẬN"), .left), (phrase("PEER", "NÚT KỀ"), .left),
            (phrase("ENVELOPE", "GÓI TIN"), .left), (hasReasons ? phrase("REASON", "LÝ DO") : "", .left),
        ])
        for (row, time) in zip(answer.rows, ended.texts) {
            let formerly = row.formerly.map { phrase("formerly \($0)", "trước là \($0)") }
            table.add([
                time, Words.state(row.state), row.recipient, row.peer ?? "-", row.name,
                [row.reason.map(Shown.sentence), row.outcome.map(Words.reported), formerly].compactMap { $0 }.joined(
                    separator: "; "),
            ])
        }
        let more = answer.cursor.map { Sentences.more($0) + "\n" } ?? ""
        let yields = [TextTable.Yield.cut(3), .cut(2, to: 8)]
        return
            (table.isEmpty
            ? Sentences.none + "\n" : table.text(columns: columns, yielding: yields, wrapping: hasReasons)) + more
    }

    private enum Sentences {
        static var none: String {
            phrase("Nothing that fits has ended here.", "Không có gì phù hợp đã kết thúc tại đây.")
        }
        static func more(_ cursor: String) -> String {
            let cursor = Shown.text(cursor)
            return phrase("There is more: --cursor \(cursor)", "Còn nữa: --cursor \(cursor)")
        }
    }
}
