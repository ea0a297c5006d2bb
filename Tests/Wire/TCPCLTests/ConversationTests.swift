// Conversations against the machine as a whole: broken streams, and seeded random ones that are cut anywhere, after which
// every transfer must have ended exactly once.

import NIOCore
import RelayModel
import Testing

@testable import TCPCL

/// What an active side wrote in a conversation with everything in it.
private func recordedStream() -> ByteBuffer {
    let (active, passive) = (
        Endpoint(.plain(.active).with { $0.segmentBytesMax = 4 }), Endpoint(.plain(.passive))
    )
    active.start()
    passive.start()
    var stream = ByteBuffer()
    func carry() {
        while true {
            let out = active.takeOutput()
            let back = passive.takeOutput()
            guard out.readableBytes > 0 || back.readableBytes > 0 else { return }
            stream.writeImmutableBuffer(out)
            passive.feed(out)
            active.feed(back)
        }
    }
    carry()
    active.transfer([1, 2, 3])
    active.transfer([1, 2, 3, 4, 5, 6, 7, 8, 9])
    passive.transfer([7, 7])
    carry()
    active.pass(until: 31_000)
    active.terminate(.busy)
    carry()
    return stream
}

@Suite("Conversations")
struct ConversationTests {
    private func passiveEndpoint() -> Endpoint {
        let endpoint = Endpoint(.plain(.passive).with { $0.segmentMRU = 1_000 })
        endpoint.start()
        return endpoint
    }

    private func checkReceived(_ endpoint: Endpoint) {
        #expect(endpoint.endings.count == 1)
        #expect(endpoint.isOver)
        #expect(endpoint.log.last == endpoint.endings.first)
        var open: TransferID?
        for event in endpoint.log {
            switch event {
            case .transferBegan(let id, _):
                #expect(open == nil)
                open = id
            case .transferBytes(let id, _):
                #expect(open == id)
            case .transferEnded(let id), .transferAborted(let id, _):
                #expect(open == id)
                open = nil
            default:
                break
            }
        }
        #expect(open == nil)
    }

    @Test("Every bit flip of a whole conversation ends in one ending and breaks nothing")
    func bitFlips() {
        let stream = recordedStream()
        #expect(stream.readableBytes > 150)
        for bit in 0..<stream.readableBytes * 8 {
            let endpoint = passiveEndpoint()
            var flipped = stream
            let octet: UInt8 = flipped.getInteger(at: bit / 8)!
            flipped.setInteger(octet ^ (1 << (bit % 8)), at: bit / 8)
            deliver(flipped, to: endpoint, chunk: 1 + bit % 50)
            endpoint.inputClosed()
            checkReceived(endpoint)
        }
    }

    @Test("Every truncation of a whole conversation ends in one ending")
    func truncations() {
        let stream = recordedStream()
        for length in 0...stream.readableBytes {
            let endpoint = passiveEndpoint()
            deliver(stream.getSlice(at: 0, length: length)!, to: endpoint, chunk: .max)
            endpoint.inputClosed(clean: length % 2 == 0)
            checkReceived(endpoint)
        }
    }

    @Test("Random octets after contact end the session or are taken, and never more")
    func noise() {
        for seed in 0..<400 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            let endpoint = passiveEndpoint()
            endpoint.feed(recordedStream().getSlice(at: 0, length: 45)!)
            var noise = ByteBuffer()
            for _ in 0..<200 {
                // Mostly small numbers, so that types, flags and lengths are often meant.
                noise.writeInteger(UInt8.random(in: 0...(Bool.random(using: &random) ? 7 : 255), using: &random))
            }
            deliver(noise, to: endpoint, chunk: Int.random(in: 1...64, using: &random))
            endpoint.inputClosed()
            checkReceived(endpoint)
        }
    }

    @Test("Random conversations, cut anywhere: every transfer ends exactly once", arguments: 0..<12 as Range<UInt64>)
    func random(block: UInt64) {
        for seed in block * 50..<(block + 1) * 50 {
            var conversation = RandomConversation(seed: seed)
            conversation.run()
            conversation.check()
        }
    }
}

/// Two endpoints that do things at random over a wire that carries some octets at a time.
private struct RandomConversation {
    private struct Side {
        let endpoint: Endpoint
        var wire = ByteBuffer()
        var sent: [TransferID: [UInt8]] = [:]
        var writing: (id: TransferID, left: [UInt8])?
        var accepted: Set<TransferID> = []
        var refused: [TransferID: TransferRefusalReason] = [:]
    }

    private let seed: UInt64
    private var random: SeededGenerator
    private var sides: [Side]

    init(seed: UInt64) {
        self.seed = seed
        var random = SeededGenerator(seed: seed)
        let everySegment = Int.random(in: 0..<5, using: &random) == 0
        let encrypted = Bool.random(using: &random)
        sides = [SessionRole.active, .passive].map { role in
            let configuration = (encrypted ? SessionConfiguration.encrypted(role) : .plain(role)).with {
                $0.segmentMRU = UInt64.random(in: 16...80, using: &random)
                $0.transferMRU = 200
                $0.segmentBytesMax = Int.random(in: 1...100, using: &random)
                $0.extensionLengthInEverySegment = everySegment
                $0.keepaliveSeconds = 5
                $0.undecidedTransfersMax = Int.random(in: 0...4, using: &random)
            }
            let endpoint = Endpoint(configuration)
            endpoint.acknowledgesAtOnce = false
            return Side(endpoint: endpoint)
        }
        self.random = random
    }

