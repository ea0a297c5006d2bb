// A longer lifetime and another urgency of what waits: what is handed in here goes on under a new name, and of others' copies only the
// order of this node changes. Each also with a restart between its steps.

import RelayCore
import RelayModel
import RelayRouting
import RelayRows
import Testing

@Suite struct SettingScenarios {
    private static func expectBalance(_ bench: Bench) {
        let (accepted, states) = bench.balance()
        #expect(accepted == states, "accepted = ended + in store")
        let queued = bench.counter(.state(.waiting, admin: false)) + bench.counter(.state(.deferred, admin: false))
        for urgency in Urgency.allCases {
            let counted = bench.read { rows in
                AgeCell.all(rows).reduce(UInt64(0)) { sum, cell in
                    if case .queued = cell.place, cell.urgency == urgency { sum + cell.count } else { sum }
                }
            }
            let waiting = bench.allRows.filter { $0.urgency == urgency }.flatMap(\.recipients).count {
                $0.state.isQueued
            }
            #expect(counted == UInt64(waiting), "the cells of what waits hold what waits")
        }
        #expect(bench.allRows.flatMap(\.recipients).count { $0.state.isQueued } == Int(queued))
    }

    private static func successor(of bundle: BundleID, _ bench: Bench) -> EnvelopeRow? {
        bench.rows(of: bundle).first?.resubmittedAs.last.flatMap { bench.rows(of: $0).first }
    }

