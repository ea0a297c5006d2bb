// MomentTests: one way to write a moment, in the time of Vietnam; and the codes of subtrees and remits.

import Editions
import RelayModel
import Testing

@Suite struct MomentTests {
    @Test(
        arguments: [
            ("1970-01-01", nil), ("2026-01-01", 1_767_200_400), ("2000-02-29", 951_757_200), ("2100-02-29", nil),
            ("2026-07-01T12:00:00+07:00", 1_782_882_000), ("2026-07-01T23:59:59+07:00", 1_782_925_199),
            ("2026-07-01T24:00:00+07:00", nil), ("2026-07-01T12:00:00+0700", nil), ("2026-07-01t12:00:00+07:00", nil),
            ("2026-07-01T00:00:00+07:00", nil), ("2026-13-01", nil), ("2026-00-01", nil), ("2026-04-31", nil),
            ("", nil),
            ("2026-07-01 ", nil), ("+026-07-01", nil), ("３026-07", nil),
        ] as [(String, Int64?)]) func isRead(text: String, seconds: Int64?)
    {
        #expect(Moment(text)?.seconds == seconds)
        if let moment = Moment(text) { #expect(moment.text == text) }
    }

    @Test func everyDayComesBack() throws {
        var moment = try #require(Moment("2000-01-01"))
        let last = try #require(Moment("2999-12-31"))
        var days = 0
        while moment <= last {
            #expect(Moment(moment.text) == moment)
            moment = moment.adding(days: 61).adding(hours: 5)
            days += 1
        }
        #expect(days > 5_000)
    }

    @Test func theClockOnTheWallIsRoundedDown() {
        #expect(Moment(WallTime(milliseconds: 1_999)).seconds == 946_684_801)
        #expect(Moment(WallTime(milliseconds: .max)).seconds > 0)
    }

    @Test(arguments: [
        ("H29.*", "H29", true), ("H29.*", "H29.15", true), ("H29.*", "H291", false), ("H29.*", "H2", false),
        ("H29.15.*", "H29", false), ("*", "G22", true), ("H29.*", "000.00.00.H29", false),
    ]) func subtreesAreByGroups(text: String, code: String, holds: Bool) throws {
        let subtree = try #require(Subtree(text))
        #expect(subtree.contains(Sample.code(code)) == holds)
        #expect(subtree.text == text)
    }

    @Test(arguments: ["", ".*", "H29", "H29.", "H29*", "*.H29", "H29.*.*", "**"]) func isNoSubtree(text: String) {
        #expect(Subtree(text) == nil)
    }

    @Test func whatIsDelegatedFurtherIsNotInTheRemit() throws {
        let authorities = [
            Sample.authority("H29", ["H29.*", "K29.*"], nodes: ["hcm"]), Sample.authority("H29.15", ["H29.15.*"]),
            Sample.authority("back", ["H29.15.02.*"]), Sample.authority("root", ["*"]),
        ]
        let city = try #require(Remit(of: Sample.code("H29"), in: authorities))
        #expect(city.contains(Sample.code("H29")))
        #expect(city.contains(Sample.code("K29.01")))
        #expect(city.contains(Sample.code("H29.16")))
        #expect(!city.contains(Sample.code("H29.15")))
        #expect(!city.contains(Sample.code("H29.15.02")))
        #expect(!city.contains(Sample.code("G22")))
        #expect(city.contains(Sample.node("hcm")))
        #expect(!city.contains(Sample.node("hub")))
        let part = try #require(Remit(of: Sample.code("H29.15"), in: authorities))
        #expect(part.contains(Sample.code("H29.15.01")))
        #expect(!part.contains(Sample.code("H29.15.02.01")))
        #expect(Remit(of: Sample.code("root"), in: authorities) == .root)
        #expect(Remit(of: Sample.code("G01"), in: authorities) == nil)
    }

    @Test(arguments: [
        ("000.00.15.H29", true), ("H29.99", true), ("000.00.00.G22", false), ("G22", false), ("K29", true),
        ("000.H29.00", false), ("H291", false),
    ]) func aliasesEndInTheSubtree(alias: String, holds: Bool) throws {
        let remit = Remit(authority: Sample.code("H29"), subtrees: ["H29.*", "K29.01.*"].compactMap { Subtree($0) })
        #expect(remit.mayGive(alias: Sample.code(alias)) == holds)
        #expect(Remit.root.mayGive(alias: Sample.code(alias)))
    }

    @Test func heirsStandInForThoseTheyFollow() {
        let (first, second, third, heir) = (
            Sample.print("1"), Sample.print("2"), Sample.print("3"), Sample.print("heir")
        )
        let row = AuthorityRow(
            authority: Sample.code("H29"), subtrees: [], certificates: [first, second, third], needs: 2,
            heirs: [AuthorityRow.Heir(of: first, heir)])
        #expect(!row.isSatisfied(by: []))
        #expect(!row.isSatisfied(by: [first]))
        #expect(row.isSatisfied(by: [first, third]))
        #expect(row.isSatisfied(by: [heir, third]))
        // The two have one place.
        #expect(!row.isSatisfied(by: [first, heir]))
        #expect(!row.isSatisfied(by: [heir, Sample.print("stranger")]))
        let after = row.after(signers: [heir, third])
        #expect(Set(after.certificates) == [heir, second, third])
        #expect(after.heirs.isEmpty)
        #expect(!after.isSatisfied(by: [first, third]))
        #expect(
            row.after(signers: [first, third])
                == AuthorityRow(
                    authority: row.authority, subtrees: [], certificates: row.certificates.sorted { $0.hex < $1.hex },
                    needs: 2,
                    heirs: row.heirs))
    }
}
