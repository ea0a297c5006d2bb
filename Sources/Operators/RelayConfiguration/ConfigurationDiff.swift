// ConfigurationDiff: what a reload would change, before it takes effect. A value and its lines; compares two loaded
// configurations and touches nothing. An agency has *moved* when its home or its next hops from here are others: one
// new default row can move every agency, and that is what an operator must see.

import RelayModel
import RelayRouting

/// The difference between two configurations.
public struct ConfigurationDiff: Sendable, Hashable {
    /// One kind of row.
    public struct Change: Sendable, Hashable {
        public var before = 0
        public var added: [String] = []
        public var moved: [String] = []
        /// Had no way from here, and have one now: nothing goes another way than before.
        public var gained: [String] = []
        public var removed: [String] = []

        public var isEmpty: Bool { added.isEmpty && moved.isEmpty && gained.isEmpty && removed.isEmpty }

        /// More than `percentMax`, and more rows than a person takes in at a glance.
        var isBeyondGlance: Bool {
            moved.count + removed.count > ConfigurationDiff.rowsFree && percent > ConfigurationDiff.percentMax
        }

        /// Rows moved or removed of a hundred that were there.
        public var percent: Double {
            before == 0 ? 0 : Double(moved.count + removed.count) * 100 / Double(before)
        }
    }

    public private(set) var agencies = Change()
    public private(set) var routes = Change()
    public private(set) var peers = Change()
    /// Other spellings that mean another agency than before, or none.
    public private(set) var aliases = Change()
    /// Settings outside the peers are not the same.
    public private(set) var settingsChanged = false

    /// So many rows may move or go in any table without force: of a small table one row is already more than 5 %.
    public static let rowsFree = 5
    /// More than this of the agencies moved or removed needs force.
    public static let percentMax = 5.0
    /// A table with fewer rows has no meaningful percentage of its own; its effect on agencies still counts.
    public static let routesForPercentMin = 20

    public init(from old: Configuration, to new: Configuration) {
        compareAgencies(old, new)
        compareRoutes(old, new)
        comparePeers(old.settings, new.settings)
        var oldSettings = old.settings
        var newSettings = new.settings
        oldSettings.peers = []
        newSettings.peers = []
        settingsChanged = oldSettings != newSettings
    }

    public var isEmpty: Bool {
        agencies.isEmpty && routes.isEmpty && peers.isEmpty && aliases.isEmpty && !settingsChanged
    }

    /// A reload must not do this without force.
    public var needsForce: Bool {
        if agencies.isBeyondGlance || aliases.isBeyondGlance { return true }
        return routes.before >= Self.routesForPercentMin && routes.isBeyondGlance
    }

    /// One line a kind with counts, then at most `rowsMax` rows of each.
    public func lines(rowsMax: Int = 20) -> [String] {
        var result: [String] = []
        for (name, change) in [("agencies", agencies), ("aliases", aliases), ("routes", routes), ("peers", peers)] {
            let percent = (change.percent * 10).rounded() / 10
            result.append(
                "\(name): \(change.added.count) added, \(change.moved.count) moved, \(change.removed.count) removed"
                    + " of \(change.before) (\(percent) % moved or removed)")
            if !change.gained.isEmpty { result.append("\(name): \(change.gained.count) gained a route") }
            let marked = [
                ("+", change.added), ("*", change.gained), (">", change.moved), ("-", change.removed),
            ]
            for (mark, rows) in marked {
                result += rows.prefix(rowsMax).map { "  \(mark) \($0)" }
                if rows.count > rowsMax { result.append("  \(mark) and \(rows.count - rowsMax) more") }
            }
        }
        if settingsChanged { result.append("settings: changed") }
        if needsForce { result.append("more than \(Self.percentMax) % moved or removed: needs force") }
        return result
    }

    private mutating func compareAgencies(_ old: Configuration, _ new: Configuration) {
        agencies.before = old.directory.count
        old.directory.each { code, oldHome in
            guard let home = new.directory.home(of: code) else {
                agencies.removed.append(code.text)
                return
            }
            if oldHome != home {
                agencies.moved.append("\(code): home \(oldHome.name) to \(home.name)")
                return
            }
            if home == new.settings.node { return }
            let oldVia = old.routes.row(of: code, home: home).map { old.routes.rows[$0].via } ?? []
            let newVia = new.routes.row(of: code, home: home).map { new.routes.rows[$0].via } ?? []
            if oldVia.isEmpty, !newVia.isEmpty {
                agencies.gained.append("\(code): via \(Self.text(newVia))")
            } else if oldVia != newVia {
                agencies.moved.append("\(code): via \(Self.text(oldVia)) to \(Self.text(newVia))")
            }
        }
        new.directory.each { code, _ in
            if !old.directory.contains(code) { agencies.added.append(code.text) }
        }
        compareAliases(old.directory, new.directory)
    }

    private mutating func compareAliases(_ old: Directory, _ new: Directory) {
        aliases.before = old.aliasCount
        var changed: [(alias: AgencyCode, code: AgencyCode, now: AgencyCode?)] = []
        old.eachAlias { alias, code in
            let now = new.canonical(alias)
            if now != code { changed.append((alias, code, now)) }
        }
        for (alias, code, now) in changed.sorted(by: { $0.alias < $1.alias }) {
            if let now {
                aliases.moved.append("\(alias): \(code) to \(now)")
            } else {
                aliases.removed.append("\(alias) of \(code)")
            }
        }
        var added: [(alias: AgencyCode, code: AgencyCode)] = []
        new.eachAlias { alias, code in
            if old.canonical(alias) == nil { added.append((alias, code)) }
        }
        aliases.added = added.sorted { $0.alias < $1.alias }.map { "\($0.alias) of \($0.code)" }
    }

    private mutating func compareRoutes(_ old: Configuration, _ new: Configuration) {
        routes.before = old.routes.rows.count
        for row in old.routes.rows {
            guard let now = new.routes.row(for: row.target) else {
                routes.removed.append("\(row.target.text) via \(Self.text(row.via))")
                continue
            }
            if now.via != row.via {
                routes.moved.append("\(row.target.text): via \(Self.text(row.via)) to \(Self.text(now.via))")
            }
        }
        for row in new.routes.rows where old.routes.row(for: row.target) == nil {
            routes.added.append("\(row.target.text) via \(Self.text(row.via))")
        }
    }

    private mutating func comparePeers(_ old: NodeConfiguration, _ new: NodeConfiguration) {
        peers.before = old.peers.count
        for peer in old.peers {
            guard let now = new.peer(peer.node) else {
                peers.removed.append("\(peer.name) (\(peer.node.text))")
                continue
            }
            if now != peer { peers.moved.append("\(peer.name): settings changed") }
        }
        for peer in new.peers where old.peer(peer.node) == nil {
            peers.added.append("\(peer.name) (\(peer.node.text))")
        }
    }

    private static func text(_ via: [NodeID]) -> String {
        via.isEmpty ? "nothing" : via.map(\.name).joined(separator: ", ")
    }
}
