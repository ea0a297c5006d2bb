// StatusCommand: `edocctl status`.

import ArgumentParser
import ControlAPI
import Language
import RelayModel

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: phrase("How the node stands.", "Tình trạng của nút."))

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await common.show(ControlPath.status) { StatusView.text($0, columns: Terminal.columns) }
    }
}

enum StatusView {
    static func text(_ answer: StatusAnswer, columns: Int? = nil) -> String {
        if answer.version == "offline" { return offline(answer, columns) }
        var facts = FactList()
        facts.add(phrase("node", "nút"), "\(answer.node), edocd \(answer.version)")
        let span = Shown.span(answer.uptimeSeconds)
        let started = Shown.time(answer.started)
        facts.add(phrase("up", "đã chạy"), phrase("\(span), since \(started)", "\(span), từ \(started)"))
        facts.add(
            phrase("listening", "lắng nghe"),
            answer.listening.isEmpty ? Sentences.nowhere : answer.listening.joined(separator: ", "))
        for (index, line) in answer.attention.enumerated() {
            facts.add(index == 0 ? phrase("attention", "cần chú ý") : "", Words.attention(line))
        }
        if answer.attention.isEmpty { facts.add(phrase("attention", "cần chú ý"), Sentences.nothing) }
        facts.add(
            phrase("links", "liên kết"),
            phrase(
                "\(answer.links.up) up, \(answer.links.down) down", "\(answer.links.up) thông, \(answer.links.down) mất"
            ))
        facts.add(phrase("recipients", "nơi nhận"), states(answer))
        let payload = Shown.size(answer.store.payloadBytes)
        let staged = Shown.size(answer.stagedBytes)
        facts.add(
            phrase("envelopes", "gói tin"),
            phrase(
                "\(answer.store.envelopes) with \(payload), \(answer.active) active, \(staged) coming in",
                "\(answer.store.envelopes) gồm \(payload), đang gửi \(answer.active), đang nhận \(staged)"))
        let store = answer.store
        let (used, file, left) = (
            Shown.size(store.usedBytes), Shown.size(store.fileBytes), Shown.size(store.acceptableBytes)
        )
        facts.add(
            phrase("store", "kho"),
            phrase("\(used) used of a file of \(file), \(left) left", "đã dùng \(used) của tệp \(file), còn \(left)"))
        let (reserve, free) = (Shown.size(store.reserveBytes), Shown.size(store.freeBytes))
        facts.add(
            phrase("reserve", "dự trữ"), phrase("\(reserve) of \(free) free", "\(reserve) trong \(free) còn trống"))
        if let reach = answer.history { facts.add(phrase("history", "lịch sử"), history(reach)) }
        facts.add(phrase("backup", "sao lưu"), backup(answer))
        let memory = answer.memory
        let (anonymous, shared, files) = (
            Shown.size(memory.rssAnon), Shown.size(memory.rssShmem), Shown.size(memory.rssFile)
        )
        facts.add(
            phrase("memory", "bộ nhớ"),
            phrase(
                "\(anonymous) anonymous, \(shared) shared, \(files) of files",
                "\(anonymous) riêng, \(shared) dùng chung, \(files) của tệp"))
        return facts.text(columns: columns)
    }

    /// A line for many links.
    private static func isOfLinks(_ line: String) -> Bool {
        line.hasPrefix("links down: ") || line.contains(" more are down: ") || line.hasPrefix("1 more is down: ")
    }

    /// Of the store of a stopped daemon: what it knows by itself.
    private static func offline(_ answer: StatusAnswer, _ columns: Int?) -> String {
        var facts = FactList()
        facts.add(phrase("node", "nút"), answer.node)
        facts.add(
            phrase("daemon", "dịch vụ"),
            phrase(
                "does not run; it last wrote at \(Shown.time(answer.started))",
                "không chạy; lần ghi cuối lúc \(Shown.time(answer.started))"))
        // Links are down because nobody runs.
        let down = Set((answer.findings ?? []).filter { $0.code == FindingCode.linkDown.rawValue }.map(\.text))
        let lines = answer.attention.filter { !isOfLinks($0) && !down.contains($0) }
        for (index, line) in lines.enumerated() {
            facts.add(index == 0 ? phrase("attention", "cần chú ý") : "", Words.attention(line))
        }
        facts.add(phrase("recipients", "nơi nhận"), states(answer))
        let store = answer.store
        let (payload, used, file) = (
            Shown.size(store.payloadBytes), Shown.size(store.usedBytes), Shown.size(store.fileBytes)
        )
        facts.add(
            phrase("envelopes", "gói tin"),
            phrase("\(store.envelopes) with \(payload)", "\(store.envelopes) gồm \(payload)"))
        facts.add(
            phrase("store", "kho"), phrase("\(used) used of a file of \(file)", "đã dùng \(used) của tệp \(file)"))
        return facts.text(columns: columns)
    }

    /// In days, by which whoever is asked about an old document thinks.
    private static func history(_ reach: StatusAnswer.History) -> String {
        let (days, memory, from) = (reach.seconds / 86_400, reach.memorySeconds / 86_400, Shown.time(reach.from))
        return days == 1
            ? phrase("1 day of \(memory), back to \(from)", "1 ngày trong \(memory), từ \(from)")
            : phrase("\(days) days of \(memory), back to \(from)", "\(days) ngày trong \(memory), từ \(from)")
    }

    private static func backup(_ answer: StatusAnswer) -> String {
        guard let last = answer.lastBackup else { return phrase("none was made", "chưa có bản nào") }
        let (span, time) = (Shown.span(last.seconds(until: answer.now)), Shown.time(last))
        return phrase("\(span) ago, at \(time)", "\(span) trước, lúc \(time)")
    }

    static func states(_ answer: StatusAnswer) -> String {
        ["waiting", "deferred", "held", "deleting", "arrived", "handing", "corrupt"].compactMap { state in
            // What is rare is named when there is any.
            answer.inStore[state].flatMap {
                ["deleting", "handing"].contains(state) && $0 == 0 ? nil : "\(Words.state(state)) \($0)"
            }
        }.joined(separator: ", ")
    }

    private enum Sentences {
        static var nowhere: String {
            phrase("nowhere: this node only dials", "không ở đâu: nút này chỉ gọi đi")
        }
        static var nothing: String { phrase("nothing needs a person", "không có gì cần người xử lý") }
    }
}
