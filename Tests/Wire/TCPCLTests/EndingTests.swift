// How sessions end: SESS_TERM from either side and from both, deadlines, silence, idleness, the end of the stream.

import NIOCore
import RelayModel
import Testing

@testable import TCPCL

@Suite("Endings")
struct EndingTests {
    @Test("SESS_TERM and its reply, from either side")
    func plain() {
        for activeEnds in [true, false] {
            let (active, passive) = establishedPair()
            let (first, second) = activeEnds ? (active, passive) : (passive, active)
            first.terminate(.busy)
            #expect(!first.isOpen)
            exchange(active, passive)
            #expect(first.endings == [.close(.terminated(.busy, byPeer: false))])
            #expect(second.endings == [.close(.terminated(.busy, byPeer: true))])
            #expect(second.log.contains(.peerTerminating(.busy)))
        }
    }

    @Test("The reply repeats the reason with the REPLY flag")
    func reply() {
        let (active, passive) = establishedPair()
        active.terminate(.resourceExhaustion)
        let request = active.takeOutput()
        #expect(hex(request) == "050005")
        passive.feed(request)
        #expect(hex(passive.takeOutput()) == "050105")
    }

    @Test("Both at the same time: no reply, both close")
    func simultaneous() {
        let (active, passive) = establishedPair()
        active.terminate(.busy)
        passive.terminate(.idleTimeout)
        let fromActive = active.takeOutput()
        let fromPassive = passive.takeOutput()
        active.feed(fromPassive)
        passive.feed(fromActive)
        #expect(active.takeOutput().readableBytes == 0 && passive.takeOutput().readableBytes == 0)
        #expect(active.endings == [.close(.terminated(.busy, byPeer: false))])
        #expect(passive.endings == [.close(.terminated(.idleTimeout, byPeer: false))])
    }

    @Test("Transfers under way are finished in both directions before the close; new ones are not begun")
    func finishing() {
        let (active, passive) = establishedPair()
        passive.acknowledgesAtOnce = false
        active.acknowledgesAtOnce = false
        let there = active.begin(6)
        active.send(there, [1, 2, 3], isEnd: false)
        let back = passive.transfer([9])
        exchange(active, passive)
        active.terminate(.unknown)
        exchange(active, passive)
        #expect(throws: TransferBeginError.sessionNotOpen) { try passive.machine.beginTransfer(totalLength: 1) }
        #expect(throws: TransferBeginError.sessionNotOpen) { try active.machine.beginTransfer(totalLength: 1) }
        active.acknowledge(back)
        exchange(active, passive)
        #expect(passive.outcomes[back] == [.acknowledged])
        #expect(active.endings.isEmpty && passive.endings.isEmpty)
        active.send(there, [4, 5, 6], isEnd: true)
        exchange(active, passive)
        #expect(active.endings.isEmpty)
        passive.acknowledge(there)
        exchange(active, passive)
        #expect(active.outcomes[there] == [.acknowledged])
        #expect(active.endings == [.close(.terminated(.unknown, byPeer: false))])
        #expect(passive.endings == [.close(.terminated(.unknown, byPeer: true))])
    }

    @Test("A transfer that crosses a SESS_TERM is refused, session terminating")
    func crossing() {
        let (active, passive) = establishedPair()
        let id = active.transfer([1, 2])
        passive.terminate(.busy)
        exchange(active, passive)
        #expect(active.outcomes[id] == [.refused(.sessionTerminating)])
        #expect(passive.received.isEmpty)
        #expect(active.endings == [.close(.terminated(.busy, byPeer: true))])
        #expect(passive.endings == [.close(.terminated(.busy, byPeer: false))])
    }

    @Test("A transfer begun of which nothing was sent is given back")
    func unstarted() {
        for peerEnds in [true, false] {
            let (active, passive) = establishedPair()
            let id = active.begin(3)
            (peerEnds ? passive : active).terminate()
            exchange(active, passive)
            #expect(active.outcomes[id] == [.refused(.sessionTerminating)])
            #expect(active.endings.count == 1)
            #expect(!active.send(id, [1, 2, 3], isEnd: true))
        }
    }

