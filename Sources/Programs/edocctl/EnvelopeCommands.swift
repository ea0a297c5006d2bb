// ListCommand and ShowCommand: `edocctl list` and `edocctl show`.

import ArgumentParser
import ControlAPI
import Language

struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: phrase(
            "The envelopes that this node remembers, the newest first; edocctl queue list has more conditions.",
            "Các gói tin nút này còn nhớ, mới nhất trước; edocctl queue list có nhiều điều kiện hơn."))

    @OptionGroup var common: CommonOptions
    @Option(
        help: .init(
            phrase(
                "Only those submitted here with this document ID.", "Chỉ những gói tin nộp tại đây có số, ký hiệu này.")
        )
    )
    var document: String?
    @Option(
        help: .init(
            phrase(
                "Only those with a recipient in this state, such as waiting.",
                "Chỉ những gói tin có nơi nhận ở trạng thái này, ví dụ waiting.")))
    var state: String?
    @Option(
        help: .init(
            phrase(
                "What became of documents handed in here: undelivered, delayed, refused, expired, deleted or delivered.",
                "Kết quả của văn bản nộp tại đây: undelivered, delayed, refused, expired, deleted hoặc delivered.")))
    var outcome: String?
    @Option(help: .init(phrase("Lines at most.", "Số dòng tối đa."))) var limit = 50
    @Option(help: .init(phrase("Where an earlier list ended.", "Nơi danh sách trước kết thúc."))) var cursor: String?

    func run() async throws {
        if let outcome {
            guard document == nil, state == nil else {
                throw UsageError(
                    sentence: phrase(
                        "--outcome stands alone here; edocctl queue list takes it with other conditions",
                        "--outcome đứng riêng ở đây; edocctl queue list nhận nó cùng các điều kiện khác"))
            }
            let uri = ControlPath.query(
                ControlPath.outcomeList, [("outcome", outcome), ("limit", String(limit)), ("cursor", cursor)])
            return try await common.show(uri) {
                OutcomesView.text($0, columns: Terminal.columns, empty: OutcomesView.noSuchOutcome)
            }
        }
        let uri = ControlPath.query(
            ControlPath.envelopes,
            [("document", document), ("state", state), ("limit", String(limit)), ("cursor", cursor)])
        try await common.show(uri) { EnvelopesView.text($0, columns: Terminal.columns) }
    }
}

struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: phrase(
            "One envelope: where it stands, why, and when it is tried next.",
            "Một gói tin: đang ở đâu, vì sao, và khi nào thử lại."))

    @OptionGroup var common: CommonOptions
    @Argument(
        help: .init(
            phrase(
                "Its name, the beginning of it, or its number here.", "Tên, phần đầu của tên, hoặc số tại nút này."),
            valueName: phrase("envelope", "gói-tin")))
    var envelope: String
    @Flag(help: .init(AlikeRecipients.help)) var all = false

    func run() async throws {
        try await common.show(ControlPath.envelope(try common.name(envelope))) {
            EnvelopeView.text($0, columns: Terminal.columns, isAll: all)
        }
    }
}

enum EnvelopesView {
    static func text(_ answer: EnvelopesAnswer, columns: Int? = nil) -> String {
        var table = TextTable([
            (phrase("NUMBER", "SỐ"), .right), (phrase("ENVELOPE", "GÓI TIN"), .left), (phrase("U", "K"), .left),
            (phrase("SIZE", "CỠ"), .right), (phrase("AGE", "TUỔI"), .right), ("", .left),
            (phrase("STATES", "TRẠNG THÁI"), .left),
        ])
        for line in answer.envelopes {
            var states = counted(line.states)
            if let outcomes = line.outcomes {
                states += phrase(", of which reported: ", ", trong đó đã báo: ") + counted(outcomes)
            }
            table.add([
                String(line.number), line.name, Words.shortUrgency(line.urgency), Shown.size(line.bytes),
                Shown.span(line.accepted.seconds(until: answer.now)), Words.kindMark(line.kind), states,
            ])
        }
        let more = answer.cursor.map { Sentences.more($0) + "\n" } ?? ""
        return (table.isEmpty ? Sentences.none + "\n" : table.text(columns: columns, shrinking: 6)) + more
    }

