// DeedCommands: hold, release, retry, requeue, reroute, expire, delete, resubmit, lifetime, urgency, suspend and resume. Each shows what it would touch and
// names the preview; `--apply ID` runs that set as a job and waits for its end; `--undo ID` and `--cancel ID` take it back.

import ArgumentParser
import ControlAPI
import Glibc
import Language
import NIOCore

/// The options of every deed.
struct DeedOptions: ParsableArguments {
    @OptionGroup var common: LiveOptions

    @Option(
        help: .init(
            phrase("Do what this preview has shown.", "Thực hiện đúng những gì bản xem trước này đã nêu."),
            valueName: "id"))
    var apply: UInt64?

    @Option(
        help: .init(
            phrase(
                "Undo this job, within 15 minutes (control.undo_window).",
                "Hoàn tác công việc này, trong vòng 15 phút (control.undo_window)."), valueName: "id"))
    var undo: UInt64?

    @Option(
        help: .init(
            phrase(
                "Stop this job where it is, or drop this preview.", "Dừng công việc này, hoặc bỏ bản xem trước này."),
            valueName: "id"))
    var cancel: UInt64?

    @Flag(
        help: .init(
            phrase("Do not wait for the end of the job.", "Không chờ công việc kết thúc.")))
    var noWait = false

    @Option(
        help: .init(
            phrase(
                "Why; it stands in the operator log. Needed for suspend, and for what ends or changes envelopes.",
                "Lý do, được ghi vào nhật ký vận hành. Bắt buộc với suspend và với việc kết thúc hoặc sửa gói tin.")))
    var reason: String?

    /// What the command line asks for.
    func run(
        _ verb: String, _ selector: SelectorOptions, to: String? = nil, span: String? = nil, urgency: Int? = nil,
        lifetime: String? = nil, longerBy: String? = nil
    ) async throws {
        let given = [apply, undo, cancel].compactMap { $0 }
        guard given.count <= 1 else {
            throw UsageError(
                sentence: phrase(
                    "give one of --apply, --undo and --cancel", "chỉ dùng một trong --apply, --undo, --cancel"))
        }
        if !given.isEmpty {
            guard selector.values == SelectorValues(), to == nil, span == nil, urgency == nil, lifetime == nil,
                longerBy == nil
            else {
                throw UsageError(
                    sentence: phrase(
                        "--apply, --undo and --cancel take what the preview has fixed; leave the selector out",
                        "--apply, --undo và --cancel dùng tập đã chốt ở bản xem trước; bỏ các điều kiện chọn"))
            }
            guard reason == nil else {
                throw UsageError(
                    sentence: phrase(
                        "the reason belongs to the preview: give --reason there, and leave it out here",
                        "lý do thuộc về bản xem trước: hãy nêu --reason ở đó, và bỏ ở đây"))
            }
        }
        if let apply {
            try await finish(try await common.client.post(ControlPath.apply(apply, as: verb), json: []))
        } else if let undo {
            try await finish(try await common.client.post(ControlPath.undo(undo, as: verb), json: []))
        } else if let cancel {
            try await finish(try await common.client.post(ControlPath.cancel(cancel, as: verb), json: []))
        } else {
            guard !selector.values.isEmpty else {
                if ["suspend", "resume"].contains(verb) {
                    throw UsageError(
                        sentence: phrase(
                            "say what is meant: a neighbour (--peer NODE) or a receiving agency (--to CODE)",
                            "hãy nêu đối tượng: một nút kề (--peer NÚT) hoặc một cơ quan nhận (--to MÃ)"))
                }
                throw UsageError(
                    sentence: phrase(
                        "say which envelopes: their names, or conditions such as --peer, --to or --state",
                        "hãy nêu gói tin nào: tên, hoặc điều kiện như --peer, --to, --state"))
            }
            var request = DeedRequest(verb: verb, selector: selector.values, to: to, span: span, reason: reason)
            request.urgency = urgency
            request.lifetime = lifetime
            request.longerBy = longerBy
            let bytes = try await common.client.post(
                ControlPath.preview, json: try ControlJSON.bytes(request), isLong: true)
            _ = try await common.shown(bytes, PreviewView.text)
        }
    }

