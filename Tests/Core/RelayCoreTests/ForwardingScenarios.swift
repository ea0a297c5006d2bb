// How copies leave: routes, refusals, doubt, fail-over, fairness, reloads, expiry.

import RelayCore
import RelayEngine
import RelayModel
import RelayRows
import Testing

@Suite struct ForwardingScenarios {
    /// While other copies are on links an answer changes the row in memory; in the store it stands before anybody reads it there.
    @Test(arguments: [Answer.returned, .refused(.retransmit), .refused(.notAcceptable), .acknowledged])
    func manyAnswersAreWrittenOnce(last: Answer) throws {
        let bench = Bench()
        for name in ["an", "binh", "chi"] { bench.connect(name) }
        let bundle = bench.submit(["A1", "B1", "C1"])!.accepted!
        let sent = bench.released.documents
        try #require(sent.map(\.peer.name) == ["an", "binh", "chi"])
        func answered(_ place: Int, _ answer: Answer) -> EngineInput {
            .event(.transferAnswered(session: sent[place].session, dispatch: sent[place].ticket, answer))
        }
        let number = sent[0].number
        let isWritten = EngineInput.question { _, rows in
            let row = rows.value(.envelope, Keys.envelope(number)).flatMap { EnvelopeRow(number: number, record: $0) }
            #expect(row?.recipients.map(\.state.isEnd) == [true, false, false])
            return {}
        }
        bench.run([answered(0, .acknowledged), isWritten, answered(1, .acknowledged)])
        #expect(bench.states(of: bundle) == ["A1": .forwarded, "B1": .forwarded, "C1": .waiting])
        bench.restart()
        #expect(bench.states(of: bundle) == ["A1": .forwarded, "B1": .forwarded, "C1": .waiting])
        // And in one batch to the last copy, whatever its answer.
        let again = Bench()
        for name in ["an", "binh", "chi"] { again.connect(name) }
        let other = again.submit(["A1", "B1", "C1"])!.accepted!
        let copies = again.released.documents
        again.run(
            zip(copies, [Answer.acknowledged, .acknowledged, last]).map {
                .event(.transferAnswered(session: $0.session, dispatch: $0.ticket, $1))
            })
        let states = again.states(of: other)
        #expect([states["A1"], states["B1"]] == [.forwarded, .forwarded])
        #expect(states["C1"]?.isEnd == (last == .acknowledged))
    }

    @Test func noResourcesPausesThePeerAndCostsNoAttempt() {
        let bench = Bench()
        bench.connect("chi")
        let bundle = bench.submit(["C1"])!.accepted!
        let sent = bench.released.documents
        #expect(bench.answer(sent[0], .refused(.noResources)).documents.isEmpty)
        #expect(bench.rows(of: bundle)[0].recipients[0].attempts == 0)
        #expect(bench.advance(.seconds(2)).documents.map(\.number) == [sent[0].number])
    }

    @Test(arguments: [false, true])
    func notAcceptableLeadsToTheNextRouteThenTheGraceThenAReport(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("binh")
        bench.connect("chi")
        let bundle = bench.submit(["B1"])!.accepted!
        var sent = bench.released.documents
        #expect(sent.map(\.peer.name) == ["binh"])
        sent = bench.answer(sent[0], .refused(.notAcceptable)).documents
        #expect(sent.map(\.peer.name) == ["chi"])
        let no = bench.answer(sent[0], .refused(.notAcceptable))
        #expect(no.alarms.count == 1)
        #expect(bench.states(of: bundle) == ["B1": .deferred])
        var rounds = 0
        while bench.states(of: bundle) == ["B1": .deferred], rounds < 1_000 {
            bench.breathe()
            let before = bench.released.count
            bench.advance(.minutes(31))
            var open = Array(bench.released[before...]).documents
            while let next = open.popLast() { open += bench.answer(next, .refused(.notAcceptable)).documents }
            rounds += 1
        }
        #expect(bench.states(of: bundle) == ["B1": .refused])
        #expect(rounds >= 5, "the grace is four hours")
        #expect(bench.reports(of: bundle).map(\.state) == [.refused])
        #expect(bench.reports(of: bundle).map(\.reason) == [.refusedByNextHop])
    }

