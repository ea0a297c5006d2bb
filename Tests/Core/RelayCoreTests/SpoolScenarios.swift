// Documents that go into an agency's spool: written, handing over, moved, delivered; with a restart at each step, with a directory that
// does not take them, with a configuration that changes meanwhile.

import RelayModel
import RelayRows
import Testing

@testable import RelayCore

@Suite struct SpoolScenarios {
    static let directory = "/srv/t2"

    static func bench(restarts: Bool = false, atOnce: Int = 4) -> Bench {
        Bench(restarts: restarts) { configuration in
            configuration.limits.pauseMin = .seconds(10)
            configuration.limits.pauseMax = .seconds(40)
            configuration.spools = [Spool(agency: agency("T2"), directory: directory, atOnce: atOnce)]
        }
    }

    static func steps(_ effects: [Effect]?) -> [HandOver] {
        (effects ?? []).compactMap { if case .handOver(let step) = $0 { step } else { nil } }
    }

    /// What the shell was asked to do last.
    private func last(_ bench: Bench) throws -> HandOver { try #require(Self.steps(bench.released).last) }

    private func done(_ bench: Bench, _ step: HandOver, folder: UInt64 = 77) -> [Effect] {
        bench.event(.handedOver(ticket: step.ticket, folder: folder))
    }

    private func spoolRows(_ bench: Bench) -> UInt64 { bench.read { $0.count(.spool) } }

    /// A directory that is gone keeps a document between arrived and delivered: the submitter hears that it takes long.
    @Test(arguments: [false, true]) func whatIsNotHandedOverIsReported(restarts: Bool) throws {
        let bench = Self.bench(restarts: restarts)
        let bundle = bench.submit(["T2"])!.accepted!
        let move = try #require(Self.steps(done(bench, try last(bench))).last)
        bench.event(.handOverFailed(ticket: move.ticket, .spool("no such directory")))
        bench.breathe()
        bench.advance(.hours(5))
        #expect(bench.states(of: bundle) == ["T2": .handing])
        let delays = bench.allReports(of: bundle).filter { $0.state == .delayed }
        #expect(delays.map(\.reason) == [.notPickedUp])
    }

    @Test(arguments: [false, true])
    func writtenThenHandingThenMovedThenDelivered(restarts: Bool) throws {
        let bench = Self.bench(restarts: restarts)
        let bundle = bench.submit(["T2"])!.accepted!
        let first = try last(bench)
        guard case .write(let payload, 100, let digest?, let spool) = first.step else { throw Unexpected() }
        #expect(payload.map(\.length) == [100] && digest == Digest(words: (2, 0, 0, 0)))
        #expect(spool.directory == Self.directory && first.directory == Self.directory)
        #expect(first.file == bundle.envelopeName + "-T2")
        #expect(bench.states(of: bundle) == ["T2": .arrived])

        // Killed while it was written: it is written anew, and an answer to the engine of before means nothing.
        bench.breathe()
        if restarts {
            #expect(Self.steps(done(bench, first)).isEmpty)
            #expect(bench.states(of: bundle) == ["T2": .arrived])
        }
        let write = try last(bench)
        let moves = Self.steps(done(bench, write))
        #expect(bench.states(of: bundle) == ["T2": .handing])
        #expect(bench.counter(.state(.handing, admin: false)) == 1 && spoolRows(bench) == 1)
        #expect(moves.map(\.file) == [write.file])
        guard case .move(folder: 77, _)? = moves.first?.step else { throw Unexpected() }

        // Killed before or behind the rename: the file in tmp tells which.
        bench.breathe()
        let move = try last(bench)
        guard case .move(folder: 77, _) = move.step else { throw Unexpected() }
        #expect((move.ticket == moves[0].ticket) == !restarts)
        #expect(move.directory == Self.directory && move.file == write.file && move.bundle == bundle)
        _ = done(bench, move)
        #expect(bench.states(of: bundle) == ["T2": .delivered])
        #expect(bench.reports(of: bundle).map(\.state) == [.arrived, .delivered])
        #expect(bench.read { $0.count(.inbox) } == 0 && spoolRows(bench) == 0)
        #expect(bench.counter(.state(.delivered, admin: false)) == 1)
        #expect(bench.counter(.state(.handing, admin: false)) == 0)

        // An answer that comes twice, and a restart afterwards, change nothing.
        #expect(done(bench, move).isEmpty)
        bench.restart()
        #expect(bench.counter(.state(.delivered, admin: false)) == 1)
    }

    struct Unexpected: Error {}

    @Test func takenFromTheInboxWhileItIsWritten() throws {
        let bench = Self.bench()
        let bundle = bench.submit(["T2"])!.accepted!
        let write = try last(bench)
        let number = bench.rows(of: bundle)[0].number
        bench.event(.inboxAcknowledged(ticket: bench.ticket(), agency: agency("T2"), envelopes: [number]))
        #expect(bench.states(of: bundle) == ["T2": .delivered])
        let after = Self.steps(done(bench, write))
        guard case .discard? = after.first?.step else { throw Unexpected() }
        #expect(after.count == 1 && after[0].file == write.file && spoolRows(bench) == 0)
        #expect(bench.reports(of: bundle).map(\.state) == [.arrived, .delivered])
    }

    @Test func whatIsHandingOverCannotBeAcknowledged() throws {
        let bench = Self.bench()
        let bundle = bench.submit(["T2"])!.accepted!
        _ = done(bench, try last(bench))
        let number = bench.rows(of: bundle)[0].number
        bench.event(.inboxAcknowledged(ticket: bench.ticket(), agency: agency("T2"), envelopes: [number]))
        #expect(bench.states(of: bundle) == ["T2": .handing])
        _ = done(bench, try last(bench))
        #expect(bench.states(of: bundle) == ["T2": .delivered])
        #expect(bench.reports(of: bundle).map(\.state) == [.arrived, .delivered])
    }

    @Test func aDirectoryThatTakesNothingIsTriedAgain() throws {
        let bench = Self.bench(atOnce: 2)
        let bundles = (1...3).map { _ in bench.submit(["T2"])!.accepted! }
        let begun = Self.steps(bench.released)
        #expect(begun.count == 2)
        let effects = bench.event(.handOverFailed(ticket: begun[0].ticket, .spool("no room")))
        #expect(effects.alarms.count == 1 && effects.alarms[0].contains("no room"))
        #expect(Self.steps(effects).isEmpty)
        // The same trouble is the same news, and one pause.
        #expect(bench.event(.handOverFailed(ticket: begun[1].ticket, .spool("no room"))).alarms.isEmpty)
        #expect(Self.steps(bench.advance(.seconds(4))).isEmpty)
        let again = Self.steps(bench.advance(.seconds(7)))
        #expect(again.map(\.bundle) == [bundles[0], bundles[1]], "the oldest first")
        #expect(bench.event(.handOverFailed(ticket: again[0].ticket, .spool("not mounted"))).alarms.count == 1)
        // The other one succeeds: it is not over yet.
        #expect(Self.said(done(bench, again[1])).isEmpty)
        #expect(bench.engine.core.spoolViews.map(\.trouble) == ["not mounted"])
        let third = Self.steps(bench.advance(.seconds(40)))
        let relief = third.flatMap { Self.said(done(bench, $0)) }
        #expect(relief == ["the spool of T2 takes documents again"])
        for _ in 1...6 {
            let open = Self.steps(bench.released)
            for step in open { _ = done(bench, step) }
        }
        for bundle in bundles { #expect(bench.states(of: bundle) == ["T2": .delivered]) }
        #expect(Self.steps(bench.advance(.minutes(5))).isEmpty)
    }

    /// A rename that fails is a rename again, never another write.
    @Test(arguments: [false, true])
    func aRenameThatFailsIsRepeated(restarts: Bool) throws {
        let bench = Self.bench(restarts: restarts)
        let bundle = bench.submit(["T2"])!.accepted!
        _ = done(bench, try last(bench))
        let move = try last(bench)
        bench.event(.handOverFailed(ticket: move.ticket, .spool("Permission denied")))
        bench.breathe()
        let again = restarts ? [try last(bench)] : Self.steps(bench.advance(.seconds(11)))
        guard again.count == 1, case .move(folder: 77, _) = again[0].step else { throw Unexpected() }
        #expect(bench.states(of: bundle) == ["T2": .handing])
        _ = done(bench, again[0])
        #expect(bench.states(of: bundle) == ["T2": .delivered])
    }

    /// Set aside when it had arrived, and released when the disk can read again: it lies in its inbox as before, also past its lifetime,
    /// and nobody is told a second time.
    @Test(arguments: [false, true], [false, true])
    func whatHadArrivedArrivesNoSecondTime(restarts: Bool, isOld: Bool) throws {
        let bench = Self.bench(restarts: restarts)
        let bundle = bench.submit(["T2"], lifetime: .hours(1))!.accepted!
        let write = try last(bench)
        bench.event(.handOverFailed(ticket: write.ticket, .document("a chunk is missing")))
        #expect(bench.states(of: bundle) == ["T2": .corrupt])
        if isOld { bench.advance(.hours(2)) }
        bench.breathe()
        #expect(bench.deed(.release) { $0.states = [.corrupt] }?.done == 1)
        #expect(bench.states(of: bundle) == ["T2": .arrived])
        #expect(bench.reports(of: bundle).map(\.state) == [.arrived])
        let again = try last(bench)
        guard case .write = again.step else { throw Unexpected() }
        // Nobody takes it: that is told, whatever its lifetime was.
        bench.event(.handOverFailed(ticket: again.ticket, .spool("no such directory")))
        bench.advance(.hours(5))
        #expect(bench.allReports(of: bundle).map(\.state).contains(.delayed))
        _ = done(bench, try last(bench))
        _ = done(bench, try last(bench))
        #expect(bench.states(of: bundle) == ["T2": .delivered])
        #expect(bench.reports(of: bundle).map(\.state) == [.arrived, .delivered])
        #expect(bench.counter(.state(.delivered, admin: false)) == 1)
    }

    @Test func aDamagedDocumentIsSetAside() throws {
        let bench = Self.bench()
        let bundle = bench.submit(["T2", "T1"])!.accepted!
        let effects = bench.event(.handOverFailed(ticket: try last(bench).ticket, .document("its digest is wrong")))
        #expect(effects.alarms.count == 1)
        #expect(bench.states(of: bundle) == ["T2": .corrupt, "T1": .arrived])
        #expect(bench.counter(.corruptRecord) == 1)
        #expect(bench.read { $0.count(.inbox) } == 1)
        #expect(Self.steps(bench.advance(.minutes(5))).isEmpty)
    }

    /// What has arrived before gets into the spool as well, in order, a few at a time; agencies without one keep their inbox.
    @Test func aSpoolThatIsConfiguredLater() throws {
        let bench = Bench()
        let bundles = (1...5).map { _ in bench.submit(["T2", "T1"])!.accepted! }
        #expect(Self.steps(bench.released).isEmpty)
        var configuration = bench.configuration
        configuration.spools = [Spool(agency: agency("T2"), directory: Self.directory, atOnce: 2)]
        var open = Self.steps(bench.reload(configuration))
        var order: [BundleID] = []
        while !open.isEmpty {
            #expect(open.count <= 2)
            let step = open.removeFirst()
            if case .write = step.step { order.append(step.bundle) }
            open += Self.steps(done(bench, step))
        }
        #expect(order == bundles)
        for bundle in bundles { #expect(bench.states(of: bundle) == ["T2": .delivered, "T1": .arrived]) }
    }

    /// The file is where it was written, whatever is configured by now: looking for it elsewhere would find it gone, as if moved.
    @Test(arguments: [false, true])
    func anotherDirectoryMeanwhile(restarts: Bool) throws {
        let bench = Self.bench(restarts: restarts)
        let first = bench.submit(["T2"])!.accepted!
        _ = done(bench, try last(bench))
        let second = bench.submit(["T2"])!.accepted!
        let write = try last(bench)
        var configuration = bench.configuration
        configuration.spools[0].directory = "/srv/elsewhere"
        bench.reload(configuration)
        bench.breathe()
        let moves = Self.steps(bench.released).filter { $0.bundle == first }
        #expect(moves.last?.directory == Self.directory)
        _ = done(bench, try #require(moves.last))
        #expect(bench.states(of: first) == ["T2": .delivered])
        if !restarts {
            // What was being written goes back, and is begun anew at the new place.
            let after = Self.steps(done(bench, write))
            #expect(after.map(\.directory) == [Self.directory, "/srv/elsewhere"])
            guard case .discard? = after.first?.step else { throw Unexpected() }
        }
        let again = try #require(Self.steps(bench.released).last { $0.bundle == second })
        #expect(again.directory == "/srv/elsewhere")
        _ = done(bench, again)
        _ = done(bench, try last(bench))
        #expect(bench.states(of: second) == ["T2": .delivered])
    }

    @Test(arguments: [false, true])
    func noSpoolAnyMore(restarts: Bool) throws {
        let bench = Self.bench(restarts: restarts)
        let first = bench.submit(["T2"])!.accepted!
        _ = done(bench, try last(bench))
        var configuration = bench.configuration
        configuration.spools = []
        bench.reload(configuration)
        bench.breathe()
        let second = bench.submit(["T2"])!.accepted!
        let move = try last(bench)
        #expect(move.bundle == first)
        _ = done(bench, move)
        #expect(bench.states(of: first) == ["T2": .delivered] && bench.states(of: second) == ["T2": .arrived])
        #expect(bench.engine.core.spoolViews.isEmpty)
    }

    /// A batch that found no room is lost with what the core believed: the engine after it begins from the rows.
    @Test func whyItWaitsAndWhere() throws {
        let bench = Self.bench()
        let bundle = bench.submit(["T2"])!.accepted!
        func why() -> [String] {
            bench.engine.core.wait(bench.rows(of: bundle)[0], 0, now: RelayTime(milliseconds: bench.relay)).why
        }
        #expect(why().first?.hasPrefix("arrived; is being written to /srv/t2/tmp/") == true)
        bench.event(.handOverFailed(ticket: try last(bench).ticket, .spool("no room")))
        #expect(why() == ["arrived; waits for the spool /srv/t2", "the spool takes no documents: no room"])
        bench.advance(.seconds(11))
        _ = done(bench, try last(bench))
        #expect(why().first?.hasPrefix("handing over: written to /srv/t2/tmp/") == true)
        #expect(bench.engine.core.spoolViews.map(\.underWay) == [1])
    }

    /// A disk that never answers keeps what is on its way to its own agency, is told of once, and takes no room from others.
    @Test(arguments: [false, true])
    func aDiskThatDoesNotAnswer(restarts: Bool) throws {
        let bench = Bench(restarts: restarts) { configuration in
            configuration.spools = [
                Spool(agency: agency("T2"), directory: Self.directory, atOnce: 64),
                Spool(agency: agency("T1"), directory: "/srv/t1"),
            ]
        }
        let stuck = bench.submit(["T2"])!.accepted!
        _ = done(bench, try last(bench))
        for _ in 1...70 { _ = bench.submit(["T2"]) }
        bench.breathe()
        let stalled = Event.spoolStalled(agency: agency("T2"), directory: Self.directory, after: .seconds(30))
        #expect(
            bench.event(stalled).alarms == [
                "the spool of T2 takes no documents: /srv/t2: its disk has not answered for 30 s"
            ])
        #expect(bench.event(stalled).alarms.isEmpty)
        #expect(bench.states(of: stuck) == ["T2": .handing])
        let view = try #require(bench.engine.core.spoolViews.last)
        #expect(view.trouble.contains("has not answered") && view.nextAttempt == nil && view.underWay == 64)
        #expect(bench.engine.core.spoolViews.first?.trouble == "")

        let other = bench.submit(["T1"])!.accepted!
        let write = try last(bench)
        #expect(write.agency == agency("T1"))
        _ = done(bench, write)
        _ = done(bench, try last(bench))
        #expect(bench.states(of: other) == ["T1": .delivered])

        let relief = bench.event(.spoolAnswers(agency: agency("T2")))
        #expect(Self.said(relief) == ["the spool of T2 takes documents again"])
        #expect(bench.event(.spoolAnswers(agency: agency("T2"))).isEmpty)
        #expect(bench.engine.core.spoolViews.last?.trouble == "")
        let move = try #require(Self.steps(bench.released).last { $0.bundle == stuck })
        _ = done(bench, move)
        #expect(bench.states(of: stuck) == ["T2": .delivered])
    }

    static func said(_ effects: [Effect]) -> [String] {
        effects.compactMap { if case .notice(let notice) = $0 { notice.text } else { nil } }
    }

    /// It answers, with an error: that it takes documents again is said when it does.
    @Test func aDiskThatAnswersWithAnError() throws {
        let bench = Self.bench()
        _ = bench.submit(["T2"])
        let write = try last(bench)
        let stalled = Event.spoolStalled(agency: agency("T2"), directory: Self.directory, after: .seconds(30))
        bench.event(stalled)
        bench.event(.spoolAnswers(agency: agency("T2")))
        #expect(bench.event(.handOverFailed(ticket: write.ticket, .spool("Input/output error"))).alarms.count == 1)
        bench.event(stalled)
        #expect(Self.said(bench.event(.spoolAnswers(agency: agency("T2")))).isEmpty, "it is still in trouble")
        #expect(bench.engine.core.spoolViews.last?.trouble == "Input/output error")
    }

    /// The operator gives the agency another directory while the old one hangs: what comes goes there.
    @Test func anotherDirectoryWhileTheOldOneHangs() throws {
        let bench = Self.bench(atOnce: 2)
        for _ in 1...2 { _ = bench.submit(["T2"]) }
        let third = bench.submit(["T2"])!.accepted!
        #expect(Self.steps(bench.released).count == 2)
        var configuration = bench.configuration
        configuration.spools[0].directory = "/srv/elsewhere"
        let step = try #require(Self.steps(bench.reload(configuration)).last)
        #expect(step.bundle == third && step.directory == "/srv/elsewhere")
        _ = done(bench, step)
        _ = done(bench, try last(bench))
        #expect(bench.states(of: third) == ["T2": .delivered])
    }

    @Test func namesOfFilesAreHarmless() {
        func name(_ source: String, _ sequence: UInt64 = 5) -> String {
            let id = BundleID(source: EndpointID(text: source)!, creationTime: 7, sequence: sequence)
            return RelayCore.fileName(id, number: 12, agency("H29.15"))
        }
        #expect(name("dtn://vpcp/", 9 << 32 | 3) == "vpcp-9-3@7-H29.15")
        #expect(name("dtn://x/../../etc") == "dtn%3a%2f%2fx%2f..%2f..%2fetc@7.5-H29.15")
        #expect(name("dtn://a/b!c") != name("dtn://a/b%21c"))
        let long = name("dtn://long/" + String(repeating: "/", count: 300))
        #expect(long.utf8.count <= 255 && long.hasSuffix("~12-H29.15") && !long.contains("/"))
    }
}
