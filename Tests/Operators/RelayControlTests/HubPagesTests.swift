// HubPagesTests: what lists and pictures say of ages, next attempts and kinds agrees with what `show` says, over the real server; every metric
// names its node, and every answer that says no has a word for programs.

import ControlAPI
import RelayModel
import Testing

@testable import RelayControl
@testable import edocctl

@Suite struct HubPagesTests {
    /// The clock of the test's node stands at the 40th second of a minute: what comes then is no older for that.
    @Test func theOldestIsAsOldAsItIs() async throws {
        try await World.with { world in
            _ = try await world.submit([("sender", "G22"), ("to", "H29"), ("document", "1/VP"), ("urgency", "3")], [1])
            _ = try await world.submit([("sender", "G22"), ("to", "G22.1"), ("document", "2/VP")], [1])
            world.node.advance(.seconds(1))
            func expect(_ seconds: UInt64) async throws {
                let queue = try await world.get(ControlPath.queue, as: QueueAnswer.self)
                let row = try #require(queue.rows.first { $0.nextHops == ["truc"] })
                #expect(row.total.oldestSeconds == seconds && row.urgencies.first?.ages.oldestSeconds == seconds)
                #expect(queue.arrived.first?.ages.oldestSeconds == seconds)
                let peers = try await world.get(ControlPath.peers, as: PeersAnswer.self)
                #expect(peers.peers.first?.backlog.oldestSeconds == seconds)
                let health = try await world.get(ControlPath.health, as: HealthAnswer.self)
                #expect(health.oldestSeconds[3] == seconds && health.oldestArrivedSeconds == seconds)
            }
            try await expect(1)
            // One that comes later is not the oldest, also within the same minute.
            _ = try await world.submit([("sender", "G22"), ("to", "H29"), ("document", "3/VP"), ("urgency", "3")], [1])
            world.node.advance(.seconds(57))
            _ = try await world.submit([("sender", "G22"), ("to", "H29"), ("document", "4/VP"), ("urgency", "3")], [1])
            try await expect(58)
            world.node.advance(.minutes(90))
            try await expect(5_458)
        }
    }

    /// When the hop is dialled next is in the list what it is in `show`, also for what has never been tried.
    @Test func listsAndShowSayTheSameOfNext() async throws {
        try await World.with { world in
            _ = try await world.submit(
                [("sender", "G22"), ("to", "H29"), ("to", "H26"), ("to", "G22.1"), ("document", "1/VP")], [1, 2])
            await world.node.run([.event(.dialFailed(peer: NodeID(shortName: "truc")!, reason: "Connection refused"))])
            let list = try await world.get(ControlPath.queueList, as: QueueListAnswer.self)
            #expect(list.lines.count == 3)
            var isAny = false
            for line in list.lines {
                let shown = try await world.get(ControlPath.envelope(line.name), as: EnvelopeAnswer.self)
                let recipient = try #require(shown.envelope.recipients.first { $0.name == line.recipient })
                #expect(recipient.nextAttempt == line.nextAttempt, "\(line)")
                #expect(line.kind == "document" && shown.envelope.kind == "document")
                isAny = isAny || line.nextAttempt != nil
            }
            #expect(isAny, "the next dial is known")
        }
    }

