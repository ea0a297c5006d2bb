// RestoreCommand: `edocctl restore FILE --store DIR` brings a copy back while the daemon does not run; `restore list`, `compare` and `release`
// are what follows when it runs again: what is held, what others have of it, and letting the rest go.

import ArgumentParser
import ControlAPI
import Glibc
import Language
import RelayControl
import RelayStore

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: phrase(
            "Bring a backup back, and see to what it holds.", "Khôi phục bản sao lưu và xử lý những gì đang được giữ."),
        discussion: phrase(
            "edocctl restore FILE --store DIR takes the place of a stopped daemon's store. When the daemon starts, everything "
                + "that waited is held, under a new incarnation, until you have compared and released it.",
            "edocctl restore TỆP --store THƯ_MỤC thay kho của dịch vụ edocd đã dừng. Khi dịch vụ edocd khởi động, mọi thứ đang chờ đều bị "
                + "giữ lại, với thế hệ mới, cho đến khi đối chiếu và thả ra."),
        subcommands: [
            RestoreFileCommand.self, RestoreListCommand.self, RestoreCompareCommand.self, RestoreReleaseCommand.self,
        ], defaultSubcommand: RestoreFileCommand.self)
}

struct RestoreFileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "file",
        abstract: phrase(
            "Make the store of a stopped daemon from a backup (the default).",
            "Dựng kho của dịch vụ edocd đã dừng từ bản sao lưu (mặc định)."))

    @Argument(help: .init(phrase("The backup.", "Tệp sao lưu."))) var file: String
    @Option(
        help: .init(
            phrase(
                "The daemon's store: store.directory in edocd.yaml.",
                "Kho của dịch vụ edocd: store.directory trong edocd.yaml.")))
    var store: String
    @Flag(
        help: .init(
            phrase(
                "Also when there is a store: it is moved aside, never removed.",
                "Cả khi đã có kho: kho cũ được chuyển sang bên, không bao giờ bị xóa.")))
    var force = false
    @Option(help: .init(phrase("Why, for the operator log.", "Lý do, cho nhật ký vận hành."))) var reason: String?
    @Option(
        help: .init(
            phrase(
                "The daemon's configuration file, to see whether the store is its (default: /etc/edoc/edocd.yaml).",
                "Tệp cấu hình của dịch vụ edocd, để xem kho có phải của dịch vụ đó không (mặc định: /etc/edoc/edocd.yaml)."
            )))
    var config = DaemonUser.standardConfiguration

    func run() async throws {
        let directory = BackupCommand.absolute(store)
        warnOfAnotherStore(directory)
        let restore: StoreRestore
        do {
            restore = try StoreRestore(
                file: BackupCommand.absolute(file), directory: directory, isForced: force, uid: getuid(),
                login: Self.login, reason: reason ?? "", suffix: Self.moment, check: StoreBooks.problem)
        } catch {
            throw FileError(error.sentence)
        }
        var facts = FactList()
        facts.add(phrase("restored", "đã khôi phục"), directory)
        facts.add(phrase("node", "nút"), restore.node)
        facts.add(
            phrase("copy of", "bản sao lúc"),
            Shown.time(restore.copied.timestamp) + ", "
                + Shown.counted(UInt64(restore.envelopes), "envelope", "envelopes", "gói tin"))
        facts.add(phrase("old store", "kho cũ"), restore.movedTo)
        facts.add(
            phrase("next", "tiếp theo"),
            phrase(
                "start the daemon; what waited is held: edocctl restore list, compare, release",
                "khởi động dịch vụ edocd; mọi thứ đang chờ bị giữ: edocctl restore list, compare, release"))
        Output.say(facts.text(columns: Terminal.columns))
    }

    /// A daemon that does not begin on it would begin on what it has, or on an empty store. Where the file cannot be read, nothing is said.
    private func warnOfAnotherStore(_ directory: String) {
        guard access(config, R_OK) == 0,
            let output = try? ChildOutput(ChildOutput.daemon, ["--examine", "--config", config]), output.exitCode == 0,
            let answer = try? ControlJSON.answer(ExaminationAnswer.self, from: output.bytes),
            let configured = answer.files.first(where: { $0.what == "store" })?.path,
            Self.real(configured) != Self.real(directory)
        else { return }
        Output.complain([
            phrase(
                "the daemon of \(config) has its store in \(configured) (store.directory), not in \(directory): it will not see what is restored here",
                "dịch vụ edocd của \(config) có kho tại \(configured) (store.directory), không phải \(directory): dịch vụ sẽ không thấy những gì được khôi phục ở đây"
            )
        ])
    }

    /// Where a path leads; of one that is not there, its folder.
    private static func real(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        if let real = realpath(path, nil) {
            defer { free(real) }
            return String(cString: real)
        }
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return path }
        return real(String(path[..<slash])) + path[slash...]
    }

    private static var login: String {
        guard let entry = getpwuid(getuid()) else { return "" }
        return String(cString: entry.pointee.pw_name)
    }

    private static var moment: String {
        let now = Timestamp(unixMilliseconds: Int64(time(nil)) * 1_000)
        return now.text.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
    }
}

