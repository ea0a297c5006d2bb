// TransitMap: which nodes may lie on a copy's way, as far as agencies.yaml tells the routes of other nodes. Where the file is silent
// about them, so is the map. A value without I/O; a question looks at a bounded number of nodes.

import RelayModel

public struct TransitMap: Sendable {
    /// The rows that count at each node, but for this one's own.
    private var tables: [NodeID: RouteTable] = [:]
    /// Rows that count everywhere.
    private var everywhere = RouteTable()

    /// Nodes looked at for one question at most.
    private static let nodesMax = 1_024

    public init() {}

    public mutating func add(_ route: Route, at nodes: [NodeID]?) {
        guard let nodes else {
            _ = everywhere.insert(route)
            return
        }
        for node in nodes { _ = tables[node, default: RouteTable()].insert(route) }
    }

    /// May a copy for this agency that goes to one of these hops first come by that node?
    public func leads(_ hops: [NodeID], to agency: AgencyCode, home: NodeID, by node: NodeID) -> Bool {
        var seen: Set<NodeID> = []
        var front = hops
        while let here = front.popLast() {
            if here == node { return true }
            guard here != home, seen.insert(here).inserted, seen.count < Self.nodesMax else { continue }
            let match = tables[here]?.lookup(agency, home: home) ?? everywhere.lookup(agency, home: home)
            front += match?.route.via ?? []
        }
        return false
    }
}