    /// Waits until the job is over, and shows it.
    private func finish(_ first: [UInt8]) async throws {
        var bytes = first
        while !noWait {
            guard let answer = try? ControlJSON.answer(JobAnswer.self, from: bytes), answer.job.isBusy else { break }
            try await Task.sleep(for: .milliseconds(200))
            bytes = try await common.client.get(ControlPath.job(answer.job.id))
        }
        _ = try await common.shown(bytes, JobView.text)
    }
}

extension Job {
    var isBusy: Bool { phase == "running" || phase == "undoing" }
}

struct HoldCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold",
        abstract: phrase(
            "Keep envelopes from being sent until they are released.",
            "Giữ gói tin lại, không gửi cho đến khi được thả."
        ),
        discussion: phrase(
            "Holding does not stop the lifetime. Can be undone.", "Giữ lại không làm ngừng thời hạn. Có thể hoàn tác."))
    @OptionGroup var options: DeedOptions
    @OptionGroup var selector: SelectorOptions
    func run() async throws { try await options.run("hold", selector) }
}

struct ReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: phrase("Let held envelopes go on.", "Thả gói tin đang bị giữ để gửi tiếp."),
        discussion: phrase(
            "What has outlived its lifetime ends as expired; then --reason is needed.",
            "Gói tin đã quá thời hạn sẽ kết thúc là hết hạn; khi đó cần --reason."))
    @OptionGroup var options: DeedOptions
    @OptionGroup var selector: SelectorOptions
    func run() async throws { try await options.run("release", selector) }
}

struct RetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: phrase("Try envelopes now, without waiting.", "Thử gửi ngay, không chờ đến lượt."))
    @OptionGroup var options: DeedOptions
    @OptionGroup var selector: SelectorOptions
    func run() async throws { try await options.run("retry", selector) }
}

struct RequeueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "requeue",
        abstract: phrase(
            "Find the way anew, by the routes of today.", "Tìm lại đường đi theo bảng tuyến hiện hành."))
    @OptionGroup var options: DeedOptions
    @OptionGroup var selector: SelectorOptions
    func run() async throws { try await options.run("requeue", selector) }
}

struct RerouteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reroute",
        abstract: phrase(
            "Send envelopes by way of a neighbour of your choice.", "Gửi gói tin qua một nút kề do người vận hành chọn."
        ),
        discussion: phrase(
            "The routes' own next hops stand behind it. Can be undone.",
            "Các chặng theo bảng tuyến vẫn dự phòng phía sau. Có thể hoàn tác."))
    @OptionGroup var options: DeedOptions
    @OptionGroup var selector: SelectorOptions
    @Option(
        name: .customLong("via"),
        help: .init(phrase("The neighbour to go by.", "Nút kề để đi qua."), valueName: phrase("peer", "nút-kề")))
    var via: String?
    func run() async throws { try await options.run("reroute", selector, to: via) }
}

struct ExpireCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expire",
        abstract: phrase(
            "End envelopes before their lifetime is over; the submitter hears that an operator did.",
            "Kết thúc gói tin trước khi hết thời hạn; nơi nộp được báo là người vận hành đã làm."),
        discussion: phrase("Needs --reason. Cannot be undone.", "Cần --reason. Không thể hoàn tác."))
    @OptionGroup var options: DeedOptions
    @OptionGroup var selector: SelectorOptions
    func run() async throws { try await options.run("expire", selector) }
}

struct DeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: phrase("Delete envelopes, with a report.", "Xóa gói tin, có báo cáo cho nơi gửi."),
        discussion: phrase(
            "Needs --reason. They are kept for 15 minutes, in which it can be undone; the report leaves after that.",
            "Cần --reason. Gói tin được giữ thêm 15 phút để có thể hoàn tác; sau đó báo cáo mới được gửi."))
    @OptionGroup var options: DeedOptions
    @OptionGroup var selector: SelectorOptions
    func run() async throws { try await options.run("delete", selector) }
}

struct ResubmitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resubmit",
        abstract: phrase(
            "Make new envelopes of those that were held beyond their lifetime.",
            "Lập gói tin mới thay cho gói tin bị giữ quá thời hạn."),
        discussion: phrase(
            "Needs --reason. Only at the node where they were handed in. The new envelope names the old one.",
            "Cần --reason. Chỉ tại nút đã tiếp nhận văn bản. Gói tin mới ghi tên gói tin cũ."))
    @OptionGroup var options: DeedOptions
    @OptionGroup var selector: SelectorOptions
    func run() async throws { try await options.run("resubmit", selector) }
}

