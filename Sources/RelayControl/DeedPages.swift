// DeedPages: previews of deeds, jobs, suspensions and draining. A preview looks for its set on snapshots, a bounded number of rows
// each, off the engine's thread; the engine only keeps the set, and runs it. Whoever acts needs the right to, and is logged; the
// operator log is the core's.

import ControlAPI
import Hummingbird
import RelayConfiguration
import RelayCore
import RelayModel
import RelayRows

extension ControlServer {
    /// The longest body of a deed.
    private static var bodyBytesMax: Int { 256 << 10 }
    private static var reasonBytesMax: Int { 1_000 }

    func addDeeds(to router: Router<ControlContext>) {
        router.post("v1/deeds/preview") { request, context in
            let caller = try await requireAct(context)
            let asked: DeedRequest = try await body(request)
            return try json(try await preview(try DeedPlan(asked, node.configuration), asked, caller))
        }
        router.post("v1/deeds/{id}/apply") { request, context in
            try json(try await operate(request, context) { .apply($0, as: $1) })
        }
        router.get("v1/jobs") { request, context in
            try await requireSee(context)
            return try json(try await jobs(try ControlQuery(request, known: ["limit", "cursor"])))
        }
        router.get("v1/jobs/{id}") { _, context in
            try await requireSee(context)
            let number = try Self.number(try context.text("id"))
            let now = node.now
            guard let job = try await node.read({ JobRow.read(number, $0) }) else {
                throw ControlError.notFound("there is no job \(number); edocctl jobs lists them")
            }
            return try json(JobAnswer(now: now.wall.timestamp, job: Job(job, now)))
        }
        router.post("v1/jobs/{id}/cancel") { request, context in
            try json(try await operate(request, context) { .cancel($0, as: $1) })
        }
        router.post("v1/jobs/{id}/undo") { request, context in
            try json(try await operate(request, context) { .undo($0, as: $1) })
        }
        router.get("v1/suspensions") { _, context in
            try await requireSee(context)
            return try json(try await suspensions())
        }
        router.get("v1/drain") { _, context in
            try await requireSee(context)
            return try json(try await drainAnswer())
        }
        router.post("v1/drain") { request, context in
            let caller = try await requireAct(context)
            let query = try ControlQuery(request, known: ["reason"])
            try await drain(true, try Self.reason(try query.one("reason")), caller)
            return try json(try await drainAnswer())
        }
        router.post("v1/drain/cancel") { _, context in
            let caller = try await requireAct(context)
            try await drain(false, "", caller)
            return try json(try await drainAnswer())
        }
    }

    /// Lets through who may act.
    func requireAct(_ context: ControlContext) async throws -> Caller {
        let rights = try await rights(context)
        guard rights.may(.act) else { throw denied(rights.caller, "act") }
        return rights.caller
    }

    private func body<Value: Decodable>(_ request: Request) async throws -> Value {
        do {
            let bytes = try await request.body.collect(upTo: Self.bodyBytesMax)
            return try ControlJSON.answer(Value.self, from: Array(bytes.readableBytesView))
        } catch let DecodingError.dataCorrupted(context) {
            throw ControlError.badRequest("the body is not a deed: \(printable(context.debugDescription))")
        } catch {
            throw ControlError.badRequest(
                #"the body must be {"verb": "hold", "selector": {…}}, of at most 256 KiB; docs/control.md lists the fields"#
            )
        }
    }

    private static func number(_ text: String) throws -> UInt64 {
        guard let number = UInt64(text) else {
            throw ControlError.badRequest("\(printable(text)) is no job's number; edocctl jobs lists them")
        }
        return number
    }

    static func reason(_ text: String?) throws -> String {
        let text = text ?? ""
        guard text.utf8.count <= reasonBytesMax else {
            throw ControlError.badRequest("the reason is longer than \(reasonBytesMax) bytes")
        }
        return printable(text)
    }

    // MARK: Preview