    @Test("A peer that does not finish is closed at the deadline; what is unanswered can be listed")
    func deadline() {
        let (active, passive) = establishedPair()
        passive.acknowledgesAtOnce = false
        let whole = active.transfer([1])
        let half = active.begin(2)
        active.send(half, [1], isEnd: false)
        exchange(active, passive)
        active.terminate(.busy)
        exchange(active, passive)
        #expect(active.nextDeadline == 31_000)
        active.pass(until: 31_000)
        #expect(active.endings == [.close(.terminationTimedOut)])
        #expect(active.unansweredTransfers.map(\.id) == [whole, half])
        #expect(active.unansweredTransfers.map(\.isSentWhole) == [true, false])
        passive.pass(until: 31_000)
        #expect(hex(passive.takeOutput()).hasSuffix("050103"))
        #expect(passive.log.suffix(2) == [.transferAborted(half, .sessionEnded), .close(.terminationTimedOut)])
        #expect(!passive.acknowledge(whole))
    }

    @Test("The shell can end it at once, and bring a deadline nearer but not move it away")
    func urgent() {
        let (active, _) = establishedPair()
        active.terminate(.busy, timeout: 0)
        #expect(hex(active.takeOutput()) == "050003")
        #expect(active.endings == [.close(.terminationTimedOut)])

        let (other, _) = establishedPair()
        other.terminate(timeout: 5_000)
        other.terminate(timeout: 50_000)
        #expect(other.nextDeadline == 6_000)
        #expect(hex(other.takeOutput()) == "050000")
    }

