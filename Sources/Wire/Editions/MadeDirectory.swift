// MadeDirectory: a made directory of any size up to the country's, the same for the same seed: ministries and provinces with bodies below
// them, nodes, authorities, and dated changes: homes that move, agencies that suspend, merge, split and are renamed. For tests and for the
// benchmark; no agency of it is a real one. Cannot fail within the bounds of the format.

import RelayModel
import Trap

public struct MadeDirectory: Sendable {
    public struct Size: Hashable, Sendable {
        public var agencies: Int
        public var nodes: Int
        /// Agencies of which something changes at a moment after the first.
        public var datedChanges: Int

        public init(agencies: Int, nodes: Int, datedChanges: Int) {
            self.agencies = agencies
            self.nodes = nodes
            self.datedChanges = datedChanges
        }

        /// The country after its next census: 200,000 agencies.
        public static let national = Size(agencies: 200_000, nodes: 500, datedChanges: 50_000)
    }

    /// When everybody has joined.
    public static let began = Moment(seconds: 1_767_200_400)

    public let size: Size
    /// Of all authorities, in the order of their keys.
    public private(set) var rows: [EditionRow]
    private var random: MadeNumbers

    public init(seed: UInt64, size: Size) {
        self.size = size
        random = MadeNumbers(seed)
        rows = []
        let tops = Self.tops(size)
        let nodes = Self.nodes(size)
        rows += authorities(tops, nodes)
        for (index, node) in nodes.enumerated() {
            rows.append(.node(nodeRow(node, isHub: index < 2 && nodes.count > 2)))
        }
        let homes = nodes.count > 2 ? Array(nodes.dropFirst(2)) : nodes
        var agencies = self.agencies(tops, homes)
        date(&agencies, homes)
        rows += agencies.map { .agency($0) }
        rows.sort { $0.key < $1.key }
    }

    public var agencies: [AgencyRow] {
        rows.compactMap { if case .agency(let row) = $0 { row } else { nil } }
    }

    public var authorities: [AuthorityRow] {
        rows.compactMap { if case .authority(let row) = $0 { row } else { nil } }
    }

    /// The rows of one authority; the root has those that no other publishes.
    public func rows(of authority: AgencyCode) -> [EditionRow] {
        let others = authorities.filter { $0.authority != EditionHead.root }
        let remits = others.compactMap { Remit(of: $0.authority, in: authorities) }
        if authority != EditionHead.root {
            guard let remit = remits.first(where: { $0.authority == authority }) else { return [] }
            return rows.filter { Succession.refusal(of: $0, remit: remit) == nil }
        }
        return rows.filter { row in remits.allSatisfy { Succession.refusal(of: row, remit: $0) != nil } }
    }

    /// The rows of an edition later: so many agencies have another telephone number.
    public func later(changes: Int) -> [EditionRow] {
        var changed = rows
        let places = rows.indices.filter { if case .agency = rows[$0] { true } else { false } }
        guard !places.isEmpty, changes > 0 else { return rows }
        let step = max(1, places.count / changes)
        for place in stride(from: 0, to: places.count, by: step).prefix(changes) {
            guard case .agency(var row) = changed[places[place]] else { continue }
            row.contact.phone = "024.\(1_000_000 + place)"
            changed[places[place]] = .agency(row)
        }
        return changed
    }

    // MARK: Names

    static func code(_ text: String) -> AgencyCode {
        guard let code = AgencyCode(text) else { trap("\(text) is no code") }
        return code
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }

    /// Ministries `G01`… and provinces `H01`…, a third and two thirds of what is at the top.
    private static func tops(_ size: Size) -> [AgencyCode] {
        let count = max(1, min(60, size.agencies / 8))
        let ministries = count / 3
        return (0..<count).map { index in
            let number = index < ministries ? index + 1 : index - ministries + 1
            return code((index < ministries ? "G" : "H") + padded(number, 2))
        }
    }

    private static func nodes(_ size: Size) -> [NodeID] {
        (0..<max(1, size.nodes)).map { index in
            guard let node = NodeID(name: "nut-" + padded(index, 3)) else { trap("no node has number \(index)") }
            return node
        }
    }

    // MARK: Rows

    private mutating func authorities(_ tops: [AgencyCode], _ nodes: [NodeID]) -> [EditionRow] {
        var result: [EditionRow] = []
        let root = (0..<5).map { _ in random.digest() }.sorted(by: Digest.precedes)
        result.append(
            .authority(
                AuthorityRow(
                    authority: EditionHead.root, subtrees: [.all], certificates: root, needs: 3,
                    heirs: [AuthorityRow.Heir(of: root[0], random.digest())])))
        // Provinces publish for themselves; the root for the others.
        for top in tops where top.text.hasPrefix("H") {
            let keys = (0..<3).map { _ in random.digest() }.sorted(by: Digest.precedes)
            result.append(
                .authority(
                    AuthorityRow(authority: top, subtrees: [Subtree(top)], certificates: keys, needs: 2)))
        }
        return result
    }

