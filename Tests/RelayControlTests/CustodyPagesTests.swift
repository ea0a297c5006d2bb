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

    @Test func actingAndSeeingAreAskedFor() async throws {
        let rights = "[{user: lan, verbs: [see]}, {user: minh, verbs: [act]}]"
        try await World.with(rights: rights) { world in
            func code(_ user: String, _ body: () async throws -> Void) async throws -> UInt {
                world.caller.set(Caller(uid: 1_000, user: user, groups: []))
                do {
                    try await body()
                    return 200
                } catch ClientError.refused(let status, _) {
                    return status
                }
            }
            let backup = { _ = try await world.client.post(ControlPath.backup, json: try order("/tmp/x.mdb")) }
            #expect(try await code("lan", backup) == 403)
            #expect(try await code("minh", backup) == 200)
            let release = {
                _ = try await world.client.post(
                    ControlPath.restoreRelease, json: try ControlJSON.bytes(ReleaseOrder(reason: "x")))
            }
            #expect(try await code("lan", release) == 403)
            #expect(try await code("minh", release) == 409, "this store was not restored")
            func compare(_ isApplied: Bool) -> () async throws -> Void {
                {
                    let order = CompareOrder(lines: [], isApplied: isApplied, reason: "x")
                    _ = try await world.client.post(ControlPath.restoreCompare, json: try ControlJSON.bytes(order))
                }
            }
            let (applied, looked) = (compare(true), compare(false))
            #expect(try await code("lan", applied) == 403)
            #expect(try await code("lan", looked) == 409)
            for path in [
                ControlPath.audit, ControlPath.auditCheck, ControlPath.backup, ControlPath.restore,
                ControlPath.ledger(of: "truc") + "/envelopes",
            ] {
                let look = { _ = try await world.client.get(path) }
                #expect(try await code("minh", look) == 403, "\(path)")
                #expect(try await code("lan", look) == 200, "\(path)")
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
