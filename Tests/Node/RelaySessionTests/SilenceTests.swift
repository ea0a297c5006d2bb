// SilenceTests: what a session knows of its link: the rate, by which it cuts segments; silence in the link's own time; and the order
// in which what waits goes out.

import NIOCore
import RelayModel
import RelaySession
import TCPCL
import Testing

@testable import RelayCore

struct SilenceTests {
    private static func dispatch(
        _ number: UInt64, _ length: Int, _ urgency: Urgency = .normal, at side: Side
    ) -> Dispatch {
        var dispatch = Sample.dispatch(number, [UInt8](repeating: 7, count: length), at: side)
        dispatch.urgency = urgency
        return dispatch
    }

    /// A modem that is busy for ten minutes is slow, and not silent; with one document at a time, and with sockets that hold much.
    @Test(arguments: [16, 64, 256])
    func tenMinutesAt64KilobitsAreNoSilence(heldKilobytes: Int) {
        let link = SlowLink(bytesPerSecond: 8_000)
        link.heldBytesMax = heldKilobytes * 1_024
        var number: UInt64 = 0
        for _ in 0..<10 {
            while link.duet.a.inFlight < 3 {
                number += 1
                link.duet.a.perform(
                    .send(Self.dispatch(number, number % 3 == 0 ? 2_000_000 : 3_000, at: link.duet.a)), link.duet.now)
            }
            link.run(.minutes(1))
        }
        #expect(link.duet.a.silences.isEmpty && link.duet.a.closed == nil)
        let rate = link.duet.a.measures.last?.rate ?? 0
        #expect((6_000...10_000).contains(rate), "\(rate)")
        #expect(link.duet.b.payloads.values.reduce(0) { $0 + $1.count } > 4_000_000)
    }

    /// A link of a megabit freezes in the middle of a document: known after five seconds, and what was not begun comes back.
    @Test func aFrozenLinkIsSilentAfterFiveSeconds() {
        let link = SlowLink(bytesPerSecond: 125_000)
        let a = link.duet.a
        a.perform(.send(Self.dispatch(1, 4_000_000, at: a)), link.duet.now)
        link.run(.seconds(10))
        a.perform(.send(Self.dispatch(2, 3_000, at: a)), link.duet.now)
        link.isFrozen = true
        link.run(Milliseconds(4_500))
        #expect(a.silences.isEmpty)
        link.run(.seconds(1))
        #expect(a.silences == [true])
        #expect(a.answers == [Ticket(2): [.returned]], "the first is under way and stays in doubt")
        // What the engine had chosen before it heard comes back, too.
        a.perform(.send(Self.dispatch(3, 3_000, at: a)), link.duet.now)
        #expect(a.answers[Ticket(3)] == [.returned])
        link.isFrozen = false
        link.run(.seconds(40))
        #expect(a.silences == [true, false])
        #expect(a.answers[Ticket(1)] == [.acknowledged])
    }

    /// A session that has not acknowledged anything for a minute ends; the reason tells what came meanwhile.
    @Test(arguments: [true, false])
    func aSessionThatStaysSilentEnds(isHeard: Bool) {
        let link = SlowLink(bytesPerSecond: 125_000) { $0.session.keepaliveSeconds = 20 }
        let a = link.duet.a
        link.duet.b.answersAtOnce = false
        a.perform(.send(Self.dispatch(1, 30_000, at: a)), link.duet.now)
        if isHeard {
            // The document is there, its END is never acknowledged, and the peer keeps alive.
            link.run(.seconds(120), until: { a.closed != nil })
        } else {
            link.isFrozen = true
            link.run(.seconds(120), until: { a.closed != nil })
        }
        let reason = a.closed ?? ""
        #expect(isHeard ? reason.contains("the peer is heard") : reason.contains("keepalive"), "\(reason)")
        #expect(a.sentWhole == [Ticket(1)])
    }

    /// What is measured: segments take about a quarter of a second, from the first ones on.
    @Test(arguments: [(8_000, 4_096), (32_000, 8_000), (125_000, 31_250)])
    func segmentsFollowTheRate(rate: Int, segment: Int) {
        let link = SlowLink(bytesPerSecond: rate)
        let a = link.duet.a
        a.output.isWatched = true
        a.perform(.send(Self.dispatch(1, rate * 20, at: a)), link.duet.now)
        link.run(.seconds(19))
        let lengths = a.output.takeFrames().filter { $0.isSent && $0.name == "XFER_SEGMENT" }.compactMap(\.length)
        #expect(lengths.first.map { $0 <= 8_192 } ?? false, "\(lengths.prefix(3))")
        let late = lengths.suffix(5)
        #expect(late.allSatisfy { Int($0) > segment / 2 && Int($0) < segment * 3 / 2 }, "\(late)")
        #expect(a.answers.isEmpty, "it is still under way")
    }

