// EditionRefusalTests: every other way to write an edition is refused, with its code, its line and its field; what is hostile is refused
// before it is kept.

import Editions
import RelayModel
import Testing

@Suite struct EditionRefusalTests {
    struct Case: Sendable, CustomTestStringConvertible {
        /// What stands in the sample, and what is put in its place.
        var old: String
        var new: String
        var code: EditionError.Code
        var line: Int
        var field: String

        init(_ old: String, _ new: String, _ code: EditionError.Code, _ line: Int, _ field: String = "") {
            self.old = old
            self.new = new
            self.code = code
            self.line = line
            self.field = field
        }

        var testDescription: String { "\(code.rawValue): \(new.prefix(60).debugDescription)" }
    }

    static let heads: [Case] = [
        Case("{\"edition\"", "\u{feff}{\"edition\"", .unexpected, 1),
        Case("{\"edition\"", " {\"edition\"", .whiteSpace, 1),
        Case("{\"edition\":{", "{\"edition\": {", .unexpected, 1),
        Case("\"format\":1,", "\"format\":2,", .unknownFormat, 1, "format"),
        Case("\"format\":1,", "\"format\":01,", .badNumber, 1, "format"),
        Case("\"format\":1,", "\"format\":1.0,", .badNumber, 1, "format"),
        Case("\"format\":1,", "\"format\":-1,", .badNumber, 1, "format"),
        Case("\"format\":1,", "\"format\":1e0,", .badNumber, 1, "format"),
        Case("\"format\":1,", "\"format\":\"1\",", .badNumber, 1, "format"),
        Case("\"number\":1,", "\"number\":0,", .badNumber, 1, "number"),
        Case("\"number\":1,", "\"number\":1000000000,", .numberTooLarge, 1, "number"),
        Case("\"number\":1,", "\"number\":18446744073709551617,", .numberTooLarge, 1, "number"),
        Case(
            "\"number\":1,", "\"number\":" + String(repeating: "9", count: 5_000) + ",", .numberTooLarge, 1, "number"),
        Case("\"number\":1,", "\"number\":2,", .missingField, 1, "before"),
        Case("\"number\":1,", "\"number\":1,\"before\":\"x\",", .unexpected, 1, "before"),
        Case("\"number\":1,", "\"number\":1,\"number\":1,", .fieldOrder, 1, "number"),
        Case("\"number\":1,", "\"number\":1,\"authority\":\"root\",", .fieldOrder, 1, "authority"),
        Case("\"number\":1,", "", .missingField, 1, "number"),
        Case("\"number\":1,", "\"number\":1,\"extra\":1,", .unknownField, 1),
        Case("\"authority\":\"root\"", "\"authority\":\"ro ot\"", .badCode, 1, "authority"),
        Case("\"from\":\"2026-01-01\"", "\"from\":\"2026-01-01T00:00:00+07:00\"", .badMoment, 1, "from"),
        Case("\"from\":\"2026-01-01\"", "\"from\":\"2026-01-01T01:00:00Z\"", .badMoment, 1, "from"),
        Case("\"from\":\"2026-01-01\"", "\"from\":\"2026-01-01T01:00:00+06:00\"", .badMoment, 1, "from"),
        Case("\"from\":\"2026-01-01\"", "\"from\":\"2026-02-29\"", .badMoment, 1, "from"),
        Case("\"from\":\"2026-01-01\"", "\"from\":\"2026-1-01\"", .badMoment, 1, "from"),
        Case("\"from\":\"2026-01-01\"", "\"from\":\"1999-12-31\"", .badMoment, 1, "from"),
        Case("\"count\":8", "\"count\":1000001", .tooManyRows, 1, "count"),
        Case("\"count\":8", "\"count\":10000000", .tooManyRows, 1, "count"),
        Case("\"count\":8", "\"count\":7", .wrongCount, 10),
        Case("\"count\":8", "\"count\":9", .wrongCount, 0),
        Case("\"whole\":[", "\"whole\": [", .unexpected, 2),
        Case("\"whole\":[", "\"rows\":[", .unexpected, 2),
        Case("\"whole\":[\n", "\"whole\":[\r\n", .controlCharacter, 2),
        Case("\"whole\":[\n", "\"whole\":[\n\n", .unexpected, 3),
    ]

