// OutcomePagesTests: the feed of outcomes and its cursors, the list, what is open and its acknowledgement; and that who may see for
// agencies sees their pairs and nobody else's.

import ControlAPI
import RelayCore
import RelayModel
import RelayRows
import Testing

@testable import RelayControl
@testable import edocctl

@Suite struct OutcomePagesTests {
    private static let rights = """
        [{user: gui, verbs: [see_agencies], agencies: [G22]}, {user: nhan, verbs: [see_agencies], agencies: [G22.1]}, \
        {user: khac, verbs: [see_agencies], agencies: [H26]}, {user: lan, verbs: [see]}]
        """

    private func become(_ world: World, _ user: String, _ uid: UInt32) {
        world.caller.set(Caller(uid: uid, user: user, groups: []))
    }

    private func root(_ world: World) { world.caller.set(Caller(uid: 0, user: nil, groups: [])) }

    private func send(_ world: World, _ sender: String, _ recipients: [String]) async throws -> String {
        let flags: [(name: String, value: String?)] =
            [("sender", sender), ("document", "9/VB")] + recipients.map { ("to", $0) }
        return try await world.submit(flags, [1, 2, 3]).envelope
    }

    private func feed(_ world: World, _ query: [(name: String, value: String?)]) async throws -> OutcomesAnswer {
        try await world.get(ControlPath.query(ControlPath.outcomes, query), as: OutcomesAnswer.self)
    }

    @Test func aFeedGoesOnWhereItsReaderStands() async throws {
        try await World.with(rights: Self.rights) { world in
            let first = try await send(world, "G22", ["G22.1"])
            var page = try await feed(world, [])
            #expect(page.outcomes.map(\.envelope) == [first] && page.outcomes.map(\.outcome) == ["arrived"])
            #expect(page.outcomes.first?.documentID == "9/VB" && page.outcomes.first?.reporter == "vpcp")
            let cursor = try #require(page.cursor)
            // It says nothing new, and is the same cursor.
            page = try await feed(world, [("after", cursor)])
            #expect(page.outcomes.isEmpty && page.cursor == cursor && page.isGap == nil)
            // Who waits hears at once.
            async let waited = feed(world, [("after", cursor), ("wait", "30s")])
            let second = try await send(world, "G22", ["G22.1"])
            page = try await waited
            #expect(page.outcomes.map(\.envelope) == [second])
            page = try await feed(world, [("after", "now")])
            #expect(page.outcomes.isEmpty)
            // Reading acknowledges nothing, and a limit makes pages.
            page = try await feed(world, [("limit", "1")])
            #expect(page.outcomes.map(\.envelope) == [first])
            page = try await feed(world, [("limit", "1"), ("after", page.cursor)])
            #expect(page.outcomes.map(\.envelope) == [second])
            // Another's cursor is not taken, nor what is none.
            become(world, "lan", 1_000)
            for text in [cursor, "", "1-2-3", "zz"] {
                let refusal = try await world.refusal { _ = try await feed(world, [("after", text)]) }
                #expect(refusal.status == 400, "\(text)")
            }
            let refusal = try await world.refusal { _ = try await feed(world, [("wait", "2h")]) }
            #expect(refusal.status == 400)
        }
    }

    /// After a restore, or when the log has been cut off, a reader is told that there is a gap, and gets what there is.
    @Test func aCursorOfAnotherLife() async throws {
        try await World.with { world in
            let name = try await send(world, "G22", ["G22.1"])
            let head = world.node.picture(of: []).outcomeHead
            for cursor in [
                OutcomeCursor(epoch: head.epoch &+ 1, order: 1, uid: 0),
                OutcomeCursor(epoch: head.epoch, order: head.order + 5, uid: 0),
            ] {
                let page = try await feed(world, [("after", cursor.text), ("wait", "30s")])
                #expect(page.isGap == true && page.outcomes.map(\.envelope) == [name])
            }
        }
    }

    /// A sender sees all pairs of its own documents, a recipient its own pairs, nobody another's.
    @Test func agenciesSeeTheirOwn() async throws {
        try await World.with(rights: Self.rights) { world in
            let mine = try await send(world, "G22", ["G22.1", "H29"])
            let other = try await send(world, "G22.1", ["H29"])
            func seen(_ user: String, _ uid: UInt32) async throws -> (list: [String], feed: [String], traced: [String?])
            {
                become(world, user, uid)
                let list = try await world.get(
                    ControlPath.outcomeList + "?outcome=undelivered", as: OutcomesAnswer.self)
                let feed = try await feed(world, [])
                var traced: [String?] = []
                for name in [mine, other] {
                    let answer = try? await world.get(ControlPath.trace(name), as: TraceAnswer.self)
                    traced.append(answer.map { $0.recipients.map(\.name).sorted().joined(separator: " ") })
                }
                return (
                    list.outcomes.map { "\($0.envelope == mine ? "mine" : "other") \($0.recipient)" }.sorted(),
                    feed.outcomes.map(\.recipient), traced
                )
            }
            var found = try await seen("gui", 1_001)
            #expect(found.list == ["mine G22.1", "mine H29"] && found.feed == ["G22.1"])
            #expect(found.traced == ["G22.1 H29", nil])
            found = try await seen("nhan", 1_002)
            #expect(found.list == ["mine G22.1", "other H29"] && found.feed == ["G22.1"])
            #expect(found.traced == ["G22.1", "H29"])
            found = try await seen("khac", 1_003)
            #expect(found.list.isEmpty && found.feed.isEmpty && found.traced == [nil, nil])
            found = try await seen("lan", 1_000)
            #expect(found.list.count == 3 && found.traced == ["G22.1 H29", "H29"])
            // The rest of the node is not theirs, and acknowledging is for who may act.
            become(world, "gui", 1_001)
            for path in [ControlPath.status, ControlPath.findings, ControlPath.openOutcomes, ControlPath.envelopes] {
                #expect(try await world.refusal { _ = try await world.client.get(path) }.status == 403, "\(path)")
            }
            let order = try ControlJSON.bytes(OutcomeAckRequest(upTo: 9, reason: "x"))
            let refusal = try await world.refusal {
                _ = try await world.client.post(ControlPath.outcomeAck, json: order)
            }
            #expect(refusal.status == 403)
            become(world, "ai-do", 1_009)
            #expect(try await world.refusal { _ = try await feed(world, []) }.status == 403)
        }
    }