    /// The more urgent goes first, whatever was handed over before; what is begun is finished.
    @Test func whatIsNotBegunIsOvertaken() {
        let link = SlowLink(bytesPerSecond: 125_000)
        let a = link.duet.a
        for number in UInt64(1)...4 { a.perform(.send(Self.dispatch(number, 500_000, at: a)), link.duet.now) }
        link.run(.seconds(1))
        a.perform(.send(Self.dispatch(5, 3_000, .flash, at: a)), link.duet.now)
        link.run(.seconds(30))
        let order = link.duet.b.offers.map { $0.bundle.sequence & 0xff }
        #expect(order == [1, 5, 2, 3, 4])
    }

    /// What is not begun is given back, once, and never goes; what is begun goes on.
    @Test func whatIsNotBegunIsGivenBack() {
        let link = SlowLink(bytesPerSecond: 125_000)
        let a = link.duet.a
        for number in UInt64(1)...4 { a.perform(.send(Self.dispatch(number, 500_000, at: a)), link.duet.now) }
        link.run(.seconds(1))
        for number in [UInt64(1), 3, 3, 9] {
            a.perform(.recall(session: Ticket(1), dispatch: Ticket(number)), link.duet.now)
        }
        #expect(a.answers == [Ticket(3): [.returned]])
        #expect(
            a.begun == [Ticket(1), Ticket(3), Ticket(9)], "what is not there has been answered, or was never there")
        link.run(.seconds(30))
        #expect(link.duet.b.offers.map { $0.bundle.sequence & 0xff } == [1, 2, 4])
        #expect(a.answers[Ticket(1)] == [.acknowledged] && a.answers[Ticket(3)] == [.returned])
        // Handed over again it is like any other.
        a.perform(.send(Self.dispatch(3, 500_000, at: a)), link.duet.now)
        link.run(.seconds(10))
        #expect(link.duet.b.offers.count == 4 && a.answers[Ticket(3)] == [.returned, .acknowledged])
    }

    /// A stream of urgent ones leaves a twentieth to the others.
    @Test func whatIsOvertakenHasItsTwentieth() {
        let link = SlowLink(bytesPerSecond: 125_000)
        let a = link.duet.a
        var number: UInt64 = 100
        a.perform(.send(Self.dispatch(1, 50_000, .flash, at: a)), link.duet.now)
        a.perform(.send(Self.dispatch(2, 3_000, at: a)), link.duet.now)
        var urgentBefore = 0
        while !link.duet.b.offers.contains(where: { $0.bundle.sequence & 0xff == 2 }), urgentBefore < 100 {
            while a.inFlight < 4 {
                number += 1
                urgentBefore += 1
                a.perform(.send(Self.dispatch(number, 3_000, .flash, at: a)), link.duet.now)
            }
            link.run(Milliseconds(100))
        }
        #expect(urgentBefore < 40, "\(urgentBefore)")
    }

    /// A few octets above what the peer takes: named as what it is, and nothing of it goes out.
    @Test func aBundleLargerThanThePeerTakesIsRefusedHere() {
        let duet = Duet { $0.session.transferMRU = 10_000 }
        duet.start()
        duet.a.perform(.send(Self.dispatch(1, 9_990, at: duet.a)), duet.now)
        duet.a.perform(.send(Self.dispatch(2, 9_000, at: duet.a)), duet.now)
        duet.run()
        #expect(duet.a.answers == [Ticket(1): [.tooLarge], Ticket(2): [.acknowledged]])
        #expect(duet.b.offers.count == 1)
    }

    /// The end of a piece of 4 MiB is one octet behind its payload: no segment of one octet comes of it.
    @Test func noSegmentIsAFewOctets() {
        let duet = Duet { $0.session.segmentBytesMax = 64 * 1_024 }
        duet.start()
        duet.a.output.isWatched = true
        let payload = [UInt8](repeating: 1, count: 4 << 20)
        duet.a.perform(.send(Sample.dispatch(1, payload, at: duet.a)), duet.now)
        duet.run()
        let lengths = duet.a.output.takeFrames().filter { $0.isSent && $0.name == "XFER_SEGMENT" }.compactMap(\.length)
        #expect(duet.a.answers == [Ticket(1): [.acknowledged]])
        #expect(lengths.count > 64 && lengths.allSatisfy { $0 > 4_000 }, "\(lengths.min() ?? 0)")
    }
}
