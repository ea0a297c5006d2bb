// AgenciesFile: agencies.yaml to a directory and a route table. One file serves a whole network: a route row that
// names nodes under `at` counts on those nodes only. Codes must be canonical everywhere but under `aliases`. Goes on
// after every error.

import RelayModel
import RelayRouting

/// Reads one agencies.yaml for one node.
struct AgenciesFile {
    let file: String
    /// This node.
    let own: NodeID
    /// Peer name to node; what `via` may name.
    let peers: [String: NodeID]

    private(set) var nodes: [NodeID: String] = [:]
    private(set) var directory = Directory()
    private(set) var routes = RouteTable()
    /// What the file says of the routes of other nodes.
    private(set) var transit = TransitMap()
    private var marks: [RouteTarget: ConfigurationMark] = [:]
    /// Homes by what stands in the file: there are few, and each stands there often.
    private var homeNodes: [String: NodeID] = [:]

    private static let topKeys = ["nodes", "agencies", "routes"]
    private static let agencyKeys = ["name", "home", "aliases"]
    private static let routeKeys = ["to", "via", "at"]
    /// Octets of a name.
    private static let nameBytesMax = 1_024

    init(file: String, own: NodeID, peers: [PeerConfiguration]) {
        self.file = file
        self.own = own
        self.peers = Dictionary(peers.map { ($0.name, $0.node) }) { first, _ in first }
    }

    /// An agency whose home must still be looked for among the nodes, which may stand below.
    private struct HomeMark {
        var home: NodeID
        var keyPath: String
        var mark: ConfigurationMark
    }

    mutating func read(_ bytes: [UInt8], _ errors: inout ErrorList) {
        var homes: [NodeID: HomeMark] = [:]
        let root = YAMLText(file: file).parse(bytes, slicing: "agencies", &errors) { entries, errors in
            readAgencies(entries, &homes, &errors)
        }
        guard let root, !root.isNull else { return }
        guard case .map(let sections) = root.value else {
            errors.add(.wrongType, file, root.mark, "", expected: "a map", found: root.found)
            return
        }
        let known = fields(sections, Self.topKeys, "", &errors)
        if let section = known["nodes"] { readNodes(section.value, &errors) }
        // An inline map is not cut out before.
        if let section = known["agencies"], !section.value.isNull {
            if case .map(let entries) = section.value.value {
                readAgencies(entries, &homes, &errors)
            } else {
                errors.add(
                    .wrongType, file, section.value.mark, "agencies", expected: "a map", found: section.value.found)
            }
        }
        for (home, first) in homes where nodes[home] == nil {
            errors.add(
                .unknownReference, file, first.mark, first.keyPath, expected: "a node that stands under nodes",
                found: quoted(home.name), suggestion: nearest(home.name, in: nodes.keys.map(\.name).sorted()))
        }
        if let section = known["routes"] { readRoutes(section.value, &errors) }
    }

    /// Entries by key. They are few: looking them through is faster than hashing them.
    private struct Fields {
        var entries: [YAMLNode.Entry]
        subscript(key: String) -> YAMLNode.Entry? { entries.first { $0.key == key } }
    }

    /// The entries by key; unknown keys are errors.
    private func fields(
        _ entries: [YAMLNode.Entry], _ keys: [String], _ path: @autoclosure () -> String, _ errors: inout ErrorList
    ) -> Fields {
        if entries.allSatisfy({ keys.contains($0.key) }) { return Fields(entries: entries) }
        var result = Fields(entries: [])
        for entry in entries where !entry.key.hasPrefix(YAMLText.duplicatePrefix) {
            if keys.contains(entry.key) {
                result.entries.append(entry)
            } else {
                let path = path()
                errors.add(
                    .unknownKey, file, entry.mark, path.isEmpty ? entry.key : path + "." + entry.key,
                    expected: "a known key", found: quoted(entry.key), suggestion: nearest(entry.key, in: keys))
            }
        }
        return result
    }

