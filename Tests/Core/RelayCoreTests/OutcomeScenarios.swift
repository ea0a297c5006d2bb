// What becomes of each document that is handed in here, for each recipient: it is known from the acceptance on, changes with what is
// heard, is told when it is bad, and stays open until an operator has seen it.

import RelayCore
import RelayModel
import RelayRouting
import RelayRows
import Testing

@Suite struct OutcomeScenarios {
    private func say(
        _ bench: Bench, _ reporter: String, _ bundle: BundleID, _ recipient: String, _ state: ReportedState,
        _ reason: ReportReason = .none, time: UInt64? = nil
    ) -> [Effect] {
        if bench.sessions[node(reporter)] == nil { bench.connect(reporter) }
        let line = ReportRow(
            bundle: bundle, recipient: agency(recipient), state: state,
            time: WallTime(milliseconds: time ?? bench.wall),
            reason: reason, path: bench.path("tam", reporter))
        return bench.event(
            .reported(
                ticket: bench.ticket(), session: bench.sessions[node(reporter)]!, reporter: node(reporter),
                bundle: bench.bundle(of: reporter), rows: [line]))
    }

    private func outcome(_ bench: Bench, _ bundle: BundleID, _ recipient: String) -> ReportedState?? {
        bench.read { Outcomes.state(bundle, agency(recipient), $0) }
    }

    private func open(_ bench: Bench) -> [String: UInt64] {
        bench.read { rows in
            Dictionary(uniqueKeysWithValues: Outcomes.open(rows).map { ($0.cause.code, $0.count) })
        }
    }

    private func list(_ bench: Bench, _ choice: OutcomeChoice) -> [String] {
        var found: [String] = []
        var place: ScanPlace? = ScanPlace()
        while let here = place {
            let page = bench.read { OutcomeScan(choice).page($0, from: here, limit: 2, budget: 3) { _ in true } }
            found += page.found.map(\.about.recipient.text)
            place = page.place
        }
        return found
    }

    private func acknowledge(
        _ bench: Bench, _ change: (inout OutcomeAcknowledgement) -> Void = { _ in }
    ) -> UInt64 {
        var wish = OutcomeAcknowledgement(
            upTo: bench.engine.core.outcomeHead.order, reason: "told the sender", text: "a test")
        change(&wish)
        guard case .acknowledged(let count, nil) = bench.operate(.acknowledgeOutcomes(wish)) else { return .max }
        return count
    }

    /// From the acceptance on; what is delivered leaves the list of what is not.
    @Test(arguments: [false, true]) func everyPairHasItsOutcome(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("binh")
        let bundle = bench.submit(["B1", "C1", "T2"])!.accepted!
        #expect(outcome(bench, bundle, "B1") == .some(nil))
        #expect(outcome(bench, bundle, "T2") == .some(.arrived))
        #expect(outcome(bench, bundle, "B2") == .none, "it was not a recipient")
        #expect(Set(list(bench, .undelivered)) == ["B1", "C1", "T2"])
        bench.breathe()
        _ = say(bench, "binh", bundle, "B1", .arrived)
        #expect(outcome(bench, bundle, "B1") == .some(.arrived))
        bench.breathe()
        _ = say(bench, "binh", bundle, "B1", .delivered)
        #expect(outcome(bench, bundle, "B1") == .some(.delivered))
        #expect(Set(list(bench, .undelivered)) == ["C1", "T2"] && list(bench, .delivered) == ["B1"])
        #expect(open(bench).isEmpty)
        // What comes late loses.
        bench.breathe()
        _ = say(bench, "binh", bundle, "B1", .expired, .lifetimeExpired)
        #expect(outcome(bench, bundle, "B1") == .some(.delivered) && open(bench).isEmpty)
        // The log has each change, in order.
        let changes = bench.read { Outcomes.changes(after: 0, limit: 10, budget: 100, $0) { _ in true } }
        #expect(changes.changes.map(\.about.recipient.text) == ["T2", "B1", "B1"])
        #expect(changes.changes.map(\.state) == [.arrived, .arrived, .delivered])
        #expect(changes.order == bench.engine.core.outcomeHead.order)
    }