    private func preview(_ plan: DeedPlan, _ asked: DeedRequest, _ caller: Caller) async throws -> PreviewAnswer {
        let configuration = node.configuration
        let selector = try await node.read { try Selector(asked.selector, configuration, $0) }
        if plan.isSuspension, selector.suspensionSubject == nil {
            throw ControlError.badRequest(
                "\(plan.verb.word) takes a peer or a receiving agency, and no other condition")
        }
        if plan.verb == .resume, let subject = selector.suspensionSubject {
            let isSuspended = try await node.read { $0.value(.suspension, subject.key) != nil }
            guard isSuspended else {
                throw ControlError.notFound("\(subject.text) is not suspended; edocctl suspensions lists what is")
            }
        }
        let fixed = node.now
        let context = try node.picture(of: []).selectorContext(now: fixed.relay)
        let home = configuration.settings.node.endpoint
        var found = FoundPairs(verb: plan.verb, home: home, now: fixed, keepsPairs: !plan.isSuspension)
        var place: ScanPlace? = ScanPlace()
        while let here = place {
            let (some, next) = try await node.read { rows in
                var some = FoundPairs(verb: plan.verb, home: home, now: fixed, keepsPairs: !plan.isSuspension)
                if plan.verb == .release { some.restored = RestorationRow.read(rows) }
                var scan = SelectorScan(selector, context, rows, from: here)
                scan.run(rows, context, budget: Page.scanMax) { row, indexes in
                    some.add(row, indexes, context)
                    return true
                }
                some.scanned = scan.scanned
                return (some, scan.place)
            }
            found.add(some)
            place = found.isFull ? nil : next
        }
        guard !found.isFull else {
            throw ControlError.badRequest(
                "more than \(JobDraft.pairsMax) recipients fit; narrow the selector and do it in parts")
        }
        if found.endsSome, plan.reason.allSatisfy(\.isWhitespace) {
            throw ControlError.badRequest(
                "release ends what has outlived its lifetime, and some of these have: give a reason, for the operator log"
            )
        }
        let pairs = found.sorted
        var answer = PreviewAnswer(
            now: fixed.wall.timestamp, job: nil, verb: plan.verb.word, count: found.count, bytes: found.bytes,
            lines: found.lines, passedOver: found.passedOver, scanned: found.scanned)
        // A suspension is for what comes, too.
        guard found.count > 0 || plan.isSuspension else { return answer }
        let draft = JobDraft(
            verb: plan.verb, selector: selector, selectorText: printable(asked.selector.text), target: plan.target,
            span: plan.span,
            reason: plan.reason, pairs: pairs, count: found.count, bytes: found.bytes, fixed: fixed)
        let job = try await job(caller, .preview(draft))
        answer.job = Job(job, fixed)
        return answer
    }

    // MARK: Jobs

    private func operate(
        _ request: Request, _ context: ControlContext, _ wish: (UInt64, DeedVerb?) -> Operation.Wish
    ) async throws -> JobAnswer {
        let caller = try await requireAct(context)
        let number = try Self.number(try context.text("id"))
        let verb = try ControlQuery(request, known: ["verb"]).one("verb").map(DeedVerb.init(asked:))
        let job = try await job(caller, wish(number, verb))
        let now = node.now
        return JobAnswer(now: now.wall.timestamp, job: Job(job, now))
    }

    private func job(_ caller: Caller, _ wish: Operation.Wish) async throws -> JobRow {
        switch try await node.operate(Operator(uid: caller.uid, login: printable(caller.text)), wish) {
        case .job(let job): return job
        case .unknown(let sentence): throw ControlError.notFound(sentence)
        case .refused(let sentence): throw ControlError(status: .conflict, error: sentence)
        case .draining: preconditionFailure("a job was answered as a drain")
        }
    }

    private func jobs(_ query: ControlQuery) async throws -> JobsAnswer {
        let limit = try query.limit()
        let before = try query.number("cursor", in: 0...UInt64.max) ?? .max
        let now = node.now
        let jobs = try await node.read { JobRow.newest($0, before: before, limit: limit) }
        let cursor = jobs.count == limit ? jobs.last.map { String($0.number) } : nil
        return JobsAnswer(now: now.wall.timestamp, jobs: jobs.map { Job($0, now) }, cursor: cursor)
    }

    // MARK: Suspensions and draining

