// Jobs: deeds on sets of pairs, run a bounded number of pairs a turn, each batch in the transaction of its rows. A job is fixed as a
// preview (nothing is touched), runs when it is applied, goes on after a restart where its last batch was committed, and can be
// undone for a while if its verb can. Its head row is all that is needed to go on; in memory there are only the numbers of the jobs
// that have something to do.
//
// Failures: a job whose rows cannot be read ends as cancelled and says so; the pairs that it has not come to are not touched.

import RelayModel
import RelayRows

/// Which jobs have something to do.
struct JobBook {
    /// Running, being undone, or past their time for undoing: one batch a turn, in turns.
    var busy: [UInt64] = []
    /// When the time for undoing a job is over.
    var windows: [(time: RelayTime, job: UInt64)] = []
    /// Previews that wait to be applied, the oldest first.
    var previews: [UInt64] = []
    var next: UInt64 = 1
    /// The store is nearly full up to its last reserve; zero: it is not.
    var notBefore = RelayTime.zero

    mutating func load(_ rows: any RowReader) {
        next = max(1, rows.number(.meta, "nextJob"))
        for job in JobRow.newest(rows, limit: .max).reversed() {
            next = max(next, job.number + 1)
            switch job.phase {
            case .preview: previews.append(job.number)
            case .running, .undoing: busy.append(job.number)
            case .done, .cancelled, .undone:
                if job.undoUntil != .zero { windows.append((job.undoUntil, job.number)) }
            }
        }
    }
}

extension RelayCore {
    /// Pairs that one turn may change.
    static let pairsPerTurn = 256
    static let previewsMax = 32
    /// Heads of jobs that are kept to be looked at.
    static let jobsKept = 500
    static let previewTime = Milliseconds.hours(1)

    mutating func operated(_ operation: Operation, _ turn: inout Turn) {
        let answer: OperationAnswer
        switch operation.wish {
        case .preview(let draft): answer = .job(keep(draft, operation.caller, &turn))
        case .apply(let number, let verb):
            answer = mistake(number, verb, turn.rows) ?? apply(number, operation.caller, &turn)
        case .cancel(let number, let verb):
            answer = mistake(number, verb, turn.rows) ?? cancel(number, operation.caller, &turn)
        case .undo(let number, let verb):
            answer = mistake(number, verb, turn.rows) ?? undo(number, operation.caller, &turn)
        case .drain(let isOn, let reason): answer = setDrain(isOn, reason, operation.caller, &turn)
        case .acknowledgeOutcomes(let wish): answer = acknowledgeOutcomes(wish, operation.caller, &turn)
        case .verify(let rate, let reason): answer = beginVerifying(rate, reason, operation.caller, &turn)
        }
        noteRefusal(operation, answer, &turn)
        turn.effects.append(.answerOperation(ticket: operation.ticket, answer))
    }

    /// What an operator wanted and did not get stands in the operator log, too.
    private mutating func noteRefusal(_ operation: Operation, _ answer: OperationAnswer, _ turn: inout Turn) {
        let why: String
        switch answer {
        case .job, .draining, .acknowledged, .verifying: return
        case .unknown(let sentence), .refused(let sentence): why = sentence
        }
        func note(_ verb: String?, _ number: UInt64, _ said: DeedVerb?, _ turn: inout Turn) {
            let job = JobRow.read(number, turn.rows)
            let verb = verb ?? (said ?? job?.verb)?.word ?? "apply"
            let subject = job.map { verb == $0.verb.word ? $0.subject : $0.subjectWithVerb } ?? "job \(number)"
            noteDeed(
                Deed(operation.caller, verb, subject, reason: job?.reason ?? "", outcome: "refused: \(why)"), &turn)
        }
        switch operation.wish {
        case .preview, .acknowledgeOutcomes: break
        case .apply(let number, let said): note(nil, number, said, &turn)
        case .cancel(let number, let said): note("cancel", number, said, &turn)
        case .undo(let number, let said): note("undo", number, said, &turn)
        case .drain(let isOn, let reason):
            noteDeed(
                Deed(
                    operation.caller, isOn ? "drain" : "cancel drain", "node \(node.name)", reason: reason,
                    outcome: "refused: \(why)"), &turn)
        case .verify(_, let reason):
            noteDeed(
                Deed(operation.caller, "verify", "node \(node.name)", reason: reason, outcome: "refused: \(why)"), &turn
            )
        }
    }

