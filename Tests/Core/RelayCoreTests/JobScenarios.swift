// Jobs as such, selectors, suspensions and draining; with restarts in the middle.

import RelayCore
import RelayModel
import RelayRouting
import RelayRows
import Testing

@Suite struct JobScenarios {
    /// 700 pairs are three batches; the process ends after the first, and nothing is done twice or left out.
    @Test func aJobGoesOnAfterARestart() {
        let bench = Bench()
        for _ in 0..<350 { bench.submit(["B1", "C1"], length: 4) }
        let job = bench.preview(.hold, { $0.states = [.waiting] })!
        #expect(job.count == 700)
        // What comes after the preview is not in its set.
        let late = bench.submit(["B1"])!.accepted!
        _ = bench.operate(.apply(job.number))
        let first = bench.job(job.number)!
        #expect(first.phase == .running && first.done == 256)
        bench.restart()
        bench.finishJobs()
        let last = bench.job(job.number)!
        #expect(last.phase == .done && last.done == 700 && last.skippedCount == 0 && last.failed == 0)
        #expect(bench.counter(.state(.held, admin: false)) == 700)
        #expect(bench.states(of: late) == ["B1": .waiting])
        _ = bench.operate(.undo(job.number))
        bench.restart()
        bench.finishJobs()
        #expect(bench.job(job.number)?.undone == 700)
        #expect(bench.counter(.state(.held, admin: false)) == 0)
        #expect(bench.read { $0.count(.undo) } == 0)
        let (accepted, states) = bench.balance()
        #expect(accepted == states)
    }

    @Test func aCancelledJobKeepsWhatItHasDone() {
        let bench = Bench()
        for _ in 0..<300 { bench.submit(["B1"], length: 4) }
        let job = bench.preview(.delete, { $0.to = .agency(agency("B1")) })!
        let effects = bench.run([
            .event(.operated(Operation(ticket: bench.ticket(), caller: Bench.operatorsName, wish: .apply(job.number))))
        ])
        #expect(effects != nil)
        _ = bench.operate(.cancel(job.number))
        let cancelled = bench.job(job.number)!
        #expect(cancelled.phase == .cancelled && cancelled.done == 256)
        bench.finishJobs()
        #expect(bench.counter(.state(.deleting, admin: false)) == 256)
        _ = bench.operate(.undo(job.number))
        bench.finishJobs()
        #expect(bench.counter(.state(.waiting, admin: false)) == 300)
        #expect(bench.read { rows in JobRow.newest(rows, limit: 10).map(\.number) } == [job.number])
    }

    /// A mistyped number does not do another verb's job.
    @Test func theVerbIsCheckedWithTheNumber() {
        let bench = Bench()
        let bundle = bench.submit(["B1"])!.accepted!
        let job = bench.preview(.delete, { $0.states = [.waiting] })!
        for wish in [Operation.Wish.apply(job.number, as: .hold), .cancel(job.number, as: .hold)] {
            guard case .refused(let sentence) = bench.operate(wish) else {
                Issue.record("it was done")
                continue
            }
            #expect(sentence == "job \(job.number) is a delete, not a hold; nothing was done")
        }
        bench.finishJobs()
        #expect(bench.job(job.number)?.phase == .preview)
        #expect(bench.states(of: bundle) == ["B1": .waiting])
        if case .job = bench.operate(.apply(job.number, as: .delete)) {} else { Issue.record("it was not done") }
        bench.finishJobs()
        #expect(bench.states(of: bundle) == ["B1": .deleting])
        if case .refused = bench.operate(.undo(job.number, as: .reroute)) {} else { Issue.record("it was undone") }
        if case .job = bench.operate(.undo(job.number, as: .delete)) {} else { Issue.record("it was not undone") }
        bench.finishJobs()
        #expect(bench.states(of: bundle) == ["B1": .waiting])
    }