    private func suspensions() async throws -> SuspensionsAnswer {
        let now = node.now
        let rows = try await node.read { SuspensionRow.all($0) }
        return SuspensionsAnswer(
            now: now.wall.timestamp,
            suspensions: rows.map {
                .init(
                    subject: $0.subject.text, since: $0.since.wall.timestamp, until: now.timestamp($0.until),
                    uid: $0.uid, login: $0.login, reason: $0.reason, job: $0.job)
            })
    }

    private func drain(_ isOn: Bool, _ reason: String, _ caller: Caller) async throws {
        let caller = Operator(uid: caller.uid, login: printable(caller.text))
        switch try await node.operate(caller, .drain(isOn, reason: reason)) {
        case .draining: return
        case .unknown(let sentence), .refused(let sentence): throw ControlError(status: .conflict, error: sentence)
        case .job: preconditionFailure("a drain was answered as a job")
        }
    }

    private func drainAnswer() async throws -> DrainAnswer {
        let now = node.now
        return try await node.read { rows in
            var left: UInt64 = 0
            for admin in [false, true] {
                for state in [RecipientState.waiting, .deferred, .deleting] {
                    left += rows.number(.counter, CounterKey.state(state, admin: admin).name)
                }
            }
            let drain = DrainRow.read(rows)
            var answer = DrainAnswer(now: now.wall.timestamp, isDraining: drain != nil, left: left)
            answer.since = drain?.since.timestamp
            answer.login = drain?.login
            answer.reason = drain?.reason
            return answer
        }
    }
}

extension DeedVerb {
    fileprivate init(asked word: String) throws {
        guard let verb = DeedVerb(word: word) else {
            let words = DeedVerb.allCases.map(\.word).joined(separator: ", ")
            throw ControlError.badRequest("verb must be one of \(words)")
        }
        self = verb
    }
}

/// A deed as asked for, understood.
private struct DeedPlan {
    var verb: DeedVerb
    var target: NodeID?
    var span = Milliseconds.zero
    var reason: String
    var isSuspension: Bool { verb == .suspend || verb == .resume }

    init(_ asked: DeedRequest, _ configuration: Configuration) throws {
        verb = try DeedVerb(asked: asked.verb)
        let text = asked.reason ?? ""
        guard text.utf8.count <= 1_000 else { throw ControlError.badRequest("the reason is longer than 1000 bytes") }
        // It goes into logs and onto terminals.
        reason = printable(text)
        if asked.selector.isEmpty {
            throw ControlError.badRequest(
                "say which envelopes are meant; all that waits are those of state waiting or deferred")
        }
        // What is resubmitted ends under its old name, and cannot be taken back.
        if verb.needsReason || verb == .resubmit, text.allSatisfy(\.isWhitespace) {
            throw ControlError.badRequest("\(verb.word) needs a reason: it stands in the operator log")
        }
        if verb == .reroute {
            guard let to = asked.to, let node = NodeID(shortName: to) ?? NodeID(text: to) else {
                throw ControlError.badRequest("reroute needs a peer to go to; edocctl peers lists them")
            }
            guard configuration.settings.peers.contains(where: { $0.node == node }) else {
                throw ControlError.notFound("no peer \(printable(to)) is known here; edocctl peers lists them")
            }
            target = node
        } else if asked.to != nil {
            throw ControlError.badRequest("only reroute has a peer to go to")
        }
        if let span = asked.span {
            guard verb == .suspend else { throw ControlError.badRequest("only suspend lasts for a span") }
            guard let parsed = DurationText.parse(span), parsed > .zero, parsed <= .days(366) else {
                throw ControlError.badRequest("the span of a suspension is such as 30m, 2h or 3d, at most 366d")
            }
            self.span = parsed
        }
    }
}

/// What a preview has found so far.
private struct FoundPairs: Sendable {
    private static let linesMax = 20
    let verb: DeedVerb
    /// The source of what is handed in at this node.
    let home: EndpointID
    let now: ClockReading
    let keepsPairs: Bool
    /// A release that ends what has outlived its lifetime.
    var endsSome = false
    /// What the restore holds is let go by a release of its own.
    var restored: RestorationRow?
    /// Number and index of each pair; a recipient's index takes ten bits.
    private var packed: [UInt64] = []
    var count: UInt64 = 0
    var bytes: UInt64 = 0
    var lines: [PreviewAnswer.Line] = []
    var passedOver: [String: UInt64] = [:]
    var scanned: UInt64 = 0

