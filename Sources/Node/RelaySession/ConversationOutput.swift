// ConversationOutput: what one or more calls of a conversation bring about, and what a conversation has counted. The shell
// passes it in, takes everything out after a batch of calls, and uses it again. Cannot fail.

import BundleProtocol
import NIOCore
import RelayCore
import RelayEngine
import TCPCL

public struct ConversationOutput: Sendable {
    var effects = SessionEffects()
    /// For the engine, in order.
    public internal(set) var inputs: [EngineInput] = []
    /// For the operator's log.
    public internal(set) var notices: [Notice] = []
    /// The TLS handshake is to begin now, with the octets that `receive` left unread; then call `tlsEstablished`.
    public internal(set) var startsTLS = false
    /// The conversation is over: write what is left, then close the connection. Says why.
    public internal(set) var close: String?
    /// The session has ended by SESS_TERM both ways: the connection is to be ended so, too, and not cut.
    public internal(set) var closesInOrder = false

    /// What passed and is not taken yet; nil when nobody watches.
    private var frames: [WireFrame]?

    public init() {}

    public var hasBytes: Bool { !effects.output.isEmpty }

    public mutating func takeInputs() -> [EngineInput] {
        let taken = inputs
        inputs = []
        return taken
    }

    /// Octets for the peer, to be written in order and without gaps.
    public mutating func takeBytes() -> [ByteBuffer] { effects.output.take() }

    public mutating func takeNotices() -> [Notice] {
        let taken = notices
        notices = []
        return taken
    }

    public mutating func takeStartsTLS() -> Bool {
        let taken = startsTLS
        startsTLS = false
        return taken
    }

    /// True while somebody watches; then frames are kept until they are taken.
    public var isWatched: Bool {
        get { frames != nil }
        set {
            effects.isWatched = newValue
            frames = newValue ? frames ?? [] : nil
        }
    }

    public mutating func takeFrames() -> [WireFrame] {
        guard frames != nil else { return [] }
        gatherFrames()
        let taken = frames ?? []
        frames = []
        return taken
    }

    /// The header of a bundle goes behind the messages that passed before it.
    mutating func note(isSent: Bool, _ transfer: TransferID, _ header: BundleHeader) {
        guard frames != nil else { return }
        gatherFrames()
        frames?.append(WireFrame(isSent: isSent, transfer, header))
    }

    private mutating func gatherFrames() {
        for message in effects.takeWatched() { frames?.append(WireFrame(message)) }
    }

    /// Adds a line of the shell's own.
    public mutating func log(_ notice: Notice) { notices.append(notice) }

    mutating func event(_ event: Event) { inputs.append(.event(event)) }

    mutating func count(_ cause: RefusalCause) { event(.refusedOutside(.refusedToPeer(cause.rawValue))) }
}

/// What passed on one session, for operators and tests.
public struct ConversationCounts: Hashable, Sendable {
    /// Bundles that were offered to the engine, and records that were passed to it.
    public var offered: UInt64 = 0
    public var recordsReceived: UInt64 = 0
    /// Transfers that the engine has taken, or refused.
    public var acknowledged: UInt64 = 0
    public var refused: UInt64 = 0
    /// Transfers that were refused here: octets that are no bundle, or a bundle that breaks a rule.
    public var malformed: UInt64 = 0
    public var unacceptable: UInt64 = 0
    /// Transfers that were begun, and the peer's answers.
    public var sent: UInt64 = 0
    public var takenByPeer: UInt64 = 0
    public var refusedByPeer: UInt64 = 0
    /// Rules of the session protocol that the peer broke.
    public var violations: UInt64 = 0
    /// Dispatches whose payload could not be read, or whose header could not be made.
    public var unreadable: UInt64 = 0
    public init() {}
}