    static let rows: [Case] = [
        Case("{\"authority\":\"H29\"", "{\"ministry\":\"H29\"", .unknownKind, 3),
        Case("[\"H29.*\",\"K29.*\"]", "[\"K29.*\",\"H29.*\"]", .listOrder, 3, "subtrees"),
        Case("[\"H29.*\",\"K29.*\"]", "[\"H29.*\",\"H29.*\"]", .listOrder, 3, "subtrees"),
        Case("[\"H29.*\",\"K29.*\"]", "[\"H29\"]", .badSubtree, 3, "subtrees"),
        Case("[\"H29.*\",\"K29.*\"]", "[]", .emptyValue, 3, "subtrees"),
        Case("[\"H29.*\",\"K29.*\"]", "null", .unexpected, 3, "subtrees"),
        Case("\"needs\":2", "\"needs\":02", .badNumber, 3, "needs"),
        Case("\"nodes\":[\"hcm\"]", "\"nodes\":[\"h cm\"]", .badNode, 3, "nodes"),
        Case("\"nodes\":[\"hcm\"]", "\"nodes\":[\"ipn:07\"]", .badNode, 3, "nodes"),
        Case("{\"node\":\"hcm\",", "{\"node\":\"aaa\",\"role\":\"cache\",", .badWord, 5, "role"),
        Case("\"role\":\"hub\",\"watching\":true", "\"role\":\"hub\",\"watching\":false", .badWord, 6, "watching"),
        Case("\"hub.example.vn:4556\"", "\"hub.example.vn\"", .badAddress, 6, "addresses"),
        Case("\"hub.example.vn:4556\"", "\"hub.example.vn:04556\"", .badAddress, 6, "addresses"),
        Case("\"hub.example.vn:4556\"", "\"hub.example.vn:65536\"", .badAddress, 6, "addresses"),
        Case("\"hub.example.vn:4556\"", "\"[2001:db8::1]:4556\"", .listOrder, 6, "addresses"),
        Case("\"former-name\"", "\"Former\"", .badFeature, 6, "features"),
        Case("\"former-name\"", "\"zzz\"", .listOrder, 6, "features"),
        Case("\"until\":\"2026-06-01\"", "\"until\":\"\"", .emptyValue, 6, "until"),
        Case("\"der\":\"AAEC", "\"der\":\"AA C", .badCertificate, 6, "der"),
        Case("EhM=\"", "EhN=\"", .badCertificate, 6, "der"),
        Case("EhM=\"", "EhM\"", .badCertificate, 6, "der"),
        Case("{\"agency\":\"H29\",", "{\"agency\":\"H29.\",", .badCode, 7, "agency"),
        Case("{\"agency\":\"H29\",", "{\"agency\":\"H29\",\"agency\":\"H29\",", .fieldOrder, 7, "agency"),
        Case("\"vi\":\"Cơ quan H29\",", "", .missingField, 7, "vi"),
        Case("\"vi\":\"Cơ quan H29\",", "\"vi\":\"\",", .emptyValue, 7, "vi"),
        Case("\"vi\":\"Cơ quan H29\",", "\"vi\":\"Cơ quan H29 \",", .edgeSpace, 7, "vi"),
        Case("\"vi\":\"Cơ quan H29\",", "\"vi\":\"C\\u01a1 quan\",", .needlessEscape, 7, "vi"),
        Case("\"vi\":\"Cơ quan H29\",", "\"vi\":\"a\\/b\",", .needlessEscape, 7, "vi"),
        Case("\"vi\":\"Cơ quan H29\",", "\"vi\":\"a\\x\",", .needlessEscape, 7, "vi"),
        Case("\"vi\":\"Cơ quan H29\",", "\"vi\":\"a\tb\",", .controlCharacter, 7, "vi"),
        Case("\"vi\":\"Cơ quan H29\",", "\"vi\":\"a\u{0}b\",", .controlCharacter, 7, "vi"),
        Case("\"vi\":\"Cơ quan H29\",", "\"vi\":\"a\u{7f}b\",", .controlCharacter, 7, "vi"),
        Case("\"vi\":\"Cơ quan H29\",", "\"vi\":\"a\u{85}b\",", .controlCharacter, 7, "vi"),
        Case("\"vi\":\"Cơ quan H29\",", "\"vi\":\"a\u{200b}b\",", .hiddenCharacter, 7, "vi"),
        Case("\"vi\":\"Cơ quan H29\",", "\"vi\":\"a\u{202e}b\",", .hiddenCharacter, 7, "vi"),
        Case("\"vi\":\"Cơ quan H29\",", "\"vi\":\"a\u{a0}b\",", .hiddenCharacter, 7, "vi"),
        Case("\"vi\":\"Cơ quan H29\",", "\"vi\":\"a\u{10ffff}b\",", .hiddenCharacter, 7, "vi"),
        Case("\"vi\":\"Cơ quan H29\",", "\"vi\":\"Co\u{31b} quan\",", .notComposed, 7, "vi"),
        Case("\"vi\":\"Cơ quan H29\",", "\"vi\":\"Cơ\",\"zalo\":\"x\",", .unknownField, 7),
        Case("\"vi\":\"Cơ quan H29\",", "\"vi\":\"Cơ\",\"parent\":\"G\",\"en\":\"x\",", .fieldOrder, 7, "en"),
        Case("\"vi\":\"Cơ quan H29\",", "\"vi\":\"Cơ\", ", .whiteSpace, 7, "vi"),
        Case("\"vi\":\"Cơ quan H29\",", "\"vi\":7,", .unexpected, 7, "vi"),
        Case("\"vi\":\"Cơ quan H29\",", "\"vi\":{\"a\":{}},", .unexpected, 7, "vi"),
        Case(
            "\"vi\":\"Cơ quan H29\",", "\"vi\":\"\(String(repeating: "ơ", count: 513))\",", .textTooLong, 7, "vi"),
        Case("\"vi\":\"Cơ quan H29\"", String(repeating: "[", count: 100), .unexpected, 7, "agency"),
        Case("\"state\":\"planned\"", "\"state\":\"dreamt\"", .badWord, 8, "state"),
        Case("\"from\":\"2025-12-01\"", "\"from\":\"2026-01-01\"", .listOrder, 8, "states"),
        Case("\"from\":\"2025-12-01\"", "\"since\":\"2025-12-01\"", .unknownField, 8),
        Case("\"from\":\"2026-03-01\"", "\"from\":\"2025-03-01\"", .listOrder, 8, "homes"),
        Case("\"kind\":\"merged\"", "\"kind\":\"split\"", .missingField, 8, "parts"),
        Case("\"kind\":\"merged\"", "\"kind\":\"sold\"", .badWord, 8, "kind"),
        Case("\"takes\":\"đất đai\"", "\"takes\":\"\"", .emptyValue, 10, "takes"),
        Case("{\"agency\":\"H29.16\",\"vi\"", "{\"agency\":\"H29.15\",\"vi\"", .rowTwice, 9),
        Case("{\"agency\":\"H29.16\",\"vi\"", "{\"agency\":\"H29.14\",\"vi\"", .rowOrder, 9),
        Case("{\"agency\":\"H29\",\"vi\"", "{\"agency\":\"ZZ\",\"vi\"", .rowOrder, 8),
        Case(
            "{\"agency\":\"H29\",\"vi\"", "{\"remove\":{\"agency\":\"H29\"}},\n{\"agency\":\"H29\",\"vi\"",
            .notOfTheWhole, 7, "remove"),
        Case("]}\n", "]}", .cutOff, 11),
        Case("]}\n", "]}\n\n", .afterTheEnd, 12),
        Case("]}\n", "]}\n]}\n", .afterTheEnd, 12),
        Case("]}\n", "]} \n", .unexpected, 11),
        Case("]}\n", "", .cutOff, 11),
        Case("}}\n]}\n", "}},\n]}\n", .unexpected, 11),
        Case(",\n{\"node\":\"hcm\"", "\n{\"node\":\"hcm\"", .unexpected, 5),
        Case("]},\n{\"node\":\"hub\"", "]} ,\n{\"node\":\"hub\"", .whiteSpace, 5),
        Case("Cơ quan H29.16", "Cơ quan H29.61", .wrongRows, 0),
    ]

