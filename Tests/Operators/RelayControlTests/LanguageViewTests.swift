// What the views make of the daemon's sentences and spans in both languages.

import ControlAPI
import EdXML
import Language
import RelayModel
import Testing

@testable import edocctl

@Suite struct LanguageViewTests {
    private let now = Timestamp(unixMilliseconds: 1_772_000_000_000)

    private func both<Value>(_ view: () throws -> Value) rethrows -> (english: Value, vietnamese: Value) {
        (
            try Language.$spoken.withValue(.english) { try view() },
            try Language.$spoken.withValue(.vietnamese) { try view() }
        )
    }

    private func ladder(_ check: String) throws -> CheckLadder {
        CheckLadder(
            chosen: [check], warn: try AgeLimits(AgeLimits.warnStandard, "--warn"),
            crit: try AgeLimits(AgeLimits.critStandard, "--crit"), warnArrived: 14_400, linkDown: (600, 3_600),
            room: (20, 10), certificate: (2_592_000, 604_800), linkLimits: try .standard)
    }

    private func health() -> HealthAnswer {
        HealthAnswer(
            now: now, node: "truc", version: "1", engineMilliseconds: 1, mailbox: 0,
            disk: .init(freeBytes: 1, bytes: 2, mapBytes: 2),
            certificates: .init(own: nil, authorities: nil, revocationLists: nil, peers: [:]), oldestSeconds: [:],
            configurationPath: "/etc/edoc/edocd.yaml")
    }

    /// The most urgent comes first among those that are equally bad.
    @Test func whatIsMostUrgentComesFirst() throws {
        var health = health()
        health.oldestSeconds = [0: 100_000, 3: 7_200, 4: 4_000]
        let ladder = try ladder("oldest")
        var facts = CheckFacts(health: health)
        facts.findings = FindingsAnswer(
            now: now, node: "truc",
            findings: [(Urgency.flashTimed, "1h"), (.flash, "2h"), (.normal, "1d")].map {
                FindingLine(
                    code: "oldWaiting", check: "oldest", grade: "critical", subject: "\($0.0.rawValue)", since: nil,
                    text: "urgency \($0.0.text) has waited for \($0.1)")
            })
        let texts = both { CheckView.text(ladder.judge(facts)) }
        let first = texts.vietnamese.prefix { $0 != "|" }
        #expect(
            first == "EDOC CRITICAL: văn bản độ khẩn 4 (Hỏa tốc hẹn giờ) đã chờ 1 giờ; "
                + "văn bản độ khẩn 3 (Hỏa tốc) đã chờ 2 giờ; văn bản độ khẩn 0 (Thường) đã chờ 1 ngày ")
        #expect(texts.english.hasPrefix("EDOC CRITICAL: urgency 4 (Hỏa tốc hẹn giờ) has waited for 1h; urgency 3 "))
        // Figures stand in one order for the monitor that draws them.
        #expect(texts.english.contains("| oldest_urgency0=100000s;14400;86400;0 oldest_urgency1=0s;"))
    }

    @Test func whyTheStoreDoesNotCommit() throws {
        var health = health()
        health.commitError = "the store has not committed a row: it is full, or its disk does not answer"
        let ladder = try ladder("commit")
        let text = both { CheckView.text(ladder.judge(CheckFacts(health: health))) }.vietnamese
        #expect(text == "EDOC CRITICAL: kho không ghi được một dòng: kho đã đầy, hoặc đĩa không trả lời\n")
    }

    /// What the writer of packages refuses is told in the language of the person, too.
    @Test func aPackageThatCannotBe() {
        let error = EdXMLWriterError.badField(name: "subject", sentence: "It must have 1 to 500 bytes.")
        let texts = both { Failure(error)?.lines }
        #expect(texts.english == ["subject: It must have 1 to 500 bytes."])
        #expect(texts.vietnamese == ["trích yếu: Phải dài từ 1 đến 500 byte."])
    }

    @Test func spansInTables() {
        let texts = both { [Shown.span(1_641_600), Shown.exactSpan(129_600), Shown.shortSpan(604_800)] }
        #expect(texts.english == ["19d", "36h", "7d"])
        #expect(texts.vietnamese == ["19 ngày", "36 giờ", "7ng"])
        var peer = PeersAnswer.Peer(node: "hcm", state: "up", dials: true)
        peer.since = Timestamp(unixMilliseconds: now.unixMilliseconds - 1_641_600_000)
        peer.transfersInFlight = 1
        let details = both { PeersView.details(peer, now) }
        #expect(details.english.contains("up for 19d") && details.vietnamese.contains("thông, đã 19 ngày"))
        #expect(details.english.contains("1 transfer,") && details.vietnamese.contains("1 lượt,"))
    }

    @Test func brokenChains() {
        var check = AuditCheck()
        check.add(
            AuditCheckAnswer(
                checked: 3, order: 1, hash: "ab", brokenAt: 2, why: "the entry cannot be read", anchoredAt: nil,
                cursor: nil))
        let said = both { [check] in check.negative(anchor: nil) }.vietnamese
        #expect(said?.contains("chuỗi đứt ở mục 2: không đọc được mục này;") == true)
    }
}
