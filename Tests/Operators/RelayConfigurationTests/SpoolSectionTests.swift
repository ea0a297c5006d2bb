// The section `spool`: its values, its defaults, and what is wrong with it, each with its place.

import RelayModel
import Testing

@testable import RelayConfiguration

@Suite struct SpoolSectionTests {
    static let agencies = """
        nodes: {vpcp: A, truc: B, hcm: C}
        agencies:
          T1: {name: Trục, home: truc, aliases: [000.T1]}
          T2: {name: Trục hai, home: truc}
          H29: {name: UBND, home: hcm}
        routes:
          - {to: "*", via: [hcm, vpcp]}
        """

    private func places(_ spool: String) -> [String] {
        errors(Texts.edocd + "\n" + spool, agencies: Self.agencies).map {
            "\($0.line) \($0.code.rawValue) \($0.keyPath)"
        }
    }

    @Test func values() throws {
        let text = """

            spool:
              T1:
                directory: spools/t1/
                mode: "0660"
                group: vanthu
                reserve: 1GiB
                at_once: 9
                answer_within: 2m
              T2: {directory: /srv/t2}
            """
        let settings = try Configuration.parse(edocd: Texts.edocd + text, agencies: Self.agencies, folder: "/etc/edocd")
            .settings
        #expect(
            settings.spools == [
                SpoolConfiguration(
                    agency: AgencyCode("T1")!, directory: "/etc/edocd/spools/t1", mode: 0o660, group: "vanthu",
                    reserve: 1 << 30, atOnce: 9, answerWithin: .minutes(2)),
                SpoolConfiguration(
                    agency: AgencyCode("T2")!, directory: "/srv/t2", mode: 0o640, group: nil, reserve: 64 << 20,
                    atOnce: 512, answerWithin: .seconds(30)),
            ])
        #expect(try load(agencies: Self.agencies).settings.spools.isEmpty)
    }

    @Test(arguments: [
        ("spool:\n  T1: {}", "9 missing-key spool.T1.directory"),
        ("spool:\n  \"a b\": {directory: /x}", "9 bad-value spool.a b"),
        ("spool:\n  H29: {directory: /x}", "9 contradiction spool.H29"),
        ("spool:\n  X1: {directory: /x}", "9 unknown-reference spool.X1"),
        ("spool:\n  000.T1: {directory: /x}", "9 unknown-reference spool.000.T1"),
        ("spool:\n  T1: {directory: /x}\n  T2: {directory: /x/}", "10 duplicate spool.T2.directory"),
        ("spool:\n  T1: {directory: /x, mode: \"0777\"}", "9 bad-value spool.T1.mode"),
        ("spool:\n  T1: {directory: /x, at_once: 0}", "9 out-of-range spool.T1.at_once"),
        ("spool:\n  T1: {directory: /x, folder: /y}", "9 unknown-key spool.T1.folder"),
    ])
    func errorsWithTheirPlace(_ text: String, _ expected: String) { #expect(places(text) == [expected]) }

    @Test func anAliasIsToldItsCode() {
        let found = errors(Texts.edocd + "\nspool:\n  000.T1: {directory: /x}", agencies: Self.agencies)
        #expect(found.first?.suggestion == "T1")
    }
}
