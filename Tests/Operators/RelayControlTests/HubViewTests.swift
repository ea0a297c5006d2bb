// HubViewTests: what a hub with a hundred neighbours shows, and a document for a hundred agencies, on a terminal of 80 columns and 24 lines,
// in both languages: sums, how many are not shown, and what is alike as one line.

import ControlAPI
import Glibc
import Language
import Testing

@testable import edocctl

private let zone: Void = {
    setenv("TZ", "Asia/Ho_Chi_Minh", 1)
    tzset()
}()

@Suite struct HubViewTests {
    private let now = Timestamp(text: "2026-03-09T07:05:00Z")!

    init() { _ = zone }

    /// The view in both languages; no line is wider than the terminal.
    private func both(_ view: () -> String) -> (english: String, vietnamese: String) {
        let texts = [Language.english, .vietnamese].map { language in
            let text = Language.$spoken.withValue(language) { view() }
            for line in text.split(separator: "\n") {
                #expect(Shown.width(String(line)) <= 80, "\(language): \(line)")
            }
            return text
        }
        return (texts[0], texts[1])
    }

    private func english(_ view: () -> String) -> String { Language.$spoken.withValue(.english) { view() } }

    private func lines(_ text: String) -> [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

    /// As it was before its lines were broken.
    private func joined(_ text: String) -> String { text.split { $0 == " " || $0 == "\n" }.joined(separator: " ") }

    private func name(_ number: Int) -> String {
        "n" + String(repeating: "0", count: number < 10 ? 1 : 0) + "\(number)"
    }

    // MARK: Neighbours

    /// n00 to n99: six are up, one of them stuck; 94 are down, the higher the number the more waits.
    private var peers: PeersAnswer {
        PeersAnswer(
            now: now,
            peers: (0..<100).map { number in
                var peer = PeersAnswer.Peer(node: name(number), state: number < 6 ? "up" : "down", dials: true)
                peer.since = Timestamp(unixMilliseconds: now.unixMilliseconds - 3_600_000)
                if number == 5 { peer.stuck = .init(word: "idle", why: "it says that it has no resources") }
                if number >= 6 {
                    peer.failures = 3
                    peer.lastError = "Connection refused"
                    peer.stuck = .init(word: "unreachable", why: "3 dials failed: Connection refused")
                    peer.backlog = .init(count: UInt64(number), bytes: 1_024, oldestSeconds: UInt64(200 - number))
                }
                return peer
            })
    }

    @Test func aHundredNeighbours() {
        let all = both { PeersView.text(peers, columns: 80) }
        let sum = "100 peers: 6 up, 94 down; 95 stuck; waiting 4935, 94 KiB, the oldest 3m"
        #expect(lines(all.english).contains { $0 == sum })
        #expect(
            joined(all.vietnamese).contains("100 nút kề: 6 thông, 94 mất; 95 kẹt; chờ 4935, 94 KiB, cũ nhất 3 phút"))
        // A row each; the reason that 94 have is told once.
        #expect(lines(all.english).count { $0.hasPrefix("n") && $0.contains("  ") } == 100)
        #expect(joined(all.english).components(separatedBy: "Connection refused").count == 2)
        #expect(joined(all.english).contains("n06, n07, n08, n09, n10, n11, n12, n13 and 86 more: 3 dials failed:"))

        var down = peers
        down.peers = peers.peers.filter(PeersView.isDown)
        #expect(down.peers.count == 95 && down.peers.first?.node == "n05")
        let only = both { PeersView.text(down, of: peers, columns: 80) }
        #expect(!only.english.contains("n00 ") && only.english.contains(sum))
        // None that is down: the sum says so.
        down.peers = []
        #expect(english { PeersView.text(down, of: peers, columns: 80) } == sum + "\n")

        // Reasons that differ are bounded on a terminal, and whole where a program reads.
        var different = peers
        for index in different.peers.indices {
            different.peers[index].stuck = .init(word: "unreachable", why: "\(index) dials failed")
        }
        let some = both { PeersView.text(different, columns: 80) }.english
        #expect(some.contains("90 more: edocctl peers NODE\n"))
        #expect(english { PeersView.text(different) }.components(separatedBy: " dials failed\n").count == 101)
    }

