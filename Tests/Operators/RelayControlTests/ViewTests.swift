// Every human view of an answer that is made up to be wide, in both languages: no line is wider than a terminal of 80 columns, what is typed
// and what is a reason stands there whole, and nothing English is left in Vietnamese.

import ControlAPI
import Glibc
import Language
import Testing

@testable import edocctl

private let zone: Void = {
    setenv("TZ", "Asia/Ho_Chi_Minh", 1)
    tzset()
}()

@Suite struct ViewTests {
    private let now = Timestamp(text: "2026-03-09T07:05:00Z")!
    private let name = "vpcp-1jmxp54-3@atyipybw"
    private let reason =
        "đường truyền của nhà mạng tới Hà Nội hỏng từ sáng, chờ khắc phục; xem phiếu 2026/114 của phòng kỹ thuật"

    init() { _ = zone }

    /// The view in both languages; its lines are judged.
    private func both(_ view: () -> String) -> (english: String, vietnamese: String) {
        let texts = [Language.english, .vietnamese].map { language in
            let text = Language.$spoken.withValue(language) { view() }
            for line in text.split(separator: "\n") {
                #expect(Shown.width(String(line)) <= 80, "\(language): \(line)")
                #expect(line.last != " ", "\(language): \(line)")
            }
            return text
        }
        return (texts[0], texts[1])
    }

    /// Lines put together again as they were before they were broken.
    private func joined(_ text: String) -> String { text.split { $0 == " " || $0 == "\n" }.joined(separator: " ") }

    private func time(_ text: String) -> Timestamp { Timestamp(text: text)! }

    @Test func inboxes() {
        var answer = InboxAnswer(
            now: now, agency: "H29.15",
            documents: (0..<2).map {
                .init(
                    envelope: name, number: 7, sender: "000.00.42.G22", documentID: "G22,2013/11/11,1907/TTg-KGVX",
                    urgency: 1, bytes: 3_200, arrived: time("2026-03-09T07:04:00Z"), digest: nil,
                    state: $0 == 0 ? nil : "handing")
            }, cursor: "abc")
        let wide = both { InboxView.list(answer, columns: 80) }
        #expect(wide.english.contains(name) && wide.english.contains("handing over"))
        #expect(wide.vietnamese.hasPrefix("GÓI TIN"))
        #expect(wide.vietnamese.contains("đang bàn giao") && wide.vietnamese.contains("Còn nữa: --cursor abc"))
        answer.documents.removeLast()
        answer.documents[0].sender = "G22"
        #expect(both({ InboxView.list(answer, columns: 80) }).english.contains("G22,2013/11/11,1907/TTg-KGVX"))
        answer.documents = []
        #expect(both({ InboxView.list(answer, columns: 80) }).vietnamese == "Không có văn bản nào chờ H29.15.\n")
        let taken = AcknowledgeAnswer(agency: "H29", taken: 2, alreadyTaken: 1)
        #expect(both({ InboxView.taken(taken) }).vietnamese == "đã giao 2, đã nhận trước đó 1\n")
    }

