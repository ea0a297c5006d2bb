// TransferTests: documents from one conversation to another: whole, in pieces, many at a time, byte by byte.

import BundleProtocol
import NIOCore
import RelayModel
import RelaySession
import TCPCL
import Testing

@testable import RelayCore

struct TransferTests {
    @Test func oneDocument() throws {
        let duet = Duet()
        duet.start()
        #expect(duet.a.log == ["established b"])
        #expect(duet.b.log == ["established a"])
        #expect(duet.a.facts?.isDialled == true)
        #expect(duet.b.facts?.isDialled == false)
        let payload = Array("Công văn".utf8)
        let dispatch = Sample.dispatch(1, payload, at: duet.a)
        duet.now = duet.now + .seconds(2)
        duet.a.perform(.send(dispatch), duet.now)
        #expect(duet.a.inFlight == 1)
        duet.run()
        #expect(duet.a.answers == [Ticket(1): [.acknowledged]])
        #expect(duet.a.inFlight == 0)
        let offer = try #require(duet.b.offers.first)
        #expect(offer.bundle == dispatch.bundle)
        #expect(offer.destination == EndpointID(text: "dtn://H29/edoc"))
        #expect(offer.document == dispatch.document)
        #expect(offer.copy == dispatch.copy)
        #expect(offer.piece == nil)
        #expect(offer.age == .seconds(7))
        #expect(offer.hopLimit == 32)
        #expect(offer.hopCount == 1)
        #expect(!offer.isAdministrative && !offer.wantsStatusReports)
        #expect(offer.lifetime == .days(30))
        #expect(duet.b.payloads[offer.ticket] == payload)
        #expect(duet.b.completed.first?.digest == dispatch.document?.digest)
    }

    @Test func severalRecipientsGoToOneEndpoint() throws {
        let duet = Duet()
        duet.start()
        duet.a.perform(.send(Sample.dispatch(1, [1, 2, 3], at: duet.a, to: ["H29", "H30"])), duet.now)
        duet.run()
        #expect(duet.b.offers.first?.destination == EndpointID(text: "dtn://edoc/~agencies"))
    }

    @Test func theNextHopGetsTheSamePrimaryBlock() throws {
        let duet = Duet()
        duet.start()
        let payload: [UInt8] = [9, 8, 7]
        duet.a.perform(.send(Sample.dispatch(1, payload, at: duet.a)), duet.now)
        duet.run()
        let first = try #require(duet.b.offers.first)
        let next = Duet()
        next.start()
        var dispatch = Sample.dispatch(1, payload, at: next.a, header: first.header)
        dispatch.copy?.path.append(PathStop(node: NodeID(name: "b")!, time: WallTime(milliseconds: 5)))
        next.a.perform(.send(dispatch), next.now)
        next.run()
        let second = try #require(next.b.offers.first)
        #expect(second.hopCount == 2)
        #expect(second.copy == dispatch.copy)
        #expect(second.document == first.document)
        var one = ByteBuffer(bytes: first.header)
        var two = ByteBuffer(bytes: second.header)
        var parsers = (BundleHeaderParser(), BundleHeaderParser())
        guard case .header(let before, _) = try parsers.0.parse(&one),
            case .header(let after, _) = try parsers.1.parse(&two)
        else { throw BundleError(.truncated, "no header") }
        #expect(before.primary.encoded == after.primary.encoded)
        #expect(after.previousNode == NodeID(name: "a")?.endpoint)
    }

    @Test func twoThousandAtATime() throws {
        let duet = Duet()
        duet.start()
        duet.b.answersAtOnce = false
        var generator = SeededGenerator(state: 7)
        var payloads: [[UInt8]] = []
        for number in 1...2_000 {
            payloads.append(generator.bytes(Int.random(in: 0...200, using: &generator)))
            duet.a.perform(.send(Sample.dispatch(UInt64(number), payloads[number - 1], at: duet.a)), duet.now)
        }
        duet.run()
        #expect(duet.a.answers.isEmpty)
        #expect(duet.b.wantsInput)
        #expect(duet.b.completed.count == 2_000)
        // Answers leave in the order of arrival, whatever the order in which they are given.
        duet.b.due.reverse()
        duet.b.releaseDue(duet.now)
        duet.run()
        #expect(duet.a.answers.count == 2_000)
        #expect(duet.a.answers.values.allSatisfy { $0 == [.acknowledged] })
        #expect(duet.b.offers.enumerated().allSatisfy { duet.b.payloads[$0.element.ticket] == payloads[$0.offset] })
        #expect(duet.a.counts.takenByPeer == 2_000)
    }

