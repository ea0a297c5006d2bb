// QueueCommand: `edocctl queue`: the one picture: what waits, by next hop and age, whether it grows, and what lies in inboxes.
// `edocctl queue list` is in QueueListCommand.swift.

import ArgumentParser
import ControlAPI
import Language

struct QueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue",
        abstract: phrase(
            "What waits, by next hop and age, and in inboxes.",
            "Những gì đang chờ, theo chặng kế và tuổi, và trong hộp văn bản đến."),
        subcommands: [QueuePictureCommand.self, QueueListCommand.self], defaultSubcommand: QueuePictureCommand.self)
}

struct QueuePictureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "picture",
        abstract: phrase("The picture, as without a subcommand.", "Bức tranh chung, như khi không có lệnh con."))

    @OptionGroup var common: CommonOptions
    @Flag(
        help: .init(
            phrase(
                "Only what waits for next hops of which none is up.",
                "Chỉ những gì chờ các chặng kế mà không chặng nào thông.")))
    var down = false

    func run() async throws {
        guard down else {
            return try await common.show(ControlPath.queue) { QueueView.text($0, columns: Terminal.columns) }
        }
        guard common.store == nil else {
            throw UsageError(
                sentence: phrase(
                    "--down asks a running daemon; a store knows no links",
                    "--down cần dịch vụ edocd đang chạy; kho không biết liên kết nào"))
        }
        let client = try common.client
        let peers = try common.decoded(PeersAnswer.self, try await client.get(ControlPath.peers))
        var answer = try common.decoded(QueueAnswer.self, try await client.get(ControlPath.queue))
        let up = Set(peers.peers.filter { !PeersView.isDown($0) }.map(\.node))
        answer.rows = answer.rows.filter { row in !row.nextHops.isEmpty && up.isDisjoint(with: row.nextHops) }
        answer.arrived = []
        answer.arrivedCount = 0
        answer.spools = nil
        answer.attention = nil
        Output.say(
            common.json
                ? Shown.json(String(decoding: try ControlJSON.bytes(answer), as: UTF8.self)) + "\n"
                : QueueView.queued(answer, Terminal.columns))
    }
}

enum QueueView {
    static func text(_ answer: QueueAnswer, columns: Int? = nil) -> String {
        var text = queued(answer, columns)
        text += "\n" + (answer.arrived.isEmpty ? Sentences.noInbox + "\n" : inboxes(answer, columns))
        let counted = answer.arrived.reduce(0) { $0 &+ $1.count }
        if counted < answer.arrivedCount {
            text += Shown.folded(Sentences.uncounted(answer.arrivedCount - counted), to: columns) + "\n"
        }
        text += SpoolView.text(answer.spools ?? [], columns: columns)
        let lines = answer.attention ?? []
        return text + (lines.isEmpty ? "" : "\n")
            + lines.map { Shown.folded(Shown.text(Words.attention($0)), to: columns) + "\n" }.joined()
    }

    /// All that waits to be sent, with its sum.
    static func queued(_ answer: QueueAnswer, _ columns: Int?) -> String {
        guard !answer.rows.isEmpty else { return Sentences.nothingWaits + "\n" }
        return waiting(answer, columns)
            + (answer.rows.count > 1 ? Shown.folded(Sentences.sum(answer.rows), to: columns) + "\n" : "")
    }

    /// What waits to be sent. The columns of ages hold what is not older than their title says and older than the one before.
    static func waiting(_ answer: QueueAnswer, _ columns: Int?, rows: Int = .max) -> String {
        var table = table(Sentences.nextHop, answer)
        for row in answer.rows.prefix(rows) {
            let hops = row.nextHops.isEmpty ? Sentences.home : row.nextHops.joined(separator: ", ")
            let name = row.isSuspended ? phrase("(suspended) \(hops)", "(tạm ngừng) \(hops)") : hops
            table.add([name, Shown.count(row.total.count), net(row.lately)] + cells(row.total))
            // One class, and the lowest: the line above has said it all.
            if row.urgencies.count == 1, row.urgencies[0].urgency == 0 { continue }
            for line in row.urgencies {
                table.add(
                    ["  \(line.urgency) " + Words.urgencyName(line.urgency), Shown.count(line.ages.count), ""]
                        + cells(line.ages))
            }
        }
        return table.text(columns: columns, shrinking: 0)
    }

