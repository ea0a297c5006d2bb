// OutcomePages: GET /v1/outcomes is a feed of what became of documents that were handed in here, /v1/outcomes/list what stands, /open what
// an operator has still to look at, and POST /ack that he has. Whoever may see sees all; who may see for agencies only sees all pairs of
// what they have sent, and the pairs that are for them. Looks at a bounded number of rows an answer, beside the engine.

import ControlAPI
import Hummingbird
import RelayConfiguration
import RelayCore
import RelayModel
import RelayRouting
import RelayRows
import ServiceLifecycle
import Trap

/// What of the documents here a caller may know.
struct OutcomeSight: Sendable {
    private let rights: CallerRights

    init?(_ rights: CallerRights) {
        guard rights.may(.see) || rights.may(.seeAgencies) else { return nil }
        self.rights = rights
    }

    /// Every pair of every document.
    var isWhole: Bool { rights.may(.see) }

    func may(_ sender: String, _ recipient: String) -> Bool {
        if isWhole { return true }
        return [sender, recipient].contains { text in
            AgencyCode(text).map { rights.may(.seeAgencies, $0) } ?? false
        }
    }
}

extension OutcomeSight {
    /// Of a trace what the caller may know. That others have it is not said either.
    func seen(_ answer: TraceAnswer, asked: String) throws -> TraceAnswer {
        if isWhole { return answer }
        var answer = answer
        let sender = answer.sender ?? ""
        answer.recipients.removeAll { !may(sender, $0.name) }
        guard !answer.recipients.isEmpty else {
            throw ControlError.notFound(
                "\(printable(asked)) has not passed here, or its memory is over; edocctl history may know its end")
        }
        return answer
    }
}

extension ControlServer {
    private static var waitMax: Milliseconds { .minutes(1) }
    private static var lookEvery: Duration { .milliseconds(200) }
    private static var bodyMax: Int { 256 << 10 }

    func addOutcomes(to router: Router<ControlContext>) {
        router.get("v1/outcomes") { request, context in
            let (sight, caller) = try await sight(context)
            let query = try ControlQuery(request, known: ["after", "wait", "limit"])
            return try json(try await feed(query, sight, caller))
        }
        router.get("v1/outcomes/list") { request, context in
            let (sight, _) = try await sight(context)
            let query = try ControlQuery(
                request, known: ["outcome", "open", "cause", "from", "to", "limit", "cursor"])
            return try json(try await outcomes(query, sight))
        }
        router.get("v1/outcomes/open") { request, context in
            try await requireSee(context)
            try requireNoQuery(request)
            return try json(try await openOutcomes())
        }
        router.post("v1/outcomes/ack") { request, context in
            let rights = try await rights(context)
            guard rights.may(.act) else { throw denied(rights.caller, "act") }
            try requireNoQuery(request)
            let bytes = try await request.body.collect(upTo: Self.bodyMax)
            guard let order = try? ControlJSON.answer(OutcomeAckRequest.self, from: Array(bytes.readableBytesView))
            else { throw ControlError.badRequest("the body is not an acknowledgement of outcomes") }
            return try json(try await acknowledge(order, rights.caller))
        }
    }

    func sight(_ context: ControlContext) async throws -> (OutcomeSight, Caller) {
        let rights = try await rights(context)
        guard let sight = OutcomeSight(rights) else { throw denied(rights.caller, "see") }
        return (sight, rights.caller)
    }

    // MARK: The feed

