// SubmitCommand: `edocctl submit`. The file is streamed; it is never held in memory.

import ArgumentParser
import ControlAPI
import Language

struct SubmitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit", abstract: phrase("Hands in a document.", "Nộp một văn bản."),
        discussion: phrase(
            "An edXML package says itself who sends it to whom. For any other file give --sender and --to.",
            "Gói edXML tự ghi ai gửi cho ai. Với tệp khác hãy ghi --sender và --to."))

    @OptionGroup var common: LiveOptions
    @Argument(help: .init(phrase("The file.", "Tệp."))) var file: String
    @Option(help: .init(phrase("The sending agency, at home on this node.", "Cơ quan gửi, thuộc nút này."))) var sender:
        String?
    @Option(help: .init(phrase("A recipient agency; repeat it for several.", "Cơ quan nhận; lặp lại nếu có nhiều.")))
    var to: [String] = []
    @Option(
        help: .init(
            phrase(
                "0 Thường, 1 Khẩn, 2 Thượng khẩn, 3 Hỏa tốc, 4 Hỏa tốc hẹn giờ (normal to flash at a set time).",
                "0 Thường, 1 Khẩn, 2 Thượng khẩn, 3 Hỏa tốc, 4 Hỏa tốc hẹn giờ."))) var urgency: Int?
    @Option(help: .init(phrase("The sender's own ID of the document.", "Mã văn bản của bên gửi."))) var document:
        String?
    @Option(help: .init(phrase("How long it lives, such as 12h or 30d.", "Thời hạn, ví dụ 12h hoặc 30d.")))
    var lifetime: String?
    @Option(
        help: .init(
            phrase(
                "A key of your own: within 7 days the same document under the same key is taken once only.",
                "Khóa tự đặt: trong 7 ngày, cùng văn bản với cùng khóa chỉ được tiếp nhận một lần.")))
    var key: String?

    func validate() throws {
        // It travels in a line of the request's head.
        guard let key, key.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f })
        else { return }
        throw ValidationError(
            phrase("--key is 1 to 128 printable ASCII characters", "--key gồm 1 đến 128 ký tự ASCII in được"))
    }

    func run() async throws {
        let input = try InputFile(file)
        var items: [(name: String, value: String?)] = [
            ("sender", sender), ("urgency", urgency.map(String.init)), ("document", document), ("lifetime", lifetime),
        ]
        items += to.map { ("to", $0) }
        let headers = key.map { [(name: "Idempotency-Key", value: $0)] } ?? []
        let bytes = try await common.client.post(
            ControlPath.query(ControlPath.submit, items), length: input.length, headers: headers
        ) {
            try input.next()
        }
        _ = try await common.shown(bytes, SubmitView.text)
    }
}

enum SubmitView {
    static func text(_ answer: SubmitAnswer, columns: Int? = nil) -> String {
        let recipients = answer.recipients.prefix(20).joined(separator: ", ")
        let more = answer.recipients.count > 20 ? Sentences.more(answer.recipients.count - 20) : ""
        let text =
            answer.isRepeated == true
            ? Sentences.repeated(answer.envelope)
            : Sentences.accepted(answer.envelope, Shown.size(answer.bytes), recipients + more)
        var lines = [text]
        if let warnings = answer.warnings {
            lines.append(Sentences.warnings)
            lines += warnings.map { "  " + Shown.sentence($0) }
        }
        return lines.map { Shown.folded(Shown.text($0), to: columns) + "\n" }.joined()
    }

    private enum Sentences {
        static func accepted(_ name: String, _ size: String, _ recipients: String) -> String {
            phrase("accepted \(name), \(size), for \(recipients)", "đã tiếp nhận \(name), \(size), cho \(recipients)")
        }
        static func repeated(_ name: String) -> String {
            phrase(
                "\(name) was accepted before under this key; nothing new was made",
                "\(name) đã được tiếp nhận trước đó với khóa này; không tạo thêm gì")
        }
        static var warnings: String {
            phrase(
                "it was taken as it is; the program that wrote it should be mended:",
                "đã nhận nguyên trạng; nên sửa chương trình tạo gói:")
        }
        static func more(_ count: Int) -> String { phrase(" and \(count) more", " và \(count) nơi nữa") }
    }
}
