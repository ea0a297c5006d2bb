// BackupCommand: `edocctl backup`: has the daemon copy its store while it runs, and shows how far the copy is.

import ArgumentParser
import ControlAPI
import Glibc
import Language

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: phrase(
            "Copy the store of the running daemon into one file.",
            "Sao lưu kho của dịch vụ edocd đang chạy vào một tệp."),
        discussion: phrase(
            "The daemon writes the file with its own rights, without a path into backup.directory. The copy is consistent, "
                + "checked, and has its name only when all of it is on disk. It needs head room in the store while it "
                + "runs, and gives up before that is gone.",
            "Dịch vụ ghi tệp bằng quyền của chính nó; không nêu đường dẫn thì ghi vào backup.directory. Bản sao nhất quán, "
                + "được kiểm tra, và chỉ có tên khi đã nằm trọn trên đĩa. Trong lúc chạy nó cần khoảng trống trong kho, và "
                + "tự bỏ dở trước khi hết chỗ."))

    @OptionGroup var common: LiveOptions
    @Argument(
        help: .init(
            phrase(
                "The file to write, or a folder in which the copy is named after node and time; backup.directory without it.",
                "Tệp cần ghi, hoặc thư mục; trong thư mục bản sao mang tên nút và thời điểm. Mặc định: backup.directory."
            )
        ))
    var path: String?
    @Option(
        help: .init(
            phrase(
                "Afterwards keep so many copies in the folder, the new one among them.",
                "Sau đó giữ lại bấy nhiêu bản trong thư mục, kể cả bản mới."), valueName: "N"))
    var keep: UInt64?
    @Option(
        name: .customLong("keep-days"),
        help: .init(
            phrase(
                "Afterwards keep what is not older; with --keep, what either keeps.",
                "Sau đó giữ lại các bản chưa quá số ngày này; cùng --keep thì bản nào thuộc một trong hai đều được giữ."
            ),
            valueName: "N"))
    var keepDays: UInt64?
    @Option(
        help: .init(
            phrase(
                "At most so many MiB in a second; 64 without it.", "Tối đa bấy nhiêu MiB mỗi giây; mặc định 64."),
            valueName: "MiB"))
    var rate: UInt64?
    @Flag(
        help: .init(
            phrase("Copy the file as it is, free pages included.", "Sao nguyên tệp, kể cả các trang trống.")))
    var whole = false
    @Option(help: .init(phrase("Why, for the operator log.", "Lý do, cho nhật ký vận hành."))) var reason: String?
    @Flag(help: .init(phrase("Only show how a copy stands.", "Chỉ xem bản sao đến đâu."))) var state = false
    @Flag(help: .init(phrase("Give up the copy that is under way.", "Bỏ bản sao đang chạy."))) var cancel = false
    @Flag(
        name: .customLong("no-wait"),
        help: .init(phrase("Do not wait for the end.", "Không đợi đến khi xong.")))
    var noWait = false

    func run() async throws {
        let client = try common.client
        if cancel || state {
            let bytes =
                cancel
                ? try await client.post(ControlPath.backupCancel, json: []) : try await client.get(ControlPath.backup)
            _ = try await common.shown(bytes, BackupView.text)
            return
        }
        if let path { try TypedPath.checkWritable(path) }
        guard keep != 0, keepDays != 0 else {
            throw UsageError(
                sentence: phrase(
                    "--keep and --keep-days must be at least 1: the new copy is one of them",
                    "--keep và --keep-days phải ít nhất là 1: bản mới cũng được tính"))
        }
        guard rate != 0 else {
            throw UsageError(sentence: phrase("--rate must be at least 1 MiB", "--rate phải ít nhất là 1 MiB"))
        }
        var order = BackupOrder(
            path: path.map(Self.absolute) ?? "", bytesPerSecond: rate.map { min($0, 1 << 20) << 20 }, isWhole: whole,
            reason: reason ?? "")
        order.keep = keep
        order.keepDays = keepDays
        order.folder = path == nil ? nil : Self.folder(order.path)
        var bytes = try await client.post(ControlPath.backup, json: try ControlJSON.bytes(order), isLong: true)
        var answer = try common.decoded(BackupAnswer.self, bytes)
        var progress = BackupProgress(isShown: !common.json && isatty(STDERR_FILENO) == 1)
        while answer.isUnderWay, !noWait {
            try await Task.sleep(for: .milliseconds(200))
            bytes = try await client.get(ControlPath.backup)
            answer = try common.decoded(BackupAnswer.self, bytes)
            progress.show(answer)
        }
        progress.end()
        _ = try await common.shown(bytes, BackupView.text)
        if answer.state == "failed" {
            throw NegativeAnswer(
                sentence: phrase(
                    "no backup was made: \(Shown.text(Shown.sentence(answer.why ?? "")))",
                    "chưa có bản sao lưu nào: \(Shown.text(Shown.sentence(answer.why ?? "")))"))
        }
    }

    /// Which folder the caller means: the daemon may see another one of that name. Nil where there is nothing to be seen.
    static func folder(_ path: String) -> BackupOrder.FolderIdentity? {
        func look(_ path: String) -> stat? {
            var facts = stat()
            return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR ? facts : nil
        }
        let above = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) }
        return (look(path) ?? above.flatMap(look)).map { .init(device: UInt64($0.st_dev), inode: UInt64($0.st_ino)) }
    }

    /// The daemon has another working directory.
    static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        guard getcwd(&buffer, buffer.count) != nil else { return path }
        let folder = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path == "." ? folder : folder + "/" + path
    }
}