    @Test func whatANeighbourSaysOfItself() {
        func peer(_ greeting: PeersAnswer.Greeting?) -> PeersAnswer.Peer {
            var peer = PeersAnswer.Peer(node: "hcm", state: "up", dials: true)
            peer.since = now
            peer.sessions = [
                .init(
                    address: "10.0.0.2:4556", dialled: true, since: now, tlsVersion: "TLSv1.3", cipher: nil,
                    certificateExpires: nil, bytesSent: 0, bytesReceived: 0)
            ]
            peer.greeting = greeting
            return peer
        }
        let spoken = peer(.init(version: "0.4.0", incarnation: "2b", understands: ["former-name", "returns"]))
        let details = both { PeersView.details(spoken, now, columns: 80) }
        for line in ["edocd 0.4.0\n", " 2b\n", " former-name, returns\n"] {
            #expect(details.english.contains(line) && details.vietnamese.contains(line), "\(line)")
        }
        #expect(english { PeersView.text(.init(now: now, peers: [spoken])) }.contains("  0.4.0  "))
        let silent = both { PeersView.details(peer(nil), now, columns: 80) }
        #expect(silent.english.contains("said nothing (0.3 or another make)"))
        #expect(silent.vietnamese.contains("không nói gì (bản 0.3 hoặc phần mềm khác)"))
        #expect(english { PeersView.text(.init(now: now, peers: [peer(nil)])) }.contains("  ?  "))
        // A neighbour may say anything.
        let loud = peer(
            .init(version: "\u{1b}[31m" + String(repeating: "x", count: 60), incarnation: "1", understands: []))
        #expect(!both({ PeersView.text(.init(now: now, peers: [loud]), columns: 80) }).english.contains("\u{1b}"))
    }

    // MARK: top

    private func sample(ways: Int, inboxes: Int) -> TopSample {
        let status = StatusAnswer(
            node: "truc", version: "0.4.0", now: now, started: now, uptimeSeconds: 90_000, listening: [], batches: 1,
            attention: ["links down: 94 (n06, n07, n08, n09, n10, n11, n12, n13, n14, n15, …)"],
            memory: .init(rssAnon: 1, rssShmem: 1, rssFile: 1),
            store: .init(
                envelopes: 1, payloadBytes: 1, usedBytes: 1, freeBytes: 1, reserveBytes: 1, acceptableBytes: 1,
                fileBytes: 1), inStore: ["waiting": 4_935], links: .init(up: 6, down: 94), active: 1, stagedBytes: 0,
            corruptRecords: 0, clockDoubted: false)
        let bounds: [UInt64] = [60, 300, 900, 3_600, 14_400, 86_400, 604_800]
        func ages(_ count: UInt64) -> QueueAnswer.Ages {
            .init(count: count, bytes: 1_024, oldestSeconds: 30, buckets: [count, 0, 0, 0, 0, 0, 0, 0])
        }
        let queue = QueueAnswer(
            now: now, bucketSeconds: bounds,
            rows: (0..<ways).map {
                .init(
                    nextHops: [name($0)], total: ages(3),
                    urgencies: [.init(urgency: 3, ages: ages(1)), .init(urgency: 0, ages: ages(2))])
            },
            arrived: (0..<inboxes).map {
                .init(
                    agency: "H\($0)", name: nil, count: 2, isExact: true, oldest: now, ages: ages(2), lately: .init())
            }, arrivedCount: UInt64(2 * inboxes))
        return TopSample(
            status: status, peers: peers, queue: queue,
            ledger: .init(
                now: now, node: "truc", documents: nil, reports: nil, peers: [], refusedTransfers: [:],
                refusedSubmissions: [:]))
    }

