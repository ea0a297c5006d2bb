// Lists by selector, limits, stuck peers, the live picture: what operators see, asked through the real client from a real engine.

import ControlAPI
import Glibc
import NIOCore
import RelayCore
import RelayModel
import Testing

@testable import RelayControl
@testable import edocctl

@Suite struct SeeingTests {
    private func list(_ world: World, _ items: [(name: String, value: String?)]) async throws -> QueueListAnswer {
        try await world.get(ControlPath.query(ControlPath.queueList, items), as: QueueListAnswer.self)
    }

    /// All pages; at most so many lines a page.
    private func pages(
        _ world: World, _ items: [(name: String, value: String?)], limit: Int,
        between: (Int) async throws -> Void = { _ in }
    ) async throws -> [QueueListAnswer.Line] {
        var lines: [QueueListAnswer.Line] = []
        var cursor: String?
        var page = 0
        repeat {
            let answer = try await list(world, items + [("limit", String(limit)), ("cursor", cursor)])
            lines += answer.lines
            cursor = answer.cursor
            page += 1
            try await between(page)
        } while cursor != nil
        return lines
    }

    @Test func everyConditionFindsWhatItMeans() async throws {
        try await World.with { world in
            for index in 0..<6 {
                let flags: [(name: String, value: String?)] = [
                    ("sender", index < 4 ? "G22" : "G22.1"), ("to", index % 2 == 0 ? "H29" : "H26"),
                    ("urgency", String(index % 3)), ("document", "\(index)/VB"),
                ]
                _ = try await world.submit(flags, Array(repeating: 1, count: 100 * (index + 1)))
            }
            _ = try await world.submit([("sender", "G22"), ("to", "G22.1")], [1])
            func count(_ items: (name: String, value: String?)...) async throws -> Int {
                try await pages(world, items, limit: 2).count
            }
            #expect(try await count() == 7)
            #expect(try await count(("peer", "truc")) == 6)
            #expect(try await count(("to", "H29")) == 3)
            #expect(try await count(("to", "000.00.00.H29")) == 3)
            #expect(try await count(("from", "G22.1")) == 2)
            #expect(try await count(("from", "G22.*"), ("state", "waiting")) == 6)
            #expect(try await count(("urgency", "1+")) == 4)
            #expect(try await count(("state", "arrived")) == 1)
            #expect(try await count(("larger", "400")) == 3)
            #expect(try await count(("smaller", "100B"), ("to", "H29")) == 1)
            #expect(try await count(("document", "3/VB")) == 1)
            #expect(try await count(("newer", "1h")) == 7)
            world.node.advance(.hours(2))
            #expect(try await count(("older", "2h")) == 7)
            #expect(try await count(("newer", "1h")) == 0)
            let one = try await list(world, [("document", "3/VB")])
            #expect(one.lines.first?.recipient == "H26")
            #expect(one.lines.first?.state == "waiting")
            #expect(one.lines.first?.nextHops == ["truc"])
            let all = try await list(world, [("limit", "2")])
            // The newest are looked at in the queue and for what stands in none.
            #expect(all.total == 14)
            #expect(all.scanned == 2)
            for (name, value) in [
                ("state", "lost"), ("urgency", "9"), ("older", "soon"), ("cursor", "x"), ("peers", "truc"),
            ] {
                let (code, answer) = try await world.refusal { _ = try await list(world, [(name, value)]) }
                #expect(code == 400, "\(name): \(answer.error)")
            }
        }
    }

    /// Between the pages others come and some leave; what stays comes once.
    @Test func whatStaysIsNeitherRepeatedNorMissed() async throws {
        try await World.with { world in
            var names: [String] = []
            for _ in 0..<40 {
                names.append(try await world.submit([("sender", "G22"), ("to", "G22.1")], [1]).envelope)
            }
            let leaving = Set(names.enumerated().filter { $0.offset % 5 == 4 }.map(\.element))
            let seen = try await pages(world, [("state", "arrived")], limit: 7) { page in
                guard page == 2 else { return }
                let body = try ControlJSON.bytes(AcknowledgeRequest(envelopes: leaving.sorted()))
                _ = try await world.client.post(ControlPath.acknowledge("G22.1"), json: body)
                for _ in 0..<3 { _ = try await world.submit([("sender", "G22"), ("to", "G22.1")], [1]) }
            }.map(\.name)
            #expect(Set(seen).count == seen.count)
            #expect(Set(names).subtracting(leaving).isSubset(of: seen))
        }
    }

