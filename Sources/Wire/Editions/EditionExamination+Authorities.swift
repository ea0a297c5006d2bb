// EditionExamination+Authorities: what is wrong with the authorities that a root edition names.

import RelayModel

extension EditionExamination {
    mutating func take(_ row: AuthorityRow) {
        if remit.authority != EditionHead.root {
            findings.add(.notTheRoot, .authority(row.authority), "only the root's editions name authorities")
        }
        authorities.append(row)
    }

    mutating func judgeAuthorities() {
        guard remit.authority == EditionHead.root else { return }
        guard authorities.contains(where: { $0.authority == EditionHead.root }) else {
            findings.add(
                .removesItself, .authority(EditionHead.root),
                "a root edition names the root itself, with its certificates")
            return
        }
        var ownerOfSubtree: [Subtree: AgencyCode] = [:]
        var ownerOfCertificate: [Digest: AgencyCode] = [:]
        var ownerOfNode: [NodeID: AgencyCode] = [:]
        for row in authorities {
            let key = EditionKey.authority(row.authority)
            judgeSignatures(row, key)
            let isRoot = row.authority == EditionHead.root
            if isRoot != (row.subtrees == [.all]) {
                findings.add(.rootSubtree, key, "the root has the subtree *, and no other authority has it")
            }
            for subtree in row.subtrees {
                if let other = ownerOfSubtree.updateValue(row.authority, forKey: subtree) {
                    findings.add(.subtreeTwice, key, "the subtree \(subtree) is also that of \(other)")
                }
            }
            for node in row.nodes {
                if let other = ownerOfNode.updateValue(row.authority, forKey: node) {
                    findings.add(.nodeOfTwo, key, "the node \(node) is also named for \(other)")
                }
            }
            for certificate in Set(row.certificates + row.heirs.map(\.fingerprint)).sorted(by: Digest.precedes) {
                if let other = ownerOfCertificate.updateValue(row.authority, forKey: certificate) {
                    findings.add(
                        .certificateShared, key, grade: .remark,
                        "the certificate \(certificate.hex) is also that of \(other)")
                }
            }
        }
    }

    private mutating func judgeSignatures(_ row: AuthorityRow, _ key: EditionKey) {
        if row.needs < 1 { findings.add(.needsNothing, key, "it needs no signature") }
        if row.needs > row.certificates.count {
            findings.add(
                .needsTooMany, key, "it needs \(row.needs) signatures, and has \(row.certificates.count) certificates")
        }
        var seen: Set<Digest> = []
        for certificate in row.certificates + row.heirs.map(\.fingerprint) where !seen.insert(certificate).inserted {
            findings.add(.certificateTwice, key, "the certificate \(certificate.hex) has two places")
        }
        for heir in row.heirs where !row.certificates.contains(heir.of) {
            findings.add(.heirOfNone, key, "no certificate \(heir.of.hex) is there to be followed")
        }
    }
}