    private mutating func keep(_ draft: JobDraft, _ caller: Operator, _ turn: inout Turn) -> JobRow {
        while jobs.previews.count >= Self.previewsMax {
            // Nobody's previews push out another's before that one's own are gone.
            let own = jobs.previews.first { JobRow.read($0, turn.rows)?.uid == caller.uid }
            drop(preview: own ?? jobs.previews[0], turn.rows)
        }
        var job = JobRow(
            number: jobs.next, verb: draft.verb, uid: caller.uid, login: caller.login, reason: draft.reason,
            created: draft.fixed)
        jobs.next += 1
        turn.rows.setNumber(.meta, "nextJob", jobs.next)
        job.selector = draft.selector.encoded()
        job.selectorText = draft.selectorText
        job.target = draft.target
        job.span = draft.span
        job.setting = draft.setting
        job.count = draft.count
        job.bytes = draft.bytes
        for (part, record) in draft.parts.enumerated() {
            turn.rows.put(.job, PairSet.key(job.number, part: UInt32(part)), record)
        }
        save(job, turn.rows)
        jobs.previews.append(job.number)
        return job
    }

    func save(_ job: JobRow, _ rows: any RowTransaction) { rows.put(.job, RowKey(job.number), job.encoded()) }

    mutating func drop(preview number: UInt64, _ rows: any RowTransaction) {
        jobs.previews.removeAll { $0 == number }
        removeParts(of: number, rows)
        rows.delete(.job, RowKey(number))
    }

    /// What is left of a job's set.
    private func removeParts(of number: UInt64, _ rows: any RowTransaction) {
        var keys: [RowKey] = []
        rows.scan(.job, prefix: RowKey(number)) { key, _ in
            if key.count > 8 { keys.append(RowKey(copying: key)) }
            return true
        }
        for key in keys { rows.delete(.job, key) }
    }

    // MARK: What an operator wants of a job

    private func missing(_ number: UInt64) -> OperationAnswer {
        .unknown(
            "there is no job \(number); a preview is kept for an hour, and no more than \(Self.previewsMax) of them; edocctl jobs lists what there is"
        )
    }

    /// A number that was mistyped must not do something else than the verb beside it says.
    private func mistake(_ number: UInt64, _ verb: DeedVerb?, _ rows: any RowReader) -> OperationAnswer? {
        guard let verb, let job = JobRow.read(number, rows), job.verb != verb else { return nil }
        return .refused("job \(number) is a \(job.verb.word), not a \(verb.word); nothing was done")
    }

    private mutating func apply(_ number: UInt64, _ caller: Operator, _ turn: inout Turn) -> OperationAnswer {
        guard var job = JobRow.read(number, turn.rows) else { return missing(number) }
        guard job.phase == .preview else {
            return .refused("job \(number) has been applied already: \(job.phase.word)")
        }
        guard turn.now.relay < job.created.relay + Self.previewTime else {
            drop(preview: number, turn.rows)
            return .refused("preview \(number) is older than an hour; look again before you apply it")
        }
        jobs.previews.removeAll { $0 == number }
        job.uid = caller.uid
        job.login = caller.login
        job.applied = turn.now.wall
        job.phase = .running
        if job.verb == .suspend || job.verb == .resume {
            if let problem = changeSuspension(&job, caller, &turn) {
                job.phase = .cancelled
                save(job, turn.rows)
                return .refused(problem)
            }
            job.phase = .done
            job.finished = turn.now.wall
        } else {
            jobs.busy.append(number)
        }
        noteDeed(
            Deed(
                caller, job.verb.word, job.subject, reason: job.reason, count: job.count, bytes: job.bytes,
                outcome: job.phase == .done ? "done" : "begun"), &turn)
        save(job, turn.rows)
        return .job(job)
    }

    private mutating func cancel(_ number: UInt64, _ caller: Operator, _ turn: inout Turn) -> OperationAnswer {
        guard var job = JobRow.read(number, turn.rows) else { return missing(number) }
        switch job.phase {
        case .preview:
            drop(preview: number, turn.rows)
            job.phase = .cancelled
            return .job(job)
        case .running:
            noteDeed(Deed(caller, "cancel", job.subjectWithVerb, count: job.done, bytes: job.doneBytes), &turn)
            finishJob(&job, .cancelled, &turn)
            return .job(job)
        default: return .refused("job \(number) is not running: \(job.phase.word)")
        }
    }