    private mutating func readNodes(_ section: YAMLNode, _ errors: inout ErrorList) {
        guard case .map(let entries) = section.value else {
            errors.add(.wrongType, file, section.mark, "nodes", expected: "a map of node: name", found: section.found)
            return
        }
        for entry in entries where !entry.key.hasPrefix(YAMLText.duplicatePrefix) {
            let path = "nodes.\(entry.key)"
            guard let node = Pattern.node(named: entry.key) else {
                errors.add(.badValue, file, entry.mark, path, expected: "a node name", found: quoted(entry.key))
                continue
            }
            guard nodes[node] == nil else {
                errors.add(.duplicate, file, entry.mark, path, expected: "each node once", found: quoted(entry.key))
                continue
            }
            nodes[node] = ""
            guard let name = text(entry.value, path, &errors) else { continue }
            nodes[node] = name
        }
    }

    /// A name for people.
    private func text(_ node: YAMLNode, _ path: @autoclosure () -> String, _ errors: inout ErrorList) -> String? {
        guard case .scalar(let text, _) = node.value, !node.isNull else {
            errors.add(.wrongType, file, node.mark, path(), expected: "a text", found: node.found)
            return nil
        }
        guard text.utf8.count <= Self.nameBytesMax, text.utf8.allSatisfy({ $0 >= 0x20 }) else {
            errors.add(
                .badValue, file, node.mark, path(), expected: "at most \(Self.nameBytesMax) bytes in one line",
                found: node.found)
            return nil
        }
        return text
    }
}

// Agencies. Runs once for each of 123,000 rows, so key paths are made for errors only.
extension AgenciesFile {
    private mutating func readAgencies(
        _ entries: [YAMLNode.Entry], _ homes: inout [NodeID: HomeMark], _ errors: inout ErrorList
    ) {
        for entry in entries where !entry.key.hasPrefix(YAMLText.duplicatePrefix) {
            guard let code = AgencyCode(entry.key) else {
                errors.add(
                    .badValue, file, entry.mark, "agencies.\(entry.key)", expected: "an agency code such as H29.15",
                    found: quoted(entry.key))
                continue
            }
            readAgency(code, entry, &homes, &errors)
        }
    }

    private mutating func readAgency(
        _ code: AgencyCode, _ entry: YAMLNode.Entry, _ homes: inout [NodeID: HomeMark], _ errors: inout ErrorList
    ) {
        func path(_ key: String) -> String { "agencies.\(code).\(key)" }
        guard case .map(let entries) = entry.value.value else {
            errors.add(
                .wrongType, file, entry.value.mark, "agencies.\(code)", expected: "a map with name and home",
                found: entry.value.found)
            return
        }
        let fields = fields(entries, Self.agencyKeys, "agencies.\(code)", &errors)
        for key in ["name", "home"] where fields[key] == nil {
            errors.add(.missingKey, file, entry.mark, path(key), expected: "a text", found: "no such key")
        }
        guard let name = fields["name"], let home = fields["home"],
            let nameText = text(name.value, path("name"), &errors),
            let homeText = text(home.value, path("home"), &errors)
        else { return }
        guard let node = homeNodes[homeText] ?? Pattern.node(named: homeText) else {
            errors.add(
                .badValue, file, home.value.mark, path("home"), expected: "a node name", found: home.value.found)
            return
        }
        if homeNodes.updateValue(node, forKey: homeText) == nil, homes[node] == nil {
            homes[node] = HomeMark(home: node, keyPath: path("home"), mark: home.value.mark)
        }
        let aliases = aliases(fields["aliases"]?.value, path("aliases"), &errors)
        do throws(Directory.Collision) {
            try directory.insert(.init(code: code, name: nameText, home: node, aliases: aliases))
        } catch {
            add(error, entry, fields["aliases"], &errors)
        }
    }

