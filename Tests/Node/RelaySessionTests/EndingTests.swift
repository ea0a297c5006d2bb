// EndingTests: however a session ends, each dispatch is answered once, or known to be in doubt, or did not go out whole.

import NIOCore
import RelayModel
import RelaySession
import TCPCL
import Testing

@testable import RelayCore

struct EndingTests {
    /// Three dispatches, the second in many segments, with the wire from one side cut after some octets.
    private func cut(from isFromA: Bool, after limit: Int) -> (duet: Duet, carried: Int) {
        let duet = Duet { $0.session.segmentBytesMax = 200 }
        let payload = [UInt8](repeating: 5, count: 700)
        duet.a.start(duet.now)
        duet.b.start(duet.now)
        var carried = 0
        var isCut = false
        var isSent = false
        var isBusy = true
        while isBusy, !isCut {
            isBusy = false
            if duet.a.facts != nil, !isSent {
                isSent = true
                duet.a.perform(.send(Sample.dispatch(1, [1], at: duet.a)), duet.now)
                duet.a.perform(.send(Sample.dispatch(2, payload, at: duet.a)), duet.now)
                duet.a.perform(.send(Sample.dispatch(3, [], at: duet.a)), duet.now)
            }
            for (from, to) in [(duet.a, duet.b), (duet.b, duet.a)] {
                from.pump(duet.now)
                guard from.wire.readableBytes > 0, !isCut else { continue }
                isBusy = true
                var bytes = from.wire
                from.wire = ByteBuffer()
                if (from === duet.a) == isFromA {
                    if carried + bytes.readableBytes >= limit {
                        bytes = bytes.readSlice(length: limit - carried)!
                        isCut = true
                    }
                    carried += bytes.readableBytes
                }
                if bytes.readableBytes > 0 { to.receive(bytes, duet.now) }
            }
        }
        for side in [duet.a, duet.b] where isCut {
            side.conversation.connectionEnded(clean: true, now: duet.now, &side.output)
            side.collect(duet.now)
        }
        return (duet, carried)
    }

    @Test(arguments: [true, false])
    func atEveryOctet(isFromA: Bool) {
        let total = cut(from: isFromA, after: .max).carried
        #expect(total > (isFromA ? 700 : 50))
        for limit in 0...total {
            let (duet, _) = cut(from: isFromA, after: limit)
            #expect(duet.a.closed != nil && duet.b.closed != nil, "at \(limit)")
            #expect(duet.a.ends == 1, "at \(limit)")
            #expect(duet.b.ends == (duet.b.facts == nil ? 0 : 1), "at \(limit)")
            #expect(duet.a.answers.values.allSatisfy { $0 == [.acknowledged] }, "at \(limit)")
            #expect(Set(duet.a.sentWhole).count == duet.a.sentWhole.count)
            #expect(duet.a.sentWhole.allSatisfy { duet.a.answers[$0] == nil }, "at \(limit)")
            // What the other side has taken is known here, or in doubt; never believed to be unsent.
            for number in UInt64(1)...3 where duet.b.taken.contains(Sample.bundleID(number)) {
                let isKnown = duet.a.answers[Ticket(number)] != nil || duet.a.sentWhole.contains(Ticket(number))
                #expect(isKnown, "dispatch \(number) at \(limit)")
            }
            // And what was acknowledged was taken.
            for ticket in duet.a.answers.keys {
                #expect(duet.b.taken.contains(Sample.bundleID(ticket.number)), "at \(limit)")
            }
        }
    }

    @Test func whatIsNotWholeIsNotInDoubt() {
        let duet = Duet()
        duet.start()
        duet.b.answersAtOnce = false
        duet.a.perform(.send(Sample.dispatch(1, [1], at: duet.a)), duet.now)
        duet.a.perform(.send(Sample.dispatch(2, [UInt8](repeating: 1, count: 300_000), at: duet.a)), duet.now)
        duet.a.perform(.send(Sample.dispatch(3, [1], at: duet.a)), duet.now)
        duet.a.pump(duet.now, budget: 1)
        duet.a.pump(duet.now, budget: 1)
        duet.a.conversation.connectionEnded(clean: false, now: duet.now, &duet.a.output)
        duet.a.collect(duet.now)
        #expect(duet.a.sentWhole == [Ticket(1)])
        #expect(duet.a.answers == [Ticket(3): [.returned]], "the third was not begun")
        #expect(duet.a.log.last == "ended: The connection was cut.")
        // Late effects of the engine fall to the ground.
        duet.a.perform(.send(Sample.dispatch(4, [1], at: duet.a)), duet.now)
        duet.a.perform(.acknowledge(session: Ticket(1), offer: Ticket(77)), duet.now)
        duet.a.perform(.endSession(session: Ticket(1), why: "late"), duet.now)
        #expect(duet.a.answers.count == 1 && duet.a.ends == 1)
    }

    @Test func thisNodeEndsTheSession() {
        let duet = Duet()
        duet.start()
        duet.b.answersAtOnce = false
        duet.a.perform(.send(Sample.dispatch(1, [1], at: duet.a)), duet.now)
        duet.a.pump(duet.now)
        duet.a.perform(.send(Sample.dispatch(2, [1], at: duet.a)), duet.now)
        duet.a.perform(.endSession(session: Ticket(1), why: "the peer is suspended"), duet.now)
        #expect(duet.a.log == ["established b", "ending"])
        #expect(duet.a.answers == [Ticket(2): [.refused(.sessionTerminating)]])
        duet.run()
        #expect(duet.b.log == ["established a", "ending"])
        #expect(duet.a.closed == nil)
        duet.b.answersAtOnce = true
        duet.b.releaseDue(duet.now)
        duet.run()
        #expect(duet.a.answers[Ticket(1)] == [.acknowledged])
        #expect(duet.a.log.last == "ended: the peer is suspended")
        #expect(duet.b.log.last == "ended: The peer ended the session (unknown).")
        // A dispatch that crosses the peer's end is answered at once.
        #expect(duet.b.sentWhole.isEmpty)
    }

    @Test func dispatchesThatCrossTheEnd() {
        let duet = Duet()
        duet.start()
        duet.b.answersAtOnce = false
        duet.a.perform(.send(Sample.dispatch(1, [1], at: duet.a)), duet.now)
        duet.run()
        duet.b.perform(.endSession(session: Ticket(1), why: "x"), duet.now)
        duet.run()
        duet.a.perform(.send(Sample.dispatch(2, [1], at: duet.a)), duet.now)
        #expect(duet.a.answers == [Ticket(2): [.refused(.sessionTerminating)]])
    }

    @Test func sessionsDoNotLiveForEver() {
        let duet = Duet { $0.sessionLifetime = .hours(1) }
        duet.start()
        var turns = 0
        while duet.a.closed == nil || duet.b.closed == nil, turns < 1_000 {
            turns += 1
            let deadlines = [duet.a.nextDeadline, duet.b.nextDeadline].compactMap { $0 }
            duet.now = max(duet.now, deadlines.min()!)
            for side in [duet.a, duet.b] {
                side.conversation.deadlineReached(now: duet.now, &side.output)
                side.collect(duet.now)
            }
            duet.run()
        }
        #expect(duet.now == RelayTime(milliseconds: 1_000_000) + .hours(1))
        #expect(duet.a.log.last == "ended: The session has lived as long as sessions may.")
        #expect(duet.a.nextDeadline == nil)
        #expect(duet.a.isOver)
    }
}
