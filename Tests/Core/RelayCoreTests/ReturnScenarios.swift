// A number tells nothing of content: what becomes of another document under a known one, at its home, on its way back, at its source,
// and under its new name at its home again.

import RelayCore
import RelayModel
import RelayRows
import Testing

/// What was accepted is what has ended and what is here.
private func expectBalance(_ bench: Bench, _ location: SourceLocation = #_sourceLocation) {
    let balance = bench.balance()
    #expect(balance.accepted == balance.states && balance.accepted > 0, sourceLocation: location)
}

@Suite struct ReturnScenarios {
    private static func greeting(_ incarnation: UInt32 = 5, taken: [TakenNumbers] = []) -> Greeting {
        Greeting(version: "0.4.0", incarnation: incarnation, counter: 0, taken: taken)
    }

    /// The same number, another content: other creation time, or other digest, or both; whichever way it comes, and after a restart.
    @Test(arguments: [false, true], [(UInt64(7), UInt64(1)), (0, 2), (7, 2)])
    func anotherDocumentUnderAKnownNumberIsNotComplete(restarts: Bool, change: (later: UInt64, digest: UInt64)) throws {
        let bench = Bench(restarts: restarts)
        bench.connect("an")
        bench.connect("binh")
        let bundle = bench.bundle(of: "an")
        func offer(_ link: String, _ bundle: BundleID, _ digest: UInt64, _ path: [PathStop]) -> [Effect] {
            bench.offer(
                link, bundle, bench.document("A1", ["T1"], digest: digest), path: path, lifetime: .days(30),
                age: Milliseconds(bench.wall - bundle.creationTime))
        }
        #expect(offer("an", bundle, 1, bench.path("an")).acknowledgements == 1)
        // Longer than the envelope's own row is kept.
        bench.advance(bench.limits.transitMemory + .days(1))
        #expect(bench.rows(of: bundle).count == 1, "it lies in its inbox")
        bench.breathe()
        var other = bundle
        other.creationTime += change.later
        let effects = offer("an", other, change.digest, bench.path("an"))
        #expect(effects.refusals == [.notAcceptable])
        #expect(effects.alarms.count == 1)
        #expect(bench.counter(.refusedToPeer(RefusalCause.contentConflict.rawValue)) == 1)
        // That very one is complete, on any link.
        #expect(offer("an", bundle, 1, bench.path("an")).refusals == [.completed])
        #expect(offer("binh", bundle, 1, bench.path("an", "binh")).refusals == [.completed])
    }