    /// What a restored store only waits for has a short name, too.
    @Test func aShortNameOfWhatIsOnlyWaitedFor() async throws {
        try await World.with { world in
            let bundle = BundleID(
                source: world.node.configuration.settings.node.endpoint, creationTime: 826_000_000_000,
                sequence: 77 << 32 | 5)
            let about = OutcomeSubject(
                bundle: bundle, recipient: AgencyCode("H29")!, number: 0, urgency: .normal, sender: "", documentID: "")
            var row = OutcomeRow(about, accepted: world.node.now.relay, wall: world.node.now.wall)
            row.reporter = NodeID(name: "truc")
            _ = world.node.store.batch { [row] rows in
                rows.put(.outcome, Keys.outcome(isBad: false, bundle, about.recipient), row.encoded())
            }
            let short = String(bundle.envelopeName.prefix { $0 != "@" })
            let trace = try await world.get(ControlPath.trace(short), as: TraceAnswer.self)
            #expect(trace.name == bundle.envelopeName && trace.recipients.map(\.name) == ["H29"])
            #expect(
                try await world.refusal { _ = try await world.client.get(ControlPath.trace(short + "1")) }.status == 404
            )
        }
    }

    /// Each new name is named, to the last; and the feed names the next.
    @Test func aNameIsFollowedToItsEnd() async throws {
        try await World.with { world in
            var names = [try await send(world, "G22", ["H29"])]
            for urgency in [1, 2, 3] {
                var request = DeedRequest(verb: "urgency", selector: SelectorValues(), reason: "it is needed")
                request.selector.envelope = [names.last!]
                request.urgency = urgency
                let preview = try ControlJSON.answer(
                    PreviewAnswer.self,
                    from: try await world.client.post(ControlPath.preview, json: try ControlJSON.bytes(request)))
                let id = try #require(preview.job?.id)
                _ = try await world.client.post(ControlPath.apply(id), json: [])
                _ = await world.node.run([])
                let changes = try await feed(world, []).outcomes
                let change = try #require(changes.last)
                #expect(change.envelope == names.last && change.outcome == "renamed" && change.cause == nil)
                names.append(try #require(change.resubmittedAs))
            }
            for (index, name) in names.enumerated() {
                let trace = try await world.get(ControlPath.trace(name), as: TraceAnswer.self)
                #expect(trace.resubmittedAs == Array(names.dropFirst(index + 1)))
            }
        }
    }

    /// A delay stands in findings, list and metrics until an operator acknowledges it, with a reason, by the tool.
    @Test func openUntilAcknowledged() async throws {
        try await World.with { world in
            let name = try await send(world, "G22", ["H29"])
            world.node.advance(.hours(5))
            await world.node.run([])
            let open = try await world.get(ControlPath.openOutcomes, as: OpenOutcomesAnswer.self)
            #expect(open.total == 1 && open.causes.map(\.cause) == ["delayed-65542"])
            var status = try await world.get(ControlPath.status, as: StatusAnswer.self)
            let finding = try #require(status.findings?.first { $0.code == "documentsLate" })
            #expect(
                finding.grade == "warning" && finding.check == "outcomes" && status.attention.contains(finding.text))
            let page = String(decoding: try await world.client.get(ControlPath.metrics), as: UTF8.self)
            #expect(page.contains(#"edoc_outcomes_open{node="vpcp",outcome="delayed"} 1"#))
            let list = try await world.get(ControlPath.outcomeList + "?outcome=delayed", as: OutcomesAnswer.self)
            #expect(list.outcomes.map(\.envelope) == [name] && list.outcomes.first?.isOpen == true)
            func ack(_ arguments: [String]) async -> edocctl.ExitStatus {
                await Entry.run(["outcomes", "ack"] + arguments + ["--socket", world.socket])
            }
            #expect(await Entry.run(["outcomes", "--socket", world.socket]) == .done)
            #expect(await Entry.run(["list", "--outcome", "delayed", "--socket", world.socket]) == .done)
            #expect(await ack([name]) == .usage, "a reason is wanted")
            #expect(await ack(["--reason", "x"]) == .usage, "it must be said which")
            #expect(await ack([name, "--reason", " "]) == .negative)
            #expect(await ack(["--cause", "nothing-7", "--reason", "x"]) == .negative)
            #expect(await ack(["--to", "H26", "--reason", "x"]) == .negative)
            #expect(await ack(["--cause", "delayed-65542", "--reason", "H29 was called"]) == .done)
            #expect(await ack(["--all", "--reason", "again"]) == .negative)
            status = try await world.get(ControlPath.status, as: StatusAnswer.self)
            #expect(status.findings?.contains { $0.check == "outcomes" } == false)
            let audit = try await world.get(ControlPath.audit, as: AuditAnswer.self)
            #expect(audit.entries.map(\.verb) == ["outcomes ack"] && audit.entries.first?.reason == "H29 was called")
        }
    }
}
