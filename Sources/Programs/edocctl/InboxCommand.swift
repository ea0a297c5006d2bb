// InboxCommand: `edocctl inbox list`, `fetch` and `ack` (`take`: InboxTakeCommand). A document is streamed into its file, which is there whole and on disk, or
// not at all.

import ArgumentParser
import ControlAPI
import Glibc
import Language

struct InboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inbox",
        abstract: phrase("The documents that wait for an agency here.", "Văn bản đang chờ một cơ quan ở nút này."),
        subcommands: [
            InboxListCommand.self, InboxFetchCommand.self, InboxAcknowledgeCommand.self, InboxTakeCommand.self,
        ])
}

struct InboxListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: phrase("What waits, the oldest first.", "Những gì đang chờ, cũ nhất trước."))

    @OptionGroup var common: LiveOptions
    @Argument(help: .init(phrase("The agency.", "Cơ quan."))) var agency: String
    @Option(help: .init(phrase("Lines at most.", "Số dòng tối đa."))) var limit = 100
    @Option(help: .init(phrase("Where an earlier list ended.", "Chỗ danh sách trước dừng lại."))) var cursor: String?

    func run() async throws {
        let uri = ControlPath.query(ControlPath.inbox(agency), [("limit", String(limit)), ("cursor", cursor)])
        try await common.show(uri, InboxView.list)
    }
}

struct InboxFetchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch",
        abstract: phrase(
            "Writes a document to a file; it stays in the inbox until it is acknowledged.",
            "Ghi một văn bản ra tệp; văn bản vẫn ở trong hộp văn bản đến cho tới khi được xác nhận."))

    @OptionGroup var common: LiveOptions
    @Argument(help: .init(phrase("The agency.", "Cơ quan."))) var agency: String
    @Argument(help: .init(phrase("The envelope.", "Gói tin."))) var envelope: String
    @Option(
        name: [.short, .long],
        help: .init(
            phrase(
                "The file to write; without it the standard output.", "Tệp cần ghi; nếu bỏ trống thì ra đầu ra chuẩn."))
    ) var output: String?
    @Flag(help: .init(phrase("Write over an existing file.", "Ghi đè tệp đã có."))) var force = false

    func run() async throws {
        guard output != nil || isatty(STDOUT_FILENO) == 0 else { throw UsageError(sentence: InboxView.notOnTerminal) }
        let file = try OutputFile(output, overwrites: force)
        let count = try await common.client.fetch(ControlPath.document(agency, envelope)) { try file.write($0) }
        try file.finish()
        if let output { Output.say(InboxView.written(Shown.text(output), count)) }
    }
}

struct InboxAcknowledgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ack",
        abstract: phrase(
            "Says that the agency has taken documents: they are delivered.",
            "Xác nhận cơ quan đã lấy văn bản: các văn bản đã giao."))

    @OptionGroup var common: LiveOptions
    @Argument(help: .init(phrase("The agency.", "Cơ quan."))) var agency: String
    @Argument(help: .init(phrase("The envelopes.", "Các gói tin."))) var envelopes: [String]

    func run() async throws {
        let body = try ControlJSON.bytes(AcknowledgeRequest(envelopes: envelopes))
        let bytes = try await common.client.post(ControlPath.acknowledge(agency), json: body)
        _ = try await common.shown(bytes, InboxView.taken)
    }
}

enum InboxView {
    static var notOnTerminal: String {
        phrase(
            "a document is not for a terminal: give -o FILE, or redirect the output",
            "không in văn bản ra màn hình: hãy ghi -o TỆP, hoặc chuyển hướng đầu ra")
    }

    static func list(_ answer: InboxAnswer, columns: Int? = nil) -> String {
        SpoolView.text(answer.spool.map { [$0] } ?? [], columns: columns) + documents(answer, columns)
    }

    /// The envelope is typed to fetch it; on a narrow terminal the rest makes room, the least telling first.
    private static func documents(_ answer: InboxAnswer, _ columns: Int?) -> String {
        guard !answer.documents.isEmpty else { return Sentences.empty(Shown.text(answer.agency)) + "\n" }
        var table = TextTable([
            (phrase("ENVELOPE", "GÓI TIN"), .left), (phrase("SENDER", "NƠI GỬI"), .left), (phrase("U", "K"), .left),
            (phrase("SIZE", "CỠ"), .right), (phrase("AGE", "TUỔI"), .right), (Sentences.state, .left),
            (phrase("DOCUMENT", "VĂN BẢN"), .left),
        ])
        for document in answer.documents {
            table.add([
                document.envelope, document.sender ?? Sentences.nobody(document.source ?? "-"),
                Words.shortUrgency(document.urgency), Shown.size(document.bytes),
                document.arrived.map { Shown.span($0.seconds(until: answer.now)) } ?? "-",
                document.state == nil ? Sentences.waits : Sentences.handing, document.documentID ?? "-",
            ])
        }
        // Where all have simply arrived, that says nothing of one.
        let isPlain = answer.documents.allSatisfy { $0.state == nil }
        let yields: [TextTable.Yield] = (isPlain ? [.drop(5)] : []) + [.drop(3), .cut(6, to: 16), .cut(6), .cut(1)]
        return table.text(columns: columns, yielding: yields)
            + (answer.cursor.map { Sentences.more($0) + "\n" } ?? "")
    }

    static func taken(_ answer: AcknowledgeAnswer) -> String {
        Sentences.taken(answer.taken, answer.alreadyTaken) + "\n"
    }

    static func written(_ path: String, _ count: UInt64) -> String { "\(path): \(Shown.size(count))\n" }

    private enum Sentences {
        static var state: String { phrase("STATE", "TRẠNG THÁI") }
        static func nobody(_ source: String) -> String { phrase("\(source) (unvouched)", "\(source) (không bảo đảm)") }
        static var waits: String { phrase("arrived", "đã đến") }
        static var handing: String { phrase("handing over", "đang bàn giao") }
        static func empty(_ agency: String) -> String {
            phrase("Nothing waits for \(agency).", "Không có văn bản nào chờ \(agency).")
        }
        static func more(_ cursor: String) -> String {
            let cursor = Shown.text(cursor)
            return phrase("There is more: --cursor \(cursor)", "Còn nữa: --cursor \(cursor)")
        }
        static func taken(_ taken: Int, _ before: Int) -> String {
            phrase("delivered \(taken)", "đã giao \(taken)")
                + (before > 0 ? phrase(", taken before \(before)", ", đã nhận trước đó \(before)") : "")
        }
    }
}
