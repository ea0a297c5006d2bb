// Which language a process speaks, and how sentences of others are found by their templates.

import Language
import Testing

@Suite struct LanguageTests {
    @Test(
        arguments: [
            ([:], Language.english), (["LANG": "vi_VN.UTF-8"], .vietnamese), (["LANG": "vi"], .vietnamese),
            (["LANG": "vi_VN", "LC_ALL": "C"], .english),
            (["LANG": "en_GB", "LC_MESSAGES": "vi_VN.UTF-8"], .vietnamese),
            (["LC_ALL": "", "LANG": "vi.UTF-8"], .vietnamese), (["LANG": "vie_VN"], .english),
        ] as [([String: String], Language)])
    func theEnvironmentDecides(environment: [String: String], language: Language) {
        #expect(Language { environment[$0] } == language)
    }

    private static let catalogue = Catalogue([
        ("% is up", "%1 đang nối"), ("% is up, and % waits", "%1 đang nối, %2 chờ"), ("route: %", "tuyến: %1"),
        ("from % to %", "đến %2 từ %1"), ("nothing", "không có gì"),
    ])

    @Test(arguments: [
        ("hcm is up", "hcm đang nối"), ("hcm is up, and all waits", "hcm đang nối, all chờ"),
        ("route: hcm is up", "tuyến: hcm đang nối"), ("from a to b to c", "đến b to c từ a"),
        ("nothing", "không có gì"),
        ("nothing else", "nothing else"), ("", ""), ("hcm is up!", "hcm is up!"),
    ])
    func sentencesAreFoundByTheirTemplates(english: String, vietnamese: String) {
        #expect(Self.catalogue.vietnamese(english) == vietnamese)
    }

    private static let signs = Catalogue([
        ("%: found %; did you mean %?", "%=1: gặp: %w2; có phải là %=3?"), ("none", "không có"),
        ("%: %", "%1: %2"), ("peers", "nút kề"), ("% is down for %", "%1 mất nối %t2"), ("node %", "nút %n1"),
        ("the store is full", "kho đã đầy"), ("suspended: %", "tạm ngừng: %=1"),
    ])

    /// A name or a key is no word of the catalogue, and what a person has typed is no sentence of it.
    @Test(arguments: [
        ("peer: found none; did you mean peers?", "peer: gặp: không có; có phải là peers?"),
        ("peers: the store is full", "peers: kho đã đầy"), ("a: peers", "a: peers"),
        ("hcm is down for 19d", "hcm mất nối 19 ngày"), ("hcm is down for ever", "hcm is down for ever"),
        ("node hanoi", "nút hanoi"), ("node of a tree", "node of a tree"),
        ("suspended: the store is full", "tạm ngừng: the store is full"),
    ])
    func namesAndKeysStay(english: String, vietnamese: String) {
        #expect(Self.signs.vietnamese(english) == vietnamese)
    }

    @Test func spansHaveTheirUnits() {
        #expect(Span.text(19, .days, .vietnamese) == "19 ngày")
        #expect(Span.text(19, .days, .english) == "19d")
        #expect(Span.Unit.allCases.map { Span.text(1, $0, .vietnamese) } == ["1 giây", "1 phút", "1 giờ", "1 ngày"])
    }

    @Test func anOptionAndItsValueStayTogether() {
        let folded = HelpText.folded("USAGE: x [--a <b>] [--c]\n  --a    text", to: 20) { line, columns, hanging in
            "\(columns) \(hanging) " + line.replacing(" ", with: "_")
        }
        #expect(folded == "20 2 USAGE:_x_[--a <b>]_[--c]\n20 7 __--a____text")
        #expect(HelpText.folded("x", to: nil) { _, _, _ in "y" } == "x")
    }

    @Test func aTaskMaySpeakAnother() {
        let vietnamese = Language.$spoken.withValue(.vietnamese) { phrase("no", "không") }
        let english = Language.$spoken.withValue(.english) { phrase("no", "không") }
        #expect(vietnamese == "không")
        #expect(english == "no")
    }

    @Test func theHelpHasItsHeadings() {
        let help = "OVERVIEW: x\n\nUSAGE: edocctl <subcommand>\n\nOPTIONS:\n  -h, --help    Show help information.\n"
        #expect(
            HelpText.inLanguage(help, .vietnamese)
                == "MÔ TẢ: x\n\nCÁCH DÙNG: edocctl <lệnh-con>\n\nTÙY CHỌN:\n  -h, --help    Hiện trợ giúp.\n")
        #expect(HelpText.inLanguage(help, .english) == help)
        let lines = "  list (default)          The table.\n  --limit <limit>         Lines. (default: 50)\n"
        #expect(
            HelpText.inLanguage(lines + "  See 'edocctl help queue <subcommand>' for detailed help.", .vietnamese)
                == "  list (mặc định)         The table.\n  --limit <số>            Lines. (mặc định: 50)\n"
                + "  Xem 'edocctl help queue <lệnh-con>' để biết chi tiết.")
        // What a value is, and where there is no room beside it the text goes below.
        #expect(HelpText.inLanguage("  --older <older>   Text.", .english) == "  --older <span>    Text.")
        #expect(
            HelpText.inLanguage("  --room <room>   Text.", .english)
                == "  --room <percent,percent>\n                  Text.")
        #expect(
            HelpText.inLanguage("  --link-down <link-down> Text.", .english)
                == "  --link-down <span,span>\n" + String(repeating: " ", count: 26) + "Text.")
        #expect(HelpText.inLanguage("Error: Unknown option '--x'", .vietnamese) == "Lỗi: Không có tùy chọn '--x'")
    }
}
