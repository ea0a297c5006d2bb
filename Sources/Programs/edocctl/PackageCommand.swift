// PackageCommand: `edocctl package`: makes an edXML package of a document and its attachments, without the daemon. Attachments are
// streamed; the file is there whole or not at all.

import ArgumentParser
import EdXML
import Glibc
import Language

struct PackageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "package", abstract: phrase("Makes an edXML package for submit.", "Tạo gói edXML để nộp."),
        discussion: phrase("An agency is CODE or CODE=NAME.", "Cơ quan ghi MÃ hoặc MÃ=TÊN."))

    @Option(help: .init(phrase("The sending agency.", "Cơ quan gửi."))) var from: String
    @Option(parsing: .upToNextOption, help: .init(phrase("The recipient agencies.", "Các cơ quan nhận."))) var to:
        [String]
    @Option(
        help: .init(phrase("The number of the document, as 41 in 41/STN-VP.", "Số văn bản, như 41 trong 41/STN-VP.")))
    var number: String
    @Option(
        help: .init(
            phrase(
                "The notation of the document, as STN-VP in 41/STN-VP.", "Ký hiệu văn bản, như STN-VP trong 41/STN-VP.")
        )) var notation: String
    @Option(
        help: .init(
            phrase(
                "The day of signing, such as 2026-03-09; today without it.",
                "Ngày ký, ví dụ 2026-03-09; nếu bỏ trống là hôm nay."))) var date: String?
    @Option(help: .init(phrase("The place of signing.", "Nơi ký."))) var place: String
    @Option(help: .init(phrase("What it is about.", "Trích yếu."))) var subject: String
    @Option(
        help: .init(
            phrase(
                "The sender's own ID of the document; number/notation without it.",
                "Mã văn bản của bên gửi; nếu bỏ trống là số/ký hiệu."))) var document: String?
    @Option(
        help: .init(
            phrase(
                "0 normal, 1 urgent, 2 very urgent, 3 flash, 4 flash at a set time.",
                "0 thường, 1 khẩn, 2 thượng khẩn, 3 hỏa tốc, 4 hỏa tốc hẹn giờ."))) var priority: UInt8 = 0
    @Option(name: .customLong("type"), help: .init(phrase("The kind of document.", "Loại văn bản."))) var typeName =
        "Công văn"
    @Option(parsing: .upToNextOption, help: .init(phrase("Files to go with it.", "Các tệp kèm theo."))) var attach:
        [String] = []
    @Option(
        name: [.short, .long],
        help: .init(
            phrase(
                "The file to write; without it the standard output.", "Tệp cần ghi; nếu bỏ trống thì ra đầu ra chuẩn."))
    ) var output: String?
    @Flag(help: .init(phrase("Write over an existing file.", "Ghi đè tệp đã có."))) var force = false

    func run() throws {
        guard output != nil || isatty(STDOUT_FILENO) == 0 else { throw UsageError(sentence: Sentences.notOnTerminal) }
        guard !to.isEmpty else { throw UsageError(sentence: Sentences.noRecipient) }
        let clock = LocalClock.now
        let draft = EdXMLDraft(
            sender: Self.organ(from), recipients: to.map(Self.organ),
            documentID: document ?? "\(number)/\(notation)", codeNumber: number, codeNotation: notation, place: place,
            date: try Self.day(date, clock), typeName: typeName, subject: subject, priority: priority,
            sentAt: clock.text,
            attachments: attach.map { path in
                EdXMLDraft.Attachment(name: String(path.split(separator: "/").last ?? ""), path: path)
            })
        let file = try OutputFile(output, overwrites: force)
        try EdXMLWriter.write(draft) { try file.write($0) }
        try file.finish()
    }

    private static func organ(_ text: String) -> EdXMLDraft.Organ {
        let parts = text.split(separator: "=", maxSplits: 1)
        return EdXMLDraft.Organ(code: String(parts.first ?? ""), name: parts.count > 1 ? String(parts[1]) : "")
    }

    static func day(_ text: String?, _ clock: LocalClock) throws(UsageError) -> EdXMLDate {
        guard let text else {
            guard let today = EdXMLDate(year: clock.year, month: clock.month, day: clock.day) else {
                throw UsageError(sentence: Sentences.badDate)
            }
            return today
        }
        let parts = text.split(omittingEmptySubsequences: false) { $0 == "-" || $0 == "/" }.map { Int($0) }
        guard parts.count == 3, let year = parts[0], let month = parts[1], let day = parts[2],
            let date = EdXMLDate(year: year, month: month, day: day)
        else { throw UsageError(sentence: Sentences.badDate) }
        return date
    }

    private enum Sentences {
        static var notOnTerminal: String {
            phrase(
                "a package is not for a terminal: give -o FILE, or redirect the output",
                "không in gói văn bản ra màn hình: hãy ghi -o TỆP, hoặc chuyển hướng đầu ra")
        }
        static var noRecipient: String { phrase("name a recipient with --to", "hãy nêu nơi nhận bằng --to") }
        static var badDate: String {
            phrase("--date must be a day such as 2026-03-09", "--date phải là một ngày, ví dụ 2026-03-09")
        }
    }
}

/// The local time, as a package writes it.
struct LocalClock {
    var year: Int
    var month: Int
    var day: Int
    /// `yyyy/MM/dd HH:mm:ss`
    var text: String

    static var now: LocalClock {
        var seconds = time(nil)
        var parts = tm()
        localtime_r(&seconds, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let year = parts.tm_year + 1_900
        return LocalClock(
            year: Int(year), month: Int(parts.tm_mon + 1), day: Int(parts.tm_mday),
            text: "\(year)/\(two(parts.tm_mon + 1))/\(two(parts.tm_mday)) "
                + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))")
    }
}
