// TracePage: GET /v1/trace/{name} and /v1/history. The way of an envelope to each recipient: at the node that submitted it from
// the report rows that have come in, elsewhere from the copy's own path. What is not known is said, never guessed.

import ControlAPI
import Hummingbird
import RelayCore
import RelayModel
import RelayRouting
import RelayRows

extension ControlServer {
    func trace(_ text: String) async throws -> TraceAnswer {
        let now = node.now
        let found = try await node.read { rows in
            let outcome = EnvelopeSearch.find(text, rows)
            guard case .found(let bundle, let numbers) = outcome else {
                return (
                    outcome: outcome, copies: [EnvelopeRow](), reports: [ReportRow](), expected: [KnownOutcome](),
                    successors: [BundleID]()
                )
            }
            let copies = numbers.prefix(8).compactMap { EnvelopeSearch.envelope($0, rows) }
            return (
                outcome: outcome, copies: copies, reports: Self.reports(bundle, rows),
                expected: Outcomes.all(of: bundle, rows), successors: EnvelopeSearch.successors(copies, rows)
            )
        }
        let (bundle, _) = try found.outcome.resolved(text)
        guard !found.copies.isEmpty || !found.reports.isEmpty || !found.expected.isEmpty else {
            throw ControlError.notFound(
                "\(printable(bundle.envelopeName)) has not passed here, or its memory is over; edocctl history may know its end"
            )
        }
        let configuration = node.configuration
        let tracer = Tracer(
            node: configuration.settings.node, directory: configuration.directory, now: now, bundle: bundle,
            copies: found.copies, reports: found.reports, expected: found.expected,
            successors: found.successors)
        return tracer.answer
    }

    /// Up to five states of each of up to 1,000 recipients.
    private static func reports(_ bundle: BundleID, _ rows: any RowReader) -> [ReportRow] {
        var reports: [ReportRow] = []
        rows.scan(.report, prefix: Keys.report(bundle)) { _, value in
            if let row = ReportRow(record: value) { reports.append(row) }
            return reports.count < Page.scanMax
        }
        return reports
    }

    func history(_ query: ControlQuery) async throws -> HistoryAnswer {
        let now = node.now
        let filter = try HistoryFilter(query, directory: node.configuration.directory)
        let limit = try query.limit()
        return try await node.read { rows in filter.page(rows, limit: limit, now: now) }
    }
}

/// Puts a trace together.
private struct Tracer {
    let node: NodeID
    let directory: Directory
    let now: ClockReading
    let bundle: BundleID
    let copies: [EnvelopeRow]
    let reports: [ReportRow]
    /// What stands of its pairs, whether anything of the envelope is left here or not.
    let expected: [KnownOutcome]
    /// The names under which it goes on, to the last.
    let successors: [BundleID]

    private var isSubmitter: Bool { bundle.source == node.endpoint }

    var answer: TraceAnswer {
        let document = copies.lazy.compactMap(\.document).first
        var names: [String] = []
        if isSubmitter, let document {
            names = document.recipients.map(\.text)
        } else {
            for recipient in copies.flatMap(\.recipients) where !names.contains(recipient.name) {
                names.append(recipient.name)
            }
        }
        for report in reports where !names.contains(report.recipient.text) { names.append(report.recipient.text) }
        for pair in expected where !names.contains(pair.about.recipient.text) {
            names.append(pair.about.recipient.text)
        }
        let created = bundle.creationTime > 0 ? WallTime(milliseconds: bundle.creationTime).timestamp : nil
        var answer = TraceAnswer(
            now: now.wall.timestamp, name: bundle.envelopeName, node: node.name, isSubmitter: isSubmitter,
            sender: document?.sender.text, documentID: document?.documentID,
            submitted: copies.first { $0.origin == nil }?.arrivalWall.timestamp ?? created,
            recipients: names.map(recipient))
        answer.formerly = copies.lazy.compactMap(\.predecessor).first?.envelopeName
        answer.resubmittedAs = successors.map(\.envelopeName)
        return answer
    }

