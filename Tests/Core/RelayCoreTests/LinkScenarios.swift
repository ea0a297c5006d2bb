// LinkScenarios: two sessions with a peer and what goes on which; windows by the measured rate; silence, fail-over and what comes too late;
// sessions that carry nothing; dials.

import RelayCore
import RelayModel
import RelayRows
import Testing

@Suite struct LinkScenarios {
    private static func dialling(_ change: (inout CoreConfiguration) -> Void = { _ in }) -> Bench {
        Bench { configuration in
            configuration.peers = configuration.peers.map { peer in
                var peer = peer
                peer.dials = peer.node == node("binh")
                peer.address = "10.0.0.1:4556"
                return peer
            }
            change(&configuration)
        }
    }

    /// Nobody dials a second one beside it.
    private static func oneSession(_ configuration: inout CoreConfiguration) {
        for index in configuration.peers.indices { configuration.peers[index].hasUrgentSession = false }
    }

    private static func dials(_ effects: [Effect]) -> [String] {
        effects.compactMap { if case .dial(let peer) = $0 { peer.name } else { nil } }
    }

    @Test func aSecondSessionIsDialledAndNoThird() {
        let bench = Self.dialling()
        let first = Self.dials(bench.run([]) ?? [])
        #expect(first == ["binh"])
        #expect(Self.dials(bench.connect("binh")) == ["binh"])
        // A peer that does not take a second one is asked now and then, and the link stays up without a word.
        let before = bench.released.count
        var again = 0
        for _ in 0..<20 {
            bench.event(.dialFailed(peer: node("binh"), reason: "no place"))
            again += Self.dials(bench.advance(.minutes(1))).count
        }
        #expect((3...20).contains(again), "\(again)")
        #expect(Array(bench.released[before...]).notices.isEmpty)
        bench.connect("binh")
        #expect(Self.dials(bench.advance(.hours(1))).isEmpty)
    }

    @Test func aPeerOfAnotherMakeHasOneSession() {
        let bench = Self.dialling { configuration in
            for index in configuration.peers.indices { configuration.peers[index].hasUrgentSession = false }
        }
        bench.run([])
        #expect(Self.dials(bench.connect("binh")).isEmpty)
        #expect(Self.dials(bench.advance(.hours(1))).isEmpty)
    }

    /// Small and urgent goes by the newest session, all else by the other; with one session, everything goes by it.
    @Test func urgentOnesHaveASessionOfTheirOwn() throws {
        let bench = Bench()
        bench.connect("chi")
        let bulk = try #require(bench.sessions[node("chi")])
        bench.submit(["C1"], urgency: .flash)
        #expect(bench.released.documents.map(\.session) == [bulk])
        bench.connect("chi")
        let express = try #require(bench.sessions[node("chi")])
        func session(_ urgency: Urgency, _ length: Int = 3_000) -> [Ticket] {
            (bench.submit(["C1"], length: length, urgency: urgency) ?? []).documents.map(\.session)
        }
        #expect(session(.normal) == [bulk])
        #expect(session(.urgent) == [bulk])
        #expect(session(.veryUrgent) == [express])
        #expect(session(.flash) == [express])
        #expect(session(.flash, 1_000_000) == [bulk], "it would keep small ones waiting")
        #expect(session(.flashTimed) == [express])
        // The bulk session ends: the other takes everything.
        bench.event(.sessionEnding(session: bulk))
        #expect(session(.normal) == [express])
        #expect(session(.flash, 1_000_000) == [express])
    }

    /// Where few may be under way, urgent ones would take each place that comes free, and the lower classes of the other session none.
    @Test func aPlaceIsLeftToTheOtherSession() {
        // Of four places one is this peer's own, none of the others' is.
        let bench = Bench { $0.limits.activeMax = 4 }
        bench.connect("chi")
        bench.connect("chi")
        for _ in 0..<200 { bench.submit(["C1"], urgency: .flash) }
        for _ in 0..<3 { bench.submit(["C1"], urgency: .normal) }
        var low: [Int] = []
        var answered = 0
        while answered < 200, answered < bench.released.documents.count {
            let dispatch = bench.released.documents[answered]
            if dispatch.urgency == .normal { low.append(answered) }
            answered += 1
            bench.answer(dispatch, .acknowledged)
        }
        #expect(low.count == 3, "\(low) of \(answered)")
        #expect(low.allSatisfy { $0 < 150 }, "\(low)")
    }

