// Conversation: what is said on one session, as a value: octets and times in; inputs for the engine, octets and instructions
// for the shell out. It owns the session machine, the bundle that is coming in, the dispatches that wait to go out, and the
// names under which engine and peer know each transfer. Used on one thread; does no I/O, reads no clock, draws no number.
//
// How it fails: what a peer does wrong refuses that transfer or ends the session, with the protocol's own reason, and is
// counted. After `close` in the output nothing follows, and each dispatch has been answered, or is listed in `sentWhole`, or
// did not go out whole.
//
// The order of a session: `start`; `receive`; where the output says `startsTLS`, the handshake and `tlsEstablished`; then
// `receive`, `perform` and `pump` as octets, effects and room come, `deadlineReached` at `nextDeadline`; `connectionEnded`.
// After every batch of calls the shell takes all that is in the output. The files beside this one: +Receiving, +Sending.

import BundleProtocol
import NIOCore
import RelayCore
import RelayModel
import TCPCL
import Trap

public struct Conversation: ~Copyable {
    enum Phase {
        case makingContact
        case established(NodeID)
        /// No session comes of it; all that is left is to close. Says why, if the machine does not.
        case refused(String?)
        case over
    }

    private(set) var settings: ConversationSettings
    var judge: IdentityJudge
    let tickets: TicketSource
    /// The name of this session.
    public let session: Ticket
    /// The peer that is dialled, on a session that this node opened.
    public let dialled: NodeID?

    var machine: SessionMachine
    var phase = Phase.makingContact
    private var certificate: CertificateNames?
    private var announced = ""
    private var lifetimeEnds: RelayTime?
    private var isEndingKnown = false
    /// Why this node ends the session, where the machine has a bare code.
    private var endingReason: String?

    // Receiving.
    var reception: Reception?
    /// Offers and records that the engine has not answered.
    var undecided: [Ticket: TransferID] = [:]

    // Sending.
    var queue = WaitingDispatches()
    var outgoing: OutgoingBundle?
    /// Transfers that the peer has not answered.
    var dispatches: [TransferID: Ticket] = [:]
    /// A transfer broke off on our side: the session ends as soon as the others are answered.
    var isBroken = false
    var peerTransferMRU: UInt64 = 0
    /// The address of the other end, without its port; empty where it is not known.
    public var host = ""
    /// A sign of life was asked for, and none has come.
    var isProbed = false
    private var understandsIdentityTwice = false

    // Watching the link.
    var meter = LinkMeter()
    /// The shell reads; otherwise nothing can be heard.
    var isReading = true
    /// The engine knows that nothing is acknowledged.
    var isSilent = false
    var lastUnacknowledged: UInt64 = 0
    /// What the engine was told last.
    var measured: (rate: UInt64, acknowledged: UInt64)?
    var measuredAt = RelayTime.zero

    public internal(set) var counts = ConversationCounts()
    /// Since when transfers are under way with nothing acknowledged.
    public internal(set) var silentSince = RelayTime.zero
    /// The store as a whole cannot be read at this moment: that says nothing of an envelope's payload.
    public var isStoreFailing = false
    /// Told which envelope is being sent at this moment, for the case of a crash; 0 when none is.
    public var inHand: (UInt64) -> Void = { _ in }
    /// Asked once the peer is proven: why there is no place for this session; nil when there is one.
    public var refusesPlace: (NodeID) -> String? = { _ in nil }

    public init(
        session: Ticket, settings: ConversationSettings, judge: IdentityJudge, dialled: NodeID?, tickets: TicketSource
    ) {
        demand(
            (settings.session.role == .active) == (dialled != nil), "A session is dialled on its active side only.")
        self.session = session
        self.settings = settings
        self.judge = judge
        self.dialled = dialled
        self.tickets = tickets
        var configuration = settings.session
        configuration.knownItemTypes = [GreetingItem.type]
        machine = SessionMachine(configuration)
    }

    /// Our item of SESS_INIT, for a peer that is accepted. Whoever else has a certificate that the chain vouches for, and says that it is a
    /// neighbour, learns neither version nor numbers.
    private mutating func greetTheAccepted() {
        machine.adopt { [greet = settings.greet, judge, dialled, certificate] announced in
            guard let claimed = dialled?.text ?? announced,
                case .accepted(let peer) = judge.judge(announced: claimed, certificate: certificate, dialled: dialled),
                let greeting = greet(peer)
            else { return [] }
            return [ExtensionItem(isCritical: false, type: GreetingItem.type, value: GreetingItem.encode(greeting))]
        }
    }