    private static func counted(_ states: [String: Int]) -> String {
        states.sorted { $0.key < $1.key }.map { "\($0.value) \(Words.state($0.key))" }.joined(separator: ", ")
    }

    private enum Sentences {
        static var none: String {
            phrase("No such envelope among those looked at.", "Không có gói tin nào như vậy trong số đã xem.")
        }
        static func more(_ cursor: String) -> String {
            let cursor = Shown.text(cursor)
            return phrase("There is more: --cursor \(cursor)", "Còn nữa: --cursor \(cursor)")
        }
    }
}

enum EnvelopeView {
    static func text(_ answer: EnvelopeAnswer, columns: Int? = nil, isAll: Bool = false) -> String {
        let envelope = answer.envelope
        var facts = FactList()
        facts.add(phrase("envelope", "gói tin"), envelope.name)
        facts.add(
            phrase("number", "số"), ([envelope.number] + answer.otherCopies).map(String.init).joined(separator: ", "))
        facts.add(phrase("kind", "loại"), "\(Words.kind(envelope.kind)), \(Words.urgency(envelope.urgency))")
        facts.add(phrase("sender", "nơi gửi"), envelope.sender)
        facts.add(phrase("document", "văn bản"), envelope.documentID.flatMap { $0.isEmpty ? nil : $0 })
        facts.add(phrase("destination", "đích"), envelope.destination)
        facts.add(phrase("size", "kích thước"), size(envelope))
        facts.add("SHA-256", envelope.digest)
        let origin = envelope.origin.map { phrase("from \($0)", "từ \($0)") } ?? phrase("handed in here", "nộp tại đây")
        facts.add(phrase("accepted", "tiếp nhận"), "\(Shown.time(envelope.accepted)), \(origin)")
        if let expires = envelope.expires {
            facts.add(
                phrase("expires", "hết hạn"), "\(Shown.time(expires)) (\(Shown.distance(expires, from: answer.now)))")
        }
        facts.add(phrase("formerly", "trước là"), envelope.formerly)
        facts.add(
            phrase("resubmitted as", "gửi lại thành"),
            envelope.resubmittedAs.isEmpty ? nil : envelope.resubmittedAs.joined(separator: ", "))
        // What has been sent on is still under way.
        let isSentOn = envelope.recipients.contains { $0.state == "forwarded" }
        facts.add(
            isSentOn ? phrase("left here", "rời nút này") : phrase("ended", "kết thúc"),
            envelope.ended.map { Shown.time($0) })
        facts.add(
            phrase("hops", "số chặng"),
            envelope.hopLimit == 0
                ? nil
                : phrase(
                    "\(envelope.hopCount) of at most \(envelope.hopLimit)",
                    "\(envelope.hopCount), nhiều nhất \(envelope.hopLimit)"))
        var text = facts.text(columns: columns) + phrase("custody so far:", "đã qua tay:") + "\n" + stops(envelope.path)
        text += answers(envelope, columns)
        let answers = Set(envelope.answers.map { "\($0.peer): \($0.text)" })
        let groups = AlikeRecipients.groups(
            envelope.recipients.map { Line($0, answers) }, isAll: isAll, state: \.recipient.state, key: \.key)
        for group in groups { text += lines(group, answer.now, columns) }
        return text
    }

    private static func size(_ envelope: EnvelopeAnswer.Envelope) -> String {
        var text = Shown.size(envelope.bytes)
        if envelope.receivedBytes < envelope.bytes {
            let here = Shown.size(envelope.receivedBytes)
            text += phrase(", \(here) of it here", ", đã có \(here)")
        }
        if let pieces = envelope.pieces {
            text += "; " + Shown.counted(UInt64(pieces.received), "piece here", "pieces here", "mảnh ở đây")
            if let peer = pieces.sentTo {
                text += phrase(", \(pieces.sent) sent to \(peer)", ", đã gửi \(pieces.sent) mảnh tới \(peer)")
            }
        }
        return text
    }