    private func feed(_ query: ControlQuery, _ sight: OutcomeSight, _ caller: Caller) async throws -> OutcomesAnswer {
        let limit = try query.limit()
        let wait = try query.one("wait").map { text -> Milliseconds in
            guard let span = DurationText.parse(text), span <= Self.waitMax else {
                throw ControlError.badRequest("wait is a span such as 30s, at most 1m")
            }
            return span
        }
        let end = ContinuousClock.now + .milliseconds(Int64(wait?.count ?? 0))
        var head = try node.picture(of: []).outcomeHead
        let asked = try query.one("after")
        var order: UInt64 = 0
        var isGap = false
        switch asked {
        case nil: break
        case "now": order = head.order
        case let text?:
            guard let cursor = OutcomeCursor(text, uid: caller.uid) else {
                throw ControlError.badRequest("the cursor is not one that this node gave to this user")
            }
            // Of another life of this store it says nothing: the reader begins anew, and is told.
            isGap = cursor.epoch != head.epoch || cursor.order > head.order
            order = isGap ? 0 : cursor.order
        }
        while true {
            let from = order
            let found = try await node.read { rows in
                let first = rows.row(.outcomeChange, atOrAfter: RowKey()).map { $0.key.number(at: 0) }
                let page = Outcomes.changes(after: from, limit: limit, budget: Page.scanMax, rows) {
                    sight.may($0.about.sender, $0.about.recipient.text)
                }
                return (page: page, first: first ?? 0)
            }
            if from > 0, found.first > from + 1 { isGap = true }
            order = found.page.order
            head = try node.picture(of: []).outcomeHead
            // A node that stops keeps nobody waiting: the reader asks again with the same cursor.
            let isOver = ContinuousClock.now >= end || Task.isShuttingDownGracefully
            if !found.page.changes.isEmpty || isGap || order == from && isOver {
                var answer = OutcomesAnswer(
                    now: node.now.wall.timestamp, node: node.configuration.settings.node.name)
                answer.outcomes = found.page.changes.map(OutcomeLine.init)
                answer.cursor = OutcomeCursor(epoch: head.epoch, order: order, uid: caller.uid).text
                if isGap { answer.isGap = true }
                return answer
            }
            // There may be more behind rows that are not for this caller.
            if order == from { try await Task.sleep(for: Self.lookEvery) }
        }
    }

    // MARK: What stands

    private func outcomes(_ query: ControlQuery, _ sight: OutcomeSight) async throws -> OutcomesAnswer {
        let limit = try query.limit()
        let word = try query.one("outcome") ?? OutcomeChoice.undelivered.rawValue
        guard let choice = OutcomeChoice(rawValue: word) else {
            let words = OutcomeChoice.allCases.map(\.rawValue).joined(separator: ", ")
            throw ControlError.badRequest("outcome must be one of \(words)")
        }
        var scan = OutcomeScan(choice)
        scan.isOpenOnly = try query.one("open") == "true"
        scan.cause = try query.one("cause").map(Self.cause)
        scan.from = try query.one("from").map { try self.pattern($0, "from") }
        scan.to = try query.one("to").map { try self.pattern($0, "to") }
        let place = try query.one("cursor").map { text -> ScanPlace in
            guard let place = ScanPlace(text: text) else {
                throw ControlError.badRequest("the cursor is not one that this node gave")
            }
            return place
        }
        var answer = OutcomesAnswer(now: node.now.wall.timestamp, node: node.configuration.settings.node.name)
        let page = try await node.read { [scan] rows in
            scan.page(rows, from: place, limit: limit, budget: Page.scanMax) {
                sight.may($0.sender, $0.recipient.text)
            }
        }
        answer.outcomes = page.found.map(OutcomeLine.init)
        answer.cursor = page.place?.text
        answer.scanned = page.scanned
        return answer
    }

    private func openOutcomes() async throws -> OpenOutcomesAnswer {
        let head = try node.picture(of: []).outcomeHead
        let open = try await node.read { Outcomes.open($0) }
        return OpenOutcomesAnswer(
            now: node.now.wall.timestamp, node: node.configuration.settings.node.name,
            total: open.reduce(0) { $0 + $1.count },
            causes: open.map {
                .init(
                    cause: $0.cause.code, outcome: String(describing: $0.cause.state), reason: $0.cause.reason.word,
                    count: $0.count)
            }, upTo: head.order)
    }

    private static func cause(_ text: String) throws -> OutcomeCause {
        guard let cause = OutcomeCause(code: text) else {
            throw ControlError.badRequest("\(printable(text)) is not a cause; edocctl outcomes names them")
        }
        return cause
    }

    /// An agency that has left the directory may still be named.
    private func pattern(_ text: String, _ name: String) throws -> AgencyPattern {
        let isSubtree = text.hasSuffix(".*")
        let spelled = isSubtree ? String(text.dropLast(2)) : text
        guard let code = node.configuration.directory.canonical(spelled) ?? AgencyCode(spelled) else {
            throw ControlError.badRequest("\(name): \(printable(text)) is no agency code; write H29 or H29.*")
        }
        return isSubtree ? .subtree(code) : .agency(code)
    }