    @Test func aPeerFarAheadIsHeldBack() throws {
        let duet = Duet { $0.session.undecidedTransfersMax = 10 }
        duet.start()
        duet.b.answersAtOnce = false
        for number in 1...20 { duet.a.perform(.send(Sample.dispatch(UInt64(number), [1], at: duet.a)), duet.now) }
        duet.run()
        #expect(!duet.b.wantsInput)
        duet.b.releaseDue(duet.now)
        #expect(duet.b.wantsInput)
        duet.run()
        #expect(duet.a.answers.count == 20)
    }

    @Test(arguments: [1, 2, 7, 100])
    func dripFeed(part: Int) throws {
        let duet = Duet()
        duet.start()
        var generator = SeededGenerator(state: 11)
        let lengths = [0, 1, 999, 1_000, 5_000]
        var payloads: [[UInt8]] = []
        for (index, length) in lengths.enumerated() {
            payloads.append(generator.bytes(length))
            duet.a.perform(.send(Sample.dispatch(UInt64(index + 1), payloads[index], at: duet.a)), duet.now)
        }
        duet.run(part: part)
        #expect(duet.a.answers.count == lengths.count)
        #expect(duet.b.offers.map { duet.b.payloads[$0.ticket] } == payloads)
        #expect(duet.b.completed.map(\.digest) == payloads.map { Sample.digest($0) })
    }

    @Test func aBudgetBoundsWhatIsWritten() throws {
        let duet = Duet()
        duet.start()
        var generator = SeededGenerator(state: 3)
        let payload = generator.bytes(1_000_000)
        duet.a.perform(.send(Sample.dispatch(1, payload, at: duet.a)), duet.now)
        duet.a.pump(duet.now, budget: 1)
        #expect(duet.a.wire.readableBytes > 60_000)
        #expect(duet.a.wire.readableBytes < 70_000)
        #expect(duet.a.hasBytesToSend)
        duet.run(budget: 100_000)
        #expect(duet.b.payloads.values.first == payload)
        #expect(duet.a.answers[Ticket(1)] == [.acknowledged])
        #expect(duet.a.reads > 9)
    }