    private mutating func undo(_ number: UInt64, _ caller: Operator, _ turn: inout Turn) -> OperationAnswer {
        guard var job = JobRow.read(number, turn.rows) else { return missing(number) }
        guard job.verb.canBeUndone else { return .refused("\(job.verb.word) cannot be undone") }
        switch job.phase {
        case .preview: return .refused("job \(number) has not been applied")
        case .running: return .refused("job \(number) is running; cancel it first")
        case .undoing, .undone: return .refused("job \(number) is undone already")
        case .done, .cancelled: break
        }
        guard job.undoUntil > turn.now.relay else {
            return .refused("the time for undoing job \(number) is over, or it has changed nothing")
        }
        if job.verb == .suspend {
            if let problem = endSuspension(of: &job, &turn) { return .refused(problem) }
            job.phase = .undone
            job.undoUntil = .zero
        } else {
            job.phase = .undoing
            jobs.busy.append(number)
        }
        jobs.windows.removeAll { $0.job == number }
        job.undoneBy = (caller.uid, caller.login)
        noteDeed(
            Deed(
                caller, "undo", job.subjectWithVerb, count: job.done, bytes: job.doneBytes,
                outcome: job.phase == .undone ? "done" : "begun"), &turn)
        save(job, turn.rows)
        return .job(job)
    }

    // MARK: Running

    /// When the next thing is due: at once while a job has work.
    var jobsDeadline: RelayTime? {
        if !jobs.busy.isEmpty, let wait = recallWait, wait.tickets.contains(where: { dispatches[$0]?.recall == .asked })
        {
            return max(jobs.notBefore, wait.until)
        }
        if !jobs.busy.isEmpty { return jobs.notBefore }
        return jobs.windows.map(\.time).min()
    }

    /// One batch of one job.
    mutating func runJobs(_ turn: inout Turn) {
        for window in jobs.windows where window.time <= turn.now.relay { jobs.busy.append(window.job) }
        jobs.windows.removeAll { $0.time <= turn.now.relay }
        dropRecall(&turn)
        guard !jobs.busy.isEmpty, jobs.notBefore <= turn.now.relay else { return }
        // While the answers of links are waited for the links do not wait for jobs.
        guard hasRoomForJobs(&turn) else { return endRecall(&turn) }
        if isRecallOpen(turn.now.relay) { return }
        // One that has asked for its envelopes goes on, before they are chosen anew.
        let number = recallWait?.job ?? jobs.busy[0]
        jobs.busy.removeAll { $0 == number }
        guard var job = JobRow.read(number, turn.rows) else {
            turn.effects.append(
                .notice(
                    Notice(
                        .alarm, "the head of job \(number) cannot be read; it is left where it is", kind: .jobUnreadable
                    )))
            return
        }
        let isMore =
            switch job.phase {
            case .running: runBatch(&job, &turn)
            case .undoing: undoBatch(&job, &turn)
            default: closeBatch(&job, &turn)
            }
        if isMore {
            save(job, turn.rows)
            jobs.busy.append(number)
        }
    }

    /// Jobs write, too: they leave the last of the reserve to what empties the store.
    private mutating func hasRoomForJobs(_ turn: inout Turn) -> Bool {
        guard turn.room.freeBytes < turn.room.reserveBytes / 4 else {
            jobs.notBefore = .zero
            return true
        }
        if jobs.notBefore == .zero {
            turn.effects.append(
                .notice(Notice(.warning, "the store is full; operators' jobs wait for room", kind: .jobsWaiting)))
        }
        jobs.notBefore = turn.now.relay + .seconds(10)
        return false
    }

