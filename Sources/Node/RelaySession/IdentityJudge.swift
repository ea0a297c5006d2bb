// IdentityJudge: whether the node at the other end is who it says and one that this node knows (RFC 9174, 4.4.4.3). A value,
// made from the configuration and replaced with it; a reload judges living sessions by the new one. Cannot fail: a node that
// is not accepted is answered with a sentence, in which nothing stands that the peer wrote unchecked.

import OpenSSLTLS
import RelayModel

/// A neighbour as far as its identity goes.
public struct PeerIdentity: Hashable, Sendable {
    public var node: NodeID
    /// A certificate without a `bundleEID` name may carry the node ID as a URI name.
    public var acceptsURI: Bool
    public init(node: NodeID, acceptsURI: Bool = false) {
        self.node = node
        self.acceptsURI = acceptsURI
    }
}

/// The names in a peer's certificate, of which the chain has been verified.
public struct CertificateNames: Hashable, Sendable {
    public var bundleEIDs: [String]
    public var uris: [String]
    public init(bundleEIDs: [String], uris: [String] = []) {
        self.bundleEIDs = bundleEIDs
        self.uris = uris
    }
    public init(_ peer: PeerCertificate) {
        self.init(bundleEIDs: peer.certificate.bundleEIDs, uris: peer.certificate.uris)
    }
}

/// The nodes that may be at the other end of a session.
public struct IdentityJudge: Sendable {
    public enum Judgement: Hashable, Sendable {
        case accepted(NodeID)
        case refused(String)
    }

    private var peers: [String: PeerIdentity] = [:]

    public init(_ peers: [PeerIdentity]) {
        for peer in peers { self.peers[peer.node.comparable] = peer }
    }

    /// - Parameters:
    ///   - announced: The node ID in the peer's SESS_INIT.
    ///   - certificate: What TLS has proven; nil where plain TCP is configured.
    ///   - dialled: The peer that this node meant to reach, if it opened the connection.
    public func judge(announced: String, certificate: CertificateNames?, dialled: NodeID?) -> Judgement {
        // RFC 9174, 4.4.4.3 and RFC 3986, 6.2.2: node IDs compare without regard to the case of scheme and name.
        guard let name = NodeID.comparable(announced) else {
            return .refused("The peer announces no node ID, or none that names a node.")
        }
        guard let peer = peers[name] else {
            return .refused("The peer announces \(name), which is not configured here.")
        }
        if let dialled, dialled != peer.node {
            return .refused("The peer announces \(peer.node.text), but \(dialled.text) was dialled.")
        }
        if let certificate, let why = fault(of: certificate, for: peer) { return .refused(why) }
        return .accepted(peer.node)
    }

    /// Which of these names are neighbours; at most four, since a stranger may have written them.
    public func known(_ names: [String]) -> [NodeID] {
        var found: [NodeID] = []
        for name in names.prefix(4) {
            guard let node = NodeID.comparable(name).flatMap({ peers[$0]?.node }), !found.contains(node) else {
                continue
            }
            found.append(node)
        }
        return found
    }

    private func fault(of certificate: CertificateNames, for peer: PeerIdentity) -> String? {
        let names = certificate.nodes(acceptsURI: peer.acceptsURI)
        if names.contains(peer.node.comparable) { return nil }
        guard names.isEmpty else {
            return
                "The peer announces \(peer.node.text), but its certificate is that of \(names.joined(separator: ", "))."
        }
        return peer.acceptsURI
            ? "The peer's certificate has neither a bundleEID name nor a URI name of a node."
            : "The peer's certificate has no bundleEID name of a node."
    }
}

extension CertificateNames {
    /// The nodes that the certificate is of, in the form in which they compare. RFC 9174, 4.4.1 and 4.4.4.3: there may be several names, of
    /// which one has to match; one that is no node ID is none. URI names count where they may, and no bundleEID name is there.
    public func nodes(acceptsURI: Bool) -> [String] {
        let names = bundleEIDs.compactMap(NodeID.comparable)
        if !bundleEIDs.isEmpty || !acceptsURI { return names }
        return uris.compactMap(NodeID.comparable)
    }
}
