// SessionMachine: one TCPCLv4 session (RFC 9174) as a value: octets and times in, events and octets out.
// Owned by one connection's handler, on its event loop; does no I/O and reads no clock. What a peer does wrong ends the
// session with a reason or is answered by MSG_REJECT; what the shell does wrong traps with a sentence.
//
// Theory of operation. The shell calls `start`, feeds what it reads, calls `deadlineReached` at `nextDeadline`, and after
// every batch of calls handles the events in order and writes the output. `startTLS` asks for the handshake, `established`
// for a judgement of the identity. Every transfer from the peer that ended is owed `acknowledgeEnd` (after it is durable)
// or `refuse`; the answers to later segments wait until then, because peers match answers in order. While `wantsInput` is
// false the shell does not read. The last event is `close` or `sessionLost`, once; `unansweredTransfers` then tells what is
// in doubt. The files beside this one: +Input (what comes), +Ending (how it ends), ReceiveSide, SendSide, SessionTimers.

import NIOCore
import RelayModel
import Trap

/// The state of one session.
public struct SessionMachine: ~Copyable, Sendable {
    enum State {
        case fresh
        case awaitingContact
        case awaitingTLS
        case awaitingInitialization
        case established
        case over
    }

    /// The session is ending: SESS_TERM went or came.
    struct Ending {
        let reason: TerminationReason
        let byPeer: Bool
        var isSent: Bool
        var isReceived: Bool
    }

    private(set) var configuration: SessionConfiguration
    var state = State.fresh
    var ending: Ending?
    var contact = ByteBuffer()
    var reader: MessageReader
    var receiving: ReceiveSide
    var sending: SendSide
    var timers = SessionTimers()
    var rejectionsSent = 0
    private var isInputPaused = false

    public init(_ configuration: SessionConfiguration) {
        demand(configuration.segmentBytesMax > 0, "Segments must have room for at least one octet.")
        self.configuration = configuration
        reader = MessageReader(extensionLengthInEverySegment: configuration.extensionLengthInEverySegment)
        receiving = ReceiveSide(transferMRU: configuration.transferMRU)
        sending = SendSide(segmentBytesMax: 0, transferBytesMax: 0, extensionLengthInEverySegment: false)
    }

    // MARK: - What the shell may ask

    /// True while transfers can begin as far as the session is concerned.
    public var isOpen: Bool { state == .established && ending == nil }

    /// True after `close` or `sessionLost`.
    public var isOver: Bool { state == .over }

    /// True while the shell should read. False: too many transfers wait for `acknowledgeEnd` or `refuse`, or too many
    /// answers behind them. What is fed all the same is taken, so the bound is soft by one read.
    public var wantsInput: Bool {
        state != .over && receiving.unansweredCount <= configuration.undecidedTransfersMax
            && receiving.waitingAnswers <= configuration.waitingAnswersMax
    }

    /// True when the next transfer can begin: open, and none is half written.
    public var canBeginTransfer: Bool { isOpen && !sending.isSending && sending.hasPlace }

    /// The transfers that we began and the peer has not answered, oldest first. It stays readable when the session is over.
    public var unansweredTransfers: [UnansweredTransfer] { sending.unanswered }
    /// Of these, the octets that are acknowledged.
    public var acknowledgedBytes: UInt64 { sending.acknowledgedBytes }
    public var unansweredTransferCount: Int { sending.unansweredCount }
    /// The octets sent and not yet acknowledged, for the shell's window.
    public var unacknowledgedBytes: UInt64 { sending.unacknowledgedBytes }

    /// The size to which segments are cut; changing it concerns those that are cut from now on.
    public var segmentBytes: Int {
        get { sending.segmentBytes }
        set { sending.cutSegments(to: newValue) }
    }
    public var segmentBytesMax: Int { sending.segmentBytesMax }

    /// When octets came last.
    public var lastReceived: UInt64 { timers.lastReceived }

    /// When `deadlineReached` wants to be called; nil for never.
    public var nextDeadline: UInt64? { state == .over ? nil : timers.next(timerConditions) }

    // MARK: - Beginning

