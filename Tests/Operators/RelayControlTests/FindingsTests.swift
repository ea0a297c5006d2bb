// FindingsTests: the one list of findings: what is on it, by which bounds, and that status, check and metrics say the same.

import ControlAPI
import Foundation
import Language
import RelayCore
import RelayModel
import Testing

@testable import RelayControl
@testable import edocctl

@Suite struct FindingsTests {
    @Test func oneListForAllWhoJudge() async throws {
        try await World.with { world in
            _ = try await world.submit(
                [("sender", "G22"), ("to", "H29"), ("document", "41/VPCP"), ("urgency", "3")], [1, 2, 3])
            world.node.advance(.hours(2))
            let list = try await world.get(ControlPath.findings, as: FindingsAnswer.self)
            let link = try #require(list.findings.first { $0.code == "linkDown" })
            #expect(link.subject == "truc" && link.grade == "critical" && link.check == "links")
            #expect(link.text.hasPrefix("truc down for 2h"))
            #expect(link.since.map { $0.seconds(until: list.now) } == 7_200)
            let old = try #require(list.findings.first { $0.code == "oldWaiting" })
            #expect(
                old.subject == "3" && old.grade == "critical" && old.text == "urgency 3 (Hỏa tốc) has waited for 2h")
            // The worst first.
            let grades = list.findings.compactMap { FindingGrade(rawValue: $0.grade) }
            #expect(grades == grades.sorted(by: >) && grades.count == list.findings.count)

            let status = try await world.get(ControlPath.status, as: StatusAnswer.self)
            #expect(status.findings == list.findings)
            #expect(status.attention.contains(link.text) && status.attention.contains(old.text))

            let health = try await world.get(ControlPath.health, as: HealthAnswer.self)
            let ladder = CheckLadder(
                chosen: ["links", "oldest"], warn: try AgeLimits("1h", "--warn"), crit: try AgeLimits("1d", "--crit"),
                warnArrived: 14_400, linkDown: (60, 90_000), room: (20, 10), certificate: (2_592_000, 604_800),
                linkLimits: try LinkLimits(share: "50,100", waiting: "9,99", warn: "3h", crit: "1d"))
            var facts = CheckFacts(health: health)
            facts.peers = try await world.get(ControlPath.peers, as: PeersAnswer.self)
            // By the operator's bounds it is a warning.
            facts.findings = try await world.get(ladder.findingsURI, as: FindingsAnswer.self)
            let results = Language.$spoken.withValue(.english) { ladder.judge(facts) }
            #expect(results.map(\.grade) == [.warning, .warning])
            #expect(results.map(\.sentence).last == "urgency 3 (Hỏa tốc) has waited for 2h")
        }
    }

    /// What another check counts is no news for this one, and it does not say that there is none.
    @Test func theCheckOfAlarmsSpeaksForItself() async throws {
        try await World.with { world in
            _ = try await world.submit([("sender", "G22"), ("to", "H29"), ("document", "1/VP")], [1])
            world.node.advance(.hours(5))
            await world.node.run([])
            let ladder = CheckLadder(
                chosen: ["alarms", "outcomes"], warn: try AgeLimits("1h", "--warn"),
                crit: try AgeLimits("1d", "--crit"), warnArrived: 14_400, linkDown: (60, 90_000), room: (20, 10),
                certificate: (2_592_000, 604_800),
                linkLimits: try LinkLimits(share: "50,100", waiting: "9,99", warn: "3h", crit: "1d"))
            var facts = CheckFacts(health: try await world.get(ControlPath.health, as: HealthAnswer.self))
            facts.findings = try await world.get(ladder.findingsURI, as: FindingsAnswer.self)
            let results = Language.$spoken.withValue(.english) { ladder.judge(facts) }
            #expect(results.map(\.grade) == [.ok, .warning])
            #expect(results.first?.sentence == "no other finding")
        }
    }

    /// Of many links that are down, those that somebody is called for stand by their own text, where the list has them.
    @Test func theWorstLinksAreNotHidden() {
        func link(_ grade: FindingGrade, _ name: String) -> RelayModel.Finding {
            RelayModel.Finding(grade, .linkDown, subject: name, "\(name) down for 2h: Connection refused")
        }
        func attention(_ findings: [RelayModel.Finding]) -> [String] { ControlServer<FakeNode>.attention(findings) }
        let full = RelayModel.Finding(.critical, .storeFull, "the store is full")
        let held = RelayModel.Finding(.warning, .held, "held: 3")
        let notes = (1...12).map { link(.note, "n\($0)") }
        #expect(
            attention([full, link(.critical, "truc"), held, link(.warning, "hcm")] + notes) == [
                "the store is full", "truc down for 2h: Connection refused", "held: 3",
                "hcm down for 2h: Connection refused",
                "12 more are down: n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, …",
            ])
        let four = ["a", "b", "c", "d"].map { link(.warning, $0) }
        #expect(
            attention([full] + four + [held]) == [
                "the store is full", "a down for 2h: Connection refused", "b down for 2h: Connection refused",
                "c down for 2h: Connection refused", "1 more is down: d", "held: 3",
            ])
        #expect(attention([held] + Array(notes.prefix(4))) == ["held: 3", "links down: 4 (n1, n2, n3, n4)"])
        #expect(attention(Array(notes.prefix(3))) == notes.prefix(3).map(\.text))
    }

    @Test func boundsThatMakeNoSense() async throws {
        try await World.with { world in
            for query in ["?link-down=1", "?room=a,b", "?waiting-warning=9=1", "?colour=red"] {
                await #expect(throws: (any Error).self, "\(query)") {
                    _ = try await world.get(ControlPath.findings + query, as: FindingsAnswer.self)
                }
            }
        }
    }

    /// As `check backup` says it, and the metric.
    private func backup(_ world: World) async throws -> (check: CheckResult, metric: String?, status: StatusAnswer) {
        let ladder = CheckLadder(
            chosen: ["backup"], warn: try AgeLimits("1h", "--warn"), crit: try AgeLimits("1d", "--crit"),
            warnArrived: 14_400, linkDown: (60, 90_000), room: (20, 10), certificate: (2_592_000, 604_800),
            linkLimits: try LinkLimits(share: "50,100", waiting: "9,99", warn: "3h", crit: "1d"))
        #expect(ladder.asksForFindings)
        var facts = CheckFacts(health: try await world.get(ControlPath.health, as: HealthAnswer.self))
        facts.findings = try await world.get(ladder.findingsURI, as: FindingsAnswer.self)
        let results = Language.$spoken.withValue(.english) { ladder.judge(facts) }
        let page = String(decoding: try await world.client.get(ControlPath.metrics), as: UTF8.self)
        let status = try await world.get(ControlPath.status, as: StatusAnswer.self)
        return (
            try #require(results.first),
            page.split(separator: "\n").first { $0.hasPrefix("edoc_backup_timestamp_seconds{") }.map(String.init),
            status
        )
    }

    @Test func backupsThatStayAway() async throws {
        try await World.with { world in
            // Nobody makes any here: it is said, and is no finding.
            world.node.advance(.days(30))
            var found = try await backup(world)
            #expect(found.check.grade == .ok && found.check.sentence == "no backup was made")
            #expect(found.metric == nil && found.status.lastBackup == nil)
            // The timer is enabled and makes none.
            let enabled = world.node.now.wall
            world.node.watching.state.withLock { $0.backupTimer = enabled }
            world.node.advance(.days(2))
            #expect(try await backup(world).check.grade == .ok)
            world.node.advance(.hours(1))
            world.node.watching.state.withLock { $0.backupFailure = "it was cancelled" }
            found = try await backup(world)
            #expect(found.check.grade == .warning)
            #expect(
                found.check.sentence
                    == "edoc-backup.timer has been enabled for 2d, and no backup was made; the last try failed: it was cancelled"
            )
            // What has begun or failed is none.
            for outcome in ["begun", "failed: it was cancelled"] {
                let deed = Deed(uid: 0, login: "root", verb: Deed.backup, subject: "/b", outcome: outcome)
                _ = try await world.node.record(deed)
            }
            #expect(try await backup(world).status.lastBackup == nil)
            let made = world.node.now.wall.timestamp
            _ = try await world.node.record(Deed(uid: 0, login: "root", verb: Deed.backup, subject: "/b"))
            world.node.watching.state.withLock { $0.backupFailure = nil }
            world.node.advance(.days(2))
            found = try await backup(world)
            #expect(found.check.grade == .ok && found.check.sentence == "the last good backup is 2d old")
            #expect(found.check.figures == ["backup_age=172800s;;;0"])
            #expect(found.status.lastBackup == made && found.metric != nil)
            // With the timer or without: who has made one wants them.
            world.node.watching.state.withLock { $0.backupTimer = nil }
            world.node.advance(.hours(1))
            found = try await backup(world)
            #expect(found.check.grade == .warning && found.check.sentence == "the last good backup is 2d old")
            let finding = try #require(found.status.findings?.first { $0.code == "backupOld" })
            #expect(finding.since == made && finding.check == "backup" && finding.subject.isEmpty)
        }
    }

    /// How far history goes back stands in days.
    @Test func historyGoesBackDays() async throws {
        try await World.with { world in
            func page() async throws -> String {
                String(decoding: try await world.client.get(ControlPath.metrics), as: UTF8.self)
            }
            #expect(try await world.get(ControlPath.status, as: StatusAnswer.self).history == nil)
            #expect(try await !page().contains("\nedoc_history_oldest_timestamp_seconds{"))
            let submitted = try await world.submit([("sender", "G22"), ("to", "G22.1"), ("document", "1/VP")], [1])
            _ = try await world.client.post(
                ControlPath.acknowledge("G22.1"),
                json: try ControlJSON.bytes(AcknowledgeRequest(envelopes: [submitted.envelope])))
            world.node.advance(.days(16))
            let status = try await world.get(ControlPath.status, as: StatusAnswer.self)
            let history = try #require(status.history)
            #expect(history.seconds == 16 * 86_400 && history.memorySeconds == 400 * 86_400 && !history.isCut)
            #expect(history.from.seconds(until: status.now) == history.seconds)
            let texts = [Language.english, .vietnamese].map { language in
                Language.$spoken.withValue(language) { StatusView.text(status) }
            }
            #expect(texts[0].contains("16 days of 400, back to ") && texts[1].contains("16 ngày trong 400, từ "))
            #expect(try await page().contains("\nedoc_history_oldest_timestamp_seconds{"))
        }
    }

    @Test func anAgeOfBackupsThatNobodyMinds() {
        let now = ClockReading(relay: .zero, wall: WallTime(milliseconds: 900_000_000_000))
        var watch = WatchFacts(configurationPath: "", mapBytes: 0, commitTimes: .ofCommits)
        watch.backupTimer = WallTime(milliseconds: 0)
        #expect(ControlServer<FakeNode>.ofBackups(nil, watch, maxAge: .zero, at: now).isEmpty)
        #expect(ControlServer<FakeNode>.ofBackups(nil, watch, maxAge: .days(1), at: now).count == 1)
        // The clock was ahead.
        let ahead = WallTime(milliseconds: now.wall.milliseconds + 1)
        #expect(ControlServer<FakeNode>.ofBackups(ahead, watch, maxAge: .days(1), at: now).isEmpty)
    }

    /// Codes are for ever, and each has a line in the page.
    @Test func everyCodeIsExplained() throws {
        var page = URL(filePath: #filePath)
        for _ in 0..<4 { page.deleteLastPathComponent() }
        page.append(path: "docs/findings.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("| `") }
        let named = rows.compactMap { $0.split(separator: "`").dropFirst().first.map(String.init) }
        #expect(Set(named) == Set(FindingCode.allCases.map(\.rawValue)) && named.count == Set(named).count)
    }
}
