// RouteTable: by which next hops an agency or a node is reached from here. Built from agencies.yaml, never changed
// afterwards. A value without I/O; a lookup costs a few hash probes and, unless it explains, no more. Fails only
// while it is built, by refusing a second row for one target.

import RelayModel

/// What a row is for.
public enum RouteTarget: Hashable, Sendable {
    /// One agency.
    case agency(AgencyCode)
    /// An agency and every body below it: `H29.*` is `H29`, `H29.15`, `H29.15.02` and so on.
    case subtree(AgencyCode)
    /// A node, and every agency at home there.
    case node(NodeID)
    /// Everything else.
    case anything

    /// As agencies.yaml spells it.
    public var text: String {
        switch self {
        case .agency(let code): code.text
        case .subtree(let code): code.text + ".*"
        case .node(let node): node.text
        case .anything: "*"
        }
    }
}

/// One row of the table.
public struct Route: Hashable, Sendable {
    public var target: RouteTarget
    /// The next hops, the preferred one first; never empty, no repetition.
    public var via: [NodeID]

    public init(target: RouteTarget, via: [NodeID]) {
        self.target = target
        self.via = via
    }
}

/// The answer to a lookup.
public struct RouteMatch: Hashable, Sendable {
    /// The rule by which the row won; the first that applies wins.
    public enum Rule: String, Sendable {
        case exactAgency = "exact agency"
        case subtree = "longest subtree"
        case homeNode = "home node"
        case node = "node"
        case fallback = "default"
    }

    /// A row that also fits, or would have been asked next.
    public struct PassedOver: Hashable, Sendable {
        public var row: Int
        public var target: RouteTarget
        public var reason: String
    }

    /// The index of the row in `RouteTable.rows`.
    public var row: Int
    public var route: Route
    public var rule: Rule
    /// Filled by `explain` only, in the order of precedence.
    public var passedOver: [PassedOver] = []
}

/// The rows and their indexes.
public struct RouteTable: Sendable {
    public private(set) var rows: [Route] = []
    private var rowOfTarget: [RouteTarget: Int] = [:]
    /// Where there are none of a kind, none is looked for: a reload asks for a hundred thousand agencies.
    private var hasAgencies = false
    private var hasSubtrees = false

    public init() {}

    /// Builds a table; nil when two rows have one target.
    public init?(_ rows: [Route]) {
        for row in rows {
            guard insert(row) else { return nil }
        }
    }

    /// Enters a row; false when its target has one already.
    public mutating func insert(_ route: Route) -> Bool {
        guard rowOfTarget[route.target] == nil else { return false }
        rowOfTarget[route.target] = rows.count
        rows.append(route)
        switch route.target {
        case .agency: hasAgencies = true
        case .subtree: hasSubtrees = true
        case .node, .anything: break
        }
        return true
    }

    /// The row of a target, if it has one of its own.
    public func row(for target: RouteTarget) -> Route? {
        rowOfTarget[target].map { rows[$0] }
    }

    /// The row for an agency: its own row, else the longest subtree, else the row of its home node, else the default.
    /// Nil when no row fits.
    public func lookup(_ agency: AgencyCode, home: NodeID?) -> RouteMatch? {
        var winner: RouteMatch?
        forEachCandidate(agency, home: home) { row, rule in
            winner = RouteMatch(row: row, route: rows[row], rule: rule)
            return false
        }
        return winner
    }

    /// The index of that row.
    public func row(of agency: AgencyCode, home: NodeID?) -> Int? {
        var winner: Int?
        forEachCandidate(agency, home: home) { row, _ in
            winner = row
            return false
        }
        return winner
    }

    /// The row for an agency by the directory's home node.
    public func lookup(_ agency: AgencyCode, in directory: Directory) -> RouteMatch? {
        lookup(agency, home: directory.home(of: agency))
    }

    /// The same answer as `lookup`, found the same way, with the rows that it passed over.
    public func explain(_ agency: AgencyCode, home: NodeID?) -> RouteMatch? {
        var winner: RouteMatch?
        forEachCandidate(agency, home: home) { row, rule in
            if let won = winner {
                let reason = Self.reason(rule, rows[row].target, lostTo: won)
                winner?.passedOver.append(.init(row: row, target: rows[row].target, reason: reason))
            } else {
                winner = RouteMatch(row: row, route: rows[row], rule: rule)
            }
            return true
        }
        return winner
    }

    /// The row for a node (reports, foreign destinations): its own row, else the default.
    public func lookup(node: NodeID) -> RouteMatch? {
        if let row = rowOfTarget[.node(node)] { return RouteMatch(row: row, route: rows[row], rule: .node) }
        if let row = rowOfTarget[.anything] { return RouteMatch(row: row, route: rows[row], rule: .fallback) }
        return nil
    }

    /// The same for a node.
    public func explain(node: NodeID) -> RouteMatch? {
        guard var winner = lookup(node: node) else { return nil }
        if winner.rule == .node, let row = rowOfTarget[.anything] {
            let reason = Self.reason(.fallback, rows[row].target, lostTo: winner)
            winner.passedOver.append(.init(row: row, target: rows[row].target, reason: reason))
        }
        return winner
    }

    /// Calls `body` with every fitting row in the order of precedence until it says no.
    private func forEachCandidate(
        _ agency: AgencyCode, home: NodeID?, _ body: (_ row: Int, _ rule: RouteMatch.Rule) -> Bool
    ) {
        if hasAgencies, let row = rowOfTarget[.agency(agency)], !body(row, .exactAgency) { return }
        if hasSubtrees {
            if let row = rowOfTarget[.subtree(agency)], !body(row, .subtree) { return }
            for parent in agency.parents {
                if let row = rowOfTarget[.subtree(parent)], !body(row, .subtree) { return }
            }
        }
        if let home, let row = rowOfTarget[.node(home)], !body(row, .homeNode) { return }
        if let row = rowOfTarget[.anything] { _ = body(row, .fallback) }
    }

    private static func reason(_ rule: RouteMatch.Rule, _ target: RouteTarget, lostTo winner: RouteMatch) -> String {
        switch rule {
        case .exactAgency, .node: "\(winner.route.target.text) came first"
        case .subtree where winner.rule == .subtree: "\(winner.route.target.text) is the longer subtree"
        case .subtree: "\(winner.route.target.text) is the agency's own row"
        case .homeNode: "\(winner.route.target.text) names the agency; \(target.text) is only its home"
        case .fallback: "a more exact row fits: \(winner.route.target.text)"
        }
    }
}
