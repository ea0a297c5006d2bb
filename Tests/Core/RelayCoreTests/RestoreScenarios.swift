// RestoreScenarios: a store that was brought back from a copy, as the core takes it up: nothing is sent before all that waited is held, IDs
// do not come twice, and what others prove to have is not given to anybody again.

import RelayCore
import RelayModel
import RelayRows
import Testing

@Suite struct RestoreScenarios {
    private func bringBack(_ bench: Bench) { bench.bringBack() }

    private func phase(_ bench: Bench) -> RestorationRow.Phase? { bench.read { RestorationRow.read($0)?.phase } }

    private func expectBalance(_ bench: Bench, _ location: SourceLocation = #_sourceLocation) {
        let accepted =
            bench.counter(.acceptedSubmitted(admin: false)) + bench.counter(.acceptedTaken(admin: false))
        let found = RecipientState.allCases.reduce(UInt64(0)) { $0 + bench.counter(.state($1, admin: false)) }
        #expect(accepted == found, sourceLocation: location)
        let queued = bench.counter(.state(.waiting, admin: false)) + bench.counter(.state(.deferred, admin: false))
        let counted = bench.read { rows in
            AgeCell.all(rows).reduce(UInt64(0)) { sum, cell in
                if case .queued = cell.place { sum + cell.count } else { sum }
            }
        }
        #expect(counted == queued, sourceLocation: location)
    }

    private func deed(_ verb: String) -> Deed { Deed(uid: 1_000, login: "lan", verb: verb, reason: "đã đối chiếu") }

    private func counts(_ effects: [Effect]) -> EvidenceCounts? {
        for case .answerRestore(_, let counts) in effects { return counts }
        return nil
    }