    private func recipient(_ name: String) -> TraceAnswer.Recipient {
        let home = AgencyCode(name).flatMap(directory.home(of:))
        var line = TraceAnswer.Recipient(name: name, home: home?.name, state: "unknown")
        let delays = self.delays(name)
        line.delays = delays.map {
            .init(
                node: $0.path.last?.node.name ?? "?", time: $0.time.timestamp, reason: $0.reason.word,
                isRefusal: $0.reason.isOfRefusal ? true : nil)
        }
        if let report = bestReport(name) {
            line.state = String(describing: report.state)
            line.since = report.time.timestamp
            line.isFinal = report.state != .arrived
            line.reason = report.reason == .none ? nil : report.reason.word
            line.stops = report.path.map(Stop.init)
            if report.state == .arrived { line.unknown = "the agency has not taken it yet, as far as is known here" }
            return line
        }
        guard let (row, recipient) = here(name) else {
            let taken = expected.first { $0.about.recipient.text == name && $0.state == nil }?.reporter
            line.unknown =
                taken.map {
                    "taken by \($0.name), as its books say; this store was restored and does not know it; no report has come since"
                } ?? "its row is gone from this node, and no report has come"
            return line
        }
        line.state = recipient.state.word
        line.since = now.timestamp(recipient.since)
        line.reason = recipient.reason == .none ? nil : recipient.reason.word
        line.stops = row.path.map(Stop.init)
        if recipient.state == .forwarded, !delays.isEmpty {
            // Nobody has said more than that it takes long; the furthest who did knows the way up to there. Who refuses it has never had it
            // and is no stop; why it is late, the newest word says.
            let last = delays.last { !$0.reason.isOfRefusal }
            let refusal = delays.filter(\.reason.isOfRefusal).max { $0.time < $1.time }
            guard let newest = [last, refusal].compactMap(\.self).max(by: { $0.time < $1.time }) else { return line }
            line.state = String(describing: ReportedState.delayed)
            line.since = newest.time.timestamp
            line.reason = newest.reason.word
            if let last { line.stops = last.path.map(Stop.init) }
            line.unknown = Self.unknown(last, node, recipient)
            return line
        }
        switch recipient.state {
        case .forwarded:
            let peer = recipient.peer?.name ?? "the next hop"
            line.unknown =
                isSubmitter
                ? "taken by \(peer); no report has come since"
                : "taken by \(peer); only \(bundle.source.node?.name ?? bundle.source.text) hears of its end"
        case .waiting, .deferred, .held, .corrupt, .deleting: line.unknown = "it is still here; edocctl show says why"
        case .arrived: line.unknown = "in the agency's inbox here, not taken yet"
        case .handing: line.unknown = "handing over to the agency's spool here"
        case .delivered, .refused, .expired, .deleted: line.isFinal = true
        }
        return line
    }

    private static func unknown(_ delay: ReportRow?, _ node: NodeID, _ recipient: RecipientRow) -> String {
        let last = delay?.path.last?.node ?? node
        guard last == node else {
            return "it waited at \(last.name) at that time; no report has come since"
        }
        return "taken by \(recipient.peer?.name ?? "the next hop"); no report has come since"
    }

    /// Who has said that it takes long, in the order of the way.
    private func delays(_ name: String) -> [ReportRow] {
        reports.filter { $0.recipient.text == name && $0.state == .delayed }.sorted {
            ($0.path.count, $0.time) < ($1.path.count, $1.time)
        }
    }

    /// A delay says nothing of the end.
    private func bestReport(_ name: String) -> ReportRow? {
        ReportRow.standing(reports.lazy.filter { $0.recipient.text == name })
    }

    /// The newest copy here for this recipient.
    private func here(_ name: String) -> (EnvelopeRow, RecipientRow)? {
        for row in copies {
            if let recipient = row.recipients.first(where: { $0.name == name }) { return (row, recipient) }
        }
        return nil
    }
}

