// RestoredSpoolScenarios: a store that was brought back from a copy, and what of it belongs to an agency that takes its documents from a
// directory: what was *handing over* may have been taken since, and nothing of the copy goes there before the release. And what a copy
// says of the node's own end.

import RelayModel
import RelayRows
import Testing

@testable import RelayCore

@Suite struct RestoredSpoolScenarios {
    private func deed(_ verb: String) -> Deed { Deed(uid: 1_000, login: "lan", verb: verb, reason: "đã đối chiếu") }

    private func counts(_ effects: [Effect]) -> EvidenceCounts? {
        for case .answerRestore(_, let counts) in effects { return counts }
        return nil
    }

    /// One document *handing over*, its directory made anew.
    private func handing(_ bench: Bench) throws -> BundleID {
        let bundle = try #require(bench.submit(["T2"])?.accepted)
        let write = try #require(SpoolScenarios.steps(bench.released).last)
        bench.event(.handedOver(ticket: write.ticket, folder: 77))
        #expect(bench.states(of: bundle) == ["T2": .handing])
        return bundle
    }

    private func loseFolder(_ bench: Bench) throws {
        let move = try #require(SpoolScenarios.steps(bench.released).last)
        guard case .move(folder: 77, _) = move.step else { throw SpoolScenarios.Unexpected() }
        bench.event(.handOverFailed(ticket: move.ticket, .folderGone("another folder")))
    }

    private func acknowledge(_ bench: Bench, _ bundle: BundleID) {
        let number = bench.rows(of: bundle)[0].number
        bench.event(.inboxAcknowledged(ticket: bench.ticket(), agency: agency("T2"), envelopes: [number]))
    }

    private func expectDelivered(_ bench: Bench, _ bundle: BundleID, _ location: SourceLocation = #_sourceLocation) {
        #expect(bench.states(of: bundle) == ["T2": .delivered], sourceLocation: location)
        #expect(bench.read { $0.count(.spool) } == 0 && bench.read { $0.count(.inbox) } == 0, sourceLocation: location)
        #expect(bench.counter(.state(.handing, admin: false)) == 0, sourceLocation: location)
        #expect(bench.balance().accepted == bench.balance().states, sourceLocation: location)
        #expect(bench.engine.core.spoolViews.allSatisfy { $0.underWay == 0 && $0.trouble.isEmpty })
        bench.restart()
        bench.advance(.minutes(5))
        #expect(bench.states(of: bundle) == ["T2": .delivered], sourceLocation: location)
    }

    @Test(arguments: [false, true]) func whatTheSubmitterKnowsToBeDeliveredIsNotHandedOver(restarts: Bool) throws {
        let bench = SpoolScenarios.bench(restarts: restarts)
        let bundle = try handing(bench)
        bench.bringBack()
        bench.advance(.seconds(10))
        let row = bench.rows(of: bundle)[0]
        let mark = try #require(bench.read { RestorationRow.read($0) })
        #expect(mark.mayRepeat(row.recipients[0], of: row.number))
        let why = bench.engine.core.picture.wait(row, 0, now: bench.reading.relay).why
        #expect(why.contains { $0.hasSuffix("the agency may have taken it since; ask it first") }, "\(why)")
        try loseFolder(bench)
        bench.breathe()
        let portion = Comparison(evidence: [Evidence(bundle: bundle, recipient: "T2", fact: .delivered)])
        let answer = bench.event(.restoredCompared(ticket: Ticket(1), deed("restore compare"), portion))
        #expect(counts(answer)?.delivered == 1)
        expectDelivered(bench, bundle)
    }