/// One line that is written over on a terminal.
struct BackupProgress {
    var isShown: Bool
    private var width = 0

    init(isShown: Bool) { self.isShown = isShown }

    mutating func show(_ answer: BackupAnswer) {
        guard isShown else { return }
        let total = answer.plan.map { " / ~\(Shown.size($0.copyBytes))" } ?? ""
        let line = "\(BackupView.word(answer.state)) \(Shown.size(answer.bytesWritten))\(total)"
        let space = String(repeating: " ", count: max(0, width - Shown.width(line)))
        width = Shown.width(line)
        Output.note("\r" + line + space)
    }

    mutating func end() {
        if isShown, width > 0 { Output.note("\r" + String(repeating: " ", count: width) + "\r") }
    }
}

enum BackupView {
    static func word(_ state: String) -> String {
        switch state {
        case "measuring": phrase("measuring", "đang đo")
        case "copying": phrase("copying", "đang sao")
        case "done": phrase("done", "đã xong")
        case "failed": phrase("failed", "không thành")
        default: phrase("none since the daemon started", "chưa có từ khi dịch vụ edocd khởi động")
        }
    }

    static func text(_ answer: BackupAnswer, columns: Int? = nil) -> String {
        var facts = FactList()
        facts.add(phrase("backup", "sao lưu"), word(answer.state))
        guard answer.state != "none" else { return facts.text(columns: columns) }
        // Before the daemon has said where.
        facts.add(phrase("file", "tệp"), answer.path.isEmpty ? nil : answer.path)
        facts.add(phrase("written", "đã ghi"), Shown.size(answer.bytesWritten))
        if let plan = answer.plan {
            let churn = Shown.size(plan.churnBytesPerSecond)
            let span = Shown.span(plan.seconds)
            facts.add(
                phrase("head room", "khoảng trống"),
                phrase(
                    "needs \(Shown.size(plan.needBytes)) (about \(span), \(churn) freed in a second), "
                        + "there are \(Shown.size(plan.headRoomBytes)), gives up below \(Shown.size(plan.floorBytes))",
                    "cần \(Shown.size(plan.needBytes)) (khoảng \(span), mỗi giây giải phóng \(churn)), "
                        + "đang có \(Shown.size(plan.headRoomBytes)), bỏ dở khi dưới \(Shown.size(plan.floorBytes))"))
        }
        if let envelopes = answer.envelopes, let rows = answer.checkedRows {
            facts.add(
                phrase("checked", "đã kiểm"),
                phrase(
                    "\(envelopes) envelopes, the books balance, \(rows) records looked at",
                    "\(envelopes) gói tin, sổ sách cân bằng, đã xem \(rows) bản ghi"))
        }
        if let removed = answer.removed, !removed.isEmpty {
            facts.add(phrase("removed", "đã xóa"), removed.joined(separator: ", "))
        }
        facts.add(phrase("not removed", "chưa xóa"), answer.removalTrouble.map(Shown.sentence))
        facts.add(phrase("why", "vì sao"), answer.why.map(Shown.sentence))
        return facts.text(columns: columns)
    }
}