/// Which rows of the history are asked for.
private struct HistoryFilter: Sendable {
    private var agency: String?
    private var peer: NodeID?
    private var since: Timestamp?
    private var until: Timestamp?
    private var cursor: RowKey?

    /// Rows lie by the residence clock, which may differ from the wall clock by the steps of the latter.
    private static let clockMargin = Milliseconds.days(1)

    init(_ query: ControlQuery, directory: Directory) throws {
        if let text = try query.one("agency") {
            // An agency that has left the directory still has a history.
            guard let code = directory.canonical(text) ?? AgencyCode(text) else {
                throw ControlError.badRequest("\(printable(text)) is not an agency code")
            }
            agency = code.text
        }
        if let text = try query.one("peer") {
            guard let node = NodeID(shortName: text) ?? NodeID(text: text) else {
                throw ControlError.badRequest("\(printable(text)) is not a node name; edocctl peers lists them")
            }
            peer = node
        }
        since = try query.time("since")
        until = try query.time("until")
        if let text = try query.one("cursor") {
            guard let key = Self.key(text) else {
                throw ControlError.badRequest("the cursor is not one that this node gave")
            }
            cursor = key
        }
    }

    func page(_ rows: any RowReader, limit: Int, now: ClockReading) -> HistoryAnswer {
        var answer = HistoryAnswer(rows: [], cursor: nil, scanned: 0)
        var next = cursor ?? start(now)
        while true {
            guard answer.rows.count < limit, answer.scanned < Page.scanMax else {
                answer.cursor = next.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
                return answer
            }
            guard let found = rows.row(.history, before: next), !isTooOld(found.key, now) else { return answer }
            answer.scanned += 1
            next = RowKey(copying: found.key)
            guard let row = HistoryRow(record: found.value), fits(row) else { continue }
            var line = HistoryAnswer.Row(row)
            line.outcome = ReportedOutcome(of: row.bundle, row.recipient, line.state, rows)
            answer.rows.append(line)
        }
    }

    private func fits(_ row: HistoryRow) -> Bool {
        if let agency, row.sender != agency, row.recipient != agency { return false }
        if let peer, row.peer != peer, row.origin != peer { return false }
        if let since, row.ended.timestamp < since { return false }
        if let until, row.ended.timestamp > until { return false }
        return true
    }

    /// Where to begin: behind the newest row, or a little behind `until`.
    private func start(_ now: ClockReading) -> RowKey {
        guard let until else { return RowKey(UInt64.max) }
        return RowKey((relay(until, now) + Self.clockMargin).milliseconds)
    }

    private func isTooOld(_ key: UnsafeRawBufferPointer, _ now: ClockReading) -> Bool {
        guard let since, key.count >= 8 else { return false }
        return RelayTime(milliseconds: key.number(at: 0)) + Self.clockMargin < relay(since, now)
    }

    private func relay(_ time: Timestamp, _ now: ClockReading) -> RelayTime {
        let here = now.wall.timestamp
        if time >= here {
            return now.relay + Milliseconds(UInt64(time.unixMilliseconds - here.unixMilliseconds))
        }
        let back = UInt64(here.unixMilliseconds - time.unixMilliseconds)
        return RelayTime(milliseconds: now.relay.milliseconds > back ? now.relay.milliseconds - back : 0)
    }

    private static func key(_ text: String) -> RowKey? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2), (2...64).contains(digits.count) else { return nil }
        var key = RowKey()
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16) else {
                return nil
            }
            key.append(byte)
        }
        return key
    }
}

extension HistoryAnswer.Row {
    fileprivate init(_ row: HistoryRow) {
        self.init(
            name: row.bundle.envelopeName, sender: row.sender, recipient: row.recipient, documentID: row.documentID,
            urgency: Int(row.urgency.rawValue), bytes: row.payloadLength, accepted: row.accepted.timestamp,
            ended: row.ended.timestamp, state: row.state.word, peer: row.peer?.name, origin: row.origin?.name,
            attempts: row.attempts, reason: row.reason == .none ? nil : row.reason.word, answer: row.answer)
        formerly = row.formerly?.envelopeName
    }
}