    // MARK: - What the shell may ask

    /// The peer, once it is proven.
    public var peer: NodeID? {
        if case .established(let peer) = phase { return peer }
        return nil
    }

    public var isOver: Bool { machine.isOver }

    /// False while the shell should not read: the peer is too far ahead of the engine.
    public var wantsInput: Bool { machine.wantsInput }

    /// True while `pump` would write something.
    public var hasBytesToSend: Bool { outgoing != nil || !queue.isEmpty && machine.canBeginTransfer }

    /// Octets that are kept here of what the peer has not finished.
    public var heldBytes: Int {
        guard let reception else { return 0 }
        return reception.bundle.heldBytes + (reception.record?.octets.storageCapacity ?? 0)
    }

    /// Dispatches that were handed over and not answered.
    public var inFlight: Int { queue.count + dispatches.count }

    public var nextDeadline: RelayTime? {
        let machine = machine.nextDeadline.map { RelayTime(milliseconds: $0) }
        guard !self.machine.isOver else { return machine }
        return [machine, lifetimeEnds, silenceDeadline].compactMap { $0 }.min()
    }

    /// How other settings judge the peer of this session; nil while it is not known.
    public func judgement(by judge: IdentityJudge) -> IdentityJudge.Judgement? {
        guard case .established = phase else { return nil }
        return judge.judge(announced: announced, certificate: certificate, dialled: dialled)
    }

    /// From now on these settings judge the peer, if it is not known yet.
    public mutating func replaceJudge(_ judge: IdentityJudge) { self.judge = judge }

    // MARK: - The session's life

    /// The TCP connection is there.
    public mutating func start(now: RelayTime, _ output: inout ConversationOutput) {
        // Where there is no TLS nothing is proven, and nothing is kept from the test that wants it so.
        if settings.session.tls == .forbidden { greetTheAccepted() }
        machine.start(now: now.milliseconds, &output.effects)
        settle(now, &output)
    }

    /// The settings of the one peer that this can be, before the handshake is told of.
    public mutating func adopt(_ settings: ConversationSettings) {
        let greet = self.settings.greet
        self.settings = settings
        self.settings.greet = greet
        machine.adopt(
            segmentMRU: settings.session.segmentMRU, transferMRU: settings.session.transferMRU,
            segmentBytesMax: settings.session.segmentBytesMax, keepaliveSeconds: settings.session.keepaliveSeconds)
    }

    /// The handshake that `startsTLS` asked for is done; the chain of the peer's certificate has been verified.
    public mutating func tlsEstablished(
        _ names: CertificateNames, now: RelayTime, _ output: inout ConversationOutput
    ) {
        certificate = names
        greetTheAccepted()
        machine.tlsEstablished(now: now.milliseconds, &output.effects)
        settle(now, &output)
    }

    /// Takes octets from the peer; what is left unread when the output says `startsTLS` belongs to the handshake.
    public mutating func receive(
        _ input: inout ByteBuffer, now: RelayTime, _ output: inout ConversationOutput
    ) {
        if case .established = phase { Self.compact(&input) }
        if isProbed, input.readableBytes > 0 {
            isProbed = false
            output.event(.sessionAnswered(session))
        }
        machine.feed(&input, now: now.milliseconds, &output.effects)
        settle(now, &output)
    }

    /// A few octets would keep the whole buffer alive in which they came, for as long as the engine has not taken them.
    private static func compact(_ input: inout ByteBuffer) {
        guard input.readableBytes < input.storageCapacity / 4 else { return }
        var copy = ByteBufferAllocator().buffer(capacity: input.readableBytes)
        copy.writeBuffer(&input)
        input = copy
    }

    /// The time of `nextDeadline` has come; harmless at any other time.
    public mutating func deadlineReached(now: RelayTime, _ output: inout ConversationOutput) {
        machine.deadlineReached(now: now.milliseconds, &output.effects)
        if let lifetimeEnds, lifetimeEnds <= now {
            self.lifetimeEnds = nil
            end(why: "The session has lived as long as sessions may.", now: now, &output)
        }
        judgeSilence(now, &output)
        settle(now, &output)
    }

