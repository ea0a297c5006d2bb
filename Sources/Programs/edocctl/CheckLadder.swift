// CheckLadder: the checks of `edocctl check`: from the daemon's answers and the operator's bounds to grades with a sentence each. Pure.

import ControlAPI
import Language

enum CheckGrade: Int, Comparable {
    case ok
    case unknown
    case warning
    case critical

    static func < (left: CheckGrade, right: CheckGrade) -> Bool { left.rawValue < right.rawValue }

    /// The words that monitors look for.
    var word: String {
        switch self {
        case .ok: "OK"
        case .unknown: "UNKNOWN"
        case .warning: "WARNING"
        case .critical: "CRITICAL"
        }
    }

    var status: ExitStatus {
        switch self {
        case .ok: .done
        case .warning: .negative
        case .critical: .usage
        case .unknown: .unknown
        }
    }
}

struct CheckResult {
    var grade: CheckGrade
    var name: String
    var sentence: String
    /// `label=value;warn;crit;min`
    var figures: [String] = []

    init(_ grade: CheckGrade, _ name: String, _ sentence: String, _ figures: [String] = []) {
        self.grade = grade
        self.name = name
        self.sentence = sentence
        self.figures = figures
    }

    init(failure: ClientError) {
        switch failure {
        case .unreachable(let socket):
            self.init(
                .critical, "running",
                phrase("no daemon answers at \(socket)", "không có dịch vụ edocd nào trả lời tại \(socket)"))
        case .notPermitted(let socket):
            self.init(
                .unknown, "running",
                phrase("this user may not connect to \(socket)", "người dùng này không được kết nối tới \(socket)"))
        case .refused(_, let answer): self.init(.unknown, "running", Shown.sentence(answer.error))
        case .silent: self.init(.critical, "running", FailureSentences.silent)
        case .broken(let why): self.init(.unknown, "running", why)
        }
    }
}

/// What the checks look at; nil where no check wants it, or the engine does not answer.
struct CheckFacts: Sendable {
    var health: HealthAnswer
    var status: StatusAnswer?
    var peers: PeersAnswer?
    var ledger: LedgerAnswer?
    var findings: FindingsAnswer?

    init(health: HealthAnswer) { self.health = health }
}

/// From when on links that are down matter: by their share, and by what waits for one of them.
struct LinkLimits: Sendable {
    static let shareStandard = "10,25"
    static let waitingStandard = "100,1000"
    static let warnStandard = "0=1h,1=30m,2=10m,3=5m,4=5m"
    static let critStandard = "0=12h,1=2h,2=1h,3=30m,4=30m"

    /// Percent of all.
    var share: (warn: UInt64, crit: UInt64)
    /// Copies for one.
    var waiting: (warn: UInt64, crit: UInt64)
    var warn: AgeLimits
    var crit: AgeLimits

    init(share: String, waiting: String, warn: String, crit: String) throws {
        self.share = try Spans.percents(share, "--links-share", .rising)
        self.waiting = try Spans.counts(waiting, "--links-waiting")
        self.warn = try AgeLimits(warn, "--links-warn")
        self.crit = try AgeLimits(crit, "--links-crit")
    }

    static var standard: LinkLimits {
        get throws {
            try LinkLimits(
                share: shareStandard, waiting: waitingStandard, warn: warnStandard, crit: critStandard)
        }
    }
}

struct CheckLadder: Sendable {
    static let checks: [(name: String, level: Int)] = [
        ("running", 1), ("engine", 1), ("alarms", 2), ("links", 2), ("oldest", 2), ("arrived", 2), ("room", 2),
        ("certificates", 2), ("clock", 2), ("records", 2), ("outcomes", 2), ("backup", 2), ("commit", 3), ("books", 3),
    ]

    var chosen: Set<String>
    var warn: AgeLimits
    var crit: AgeLimits
    var warnArrived: UInt64
    var linkDown: (warn: UInt64, crit: UInt64)
    var room: (warn: UInt64, crit: UInt64)
    var certificate: (warn: UInt64, crit: UInt64)
    var linkLimits: LinkLimits