    /// Somebody is called for what every hop refuses, as long as that is so.
    @Test(arguments: [false, true])
    func whatEveryHopRefusesIsCounted(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("binh")
        bench.connect("chi")
        bench.submit(["B1"])
        let first = bench.answer(bench.released.documents.last!, .refused(.notAcceptable)).documents
        #expect(bench.counter(.refusedEverywhere) == 0, "chi may take it")
        bench.answer(first[0], .refused(.notAcceptable))
        #expect(bench.counter(.refusedEverywhere) == 1)
        bench.breathe()
        #expect(bench.counter(.refusedEverywhere) == 1)
        // Held, it is not tried; released, nobody has refused it yet.
        bench.deed(.hold) { $0.to = .agency(agency("B1")) }
        #expect(bench.counter(.refusedEverywhere) == 0)
        let again = { bench.released.documents.last! }
        bench.deed(.release) { $0.states = [.held] }
        bench.advance(.minutes(31))
        bench.answer(again(), .refused(.notAcceptable))
        bench.answer(again(), .refused(.notAcceptable))
        #expect(bench.counter(.refusedEverywhere) == 1)
        bench.advance(.minutes(31))
        bench.answer(again(), .acknowledged)
        #expect(bench.counter(.refusedEverywhere) == 0 && bench.counter(.state(.forwarded, admin: false)) == 1)
    }

    @Test func aRefusedCopyIsAskedAgainWhenTheOtherHopIsDead() {
        let bench = Bench()
        bench.connect("binh")
        bench.advance(.seconds(10))
        let bundle = bench.submit(["B1"])!.accepted!
        bench.answer(bench.released.documents[0], .refused(.notAcceptable))
        #expect(bench.states(of: bundle) == ["B1": .deferred], "chi is down and not expected back")
        #expect(bench.advance(.seconds(10)).documents.map(\.peer.name) == ["binh"])
    }

    /// One hop refuses, the other is down: nobody is called, `show` names both, and the link that comes up finds it soon.
    @Test(arguments: [false, true])
    func whatOneHopRefusesIsNotLongInReachOfTheOther(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("binh")
        let bundle = bench.submit(["B1"])!.accepted!
        var open = bench.released.documents
        for _ in 0..<40 {
            while let next = open.popLast() { open += bench.answer(next, .refused(.notAcceptable)).documents }
            open = bench.advance(.minutes(2)).documents
        }
        while let next = open.popLast() { open += bench.answer(next, .refused(.notAcceptable)).documents }
        #expect(bench.states(of: bundle) == ["B1": .deferred])
        #expect(bench.released.alarms.isEmpty && bench.counter(.refusedEverywhere) == 0, "chi has not been asked")
        let why = bench.engine.core.wait(bench.rows(of: bundle)[0], 0, now: bench.reading.relay).why
        #expect(why.contains { $0.hasPrefix("binh is up") } && why.contains { $0.hasPrefix("chi is down") }, "\(why)")
        bench.connect("chi")
        // The hop that its route prefers may have found a way by now.
        let again = bench.advance(.minutes(2)).documents
        #expect(again.map(\.peer.name) == ["binh"])
        #expect(bench.answer(again[0], .refused(.notAcceptable)).documents.map(\.peer.name) == ["chi"])
    }

    @Test func whatIsInDoubtGoesToTheSamePeerFirst() {
        let bench = Bench()
        bench.connect("binh")
        bench.connect("chi")
        bench.submit(["B1"])
        let sent = bench.released.documents
        bench.lose("binh", sentWhole: sent)
        #expect(bench.advance(.seconds(60)).documents.isEmpty)
        #expect(bench.connect("binh").documents.map(\.number) == [sent[0].number])
        bench.lose("binh", sentWhole: bench.released.documents.suffix(1))
        #expect(bench.advance(.minutes(3)).documents.map(\.peer.name) == ["chi"])
    }

