// What the interface shows, asked through the real client from a real engine.

import ControlAPI
import Language
import RelayCore
import RelayModel
import RelayRows
import Testing

@testable import RelayControl
@testable import edocctl

@Suite struct PagesTests {
    private static let flags: [(name: String, value: String?)] = [
        ("sender", "G22"), ("to", "H29"), ("document", "41/VPCP"),
    ]

    @Test func statusQueueAndLedgerAgree() async throws {
        try await World.with { world in
            for urgency in ["0", "0", "3"] {
                _ = try await world.submit(Self.flags + [("urgency", urgency)], [1, 2, 3])
            }
            _ = try await world.submit([("sender", "G22"), ("to", "G22.1")], Array(repeating: 7, count: 5_000))
            world.node.advance(.minutes(10))

            let status = try await world.get(ControlPath.status, as: StatusAnswer.self)
            #expect(status.node == "vpcp")
            #expect(status.schema == 1)
            #expect(status.inStore["waiting"] == 3)
            #expect(status.inStore["arrived"] == 1)
            #expect(status.store.envelopes == 4)
            #expect(status.store.payloadBytes == 5_009)
            #expect(status.uptimeSeconds == 600)
            #expect(status.attention.count == 2)
            #expect(status.attention.first?.hasPrefix("this node's certificate ends on ") == true)
            #expect(status.attention.last?.hasPrefix("truc down for ") == true)

            let queue = try await world.get(ControlPath.queue, as: QueueAnswer.self)
            #expect(queue.rows.count == 1)
            let row = try #require(queue.rows.first)
            #expect(row.nextHops == ["truc"])
            #expect(row.total.count == 3)
            #expect(row.total.bytes == 9)
            #expect(row.urgencies.map(\.urgency) == [3, 0])
            #expect(row.urgencies.map(\.ages.count) == [1, 2])
            // Cells are of whole minutes: ten minutes and at most one more.
            #expect((600...660).contains(row.total.oldestSeconds))
            #expect(row.total.buckets == [0, 0, 3, 0, 0, 0, 0, 0])
            #expect(queue.arrivedCount == 1)
            #expect(queue.arrived.map(\.agency) == ["G22.1"])
            #expect(queue.arrived.first?.count == 1)
            #expect((600...660).contains(queue.arrived.first?.oldest?.seconds(until: queue.now) ?? 0))

            let ledger = try await world.get(ControlPath.ledger, as: LedgerAnswer.self)
            let book = try #require(ledger.documents)
            #expect(book.submitted == 4)
            #expect(book.accepted == 4)
            #expect(book.accountedFor == 4)
            #expect(book.balances)
            #expect(ledger.peers.map(\.node) == ["truc"])
            let one = try await world.get(ControlPath.ledger(of: "truc"), as: LedgerAnswer.self)
            #expect(one.documents == nil)
            #expect(one.peers.map(\.node) == ["truc"])
            let (code, answer) = try await world.refusal {
                _ = try await world.client.get(ControlPath.ledger(of: "nobody"))
            }
            #expect(code == 404)
            #expect(answer.error == "no peer nobody is known here; edocctl peers lists them")
        }
    }

    @Test func anEnvelopeSaysWhyItWaits() async throws {
        try await World.with { world in
            let submitted = try await world.submit(Self.flags, [1, 2, 3])
            let answer = try await world.get(ControlPath.envelope(submitted.envelope), as: EnvelopeAnswer.self)
            #expect(submitted.envelope.contains("@"))
            #expect(answer.envelope.name == submitted.envelope)
            #expect(answer.envelope.documentID == "41/VPCP")
            #expect(answer.envelope.digest == submitted.digest)
            #expect(answer.envelope.sender == "G22")
            #expect(answer.envelope.path.map(\.node) == ["vpcp"])
            #expect(answer.envelope.expires != nil)
            let recipient = try #require(answer.envelope.recipients.first)
            #expect(recipient.name == "H29")
            #expect(recipient.state == "waiting")
            #expect(recipient.nextHops == ["truc"])
            #expect(recipient.why.first == "route: truc")
            #expect(recipient.why.last?.hasPrefix("truc is down") == true)

            let ticket = Ticket(900)
            let facts = SessionFacts(peer: NodeID(name: "truc")!, transferMRU: 1 << 30, isDialled: true)
            await world.node.run([.event(.sessionEstablished(session: ticket, facts))])
            let active = try await world.get(ControlPath.envelope(submitted.envelope), as: EnvelopeAnswer.self)
            #expect(active.envelope.recipients.first?.state == "active")
            let peers = try await world.get(ControlPath.peers, as: PeersAnswer.self)
            #expect(peers.peers.first?.state == "up")
            #expect(peers.peers.first?.transfersInFlight == 1)
            #expect(peers.peers.first?.sessions.first?.tlsVersion == "TLSv1.3")
        }
    }