    @Test func whatIsOnALinkIsActive() async throws {
        try await World.with { world in
            for _ in 0..<3 { _ = try await world.submit([("sender", "G22"), ("to", "H29")], [1]) }
            let facts = SessionFacts(peer: NodeID(name: "truc")!, transferMRU: 1 << 30, isDialled: true)
            await world.node.run([.event(.sessionEstablished(session: Ticket(900), facts))])
            #expect(
                try await pages(world, [("state", "active")], limit: 2).map(\.state) == ["active", "active", "active"])
            #expect(try await pages(world, [("state", "waiting")], limit: 2).isEmpty)
            #expect(try await pages(world, [("state", "waiting"), ("state", "active")], limit: 2).count == 3)
            #expect(try await pages(world, [], limit: 10).map(\.state) == ["active", "active", "active"])
        }
    }

    @Test func thePictureNamesAgenciesAndTrends() async throws {
        try await World.with { world in
            for _ in 0..<3 { _ = try await world.submit([("sender", "G22"), ("to", "G22.1"), ("to", "H29")], [1]) }
            let queue = try await world.get(ControlPath.queue, as: QueueAnswer.self)
            #expect(queue.rows.first?.lately == .init(came: 3, left: 0))
            #expect(queue.rows.first?.lately.trend == "growing")
            let inbox = try #require(queue.arrived.first)
            #expect(inbox.agency == "G22.1")
            #expect(inbox.name == "Cục Hành chính")
            #expect(inbox.count == 3)
            #expect(inbox.ages.buckets.reduce(0, +) == 3)
            #expect(inbox.lately.came == 3)
        }
    }

    @Test func limitsSayHowCloseAndWhatBinds() async throws {
        try await World.with { world in
            for _ in 0..<3 { _ = try await world.submit([("sender", "G22"), ("to", "H29")], [1]) }
            let answer = try await world.get(ControlPath.limits, as: LimitsAnswer.self)
            // The fake node's bound is reached.
            #expect(answer.limits.first?.name == "sessions that others opened")
            #expect(answer.limits.first?.binds == true)
            #expect(answer.limits.count { $0.binds } == 1)
            let active = try #require(answer.limits.first { $0.setting == "limits.active_max" })
            #expect(active.used == 0)
            #expect(!active.binds)
            let text = LimitsView.text(answer, columns: 80)
            #expect(text.contains("Binds now: sessions that others opened: closed"))
            #expect(text.split(separator: "\n").allSatisfy { Shown.width(String($0)) <= 80 }, "\(text)")
        }
    }

    @Test func aHopSaysWhyItIsTakenOrNot() async throws {
        try await World.with { world in
            let explain = { (code: String) in
                try await world.get(ControlPath.query(ControlPath.explain, [("agency", code)]), as: ExplainAnswer.self)
            }
            #expect(try await explain("000.00.00.H29").hops.map(\.isTaken) == [false])
            let facts = SessionFacts(peer: NodeID(name: "truc")!, transferMRU: 1 << 30, isDialled: true)
            await world.node.run([.event(.sessionEstablished(session: Ticket(900), facts))])
            let live = try await explain("000.00.00.H29")
            #expect(live.hops.map(\.node) == ["truc"])
            #expect(live.hops.map(\.isTaken) == [true])
            #expect(live.hops.map(\.why) == ["truc is up"])
            let text = RoutesView.explanation(live)
            #expect(text.contains("(000.00.00.H29 is its alias)"))
            #expect(text.contains("→ truc:"))
            #expect(try await explain("hcm").row == "*")
        }
    }

    @Test func attemptsAndTheirAnswersAreKept() async throws {
        try await World.with { world in
            let submitted = try await world.submit([("sender", "G22"), ("to", "H29")], [1])
            let session = Ticket(900)
            let facts = SessionFacts(peer: NodeID(name: "truc")!, transferMRU: 1 << 30, isDialled: true)
            await world.node.run([.event(.sessionEstablished(session: session, facts))])
            for round in 1...10 {
                let dispatch = try #require(await world.node.dispatches.last)
                await world.node.run([
                    .event(.transferAnswered(session: session, dispatch: dispatch.ticket, .refused(.retransmit)))
                ])
                let answer = try await world.get(ControlPath.envelope(submitted.envelope), as: EnvelopeAnswer.self)
                #expect(answer.envelope.answers.count == min(round, 8))
                #expect(answer.envelope.answers.last?.peer == "truc")
                #expect(answer.envelope.recipients.first?.state == "deferred")
                #expect(answer.envelope.recipients.first?.nextAttempt != nil)
                world.node.advance(.hours(1))
                await world.node.run([])
            }
            let text = EnvelopeView.text(
                try await world.get(ControlPath.envelope(submitted.envelope), as: EnvelopeAnswer.self), columns: 80)
            #expect(text.contains("answers:"))
            #expect(text.contains("asked to retransmit"))
        }
    }

    @Test func whoIsStuckAndWhy() {
        let now = Timestamp(unixMilliseconds: 1_000_000)
        func peer(_ state: String, dials: Bool = true, _ change: (inout PeersAnswer.Peer) -> Void = { _ in })
            -> PeersAnswer.Peer
        {
            var peer = PeersAnswer.Peer(node: "truc", state: state, dials: dials)
            change(&peer)
            return peer
        }
        func session(_ inFlight: Int, silent: UInt64) -> PeersAnswer.Session {
            .init(
                address: "a", dialled: true, since: now, tlsVersion: nil, cipher: nil, certificateExpires: nil,
                bytesSent: 0, bytesReceived: 0, inFlight: inFlight, silentSeconds: silent)
        }
        func word(_ peer: PeersAnswer.Peer) -> String? { StuckJudge.judge(peer, now: now)?.word }
        #expect(word(peer("up")) == nil)
        #expect(word(peer("up") { $0.sessions = [session(3, silent: 10)] }) == nil)
        #expect(word(peer("up") { $0.sessions = [session(3, silent: 11)] }) == "silent")
        #expect(word(peer("up") { $0.sessions = [session(0, silent: 99)] }) == nil)
        #expect(word(peer("up") { $0.backlog = .init(count: 5, bytes: 5, oldestSeconds: 61) }) == "idle")
        #expect(word(peer("up") { $0.backlog = .init(count: 5, bytes: 5, oldestSeconds: 59) }) == nil)
        #expect(word(peer("paused")) == "paused")
        // No room for large ones, and one of them waits.
        func full(_ waiting: UInt64) -> PeersAnswer.Peer {
            peer("up") {
                $0.pausedFromBytes = 2_000_000
                $0.backlog = .init(count: waiting, bytes: 2_000_000, oldestSeconds: 5)
            }
        }
        #expect(word(full(1)) == "paused" && word(full(0)) == nil)
        #expect(word(peer("suspended")) == "suspended")
        #expect(word(peer("down")) == nil)
        #expect(word(peer("down") { $0.failures = 2 }) == "unreachable")
        #expect(word(peer("down", dials: false)) == nil)
        #expect(word(peer("down", dials: false) { $0.backlog.count = 1 }) == "absent")
    }

    /// One that asks for much and reads nothing is dropped; others are served meanwhile.
    @Test func aClientThatStopsReadingIsDropped() async throws {
        try await World.with(patience: .milliseconds(200)) { world in
            // A megabyte in the inbox is more than the socket takes.
            let large = try await world.submit(
                [("sender", "G22"), ("to", "G22.1")], [UInt8](repeating: 7, count: 4 << 20))
            let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            defer { close(descriptor) }
            #expect(Self.connect(descriptor, to: world.socket))
            let request = "GET \(ControlPath.document("G22.1", large.envelope)) HTTP/1.1\r\nHost: x\r\n\r\n"
            let sent = Array(request.utf8).withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, 0) }
            #expect(sent == request.utf8.count)
            for _ in 0..<2_000 where !world.log.all.contains(where: { $0.contains("was dropped") }) {
                _ = try await world.client.get(ControlPath.status)
            }
            #expect(world.log.all.contains { $0.contains("a client that does not read its answer was dropped") })
            // What had been sent is there, and then the end: not the whole.
            var total = 0
            var portion = [UInt8](repeating: 0, count: 1 << 20)
            while case let count = recv(descriptor, &portion, portion.count, 0), count > 0 { total += count }
            #expect(total < 4 << 20)
        }
    }

    private static func connect(_ descriptor: Int32, to path: String) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8).prefix($0.count - 1)) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(descriptor, $0, length) }
        } == 0
    }

    @Test func theLivePictureFitsAScreen() async throws {
        try await World.with { world in
            for index in 0..<4 {
                _ = try await world.submit(
                    [("sender", "G22"), ("to", "H29"), ("to", "G22.1"), ("urgency", String(index))], [1, 2, 3])
            }
            let common = try CommonOptions.parse(["--socket", world.socket])
            let first = try await TopSample.take(world.client, common)
            _ = try await world.submit([("sender", "G22"), ("to", "H29")], [1])
            world.node.advance(.seconds(1))
            let second = try await TopSample.take(world.client, common)
            let lines = TopView.picture(second, since: first, columns: 80).lines
            #expect(lines.count <= 24, "\(lines)")
            #expect(lines.allSatisfy { Shown.width($0) <= 80 }, "\(lines)")
            #expect(lines[0].hasPrefix("vpcp  edocd 0.1.0  up "))
            #expect(lines[0].hasSuffix("q quits"))
            #expect(lines.contains { $0.hasPrefix("in:") && $0.contains(" 1/s submitted") }, "\(lines)")
            #expect(lines.contains { $0.hasPrefix("G22.1 Cục") }, "\(lines)")
        }
    }
}
