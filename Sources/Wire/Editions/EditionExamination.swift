// EditionExamination: everything that is wrong with one edition by itself. It takes the rows as they are read and holds of each agency
// what the others ask of it; what needs all rows is judged at the end. Its findings are EditionFindings; it never fails.

import RelayModel

/// What other editions say, for rows that point beyond their own.
public struct Surroundings {
    public var agency: (AgencyCode) -> AgencyRow?
    public var node: (NodeID) -> NodeRow?

    public init(agency: @escaping (AgencyCode) -> AgencyRow?, node: @escaping (NodeID) -> NodeRow?) {
        self.agency = agency
        self.node = node
    }
}

public struct EditionExamination {
    /// Of an agency, for the others and for the end.
    struct Fact {
        var code: AgencyCode
        var parent: AgencyCode?
        var states: [DatedState]
        var successor: Successor?

        init(_ row: AgencyRow) {
            code = row.code
            parent = row.parent
            states = row.states
            successor = row.successor
        }

        var key: EditionKey { .agency(code) }
        var closed: Moment? { states.last.flatMap { $0.state == .closed ? $0.from : nil } }
        func state(at moment: Moment) -> AgencyState? { states.last { $0.from <= moment }?.state }
    }

    let remit: Remit
    let surroundings: Surroundings?
    private let hash: HashFunction?
    var findings = EditionFindings()
    var facts: [Fact] = []
    var indexOfCode: [AgencyCode: Int32] = [:]
    /// Every alias with the agency of its first row.
    var indexOfAlias: [AgencyCode: Int32] = [:]
    private var nodes: [NodeID: NodeRow.Role] = [:]
    private var nodeOfForm: [String: NodeID] = [:]
    var authorities: [AuthorityRow] = []

    /// What points beyond the remit is judged where there are surroundings; what certificates in rows are, where there is a hash.
    public init(remit: Remit, surroundings: Surroundings? = nil, hash: HashFunction? = nil) {
        self.remit = remit
        self.surroundings = surroundings
        self.hash = hash
    }

    /// Takes the rows in the order of their keys.
    public mutating func take(_ row: EditionRow) {
        switch row {
        case .authority(let row): take(row)
        case .node(let row): take(row)
        case .agency(let row): take(row)
        }
    }

    /// What is wrong. To be called once, behind the last row.
    public mutating func finish(_ head: EditionHead) -> EditionFindings {
        judge(head)
        judgeAuthorities()
        judgeAliases()
        judgeParents()
        judgeSuccessors()
        return findings
    }

    /// Of an edition that is held whole.
    public static func findings(
        of edition: Edition, remit: Remit, surroundings: Surroundings? = nil, hash: HashFunction? = nil
    ) -> EditionFindings {
        var examination = EditionExamination(remit: remit, surroundings: surroundings, hash: hash)
        for row in edition.rows { examination.take(row) }
        return examination.finish(edition.head)
    }

    private mutating func judge(_ head: EditionHead) {
        if head.until <= head.from {
            findings.add(.validOrder, nil, "the edition ends at \(head.until), and begins at \(head.from)")
        }
        if head.authority != remit.authority {
            findings.add(.otherAuthority, nil, "the edition is of \(head.authority), not of \(remit.authority)")
        }
        if !head.isRoot, let index = indexOfCode[head.authority], let closed = facts[Int(index)].closed {
            findings.add(
                .closesItself, .agency(head.authority),
                "the authority would close itself at \(closed); the one above it does that")
        }
    }

    // MARK: Nodes