    @Test func everythingIsHeldAndNothingIsSent() throws {
        let bench = Bench()
        let old = bench.engine.core.incarnation
        var waiting: [BundleID] = []
        for _ in 0..<1_300 { waiting.append(try #require(bench.submit(["B1", "C1"])?.accepted)) }
        let home = try #require(bench.submit(["T2"])?.accepted)
        bringBack(bench)
        #expect(bench.engine.core.incarnation != old)
        // While it is being held: links come up, a new document comes, the process restarts.
        var sent = bench.connect("binh").documents
        #expect(phase(bench) == .holding)
        let new = try #require(bench.submit(["B1"])?.accepted)
        #expect(new.incarnation == bench.engine.core.incarnation && new.counter == 1)
        bench.restart()
        sent += bench.connect("binh").documents
        while phase(bench) == .holding { sent += bench.advance(Milliseconds(1)).documents }
        sent += bench.advance(.seconds(10)).documents
        #expect(phase(bench) == .held)
        #expect(sent.map(\.bundle) == [new])
        for bundle in waiting { #expect(bench.states(of: bundle) == ["B1": .held, "C1": .held]) }
        #expect(bench.states(of: home) == ["T2": .arrived])
        #expect(bench.counter(.state(.held, admin: false)) == 2_600)
        expectBalance(bench)
        let entry = bench.read { rows in rows.value(.audit, Keys.audit(1)).flatMap { AuditRow(record: $0) } }
        #expect(
            entry?.verb == "restore" && entry?.count == 2_600 && entry?.login == "lan" && entry?.reason == "đĩa hỏng")
        // Another restart is not another restore.
        bench.restart()
        #expect(phase(bench) == .held)
        #expect(bench.read { $0.count(.audit) } == 1)
    }

    /// What an operator held in the copy may have been released and taken since: evidence ends it as well, and the release of the restore
    /// leaves it held. An ordinary release passes over what the restore holds.
    @Test(arguments: [false, true]) func whatWasHeldBeforeIsCompared(restarts: Bool) throws {
        let bench = Bench(restarts: restarts)
        let taken = try #require(bench.submit(["B1"])?.accepted)
        let kept = try #require(bench.submit(["B1"])?.accepted)
        bench.deed(.hold) { $0.states = [.waiting] }
        let waiting = try #require(bench.submit(["B2"])?.accepted)
        bench.advance(.seconds(1))
        bringBack(bench)
        bench.connect("binh")
        bench.advance(.seconds(10))
        bench.breathe()
        let evidence = [Evidence(bundle: taken, recipient: "B1", fact: .taken(by: node("binh")))]
        let answer = bench.event(
            .restoredCompared(ticket: Ticket(1), deed("restore compare"), Comparison(evidence: evidence)))
        #expect(counts(answer)?.forwarded == 1)
        #expect(bench.states(of: taken) == ["B1": .forwarded])
        let job = try #require(bench.deed(.release) { $0.states = [.held] })
        #expect(job.done == 1 && job.skipped == [SkipCause.restored.rawValue: 1])
        #expect(bench.states(of: kept) != ["B1": .held] && bench.states(of: waiting) == ["B2": .held])
        bench.breathe()
        bench.event(.restoredReleased(ticket: Ticket(2), deed("restore release")))
        bench.advance(.seconds(10))
        #expect(bench.states(of: waiting) != ["B2": .held])
        expectBalance(bench)
    }

    /// Deleted after the restore, and undone: it is still what the restore holds, and the release of it means it, too.
    @Test(arguments: [false, true]) func anUndoneDeletionIsStillHeldByTheRestore(restarts: Bool) throws {
        let bench = Bench(restarts: restarts)
        let bundle = try #require(bench.submit(["B1"])?.accepted)
        bringBack(bench)
        bench.advance(.seconds(10))
        let job = try #require(bench.deed(.delete) { $0.states = [.held] })
        #expect(bench.states(of: bundle) == ["B1": .deleting])
        bench.advance(.seconds(10))
        _ = bench.operate(.undo(job.number))
        bench.finishJobs()
        #expect(bench.states(of: bundle) == ["B1": .held])
        let why = bench.engine.core.wait(bench.rows(of: bundle)[0], 0, now: bench.reading.relay).why
        #expect(why == ["held: the store was restored from a copy"])
        bench.connect("binh")
        bench.event(.restoredReleased(ticket: Ticket(1), deed("restore release")))
        bench.advance(.seconds(10))
        #expect(bench.released.documents.last?.bundle == bundle)
        expectBalance(bench)
    }

    @Test(arguments: [false, true]) func whatANeighbourHasIsNotSentAgain(restarts: Bool) throws {
        let bench = Bench(restarts: restarts)
        let first = try #require(bench.submit(["B1", "D1"])?.accepted)
        let second = try #require(bench.submit(["B2"])?.accepted)
        let home = try #require(bench.submit(["T2"])?.accepted)
        let other = try #require(bench.submit(["T2"])?.accepted)
        bringBack(bench)
        bench.connect("binh")
        bench.connect("dao")
        bench.advance(.seconds(10))
        bench.breathe()
        let evidence = [
            Evidence(bundle: first, recipient: "B1", fact: .taken(by: node("binh"))),
            Evidence(bundle: first, recipient: "X9", fact: .taken(by: node("binh"))),
            Evidence(bundle: home, recipient: "T2", fact: .delivered),
            // Not held: an arrived document is nobody's to be taken.
            Evidence(bundle: other, recipient: "T2", fact: .taken(by: node("binh"))),
        ]
        let answer = bench.event(
            .restoredCompared(ticket: Ticket(1), deed("restore compare"), Comparison(evidence: evidence)))
        var expected = EvidenceCounts()
        expected.forwarded = 1
        expected.delivered = 1
        expected.skipped = 2
        #expect(counts(answer) == expected)
        #expect(answer.documents.isEmpty)
        // Once more ends nothing. In the middle of a comparison that is no entry of its own, at its end it is.
        for (isLast, entries) in [(false, 2), (true, 3)] as [(Bool, UInt64)] {
            let portion = Comparison(evidence: evidence, isLast: isLast)
            let again = bench.event(.restoredCompared(ticket: Ticket(2), deed("restore compare"), portion))
            #expect(counts(again)?.skipped == 4)
            #expect(bench.read { $0.count(.audit) } == entries)
        }
        #expect(bench.states(of: first) == ["B1": .forwarded, "D1": .held])
        #expect(bench.states(of: home) == ["T2": .delivered])
        #expect(bench.states(of: other) == ["T2": .arrived])
        #expect(bench.counter(.forwardedTo(node("binh"))) == 1)
        expectBalance(bench)
        bench.breathe()
        var sent = bench.event(.restoredReleased(ticket: Ticket(3), deed("restore release"))).documents
        sent += bench.advance(.seconds(10)).documents
        let ways = sent.map { "\($0.bundle) \($0.peer) \($0.copy!.recipients)" }
        #expect(
            Set(ways) == [
                "\(first) \(node("dao")) \([agency("D1")])", "\(second) \(node("binh")) \([agency("B2")])",
            ])
        #expect(phase(bench) == .released)
        expectBalance(bench)
    }

    /// A comparison is worked off in turns with the traffic; one that a restart cuts off is made again, and finds the rest.
    @Test func aLongComparisonTakesTurns() throws {
        let bench = Bench()
        let bundles = (0..<400).compactMap { _ in bench.submit(["B1", "B2"])?.accepted }
        bringBack(bench)
        bench.advance(.seconds(10))
        let evidence = bundles.flatMap { bundle in
            ["B1", "B2"].map { Evidence(bundle: bundle, recipient: $0, fact: .taken(by: node("binh"))) }
        }
        let portion = Comparison(evidence: evidence, nodes: [node("binh")])
        let event = Event.restoredCompared(ticket: Ticket(1), deed("restore compare"), portion)
        #expect(counts(bench.event(event)) == nil)
        let first = bench.counter(.state(.forwarded, admin: false))
        #expect(first > 0 && first <= 256)
        // A release waits for the end of it.
        let release = bench.event(.restoredReleased(ticket: Ticket(2), deed("restore release")))
        #expect(release.contains { if case .answerRestore(Ticket(2), nil) = $0 { true } else { false } })
        bench.restart()
        let before = Int(bench.counter(.state(.forwarded, admin: false)))
        #expect(bench.read { RestorationRow.read($0)?.compared } == [])
        var effects = bench.event(event)
        effects += bench.advance(.seconds(1))
        #expect(counts(effects)?.forwarded == 800 - before && counts(effects)?.skipped == before)
        #expect(bench.counter(.state(.forwarded, admin: false)) == 800)
        #expect(bench.read { RestorationRow.read($0)?.compared } == [node("binh")])
        expectBalance(bench)
    }

    /// A copy that has been at a neighbour and came back: that the neighbour had it before says nothing of this copy.
    @Test func whatCameBackIsNotGone() throws {
        let bench = Bench()
        bench.connect("an")
        let bundle = bench.bundle(of: "binh")
        let document = bench.document("B1", ["C1"])
        #expect(bench.offer("an", bundle, document, path: bench.path("binh", "an")).acknowledgements == 1)
        bringBack(bench)
        bench.advance(.seconds(10))
        #expect(bench.states(of: bundle) == ["C1": .held])
        for (before, expected) in [(UInt64(60_000), RecipientState.held), (0, .forwarded)] {
            let time = WallTime(milliseconds: bench.wall - before)
            let item = Evidence(bundle: bundle, recipient: "C1", fact: .taken(by: node("binh")), time: time)
            bench.event(
                .restoredCompared(ticket: Ticket(1), deed("restore compare"), Comparison(evidence: [item])))
            #expect(bench.states(of: bundle) == ["C1": expected])
        }
    }

    /// Held for longer than its lifetime: it ends as expired when it is let go, as by an ordinary release.
    @Test func whatHasExpiredMeanwhileEndsOnRelease() throws {
        let bench = Bench()
        let old = try #require(bench.submit(["B1"], lifetime: .hours(1))?.accepted)
        let young = try #require(bench.submit(["B1"])?.accepted)
        bringBack(bench)
        bench.advance(.hours(3))
        #expect(bench.states(of: old) == ["B1": .held])
        bench.connect("binh")
        var sent = bench.event(.restoredReleased(ticket: Ticket(3), deed("restore release"))).documents
        sent += bench.advance(.seconds(10)).documents
        #expect(sent.map(\.bundle) == [young])
        #expect(bench.states(of: old) == ["B1": .expired])
        #expect(bench.reports(of: old).map(\.state) == [.expired])
        expectBalance(bench)
    }

    /// Under another name it would be a second document to an agency that has the first: that goes behind a comparison.
    @Test func whatMayBeGoneIsNotResubmitted() throws {
        let bench = Bench()
        _ = try #require(bench.submit(["B1"], lifetime: .hours(1))?.accepted)
        bringBack(bench)
        bench.advance(.hours(3))
        let early = try #require(bench.deed(.resubmit) { $0.states = [.held] })
        #expect(early.done == 0 && early.skipped == [SkipCause.restored.rawValue: 1])
        // An empty file proves nothing, nor do the books of some of the neighbours.
        let some = ["an", "binh", "chi"].map { node($0) }
        for nodes in [[], some] {
            let portion = Comparison(evidence: [], nodes: nodes)
            bench.event(.restoredCompared(ticket: Ticket(1), deed("restore compare"), portion))
            let still = try #require(bench.deed(.resubmit) { $0.states = [.held] })
            #expect(still.done == 0 && still.skipped == [SkipCause.restored.rawValue: 1])
        }
        let entries = bench.read { rows in
            (1...rows.count(.audit)).compactMap { rows.value(.audit, Keys.audit($0)).flatMap { AuditRow(record: $0) } }
        }
        #expect(
            entries.filter { $0.verb == "restore compare" }.map(\.outcome) == [
                "ended: 0 as forwarded, 0 as delivered",
                "ended: 0 as forwarded, 0 as delivered; whole books of an, binh, chi",
            ])
        let portion = Comparison(evidence: [], nodes: [node("dao")])
        bench.event(.restoredCompared(ticket: Ticket(1), deed("restore compare"), portion))
        let late = try #require(bench.deed(.resubmit) { $0.states = [.held] })
        #expect(late.done == 1)
    }

