// ConversationSettings: what one conversation is told before it begins. Plain values; read once.

import BundleProtocol
import RelayModel
import TCPCL

public struct ConversationSettings: Sendable {
    /// Role, identity, MRUs and timers of the session machine.
    public var session: SessionConfiguration
    /// After this long a session is ended, so that certificates are looked at again; 0 is never.
    public var sessionLifetime = Milliseconds.hours(24)
    /// Endpoints at which this node takes administrative records; at least the one told in SESS_INIT.
    public var ownEndpoints: [EndpointID]
    /// The hop limit of bundles made here.
    public var hopLimit: UInt8 = 32
    /// Rules that a peer's bundles may break.
    public var toleratedIssues: Set<BundleIssue.Code> = []
    /// What to tell the peer, once its certificate is judged; nil: nothing.
    public var greet: @Sendable (NodeID?) -> Greeting? = { _ in nil }
    /// What is under way may stay without any acknowledgement for so long, or for longer on a slow link; 0: for ever.
    public var silenceMin = Milliseconds.seconds(5)
    /// Payload read from the store at a time.
    public var portionBytesMax = 256 * 1_024

    /// A sender of this make has up to 1,024 transfers in flight: with room for all of them the machine stops its input only
    /// for peers that go beyond.
    public static let undecidedTransfersMax = 2_048
    public static let waitingAnswersMax = 8_192

    public init(_ session: SessionConfiguration) {
        self.session = session
        self.session.undecidedTransfersMax = Self.undecidedTransfersMax
        self.session.waitingAnswersMax = Self.waitingAnswersMax
        ownEndpoints = [session.nodeID.endpoint]
    }
}
