// CustodyPagesTests: the pages about the operator log, backups and restored stores: who may, and what makes no sense to them.

import ControlAPI
import RelayCore
import RelayModel
import RelayRows
import Testing

@testable import RelayControl
@testable import edocctl

@Suite struct CustodyPagesTests {
    private func order(_ path: String) throws -> [UInt8] {
        try ControlJSON.bytes(BackupOrder(path: path, bytesPerSecond: nil, isWhole: false, reason: ""))
    }

    /// The status of the answer that a caller gets.
    private func code(_ user: String, _ world: World, _ body: () async throws -> [UInt8]) async throws -> UInt {
        world.caller.set(Caller(uid: 1_000, user: user, groups: []))
        do {
            _ = try await body()
            return 200
        } catch ClientError.refused(let status, _) {
            return status
        }
    }

    @Test func actingAndSeeingAreAskedFor() async throws {
        let rights = "[{user: lan, verbs: [see]}, {user: minh, verbs: [act]}]"
        let backup = try order("/tmp/x.mdb")
        let release = try ControlJSON.bytes(ReleaseOrder(reason: "x"))
        let applied = try ControlJSON.bytes(CompareOrder(lines: [], isApplied: true, reason: "x"))
        let looked = try ControlJSON.bytes(CompareOrder(lines: [], isApplied: false, reason: "x"))
        // Without a restored store the last two have nothing to work on.
        let acting: [(path: String, body: [UInt8], codes: [UInt])] = [
            (ControlPath.backup, backup, [403, 200]), (ControlPath.restoreRelease, release, [403, 409]),
            (ControlPath.restoreCompare, applied, [403, 409]), (ControlPath.restoreCompare, looked, [409, 403]),
        ]
        let seeing = [
            ControlPath.audit, ControlPath.auditCheck, ControlPath.backup, ControlPath.restore,
            ControlPath.ledger(of: "truc") + "/envelopes",
        ]
        try await World.with(rights: rights) { world in
            for (path, body, codes) in acting {
                for (user, expected) in zip(["lan", "minh"], codes) {
                    let status = try await code(user, world) { try await world.client.post(path, json: body) }
                    #expect(status == expected, "\(user) at \(path)")
                }
            }
            for path in seeing {
                for (user, expected) in [("minh", UInt(403)), ("lan", 200)] {
                    let status = try await code(user, world) { try await world.client.get(path) }
                    #expect(status == expected, "\(user) at \(path)")
                }
            }
        }
    }

    @Test func whatMakesNoSenseIsRefused() async throws {
        try await World.with { world in
            for path in ["relative.mdb", "/a/../b.mdb", ""] {
                let (code, _) = try await world.refusal {
                    _ = try await world.client.post(ControlPath.backup, json: try order(path))
                }
                #expect(code == 400, "\(path)")
            }
            let bad = [
                ControlPath.auditCheck + "?anchor=12", ControlPath.auditCheck + "?cursor=7",
                ControlPath.audit + "?sinse=2026-01-01", ControlPath.ledger(of: "truc") + "/envelopes?cursor=x00",
                ControlPath.ledger(of: "truc") + "/envelopes?cursor=h0", ControlPath.restore + "?state=waiting",
            ]
            for path in bad {
                let (code, _) = try await world.refusal { _ = try await world.client.get(path) }
                #expect(code == 400, "\(path)")
            }
            let many = CompareOrder(
                lines: Array(
                    repeating: EvidenceLine(
                        from: "truc", about: "vpcp", name: "vpcp-1-1", recipient: "H29", what: "taken",
                        time: Timestamp(unixMilliseconds: 0)), count: CompareOrder.linesMax + 1), isApplied: false,
                reason: "")
            let (code, _) = try await world.refusal {
                _ = try await world.client.post(ControlPath.restoreCompare, json: try ControlJSON.bytes(many))
            }
            #expect(code == 400)
        }
    }

    /// A log longer than what one answer looks at is listed and checked in portions, to its end.
    @Test func aLongLogIsCheckedInPortions() async throws {
        try await World.with { world in
            let deeds = (1...12_000).map { number in
                Deed(uid: UInt32(number % 3), login: number == 5 ? "rare" : "lan", verb: "v", subject: "\(number)")
            }
            await world.node.run(deeds.map { .event(.audited($0, ticket: nil)) })
            let first: AuditCheckAnswer = try await world.get(ControlPath.auditCheck)
            #expect(first.checked == 10_000 && first.cursor == "10000" && first.brokenAt == nil)
            let anchor: AuditAnswer = try await world.get(ControlPath.audit + "?cursor=12&limit=1")
            let hash = try #require(anchor.entries.first).hash
            let found: AuditCheckAnswer = try await world.get(ControlPath.auditCheck + "?anchor=\(hash)")
            #expect(found.anchoredAt == 11)
            let rest: AuditCheckAnswer = try await world.get(ControlPath.auditCheck + "?cursor=10000&anchor=\(hash)")
            #expect(rest.checked == 2_000 && rest.order == 12_000 && rest.cursor == nil && rest.anchoredAt == nil)
            // A rare line needs several answers, some of them empty.
            let none: AuditAnswer = try await world.get(ControlPath.audit + "?user=rare")
            #expect(none.entries.isEmpty && none.cursor == "2001")
            let rare: AuditAnswer = try await world.get(ControlPath.audit + "?user=rare&cursor=2001")
            #expect(rare.entries.map(\.subject) == ["5"] && rare.cursor == nil)
        }
    }
}