    /// In the order of the ladder.
    func judge(_ facts: CheckFacts) -> [CheckResult] {
        Self.checks.filter { chosen.contains($0.name) }.flatMap { check in judge(check.name, facts) }
    }

    private func judge(_ name: String, _ facts: CheckFacts) -> [CheckResult] {
        let health = facts.health
        switch name {
        case "running": return [CheckResult(.ok, name, "\(health.node), edocd \(health.version)")]
        case "engine": return [engine(health)]
        case "oldest": return judged(name, facts, oldest(health))
        case "arrived": return judged(name, facts, arrived(health))
        case "certificates": return judged(name, facts, certificates(health))
        case "clock":
            let good = CheckResult(.ok, name, phrase("clock believed", "đồng hồ tin cậy"))
            return judged(name, facts, good)
        case "commit": return [commit(health)]
        case "alarms":
            let good = phrase("no other finding", "không có phát hiện nào khác")
            return judged(name, facts, CheckResult(.ok, name, good))
        case "outcomes":
            let good = phrase(
                "no document handed in here needs a person", "không có văn bản nộp tại đây cần người xử lý")
            return judged(name, facts, CheckResult(.ok, name, good))
        case "backup": return judged(name, facts, backup(health))
        case "room": return judged(name, facts, facts.status.map(room))
        case "records": return judged(name, facts, facts.status.map(records))
        case "links": return Self.gathered(judged(name, facts, facts.peers.map(links)), facts.peers?.peers.count)
        case "books": return [facts.ledger.map(books) ?? silent(name)]
        default: return []
        }
    }

    private func silent(_ name: String) -> CheckResult {
        CheckResult(.unknown, name, phrase("the engine does not answer", "bộ máy không trả lời"))
    }

    private func engine(_ health: HealthAnswer) -> CheckResult {
        guard let time = health.engineMilliseconds else {
            return CheckResult(
                .critical, "engine",
                phrase(
                    "the engine has not answered within 2 s; look at the disk and the log",
                    "bộ máy không trả lời trong 2 giây; hãy xem đĩa và nhật ký"))
        }
        return CheckResult(
            .ok, "engine", phrase("answers in \(time) ms", "trả lời trong \(time) ms"),
            ["engine=\(time)ms", "mailbox=\(health.mailbox)"])
    }

    /// The daemon's findings of one check, by the bounds that it was asked with; its figures stand beside the first. `good`: what is said
    /// when there is none; nil where what it needs is missing.
    private func judged(_ name: String, _ facts: CheckFacts, _ good: CheckResult?) -> [CheckResult] {
        guard let found = facts.findings, let good else { return [silent(name)] }
        var results = found.findings.filter { $0.check == name }.compactMap { finding -> CheckResult? in
            switch finding.grade {
            case "critical": CheckResult(.critical, name, Words.attention(finding.text))
            case "warning": CheckResult(.warning, name, Words.attention(finding.text))
            default: nil
            }
        }
        guard !results.isEmpty else { return [good] }
        results[0].figures = good.figures
        return results
    }

    /// Where the daemon's findings are had by these bounds.
    var findingsURI: String {
        ControlPath.query(
            ControlPath.findings,
            [
                (FindingParameter.waitingWarning, warn.parameter), (FindingParameter.waitingCritical, crit.parameter),
                (FindingParameter.arrivedWarning, String(warnArrived)),
                (FindingParameter.linkDown, "\(linkDown.warn),\(linkDown.crit)"),
                (FindingParameter.linkShare, "\(linkLimits.share.warn),\(linkLimits.share.crit)"),
                (FindingParameter.linkWaiting, "\(linkLimits.waiting.warn),\(linkLimits.waiting.crit)"),
                (FindingParameter.linkWaitingWarning, linkLimits.warn.parameter),
                (FindingParameter.linkWaitingCritical, linkLimits.crit.parameter),
                (FindingParameter.room, "\(room.warn),\(room.crit)"),
                (FindingParameter.certificate, "\(certificate.warn),\(certificate.crit)"),
            ])
    }

