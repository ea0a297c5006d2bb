// Topology: which nodes there are, who is a neighbour of whom, which agencies are at home where, and the routing table that
// each node has been given (right or wrong). Plain values; a mistake here traps, because no peer wrote it.

import RelayCore
import RelayModel
import RelayRouting
import Trap

/// The networks that the simulator knows.
public enum Topology: String, CaseIterable, Sendable {
    /// A ministry and Hà Nội on one hub, TP.HCM behind it.
    case four
    /// Five nodes in a row.
    case chain
    /// Two hubs between three leaves; each leaf and each hub has an alternative.
    case hubs
    /// A ring whose routes for one node go in a circle.
    case ring
    /// The four nodes; the hub's clock is ten years behind, or ahead.
    case clock
}

/// One network, spelt out.
struct Network {
    struct Edge {
        var dialler: Int
        var listener: Int
        /// Both ends dial: two sessions may stand at a time.
        var isMutual = false
    }
    struct Agency {
        var code: AgencyCode
        var aliases: [AgencyCode]
        var home: Int
    }

    var nodes: [NodeID]
    var edges: [Edge]
    var agencies: [Agency]
    /// Wrong rows: at a node, for a target node, these hops.
    var wrongRoutes: [(at: Int, target: Int, via: [Int])] = []
    var clockOffsets: [Int: Int64] = [:]
    /// A leaf that wants more than its share.
    var hoarder: Int?
    /// Every way is tried in the order of its length, at most so many.
    var alternatives = 3
    /// Every third agency has a spool.
    var usesSpools = true

    private static let tenYears: Int64 = 3_652 * 86_400_000

    init(_ topology: Topology, seed: UInt64) {
        var random = SplitMix64(seed: seed ^ 0x7010)
        switch topology {
        case .four, .clock:
            self.init(
                names: ["vpcp", "truc", "hcm", "hanoi"],
                edges: [
                    Edge(dialler: 0, listener: 1), Edge(dialler: 2, listener: 1), Edge(dialler: 3, listener: 1),
                ])
            if topology == .clock {
                let node = Int(random.next(below: 4))
                clockOffsets[node] = random.next(below: 2) == 0 ? -Self.tenYears : Self.tenYears
            }
        case .chain:
            self.init(
                names: ["mot", "hai", "ba", "bon", "nam"],
                edges: (0..<4).map { Edge(dialler: $0, listener: $0 + 1, isMutual: $0 % 2 == 1) })
        case .hubs:
            self.init(
                names: ["bac", "trung", "nam", "trucmot", "truchai"],
                edges: [
                    Edge(dialler: 0, listener: 3), Edge(dialler: 0, listener: 4), Edge(dialler: 1, listener: 3),
                    Edge(dialler: 1, listener: 4), Edge(dialler: 2, listener: 3), Edge(dialler: 2, listener: 4),
                    Edge(dialler: 3, listener: 4, isMutual: true),
                ])
        case .ring:
            self.init(
                names: ["xuan", "ha", "thu", "dong"],
                edges: (0..<4).map { Edge(dialler: $0, listener: ($0 + 1) % 4) })
            // Everybody sends what is for the first node to the right: it never gets there by the first choice of some.
            wrongRoutes = [(at: 1, target: 0, via: [2, 0]), (at: 2, target: 0, via: [1, 3])]
            if random.next(below: 2) == 0 {
                wrongRoutes = [(at: 1, target: 0, via: [2]), (at: 2, target: 0, via: [1])]
            }
        }
    }

    private init(names: [String], edges: [Edge]) {
        nodes = names.map { NodeID(name: $0)! }
        self.edges = edges
        agencies = []
        for (index, _) in names.enumerated() {
            for unit in 0..<3 {
                let code = unit == 0 ? "H\(10 + index)" : "H\(10 + index).\(unit)"
                agencies.append(
                    Agency(
                        code: AgencyCode(code)!, aliases: unit == 0 ? [AgencyCode("000.00.00.H\(10 + index)")!] : [],
                        home: index))
            }
        }
    }

