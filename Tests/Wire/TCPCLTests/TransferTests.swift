// Transfers: segments, acknowledgements in order, refusals, limits and wrong orders.

import NIOCore
import RelayModel
import Testing

@testable import TCPCL

private func bytes(_ count: Int, seed: UInt8 = 1) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) &+ seed }
}

private let start = "64746e210400 07 0000 0000000000100000 0000000040000000 000c 64746e3a2f2f68616e6f692f 00000000"

/// A passive endpoint in a session with a peer that is hexadecimal text.
private func receiver(_ change: (inout SessionConfiguration) -> Void = { _ in }) -> Endpoint {
    let endpoint = Endpoint(SessionConfiguration.plain(.passive).with(change))
    endpoint.acknowledgesAtOnce = false
    endpoint.start()
    endpoint.feed(octets(start))
    _ = endpoint.takeOutput()
    endpoint.log = []
    return endpoint
}

private let zero = TransferID(0)
private let one = TransferID(1)
private let two = TransferID(2)

@Suite("Transfers")
struct TransferTests {
    @Test("Transfers of many sizes arrive, in both directions, however the octets are cut")
    func sizes() {
        for chunk in [1, 13, Int.max] {
            let (active, passive) = establishedPair(
                .plain(.active).with { $0.segmentBytesMax = 100 }, .plain(.passive).with { $0.segmentMRU = 64 })
            for (index, size) in [0, 1, 63, 64, 65, 128, 1_000].enumerated() {
                let there = active.transfer(bytes(size))
                let back = passive.transfer(bytes(size, seed: 9))
                exchange(active, passive, chunk: chunk)
                #expect(there.rawValue == UInt64(index))
                #expect(passive.received[there] == bytes(size))
                #expect(active.received[back] == bytes(size, seed: 9))
                #expect(active.outcomes[there] == [.acknowledged])
                #expect(passive.outcomes[back] == [.acknowledged])
            }
            #expect(active.unansweredTransfers.isEmpty && active.unacknowledgedBytes == 0)
        }
    }

    @Test("Segments on the wire: Transfer Length on several segments only, none larger than the peer's MRU")
    func segmentsOnWire() {
        let endpoint = receiver()
        endpoint.transfer(bytes(3))
        #expect(hex(endpoint.takeOutput()) == hex(octets("01 03 0000000000000000 00000000 0000000000000003 01203f")))
        let id = endpoint.begin(5)
        endpoint.send(id, [1, 2], isEnd: false)
        endpoint.send(id, [3], isEnd: false)
        endpoint.send(id, [], isEnd: false)
        endpoint.send(id, [4, 5], isEnd: true)
        let expected = """
            01 02 0000000000000001 0000000d 00 0001 0008 0000000000000005 0000000000000002 0102
            01 00 0000000000000001 0000000000000001 03
            01 01 0000000000000001 0000000000000002 0405
            """
        #expect(hex(endpoint.takeOutput()) == hex(octets(expected)))
    }

    @Test("Large payloads are handed on, not copied, and pieces share segments")
    func outputIsNotCopied() throws {
        let endpoint = receiver { $0.segmentBytesMax = 6_000 }
        let pieces = (0..<3).map { ByteBuffer(bytes: bytes(4_000, seed: UInt8($0))) }
        let addresses = pieces.map { $0.withUnsafeReadableBytes { $0.baseAddress! } }
        let id = endpoint.begin(12_000)
        _ = endpoint.machine.sendBytes(id, pieces, isEnd: true, now: 0, &endpoint.effects)
        let output = endpoint.effects.output.take()
        // Header, 4,000, 2,000; header, 2,000, 4,000.
        #expect(output.map(\.readableBytes) == [35, 4_000, 2_000, 18, 2_000, 4_000])
        #expect(output[1].withUnsafeReadableBytes { $0.baseAddress! } == addresses[0])
        #expect(output[2].withUnsafeReadableBytes { $0.baseAddress! } == addresses[1])
        #expect(output[5].withUnsafeReadableBytes { $0.baseAddress! } == addresses[2])
    }

    @Test("Each segment is acknowledged at once with its flags; the END waits for the shell")
    func acknowledgements() {
        let endpoint = receiver()
        endpoint.feed(octets("01 f2 0000000000000000 00000000 0000000000000003 756666"))
        #expect(hex(endpoint.takeOutput()) == hex(octets("02 f2 0000000000000000 0000000000000003")))
        endpoint.feed(octets("01 00 0000000000000000 0000000000000002 7566"))
        #expect(hex(endpoint.takeOutput()) == hex(octets("02 00 0000000000000000 0000000000000005")))
        endpoint.feed(octets("01 01 0000000000000000 0000000000000001 75"))
        #expect(endpoint.takeOutput().readableBytes == 0)
        #expect(endpoint.undecided == [zero])
        endpoint.acknowledge(zero)
        #expect(hex(endpoint.takeOutput()) == hex(octets("02 01 0000000000000000 0000000000000006")))
        #expect(endpoint.log.first == .transferBegan(zero, totalLength: nil))
        #expect(endpoint.log.last == .transferEnded(zero))
        #expect(!endpoint.acknowledge(zero))
    }