    /// Ends the session with SESS_TERM: what is under way is finished, at most for `timeout` or the configured time; a timeout
    /// of 0 closes at once.
    public mutating func end(
        why: String, reason: TerminationReason = .unknown, timeout: Milliseconds? = nil, now: RelayTime,
        _ output: inout ConversationOutput
    ) {
        if machine.isOpen { endingReason = why }
        machine.terminate(reason, timeout: timeout?.count, now: now.milliseconds, &output.effects)
        settle(now, &output)
    }

    /// The connection is gone, or the peer has ended its direction. `clean`: by close_notify, or by FIN where there is no TLS.
    public mutating func connectionEnded(
        clean: Bool, why: String? = nil, now: RelayTime, _ output: inout ConversationOutput
    ) {
        if let why, endingReason == nil { endingReason = why }
        machine.inputClosed(tlsClean: clean, &output.effects)
        settle(now, &output)
    }

    /// TLS has refused the certificate of who came. It stands at the peers that the certificate names, whoever has made it.
    public mutating func certificateRefused(claimed: [String], why: String, _ output: inout ConversationOutput) {
        guard dialled == nil, case .makingContact = phase else { return }
        for peer in judge.known(claimed) { output.event(.contactRefused(peer: peer, reason: why)) }
    }

    /// The shell stops reading for reasons of its own; the peer's silence is not counted meanwhile.
    public mutating func inputPaused() {
        isReading = false
        machine.inputPaused()
    }

    public mutating func inputResumed(now: RelayTime) {
        isReading = true
        meter.excused(now: now)
        machine.inputResumed(now: now.milliseconds)
    }

    // MARK: - Effects of the engine

    /// Does what the engine decided for this session. Dispatches are queued: `pump` sends them.
    public mutating func perform(_ effect: Effect, now: RelayTime, _ output: inout ConversationOutput) {
        switch effect {
        case .acknowledge(_, let offer): acknowledge(offer, now: now, &output)
        case .refuse(_, let offer, let refusal, _, _): refuse(offer, refusal, now: now, &output)
        case .send(let dispatch):
            if inFlight == 0 { silentSince = now }
            send(dispatch, &output)
        case .recall(_, let dispatch): recall(dispatch, &output)
        case .endSession(_, let why): end(why: why, now: now, &output)
        case .probe: probe(now: now, &output)
        case .endTwin(_, let why):
            end(
                why: why, reason: understandsIdentityTwice ? .identityTwice : .contactFailure, timeout: .seconds(2),
                now: now, &output)
        case .dial, .verify, .answerSubmission, .answerInbox, .answerOperation, .handOver, .drained, .notice,
            .auditHead,
            .answerRestore, .reply:
            trap("An effect that is not for a session was handed to one.")
        }
    }

    // MARK: - Events of the machine

    /// Handles all that the machine has to say, until it says no more.
    mutating func settle(_ now: RelayTime, _ output: inout ConversationOutput) {
        while true {
            for event in output.effects.takeEvents() { handle(event, now, &output) }
            if isBroken, machine.unansweredTransferCount <= 1, !machine.isOver {
                machine.terminate(.resourceExhaustion, timeout: 0, now: now.milliseconds, &output.effects)
            }
            if output.effects.events.isEmpty { break }
        }
        sayEnding(&output)
    }

    private mutating func handle(_ event: SessionEvent, _ now: RelayTime, _ output: inout ConversationOutput) {
        if case .refused = phase {
            if case .close(let reason) = event { ended(reason.sentence, &output) }
            return
        }
        switch event {
        case .startTLS: output.startsTLS = true
        case .established(let nodeID, let parameters): established(nodeID, parameters, now, &output)
        case .transferBegan(let id, _): reception = Reception(id: id)
        case .transferBytes(let id, let bytes):
            noteData(now: now)
            receptionContinued(id, bytes, now, &output)
        case .transferEnded(let id): receptionEnded(id, now, &output)
        case .transferAborted(let id, _): receptionAborted(id, &output)
        case .transferAcknowledged(let id, _, let isEnd):
            silentSince = now
            if isEnd { answered(id, .acknowledged, &output) }
            noteAnswer(now: now, &output)
        case .transferRefused(let id, let reason):
            silentSince = now
            defer { noteAnswer(isRefusal: true, now: now, &output) }
            // RFC 9174, 5.2.4: a reason that cannot be decoded is treated as unknown.
            answered(id, .refused(Refusal(rawValue: reason.code) ?? .unknown), &output)
        case .peerTerminating(let reason):
            if reason == .identityTwice, case .established = phase { output.event(.identityTwice(session: session)) }
        case .messageRejected(let reason, _):
            counts.violations += 1
            output.notices.append(
                Notice(.warning, "The peer rejected a message: \(reason).", peer: peer, kind: .protocolViolated))
        case .peerViolated(let violation): violated(violation, &output)
        case .close(let reason):
            if case .violated(let violation) = reason { violated(violation, &output) }
            if case .terminated = reason { output.closesInOrder = true }
            ended(reason.sentence, &output)
        case .sessionLost(let loss): ended(loss.sentence, &output)
        }
    }

