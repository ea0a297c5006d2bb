// VerifyCommand: `edocctl verify` has the daemon look through its whole store while it works, and says what came of it. Exit codes are those of
// all commands; a verification that has found something ends with 1 when it is waited for.

import ArgumentParser
import ControlAPI
import Glibc
import Language

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: phrase(
            "Look through the whole store: indexes, books, payloads.", "Soát toàn bộ kho: chỉ mục, sổ sách, nội dung."),
        discussion: phrase(
            "Without --start it shows how a verification stands, or how the last one ended. The daemon goes on working meanwhile.",
            "Không có --start thì chỉ xem tình trạng hoặc kết quả lần soát gần nhất. Dịch vụ edocd vẫn làm việc trong lúc soát."
        ))

    @OptionGroup var common: LiveOptions
    @Flag(help: .init(phrase("Begin.", "Bắt đầu."))) var start = false
    @Flag(help: .init(phrase("Begin, and wait for the end.", "Bắt đầu và chờ đến khi xong."))) var wait = false
    @Option(
        help: .init(
            phrase(
                "Octets of payload a second (default: store.verify_rate).",
                "Số byte nội dung mỗi giây (mặc định: store.verify_rate).")))
    var rate: UInt64?
    @Option(help: .init(phrase("Why; it stands in the operator log.", "Lý do, được ghi vào nhật ký vận hành.")))
    var reason: String?

    func run() async throws {
        guard start || wait else { return try await common.show(ControlPath.verify, VerifyView.text) }
        let uri = ControlPath.query(ControlPath.verify, [("rate", rate.map(String.init)), ("reason", reason)])
        var bytes = try await common.client.post(uri, json: [])
        guard wait else {
            _ = try await common.shown(bytes, VerifyView.text)
            return
        }
        while try common.decoded(VerifyAnswer.self, bytes).isRunning {
            try await Task.sleep(nanoseconds: 500_000_000)
            bytes = try await common.client.get(ControlPath.verify)
        }
        let answer = try await common.shown(bytes, VerifyView.text)
        if !answer.isClean { throw QuietExit(status: .negative) }
    }
}

enum VerifyView {
    static func text(_ answer: VerifyAnswer, columns: Int? = nil) -> String {
        var facts = FactList()
        if answer.isRunning {
            facts.add(phrase("under way", "đang soát"), Self.step(answer.step ?? ""))
        } else if let ended = answer.ended {
            facts.add(phrase("last", "lần gần nhất"), Shown.time(ended))
        } else {
            return phrase("The store has not been verified yet.", "Kho chưa được soát lần nào.") + "\n"
        }
        facts.add(
            phrase("looked at", "đã xem"),
            Shown.counted(answer.envelopes, "envelope", "envelopes", "gói tin") + ", "
                + Shown.counted(answer.payloads, "payload", "payloads", "nội dung"))
        if answer.isClean {
            facts.add(phrase("found", "kết quả"), phrase("nothing that is wrong", "không có gì sai"))
        }
        let mended = answer.strays + answer.missing + answer.counters
        if mended > 0 {
            facts.add(
                phrase("mended", "đã sửa"),
                phrase(
                    "\(answer.strays) index rows too many, \(answer.missing) missing, \(answer.counters) counters",
                    "thừa \(answer.strays) hàng chỉ mục, thiếu \(answer.missing), \(answer.counters) bộ đếm"))
        }
        if answer.named + answer.badPayloads > 0 {
            facts.add(
                phrase("cannot be read", "không đọc được"),
                phrase(
                    "\(answer.named) envelopes, \(answer.badPayloads) payloads: edocctl queue list --state corrupt",
                    "\(answer.named) gói tin, \(answer.badPayloads) nội dung: edocctl queue list --state corrupt"))
        }
        if answer.unnamed > 0 {
            facts.add(
                phrase("of ended ones", "của gói đã xong"),
                Shown.counted(answer.unnamed, "record", "records", "bản ghi"))
        }
        var text = facts.text(columns: columns)
        for line in answer.unreadable ?? [] {
            text += "\n" + Shown.folded(again(line), to: columns, hanging: 2) + "\n"
        }
        return text
    }

    /// One envelope that cannot be read: its name, and where it can be had again.
    private static func again(_ line: VerifyAnswer.Unreadable) -> String {
        let document = line.documentID.flatMap { $0.isEmpty ? nil : $0 }.map { ", " + Shown.text($0) } ?? ""
        let sender = line.sender.map { Shown.text($0) + " → " } ?? "→ "
        var parts: [String] = []
        if let from = line.cameFrom.map(Shown.text) {
            parts.append(phrase("\(from) handed it over and remembers it", "nút \(from) đã chuyển đến và còn nhớ"))
        }
        if !line.takenBy.isEmpty {
            let names = line.takenBy.map(Shown.text).joined(separator: ", ")
            parts.append(phrase("\(names) has taken it for others", "\(names) đã nhận cho nơi khác"))
        }
        if !line.nextHops.isEmpty {
            let names = line.nextHops.map(Shown.text).joined(separator: ", ")
            parts.append(phrase("\(names) may have it", "\(names) có thể đã có"))
        }
        let submitter = Shown.text(line.submitter)
        parts.append(
            line.cameFrom == nil
                ? phrase(
                    "it was handed in here: its sender can hand it in again",
                    "văn bản nộp tại đây: nơi gửi có thể nộp lại")
                : phrase(
                    "it was handed in at \(submitter): its sender can hand it in again there",
                    "văn bản nộp tại \(submitter): nơi gửi có thể nộp lại ở đó"))
        return
            "\(Shown.text(line.name))\(document), \(sender)\(line.recipients.map(Shown.text).joined(separator: ", ")): "
            + parts.joined(separator: "; ")
    }

    private static func step(_ word: String) -> String {
        switch word {
        case "indexes": phrase("indexes", "chỉ mục")
        case "envelopes": phrase("envelopes", "gói tin")
        case "labels": phrase("labels", "nhãn")
        case "payloads": phrase("payloads", "nội dung")
        case "books": phrase("books", "sổ sách")
        default: Shown.text(word)
        }
    }
}