    @Test("Answers leave in the order of arrival, across transfers and with refusals between")
    func order() {
        let endpoint = receiver()
        endpoint.feed(octets("01 03 0000000000000000 00000000 0000000000000001 aa"))
        endpoint.feed(octets("01 02 0000000000000001 00000000 0000000000000001 bb"))
        endpoint.feed(octets("01 01 0000000000000001 0000000000000001 bb"))
        endpoint.feed(octets("01 02 0000000000000002 00000000 0000000000000001 cc"))
        #expect(endpoint.takeOutput().readableBytes == 0)
        endpoint.acknowledge(one)
        endpoint.refuse(two, .noResources)
        #expect(endpoint.takeOutput().readableBytes == 0)
        endpoint.refuse(zero, .notAcceptable)
        let expected = """
            03 04 0000000000000000
            02 02 0000000000000001 0000000000000001
            02 01 0000000000000001 0000000000000002
            02 02 0000000000000002 0000000000000001
            03 02 0000000000000002
            """
        #expect(hex(endpoint.takeOutput()) == hex(octets(expected)))
        // The rest of the refused transfer is refused again, and dropped.
        endpoint.feed(octets("01 00 0000000000000002 0000000000000001 cc"))
        #expect(hex(endpoint.takeOutput()) == hex(octets("03 02 0000000000000002")))
        endpoint.feed(octets("01 01 0000000000000002 0000000000000001 cc"))
        #expect(hex(endpoint.takeOutput()) == hex(octets("03 02 0000000000000002")))
        #expect(endpoint.received[two] == [0xcc])
        // An ID may come again when its transfer is answered.
        endpoint.feed(octets("01 03 0000000000000002 00000000 0000000000000001 dd"))
        #expect(endpoint.undecided == [two])
    }

    @Test("A sender that stops after a refusal begins its next transfer")
    func refusalStopsSender() {
        let (active, passive) = establishedPair()
        passive.acknowledgesAtOnce = false
        let id = active.begin(30)
        active.send(id, bytes(10), isEnd: false)
        exchange(active, passive)
        active.send(id, bytes(10), isEnd: false)
        passive.refuse(id, .noResources)
        exchange(active, passive)
        #expect(active.outcomes[id] == [.refused(.noResources)])
        #expect(!active.send(id, bytes(10), isEnd: true))
        let next = active.transfer(bytes(5))
        exchange(active, passive)
        #expect(passive.undecided == [next])
        passive.acknowledge(next)
        exchange(active, passive)
        #expect(active.outcomes[next] == [.acknowledged])
        #expect(!active.log.contains { if case .messageRejected = $0 { true } else { false } })
        #expect(!passive.log.contains { if case .peerViolated = $0 { true } else { false } })
    }

