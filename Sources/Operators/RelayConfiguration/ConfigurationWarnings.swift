// ConfigurationWarnings: what is allowed, and keeps a node from receiving or sending all the same; told at the start, at a reload, by
// --check-config and by doctor. Pure.

import RelayModel
import RelayRouting

extension Configuration {
    public var warnings: [String] { uplinkWarnings + homeWarnings }

    /// Next hops of the agencies at home elsewhere, by their homes. A home has several lists where rows differ by agency.
    private var ways: [(home: NodeID, agency: AgencyCode, hops: [NodeID])] {
        let known = Set(settings.peers.map(\.node))
        var seen: [NodeID: Set<[NodeID]>] = [:]
        var result: [(NodeID, AgencyCode, [NodeID])] = []
        for code in directory.codes {
            guard let home = directory.home(of: code), home != settings.node else { continue }
            let hops = (routes.lookup(code, home: home)?.route.via ?? []).filter(known.contains)
            guard seen[home, default: []].insert(hops).inserted else { continue }
            result.append((home, code, hops))
        }
        return result
    }

    /// The default of `may_send_from` is a leaf's. A neighbour that is the one way to others brings what they send, too.
    private var uplinkWarnings: [String] {
        let standard = SendRights()
        let ways = ways
        return settings.peers.compactMap { peer in
            guard peer.edoc, peer.rights.fromNodes == standard.fromNodes,
                peer.rights.fromAgencies == standard.fromAgencies
            else { return nil }
            let behind = Set(ways.filter { $0.hops == [peer.node] && $0.home != peer.node }.map(\.home))
            guard !behind.isEmpty else { return nil }
            return
                "peers.\(peer.name).may_send_from is the default: documents of other nodes than \(peer.node.name) are refused from it, and it is the one way to \(behind.count) of them"
        }
    }

    /// Documents for them are refused when they are handed in, and so are those that others send this way.
    private var homeWarnings: [String] {
        var told: Set<NodeID> = []
        return ways.filter { $0.hops.isEmpty && told.insert($0.home).inserted }.map { way in
            "no route reaches \(way.home.name), the home of \(way.agency) and others: documents for them are not taken"
        }
    }
}
