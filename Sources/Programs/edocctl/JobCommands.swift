// JobCommands: `edocctl jobs`, `edocctl suspensions` and `edocctl drain`: what operators have begun, and how to end it.

import ArgumentParser
import ControlAPI
import Language

struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: phrase(
            "What operators have done, the newest first.", "Những việc người vận hành đã làm, mới nhất trước."))

    @OptionGroup var common: LiveOptions
    @Argument(help: .init(phrase("One job.", "Một công việc."), valueName: "id")) var job: UInt64?
    @Option(help: .init(phrase("Lines at most.", "Số dòng tối đa."))) var limit = 50
    @Option(help: .init(phrase("Where an earlier list ended.", "Nơi danh sách trước đã dừng."))) var cursor: String?
    @Option(help: .init(phrase("Stop this job where it is.", "Dừng công việc này."), valueName: "id")) var cancel:
        UInt64?
    @Option(help: .init(phrase("Undo this job.", "Hoàn tác công việc này."), valueName: "id")) var undo: UInt64?

    func run() async throws {
        if let cancel {
            _ = try await common.shown(try await common.client.post(ControlPath.cancel(cancel), json: []), JobView.text)
        } else if let undo {
            _ = try await common.shown(try await common.client.post(ControlPath.undo(undo), json: []), JobView.text)
        } else if let job {
            try await common.show(ControlPath.job(job), JobView.text)
        } else {
            let uri = ControlPath.query(ControlPath.jobs, [("limit", String(limit)), ("cursor", cursor)])
            try await common.show(uri, JobsView.text)
        }
    }
}

enum JobsView {
    static func text(_ answer: JobsAnswer, columns: Int? = nil) -> String {
        var table = TextTable([
            (phrase("JOB", "VIỆC"), .right), (phrase("VERB", "LỆNH"), .left), (phrase("PHASE", "GIAI ĐOẠN"), .left),
            (phrase("SET", "TẬP"), .right), (phrase("DONE", "XONG"), .right), (phrase("SKIPPED", "BỎ QUA"), .right),
            (phrase("BY", "NGƯỜI LÀM"), .left), (phrase("WHEN", "KHI"), .left),
            (phrase("SELECTOR", "ĐIỀU KIỆN"), .left),
        ])
        for job in answer.jobs {
            table.add([
                String(job.id), job.verb, JobView.phase(job), String(job.count), String(job.done), String(job.skipped),
                job.login, Shown.distance(job.applied ?? job.created, from: answer.now),
                job.selector + (job.target.map { " → \($0)" } ?? ""),
            ])
        }
        guard !table.isEmpty else {
            return phrase("No operator has done anything here.", "Chưa có việc nào của người vận hành.") + "\n"
        }
        let more = answer.cursor.map {
            phrase("There is more: --cursor \(Shown.text($0))", "Còn nữa: --cursor \(Shown.text($0))") + "\n"
        }
        return table.text(columns: columns, yielding: [.drop(5), .cut(6)], wrapping: true) + (more ?? "")
    }
}

struct SuspensionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suspensions",
        abstract: phrase(
            "Neighbours and agencies that are given nothing.", "Các nút kề và cơ quan đang bị tạm ngừng gửi."),
        discussion: phrase(
            "edocctl suspend --undo JOB ends one within 15 minutes, edocctl resume any.",
            "edocctl suspend --undo VIỆC chấm dứt trong vòng 15 phút; edocctl resume chấm dứt bất cứ lúc nào."))

    @OptionGroup var common: LiveOptions

    @Option(
        help: .init(
            phrase("End the suspension that this job began.", "Chấm dứt việc tạm ngừng do công việc này bắt đầu."),
            valueName: "id"))
    var cancel: UInt64?

    func run() async throws {
        guard let cancel else { return try await common.show(ControlPath.suspensions, SuspensionsView.text) }
        let answer = try common.decoded(
            SuspensionsAnswer.self, try await common.client.get(ControlPath.suspensions))
        guard let found = answer.suspensions.first(where: { $0.job == cancel }) else {
            throw NegativeAnswer(
                sentence: phrase(
                    "no suspension of job \(cancel) is in force; edocctl suspensions lists them",
                    "không có việc tạm ngừng nào thuộc công việc \(cancel); xem edocctl suspensions"))
        }
        let parts = found.subject.split(separator: " ", maxSplits: 1).map(String.init)
        var selector = SelectorValues()
        if parts.first == "peer" { selector.peer = parts.last } else { selector.to = parts.last }
        let request = DeedRequest(verb: "resume", selector: selector)
        let preview = try common.decoded(
            PreviewAnswer.self,
            try await common.client.post(ControlPath.preview, json: try ControlJSON.bytes(request), isLong: true))
        guard let job = preview.job else { return }
        _ = try await common.shown(try await common.client.post(ControlPath.apply(job.id), json: []), JobView.text)
    }
}