struct LifetimeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lifetime",
        abstract: phrase(
            "Give waiting envelopes more time before they expire.", "Cho gói tin đang chờ thêm thời hạn."),
        discussion: phrase(
            "Needs --reason. Only longer, up to limits.lifetime_max, and only at the node where the document was handed in: it goes on under a new name that names the old one. Cannot be undone.",
            "Cần --reason. Chỉ kéo dài, không quá limits.lifetime_max, và chỉ tại nút đã tiếp nhận văn bản: gói tin đi tiếp dưới tên mới, có ghi tên cũ. Không thể hoàn tác."
        ))
    @OptionGroup var options: DeedOptions
    @OptionGroup var selector: SelectorOptions
    @Option(
        help: .init(
            phrase(
                "The whole lifetime, from when it was handed in: 60d.", "Toàn bộ thời hạn, tính từ khi nộp: 60d."),
            valueName: phrase("span", "thời-gian")))
    var total: String?
    @Option(
        help: .init(
            phrase("So much more than it has: 10d.", "Thêm chừng ấy so với thời hạn đang có: 10d."),
            valueName: phrase("span", "thời-gian")))
    var by: String?
    func run() async throws { try await options.run("lifetime", selector, lifetime: total, longerBy: by) }
}

struct UrgencyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "urgency",
        abstract: phrase(
            "Give waiting envelopes another urgency.", "Đổi độ khẩn của gói tin đang chờ."),
        discussion: phrase(
            "Needs --reason. Where the document was handed in it goes on under a new name, with that urgency on all hops. Elsewhere the urgency counts on this node only, for all recipients of that copy. To take it back, set the old one.",
            "Cần --reason. Tại nút đã tiếp nhận văn bản, gói tin đi tiếp dưới tên mới với độ khẩn ấy trên mọi chặng. Ở nút khác, độ khẩn chỉ có hiệu lực tại nút này, cho mọi nơi nhận của bản sao ấy. Muốn trở lại thì đặt độ khẩn cũ."
        ))
    @OptionGroup var options: DeedOptions
    @OptionGroup var selector: SelectorOptions
    @Option(
        name: .customLong("as"),
        help: .init(
            phrase(
                "0 Thường, 1 Khẩn, 2 Thượng khẩn, 3 Hỏa tốc, 4 Hỏa tốc hẹn giờ.",
                "0 Thường, 1 Khẩn, 2 Thượng khẩn, 3 Hỏa tốc, 4 Hỏa tốc hẹn giờ."),
            valueName: phrase("degree", "độ-khẩn")))
    var degree: Int?
    func run() async throws { try await options.run("urgency", selector, urgency: degree) }
}

struct SuspendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suspend",
        abstract: phrase(
            "Give a neighbour (--peer) or an agency (--to) nothing for a while.",
            "Tạm ngừng gửi cho một nút kề (--peer) hoặc một cơ quan (--to)."),
        discussion: phrase(
            "Needs --reason. Survives restarts. Can be undone.",
            "Cần --reason. Vẫn giữ nguyên sau khi khởi động lại. Có thể hoàn tác."))
    @OptionGroup var options: DeedOptions
    @OptionGroup var selector: SelectorOptions
    @Option(
        name: .customLong("for"),
        help: .init(
            phrase(
                "For how long: 30m, 2h, 3d. Else until resumed.",
                "Trong bao lâu: 30m, 2h, 3d. Nếu không nêu: đến khi cho gửi lại."),
            valueName: phrase("span", "thời-gian")))
    var span: String?
    func run() async throws { try await options.run("suspend", selector, span: span) }
}

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: phrase("End a suspension.", "Chấm dứt việc tạm ngừng."))
    @OptionGroup var options: DeedOptions
    @OptionGroup var selector: SelectorOptions
    func run() async throws { try await options.run("resume", selector) }
}

