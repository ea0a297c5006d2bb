// Side: one end of a conversation with a tiny engine behind it: it keeps what it is told, and takes or refuses offers as the
// test says. Duet: two of them, head to head.

import BundleProtocol
import NIOCore
import RelayEngine
import RelayModel
import RelaySession
import TCPCL

@testable import RelayCore

final class Side {
    let name: String
    var conversation: Conversation
    var output = ConversationOutput()
    /// Octets for the other side.
    var wire = ByteBuffer()
    var closed: String?
    var wantsTLS = false
    var extents: [UInt64: [UInt8]] = [:]
    var reads = 0
    var octetsHeard: [UInt8] = []
    /// Transfers that it could not give back.
    var begun: [Ticket] = []

    // What the engine was told.
    var offers: [Offer] = []
    var payloads: [Ticket: [UInt8]] = [:]
    var completed: [(ticket: Ticket, digest: Digest?)] = []
    var abandoned: [Ticket] = []
    /// What was refused without the engine, and the records whose age was told.
    var counted: [CounterKey] = []
    var heard: [Ticket] = []
    var featuresHeard: [[Feature]] = []
    var reports: [(ticket: Ticket, reporter: NodeID, bundle: BundleID, rows: [ReportRow])] = []
    var answers: [Ticket: [Answer]] = [:]
    var sentWhole: [Ticket] = []
    var log: [String] = []
    var measures: [(rate: UInt64, acknowledged: UInt64)] = []
    /// True: nothing is acknowledged; false: it goes on.
    var silences: [Bool] = []
    var facts: SessionFacts?
    var notices: [Notice] = []

    // What the engine answers.
    var refusesOnOffer: ((Offer) -> Refusal?)?
    var refusesOnEnd: ((Offer) -> Refusal?)?
    /// False: answers are kept back in `due`.
    var answersAtOnce = true
    var due: [Effect] = []
    /// Tickets for which an acknowledgement was let go.
    var taken: Set<BundleID> = []

    init(_ name: String, dialled: String?, judge: IdentityJudge, _ change: (inout ConversationSettings) -> Void) {
        self.name = name
        var session = SessionConfiguration(
            role: dialled == nil ? .passive : .active, tls: .forbidden, nodeID: NodeID(name: name)!)
        session.segmentBytesMax = 1_000
        var settings = ConversationSettings(session)
        change(&settings)
        conversation = Conversation(
            session: Ticket(1), settings: settings, judge: judge, dialled: dialled.map { NodeID(name: $0)! },
            tickets: TicketSource(after: 100))
    }

    var ends: Int { log.count { $0.hasPrefix("ended") || $0.hasPrefix("dialFailed") } }

    // What the conversation says of itself; the conversation itself cannot be handed to an expectation.
    var wantsInput: Bool { conversation.wantsInput }
    var hasBytesToSend: Bool { conversation.hasBytesToSend }
    var isOver: Bool { conversation.isOver }
    var inFlight: Int { conversation.inFlight }
    var counts: ConversationCounts { conversation.counts }
    var nextDeadline: RelayTime? { conversation.nextDeadline }
    func judgement(by judge: IdentityJudge) -> IdentityJudge.Judgement? { conversation.judgement(by: judge) }

    func start(_ now: RelayTime) {
        conversation.start(now: now, &output)
        collect(now)
    }

    func receive(_ bytes: ByteBuffer, _ now: RelayTime) {
        var bytes = bytes
        octetsHeard += bytes.readableBytesView
        conversation.receive(&bytes, now: now, &output)
        precondition(bytes.readableBytes == 0, "nothing is left over but before TLS")
        collect(now)
    }

    func pump(_ now: RelayTime, budget: Int = 1 << 20) {
        conversation.pump(now: now, budget: budget, &output) { range in
            reads += 1
            guard let bytes = extents[range.extent], range.offset + range.length <= UInt64(bytes.count) else {
                return nil
            }
            return ByteBuffer(bytes: bytes[Int(range.offset)..<Int(range.offset + range.length)])
        }
        collect(now)
    }

    func perform(_ effect: Effect, _ now: RelayTime) {
        conversation.perform(effect, now: now, &output)
        collect(now)
    }

    func releaseDue(_ now: RelayTime) {
        let effects = due
        due = []
        for effect in effects { perform(effect, now) }
    }