    /// A document that expired at the hub is known at its submitter without anybody asking, and stays open until it is acknowledged,
    /// which the operator log says.
    @Test(arguments: [false, true]) func aBadEndFarAwayIsTold(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        let bundle = bench.submit(["B1"])!.accepted!
        for dispatch in bench.connect("binh").documents { bench.answer(dispatch, .acknowledged) }
        #expect(bench.states(of: bundle) == ["B1": .forwarded])
        bench.breathe()
        let effects = say(bench, "binh", bundle, "B1", .expired, .lifetimeExpired)
        let notice = effects.notices.first { $0.kind == .documentEndedBadly }
        #expect(notice?.grade == .alarm && notice?.envelope == bundle && notice?.agency == agency("B1"))
        #expect(outcome(bench, bundle, "B1") == .some(.expired) && open(bench) == ["expired-1": 1])
        #expect(list(bench, .expired) == ["B1"] && list(bench, .refused).isEmpty)
        bench.breathe()
        let found = bench.read { Finding.ofStore($0, at: bench.reading) }.first { $0.code == .endedBadly }
        #expect(found?.grade == .critical && found?.subject == "expired-1")
        // By the selector of deeds, too.
        var selector = Selector()
        selector.outcome = .expired
        #expect(bench.find(selector).map(\.number) == [bench.rows(of: bundle)[0].number])
        selector.outcome = .refused
        #expect(bench.find(selector).isEmpty)

        #expect(acknowledge(bench) { $0.causes = [OutcomeCause(.refused, .notAuthorised)!] } == 0)
        #expect(acknowledge(bench) { $0.to = .agency(agency("C1")) } == 0)
        #expect(acknowledge(bench) { $0.upTo = 0 } == 0, "what he has not seen is not acknowledged")
        #expect(open(bench) == ["expired-1": 1])
        #expect(acknowledge(bench) { $0.bundles = [bundle] } == 1)
        #expect(open(bench).isEmpty && list(bench, .expired) == ["B1"])
        #expect(acknowledge(bench) == 0)
        let entries = bench.read { rows -> [AuditRow] in
            var found: [AuditRow] = []
            rows.scan(.audit, prefix: RowKey()) { _, value in
                if let row = AuditRow(record: value) { found.append(row) }
                return true
            }
            return found
        }
        #expect(entries.map(\.verb) == ["outcomes ack"] && entries.first?.count == 1)
        #expect(entries.first?.reason == "told the sender")
    }

    /// A delay is open until it is over or has been seen.
    @Test(arguments: [false, true]) func aDelayEndsWithTheArrival(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("binh")
        let bundle = bench.submit(["B1"])!.accepted!
        let effects = say(bench, "binh", bundle, "B1", .delayed, .stillQueued)
        #expect(effects.notices.contains { $0.kind == .documentLate && $0.grade == .warning })
        #expect(open(bench) == ["delayed-65542": 1] && list(bench, .delayed) == ["B1"])
        bench.breathe()
        _ = say(bench, "binh", bundle, "B1", .arrived)
        #expect(open(bench).isEmpty && outcome(bench, bundle, "B1") == .some(.arrived))
        // Not picked up, and then it is.
        bench.breathe()
        _ = say(bench, "binh", bundle, "B1", .delayed, .notPickedUp)
        // One row for each stop: the second delay of one node says nothing new.
        #expect(outcome(bench, bundle, "B1") == .some(.arrived))
        _ = say(bench, "binh", bundle, "B1", .delivered)
        #expect(outcome(bench, bundle, "B1") == .some(.delivered) && open(bench).isEmpty)
    }

    /// Own delays and ends at this node count as well; what an operator here has deleted he knows.
    @Test func ownEnds() {
        let bench = Bench()
        let late = bench.submit(["B1"], lifetime: .hours(5))!.accepted!
        bench.advance(.hours(4) + .minutes(5))
        #expect(open(bench) == ["delayed-65542": 1])
        bench.advance(.hours(1))
        #expect(outcome(bench, late, "B1") == .some(.expired) && open(bench) == ["expired-1": 1])
        let deleted = bench.submit(["C1"])!.accepted!
        let job = bench.preview(.delete, { $0.to = .agency(agency("C1")) })!
        _ = bench.operate(.apply(job.number))
        bench.advance(.minutes(20))
        #expect(outcome(bench, deleted, "C1") == .some(.deleted))
        #expect(open(bench) == ["expired-1": 1])
    }

