// ConfigurationWarnings: what is allowed, and keeps a node from receiving or sending all the same; told at the start, at a reload, by
// --check-config and by doctor. Pure.

import RelayModel
import RelayRouting

extension Configuration {
    public var warnings: [String] {
        let ways = ways
        return uplinkWarnings(ways) + homeWarnings(ways)
    }

    /// Next hops of the agencies at home on one node that go the same way.
    private struct Way {
        var home: NodeID
        /// One of them.
        var agency: AgencyCode
        var hops: [NodeID]
    }

    private struct HomeAndRow: Hashable {
        var home: NodeID
        var row: Int?
    }

    /// The ways to the homes elsewhere. A home has several where rows differ by agency. There are a hundred thousand agencies, and few
    /// homes and rows.
    private var ways: [Way] {
        let known = Set(settings.peers.map(\.node))
        var rows: Set<HomeAndRow> = []
        var seen: [NodeID: Set<[NodeID]>] = [:]
        var result: [Way] = []
        directory.each { code, home in
            guard home != settings.node else { return }
            let row = routes.row(of: code, home: home)
            guard rows.insert(HomeAndRow(home: home, row: row)).inserted else { return }
            let hops = (row.map { routes.rows[$0].via } ?? []).filter(known.contains)
            guard seen[home, default: []].insert(hops).inserted else { return }
            result.append(Way(home: home, agency: code, hops: hops))
        }
        return result
    }

    /// The default of `may_send_from` is a leaf's. A neighbour that is the one way to others brings what they send, too.
    private func uplinkWarnings(_ ways: [Way]) -> [String] {
        let standard = SendRights()
        var homesBehind: [NodeID: Set<NodeID>] = [:]
        for way in ways where way.hops.count == 1 && way.hops[0] != way.home {
            homesBehind[way.hops[0], default: []].insert(way.home)
        }
        return settings.peers.compactMap { peer in
            guard peer.edoc, peer.rights.fromNodes == standard.fromNodes,
                peer.rights.fromAgencies == standard.fromAgencies
            else { return nil }
            guard let behind = homesBehind[peer.node] else { return nil }
            return
                "peers.\(peer.name).may_send_from is the default: documents of other nodes than \(peer.node.name) are refused from it, and it is the one way to \(behind.count) of them"
        }
    }

    /// Documents for them are refused when they are handed in, and so are those that others send this way.
    private func homeWarnings(_ ways: [Way]) -> [String] {
        var told: Set<NodeID> = []
        return ways.filter { $0.hops.isEmpty && told.insert($0.home).inserted }.map { way in
            "no route reaches \(way.home.name), the home of \(way.agency) and others: documents for them are not taken"
        }
    }
}
