// AuthorityRow: what a root edition says of one authority: its subtrees, its nodes, its certificates, how many of them must sign, and
// who follows whom when a key is lost. A value.

import RelayModel

public struct AuthorityRow: Hashable, Sendable {
    /// A certificate that waits, its key put away: once it signs it stands in the place of the one that it follows, and that one counts
    /// no longer.
    public struct Heir: Hashable, Sendable {
        public var of: Digest
        public var fingerprint: Digest

        public init(of lost: Digest, _ fingerprint: Digest) {
            of = lost
            self.fingerprint = fingerprint
        }
    }

    /// Its name: `root`, or a code, by custom that of its agency.
    public var authority: AgencyCode
    public var subtrees: [Subtree]
    /// The nodes whose rows it publishes.
    public var nodes: [NodeID]
    /// SHA-256 of the DER, ascending.
    public var certificates: [Digest]
    /// So many of them sign each edition.
    public var needs: Int
    /// In the order of those that they follow, at most one for each.
    public var heirs: [Heir]

    public init(
        authority: AgencyCode, subtrees: [Subtree], nodes: [NodeID] = [], certificates: [Digest], needs: Int,
        heirs: [Heir] = []
    ) {
        self.authority = authority
        self.subtrees = subtrees
        self.nodes = nodes
        self.certificates = certificates
        self.needs = needs
        self.heirs = heirs
    }

    /// How many of its places those who signed fill; a certificate and its heir have one place.
    public func places(filledBy signers: Set<Digest>) -> Int {
        certificates.count { certificate in
            signers.contains(certificate)
                || heirs.contains { $0.of == certificate && signers.contains($0.fingerprint) }
        }
    }

    /// True where those who signed are enough.
    public func isSatisfied(by signers: Set<Digest>) -> Bool { needs > 0 && places(filledBy: signers) >= needs }

    /// The authority after an edition that these have signed: each heir that signed has taken its place.
    public func after(signers: Set<Digest>) -> AuthorityRow {
        var row = self
        for heir in heirs where signers.contains(heir.fingerprint) {
            guard let place = row.certificates.firstIndex(of: heir.of) else { continue }
            row.certificates[place] = heir.fingerprint
            row.heirs.removeAll { $0.of == heir.of }
        }
        row.certificates.sort(by: Digest.precedes)
        return row
    }
}

extension Digest {
    /// The order of the octets, which is that of the hexadecimal text.
    static func precedes(_ left: Digest, _ right: Digest) -> Bool {
        if left.words.0 != right.words.0 { return left.words.0 < right.words.0 }
        if left.words.1 != right.words.1 { return left.words.1 < right.words.1 }
        if left.words.2 != right.words.2 { return left.words.2 < right.words.2 }
        return left.words.3 < right.words.3
    }
}
