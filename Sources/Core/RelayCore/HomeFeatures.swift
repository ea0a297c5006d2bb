// HomeFeatures: what the homes of agencies further away understand. A neighbour says it on each session; of a node behind others its report
// records say it, in a block of their own (docs/protocol.md, 12), which goes only over hops that understand it. It is believed as the
// record is: where at least one of its rows was. The last record counts: one without the block says that nothing may be sent.
//
// In memory, for homes of the directory only; a restart forgets it, and the next report says it again. Nothing is sent on the strength of
// it at present.

import RelayModel

struct HomeFeatures: Sendable {
    private(set) var known: [NodeID: [Feature]] = [:]
    /// What came with the record that comes next.
    var heard: (ticket: Ticket, features: [Feature])?

    mutating func learn(_ node: NodeID, _ features: [Feature]?) {
        known[node] = features.map { Array(Set($0).sorted().prefix(Feature.countMax)) }
    }

    /// A home that has left the directory is none.
    mutating func keep(_ isHome: (NodeID) -> Bool) { known = known.filter { isHome($0.key) } }
}

extension RelayCore {
    /// Does the home of an agency, a neighbour or not, understand this? False where it is not known.
    public func homeUnderstands(_ feature: Feature, _ node: NodeID) -> Bool {
        if node == self.node { return Feature.own.contains(feature) }
        if peers.position(node) != nil { return understands(feature, node) }
        return homeFeatures.known[node]?.contains(feature) ?? false
    }

    /// For people; nil: it has not said.
    func features(of node: NodeID) -> [Feature]? {
        if node == self.node { return Feature.own }
        if let state = peers[node] { return state.isUp ? state.greeting?.features : nil }
        return homeFeatures.known[node]
    }

    /// A record of this node has been judged.
    mutating func learnFeatures(of reporter: NodeID, _ ticket: Ticket, isBelieved: Bool) {
        let heard = homeFeatures.heard
        homeFeatures.heard = nil
        guard isBelieved, peers.position(reporter) == nil, configuration.directory.isHome(reporter) else { return }
        homeFeatures.learn(reporter, heard.flatMap { $0.ticket == ticket ? $0.features : nil })
    }
}
