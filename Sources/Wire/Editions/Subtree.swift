// Subtree and Remit: which codes an authority may speak of. Values, compared by groups of the code; cannot fail.

import RelayModel

/// An agency and every body below it, by code: `H29.*` is `H29`, `H29.15`, `H29.15.02` and so on; `*` is every code.
public struct Subtree: Hashable, Sendable, Comparable {
    /// Nil for all codes.
    public var top: AgencyCode?

    public init(_ top: AgencyCode) { self.top = top }
    private init() { top = nil }

    public static let all = Subtree()

    /// `H29.*` or `*`.
    public init?(_ text: String) {
        if text == "*" {
            top = nil
        } else {
            guard text.utf8.count > 2, text.hasSuffix(".*"), let code = AgencyCode(String(text.dropLast(2))) else {
                return nil
            }
            top = code
        }
    }

    public var text: String { top.map { $0.text + ".*" } ?? "*" }

    public func contains(_ code: AgencyCode) -> Bool {
        guard let top else { return true }
        let above = top.text.utf8
        let whole = code.text.utf8
        guard whole.starts(with: above) else { return false }
        return whole.count == above.count || whole.dropFirst(above.count).first == UInt8(ascii: ".")
    }

    /// True where each code of `other` is one of these.
    public func contains(_ other: Subtree) -> Bool {
        guard let code = other.top else { return top == nil }
        return contains(code)
    }

    public static func < (left: Subtree, right: Subtree) -> Bool { left.text < right.text }
}

extension Subtree: CustomStringConvertible {
    public var description: String { text }
}

/// What an authority may publish: the codes of its subtrees without those that are delegated further, and the nodes named for it.
public struct Remit: Hashable, Sendable {
    public var authority: AgencyCode
    public var subtrees: [Subtree]
    /// Below the subtrees, and published by others.
    public var delegated: [Subtree]
    /// Nil for every node.
    public var nodes: Set<NodeID>?

    public init(authority: AgencyCode, subtrees: [Subtree], delegated: [Subtree] = [], nodes: Set<NodeID>? = []) {
        self.authority = authority
        self.subtrees = subtrees
        self.delegated = delegated
        self.nodes = nodes
    }

    /// The root's: every code and every node. What it says of codes that others publish stands until they have published.
    public static let root = Remit(authority: EditionHead.root, subtrees: [.all], nodes: nil)

    /// What a root edition gives to an authority; nil where it names none of that name.
    public init?(of authority: AgencyCode, in authorities: [AuthorityRow]) {
        if authority == EditionHead.root {
            self = .root
            return
        }
        guard let row = authorities.first(where: { $0.authority == authority }) else { return nil }
        let delegated = authorities.filter { $0.authority != authority && $0.authority != EditionHead.root }
            .flatMap(\.subtrees)
            .filter { below in row.subtrees.contains { $0 != below && $0.contains(below) } }
        self.init(
            authority: authority, subtrees: row.subtrees, delegated: delegated.sorted(), nodes: Set(row.nodes))
    }

    public func contains(_ code: AgencyCode) -> Bool {
        guard let longest = Self.longest(subtrees, code) else { return false }
        guard let other = Self.longest(delegated, code) else { return true }
        return longest > other
    }

    public func contains(_ node: NodeID) -> Bool { nodes?.contains(node) ?? true }

    /// Another spelling is in the old form, largest unit last, or in the new one, largest unit first: an authority gives such
    /// only as have the first group of one of its subtrees at one of their ends. That keeps `000.00.00.G22` from the authority
    /// of `H29.*`; it does not say which agency the spelling is of.
    public func mayGive(alias: AgencyCode) -> Bool {
        let groups = alias.text.utf8.split(separator: UInt8(ascii: "."))
        return subtrees.contains { subtree in
            guard let top = subtree.top else { return true }
            let group = top.text.utf8.prefix { $0 != UInt8(ascii: ".") }
            return groups.first?.elementsEqual(group) == true || groups.last?.elementsEqual(group) == true
        }
    }

    /// Octets of the longest subtree that has the code; nil where none has it.
    private static func longest(_ subtrees: [Subtree], _ code: AgencyCode) -> Int? {
        var longest: Int?
        for subtree in subtrees where subtree.contains(code) {
            longest = max(longest ?? 0, subtree.top?.text.utf8.count ?? 0)
        }
        return longest
    }
}
