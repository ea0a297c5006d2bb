// EnvelopePages: GET /v1/envelopes and /v1/envelopes/{name}: what is here, and for one envelope the answer to every wait, by the
// code that decides. Rows are looked at up to a bound an answer; the engine is not waited for.

import ControlAPI
import Hummingbird
import RelayCore
import RelayModel
import RelayRows

extension ControlServer {
    func addEnvelopes(to router: Router<ControlContext>) {
        router.get("v1/envelopes") { request, context in
            try await requireSee(context)
            let query = try ControlQuery(request, known: ["document", "state", "limit", "cursor"])
            return try json(try await list(query))
        }
        router.get("v1/envelopes/{envelope}") { request, context in
            try await requireSee(context)
            try requireNoQuery(request)
            return try json(try await show(try context.text("envelope")))
        }
        router.get("v1/trace/{envelope}") { request, context in
            let (sight, _) = try await sight(context)
            try requireNoQuery(request)
            let name = try context.text("envelope")
            return try json(try sight.seen(try await trace(name), asked: name))
        }
        router.get("v1/history") { request, context in
            try await requireSee(context)
            let query = try ControlQuery(request, known: ["agency", "peer", "since", "until", "limit", "cursor"])
            return try json(try await history(query))
        }
    }

    // MARK: One envelope

    private func show(_ text: String) async throws -> EnvelopeAnswer {
        let now = node.now
        let node = node
        return try await node.read { rows in
            let (bundle, numbers) = try EnvelopeSearch.find(text, rows).resolved(text)
            guard let number = numbers.first, let row = EnvelopeSearch.envelope(number, rows) else {
                throw Self.goneError(bundle)
            }
            let picture = try node.picture(of: [number])
            var envelope = EnvelopeAnswer.Envelope(row, now: now)
            envelope.pieces = Self.pieces(row, rows)
            envelope.recipients = row.recipients.indices.map { index in
                var line = EnvelopeAnswer.Recipient(row, index, picture.wait(row, index, now: now.relay), now: now)
                line.outcome = ReportedOutcome(of: row.bundle, row.recipients[index].name, line.state, rows)
                return line
            }
            return EnvelopeAnswer(now: now.wall.timestamp, envelope: envelope, otherCopies: Array(numbers.dropFirst()))
        }
    }

    private static func goneError(_ bundle: BundleID) -> ControlError {
        .notFound(
            "\(printable(bundle.envelopeName)) is not here, or no longer; edocctl trace and edocctl history may know its end"
        )
    }

    private static func pieces(_ row: EnvelopeRow, _ rows: any RowReader) -> EnvelopeAnswer.Pieces? {
        guard row.isInPieces else { return nil }
        var received: UInt64 = 0
        var sent: UInt64 = 0
        let slot = row.sentMarks.firstIndex { $0.peer != nil }
        rows.scan(.piece, prefix: RowKey(row.number)) { key, value in
            guard key.count == 16, let piece = PieceRow(offset: key.number(at: 8), record: value) else { return true }
            received += 1
            if let slot, piece.isSent(slot) { sent += 1 }
            return received < 32_768
        }
        return .init(received: received, sent: sent, sentTo: slot.flatMap { row.sentMarks[$0].peer?.name })
    }

    // MARK: Many envelopes

    private func list(_ query: ControlQuery) async throws -> EnvelopesAnswer {
        let limit = try query.limit()
        let state = try query.one("state")
        if let state, !RecipientState.allCases.contains(where: { $0.word == state }) {
            let words = RecipientState.allCases.map(\.word).joined(separator: ", ")
            throw ControlError.badRequest("state must be one of \(words)")
        }
        let document = try query.one("document")
        let before = try query.number("cursor", in: 0...UInt64.max)
        let now = node.now
        return try await node.read { rows in
            var answer = EnvelopesAnswer(now: now.wall.timestamp, envelopes: [], cursor: nil, scanned: 0)
            var next = before ?? .max
            while true {
                guard answer.envelopes.count < limit, answer.scanned < Page.scanMax else {
                    answer.cursor = String(next)
                    return answer
                }
                guard let number = Self.number(before: next, document, rows) else { return answer }
                answer.scanned += 1
                next = number
                guard let row = EnvelopeSearch.envelope(number, rows) else { continue }
                if let state, !row.recipients.contains(where: { $0.state.word == state }) { continue }
                var line = EnvelopesAnswer.Line(row)
                for recipient in row.recipients {
                    let word = recipient.state.word
                    guard let heard = ReportedOutcome(of: row.bundle, recipient.name, word, rows) else { continue }
                    line.outcomes = (line.outcomes ?? [:]).merging([heard.state: 1], uniquingKeysWith: +)
                }
                answer.envelopes.append(line)
            }
        }
    }

