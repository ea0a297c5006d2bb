// PlainRowsTests: what the reader of plain rows gives is what the YAML library gives, place by place, over random texts in the plain form and
// next to it; and where the library finds an error, it gives nothing.

import Testing

@testable import RelayConfiguration

@Suite struct PlainRowsTests {
    /// What the library makes of it; nil where that is an error.
    private static func library(_ text: String, firstLine: Int) -> YAMLNode? {
        var errors = ErrorList()
        let node = YAMLText(file: "agencies.yaml").parse(text, firstLine: firstLine, &errors)
        return errors.errors.isEmpty ? node : nil
    }

    private static func plain(_ text: String, firstLine: Int) -> [YAMLNode.Entry]? {
        PlainRows.entries(Array(text.utf8)[...], firstLine: firstLine)
    }

    /// True when it was read as plain.
    private static func compare(_ text: String, firstLine: Int = 7) -> Bool {
        guard let plain = plain(text, firstLine: firstLine) else { return false }
        guard case .map(let entries)? = library(text, firstLine: firstLine)?.value else {
            Issue.record("the library does not read it as a map: \(text)")
            return true
        }
        #expect(plain == entries, "\(text)")
        return true
    }

    @Test func plainRowsAreReadAsSuch() {
        for text in [
            "  H29: {name: Thành phố, home: hcm}\n", "  H29: {name: x, home: hcm}",
            "  H29: {name: x, home: hcm} # last\r\n",
            "  000.00.15.H29: { name: \"a: b, {c} [d] #e 'f'\", home: 'dtn://hcm/', aliases: [ A.1, \"B\",C ] }\n",
            "    # first\n\n    H29:\n\n      # its name\n      name: Sở Nội vụ, phòng (2) # one\n      home: hcm\n"
                + "      aliases: [X, Y]\n    H30: # next\n      name: y\n      home: hcm\n",
            "  H29:\n    aliases:\n    - A\n    - 'B'\n    name: x\n  H30:\n    aliases: # two\n      -  A\n\n      - B, C # b\n    home: y\n",
            " A: {name: x, home: y, aliases: []}\r\n B: {other: null, aliases: [1.5]}\r\n",
        ] {
            #expect(Self.compare(text), "\(text)")
        }
    }

    @Test(arguments: [
        "  H29: {name: \"a\\tb\", home: hcm}\n", "  H29: {name: 'it''s', home: hcm}\n",
        "  H29: &a {name: x, home: y}\n",
        "  H29: {name: x, name: y}\n", "  A: {name: x, home: y}\n  A: {name: x, home: y}\n", "  H29:\n", "  H29: ~\n",
        "  H29: {name: x, home: }\n", "  H29: {name: x home: y}\n", "  H29: {name: x, home: y\n", "  H29: {}\n",
        "  H29:\n    name: Sở\n      Nội vụ\n    home: hcm\n", "  H29:\n    name: |\n      x\n    home: hcm\n",
        "  H29:\n    name: x\n   home: hcm\n", "  H29:\n    aliases:\n      - - A\n", "  H29:\n    aliases:\n   - A\n",
        "  H29:\n    aliases:\n      - A\n     - B\n", "  H29: {name: x#y, home: z}\n",
        "  H29: {name: x, home: y}# z\n", "  H29:\t{name: x, home: y}\n", "  H29: {name: x\u{85}y, home: z}\n",
        "  H29: {name: \"x\u{2028}y\", home: z}\n", "  H29: {name: x\ry, home: z}\n", "  \"H29\": {name: x, home: y}\n",
        "  ? H29\n  : {name: x, home: y}\n", "  H29: {name: *x, home: y}\n", "  H29: {name: !!str x, home: y}\n",
        "  H29: {name: x, home: y}\n A: {name: x, home: y}\n", "  <<: {name: x, home: y}\n", "",
    ])
    func whatIsNotPlainIsLeftToTheLibrary(_ text: String) {
        #expect(Self.plain(text, firstLine: 1) == nil)
    }

    @Test func randomRowsAreReadAsTheLibraryReadsThem() {
        var random = RandomRows(seed: 41)
        var plain = 0
        for _ in 0..<1_500 where Self.compare(random.rows(), firstLine: 1 + random.below(1_000)) { plain += 1 }
        #expect(plain == 1_500, "all of them are in the plain form")
    }

    /// Nearly plain rows: where one of the two understands something else, it is seen here.
    @Test func randomChangesAreReadAsTheLibraryReadsThem() {
        var random = RandomRows(seed: 43)
        var plain = 0
        for _ in 0..<12_000 where Self.compare(random.changed(random.rows(few: true))) { plain += 1 }
        #expect((2_000...11_000).contains(plain), "some still are, and some are not: \(plain)")
    }
}