    static func stops(_ stops: [Stop]) -> String {
        var table = TextTable([("", .left), ("", .left), ("", .left), ("", .right)])
        for (index, stop) in stops.enumerated() {
            let after = index == 0 ? "" : "+" + Shown.span(stops[index - 1].time.seconds(until: stop.time))
            table.add(["  ", stop.node, Shown.time(stop.time), after])
        }
        return String(table.text.drop { $0 == "\n" })
    }

    /// The attempts of which something was answered.
    private static func answers(_ envelope: EnvelopeAnswer.Envelope, _ columns: Int?) -> String {
        if envelope.answers.isEmpty { return "" }
        var table = TextTable([("", .left), ("", .left), ("", .left), ("", .left)])
        for answer in envelope.answers {
            table.add(["  ", Shown.time(answer.time), answer.peer, Shown.sentence(answer.text)])
        }
        return phrase("answers:", "các lần trả lời:") + "\n"
            + table.text(columns: columns, wrapping: true).drop { $0 == "\n" }
    }

    /// A recipient, and what is to be said below it.
    private struct Line {
        var recipient: EnvelopeAnswer.Recipient
        var steps: [String]

        init(_ recipient: EnvelopeAnswer.Recipient, _ answers: Set<String>) {
            self.recipient = recipient
            steps = recipient.why.map(Shown.sentence)
            if !recipient.refusedBy.isEmpty {
                let list = recipient.refusedBy.joined(separator: ", ")
                steps.append(phrase("refused by \(list)", "bị \(list) từ chối"))
            }
            let last = recipient.lastAnswer
            let isSaid = answers.contains(last) || recipient.why.contains { $0.contains(last) }
            if !last.isEmpty, !isSaid {
                steps.append(phrase("last answer: \(Shown.sentence(last))", "trả lời cuối: \(Shown.sentence(last))"))
            }
            if let outcome = recipient.outcome { steps.append(Words.reported(outcome)) }
            if recipient.isDelayReported {
                steps.append(phrase("its submitter was told that it takes long", "đã báo chậm cho nơi nộp"))
            }
        }

        /// Times and attempts of those that are alike are shown from the first to the last.
        var key: [String] { [recipient.state, recipient.reason ?? ""] + steps }
    }

    private static func lines(_ group: AlikeRecipients.Group<Line>, _ now: Timestamp, _ columns: Int?) -> String {
        let recipients = group.members.map(\.recipient)
        let state = recipients[0].state
        var line = "\(AlikeRecipients.title(recipients.map(\.name))): \(Words.state(state))"
        if let ages = AlikeRecipients.range(
            recipients.compactMap(\.since).sorted(by: >).map {
                Shown.span($0.seconds(until: now))
            })
        {
            // What has come about lies behind; what lasts goes on.
            line +=
                Words.isOver(state)
                ? phrase(" \(ages) ago", " \(ages) trước") : phrase(" for \(ages)", ", đã \(ages)")
        }
        if !group.isMixed, let reason = recipients[0].reason { line += " (\(Shown.sentence(reason)))" }
        let attempts = recipients.map(\.attempts).sorted()
        if attempts.last! > 0, let tried = AlikeRecipients.range(attempts.map(String.init)) {
            line += phrase(", attempts \(tried)", ", đã thử \(tried)")
        }
        let next = recipients.compactMap(\.nextAttempt).sorted()
        if let first = next.first, let times = AlikeRecipients.range(next.map { Shown.time($0) }) {
            line += phrase(", next ", ", thử lại ") + "\(times) (\(Shown.distance(first, from: now)))"
        }
        return Shown.folded(Shown.text(line), to: columns, hanging: 4) + "\n"
            + AlikeRecipients.names(recipients.map(\.name), columns)
            + AlikeRecipients.steps(group.isMixed ? [AlikeRecipients.mixed] : group.members[0].steps, columns)
    }
}
