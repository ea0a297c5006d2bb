// InboxCommand: `edocctl inbox list`, `fetch` and `ack`. A document is streamed into its file, which is there whole and on disk, or
// not at all.

import ArgumentParser
import ControlAPI
import Glibc
import Language

struct InboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inbox", abstract: "The documents that wait for an agency here.",
        subcommands: [InboxListCommand.self, InboxFetchCommand.self, InboxAcknowledgeCommand.self])
}

struct InboxListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "What waits, the oldest first.")

    @OptionGroup var common: CommonOptions
    @Argument(help: "The agency.") var agency: String
    @Option(help: "Lines at most.") var limit = 100
    @Option(help: "Where an earlier list ended.") var cursor: String?

    func run() async throws {
        let uri = ControlPath.query(ControlPath.inbox(agency), [("limit", String(limit)), ("cursor", cursor)])
        try await common.show(uri, InboxView.list)
    }
}

struct InboxFetchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch", abstract: "Writes a document to a file; it stays in the inbox until it is acknowledged.")

    @OptionGroup var common: CommonOptions
    @Argument(help: "The agency.") var agency: String
    @Argument(help: "The envelope.") var envelope: String
    @Option(name: [.short, .long], help: "The file to write; without it the standard output.") var output: String?
    @Flag(help: "Write over an existing file.") var force = false

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
        commandName: "ack", abstract: "Says that the agency has taken documents: they are delivered.")

    @OptionGroup var common: CommonOptions
    @Argument(help: "The agency.") var agency: String
    @Argument(help: "The envelopes.") var envelopes: [String]

    func run() async throws {
        let body = try ControlJSON.bytes(AcknowledgeRequest(envelopes: envelopes))
        let bytes = try await common.client.post(ControlPath.acknowledge(agency), json: body)
        _ = try await common.shown(bytes, InboxView.taken)
    }
}

enum InboxView {
    static let notOnTerminal = "a document is not for a terminal: give -o FILE, or redirect the output"

    static func list(_ answer: InboxAnswer) -> String {
        SpoolView.text(answer.spool.map { [$0] } ?? []) + documents(answer)
    }

    private static func documents(_ answer: InboxAnswer) -> String {
        guard !answer.documents.isEmpty else { return Sentences.empty(Shown.text(answer.agency)) + "\n" }
        var table = TextTable([
            ("ENVELOPE", .left), ("SENDER", .left), ("U", .right), ("SIZE", .right), ("AGE", .right),
            (Sentences.state, .left), ("DOCUMENT", .left),
        ])
        for document in answer.documents {
            table.add([
                document.envelope, document.sender ?? "-", String(document.urgency), Shown.size(document.bytes),
                document.arrived.map { Shown.span($0.seconds(until: answer.now)) } ?? "-",
                document.state == nil ? Sentences.waits : Sentences.handing, document.documentID ?? "-",
            ])
        }
        return table.text + (answer.cursor.map { Sentences.more($0) + "\n" } ?? "")
    }

    static func taken(_ answer: AcknowledgeAnswer) -> String {
        Sentences.taken(answer.taken, answer.alreadyTaken) + "\n"
    }

    static func written(_ path: String, _ count: UInt64) -> String { "\(path): \(Shown.size(count))\n" }

    private enum Sentences {
        static let state = phrase("STATE", "TRẠNG THÁI")
        static let waits = phrase("arrived", "đã đến")
        static let handing = phrase("handing over", "đang bàn giao")
        static func empty(_ agency: String) -> String { "Nothing waits for \(agency)." }
        static func more(_ cursor: String) -> String { "There is more: --cursor \(Shown.text(cursor))" }
        static func taken(_ taken: Int, _ before: Int) -> String {
            "delivered \(taken)" + (before > 0 ? ", taken before \(before)" : "")
        }
    }
}
