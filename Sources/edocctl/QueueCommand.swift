// QueueCommand: `edocctl queue`: what waits, by next hop and age.

import ArgumentParser
import ControlAPI

struct QueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue", abstract: "What waits, by next hop and age, and in inboxes.")

    @OptionGroup var common: CommonOptions

    func run() async throws { try await common.show(ControlPath.queue, QueueView.text) }
}

enum QueueView {
    static func text(_ answer: QueueAnswer) -> String {
        var text = answer.rows.isEmpty ? Sentences.nothingWaits + "\n" : waiting(answer)
        text += "\n" + (answer.arrived.isEmpty ? Sentences.noInbox + "\n" : inboxes(answer))
        return text + SpoolView.text(answer.spools ?? [])
    }

    /// The columns hold what is not older than their title says and older than the one before.
    private static func waiting(_ answer: QueueAnswer) -> String {
        var columns: [(String, TextTable.Side)] = [
            (Sentences.nextHop, .left), (Sentences.total, .right), (Sentences.bytes, .right),
            (Sentences.oldest, .right),
        ]
        columns += answer.bucketSeconds.map { (Shown.span($0), .right) }
        columns.append((answer.bucketSeconds.last.map { ">" + Shown.span($0) } ?? Sentences.all, .right))
        var table = TextTable(columns)
        for row in answer.rows {
            let name = row.nextHops.isEmpty ? Sentences.home : row.nextHops.joined(separator: ", ")
            table.add([name] + cells(row.total))
            // One class, and the lowest: the line above has said it all.
            if row.urgencies.count == 1, row.urgencies[0].urgency == 0 { continue }
            for line in row.urgencies { table.add(["  " + Sentences.urgency(line.urgency)] + cells(line.ages)) }
        }
        return table.text
    }

    private static func cells(_ ages: QueueAnswer.Ages) -> [String] {
        [String(ages.count), Shown.size(ages.bytes), Shown.span(ages.oldestSeconds)]
            + ages.buckets.map { $0 == 0 ? "." : String($0) }
    }

    private static func inboxes(_ answer: QueueAnswer) -> String {
        var table = TextTable([
            (Sentences.inbox, .left), (Sentences.documents, .right), (Sentences.oldest, .right),
        ])
        for inbox in answer.arrived {
            table.add([
                inbox.agency, (inbox.isExact ? "" : ">") + String(inbox.count),
                inbox.oldest.map { Shown.span($0.seconds(until: answer.now)) } ?? "-",
            ])
        }
        return table.text
    }

    private enum Sentences {
        static let nothingWaits = "Nothing waits to be sent."
        static let noInbox = "No document waits in an inbox here."
        static let nextHop = "NEXT HOP"
        static let total = "TOTAL"
        static let bytes = "SIZE"
        static let oldest = "OLDEST"
        static let all = "ALL"
        static let inbox = "INBOX"
        static let documents = "DOCUMENTS"
        static let home = "(here, checked)"
        static func urgency(_ number: Int) -> String { "urgency \(number)" }
    }
}