    /// Some pairs of the set; false when the job is over.
    private mutating func runBatch(_ job: inout JobRow, _ turn: inout Turn) -> Bool {
        let key = PairSet.key(job.number, part: job.part)
        guard let raw = turn.rows.value(.job, key) else {
            finishJob(&job, .done, &turn)
            return false
        }
        guard let pairs = PairSet.pairs(raw), let selector = Selector(record: job.selector),
            job.offset <= UInt64(pairs.count)
        else {
            turn.effects.append(
                .notice(
                    Notice(.alarm, "the set of job \(job.number) cannot be read; it ends here", kind: .jobUnreadable)))
            finishJob(&job, .cancelled, &turn)
            return false
        }
        let rest = Self.batch(of: pairs, from: Int(job.offset))
        if awaitsRecall(job, rest, &turn) { return true }
        closeRecalled()
        defer { endRecall(&turn) }
        var undo = UndoRow(time: turn.now.relay)
        let taken = perform(job: &job, selector, Array(rest), &undo, &turn)
        if !undo.entries.isEmpty {
            // Batches are named by how far the job was before them, which no other batch of it was.
            let order = UInt64(job.part) * UInt64(PairSet.partMax) + job.offset
            turn.rows.put(.undo, RowKey(job.number).adding(order), undo.encoded())
        }
        job.offset += UInt64(taken)
        if job.offset >= UInt64(pairs.count) {
            turn.rows.delete(.job, key)
            job.part += 1
            job.offset = 0
        }
        return true
    }

    /// The pairs for one turn. An envelope is not cut: what becomes of it is decided at once.
    private static func batch(of pairs: [PairName], from start: Int) -> ArraySlice<PairName> {
        var end = min(start + pairsPerTurn, pairs.count)
        while end > start, end < pairs.count, pairs[end].number == pairs[end - 1].number { end += 1 }
        return pairs[start..<end]
    }

    /// A job is over: done, or cancelled with what it has done so far.
    mutating func finishJob(_ job: inout JobRow, _ phase: JobPhase, _ turn: inout Turn, outcome: String? = nil) {
        job.phase = phase
        job.finished = turn.now.wall
        jobs.busy.removeAll { $0 == job.number }
        removeParts(of: job.number, turn.rows)
        if hasUndo(job.number, turn.rows) {
            job.undoUntil = turn.now.relay + limits.undoWindow
            jobs.windows.append((job.undoUntil, job.number))
        }
        save(job, turn.rows)
        let caller = Operator(uid: job.uid, login: job.login)
        noteDeed(
            Deed(
                caller, job.verb.word, job.subject, reason: job.reason, count: job.done, bytes: job.doneBytes,
                outcome: outcome
                    ?? "\(phase.word): \(job.done) of \(job.count), \(job.skippedCount) skipped, \(job.failed) failed"
                    + (job.ended > 0 ? ", \(job.ended) ended as expired" : "")), &turn)
        trimJobs(turn.rows)
    }

    private func hasUndo(_ number: UInt64, _ rows: any RowReader) -> Bool {
        let prefix = RowKey(number)
        return rows.row(.undo, atOrAfter: prefix).map { prefix.isPrefix(of: $0.key) } ?? false
    }

    /// The oldest heads go; never those that have something to do.
    private func trimJobs(_ rows: any RowTransaction) {
        guard rows.count(.job) > UInt64(Self.jobsKept) else { return }
        for job in JobRow.newest(rows, limit: .max).dropFirst(Self.jobsKept)
        where job.undoUntil == .zero && [.done, .cancelled, .undone].contains(job.phase) {
            rows.delete(.job, RowKey(job.number))
        }
    }

    /// Undoes one batch; false when all are undone.
    private mutating func undoBatch(_ job: inout JobRow, _ turn: inout Turn) -> Bool {
        guard let (key, undo) = nextUndo(job.number, turn.rows) else {
            job.phase = .undone
            job.undoUntil = .zero
            save(job, turn.rows)
            let caller = job.undoneBy ?? (job.uid, job.login)
            noteDeed(
                Deed(
                    Operator(uid: caller.uid, login: caller.login), "undo", job.subjectWithVerb, count: job.undone,
                    outcome: job.undoOutcome), &turn)
            return false
        }
        restore(&job, undo, &turn)
        turn.rows.delete(.undo, key)
        return true
    }

    /// The time for undoing is over: what was deleted ends, batch by batch.
    private mutating func closeBatch(_ job: inout JobRow, _ turn: inout Turn) -> Bool {
        // Where nothing is left to be done the rows only go, many at a time.
        for _ in 0..<(job.verb == .delete ? 1 : 64) {
            guard let (key, undo) = nextUndo(job.number, turn.rows) else {
                job.undoUntil = .zero
                save(job, turn.rows)
                noteDeleted(job, &turn)
                return false
            }
            if job.verb == .delete { endDeleted(&job, undo, &turn) }
            turn.rows.delete(.undo, key)
        }
        return true
    }