    /// A hub that sent documents under a node's next numbers made the true ones complete, and gone.
    @Test func aPoisonedNumberLosesNothing() throws {
        let bench = Bench()
        bench.connect("an", greeting: Self.greeting())
        bench.connect("chi")
        for counter in UInt64(1)...5 {
            let forged = BundleID(
                source: node("an").endpoint, creationTime: bench.wall, sequence: 5 << 32 | counter)
            #expect(
                bench.offer("chi", forged, bench.document("A1", ["T1"], digest: 66), path: bench.path("an", "chi"))
                    .acknowledgements == 1)
        }
        bench.advance(.minutes(1))
        for counter in UInt64(1)...5 {
            let bundle = BundleID(source: node("an").endpoint, creationTime: bench.wall, sequence: 5 << 32 | counter)
            let effects = bench.offer("an", bundle, bench.document("A1", ["T1"]), path: bench.path("an"))
            // Said with its reason to who understands it, so that the copy goes back to its source.
            #expect(effects.refusals == [.numberTaken])
        }
    }

    /// The hop before the home: the copy turns round, to who understands it.
    @Test(arguments: [true, false]) func aHopSendsItBack(understands: Bool) throws {
        let bench = Bench()
        bench.connect("an", greeting: understands ? Self.greeting() : nil)
        bench.connect("binh", greeting: Self.greeting(6))
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["B1", "B2"])
        let sent = bench.offer("an", bundle, document, path: bench.path("an")).documents
        let dispatch = try #require(sent.first)
        #expect(dispatch.peer == node("binh") && !dispatch.isReturn)
        let effects = bench.answer(dispatch, .refused(.numberTaken))
        guard understands else {
            #expect(effects.documents.isEmpty)
            // As with any other that is not acceptable; nothing is lost.
            #expect(bench.states(of: bundle).values.allSatisfy { $0.isQueued })
            return
        }
        let back = try #require(effects.documents.first)
        #expect(back.peer == node("an") && back.isReturn && back.bundle == bundle)
        #expect(back.copy?.recipients.map(\.text) == ["B1", "B2"])
        #expect(back.copy?.path.map(\.node.name) == ["an", "tam"])
        bench.answer(back, .acknowledged)
        #expect(bench.states(of: bundle) == ["B1": .forwarded, "B2": .forwarded])
        expectBalance(bench)
    }

    /// A hop in the middle takes back only what it has sent to that very peer.
    @Test func aHopInTheMiddlePassesItOn() throws {
        let bench = Bench()
        bench.connect("an", greeting: Self.greeting())
        bench.connect("binh", greeting: Self.greeting(6))
        bench.connect("chi", greeting: Self.greeting(7))
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["B1"])
        for dispatch in bench.offer("an", bundle, document, path: bench.path("an")).documents {
            bench.answer(dispatch, .acknowledged)
        }
        let path = bench.rows(of: bundle)[0].path + [PathStop(node: node("binh"), time: WallTime(milliseconds: 9))]
        func comesBack(_ from: String, _ bundle: BundleID, _ document: DocumentDescription) -> [Effect] {
            bench.offer(from, bundle, document, path: path, isReturn: true)
        }
        // From somebody else, with another content, of what was never here.
        #expect(comesBack("chi", bundle, document).refusals == [.notAcceptable])
        #expect(comesBack("binh", bundle, bench.document("A1", ["B1"], digest: 9)).refusals == [.notAcceptable])
        #expect(comesBack("binh", bench.bundle(of: "an"), document).refusals == [.notAcceptable])
        let effects = comesBack("binh", bundle, document)
        #expect(effects.acknowledgements == 1)
        let back = try #require(effects.documents.first)
        #expect(back.peer == node("an") && back.isReturn)
        // Once.
        #expect(comesBack("binh", bundle, document).refusals == [.completed])
        bench.answer(back, .acknowledged)
        #expect(comesBack("binh", bundle, document).refusals == [.completed])
        expectBalance(bench)
    }

    /// The source knows it from its own books and sends it under a new name that names the old, once an incarnation a new one.
    @Test(arguments: [100, 5 << 20]) func theSourceSendsItUnderANewName(length: Int) throws {
        let bench = Bench()
        bench.connect("binh", greeting: Self.greeting(6))
        let old = try #require(bench.submit(["B1", "B2"], length: length)?.accepted)
        let other = try #require(bench.submit(["B1"])?.accepted)
        let incarnation = bench.engine.core.incarnation
        func answerAll() {
            for _ in 0..<10 {
                for dispatch in bench.released.documents where !answered.contains(dispatch.ticket) {
                    answered.insert(dispatch.ticket)
                    bench.answer(dispatch, .acknowledged)
                }
            }
        }
        var answered: Set<Ticket> = []
        answerAll()
        #expect(bench.states(of: old) == ["B1": .forwarded, "B2": .forwarded])
        let row = bench.rows(of: old)[0]
        let document = try #require(row.document)
        let path = row.path + [PathStop(node: node("binh"), time: WallTime(milliseconds: 9))]
        func comesBack() -> [Effect] {
            guard length > Int(PieceRange.grid) else {
                return bench.offer("binh", old, document, path: path, isReturn: true)
            }
            var effects: [Effect] = []
            for piece in [(0, PieceRange.grid), (PieceRange.grid, UInt64(length) - PieceRange.grid)] {
                effects += bench.offer("binh", old, document, path: path, piece: piece, isReturn: true)
            }
            return effects
        }
        let effects = comesBack()
        #expect(effects.acknowledgements == (length > 100 ? 2 : 1))
        #expect(effects.notices.filter { $0.kind == .numbersGivenTwice }.count == 1, "\(effects.alarms)")
        #expect(bench.engine.core.incarnation != incarnation)
        let renamed = try #require(bench.allRows.first { $0.formerName == old })
        #expect(renamed.bundle.incarnation == bench.engine.core.incarnation)
        #expect(renamed.document == document && renamed.recipients.map(\.name) == ["B1", "B2"])
        #expect(bench.rows(of: old)[0].resubmittedAs == [renamed.bundle])
        // Sessions begin anew with the new incarnation; then it goes out, naming the old.
        bench.lose("binh")
        let sent = bench.connect("binh", greeting: Self.greeting(6)).documents
        #expect(sent.contains { $0.bundle == renamed.bundle && $0.formerName == old && !$0.isReturn })
        #expect(!sent.contains { $0.bundle == other })
        #expect(comesBack().refusals.allSatisfy { $0 == .completed })
        answerAll()
        #expect(bench.states(of: renamed.bundle) == ["B1": .forwarded, "B2": .forwarded])
        expectBalance(bench)
    }

    /// Beside its home the source hears it itself; a neighbour that says it of every number makes nothing grow.
    @Test func aSourceBesideTheHomeRenamesOnce() throws {
        let bench = Bench()
        bench.connect("binh", greeting: Self.greeting(6))
        let effects = try #require(bench.submit(["B1"]))
        let old = try #require(effects.accepted)
        bench.answer(try #require(effects.documents.first), .refused(.numberTaken))
        #expect(bench.states(of: old) == ["B1": .deleted])
        let renamed = try #require(bench.allRows.first { $0.formerly == old })
        bench.lose("binh")
        let again = bench.connect("binh", greeting: Self.greeting(6)).documents
        let dispatch = try #require(again.first { $0.bundle == renamed.bundle })
        #expect(dispatch.formerName == old)
        bench.answer(dispatch, .refused(.numberTaken))
        #expect(bench.allRows.filter { $0.kind == .document }.count == 2)
        #expect(bench.states(of: renamed.bundle).values.allSatisfy { $0.isQueued })
        expectBalance(bench)
    }

    /// To leave an incarnation ends every session of the node: a neighbour that says it of each document, by a refusal or by what it
    /// sends back, is believed once an hour. What it says it of gets a new name all the same.
    @Test(arguments: [false, true]) func aNeighbourEndsTheSessionsOnce(sendsBack: Bool) throws {
        let bench = Bench()
        var incarnations: Set<UInt32> = [bench.engine.core.incarnation]
        var ends = 0
        var alarms = 0
        func round() throws {
            if bench.sessions[node("binh")] == nil { bench.connect("binh", greeting: Self.greeting(6)) }
            if bench.sessions[node("an")] == nil { bench.connect("an", greeting: Self.greeting()) }
            let sent = try #require(bench.submit(["B1"]))
            let old = try #require(sent.accepted)
            let dispatch = try #require(sent.documents.first { $0.bundle == old })
            var effects: [Effect] = []
            if sendsBack {
                bench.answer(dispatch, .acknowledged)
                let row = bench.rows(of: old)[0]
                let path = row.path + [PathStop(node: node("binh"), time: WallTime(milliseconds: 9))]
                effects = bench.offer("binh", old, try #require(row.document), path: path, isReturn: true)
                #expect(effects.acknowledgements == 1)
                #expect(bench.allRows.contains { $0.formerName == old })
            } else {
                effects = bench.answer(dispatch, .refused(.numberTaken))
                #expect(bench.allRows.contains { $0.formerly == old })
            }
            let isOver = effects.contains { if case .endSession = $0 { true } else { false } }
            ends += isOver ? 1 : 0
            alarms += effects.notices.count { $0.kind == .numbersGivenTwice }
            incarnations.insert(bench.engine.core.incarnation)
            if isOver { for name in ["an", "binh"] { bench.lose(name) } }
            for dispatch in bench.released.documents where dispatch.formerName != nil {
                bench.answer(dispatch, .acknowledged)
            }
            bench.advance(.seconds(2))
        }
        for _ in 0..<10 { try round() }
        #expect(ends == 1 && alarms == 1 && incarnations.count == 2)
        bench.advance(.hours(1))
        for _ in 0..<3 { try round() }
        #expect(ends == 2 && alarms == 2 && incarnations.count == 3)
        expectBalance(bench)
    }

    /// Nothing new is sent to a node that has not said that it understands it.
    @Test func aNodeThatSaysNothingHearsNothingNew() throws {
        let bench = Bench()
        bench.connect("binh", greeting: Self.greeting(6))
        let effects = try #require(bench.submit(["B1"]))
        bench.answer(try #require(effects.documents.first), .refused(.numberTaken))
        bench.lose("binh")
        let sent = bench.connect("binh").documents
        #expect(sent.count == 1 && sent[0].formerName == nil && !sent[0].isReturn)
    }

    /// At home: under its new name it is a duplicate where the agency has had it under the old one, and else it is not.
    @Test(arguments: [false, true]) func aHomeKnowsTheOldName(restarts: Bool) throws {
        let bench = Bench(restarts: restarts)
        bench.connect("an", greeting: Self.greeting())
        let old = bench.bundle(of: "an")
        let document = bench.document("A1", ["T1", "T2"])
        #expect(
            bench.offer("an", old, document, for: ["T1"], path: bench.path("an")).acknowledgements == 1)
        bench.breathe()
        let new = bench.bundle(of: "an")
        #expect(bench.offer("an", new, document, path: bench.path("an"), former: old).acknowledgements == 1)
        #expect(bench.states(of: new) == ["T2": .arrived])
        #expect(
            bench.allRows.flatMap(\.recipients).filter { $0.state == .arrived }.map(\.name).sorted() == ["T1", "T2"])
        // Wholly known: complete; its source hears that it is there.
        let third = bench.bundle(of: "an")
        #expect(
            bench.offer("an", third, document, for: ["T1"], path: bench.path("an"), former: old).refusals
                == [.completed])
        #expect(bench.read { $0.count(.outgoingReport) } > 0 || bench.advance(.seconds(1)).dispatches.isEmpty == false)
        // Another content that names the old is not the old.
        let fourth = bench.bundle(of: "an")
        #expect(
            bench.offer("an", fourth, bench.document("A1", ["T1"], digest: 8), path: bench.path("an"), former: old)
                .acknowledgements == 1)
        #expect(bench.states(of: fourth) == ["T1": .arrived])
        expectBalance(bench)
    }
}

