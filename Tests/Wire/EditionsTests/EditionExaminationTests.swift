// EditionExaminationTests: one edition for each thing that can be wrong with it by itself, and with it after the one before.

import Editions
import RelayModel
import Testing

@Suite struct EditionExaminationTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var code: EditionFinding.Code
        var key: String
        var rows: [EditionRow]
        var authority = "root"
        var until = "2026-07-01"

        init(
            _ code: EditionFinding.Code, _ key: String, authority: String = "root", until: String = "2026-07-01",
            _ rows: [EditionRow]
        ) {
            self.code = code
            self.key = key
            self.rows = rows
            self.authority = authority
            self.until = until
        }

        var testDescription: String { "\(code.rawValue) \(key)" }
    }

    static let root = Sample.authority("root", ["*"])
    static let base: [EditionRow] = [
        .authority(root), .node(Sample.nodeRow("hcm")), .node(Sample.nodeRow("hub", .hub)),
    ]

    private static func agency(
        _ text: String, parent: String? = nil, home: String? = "hcm", aliases: [String] = [],
        states: [(AgencyState, String)] = [(.joined, "2026-01-01")], to: String? = nil, at: String = "2026-05-01",
        parts: [String] = []
    ) -> EditionRow {
        let successor = to.map { code in
            Successor(
                parts.isEmpty ? .merged : .split, from: Sample.moment(at), to: Sample.code(code),
                parts: parts.map { Successor.Part(Sample.code($0), takes: "phần") })
        }
        return .agency(
            Sample.agency(text, parent: parent, home: home, aliases: aliases, states: states, successor: successor))
    }

    private static let closed: [(AgencyState, String)] = [(.joined, "2026-01-01"), (.closed, "2026-05-01")]

    private static func chain(_ count: Int) -> [EditionRow] {
        (1...count).map { agency("L\(100 + $0)", parent: $0 == 1 ? nil : "L\(99 + $0)") }
    }

    private static func successors(_ count: Int) -> [EditionRow] {
        (0...count).map {
            $0 == count ? agency("L\(100 + $0)") : agency("L\(100 + $0)", states: closed, to: "L\(101 + $0)")
        }
    }

    static let agencies: [Case] = [
        Case(.reservedCode, "agency root", base + [agency("root")]),
        Case(.codeTwice, "agency A", base + [agency("A"), agency("A")]),
        Case(.aliasTwice, "agency B", base + [agency("A", aliases: ["X"]), agency("B", aliases: ["X"])]),
        Case(.aliasIsCode, "agency A", base + [agency("A", aliases: ["B"]), agency("B")]),
        Case(.aliasIsCode, "agency A", base + [agency("A", aliases: ["A"])]),
        Case(.parentMissing, "agency A", base + [agency("A", parent: "B")]),
        Case(.parentCycle, "agency A", base + [agency("A", parent: "A")]),
        Case(
            .parentCycle, "agency A",
            base + [agency("A", parent: "C"), agency("B", parent: "A"), agency("C", parent: "B")]),
        Case(.parentClosed, "agency B", base + [agency("A", states: closed), agency("B", parent: "A")]),
        Case(.tooDeep, "agency L119", base + chain(19)),
        Case(.tooDeep, "agency L119", base + chain(100)),
        Case(.noHome, "agency A", base + [agency("A", home: nil)]),
        Case(.homeLate, "agency A", base + [agency("A", states: [(.joined, "2025-12-31")])]),
        Case(.homeMissing, "agency A", base + [agency("A", home: "nowhere")]),
        Case(.homeIsHub, "agency A", base + [agency("A", home: "hub")]),
        Case(
            .plannedAgain, "agency A",
            base + [agency("A", states: [(.joined, "2026-01-01"), (.planned, "2026-02-01")])]),
        Case(.closedReturns, "agency A", base + [agency("A", states: closed + [(.joined, "2026-06-01")])]),
        Case(
            .stateAgain, "agency A", base + [agency("A", states: [(.joined, "2026-01-01"), (.joined, "2026-02-01")])]),
        Case(.successorMissing, "agency A", base + [agency("A", states: closed, to: "B")]),
        Case(.successorMissing, "agency A", base + [agency("A", states: closed, to: "B", parts: ["C"]), agency("B")]),
        Case(.successorCycle, "agency A", base + [agency("A", states: closed, to: "A")]),
        Case(
            .successorCycle, "agency A",
            base + [agency("A", states: closed, to: "B"), agency("B", states: closed, to: "A")]),
        Case(
            .successorTakesNothing, "agency A",
            base + [agency("A", states: closed, to: "B"), agency("B", states: closed)]),
        Case(
            .successorTakesNothing, "agency A",
            base + [agency("A", states: closed, to: "B"), agency("B", states: [(.planned, "2026-01-01")])]),
        Case(.successorOfOpen, "agency A", base + [agency("A", to: "B"), agency("B")]),
        Case(.successorLate, "agency A", base + [agency("A", states: closed, to: "B", at: "2026-05-02"), agency("B")]),
        Case(.tooManySuccessors, "agency L100", base + successors(17)),
    ]

    private static func node(_ change: (inout NodeRow) -> Void) -> EditionRow {
        var row = Sample.nodeRow("n")
        change(&row)
        return .node(row)
    }

    private static func authority(_ name: String = "H29", _ change: (inout AuthorityRow) -> Void) -> [EditionRow] {
        var row = Sample.authority(name, name == "root" ? ["*"] : ["\(name).*"])
        change(&row)
        return name == "root" ? [.authority(row)] : [.authority(root), .authority(row)]
    }

    static let others: [Case] = [
        Case(.nodeTwice, "node HCM", base + [.node(Sample.nodeRow("HCM"))]),
        Case(.nodeUnproved, "node n", base + [node { $0.certificates = [] }]),
        Case(
            .certificateDates, "node n",
            base + [
                node { $0.evidence = [DatedCertificate(Sample.print("e"), from: Sample.start, until: Sample.start)] }
            ]),
        Case(
            .certificateHash, "node n",
            base + [node { $0.encryption = [DatedCertificate(Sample.print("e"), from: Sample.start, der: [1, 2])] }]),
        Case(.removesItself, "authority root", [.node(Sample.nodeRow("hcm"))]),
        Case(.rootSubtree, "authority root", authority("root") { $0.subtrees = [Subtree(Sample.code("G"))] }),
        Case(.rootSubtree, "authority H29", authority { $0.subtrees = [.all] }),
        Case(.subtreeTwice, "authority H29", authority { $0.subtrees = [.all] }),
        Case(
            .nodeOfTwo, "authority Z",
            authority { $0.nodes = [Sample.node("x")] } + [
                .authority(Sample.authority("Z", ["Z.*"], nodes: ["x"]))
            ]),
        Case(.needsNothing, "authority H29", authority { $0.needs = 0 }),
        Case(.needsTooMany, "authority H29", authority { $0.needs = 4 }),
        Case(
            .certificateTwice, "authority H29",
            authority { $0.heirs = [.init(of: $0.certificates[0], $0.certificates[1])] }),
        Case(.certificateShared, "authority H29", authority { $0.certificates = root.certificates }),
        Case(.heirOfNone, "authority H29", authority { $0.heirs = [.init(of: Sample.print("x"), Sample.print("y"))] }),
        Case(.validOrder, "", until: "2026-01-01", base),
        Case(.otherAuthority, "", authority: "H28", [.node(Sample.nodeRow("hcm"))]),
        Case(.outsideSubtree, "agency G22", authority: "H29", [.node(Sample.nodeRow("hcm")), agency("G22")]),
        Case(.outsideSubtree, "agency H29.15", authority: "H29", [.node(Sample.nodeRow("hcm")), agency("H29.15")]),
        Case(.outsideNodes, "node other", authority: "H29", [.node(Sample.nodeRow("other"))]),
        Case(
            .aliasOutside, "agency H29", authority: "H29",
            [.node(Sample.nodeRow("hcm")), agency("H29", aliases: ["000.00.00.G22"])]),
        Case(
            .closesItself, "agency H29", authority: "H29",
            [.node(Sample.nodeRow("hcm")), agency("H29", states: closed), agency("H29.1")]),
    ]

    static let city = Remit(
        authority: Sample.code("H29"), subtrees: [Subtree(Sample.code("H29"))],
        delegated: [Subtree(Sample.code("H29.15"))], nodes: [Sample.node("hcm")])

    static func findings(_ it: Case) throws -> EditionFindings {
        // The rows as they are: what the reader refuses before is judged as well.
        let draft = Sample.draft(it.authority, until: it.until)
        let edition = Edition(sealed: Sample.sealed(draft, count: it.rows.count), rows: it.rows)
        return EditionExamination.findings(
            of: edition, remit: it.authority == "root" ? .root : city, hash: Sample.hash)
    }

    @Test(arguments: agencies + others) func isFound(_ it: Case) throws {
        let findings = try Self.findings(it)
        let found = findings.list.contains { $0.code == it.code && ($0.key?.description ?? "") == it.key }
        #expect(found, "\(findings.list)")
    }

    @Test func everyCodeOfOneEditionHasItsCase() {
        let succession: Set<EditionFinding.Code> = [.removedOpen, .codeReturns, .pastChanged]
        let elsewhere: Set<EditionFinding.Code> = [.notTheRoot, .dateOrder]
        let there = Set((Self.agencies + Self.others).map(\.code))
        #expect(there.union(succession).union(elsewhere) == Set(EditionFinding.Code.allCases))
    }

    @Test func whatTheReaderRefusesIsFoundInValuesToo() {
        let states = Self.agency("A", states: [(.joined, "2026-01-02"), (.closed, "2026-01-01")])
        let rows = [.authority(Self.root), .node(Sample.nodeRow("hcm")), states]
        let edition = Edition(sealed: Sample.sealed(Sample.draft()), rows: rows)
        #expect(EditionExamination.findings(of: edition, remit: .root).list.map(\.code).contains(.dateOrder))
        let other = EditionExamination.findings(of: edition, remit: Self.city)
        #expect(other.list.contains { $0.code == .notTheRoot })
        #expect(other.list.contains { $0.code == .outsideSubtree })
    }

    @Test func theSampleIsSound() {
        let findings = EditionExamination.findings(of: Sample.edition, remit: .root, hash: Sample.hash)
        #expect(findings.isSound && findings.list == [], "\(findings.list)")
    }

    @Test func chainsWithinTheBoundsAreSound() throws {
        #expect(try Self.findings(Case(.tooDeep, "", Self.base + Self.chain(18))).list == [])
        #expect(try Self.findings(Case(.tooManySuccessors, "", Self.base + Self.successors(16))).list == [])
    }

    /// Rows that point beyond their own are judged where somebody can say what is there.
    @Test func surroundingsAreAsked() {
        let rows = [
            .node(Sample.nodeRow("hcm")), Self.agency("H29", parent: "G22", home: "far"),
            Self.agency("H29.01", states: Self.closed, to: "H17"), Self.agency("H29.02", aliases: ["H29.15"]),
        ]
        let edition = Edition(sealed: Sample.sealed(Sample.draft("H29")), rows: rows)
        func codes(_ known: [String], _ nodes: [String], states: [(AgencyState, String)] = Self.closed)
            -> [EditionFinding.Code]
        {
            let surroundings = Surroundings(
                agency: { code in known.contains(code.text) ? Sample.agency(code.text, states: states) : nil },
                node: { node in nodes.contains(node.name) ? Sample.nodeRow(node.name) : nil })
            return EditionExamination.findings(of: edition, remit: Self.city, surroundings: surroundings).list.map(
                \.code)
        }
        #expect(EditionExamination.findings(of: edition, remit: Self.city).list == [])
        #expect(Set(codes([], [])) == [.parentMissing, .homeMissing, .successorMissing])
        #expect(codes(["G22", "H17"], ["far"], states: [(.joined, "2026-01-01")]) == [])
        #expect(codes(["G22", "H17"], ["far"]) == [.successorTakesNothing])
        #expect(codes(["G22", "H17", "H29.15"], ["far"], states: [(.joined, "2026-01-01")]) == [.aliasIsCode])
    }

    @Test func findingsAreBounded() throws {
        let rows = (0..<1_500).map { Self.agency("A\(10_000 + $0)", home: nil) }
        let findings = try Self.findings(Case(.noHome, "", Self.base + rows))
        #expect(findings.list.count == EditionBounds.findingsMax)
        #expect(findings.leftOut == 500)
        #expect(findings.faults == 1_500)
    }

    // MARK: After the edition before

    static let known = Sample.sealed(Sample.draft(number: 7, before: Sample.print("6"), from: "2026-02-01"))

    static let refusals: [(EditionDraft, String?)] = [
        (Sample.draft(number: 8, before: known.hash, from: "2026-02-01"), nil),
        (Sample.draft(number: 7, before: Sample.print("6"), from: "2026-02-01"), nil),
        (Sample.draft(number: 6, before: known.hash, from: "2026-02-01"), "lower-number"),
        (Sample.draft(number: 7, before: Sample.print("6"), from: "2026-02-02"), "fork"),
        (Sample.draft(number: 9, before: known.hash, from: "2026-02-01"), "gap"),
        (Sample.draft(number: 8, before: Sample.print("x"), from: "2026-02-01"), "other-chain"),
        (Sample.draft(number: 8, before: known.hash, from: "2026-01-31"), "from-before"),
        (Sample.draft(number: 8, before: known.hash, from: "2026-02-01", until: "2026-03-01"), "expired"),
        (Sample.draft(number: 8, before: known.hash, from: "2026-03-01T00:00:01+07:00"), "from-the-future"),
        (Sample.draft(number: 8, before: known.hash, from: "2026-02-01", until: "2026-02-01"), "valid-order"),
        (Sample.draft("H29", number: 8, before: known.hash, from: "2026-02-01"), "other-authority"),
    ]

    @Test(arguments: refusals.indices) func followsOrIsRefused(index: Int) {
        let (draft, code) = Self.refusals[index]
        let refusal = Succession.refusal(
            of: Sample.sealed(draft), after: Self.known, remit: .root, at: Sample.moment("2026-03-01"))
        #expect(refusal?.code == code)
        if let refusal { #expect(refusal.description.contains(refusal.code)) }
    }

    @Test func anyNumberMayBeTheFirst() {
        let refusal = Succession.refusal(of: Self.known, after: nil, remit: .root, at: Sample.moment("2026-03-01"))
        #expect(refusal == nil)
        let small = Succession.refusal(
            of: Sample.sealed(Sample.draft(), count: 9), after: nil, remit: .root, at: Sample.start,
            bounds: EditionBounds(rowsMax: 8, bytesMax: 100))
        #expect(small == .tooLarge(count: 9, max: 8))
    }

    @Test func rowsOutsideAreNamed() {
        #expect(Succession.refusal(of: Self.agency("H29.16"), remit: Self.city) == nil)
        let outside = Self.agency("G22")
        #expect(Succession.refusal(of: outside, remit: Self.city) == .outsideSubtree(outside.key))
        #expect(Succession.refusal(of: .node(Sample.nodeRow("x")), remit: Self.city)?.code == "outside-subtree")
        #expect(Succession.refusal(of: .authority(Self.root), remit: Self.city)?.code == "outside-subtree")
        #expect(Succession.refusal(of: .authority(Self.root), remit: .root) == nil)
    }

    static let longClosed: [(AgencyState, String)] = [(.joined, "2020-01-01"), (.closed, "2024-01-01")]
    static let changes: [(before: EditionRow?, after: EditionRow?, code: EditionFinding.Code?)] = [
        (nil, agency("A"), nil), (agency("A"), agency("A"), nil),
        (agency("A"), nil, .removedOpen),
        (agency("A", states: closed), nil, .removedOpen), (agency("A", states: longClosed), nil, nil),
        (agency("A", states: closed), agency("A"), .codeReturns),
        (
            agency("A", states: closed), agency("A", states: [(.joined, "2026-01-01"), (.closed, "2026-09-01")]),
            .codeReturns
        ),
        (agency("A", states: longClosed), agency("A"), .pastChanged),
        // What has not come yet may be thought better of.
        (agency("A", states: [(.joined, "2026-01-01"), (.closed, "2026-09-01")]), agency("A"), nil),
        (agency("A"), agency("A", states: [(.joined, "2026-01-02")]), .pastChanged),
        (.authority(root), nil, .removesItself), (.node(Sample.nodeRow("n")), nil, nil),
    ]

    @Test(arguments: changes.indices) func rowsFollowOrAreFound(index: Int) {
        let (before, after, code) = Self.changes[index]
        let found = Succession.findings(
            of: after, after: before, from: Sample.moment("2026-06-01"), known: Sample.moment("2026-05-15"))
        #expect(found.map(\.code) == [code].compactMap { $0 })
        let old = Edition(sealed: Sample.sealed(Sample.draft(from: "2026-05-15")), rows: [before].compactMap { $0 })
        let new = Edition(sealed: Sample.sealed(Sample.draft(from: "2026-06-01")), rows: [after].compactMap { $0 })
        #expect(Succession.findings(of: new, after: old).list == found)
    }
}