    /// A copy for two is in doubt. What the hop answers for one of them says nothing of the other.
    @Test(arguments: [false, true]) func aDoubtIsSettledForWhoIsAnswered(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.failingChanges = []
        bench.connect("binh")
        bench.connect("chi")
        let bundle = bench.submit(["B1", "B2"])!.accepted!
        let sent = bench.released.documents
        #expect(sent.map { $0.copy?.recipients.count } == [2])
        bench.deed(.hold) { $0.to = .agency(agency("B2")) }
        bench.lose("binh", sentWhole: sent)
        bench.deed(.hold) { $0.to = .agency(agency("B2")) }
        let again = bench.connect("binh").documents
        #expect(again.map { $0.copy?.recipients.map(\.text) } == [["B1"]])
        bench.answer(again[0], .acknowledged)
        #expect(bench.states(of: bundle) == ["B1": .forwarded, "B2": .held])
        bench.lose("binh")
        bench.deed(.release) { $0.to = .agency(agency("B2")) }
        #expect(bench.advance(.seconds(60)).documents.isEmpty, "binh may have it")
        #expect(bench.advance(.minutes(3)).documents.map(\.peer.name) == ["chi"])
    }

    @Test func failOverAndFailBack() {
        let bench = Bench()
        bench.connect("binh")
        bench.connect("chi")
        bench.lose("binh")
        bench.submit(["B1"])
        #expect(bench.released.documents.isEmpty, "binh may come back at once")
        #expect(bench.advance(.seconds(6)).documents.map(\.peer.name) == ["chi"])
        bench.connect("binh")
        #expect(bench.submit(["B2"])?.documents.map(\.peer.name) == ["binh"])
    }

    /// Recipients of one envelope whose turn on a session comes while it carries another copy of it are not forgotten.
    @Test func aSecondCopyOnTheSameSessionWaitsForTheFirst() {
        let bench = Bench()
        bench.connect("binh")
        bench.connect("chi")
        let bundle = bench.submit(["B1", "C1"])!.accepted!
        let sent = bench.released.documents
        #expect(Set(sent.map(\.peer.name)) == ["binh", "chi"])
        let toBinh = sent.first { $0.peer == node("binh") }!
        let toChi = sent.first { $0.peer == node("chi") }!
        #expect(bench.answer(toBinh, .refused(.notAcceptable)).documents.isEmpty)
        let next = bench.answer(toChi, .acknowledged).documents
        #expect(next.map(\.peer.name) == ["chi"])
        #expect(next.map { $0.copy?.recipients } == [[agency("B1")]])
        #expect(bench.states(of: bundle) == ["B1": .waiting, "C1": .forwarded])
        bench.answer(next[0], .acknowledged)
        #expect(bench.states(of: bundle) == ["B1": .forwarded, "C1": .forwarded])
    }

    @Test func oneCopyALinkWhateverTheNumberOfRecipients() {
        let bench = Bench()
        bench.connect("binh")
        bench.submit(["B1", "B2", "B1"])
        #expect(bench.released.documents.map { $0.copy?.recipients ?? [] } == [[agency("B1"), agency("B2")]])
    }

    @Test func lowerUrgenciesGetTheirTwentieth() {
        let bench = Bench { configuration in
            configuration.limits.windowTransfers = 1
        }
        for index in 0..<300 { bench.submit(["C1"], length: 2_000, urgency: index < 100 ? .normal : .flash) }
        var sent = bench.connect("chi").documents
        var bytes: [Urgency: Int] = [:]
        for _ in 0..<150 {
            guard let next = sent.first else { break }
            bytes[next.urgency, default: 0] += 1
            sent = bench.answer(next, .acknowledged).documents
        }
        let low = bytes[.normal] ?? 0
        #expect(low >= 5 && low <= 12, "\(bytes)")
    }

    @Test func theWindowAndTheActiveSetAreBounded() {
        let bench = Bench { configuration in
            configuration.limits.windowTransfers = 3
            configuration.limits.activeMax = 6
        }
        for _ in 0..<20 { bench.submit(["B1"]) }
        for _ in 0..<20 { bench.submit(["C1"]) }
        #expect(bench.connect("binh").documents.count == 3)
        // Four peers have a share of one each, and two places were for all.
        #expect(bench.connect("chi").documents.count == 1)
        #expect(bench.engine.core.activeCount == 4)
    }

