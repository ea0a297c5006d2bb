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
        for peer in peers { self.peers[peer.node.text] = peer }
    }

    /// - Parameters:
    ///   - announced: The node ID in the peer's SESS_INIT.
    ///   - certificate: What TLS has proven; nil where plain TCP is configured.
    ///   - dialled: The peer that this node meant to reach, if it opened the connection.
    public func judge(announced: String, certificate: CertificateNames?, dialled: NodeID?) -> Judgement {
        // Node IDs are compared as text: what one node spells differently, another may take for somebody else.
        guard let node = NodeID(text: announced) else {
            return .refused("The peer announces no node ID, or none that names a node.")
        }
        guard let peer = peers[announced] else {
            return .refused("The peer announces \(node.text), which is not configured here.")
        }
        if let dialled, dialled != peer.node {
            return .refused("The peer announces \(node.text), but \(dialled.text) was dialled.")
        }
        if let certificate, let why = fault(of: certificate, for: peer) { return .refused(why) }
        return .accepted(peer.node)
    }

    private func fault(of certificate: CertificateNames, for peer: PeerIdentity) -> String? {
        // RFC 9174, 4.4.1: a certificate has exactly one bundleEID name, the node ID.
        if certificate.bundleEIDs.count > 1 { return "The peer's certificate has more than one bundleEID name." }
        if let name = certificate.bundleEIDs.first {
            return name == peer.node.text
                ? nil : "The peer announces \(peer.node.text), but its certificate is that of \(name)."
        }
        guard peer.acceptsURI else { return "The peer's certificate has no bundleEID name." }
        let names = certificate.uris.filter { EndpointID(text: $0) != nil }
        guard names.count == 1 else {
            return "The peer's certificate has no bundleEID name and not exactly one URI name of a node."
        }
        return names[0] == peer.node.text
            ? nil : "The peer announces \(peer.node.text), but its certificate is that of \(names[0])."
    }
}