/// What a deed would touch, and the command that is typed to do it.
enum PreviewView {
    static func text(_ answer: PreviewAnswer, columns: Int? = nil) -> String {
        var text = ""
        if !answer.lines.isEmpty {
            var table = TextTable([
                (phrase("NUMBER", "SỐ"), .right), (phrase("ENVELOPE", "GÓI TIN"), .left),
                (phrase("RECIPIENT", "NƠI NHẬN"), .left), (phrase("STATE", "TRẠNG THÁI"), .left),
                (phrase("SIZE", "CỠ"), .right), (phrase("AGE", "TUỔI"), .right),
            ])
            for line in answer.lines {
                table.add([
                    String(line.number), line.name, line.recipient, Words.state(line.state), Shown.size(line.bytes),
                    Shown.span(line.accepted.seconds(until: answer.now)),
                ])
            }
            text += table.text(columns: columns, yielding: [.drop(4), .drop(5), .cut(2, to: 8)])
            if answer.count > UInt64(answer.lines.count) {
                let more = answer.count - UInt64(answer.lines.count)
                text += phrase("… and \(more) more", "… và \(more) mục nữa") + "\n"
            }
        }
        for (word, count) in answer.passedOver.sorted(by: { $0.key < $1.key }) {
            let state = Words.state(word)
            if state == word, Words.isSkipCause(word) {
                let cause = Words.skipped(word)
                text += phrase("not touched: \(count) (\(cause))", "không đụng tới: \(count) (\(cause))") + "\n"
                continue
            }
            text +=
                phrase(
                    "not touched: \(count) \(state), which this is not for",
                    "không đụng tới: \(count) \(state), không thuộc diện của việc này") + "\n"
        }
        let size = Shown.size(answer.bytes)
        guard let job = answer.job else {
            return text
                + phrase("Nothing fits; there is nothing to do.", "Không có gì phù hợp; không có việc phải làm.") + "\n"
        }
        if let ends = answer.ends, ends > 0 {
            let ending = phrase(
                "the lifetime of \(ends) is over: they would end as expired, for good",
                "\(ends) đã quá thời hạn: sẽ kết thúc là hết hạn, không thể hoàn tác")
            text += Shown.folded(ending, to: columns) + "\n"
        }
        if let onLinks = answer.onLinks, onLinks > 0 {
            let asked = phrase(
                "\(onLinks) on a link: only what it has not begun is touched",
                "\(onLinks) đang trên liên kết: chỉ đụng tới những gì chưa bắt đầu gửi")
            text += Shown.folded(asked, to: columns) + "\n"
        }
        if let before = answer.replaces {
            let until = before.until.map { Shown.time($0) } ?? phrase("it is resumed", "khi cho gửi lại")
            let subject = Words.subject(before.subject)
            let reason = Shown.text(before.reason)
            let login = Shown.text(before.login)
            let place = phrase(
                "\(subject) is suspended by \(login) until \(until): \(reason). This takes its place; undone, that one is in force again.",
                "\(subject) đang bị \(login) tạm ngừng đến \(until): \(reason). Lệnh này thay thế; hoàn tác thì lệnh cũ có hiệu lực lại."
            )
            text += Shown.folded(place, to: columns) + "\n"
        }
        for other in answer.stillSuspended ?? [] {
            let subject = Words.subject(other.subject)
            let job = other.job
            let place = phrase(
                "\(subject) stays suspended (job \(job)): what falls under that does not go.",
                "\(subject) vẫn bị tạm ngừng (công việc \(job)): những gì thuộc mục đó vẫn chưa được gửi.")
            text += Shown.folded(place, to: columns) + "\n"
        }
        if let home = answer.atHome {
            let list = home.joined(separator: ", ")
            let place = phrase(
                "At home here, with their documents as ever: \(list).",
                "Có hộp văn bản đến ở nút này, vẫn nhận văn bản như thường: \(list).")
            text += Shown.folded(place, to: columns) + "\n"
        }
        let recipients = Shown.counted(answer.count, "recipient", "recipients", "nơi nhận")
        let how = JobView.manner(job).map { ", " + $0 } ?? ""
        let sentence = phrase(
            "\(answer.verb) would touch \(recipients), \(size)\(how). Nothing has been done yet. To do it:",
            "\(answer.verb) sẽ tác động \(recipients), \(size)\(how). Chưa thực hiện gì. Để thực hiện:")
        return text + Shown.folded(sentence, to: columns) + "\n    edocctl \(answer.verb) --apply \(job.id)\n"
    }
}