    /// The TCP connection is there.
    public mutating func start(now: UInt64, _ effects: inout SessionEffects) {
        demand(state == .fresh, "A session starts once.")
        enter(.awaitingContact, now: now)
        // RFC 9174, 4.1: the active entity sends its contact header at once, the passive one waits for the peer's.
        if configuration.role == .active {
            writeContactHeader(now: now, &effects)
        }
    }

    /// The TLS handshake that `startTLS` asked for is done; from now on plaintext is fed.
    public mutating func tlsEstablished(now: UInt64, _ effects: inout SessionEffects) {
        guard state == .awaitingTLS else {
            demand(state == .over, "The handshake ends once, after startTLS asked for it.")
            return
        }
        beginInitialization(now: now, &effects)
    }

    /// The shell does not accept the peer's identity: SESS_TERM "Contact Failure" and close.
    public mutating func refuseContact(now: UInt64, _ effects: inout SessionEffects) {
        guard state == .established else {
            demand(state == .over, "An identity can be refused only after the session is established.")
            return
        }
        // RFC 9174, 4.4.4.3: a node ID that fails validation ends the session with "Contact Failure".
        failContact(.identityRefused, now: now, &effects)
    }

    /// The shell knows now who the peer is: its own numbers, in place of those for all. Only before SESS_INIT is sent.
    public mutating func adopt(
        segmentMRU: UInt64, transferMRU: UInt64, segmentBytesMax: Int, keepaliveSeconds: UInt16
    ) {
        demand(state == .awaitingTLS || state == .fresh, "The numbers are told in SESS_INIT and stay.")
        demand(segmentBytesMax > 0, "Segments must have room for at least one octet.")
        configuration.segmentMRU = segmentMRU
        configuration.transferMRU = transferMRU
        configuration.segmentBytesMax = segmentBytesMax
        configuration.keepaliveSeconds = keepaliveSeconds
        receiving = ReceiveSide(transferMRU: transferMRU)
    }

    /// Likewise what SESS_INIT carries besides.
    public mutating func adopt(
        initializationItems: @escaping @Sendable (_ announced: String?) -> [ExtensionItem]
    ) {
        demand(state == .awaitingTLS || state == .fresh, "The items are told in SESS_INIT and stay.")
        configuration.initializationItems = initializationItems
    }

    // MARK: - Receiving

    /// The shell has the transfer on disk: its END is acknowledged, when its turn comes. False, with no effect, when
    /// there is nothing to decide any more because the session is over or the transfer was refused.
    @discardableResult
    public mutating func acknowledgeEnd(
        _ id: TransferID, now: UInt64, _ effects: inout SessionEffects
    ) -> Bool {
        decided(now: now, &effects) { receiving, effects in receiving.acknowledgeEnd(id, &effects) }
    }

    /// The shell does not take the transfer, at any time after `transferBegan`; what still comes of it is dropped. Events
    /// of it that are in the batch already are to be ignored.
    @discardableResult
    public mutating func refuse(
        _ id: TransferID, _ reason: TransferRefusalReason, now: UInt64, _ effects: inout SessionEffects
    ) -> Bool {
        decided(now: now, &effects) { receiving, effects in receiving.refuse(id, reason, &effects) }
    }

    private mutating func decided(
        now: UInt64, _ effects: inout SessionEffects, _ decide: (inout ReceiveSide, inout SessionEffects) -> Bool
    ) -> Bool {
        guard state == .established else { return false }
        let before = effects.output.appendedBytes
        let wantedInput = wantsInput
        let isDecided = decide(&receiving, &effects)
        timers.lastActivity = now
        if !wantedInput && wantsInput {
            // Nothing was read meanwhile, so the peer was not silent.
            timers.lastReceived = now
        }
        noteSent(before, now: now, effects)
        endIfSettled(now: now, &effects)
        return isDecided
    }

    /// The shell stops reading for reasons of its own; the peer's silence is not counted meanwhile.
    public mutating func inputPaused() {
        isInputPaused = true
    }

    /// The shell reads again.
    public mutating func inputResumed(now: UInt64) {
        isInputPaused = false
        timers.lastReceived = max(timers.lastReceived, now)
        timers.lastProgress = max(timers.lastProgress, now)
        timers.lastData = max(timers.lastData, now)
    }

