// Endpoint: a session machine with a small shell that does what a link does, and a wire between two of them.

import NIOCore
import RelayModel

@testable import TCPCL

/// A machine, everything it ever said, and what a shell makes of it.
final class Endpoint {
    enum Outcome: Equatable {
        case acknowledged
        case refused(TransferRefusalReason)
    }

    var machine: SessionMachine
    var effects = SessionEffects()
    var log: [SessionEvent] = []
    var now: UInt64 = 1_000
    /// Acknowledges each transfer when it ends.
    var acknowledgesAtOnce = true
    /// Octets of the transfers that began, ended or not.
    var received: [TransferID: [UInt8]] = [:]
    /// Transfers that ended and are not decided.
    var undecided: [TransferID] = []
    /// Transfers that are open as far as the shell knows.
    var open: TransferID?
    var outcomes: [TransferID: [Outcome]] = [:]
    var acknowledgedBytes: [TransferID: [UInt64]] = [:]
    var endings: [SessionEvent] = []

    private var isHandling = false

    init(_ configuration: SessionConfiguration) {
        machine = SessionMachine(configuration)
    }

    // The machine cannot be copied, so the test macros cannot ask it themselves.
    var isOpen: Bool { machine.isOpen }
    var isOver: Bool { machine.isOver }
    var wantsInput: Bool { machine.wantsInput }
    var canBeginTransfer: Bool { machine.canBeginTransfer }
    var nextDeadline: UInt64? { machine.nextDeadline }
    var unansweredTransfers: [UnansweredTransfer] { machine.unansweredTransfers }
    var unacknowledgedBytes: UInt64 { machine.unacknowledgedBytes }

    func start() {
        machine.start(now: now, &effects)
        handle()
    }

    func feed(_ bytes: ByteBuffer) {
        var input = bytes
        machine.feed(&input, now: now, &effects)
        handle()
        // What is left belongs to the TLS handshake, which here takes no octets.
        if input.readableBytes > 0 {
            machine.feed(&input, now: now, &effects)
            handle()
        }
    }

    func takeOutput() -> ByteBuffer { joined(effects.output.take()) }

    func begin(_ length: Int) -> TransferID {
        try! machine.beginTransfer(totalLength: UInt64(length))
    }

    @discardableResult
    func send(_ id: TransferID, _ bytes: [UInt8], isEnd: Bool) -> Bool {
        let isTaken = machine.sendBytes(id, ByteBuffer(bytes: bytes), isEnd: isEnd, now: now, &effects)
        handle()
        return isTaken
    }

    @discardableResult
    func transfer(_ bytes: [UInt8]) -> TransferID {
        let id = begin(bytes.count)
        send(id, bytes, isEnd: true)
        return id
    }

    @discardableResult
    func acknowledge(_ id: TransferID) -> Bool {
        undecided.removeAll { $0 == id }
        let isDecided = machine.acknowledgeEnd(id, now: now, &effects)
        handle()
        return isDecided
    }

    func refuse(_ id: TransferID, _ reason: TransferRefusalReason) {
        undecided.removeAll { $0 == id }
        if open == id {
            open = nil
        }
        machine.refuse(id, reason, now: now, &effects)
        handle()
    }

    func terminate(_ reason: TerminationReason = .unknown, timeout: UInt64? = nil) {
        machine.terminate(reason, timeout: timeout, now: now, &effects)
        handle()
    }

    func refuseContact() {
        machine.refuseContact(now: now, &effects)
        handle()
    }

    func pass(until time: UInt64) {
        now = time
        machine.deadlineReached(now: now, &effects)
        handle()
    }

    func inputClosed(clean: Bool = true) {
        machine.inputClosed(tlsClean: clean, &effects)
        handle()
    }

    /// Handles events in the order in which they happened, those that the handling brings about after the others.
    private func handle() {
        guard !isHandling else { return }
        isHandling = true
        defer { isHandling = false }
        while !effects.events.isEmpty {
            for event in effects.takeEvents() {
                log.append(event)
                handle(event)
            }
        }
    }

    private func handle(_ event: SessionEvent) {
        switch event {
        case .startTLS:
            machine.tlsEstablished(now: now, &effects)
        case .transferBegan(let id, _):
            received[id] = []
            open = id
        case .transferBytes(let id, let bytes):
            received[id, default: []].append(contentsOf: bytes.readableBytesView)
        case .transferEnded(let id):
            guard open == id else { break }
            open = nil
            undecided.append(id)
            if acknowledgesAtOnce {
                acknowledge(id)
            }
        case .transferAborted(let id, _):
            if open == id {
                open = nil
            }
        case .transferAcknowledged(let id, let bytes, let isEnd):
            acknowledgedBytes[id, default: []].append(bytes)
            if isEnd {
                outcomes[id, default: []].append(.acknowledged)
            }
        case .transferRefused(let id, let reason):
            outcomes[id, default: []].append(.refused(reason))
        case .close, .sessionLost:
            endings.append(event)
        case .established, .peerTerminating, .messageRejected, .peerViolated:
            break
        }
    }
}

extension SessionConfiguration {
    static func plain(_ role: SessionRole) -> SessionConfiguration {
        SessionConfiguration(
            role: role, tls: .forbidden, nodeID: NodeID(name: role == .active ? "hanoi" : "hub")!)
    }

    static func encrypted(_ role: SessionRole) -> SessionConfiguration {
        var configuration = plain(role)
        configuration.tls = .required
        return configuration
    }

    func with(_ change: (inout SessionConfiguration) -> Void) -> SessionConfiguration {
        var changed = self
        change(&changed)
        return changed
    }
}

/// Carries all output both ways until none is left, `chunk` octets at a time.
func exchange(_ left: Endpoint, _ right: Endpoint, chunk: Int = .max) {
    while true {
        let toRight = left.takeOutput()
        let toLeft = right.takeOutput()
        if toRight.readableBytes == 0 && toLeft.readableBytes == 0 {
            return
        }
        deliver(toRight, to: right, chunk: chunk)
        deliver(toLeft, to: left, chunk: chunk)
    }
}

func deliver(_ bytes: ByteBuffer, to endpoint: Endpoint, chunk: Int) {
    var bytes = bytes
    while let piece = bytes.readSlice(length: min(chunk, bytes.readableBytes)), piece.readableBytes > 0 {
        endpoint.feed(piece)
    }
}

/// Two endpoints that have made contact.
func establishedPair(
    _ active: SessionConfiguration = .plain(.active), _ passive: SessionConfiguration = .plain(.passive),
    chunk: Int = .max
) -> (active: Endpoint, passive: Endpoint) {
    let pair = (active: Endpoint(active), passive: Endpoint(passive))
    pair.active.start()
    pair.passive.start()
    exchange(pair.active, pair.passive, chunk: chunk)
    return pair
}