enum JobView {
    static func text(_ answer: JobAnswer, columns: Int? = nil) -> String { text(answer.job, answer.now, columns) }

    private static func text(_ job: Job, _ now: Timestamp, _ columns: Int?) -> String {
        var facts = FactList()
        let how = manner(job).map { ", " + $0 } ?? ""
        facts.add(phrase("job", "công việc"), "\(job.id): \(job.verb) \(job.selector)\(how)")
        facts.add(phrase("by", "người làm"), "\(job.login) (uid \(job.uid)), \(Shown.time(job.applied ?? job.created))")
        facts.add(phrase("reason", "lý do"), job.reason.isEmpty ? nil : job.reason)
        facts.add(phrase("phase", "giai đoạn"), phase(job))
        facts.add(
            phrase("set", "tập"),
            Shown.counted(job.count, "recipient", "recipients", "nơi nhận") + ", " + Shown.size(job.bytes))
        facts.add(phrase("done", "đã làm"), "\(job.done), \(Shown.size(job.doneBytes))")
        let causes = job.skippedBy.sorted { $0.key < $1.key }.map { "\($0.value) \(Words.skipped($0.key))" }.joined(
            separator: ", ")
        facts.add(phrase("skipped", "bỏ qua"), "\(job.skipped)" + (causes.isEmpty ? "" : " (\(causes))"))
        facts.add(phrase("failed", "hỏng"), String(job.failed))
        if job.phase == "undone" || job.phase == "undoing" {
            facts.add(phrase("undone", "đã hoàn tác"), String(job.undone))
        }
        if let ended = job.ended, ended > 0 {
            facts.add(
                phrase("ended", "đã kết thúc"),
                job.verb == "release"
                    ? phrase("\(ended) as expired", "\(ended) là hết hạn")
                    : phrase("\(ended) as deleted", "\(ended) là đã xóa"))
        }
        if let left = job.leftHeld, left > 0 {
            facts.add(
                phrase("still held", "vẫn giữ"),
                phrase(
                    "\(left), beyond their lifetime: release ends them, resubmit makes new ones",
                    "\(left), đã quá thời hạn: release để kết thúc, resubmit để lập gói tin mới"))
        }
        if let until = job.undoUntil {
            facts.add(
                phrase("undo", "hoàn tác"),
                "edocctl \(job.verb) --undo \(job.id)" + phrase(", until ", ", đến ") + Shown.time(until))
        }
        return facts.text(columns: columns)
    }

    /// Whom a reroute goes by, what is set, and how long a suspension lasts; nil for what is done in one way only.
    static func manner(_ job: Job) -> String? {
        if let urgency = job.urgency {
            let name = Words.urgencyName(urgency)
            return phrase("to be \(urgency) (\(name))", "thành \(urgency) (\(name))")
        }
        if let whole = job.lifetimeSeconds.map(Shown.exactSpan) {
            return phrase("to be \(whole) in all", "thành \(whole) tất cả")
        }
        if let more = job.longerBySeconds.map(Shown.exactSpan) {
            return phrase("longer by \(more)", "thêm \(more)")
        }
        if let target = job.target { return phrase("by way of \(target)", "qua \(target)") }
        guard job.verb == "suspend" else { return nil }
        guard let span = job.spanSeconds.map(Shown.exactSpan) else {
            return phrase("until it is resumed", "đến khi cho gửi lại")
        }
        return phrase("for \(span)", "trong \(span)")
    }

    static func phase(_ job: Job) -> String {
        switch job.phase {
        case "preview": phrase("preview", "xem trước")
        case "running": phrase("running", "đang chạy")
        case "done": phrase("done", "xong")
        case "cancelled": phrase("cancelled", "đã dừng")
        case "undoing": phrase("being undone", "đang hoàn tác")
        case "undone" where job.undone == 0 && (job.leftHeld ?? 0) == 0 && job.count > 0:
            phrase("undone: nothing was left to undo", "đã hoàn tác: không còn gì để hoàn tác")
        case "undone": phrase("undone", "đã hoàn tác")
        default: job.phase
        }
    }
}