    /// Until now it could be undone; how much of it has ended is known now.
    private mutating func noteDeleted(_ job: JobRow, _ turn: inout Turn) {
        guard job.verb == .delete else { return }
        noteDeed(
            Deed(
                .itself, job.verb.word, job.subject, reason: "the time for undoing is over", count: job.ended,
                outcome: "done: \(job.ended) of \(job.done) deleted for good"), &turn)
    }

    /// The first batch that can be undone. One that cannot be read is set aside.
    private mutating func nextUndo(_ number: UInt64, _ rows: any RowTransaction) -> (RowKey, UndoRow)? {
        let prefix = RowKey(number)
        while let found = rows.row(.undo, atOrAfter: prefix), prefix.isPrefix(of: found.key) {
            let key = RowKey(copying: found.key)
            if let undo = UndoRow(record: found.value) { return (key, undo) }
            rows.put(.corrupt, RowKey(text: "undo").adding(number), [UInt8](found.value))
            rows.delete(.undo, key)
            ledger.count(.corruptRecord)
        }
        return nil
    }

    /// Deletions whose job or undo rows could not be read would wait for ever: when no job is left that could end them, they end by
    /// themselves, a bounded number at a time.
    mutating func endForgottenDeletions(_ turn: inout Turn) {
        let isForgotten =
            jobs.busy.isEmpty && jobs.windows.isEmpty
            && ledger.value(.state(.deleting, admin: false), turn.rows) > 0
        guard isForgotten else { return deletionSweep = ScanPlace() }
        var selector = Selector()
        selector.states = [.deleting]
        let context = SelectorContext(now: turn.now.relay)
        var scan = SelectorScan(selector, context, turn.rows, from: deletionSweep)
        var found: [(number: UInt64, indexes: [Int])] = []
        scan.run(turn.rows, context, budget: Self.pairsPerTurn) { row, indexes in
            found.append((row.number, indexes))
            return true
        }
        deletionSweep = scan.place ?? ScanPlace()
        for (number, indexes) in found {
            guard var row = envelope(number, &turn) else { continue }
            let over = indexes.filter { row.recipients[$0].since + limits.undoWindow <= turn.now.relay }
            if over.isEmpty { continue }
            for index in over {
                row.recipients[index].lastAnswer = "deleted by an operator; the job cannot be read any more"
                end(&row, index, .deleted, .transmissionCancelled, &turn)
            }
            settle(&row, &turn)
        }
    }

    /// Previews that nobody applied go after their time, with the housekeeping.
    mutating func dropPreviews(_ turn: inout Turn) {
        for number in jobs.previews {
            let isOld =
                JobRow.read(number, turn.rows).map { $0.created.relay + Self.previewTime <= turn.now.relay } ?? true
            if isOld { drop(preview: number, turn.rows) }
        }
    }
}

extension JobRow {
    /// For the operator log: which job, the selector in words, and what else the verb was given.
    var subject: String { "job \(number): " + meant }
    var subjectWithVerb: String { "job \(number), \(verb.word): " + meant }

    private var meant: String {
        if let target { return "\(selectorText) to \(target.name)" }
        switch setting {
        case .none: break
        case .urgency(let urgency): return "\(selectorText), urgency \(urgency.rawValue)"
        case .lifetime(let whole): return "\(selectorText), a lifetime of \(whole.typed)"
        case .longer(let more): return "\(selectorText), longer by \(more.typed)"
        }
        guard verb == .suspend else { return selectorText }
        return selectorText + (span == .zero ? ", until resumed" : ", for \(span.typed)")
    }

    fileprivate var undoOutcome: String {
        let left = leftHeld == 0 ? "" : ", \(leftHeld) held beyond their lifetime"
        return undone == 0 && leftHeld == 0
            ? "done: nothing was left to undo" : "done: \(undone) of \(done) undone\(left)"
    }
}

extension Milliseconds {
    /// As people type it: `2h`, `90m`; exact.
    fileprivate var typed: String {
        for (unit, letter) in [(Self.days(1), "d"), (.hours(1), "h"), (.minutes(1), "m"), (.seconds(1), "s")]
        where count > 0 && count % unit.count == 0 {
            return "\(count / unit.count)\(letter)"
        }
        return "\(count)ms"
    }
}
