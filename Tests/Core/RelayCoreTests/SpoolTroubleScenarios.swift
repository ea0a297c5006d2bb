// What is handing over to a spool and cannot be moved, since its folder was replaced: it stays in trouble until it is delivered, is told of
// once, and holds up no other document.

import RelayModel
import RelayRows
import Testing

@testable import RelayCore

@Suite struct SpoolTroubleScenarios {
    private static let other = HandOverFailure.place("/srv/t2/tmp is not the folder in which it was written")

    private func steps(_ effects: [Effect]?) -> [HandOver] { SpoolScenarios.steps(effects) }

    private func done(_ bench: Bench, _ step: HandOver) -> [Effect] {
        bench.event(.handedOver(ticket: step.ticket, folder: 77))
    }

    private func fail(_ bench: Bench, _ step: HandOver, _ failure: HandOverFailure) -> [Effect] {
        bench.event(.handOverFailed(ticket: step.ticket, failure))
    }

    @Test(arguments: [false, true]) func aFolderThatWasReplaced(restarts: Bool) throws {
        let bench = SpoolScenarios.bench(atOnce: 2)
        let stuck = (1...2).map { _ in bench.submit(["T2"])!.accepted! }
        var moves = steps(bench.released).flatMap { steps(done(bench, $0)) }
        #expect(moves.map(\.bundle) == stuck)
        for move in moves {
            guard case .move(folder: 77, document: let content?) = move.step else { throw SpoolScenarios.Unexpected() }
            #expect(content == HandOver.Content(length: 100, digest: Digest(words: (2, 0, 0, 0))))
        }
        if restarts {
            bench.restart()
            moves = Array(steps(bench.released).suffix(2))
            #expect(moves.map(\.bundle) == stuck)
        }
        let since = bench.rows(of: stuck[0])[0].recipients[0].since
        // Each text is another, and it is one trouble.
        let alarms = fail(bench, moves[0], Self.other).alarms
        #expect(
            alarms == [
                "the spool of T2 does not take documents that are handing over (2), tried again: \(Self.other.sentence)"
            ])
        #expect(fail(bench, moves[1], .place("another text")).alarms.isEmpty)
        var view = try #require(bench.engine.core.spoolViews.first)
        #expect(view.stuck == 2 && view.trouble == Self.other.sentence && view.oldest == since)
        #expect(view.nextAttempt != nil)

        // Others pass, and do not end it.
        for _ in 1...3 {
            let bundle = bench.submit(["T2"])!.accepted!
            let write = try #require(steps(bench.released).last)
            #expect(write.bundle == bundle)
            let move = try #require(steps(done(bench, write)).last)
            #expect(SpoolScenarios.said(done(bench, move)).isEmpty)
            #expect(bench.states(of: bundle) == ["T2": .delivered])
        }
        view = try #require(bench.engine.core.spoolViews.first)
        #expect(view.stuck == 2 && view.sentence?.contains("handing over (2)") == true)
        let wait = bench.engine.core.wait(bench.rows(of: stuck[1])[0], 0, now: RelayTime(milliseconds: bench.relay))
        #expect(wait.why.last == "the spool does not take it: another text" && wait.nextAttempt != nil)

        // Tried again and again without a word.
        for _ in 1...3 {
            let again = steps(bench.advance(.seconds(41)))
            #expect(Set(again.map(\.bundle)) == Set(stuck))
            for step in again { #expect(fail(bench, step, .place("\(step.file)")).alarms.isEmpty) }
        }
        let last = steps(bench.advance(.seconds(41)))
        try #require(last.count == 2)
        #expect(SpoolScenarios.said(done(bench, last[0])).isEmpty)
        #expect(bench.engine.core.spoolViews.first?.stuck == 1)
        #expect(SpoolScenarios.said(done(bench, last[1])) == ["the spool of T2 takes documents again"])
        #expect(bench.engine.core.spoolViews.first?.sentence == nil)
        for bundle in stuck { #expect(bench.states(of: bundle) == ["T2": .delivered]) }
    }

    /// How many bytes are free is another number each time.
    @Test func noRoomIsSaidOnce() throws {
        let bench = SpoolScenarios.bench(atOnce: 2)
        for _ in 1...2 { _ = bench.submit(["T2"]) }
        var said = 0
        for attempt in 1...4 {
            for step in attempt == 1 ? steps(bench.released) : steps(bench.advance(.seconds(41))) {
                said += fail(bench, step, .room("\(attempt) \(step.number) bytes free")).alarms.count
            }
        }
        #expect(said == 1)
        #expect(bench.engine.core.spoolViews.first?.stuck == 0)
    }

    /// What cannot be written is taken from the inbox: nothing is in trouble any more.
    @Test func takenFromTheInboxMeanwhile() throws {
        let bench = SpoolScenarios.bench()
        let bundle = bench.submit(["T2"])!.accepted!
        let write = try #require(steps(bench.released).last)
        #expect(fail(bench, write, .spool("no right")).alarms.count == 1)
        let number = bench.rows(of: bundle)[0].number
        bench.event(.inboxAcknowledged(ticket: bench.ticket(), agency: agency("T2"), envelopes: [number]))
        let effects = bench.advance(.seconds(41))
        #expect(SpoolScenarios.said(effects) == ["the spool of T2 takes documents again"])
        #expect(bench.engine.core.spoolViews.first?.trouble == "")
    }
}