    /// The copy was made of a store that had itself been restored and was still held: one release means both.
    @Test func aCopyOfARestoredStoreIsHeldAsOne() throws {
        let bench = Bench()
        let first = try #require(bench.submit(["B1"])?.accepted)
        bringBack(bench)
        bench.advance(.seconds(10))
        let second = try #require(bench.submit(["B1"])?.accepted)
        bringBack(bench)
        bench.advance(.seconds(10))
        bench.connect("binh")
        #expect(bench.states(of: first) == ["B1": .held] && bench.states(of: second) == ["B1": .held])
        var sent = bench.event(.restoredReleased(ticket: Ticket(3), deed("restore release"))).documents
        sent += bench.advance(.seconds(10)).documents
        #expect(Set(sent.map(\.bundle)) == [first, second])
        expectBalance(bench)
    }

    /// What an operator had held before the copy was made, and what is suspect, is no business of the restore.
    @Test func otherHeldOnesStayHeld() throws {
        let bench = Bench()
        let suspect = try #require(bench.submit(["B1"])?.accepted)
        let number = try #require(bench.rows(of: suspect).first?.number)
        bench.event(.suspected([number]))
        bench.event(.suspected([number]))
        #expect(bench.states(of: suspect) == ["B1": .held])
        let waiting = try #require(bench.submit(["B1"])?.accepted)
        bench.advance(.seconds(1))
        bringBack(bench)
        bench.connect("binh")
        bench.advance(.seconds(10))
        #expect(bench.states(of: waiting) == ["B1": .held])
        var sent = bench.event(.restoredReleased(ticket: Ticket(3), deed("restore release"))).documents
        sent += bench.advance(.seconds(10)).documents
        #expect(sent.map(\.bundle) == [waiting])
        #expect(bench.states(of: suspect) == ["B1": .held])
    }