    @Test func everyMetricNamesItsNode() async throws {
        try await World.with { world in
            _ = try await world.submit([("sender", "G22"), ("to", "H29"), ("document", "1/VP")], [1])
            let page = String(decoding: try await world.client.get(ControlPath.metrics), as: UTF8.self)
            let samples = page.split(separator: "\n").filter { !$0.hasPrefix("#") }
            #expect(samples.count > 100)
            for sample in samples { #expect(sample.contains("node=\"vpcp\""), "\(sample)") }
        }
    }

    private static let asked = [
        ControlPath.status, ControlPath.findings, ControlPath.outcomes, ControlPath.outcomeList,
        ControlPath.openOutcomes, ControlPath.queue, ControlPath.queueList, ControlPath.envelopes, ControlPath.history,
        ControlPath.peers, ControlPath.routes, ControlPath.explain, ControlPath.ledger, ControlPath.limits,
        ControlPath.health, ControlPath.metrics, ControlPath.notices, ControlPath.logLevel, ControlPath.audit,
        ControlPath.restore, ControlPath.backup, ControlPath.auditCheck, ControlPath.jobs, ControlPath.suspensions,
        ControlPath.drain, ControlPath.verify, ControlPath.job(9), ControlPath.envelope("9"), ControlPath.trace("9"),
        ControlPath.wire("nobody"), ControlPath.ledger(of: "nobody"), ControlPath.inbox("H29"),
        ControlPath.document("H29", "9"),
    ]
    private static let told = [
        ControlPath.submit, ControlPath.reload, ControlPath.outcomeAck, ControlPath.restoreCompare,
        ControlPath.restoreRelease, ControlPath.backup, ControlPath.backupCancel, ControlPath.preview,
        ControlPath.drain, ControlPath.cancelDrain, ControlPath.verify, ControlPath.logLevel, ControlPath.apply(9),
        ControlPath.cancel(9), ControlPath.undo(9), ControlPath.acknowledge("H29"),
    ]

    /// Of every path: asked for what it does not know, by somebody without a right, and by a method that it has not.
    @Test func everyErrorHasACode() async throws {
        try await World.with { world in
            func body(_ text: String) -> ControlClient.Source {
                let parts = BodyParts(Array(text.utf8), size: 2)
                return { parts.next() }
            }
            func expectCode(_ what: String, _ body: () async throws -> Void) async throws {
                do {
                    try await body()
                } catch ClientError.refused(let status, let answer) {
                    #expect(answer.code?.isEmpty == false && !answer.error.isEmpty, "\(what): \(status) \(answer)")
                    return
                }
                Issue.record("\(what) was not refused")
            }
            let stranger = Caller(uid: 1_000, user: "lan", groups: [])
            let root = Caller(uid: 0, user: "root", groups: [])
            for path in Self.asked {
                world.caller.set(stranger)
                try await expectCode("GET \(path) by a stranger") { _ = try await world.client.get(path) }
                world.caller.set(root)
                guard path != ControlPath.metrics else { continue }
                // Also where no parameter is known: who gives one believes that it is heeded.
                let refusal = try await world.refusal { _ = try await world.client.get(path + "?nonsense=1") }
                #expect(refusal.status == 400 || refusal.status == 404, "GET \(path)?nonsense=1")
                if refusal.status == 400 { #expect(refusal.answer.error.contains("nonsense"), "\(refusal.answer)") }
            }
            for path in Self.asked where path != ControlPath.metrics {
                try await expectCode("a wrong method for \(path)") {
                    _ = try await world.client.post(path + "/nowhere/at/all", length: 0, from: body(""))
                }
            }
            for path in Self.told {
                world.caller.set(stranger)
                try await expectCode("POST \(path) by a stranger") {
                    _ = try await world.client.post(path, length: 2, from: body("{]"))
                }
                world.caller.set(root)
                try await expectCode("POST \(path) with nonsense") {
                    _ = try await world.client.post(path + "?nonsense=1", length: 2, from: body("{]"))
                }
            }
            // What stands in a body instead of the query is read, or is an error.
            for text in ["{]", "[]", "{\"rate\": 1}"] {
                let bytes = Array(text.utf8)
                let refusal = try await world.refusal {
                    _ = try await world.client.post(ControlPath.verify, json: bytes)
                }
                #expect(refusal.status == 400, "\(text)")
            }
            var verify = try await world.get(ControlPath.verify, as: VerifyAnswer.self)
            #expect(!verify.isRunning && verify.began == nil, "nothing was begun by what is no order")
            verify = try ControlJSON.answer(
                VerifyAnswer.self,
                from: try await world.client.post(
                    ControlPath.verify, json: Array("{\"reason\": \"a new disk\"}".utf8)))
            let audit = try await world.get(ControlPath.audit, as: AuditAnswer.self)
            #expect(audit.entries.first?.verb == "verify" && audit.entries.first?.reason == "a new disk")
            try await expectCode("no path") { _ = try await world.client.get("/v1/nothing") }
            try await expectCode("no envelope") { _ = try await world.client.get(ControlPath.envelope("9")) }
        }
    }
}
