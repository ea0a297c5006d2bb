// What operators do to envelopes, deed by deed; each also with a restart between its steps.

import RelayCore
import RelayModel
import RelayRouting
import RelayRows
import Testing

@Suite struct DeedScenarios {
    private static func expectBalance(_ bench: Bench) {
        let (accepted, states) = bench.balance()
        #expect(accepted == states, "accepted = ended + in store")
    }

    @Test(arguments: [false, true])
    func heldStaysAndReleasedGoes(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        let bundle = bench.submit(["B1", "C1"])!.accepted!
        bench.breathe()
        let held = bench.deed(.hold) { $0.to = .agency(agency("B1")) }
        #expect(held?.done == 1 && held?.phase == .done && held?.skippedCount == 0)
        #expect(bench.states(of: bundle) == ["B1": .held, "C1": .waiting])
        Self.expectBalance(bench)
        bench.breathe()
        bench.connect("binh")
        #expect(bench.released.documents.isEmpty, "what is held is not sent")
        bench.breathe()
        bench.deed(.release) { $0.states = [.held] }
        let sent = bench.released.documents
        #expect(sent.map(\.peer.name) == ["binh"])
        #expect(sent.last?.copy?.recipients == [agency("B1")])
        bench.answer(sent.last!, .acknowledged)
        #expect(bench.states(of: bundle) == ["B1": .forwarded, "C1": .waiting])
        Self.expectBalance(bench)
    }

    @Test(arguments: [false, true])
    func aHoldIsUndone(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        let bundle = bench.submit(["B1", "C1"])!.accepted!
        let job = bench.deed(.hold) { $0.states = [.waiting] }!
        #expect(job.done == 2)
        // Another operator releases one of them, and holds it again: it is not this job's any more.
        bench.advance(.seconds(1))
        bench.deed(.release) { $0.to = .agency(agency("C1")) }
        bench.deed(.hold) { $0.to = .agency(agency("C1")) }
        bench.breathe()
        guard case .job = bench.operate(.undo(job.number)) else {
            Issue.record("it could not be undone")
            return
        }
        bench.finishJobs()
        #expect(bench.states(of: bundle) == ["B1": .waiting, "C1": .held])
        #expect(bench.job(job.number)?.undone == 1)
        #expect(bench.job(job.number)?.phase == .undone)
        if case .refused = bench.operate(.undo(job.number)) {} else { Issue.record("undone twice") }
        Self.expectBalance(bench)
    }

    /// After a quarter of an hour a hold is a hold.
    @Test func theTimeForUndoingEnds() {
        let bench = Bench()
        bench.submit(["B1"])
        let job = bench.deed(.hold) { $0.states = [.waiting] }!
        #expect(bench.read { $0.count(.undo) } == 1)
        bench.advance(.minutes(16))
        bench.finishJobs()
        #expect(bench.read { $0.count(.undo) } == 0)
        if case .refused = bench.operate(.undo(job.number)) {} else { Issue.record("undone after its time") }
    }

    /// Deleted: no report for fifteen minutes, in which it can be undone; then it ends, with a report.
    @Test(arguments: [false, true], [false, true])
    func aDeletionWaitsForItsWindow(restarts: Bool, isUndone: Bool) {
        let bench = Bench(restarts: restarts)
        let bundle = bench.submit(["B1"])!.accepted!
        bench.breathe()
        let job = bench.deed(.delete) { $0.to = .subtree(agency("B1")) }!
        #expect(bench.states(of: bundle) == ["B1": .deleting])
        #expect(bench.reports(of: bundle).isEmpty)
        #expect(bench.find(Selector()).count == 1, "it is still in the store")
        Self.expectBalance(bench)
        bench.breathe()
        bench.advance(.minutes(10))
        if isUndone {
            _ = bench.operate(.undo(job.number))
            bench.finishJobs()
            bench.breathe()
            bench.advance(.minutes(10))
            #expect(bench.states(of: bundle) == ["B1": .waiting])
            bench.connect("binh")
            #expect(bench.released.documents.map(\.peer.name) == ["binh"])
        } else {
            bench.breathe()
            bench.connect("binh")
            #expect(bench.released.documents.isEmpty)
            bench.advance(.minutes(10))
            bench.finishJobs()
            #expect(bench.states(of: bundle) == ["B1": .deleted])
            #expect(bench.reports(of: bundle).map(\.state) == [.deleted])
            #expect(bench.read { $0.count(.chunk) } == 0)
            #expect(bench.rows(of: bundle)[0].recipients[0].lastAnswer == "deleted by lan: a test")
        }
        Self.expectBalance(bench)
    }