struct RestoreListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: phrase(
            "What a restored store holds, and what an agency may get twice.",
            "Những gì kho khôi phục đang giữ, và những gì cơ quan có thể nhận hai lần."))

    @OptionGroup var common: CommonOptions
    @Option(
        help: .init(
            phrase(
                "held: waits for the comparison. held-before: an operator held it. arrived: an agency may get it twice; "
                    + "handing: those of them on their way into a spool. in-part: its other pieces were lost.",
                "held: chờ đối chiếu. held-before: do người vận hành giữ. arrived: cơ quan có thể nhận hai lần; "
                    + "handing: trong đó đang chuyển vào thư mục giao nhận. "
                    + "in-part: các mảnh khác đã mất.")))
    var state: String?
    @Option(help: .init(phrase("Lines at most.", "Số dòng tối đa."))) var limit = 100
    @Option(help: .init(phrase("Where an earlier list ended.", "Nơi danh sách trước dừng lại."))) var cursor: String?

    func run() async throws {
        let uri = ControlPath.query(
            ControlPath.restore, [("state", state), ("limit", String(limit)), ("cursor", cursor)])
        try await common.show(uri, RestoreView.text)
    }
}

struct RestoreCompareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: phrase(
            "Set what is held against the books of other nodes.",
            "Đối chiếu những gì đang giữ với sổ sách của nút khác."),
        discussion: phrase(
            "The files are made at the other nodes: edocctl ledger THIS_NODE --envelopes --since DAY_OF_THE_BACKUP > FILE. "
                + "Without --apply nothing is changed.",
            "Tệp được tạo ở các nút khác: edocctl ledger TÊN_NÚT_NÀY --envelopes --since NGÀY_SAO_LƯU > TỆP. "
                + "Không có --apply thì không gì thay đổi."))

    @OptionGroup var common: LiveOptions
    @Argument(help: .init(phrase("Files from other nodes.", "Các tệp từ nút khác."))) var files: [String]
    @Flag(
        help: .init(
            phrase(
                "End what others prove to have: it is not sent, or shown in an inbox, again.",
                "Kết thúc những gì nút khác chứng tỏ đã có: không gửi lại, không hiện lại trong hộp văn bản đến.")))
    var apply = false
    @Option(help: .init(phrase("Why, for the operator log.", "Lý do, cho nhật ký vận hành."))) var reason: String?

    func run() async throws {
        guard !apply || reason?.isEmpty == false else {
            throw UsageError(
                sentence: phrase(
                    "--apply ends envelopes and cannot be undone: give a --reason",
                    "--apply kết thúc gói tin và không hoàn tác được: hãy nêu --reason"))
        }
        // None is applied before all are known to be what they should be.
        if apply { _ = try await compare(isApplied: false) }
        var total = try await compare(isApplied: apply)
        try await findElsewhere(&total)
        if common.json {
            Output.say(String(decoding: try ControlJSON.bytes(total), as: UTF8.self) + "\n")
        } else {
            Output.say(CompareView.text(total, isApplied: apply, columns: Terminal.columns))
        }
    }

    /// Each file is a comparison of its own.
    private func compare(isApplied: Bool) async throws -> CompareAnswer {
        let client = try common.client
        var total = CompareAnswer()
        for file in files {
            var isWhole = false
            try await EvidenceFile(file).portions { lines, isEnd in
                isWhole = lines.last?.isEnd ?? false
                let order = CompareOrder(lines: lines, isApplied: isApplied, reason: reason ?? "", isLast: isEnd)
                let bytes = try await client.post(
                    ControlPath.restoreCompare, json: try ControlJSON.bytes(order), isLong: true)
                total.add(try common.decoded(CompareAnswer.self, bytes))
            }
            if !isWhole, isApplied == apply {
                Output.complain([
                    phrase(
                        "\(file) does not end as a listing does: it was cut off, or the node is of an older version; "
                            + "the node does not count as compared",
                        "\(file) không kết thúc như một bản liệt kê trọn vẹn: nó bị cắt cụt, hoặc nút kia dùng phiên bản cũ; "
                            + "nút ấy không được tính là đã đối chiếu")
                ])
            }
        }
        return total
    }

    /// Handed to this node and on from here, or delivered, before the store was lost: another file tells.
    private func findElsewhere(_ total: inout CompareAnswer) async throws {
        guard !total.missing.isEmpty else { return }
        let missing = Set(total.missing.map { [$0.name, $0.recipient] })
        var latest: [[String]: Timestamp] = [:]
        for file in files {
            try await EvidenceFile(file).portions { lines, _ in
                for line in lines where line.what == "taken" || line.what == "delivered" {
                    let pair = [line.name, line.recipient]
                    if missing.contains(pair) { latest[pair] = max(latest[pair] ?? line.time, line.time) }
                }
            }
        }
        let before = total.missing.count
        // What was taken from here long before it was handed over went round, and came back. Clocks differ.
        total.missing.removeAll { line in
            latest[[line.name, line.recipient]].map {
                $0.unixMilliseconds + 3_600_000 >= line.time.unixMilliseconds
            } ?? false
        }
        total.agreeing += before - total.missing.count
    }
}

