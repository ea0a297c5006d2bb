// SendRights: what a peer may hand to this node and what may be handed to it. Plain values and tests over them; the
// configuration fills them, the core asks them. Nothing here fails.

import RelayModel

/// A pattern over agencies in a right.
public enum AgencyPattern: Hashable, Sendable {
    /// `*`
    case any
    /// `own`: the agencies at home on the node that the right is about.
    case own
    /// `H29.15`
    case agency(AgencyCode)
    /// `H29.*`: an agency and every body below it.
    case subtree(AgencyCode)

    /// As the configuration spells it.
    public var text: String {
        switch self {
        case .any: "*"
        case .own: "own"
        case .agency(let code): code.text
        case .subtree(let code): code.text + ".*"
        }
    }

    /// Does the pattern cover the canonical code `agency`, whose home is `home`, in a right about `node`?
    public func covers(_ agency: AgencyCode, home: NodeID?, node: NodeID) -> Bool {
        switch self {
        case .any: true
        case .own: home == node
        case .agency(let code): code == agency
        case .subtree(let code): code == agency || agency.text.isBelow(code.text)
        }
    }
}

/// A pattern over source nodes in a right.
public enum NodePattern: Hashable, Sendable {
    /// `*`
    case any
    /// `own`: the node that the right is about.
    case own
    case node(NodeID)

    /// As the configuration spells it.
    public var text: String {
        switch self {
        case .any: "*"
        case .own: "own"
        case .node(let node): node.text
        }
    }

    public func covers(_ source: NodeID, node: NodeID) -> Bool {
        switch self {
        case .any: true
        case .own: source == node
        case .node(let named): named == source
        }
    }
}

/// The rights of one peer. The default is a leaf's: it may send as itself and its own agencies only, to anybody.
public struct SendRights: Hashable, Sendable {
    /// Source nodes whose envelopes the peer may hand over.
    public var fromNodes: [NodePattern]
    /// Sender agencies whose envelopes the peer may hand over.
    public var fromAgencies: [AgencyPattern]
    /// Recipients to which the peer may send.
    public var toAgencies: [AgencyPattern]

    public init(
        fromNodes: [NodePattern] = [.own], fromAgencies: [AgencyPattern] = [.own], toAgencies: [AgencyPattern] = [.any]
    ) {
        self.fromNodes = fromNodes
        self.fromAgencies = fromAgencies
        self.toAgencies = toAgencies
    }

    /// May `peer` hand over an envelope that `source` made?
    public func allowsSource(_ source: NodeID, peer: NodeID) -> Bool {
        fromNodes.contains { $0.covers(source, node: peer) }
    }

    /// May `peer` hand over an envelope of `sender`?
    public func allowsSender(_ sender: AgencyCode, home: NodeID?, peer: NodeID) -> Bool {
        fromAgencies.contains { $0.covers(sender, home: home, node: peer) }
    }

    /// May `peer` send to `recipient`?
    public func allowsRecipient(_ recipient: AgencyCode, home: NodeID?, peer: NodeID) -> Bool {
        toAgencies.contains { $0.covers(recipient, home: home, node: peer) }
    }
}

extension String {
    /// `H29.15` is below `H29`. Asked for each recipient of an offer, so that it makes no text.
    fileprivate func isBelow(_ code: String) -> Bool {
        let (own, other) = (utf8, code.utf8)
        return own.count > other.count && own.starts(with: other)
            && own[own.index(own.startIndex, offsetBy: other.count)] == UInt8(ascii: ".")
    }
}
