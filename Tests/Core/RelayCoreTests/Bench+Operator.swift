// Bench, the operator: previews as the control interface makes them, jobs, and what came of them.

import RelayCore
import RelayModel
import RelayRouting
import RelayRows
import Testing

extension Bench {
    static let operatorsName = Operator(uid: 1_000, login: "lan")

    func operate(_ wish: Operation.Wish, by caller: Operator = operatorsName) -> OperationAnswer {
        let effects = event(
            .operated(Operation(ticket: ticket(), caller: caller, wish: wish)))
        for case .answerOperation(_, let answer) in effects { return answer }
        return .unknown("no answer came")
    }

    func operateEffects(_ wish: Operation.Wish) -> [Effect] {
        event(.operated(Operation(ticket: ticket(), caller: Self.operatorsName, wish: wish)))
    }

    /// Looks for a set by the index, some rows at a time, and has it kept; nil when nothing fits.
    func preview(
        _ verb: DeedVerb, _ change: (inout Selector) -> Void, via: String? = nil, span: Milliseconds = .zero,
        setting: DeedSetting = .none, reason: String = "a test"
    ) -> JobRow? {
        var selector = Selector()
        change(&selector)
        let pairs = verb == .suspend || verb == .resume ? [] : find(selector) { verb.applies(to: $0) }
        if pairs.isEmpty, verb != .suspend, verb != .resume { return nil }
        let draft = JobDraft(
            verb: verb, selector: selector, selectorText: "\(verb)", target: via.map { node($0) }, span: span,
            setting: setting, reason: reason, pairs: pairs, count: UInt64(pairs.count), bytes: 0, fixed: reading)
        guard case .job(let job) = operate(.preview(draft)) else { return nil }
        return job
    }

    var reading: ClockReading {
        ClockReading(relay: RelayTime(milliseconds: relay), wall: WallTime(milliseconds: wall))
    }

    func find(_ selector: Selector, _ applies: (RecipientState) -> Bool = { _ in true }) -> [PairName] {
        let context = engine.core.selectorContext(now: reading.relay, withActive: true)
        var pairs: Set<PairName> = []
        var place: ScanPlace? = ScanPlace()
        while let here = place {
            read { rows in
                // A cursor goes to the client and comes back as a text.
                var scan = SelectorScan(selector, context, rows, from: ScanPlace(text: here.text)!)
                scan.run(rows, context, budget: 3) { row, indexes in
                    for index in indexes where applies(row.recipients[index].state) {
                        let isNew = pairs.insert(PairName(number: row.number, index: UInt32(index))).inserted
                        #expect(isNew, "a pair was found twice")
                    }
                    return true
                }
                place = scan.place
            }
        }
        return pairs.sorted()
    }

    func job(_ number: UInt64) -> JobRow? { read { JobRow.read(number, $0) } }

    /// Preview and apply, to the end.
    @discardableResult
    func deed(
        _ verb: DeedVerb, via: String? = nil, span: Milliseconds = .zero, setting: DeedSetting = .none,
        givingBack: Set<UInt64> = [],
        _ change: (inout Selector) -> Void
    ) -> JobRow? {
        guard let job = preview(verb, change, via: via, span: span, setting: setting) else { return nil }
        guard case .job = operate(.apply(job.number)) else { return nil }
        finishJobs(givingBack: givingBack)
        return self.job(job.number)
    }

    /// Turns without anything new, while a job has work.
    /// `givingBack`: envelopes that links are asked for and have not begun.
    func finishJobs(givingBack: Set<UInt64> = []) {
        for _ in 0..<10_000 {
            answerRecalls(givingBack: givingBack)
            guard read({ engine.core.nextDeadline($0) }) == .zero else { return }
            run([])
        }
        Issue.record("a job does not end")
    }

    /// What operators have done, the oldest first.
    var operatorLog: [AuditRow] {
        read { rows in
            var entries: [AuditRow] = []
            rows.scan(.audit, prefix: RowKey()) { _, value in
                if let entry = AuditRow(record: value) { entries.append(entry) }
                return true
            }
            return entries
        }
    }

    func balance(_ admin: Bool = false) -> (accepted: UInt64, states: UInt64) {
        (
            counter(.acceptedSubmitted(admin: admin)) + counter(.acceptedTaken(admin: admin)),
            RecipientState.allCases.reduce(0) { $0 + counter(.state($1, admin: admin)) }
        )
    }

    /// The store as it is becomes a copy that was brought back, and the daemon starts on it.
    func bringBack() {
        var mark = RestorationRow(
            uid: 1_000, login: "lan", reason: "đĩa hỏng", source: "/backup/tam.mdb",
            copied: WallTime(milliseconds: wall))
        mark.follow(read { RestorationRow.read($0) })
        _ = store.batch { $0.put(.meta, RestorationRow.key, mark.encoded()) }
        restart()
    }
}