/// A resumed snapshot of a running machine: nothing starts, and numbers are given twice.
@Suite struct ResumedScenarios {
    private func greeting(_ taken: [TakenNumbers]) -> Greeting {
        Greeting(version: "0.4.0", incarnation: 6, counter: 0, taken: taken)
    }

    @Test func whatWasAcceptedSinceIsRenamedBeforeAnythingIsSent() throws {
        let bench = Bench()
        var before: [BundleID] = []
        for _ in 0..<3 { before.append(try #require(bench.submit(["B1"])?.accepted)) }
        let incarnation = bench.engine.core.incarnation
        // The original went on and sent ten; this is the state of before, resumed, and it accepts again.
        let created = bench.wall + 60_000
        bench.advance(.minutes(5))
        var since: [BundleID] = []
        for _ in 0..<400 { since.append(try #require(bench.submit(["B1"])?.accepted)) }
        let told = TakenNumbers(incarnation: incarnation, counter: 500, created: created)
        let first = bench.connect("binh", greeting: greeting([told]))
        #expect(first.documents.isEmpty)
        #expect(first.alarms.count == 1)
        #expect(bench.engine.core.incarnation != incarnation)
        // The sessions begin anew with the new incarnation.
        #expect(first.contains { if case .endSession = $0 { true } else { false } })
        bench.lose("binh")
        bench.advance(.seconds(10))
        let sent = bench.connect("binh", greeting: greeting([told])).documents
        #expect(sent.count >= 403)
        for bundle in since {
            #expect(bench.states(of: bundle) == ["B1": .deleted])
            #expect(!sent.contains { $0.bundle == bundle })
            #expect(sent.contains { $0.formerName == bundle })
        }
        for bundle in before { #expect(sent.contains { $0.bundle == bundle && $0.formerName == nil }) }
        expectBalance(bench)
    }

    /// What was taken up to what was given is as it should be; other incarnations say nothing.
    @Test func whatIsInOrderChangesNothing() throws {
        let bench = Bench()
        let bundle = try #require(bench.submit(["B1"])?.accepted)
        let incarnation = bundle.incarnation
        let sent = bench.connect(
            "binh",
            greeting: greeting([
                TakenNumbers(incarnation: incarnation, counter: bundle.counter, created: bench.wall),
                TakenNumbers(incarnation: incarnation ^ 1, counter: 900, created: bench.wall),
            ]))
        #expect(sent.documents.map(\.bundle) == [bundle])
        #expect(sent.alarms.isEmpty && bench.engine.core.incarnation == incarnation)
    }

    /// A neighbour that says it at every session is believed once an hour.
    @Test func aNeighbourIsNotBelievedAgainAndAgain() throws {
        let bench = Bench()
        _ = bench.submit(["B1"])
        var incarnations: Set<UInt32> = [bench.engine.core.incarnation]
        for _ in 0..<10 {
            let lie = TakenNumbers(incarnation: bench.engine.core.incarnation, counter: 1 << 30, created: bench.wall)
            bench.connect("binh", greeting: greeting([lie]))
            bench.lose("binh")
            _ = bench.submit(["B1"])
            bench.advance(.minutes(1))
            incarnations.insert(bench.engine.core.incarnation)
        }
        #expect(incarnations.count == 2)
    }

    /// A step of the clock is what a resumed snapshot shows first.
    @Test func aStepOfTheClockBeginsAnotherIncarnation() throws {
        let bench = Bench()
        let bundle = try #require(bench.submit(["B1"])?.accepted)
        bench.event(.clockDoubted(true, why: "the wall clock was stepped"))
        let next = try #require(bench.submit(["B1"])?.accepted)
        #expect(next.incarnation != bundle.incarnation)
    }
}

/// Two daemons with one identity.
@Suite struct TwinScenarios {
    private func greeting(_ incarnation: UInt32) -> Greeting {
        Greeting(version: "0.4.0", incarnation: incarnation, counter: 0)
    }
    private func ended(_ effects: [Effect]) -> [Ticket] {
        effects.compactMap { if case .endTwin(let session, _) = $0 { session } else { nil } }
    }
    private func probed(_ effects: [Effect]) -> [Ticket] {
        effects.compactMap { if case .probe(let session) = $0 { session } else { nil } }
    }

    /// The first answers: the second is not let in, and is given nothing meanwhile.
    @Test(arguments: [true, false]) func whileTheFirstAnswersTheSecondIsNotLetIn(hasOtherIncarnation: Bool) throws {
        let bench = Bench()
        bench.connect("binh", greeting: greeting(6), host: "192.0.2.1")
        let first = try #require(bench.sessions[node("binh")])
        let effects = bench.connect(
            "binh", greeting: greeting(hasOtherIncarnation ? 7 : 6),
            host: hasOtherIncarnation ? "192.0.2.1" : "192.0.2.9")
        let second = try #require(bench.sessions[node("binh")])
        #expect(probed(effects) == [first])
        #expect(bench.submit(["B1"])?.documents.map(\.session) == [first])
        // What it sends is asked for later.
        let bundle = bench.bundle(of: "binh")
        #expect(
            bench.offer("binh", bundle, bench.document("B1", ["T1"]), path: bench.path("binh")).refusals == [
                .noResources
            ])
        let answer = bench.event(.sessionAnswered(first))
        #expect(ended(answer) == [second])
        #expect(answer.alarms.count == 1)
        #expect(bench.event(.sessionEnded(session: second, sentWhole: [], reason: "ended")).alarms.isEmpty)
        #expect(bench.submit(["B1"])?.documents.map(\.session) == [first])
    }

    /// Whatever is sent before it is known who it is is asked for later: a session that is said to end would never be used again.
    @Test func nothingSentTooEarlyEndsASession() throws {
        let bench = Bench()
        bench.connect("binh", greeting: greeting(6))
        bench.connect("binh", greeting: greeting(7))
        let pending = try #require(bench.sessions[node("binh")])
        let bundle = bench.bundle(of: "tam")
        let row = ReportRow(
            bundle: bundle, recipient: agency("B1"), state: .arrived, time: WallTime(milliseconds: 1), reason: .none,
            path: [])
        let early: [Event] = [
            .reported(ticket: bench.ticket(), session: pending, reporter: node("binh"), bundle: bundle, rows: [row]),
            .refusalsTold(
                ticket: bench.ticket(), session: pending, bundle: bundle,
                RefusalNotice(
                    refuser: node("binh"), cause: RefusalCause.notAuthorised.code,
                    names: [RefusalNotice.Name(bundle, [agency("B1")])])),
        ]
        for event in early { #expect(bench.event(event).refusals == [.noResources]) }
        bench.advance(.seconds(6))
        #expect(bench.submit(["B1"])?.documents.map(\.session) == [pending])
    }

    /// It does not answer in five seconds: the new one takes its place.
    @Test func whoDoesNotAnswerLosesItsPlace() throws {
        let bench = Bench()
        bench.connect("binh", greeting: greeting(6))
        let first = try #require(bench.sessions[node("binh")])
        bench.connect("binh", greeting: greeting(7))
        let second = try #require(bench.sessions[node("binh")])
        #expect(bench.advance(Milliseconds(4_999)).filter { if case .endSession = $0 { true } else { false } }.isEmpty)
        let effects = bench.advance(Milliseconds(2))
        #expect(effects.contains { if case .endSession(let session, _) = $0 { session == first } else { false } })
        #expect(effects.alarms.isEmpty)
        #expect(bench.submit(["B1"])?.documents.map(\.session) == [second])
    }

    /// The old session is over: the new one does not wait any longer.
    @Test func theEndOfTheOldOneLetsTheNewOneIn() throws {
        let bench = Bench()
        bench.connect("binh", greeting: greeting(6))
        let first = try #require(bench.sessions[node("binh")])
        bench.connect("binh", greeting: greeting(7))
        let second = try #require(bench.sessions[node("binh")])
        bench.event(.sessionEnded(session: first, sentWhole: [], reason: "lost"))
        #expect(bench.submit(["B1"])?.documents.map(\.session) == [second])
    }

    /// A second session of the same incarnation is right; so are those of nodes that say nothing, from one place.
    @Test(arguments: [true, false]) func aSecondSessionOfTheSameIncarnationIsRight(saysWhatItIs: Bool) throws {
        let bench = Bench()
        let said: Greeting? = saysWhatItIs ? greeting(6) : nil
        bench.connect("binh", greeting: said, host: "192.0.2.1")
        let effects = bench.connect("binh", greeting: said, host: "192.0.2.1")
        #expect(probed(effects).isEmpty)
        let view = bench.engine.core.peerViews.first { $0.node == node("binh") }
        #expect(view?.sessions.count == 2)
    }

    /// The second hears why, alarms, and leaves the neighbour alone for a while.
    @Test func whoIsNotLetInAlarmsToo() throws {
        let bench = Bench()
        bench.connect("binh", greeting: greeting(6))
        let session = try #require(bench.sessions[node("binh")])
        #expect(bench.event(.identityTwice(session: session)).alarms.count == 1)
    }
}