    /// A peer that keeps alive and never answers takes its share and what is for all, and no more.
    @Test func aSilentPeerLeavesOthersTheirShare() {
        let bench = Bench { configuration in configuration.limits.activeMax = 8 }
        for _ in 0..<20 { bench.submit(["C1"]) }
        for _ in 0..<20 { bench.submit(["B1"]) }
        #expect(bench.connect("chi").documents.count == 5)
        var open = bench.connect("binh").documents
        var answered = 0
        while let next = open.popLast() {
            answered += 1
            open += bench.answer(next, .acknowledged).documents
        }
        #expect(answered == 20)
    }

    /// What a restart finds in doubt stays in doubt: here by a row.
    @Test func aDoubtOutlivesTheProcess() {
        let bench = Bench()
        bench.connect("binh")
        bench.connect("chi")
        bench.submit(["B1"])
        bench.lose("binh", sentWhole: bench.released.documents)
        bench.lose("chi")
        bench.restart()
        #expect(bench.connect("chi").documents.isEmpty)
        #expect(bench.advance(.seconds(60)).documents.isEmpty)
        #expect(bench.advance(.minutes(3)).documents.map(\.peer.name) == ["chi"])
        bench.answer(bench.released.documents.last!, .acknowledged)
        #expect(bench.read { $0.count(.doubt) } == 0)
    }

    /// A crash leaves no time to write what was on the links: all that was there counts as sent to the link it was bound for.
    @Test func afterACrashOtherHopsWaitForTheOneThatMayHaveIt() {
        let bench = Bench()
        bench.connect("binh")
        bench.connect("chi")
        bench.submit(["B1"])
        #expect(bench.released.documents.map(\.peer.name) == ["binh"])
        bench.restart()
        bench.connect("chi")
        bench.advance(.seconds(10))
        let urgent = bench.submit(["B2"])!
        #expect(urgent.documents.map(\.peer.name) == ["chi"], "it came after the crash")
        #expect(bench.advance(.seconds(60)).documents.isEmpty)
        #expect(bench.advance(.minutes(2)).documents.map(\.peer.name) == ["chi"])
    }

    /// The one that may have it has answered: nobody else need wait.
    @Test func afterACrashTheAnswerOfTheDoubtedHopEndsTheDoubt() {
        let bench = Bench()
        bench.connect("binh")
        bench.submit(["B1"])
        bench.restart()
        bench.connect("chi")
        #expect(bench.advance(.seconds(10)).documents.isEmpty)
        let again = bench.connect("binh").documents
        #expect(again.map(\.peer.name) == ["binh"])
        #expect(bench.answer(again[0], .refused(.notAcceptable)).documents.map(\.peer.name) == ["chi"])
    }

    /// Its way has changed since: the hop that was its best one then may have it all the same.
    @Test(arguments: [false, true])
    func afterACrashANewWayDoesNotEndTheDoubt(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("binh")
        bench.submit(["B1"])
        bench.restart()
        bench.connect("dao")
        bench.deed(.reroute, via: "dao") { $0.states = [.waiting] }
        bench.breathe()
        #expect(bench.released.documents.filter { $0.peer.name == "dao" }.isEmpty)
        #expect(bench.advance(.seconds(60)).documents.isEmpty)
        #expect(bench.advance(.minutes(2)).documents.map(\.peer.name) == ["dao"])
    }

    /// A suspended peer is sent nothing, so it cannot have had anything.
    @Test func whatIsSuspendedIsNotDoubtedAfterACrash() {
        let bench = Bench()
        bench.connect("binh")
        bench.deed(.suspend) { $0.peer = PeerChoice(node: node("binh"), isAnyHop: false) }
        bench.submit(["B1"])
        bench.restart()
        #expect(bench.connect("chi").documents.map(\.peer.name) == ["chi"])
        // Resumed, it may have been sent something when the next crash comes.
        bench.connect("binh")
        bench.deed(.resume) { $0.peer = PeerChoice(node: node("binh"), isAnyHop: false) }
        let second = bench.submit(["B2"])!
        #expect(second.documents.map(\.peer.name) == ["binh"])
        bench.restart()
        #expect(bench.connect("chi").documents.filter { $0.bundle == second.accepted }.isEmpty)
    }