    func collect(_ now: RelayTime) {
        for var buffer in output.takeBytes() { wire.writeBuffer(&buffer) }
        if output.takeStartsTLS() { wantsTLS = true }
        notices += output.takeNotices()
        if closed == nil { closed = output.close }
        for input in output.takeInputs() { take(input) }
        if answersAtOnce, !due.isEmpty { releaseDue(now) }
    }

    private func take(_ input: EngineInput) {
        precondition(ends == 0, "an input after the end of the session")
        switch input {
        case .offered(let offer):
            offers.append(offer)
            payloads[offer.ticket] = []
            if let refusal = refusesOnOffer?(offer) {
                due.append(.refuse(session: Ticket(1), offer: offer.ticket, refusal, .noResources, why: "test"))
            }
        case .offerBytes(let ticket, let buffer): payloads[ticket]! += Array(buffer.readableBytesView)
        case .offerCompleted(let ticket, let digest):
            completed.append((ticket, digest))
            let offer = offers.last { $0.ticket == ticket }!
            if let refusal = refusesOnEnd?(offer) {
                due.append(.refuse(session: Ticket(1), offer: ticket, refusal, .noResources, why: "test"))
            } else {
                taken.insert(offer.bundle)
                due.append(.acknowledge(session: Ticket(1), offer: ticket))
            }
        case .offerAbandoned(let ticket): abandoned.append(ticket)
        case .event(let event): take(event)
        case .submitted, .submissionBytes, .submissionCompleted, .submissionAbandoned, .question, .foundNoRoom:
            preconditionFailure("not the business of a session")
        }
    }

    private func take(_ event: Event) {
        switch event {
        case .sessionEstablished(_, let facts):
            self.facts = facts
            log.append("established \(facts.peer.name)")
        case .sessionEnding: log.append("ending")
        case .sessionEnded(_, let whole, let reason):
            sentWhole = whole
            log.append("ended: \(reason)")
        case .dialFailed(let peer, let reason): log.append("dialFailed \(peer.name): \(reason)")
        case .transferAnswered(_, let dispatch, let answer): answers[dispatch, default: []].append(answer)
        case .reported(let ticket, _, let reporter, let bundle, let rows):
            reports.append((ticket, reporter, bundle, rows))
            due.append(.acknowledge(session: Ticket(1), offer: ticket))
        case .refusedOutside(let key): counted.append(key)
        case .refusalsTold(let ticket, _, _, _): due.append(.acknowledge(session: Ticket(1), offer: ticket))
        case .contactRefused(let peer, let reason): log.append("contactRefused \(peer.name): \(reason)")
        case .sessionAnswered: log.append("answered")
        case .identityTwice: log.append("identityTwice")
        case .recordHeard(let ticket, _): heard.append(ticket)
        case .featuresHeard(_, let features): featuresHeard.append(features)
        case .sessionMeasured(_, let rate, let acknowledged): measures.append((rate, acknowledged))
        case .transferBegun(_, let dispatch): begun.append(dispatch)
        case .sessionSilent: silences.append(true)
        case .sessionAcknowledgesAgain: silences.append(false)
        default: preconditionFailure("not the business of a session")
        }
    }
}

/// Two conversations and the wire between them.
final class Duet {
    let a: Side
    let b: Side
    var now = RelayTime(milliseconds: 1_000_000)

    static func judge(_ names: String...) -> IdentityJudge {
        IdentityJudge(names.map { PeerIdentity(node: NodeID(name: $0)!) })
    }

    init(
        judgeOfA: IdentityJudge = Duet.judge("b"), judgeOfB: IdentityJudge = Duet.judge("a"),
        _ change: (inout ConversationSettings) -> Void = { _ in }
    ) {
        a = Side("a", dialled: "b", judge: judgeOfA, change)
        b = Side("b", dialled: nil, judge: judgeOfB, change)
    }

    func start() {
        a.start(now)
        b.start(now)
        run()
    }

    /// Carries octets both ways until both sides are quiet; in parts of `part` octets.
    func run(part: Int = .max, budget: Int = 1 << 20) {
        var isBusy = true
        while isBusy {
            isBusy = false
            for (from, to) in [(a, b), (b, a)] {
                if from.hasBytesToSend { from.pump(now, budget: budget) }
                guard from.wire.readableBytes > 0 else { continue }
                isBusy = true
                var bytes = from.wire
                from.wire = ByteBuffer()
                while let slice = bytes.readSlice(length: min(part, bytes.readableBytes)), slice.readableBytes > 0 {
                    to.receive(slice, now)
                }
            }
        }
    }
}

/// A small seeded generator (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) } }
}