    @Test func histories() {
        func row(_ state: String, _ reason: String?) -> HistoryAnswer.Row {
            .init(
                name: name, sender: "G22", recipient: "H29.15", documentID: "", urgency: 1, bytes: 10, accepted: now,
                ended: now, state: state, peer: "hanoi", origin: nil, attempts: 1, reason: reason, answer: "")
        }
        let answer = HistoryAnswer(
            rows: [row("expired", "lifetime expired"), row("forwarded", nil)], cursor: nil, scanned: 2)
        let texts = both { HistoryView.text(answer, columns: 80) }
        #expect(
            texts.english == """
                ENDED (+07:00)       STATE      RECIPIENT  PEER   ENVELOPE
                    REASON
                2026-03-09 14:05:00  expired    H29.15     hanoi  vpcp-1jmxp54-3@atyipybw
                    lifetime expired
                2026-03-09 14:05:00  forwarded  H29.15     hanoi  vpcp-1jmxp54-3@atyipybw

                """)
        #expect(texts.vietnamese.contains("\n    hết thời hạn\n"))
        // Where nobody looks on a terminal a row is a line.
        #expect(HistoryView.text(answer).split(separator: "\n").count == 3)
        #expect(HistoryView.text(answer).contains("@atyipybw  lifetime expired\n"))
    }

    @Test func suspensions() {
        let answer = SuspensionsAnswer(
            now: now,
            suspensions: [
                .init(
                    subject: "peer hanoi", since: time("2026-03-09T07:04:59Z"), until: time("2026-03-09T09:04:59Z"),
                    uid: 0, login: "nguyen-van-a", reason: reason, job: 12),
                .init(
                    subject: "agency H26", since: now, until: nil, uid: 0, login: "root", reason: "sáp nhập", job: 9),
            ])
        let texts = both { SuspensionsView.text(answer, columns: 80) }
        #expect(joined(texts.english).contains(reason) && joined(texts.vietnamese).contains(reason))
        #expect(texts.english.contains("in 2h"))
        #expect(texts.vietnamese.contains("cơ quan H26") && texts.vietnamese.contains("2 giờ nữa"))
        #expect(Words.subject("peer x") == "peer x")
        let line = both { Words.attention("suspended: peer hanoi, agency H26") }
        #expect(line.english == "suspended: peer hanoi, agency H26")
        #expect(line.vietnamese == "đang tạm ngừng: nút kề hanoi, cơ quan H26")
    }

    /// What another node refuses, it has never had; and why this one refuses is said in one language.
    @Test func refusals() {
        let outcome = ReportedOutcome(state: "delayed", reason: "not authorised", reporter: "hcm", isRefusal: true)
        let said = { (language: Language) in Language.$spoken.withValue(language) { Words.reported(outcome) } }
        #expect(said(.english) == "reported since: delayed, hcm refuses it: not authorised")
        #expect(said(.vietnamese) == "đã được báo: chậm, hcm từ chối nhận: không có thẩm quyền", "\(said(.vietnamese))")
        let finding =
            "bundles of truc are refused (notAuthorised): 3, the last vpcp-1ck43eq-1@ajgj2n0g: may not send for G22"
        #expect(
            Language.$spoken.withValue(.vietnamese) { Words.attention(finding) }
                == "gói tin từ truc bị từ chối (không có thẩm quyền): 3, gần nhất vpcp-1ck43eq-1@ajgj2n0g: không được gửi thay G22"
        )
        let late = Language.$spoken.withValue(.vietnamese) {
            Words.attention("a document handed in here is late: hcm refuses it: not authorised")
        }
        #expect(late == "văn bản nộp tại đây bị chậm: hcm từ chối nhận: không có thẩm quyền")
    }

    @Test func operatorLogs() {
        func entry(_ verb: String, _ subject: String, _ outcome: String, _ reason: String) -> AuditAnswer.Entry {
            .init(
                order: 12_345, time: now, uid: 1_000, login: "nguyen-van-a", verb: verb, subject: subject,
                reason: reason,
                count: 1, bytes: 1, outcome: outcome, hash: "")
        }
        let answer = AuditAnswer(
            entries: [
                entry("expire", "job 3: --to H26", "begun", reason),
                entry("reload", "configuration", "done", ""),
                entry("expire", "job 4: --to H29", "done: 1 of 3, 1 skipped, 1 failed", ""),
                entry("undo", "job 5, hold: --to H29", "done: nothing was left to undo", ""),
                entry("hold", "job 6", "refused: there is no job 6; edocctl jobs lists them", ""),
                entry(
                    "reload", "configuration",
                    "refused: more than 5 % would be moved or removed; edocctl reload --force does it all the same",
                    ""), entry("suspend", "node truc", "done", ""),
            ], cursor: "9", scanned: 9)
        let texts = both { AuditView.text(answer, columns: 80) }
        #expect(joined(texts.english).contains("job 3: --to H26 · begun · reason: \(reason)"))
        #expect(joined(texts.vietnamese).contains("công việc 3: --to H26 · đã bắt đầu · lý do: \(reason)"))
        #expect(texts.vietnamese.contains("công việc 4: --to H29 · xong: 1 trên 3, bỏ qua 1, hỏng 1"))
        #expect(joined(texts.vietnamese).contains("công việc 5, hold: --to H29 · xong: không còn gì để hoàn tác"))
        #expect(joined(texts.vietnamese).contains("công việc 6 · bị từ chối: không có công việc 6"))
        #expect(texts.vietnamese.contains("       cấu hình · xong\n       ") == false)
        #expect(texts.vietnamese.contains("cấu hình · xong") && texts.vietnamese.contains("nút truc · xong"))
        #expect(texts.vietnamese.contains("quá 5 % sẽ bị chuyển"))
        let empty = AuditAnswer(entries: [], cursor: nil, scanned: 0)
        #expect(both({ AuditView.text(empty, isAll: true) }).english == "The operator log is empty.\n")
        #expect(AuditView.text(empty).hasPrefix("No such entry"))
    }

    private func job(_ count: UInt64, _ selector: String) -> Job {
        Job(
            id: 123, verb: "suspend", phase: "done", selector: selector, reason: reason, uid: 0, login: "nguyen-van-a",
            created: now, count: count, bytes: 3_200, done: count, doneBytes: 3_200, skippedBy: ["on a link": 2],
            failed: 0, undone: 0)
    }

    @Test func jobsAndPreviews() {
        let selector = "--peer hanoi --to H26 --state deferred --state waiting --older 2h --document 41/VPCP"
        let one = both { JobView.text(JobAnswer(now: now, job: job(1, selector)), columns: 80) }
        #expect(joined(one.english).contains(reason) && one.english.contains("1 recipient, 3.1 KiB"))
        #expect(one.vietnamese.contains("2 đang trên liên kết"))
        let list = both { JobsView.text(JobsAnswer(now: now, jobs: [job(2, selector)], cursor: nil), columns: 80) }
        #expect(joined(list.english).contains(selector) && joined(list.vietnamese).contains(selector))
        let preview = PreviewAnswer(
            now: now, job: job(1, ""), verb: "expire", count: 1, bytes: 10,
            lines: [
                .init(
                    name: name, number: 1_234_567, recipient: "H29.15", state: "deferred", urgency: 1,
                    bytes: 1_500_000, accepted: now)
            ], passedOver: ["held": 1], scanned: 2)
        let texts = both { PreviewView.text(preview, columns: 80) }
        #expect(texts.english.contains("would touch 1 recipient, ") && texts.english.contains("\(name)  H29.15"))
        #expect(texts.vietnamese.contains("hoãn") && texts.vietnamese.contains("1 tạm giữ"))
    }

    @Test func drains() {
        var answer = DrainAnswer(now: now, isDraining: true, left: 1_000_000)
        answer.login = "nguyen-van-a"
        answer.since = now
        answer.reason = reason
        #expect(joined(both { DrainView.text(answer, columns: 80) }.english).contains(reason))
        #expect(
            both { DrainView.text(DrainAnswer(now: now, isDraining: false, left: 1), columns: 80) }.english.contains(
                "1 recipient or report waits."))
    }

    @Test func findings() {
        let findings = [
            Finding(
                .fault, "configuration",
                "/etc/edoc/edocd.yaml: expected a readable file, found No such file or directory",
                reason),
            Finding(.fault, "peers", "hanoi: " + reason, reason),
        ]
        let texts = both { DoctorView.text(findings, columns: 80) }
        #expect(joined(texts.english).contains("→ " + reason))
        #expect(
            joined(texts.vietnamese).contains(
                "cấu hình: /etc/edoc/edocd.yaml: cần tệp đọc được, nhưng gặp: không có tệp hoặc thư mục này"))
    }

    @Test func limits() {
        func limit(_ name: String, _ setting: String, binds: Bool) -> LimitsAnswer.Limit {
            .init(
                name: name, setting: setting, unit: "bytes", value: 959 << 20, used: 48 << 10, binds: binds,
                effect: "nothing is accepted; what waits is still forwarded")
        }
        let calm = LimitsAnswer(
            now: now,
            limits: [
                limit("promised to documents coming in", "store.map_size, or the disk", binds: false),
                limit("reserve", "store.reserve_percent, store.reserve_min", binds: false),
            ])
        let texts = both { LimitsView.text(calm, columns: 80) }
        #expect(joined(texts.english).contains("store.map_size, or the disk") && !texts.english.contains("…"))
        #expect(texts.vietnamese.contains("store.map_size, hoặc đĩa"))
        let full = LimitsAnswer(
            now: now, limits: [limit("promised to documents coming in", "store.map_size, or the disk", binds: true)])
        #expect(both({ LimitsView.text(full, columns: 80) }).vietnamese.contains("CHẶN"))
    }

    @Test func reloads() {
        let lines = [
            "agencies: 1 added, 1 moved, 0 removed of 4 (25.0 % moved or removed)", "  + G22.9",
            "  > H26: home hanoi to hcm", "  > H29: via nothing to truc, hanoi",
            "aliases: 0 added, 0 moved, 0 removed of 4 (0.0 % moved or removed)",
            "routes: 0 added, 0 moved, 1 removed of 3 (33.3 % moved or removed)", "  - H26.* via truc",
            "peers: 1 added, 1 moved, 0 removed of 3 (33.3 % moved or removed)", "  + hue (dtn://hue/)",
            "  > truc: settings changed", "settings: changed", "more than 5.0 % moved or removed: needs force",
            "waiting copies routed anew: 1 of 2",
        ]
        let done = both { ReloadView.text(ReloadAnswer(isApplied: true, lines: lines), columns: 80) }
        #expect(!done.english.contains("needs force"))
        #expect(
            done.vietnamese == """
                cơ quan: thêm 1, chuyển 1, bỏ 0 trên 4 (chuyển hoặc bỏ 25.0 %)
                  + G22.9
                  > H26: nút chủ từ hanoi sang hcm
                  > H29: trước qua (trống), nay qua truc, hanoi
                tên khác: thêm 0, chuyển 0, bỏ 0 trên 4 (chuyển hoặc bỏ 0.0 %)
                tuyến: thêm 0, chuyển 0, bỏ 1 trên 3 (chuyển hoặc bỏ 33.3 %)
                  - H26.* qua truc
                nút kề: thêm 1, chuyển 1, bỏ 0 trên 3 (chuyển hoặc bỏ 33.3 %)
                  + hue (dtn://hue/)
                  > truc: thiết lập đã đổi
                thiết lập: đã đổi
                bản sao đang chờ phải tìm lại đường: 1 trên 2

                """)
        let refused = both { ReloadView.text(ReloadAnswer(isApplied: false, lines: lines), columns: 80) }
        #expect(refused.english.contains("more than 5.0 % moved or removed: needs force"))
        #expect(refused.vietnamese.contains("quá 5.0 % bị chuyển hoặc bỏ: cần --force"))
    }

    @Test func peersAndQueues() {
        var peer = PeersAnswer.Peer(node: "so-noi-vu-hcm", state: "suspended", dials: true)
        peer.since = time("2026-03-08T07:04:00Z")
        peer.transfersInFlight = 1_024
        peer.backlog = .init(count: 123_456, bytes: 1, oldestSeconds: 90_000)
        peer.stuck = .init(word: "unreachable", why: "2 dials failed: Connection refused")
        peer.lastError = "Connection refused"
        peer.sessions = [
            .init(
                address: "[2001:db8:1234:5678:9abc:def0:1234:5678]:45560", dialled: true, since: now,
                tlsVersion: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384",
                certificateExpires: time("2028-03-09T07:05:00Z"), bytesSent: 1, bytesReceived: 2,
                roundTripMicroseconds: 123_456)
        ]
        let answer = PeersAnswer(now: now, peers: [peer])
        let texts = both { PeersView.text(answer, columns: 80) }
        #expect(texts.english.contains("so-noi-vu-hcm") && texts.vietnamese.contains("so-noi-vu-hcm"))
        #expect(texts.vietnamese.contains("CHỨNG THƯ") && texts.vietnamese.contains("kết nối bị từ chối"))
        #expect(both({ PeersView.details(peer, now, columns: 80) }).vietnamese.contains("kết nối bị từ chối"))
        var line = QueueListAnswer.Line(
            number: 1_234_567, name: name, recipient: "H29.15", state: "held-expired", urgency: 3, bytes: 3_200,
            accepted: time("2026-03-09T06:05:00Z"), attempts: 12, lastAnswer: "hanoi: not acceptable")
        line.nextHops = ["so-noi-vu-hcm"]
        line.nextAttempt = time("2026-03-09T07:09:00Z")
        var page = QueueListAnswer(now: now)
        page.lines = [line]
        let queue = both {
            var table = QueueListView.table()
            QueueListView.add(page, to: &table)
            return table.text(columns: 80, yielding: QueueListView.yields)
        }
        #expect(queue.english.contains("1234567  H29.15") && queue.vietnamese.contains("1234567  H29.15"))
    }

    @Test func envelopesAndRoutes() {
        var envelope = EnvelopeAnswer.Envelope(
            name: name, number: 12, kind: "document", urgency: 3, bytes: 2_048, receivedBytes: 2_048,
            accepted: now, lifetimeSeconds: 3_600, ageSeconds: 300)
        var recipient = EnvelopeAnswer.Recipient(name: "H29", state: "arrived", attempts: 0)
        recipient.since = time("2026-03-09T07:04:42Z")
        recipient.lastAnswer = "expired by root: " + reason
        var waiting = EnvelopeAnswer.Recipient(name: "dtn://so-noi-vu-hcm/", state: "deferred", attempts: 123)
        waiting.since = now
        waiting.nextAttempt = time("2026-03-09T07:07:00Z")
        waiting.why = ["agency H26 is suspended by root for another 2h: " + reason]
        envelope.recipients = [recipient, waiting]
        let texts = both {
            EnvelopeView.text(EnvelopeAnswer(now: now, envelope: envelope, otherCopies: []), columns: 80)
        }
        #expect(
            texts.english.contains("\nH29: arrived 18s ago\n")
                && texts.vietnamese.contains("\nH29: đã đến 18 giây trước\n")
        )
        #expect(joined(texts.vietnamese).contains("root cho hết hạn: " + reason))
        #expect(joined(texts.vietnamese).contains("cơ quan H26 bị root tạm ngừng thêm 2 giờ: " + reason))
        var explanation = ExplainAnswer(asked: "H26", destination: "forwarded")
        explanation.row = "*"
        explanation.rule = "default"
        #expect(both({ RoutesView.explanation(explanation, columns: 80) }).vietnamese.contains("* (mặc định)"))
        let ledger = LedgerAnswer(
            now: now, node: "truc", documents: nil, reports: nil,
            peers: [
                .init(
                    node: "so-noi-vu-hcm", taken: 12_345_678, takenBytes: 1 << 40, forwarded: 12_345_678,
                    forwardedBytes: 1 << 40, refusals: 1, pauses: 1, linkUps: 123)
            ], refusedTransfers: ["contact": 1, "loop": 2, "noResources": 3, "digestMismatch": 4, "violation": 5],
            refusedSubmissions: [:])
        #expect(both({ LedgerView.text(ledger, columns: 80) }).vietnamese.contains("liên lạc không thành 1"))
    }

    @Test func restoredStores() {
        var answer = RestoreAnswer(phase: "held")
        answer.source = "/var/backups/edoc/edocd-so-noi-vu-hcm-20260309T070500Z.mdb"
        answer.rows = [
            .init(
                name: name, number: 1_234, recipient: "H29.15", state: "arrived",
                documentID: "G22,2013/11/11,1907/TTg-KGVX")
        ]
        let texts = both { RestoreView.text(answer, columns: 80) }
        #expect(texts.english.contains("\(name)  H29.15") && texts.vietnamese.contains("có thể nhận hai lần"))
        #expect(joined(texts.english).contains("G22,2013/11/11,1907/TTg-KGVX"))
    }

    @Test func complaints() {
        let error = ClientError.unreachable(socket: "/run/edocd/control.sock")
        let texts = both { Output.complaint(Failure(error)?.lines ?? [], columns: 80) }
        #expect(joined(texts.english).hasSuffix("or name its socket with --socket"))
        #expect(texts.vietnamese.hasPrefix("edocctl: không có dịch vụ edocd nào trả lời"))
        // As it is where nobody looks on a terminal.
        #expect(Output.complaint(["một hai"], columns: nil) == "edocctl: một hai\n")
        let inUse = FileError("The store in /x is in use by a running daemon; leave --store out and ask it.")
        let refusal = both { Output.complaint(Failure(inUse)?.lines ?? [], columns: 80) }
        #expect(refusal.vietnamese.contains("Kho ở /x đang do dịch vụ edocd"))
        let missing = FileError("cannot read", "/tmp/x", ENOENT)
        let failure = both { Output.complaint(Failure(missing)?.lines ?? [], columns: 80) }
        #expect(failure.vietnamese == "edocctl: không đọc được /tmp/x: không có tệp hoặc thư mục này\n")
    }

    @Test func tablesYield() {
        var table = TextTable([("A", .left), ("", .left), ("B", .right), ("C", .left)])
        table.add(["Hà Nội và Huế", "", "12", "một hai ba bốn năm sáu bảy tám chín mười"])
        #expect(table.text == "A               B  C\nHà Nội và Huế  12  một hai ba bốn năm sáu bảy tám chín mười\n")
        #expect(
            table.text(columns: 44, wrapping: true) == """
                A               B  C
                Hà Nội và Huế  12  một hai ba bốn năm sáu
                                   bảy tám chín mười

                """)
        #expect(
            table.text(columns: 30, yielding: [.drop(2)], wrapping: true) == """
                A               B
                    C
                Hà Nội và Huế  12
                    một hai ba bốn năm sáu bảy
                    tám chín mười

                """)
        #expect(
            table.text(columns: 24, yielding: [.drop(2), .cut(3), .cut(0, to: 8)])
                == "A              C\nHà Nội và Huế  một hai …\n")
        #expect(
            Shown.folded("  một hai ba", to: 9) == "  một hai\n    ba"
                || Shown.folded("  một hai ba", to: 9).contains("ba"))
    }

    @Test(
        arguments: [
            (0, "0s"), (59, "59s"), (60, "1m"), (3_569, "59m"), (3_570, "1h"), (7_199, "2h"), (5_399, "1h"),
            (84_600, "1d"), (172_799, "2d"),
        ] as [(UInt64, String)]) func spansAreRounded(_ seconds: UInt64, _ text: String)
    {
        #expect(Shown.nearestSpan(seconds) == text)
    }

    @Test func onlyWhatReadsAStoppedStoreOffersIt() async {
        #expect(Edocctl.helpMessage(for: StatusCommand.self).contains("--store"))
        #expect(!Edocctl.helpMessage(for: HoldCommand.self).contains("--store"))
        #expect(!Edocctl.helpMessage(for: InboxListCommand.self).contains("--store"))
        #expect(await Entry.run(["suspend"]) == .usage)
    }
}