    /// A night's mail that ends badly is not a line for each.
    @Test func aBurstIsThinned() {
        let bench = Bench()
        bench.connect("binh")
        var alarms = 0
        var bundles: [BundleID] = []
        for _ in 0..<60 { bundles.append(bench.submit(["B1"])!.accepted!) }
        bench.advance(.minutes(1))
        for bundle in bundles {
            alarms += say(bench, "binh", bundle, "B1", .refused, .notAuthorised).notices.count {
                $0.kind == .documentEndedBadly
            }
        }
        #expect(alarms == 20)
        #expect(open(bench) == ["refused-65537": 60])
        let rest = bench.advance(.minutes(2)).notices.filter { $0.kind == .documentEndedBadly }
        #expect(
            rest.map(\.text) == [
                "documents handed in here have ended badly, for further recipients: 40; edocctl outcomes"
            ])
        #expect(acknowledge(bench) == 60 && open(bench).isEmpty)
    }

    /// A home invents documents: their numbers were given, their times were not. The outcome of the true one stays its own, and an operator
    /// can have done with it.
    @Test(arguments: [false, true]) func inventedTimesAreNotBelieved(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("binh")
        let effects = bench.submit(["B1"])!
        let bundle = effects.accepted!
        for dispatch in effects.documents { bench.answer(dispatch, .acknowledged) }
        func lie(_ created: UInt64) -> [Effect] {
            var invented = bundle
            invented.creationTime = created
            return say(bench, "binh", invented, "B1", .expired, .lifetimeExpired)
        }
        func invent() {
            for created in [bundle.creationTime - 1, bundle.creationTime + 1, 0, bench.wall - 20 * 86_400_000] {
                let told = lie(created)
                #expect(told.notices.contains { $0.kind == .reportsDisbelieved } && open(bench).isEmpty)
            }
        }
        invent()
        #expect(outcome(bench, bundle, "B1") == .some(nil))
        // The memory of its row is over: it is still waited for by its whole name.
        bench.breathe()
        bench.failingChanges = []
        bench.advance(bench.limits.transitMemory + .minutes(1))
        #expect(bench.rows(of: bundle).isEmpty)
        _ = acknowledge(bench)
        invent()
        bench.breathe()
        _ = say(bench, "binh", bundle, "B1", .expired, .lifetimeExpired)
        #expect(open(bench) == ["expired-1": 1] && list(bench, .expired) == ["B1"])
        invent2()
        #expect(acknowledge(bench) == 1 && open(bench).isEmpty)
        bench.restart()
        #expect(open(bench).isEmpty)

        func invent2() {
            _ = lie(bundle.creationTime + 1)
            #expect(open(bench) == ["expired-1": 1])
        }
    }

    /// What was handed in before outcomes were kept has left its counter only: believed is what cannot be another's name, and is old enough
    /// for its row to have gone.
    @Test func ofBeforeOutcomesTheCounterIsLeft() {
        let bench = Bench()
        bench.connect("binh")
        bench.failingChanges = []
        let first = bench.submit(["B1"])!
        for dispatch in first.documents { bench.answer(dispatch, .acknowledged) }
        bench.advance(bench.limits.transitMemory + .days(1))
        let second = bench.submit(["B1"])!.accepted!
        // As a store of 0.3 is found: no outcomes, and one incarnation.
        _ = bench.store.batch { rows in
            for table in [Table.outcome, .outcomeChange, .report] {
                var keys: [RowKey] = []
                rows.scan(table, prefix: RowKey()) { key, _ in
                    keys.append(RowKey(copying: key))
                    return true
                }
                for key in keys { rows.delete(table, key) }
            }
            rows.delete(.meta, Keys.meta("outcomeEpoch"))
            rows.delete(.counter, RowKey(text: CounterKey.outcomeOpen(OutcomeCause(.delayed, .noReport)!).name))
        }
        bench.restart()
        var invented = second
        invented.creationTime = first.accepted!.creationTime + 5
        _ = say(bench, "binh", invented, "B1", .refused, .notAuthorised)
        #expect(open(bench).isEmpty, "another bundle is here under that number")
        invented = first.accepted!
        invented.creationTime = bench.wall - 1_000
        _ = say(bench, "binh", invented, "B1", .refused, .notAuthorised)
        #expect(open(bench).isEmpty, "its row would be here")
        _ = say(bench, "binh", first.accepted!, "B1", .refused, .notAuthorised)
        #expect(open(bench) == ["refused-65537": 1])
        invented.creationTime = first.accepted!.creationTime - 5
        _ = say(bench, "binh", invented, "B1", .refused, .notAuthorised)
        #expect(open(bench) == ["refused-65537": 1], "that number has a name now")
        #expect(acknowledge(bench) == 1 && open(bench).isEmpty)
    }

    /// A store in which an earlier version took one pair for several: a look at the rows sets the counters, and the true one gets its place.
    @Test func aSpoiltCountHeals() {
        let bench = Bench()
        bench.connect("binh")
        let bundle = bench.submit(["B1"])!.accepted!
        var invented = bundle
        invented.creationTime += 7
        var row = OutcomeRow(
            OutcomeSubject(
                bundle: invented, recipient: agency("B1"), number: 0, urgency: .normal, sender: "", documentID: ""),
            accepted: RelayTime(milliseconds: bench.relay), wall: WallTime(milliseconds: bench.wall))
        row.state = .expired
        row.reason = .lifetimeExpired
        row.isOpen = true
        _ = bench.store.batch { rows in
            rows.put(.outcome, Keys.outcome(isBad: true, invented, agency("B1")), row.encoded())
            rows.setNumber(.counter, CounterKey.outcomeOpen(OutcomeCause(.expired, .lifetimeExpired)!).name, 3)
        }
        bench.restart()
        bench.advance(.minutes(2))
        #expect(open(bench) == ["expired-1": 1])
        _ = say(bench, "binh", bundle, "B1", .refused, .notAuthorised)
        #expect(open(bench) == ["refused-65537": 1] && outcome(bench, bundle, "B1") == .some(.refused))
        #expect(acknowledge(bench) == 1 && open(bench).isEmpty)
        bench.advance(.minutes(5))
        #expect(open(bench).isEmpty)
    }

    /// A night of delays does not silence what ends badly in it: each kind has its own lines and its own count.
    @Test func delaysDoNotSilenceBadEnds() {
        let bench = Bench()
        bench.connect("binh")
        let bundles = (0..<60).map { _ in bench.submit(["B1"])!.accepted! }
        bench.advance(.minutes(1))
        var told: [EventKind: Int] = [:]
        for bundle in bundles {
            for notice in say(bench, "binh", bundle, "B1", .delayed, .stillQueued).notices {
                if let kind = notice.kind { told[kind, default: 0] += 1 }
            }
        }
        #expect(told[.documentLate] == 20 && told[.documentEndedBadly] == nil)
        let ended = say(bench, "binh", bundles[0], "B1", .expired, .lifetimeExpired).notices
        #expect(ended.contains { $0.kind == .documentEndedBadly && $0.envelope == bundles[0] })
        let rest = bench.advance(.minutes(2)).notices.filter {
            $0.kind == .documentLate || $0.kind == .documentEndedBadly
        }
        #expect(
            rest.map(\.text) == ["documents handed in here are late, for further recipients: 40; edocctl outcomes"])
        #expect(rest.map(\.kind) == [.documentLate] && rest.map(\.grade) == [.warning])
    }

    /// Who refuses it has never had it: it is late, and not there.
    @Test func aRefusalIsNoPlaceWhereItIsLate() {
        let bench = Bench()
        bench.connect("binh")
        let bundle = bench.submit(["B1"])!.accepted!
        let notices = say(bench, "binh", bundle, "B1", .delayed, .notAuthorised).notices
        #expect(
            notices.first { $0.kind == .documentLate }?.text
                == "a document handed in here is late: binh refuses it: not authorised")
    }

    /// Who follows the changes hears the new name of a document before the first change that bears it.
    @Test(arguments: [false, true]) func aNewNameIsAChange(restarts: Bool) throws {
        let bench = Bench(restarts: restarts)
        let old = bench.submit(["B1", "C1"], lifetime: .days(2))!.accepted!
        bench.breathe()
        #expect(bench.deed(.lifetime, setting: .longer(.days(3))) { $0.to = .agency(agency("B1")) }?.done == 1)
        let new = try #require(bench.rows(of: old).first?.resubmittedAs.last)
        bench.breathe()
        bench.connect("binh")
        _ = say(bench, "binh", new, "B1", .arrived)
        let changes = bench.read { Outcomes.changes(after: 0, limit: 10, budget: 100, $0) { _ in true } }.changes
        #expect(changes.map(\.about.bundle) == [old, new] && changes.map(\.state) == [.deleted, .arrived])
        #expect(changes.map(\.reason) == [.renamed, .none] && changes.map(\.successor) == [new, nil])
        #expect(open(bench).isEmpty && outcome(bench, old, "B1") == .none && outcome(bench, old, "C1") == .some(nil))
    }

    /// A change without a new name is what it was before there were any.
    @Test func changesOfEarlierVersionsOpen() {
        let about = OutcomeSubject(
            bundle: BundleID(source: node("tam").endpoint, creationTime: 5, sequence: 7), recipient: agency("B1"),
            number: 3, urgency: .urgent, sender: "T1", documentID: "1/VB")
        var change = OutcomeChangeRow(
            about, state: .deleted, reason: .renamed, reporter: node("tam"), time: WallTime(milliseconds: 9),
            changed: RelayTime(milliseconds: 8))
        let short = change.encoded()
        change.successor = BundleID(source: node("tam").endpoint, creationTime: 5, sequence: 8)
        let long = change.encoded()
        #expect(short.count < long.count)
        #expect(long.withUnsafeBytes { OutcomeChangeRow(record: $0) } == change)
        change.successor = nil
        #expect(short.withUnsafeBytes { OutcomeChangeRow(record: $0) } == change)
    }

    /// The cursors of before a restore are worth no more than the copy had counted.
    @Test func anEpochKnowsWhereItBegan() {
        let bench = Bench()
        #expect(bench.submit(["T2"])?.accepted != nil)
        let before = bench.engine.core.outcomeHead
        #expect(before.order == 1 && bench.engine.core.outcomeStart == 0)
        bench.bringBack()
        #expect(bench.engine.core.outcomeHead.epoch != before.epoch)
        #expect(bench.engine.core.outcomeStart == 1)
        #expect(bench.submit(["T2"])?.accepted != nil)
        bench.restart()
        #expect(bench.engine.core.outcomeHead.order == 2 && bench.engine.core.outcomeStart == 1)
    }

    /// Reasons come from others: what is not known here makes no counters of its own.
    @Test func inventedReasonsCountAsOne() {
        let bench = Bench()
        bench.connect("binh")
        for number in 0..<5 {
            let bundle = bench.submit(["B1"])!.accepted!
            _ = say(bench, "binh", bundle, "B1", .refused, ReportReason(rawValue: 900_000 + UInt64(number)))
        }
        #expect(open(bench) == ["refused-0": 5])
    }

    @Test func whatIsOldGoes() {
        let bench = Bench { $0.limits.historyMemory = .days(2) }
        bench.connect("binh")
        let bad = bench.submit(["B1"])!.accepted!
        let good = bench.submit(["B1"])!.accepted!
        _ = say(bench, "binh", bad, "B1", .refused, .notAuthorised)
        _ = say(bench, "binh", good, "B1", .delivered)
        bench.advance(.days(1))
        #expect(list(bench, .undelivered) == ["B1"] && list(bench, .delivered) == ["B1"])
        bench.advance(.days(1) + .hours(1))
        #expect(bench.read { $0.count(.outcome) + $0.count(.outcomeChange) } == 0 && open(bench).isEmpty)
        let head = bench.engine.core.outcomeHead
        bench.restart()
        #expect(bench.engine.core.outcomeHead == head, "orders are not given out twice")
    }
}