    @Test func envelopesAreFoundByNumberPrefixAndDocument() async throws {
        try await World.with { world in
            var names: [String] = []
            for _ in 0..<12 { names.append(try await world.submit(Self.flags, [1]).envelope) }
            let other = try await world.submit([("sender", "G22"), ("to", "H26"), ("document", "9/X")], [1])

            let first = try await world.get(ControlPath.envelope(names[0]), as: EnvelopeAnswer.self)
            let number = String(first.envelope.number)
            #expect(
                try await world.get(ControlPath.envelope(number), as: EnvelopeAnswer.self).envelope.name == names[0])
            // Without the creation time the name is still an ID; 1 is not the beginning of 10, 11 and 12.
            let short = String(names[0].prefix { $0 != "@" })
            #expect(short.hasSuffix("-1"))
            #expect(try await world.get(ControlPath.envelope(short), as: EnvelopeAnswer.self).envelope.name == names[0])

            let (code, answer) = try await world.refusal {
                _ = try await world.client.get(ControlPath.envelope("vpcp-"))
            }
            #expect(code == 409)
            #expect(answer.problems.isEmpty)
            #expect(answer.error.hasPrefix("several envelopes begin with vpcp-: vpcp-"))
            #expect(
                answer.error.hasSuffix(" more; give more of the name") && answer.error.count(where: { $0 == "@" }) == 3)
            for bad in ["hcm-", "999999", "vpcp-zz-1@x", "a/b", "%", "ü", "dtn://x/@1.2", "\u{1b}[31m", names[0] + "0"]
            {
                let (code, answer) = try await world.refusal {
                    _ = try await world.client.get(ControlPath.envelope(bad))
                }
                #expect(code == 404, "\(bad)")
                #expect(!answer.error.contains("\u{1b}"))
            }

            let found = try await world.get(
                ControlPath.query(ControlPath.envelopes, [("document", "9/X")]), as: EnvelopesAnswer.self)
            #expect(found.envelopes.map(\.name) == [other.envelope])

