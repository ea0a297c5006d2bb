// CheckCommand: `edocctl check`: one look at the node for a monitor: one status line with figures, details below, and the exit codes of
// monitoring plugins: 0 in order, 1 warning, 2 critical, 3 it cannot be told. It waits a bounded time for the daemon.

import ArgumentParser
import ControlAPI
import Language

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: phrase("One look at the node for a monitor.", "Kiểm tra nhanh nút cho hệ thống giám sát."),
        discussion: phrase(
            """
            The checks, from cheap to deep: level 1: running, engine; level 2: alarms, links, oldest, arrived, room, certificates, \
            clock, records, outcomes, backup; level 3: commit (the store writes and syncs a row), books. Without names all up to the level are made.
            Exit codes: 0 in order, 1 warning, 2 critical, 3 unknown.
            """,
            """
            Các phép kiểm tra, từ nhẹ đến sâu: mức 1: running, engine; mức 2: alarms, links, oldest, arrived, room, certificates, \
            clock, records, outcomes, backup; mức 3: commit (kho ghi và đồng bộ một dòng), books. Không nêu tên thì làm tất cả đến mức đó.
            Mã thoát: 0 bình thường, 1 cảnh báo, 2 nghiêm trọng, 3 không xác định.
            """))

    @OptionGroup var common: LiveOptions
    @Argument(help: ArgumentHelp(phrase("Only these checks.", "Chỉ làm các phép kiểm tra này.")))
    var names: [String] = []
    @Option(help: ArgumentHelp(phrase("How deep: 1 to 3.", "Mức sâu: 1 đến 3."))) var level = 2
    @Flag(help: ArgumentHelp(phrase("The same as --level 3.", "Như --level 3."))) var deep = false
    @Option(
        help: ArgumentHelp(
            phrase(
                "Warn when the oldest that waits is older: one time, or by urgency as 0=4h,3=15m.",
                "Cảnh báo khi văn bản chờ lâu nhất quá mốc này: một thời gian, hoặc theo độ khẩn như 0=4h,3=15m.")))
    var warn = AgeLimits.warnStandard
    @Option(
        help: ArgumentHelp(
            phrase("The same for critical.", "Tương tự, cho mức nghiêm trọng.")))
    var crit = AgeLimits.critStandard
    @Option(
        help: ArgumentHelp(
            phrase(
                "Warn when a document waits longer in an inbox.",
                "Cảnh báo khi văn bản nằm trong hộp văn bản đến quá mốc này.")
        ))
    var warnArrived = "4h"
    @Option(
        help: ArgumentHelp(
            phrase(
                "Warn and critical when a link is down for so long.",
                "Cảnh báo và nghiêm trọng khi liên kết mất quá lâu.")))
    var linkDown = "10m,1h"
    @Option(
        help: ArgumentHelp(
            phrase(
                "Warn and critical when so many percent of the links are down, each for as long as --link-down says.",
                "Cảnh báo và nghiêm trọng khi chừng này phần trăm liên kết mất, mỗi liên kết đã mất quá --link-down.")))
    var linksShare = LinkLimits.shareStandard
    @Option(
        help: ArgumentHelp(
            phrase(
                "Warn and critical when so many copies wait for one peer that is down.",
                "Cảnh báo và nghiêm trọng khi chừng này bản sao chờ một nút kề đang mất.")))
    var linksWaiting = LinkLimits.waitingStandard
    @Option(
        help: ArgumentHelp(
            phrase(
                "Warn when the oldest that waits for a peer that is down is older: one time, or by urgency.",
                "Cảnh báo khi văn bản chờ lâu nhất cho nút kề đang mất quá mốc này: một thời gian, hoặc theo độ khẩn."))
    )
    var linksWarn = LinkLimits.warnStandard
    @Option(help: ArgumentHelp(phrase("The same for critical.", "Tương tự, cho mức nghiêm trọng.")))
    var linksCrit = LinkLimits.critStandard
    @Option(
        help: ArgumentHelp(
            phrase(
                "Warn and critical when so much of the store's room is left, in percent.",
                "Cảnh báo và nghiêm trọng khi kho còn chừng này phần trăm chỗ trống.")))
    var room = "20,10"
    @Option(
        help: ArgumentHelp(
            phrase(
                "Warn and critical so long before a certificate ends.",
                "Cảnh báo và nghiêm trọng trước khi chứng thư hết hạn chừng này.")))
    var certificate = "30d,7d"
    @Option(
        help: ArgumentHelp(
            phrase("Seconds to wait for the daemon.", "Số giây chờ dịch vụ edocd trả lời.")))
    var timeout = 15

    func run() async throws {
        let ladder = try ladder()
        guard common.store == nil else {
            // What a store says of yesterday must not look like a relay that runs.
            return try finish(
                CheckResult(
                    .unknown, "running",
                    phrase(
                        "check looks at a running daemon; leave --store out (edocctl --store DIR status reads a store)",
                        "check kiểm tra dịch vụ edocd đang chạy; hãy bỏ --store (edocctl --store THƯ_MỤC status đọc kho)"
                    )))
        }
        let facts: CheckFacts
        do {
            facts = try await Patience.within(seconds: timeout) { [ladder] in
                try await Self.fetch(common.client, ladder)
            }
        } catch let error as ClientError {
            return try finish(CheckResult(failure: error))
        } catch is Patience.Over {
            return try finish(
                CheckResult(
                    .critical, "running",
                    phrase(
                        "the daemon has not answered for \(timeout) s",
                        "dịch vụ edocd không trả lời trong \(timeout) giây")
                ))
        }
        let results = ladder.judge(facts)
        say(results)
        throw QuietExit(status: CheckView.worst(results).status)
    }

    private func finish(_ result: CheckResult) throws {
        say([result])
        throw QuietExit(status: result.grade.status)
    }

    private func say(_ results: [CheckResult]) {
        Output.say(common.json ? CheckView.json(results) : Shown.folded(CheckView.text(results), to: Terminal.columns))
    }

    private func ladder() throws -> CheckLadder {
        guard (1...3).contains(level) else {
            throw UsageError(sentence: phrase("--level is 1, 2 or 3", "--level là 1, 2 hoặc 3"))
        }
        guard (1...600).contains(timeout) else {
            throw UsageError(sentence: phrase("--timeout is 1 to 600 seconds", "--timeout từ 1 đến 600 giây"))
        }
        let known = CheckLadder.checks.map(\.name)
        for name in names where !known.contains(name) {
            throw UsageError(
                sentence: phrase(
                    "no check \(Shown.text(name)); there are ", "không có phép kiểm tra \(Shown.text(name)); có: ")
                    + known.joined(separator: ", "))
        }
        let depth = deep ? 3 : level
        let chosen = names.isEmpty ? CheckLadder.checks.filter { $0.level <= depth }.map(\.name) : names
        return CheckLadder(
            chosen: Set(chosen), warn: try AgeLimits(warn, "--warn"), crit: try AgeLimits(crit, "--crit"),
            warnArrived: try Spans.one(warnArrived, "--warn-arrived"), linkDown: try Spans.two(linkDown, "--link-down"),
            room: try Spans.percents(room, "--room", .falling),
            certificate: try Spans.two(certificate, "--certificate", .falling),
            linkLimits: try LinkLimits(share: linksShare, waiting: linksWaiting, warn: linksWarn, crit: linksCrit))
    }

    private static func fetch(_ client: ControlClient, _ ladder: CheckLadder) async throws -> CheckFacts {
        let uri = ControlPath.query(
            ControlPath.health, [("commit", ladder.chosen.contains("commit") ? "true" : nil)])
        var facts = CheckFacts(health: try await answer(client, uri))
        // Findings are taken beside the engine; the others ask it and would wait for it.
        if ladder.asksForFindings { facts.findings = try await answer(client, ladder.findingsURI) }
        guard facts.health.engineAnswers else { return facts }
        if !ladder.chosen.isDisjoint(with: ["room", "records"]) {
            facts.status = try await answer(client, ControlPath.status)
        }
        if ladder.chosen.contains("links") { facts.peers = try await answer(client, ControlPath.peers) }
        if ladder.chosen.contains("books") { facts.ledger = try await answer(client, ControlPath.ledger) }
        return facts
    }

    private static func answer<Answer: ControlAnswer>(_ client: ControlClient, _ uri: String) async throws -> Answer {
        let bytes = try await client.get(uri)
        guard let answer = try? ControlJSON.answer(Answer.self, from: bytes) else {
            throw ClientError.broken(FailureSentences.otherVersion)
        }
        return answer
    }
}

