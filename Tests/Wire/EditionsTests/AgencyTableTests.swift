// AgencyTableTests: tables as the axis and spreadsheets give them, and what is odd in them by row.

import Editions
import RelayModel
import Testing

@Suite struct AgencyTableTests {
    static func read(_ bytes: [UInt8], homes: DefaultHomes = DefaultHomes(Sample.node("hcm"))) -> AgencyTable {
        AgencyTable(reading: bytes, homes: homes, joined: Sample.start)
    }

    static func read(_ text: String) -> AgencyTable { read(Array(text.utf8)) }

    static func oddities(_ table: AgencyTable) -> [String] {
        table.oddities.map { "\($0.row) \($0.code.rawValue)" }
    }

    @Test(arguments: [",", ";", "\t"], ["\n", "\r\n"]) func readsWhatTheAxisLists(separator: String, end: String) throws
    {
        let lines = [
            ["oldCode", "id", "pid", "code", "name", "mail", "version"],
            ["000.00.00.H29", "1", "0", "H29", "UBND Thành phố Hồ Chí Minh", "vp@hcm.example.vn", "3"],
            [
                "000.00.15.H29", "2", "1", "H29.15", "\"Sở \"\"Tư pháp\"\"\(separator == "\t" ? "" : separator) số 1\"",
                "", "",
            ],
            [], ["", "3", "2", "H29.15.02", "Phòng Nội vụ"],
        ]
        let text = lines.map { $0.joined(separator: separator) }.joined(separator: end)
        for bytes in [Array(text.utf8), [0xef, 0xbb, 0xbf] + Array((text + end).utf8)] {
            let table = Self.read(bytes)
            #expect(table.oddities.isEmpty, "\(table.oddities)")
            #expect(table.rows.map(\.code.text) == ["H29", "H29.15", "H29.15.02"])
            let first = try #require(table.rows.first)
            #expect(
                first
                    == AgencyRow(
                        code: Sample.code("H29"), vietnamese: "UBND Thành phố Hồ Chí Minh",
                        aliases: [Sample.code("000.00.00.H29")], contact: Contact(mail: "vp@hcm.example.vn"),
                        homes: [DatedHome(Sample.node("hcm"), from: Sample.start)],
                        states: [DatedState(.joined, from: Sample.start)]))
            #expect(table.rows[1].vietnamese == "Sở \"Tư pháp\"\(separator == "\t" ? "" : separator) số 1")
            #expect(table.rows[1].parent == first.code)
            #expect(table.rows[2].parent == table.rows[1].code)
        }
    }

    @Test func whatIsOddIsNamedByRow() {
        let table = Self.read(
            """
            id,pid,code,name,code102
            1,,A,Một,X1
            2,1,A,Hai,X2
            3,9,C,Ba,X1
            4,1,D,,B
            5,1,B,"  Năm\u{200b}  chữ ",X5
            6,1,bad code,Sáu,
            7,8,E,Bảy,y z!
            8,7,F,Tám,
            1,,G,Chín,
            10,1,root,Mười,

            """)
        #expect(
            Self.oddities(table) == [
                "3 code-twice", "5 empty-name", "6 name-mended", "7 bad-code", "8 bad-alias", "10 id-twice",
                "11 bad-code",
                "4 alias-twice", "4 missing-parent", "5 alias-is-code", "9 parent-cycle",
            ])
        #expect(table.rows.map(\.code.text) == ["A", "B", "C", "D", "E", "F", "G"])
        #expect(table.rows.map(\.vietnamese) == ["Một", "Năm chữ", "Ba", "D", "Bảy", "Tám", "Chín"])
        #expect(table.rows.map { $0.parent?.text ?? "" } == ["", "A", "", "A", "F", "", ""])
        #expect(table.oddities.filter(\.isDropped).map(\.row) == [3, 7, 11])
        #expect(
            table.oddities[0].description == "row 3: the code A stands in row 2 too; the row is left out [code-twice]")
    }

    @Test func namesAreComposed() {
        let apart =
            "U\u{309}y ban nha\u{302}n da\u{302}n ti\u{309}nh \u{110}a\u{306}\u{301}k La\u{306}\u{301}k, "
            + "o\u{31b}\u{309}\u{a0}Hue\u{302}\u{301}"
        let table = Self.read("code,name\nH15,\"\(apart)\"\n")
        let name = table.rows.first?.vietnamese ?? ""
        #expect(Array(name.utf8) == Array("Ủy ban nhân dân tỉnh Đắk Lắk, ở Huế".utf8))
        #expect(Self.oddities(table) == ["2 name-mended"])
    }

    @Test(arguments: [
        ("", "1 missing-column"), ("id,name\n1,x\n", "1 missing-column"), ("\u{0},\u{1}\n", "1 missing-column"),
        ("code,name,code\nA,x,B\n", "1 column-twice"), ("code,name\nA,\"x\n", "2 bad-record"),
        ("code,name\nA,\"x\"y\nB,z\n", "2 bad-record"), ("code,name\n\"A\"\n", "2 empty-name"),
        ("code,name\nA,\(String(repeating: "x", count: 5_000))\nB,y\n", "2 too-long"),
        ("code,name\nA,\(String(repeating: "x", count: 1_025))\nB,y\n", "2 too-long"),
        ("code,name\nA,x\(String(repeating: ",", count: 100))\nB,y\n", "2 too-long"),
        ("code,name\n\(String(repeating: "A", count: 36)),x\n", "2 bad-code"),
        ("code,name,mail\nA,x,\(String(repeating: "m", count: 255))\n", "2 bad-mail"),
        ("code,name,pcode\nA,x,B\n", "2 missing-parent"),
    ]) func isOdd(text: String, wanted: String) {
        #expect(Self.oddities(Self.read(text)) == [wanted])
    }

    @Test func oneBadRowDoesNotSpoilTheNext() {
        let bytes = Array("code,name\nA,".utf8) + [0xff, 0xfe] + Array("\nB,y\nC,\"z\"z\nD,ð\n".utf8)
        let table = Self.read(bytes)
        #expect(Self.oddities(table) == ["2 bad-utf8", "4 bad-record"])
        #expect(table.rows.map(\.code.text) == ["B", "D"])
    }

    @Test func homesAreByTheLongestSubtree() throws {
        let homes = DefaultHomes([
            try #require(Subtree("H29.*")): Sample.node("hcm"), try #require(Subtree("H29.15.*")): Sample.node("stp"),
        ])
        let table = Self.read(Array("code,name\nG22,a\nH29,b\nH29.15.1,c\nH29.16,d\n".utf8), homes: homes)
        #expect(table.rows.map { $0.homes.first?.node.name ?? "" } == ["", "hcm", "stp", "hcm"])
        #expect(table.rows[0].states.map(\.state) == [.planned])
        #expect(Self.oddities(table) == ["2 no-home"])
    }

    @Test func levelsAreBounded() {
        let rows = (1...40).map { "A\($0),x,\($0 == 1 ? "" : "A\($0 - 1)")" }
        let table = Self.read((["code,name,pcode"] + rows).joined(separator: "\n"))
        #expect(Self.oddities(table) == ["20 too-deep", "38 too-deep"])
        #expect(table.rows.count == 40)
    }

    @Test func rowsAreBounded() {
        let table = AgencyTable(
            reading: Array("code,name\nA,x\nB,y\nC,z\n".utf8), homes: DefaultHomes(Sample.node("hcm")),
            joined: Sample.start, rowsMax: 3)
        #expect(Self.oddities(table) == ["4 too-many-rows"])
        #expect(table.rows.map(\.code.text) == ["A", "B"])
    }

    /// Whatever a table holds, its rows make a sound edition.
    @Test(arguments: UInt64(1)..<30) func rowsOfAnyTableAreSound(seed: UInt64) throws {
        var random = Numbers(seed: seed)
        let words = [
            "A", "B", "C.1", "C", "x y", "", "\"", "\"q\"", "ạ\u{301}", "\u{202e}", "1", "2", "3", ";", "\t", "D", "E",
            "-1",
        ]
        var text = "id,pid,code,name,oldCode,mail,mobile\n"
        for _ in 0..<60 {
            let fields = (0..<7).map { _ in words[Int(random.next(below: UInt64(words.count)))] }
            text += fields.joined(separator: ",") + "\n"
        }
        let table = Self.read(text)
        let rows: [EditionRow] = [.authority(Sample.authority("root", ["*"])), .node(Sample.nodeRow("hcm"))]
        let edition = try Edition(Sample.draft(), rows: rows + table.rows.map { .agency($0) }, hash: Sample.hash)
        #expect(EditionExamination.findings(of: edition, remit: .root).list == [])
    }
}
