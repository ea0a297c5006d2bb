// EditionFormatTests: what is written is read as it was, in pieces of any size; the text is the one that docs/directory-design.md shows;
// its hashes are those of the lines.

import Editions
import RelayModel
import Testing

@Suite struct EditionFormatTests {
    @Test func theHashIsSHA256() {
        #expect(SHA256.hash("").hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            SHA256.hash(String(repeating: "a", count: 1_000)).hex
                == "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3")
    }

    @Test func everyFieldIsReadAsItWasWritten() throws {
        #expect(try Sample.read(Sample.text) == Sample.edition)
        #expect(Sample.edition.rows == Sample.rows)
        #expect(String(decoding: try Sample.read(Sample.text).written(hash: Sample.hash), as: UTF8.self) == Sample.text)
    }

    @Test func theTextIsTheOneOfTheFormat() {
        let lines = Sample.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let head =
            #"{"edition":{"format":1,"authority":"root","number":1,"from":"2026-01-01","until":"2026-07-01","#
            + #""count":8,"rows":""#
        #expect(lines[0].hasPrefix(head))
        #expect(lines[1] == #""whole":["#)
        let agency =
            #"{"agency":"H29","vi":"Cơ quan H29","aliases":["000.00.00.H29"],"#
            + #""homes":[{"node":"hcm","from":"2026-01-01"}],"states":[{"state":"joined","from":"2026-01-01"}]},"#
        #expect(lines[6] == agency)
        let split =
            #""successor":{"kind":"split","from":"2026-05-01","to":"H29","#
            + #""parts":[{"agency":"H29.16","takes":"đất đai"}]}}"#
        #expect(lines[9].hasSuffix(split))
        #expect(lines[10...] == ["]}", ""])
    }

    /// Anybody can compute both hashes with tools of the system.
    @Test func theHashesAreThoseOfTheLines() {
        let lines = Sample.text.split(separator: "\n").map(String.init)
        #expect(Sample.edition.sealed.hash == SHA256.hash(lines[0] + "\n"))
        let rows = lines[2..<lines.count - 1].map { $0.hasSuffix(",") ? String($0.dropLast()) : $0 }
        #expect(Sample.edition.head.rows == SHA256.hash(rows.map { $0 + "\n" }.joined()))
        #expect(Sample.edition.head.sealed(hash: Sample.hash) == Sample.edition.sealed)
    }

    @Test(arguments: [1, 2, 3, 7, 64, 1_000]) func readsInPiecesOfAnySize(step: Int) throws {
        var reader = EditionReader(hash: Sample.hash)
        var rows: [EditionRow] = []
        let bytes = Array(Sample.text.utf8)
        for start in stride(from: 0, to: bytes.count, by: step) {
            try reader.feed(Array(bytes[start..<min(start + step, bytes.count)])) { change in
                if case .set(let row) = change { rows.append(row) }
            }
        }
        #expect(try reader.finish() == Sample.edition.sealed)
        #expect(rows == Sample.rows)
        #expect(reader.form == .whole)
    }

    @Test func anEditionMayBeEmpty() throws {
        let edition = try Edition(Sample.draft(), rows: [], hash: Sample.hash)
        let bytes = try edition.written(hash: Sample.hash)
        #expect(String(decoding: bytes, as: UTF8.self).hasSuffix("},\n\"whole\":[\n]}\n"))
        #expect(try Edition(reading: bytes, hash: Sample.hash) == edition)
    }

    /// The writer is bound by what the reader takes.
    @Test func nothingIsWrittenThatCannotBeRead() {
        func code(_ rows: [EditionRow]) -> EditionError.Code? {
            do throws(EditionError) {
                _ = try Edition(Sample.draft(), rows: rows, hash: Sample.hash)
                return nil
            } catch {
                return error.code
            }
        }
        var row = Sample.agency("H29")
        row.vietnamese = ""
        #expect(code([.agency(row)]) == .emptyValue)
        row.vietnamese = "a\nb"
        #expect(code([.agency(row)]) == .unexpected)
        row.vietnamese = "a\u{0}b"
        #expect(code([.agency(row)]) == .controlCharacter)
        row.vietnamese = " a"
        #expect(code([.agency(row)]) == .edgeSpace)
        row.vietnamese = "ho\u{1ea1}\u{301}"
        #expect(code([.agency(row)]) == .notComposed)
        row.vietnamese = String(repeating: "x", count: 1_025)
        #expect(code([.agency(row)]) == .textTooLong)
        row = Sample.agency("H29", aliases: ["B", "A"])
        #expect(code([.agency(row)]) == .listOrder)
        row = Sample.agency("H29", states: [(.joined, "2026-01-02"), (.closed, "2026-01-01")])
        #expect(code([.agency(row)]) == .listOrder)
        row = Sample.agency("H29", states: [])
        #expect(code([.agency(row)]) == .emptyValue)
        row = Sample.agency("H29")
        row.states[0].from = Moment(seconds: .max)
        #expect(code([.agency(row)]) == .badMoment)
        row.states[0].from = Moment(seconds: .min)
        #expect(code([.agency(row)]) == .badMoment)
        row = Sample.agency(
            "H29", successor: Successor(.merged, from: Sample.start, to: row.code, parts: [.init(row.code, takes: "x")])
        )
        #expect(code([.agency(row)]) == .fieldOrder)
        #expect(code([.agency(Sample.agency("H29")), .agency(Sample.agency("H29"))]) == .rowTwice)
    }

    /// Over made directories of many seeds: the same after writing and reading, and the same bytes again.
    @Test(arguments: UInt64(0)..<20) func madeEditionsComeBack(seed: UInt64) throws {
        let made = MadeDirectory(seed: seed, size: .init(agencies: 150, nodes: 6, datedChanges: 60))
        let edition = try Edition(Sample.draft(), rows: made.rows, hash: Sample.hash)
        let bytes = try edition.written(hash: Sample.hash)
        let back = try Edition(reading: bytes, hash: Sample.hash)
        #expect(back == edition)
        #expect(try back.written(hash: Sample.hash) == bytes)
        let again = MadeDirectory(seed: seed, size: .init(agencies: 150, nodes: 6, datedChanges: 60))
        #expect(again.rows == made.rows)
        #expect(
            EditionExamination.findings(of: edition, remit: .root, hash: nil).list.filter { $0.grade == .fault } == [])
        #expect(made.agencies.count == 150)
    }

    /// Each authority's share is sound by itself, and the shares are the whole.
    @Test func madeEditionsAreSharedOut() throws {
        let made = MadeDirectory(seed: 7, size: .init(agencies: 400, nodes: 6, datedChanges: 100))
        var count = 0
        for authority in made.authorities {
            let remit = try #require(Remit(of: authority.authority, in: made.authorities))
            let rows = made.rows(of: authority.authority)
            count += rows.count
            let edition = try Edition(Sample.draft(authority.authority.text), rows: rows, hash: Sample.hash)
            let findings = EditionExamination.findings(of: edition, remit: remit)
            #expect(findings.isSound, "\(findings.list.prefix(3))")
        }
        #expect(count == made.rows.count)
    }
}