    private mutating func take(_ row: NodeRow) {
        let key = EditionKey.node(row.node)
        if !remit.contains(row.node) {
            findings.add(.outsideNodes, key, "\(remit.authority) may not publish the node \(row.node)")
        }
        let form = row.node.comparable
        if let other = nodeOfForm[form] {
            findings.add(.nodeTwice, key, "the node is \(other) in another spelling")
        }
        nodeOfForm[form] = row.node
        nodes[row.node] = row.role
        if row.certificates.isEmpty, row.issuers.isEmpty {
            findings.add(
                .nodeUnproved, key, "there is neither a certificate nor an issuer by which the node proves itself")
        }
        for certificate in row.certificates + row.issuers + row.encryption + row.evidence {
            if let until = certificate.until, until <= certificate.from {
                findings.add(
                    .certificateDates, key, "a certificate ends at \(until), and begins at \(certificate.from)")
            }
            guard let hash, !certificate.der.isEmpty else { continue }
            if certificate.der.withUnsafeBytes({ hash.hash($0) }) != certificate.fingerprint {
                findings.add(
                    .certificateHash, key,
                    "the certificate in the row is not that of the fingerprint \(certificate.fingerprint.hex)")
            }
        }
    }

    /// The role of a node; nil where it is in no edition that is known. `isJudged` is false where nobody can say.
    private func role(of node: NodeID) -> (isJudged: Bool, role: NodeRow.Role?) {
        if let role = nodes[node] { return (true, role) }
        if let surroundings { return (true, surroundings.node(node)?.role) }
        return (remit.contains(node), nil)
    }

    // MARK: Agencies

    private mutating func take(_ row: AgencyRow) {
        let key = EditionKey.agency(row.code)
        guard indexOfCode[row.code] == nil else {
            findings.add(.codeTwice, key, "the code is used twice")
            return
        }
        if row.code == EditionHead.root {
            findings.add(.reservedCode, key, "the code names the authority above all, and no agency")
        }
        if !remit.contains(row.code) {
            findings.add(.outsideSubtree, key, "\(remit.authority) may not publish the code \(row.code)")
        }
        let index = Int32(facts.count)
        facts.append(Fact(row))
        indexOfCode[row.code] = index
        for alias in row.aliases {
            if let other = indexOfAlias[alias] {
                findings.add(.aliasTwice, key, "the alias \(alias) is also that of \(facts[Int(other)].code)")
            } else {
                indexOfAlias[alias] = index
            }
            if !remit.mayGive(alias: alias) {
                findings.add(.aliasOutside, key, "\(remit.authority) may not give the alias \(alias)")
            }
        }
        judgeStates(row, key)
        judgeHomes(row, key)
    }

    private mutating func judgeStates(_ row: AgencyRow, _ key: EditionKey) {
        for (before, after) in zip(row.states, row.states.dropFirst()) {
            if after.from <= before.from {
                findings.add(.dateOrder, key, "\(after.from) stands behind \(before.from)")
            }
            if before.state == .closed {
                findings.add(
                    .closedReturns, key, "closed at \(before.from), and \(after.state.rawValue) at \(after.from)")
            } else if after.state == .planned {
                findings.add(
                    .plannedAgain, key, "planned at \(after.from), when it was \(before.state.rawValue) before")
            } else if after.state == before.state {
                findings.add(.stateAgain, key, "\(after.state.rawValue) at \(after.from), as it was before")
            }
        }
        guard let successor = row.successor else { return }
        if let closed = row.closed {
            if closed < successor.from {
                findings.add(
                    .successorLate, key,
                    "closed at \(closed), and nobody takes its documents until \(successor.from)")
            }
        } else {
            findings.add(.successorOfOpen, key, "it has a successor at \(successor.from), and does not close")
        }
    }

    private mutating func judgeHomes(_ row: AgencyRow, _ key: EditionKey) {
        for (before, after) in zip(row.homes, row.homes.dropFirst()) where after.from <= before.from {
            findings.add(.dateOrder, key, "\(after.from) stands behind \(before.from)")
        }
        if let joined = row.states.first(where: { $0.state == .joined })?.from {
            if let first = row.homes.first {
                if first.from > joined {
                    findings.add(.homeLate, key, "joined at \(joined), and without a home until \(first.from)")
                }
            } else {
                findings.add(.noHome, key, "joined at \(joined), and without a home")
            }
        }
        for home in row.homes {
            let (isJudged, role) = role(of: home.node)
            if role == .hub {
                findings.add(.homeIsHub, key, "the node \(home.node) is a hub, and no agency's home")
            } else if isJudged, role == nil {
                findings.add(.homeMissing, key, "the node \(home.node) is not in the directory")
            }
        }
    }
}