    /// The next lower number in the table of all envelopes, or among those with a document ID.
    private static func number(before number: UInt64, _ document: String?, _ rows: any RowReader) -> UInt64? {
        guard let document else {
            return rows.row(.envelope, before: Keys.envelope(number)).map { $0.key.number(at: 0) }
        }
        let prefix = Keys.lookup(.documentID, document)
        guard let found = rows.row(.lookup, before: prefix.adding(number)), prefix.isPrefix(of: found.key) else {
            return nil
        }
        return found.key.number(at: found.key.count - 8)
    }
}

extension EnvelopeAnswer.Envelope {
    init(_ row: EnvelopeRow, now: ClockReading) {
        self.init(
            name: row.bundle.envelopeName, number: row.number, kind: row.kind.word, urgency: Int(row.urgency.rawValue),
            bytes: row.payloadLength, receivedBytes: row.receivedBytes, accepted: row.arrivalWall.timestamp,
            lifetimeSeconds: row.lifetime.count / 1_000, ageSeconds: row.age(at: now.relay).count / 1_000)
        sender = row.document?.sender.text
        documentID = row.document?.documentID
        digest = row.document?.digest.hex
        origin = row.origin?.name
        destination = row.destination == .none ? nil : row.destination.text
        // The lifetime stops where a document has arrived.
        if row.recipients.contains(where: { !$0.state.isEnd && $0.state != .arrived }) {
            expires = now.timestamp(row.expiry)
        }
        ended = now.timestamp(row.ended)
        answers = row.answers.map { .init(time: $0.time.timestamp, peer: $0.peer.name, text: $0.text) }
        hopCount = row.hopCount
        hopLimit = row.hopLimit
        path = row.path.map(Stop.init)
        formerly = row.predecessor?.envelopeName
        resubmittedAs = row.resubmittedAs.map(\.envelopeName)
    }
}

extension EnvelopeAnswer.Recipient {
    init(_ row: EnvelopeRow, _ index: Int, _ view: WaitView, now: ClockReading) {
        let recipient = row.recipients[index]
        let isDeferred = recipient.state.isQueued && recipient.attempts > 0 && recipient.due > now.relay
        let state =
            view.isActive
            ? "active"
            : isDeferred
                ? RecipientState.deferred.word
                : recipient.state.isQueued && !row.isComplete ? "incoming" : recipient.state.word
        self.init(name: recipient.name, state: state, attempts: recipient.attempts)
        since = now.timestamp(recipient.since)
        nextAttempt = view.nextAttempt.flatMap(now.timestamp)
        nextHops = view.hops.map(\.name)
        why = view.why
        if state == "incoming", row.isInPieces {
            why.append("\(row.receivedBytes) of \(row.payloadLength) bytes are here; pieces travel on as they come")
        }
        peer = recipient.peer?.name
        reason = recipient.reason == .none ? nil : recipient.reason.word
        refusedBy = recipient.refusedBy.map(\.name)
        lastAnswer = recipient.lastAnswer
        isDelayReported = row.delayed.contains(UInt64(index))
    }
}

extension EnvelopesAnswer.Line {
    init(_ row: EnvelopeRow) {
        var states: [String: Int] = [:]
        for recipient in row.recipients { states[recipient.state.word, default: 0] += 1 }
        self.init(
            name: row.bundle.envelopeName, number: row.number, kind: row.kind.word, urgency: Int(row.urgency.rawValue),
            sender: row.document?.sender.text, documentID: row.document?.documentID, bytes: row.payloadLength,
            accepted: row.arrivalWall.timestamp, origin: row.origin?.name, states: states)
    }
}

extension ReportedOutcome {
    /// Nil for what has not left: its state here is all there is.
    init?(of bundle: BundleID, _ recipient: String, _ state: String, _ rows: any RowReader) {
        guard state == RecipientState.forwarded.word, let heard = Outcomes.heard(of: bundle, recipient, rows) else {
            return nil
        }
        self.init(
            state: String(describing: heard.state), reason: heard.reason == .none ? nil : heard.reason.word,
            reporter: heard.reporter?.name,
            isRefusal: heard.state == .delayed && heard.reason.isOfRefusal ? true : nil)
    }
}

extension Stop {
    init(_ stop: PathStop) { self.init(node: stop.node.name, time: stop.time.timestamp) }
}

extension EnvelopeKind {
    var word: String { String(describing: self) }
}
