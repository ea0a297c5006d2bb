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
        let lines = [
            line(
                BundleID(source: .none, creationTime: 0, sequence: 0), what: EvidenceLine.end,
                time: WallTime(milliseconds: 0))
        ]
        let applied = try ControlJSON.bytes(CompareOrder(lines: lines, isApplied: true, reason: "x"))
        let looked = try ControlJSON.bytes(CompareOrder(lines: lines, isApplied: false, reason: "x"))
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
            for path in ["relative.mdb", "/a/../b.mdb"] {
                let (code, _) = try await world.refusal {
                    _ = try await world.client.post(ControlPath.backup, json: try order(path))
                }
                #expect(code == 400, "\(path)")
            }
            // None is the configuration's. To keep nothing would be to remove the new one.
            _ = try await world.client.post(ControlPath.backup, json: try order(""))
            for key in ["keep", "keepDays", "bytesPerSecond"] {
                let body = Array(#"{"path": "", "isWhole": false, "reason": "", "\#(key)": 0}"#.utf8)
                let (code, _) = try await world.refusal {
                    _ = try await world.client.post(ControlPath.backup, json: body)
                }
                #expect(code == 400, "\(key)")
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
            let line = EvidenceLine(
                from: "truc", about: "vpcp", name: "vpcp-1-1", recipient: "H29", what: "taken",
                time: Timestamp(unixMilliseconds: 0))
            for count in [0, CompareOrder.linesMax + 1] {
                let order = CompareOrder(
                    lines: Array(repeating: line, count: count), isApplied: false, reason: "")
                let (code, _) = try await world.refusal {
                    _ = try await world.client.post(ControlPath.restoreCompare, json: try ControlJSON.bytes(order))
                }
                #expect(code == 400, "\(count) lines")
            }
        }
    }

    private func line(
        _ bundle: BundleID, from: String = "truc", what: String = "forwarded", time: WallTime
    ) -> EvidenceLine {
        EvidenceLine(
            from: from, about: "vpcp", name: what == EvidenceLine.end ? "" : bundle.envelopeName, recipient: "G22",
            what: what, time: time.timestamp)
    }

    /// What is here in part is not here: the node that has handed all of it over has let go of it. And lines that prove nothing.
    @Test func whatIsHereInPartIsMissing() async throws {
        try await World.with { world in
            let now = world.node.now
            let hcm = try #require(NodeID(name: "hcm"))
            let bundle = BundleID(
                source: hcm.endpoint, creationTime: now.wall.milliseconds, sequence: 7 << 32 | 1)
            var mark = RestorationRow(uid: 1, login: "lan", reason: "", source: "x.mdb", copied: now.wall)
            mark.phase = .held
            mark.last = 100
            func compare(_ lines: [EvidenceLine]) async throws -> CompareAnswer {
                let order = CompareOrder(lines: lines, isApplied: false, reason: "")
                let bytes = try await world.client.post(
                    ControlPath.restoreCompare, json: try ControlJSON.bytes(order))
                return try ControlJSON.answer(CompareAnswer.self, from: bytes)
            }
            for (received, missing) in [(UInt64(100), 0), (50, 1)] {
                var row = EnvelopeRow(
                    number: 5, bundle: bundle, kind: .document, urgency: .normal, lifetime: .days(30),
                    ageAtArrival: .zero, arrival: now, origin: NodeID(name: "truc"),
                    destination: .dtn("edoc/~agencies"), reportTo: bundle.source, payloadLength: 100)
                row.isInPieces = true
                row.receivedBytes = received
                row.recipients = [
                    RecipientRow(name: "G22", state: .held, routeClass: 0, due: now.relay, since: now.relay)
                ]
                let (written, last) = (row, mark)
                _ = world.node.store.batch { rows in
                    rows.put(.meta, RestorationRow.key, last.encoded())
                    rows.put(.bundle, Keys.bundle(bundle, number: 5))
                    rows.put(.envelope, Keys.envelope(5), written.encoded())
                }
                let answer = try await compare([line(bundle, time: now.wall)])
                #expect(answer.missing.count == missing && answer.agreeing == 1 - missing)
            }
            // Books to their end, and from before the copy on.
            let start = WallTime(milliseconds: now.wall.milliseconds - 1_000)
            #expect(try await compare([line(bundle, what: "end", time: start)]).compared == ["truc"])
            let later = WallTime(milliseconds: now.wall.milliseconds + 1_000)
            for bad in [
                line(bundle, what: "end", time: later), line(bundle, from: "vpcp", time: start),
                // A delivery is known to the submitter's node only.
                line(bundle, what: "delivered", time: start), line(bundle, what: "seen", time: start),
            ] {
                let (code, _) = try await world.refusal { _ = try await compare([bad]) }
                #expect(code == 400, "\(bad)")
            }
            let release = try ControlJSON.bytes(ReleaseOrder(reason: "x"))
            let (code, answer) = try await world.refusal {
                _ = try await world.client.post(ControlPath.restoreRelease, json: release)
            }
            #expect(code == 409 && answer.error.hasPrefix("not compared with the books of truc"), "\(answer.error)")
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
