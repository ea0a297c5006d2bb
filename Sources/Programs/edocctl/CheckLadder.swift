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

    init(health: HealthAnswer) { self.health = health }
}

struct CheckLadder: Sendable {
    static let checks: [(name: String, level: Int)] = [
        ("running", 1), ("engine", 1), ("alarms", 2), ("links", 2), ("oldest", 2), ("arrived", 2), ("room", 2),
        ("certificates", 2), ("clock", 2), ("records", 2), ("commit", 3), ("books", 3),
    ]

    var chosen: Set<String>
    var warn: AgeLimits
    var crit: AgeLimits
    var warnArrived: UInt64
    var linkDown: (warn: UInt64, crit: UInt64)
    var room: (warn: UInt64, crit: UInt64)
    var certificate: (warn: UInt64, crit: UInt64)

    /// In the order of the ladder.
    func judge(_ facts: CheckFacts) -> [CheckResult] {
        Self.checks.filter { chosen.contains($0.name) }.flatMap { check in judge(check.name, facts) }
    }

    private func judge(_ name: String, _ facts: CheckFacts) -> [CheckResult] {
        let health = facts.health
        switch name {
        case "running": return [CheckResult(.ok, name, "\(health.node), edocd \(health.version)")]
        case "engine": return [engine(health)]
        case "oldest": return oldest(health)
        case "arrived": return [arrived(health)]
        case "certificates": return certificates(health)
        case "clock": return [clock(health)]
        case "commit": return [commit(health)]
        case "alarms": return [facts.status.map(alarms) ?? silent(name)]
        case "room": return [facts.status.map(room) ?? silent(name)]
        case "records": return [facts.status.map(records) ?? silent(name)]
        case "links": return facts.peers.map(links) ?? [silent(name)]
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

    private func alarms(_ status: StatusAnswer) -> CheckResult {
        // Links have a check of their own, which knows for how long.
        let lines = status.attention.filter { !$0.hasPrefix("links down") }.map(Words.attention)
        guard !lines.isEmpty else {
            return CheckResult(.ok, "alarms", phrase("nothing needs a person", "không có việc gì cần người xử lý"))
        }
        let isFull = status.store.acceptableBytes == 0
        return CheckResult(isFull ? .critical : .warning, "alarms", lines.joined(separator: "; "))
    }

    private func links(_ answer: PeersAnswer) -> [CheckResult] {
        let up = answer.peers.filter { $0.state == "up" || $0.state == "paused" }
        var results: [CheckResult] = []
        for peer in answer.peers where peer.state == "down" || peer.state == "dialling" {
            let seconds = peer.since.map { $0.seconds(until: answer.now) } ?? 0
            let grade: CheckGrade = seconds >= linkDown.crit ? .critical : seconds >= linkDown.warn ? .warning : .ok
            guard grade != .ok else { continue }
            let error = peer.lastError.isEmpty ? "" : ": " + Shown.sentence(peer.lastError)
            results.append(
                CheckResult(
                    grade, "links",
                    phrase(
                        "\(peer.node) down for \(Shown.span(seconds))",
                        "mất liên kết với \(peer.node) đã \(Shown.span(seconds))")
                        + error))
        }
        let figures = ["links_up=\(up.count)", "links_down=\(answer.peers.count - up.count)"]
        guard !results.isEmpty else {
            return [
                CheckResult(
                    .ok, "links",
                    phrase(
                        "\(up.count) of \(answer.peers.count) links up",
                        "\(up.count)/\(answer.peers.count) liên kết hoạt động"),
                    figures)
            ]
        }
        results[0].figures = figures
        return results
    }

    private func oldest(_ health: HealthAnswer) -> [CheckResult] {
        var results: [CheckResult] = []
        var figures: [String] = []
        for urgency in 0...4 {
            let seconds = health.oldestSeconds[urgency] ?? 0
            let bounds = [warn[urgency], crit[urgency]].map { $0.map(String.init) ?? "" }
            figures.append("oldest_urgency\(urgency)=\(seconds)s;\(bounds[0]);\(bounds[1]);0")
            let isCritical = crit[urgency].map { seconds >= $0 } ?? false
            let isWarning = warn[urgency].map { seconds >= $0 } ?? false
            guard seconds > 0, isCritical || isWarning else { continue }
            // What is most urgent comes first.
            results.insert(
                CheckResult(
                    isCritical ? .critical : .warning, "oldest",
                    phrase(
                        "urgency \(urgency) has waited for \(Shown.span(seconds))",
                        "văn bản độ khẩn \(urgency) đã chờ \(Shown.span(seconds))")), at: 0)
        }
        if results.isEmpty {
            let most = health.oldestSeconds.values.max()
            results = [
                CheckResult(
                    .ok, "oldest",
                    most.map { phrase("oldest \(Shown.span($0))", "chờ lâu nhất \(Shown.span($0))") }
                        ?? phrase("nothing waits", "không có gì chờ gửi"))
            ]
        }
        results[0].figures = figures
        return results
    }

    private func arrived(_ health: HealthAnswer) -> CheckResult {
        guard let seconds = health.oldestArrivedSeconds else {
            return CheckResult(
                .ok, "arrived", phrase("no inbox waits", "không hộp văn bản đến nào có văn bản chờ nhận"),
                ["arrived_oldest=0s;\(warnArrived);;0"])
        }
        return CheckResult(
            seconds >= warnArrived ? .warning : .ok, "arrived",
            phrase(
                "the oldest in an inbox or on its way into a spool has waited for \(Shown.span(seconds))",
                "văn bản lâu nhất trong hộp văn bản đến hoặc đang bàn giao vào thư mục đã chờ \(Shown.span(seconds))"),
            ["arrived_oldest=\(seconds)s;\(warnArrived);;0"])
    }

    private func room(_ status: StatusAnswer) -> CheckResult {
        let store = status.store
        let whole = max(store.usedBytes &+ store.freeBytes, 1)
        let percent = UInt64(Double(store.acceptableBytes) / Double(whole) * 100)
        let grade: CheckGrade =
            store.acceptableBytes == 0 || percent < room.crit ? .critical : percent < room.warn ? .warning : .ok
        return CheckResult(
            grade, "room",
            phrase(
                "\(percent) % of the store's room left (\(Shown.size(store.acceptableBytes)))",
                "kho còn \(percent) % chỗ trống (\(Shown.size(store.acceptableBytes)))"),
            ["room=\(percent)%;\(room.warn):;\(room.crit):;0;100"])
    }

    private func certificates(_ health: HealthAnswer) -> [CheckResult] {
        let certificates = health.certificates
        var all: [(name: String, ends: Timestamp)] = []
        if let own = certificates.own { all.append((phrase("this node's certificate", "chứng thư của nút này"), own)) }
        if let authorities = certificates.authorities {
            all.append((phrase("an authority", "cơ quan cấp chứng thư"), authorities))
        }
        for (peer, ends) in certificates.peers.sorted(by: { $0.key < $1.key }) {
            all.append((phrase("the certificate of \(peer)", "chứng thư của \(peer)"), ends))
        }
        var results: [CheckResult] = []
        for (name, ends) in all {
            let left = health.now.seconds(until: ends)
            guard left < certificate.warn else { continue }
            results.append(
                CheckResult(
                    left < certificate.crit ? .critical : .warning, "certificates",
                    ends <= health.now
                        ? Shown.ended(name, ends)
                        : phrase("\(name) ends in \(Shown.span(left))", "\(name) hết hạn sau \(Shown.span(left))")))
        }
        if let update = certificates.revocationLists, update < health.now {
            results.append(
                CheckResult(
                    .warning, "certificates",
                    phrase("a revocation list is out of date", "danh sách thu hồi đã quá hạn cập nhật")))
        }
        let days = certificates.own.map { health.now.seconds(until: $0) / 86_400 }
        let figures = days.map {
            ["certificate_days=\($0);\(certificate.warn / 86_400):;\(certificate.crit / 86_400):;0"]
        }
        if results.isEmpty {
            let text =
                days.map { phrase("certificate valid for \($0) d", "chứng thư còn \($0) ngày") }
                ?? phrase("no TLS", "không dùng TLS")
            results = [CheckResult(.ok, "certificates", text)]
        }
        results[0].figures = figures ?? []
        return results
    }

    private func clock(_ health: HealthAnswer) -> CheckResult {
        guard let isDoubted = health.clockDoubted else { return silent("clock") }
        return isDoubted
            ? CheckResult(
                .critical, "clock",
                phrase("the clock is doubted, expiry is suspended", "đồng hồ không đáng tin, đã ngừng tính hết hạn"))
            : CheckResult(.ok, "clock", phrase("clock believed", "đồng hồ tin cậy"))
    }

    private func records(_ status: StatusAnswer) -> CheckResult {
        CheckResult(
            status.corruptRecords > 0 ? .critical : .ok, "records",
            Shown.counted(
                status.corruptRecords, "unreadable record", "unreadable records", "bản ghi không đọc được"),
            ["corrupt=\(status.corruptRecords);;0;0"])
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