/// Ends with an exit code and no further word.
struct QuietExit: Error {
    var status: ExitStatus
}

/// A bounded wait.
enum Patience {
    struct Over: Error {}

    static func within<Answer: Sendable>(
        seconds: Int, _ body: @escaping @Sendable () async throws -> Answer
    ) async throws -> Answer {
        try await withThrowingTaskGroup(of: Answer.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: .seconds(seconds))
                throw Over()
            }
            defer { group.cancelAll() }
            guard let answer = try await group.next() else { throw Over() }
            return answer
        }
    }
}

/// Spans and shares as options spell them.
enum Spans {
    /// Seconds.
    static func parse(_ text: some StringProtocol) -> UInt64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = UInt64(digits) else { return nil }
        let factor: UInt64? =
            switch text.dropFirst(digits.count) {
            case "s", "": 1
            case "m": 60
            case "h": 3_600
            case "d": 86_400
            default: nil
            }
        guard let factor else { return nil }
        let (seconds, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : seconds
    }

    static func one(_ text: String, _ option: String) throws -> UInt64 {
        guard let seconds = parse(text) else {
            throw UsageError(
                sentence: phrase(
                    "\(option) is a time such as 15m, 4h or 30d", "\(option) là thời gian như 15m, 4h hoặc 30d"))
        }
        return seconds
    }

