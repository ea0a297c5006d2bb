// WireTap: one who watches what passes on the sessions with a peer. It is called on the sessions' event loops, once a batch, and must be
// quick and never wait; answering false, it sees no more of that session.

import RelayCore
import RelayModel
import RelaySession

public final class WireTap: Sendable {
    public let peer: NodeID
    let take: @Sendable (_ session: Ticket, _ frames: [WireFrame]) -> Bool

    public init(peer: NodeID, _ take: @escaping @Sendable (_ session: Ticket, _ frames: [WireFrame]) -> Bool) {
        self.peer = peer
        self.take = take
    }
}