    @Test(arguments: [false, true])
    func heldExpiresOnlyWhenItIsReleased(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        let bundle = bench.submit(["B1"], lifetime: .hours(1))!.accepted!
        bench.deed(.hold) { $0.states = [.waiting] }
        bench.breathe()
        bench.advance(.hours(3))
        #expect(bench.states(of: bundle) == ["B1": .held])
        var expired = Selector()
        expired.states = [.heldExpired]
        #expect(bench.find(expired).count == 1)
        bench.connect("binh")
        bench.deed(.release) { $0.states = [.heldExpired] }
        #expect(bench.states(of: bundle) == ["B1": .expired])
        #expect(bench.reports(of: bundle).map(\.state) == [.expired])
        #expect(bench.released.documents.isEmpty)
        Self.expectBalance(bench)
    }

    /// A new envelope that names the old one, of the same bytes, which are not copied and go with the last that needs them.
    @Test(arguments: [false, true], [100, Int(PieceRange.grid) + 9])
    func heldBeyondItsLifetimeIsResubmitted(restarts: Bool, length: Int) {
        let bench = Bench(restarts: restarts)
        let old = bench.submit(["B1", "C1", "T2"], length: length, lifetime: .hours(1))!.accepted!
        let before = bench.rows(of: old)[0]
        for number in [before.number] where before.isInPieces {
            bench.event(.documentVerified(number: number, matches: true))
        }
        #expect(
            bench.states(of: old)["T2"] == .arrived, "one of its recipients is at home, and its document waits there")
        bench.deed(.hold) { $0.states = [.waiting] }
        let early = bench.preview(.resubmit, { $0.states = [.held] })
        bench.advance(.minutes(30))
        _ = bench.operate(.apply(early!.number))
        bench.finishJobs()
        #expect(bench.job(early!.number)?.skipped == [SkipCause.notExpired.rawValue: 2])
        bench.advance(.hours(2))
        bench.breathe()
        let job = bench.deed(.resubmit) { $0.states = [.heldExpired] }!
        #expect(job.done == 2)
        #expect(bench.states(of: old) == ["B1": .expired, "C1": .expired, "T2": .arrived])
        let renamed = bench.rows(of: old)[0].resubmittedAs[0]
        #expect(renamed != old)
        let new = bench.rows(of: renamed)[0]
        #expect(new.formerly == old && new.document == before.document && new.lifetime == before.lifetime)
        #expect(new.extent == before.number)
        Self.expectBalance(bench)
        // The old one's last recipient ends; the new one's bytes stay.
        bench.event(.inboxAcknowledged(ticket: bench.ticket(), agency: agency("T2"), envelopes: [before.number]))
        bench.advance(.seconds(1))
        #expect(bench.read { $0.count(.chunk) } > 0)
        bench.breathe()
        bench.connect("binh")
        bench.connect("chi")
        var open = bench.released.documents.filter { $0.bundle == renamed }
        #expect(Set(open.map(\.peer.name)) == ["binh", "chi"])
        if !restarts {
            while !open.isEmpty { open += bench.answer(open.removeFirst(), .acknowledged).documents }
            #expect(bench.states(of: renamed) == ["B1": .forwarded, "C1": .forwarded])
            bench.advance(.seconds(1))
            #expect(bench.read { $0.count(.chunk) } == 0)
            #expect(
                bench.read { rows in rows.row(.lookup, atOrAfter: Keys.lookup(.sharer, "")) }.map { $0.key[0] } != 0x65)
        }
        Self.expectBalance(bench)
    }

    /// Recipients that are resubmitted one after the other go in envelopes of their own; each is named.
    @Test(arguments: [false, true]) func everyResubmissionIsNamed(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        let old = bench.submit(["B1", "C1"], lifetime: .hours(1))!.accepted!
        bench.deed(.hold) { $0.states = [.waiting] }
        bench.advance(.hours(2))
        for code in ["B1", "C1"] {
            bench.deed(.resubmit) {
                $0.states = [.heldExpired]
                $0.to = .agency(agency(code))
            }
            bench.breathe()
        }
        let row = bench.rows(of: old)[0]
        #expect(row.resubmittedAs.flatMap { bench.rows(of: $0)[0].recipients.map(\.name) } == ["B1", "C1"])
        #expect(
            row.recipients.map(\.lastAnswer) == row.resubmittedAs.map { "resubmitted by lan as \($0.envelopeName)" })
        Self.expectBalance(bench)
    }

    /// What was said of one recipient is not said of the others.
    @Test(arguments: [false, true]) func anAnswerBelongsToItsRecipients(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        let bundle = bench.submit(["B1", "C1", "D1"])!.accepted!
        bench.deed(.expire) { $0.to = .agency(agency("C1")) }
        bench.breathe()
        #expect(bench.rows(of: bundle)[0].recipients.map(\.lastAnswer) == ["", "expired by lan: a test", ""])
        let selector = { (selector: inout Selector) in
            selector.answer = "expired by lan"
            selector.states = [.waiting, .expired]
        }
        #expect(bench.preview(.hold, selector) == nil)
    }

    /// A batch ends in the middle of an envelope's recipients: it becomes one new envelope all the same.
    @Test func anEnvelopeIsResubmittedAsOne() {
        let bench = Bench()
        var olds = [bench.submit(["B1"], length: 4, lifetime: .hours(1))!.accepted!]
        for _ in 0..<150 { olds.append(bench.submit(["B1", "C1"], length: 4, lifetime: .hours(1))!.accepted!) }
        bench.deed(.hold) { $0.states = [.waiting] }
        bench.advance(.hours(2))
        let job = bench.deed(.resubmit) { $0.states = [.heldExpired] }!
        #expect(job.done == 301 && job.count == 301)
        #expect(bench.read { $0.count(.envelope) } == 302)
        for old in olds {
            let row = bench.rows(of: old)[0]
            let new = bench.rows(of: row.resubmittedAs[0])[0]
            #expect(new.formerly == old && new.recipients.map(\.name) == row.recipients.map(\.name))
        }
        Self.expectBalance(bench)
    }

    /// What was set aside because it could not be read is tried once more.
    @Test(arguments: [false, true]) func whatIsCorruptIsReleased(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        let bundle = bench.submit(["B1"])!.accepted!
        bench.event(.documentUnreadable(number: bench.rows(of: bundle)[0].number))
        #expect(bench.states(of: bundle) == ["B1": .corrupt])
        bench.breathe()
        // Its record is in good order: what cannot be read is its payload.
        let row = bench.rows(of: bundle)[0]
        let why = bench.engine.core.picture.wait(row, 0, now: bench.reading.relay).why
        #expect(why == ["its payload cannot be read back"], "\(why)")
        #expect(bench.deed(.release) { $0.states = [.corrupt] }?.done == 1)
        #expect(bench.states(of: bundle) == ["B1": .waiting])
        bench.connect("binh")
        #expect(bench.released.documents.map(\.bundle) == [bundle])
        Self.expectBalance(bench)
    }

    @Test(arguments: [false, true])
    func reroutedGoesByTheChosenPeer(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("dao")
        let bundle = bench.submit(["B1"])!.accepted!
        #expect(bench.released.documents.isEmpty)
        let job = bench.deed(.reroute, via: "dao") { $0.peer = PeerChoice(node: node("binh"), isAnyHop: false) }!
        #expect(job.done == 1)
        #expect(bench.released.documents.map(\.peer.name) == ["dao"])
        // It refuses: the route's own hops come next, and the chosen one last.
        bench.answer(bench.released.documents[0], .refused(.notAcceptable))
        bench.breathe()
        bench.connect("chi")
        #expect(bench.advance(.minutes(1)).documents.map(\.peer.name).contains("chi") || restarts)
        #expect(bench.rows(of: bundle)[0].recipients[0].via == node("dao"))
    }

    @Test(arguments: [false, true])
    func aRerouteSurvivesAReloadAndIsUndone(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        let bundle = bench.submit(["B1"])!.accepted!
        let job = bench.deed(.reroute, via: "dao") { $0.states = [.waiting] }!
        bench.breathe()
        bench.reload(Bench.configuration(routes: [("binh", ["an"]), ("an", ["an"])]))
        bench.finishJobs()
        func hops() -> [String] {
            let row = bench.rows(of: bundle)[0]
            return bench.engine.core.hops(ofClass: row.recipients[0].routeClass).map(\.name)
        }
        #expect(hops() == ["dao", "an"])
        _ = bench.operate(.undo(job.number))
        bench.finishJobs()
        #expect(hops() == ["an"])
    }

    /// Back where it came from, or to a node that it has passed: passed over, and counted.
    @Test func aRerouteIsNoLoop() {
        let bench = Bench()
        bench.connect("an")
        let bundle = bench.bundle(of: "an")
        bench.offer("an", bundle, bench.document("A1", ["B1"]), path: bench.path("an", "chi"))
        for peer in ["an", "chi"] {
            let job = bench.deed(.reroute, via: peer) { $0.states = [.waiting] }!
            #expect(job.done == 0 && job.skipped == [SkipCause.noWay.rawValue: 1])
        }
        #expect(bench.states(of: bundle) == ["B1": .waiting])
    }

    /// On a link at this moment: the peer's answer decides, and the deed passes it over.
    @Test func whatIsOnALinkIsPassedOver() {
        let bench = Bench()
        let bundle = bench.submit(["B1"])!.accepted!
        let hold = bench.preview(.hold, { $0.states = [.waiting] })!
        bench.connect("binh")
        #expect(bench.released.documents.count == 1)
        _ = bench.operate(.apply(hold.number))
        bench.finishJobs()
        #expect(bench.job(hold.number)?.skipped == [SkipCause.onLink.rawValue: 1])
        bench.answer(bench.released.documents[0], .acknowledged)
        #expect(bench.states(of: bundle) == ["B1": .forwarded])
    }

    /// Sent whole and not answered: the peer may have it, so it is not deleted here.
    @Test func whatIsInDoubtIsNotDeleted() {
        let bench = Bench()
        bench.submit(["B1"])
        bench.connect("binh")
        let sent = bench.released.documents[0]
        bench.event(
            .sessionEnded(session: bench.sessions[node("binh")]!, sentWhole: [sent.ticket], reason: "cut"))
        let job = bench.deed(.delete) { $0.to = .agency(agency("B1")) }!
        #expect(job.skipped == [SkipCause.inDoubt.rawValue: 1])
    }

    /// A report that is ended tells nobody: it can be held, and no more.
    @Test func reportsAreHeldButNotEnded() {
        let bench = Bench()
        bench.connect("an")
        bench.offer("an", bench.bundle(of: "an"), bench.document("A1", ["T1"]), path: bench.path("an"))
        bench.lose("an")
        bench.advance(.seconds(1))
        #expect(bench.find(Selector()).count == 1, "the document in the inbox; records are meant only when one says so")
        let deletion = bench.deed(.delete) {
            $0.withRecords = true
            $0.states = [.waiting]
        }
        #expect(deletion?.done == 0 && deletion?.skipped == [SkipCause.record.rawValue: 1])
        let hold = bench.deed(.hold) {
            $0.withRecords = true
            $0.states = [.waiting]
        }
        #expect(hold?.done == 1)
        #expect(bench.counter(.state(.held, admin: true)) == 1)
        Self.expectBalance(bench)
    }

    @Test func expireEndsAtOnceWithAReport() {
        let bench = Bench()
        let bundle = bench.submit(["B1", "C1"])!.accepted!
        bench.deed(.hold) { $0.to = .agency(agency("C1")) }
        let job = bench.deed(.expire) { $0.documentID = "7/VB" }!
        #expect(job.done == 2)
        #expect(bench.states(of: bundle) == ["B1": .expired, "C1": .expired])
        #expect(bench.reports(of: bundle).map(\.state) == [.expired, .expired])
        if case .refused = bench.operate(.undo(job.number)) {} else { Issue.record("an expiry was undone") }
        Self.expectBalance(bench)
    }

    @Test func retryTriesWhatIsDeferredAtOnce() {
        let bench = Bench()
        bench.connect("chi")
        bench.submit(["C1"])
        bench.answer(bench.released.documents[0], .refused(.retransmit))
        #expect(bench.released.documents.count == 1)
        let job = bench.deed(.retry) { $0.states = [.deferred] }
        #expect(job?.done == 1)
        #expect(bench.released.documents.count == 2)
    }

    @Test func requeueForgetsAReroute() {
        let bench = Bench()
        let bundle = bench.submit(["B1"])!.accepted!
        bench.deed(.reroute, via: "dao") { $0.states = [.waiting] }
        bench.deed(.requeue) { $0.states = [.waiting] }
        let row = bench.rows(of: bundle)[0]
        #expect(row.recipients[0].via == nil)
        #expect(bench.engine.core.hops(ofClass: row.recipients[0].routeClass).map(\.name) == ["binh", "chi"])
    }
}
