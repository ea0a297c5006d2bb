// RawPeer: a foreign or hostile neighbour: a session machine, a certificate of the test's choice, and bundles as octets. It is
// driven by one thread; each call works until what it waits for has happened or the session is over.

import BundleProtocol
import Foundation
import NIOCore
import OpenSSLTLS
import RelayModel
import TCPCL

/// What became of a transfer.
public enum TransferAnswer: Hashable, Sendable {
    case acknowledged
    case refused(TransferRefusalReason)
    /// The session was over before an answer came.
    case unanswered(String)
}

public final class RawPeer {
    private let channel: RawChannel
    private let tls: TLSContext?
    private var machine: SessionMachine
    private var effects = SessionEffects()
    private var input = ByteBuffer()
    private var incoming: [TransferID: ByteBuffer] = [:]
    private var answers: [TransferID: TransferAnswer] = [:]

    /// The bundles that came in and were acknowledged.
    public private(set) var received: [WholeBundle] = []
    public private(set) var isEstablished = false
    /// As negotiated.
    public private(set) var keepaliveSeconds: UInt16 = 0
    /// Why the session is over.
    public private(set) var ending: String?
    /// SESS_TERM of the other side.
    public private(set) var terminations: [TerminationReason] = []
    public private(set) var rejections: [RejectionReason] = []
    /// False: transfers from the node are left unanswered.
    public var acknowledges = true

    /// Connects, and works until the session is established or over. `tls`: nil for plain TCP.
    public init(port: Int, as node: String, tls: TLSContext?, segment: Int = 64 << 10) throws {
        guard let id = NodeID(name: node) else { throw TestFailure("\(node) is no node name") }
        self.tls = tls
        channel = try RawChannel(port: port)
        var configuration = SessionConfiguration(role: .active, tls: tls == nil ? .forbidden : .required, nodeID: id)
        configuration.segmentBytesMax = segment
        machine = SessionMachine(configuration)
        machine.start(now: Self.now, &effects)
        try work { isEstablished }
    }

    /// The settings of a node's certificate in the network's folder.
    public static func tls(_ network: Network, _ certificate: String) throws -> TLSContext {
        let folder = network.folder["tls/"]
        return try TLSContext(
            TLSConfiguration(
                authorityFile: folder + "ca.pem", certificateChainFile: folder + certificate + ".pem",
                keyFile: folder + certificate + ".key"))
    }

    private static var now: UInt64 { UInt64(ProcessInfo.processInfo.systemUptime * 1_000) }

    // MARK: - Sending

    /// Offers a bundle, and waits for the answer.
    public func send(_ bundle: WholeBundle) throws -> TransferAnswer {
        var octets = ByteBuffer()
        bundle.encode(into: &octets)
        return try send(octets)
    }

    public func send(_ octets: ByteBuffer) throws -> TransferAnswer { try answer(to: try offer(octets)) }

    /// Offers without waiting.
    public func offer(_ octets: ByteBuffer) throws -> TransferID {
        let id = try machine.beginTransfer(totalLength: UInt64(octets.readableBytes))
        machine.sendBytes(id, octets, isEnd: true, now: Self.now, &effects)
        flush()
        return id
    }

    public func answer(to id: TransferID) throws -> TransferAnswer {
        try work { answers[id] != nil }
        return answers[id] ?? .unanswered(ending ?? "no answer came")
    }

    /// Waits until the node has sent bundles of which one is as asked.
    public func receive(_ isWanted: (WholeBundle) -> Bool) throws -> WholeBundle {
        try work { received.contains(where: isWanted) }
        guard let bundle = received.first(where: isWanted) else {
            throw TestFailure("the bundle did not come: \(ending ?? "time is over")")
        }
        return bundle
    }

    /// Writes octets that no machine would write.
    public func writeRaw(_ bytes: [UInt8]) { channel.write(ByteBuffer(bytes: bytes)) }

    public func writeRaw(_ message: Message, data: [UInt8] = []) {
        var buffer = ByteBuffer()
        message.write(to: &buffer)
        buffer.writeBytes(data)
        channel.write(buffer)
    }

    /// Waits until the other side has ended the session.
    public func awaitEnd() throws {
        try work { ending != nil }
        if ending == nil { throw TestFailure("the session goes on") }
    }

    /// Ends the session in order.
    public func end() throws {
        guard ending == nil else { return }
        machine.terminate(.unknown, now: Self.now, &effects)
        settle()
        try work { ending != nil }
        channel.close()
    }

    public func cut() { channel.close() }

    /// Takes what comes, and acknowledges it, until the condition holds or the session is over. It is asked whenever nothing has come for a
    /// while; false when it does not hold after some seconds.
    public func take(within seconds: Double, until isDone: () throws -> Bool) throws -> Bool {
        settle()
        let end = ProcessInfo.processInfo.systemUptime + seconds
        while ending == nil {
            if let next = channel.queue.take(seconds: 0.05) {
                take(next)
            } else if try isDone() {
                return true
            }
            guard ProcessInfo.processInfo.systemUptime < end else { return false }
        }
        return try isDone()
    }

    // MARK: - Working

    /// Takes what comes until the condition holds, the session is over, or nothing comes any more.
    private func work(until condition: () -> Bool) throws {
        settle()
        while !condition(), ending == nil {
            guard let next = channel.queue.take(seconds: 30) else { return }
            take(next)
        }
    }

    private func take(_ next: RawInput) {
        switch next {
        case .bytes(var buffer):
            input.writeBuffer(&buffer)
            machine.feed(&input, now: Self.now, &effects)
        case .secured: machine.tlsEstablished(now: Self.now, &effects)
        case .failed(let why):
            machine.inputClosed(tlsClean: false, &effects)
            settle()
            ending = why
        case .ended: machine.inputClosed(tlsClean: true, &effects)
        }
        settle()
    }

    private func settle() {
        while !effects.events.isEmpty || !effects.output.isEmpty {
            for event in effects.takeEvents() { handle(event) }
            flush()
        }
    }

    private func flush() {
        for buffer in effects.output.take() { channel.write(buffer) }
    }

    private func handle(_ event: SessionEvent) {
        switch event {
        case .startTLS:
            flush()
            let rest = input.readableBytes > 0 ? input.readSlice(length: input.readableBytes) : nil
            if let tls { try? channel.secure(tls, received: rest) }
        case .established(_, let parameters):
            isEstablished = true
            keepaliveSeconds = parameters.keepaliveSeconds
        case .transferBegan(let id, _): incoming[id] = ByteBuffer()
        case .transferBytes(let id, var bytes): incoming[id]?.writeBuffer(&bytes)
        case .transferEnded(let id): ended(id)
        case .transferAborted(let id, _): incoming[id] = nil
        case .transferAcknowledged(let id, _, let isEnd): if isEnd { answers[id] = .acknowledged }
        case .transferRefused(let id, let reason): answers[id] = .refused(reason)
        case .peerTerminating(let reason): terminations.append(reason)
        case .messageRejected(let reason, _): rejections.append(reason)
        case .peerViolated: break
        case .close(let reason): ending = ending ?? "\(reason)"
        case .sessionLost(let loss): ending = ending ?? "\(loss)"
        }
    }

    private func ended(_ id: TransferID) {
        guard acknowledges, let octets = incoming.removeValue(forKey: id) else { return }
        if let bundle = try? WholeBundle(decoding: octets) { received.append(bundle) }
        machine.acknowledgeEnd(id, now: Self.now, &effects)
    }
}