    @Test("The end of the stream: after SESS_TERM it is the end, before it a loss, in a message a truncation")
    func endOfStream() {
        let (a, _) = establishedPair()
        a.terminate(.busy)
        a.inputClosed(clean: false)
        #expect(a.endings == [.close(.terminated(.busy, byPeer: false))])

        let (b, _) = establishedPair()
        b.inputClosed()
        b.inputClosed()
        #expect(b.endings == [.sessionLost(.closedWithoutTermination)])

        let (c, _) = establishedPair()
        c.inputClosed(clean: false)
        #expect(c.endings == [.sessionLost(.truncated)])

        let (d, _) = establishedPair()
        d.feed(octets("01 02 0000000000000000 00000000 0000000000000002 aa"))
        d.inputClosed()
        #expect(
            d.log.suffix(3) == [
                .transferBytes(TransferID(0), octets("aa")), .transferAborted(TransferID(0), .sessionEnded),
                .sessionLost(.truncated),
            ])
        #expect(d.takeOutput().readableBytes == 0)
    }

    @Test("KEEPALIVE is sent after an interval without sending, and any octet counts as life")
    func keepalive() {
        let (active, passive) = establishedPair(.plain(.active).with { $0.keepaliveSeconds = 10 })
        #expect(active.nextDeadline == 11_000)
        active.pass(until: 10_999)
        #expect(active.takeOutput().readableBytes == 0)
        active.pass(until: 11_000)
        #expect(hex(active.takeOutput()) == "04")
        active.now = 15_000
        active.transfer([1])
        _ = active.takeOutput()
        #expect(active.nextDeadline == 25_000)
        active.now = 20_000
        active.feed(octets("01"))
        active.pass(until: 25_000)
        #expect(hex(active.takeOutput()) == "04")
        active.pass(until: 44_999)
        #expect(active.endings.isEmpty)
        _ = active.takeOutput()
        active.pass(until: 45_000)
        #expect(active.endings == [.close(.peerSilent)])
        #expect(hex(active.takeOutput()) == "050001")
        #expect(active.unansweredTransfers.map(\.id) == [TransferID(0)])
        #expect(passive.nextDeadline != nil)
    }

    @Test("Keepalive off: nothing is sent, silence is no fault")
    func keepaliveOff() {
        let (active, _) = establishedPair(.plain(.active).with { $0.keepaliveSeconds = 0 })
        #expect(active.nextDeadline == nil)
        active.pass(until: 1_000_000_000)
        #expect(active.takeOutput().readableBytes == 0 && active.endings.isEmpty)
    }

    @Test("Who does not read does not count the peer's silence")
    func pausedInput() {
        let (active, passive) = establishedPair(.plain(.active).with { $0.undecidedTransfersMax = 0 })
        active.acknowledgesAtOnce = false
        let id = passive.transfer([1])
        exchange(active, passive)
        #expect(!active.wantsInput)
        active.pass(until: 10_000_000)
        #expect(active.endings.isEmpty)
        active.acknowledge(id)
        active.pass(until: 10_000_001)
        #expect(active.endings.isEmpty)
        active.machine.inputPaused()
        active.pass(until: 20_000_000)
        #expect(active.endings.isEmpty)
        active.machine.inputResumed(now: 20_000_000)
        active.pass(until: 20_074_999)
        #expect(active.endings.isEmpty)
        active.pass(until: 20_075_000)
        #expect(active.endings == [.close(.peerSilent)])
    }

    @Test("A session without transfers ends after the idle time; KEEPALIVE is no activity, a transfer is")
    func idle() {
        let (active, passive) = establishedPair(
            .plain(.active).with { $0.idleTimeout = 40_000 }, .plain(.passive))
        active.now = 11_000
        passive.acknowledgesAtOnce = false
        let id = active.transfer([1])
        exchange(active, passive)
        #expect(active.nextDeadline == 41_000)
        active.now = 20_000
        active.feed(octets("04"))
        active.pass(until: 60_000)
        #expect(active.isOpen)
        active.now = 61_000
        passive.acknowledge(id)
        exchange(active, passive)
        active.feed(octets("04"))
        active.pass(until: 100_999)
        #expect(active.isOpen)
        active.pass(until: 101_000)
        exchange(active, passive)
        #expect(active.endings == [.close(.terminated(.idleTimeout, byPeer: false))])
        #expect(passive.endings == [.close(.terminated(.idleTimeout, byPeer: true))])
    }

    @Test("Traffic does not hide the one transfer that a peer has forgotten")
    func oneIsForgotten() {
        let (active, passive) = establishedPair(
            .plain(.active).with {
                $0.answerTimeout = 5_000
                $0.keepaliveSeconds = 0
            })
        passive.acknowledgesAtOnce = false
        let start = active.now
        active.transfer([1])
        exchange(active, passive)
        for step in 1...4 {
            active.now = start + UInt64(step) * 1_000
            let id = active.transfer([2])
            exchange(active, passive)
            passive.acknowledge(id)
            exchange(active, passive)
            #expect(active.nextDeadline == start + 5_000)
        }
        active.pass(until: start + 5_000)
        #expect(active.endings == [.close(.answersOverdue)])
    }

    @Test("A peer that owes answers for too long loses the session; what we owe does not count")
    func answersOverdue() {
        let (active, passive) = establishedPair(
            .plain(.active).with {
                $0.answerTimeout = 5_000
                $0.keepaliveSeconds = 0
            })
        passive.acknowledgesAtOnce = false
        let half = active.begin(2)
        #expect(active.nextDeadline == nil)
        active.send(half, [1], isEnd: false)
        #expect(active.nextDeadline == 6_000)
        exchange(active, passive)
        #expect(active.nextDeadline == nil)
        active.now = 3_000
        active.send(half, [2], isEnd: true)
        exchange(active, passive)
        #expect(active.nextDeadline == 8_000)
        active.pass(until: 8_000)
        #expect(active.endings == [.close(.answersOverdue)])
    }
}