    @Test func piecesAndTheWholeOfThem() throws {
        let duet = Duet()
        duet.start()
        var generator = SeededGenerator(state: 5)
        let payload = generator.bytes(3_000)
        for (index, offset) in [UInt64(2_000), 0, 1_000].enumerated() {
            let piece = try #require(PieceRange(offset: offset, length: 1_000, total: 3_000))
            var dispatch = Sample.dispatch(1, payload, at: duet.a, piece: piece)
            dispatch.ticket = Ticket(UInt64(index + 1))
            duet.a.perform(.send(dispatch), duet.now)
        }
        duet.run()
        #expect(duet.b.offers.map { $0.piece?.offset } == [2_000, 0, 1_000])
        #expect(duet.b.offers.allSatisfy { $0.documentLength == 3_000 && $0.document != nil })
        #expect(duet.b.completed.allSatisfy { $0.digest == nil })
        #expect(
            duet.b.offers.map { duet.b.payloads[$0.ticket]! }
                == [2_000, 0, 1_000].map { Array(payload[$0..<$0 + 1_000]) })
        // The first piece's header serves for another piece and for the whole, from extents of their own.
        let header = duet.b.offers[0].header
        let next = Duet()
        next.start()
        let middle = try #require(PieceRange(offset: 1_000, length: 1_000, total: 3_000))
        next.a.perform(.send(Sample.dispatch(1, payload, at: next.a, piece: middle, header: header)), next.now)
        var whole = Sample.dispatch(2, payload, at: next.a, header: header)
        whole.bundle = Sample.bundleID(1)
        whole.payload = [2_000, 0, 1_000].enumerated().map {
            next.a.extents[UInt64(50 + $0.offset)] = Array(payload[$0.element..<$0.element + 1_000])
            return ExtentRange(extent: UInt64(50 + $0.offset), offset: 0, length: 1_000)
        }
        whole.payload = [whole.payload[1], whole.payload[2], whole.payload[0]]
        next.a.perform(.send(whole), next.now)
        next.run()
        #expect(next.a.answers.values.allSatisfy { $0 == [.acknowledged] })
        #expect(next.b.offers.map(\.piece) == [middle, nil])
        #expect(next.b.offers.map(\.bundle) == [Sample.bundleID(1), Sample.bundleID(1)])
        #expect(next.b.payloads[next.b.offers[1].ticket] == payload)
        #expect(next.b.completed[1].digest == Sample.digest(payload))
    }

    @Test func refusedEarlyAndLate() throws {
        let duet = Duet()
        duet.start()
        duet.b.refusesOnOffer = { $0.bundle == Sample.bundleID(1) ? .noResources : nil }
        duet.b.refusesOnEnd = { $0.bundle == Sample.bundleID(2) ? .completed : nil }
        var generator = SeededGenerator(state: 6)
        for number in UInt64(1)...3 {
            duet.a.perform(.send(Sample.dispatch(number, generator.bytes(300_000), at: duet.a)), duet.now)
        }
        duet.run(budget: 1)
        #expect(duet.a.answers[Ticket(1)] == [.refused(.noResources)])
        #expect(duet.a.answers[Ticket(2)] == [.refused(.completed)])
        #expect(duet.a.answers[Ticket(3)] == [.acknowledged])
        // The refusal came before the end: the rest was not sent.
        #expect(duet.b.completed.count == 2)
        #expect(duet.b.payloads[duet.b.offers[0].ticket]!.count < 200_000)
        #expect(duet.b.abandoned.isEmpty)
        #expect(duet.b.counts.refused == 2)
    }

    @Test func tooLargeForThePeer() throws {
        let duet = Duet { $0.session.transferMRU = 5_000 }
        duet.start()
        duet.a.perform(.send(Sample.dispatch(1, [UInt8](repeating: 1, count: 5_000), at: duet.a)), duet.now)
        duet.a.perform(.send(Sample.dispatch(2, [1], at: duet.a)), duet.now)
        duet.run()
        #expect(duet.a.answers == [Ticket(1): [.tooLarge], Ticket(2): [.acknowledged]])
        #expect(duet.a.facts?.transferMRU == 5_000)
    }

    @Test func payloadThatCannotBeRead() throws {
        let duet = Duet()
        duet.start()
        let lost = Sample.dispatch(1, [1, 2, 3], at: duet.a)
        duet.a.extents[1] = nil
        duet.a.perform(.send(lost), duet.now)
        duet.a.perform(.send(Sample.dispatch(2, [4], at: duet.a)), duet.now)
        duet.run()
        // Found out before anything was sent: the session goes on.
        #expect(duet.a.answers == [Ticket(1): [.unreadable], Ticket(2): [.acknowledged]])
        #expect(duet.a.notices.contains { $0.grade == .alarm && $0.envelope == Sample.bundleID(1) })
        #expect(duet.a.closed == nil)
    }

    @Test func payloadThatEndsInTheMiddle() throws {
        let duet = Duet()
        duet.start()
        duet.b.answersAtOnce = false
        duet.a.perform(.send(Sample.dispatch(1, [1], at: duet.a)), duet.now)
        duet.a.perform(.send(Sample.dispatch(2, [UInt8](repeating: 7, count: 600_000), at: duet.a)), duet.now)
        duet.a.perform(.send(Sample.dispatch(3, [3], at: duet.a)), duet.now)
        duet.a.pump(duet.now, budget: 100)
        duet.a.pump(duet.now, budget: 100_000)
        duet.a.extents[2] = Array(repeating: 7, count: 300_000)
        duet.run()
        #expect(duet.a.answers[Ticket(2)] == [.unreadable])
        #expect(duet.a.answers[Ticket(3)] == [.refused(.sessionTerminating)])
        #expect(duet.a.closed == nil)
        // What was sent before is still answered; then the session ends.
        duet.b.answersAtOnce = true
        duet.b.releaseDue(duet.now)
        duet.run()
        #expect(duet.a.answers[Ticket(1)] == [.acknowledged])
        #expect(duet.a.closed == "A payload could not be read from the store.")
        #expect(duet.a.log.last == "ended: A payload could not be read from the store.")
        #expect(duet.a.sentWhole.isEmpty)
        #expect(duet.a.notices.contains { $0.grade == .alarm })
    }

    @Test func aDamagedHeaderIsNotSent() throws {
        let duet = Duet()
        duet.start()
        duet.a.perform(.send(Sample.dispatch(1, [1], at: duet.a, header: [0x9f, 0x00])), duet.now)
        duet.a.perform(.send(Sample.dispatch(2, [2], at: duet.a)), duet.now)
        duet.run()
        #expect(duet.a.answers == [Ticket(1): [.refused(.notAcceptable)], Ticket(2): [.acknowledged]])
    }
}