    @Test(arguments: [false, true], [100, 9_000_000])
    func aLongerLifetimeIsANewName(restarts: Bool, length: Int) throws {
        let bench = Bench(restarts: restarts)
        let old = bench.submit(["B1", "C1", "T2"], length: length, urgency: .urgent, lifetime: .days(2))!.accepted!
        let before = bench.rows(of: old)[0]
        if before.isInPieces { bench.event(.documentVerified(number: before.number, matches: true)) }
        bench.breathe()
        bench.advance(.days(1))
        let job = try #require(
            bench.deed(.lifetime, setting: .longer(.days(3))) { $0.to = .agency(agency("B1")) })
        #expect(job.done == 1 && job.skippedCount == 0)
        #expect(bench.states(of: old) == ["B1": .deleted, "C1": .waiting, "T2": .arrived])
        let new = try #require(Self.successor(of: old, bench))
        #expect(new.formerly == old && new.lifetime == .days(5) && new.urgency == .urgent)
        #expect(new.arrival == before.arrival && new.arrivalWall == before.arrivalWall, "it is no younger for it")
        #expect(new.age(at: bench.reading.relay) == before.age(at: bench.reading.relay))
        #expect(new.document == before.document && new.bundle.creationTime == old.creationTime)
        #expect(new.extent == before.number && new.recipients.map(\.name) == ["B1"])
        #expect(new.expiry.milliseconds - before.expiry.milliseconds == Milliseconds.days(3).count)
        // The submitter's side follows: the old name waits for nothing, the new one does.
        #expect(bench.read { rows in Outcomes.state(old, agency("B1"), rows) } == nil)
        #expect(bench.read { rows in Outcomes.state(new.bundle, agency("B1"), rows) } != nil)
        Self.expectBalance(bench)
        // The old lifetime ends what was not meant, and nothing else.
        bench.breathe()
        bench.advance(.days(2))
        #expect(bench.states(of: old)["C1"] == .expired && bench.states(of: new.bundle) == ["B1": .waiting])
        bench.breathe()
        bench.connect("binh", greeting: Greeting(version: "0.4", incarnation: 5, counter: 0))
        var sent = bench.released.documents.filter { $0.bundle == new.bundle }
        #expect(!sent.isEmpty)
        for dispatch in sent {
            #expect(dispatch.lifetime == .days(5) && dispatch.formerName == old)
            #expect(dispatch.age >= .days(3) && dispatch.age < .days(4))
        }
        guard !restarts else { return }
        while !sent.isEmpty { sent += bench.answer(sent.removeFirst(), .acknowledged).documents }
        #expect(bench.states(of: new.bundle) == ["B1": .forwarded])
        bench.event(
            .inboxAcknowledged(ticket: bench.ticket(), agency: agency("T2"), envelopes: [before.number]))
        bench.advance(.seconds(1))
        #expect(bench.read { $0.count(.chunk) } == 0, "the payload goes with the last of both")
        Self.expectBalance(bench)
    }

    /// What is asked for and cannot be: by cause, judged by the preview as by the job.
    @Test func whatCannotBeSetIsSaid() throws {
        let bench = Bench()
        let own = bench.submit(["B1"], lifetime: .days(30))!.accepted!
        bench.connect("an")
        bench.offer(
            "an", bench.bundle(of: "an"), bench.document("A1", ["C1"]), path: bench.path("an"), lifetime: .days(30))
        func skipped(_ verb: DeedVerb, _ setting: DeedSetting, to code: String) -> [SkipCause] {
            let job = bench.deed(verb, setting: setting) { $0.to = .agency(agency(code)) }
            return (job?.skipped.keys.sorted() ?? []).compactMap { SkipCause(rawValue: $0) }
        }
        #expect(skipped(.lifetime, .lifetime(.days(30)), to: "B1") == [.notLonger])
        #expect(skipped(.lifetime, .lifetime(.days(2)), to: "B1") == [.notLonger])
        #expect(skipped(.lifetime, .longer(.days(151)), to: "B1") == [.beyondLimit])
        #expect(skipped(.lifetime, .longer(Milliseconds(.max)), to: "B1") == [.beyondLimit])
        #expect(skipped(.lifetime, .lifetime(.days(60)), to: "C1") == [.notAtHome])
        #expect(skipped(.urgency, .urgency(.normal), to: "B1") == [.alreadySo])
        #expect(skipped(.urgency, .urgency(.normal), to: "C1") == [.alreadySo])
        // On a link it has its name.
        bench.connect("binh")
        #expect(skipped(.urgency, .urgency(.flash), to: "B1") == [.onLink])
        // Sent whole and not answered: the peer may have it.
        bench.lose("binh", sentWhole: bench.released.documents.filter { $0.bundle == own })
        #expect(skipped(.urgency, .urgency(.flash), to: "B1") == [.inDoubt])
        #expect(bench.states(of: own) == ["B1": .waiting] && bench.rows(of: own)[0].resubmittedAs.isEmpty)
        Self.expectBalance(bench)
    }

    @Test(arguments: [false, true]) func anotherUrgencyGoesWithTheDocument(restarts: Bool) throws {
        let bench = Bench(restarts: restarts)
        let ordinary = bench.submit(["B1"])!.accepted!
        let old = bench.submit(["B1"])!.accepted!
        bench.breathe()
        let name = old.envelopeName
        let number = bench.rows(of: old)[0].number
        let job = try #require(bench.deed(.urgency, setting: .urgency(.flash)) { $0.numbers = [number] })
        #expect(job.done == 1, "\(name)")
        let new = try #require(Self.successor(of: old, bench))
        #expect(new.urgency == .flash && new.document?.urgency == .flash)
        Self.expectBalance(bench)
        bench.breathe()
        bench.connect("binh")
        let sent = bench.released.documents.map(\.bundle)
        #expect(sent.first == new.bundle && sent.contains(ordinary) && !sent.contains(old))
        #expect(bench.released.documents.first?.document?.urgency == .flash)
    }

    /// Another node's document: its name, header and document block stay, and so does the urgency that the next hop is told.
    @Test(arguments: [false, true]) func othersUrgencyIsOfThisNodeOnly(restarts: Bool) throws {
        let bench = Bench(restarts: restarts)
        bench.connect("an")
        let first = bench.bundle(of: "an")
        let second = bench.bundle(of: "an")
        bench.offer("an", first, bench.document("A1", ["B1", "C1"]), path: bench.path("an"))
        bench.offer("an", second, bench.document("A1", ["B1", "C1"]), path: bench.path("an"))
        bench.breathe()
        let job = try #require(
            bench.deed(.urgency, setting: .urgency(.veryUrgent)) {
                $0.numbers = [bench.rows(of: second)[0].number]
                $0.to = .agency(agency("C1"))
            })
        #expect(job.done == 1)
        let row = bench.rows(of: second)[0]
        #expect(row.urgency == .veryUrgent && row.document?.urgency == .normal && row.resubmittedAs.isEmpty)
        #expect(bench.states(of: second) == ["B1": .waiting, "C1": .waiting])
        Self.expectBalance(bench)
        bench.breathe()
        bench.connect("binh")
        let sent = bench.released.documents
        #expect(sent.first?.bundle == second && sent.first?.document?.urgency == .normal)
        #expect(Set(sent.map(\.bundle)) == [first, second])
        guard !restarts else { return }
        for dispatch in sent { bench.answer(dispatch, .acknowledged) }
        #expect(bench.states(of: second)["B1"] == .forwarded)
        Self.expectBalance(bench)
    }

    /// What is held stays held, by whoever holds it; what outlived its lifetime while it was held can live on.
    @Test(arguments: [false, true]) func whatIsHeldStaysHeld(restarts: Bool) throws {
        let bench = Bench(restarts: restarts)
        let old = bench.submit(["B1"], lifetime: .hours(1))!.accepted!
        bench.deed(.hold) { $0.states = [.waiting] }
        bench.breathe()
        bench.advance(.hours(3))
        let job = try #require(
            bench.deed(.lifetime, setting: .lifetime(.hours(2))) { $0.states = [.held, .heldExpired] })
        #expect(job.skipped == [SkipCause.notLonger.rawValue: 1], "it would be over at once")
        bench.deed(.lifetime, setting: .lifetime(.days(2))) { $0.states = [.held, .heldExpired] }
        let new = try #require(Self.successor(of: old, bench))
        #expect(new.recipients[0].state == .held && new.recipients[0].heldBecause.hasPrefix("held by lan, job"))
        Self.expectBalance(bench)
        bench.breathe()
        #expect(bench.deed(.release) { $0.states = [.held] }?.done == 1, "it is found among what is held")
        bench.connect("binh")
        #expect(bench.released.documents.map(\.bundle) == [new.bundle])
    }

    /// A copy says one former name: a second new one is given only while nobody can know the first.
    @Test func aNameThatWasOfferedStays() throws {
        let bench = Bench()
        let understands = Greeting(version: "0.4", incarnation: 5, counter: 0)
        let old = bench.submit(["B1"], lifetime: .days(2))!.accepted!
        bench.deed(.urgency, setting: .urgency(.urgent)) { $0.states = [.waiting] }
        bench.deed(.lifetime, setting: .longer(.days(1))) { $0.states = [.waiting] }
        let first = try #require(Self.successor(of: old, bench))
        let second = try #require(Self.successor(of: first.bundle, bench))
        #expect(second.formerly == first.bundle && second.former == old)
        #expect(second.urgency == .urgent && second.lifetime == .days(3))
        bench.connect("binh", greeting: understands)
        let sent = try #require(bench.released.documents.last)
        #expect(sent.bundle == second.bundle && sent.formerName == old, "the name that others can know")
        bench.lose("binh", sentWhole: [sent])
        // The doubt is over and forgotten; that the name is out is not.
        bench.advance(.minutes(30))
        let third = try #require(bench.deed(.lifetime, setting: .longer(.days(1))) { $0.states = [.waiting] })
        #expect(third.skipped == [SkipCause.renamed.rawValue: 1])
        #expect(bench.states(of: second.bundle) == ["B1": .waiting])
        Self.expectBalance(bench)
    }

    /// The home lets the same document go that it was given under its old name.
    @Test func theHomeKnowsItByItsOldName() throws {
        let bench = Bench()
        let document = bench.document("A1", ["T1"])
        var urgent = document
        urgent.urgency = .flash
        let old = bench.bundle(of: "an")
        bench.connect("an", greeting: Greeting(version: "0.4", incarnation: 5, counter: 0))
        bench.offer("an", old, document, path: bench.path("an"))
        #expect(bench.states(of: old) == ["T1": .arrived])
        var new = bench.bundle(of: "an")
        new.creationTime = old.creationTime
        let answers = bench.offer("an", new, urgent, path: bench.path("an"), lifetime: .days(9), former: old)
        #expect(answers.refusals == [.completed])
    }

    /// Jobs go on after a restart with what they set, in bounded turns, and stand in the operator log.
    @Test func aJobGoesOnAfterARestart() throws {
        let bench = Bench()
        bench.failingChanges = []
        for _ in 0..<600 { bench.submit(["B1"], length: 4) }
        let job = try #require(
            bench.preview(.urgency, { $0.states = [.waiting] }, setting: .urgency(.flash), reason: "hạn chót"))
        _ = bench.operate(.apply(job.number))
        #expect(try #require(bench.job(job.number)).done <= 256, "some pairs a turn")
        bench.restart()
        bench.finishJobs()
        let done = try #require(bench.job(job.number))
        #expect(done.phase == .done && done.done + done.skippedCount == 600 && done.setting == .urgency(.flash))
        // What the restart has met is as new: nothing of it was offered.
        #expect(done.done == 600)
        #expect(bench.allRows.filter { $0.ended == .zero }.allSatisfy { $0.urgency == .flash })
        if case .refused(let why) = bench.operate(.undo(job.number)) {
            #expect(why == "urgency cannot be undone")
        } else {
            Issue.record("it was undone")
        }
        let entry = try #require(bench.operatorLog.first { $0.verb == "urgency" })
        #expect(entry.subject.hasSuffix("urgency, urgency 3") && entry.reason == "hạn chót", "\(entry.subject)")
        Self.expectBalance(bench)
    }
}