    /// Of a slow link's documents one is chosen, and the others can be held and deleted.
    @Test func whatIsNotChosenCanBeHeld() throws {
        let bench = Bench()
        bench.connect("chi")
        let session = try #require(bench.sessions[node("chi")])
        bench.event(.sessionMeasured(session: session, bytesPerSecond: 125_000, acknowledged: 0))
        let bundles = (0..<5).map { _ in bench.submit(["C1"], length: 4_000_000)!.accepted! }
        let sent = bench.released.documents
        #expect(sent.count == 1)
        bench.deed(.hold) { $0.to = .agency(agency("C1")) }
        #expect(bundles.map { bench.states(of: $0)["C1"] } == [.waiting, .held, .held, .held, .held])
        bench.deed(.release) { $0.states = [.held] }
        // Most of the first is acknowledged: the next is chosen before the link runs dry.
        #expect(
            bench.event(.sessionMeasured(session: session, bytesPerSecond: 125_000, acknowledged: 3_000_000)).documents
                .isEmpty)
        let next = bench.event(.sessionMeasured(session: session, bytesPerSecond: 125_000, acknowledged: 3_800_000))
        #expect(next.documents.count == 1)
        #expect(bench.answer(sent[0], .acknowledged).documents.isEmpty)
    }

    /// What is chosen and not begun is taken back for an operator; of what is begun the peer decides.
    @Test(arguments: [DeedVerb.hold, .delete, .expire, .reroute])
    func whatIsNotBegunIsTakenBackForADeed(verb: DeedVerb) throws {
        let bench = Bench()
        bench.connect("binh")
        let bundles = (0..<3).map { _ in bench.submit(["B1"])!.accepted! }
        let sent = bench.released.documents
        #expect(sent.count == 3)
        let job = try #require(
            bench.deed(verb, via: verb == .reroute ? "chi" : nil, givingBack: [sent[1].number, sent[2].number]) {
                $0.to = .agency(agency("B1"))
            })
        #expect(job.done == 2 && job.skipped == [SkipCause.onLink.rawValue: 1])
        let state: RecipientState =
            switch verb {
            case .hold: .held
            case .delete: .deleting
            case .expire: .expired
            default: .waiting
            }
        #expect(bundles.map { bench.states(of: $0)["B1"] } == [.waiting, state, state])
        #expect(bench.rows(of: bundles[1])[0].recipients[0].attempts == 0)
        if verb == .reroute { #expect(bench.connect("chi").documents.count == 2) }
        #expect(bench.released.documents.count == (verb == .reroute ? 5 : 3), "it is not handed over again")
        bench.answer(sent[0], .acknowledged)
        #expect(bench.states(of: bundles[0]) == ["B1": .forwarded])
        if verb == .hold {
            let before = bench.released.count
            bench.deed(.release) { $0.states = [.held] }
            #expect(Array(bench.released[before...]).documents.map(\.number) == sent[1...].map(\.number))
        }
    }

    /// A link that does not answer keeps a job for some seconds, and nothing but its envelopes.
    @Test func aLinkThatDoesNotAnswerIsPassedOver() throws {
        let bench = Bench()
        bench.connect("chi")
        let bundle = bench.submit(["C1"])!.accepted!
        let preview = try #require(bench.preview(.hold, { $0.to = .agency(agency("C1")) }))
        #expect(bench.operateEffects(.apply(preview.number)).recalls.count == 1)
        #expect(bench.submit(["C1"])?.documents.count == 1, "others go on")
        bench.advance(.seconds(4))
        #expect(bench.job(preview.number)?.phase == .running)
        bench.advance(.seconds(2))
        #expect(bench.job(preview.number)?.skipped == [SkipCause.onLink.rawValue: 1])
        // Late, it comes back all the same, and goes again.
        let sent = bench.released.documents[0]
        #expect(bench.answer(sent, .returned).documents.map(\.number) == [sent.number])
        #expect(bench.states(of: bundle) == ["C1": .waiting])
    }

    /// The window is full of ordinary mail: the latest of it is taken back for what is more urgent, and goes behind that.
    @Test func whatIsMoreUrgentTakesThePlaceOfWhatIsNotBegun() throws {
        let bench = Bench { $0.limits.windowTransfers = 2 }
        bench.connect("chi")
        for _ in 0..<3 { bench.submit(["C1"]) }
        let ordinary = bench.released.documents
        #expect(ordinary.count == 2)
        let asked = (bench.submit(["C1"], urgency: .flash) ?? []).recalls
        #expect(asked.map(\.dispatch) == [ordinary[1].ticket])
        #expect(bench.submit(["C1"], urgency: .normal)?.recalls.isEmpty == true, "nothing of its own urgency")
        let urgent = bench.answer(ordinary[1], .returned).documents
        #expect(urgent.map(\.urgency) == [.flash])
        #expect(bench.answer(ordinary[0], .acknowledged).documents.map(\.number) == [ordinary[1].number])
    }

    /// What has begun is not asked for again, nor what was handed over before it.
    @Test func whatHasBegunStays() throws {
        let bench = Bench { $0.limits.windowTransfers = 2 }
        bench.connect("chi")
        for _ in 0..<2 { bench.submit(["C1"]) }
        let ordinary = bench.released.documents
        bench.submit(["C1"], urgency: .flash)
        let begun = bench.event(.transferBegun(session: ordinary[1].session, dispatch: ordinary[1].ticket))
        #expect(begun.recalls.isEmpty && begun.documents.isEmpty)
        #expect(bench.answer(ordinary[0], .acknowledged).documents.map(\.urgency) == [.flash])
    }

    /// A link that carries all that is under way in a moment is asked for nothing.
    @Test func aQuickLinkMakesRoomByItself() throws {
        let bench = Bench { $0.limits.windowTransfers = 2 }
        bench.connect("chi")
        let session = try #require(bench.sessions[node("chi")])
        bench.event(.sessionMeasured(session: session, bytesPerSecond: 10_000_000, acknowledged: 0))
        for _ in 0..<2 { bench.submit(["C1"]) }
        #expect(bench.submit(["C1"], urgency: .flash)?.recalls.isEmpty == true)
    }

    /// What lower classes have earned does not outlive the link: the most urgent goes first when it comes up.
    @Test func theMostUrgentGoesFirstOnALinkThatComesUp() {
        let bench = Bench { $0.limits.windowTransfers = 1 }
        bench.connect("chi")
        bench.submit(["C1"], length: 1_000_000, urgency: .flash)
        bench.lose("chi")
        bench.submit(["C1"])
        let first = bench.connect("chi").documents
        #expect(first.map(\.urgency) == [.flash])
    }

    @Test func whatWasNotBegunComesBackAtNoCost() throws {
        let bench = Bench()
        bench.connect("chi")
        let bundle = bench.submit(["C1"])!.accepted!
        let sent = bench.released.documents
        bench.event(.sessionSilent(session: sent[0].session))
        bench.answer(sent[0], .returned)
        #expect(bench.rows(of: bundle)[0].recipients[0].attempts == 0)
        let again = bench.event(.sessionAcknowledgesAgain(session: sent[0].session)).documents
        #expect(again.map(\.number) == [sent[0].number])
    }

    /// A hop that hangs: urgent ones go elsewhere five seconds after it is known, the others after two minutes.
    @Test(arguments: [Urgency.flash, .normal])
    func whatIsUnderWayOnASilentSessionGoesElsewhere(urgency: Urgency) {
        let bench = Bench { $0.limits.failoverWait = .seconds(30) }
        bench.connect("binh")
        bench.connect("chi")
        let bundle = bench.submit(["B1"], urgency: urgency)!.accepted!
        let sent = bench.released.documents
        #expect(sent.map(\.peer.name) == ["binh"])
        bench.event(.sessionSilent(session: sent[0].session))
        let wait: UInt64 = urgency == .flash ? 5 : 120
        #expect(bench.advance(.seconds(wait - 1)).documents.isEmpty)
        let next = bench.advance(.seconds(2)).documents
        #expect(next.map(\.peer.name) == ["chi"])
        #expect(bench.rows(of: bundle)[0].recipients[0].attempts == 1)
        #expect(bench.rows(of: bundle)[0].recipients[0].lastAnswer == "binh: no answer: nothing is acknowledged")
        // The answer that comes at last finds nothing to decide, and the session may be used again.
        #expect(bench.answer(sent[0], .acknowledged).documents.isEmpty)
        bench.event(.sessionAcknowledgesAgain(session: sent[0].session))
        bench.answer(next[0], .acknowledged)
        #expect(bench.states(of: bundle) == ["B1": .forwarded])
        #expect(bench.submit(["B2"])?.documents.map(\.peer.name) == ["binh"])
    }

    /// A firewall has forgotten the connection: the peer is reached anew, and what led nowhere goes on the new session, at once. Another hop
    /// still waits for as long as the peer may have it.
    @Test(arguments: [Urgency.flash, .normal])
    func aForgottenConnectionDelaysNothing(urgency: Urgency) {
        let bench = Bench { $0.limits.failoverWait = .seconds(1) }
        bench.connect("binh")
        bench.connect("chi")
        let bundle = bench.submit(["B1"], urgency: urgency)!.accepted!
        let sent = bench.released.documents
        bench.event(.sessionSilent(session: sent[0].session))
        bench.advance(Milliseconds(500))
        let again = bench.connect("binh").documents
        #expect(again.map(\.number) == [sent[0].number] && again.map(\.peer.name) == ["binh"])
        #expect(again.first?.session != sent[0].session)
        // The new one dies as well: chi is asked when the doubt is over, and not before.
        bench.lose("binh")
        #expect(bench.advance(.seconds(3)).documents.isEmpty)
        #expect(bench.advance(.minutes(2)).documents.map(\.peer.name) == ["chi"])
        #expect(bench.states(of: bundle) == ["B1": .waiting])
    }

    /// Without another hop nothing is withdrawn: what was sent is not sent again for nothing.
    @Test func withoutAnotherHopItStaysWhereItIs() {
        let bench = Bench()
        bench.connect("binh")
        let bundle = bench.submit(["B1"], urgency: .flash)!.accepted!
        let sent = bench.released.documents
        bench.event(.sessionSilent(session: sent[0].session))
        #expect(bench.advance(.minutes(5)).documents.isEmpty)
        bench.answer(sent[0], .acknowledged)
        #expect(bench.states(of: bundle) == ["B1": .forwarded])
    }

    /// It goes as soon as there is one.
    @Test func anotherHopThatComesUpTakesIt() {
        let bench = Bench()
        bench.connect("binh")
        bench.submit(["B1"], urgency: .flash)
        bench.event(.sessionSilent(session: bench.released.documents[0].session))
        bench.advance(.minutes(1))
        bench.connect("chi")
        #expect(bench.advance(.seconds(2)).documents.map(\.peer.name) == ["chi"])
    }

    /// What is urgent and waits for a hop that hangs, or is cut, does not wait for the fail-over of the others.
    @Test(arguments: [true, false])
    func urgentOnesFailOverAfterTheirOwnWait(isCut: Bool) {
        let bench = Bench { $0.limits.failoverWait = .seconds(30) }
        bench.connect("binh")
        bench.connect("chi")
        let session = bench.sessions[node("binh")]!
        if isCut { bench.lose("binh") } else { bench.event(.sessionSilent(session: session)) }
        bench.submit(["B1"], urgency: .flash)
        bench.submit(["B2"])
        var sent = bench.advance(.seconds(6)).documents
        #expect(sent.map(\.urgency) == [.flash] && sent.map(\.peer.name) == ["chi"])
        #expect(bench.advance(.seconds(23)).documents.isEmpty)
        sent = bench.advance(.seconds(2)).documents
        #expect(sent.map(\.urgency) == [.normal])
    }

    /// What was sent whole on a session that fell silent and then ended is in doubt since it fell silent.
    @Test func theDoubtBeginsWithTheSilence() {
        let bench = Bench()
        bench.connect("binh")
        bench.connect("chi")
        bench.submit(["B1"])
        let sent = bench.released.documents
        bench.event(.sessionSilent(session: sent[0].session))
        bench.advance(.seconds(60))
        bench.lose("binh", sentWhole: sent)
        #expect(bench.advance(.seconds(58)).documents.isEmpty)
        #expect(bench.advance(.seconds(4)).documents.map(\.peer.name) == ["chi"])
    }

    /// A giant whose pieces are under way goes elsewhere with all of them.
    @Test func aGiantLeavesASilentSession() {
        let bench = Bench()
        bench.connect("an")
        bench.connect("binh")
        bench.connect("chi")
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["B1"], length: 8 << 20, urgency: .flash)
        for offset in [UInt64(0), 4 << 20] {
            bench.offer("an", bundle, document, path: bench.path("an"), piece: (offset, 4 << 20))
        }
        let first = bench.released.documents
        #expect(first.allSatisfy { $0.peer.name == "binh" } && !first.isEmpty)
        bench.event(.sessionSilent(session: first[0].session))
        let second = bench.advance(.seconds(7)).documents
        #expect(second.map(\.peer.name) == ["chi", "chi"])
        for dispatch in first + second { bench.answer(dispatch, .acknowledged) }
        #expect(bench.states(of: bundle) == ["B1": .forwarded])
    }

    // MARK: - Links that carry nothing

    @Test func sessionsThatDieUnansweredAreAttemptsAndAFinding() {
        let bench = Bench()
        bench.connect("chi")
        let bundle = bench.submit(["C1"])!.accepted!
        func finding() -> String { bench.engine.core.peerViews.first { $0.node == node("chi") }?.finding ?? "?" }
        bench.lose("chi")
        #expect(bench.rows(of: bundle)[0].recipients[0].attempts == 1)
        #expect(bench.rows(of: bundle)[0].recipients[0].lastAnswer == "chi: no answer: lost")
        #expect(finding().isEmpty && bench.released.alarms.isEmpty, "once is nothing")
        #expect(bench.connect("chi").documents.count == 1)
        bench.lose("chi")
        #expect(finding().hasPrefix("sessions come up and end with transfers unanswered (lost)"))
        #expect(finding().hasSuffix("(MTU)"))
        #expect(bench.released.alarms.count == 1)
        bench.connect("chi")
        bench.lose("chi")
        #expect(bench.released.alarms.count == 1, "it is said once")
        let sent = bench.connect("chi").documents
        bench.answer(sent[0], .acknowledged)
        #expect(finding().isEmpty)
        #expect(bench.states(of: bundle) == ["C1": .forwarded])
    }

    /// A session that answered something, or had nothing to answer, is none of them.
    @Test func aSessionThatAnsweredIsNoFinding() {
        let bench = Bench()
        for _ in 0..<3 {
            bench.connect("chi")
            bench.submit(["C1"])
            let sent = bench.released.documents.suffix(1)
            bench.answer(sent[sent.startIndex], .acknowledged)
            bench.submit(["C1"])
            bench.lose("chi")
        }
        bench.connect("binh")
        bench.lose("binh")
        #expect(bench.released.alarms.isEmpty)
    }

    @Test func whatIsLargerThanThePeerTakesIsNamedSo() {
        let bench = Bench()
        bench.connect("chi")
        let bundle = bench.submit(["C1"])!.accepted!
        bench.answer(bench.released.documents[0], .tooLarge)
        #expect(bench.states(of: bundle) == ["C1": .deferred])
        #expect(bench.rows(of: bundle)[0].recipients[0].lastAnswer == "chi: larger than the peer's transfer MRU")
        #expect(bench.counter(.refusedByPeer(node("chi"))) == 0, "the peer was not asked")
    }

    // MARK: - Dials

    @Test func aCorrectedAddressIsDialledAtOnce() {
        let bench = Self.dialling { $0.limits.dialBackoffMax = .minutes(30) }
        bench.run([])
        for _ in 0..<12 {
            bench.event(.dialFailed(peer: node("binh"), reason: "no route to host"))
            bench.advance(.minutes(10))
        }
        bench.event(.dialFailed(peer: node("binh"), reason: "no route to host"))
        #expect(Self.dials(bench.run([]) ?? []).isEmpty)
        var corrected = bench.configuration
        #expect(Self.dials(bench.reload(corrected)).isEmpty, "nothing has changed")
        for index in corrected.peers.indices { corrected.peers[index].address = "10.0.0.2:4556" }
        #expect(Self.dials(bench.reload(corrected)) == ["binh"])
    }

    /// A hub that is killed listens again within seconds; only then do the waits begin to grow.
    @Test func aLinkThatStoodIsDialledQuicklyAtFirst() {
        let bench = Self.dialling(Self.oneSession)
        bench.run([])
        bench.connect("binh")
        bench.advance(.seconds(20))
        bench.lose("binh")
        func dialsWithin(_ seconds: UInt64) -> Int {
            var count = 0
            for _ in 0..<seconds * 20 where !Self.dials(bench.advance(Milliseconds(50))).isEmpty {
                count += 1
                bench.event(.dialFailed(peer: node("binh"), reason: "connection refused"))
            }
            return count
        }
        let soon = dialsWithin(10)
        #expect((30...80).contains(soon), "\(soon)")
        let later = dialsWithin(60)
        #expect((3...8).contains(later), "\(later)")
    }

    /// What ends as soon as it has begun is no node that starts anew.
    @Test func aSessionThatDoesNotLastIsNotDialledQuickly() {
        let bench = Self.dialling(Self.oneSession)
        bench.run([])
        bench.connect("binh")
        bench.advance(.seconds(1))
        bench.lose("binh")
        #expect(Self.dials(bench.advance(Milliseconds(500))).isEmpty)
        #expect(Self.dials(bench.advance(Milliseconds(500))) == ["binh"])
        bench.event(.dialFailed(peer: node("binh"), reason: "connection refused"))
        #expect(Self.dials(bench.advance(Milliseconds(450))).isEmpty)
        #expect(Self.dials(bench.advance(Milliseconds(550))) == ["binh"])
    }

    /// A copy that the peer has passed on a moment ago says that it lives.
    @Test func aPeerThatIsHeardOfIsDialledAtOnce() {
        let bench = Self.dialling { $0.limits.dialBackoffMax = .minutes(30) }
        bench.connect("an")
        for _ in 0..<12 {
            bench.event(.dialFailed(peer: node("binh"), reason: "no route to host"))
            bench.advance(.minutes(10))
        }
        bench.event(.dialFailed(peer: node("binh"), reason: "no route to host"))
        bench.advance(.minutes(2))
        func offer(seenAgo: UInt64) -> [Effect] {
            let path = [
                PathStop(node: node("binh"), time: WallTime(milliseconds: bench.wall - seenAgo)),
                PathStop(node: node("an"), time: WallTime(milliseconds: bench.wall)),
            ]
            return bench.offer("an", bench.bundle(of: "binh"), bench.document("B1", ["T1"]), path: path)
        }
        #expect(Self.dials(offer(seenAgo: 600_000)).isEmpty, "a dial has failed since")
        #expect(Self.dials(offer(seenAgo: 1_000)) == ["binh"])
    }

    /// The first link that comes up after an outage says that the network is back.
    @Test func theFirstLinkUpCallsTheOthers() {
        let bench = Self.dialling { $0.limits.dialBackoffMax = .minutes(30) }
        bench.run([])
        for _ in 0..<12 {
            bench.event(.dialFailed(peer: node("binh"), reason: "no route to host"))
            bench.advance(.minutes(10))
        }
        bench.event(.dialFailed(peer: node("binh"), reason: "no route to host"))
        #expect(Self.dials(bench.connect("an")) == ["binh"])
    }

    /// A session that is silent is no reason to wait: another one is tried.
    @Test func aSilentSessionIsDialledAround() {
        let bench = Self.dialling { configuration in
            for index in configuration.peers.indices { configuration.peers[index].hasUrgentSession = false }
        }
        bench.run([])
        bench.connect("binh")
        bench.submit(["B1"])
        let sent = bench.released.documents
        #expect(Self.dials(bench.event(.sessionSilent(session: sent[0].session))) == ["binh"])
        #expect(bench.connect("binh").documents.isEmpty, "the first one may be on its way")
        #expect(bench.submit(["B2"])?.documents.map(\.peer.name) == ["binh"])
        // After its wait it goes by the new session.
        #expect(bench.advance(.seconds(121)).documents.map(\.number) == [sent[0].number])
    }
}