    /// A document in pieces at home whose digest was being checked arrives after the release, once.
    @Test func whatIsAtHomeInPiecesArrivesOnRelease() throws {
        let bench = Bench()
        bench.connect("an")
        let bundle = bench.bundle(of: "an")
        let length = PieceRange.grid + 10
        let document = bench.document("A1", ["T1"], length: length)
        bench.offer("an", bundle, document, path: bench.path("an"), piece: (0, PieceRange.grid))
        bench.offer("an", bundle, document, path: bench.path("an"), piece: (PieceRange.grid, 10))
        #expect(bench.states(of: bundle) == ["T1": .waiting])
        bringBack(bench)
        bench.advance(.seconds(1))
        #expect(bench.states(of: bundle) == ["T1": .held])
        var effects = bench.event(.restoredReleased(ticket: Ticket(3), deed("restore release")))
        effects += bench.advance(.seconds(1))
        let number = try #require(bench.rows(of: bundle).first?.number)
        #expect(effects.contains { if case .verify(number, _, _) = $0 { true } else { false } })
        bench.event(.documentVerified(number: number, matches: true))
        #expect(bench.states(of: bundle) == ["T1": .arrived])
        expectBalance(bench)
    }

    /// A copy of last week: nothing expires before it is held, and what a neighbour offers again is answered from what is held.
    @Test func nothingExpiresBeforeItIsHeld() throws {
        let bench = Bench()
        let bundle = try #require(bench.submit(["B1"], lifetime: .hours(1))?.accepted)
        let other = try #require(bench.submit(["B1"])?.accepted)
        bench.relay += 7 * 86_400_000
        bench.wall += 7 * 86_400_000
        bringBack(bench)
        bench.advance(.seconds(1))
        #expect(bench.states(of: bundle) == ["B1": .held])
        #expect(bench.states(of: other) == ["B1": .held])
        #expect(bench.counter(.state(.expired, admin: false)) == 0)
    }

    /// A mark that cannot be read holds everything, too.
    @Test func anUnreadableMarkHolds() throws {
        let bench = Bench()
        let bundle = try #require(bench.submit(["B1"])?.accepted)
        _ = bench.store.batch { $0.put(.meta, RestorationRow.key, [9, 9, 9]) }
        bench.restart()
        #expect(bench.connect("binh").documents.isEmpty)
        #expect(bench.advance(.seconds(10)).documents.isEmpty)
        #expect(bench.states(of: bundle) == ["B1": .held])
    }

    @Test func withoutARestoreThereIsNothingToCompare() {
        let bench = Bench()
        let effects = bench.event(.restoredReleased(ticket: Ticket(3), deed("restore release")))
        guard case .answerRestore(Ticket(3), nil)? = effects.first else {
            Issue.record("\(effects)")
            return
        }
        #expect(bench.read { $0.count(.audit) } == 0)
    }
}