    var asksForFindings: Bool {
        !chosen.isDisjoint(with: [
            "alarms", "links", "oldest", "arrived", "room", "certificates", "clock", "records", "outcomes", "backup",
        ])
    }

    /// Links told one by one.
    private static let linksTold = 3

    /// A line for some, and a number for the rest: a hub may have a hundred.
    private static func gathered(_ results: [CheckResult], _ total: Int?) -> [CheckResult] {
        guard results.count > linksTold + 1, let worst = results.map(\.grade).max() else { return results }
        let told = results.sorted { $0.grade > $1.grade }.prefix(linksTold).map(\.sentence).joined(separator: "; ")
        let count = results.count - linksTold
        let of = total.map { phrase(" of \($0)", "/\($0)") } ?? ""
        return [
            CheckResult(
                worst, "links",
                phrase(
                    "\(results.count)\(of) links: \(told); \(count) more: edocctl peers --down",
                    "\(results.count)\(of) liên kết: \(told); còn \(count) nữa: edocctl peers --down"),
                results.flatMap(\.figures))
        ]
    }

    private func links(_ answer: PeersAnswer) -> CheckResult {
        let up = answer.peers.count { $0.state == "up" || $0.state == "paused" }
        let down = answer.peers.filter { !["up", "paused", "suspended"].contains($0.state) }
        let waiting = down.map(\.backlog.count).max() ?? 0
        return CheckResult(
            .ok, "links",
            phrase("\(up) of \(answer.peers.count) links up", "\(up)/\(answer.peers.count) liên kết hoạt động"),
            [
                "links_up=\(up)", "links_down=\(answer.peers.count - up)",
                "link_waiting=\(waiting);\(linkLimits.waiting.warn);\(linkLimits.waiting.crit);0",
            ])
    }

    private func oldest(_ health: HealthAnswer) -> CheckResult {
        let figures = (0...4).map { urgency in
            let bounds = [warn[urgency], crit[urgency]].map { $0.map(String.init) ?? "" }
            return "oldest_urgency\(urgency)=\(health.oldestSeconds[urgency] ?? 0)s;\(bounds[0]);\(bounds[1]);0"
        }
        let most = health.oldestSeconds.values.max()
        return CheckResult(
            .ok, "oldest",
            most.map { phrase("oldest \(Shown.span($0))", "chờ lâu nhất \(Shown.span($0))") }
                ?? phrase("nothing waits", "không có gì chờ gửi"), figures)
    }

    private func arrived(_ health: HealthAnswer) -> CheckResult {
        guard let seconds = health.oldestArrivedSeconds else {
            return CheckResult(
                .ok, "arrived", phrase("no inbox waits", "không hộp văn bản đến nào có văn bản chờ nhận"),
                ["arrived_oldest=0s;\(warnArrived);;0"])
        }
        return CheckResult(
            .ok, "arrived",
            phrase(
                "the oldest in an inbox or on its way into a spool has waited for \(Shown.span(seconds))",
                "văn bản lâu nhất trong hộp văn bản đến hoặc đang bàn giao vào thư mục đã chờ \(Shown.span(seconds))"),
            ["arrived_oldest=\(seconds)s;\(warnArrived);;0"])
    }

    /// Nil where the store cannot be read.
    private func backup(_ health: HealthAnswer) -> CheckResult? {
        guard health.storeError == nil else { return nil }
        guard let last = health.lastBackup else {
            return CheckResult(.ok, "backup", phrase("no backup was made", "chưa có bản sao lưu nào"))
        }
        let age = last.seconds(until: health.now)
        return CheckResult(
            .ok, "backup",
            phrase(
                "the last good backup is \(Shown.span(age)) old", "bản sao lưu tốt gần nhất từ \(Shown.span(age)) trước"
            ),
            ["backup_age=\(age)s;;;0"])
    }