    /// Who knows that the agency has it ends it; while the file may still be where it was written, nobody does.
    @Test func whatLostItsFolderIsAcknowledged() throws {
        let bench = SpoolScenarios.bench(atOnce: 1)
        let bundle = try handing(bench)
        let next = try #require(bench.submit(["T2"])?.accepted)
        let move = try #require(SpoolScenarios.steps(bench.released).last)
        bench.event(.handOverFailed(ticket: move.ticket, .spool("not there")))
        acknowledge(bench, bundle)
        #expect(bench.states(of: bundle) == ["T2": .handing])
        #expect(bench.engine.core.spoolViews[0].unknown == [])
        bench.advance(.seconds(11))
        try loseFolder(bench)
        #expect(bench.engine.core.picture.spoolViews[0].unknown == [bench.rows(of: bundle)[0].number])
        acknowledge(bench, bundle)
        #expect(bench.reports(of: bundle).map(\.state) == [.arrived, .delivered])
        // What stood in the way is gone: the next one goes at once.
        let write = try #require(SpoolScenarios.steps(bench.released).last)
        #expect(write.bundle == next)
        acknowledge(bench, next)
        bench.event(.handedOver(ticket: write.ticket, folder: 78))
        expectDelivered(bench, bundle)
    }

    @Test func nothingOfTheCopyGoesIntoASpoolBeforeTheRelease() throws {
        let bench = SpoolScenarios.bench()
        let bundle = try #require(bench.submit(["T2"])?.accepted)
        bench.bringBack()
        bench.advance(.seconds(10))
        let row = bench.rows(of: bundle)[0]
        func why() -> [String] { bench.engine.core.picture.wait(row, 0, now: bench.reading.relay).why }
        #expect(why().first?.hasPrefix("arrived; held since the restore: edocctl restore release") == true, "\(why())")
        #expect(bench.engine.core.picture.spoolViews[0].waitsForRelease)
        var steps = SpoolScenarios.steps(bench.released)
        #expect(steps.last?.bundle == bundle)
        let before = steps.count
        bench.event(.restoredReleased(ticket: Ticket(2), deed("restore release")))
        bench.advance(.seconds(10))
        steps = SpoolScenarios.steps(bench.released)
        #expect(steps.count == before + 1 && steps.last?.bundle == bundle)
        #expect(!bench.engine.core.picture.spoolViews[0].waitsForRelease)
        #expect(why().first?.hasPrefix("arrived; is being written") == true, "\(why())")
    }

    /// How many it was, also over a restart in the middle.
    @Test(arguments: [false, true]) func theReleaseIsCounted(restarts: Bool) throws {
        let bench = Bench()
        _ = try #require(bench.submit(["B1"], lifetime: .hours(1))?.accepted)
        for _ in 0..<1_300 { _ = try #require(bench.submit(["B1", "C1"])?.accepted) }
        bench.bringBack()
        bench.advance(.hours(3))
        bench.event(.restoredReleased(ticket: Ticket(1), deed("restore release")))
        #expect(bench.counter(.state(.held, admin: false)) > 0)
        if restarts { bench.restart() }
        bench.advance(.seconds(10))
        let last = bench.read { rows in
            rows.value(.audit, Keys.audit(rows.count(.audit))).flatMap { AuditRow(record: $0) }
        }
        #expect(last?.verb == "restore released" && last?.count == 2_601)
        #expect(last?.bytes == 260_100 && last?.outcome == "done; ended as expired: 1")
    }

    /// What is held needs the daemon: a node that was being emptied when the copy was made is not emptied now.
    @Test(arguments: [false, true]) func theDrainOfACopyIsCancelled(isDone: Bool) throws {
        let bench = Bench()
        let bundle = try #require(bench.submit([isDone ? "T2" : "B1"])?.accepted)
        guard case .draining(true) = bench.operate(.drain(true, reason: "cũ")) else {
            throw SpoolScenarios.Unexpected()
        }
        bench.advance(.seconds(1))
        #expect(bench.read { DrainRow.read($0)?.isDone } == isDone)
        let before = bench.released.count
        bench.bringBack()
        bench.advance(.seconds(30))
        let after = bench.released.dropFirst(before)
        #expect(!after.contains { if case .drained = $0 { true } else { false } })
        #expect(Array(after).alarms.contains { $0.contains("the drain is cancelled") })
        #expect(bench.engine.core.drainRow == nil && bench.read { DrainRow.read($0) } == nil)
        #expect(bench.states(of: bundle) == (isDone ? ["T2": .arrived] : ["B1": .held]))
        #expect(bench.submit(["B1"])?.accepted != nil)
    }
}
