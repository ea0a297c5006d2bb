// What is taken from a peer and what is not, decision by decision; each scenario also with a restart between its steps.

import RelayCore
import RelayModel
import RelayRouting
import Testing

@Suite struct AdmissionScenarios {
    @Test(arguments: [false, true])
    func aDuplicateIsComplete(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("an")
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["T1", "C1"])
        #expect(bench.offer("an", bundle, document, path: bench.path("an")).acknowledgements == 1)
        bench.breathe()
        #expect(bench.offer("an", bundle, document, path: bench.path("an")).refusals == [.completed])
        #expect(bench.rows(of: bundle).count == 1)
        #expect(bench.counter(.acceptedTaken(admin: false)) == 2)
    }

    /// Delivered, forgotten in transit memory, and still known.
    @Test(arguments: [false, true])
    func aDeliveredCopyIsRememberedLongerThanItsRow(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("an")
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["T1"])
        bench.offer("an", bundle, document, path: bench.path("an"), lifetime: .days(30))
        let number = bench.rows(of: bundle)[0].number
        bench.event(.inboxAcknowledged(ticket: bench.ticket(), agency: agency("T1"), envelopes: [number]))
        bench.breathe()
        bench.advance(.days(8))
        #expect(bench.rows(of: bundle).isEmpty)
        let again = bench.offer("an", bundle, document, path: bench.path("an"), lifetime: .days(30), age: .days(8))
        #expect(again.refusals == [.completed])
    }

    @Test(arguments: [false, true])
    func aReturnIsTakenWhenThereIsAnotherHop(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("an")
        bench.connect("binh")
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["B1"])
        let sent = bench.offer("an", bundle, document, path: bench.path("an")).documents
        #expect(sent.map(\.peer.name) == ["binh"])
        bench.answer(sent[0], .acknowledged)
        #expect(bench.states(of: bundle) == ["B1": .forwarded])
        bench.breathe()
        bench.connect("chi")
        let back = bench.offer("binh", bundle, document, path: bench.path("an", "tam", "binh"))
        #expect(back.acknowledgements == 1)
        #expect(back.documents.map(\.peer.name) == ["chi"])
        // The same return once more is known.
        #expect(
            bench.offer("binh", bundle, document, path: bench.path("an", "tam", "binh")).refusals == [.completed])
    }

    @Test(arguments: [false, true])
    func aReturnWithoutAnotherHopIsALoop(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("an")
        bench.connect("chi")
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["C1"])
        let sent = bench.offer("an", bundle, document, path: bench.path("an")).documents
        bench.answer(sent[0], .acknowledged)
        bench.breathe()
        let back = bench.offer("chi", bundle, document, path: bench.path("an", "tam", "chi"))
        #expect(back.refusals == [.notAcceptable])
        #expect(back.reasons == ["loop"])
    }

    /// Two nodes hand each other the same envelope at the same time: exactly one of them may call it complete.
    @Test func aCopyInFlightToItsOfferingPeerIsNotComplete() {
        let bench = Bench()
        bench.connect("an")
        bench.connect("chi")
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["B1"])
        // Sent to chi, because binh is not there; chi has a copy of its own, and offers it before it answers.
        let ours = bench.offer("an", bundle, document, path: bench.path("an")).documents
        #expect(ours.isEmpty, "binh may still come")
        #expect(bench.advance(.seconds(6)).documents.map(\.peer.name) == ["chi"])
        let theirs = bench.offer("chi", bundle, document, path: bench.path("an", "chi"))
        // The way over chi is the lesser one at the stop where they part: chi's copy must live.
        #expect(theirs.acknowledgements == 1)
        let zoo = bench.offer("dao", bundle, document, path: bench.path("an", "zoo"))
        #expect(zoo.acknowledgements == 0)
    }

    @Test(arguments: [false, true])
    func theSameNameWithOtherContentIsRefusedAndAlarmed(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("an")
        let bundle = bench.bundle(of: "an")
        bench.offer("an", bundle, bench.document("A1", ["T1"]), path: bench.path("an"))
        bench.breathe()
        let other = bench.offer("an", bundle, bench.document("A1", ["T1"], digest: 5), path: bench.path("an"))
        #expect(other.refusals == [.notAcceptable])
        #expect(other.alarms.count == 1)
    }

    @Test func rightsAreThoseOfTheLink() {
        let bench = Bench { $0 = Bench.configuration(rights: ["an": SendRights()]) }
        bench.connect("an")
        bench.connect("binh")
        let foreign = bench.document("B1", ["T1"])
        #expect(
            bench.offer("an", bench.bundle(of: "binh"), foreign, path: bench.path("an")).refusals == [.notAcceptable])
        #expect(bench.offer("an", bench.bundle(of: "an"), foreign, path: bench.path("an")).refusals == [.notAcceptable])
        // A sender that is at home elsewhere, over a link with all rights.
        #expect(
            bench.offer("binh", bench.bundle(of: "an"), foreign, path: bench.path("an")).refusals == [.notAcceptable])
        #expect(
            bench.offer("an", bench.bundle(of: "an"), bench.document("A1", ["T1"]), path: bench.path("an"))
                .acknowledgements == 1)
        #expect(bench.counter(.refusedToPeer(RefusalCause.notAuthorised.rawValue)) == 3)
    }

    @Test(arguments: [false, true])
    func aCopyIsTakenForThoseWhoHaveAWay(restarts: Bool) {
        let bench = Bench(restarts: restarts) {
            $0 = Bench.configuration(routes: [("an", ["an"]), ("binh", ["binh"]), ("chi", ["chi"])])
        }
        bench.connect("an")
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["T1", "D1", "B1"])
        #expect(bench.offer("an", bundle, document, path: bench.path("an")).acknowledgements == 1)
        bench.breathe()
        #expect(bench.states(of: bundle) == ["T1": .arrived, "D1": .refused, "B1": .waiting])
        #expect(bench.counter(.acceptedTaken(admin: false)) == 3)
        // One record for the submitter, with both rows.
        let record = bench.advance(.seconds(1)).dispatches + bench.released.dispatches
        #expect(record.contains { $0.kind == .administrative && $0.peer == node("an") })
    }

    @Test func nobodyHasAWayAndTheCopyIsRefused() {
        let bench = Bench { $0 = Bench.configuration(routes: [("an", ["an"])]) }
        bench.connect("an")
        let bundle = bench.bundle(of: "an")
        let refused = bench.offer("an", bundle, bench.document("A1", ["D1", "B1"]), path: bench.path("an"))
        #expect(refused.refusals == [.notAcceptable])
        #expect(bench.rows(of: bundle).isEmpty)
        #expect(bench.counter(.refusedToPeer(RefusalCause.noRoute.rawValue)) == 1)
        #expect(bench.submit(["D1"])?.submissionCause == .noRoute)
        #expect(bench.counter(.submissionRefused(SubmissionRefusal.noRoute.rawValue)) == 1)
        #expect(bench.balance() == (0, 0))
    }

    /// The core has started over, and the session that offers is one of its former life.
    @Test func anOfferOfASessionThatIsOverIsOfferedAgain() {
        let bench = Bench()
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["T1"])
        #expect(bench.offer("an", bundle, document, path: bench.path("an")).refusals == [.sessionTerminating])
        #expect(bench.counter(.refusedToPeer(RefusalCause.unknownPeer.rawValue)) == 1)
        #expect(bench.balance() == (0, 0))
        bench.connect("an")
        #expect(bench.offer("an", bundle, document, path: bench.path("an")).acknowledgements == 1)
    }

    @Test func timeIsJudgedByAge() {
        let bench = Bench()
        bench.connect("an")
        let document = bench.document("A1", ["T1"])
        let old = bench.offer(
            "an", bench.bundle(of: "an"), document, path: bench.path("an"), lifetime: .hours(1), age: .hours(1))
        #expect(old.refusals == [.notAcceptable])
        let young = bench.offer(
            "an", bench.bundle(of: "an", created: 5), document, path: bench.path("an"), lifetime: .hours(1))
        #expect(young.acknowledgements == 1, "a source with a clock in the past is a source with a wrong clock")
    }

    /// A node whose clock is ten years behind takes mail, expires nothing, and makes envelopes without a creation time.
    @Test(arguments: [false, true])
    func aNodeWithAWrongClockGoesOn(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        let right = bench.wall
        bench.wall -= 3_652 * 86_400_000
        bench.connect("an")
        let told = bench.hear("binh", stamp: right) + bench.hear("chi", stamp: right)
        let first = bench.bundle(of: "an", created: right)
        let taken = bench.offer("an", first, bench.document("A1", ["C1"]), path: bench.path("an"), lifetime: .hours(1))
        #expect(taken.acknowledgements == 1)
        #expect(!told.alarms.isEmpty)
        bench.lose("binh")
        bench.lose("chi")
        bench.breathe()
        bench.advance(.hours(2))
        #expect(bench.states(of: first) == ["C1": .waiting], "expiry is suspended")
        #expect(bench.submit(["C1"])?.accepted?.creationTime == 0)
    }

    @Test func aStoreWithoutRoomRefusesAndDrains() {
        let bench = Bench()
        bench.connect("an")
        bench.connect("chi")
        let held = bench.bundle(of: "an")
        let sent = bench.offer("an", held, bench.document("A1", ["C1"], length: 50_000), path: bench.path("an"))
            .documents
        bench.store.reserveBytes = 100_000
        bench.store.capacityBytes = bench.store.headRoom.usedBytes + 100_000
        let late = bench.bundle(of: "an")
        #expect(
            bench.offer("an", late, bench.document("A1", ["T1"]), path: bench.path("an")).refusals == [.noResources])
        #expect(bench.submit(["C1"])?.submissionProblems.count == 1)
        bench.answer(sent[0], .acknowledged)
        #expect(bench.states(of: held) == ["C1": .forwarded])
        #expect(bench.offer("an", late, bench.document("A1", ["T1"]), path: bench.path("an")).acknowledgements == 1)
    }
}
