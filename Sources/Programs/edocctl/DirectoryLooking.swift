// DirectoryLooking: what editions say: of a code at a moment, against each other, of one code over time; and how a table of agencies
// becomes rows. Files only.

import ArgumentParser
import Editions
import Glibc
import Language
import OpenSSLCMS
import RelayModel

struct DirectoryAtCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "at",
        abstract: phrase(
            "What is so of codes at a moment: state, home, and who takes their documents.",
            "Tình trạng của các mã tại một thời điểm: trạng thái, nút, và cơ quan nào nhận văn bản."))

    @Argument(help: .init(phrase("The day or moment.", "Ngày hoặc thời điểm."), valueName: "date")) var moment: String
    @Argument(help: .init(phrase("The edition, whole.", "Ấn bản, đầy đủ."))) var file: String
    @Argument(
        help: .init(
            phrase(
                "The codes, in any spelling; all agencies without one.",
                "Các mã, dạng nào cũng được; bỏ trống là tất cả."), valueName: "agency"))
    var codes: [String] = []

    func run() throws {
        let moment = try Moment(typed: moment)
        let edition = try EditionFile(file).edition
        let directory = DatedDirectory(edition.rows)
        var table = TextTable([
            (phrase("CODE", "MÃ"), .left), (phrase("STATE", "TRẠNG THÁI"), .left), (phrase("HOME", "NÚT"), .left),
            (phrase("TAKES", "NHẬN"), .left), (phrase("NAME", "TÊN"), .left),
        ])
        let asked = codes.isEmpty ? edition.rows.map(\.key).filter { $0.kind == "agency" }.map(\.code) : codes
        var isMissing = false
        for text in asked {
            guard let code = AgencyCode(text) else { throw UsageError(sentence: DirectorySentences.badCode(text)) }
            guard let canonical = directory.canonical(code), let agency = directory.agency(canonical) else {
                isMissing = true
                table.add([text, "-", "-", phrase("no agency", "không có cơ quan này"), ""])
                continue
            }
            let standing = agency.at(moment)
            table.add([
                text == canonical.text ? text : "\(text) = \(canonical)", standing.state.map(Self.word) ?? "-",
                standing.home?.name ?? "-", Self.taker(directory.taker(of: code, at: moment), of: canonical),
                agency.vietnamese,
            ])
        }
        Output.say(table.text(columns: Terminal.columns, shrinking: 4))
        if isMissing { throw QuietExit(status: .negative) }
    }

    static func word(_ state: AgencyState) -> String {
        switch state {
        case .planned: phrase("planned", "dự kiến")
        case .joined: phrase("joined", "đã tham gia")
        case .suspended: phrase("suspended", "tạm dừng")
        case .closed: phrase("closed", "đã đóng")
        }
    }

    private static func taker(_ taker: DatedDirectory.Taker, of code: AgencyCode) -> String {
        switch taker {
        case .agency(let way): way.last == code ? phrase("itself", "chính cơ quan này") : way.last?.text ?? "-"
        case .nobody: phrase("nobody", "không ai")
        case .lost(let way):
            phrase("nobody: no agency \(way.last?.text ?? "-")", "không ai: không có cơ quan \(way.last?.text ?? "-")")
        case .endless: phrase("nobody: its successors go round", "không ai: các cơ quan kế thừa quay vòng")
        case .unknown: "-"
        }
    }
}

struct DirectoryDiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: phrase(
            "What one edition says otherwise than another, row by row.",
            "Ấn bản này nói khác ấn bản kia ở những dòng nào."))

    @Argument(help: .init(phrase("The one before.", "Ấn bản trước."), valueName: "file")) var before: String
    @Argument(help: .init(phrase("The one behind.", "Ấn bản sau."), valueName: "file")) var after: String

    func run() throws {
        let (before, after) = (try EditionFile(before).edition, try EditionFile(after).edition)
        for difference in EditionDifference.between(before.rows, after.rows) {
            Output.say(DifferenceView.text(difference))
        }
    }
}

enum DifferenceView {
    static func text(_ difference: RowDifference) -> String {
        let mark =
            switch difference.kind {
            case .added: "+"
            case .removed: "-"
            case .changed: "~"
            }
        var lines = ["\(mark) \(difference.key)"]
        lines += difference.fields.map { field in
            switch (field.before.isEmpty, field.after.isEmpty) {
            case (true, _): "    \(field.field): \(field.after)"
            case (_, true): "    \(field.field): \(field.before) → -"
            default: "    \(field.field): \(field.before) → \(field.after)"
            }
        }
        return lines.map { Shown.text($0) + "\n" }.joined()
    }
}

