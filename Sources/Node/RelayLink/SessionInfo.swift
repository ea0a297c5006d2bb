// SessionInfo: what operators see of a session. SessionRecord: its current value, written by the session's event loop once a
// batch and read by any thread.

import RelayCore
import RelayModel
import RelaySession
import Synchronization

public struct SessionInfo: Sendable {
    public let session: Ticket
    public let isDialled: Bool
    /// The other end, as `address:port`.
    public let address: String
    /// When the connection was there.
    public let since: RelayTime
    /// Nil until the peer is proven.
    public internal(set) var peer: NodeID?
    public internal(set) var tlsVersion: String?
    public internal(set) var cipher: String?
    /// Of the peer's certificate, in Unix seconds.
    public internal(set) var certificateNotAfter: Int64?
    /// Octets of the session protocol, before TLS.
    public internal(set) var bytesIn: UInt64 = 0
    public internal(set) var bytesOut: UInt64 = 0
    /// Dispatches that the peer has not answered.
    public internal(set) var inFlight = 0
    /// Since when some are under way with nothing acknowledged; says nothing while none is.
    public internal(set) var silentSince = RelayTime.zero
    /// False while back-pressure holds the peer up.
    public internal(set) var isReading = true
    public internal(set) var counts = ConversationCounts()
}

final class SessionRecord: Sendable {
    private let info: Mutex<SessionInfo>

    init(_ info: SessionInfo) { self.info = Mutex(info) }

    var current: SessionInfo { info.withLock { $0 } }

    func update(_ change: (inout SessionInfo) -> Void) { info.withLock { change(&$0) } }
}