    private static func pair(_ text: String, _ parse: (Substring) -> UInt64?) -> (warn: UInt64, crit: UInt64)? {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(parse)
        guard parts.count == 2, let warn = parts[0], let crit = parts[1] else { return nil }
        return (warn, crit)
    }

    /// Which of two bounds is met first.
    enum Order { case rising, falling }

    /// Bounds the other way round would never warn.
    private static func demandOrder(_ bounds: (warn: UInt64, crit: UInt64), _ order: Order, _ option: String) throws {
        if order == .rising ? bounds.warn <= bounds.crit : bounds.warn >= bounds.crit { return }
        throw UsageError(
            sentence: order == .rising
                ? phrase(
                    "\(option): the bound for a warning comes first and is no larger than the one for critical",
                    "\(option): mốc cảnh báo đứng trước và không lớn hơn mốc nghiêm trọng")
                : phrase(
                    "\(option): the bound for a warning comes first and is no smaller than the one for critical",
                    "\(option): mốc cảnh báo đứng trước và không nhỏ hơn mốc nghiêm trọng"))
    }

    static func two(
        _ text: String, _ option: String, _ order: Order = .rising
    ) throws -> (warn: UInt64, crit: UInt64) {
        guard let bounds = pair(text, { parse($0) }) else {
            throw UsageError(
                sentence: phrase("\(option) is two times such as 10m,1h", "\(option) là hai thời gian như 10m,1h"))
        }
        try demandOrder(bounds, order, option)
        return bounds
    }

    static func counts(_ text: String, _ option: String) throws -> (warn: UInt64, crit: UInt64) {
        guard let bounds = pair(text, { UInt64($0) }) else {
            throw UsageError(
                sentence: phrase("\(option) is two numbers such as 100,1000", "\(option) là hai số như 100,1000"))
        }
        try demandOrder(bounds, .rising, option)
        return bounds
    }

    static func percents(
        _ text: String, _ option: String, _ order: Order
    ) throws -> (warn: UInt64, crit: UInt64) {
        guard let bounds = pair(text, { UInt64($0) }), bounds.warn <= 100, bounds.crit <= 100 else {
            throw UsageError(
                sentence: phrase(
                    "\(option) is two percentages such as \(order == .rising ? "10,50" : "20,10")",
                    "\(option) là hai số phần trăm như \(order == .rising ? "10,50" : "20,10")"))
        }
        try demandOrder(bounds, order, option)
        return bounds
    }
}

/// Bounds of age by urgency, in seconds.
struct AgeLimits: Sendable {
    static let warnStandard = "0=4h,1=1h,2=30m,3=15m,4=15m"
    static let critStandard = "0=24h,1=4h,2=2h,3=1h,4=1h"

    private var seconds: [Int: UInt64] = [:]

    init(_ text: String, _ option: String) throws {
        if let all = Spans.parse(text) {
            for urgency in 0...4 { seconds[urgency] = all }
            return
        }
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let pair = part.split(separator: "=", omittingEmptySubsequences: false)
            guard pair.count == 2, let urgency = Int(pair[0]), (0...4).contains(urgency),
                let span = Spans.parse(pair[1])
            else {
                throw UsageError(
                    sentence: phrase(
                        "\(option) is a time such as 4h, or times by urgency such as 0=4h,3=15m",
                        "\(option) là thời gian như 4h, hoặc thời gian theo độ khẩn như 0=4h,3=15m"))
            }
            seconds[urgency] = span
        }
    }

    /// As the daemon reads them.
    var parameter: String {
        seconds.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }

    /// Nil: no bound.
    subscript(urgency: Int) -> UInt64? { seconds[urgency] }
}
