// NodeRow: what an edition says of one node: where it is reached, how it proves itself, what it understands. A value.

import RelayModel

/// A certificate by its fingerprint, SHA-256 of the DER, for a time.
public struct DatedCertificate: Hashable, Sendable {
    public var fingerprint: Digest
    public var from: Moment
    /// Nil for as long as the certificate itself says.
    public var until: Moment?
    /// The certificate itself, DER, where others need more of it than its fingerprint; empty where it is not there.
    public var der: [UInt8]

    public init(_ fingerprint: Digest, from: Moment, until: Moment? = nil, der: [UInt8] = []) {
        self.fingerprint = fingerprint
        self.from = from
        self.until = until
        self.der = der
    }

    public func isInForce(at moment: Moment) -> Bool { from <= moment && until.map { moment < $0 } ?? true }
}

public struct NodeRow: Hashable, Sendable {
    public enum Role: String, Hashable, Sendable, CaseIterable {
        /// Home of agencies; it may hand on as well.
        case home
        /// It hands on, and is no agency's home.
        case hub
    }

    public var node: NodeID
    public var role: Role
    /// It gets editions and reports, and carries nothing.
    public var isWatching: Bool
    /// `host:port`, the one to try first at the front; empty where the node dials and is not dialled.
    public var addresses: [String]
    /// Its own certificates for links.
    public var certificates: [DatedCertificate]
    /// Certificates of CAs that may name it.
    public var issuers: [DatedCertificate]
    /// To encrypt documents for it.
    public var encryption: [DatedCertificate]
    /// To verify the evidence that it signs.
    public var evidence: [DatedCertificate]
    /// What it understands, in the order of names.
    public var features: [Feature]

    public init(
        node: NodeID, role: Role, isWatching: Bool = false, addresses: [String] = [],
        certificates: [DatedCertificate] = [], issuers: [DatedCertificate] = [], encryption: [DatedCertificate] = [],
        evidence: [DatedCertificate] = [], features: [Feature] = []
    ) {
        self.node = node
        self.role = role
        self.isWatching = isWatching
        self.addresses = addresses
        self.certificates = certificates
        self.issuers = issuers
        self.encryption = encryption
        self.evidence = evidence
        self.features = features
    }
}