enum SuspensionsView {
    static func text(_ answer: SuspensionsAnswer, columns: Int? = nil) -> String {
        var table = TextTable([
            (phrase("JOB", "VIỆC"), .right), (phrase("SUSPENDED", "TẠM NGỪNG"), .left), (phrase("SINCE", "TỪ"), .left),
            (phrase("ENDS", "ĐẾN"), .left), (phrase("BY", "NGƯỜI LÀM"), .left), (phrase("REASON", "LÝ DO"), .left),
        ])
        for row in answer.suspensions {
            table.add([
                String(row.job), Words.subject(row.subject), Shown.distance(row.since, from: answer.now),
                row.until.map { Shown.distance($0, from: answer.now) } ?? phrase("when resumed", "khi cho gửi lại"),
                row.login, row.reason,
            ])
        }
        return table.isEmpty
            ? phrase("Nothing is suspended.", "Không có gì đang bị tạm ngừng.") + "\n"
            : table.text(columns: columns, yielding: [.cut(4)], wrapping: true)
    }
}

struct DrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: phrase(
            "Stop accepting, empty the queues, and have the daemon exit.",
            "Ngừng tiếp nhận, gửi hết hàng đợi rồi cho dịch vụ edocd kết thúc."),
        discussion: phrase(
            "Without --yes it only shows how the node stands. What is held or in inboxes stays.",
            "Không có --yes thì chỉ xem tình trạng. Gói tin bị giữ hoặc trong hộp văn bản đến của cơ quan vẫn ở lại."))

    @OptionGroup var common: LiveOptions
    @Flag(help: .init(phrase("Do it.", "Thực hiện."))) var yes = false
    @Flag(help: .init(phrase("Accept again.", "Tiếp nhận trở lại."))) var cancel = false
    @Option(help: .init(phrase("Why; it stands in the operator log.", "Lý do, được ghi vào nhật ký vận hành.")))
    var reason: String?

    func run() async throws {
        guard !(yes && cancel) else {
            throw UsageError(sentence: phrase("give one of --yes and --cancel", "chỉ dùng một trong --yes và --cancel"))
        }
        if yes {
            let uri = ControlPath.query(ControlPath.drain, [("reason", reason)])
            _ = try await common.shown(try await common.client.post(uri, json: []), DrainView.text)
        } else if cancel {
            _ = try await common.shown(try await common.client.post(ControlPath.cancelDrain, json: []), DrainView.text)
        } else {
            try await common.show(ControlPath.drain, DrainView.text)
        }
    }
}

enum DrainView {
    static func text(_ answer: DrainAnswer, columns: Int? = nil) -> String {
        let left =
            answer.left == 1
            ? phrase("1 recipient or report waits", "còn 1 nơi nhận hoặc báo cáo đang chờ")
            : phrase("\(answer.left) recipients and reports wait", "còn \(answer.left) nơi nhận và báo cáo đang chờ")
        let stays =
            answer.unreadable.map {
                phrase(
                    "\($0) recipients cannot be read and stay: edocctl queue list --state corrupt",
                    "\($0) nơi nhận không đọc được và ở lại: edocctl queue list --state corrupt") + "\n"
            } ?? ""
        guard answer.isDraining else {
            return stays
                + Shown.folded(
                    phrase("The node accepts as ever; ", "Nút vẫn tiếp nhận bình thường; ") + left + ".", to: columns)
                + "\n"
                + phrase("To empty it: edocctl drain --yes", "Để gửi hết rồi dừng: edocctl drain --yes") + "\n"
        }
        var text = phrase("The node is being emptied", "Nút đang được gửi hết")
        if let login = answer.login { text += phrase(" by ", " do ") + Shown.text(login) }
        if let since = answer.since { text += phrase(" since ", " từ ") + Shown.time(since) }
        if let reason = answer.reason, !reason.isEmpty { text += ": " + Shown.text(reason) }
        return stays + Shown.folded(text + "; " + left + ".", to: columns) + "\n"
            + phrase("To accept again: edocctl drain --cancel", "Để tiếp nhận trở lại: edocctl drain --cancel") + "\n"
    }
}
