// Sample: a small edition with every field of the format, and what the tests make of it.

import Editions
import RelayModel
import Testing

enum Sample {
    static let hash = SHA256.function

    static func code(_ text: String) -> AgencyCode { AgencyCode(text) ?? EditionHead.root }
    static func node(_ text: String) -> NodeID { NodeID(shortName: text) ?? NodeID(ipn: 0) }
    static func moment(_ text: String) -> Moment { Moment(text) ?? Moment(seconds: 0) }
    static func print(_ text: String) -> Digest { SHA256.hash(text) }

    static let start = moment("2026-01-01")

    static func draft(
        _ authority: String = "root", number: UInt64 = 1, before: Digest? = nil, from: String = "2026-01-01",
        until: String = "2026-07-01"
    ) -> EditionDraft {
        EditionDraft(
            authority: code(authority), number: number, before: before, from: moment(from), until: moment(until))
    }

    static func agency(
        _ text: String, parent: String? = nil, home: String? = "hcm", aliases: [String] = [],
        states: [(AgencyState, String)] = [(.joined, "2026-01-01")], successor: Successor? = nil
    ) -> AgencyRow {
        AgencyRow(
            code: code(text), vietnamese: "Cơ quan \(text)", parent: parent.map(code), aliases: aliases.map(code),
            homes: home.map { [DatedHome(node($0), from: start)] } ?? [],
            states: states.map { DatedState($0.0, from: moment($0.1)) }, successor: successor)
    }

    static func nodeRow(_ name: String, _ role: NodeRow.Role = .home) -> NodeRow {
        NodeRow(node: node(name), role: role, certificates: [DatedCertificate(print(name), from: start)])
    }

    static func authority(
        _ name: String, _ subtrees: [String], nodes: [String] = [], keys: Int = 3, needs: Int = 2
    ) -> AuthorityRow {
        AuthorityRow(
            authority: code(name), subtrees: subtrees.compactMap { Subtree($0) }, nodes: nodes.map(node),
            certificates: (0..<keys).map { print("\(name) \($0)") }.sorted { $0.hex < $1.hex }, needs: needs)
    }

    /// Every field once.
    static let rows: [EditionRow] = {
        var root = authority("root", ["*"])
        root.heirs = [AuthorityRow.Heir(of: root.certificates[0], print("heir"))]
        let der = [UInt8](0..<20)
        let hub = NodeRow(
            node: node("hub"), role: .hub, isWatching: true, addresses: ["hub.example.vn:4556", "[2001:db8::1]:4556"],
            certificates: [
                DatedCertificate(print("old"), from: start, until: moment("2026-06-01")),
                DatedCertificate(print("new"), from: moment("2026-05-01T08:30:00+07:00")),
            ], issuers: [DatedCertificate(print("ca"), from: start)],
            encryption: [DatedCertificate(der.withUnsafeBytes { hash.hash($0) }, from: start, der: der)],
            evidence: [DatedCertificate(print("evidence"), from: start)], features: Feature.own)
        let merged = Successor(.merged, from: moment("2026-07-01T12:00:00+07:00"), to: code("H29.16"))
        let parts = [Successor.Part(code("H29.16"), takes: "đất đai")]
        return [
            .authority(authority("H29", ["H29.*", "K29.*"], nodes: ["hcm"])), .authority(root),
            .node(nodeRow("hcm")), .node(hub), .agency(agency("H29", aliases: ["000.00.00.H29"])),
            .agency(
                AgencyRow(
                    code: code("H29.15"), vietnamese: "Sở \"Tư pháp\" \\ cũ", english: "Department of Justice",
                    parent: code("H29"), aliases: [code("000.00.15.H29"), code("H29.O15")],
                    contact: Contact(mail: "stp@example.vn", phone: "028 1234"),
                    homes: [
                        DatedHome(node("hcm"), from: start), DatedHome(node("hcm"), from: moment("2026-03-01")),
                    ],
                    states: [
                        DatedState(.planned, from: moment("2025-12-01")), DatedState(.joined, from: start),
                        DatedState(.suspended, from: moment("2026-02-01")),
                        DatedState(.joined, from: moment("2026-02-02")),
                        DatedState(.closed, from: moment("2026-07-01T12:00:00+07:00")),
                    ], successor: merged)),
            .agency(agency("H29.16", parent: "H29")),
            .agency(
                agency(
                    "H29.17", parent: "H29", states: [(.joined, "2026-01-01"), (.closed, "2026-05-01")],
                    successor: Successor(.split, from: moment("2026-05-01"), to: code("H29"), parts: parts))),
        ]
    }()

    static let edition: Edition = {
        guard let edition = try? Edition(draft(), rows: rows, hash: hash) else {
            Issue.record("the sample cannot be written")
            return Edition(sealed: sealed(draft()), rows: [])
        }
        return edition
    }()

    static let text: String = {
        guard let bytes = try? edition.written(hash: hash) else {
            Issue.record("the sample cannot be written")
            return ""
        }
        return String(decoding: bytes, as: UTF8.self)
    }()

    static func sealed(_ draft: EditionDraft, count: Int = 0) -> SealedHead {
        EditionHead(
            authority: draft.authority, number: draft.number, before: draft.before, from: draft.from,
            until: draft.until, count: count, rows: .zero
        ).sealed(hash: hash)
    }

    static func read(_ text: String) throws(EditionError) -> Edition {
        try Edition(reading: Array(text.utf8), hash: hash)
    }

    /// The error of a text; nil where it is read.
    static func error(_ bytes: [UInt8], bounds: EditionBounds = .national) -> EditionError? {
        do throws(EditionError) {
            _ = try Edition(reading: bytes, bounds: bounds, hash: hash)
            return nil
        } catch {
            return error
        }
    }

    static func error(_ text: String) -> EditionError? { error(Array(text.utf8)) }
}