struct DirectoryHistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: phrase(
            "What became of a code over editions, the oldest first.",
            "Một mã đã thay đổi thế nào qua các ấn bản, cũ nhất trước."))

    @Argument(help: .init(phrase("The code.", "Mã."), valueName: "agency")) var code: String
    @Argument(help: .init(phrase("The editions, whole.", "Các ấn bản, đầy đủ."))) var files: [String]

    func run() throws {
        guard let code = AgencyCode(code) else { throw UsageError(sentence: DirectorySentences.badCode(code)) }
        let editions = try files.map { try EditionFile($0).edition }.sorted { $0.head.number < $1.head.number }
        let entries = EditionDifference.history(of: .agency(code), in: editions)
        guard !entries.isEmpty else {
            throw NegativeAnswer(
                sentence: phrase("no edition has \(code)", "không ấn bản nào có \(code)"))
        }
        for entry in entries {
            Output.say(
                phrase(
                    "Edition \(entry.head.number), from \(entry.head.from):",
                    "Ấn bản \(entry.head.number), từ \(entry.head.from):") + "\n"
                    + DifferenceView.text(entry.difference))
        }
    }
}

struct DirectoryImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: phrase(
            "Makes rows of a table of agencies (CSV), and says by row what is odd.",
            "Lập các dòng từ bảng cơ quan (CSV), và nêu từng dòng bất thường."),
        discussion: phrase(
            "Columns by name: id, pid, code, name, mail, oldCode or code102. The rows are for propose --rows.",
            "Cột theo tên: id, pid, code, name, mail, oldCode hoặc code102. Các dòng dùng cho propose --rows."))

    @Argument(help: .init(phrase("The table.", "Tệp bảng."), valueName: "file")) var table: String
    @Option(help: .init(phrase("Joined from this day.", "Tham gia từ ngày này."), valueName: "date")) var joined: String
    @Option(
        parsing: .upToNextOption,
        help: .init(
            phrase(
                "The home node: NODE for all, or H29.*=NODE for what is below a code.",
                "Nút: NÚT cho tất cả, hoặc H29.*=NÚT cho các mã bên dưới."), valueName: "node")) var home: [String]
    @Option(
        name: [.short, .long],
        help: .init(
            phrase(
                "The file to write; without it the standard output.", "Tệp cần ghi; nếu bỏ trống thì ra đầu ra chuẩn."))
    ) var output: String?
    @Flag(help: .init(phrase("Write over an existing file.", "Ghi đè tệp đã có."))) var force = false

    func run() throws {
        var homes: [Subtree: NodeID] = [:]
        for text in home {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard let name = parts.last, let node = NodeID(name: name) else {
                throw UsageError(sentence: DirectorySentences.badNode(text))
            }
            guard parts.count == 2 else {
                homes[.all] = node
                continue
            }
            guard let subtree = Subtree(parts[0]) else {
                throw UsageError(sentence: DirectorySentences.badCode(parts[0]))
            }
            homes[subtree] = node
        }
        let octets = try EditionFile.contents(table, max: EditionBounds.national.bytesMax)
        let agencies = AgencyTable(reading: octets, homes: DefaultHomes(homes), joined: try Moment(typed: joined))
        for oddity in agencies.oddities {
            Output.note(
                Shown.text(
                    phrase("row \(oddity.row): ", "dòng \(oddity.row): ") + Shown.sentence(oddity.sentence)
                        + " [\(oddity.code.rawValue)]") + "\n")
        }
        let dropped = Set(agencies.oddities.filter(\.isDropped).map(\.row)).count
        Output.note(
            phrase(
                "\(agencies.rows.count) agencies, \(agencies.oddities.count) oddities, \(dropped) rows left out",
                "\(agencies.rows.count) cơ quan, \(agencies.oddities.count) chỗ bất thường, bỏ \(dropped) dòng") + "\n")
        guard !agencies.rows.isEmpty else { throw QuietExit(status: .negative) }
        let file = try OutputFile(output, overwrites: force)
        for row in agencies.rows {
            try Array((EditionRow.agency(row).text + "\n").utf8).withUnsafeBytes { try file.write($0) }
        }
        try file.finish()
    }
}

struct DirectoryFingerprintCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fingerprint",
        abstract: phrase(
            "The fingerprint of a certificate, to be read over the telephone.",
            "Dấu vân tay của chứng thư, để đọc qua điện thoại."))

    @Argument(help: .init(phrase("The certificate.", "Chứng thư."), valueName: "file")) var certificate: String

    func run() throws {
        let certificate = try EditionFile.complaining { () throws(CMSError) in
            try SignerCertificate(file: self.certificate)
        }
        Output.say(
            Shown.text(certificate.subject) + "\n" + certificate.fingerprint.groups + "\n" + certificate.fingerprint.hex
                + "\n")
    }
}