    @Test(arguments: heads + rows) func isRefused(_ it: Case) throws {
        let place = try #require(Sample.text.firstRange(of: it.old), "not in the sample: \(it.old)")
        var text = Sample.text
        text.replaceSubrange(place, with: it.new)
        let error = try #require(Sample.error(text))
        #expect(error.code == it.code, "\(error)")
        #expect(error.line == it.line, "\(error)")
        #expect(error.field == it.field, "\(error)")
        #expect(error.description.contains(error.code.rawValue))
    }

    /// Every code of the reader that the table can have is in it.
    @Test func theTableHasEveryCode() {
        let elsewhere: Set<EditionError.Code> = [
            .tooLarge, .lineTooLong, .badUTF8, .listTooLong, .badFingerprint, .notTheRoot, .removesNothing,
            .changesNothing,
        ]
        let there = Set((Self.heads + Self.rows).map(\.code))
        #expect(there.union(elsewhere) == Set(EditionError.Code.allCases))
        #expect(there.isDisjoint(with: elsewhere))
    }

    static let broken: [[UInt8]] = [
        [0x80], [0xc0, 0x80], [0xc1, 0xbf], [0xe0, 0x80, 0x80], [0xe1, 0xbb], [0xed, 0xa0, 0x80],
        [0xf0, 0x80, 0x80, 0x80],
        [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xff],
    ]

