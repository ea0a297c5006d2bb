// SelectorOptions: the flags that say which envelopes and recipients are meant; the same for `queue list` and for every deed.

import ArgumentParser
import ControlAPI
import Language

struct SelectorOptions: ParsableArguments {
    @Argument(
        help: .init(
            phrase(
                "Envelopes: names, beginnings of names, or numbers here.",
                "Gói tin: tên, phần đầu của tên, hoặc số tại nút này."),
            valueName: phrase("envelope", "gói-tin")))
    var envelopes: [String] = []

    @Option(help: .init(phrase("What waits for this neighbour.", "Những gì đang chờ gửi tới nút kề này.")))
    var peer: String?

    @Option(
        help: .init(
            phrase(
                "With --peer: best (it is the hop that would be taken now) or any (it stands among the next hops).",
                "Cùng với --peer: best (là chặng sẽ được chọn lúc này) hoặc any (có trong danh sách chặng tiếp theo)."))
    )
    var hop: String?

    @Option(
        help: .init(
            phrase(
                "The sending agency; H29.* also means every body below H29.",
                "Cơ quan gửi; H29.* gồm cả các đơn vị trực thuộc H29.")))
    var from: String?

    @Option(
        help: .init(phrase("The receiving agency, or H29.*.", "Cơ quan nhận, hoặc H29.*.")))
    var to: String?

    @Option(
        help: .init(
            phrase(
                "Urgency 0 (Thường) to 4 (Hỏa tốc hẹn giờ); 2+ means 2 and above. Repeatable.",
                "Độ khẩn từ 0 (Thường) đến 4 (Hỏa tốc hẹn giờ); 2+ là từ 2 trở lên. Có thể lặp lại.")))
    var urgency: [String] = []

    @Option(
        help: .init(
            phrase(
                "A state such as waiting, deferred, held, held-expired or arrived. Repeatable.",
                "Trạng thái, ví dụ waiting, deferred, held, held-expired, arrived. Có thể lặp lại.")))
    var state: [String] = []

    @Option(
        help: .init(
            phrase(
                "Accepted here so long ago or longer: 2h, 3d.",
                "Đã tiếp nhận tại đây từ chừng ấy thời gian trở lên: 2h, 3d.")))
    var older: String?

    @Option(
        help: .init(phrase("Accepted here less long ago.", "Mới tiếp nhận tại đây, chưa tới chừng ấy thời gian.")))
    var newer: String?

    @Option(help: .init(phrase("So large or larger: 10MiB.", "Có kích thước từ chừng ấy trở lên: 10MiB.")))
    var larger: String?

    @Option(help: .init(phrase("So large or smaller.", "Có kích thước không quá chừng ấy.")))
    var smaller: String?

    @Option(
        help: .init(
            phrase(
                "A text in the last answer of a peer or in the reason.",
                "Đoạn chữ có trong trả lời cuối cùng của nút kề hoặc trong lý do.")))
    var answer: String?

    @Option(help: .init(phrase("The sender's own ID of the document.", "Số, ký hiệu văn bản do bên gửi đặt.")))
    var document: String?

    @Flag(help: .init(phrase("Reports, too.", "Gồm cả các bản ghi báo cáo của hệ thống.")))
    var records = false

    @Option(
        help: .init(
            phrase(
                "Of what was handed in here: undelivered, delayed, refused, expired, deleted or delivered.",
                "Trong những gì nộp tại đây: undelivered, delayed, refused, expired, deleted hoặc delivered.")))
    var outcome: String?

    /// As the daemon takes them.
    var values: SelectorValues {
        var values = SelectorValues()
        values.envelope = envelopes
        values.peer = peer
        values.hop = hop
        values.from = from
        values.to = to
        values.urgency = urgency
        values.state = state
        values.older = older
        values.newer = newer
        values.larger = larger
        values.smaller = smaller
        values.answer = answer
        values.document = document
        values.records = records ? true : nil
        values.outcome = outcome
        return values
    }
}