    /// What has arrived and was not taken, by agency.
    static func inboxes(_ answer: QueueAnswer, _ columns: Int?, lines: Int = .max) -> String {
        var table = table(Sentences.inbox, answer)
        for inbox in answer.arrived.prefix(lines) {
            let name = inbox.name.map { inbox.agency + " " + $0 } ?? inbox.agency
            let count = (inbox.isExact ? "" : ">") + Shown.count(inbox.count)
            table.add([name, count, net(inbox.lately)] + cells(inbox.ages))
        }
        return table.text(columns: columns, shrinking: 0)
    }

    private static func table(_ first: String, _ answer: QueueAnswer) -> TextTable {
        let spans = answer.bucketSeconds.dropFirst()
        var titles: [(String, TextTable.Side)] = [
            (first, .left), (Sentences.total, .right), (Sentences.net(answer.latelyMinutes), .right),
            (Sentences.size, .right), (Sentences.oldest, .right),
        ]
        titles += spans.map { (Shown.shortSpan($0), .right) }
        titles.append((spans.last.map { ">" + Shown.shortSpan($0) } ?? Sentences.all, .right))
        return TextTable(titles)
    }

    private static func net(_ lately: QueueAnswer.Lately) -> String { Words.net(came: lately.came, left: lately.left) }

    /// The first minutes are one column: 80 are not enough for more.
    private static func cells(_ ages: QueueAnswer.Ages) -> [String] {
        let joined =
            ages.buckets.count < 2 ? ages.buckets : [ages.buckets[0] &+ ages.buckets[1]] + ages.buckets.dropFirst(2)
        return [Shown.shortSize(ages.bytes), Shown.span(ages.oldestSeconds)]
            + joined.map { $0 == 0 ? "." : Shown.count($0) }
    }

    private enum Sentences {
        static var nothingWaits: String { phrase("Nothing waits to be sent.", "Không có gì chờ gửi.") }
        static var noInbox: String {
            phrase("No document waits in an inbox here.", "Không có văn bản nào nằm trong hộp văn bản đến tại nút này.")
        }
        static func uncounted(_ count: UInt64) -> String {
            phrase(
                "\(count) more in inboxes arrived before this version of the daemon, which counts them by agency.",
                "Còn \(count) văn bản trong hộp văn bản đến có từ trước phiên bản này, chưa đếm theo cơ quan.")
        }
        static func sum(_ rows: [QueueAnswer.Row]) -> String {
            let (ways, count) = (rows.count, rows.reduce(0) { $0 &+ $1.total.count })
            let size = Shown.size(rows.reduce(0) { $0 &+ $1.total.bytes })
            let oldest = Shown.span(rows.map(\.total.oldestSeconds).max() ?? 0)
            return phrase(
                "\(ways) ways: waiting \(count), \(size), the oldest \(oldest)",
                "\(ways) đường đi: chờ \(count), \(size), cũ nhất \(oldest)")
        }
        static var nextHop: String { phrase("NEXT HOP", "CHẶNG KẾ") }
        static var total: String { phrase("TOTAL", "TỔNG") }
        static func net(_ minutes: UInt64) -> String { phrase("±\(minutes)MIN", "±\(minutes)PH") }
        static var size: String { phrase("SIZE", "CỠ") }
        static var oldest: String { phrase("OLDEST", "CŨ NHẤT") }
        static var all: String { phrase("ALL", "CẢ") }
        static var inbox: String { phrase("INBOX", "HỘP VĂN BẢN ĐẾN") }
        static var home: String { phrase("(here, checked)", "(tại đây, đang kiểm)") }
    }
}