    @Test(arguments: broken) func whatIsNotUTF8IsRefused(octets: [UInt8]) throws {
        let whole = Array(Sample.text.utf8)
        let place = try #require(whole.firstRange(of: Array("Cơ quan H29\"".utf8)))
        var bytes = whole
        bytes.replaceSubrange(place.lowerBound..<place.lowerBound + 1, with: octets)
        let error = try #require(Sample.error(bytes))
        #expect(error.code == .badUTF8)
        #expect(error.line == 7)
        #expect(error.field == "vi")
    }

    @Test func fingerprintsHaveOneForm() throws {
        let hex = Sample.edition.head.rows.hex
        for other in [hex.uppercased(), String(hex.dropLast()), hex + "0", String(repeating: "g", count: 64)] {
            let error = try #require(
                Sample.error(Sample.text.replacing("\"rows\":\"\(hex)\"", with: "\"rows\":\"\(other)\"")))
            #expect(error.code == .badFingerprint)
            #expect(error.field == "rows")
        }
        let zero = Digest.zero.hex
        #expect(Sample.error(Sample.text.replacing(hex, with: zero))?.code == .wrongRows)
    }

    @Test func authoritiesAreTheRootsAlone() {
        let error = Sample.error(
            Sample.text.replacing("\"authority\":\"root\",\"number\"", with: "\"authority\":\"H29\",\"number\""))
        #expect(error?.code == .notTheRoot)
        #expect(error?.line == 3)
    }

    @Test func listsAreBounded() throws {
        func aliases(_ count: Int) -> String {
            let list = (0..<count).map { "\"A\(100 + $0)\"" }.joined(separator: ",")
            return Sample.text.replacing("[\"000.00.00.H29\"]", with: "[\(list)]")
        }
        #expect(Sample.error(aliases(32))?.code == .wrongRows)
        let error = try #require(Sample.error(aliases(33)))
        #expect(error.code == .listTooLong)
        #expect(error.field == "aliases")
    }

    /// A line that never ends is refused when its bound is passed, whatever has come of it.
    @Test(arguments: [1, 100, 65_536, 1_000_000]) func longLinesAreRefused(step: Int) throws {
        let piece = [UInt8](repeating: UInt8(ascii: "["), count: step)
        for prefix in ["", Sample.text.split(separator: "\n").prefix(2).joined(separator: "\n") + "\n"] {
            var reader = EditionReader(hash: Sample.hash)
            try reader.feed(Array(prefix.utf8)) { _ in }
            var fed = 0
            var code: EditionError.Code?
            while code == nil, fed <= EditionBounds.lineBytesMax + step {
                do throws(EditionError) {
                    try reader.feed(piece) { _ in }
                } catch {
                    code = error.code
                }
                fed += step
            }
            #expect(code == .lineTooLong)
            #expect(throws: EditionError.self) { try reader.finish() }
        }
    }

    @Test func theWholeIsBounded() {
        let bytes = Array(Sample.text.utf8)
        #expect(Sample.error(bytes, bounds: EditionBounds(rowsMax: 8, bytesMax: bytes.count)) == nil)
        let small = Sample.error(bytes, bounds: EditionBounds(rowsMax: 8, bytesMax: bytes.count - 1))
        #expect(small?.code == .tooLarge)
        #expect(Sample.error(bytes, bounds: EditionBounds(rowsMax: 7, bytesMax: bytes.count))?.code == .tooManyRows)
    }

    /// What has failed once stays so.
    @Test func theFirstErrorIsTheLast() throws {
        var reader = EditionReader(hash: Sample.hash)
        for _ in 0..<3 {
            #expect(
                throws: EditionError(code: .unexpected, line: 1, sentence: "octet 1 of the line is not what comes here")
            ) {
                try reader.feed(Array("nonsense\n".utf8)) { _ in }
            }
        }
    }

    static func small() throws -> (Edition, [UInt8]) {
        let rows: [EditionRow] = [
            .node(Sample.nodeRow("hcm")), .agency(Sample.agency("H29", aliases: ["000.00.00.H29"])),
        ]
        let edition = try Edition(Sample.draft(), rows: rows, hash: Sample.hash)
        return (edition, try edition.written(hash: Sample.hash))
    }

    /// One bit other, anywhere: refused, or another edition by its hash.
    @Test func noBitCanChangeUnseen() throws {
        let (edition, whole) = try Self.small()
        var taken = 0
        for index in whole.indices {
            for bit in 0..<8 {
                var bytes = whole
                bytes[index] ^= 1 << UInt8(bit)
                guard let other = try? Edition(reading: bytes, hash: Sample.hash) else { continue }
                taken += 1
                #expect(other.sealed.hash != edition.sealed.hash, "octet \(index), bit \(bit)")
                #expect(try other.written(hash: Sample.hash) == bytes)
            }
        }
        // Other digits of a date, and the like, in the head.
        #expect(taken > 0)
    }

    /// Changes are proved later, so what is read of them shows the grammar alone: whatever is taken is written again as it was.
    @Test(arguments: UInt64(1)..<9) func whatIsTakenHasOneForm(seed: UInt64) throws {
        let changes = EditionChanges(sealed: Sample.edition.sealed, changes: Sample.rows.map { .set($0) })
        let whole = try changes.written(hash: Sample.hash)
        var random = Numbers(seed: seed)
        var taken = 0
        for _ in 0..<400 {
            var bytes = whole
            let place = Int(random.next(below: UInt64(bytes.count)))
            switch random.next(below: 4) {
            case 0: bytes[place] ^= 1 << UInt8(random.next(below: 8))
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(whole[Int(random.next(below: UInt64(whole.count)))], at: place)
            default:
                let end = min(whole.count, place + Int(random.next(below: 80)))
                bytes.insert(contentsOf: whole[place..<end], at: Int(random.next(below: UInt64(bytes.count))))
            }
            guard let other = try? EditionChanges(reading: bytes, hash: Sample.hash) else { continue }
            taken += 1
            #expect(try other.written(hash: Sample.hash) == bytes)
        }
        #expect(taken > 5)
    }

    @Test func noOctetCanBeMissing() throws {
        let (edition, whole) = try Self.small()
        for count in whole.indices { #expect(Sample.error(Array(whole[..<count])) != nil) }
        for index in whole.indices {
            var bytes = whole
            bytes.remove(at: index)
            guard let other = try? Edition(reading: bytes, hash: Sample.hash) else { continue }
            #expect(other.sealed.hash != edition.sealed.hash, "octet \(index)")
        }
    }
}