    mutating func run() {
        for side in sides {
            side.endpoint.start()
        }
        for _ in 0..<Int.random(in: 10...300, using: &random) {
            step(Int.random(in: 0...1, using: &random))
        }
        finish()
    }

    private mutating func step(_ index: Int) {
        let endpoint = sides[index].endpoint
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<35: carry(from: index, Int.random(in: 1...40, using: &random))
        case 35..<50: carry(from: index, .max)
        case 50..<80: send(index)
        case 80..<90: decide(index)
        case 90..<94: refuseOpen(index)
        case 94..<98:
            let later = endpoint.now + UInt64.random(in: 1...4_000, using: &random)
            for side in sides {
                side.endpoint.pass(until: later)
            }
        default:
            if Int.random(in: 0..<10, using: &random) == 0 {
                endpoint.terminate(.busy)
            }
        }
    }

    private mutating func carry(from index: Int, _ count: Int) {
        let other = sides[1 - index].endpoint
        sides[index].wire.writeImmutableBuffer(sides[index].endpoint.takeOutput())
        guard other.wantsInput || other.isOver else { return }
        let length = min(count, sides[index].wire.readableBytes)
        if let bytes = sides[index].wire.readSlice(length: length), length > 0 {
            other.feed(bytes)
        }
    }

    private mutating func send(_ index: Int) {
        let endpoint = sides[index].endpoint
        if sides[index].writing == nil {
            guard endpoint.canBeginTransfer else { return }
            let bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let id = endpoint.begin(bytes.count)
            sides[index].sent[id] = bytes
            sides[index].writing = (id, bytes)
        }
        guard let (id, left) = sides[index].writing else { return }
        let count = Int.random(in: 0...left.count, using: &random)
        let isEnd = count == left.count
        let isTaken = endpoint.send(id, Array(left.prefix(count)), isEnd: isEnd)
        sides[index].writing = isTaken && !isEnd ? (id, Array(left.dropFirst(count))) : nil
    }

    private mutating func decide(_ index: Int) {
        let endpoint = sides[index].endpoint
        guard !endpoint.isOver, let id = endpoint.undecided.randomElement(using: &random) else { return }
        if Int.random(in: 0..<4, using: &random) == 0 {
            sides[index].refused[id] = .notAcceptable
            endpoint.refuse(id, .notAcceptable)
        } else {
            sides[index].accepted.insert(id)
            endpoint.acknowledge(id)
        }
    }

    private mutating func refuseOpen(_ index: Int) {
        let endpoint = sides[index].endpoint
        guard !endpoint.isOver, let id = endpoint.open else { return }
        sides[index].refused[id] = .noResources
        endpoint.refuse(id, .noResources)
    }

    /// Either a cut on the spot, or everything is carried on to an orderly end.
    private mutating func finish() {
        if Bool.random(using: &random) {
            for index in 0...1 {
                carry(from: index, Int.random(in: 0...500, using: &random))
            }
            for side in sides {
                side.endpoint.inputClosed(clean: Bool.random(using: &random))
            }
            return
        }
        sides[0].endpoint.terminate(.busy)
        for _ in 0..<2_000 where sides.contains(where: { !$0.endpoint.isOver }) {
            for index in 0...1 {
                carry(from: index, .max)
                if sides[index].writing != nil {
                    send(index)
                }
                decide(index)
            }
        }
        // Contact may not have been made; then there is nobody to wait for.
        for side in sides where !side.endpoint.isOver {
            side.endpoint.inputClosed()
        }
    }

    func check() {
        for index in 0...1 {
            let (side, other) = (sides[index], sides[1 - index])
            let endpoint = side.endpoint
            #expect(endpoint.endings.count == 1 && endpoint.log.last == endpoint.endings[0], "seed \(seed)")
            #expect(!endpoint.log.contains { if case .peerViolated = $0 { true } else { false } }, "seed \(seed)")
            #expect(!endpoint.log.contains { if case .messageRejected = $0 { true } else { false } }, "seed \(seed)")
            let unanswered = Dictionary(
                uniqueKeysWithValues: endpoint.unansweredTransfers.map { ($0.id, $0) })
            for (id, bytes) in side.sent {
                let outcomes = endpoint.outcomes[id] ?? []
                #expect(outcomes.count + (unanswered[id] == nil ? 0 : 1) == 1, "seed \(seed), transfer \(id)")
                checkOutcome(id, bytes, outcomes.first, unanswered[id], at: other)
            }
            #expect(endpoint.outcomes.count + unanswered.count == side.sent.count, "seed \(seed)")
        }
    }

    private func checkOutcome(
        _ id: TransferID, _ bytes: [UInt8], _ outcome: Endpoint.Outcome?, _ unanswered: UnansweredTransfer?,
        at other: Side
    ) {
        switch outcome {
        case .acknowledged:
            #expect(other.accepted.contains(id), "seed \(seed), transfer \(id): an answer before the shell's")
            #expect(other.endpoint.received[id] == bytes, "seed \(seed), transfer \(id)")
        case .refused(.sessionTerminating):
            #expect(!other.accepted.contains(id), "seed \(seed), transfer \(id)")
        case .refused(let reason):
            #expect(other.refused[id] == reason, "seed \(seed), transfer \(id)")
        case nil:
            // Taken by the other side only if it was sent whole: in doubt.
            #expect(unanswered?.isSentWhole == true || !other.accepted.contains(id), "seed \(seed), transfer \(id)")
        }
    }
}