    // MARK: - Sending

    /// Begins a transfer of exactly `totalLength` octets. Several may be unanswered at a time, one be written at a time.
    public mutating func beginTransfer(totalLength: UInt64) throws(TransferBeginError) -> TransferID {
        // RFC 9174, 6.1: no new outgoing transfer in the Ending state.
        guard isOpen else { throw .sessionNotOpen }
        return try sending.begin(totalLength: totalLength)
    }

    /// Sends the next octets of a transfer, cut into segments as large as the peer and our settings take, but never joined
    /// across calls: a call is one or more whole messages. False: the transfer is answered or the session over; send no
    /// more of it.
    @discardableResult
    public mutating func sendBytes(
        _ id: TransferID, _ bytes: ByteBuffer, isEnd: Bool, now: UInt64, _ effects: inout SessionEffects
    ) -> Bool {
        sendBytes(id, CollectionOfOne(bytes), isEnd: isEnd, now: now, &effects)
    }

    /// The same with several buffers, whose octets may share segments.
    @discardableResult
    public mutating func sendBytes(
        _ id: TransferID, _ pieces: some Collection<ByteBuffer>, isEnd: Bool, now: UInt64,
        _ effects: inout SessionEffects
    ) -> Bool {
        guard state == .established else { return false }
        let before = effects.output.appendedBytes
        let isOldest = sending.isOldest(id)
        let isTaken = sending.send(id, pieces, isEnd: isEnd, &effects.output)
        if effects.output.appendedBytes != before {
            timers.lastActivity = now
            if isOldest { timers.lastProgress = now }
            timers.lastSent = now
        }
        return isTaken
    }

    // MARK: - What the files of this type share

    /// Goes on to the next step of making contact, or beyond it.
    mutating func enter(_ next: State, now: UInt64) {
        state = next
        switch next {
        case .awaitingContact:
            let timeout = configuration.contactTimeout
            timers.contactEnds = timeout > 0 ? SessionTimers.sum(now, timeout) : nil
        case .awaitingTLS, .awaitingInitialization:
            // One time for all steps: a peer that dribbles keeps its place no longer than a silent one.
            break
        case .fresh, .established, .over:
            timers.contactEnds = nil
        }
    }

    mutating func writeContactHeader(now: UInt64, _ effects: inout SessionEffects) {
        let header = ContactHeader(canTLS: configuration.tls == .required)
        effects.output.watched?.append(.contact(isSent: true, header))
        effects.output.appendHeader { header.write(to: &$0) }
        timers.lastSent = now
    }

    /// Both contact headers are there, and TLS if it is used.
    mutating func beginInitialization(now: UInt64, _ effects: inout SessionEffects) {
        enter(.awaitingInitialization, now: now)
        // RFC 9174, 4.4.2: the active entity sends its SESS_INIT first, the passive one waits for it.
        if configuration.role == .active {
            writeInitialization(answering: nil, now: now, &effects)
        }
    }

    mutating func writeInitialization(answering announced: String?, now: UInt64, _ effects: inout SessionEffects) {
        effects.output.append(
            .initialization(
                SessionInitialization(
                    keepaliveSeconds: configuration.keepaliveSeconds, segmentMRU: configuration.segmentMRU,
                    transferMRU: configuration.transferMRU, nodeID: configuration.nodeID.text,
                    extensionItems: configuration.initializationItems(announced))))
        timers.lastSent = now
    }

    mutating func noteSent(_ before: UInt64, now: UInt64, _ effects: borrowing SessionEffects) {
        if effects.output.appendedBytes != before {
            timers.lastSent = now
        }
    }

    var timerConditions: SessionTimers.Conditions {
        let unanswered = sending.unansweredCount
        return SessionTimers.Conditions(
            isEstablished: state == .established, isReading: wantsInput && !isInputPaused,
            isIdle: ending == nil && unanswered == 0 && receiving.isSettled,
            peerOwesAnswers: sending.unacknowledgedBytes > 0 || unanswered > (sending.isSending ? 1 : 0),
            isReceiving: receiving.isReceiving, idleTimeout: configuration.idleTimeout,
            answerTimeout: configuration.answerTimeout)
    }
}