/// Rows in the plain form by chance, the same for one seed.
private struct RandomRows {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(bound))
    }

    private mutating func one<Item>(of items: [Item]) -> Item { items[below(items.count)] }
    private mutating func spaces(_ most: Int) -> String { String(repeating: " ", count: below(most + 1)) }

    private mutating func letters(_ count: Int) -> String {
        String((0..<count).map { _ in one(of: Array("abcxyzABCXYZ0123456789")) })
    }

    private mutating func name() -> String {
        let words = [
            "Sở", "Nội", "vụ", "Ủy", "ban", "x", "(cũ)", "e\u{301}", "H29.15", "null", "yes", "12", "A-B_c", "&", "'s",
            "–", "“Đại”",
        ]
        return (0..<1 + below(4)).map { _ in one(of: words) }.joined(separator: one(of: [" ", "  ", " - "]))
    }

    private mutating func text(isFlow: Bool) -> String {
        let name = name()
        switch below(4) {
        case 0: return "\"\(name)\(one(of: ["", ": x", " #", "{,}", " ", "[a]", "\u{a0}"]))\""
        case 1: return "'\(name.replacing("'", with: ""))\(one(of: ["", ", y", "\\n", "# ", "\"", "@"]))'"
        default:
            // A text may not begin with what means something.
            let first = one(of: ["H", "Sở", "1", "(a)", "Đ", "\u{a0}n"])
            return first + " " + name + (isFlow ? "" : one(of: ["", ", a", "/b", "; c"]))
        }
    }

    private mutating func list() -> String {
        let items = (0..<below(4)).map { _ in one(of: [letters(3), "\"\(letters(2))\"", "000.\(letters(2))"]) }
        return "[" + spaces(1) + items.joined(separator: one(of: [",", ", ", " , "])) + spaces(1) + "]"
    }

    private mutating func blockList(_ inner: String) -> String {
        let indent = inner + spaces(2)
        return (0..<1 + below(3)).reduce(inner + "aliases:" + lineEnd()) { text, _ in
            text + indent + "- " + spaces(1) + (below(2) == 0 ? letters(3) : self.text(isFlow: false)) + lineEnd()
        }
    }

    private mutating func field(_ key: String, isFlow: Bool) -> String {
        key + ":" + " " + spaces(1) + (key == "aliases" ? list() : text(isFlow: isFlow))
    }

    private mutating func lineEnd() -> String {
        spaces(2) + one(of: ["", "", "", " # ghi chú: {a}", " #"]) + one(of: ["\n", "\n", "\r\n"])
            + one(of: ["", "", "", "\n", "   \n", "# x\n", "      # \"y\n"])
    }

    mutating func rows(few: Bool = false) -> String {
        let indent = String(repeating: " ", count: 1 + below(4))
        let inner = indent + String(repeating: " ", count: 1 + below(3))
        var result = one(of: ["", "", "# all\n", "\n"])
        for index in 0..<1 + below(few ? 3 : 12) {
            let keys = ["name", "home", "aliases", "other-key"].filter { _ in below(4) > 0 }
            let fields = keys.isEmpty ? ["name"] : keys
            result += indent + one(of: ["", "H", "000."]) + letters(2) + "\(index):"
            if below(2) == 0 {
                let list = fields.map { field($0, isFlow: true) }
                result += " " + spaces(1) + "{" + spaces(1) + list.joined(separator: one(of: [",", ", ", " ,  "]))
                result += spaces(1) + "}" + lineEnd()
            } else {
                result += lineEnd()
                for key in fields {
                    if key == "aliases", below(2) == 0 {
                        result += blockList(inner)
                    } else {
                        result += inner + field(key, isFlow: false) + lineEnd()
                    }
                }
            }
        }
        return result
    }

    /// With a few characters taken out, put in or doubled.
    mutating func changed(_ text: String) -> String {
        var scalars = Array(text.unicodeScalars)
        for _ in 0..<1 + below(3) {
            let place = below(scalars.count + 1)
            let odd: [Unicode.Scalar] = [
                " ", " ", "\n", "\r", "\t", "#", ":", ",", "{", "}", "[", "]", "\"", "'", "&", "*", "!", "|", ">", "%",
                "@", "`", "-",
                "?", "~", "\\", "a", "0", "ở", "\u{85}", "\u{2028}", "\u{feff}", "\u{7f}", "\u{1}", "\u{301}",
                "\u{1f600}", "=", "<",
            ]
            switch below(3) {
            case 0 where place < scalars.count: scalars.remove(at: place)
            case 1 where place < scalars.count: scalars.insert(scalars[place], at: place)
            default: scalars.insert(one(of: odd), at: place)
            }
        }
        var result = String.UnicodeScalarView()
        result.append(contentsOf: scalars)
        return String(result)
    }
}