    private func picture(_ sample: TopSample, screen: Int?, _ choice: TopChoice = TopChoice()) -> TopPicture {
        var pictures: [TopPicture] = []
        for language in [Language.english, .vietnamese] {
            let picture = Language.$spoken.withValue(language) {
                TopView.picture(sample, since: nil, columns: 80, screen: screen, choice)
            }
            for line in picture.lines { #expect(Shown.width(line) <= 80, "\(language): \(line)") }
            if let screen { #expect(picture.lines.count == screen, "\(language): \(picture.lines)") }
            pictures.append(picture)
        }
        return pictures[0]
    }

    @Test(arguments: [(0, 0), (1, 0), (100, 0), (100, 100), (0, 100)]) func topFitsItsScreen(
        _ ways: Int, _ inboxes: Int
    ) {
        let sample = sample(ways: ways, inboxes: inboxes)
        for screen in [24, 25, 40, 60, 200] {
            let picture = picture(sample, screen: screen)
            #expect(picture.lines.last?.hasPrefix("q quits  d only down") == true)
            #expect(picture.count == 100 && picture.shown >= 5)
            let rows = picture.lines.count { $0.hasPrefix("n") && ($0.contains(" up ") || $0.contains(" down ")) }
            #expect(rows == picture.shown, "\(picture.lines)")
            if picture.shown < 100 {
                let more = "\(100 - picture.shown) more (1 to \(picture.shown) of 100)"
                #expect(picture.lines.contains(more), "\(picture.lines)")
            }
            #expect(picture.lines.contains { $0.hasPrefix("100 peers: 6 up, 94 down; 95 stuck; waiting 4935") })
            if ways == 100 {
                #expect(picture.lines.contains { $0.hasSuffix(" more: edocctl queue") }, "\(screen): \(picture.lines)")
            }
        }
        // Whoever has a tall screen sees all of them.
        #expect(picture(sample, screen: 200).shown == 100)
        // Where there is no screen: six of each, what is left, and no keys.
        let plain = picture(sample, screen: nil)
        #expect(plain.shown == 6 && plain.lines.contains("94 more (1 to 6 of 100)"))
        #expect(plain.lines[0].hasSuffix("q quits") && !plain.lines.contains { $0.contains("d only down") })
        if ways == 100 { #expect(plain.lines.contains("94 more: edocctl queue")) }
    }

    /// A screen of a few lines still says that there is more.
    @Test func aTinyScreen() {
        let picture = picture(sample(ways: 100, inboxes: 100), screen: 8)
        #expect(picture.lines[6].hasSuffix(" more lines") && picture.lines[7].hasPrefix("q quits"))
    }

    @Test func keysOfTop() {
        #expect(
            TopKey.keys(Array("dw \u{1b}[6~\u{1b}[5~b\u{1b}[A\u{1b}OBjkx\u{1b}[1;5Cq".utf8)) == [
                .down, .order(.waiting), .page(1), .page(1), .page(-1), .page(-1), .move(-1), .move(1), .move(1),
                .move(-1),
                .quit,
            ])
        #expect(TopKey.keys([0x03]) == [.quit] && TopKey.keys([0x1b]).isEmpty && TopKey.keys([]).isEmpty)

        let sample = sample(ways: 0, inboxes: 0)
        func rows(_ choice: TopChoice) -> [String] {
            picture(sample, screen: 24, choice).lines.filter { $0.hasPrefix("n") }.map { String($0.prefix(3)) }
        }
        var choice = TopChoice()
        let shown = rows(choice).count
        // Stuck and fullest first.
        #expect(shown > 5 && rows(choice).prefix(2) == ["n99", "n98"])
        choice.take(.page(1), shown: shown, of: 100)
        #expect(rows(choice).first == name(99 - shown))
        choice.take(.move(-1), shown: shown, of: 100)
        #expect(rows(choice).first == name(100 - shown))
        choice.take(.order(.name), shown: shown, of: 100)
        #expect(rows(choice).prefix(2) == ["n00", "n01"])
        choice.take(.order(.oldest), shown: shown, of: 100)
        #expect(rows(choice).first == "n06")
        choice.take(.order(.name), shown: shown, of: 100)
        choice.take(.down, shown: shown, of: 100)
        #expect(rows(choice).first == "n05" && picture(sample, screen: 24, choice).count == 95)
        // Neither above the first nor below the last.
        choice.take(.page(-1), shown: shown, of: 95)
        #expect(choice.first == 0)
        for _ in 0..<100 { choice.take(.page(1), shown: shown, of: 95) }
        #expect(rows(choice).last == "n99" && rows(choice).count == shown)
    }

    // MARK: A hundred recipients

    private func envelope(_ change: (Int, inout EnvelopeAnswer.Recipient) -> Void) -> EnvelopeAnswer {
        var envelope = EnvelopeAnswer.Envelope(
            name: "vpcp-1jmxp54-3@atyipybw", number: 12, kind: "document", urgency: 3, bytes: 2_048,
            receivedBytes: 2_048,
            accepted: now, lifetimeSeconds: 3_600, ageSeconds: 300)
        envelope.sender = "G22"
        envelope.recipients = (0..<100).map { number in
            var recipient = EnvelopeAnswer.Recipient(name: "H\(number).15", state: "waiting", attempts: 1)
            recipient.since = Timestamp(unixMilliseconds: now.unixMilliseconds - 180_000)
            recipient.nextAttempt = Timestamp(unixMilliseconds: now.unixMilliseconds + 60_000)
            recipient.why = ["route: truc", "truc is down for 3m, 2 dials failed: Connection refused"]
            change(number, &recipient)
            return recipient
        }
        return EnvelopeAnswer(now: now, envelope: envelope, otherCopies: [])
    }

    @Test func aHundredAlikeFitOnAPage() {
        let texts = both { EnvelopeView.text(envelope { _, _ in }, columns: 80) }
        #expect(lines(texts.english).count <= 24 && lines(texts.vietnamese).count <= 24, "\(texts.english)")
        #expect(texts.english.contains("\n100 recipients: waiting for 3m, attempts 1, next 2026-03-09 14:06:00 +07:00"))
        #expect(texts.vietnamese.contains("\n100 nơi nhận: chờ gửi"))
        #expect(texts.english.contains("\n    H0.15, H1.15, ") && joined(texts.english).contains(" and 76 more "))
        #expect(texts.english.components(separatedBy: "truc is down for 3m").count == 2)
        // Each by itself when it is asked for.
        let each = both { EnvelopeView.text(envelope { _, _ in }, columns: 80, isAll: true) }.english
        #expect(lines(each).count { $0.contains(".15: waiting for 3m") } == 100)
    }

    @Test func whatDiffersHasItsOwnLine() {
        let text = both {
            EnvelopeView.text(
                envelope { number, recipient in
                    recipient.since = Timestamp(unixMilliseconds: now.unixMilliseconds - Int64(60_000 * (1 + number)))
                    if number == 7 { recipient.state = "held"; recipient.why = ["held by an operator"] }
                    if number % 2 == 0 { recipient.state = "forwarded"; recipient.why = ["hcm has taken it"] }
                }, columns: 80)
        }.english
        #expect(text.contains("\n50 recipients: forwarded 1m to 1h ago"), "\(text)")
        #expect(text.contains("\n49 recipients: waiting for 2m to 1h"), "\(text)")
        #expect(text.contains("\nH7.15: held for 8m"), "\(text)")
        // What has been sent on has not ended.
        var sent = envelope { _, recipient in recipient.state = "forwarded" }
        sent.envelope.ended = now
        let told = both { EnvelopeView.text(sent, columns: 80) }
        #expect(told.english.contains("\nleft here: ") && !told.english.contains("ended"))
        #expect(told.vietnamese.contains("\nrời nút này: "))
        sent.envelope.recipients = sent.envelope.recipients.map {
            var recipient = $0
            recipient.state = "delivered"
            return recipient
        }
        #expect(english { EnvelopeView.text(sent) }.contains("\nended: "))
    }

    /// A hundred different reasons are not a hundred lines.
    @Test func tooManyDifferentOnes() {
        let answer = envelope { number, recipient in recipient.why = ["route: n\(number)"] }
        let text = both { EnvelopeView.text(answer, columns: 80) }.english
        #expect(lines(text).count <= 24 && text.contains("\n100 recipients: waiting for 3m"), "\(text)")
        #expect(text.contains("    for different reasons: --all tells each\n") && !text.contains("route: n1"))
        #expect(english { EnvelopeView.text(answer, isAll: true) }.contains("H99.15: waiting"))
        // Three are told one by one, alike or not.
        var few = envelope { _, _ in }
        few.envelope.recipients.removeLast(97)
        #expect(english { EnvelopeView.text(few) }.components(separatedBy: ": waiting for 3m").count == 4)
    }

    @Test func tracesOfAHundred() {
        var answer = TraceAnswer(
            now: now, name: "vpcp-1jmxp54-3@atyipybw", node: "vpcp", isSubmitter: true, sender: "G22", documentID: nil,
            submitted: now, recipients: [])
        answer.recipients = (0..<100).map { number in
            var recipient = TraceAnswer.Recipient(
                name: "H\(number)", home: "hcm", state: number < 98 ? "delivered" : "delayed")
            recipient.since = Timestamp(unixMilliseconds: now.unixMilliseconds + Int64(number) * 1_000)
            recipient.isFinal = number < 98
            recipient.stops = [
                Stop(node: "vpcp", time: now),
                Stop(node: "hcm", time: Timestamp(unixMilliseconds: now.unixMilliseconds + Int64(number) * 900)),
            ]
            if number >= 98 { recipient.delays = [.init(node: "hanoi", time: recipient.since!, reason: "no route")] }
            return recipient
        }
        let texts = both { TraceView.text(answer, columns: 80) }
        #expect(lines(texts.english).count <= 24, "\(texts.english)")
        #expect(
            texts.english.contains(
                "\n98 recipients: delivered 2026-03-09 14:05:00 +07:00 to 2026-03-09 14:06:37\n    +07:00\n"),
            "\(texts.english)")
        #expect(
            texts.english.contains("    by way of vpcp, hcm\n") && texts.english.contains("\n2 recipients: delayed "))
        #expect(
            texts.vietnamese.contains("\n98 nơi nhận: đã giao ") && texts.vietnamese.contains("    qua vpcp, hcm\n"))
        let each = english { TraceView.text(answer, columns: 80, isAll: true) }
        #expect(lines(each).count { $0.contains(": delivered ") } == 98)
    }

    // MARK: Reports, and checks

    @Test func reportsAreMarked() {
        var line = QueueListAnswer.Line(
            number: 7, name: "truc-1-1@a", recipient: "dtn://vpcp/", state: "waiting", urgency: 0, bytes: 10,
            accepted: now, attempts: 0, lastAnswer: "")
        func list(_ kind: String) -> (english: String, vietnamese: String) {
            line.kind = kind
            var page = QueueListAnswer(now: now)
            page.lines = [line]
            return both {
                var table = QueueListView.table()
                QueueListView.add(page, to: &table)
                return table.text(columns: 80, yielding: QueueListView.yields)
            }
        }
        #expect(list("administrative").english.contains("dtn://vpcp/  report  waiting"))
        #expect(list("administrative").vietnamese.contains("dtn://vpcp/  báo cáo  chờ gửi"))
        #expect(list("document").english.contains("dtn://vpcp/  waiting"))
        func envelopes(_ kind: String) -> String {
            both {
                EnvelopesView.text(
                    .init(
                        now: now,
                        envelopes: [
                            .init(
                                name: "truc-1-1@a", number: 7, kind: kind, urgency: 0, sender: nil, documentID: nil,
                                bytes: 10, accepted: now, origin: nil, states: ["waiting": 1])
                        ], cursor: nil, scanned: 1), columns: 80)
            }.english
        }
        #expect(envelopes("administrative").contains("  report  1 waiting\n"))
        #expect(envelopes("foreign").contains("  foreign  1 waiting\n"))
        #expect(!envelopes("document").contains("report") && envelopes("document").contains("0s  1 waiting\n"))
    }

    /// Many links are one line of a check: three by name, and how many more.
    /// The bound of the warning is met first, or it would never warn.
    @Test func boundsTheOtherWayRoundAreRefused() throws {
        #expect(try Spans.two("10m,1h", "--link-down").crit == 3_600)
        #expect(try Spans.two("30d,7d", "--certificate", .falling).warn == 30 * 86_400)
        #expect(try Spans.percents("20,10", "--room", .falling).crit == 10)
        #expect(try Spans.percents("10,10", "--links-share", .rising).crit == 10)
        let wrong: [() throws -> Void] = [
            { _ = try Spans.two("1h,10m", "--link-down") }, { _ = try Spans.two("7d,30d", "--certificate", .falling) },
            { _ = try Spans.percents("10,20", "--room", .falling) }, { _ = try Spans.counts("1000,100", "--x") },
            { _ = try Spans.percents("25,10", "--links-share", .rising) },
        ]
        for parse in wrong { #expect(throws: UsageError.self) { try parse() } }
    }

    @Test func manyLinksInACheck() throws {
        let ladder = CheckLadder(
            chosen: ["links"], warn: try AgeLimits("1h", "--warn"), crit: try AgeLimits("1d", "--crit"),
            warnArrived: 14_400, linkDown: (600, 3_600), room: (20, 10), certificate: (2_592_000, 604_800),
            linkLimits: try .standard)
        var facts = CheckFacts(
            health: HealthAnswer(
                now: now, node: "truc", version: "1", engineMilliseconds: 1, mailbox: 0,
                disk: .init(freeBytes: 1, bytes: 2, mapBytes: 2),
                certificates: .init(own: nil, authorities: nil, revocationLists: nil, peers: [:]), oldestSeconds: [:],
                configurationPath: ""))
        facts.peers = peers
        facts.findings = FindingsAnswer(
            now: now, node: "truc",
            findings: (6..<100).map {
                FindingLine(
                    code: "linkDown", check: "links", grade: $0 == 50 ? "critical" : "warning", subject: name($0),
                    since: nil, text: "\(name($0)) down for 1h")
            })
        let results = Language.$spoken.withValue(.english) { ladder.judge(facts) }
        #expect(results.count == 1 && results[0].grade == .critical)
        #expect(
            results[0].sentence
                == "94 of 100 links: n50 down for 1h; n06 down for 1h; n07 down for 1h; 91 more: edocctl peers --down")
        #expect(results[0].figures == ["links_up=6", "links_down=94", "link_waiting=99;100;1000;0"])
        // One leaf of a hundred that nobody misses.
        facts.findings?.findings = [
            FindingLine(
                code: "linkDown", check: "links", grade: "note", subject: "n06", since: nil, text: "n06 down for 3d")
        ]
        #expect(Language.$spoken.withValue(.english) { ladder.judge(facts) }.map(\.grade) == [.ok])
        #expect(throws: UsageError.self) { try LinkLimits(share: "10", waiting: "1,2", warn: "1h", crit: "2h") }
        #expect(throws: UsageError.self) { try LinkLimits(share: "10,20", waiting: "a,2", warn: "1h", crit: "2h") }
    }
}
