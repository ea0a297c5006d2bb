// ActiveShares: whose part of the active set is how large: half of it is for all, and of the other half each peer has a share that nobody
// else can take. Counted once a turn, and kept up to date while links are fed. Pure.

import RelayModel

extension RelayCore {
    /// How many more copies may be begun for a peer. Half of the active set is for all; of the other half each peer has a share that
    /// nobody else can take, so that peers which keep alive and never answer cannot stop the others.
    func places(for node: NodeID) -> Int { activeShares.places(for: node, limits.activeMax) }

    var activeShares: ActiveShares {
        var shares = ActiveShares(peers: peers.states.count, activeMax: limits.activeMax)
        for position in peers.states.indices {
            let count = copies(of: peers.states[position])
            if count > 0 { shares.note(peers.states[position].peer.node, count) }
        }
        return shares
    }

    func copies(of node: NodeID) -> Int { peers.position(node).map { copies(of: peers.states[$0]) } ?? 0 }

    private func copies(of state: PeerState) -> Int {
        var count = 0
        for session in state.sessions { count += copies(onSession: session) }
        return count
    }

    private func copies(onSession session: Ticket) -> Int {
        sessions.index(forKey: session).map { sessions.values[$0].copies } ?? 0
    }

    /// Who holds how much of the active set: counted once a turn, and kept up to date.
    struct ActiveShares {
        private let share: Int
        private let peers: Int
        private var copies: [NodeID: Int] = [:]
        private var borrowed = 0

        init(peers: Int, activeMax: Int) {
            share = max(activeMax / 2 / max(peers, 1), 1)
            self.peers = peers
        }

        mutating func note(_ node: NodeID, _ count: Int) {
            borrowed += max(count - share, 0) - max((copies[node] ?? 0) - share, 0)
            copies[node] = count
        }

        func places(for node: NodeID, _ activeMax: Int) -> Int {
            max(share - (copies[node] ?? 0), 0) + max(activeMax - share * peers - borrowed, 0)
        }
    }
}