            var listed: [String] = []
            var cursor: String?
            repeat {
                let page = try await world.get(
                    ControlPath.query(
                        ControlPath.envelopes, [("document", "41/VPCP"), ("limit", "5"), ("cursor", cursor)]),
                    as: EnvelopesAnswer.self)
                #expect(page.envelopes.count <= 5)
                listed += page.envelopes.map(\.name)
                cursor = page.cursor
            } while cursor != nil
            #expect(listed == names.reversed())
            let all = try await world.get(
                ControlPath.query(ControlPath.envelopes, [("state", "waiting")]), as: EnvelopesAnswer.self)
            #expect(all.envelopes.count == 13)
        }
    }

    @Test func aTraceTellsTheWayToEachOfTwoRecipients() async throws {
        try await World.with { world in
            let submitted = try await world.submit(
                [("sender", "G22"), ("to", "H29"), ("to", "000.00.00.H29"), ("to", "H26")], [1, 2])
            #expect(submitted.recipients == ["H29", "H26"])
            let session = Ticket(900)
            let facts = SessionFacts(peer: NodeID(name: "truc")!, transferMRU: 1 << 30, isDialled: true)
            await world.node.run([.event(.sessionEstablished(session: session, facts))])
            let dispatch = try #require(await world.node.dispatches.first)
            #expect(dispatch.copy?.recipients.count == 2)
            world.node.advance(.seconds(2))
            await world.node.run([.event(.transferAnswered(session: session, dispatch: dispatch.ticket, .acknowledged))]
            )

            var trace = try await world.get(ControlPath.trace(submitted.envelope), as: TraceAnswer.self)
            #expect(trace.isSubmitter)
            #expect(trace.recipients.map(\.state) == ["forwarded", "forwarded"])
            #expect(trace.recipients[0].unknown == "taken by truc; no report has come since")

            let bundle = try #require(BundleID(envelopeName: submitted.envelope))
            let start = world.node.now.wall
            let path = ["vpcp", "truc", "hcm"].enumerated().map { index, name in
                PathStop(
                    node: NodeID(name: name)!, time: WallTime(milliseconds: start.milliseconds + UInt64(index) * 1_500))
            }
            let rows = [ReportedState.arrived, .delivered].enumerated().map { index, state in
                ReportRow(
                    bundle: bundle, recipient: AgencyCode("H29")!, state: state,
                    time: WallTime(milliseconds: start.milliseconds + 4_000 + UInt64(index) * 60_000), reason: .none,
                    path: path)
            }
            await world.node.run([
                .event(
                    .reported(
                        ticket: Ticket(901), session: session, reporter: NodeID(name: "hcm")!, bundle: bundle,
                        rows: rows))
            ])
            trace = try await world.get(ControlPath.trace(submitted.envelope), as: TraceAnswer.self)
            #expect(trace.recipients.map(\.name) == ["H29", "H26"])
            #expect(trace.recipients.map(\.state) == ["delivered", "forwarded"])
            #expect(trace.recipients.map(\.isFinal) == [true, false])
            #expect(trace.recipients[0].stops.map(\.node) == ["vpcp", "truc", "hcm"])
            #expect(trace.recipients[0].unknown == nil)
            #expect(trace.recipients[1].home == "hanoi")

            let history = try await world.get(
                ControlPath.query(ControlPath.history, [("agency", "H26")]), as: HistoryAnswer.self)
            #expect(history.rows.map(\.state) == ["forwarded"])
            #expect(history.rows.first?.peer == "truc")
            #expect(
                try await world.get(ControlPath.query(ControlPath.history, [("peer", "hcm")]), as: HistoryAnswer.self)
                    .rows.isEmpty)

            let (code, _) = try await world.refusal {
                _ = try await world.client.get(ControlPath.trace("vpcp-zzz-1@a1"))
            }
            #expect(code == 404)
        }
    }

    /// Who refuses a copy has never had it: it is no stop of its way, and nothing waited there.
    @Test func aRefusalIsNoStop() async throws {
        try await World.with { world in
            let submitted = try await world.submit([("sender", "G22"), ("to", "H29")], [1, 2])
            let session = Ticket(900)
            let facts = SessionFacts(peer: NodeID(name: "truc")!, transferMRU: 1 << 30, isDialled: true)
            await world.node.run([.event(.sessionEstablished(session: session, facts))])
            let dispatch = try #require(await world.node.dispatches.first)
            await world.node.run([.event(.transferAnswered(session: session, dispatch: dispatch.ticket, .acknowledged))]
            )
            let bundle = try #require(BundleID(envelopeName: submitted.envelope))
            let time = world.node.now.wall
            let line = ReportRow(
                bundle: bundle, recipient: AgencyCode("H29")!, state: .delayed, time: time, reason: .notAuthorised,
                path: ["vpcp", "hcm"].map { PathStop(node: NodeID(name: $0)!, time: time) })
            _ = world.node.store.batch { rows in
                let order = UInt64(ReportedState.delayed.rawValue) << 32 | 1_001
                rows.put(
                    .report, Keys.report(bundle, recipient: line.recipient, order: order),
                    line.encoded(received: world.node.now.relay))
            }
            let trace = try await world.get(ControlPath.trace(submitted.envelope), as: TraceAnswer.self)
            let recipient = try #require(trace.recipients.first)
            #expect(recipient.state == "delayed" && recipient.reason == "not authorised")
            #expect(recipient.stops.map(\.node) == ["vpcp"])
            #expect(recipient.unknown == "taken by truc; no report has come since")
            #expect(recipient.delays.map(\.node) == ["hcm"] && recipient.delays.map(\.isRefusal) == [true])
            let (english, vietnamese) = (
                Language.$spoken.withValue(.english) { TraceView.text(trace) },
                Language.$spoken.withValue(.vietnamese) { TraceView.text(trace) }
            )
            #expect(
                english.contains("  !  hcm refuses it, ")
                    && english.contains(": not authorised; the hop before it tries on"))
            #expect(!english.contains("it waited at") && !english.contains("takes long"))
            #expect(vietnamese.contains("hcm từ chối nhận, "), "\(vietnamese)")
        }
    }

    @Test func historyIsPagedAndFilteredByTime() async throws {
        try await World.with { world in
            var names: [String] = []
            for index in 0..<7 {
                let answer = try await world.submit([("sender", "G22"), ("to", "G22.1")], [UInt8(index)])
                names.append(answer.envelope)
                world.node.advance(.minutes(1))
                let body = try ControlJSON.bytes(AcknowledgeRequest(envelopes: [answer.envelope]))
                _ = try await world.client.post(ControlPath.acknowledge("G22.1"), json: body)
            }
            var seen: [String] = []
            var cursor: String?
            repeat {
                let page = try await world.get(
                    ControlPath.query(ControlPath.history, [("limit", "3"), ("cursor", cursor)]), as: HistoryAnswer.self
                )
                seen += page.rows.map(\.name)
                cursor = page.cursor
            } while cursor != nil
            #expect(seen == names.reversed())

            let begin = WallTime(milliseconds: 826_000_000_000).timestamp
            let at = { (minutes: Int64) in Timestamp(unixMilliseconds: begin.unixMilliseconds + minutes * 60_000).text }
            let part = try await world.get(
                ControlPath.query(ControlPath.history, [("since", at(2)), ("until", at(4))]), as: HistoryAnswer.self)
            #expect(part.rows.map(\.name) == [names[3], names[2], names[1]])
            for bad in [
                ("since", "yesterday"), ("limit", "0"), ("limit", "1001"), ("cursor", "zz"), ("agency", "a b"),
                ("agncy", "G22"),
            ] {
                let (code, _) = try await world.refusal {
                    _ = try await world.client.get(ControlPath.query(ControlPath.history, [(bad.0, bad.1)]))
                }
                #expect(code == 400, "\(bad)")
            }
        }
    }

    @Test func routesAreShownAndExplained() async throws {
        try await World.with { world in
            let routes = try await world.get(ControlPath.routes, as: RoutesAnswer.self)
            #expect(routes.routes == [.init(target: "*", via: ["truc"])])
            #expect(routes.agencies == 4)
            let explain = { (code: String) in
                try await world.get(ControlPath.query(ControlPath.explain, [("agency", code)]), as: ExplainAnswer.self)
            }
            let away = try await explain("000.00.00.H29")
            #expect(away.agency == "H29")
            #expect(away.home == "hcm")
            #expect(away.nextHops == ["truc"])
            #expect(away.liveHop == nil)
            #expect(away.rule == "default")
            #expect(try await explain("G22").destination == "at home on this node")
            let (code, answer) = try await world.refusal { _ = try await explain("Z99") }
            #expect(code == 404)
            #expect(answer.error.hasPrefix("no agency or node Z99"))
        }
    }

    @Test func anUnknownPathIsAnAnswer() async throws {
        try await World.with { world in
            let (code, answer) = try await world.refusal { _ = try await world.client.get("/v2/nothing") }
            #expect(code == 404)
            #expect(answer.schema == 1)
        }
    }
}