extension CompareAnswer {
    fileprivate mutating func add(_ part: CompareAnswer) {
        forwarded += part.forwarded
        delivered += part.delivered
        missing += part.missing
        if let more = part.unknown { unknown = (unknown ?? []) + more }
        agreeing += part.agreeing
        ended += part.ended
        compared = Array(Set((compared ?? []) + (part.compared ?? []))).sorted()
    }
}

struct RestoreReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: phrase(
            "Let what is still held since the restore go its way.", "Thả những gì còn bị giữ từ lúc khôi phục."))

    @OptionGroup var common: LiveOptions
    @Option(help: .init(phrase("Why, for the operator log.", "Lý do, cho nhật ký vận hành."))) var reason: String
    @Flag(
        help: .init(
            phrase(
                "Although not all neighbours have been compared: agencies may get documents twice.",
                "Dù chưa đối chiếu với mọi nút kề: cơ quan có thể nhận văn bản hai lần.")))
    var uncompared = false

    func run() async throws {
        let body = try ControlJSON.bytes(ReleaseOrder(reason: reason, isUncompared: uncompared ? true : nil))
        let bytes = try await common.client.post(ControlPath.restoreRelease, json: body, isLong: true)
        _ = try await common.shown(bytes, RestoreView.text)
    }
}

/// A file of another node's books: one JSON value a line.
struct EvidenceFile {
    private let path: String
    private static let lineBytesMax = 64 << 10

    init(_ path: String) { self.path = path }