    // MARK: Acknowledging

    private func acknowledge(_ order: OutcomeAckRequest, _ caller: Caller) async throws -> OutcomeAckAnswer {
        let reason = try Self.reason(order.reason)
        guard reason.contains(where: { !$0.isWhitespace }) else {
            throw ControlError.badRequest("an acknowledgement of outcomes needs a reason")
        }
        let names = order.envelopes ?? []
        guard names.count <= OutcomeAcknowledgement.bundlesMax else {
            throw ControlError.badRequest("at most \(OutcomeAcknowledgement.bundlesMax) envelopes can be named at once")
        }
        var words = names.count > 3 ? ["\(names.count) envelopes"] : names
        words += (order.causes ?? []).map { "--cause \($0)" }
        words += [order.from.map { "--from \($0)" }, order.to.map { "--to \($0)" }].compactMap(\.self)
        var wish = OutcomeAcknowledgement(
            upTo: order.upTo, reason: reason, text: words.isEmpty ? "all that were open" : words.joined(separator: " "))
        wish.causes = Set(try (order.causes ?? []).map(Self.cause))
        wish.from = try order.from.map { try pattern($0, "from") }
        wish.to = try order.to.map { try pattern($0, "to") }
        if let cursor = order.cursor {
            guard let place = ScanPlace(text: cursor) else {
                throw ControlError.badRequest("the cursor is not one that this node gave")
            }
            wish.after = place.after
        }
        if !names.isEmpty {
            wish.bundles = try await node.read { rows in
                try names.map { try EnvelopeSearch.find($0, rows).resolved($0).0 }
            }
        }
        let caller = Operator(uid: caller.uid, login: printable(caller.text))
        switch try await node.operate(caller, .acknowledgeOutcomes(wish)) {
        case .acknowledged(let count, let next):
            return OutcomeAckAnswer(acknowledged: count, cursor: next.map { ScanPlace(leg: 0, after: $0).text })
        case .unknown(let sentence), .refused(let sentence): throw ControlError(status: .conflict, error: sentence)
        case .job, .draining, .verifying: trap("an acknowledgement was answered as something else")
        }
    }
}

/// Where a reader of the feed stands. It is the reader's own: a number that another one has read says nothing of what this one may see.
struct OutcomeCursor: Hashable {
    var epoch: UInt32
    var order: UInt64
    var uid: UInt32

    init(epoch: UInt32, order: UInt64, uid: UInt32) {
        self.epoch = epoch
        self.order = order
        self.uid = uid
    }

    /// Against typing errors and other users' cursors, not against forgers: those could read the whole feed anyway.
    private var check: UInt32 {
        var mixed = (UInt64(epoch) << 32 | UInt64(uid)) ^ (order &* 0x9e37_79b9_7f4a_7c15)
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        return UInt32(truncatingIfNeeded: mixed ^ (mixed >> 31))
    }

    var text: String {
        [UInt64(epoch), order, UInt64(check)].map { String($0, radix: 36) }.joined(separator: "-")
    }

    init?(_ text: String, uid: UInt32) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0, radix: 36) }
        guard parts.count == 3, let epoch = parts[0].flatMap(UInt32.init(exactly:)), let order = parts[1],
            let check = parts[2]
        else { return nil }
        self.init(epoch: epoch, order: order, uid: uid)
        guard UInt64(self.check) == check else { return nil }
    }
}

extension OutcomeLine {
    public init(_ known: KnownOutcome) {
        self.init(
            envelope: known.about.bundle.envelopeName, recipient: known.about.recipient.text,
            outcome: known.state.map { String(describing: $0) } ?? "waiting", time: known.time.timestamp,
            urgency: Int(known.about.urgency.rawValue), isOpen: known.isOpen)
        if known.reason != .none {
            reason = known.reason.word
            reasonCode = known.reason.rawValue
        }
        if known.reason == .renamed { outcome = "renamed" }
        resubmittedAs = known.successor?.envelopeName
        cause = known.reason == .renamed ? nil : known.state.flatMap { OutcomeCause($0, known.reason) }?.code
        reporter = known.reporter?.name
        sender = known.about.sender.isEmpty ? nil : known.about.sender
        documentID = known.about.documentID.isEmpty ? nil : known.about.documentID
    }
}