    @Test("Several transfers are unanswered at a time, one is written at a time")
    func pipelining() throws {
        let (active, passive) = establishedPair()
        passive.acknowledgesAtOnce = false
        let ids = (0..<5).map { active.transfer(bytes(10 + $0)) }
        let half = active.begin(20)
        #expect(throws: TransferBeginError.anotherBeingSent) { try active.machine.beginTransfer(totalLength: 1) }
        active.send(half, bytes(7), isEnd: false)
        exchange(active, passive)
        #expect(passive.undecided == ids)
        #expect(active.unacknowledgedBytes == 10 + 11 + 12 + 13 + 14 + 7)
        #expect(
            active.unansweredTransfers.map { [$0.id.rawValue, $0.isSentWhole ? 1 : 0] }
                == [[0, 1], [1, 1], [2, 1], [3, 1], [4, 1], [5, 0]])
        for id in ids.reversed() {
            passive.acknowledge(id)
        }
        exchange(active, passive)
        #expect(ids.allSatisfy { active.outcomes[$0] == [.acknowledged] })
        #expect(active.unansweredTransfers.map(\.id) == [half])
        #expect(active.acknowledgedBytes[half] == [7])
    }

    @Test("Transfers that our limits refuse, by announcement or by size")
    func limits() {
        let endpoint = receiver { $0.transferMRU = 4 }
        endpoint.feed(octets("01 02 0000000000000000 0000000d 0000010008 0000000000000005 0000000000000001 aa"))
        #expect(hex(endpoint.takeOutput()) == hex(octets("03 02 0000000000000000")))
        #expect(endpoint.log.isEmpty)
        endpoint.feed(octets("01 02 0000000000000001 00000000 0000000000000003 aabbcc"))
        endpoint.feed(octets("01 01 0000000000000001 0000000000000002 ddee"))
        #expect(
            hex(endpoint.takeOutput())
                == hex(octets("02 02 0000000000000001 0000000000000003 03 02 0000000000000001")))
        #expect(endpoint.log.last == .transferAborted(one, .tooLarge))
    }

    @Test("A total other than the Transfer Length is not acceptable")
    func lengthMismatch() {
        for end in ["0000000000000001 bb", "0000000000000003 bbccdd"] {
            let endpoint = receiver()
            endpoint.feed(octets("01 02 0000000000000000 0000000d 0000010008 0000000000000003 0000000000000001 aa"))
            _ = endpoint.takeOutput()
            endpoint.feed(octets("01 01 0000000000000000" + end))
            #expect(hex(endpoint.takeOutput()) == hex(octets("03 04 0000000000000000")))
            #expect(endpoint.log.last == .transferAborted(zero, .lengthMismatch))
            #expect(endpoint.received[zero] == [0xaa])
        }
    }

    @Test("A segment larger than our segment MRU ends the session before any of it is taken")
    func segmentTooLarge() {
        let endpoint = receiver { $0.segmentMRU = 16 }
        endpoint.feed(octets("01 02 0000000000000000 00000000 ffffffffffffffff"))
        #expect(hex(endpoint.takeOutput()) == "060201" + "050005")
        #expect(endpoint.log == [.close(.violated(.segmentTooLarge(.max)))])
    }

    @Test("A critical transfer extension that is unknown refuses the transfer")
    func extensionFailure() {
        let endpoint = receiver()
        endpoint.feed(octets("01 03 0000000000000000 00000005 01fffe0000 0000000000000001 aa"))
        #expect(hex(endpoint.takeOutput()) == hex(octets("03 05 0000000000000000")))
        #expect(endpoint.log.isEmpty)
    }

    @Test(
        "Wrong orders are rejected and leave no trace",
        arguments: [
            (
                "01 00 0000000000000009 0000000000000002 0102", ProtocolViolation.segmentWithoutStart(TransferID(9)),
                "060301"
            ),
            ("01 03 0000000000000009 00000000 0000000000000001 aa", .startInsideTransfer(TransferID(9)), "060301"),
            ("01 02 0000000000000001 00000000 0000000000000001 aa", .transferIDReused(one), "060301"),
            ("01 03 0000000000000000 00000000 0000000000000001 aa", .transferIDReused(zero), "060301"),
            ("02 01 0000000000000007 0000000000000001", .acknowledgementUnexpected(TransferID(7)), "060302"),
            ("03 00 0000000000000007", .refusalUnexpected(TransferID(7)), "060303"),
            ("07 0000 0000000000000400 0000000000000400 0000 00000000", .initializationRepeated, "060307"),
        ])
    func wrongOrder(message: String, violation: ProtocolViolation, answer: String) {
        let endpoint = receiver()
        // Transfer 0 is undecided, transfer 1 is open.
        endpoint.feed(octets("01 03 0000000000000000 00000000 0000000000000001 aa"))
        endpoint.feed(octets("01 02 0000000000000001 00000000 0000000000000001 bb"))
        _ = endpoint.takeOutput()
        endpoint.feed(octets(message))
        #expect(hex(endpoint.takeOutput()) == answer)
        #expect(endpoint.log.last == .peerViolated(violation))
        #expect(!violation.description.isEmpty)
        endpoint.feed(octets("01 01 0000000000000001 0000000000000001 cc"))
        endpoint.acknowledge(zero)
        endpoint.acknowledge(one)
        #expect(endpoint.received == [zero: [0xaa], one: [0xbb, 0xcc]])
        #expect(
            hex(endpoint.takeOutput())
                == hex(
                    octets(
                        """
                        02 03 0000000000000000 0000000000000001
                        02 02 0000000000000001 0000000000000001 02 01 0000000000000001 0000000000000002
                        """)))
    }

    @Test("Acknowledgements that do not fit what was sent are rejected and count for nothing")
    func badAcknowledgements() {
        let endpoint = receiver()
        let id = endpoint.begin(10)
        endpoint.send(id, bytes(4), isEnd: false)
        endpoint.feed(octets("02 02 0000000000000000 0000000000000004"))
        for (octetsText, length) in [
            ("02 00 0000000000000000 0000000000000005", 5), ("02 00 0000000000000000 0000000000000003", 3),
            ("02 01 0000000000000000 0000000000000004", 4), ("02 01 0000000000000000 000000000000000a", 10),
        ] as [(String, UInt64)] {
            _ = endpoint.takeOutput()
            endpoint.feed(octets(octetsText))
            #expect(hex(endpoint.takeOutput()) == "060302")
            #expect(endpoint.log.last == .peerViolated(.acknowledgementBeyondSent(id, length)))
        }
        endpoint.send(id, bytes(6), isEnd: true)
        // The whole length without END is not the acceptance.
        endpoint.feed(octets("02 00 0000000000000000 000000000000000a"))
        #expect(endpoint.outcomes.isEmpty)
        endpoint.feed(octets("02 01 0000000000000000 000000000000000a"))
        #expect(endpoint.outcomes[id] == [.acknowledged])
        // Answered is answered.
        endpoint.feed(octets("02 01 0000000000000000 000000000000000a 03 02 0000000000000000"))
        #expect(endpoint.outcomes[id] == [.acknowledged])
    }

    @Test("A peer that breaks rules again and again loses the session")
    func rejectionsMax() {
        let endpoint = receiver { $0.rejectionsMax = 3 }
        for _ in 0..<3 {
            endpoint.feed(octets("03 00 0000000000000007"))
        }
        #expect(!endpoint.isOver)
        _ = endpoint.takeOutput()
        endpoint.feed(octets("03 00 0000000000000007 04"))
        #expect(hex(endpoint.takeOutput()) == "060303" + "050000")
        #expect(endpoint.endings == [.close(.violated(.refusalUnexpected(TransferID(7))))])
    }

    @Test("An unknown message type is rejected and the connection closed")
    func unknownType() {
        let endpoint = receiver()
        endpoint.feed(octets("63"))
        #expect(hex(endpoint.takeOutput()) == "060163")
        #expect(endpoint.log == [.close(.violated(.malformed(.typeUnknown(0x63))))])
    }

    @Test("MSG_REJECT of a segment ends the session in order, with the octets either way round")
    func rejected() {
        for text in ["060301", "060163"] {
            let endpoint = receiver()
            endpoint.feed(octets(text))
            #expect(endpoint.isOpen == (text == "060163"))
        }
        let swapped = receiver()
        swapped.feed(octets("066301"))
        #expect(swapped.log == [.messageRejected(.typeUnknown, type: 0x63)])
    }

    @Test("Too many undecided transfers, or too many answers behind one, stop the reading until they are decided")
    func backPressure() {
        let endpoint = receiver {
            $0.undecidedTransfersMax = 2
            $0.waitingAnswersMax = 5
        }
        for id in 0..<3 {
            #expect(endpoint.wantsInput)
            endpoint.feed(octets("01 03 000000000000000\(id) 00000000 0000000000000001 aa"))
        }
        #expect(!endpoint.wantsInput)
        // What is fed all the same is not lost.
        endpoint.feed(octets("01 02 0000000000000003 00000000 0000000000000001 aa"))
        endpoint.acknowledge(zero)
        #expect(endpoint.wantsInput)
        endpoint.feed(octets("01 00 0000000000000003 0000000000000000"))
        endpoint.feed(octets("01 00 0000000000000003 0000000000000000"))
        #expect(endpoint.wantsInput)
        endpoint.feed(octets("01 00 0000000000000003 0000000000000000"))
        #expect(!endpoint.wantsInput)
        endpoint.acknowledge(one)
        endpoint.acknowledge(two)
        #expect(endpoint.wantsInput)
        #expect(endpoint.open == TransferID(3))
    }

    @Test("Transfers beyond the peer's MRU are not begun")
    func peerMRU() {
        let (active, _) = establishedPair(.plain(.active), .plain(.passive).with { $0.transferMRU = 9 })
        #expect(throws: TransferBeginError.beyondPeerMRU(9)) { try active.machine.beginTransfer(totalLength: 10) }
        #expect(active.begin(9) == zero)
    }

    @Test("Peers that put an extension length into every segment are understood and served")
    func everySegment() {
        let change: (inout SessionConfiguration) -> Void = {
            $0.extensionLengthInEverySegment = true
            $0.segmentBytesMax = 10
        }
        let (active, passive) = establishedPair(
            SessionConfiguration.plain(.active).with(change), SessionConfiguration.plain(.passive).with(change))
        let id = active.transfer(bytes(35))
        exchange(active, passive, chunk: 3)
        #expect(passive.received[id] == bytes(35))
        #expect(active.outcomes[id] == [.acknowledged])
    }
}