    private func aliases(
        _ node: YAMLNode?, _ path: @autoclosure () -> String, _ errors: inout ErrorList
    ) -> [AgencyCode] {
        guard let node else { return [] }
        guard case .list(let items) = node.value else {
            errors.add(.wrongType, file, node.mark, path(), expected: "a list of agency codes", found: node.found)
            return []
        }
        return items.enumerated().compactMap { index, item in
            if case .scalar(let text, _) = item.value, let code = AgencyCode(text) { return code }
            errors.add(
                .badValue, file, item.mark, "\(path())[\(index + 1)]", expected: "an agency code", found: item.found)
            return nil
        }
    }

    private func add(
        _ collision: Directory.Collision, _ entry: YAMLNode.Entry, _ aliases: YAMLNode.Entry?,
        _ errors: inout ErrorList
    ) {
        let path = "agencies.\(entry.key)"
        switch collision {
        case .codeTaken(let code):
            errors.add(.duplicate, file, entry.mark, path, expected: "each agency once", found: "\(code) twice")
        case .codeIsAlias(let code, let owner):
            errors.add(
                .duplicate, file, entry.mark, path, expected: "a code of its own",
                found: "\(code), which is an alias of \(owner)")
        case .aliasIsCode(let code):
            errors.add(
                .duplicate, file, mark(of: code, aliases) ?? entry.mark, path + ".aliases",
                expected: "a spelling that is no agency's code", found: code.text)
        case .aliasTaken(let code, let owner):
            errors.add(
                .duplicate, file, mark(of: code, aliases) ?? entry.mark, path + ".aliases",
                expected: "a spelling of this agency only", found: "\(code), which is an alias of \(owner)")
        }
    }

    private func mark(of code: AgencyCode, _ aliases: YAMLNode.Entry?) -> ConfigurationMark? {
        guard case .list(let items)? = aliases?.value.value else { return nil }
        let found = items.last {
            if case .scalar(code.text, _) = $0.value { true } else { false }
        }
        return found?.mark
    }
}

// Routes.
extension AgenciesFile {
    private mutating func readRoutes(_ section: YAMLNode, _ errors: inout ErrorList) {
        if section.isNull { return }
        guard case .list(let rows) = section.value else {
            errors.add(.wrongType, file, section.mark, "routes", expected: "a list of rows", found: section.found)
            return
        }
        for (index, row) in rows.enumerated() { readRoute(row, "routes[\(index + 1)]", &errors) }
    }

    private mutating func readRoute(_ row: YAMLNode, _ path: String, _ errors: inout ErrorList) {
        guard case .map(let entries) = row.value else {
            errors.add(.wrongType, file, row.mark, path, expected: "a map with to and via", found: row.found)
            return
        }
        let fields = fields(entries, Self.routeKeys, path, &errors)
        for key in ["to", "via"] where fields[key] == nil {
            errors.add(
                .missingKey, file, row.mark, path + "." + key,
                expected: key == "to" ? "a target" : "next hops", found: "no such key")
        }
        let places = readAt(fields["at"]?.value, path + ".at", &errors)
        let target = fields["to"].flatMap { self.target($0.value, path + ".to", &errors) }
        let names = fields["via"].map { words($0.value, path + ".via", "next hops", &errors) } ?? []
        if let via = fields["via"], names.isEmpty, case .list(let items) = via.value.value, items.isEmpty {
            errors.add(.badValue, file, via.value.mark, path + ".via", expected: "at least one peer", found: "none")
        }
        if let target {
            // Peers of other nodes are not known here; most have the names of their nodes.
            let via = names.compactMap { peers[$0.text] ?? Pattern.node(named: $0.text) }
            if !via.isEmpty { transit.add(Route(target: target, via: via), at: places) }
        }
        guard places?.contains(own) ?? true else { return }
        var hops: [NodeID] = []
        for name in names {
            guard let node = peers[name.text] else {
                errors.add(
                    .unknownReference, file, name.mark, path + ".via", expected: "the name of a peer of this node",
                    found: quoted(name.text), suggestion: nearest(name.text, in: peers.keys.sorted()))
                continue
            }
            if hops.contains(node) {
                errors.add(
                    .duplicate, file, name.mark, path + ".via", expected: "each peer once", found: quoted(name.text))
            } else {
                hops.append(node)
            }
        }
        guard let target, !hops.isEmpty, let mark = fields["to"]?.value.mark else { return }
        if routes.insert(Route(target: target, via: hops)) {
            marks[target] = mark
        } else {
            let line = marks[target]?.line ?? 0
            errors.add(
                .duplicate, file, mark, path + ".to", expected: "one row a target (first in line \(line))",
                found: quoted(target.text))
        }
    }

