// SpoolView: agencies that take their documents from a directory, in lines for a person. Pure.

import ControlAPI
import Language

enum SpoolView {
    /// A line an agency, and one for what is wrong; empty when there is none.
    static func text(_ spools: [SpoolLine], columns: Int? = nil) -> String {
        spools.map { Shown.folded(line($0), to: columns) + "\n" }.joined()
    }

    private static func line(_ spool: SpoolLine) -> String {
        let agency = Shown.text(spool.agency)
        var text =
            spool.directory.map { Sentences.takes(agency, Shown.text($0)) } ?? Sentences.noDirectory(agency)
        if spool.underWay > 0 { text += " " + Sentences.underWay(spool.underWay) }
        if let trouble = spool.trouble.map({ Shown.text(Shown.sentence($0)) }) {
            text += "\n  " + (spool.stuck.map { Sentences.stuck($0, trouble) } ?? Sentences.trouble(trouble))
        }
        if spool.waitsForRelease ?? false { text += "\n  " + Sentences.waitsForRelease }
        return text
    }

    enum Sentences {
        static func takes(_ agency: String, _ directory: String) -> String {
            phrase(
                "\(agency) takes its documents from \(directory)/new.",
                "\(agency) nhận văn bản tại thư mục \(directory)/new.")
        }
        static func noDirectory(_ agency: String) -> String {
            phrase(
                "\(agency) has no directory configured any more.",
                "\(agency) không còn được cấu hình thư mục nhận văn bản."
            )
        }
        static func underWay(_ count: Int) -> String {
            phrase("Handing over: \(count).", "Đang bàn giao: \(count).")
        }
        static var waitsForRelease: String {
            phrase(
                "What came with the copy that the store was restored from is held back: edocctl restore release.",
                "Những gì có trong bản sao dùng để khôi phục kho đang bị giữ lại: edocctl restore release.")
        }
        static func stuck(_ count: Int, _ why: String) -> String {
            phrase(
                "The directory does not take documents that are handing over (\(count)), and is tried again: \(why)",
                "Thư mục chưa nhận được các văn bản đang bàn giao (\(count)), hệ thống sẽ thử lại: \(why)")
        }
        static func trouble(_ why: String) -> String {
            phrase(
                "The directory takes no documents now, and is tried again: \(why)",
                "Thư mục hiện chưa nhận được văn bản, hệ thống sẽ thử lại: \(why)")
        }
    }
}
