// ListCommand and ShowCommand: `edocctl list` and `edocctl show`.

import ArgumentParser
import ControlAPI
import Language

struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "The envelopes on this node, the newest first.")

    @OptionGroup var common: CommonOptions
    @Option(help: "Only those submitted here with this document ID.") var document: String?
    @Option(help: "Only those with a recipient in this state, such as waiting.") var state: String?
    @Option(help: "Lines at most.") var limit = 50
    @Option(help: "Where an earlier list ended.") var cursor: String?

    func run() async throws {
        let uri = ControlPath.query(
            ControlPath.envelopes,
            [("document", document), ("state", state), ("limit", String(limit)), ("cursor", cursor)])
        try await common.show(uri, EnvelopesView.text)
    }
}

struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "One envelope: where it stands, why, and when it is tried next.")

    @OptionGroup var common: CommonOptions
    @Argument(help: "Its name, the beginning of it, or its number here.") var envelope: String

    func run() async throws { try await common.show(ControlPath.envelope(envelope), EnvelopeView.text) }
}

enum EnvelopesView {
    static func text(_ answer: EnvelopesAnswer) -> String {
        var table = TextTable([
            ("NUMBER", .right), ("ENVELOPE", .left), ("U", .right), ("SIZE", .right), ("AGE", .right),
            ("STATES", .left),
        ])
        for line in answer.envelopes {
            let states = line.states.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
            table.add([
                String(line.number), line.name, String(line.urgency), Shown.size(line.bytes),
                Shown.span(line.accepted.seconds(until: answer.now)), states.joined(separator: ", "),
            ])
        }
        let more = answer.cursor.map { Sentences.more($0) + "\n" } ?? ""
        return (table.isEmpty ? Sentences.none + "\n" : table.text) + more
    }

    private enum Sentences {
        static let none = "No such envelope among those looked at."
        static func more(_ cursor: String) -> String { "There is more: --cursor \(Shown.text(cursor))" }
    }
}

enum EnvelopeView {
    static func text(_ answer: EnvelopeAnswer) -> String {
        let envelope = answer.envelope
        var facts = FactList()
        facts.add("envelope", envelope.name)
        facts.add("number", ([envelope.number] + answer.otherCopies).map(String.init).joined(separator: ", "))
        facts.add("kind", "\(envelope.kind), urgency \(envelope.urgency)")
        facts.add("sender", envelope.sender)
        facts.add("document", envelope.documentID.flatMap { $0.isEmpty ? nil : $0 })
        facts.add("destination", envelope.destination)
        facts.add("size", size(envelope))
        facts.add("SHA-256", envelope.digest)
        facts.add(
            "accepted",
            "\(Shown.time(envelope.accepted)), \(envelope.origin.map { "from \($0)" } ?? "handed in here")")
        if let expires = envelope.expires {
            facts.add("expires", "\(Shown.time(expires)) (\(Shown.distance(expires, from: answer.now)))")
        }
        facts.add(phrase("formerly", "trước là"), envelope.formerly)
        facts.add(phrase("resubmitted as", "gửi lại thành"), envelope.resubmittedAs)
        facts.add("ended", envelope.ended.map { Shown.time($0) })
        facts.add("hops", envelope.hopLimit == 0 ? nil : "\(envelope.hopCount) of at most \(envelope.hopLimit)")
        facts.add("last answer", envelope.lastAnswer.isEmpty ? nil : envelope.lastAnswer)
        var text = facts.text + Sentences.path + "\n" + stops(envelope.path)
        for recipient in envelope.recipients { text += self.recipient(recipient, answer.now) }
        return text
    }

    private static func size(_ envelope: EnvelopeAnswer.Envelope) -> String {
        var text = Shown.size(envelope.bytes)
        if envelope.receivedBytes < envelope.bytes { text += ", \(Shown.size(envelope.receivedBytes)) of it here" }
        if let pieces = envelope.pieces {
            text += "; \(pieces.received) pieces here"
            if let peer = pieces.sentTo { text += ", \(pieces.sent) sent to \(peer)" }
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

    private static func recipient(_ recipient: EnvelopeAnswer.Recipient, _ now: Timestamp) -> String {
        var line = "\(recipient.name): \(recipient.state)"
        if let since = recipient.since { line += " for \(Shown.span(since.seconds(until: now)))" }
        if let reason = recipient.reason { line += " (\(reason))" }
        if recipient.attempts > 0 { line += ", attempts \(recipient.attempts)" }
        if let next = recipient.nextAttempt {
            line += ", next \(Shown.time(next)) (\(Shown.distance(next, from: now)))"
        }
        let said = recipient.refusedBy.isEmpty ? [] : ["refused by \(recipient.refusedBy.joined(separator: ", "))"]
        return Shown.text(line) + "\n" + (recipient.why + said).map { "    " + Shown.text($0) + "\n" }.joined()
    }

    private enum Sentences {
        static let path = "path:"
    }
}