    private func room(_ status: StatusAnswer) -> CheckResult {
        let store = status.store
        let whole = max(store.usedBytes &+ store.freeBytes, 1)
        let percent = UInt64(Double(store.acceptableBytes) / Double(whole) * 100)
        return CheckResult(
            .ok, "room",
            phrase(
                "\(percent) % of the store's room left (\(Shown.size(store.acceptableBytes)))",
                "kho còn \(percent) % chỗ trống (\(Shown.size(store.acceptableBytes)))"),
            ["room=\(percent)%;\(room.warn):;\(room.crit):;0;100"])
    }

    private func certificates(_ health: HealthAnswer) -> CheckResult {
        let days = health.certificates.own.map { health.now.seconds(until: $0) / 86_400 }
        let figures = days.map {
            ["certificate_days=\($0);\(certificate.warn / 86_400):;\(certificate.crit / 86_400):;0"]
        }
        return CheckResult(
            .ok, "certificates",
            days.map { phrase("certificate valid for \($0) d", "chứng thư còn \($0) ngày") }
                ?? phrase("no TLS", "không dùng TLS"), figures ?? [])
    }

    private func records(_ status: StatusAnswer) -> CheckResult {
        var sentence = Shown.counted(
            status.corruptRecords, "unreadable record", "unreadable records", "bản ghi không đọc được")
        var figures = ["corrupt=\(status.corruptRecords);;0;0"]
        if let verified = status.verified {
            let seconds = verified.seconds(until: status.now)
            let span = Shown.span(seconds)
            sentence +=
                status.verifiedClean == true
                ? phrase("; verified \(span) ago, in order", "; đã soát kho \(span) trước, không có gì sai")
                : phrase("; verified \(span) ago, and mended", "; đã soát kho \(span) trước, đã sửa")
            figures.append("verified=\(seconds)s;;;0")
        }
        return CheckResult(.ok, "records", sentence, figures)
    }

    private func commit(_ health: HealthAnswer) -> CheckResult {
        guard let time = health.commitMicroseconds else {
            return CheckResult(
                .critical, "commit",
                health.commitError.map(Shown.sentence) ?? phrase("the store does not commit", "kho không ghi được"))
        }
        return CheckResult(
            .ok, "commit", phrase("the store commits in \(time) µs", "kho ghi trong \(time) µs"), ["commit=\(time)us"])
    }

    private func books(_ ledger: LedgerAnswer) -> CheckResult {
        let books = [ledger.documents, ledger.reports].compactMap { $0 }
        return books.allSatisfy(\.balances)
            ? CheckResult(.ok, "books", phrase("the books balance", "sổ cân"))
            : CheckResult(.critical, "books", LedgerView.imbalance)
    }
}

/// The status line, the figures, and a line a check.
enum CheckView {
    static func worst(_ results: [CheckResult]) -> CheckGrade { results.map(\.grade).max() ?? .unknown }

    private struct Line: Encodable {
        var check: String
        var grade: String
        var sentence: String
        var figures: [String]
    }

    private struct Lines: Encodable {
        var schema = ControlPath.schema
        var grade: String
        var checks: [Line]
    }

    static func json(_ results: [CheckResult]) -> String {
        let lines = results.map {
            Line(check: $0.name, grade: $0.grade.word, sentence: $0.sentence, figures: $0.figures)
        }
        let bytes = try? ControlJSON.bytes(Lines(grade: worst(results).word, checks: lines))
        return Shown.json(String(decoding: bytes ?? [], as: UTF8.self)) + "\n"
    }

    static func text(_ results: [CheckResult]) -> String {
        let grade = worst(results)
        let telling = grade == .ok ? results : results.filter { $0.grade != .ok }
        // What separates figures from text must not stand in the text.
        let sentences = telling.sorted { $0.grade > $1.grade }.map {
            Shown.text($0.sentence).replacing("|", with: "/")
        }
        let figures = results.flatMap(\.figures)
        var text = "EDOC \(grade.word): " + sentences.joined(separator: "; ")
        if !figures.isEmpty { text += " | " + figures.joined(separator: " ") }
        text += "\n"
        guard results.count > 1 else { return text }
        for result in results {
            text +=
                "[\(result.grade.word)] \(result.name): " + Shown.text(result.sentence).replacing("|", with: "/") + "\n"
        }
        return text
    }
}
