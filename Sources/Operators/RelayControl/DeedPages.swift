// DeedPages: previews of deeds, jobs, suspensions and draining. A preview looks for its set on snapshots, a bounded number of rows
// each, off the engine's thread; the engine only keeps the set, and runs it. Whoever acts needs the right to, and is logged; the
// operator log is the core's.

import ControlAPI
import Hummingbird
import RelayConfiguration
import RelayCore
import RelayModel
import RelayRows
import Trap

extension ControlServer {
    /// The longest body of a deed.
    private static var bodyBytesMax: Int { 256 << 10 }
    private static var reasonBytesMax: Int { 1_000 }

    func addDeeds(to router: Router<ControlContext>) {
        router.post("v1/deeds/preview") { request, context in
            let caller = try await requireAct(context)
            try requireNoQuery(request)
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
        router.get("v1/jobs/{id}") { request, context in
            try await requireSee(context)
            try requireNoQuery(request)
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
        router.get("v1/suspensions") { request, context in
            try await requireSee(context)
            try requireNoQuery(request)
            return try json(try await suspensions())
        }
        router.get("v1/drain") { request, context in
            try await requireSee(context)
            try requireNoQuery(request)
            return try json(try await drainAnswer())
        }
        router.post("v1/drain") { request, context in
            let caller = try await requireAct(context)
            let query = try ControlQuery(request, known: ["reason"])
            try await drain(true, try Self.reason(try query.one("reason")), caller)
            return try json(try await drainAnswer())
        }
        router.post("v1/drain/cancel") { request, context in
            let caller = try await requireAct(context)
            try requireNoQuery(request)
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
        let found = try await pairs(plan, selector, fixed)
        if found.ends > 0, plan.reason.allSatisfy(\.isWhitespace) {
            throw ControlError.badRequest(
                "release ends what has outlived its lifetime, and some of these have: give a reason, for the operator log"
            )
        }
        var answer = PreviewAnswer(
            now: fixed.wall.timestamp, job: nil, verb: plan.verb.word, count: found.count, bytes: found.bytes,
            lines: found.lines, passedOver: found.passedOver, scanned: found.scanned)
        if plan.verb == .release { answer.ends = found.ends }
        if found.onLinks > 0 { answer.onLinks = found.onLinks }
        if plan.verb == .suspend, let subject = selector.suspensionSubject {
            answer.replaces = try await node.read { rows in
                rows.value(.suspension, subject.key).flatMap { SuspensionRow(record: $0) }
            }.map { .init($0, fixed) }
        }
        if let subject = selector.suspensionSubject {
            if plan.verb == .suspend { answer.atHome = try Self.atHome(subject, configuration) }
            if plan.verb == .resume {
                let others = try await node.read { SuspensionRow.all($0) }.filter {
                    $0.subject != subject && $0.subject.overlaps(subject)
                }
                answer.stillSuspended = others.map { .init($0, fixed) }
            }
        }
        // A suspension is for what comes, too.
        guard found.count > 0 || plan.isSuspension else { return answer }
        let draft = JobDraft(
            verb: plan.verb, selector: selector, selectorText: printable(asked.selector.text), target: plan.target,
            span: plan.span, setting: plan.setting,
            reason: plan.reason, pairs: plan.isSuspension ? [] : found.pairs, count: found.count, bytes: found.bytes,
            fixed: fixed)
        let job = try await job(caller, .preview(draft))
        answer.job = Job(job, fixed)
        return answer
    }

    /// Agencies of a subject that are at home here: they get their documents as ever. To suspend nothing else is refused.
    private static func atHome(_ subject: SuspensionSubject, _ configuration: Configuration) throws -> [String]? {
        let here = configuration.settings.node
        let codes = configuration.directory.codes.filter { subject.covers(agency: $0.text) }
        let home = codes.filter { configuration.directory.home(of: $0) == here }.map(\.text).sorted()
        if home.isEmpty { return nil }
        guard home.count < codes.count else {
            throw ControlError.badRequest(
                "\(subject.text) is at home here and gets its documents as ever: there is nothing to suspend")
        }
        return home
    }

    /// Looks for the set, some rows a snapshot, and asks of each pair what the job will ask.
    private func pairs(_ plan: DeedPlan, _ selector: Selector, _ fixed: ClockReading) async throws -> FoundPairs {
        let node = node
        let context = try node.picture(of: []).selectorContext(now: fixed.relay)
        // What is on a link looks like waiting to a snapshot; which it is is said by the picture afterwards.
        var wide = selector
        if wide.states.contains(.active) { wide.states.formUnion([.waiting, .deferred, .incoming]) }
        var found = FoundPairs()
        var place: ScanPlace? = ScanPlace()
        while let here = place, !found.isFull {
            let (some, next) = try await node.read { [wide] rows in
                let deed = DeedCase(
                    verb: plan.verb, target: plan.target, setting: plan.setting, selector: selector,
                    fixed: fixed.relay,
                    restoration: plan.minds ? RestorationRow.read(rows) : nil, isPreview: true)
                var scan = SelectorScan(wide, context, rows, from: here)
                var envelopes: [(row: EnvelopeRow, indexes: [Int])] = []
                scan.run(rows, context, budget: Page.scanMax) { row, indexes in
                    envelopes.append((row, indexes))
                    return true
                }
                var some = FoundPairs()
                some.scanned = scan.scanned
                // The engine waits for who takes a picture: a bounded number at a time.
                for start in stride(from: 0, to: envelopes.count, by: 1_000) {
                    let portion = envelopes[start..<min(start + 1_000, envelopes.count)]
                    let picture = try node.picture(of: portion.map(\.row.number))
                    let context = picture.selectorContext(now: fixed.relay)
                    for (row, indexes) in portion { some.add(row, indexes, deed, picture, context) }
                }
                return (some, scan.place)
            }
            found.add(some)
            place = next
        }
        found.settle()
        guard !found.isFull else {
            throw ControlError.badRequest(
                "more than \(JobDraft.pairsMax) recipients fit; narrow the selector and do it in parts")
        }
        return found
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
        case .draining, .acknowledged, .verifying: trap("a job was answered as something else")
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
            suspensions: rows.map { .init($0, now) })
    }

    private func drain(_ isOn: Bool, _ reason: String, _ caller: Caller) async throws {
        let caller = Operator(uid: caller.uid, login: printable(caller.text))
        switch try await node.operate(caller, .drain(isOn, reason: reason)) {
        case .draining: return
        case .unknown(let sentence), .refused(let sentence): throw ControlError(status: .conflict, error: sentence)
        case .job, .acknowledged, .verifying: trap("a drain was answered as something else")
        }
    }

    private func drainAnswer() async throws -> DrainAnswer {
        let now = node.now
        return try await node.read { rows in
            // What the daemon itself waits for; a report that is in no record yet is one.
            var left = rows.count(.outgoingReport)
            for admin in [false, true] {
                for state in [RecipientState.waiting, .deferred, .deleting, .handing] {
                    left += rows.number(.counter, CounterKey.state(state, admin: admin).name)
                }
            }
            let drain = DrainRow.read(rows)
            let unreadable = rows.number(.counter, CounterKey.state(.corrupt, admin: false).name)
            var answer = DrainAnswer(now: now.wall.timestamp, isDraining: drain != nil, left: left)
            if unreadable > 0 { answer.unreadable = unreadable }
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
private struct DeedPlan: Sendable {
    var verb: DeedVerb
    var target: NodeID?
    var span = Milliseconds.zero
    var reason: String
    var setting = DeedSetting.none
    var isSuspension: Bool { verb == .suspend || verb == .resume }
    /// What a restored store holds is not for every deed.
    var minds: Bool { verb == .release || verb == .resubmit || verb.isSetting }

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
        setting = try Self.setting(asked, verb, configuration.settings.limits.lifetimeMax)
    }

    private static func setting(_ asked: DeedRequest, _ verb: DeedVerb, _ lifetimeMax: Milliseconds) throws
        -> DeedSetting
    {
        guard verb == .urgency || asked.urgency == nil else {
            throw ControlError.badRequest("only the verb urgency sets an urgency")
        }
        guard verb == .lifetime || asked.lifetime == nil && asked.longerBy == nil else {
            throw ControlError.badRequest("only the verb lifetime sets a lifetime")
        }
        if verb == .urgency {
            guard let urgency = asked.urgency.flatMap({ UInt8(exactly: $0) }).flatMap(Urgency.init) else {
                throw ControlError.badRequest("the urgency to set is a number from 0 to 4")
            }
            return .urgency(urgency)
        }
        guard verb == .lifetime else { return .none }
        guard (asked.lifetime == nil) != (asked.longerBy == nil), let text = asked.lifetime ?? asked.longerBy,
            let span = DurationText.parse(text), span > .zero
        else {
            throw ControlError.badRequest("say the whole lifetime, or by how much it is to be longer, such as 60d")
        }
        guard span <= lifetimeMax else {
            throw ControlError(
                status: .conflict, error: "a lifetime is at most \(lifetimeMax.text) (limits.lifetime_max)",
                code: "lifetimeMax")
        }
        return asked.lifetime == nil ? .longer(span) : .lifetime(span)
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
        leftHeld = row.leftHeld
        ended = row.ended
        spanSeconds = row.span == .zero ? nil : row.span.count / 1_000
        switch row.setting {
        case .none: break
        case .urgency(let degree): urgency = Int(degree.rawValue)
        case .lifetime(let whole): lifetimeSeconds = whole.count / 1_000
        case .longer(let more): longerBySeconds = more.count / 1_000
        }
        applied = row.applied.milliseconds == 0 ? nil : row.applied.timestamp
        finished = row.finished.milliseconds == 0 ? nil : row.finished.timestamp
        if row.phase == .done || row.phase == .cancelled, row.undoUntil > now.relay {
            undoUntil = now.timestamp(row.undoUntil)
        }
    }
}

extension SuspensionsAnswer.Suspension {
    fileprivate init(_ row: SuspensionRow, _ now: ClockReading) {
        self.init(
            subject: row.subject.text, since: row.since.wall.timestamp, until: now.timestamp(row.until),
            uid: row.uid, login: row.login, reason: row.reason, job: row.job)
    }
}