    init(verb: DeedVerb, home: EndpointID, now: ClockReading, keepsPairs: Bool) {
        self.verb = verb
        self.home = home
        self.now = now
        self.keepsPairs = keepsPairs
    }

    var isFull: Bool { packed.count > JobDraft.pairsMax }

    mutating func add(_ row: EnvelopeRow, _ indexes: [Int], _ context: SelectorContext) {
        for index in indexes {
            let state = context.state(row, index)
            if verb.isEnd, row.kind == .administrative {
                passedOver["record", default: 0] += 1
                continue
            }
            guard row.isComplete, verb.applies(to: row.recipients[index].state), index < 1 << 16, row.number < 1 << 48,
                verb != .resubmit || state == .heldExpired
            else {
                passedOver[state.rawValue, default: 0] += 1
                continue
            }
            if verb == .resubmit, row.kind != .document || row.origin != nil || row.bundle.source != home {
                passedOver[SkipCause.notAtHome.word, default: 0] += 1
                continue
            }
            let recipient = row.recipients[index]
            if verb == .release {
                if restored?.holds(recipient, of: row.number) ?? false {
                    passedOver[SkipCause.restored.word, default: 0] += 1
                    continue
                }
                if state == .heldExpired || state == .corrupt && row.expiry <= now.relay && !recipient.hasArrived {
                    endsSome = true
                }
            }
            count += 1
            bytes = bytes.addingSaturating(row.payloadLength)
            if keepsPairs { packed.append(row.number << 16 | UInt64(index)) }
            guard lines.count < Self.linesMax else { continue }
            lines.append(
                .init(
                    name: row.bundle.envelopeName, number: row.number, recipient: recipient.name,
                    state: state.rawValue, urgency: Int(row.urgency.rawValue), bytes: row.payloadLength,
                    accepted: row.arrivalWall.timestamp))
        }
    }

    mutating func add(_ other: FoundPairs) {
        packed += other.packed
        count += other.count
        bytes = bytes.addingSaturating(other.bytes)
        lines += other.lines.prefix(Self.linesMax - lines.count)
        passedOver.merge(other.passedOver, uniquingKeysWith: +)
        scanned += other.scanned
        endsSome = endsSome || other.endsSome
    }

    /// Ascending. One that was tried while it was looked for may have been found twice.
    var sorted: [PairName] {
        mutating get {
            packed.sort()
            var pairs: [PairName] = []
            pairs.reserveCapacity(packed.count)
            for pair in packed {
                let name = PairName(number: pair >> 16, index: UInt32(pair & 0xffff))
                if pairs.last != name { pairs.append(name) }
            }
            if keepsPairs { count = UInt64(pairs.count) }
            return pairs
        }
    }
}

extension Job {
    init(_ row: JobRow, _ now: ClockReading) {
        var skippedBy: [String: UInt64] = [:]
        for (cause, count) in row.skipped {
            skippedBy[SkipCause(rawValue: cause)?.word ?? "other", default: 0] += count
        }
        self.init(
            id: row.number, verb: row.verb.word, phase: row.phase.word, selector: row.selectorText, reason: row.reason,
            uid: row.uid, login: row.login, created: row.created.wall.timestamp, count: row.count, bytes: row.bytes,
            done: row.done, doneBytes: row.doneBytes, skippedBy: skippedBy, failed: row.failed, undone: row.undone)
        target = row.target?.name
        spanSeconds = row.span == .zero ? nil : row.span.count / 1_000
        applied = row.applied.milliseconds == 0 ? nil : row.applied.timestamp
        finished = row.finished.milliseconds == 0 ? nil : row.finished.timestamp
        if row.phase == .done || row.phase == .cancelled, row.undoUntil > now.relay {
            undoUntil = now.timestamp(row.undoUntil)
        }
    }
}
