// HelpText: what the library that reads command lines writes by itself (headings of the help, what is wrong with a command line), in
// Vietnamese. Pure. Texts of our own stand in the commands, in both languages.

/// Help and usage errors as a person of this process's language reads them.
public enum HelpText {
    /// Line by line; what is not known stays.
    public static func inLanguage(_ message: String, _ language: Language = .current) -> String {
        let message = message.split(separator: "\n", omittingEmptySubsequences: false).map { placed($0, language) }
            .joined(separator: "\n")
        guard language == .vietnamese else { return message }
        return message.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let text = line.drop { $0 == " " }
            let indent = String(line.prefix(line.count - text.count))
            for (english, vietnamese) in headings where text.hasPrefix(english) {
                let rest = String(text.dropFirst(english.count))
                return indent + vietnamese + (english == "Error: " ? errors.vietnamese(rest) : rest)
            }
            for (english, vietnamese) in endings where text.hasSuffix(english) {
                return indent + defaults(String(text.dropLast(english.count))) + vietnamese
            }
            return indent + defaults(errors.vietnamese(String(text)))
        }.joined(separator: "\n")
    }

    /// What an option takes is called by its kind; the library calls it by the option: `--older <older>`. The text beside it stays where
    /// it stood.
    private static func placed(_ line: Substring, _ language: Language) -> String {
        let text = line.drop { $0 == " " }
        let label: Substring
        var behind: Substring = ""
        if line.first == " ", let gap = text.firstRange(of: "  ") {
            label = line[..<gap.lowerBound]
            behind = line[gap.lowerBound...].drop { $0 == " " }
        } else if line.first == " ", let end = line.firstRange(of: "> "), line[..<end.upperBound].count == textColumn {
            // What just fits before the text.
            label = line[..<end.upperBound].dropLast()
            behind = line[end.upperBound...]
        } else {
            label = line
        }
        let named = String(label).replacing(/<([a-z-]+)>/) { match in
            "<" + placeholder(String(match.output.1), language) + ">"
        }
        guard !behind.isEmpty else { return named }
        let column = line.count - behind.count
        let space = column - TextColumns.width(named)
        return named + (space >= 2 ? "" : "\n") + String(repeating: " ", count: space >= 2 ? space : column) + behind
    }

    /// Where the library begins the text beside an option.
    private static let textColumn = 26

    /// What stands in brackets for a value, by the name of the option or argument.
    public static func placeholder(_ name: String, _ language: Language = .current) -> String {
        for (names, english, vietnamese) in kinds where names.contains(name) { return language(english, vietnamese) }
        return name
    }

    private static let kinds: [(names: Set<String>, english: String, vietnamese: String)] = [
        (["subcommand"], "subcommand", "lệnh-con"), (["options"], "options", "tùy-chọn"),
        (["envelope", "envelopes"], "envelope", "gói-tin"),
        (["peer", "via", "hop-peer"], "peer", "nút-kề"), (["agency", "from", "to", "sender"], "agency", "cơ-quan"),
        (["file", "files", "config", "output", "attach", "edocd"], "file", "tệp"),
        (["socket", "path"], "path", "đường-dẫn"),
        (["store"], "directory", "thư-mục"),
        (["span", "for", "older", "newer", "lifetime", "warn-arrived"], "span", "thời-gian"),
        (["link-down", "certificate"], "span,span", "thời-gian,thời-gian"),
        (["warn", "crit", "links-warn", "links-crit"], "spans", "các-mốc"),
        (["room", "links-share"], "percent,percent", "phần-trăm,phần-trăm"),
        (["links-waiting"], "number,number", "số,số"), (["timeout", "every"], "seconds", "số-giây"),
        (["since", "until"], "time", "thời-điểm"), (["date"], "date", "ngày"),
        (["limit", "number", "priority"], "number", "số"), (["larger", "smaller"], "size", "cỡ"),
        (["cursor"], "cursor", "con-trỏ"),
        (["reason", "answer", "subject", "notation", "place", "type"], "text", "chuỗi"),
        (["document"], "document", "văn-bản"), (["state"], "state", "trạng-thái"), (["urgency"], "urgency", "độ-khẩn"),
        (["level"], "level", "mức"), (["hop"], "best|any", "best|any"), (["verb"], "verb", "thao-tác"),
        (["outcome"], "outcome", "kết-cục"), (["node"], "node", "nút"), (["key"], "key", "khóa"),
        (["rate"], "octets", "số-byte"), (["cause"], "cause", "nguyên-nhân"),
        (["user"], "user", "người-dùng"), (["anchor"], "hash", "mã-băm"), (["names"], "check", "phép-kiểm"),
    ]

    /// Lines that the library does not break, such as those of the usage, in at most so many columns; nil: as they are.
    public static func folded(
        _ message: String, to columns: Int?, by fold: (_ line: String, _ columns: Int, _ hanging: Int) -> String
    ) -> String {
        guard let columns else { return message }
        return message.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            fold(joined(line), columns, hanging(line)).replacing(String(noBreak), with: " ")
        }.joined(separator: "\n")
    }

    private static let noBreak: Character = "\u{a0}"

    /// Of the usage: an option and its value stay in one line.
    private static func joined(_ line: Substring) -> String {
        guard line.contains(" [--") else { return String(line) }
        var depth = 0
        return String(
            line.map { character in
                if character == "[" { depth += 1 }
                if character == "]" { depth -= 1 }
                return character == " " && depth > 0 ? noBreak : character
            })
    }

    /// How far behind its beginning a line goes on: where the text beside an option stands, or a little.
    private static func hanging(_ line: Substring) -> Int {
        let text = line.drop { $0 == " " }
        guard line.count > text.count, let gap = text.firstRange(of: "  ") else { return 2 }
        let behind = text[gap.lowerBound...].drop { $0 == " " }
        let column = text.count - behind.count
        return column < 30 ? column : 2
    }

    /// What an option is without being given, and the subcommand that is meant without one.
    private static func defaults(_ line: String) -> String {
        var line = line.replacing("(default: ", with: "(mặc định: ")
        if line.hasSuffix("(default:") { line = line.dropLast("default:".count) + "mặc định:" }
        guard let place = line.firstRange(of: "(default)") else { return line }
        // The text beside it stays where it stood.
        let behind = line[place.upperBound...]
        let isBeside = behind.hasPrefix("  ")
        return line[..<place.lowerBound] + "(mặc định)" + (isBeside ? behind.dropFirst() : behind)
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
        ("See '% help % <lệnh-con>' for detailed help.", "Xem '%1 help %2 <lệnh-con>' để biết chi tiết."),
        ("See '% help <lệnh-con>' for detailed help.", "Xem '%1 help <lệnh-con>' để biết chi tiết."),
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