    /// Hands the lines on, a bounded number at a time, however long the file is; says with which it ends. One without lines proves nothing.
    func portions(_ body: ([EvidenceLine], _ isEnd: Bool) async throws -> Void) async throws(any Error) {
        let input = try InputFile(path)
        var rest: [UInt8] = []
        var lines: [EvidenceLine] = []
        var number = 0
        while true {
            let bytes = try input.next()
            let isEnd = bytes.readableBytes == 0
            rest += bytes.readableBytesView
            if isEnd, !rest.isEmpty { rest.append(0x0a) }
            var start = 0
            while let end = rest[start...].firstIndex(of: 0x0a) {
                number += 1
                let text = rest[start..<end]
                start = end + 1
                // Files that have been on other systems have other ends of lines.
                if text.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }) { continue }
                guard let line = try? ControlJSON.answer(EvidenceLine.self, from: Array(text)) else {
                    throw FileError(
                        phrase(
                            "\(path), line \(number), is not a line of edocctl ledger NODE --envelopes",
                            "\(path), dòng \(number), không phải dòng của edocctl ledger NÚT --envelopes"))
                }
                if lines.count == CompareOrder.linesMax {
                    try await body(lines, false)
                    lines = []
                }
                lines.append(line)
            }
            rest.removeFirst(start)
            guard rest.count <= Self.lineBytesMax else {
                throw FileError(
                    phrase("\(path), line \(number + 1), is too long", "\(path), dòng \(number + 1), quá dài"))
            }
            if isEnd { break }
        }
        guard !lines.isEmpty else {
            throw FileError(
                phrase(
                    "\(path) has no lines; make it anew at the other node: edocctl ledger THIS_NODE --envelopes",
                    "\(path) không có dòng nào; hãy tạo lại ở nút kia: edocctl ledger TÊN_NÚT_NÀY --envelopes"))
        }
        try await body(lines, true)
    }
}

/// `edocctl ledger NODE --envelopes`.
enum EvidenceListing {
    static func run(_ node: String, since: String?, _ common: CommonOptions) async throws {
        let client = try common.client
        var cursor: String?
        repeat {
            let uri = ControlPath.query(
                ControlPath.ledger(of: node) + "/envelopes", [("since", since), ("limit", "1000"), ("cursor", cursor)])
            let bytes = try await client.get(uri)
            let answer = try common.decoded(EvidenceAnswer.self, bytes)
            var text = ""
            for line in answer.lines {
                text += Shown.json(String(decoding: try ControlJSON.bytes(line), as: UTF8.self)) + "\n"
            }
            Output.say(text)
            cursor = answer.cursor
        } while cursor != nil
    }
}

enum RestoreView {
    static func text(_ answer: RestoreAnswer, columns: Int? = nil) -> String {
        var facts = FactList()
        facts.add(phrase("restored", "khôi phục"), phase(answer.phase))
        guard answer.phase != "never" else { return facts.text(columns: columns) }
        facts.add(phrase("from", "từ"), answer.source)
        facts.add(phrase("copy of", "bản sao lúc"), answer.copied.map { Shown.time($0) })
        facts.add(phrase("since", "từ lúc"), answer.restored.map { Shown.time($0) })
        facts.add(phrase("by", "bởi"), answer.login.isEmpty ? nil : answer.login)
        facts.add(phrase("reason", "lý do"), answer.reason.isEmpty ? nil : answer.reason)
        facts.add(
            phrase("not compared", "chưa đối chiếu"),
            answer.uncompared.flatMap { $0.isEmpty ? nil : $0.joined(separator: ", ") })
        var text = facts.text(columns: columns)
        guard !answer.rows.isEmpty else { return text }
        var table = TextTable([
            (phrase("NUMBER", "SỐ"), .right), (phrase("ENVELOPE", "GÓI TIN"), .left),
            (phrase("RECIPIENT", "NƠI NHẬN"), .left), (phrase("STATE", "TRẠNG THÁI"), .left),
            (phrase("DOCUMENT", "VĂN BẢN"), .left),
        ])
        for row in answer.rows {
            table.add([String(row.number), row.name, row.recipient, state(row.state), row.documentID ?? "-"])
        }
        text += "\n" + table.text(columns: columns, yielding: [.cut(2, to: 8)], wrapping: true)
        if let cursor = answer.cursor {
            text +=
                phrase("There is more: --cursor \(Shown.text(cursor))", "Còn nữa: --cursor \(Shown.text(cursor))")
                + "\n"
        }
        return text
    }