    func neighbours(of node: Int) -> [Int] {
        var result: [Int] = []
        for edge in edges {
            if edge.dialler == node { result.append(edge.listener) }
            if edge.listener == node { result.append(edge.dialler) }
        }
        return result.sorted()
    }

    /// The node with the fewest neighbours.
    var leaf: Int? { nodes.indices.min { (neighbours(of: $0).count, $0) < (neighbours(of: $1).count, $1) } }

    func dials(_ node: Int, _ peer: Int) -> Bool {
        edges.contains {
            ($0.dialler == node && $0.listener == peer) || ($0.isMutual && $0.listener == node && $0.dialler == peer)
        }
    }

    /// The neighbours of a node by their distance to a target without going back through the node.
    func hops(from node: Int, to target: Int) -> [Int] {
        let ways = neighbours(of: node).compactMap { hop in
            distance(from: hop, to: target, without: node).map { (hop: hop, distance: $0) }
        }
        return ways.sorted { ($0.distance, $0.hop) < ($1.distance, $1.hop) }.prefix(alternatives).map(\.hop)
    }

    private func distance(from start: Int, to target: Int, without: Int) -> Int? {
        var distances: [Int?] = Array(repeating: nil, count: nodes.count)
        distances[start] = 0
        var front = [start]
        while !front.isEmpty {
            var next: [Int] = []
            for here in front {
                if here == target { return distances[here]! }
                for there in neighbours(of: here) where there != without && distances[there] == nil {
                    distances[there] = distances[here]! + 1
                    next.append(there)
                }
            }
            front = next
        }
        return nil
    }

    var directory: Directory {
        var directory = Directory()
        for agency in agencies {
            do {
                try directory.insert(
                    Directory.Agency(
                        code: agency.code, name: agency.code.text, home: nodes[agency.home], aliases: agency.aliases))
            } catch {
                trap("two agencies of a simulated network collide: \(error)")
            }
        }
        return directory
    }

    /// What the file of the network says of all ways, the wrong ones included.
    private var transit: TransitMap {
        var map = TransitMap()
        for here in nodes.indices {
            for target in nodes.indices where target != here {
                let wrong = wrongRoutes.filter { $0.at == here && $0.target == target }.flatMap(\.via)
                let via = hops(from: here, to: target) + wrong
                if !via.isEmpty {
                    map.add(Route(target: .node(nodes[target]), via: via.map { nodes[$0] }), at: [nodes[here]])
                }
            }
        }
        return map
    }

    /// The configuration of one node. `isRight`: without the wrong rows. `turn`: rotates the alternatives, as a reload does.
    func configuration(of node: Int, limits: CoreLimits, isRight: Bool, turn: Int = 0) -> CoreConfiguration {
        var rows: [Route] = []
        for target in nodes.indices where target != node {
            var via = hops(from: node, to: target)
            if turn > 0, via.count > 1 { via = Array(via[(turn % via.count)...] + via[..<(turn % via.count)]) }
            if !isRight, let wrong = wrongRoutes.first(where: { $0.at == node && $0.target == target }) {
                via = wrong.via
            }
            if !via.isEmpty { rows.append(Route(target: .node(nodes[target]), via: via.map { nodes[$0] })) }
        }
        guard let routes = RouteTable(rows) else { trap("two rows for one target") }
        let open = SendRights(fromNodes: [.any], fromAgencies: [.any], toAgencies: [.any])
        let peers = neighbours(of: node).map { peer in
            Peer(
                node: nodes[peer], dials: dials(node, peer),
                rights: neighbours(of: peer).count == 1 ? SendRights() : open)
        }
        var configuration = CoreConfiguration(
            node: nodes[node], directory: directory, routes: routes, peers: peers, limits: limits)
        if let hoarder {
            configuration.limits.recordQuota = World.hoarderRecords
            for index in configuration.peers.indices where configuration.peers[index].node == nodes[hoarder] {
                configuration.peers[index].rights = open
                configuration.peers[index].quota = World.hoarderQuota
            }
        }
        configuration.spools = spools(of: node)
        configuration.transit = transit
        return configuration
    }
}
