// TraceCommand and HistoryCommand: `edocctl trace` and `edocctl history`.

import ArgumentParser
import ControlAPI
import Language

struct TraceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace", abstract: "The way of an envelope to each recipient, as far as this node knows.")

    @OptionGroup var common: CommonOptions
    @Argument(help: "Its name, the beginning of it, or its number here.") var envelope: String

    func run() async throws { try await common.show(ControlPath.trace(envelope), TraceView.text) }
}

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "How copies have ended on this node, the newest first.")

    @OptionGroup var common: CommonOptions
    @Option(help: "Only this sender or recipient.") var agency: String?
    @Option(help: "Only what came from or went to this node.") var peer: String?
    @Option(help: "Only what ended at this time or later, such as 2026-03-09.") var since: String?
    @Option(help: "Only what ended at this time or earlier.") var until: String?
    @Option(help: "Lines at most.") var limit = 50
    @Option(help: "Where an earlier list ended.") var cursor: String?

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
            let answer = try ControlJSON.answer(HistoryAnswer.self, from: bytes)
            if !answer.rows.isEmpty || answer.cursor == nil || common.json {
                _ = try await common.shown(bytes, HistoryView.text)
            }
            shown += answer.rows.count
            next = answer.cursor
        } while next != nil && shown == 0 && !common.json
    }
}

enum TraceView {
    static func text(_ answer: TraceAnswer) -> String {
        var facts = FactList()
        facts.add("envelope", answer.name)
        facts.add("sender", answer.sender)
        facts.add("document", answer.documentID.flatMap { $0.isEmpty ? nil : $0 })
        facts.add("submitted", answer.submitted.map { Shown.time($0) })
        facts.add(phrase("formerly", "trước là"), answer.formerly)
        facts.add(phrase("resubmitted as", "gửi lại thành"), answer.resubmittedAs)
        if !answer.isSubmitter { facts.add("seen from", "\(answer.node); \(Sentences.partial)") }
        var text = facts.text
        for recipient in answer.recipients {
            var line = "\(recipient.name): \(recipient.state)"
            if let since = recipient.since { line += " \(Shown.time(since))" }
            if let reason = recipient.reason { line += " (\(reason))" }
            text += Shown.text(line) + "\n" + EnvelopeView.stops(recipient.stops)
            if let unknown = recipient.unknown { text += "  ?  " + Shown.text(unknown) + "\n" }
        }
        return text
    }

    private enum Sentences {
        static let partial = "only the submitter's node hears of every end"
    }
}

enum HistoryView {
    static func text(_ answer: HistoryAnswer) -> String {
        var table = TextTable([
            ("ENDED", .left), ("STATE", .left), ("RECIPIENT", .left), ("PEER", .left), ("ENVELOPE", .left),
        ])
        for row in answer.rows {
            table.add([
                Shown.time(row.ended), row.state + (row.reason.map { " (\($0))" } ?? ""), row.recipient,
                row.peer ?? "-",
                row.name + (row.formerly.map { phrase(" (formerly \($0))", " (trước là \($0))") } ?? ""),
            ])
        }
        let more = answer.cursor.map { Sentences.more($0) + "\n" } ?? ""
        return (table.isEmpty ? Sentences.none + "\n" : table.text) + more
    }

    private enum Sentences {
        static let none = "Nothing that fits has ended here."
        static func more(_ cursor: String) -> String { "There is more: --cursor \(Shown.text(cursor))" }
    }
}