    /// Rows of a job that cannot be read do not leave anything between deleted and not.
    @Test(arguments: [false, true]) func deletionsEndWithoutTheirJob(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        let bundles = (0..<300).map { _ in bench.submit(["B1"], length: 4)!.accepted! }
        let job = bench.deed(.delete) { $0.states = [.waiting] }!
        #expect(job.done == 300)
        _ = bench.store.batch { rows in
            let prefix = RowKey(job.number)
            while let found = rows.row(.undo, atOrAfter: prefix), prefix.isPrefix(of: found.key) {
                rows.delete(.undo, RowKey(copying: found.key))
            }
        }
        bench.breathe()
        for _ in 0..<20 { bench.advance(.minutes(1)) }
        bench.breathe()
        bench.finishJobs()
        for bundle in bundles { #expect(bench.states(of: bundle) == ["B1": .deleted]) }
        #expect(bench.counter(.state(.deleted, admin: false)) == 300)
        let (accepted, states) = bench.balance()
        #expect(accepted == states)
    }

    /// What waits for a suspended peer is not said to be tried before the suspension is over.
    @Test func theNextAttemptIsBehindTheSuspension() {
        let bench = Bench()
        let early = bench.submit(["D1"])!.accepted!
        bench.deed(.suspend, span: .hours(2)) { $0.peer = PeerChoice(node: node("dao"), isAnyHop: false) }
        // It is down and dials us: who knows when.
        #expect(bench.engine.core.wait(bench.rows(of: early)[0], 0, now: bench.reading.relay).nextAttempt == nil)
        bench.connect("dao")
        let bundle = bench.submit(["D1"])!.accepted!
        let row = bench.rows(of: bundle)[0]
        let hops = bench.engine.core.hops(ofClass: row.recipients[0].routeClass)
        #expect(hops == [node("dao")])
        let wait = bench.engine.core.wait(row, 0, now: bench.reading.relay)
        #expect(wait.nextAttempt == bench.reading.relay + .hours(2))
        bench.deed(.suspend) { $0.peer = PeerChoice(node: node("dao"), isAnyHop: false) }
        #expect(bench.engine.core.wait(row, 0, now: bench.reading.relay).nextAttempt == nil)
    }

    /// Route classes come and go between two pages of a list; what stays comes once all the same.
    @Test func aCursorKeepsItsPlaceAmongTheClasses() {
        let bench = Bench()
        for _ in 0..<3 { bench.submit(["B1"], length: 4) }
        for _ in 0..<3 { bench.submit(["B1"], length: 4) }
        bench.deed(.hold) {
            $0.numbers = bench.read { rows in
                var numbers: [UInt64] = []
                rows.scan(.envelope, prefix: RowKey()) { key, _ in
                    numbers.append(key.number(at: 0))
                    return true
                }
                return Array(numbers.prefix(3))
            }
        }
        var selector = Selector()
        selector.peer = PeerChoice(node: node("binh"), isAnyHop: true)
        var found: [UInt64] = []
        var place: ScanPlace? = ScanPlace()
        var pages = 0
        while let here = place {
            let context = bench.engine.core.selectorContext(now: bench.reading.relay, withActive: false)
            bench.read { rows in
                var scan = SelectorScan(selector, context, rows, from: ScanPlace(text: here.text)!)
                scan.run(rows, context, budget: 1) { row, _ in
                    found.append(row.number)
                    return true
                }
                place = scan.place
            }
            // When the held ones are reached, which stand behind all classes: a new list of hops with this peer, behind every page.
            let lists = [
                ["binh"], ["binh", "an"], ["binh", "dao"], ["chi", "binh"], ["an", "binh"], ["dao", "binh"],
                ["an", "chi", "binh"], ["an", "dao", "binh"],
            ]
            guard found.contains(1), pages < lists.count else { continue }
            bench.reload(Bench.configuration(routes: [("binh", ["binh", "chi"]), ("chi", lists[pages])]))
            bench.submit(["C1"], length: 4)
            pages += 1
        }
        let first = found.filter { $0 <= 6 }
        #expect(Set(first).count == first.count && first.count == 6, "\(found)")
    }

    /// Pairs that have gone or changed since the preview are passed over, and counted.
    @Test func theSetIsThatOfThePreview() {
        let bench = Bench()
        bench.connect("binh")
        let gone = bench.submit(["C1"])!.accepted!
        let held = bench.submit(["C1"])!.accepted!
        bench.submit(["C1"])
        let job = bench.preview(.expire, { $0.states = [.waiting] })!
        #expect(job.count == 3)
        bench.deed(.hold) { $0.numbers = [bench.rows(of: held)[0].number] }
        bench.deed(.expire) { $0.numbers = [bench.rows(of: gone)[0].number] }
        _ = bench.operate(.apply(job.number))
        bench.finishJobs()
        let done = bench.job(job.number)!
        #expect(done.done == 1)
        #expect(done.skipped == [SkipCause.gone.rawValue: 1, SkipCause.changed.rawValue: 1])
        if case .refused = bench.operate(.apply(job.number)) {} else { Issue.record("applied twice") }
        if case .unknown = bench.operate(.apply(999)) {} else { Issue.record("there is no such job") }
    }

    @Test func previewsAreKeptForAnHour() {
        let bench = Bench()
        bench.submit(["B1"])
        let job = bench.preview(.hold, { $0.states = [.waiting] })!
        bench.restart()
        bench.advance(.minutes(62))
        if case .unknown = bench.operate(.apply(job.number)) {} else { Issue.record("an old preview was applied") }
        #expect(bench.read { $0.count(.job) } == 0)
        for _ in 0..<40 { _ = bench.preview(.hold, { $0.states = [.waiting] }) }
        #expect(bench.read { $0.count(.job) } <= 64, "previews are bounded")
        // Another operator's is not pushed out by them.
        let others = bench.operate(
            .preview(
                JobDraft(
                    verb: .hold, selector: Selector(), selectorText: "", target: nil, span: .zero, reason: "",
                    pairs: [], count: 0, bytes: 0, fixed: bench.reading)), by: Operator(uid: 77, login: "mai"))
        guard case .job(let kept) = others else {
            Issue.record("no preview")
            return
        }
        for _ in 0..<40 { _ = bench.preview(.hold, { $0.states = [.waiting] }) }
        #expect(bench.job(kept.number) != nil)
    }

    // MARK: Selectors

    @Test(arguments: [UInt64(0), 4_096])
    func selectorsFindByTheirIndexes(window: UInt64) {
        let bench = Bench { $0.limits.indexWindow = window }
        bench.connect("an")
        let theirs = bench.bundle(of: "an")
        bench.offer("an", theirs, bench.document("A1", ["B1", "T1"]), path: bench.path("an"))
        let ours = bench.submit(["B1", "C1"], urgency: .flash)!.accepted!
        bench.submit(["C1"], length: 5_000)
        func count(_ change: (inout Selector) -> Void) -> Int {
            var selector = Selector()
            change(&selector)
            return bench.find(selector).count
        }
        #expect(count { _ in } == 5)
        #expect(count { $0.to = .agency(agency("B1")) } == 2)
        #expect(count { $0.from = .agency(agency("A1")) } == 2)
        #expect(count { $0.from = .subtree(agency("A1")) } == 2)
        #expect(count { $0.documentID = "1/VB" } == 2, "an envelope from elsewhere")
        #expect(count { $0.documentID = "7/VB" } == 3)
        #expect(count { $0.peer = PeerChoice(node: node("chi"), isAnyHop: true) } == 4)
        #expect(count { $0.peer = PeerChoice(node: node("chi"), isAnyHop: false) } == 2)
        #expect(count { $0.states = [.arrived] } == 1)
        #expect(count { $0.urgencies = [.flash] } == 2)
        #expect(count { $0.bytesMin = 5_000 } == 1)
        #expect(count { $0.bytesMax = 4_999 } == 4)
        bench.advance(.minutes(1))
        #expect(count { $0.olderThan = .minutes(1) } == 5)
        #expect(count { $0.newerThan = .minutes(1) } == 0)
        bench.deed(.hold) { $0.numbers = [bench.rows(of: ours)[0].number] }
        #expect(count { $0.states = [.held] } == 2)
        #expect(count { $0.peer = PeerChoice(node: node("binh"), isAnyHop: true) } == 2, "held for it, too")
        bench.connect("chi")
        bench.connect("binh")
        for sent in bench.released.documents { bench.answer(sent, .acknowledged) }
        #expect(count { $0.states = [.forwarded] } == 2)
        #expect(count { $0.to = .agency(agency("C1")) } == 1)
    }

    /// A store from before the index is scanned, gets its rows by and by, and answers the same.
    @Test func anOlderStoreGetsItsIndex() {
        let bench = Bench()
        for _ in 0..<700 { bench.submit(["B1"], length: 4) }
        bench.submit(["C1"])
        _ = bench.store.batch { rows in
            var keys: [RowKey] = []
            rows.scan(.lookup, prefix: RowKey()) { key, _ in
                keys.append(RowKey(copying: key))
                return true
            }
            for key in keys { rows.delete(.lookup, key) }
            rows.delete(.meta, Keys.meta("lookupBelow"))
        }
        var selector = Selector()
        selector.to = .agency(agency("C1"))
        #expect(bench.find(selector).count == 1)
        bench.restart()
        let first = bench.read { LookupIndex.mark($0) }
        #expect(first > 0 && first < 701, "one turn is not enough")
        #expect(bench.find(selector).count == 1)
        bench.finishJobs()
        #expect(bench.read { LookupIndex.mark($0) } > 701)
        #expect(bench.read { $0.count(.lookup) } == 3 * 701)
        #expect(bench.find(selector).count == 1)
    }

    // MARK: Suspensions

    @Test(arguments: [false, true])
    func aSuspendedPeerIsGivenNothing(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("dao")
        let job = bench.deed(.suspend, span: .hours(2)) { $0.peer = PeerChoice(node: node("dao"), isAnyHop: false) }
        #expect(job?.phase == .done)
        let bundle = bench.submit(["D1"])!.accepted!
        bench.breathe()
        #expect(bench.released.documents.isEmpty)
        let row = bench.rows(of: bundle)[0]
        let why = bench.engine.core.wait(row, 0, now: bench.reading.relay).why
        #expect(why.contains { $0.contains("peer dao is suspended by lan for another") && $0.contains("a test") })
        // What it hands over is taken as ever.
        let theirs = bench.bundle(of: "dao")
        #expect(bench.offer("dao", theirs, bench.document("D1", ["T1"]), path: bench.path("dao")).acknowledgements == 1)
        bench.advance(.minutes(119))
        #expect(bench.released.documents.isEmpty)
        #expect(bench.advance(.minutes(2)).documents.map(\.peer.name) == ["dao"], "its time is over")
        #expect(bench.read { $0.count(.suspension) } == 0)
    }

    @Test func aSuspendedPeersWorkIsTakenByTheNext() {
        let bench = Bench()
        bench.connect("binh")
        bench.connect("chi")
        let job = bench.deed(.suspend) { $0.peer = PeerChoice(node: node("binh"), isAnyHop: false) }!
        bench.submit(["B1"])
        #expect(bench.released.documents.map(\.peer.name) == ["chi"])
        _ = bench.operate(.undo(job.number))
        bench.submit(["B1"])
        #expect(bench.released.documents.map(\.peer.name) == ["chi", "binh"])
    }

    /// Two suspensions of one agency: both are said, and what waits goes when the later one is over.
    @Test func suspensionsThatOverlapAreBothSaid() {
        let bench = Bench()
        bench.deed(.suspend, span: .minutes(1)) { $0.to = .agency(agency("B1")) }
        bench.deed(.suspend, span: .hours(1)) { $0.to = .subtree(agency("B1")) }
        let bundle = bench.submit(["B1"])!.accepted!
        let view = bench.engine.core.wait(bench.rows(of: bundle)[0], 0, now: bench.reading.relay)
        #expect(view.why.count { $0.contains("is suspended by lan") } == 2, "\(view.why)")
        bench.connect("binh")
        bench.advance(.minutes(2))
        let later = bench.engine.core.wait(bench.rows(of: bundle)[0], 0, now: bench.reading.relay)
        #expect(later.why.first?.hasPrefix("agency B1.* is suspended by lan") == true, "\(later.why)")
        #expect(bench.released.documents.isEmpty)
        #expect(bench.advance(.hours(1)).documents.map(\.peer.name) == ["binh"])
    }

    /// An agency that has no route any more is not said to have been routed anew.
    @Test func requeueNeedsARoute() {
        let bench = Bench()
        let bundle = bench.submit(["B1"])!.accepted!
        let preview = bench.preview(.requeue, { $0.states = [.waiting] })!
        bench.reload(Bench.configuration(routes: [("an", ["an"])]))
        _ = bench.operate(.apply(preview.number))
        bench.finishJobs()
        #expect(bench.job(preview.number)?.skipped == [SkipCause.noWay.rawValue: 1])
        #expect(bench.states(of: bundle) == ["B1": .waiting])
        let why = bench.engine.core.wait(bench.rows(of: bundle)[0], 0, now: bench.reading.relay).why
        #expect(
            why.contains { $0.hasPrefix("no route today") } && why.contains { $0.hasPrefix("route: binh") }, "\(why)")
    }