    @Test func afterAnOrderlyStopNothingIsInDoubt() {
        let bench = Bench()
        bench.connect("binh")
        bench.submit(["B1"])
        bench.lose("binh")
        bench.restart()
        bench.connect("chi")
        #expect(bench.advance(.seconds(10)).documents.map(\.peer.name) == ["chi"])
    }

    /// A session that is ending takes nothing; others wait for its successor as they wait for a lost link.
    @Test func anEndingSessionIsNotALink() {
        let bench = Bench()
        bench.connect("binh")
        bench.connect("chi")
        bench.event(.sessionEnding(session: bench.sessions[node("binh")]!))
        bench.submit(["B1"])
        #expect(bench.released.documents.isEmpty)
        #expect(bench.advance(.seconds(6)).documents.map(\.peer.name) == ["chi"])
        bench.connect("binh")
        #expect(bench.submit(["B2"])?.documents.map(\.peer.name) == ["binh"])
    }

    @Test(arguments: [false, true])
    func aReloadTakesWhatWaitsToItsNewRoute(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("dao")
        let bundle = bench.submit(["B1"])!.accepted!
        bench.breathe()
        let sent = bench.reload(Bench.configuration(routes: [("binh", ["dao"]), ("an", ["an"])])).documents
        #expect(sent.map(\.peer.name) == ["dao"])
        bench.answer(sent[0], .acknowledged)
        #expect(bench.states(of: bundle) == ["B1": .forwarded])
    }

    @Test func aReloadSaysBeforehandWhatItMoves() {
        let bench = Bench()
        for _ in 0..<3 { bench.submit(["B1", "C1"]) }
        bench.submit(["D1"])
        let new = Bench.configuration(
            routes: [("binh", ["chi"]), ("an", ["an"]), ("chi", ["chi"]), ("dao", ["an"])])
        let forecast = bench.read { ReloadForecast(from: bench.configuration, to: new, $0) }
        #expect(forecast.lines == ["waiting copies routed anew: 4 of 7"])
        let lost = bench.read {
            ReloadForecast(from: bench.configuration, to: Bench.configuration(routes: [("binh", ["binh"])]), $0)
        }
        #expect(
            lost.lines == [
                "waiting copies routed anew: 3 of 7",
                "waiting copies that have no route, and keep the way that they had: 4",
            ])
        let same = bench.read { ReloadForecast(from: bench.configuration, to: bench.configuration, $0) }
        #expect(same.affected == 0 && same.waiting == 7)
    }

    /// The pass over the queue is not lost with the process.
    @Test func aReloadThatWasCutOffIsTakenUpAgain() {
        let bench = Bench()
        bench.connect("dao")
        bench.submit(["B1"])
        let new = Bench.configuration(routes: [("binh", ["dao"]), ("an", ["an"])])
        bench.configuration = new
        bench.restart()
        #expect(bench.connect("dao").documents.map(\.peer.name) == ["dao"])
    }

    @Test(arguments: [false, true])
    func expiryIsByAgeAndReported(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        let bundle = bench.submit(["C1"], lifetime: .hours(1))!.accepted!
        bench.breathe()
        // The wall clock jumps; no residence has passed.
        bench.wall += 10 * 3_600_000
        bench.run([])
        #expect(bench.states(of: bundle) == ["C1": .waiting])
        bench.wall -= 10 * 3_600_000
        bench.advance(.hours(2))
        #expect(bench.states(of: bundle) == ["C1": .expired])
        #expect(bench.reports(of: bundle).map(\.state) == [.expired])
        #expect(bench.read { $0.count(.chunk) } == 0)
    }

    /// No turn is asked for over and over when a deferred copy's peer is away.
    @Test func aDeferredCopyOfADeadPeerDoesNotSpin() {
        let bench = Bench { $0 = Bench.configuration(routes: [("chi", ["chi"])]) }
        bench.connect("chi")
        bench.submit(["C1"])
        bench.answer(bench.released.documents[0], .refused(.retransmit))
        bench.lose("chi")
        bench.advance(.minutes(1))
        bench.run([])
        let next = bench.read { bench.engine.core.nextDeadline($0) }
        #expect(next.map { $0.milliseconds > bench.relay } ?? true)
    }
}