    private static func state(_ word: String) -> String {
        switch word {
        case "arrived": phrase("arrived: may be taken twice", "đã đến: có thể nhận hai lần")
        case "handing":
            phrase(
                "handing over: may be taken twice, ask the agency",
                "đang bàn giao: có thể nhận hai lần, hãy hỏi cơ quan")
        case "held-before": phrase("held before the copy", "bị giữ từ trước khi sao lưu")
        case "in-part":
            phrase("was here in part: lost, unless sent anew", "chỉ có một phần: đã mất, trừ khi được gửi lại")
        default: phrase("held", "đang giữ")
        }
    }

    private static func phase(_ word: String) -> String {
        switch word {
        case "brought":
            phrase(
                "brought back; the daemon has not run on it yet", "đã khôi phục; dịch vụ edocd chưa chạy trên kho này")
        case "holding": phrase("being held; nothing is sent", "đang giữ lại; không gửi gì")
        case "held": phrase("held until compared and released", "đang giữ cho đến khi đối chiếu và thả")
        case "releasing": phrase("being released", "đang thả")
        case "released": phrase("released", "đã thả")
        default:
            phrase("never: this store was not made from a backup", "chưa bao giờ: kho này không dựng từ bản sao lưu")
        }
    }
}

enum CompareView {
    private static let examplesMax = 100

    static func text(_ answer: CompareAnswer, isApplied: Bool, columns: Int? = nil) -> String {
        var text = list(
            phrase("held here, taken by the next node", "đang giữ ở đây, nút kế đã nhận"), answer.forwarded)
        text += list(
            phrase(
                "in an inbox or on its way into a spool here, taken by the agency before",
                "trong hộp văn bản đến hoặc đang chuyển vào thư mục giao nhận ở đây, cơ quan đã nhận trước đó"),
            answer.delivered)
        text += list(
            phrase(
                "handed to this node after the backup and not here: lost unless delivered; ask the sender",
                "đã giao cho nút này sau khi sao lưu mà không có ở đây: mất nếu chưa giao; hãy hỏi nơi gửi"),
            answer.missing)
        text += list(
            phrase(
                "taken from this node after the backup and not known here: on its way; once applied, its reports are kept",
                "nút kế đã nhận từ nút này sau khi sao lưu mà ở đây không còn biết: đang trên đường; khi áp dụng, báo cáo của nó được giữ"
            ),
            answer.unknown ?? [])
        var facts = FactList()
        facts.add(
            phrase("would end", "sẽ kết thúc"),
            isApplied ? nil : String(answer.forwarded.count + answer.delivered.count))
        facts.add(phrase("ended", "đã kết thúc"), isApplied ? String(answer.ended) : nil)
        facts.add(phrase("missing", "thiếu"), String(answer.missing.count))
        facts.add(
            phrase("whole books of", "sổ trọn vẹn của"),
            answer.compared.flatMap { $0.isEmpty ? nil : $0.joined(separator: ", ") })
        facts.add(phrase("nothing to do", "không cần làm gì"), String(answer.agreeing))
        return Shown.folded(text, to: columns) + facts.text(columns: columns)
    }

    private static func list(_ title: String, _ lines: [EvidenceLine]) -> String {
        guard !lines.isEmpty else { return "" }
        var table = TextTable([("", .left), ("", .left), ("", .left), ("", .left)])
        for line in lines.prefix(examplesMax) { table.add(["  ", line.name, line.recipient, line.from]) }
        let more = lines.count > examplesMax ? "   … \(lines.count - examplesMax)\n" : ""
        return title + ": \(lines.count)\n" + table.text.drop { $0 == "\n" } + more + "\n"
    }
}