    private mutating func violated(_ violation: ProtocolViolation, _ output: inout ConversationOutput) {
        counts.violations += 1
        output.count(.violation)
        output.notices.append(Notice(.warning, violation.description, peer: peer, kind: .protocolViolated))
    }

    private mutating func established(
        _ nodeID: String, _ parameters: SessionParameters, _ now: RelayTime, _ output: inout ConversationOutput
    ) {
        // A peer that does not accept us says so right behind its SESS_INIT: such a session has never been.
        guard !machine.isOver else {
            phase = .refused(nil)
            return
        }
        switch judge.judge(announced: nodeID, certificate: certificate, dialled: dialled) {
        case .refused(let why):
            phase = .refused(why)
            // Who dials hears of it as of a dial that failed. It stands at the peer on this side, too.
            if dialled == nil, let claimed = NodeID(text: nodeID) {
                output.event(.contactRefused(peer: claimed, reason: why))
            }
            machine.refuseContact(now: now.milliseconds, &output.effects)
        case .accepted(let peer):
            if let why = refusesPlace(peer) {
                phase = .refused(why)
                return machine.terminate(.resourceExhaustion, timeout: 0, now: now.milliseconds, &output.effects)
            }
            phase = .established(peer)
            announced = nodeID
            if settings.sessionLifetime > .zero { lifetimeEnds = now + settings.sessionLifetime }
            // A peer with segment MRU 0 takes no transfers.
            peerTransferMRU = parameters.peerSegmentMRU > 0 ? parameters.peerTransferMRU : 0
            machine.segmentBytes = meter.segmentBytes(max: machine.segmentBytesMax)
            var facts = SessionFacts(
                peer: peer, transferMRU: peerTransferMRU, isDialled: dialled != nil, host: host,
                firstWindow: Self.firstWindowBytes)
            // Two items contradict one another: then it has said nothing.
            if parameters.peerItems.count == 1 { facts.greeting = GreetingItem.decode(parameters.peerItems[0].value) }
            understandsIdentityTwice = facts.understands(.identityTwice)
            output.event(.sessionEstablished(session: session, facts))
        }
    }

    /// Whoever began it, and for whatever reason: the session is ending, and nothing new is to be sent on it.
    private mutating func sayEnding(_ output: inout ConversationOutput) {
        guard case .established = phase, !machine.isOpen else { return }
        if !isEndingKnown {
            isEndingKnown = true
            output.event(.sessionEnding(session: session))
        }
        while let dispatch = queue.popFirst() { answer(dispatch.ticket, .refused(.sessionTerminating), &output) }
    }

    private mutating func ended(_ sentence: String, _ output: inout ConversationOutput) {
        var reason = endingReason ?? sentence
        let last = phase
        phase = .over
        switch last {
        case .established(let peer):
            // What was not begun has nothing to do with this end.
            while let dispatch = queue.popFirst() { answer(dispatch.ticket, .returned, &output) }
            let whole = machine.unansweredTransfers.compactMap { $0.isSentWhole ? dispatches[$0.id] : nil }
            output.event(.sessionEnded(session: session, sentWhole: whole, reason: reason))
            output.notices.append(Notice(.info, "session ended: \(reason)", peer: peer))
        case .makingContact, .refused:
            if case .refused(let why?) = last { reason = why }
            if let dialled {
                output.event(.dialFailed(peer: dialled, reason: reason))
            } else {
                output.notices.append(Notice(.notice, "contact failed: \(reason)", kind: .contactFailed))
                output.count(.contact)
            }
        case .over: trap("A session ends once.")
        }
        queue.removeAll()
        outgoing = nil
        dispatches = [:]
        undecided = [:]
        output.close = reason
    }
}