    @Test(arguments: [false, true])
    func envelopesToASuspendedAgencyWait(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        let before = bench.submit(["B1", "C1"])!.accepted!
        bench.deed(.suspend) { $0.to = .agency(agency("B1")) }
        let after = bench.submit(["B1"])!.accepted!
        bench.breathe()
        bench.connect("binh")
        bench.connect("chi")
        bench.finishJobs()
        #expect(!bench.released.notices.contains { $0.kind == .routesChanged }, "the way is the same")
        #expect(bench.released.documents.last?.copy?.recipients == [agency("C1")])
        #expect(bench.states(of: before)["B1"] == .waiting && bench.states(of: after) == ["B1": .waiting])
        let row = bench.rows(of: after)[0]
        let why = bench.engine.core.wait(row, 0, now: bench.reading.relay).why
        #expect(why.first == "agency B1 is suspended by lan until resumed: a test")
        #expect(why.contains { $0.hasPrefix("route: ") } && why.contains { $0.hasPrefix("binh is up") }, "\(why)")
        #expect(bench.engine.core.wait(row, 0, now: bench.reading.relay).nextAttempt == nil)
        let route = bench.engine.core.explainRoute("B1", now: bench.reading.relay)
        #expect(route.liveHop == nil && !route.eachHop.contains(where: \.isTaken))
        #expect(route.suspension == "agency B1 is suspended by lan until resumed: a test" && route.notes.isEmpty)
        bench.answer(bench.released.documents.last!, .acknowledged)
        let count = bench.released.documents.count
        bench.deed(.resume) { $0.to = .agency(agency("B1")) }
        bench.finishJobs()
        #expect(
            bench.released.documents.dropFirst(count).flatMap { $0.copy?.recipients ?? [] } == [
                agency("B1"), agency("B1"),
            ])
        let (accepted, states) = bench.balance()
        #expect(accepted == states)
    }

    // MARK: Draining

    @Test(arguments: [false, true])
    func aDrainedNodeIsEmptyAndExits(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("an")
        bench.submit(["B1"])
        guard case .draining(true) = bench.operate(.drain(true, reason: "a move")) else {
            Issue.record("it does not drain")
            return
        }
        bench.breathe()
        #expect(bench.submit(["B1"])!.submissionProblems.count == 1)
        let theirs = bench.bundle(of: "an")
        let refused = bench.offer("an", theirs, bench.document("A1", ["T1"]), path: bench.path("an"))
        #expect(refused.refusals == [.noResources] && refused.reasons == ["draining"])
        func isDrained() -> Bool { bench.released.contains { if case .drained = $0 { true } else { false } } }
        #expect(!isDrained())
        bench.connect("binh")
        bench.answer(bench.released.documents.last!, .acknowledged)
        #expect(isDrained())
        #expect(bench.submit(["B1"])!.submissionProblems.count == 1, "nothing between empty and gone")
        // A start by mistake, or by a socket that the system still holds, takes nothing either.
        bench.restart()
        #expect(bench.submit(["B1"])!.submissionProblems.count == 1)
        _ = bench.operate(.drain(false, reason: ""))
        #expect(bench.submit(["B1"])!.accepted != nil)
    }

    @Test func aDrainIsCancelled() {
        let bench = Bench()
        bench.submit(["B1"])
        _ = bench.operate(.drain(true, reason: ""))
        bench.restart()
        #expect(bench.engine.core.drainRow != nil, "it survives a restart")
        _ = bench.operate(.drain(false, reason: ""))
        #expect(bench.submit(["B1"])!.accepted != nil)
    }
}
