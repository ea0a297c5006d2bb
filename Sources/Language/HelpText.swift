// HelpText: what the library that reads command lines writes by itself (headings of the help, what is wrong with a command line), in
// Vietnamese. Pure. Texts of our own stand in the commands, in both languages.

/// Help and usage errors as a person of this process's language reads them.
public enum HelpText {
    /// Line by line; what is not known stays.
    public static func inLanguage(_ message: String, _ language: Language = .current) -> String {
        guard language == .vietnamese else { return message }
        return message.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let text = line.drop { $0 == " " }
            let indent = String(line.prefix(line.count - text.count))
            for (english, vietnamese) in headings where text.hasPrefix(english) {
                let rest = String(text.dropFirst(english.count))
                return indent + vietnamese + (english == "Error: " ? errors.vietnamese(rest) : rest)
            }
            for (english, vietnamese) in endings where text.hasSuffix(english) {
                return indent + text.dropLast(english.count) + vietnamese
            }
            return indent + errors.vietnamese(String(text))
        }.joined(separator: "\n")
    }

    private static let headings = [
        ("OVERVIEW: ", "MÔ TẢ: "), ("USAGE: ", "CÁCH DÙNG: "), ("Usage: ", "Cách dùng: "), ("ARGUMENTS:", "THAM SỐ:"),
        ("OPTIONS:", "TÙY CHỌN:"), ("SUBCOMMANDS:", "LỆNH CON:"), ("Error: ", "Lỗi: "), ("Help: ", "Trợ giúp: "),
    ]
    private static let endings = [
        ("Show help information.", "Hiện trợ giúp."), ("Show the version.", "Hiện phiên bản."),
        ("Show subcommand help information.", "Hiện trợ giúp của lệnh con."),
    ]

    private static let errors = Catalogue([
        ("See '% help <subcommand>' for detailed help.", "Xem '%1 help <lệnh con>' để biết chi tiết."),
        ("  See '% --help' for more information.", "  Xem '%1 --help' để biết thêm."),
        ("See '% --help' for more information.", "Xem '%1 --help' để biết thêm."),
        ("Missing expected argument '%'", "Thiếu tham số '%1'"),
        ("Missing one of: %", "Thiếu một trong: %1"),
        ("Missing value for '%'", "Thiếu giá trị của '%1'"),
        ("Unknown option '%'", "Không có tùy chọn '%1'"),
        ("Unknown option '%'. Did you mean '%'?", "Không có tùy chọn '%1'. Có phải là '%2'?"),
        ("Unexpected argument '%'", "Thừa tham số '%1'"),
        ("% unexpected arguments: %", "Thừa %1 tham số: %2"),
        ("The value '%' is invalid for '%'", "Giá trị '%1' không hợp lệ cho '%2'"),
        ("The value '%' is invalid for '%'. Please provide %", "Giá trị '%1' không hợp lệ cho '%2'. Hãy ghi %3"),
        ("Value to be set with flag '%' had already been set with flag '%'", "'%1' trái với '%2' đã ghi trước"),
    ])
}
