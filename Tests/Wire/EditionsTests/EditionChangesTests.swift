// EditionChangesTests: changes against the edition before make the whole, and only that one; differences and histories say what changed.

import Editions
import RelayModel
import Testing

@Suite struct EditionChangesTests {
    static func next(_ edition: Edition, _ rows: [EditionRow]) throws -> Edition {
        try Edition(
            Sample.draft(number: edition.head.number + 1, before: edition.sealed.hash), rows: rows, hash: Sample.hash)
    }

    static func code(_ body: () throws(EditionError) -> Void) -> EditionError.Code? {
        do throws(EditionError) {
            try body()
            return nil
        } catch {
            return error.code
        }
    }

    /// Random changes over made directories: written, read, applied, they give the whole octet by octet; and no other edition before does.
    @Test(arguments: UInt64(0)..<12) func changesMakeTheWhole(seed: UInt64) throws {
        let made = MadeDirectory(seed: seed, size: .init(agencies: 80, nodes: 5, datedChanges: 30))
        let before = try Edition(Sample.draft(), rows: made.rows, hash: Sample.hash)
        var random = Numbers(seed: seed)
        var rows: [EditionRow] = []
        for row in made.later(changes: 7) where random.next(below: 10) > 0 { rows.append(row) }
        for number in 0..<random.next(below: 6) { rows.append(.agency(Sample.agency("Z\(number)", home: "nut-003"))) }
        let after = try Self.next(before, rows)
        let changes = EditionChanges(from: before, to: after)
        #expect(changes.changes.count > 0)
        let bytes = try changes.written(hash: Sample.hash)
        let back = try EditionChanges(reading: bytes, hash: Sample.hash)
        #expect(back == changes)
        #expect(back.sealed == after.sealed)
        let whole = try back.applied(to: before, hash: Sample.hash)
        #expect(whole == after)
        #expect(try whole.written(hash: Sample.hash) == after.written(hash: Sample.hash))
        // The head is the same line in both files.
        let line = try after.written(hash: Sample.hash).prefix { $0 != UInt8(ascii: "\n") }
        #expect(bytes.starts(with: line))
        for place in stride(from: 0, to: before.rows.count, by: 9) {
            var other = before
            other.rows.remove(at: place)
            let key = before.rows[place].key
            if after.row(key) == before.rows[place] {
                #expect(
                    Self.code { () throws(EditionError) in _ = try back.applied(to: other, hash: Sample.hash) }
                        == .wrongCount)
            }
        }
    }

    @Test func changesThatChangeNothingAreRefused() throws {
        let before = Sample.edition
        let after = try Self.next(before, before.rows)
        #expect(EditionChanges(from: before, to: after).changes.isEmpty)
        #expect(try EditionChanges(from: before, to: after).applied(to: before, hash: Sample.hash) == after)
        let same = EditionChanges(sealed: after.sealed, changes: [.set(before.rows[0])])
        #expect(
            Self.code { () throws(EditionError) in _ = try same.applied(to: before, hash: Sample.hash) }
                == .changesNothing)
        for key in [EditionKey.agency(Sample.code("A")), .agency(Sample.code("ZZ"))] {
            let none = EditionChanges(sealed: after.sealed, changes: [.remove(key)])
            #expect(
                Self.code { () throws(EditionError) in _ = try none.applied(to: before, hash: Sample.hash) }
                    == .removesNothing)
        }
        var other = Sample.agency("H29")
        other.vietnamese = "khác"
        let wrong = EditionChanges(sealed: after.sealed, changes: [.set(.agency(other))])
        #expect(
            Self.code { () throws(EditionError) in _ = try wrong.applied(to: before, hash: Sample.hash) } == .wrongRows)
    }

    @Test func changesAreBoundedAndInOrder() throws {
        let after = try Self.next(Sample.edition, [])
        let keys = ["A", "B", "C"].map { EditionChange.remove(.agency(Sample.code($0))) }
        let bounds = EditionBounds(rowsMax: 2, bytesMax: 10_000)
        func code(_ changes: [EditionChange], _ bounds: EditionBounds = .national) -> EditionError.Code? {
            Self.code { () throws(EditionError) in
                _ = try EditionChanges(sealed: after.sealed, changes: changes).written(
                    bounds: bounds, hash: Sample.hash)
            }
        }
        #expect(code(keys) == nil)
        #expect(code(keys, bounds) == .tooManyRows)
        #expect(code([keys[1], keys[0]]) == .rowOrder)
        #expect(code([keys[1], keys[1]]) == .rowTwice)
        #expect(code([.set(.agency(Sample.agency("B"))), keys[1]]) == .rowTwice)
    }

    @Test func oneFormIsNotTheOther() throws {
        let changes = EditionChanges(from: Sample.edition, to: try Self.next(Sample.edition, []))
        let bytes = try changes.written(hash: Sample.hash)
        #expect(Sample.error(bytes)?.code == .unexpected)
        #expect(
            Self.code { () throws(EditionError) in
                _ = try EditionChanges(reading: Array(Sample.text.utf8), hash: Sample.hash)
            } == .unexpected)
    }

    @Test func differencesAreByField() throws {
        var rows = Sample.rows
        rows.removeLast()
        guard case .agency(var row) = rows[5] else {
            Issue.record("row 5 of the sample is an agency")
            return
        }
        row.vietnamese = "Sở Tư pháp"
        row.english = ""
        rows[5] = .agency(row)
        rows.append(.agency(Sample.agency("H29.18")))
        let differences = EditionDifference.between(Sample.rows, rows)
        #expect(differences.map(\.kind) == [.changed, .removed, .added])
        #expect(differences.map(\.key.description) == ["agency H29.15", "agency H29.17", "agency H29.18"])
        #expect(
            differences[0].fields == [
                FieldChange(field: "vi", before: "\"Sở \\\"Tư pháp\\\" \\\\ cũ\"", after: "\"Sở Tư pháp\""),
                FieldChange(field: "en", before: "\"Department of Justice\"", after: ""),
            ])
        #expect(differences[2].fields.map(\.field) == ["agency", "vi", "homes", "states"])
        #expect(EditionDifference.between(rows, rows).isEmpty)
    }

    @Test func historiesNameTheEditionsThatChangedARow() throws {
        var row = Sample.agency("H29")
        let first = try Edition(Sample.draft(), rows: [.agency(row)], hash: Sample.hash)
        let second = try Self.next(first, [.agency(row)])
        row.english = "City"
        let third = try Self.next(second, [.agency(row)])
        let fourth = try Self.next(third, [])
        let history = EditionDifference.history(of: .agency(row.code), in: [first, second, third, fourth])
        #expect(history.map(\.head.number) == [1, 3, 4])
        #expect(history.map(\.difference.kind) == [.added, .changed, .removed])
        #expect(history[1].difference.fields == [FieldChange(field: "en", before: "", after: "\"City\"")])
    }
}

/// The numbers of a seed, for tests.
struct Numbers {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

    mutating func next(below bound: UInt64) -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state % bound
    }
}
