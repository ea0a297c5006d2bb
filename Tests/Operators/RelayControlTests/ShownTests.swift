// What a person sees, to the letter: widths, sizes, times, tables.

import ControlAPI
import Glibc
import Testing

@testable import edocctl

private let zone: Void = {
    setenv("TZ", "Asia/Ho_Chi_Minh", 1)
    tzset()
}()

@Suite struct ShownTests {
    private let now = Timestamp(text: "2026-03-09T07:05:00Z")!

    init() { _ = zone }

    @Test func vietnameseHasOneWidth() {
        let composed = "Hỏa tốc: Ủy ban nhân dân"
        let decomposed = "Ho\u{309}a to\u{302}\u{301}c: U\u{309}y ban nha\u{302}n da\u{302}n"
        #expect(composed == decomposed)
        #expect(Shown.width(composed) == 24)
        #expect(Shown.width(decomposed) == 24)
        #expect(Shown.width("漢字") == 4)
        var table = TextTable([("A", .left), ("B", .right)])
        table.add(["Hà Nội", "1"])
        table.add(["Ha\u{300} No\u{323}\u{302}i", "22"])
        #expect(table.text == "A        B\nHà Nội   1\nHà Nội  22\n")
    }

    @Test func nothingSteersTheTerminal() {
        #expect(Shown.text("a\u{1b}[31mb\r\n\u{9b}\u{202e}c\u{7f}") == #"a\u{1b}[31mb\u{d}\u{a}\u{9b}\u{202e}c\u{7f}"#)
        #expect(Shown.text("Hỏa tốc") == "Hỏa tốc")
        #expect(
            Shown.json("{\"a\":\"\u{9b}\u{202e}\u{e0001}\u{7f}\"}\n") == #"{"a":"\u009b\u202e\udb40\udc01\u007f"}"#
                + "\n")
        var table = TextTable([("A", .left)])
        table.add(["x\u{1b}]0;t\u{7}"])
        #expect(table.text == "A\n" + #"x\u{1b}]0;t\u{7}"# + "\n")
    }

    @Test(
        arguments: [
            (0, "0 B"), (1_023, "1023 B"), (1_024, "1 KiB"), (1_536, "1.5 KiB"), (10_240, "10 KiB"),
            (1_048_575, "1023 KiB"),
            (64 << 20, "64 MiB"), (1 << 40, "1 TiB"), (.max, "15 EiB"),
        ] as [(UInt64, String)]) func sizes(_ bytes: UInt64, _ text: String)
    {
        #expect(Shown.size(bytes) == text)
    }

    @Test(
        arguments: [
            (0, "0s"), (59, "59s"), (60, "1m"), (3_599, "59m"), (3_600, "1h"), (86_399, "23h"), (86_400, "1d"),
            (2_592_000, "30d"),
        ] as [(UInt64, String)]) func spans(_ seconds: UInt64, _ text: String)
    {
        #expect(Shown.span(seconds) == text)
    }

    @Test func timesAreLocalWithTheirZone() {
        #expect(Shown.time(now) == "2026-03-09 14:05:00 +07:00")
        #expect(Shown.distance(Timestamp(text: "2026-03-09T07:07:00Z")!, from: now) == "in 2m")
        #expect(Shown.distance(Timestamp(text: "2026-03-09T05:00:00Z")!, from: now) == "2h ago")
    }

    @Test func timestampsAreRead() {
        #expect(Timestamp(text: "2026-03-09T14:05:00+07:00") == now)
        #expect(Timestamp(text: "2026-03-09T07:05") == nil)
        #expect(Timestamp(text: "2026-03-09T07:05Z") == now)
        #expect(Timestamp(text: "2024-02-29")?.text == "2024-02-29T00:00:00.000Z")
        for bad in [
            "2023-02-29", "2026-13-01", "2026-00-10", "26-01-01", "2026-03-09T24:00Z", "2026-03-09T07:05:00.1Z", "x",
            "",
        ] {
            #expect(Timestamp(text: bad) == nil, "\(bad)")
        }
        // Every day of four centuries and its text, forth and back.
        for day in stride(from: Int64(0), through: 146_097, by: 1) {
            let time = Timestamp(unixMilliseconds: day * 86_400_000 + 12_345)
            #expect(Timestamp(text: time.text) == time)
        }
        #expect(Timestamp(clamping: .max).text == "9999-12-31T23:59:59.999Z")
    }

    @Test func pathsAreEncoded() {
        let name = "dtn://hà-nội/@1.2 ü%"
        #expect(ControlPath.decoded(ControlPath.encoded(name)) == name)
        #expect(ControlPath.encoded("vpcp-7k-1@a2") == "vpcp-7k-1%40a2")
        for bad in ["%", "%4", "%zz", "%ff"] { #expect(ControlPath.decoded(bad) == nil) }
    }

    @Test func theQueueFitsEightyColumns() {
        let ages = QueueAnswer.Ages(
            count: 1_200, bytes: 3 << 30, oldestSeconds: 7_300, buckets: [0, 1_000, 100, 50, 50, 0, 0, 0])
        let urgent = QueueAnswer.Ages(count: 2, bytes: 2_048, oldestSeconds: 90, buckets: [0, 2, 0, 0, 0, 0, 0, 0])
        let answer = QueueAnswer(
            now: now, bucketSeconds: [60, 300, 900, 3_600, 14_400, 86_400, 604_800],
            rows: [
                .init(
                    nextHops: ["truc", "hn2"], total: ages,
                    urgencies: [.init(urgency: 3, ages: urgent), .init(urgency: 0, ages: ages)],
                    lately: .init(came: 12_000, left: 0)),
                .init(nextHops: [], total: urgent, urgencies: [.init(urgency: 0, ages: urgent)]),
            ],
            arrived: [
                .init(
                    agency: "H29.15", name: "Sở Nội vụ Thành phố Hồ Chí Minh và các đơn vị", count: 1_000,
                    isExact: true,
                    oldest: Timestamp(text: "2026-03-09T06:05:00Z"), ages: ages, lately: .init(came: 3, left: 33))
            ],
            arrivedCount: 5_000)
        let text = QueueView.text(answer, columns: 80)
        #expect(
            text == """
                NEXT HOP         TOTAL  ±5MIN  SIZE  OLDEST    5m  15m  1h  4h  1d  7d  >7d
                truc, hn2         1200   +12k    3G      2h  1000  100  50  50   .   .    .
                  3 Hỏa tốc          2           2K      1m     2    .   .   .   .   .    .
                  0 Thường        1200           3G      2h  1000  100  50  50   .   .    .
                (here, checked)      2      =    2K      1m     2    .   .   .   .   .    .
                2 ways: waiting 1202, 3 GiB, the oldest 2h

                INBOX                 TOTAL  ±5MIN  SIZE  OLDEST    5m  15m  1h  4h  1d  7d  >7d
                H29.15 Sở Nội vụ Th…   1000    -30    3G      2h  1000  100  50  50   .   .    .
                4000 more in inboxes arrived before this version of the daemon, which counts
                  them by agency.

                """)
        #expect(text.split(separator: "\n").allSatisfy { Shown.width(String($0)) <= 80 })
        // The sign, and the widest that a figure can be.
        #expect(Shown.count(9_999) == "9999")
        #expect(Shown.count(12_345) == "12k")
        #expect(Shown.count(1_234_567) == "1.2M")
        #expect(Shown.shortSize(1_536) == "1.5K")
        #expect(Shown.cut("Hà Nội", to: 5) == "Hà N…")
        #expect(Shown.broken("một hai ba", to: 7) == ["một hai", "ba"])
    }

    @Test func aTraceIsReadable() {
        var known = TraceAnswer.Recipient(name: "H29", home: "hcm", state: "delivered")
        known.since = now
        known.stops = [
            Stop(node: "vpcp", time: Timestamp(text: "2026-03-09T07:00:00Z")!),
            Stop(node: "hcm", time: Timestamp(text: "2026-03-09T07:00:03Z")!),
        ]
        var unknown = TraceAnswer.Recipient(name: "H26", home: "hanoi", state: "forwarded")
        unknown.unknown = "taken by truc; no report has come since"
        let answer = TraceAnswer(
            now: now, name: "vpcp-7k-1@a2", node: "vpcp", isSubmitter: true, sender: "G22", documentID: "41/VPCP",
            submitted: Timestamp(text: "2026-03-09T07:00:00Z"), recipients: [known, unknown])
        #expect(
            TraceView.text(answer) == """
                envelope:  vpcp-7k-1@a2
                sender:    G22
                document:  41/VPCP
                submitted: 2026-03-09 14:00:00 +07:00
                H29: delivered 2026-03-09 14:05:00 +07:00
                    vpcp  2026-03-09 14:00:00 +07:00
                    hcm   2026-03-09 14:00:03 +07:00  +3s
                H26: forwarded
                  ?  taken by truc; no report has come since

                """)
    }

    @Test func anEnvelopeSaysItsWait() {
        var envelope = EnvelopeAnswer.Envelope(
            name: "vpcp-7k-1@a2", number: 12, kind: "document", urgency: 3, bytes: 2_048, receivedBytes: 2_048,
            accepted: Timestamp(text: "2026-03-09T07:00:00Z")!, lifetimeSeconds: 3_600, ageSeconds: 300)
        envelope.expires = Timestamp(text: "2026-03-09T08:00:00Z")
        envelope.path = [Stop(node: "vpcp", time: Timestamp(text: "2026-03-09T07:00:00Z")!)]
        var recipient = EnvelopeAnswer.Recipient(name: "H29", state: "deferred", attempts: 2)
        recipient.since = Timestamp(text: "2026-03-09T07:04:00Z")
        recipient.nextAttempt = Timestamp(text: "2026-03-09T07:07:00Z")
        recipient.why = ["route: truc", "truc is down for 1m, 3 dials failed"]
        envelope.recipients = [recipient]
        #expect(
            EnvelopeView.text(EnvelopeAnswer(now: now, envelope: envelope, otherCopies: [])) == """
                envelope: vpcp-7k-1@a2
                number:   12
                kind:     document, urgency 3 (Hỏa tốc)
                size:     2 KiB
                accepted: 2026-03-09 14:00:00 +07:00, handed in here
                expires:  2026-03-09 15:00:00 +07:00 (in 55m)
                custody so far:
                    vpcp  2026-03-09 14:00:00 +07:00
                H29: deferred for 1m, attempts 2, next 2026-03-09 14:07:00 +07:00 (in 2m)
                    route: truc
                    truc is down for 1m, 3 dials failed

                """)
    }

    @Test func booksThatDoNotBalanceSaySo() {
        let good = LedgerAnswer.Book(submitted: 3, taken: 1, ended: ["delivered": 1], inStore: ["waiting": 3])
        let bad = LedgerAnswer.Book(submitted: 3, taken: 1, ended: ["delivered": 1], inStore: ["waiting": 2])
        #expect(good.balances)
        #expect(!bad.balances)
        let answer = LedgerAnswer(
            now: now, node: "vpcp", documents: bad, reports: nil, peers: [], refusedTransfers: ["loop": 2],
            refusedSubmissions: [:])
        #expect(
            LedgerView.text(answer) == """
                documents: accepted 4 = submitted 3 + taken 1
                ended:     delivered 1 + forwarded 0 + refused 0 + expired 0 + deleted 0
                in store:  waiting 2 + deferred 0 + held 0 + arrived 0 + corrupt 0
                balance:   accepted 4 ≠ accounted for 3: DOES NOT BALANCE

                refused transfers: loop 2

                """)
    }
}