    private mutating func nodeRow(_ node: NodeID, isHub: Bool) -> NodeRow {
        NodeRow(
            node: node, role: isHub ? .hub : .home, isWatching: random.next(below: 50) == 0,
            addresses: ["\(node.name).example.vn:4556"],
            certificates: [
                DatedCertificate(random.digest(), from: Self.began, until: Self.began.adding(days: 400)),
                DatedCertificate(random.digest(), from: Self.began.adding(days: 370)),
            ], features: Feature.own)
    }

    /// Each top has departments `.01`…, each of those bodies `.01`…, as many as fill the size.
    private mutating func agencies(_ tops: [AgencyCode], _ homes: [NodeID]) -> [AgencyRow] {
        var result: [AgencyRow] = []
        result.reserveCapacity(size.agencies)
        for (index, top) in tops.enumerated() {
            result.append(agency(top, parent: nil, alias: "000.00.00.\(top)", home: homes[index % homes.count]))
        }
        let below = (size.agencies - result.count + tops.count - 1) / tops.count
        let width = max(1, Int(Double(max(below, 1)).squareRoot() / 2))
        for (index, top) in tops.enumerated() {
            var made = 0
            var department = 0
            while made < below, result.count < size.agencies {
                department += 1
                let parent = Self.code("\(top).\(Self.padded(department, 2))")
                let home = homes[(index + tops.count * (department % 8)) % homes.count]
                result.append(
                    agency(parent, parent: top, alias: "000.00.\(Self.padded(department, 2)).\(top)", home: home))
                made += 1
                for body in 1...max(1, width) where made < below && result.count < size.agencies {
                    result.append(
                        agency(
                            Self.code("\(parent).\(Self.padded(body, 2))"), parent: parent,
                            alias: "000.\(Self.padded(body, 2)).\(Self.padded(department, 2)).\(top)", home: home))
                    made += 1
                }
            }
        }
        return result
    }

    private mutating func agency(_ code: AgencyCode, parent: AgencyCode?, alias: String, home: NodeID) -> AgencyRow {
        let kind = Self.kinds[Int(random.next(below: UInt64(Self.kinds.count)))]
        return AgencyRow(
            code: code, vietnamese: "\(kind.vietnamese) \(code)", english: "\(kind.english) \(code)", parent: parent,
            aliases: [Self.code(alias)], contact: Contact(mail: "vanthu@\(code.text.lowercased()).example.vn"),
            homes: [DatedHome(home, from: Self.began)], states: [DatedState(.joined, from: Self.began)])
    }

    private static let kinds = [
        ("Sở Tư pháp", "Department of Justice"), ("Sở Tài chính", "Department of Finance"),
        ("Ủy ban nhân dân xã", "People's Committee of commune"), ("Phòng Nội vụ", "Office of Home Affairs"),
        ("Trường Trung học phổ thông", "Upper secondary school"), ("Chi cục Thủy lợi", "Irrigation branch"),
        ("Bệnh viện đa khoa", "General hospital"), ("Ban Quản lý dự án", "Project board"),
    ].map { (vietnamese: $0.0, english: $0.1) }

    /// Lets something change, of bodies at the lowest level so that nobody is left without a parent.
    private mutating func date(_ agencies: inout [AgencyRow], _ homes: [NodeID]) {
        let lowest = agencies.indices.filter {
            agencies[$0].code.text.utf8.count(where: { $0 == UInt8(ascii: ".") }) == 2
        }
        guard size.datedChanges > 0, lowest.count > 4 else { return }
        let step = max(1, lowest.count / size.datedChanges)
        for place in stride(from: 0, to: lowest.count, by: step).prefix(size.datedChanges) {
            let moment = Self.began.adding(days: 1 + Int(random.next(below: 700)))
                .adding(hours: Int(random.next(below: 24)))
            let index = lowest[place]
            switch random.next(below: 4) {
            case 0: agencies[index].states.append(DatedState(.suspended, from: moment))
            case 1: close(&agencies, index, at: moment)
            default:
                let home = homes[Int(random.next(below: UInt64(homes.count)))]
                if agencies[index].homes.last?.node != home {
                    agencies[index].homes.append(DatedHome(home, from: moment))
                } else {
                    agencies[index].states.append(DatedState(.suspended, from: moment))
                }
            }
        }
    }

    /// Closes an agency; the one above it takes what is addressed to it.
    private mutating func close(_ agencies: inout [AgencyRow], _ index: Int, at moment: Moment) {
        guard let taker = agencies[index].parent else { return }
        agencies[index].states.append(DatedState(.closed, from: moment))
        switch random.next(below: 6) {
        case 0: agencies[index].successor = Successor(.renamed, from: moment, to: taker)
        case 1:
            let part = Successor.Part(taker.parents.last ?? taker, takes: "hồ sơ \"lưu trữ\"")
            agencies[index].successor = Successor(.split, from: moment, to: taker, parts: [part])
        default: agencies[index].successor = Successor(.merged, from: moment, to: taker)
        }
    }
}

/// The numbers of a seed.
struct MadeNumbers: Sendable {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func next(below bound: UInt64) -> UInt64 { bound == 0 ? 0 : next() % bound }

    mutating func digest() -> Digest { Digest(words: (next(), next(), next(), next())) }
}