    /// The nodes on which the row counts; nil: all.
    private func readAt(_ node: YAMLNode?, _ path: String, _ errors: inout ErrorList) -> [NodeID]? {
        guard let node else { return nil }
        var places: [NodeID] = []
        for name in words(node, path, "nodes", &errors) {
            guard let id = Pattern.node(named: name.text), nodes[id] != nil else {
                errors.add(
                    .unknownReference, file, name.mark, path, expected: "a node that stands under nodes",
                    found: quoted(name.text), suggestion: nearest(name.text, in: nodes.keys.map(\.name).sorted()))
                continue
            }
            places.append(id)
        }
        return places
    }

    private func words(
        _ node: YAMLNode, _ path: String, _ what: String, _ errors: inout ErrorList
    ) -> [(text: String, mark: ConfigurationMark)] {
        var nodes = [node]
        if case .list(let items) = node.value { nodes = items }
        return nodes.compactMap { item in
            if case .scalar(let text, _) = item.value, !item.isNull { return (text, item.mark) }
            errors.add(.wrongType, file, item.mark, path, expected: "a name or a list of \(what)", found: item.found)
            return nil
        }
    }

    /// `*`, `H29.*`, a code, or a node; a word that is both a code and a node must be written as a node ID.
    private func target(_ node: YAMLNode, _ path: String, _ errors: inout ErrorList) -> RouteTarget? {
        let expected = "an agency code, a subtree such as H29.*, a node or *"
        guard case .scalar(let text, _) = node.value, !node.isNull else {
            errors.add(.wrongType, file, node.mark, path, expected: expected, found: node.found)
            return nil
        }
        if text == "*" { return .anything }
        if text.hasSuffix(".*"), let code = AgencyCode(String(text.dropLast(2))) {
            if let canonical = directory.canonical(code), canonical != code {
                return refuseAlias(node, path, canonical.text + ".*", &errors)
            }
            return .subtree(code)
        }
        if let id = NodeID(text: text) { return .node(id) }
        let agency = directory.canonical(text)
        let id = Pattern.node(named: text).flatMap { nodes[$0] != nil || peers.values.contains($0) ? $0 : nil }
        switch (agency, id) {
        case (let agency?, nil):
            return agency.text == text ? .agency(agency) : refuseAlias(node, path, agency.text, &errors)
        case (nil, let id?): return .node(id)
        case (_?, let id?):
            errors.add(
                .contradiction, file, node.mark, path, expected: "the node ID \(id.text) for the node",
                found: "\(quoted(text)), which is an agency and a node")
        case (nil, nil):
            errors.add(
                .unknownReference, file, node.mark, path, expected: expected + " that is known here",
                found: node.found, suggestion: nearest(text, in: nodes.keys.map(\.name).sorted()))
        }
        return nil
    }

    private func refuseAlias(
        _ node: YAMLNode, _ path: String, _ canonical: String, _ errors: inout ErrorList
    ) -> RouteTarget? {
        errors.add(
            .unknownReference, file, node.mark, path, expected: "the canonical code", found: node.found,
            suggestion: canonical)
        return nil
    }
}
