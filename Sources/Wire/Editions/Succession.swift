// Succession: whether an edition may follow the one before: first by its head, before any row is read (EditionRefusal), then by its rows
// (EditionFindings). Pure; the time is passed in.

import RelayModel

/// Why an edition does not count, by its head alone.
public enum EditionRefusal: Error, Hashable, Sendable {
    case otherAuthority(AgencyCode, wanted: AgencyCode)
    /// A lower number than the one that counts: old, or replayed.
    case lowerNumber(UInt64, known: UInt64)
    /// The number that counts, with another hash: somebody signed two editions of one number.
    case fork(UInt64, known: Digest, found: Digest)
    /// Editions between are missing.
    case gap(UInt64, known: UInt64)
    /// The next number, and the hash before it is of another edition than the one that counts.
    case otherChain(known: Digest, found: Digest)
    case expired(until: Moment)
    /// It is not valid yet: to be kept, and looked at again.
    case fromTheFuture(from: Moment)
    /// It would be valid earlier than the one before it.
    case fromBefore(from: Moment, known: Moment)
    case endsBeforeItBegins
    case tooLarge(count: Int, max: Int)
    /// The first row outside, by name; it spoils the whole edition.
    case outsideSubtree(EditionKey)

    /// Stable words.
    public var code: String {
        switch self {
        case .otherAuthority: "other-authority"
        case .lowerNumber: "lower-number"
        case .fork: "fork"
        case .gap: "gap"
        case .otherChain: "other-chain"
        case .expired: "expired"
        case .fromTheFuture: "from-the-future"
        case .fromBefore: "from-before"
        case .endsBeforeItBegins: "valid-order"
        case .tooLarge: "too-large"
        case .outsideSubtree: "outside-subtree"
        }
    }

    public var sentence: String {
        switch self {
        case .otherAuthority(let found, let wanted): "the edition is of \(found), not of \(wanted)"
        case .lowerNumber(let number, let known): "edition \(number) is older than edition \(known), which counts here"
        case .fork(let number, let known, let found):
            "there are two editions \(number): \(known.hex) counts here, and this is \(found.hex)"
        case .gap(let number, let known):
            "between edition \(known), which counts here, and edition \(number) some are missing"
        case .otherChain(let known, let found):
            "the edition follows \(found.hex), and \(known.hex) counts here"
        case .expired(let until): "the edition was valid until \(until)"
        case .fromTheFuture(let from): "the edition is valid from \(from)"
        case .fromBefore(let from, let known): "the edition is valid from \(from), and the one before it from \(known)"
        case .endsBeforeItBegins: "the edition ends before it begins"
        case .tooLarge(let count, let max): "the edition has \(count) rows, and \(max) are allowed"
        case .outsideSubtree(let key): "the authority may not publish \(key)"
        }
    }
}

extension EditionRefusal: CustomStringConvertible {
    public var description: String { "\(sentence) [\(code)]" }
}

public enum Succession {
    /// Whether an edition may count after the one that does; nil where it may, or is that very one. Without one that counts, any
    /// number may be the first: a node that joins late does not need the editions before.
    public static func refusal(
        of sealed: SealedHead, after known: SealedHead?, remit: Remit, at now: Moment,
        bounds: EditionBounds = .national
    ) -> EditionRefusal? {
        let head = sealed.head
        if head.authority != remit.authority { return .otherAuthority(head.authority, wanted: remit.authority) }
        if head.count > bounds.rowsMax { return .tooLarge(count: head.count, max: bounds.rowsMax) }
        if head.until <= head.from { return .endsBeforeItBegins }
        if let known, let refusal = chainRefusal(of: sealed, after: known) { return refusal }
        if head.until <= now { return .expired(until: head.until) }
        if head.from > now { return .fromTheFuture(from: head.from) }
        return nil
    }

    private static func chainRefusal(of sealed: SealedHead, after known: SealedHead) -> EditionRefusal? {
        let head = sealed.head
        if head.number < known.head.number { return .lowerNumber(head.number, known: known.head.number) }
        if head.number == known.head.number {
            return sealed.hash == known.hash ? nil : .fork(head.number, known: known.hash, found: sealed.hash)
        }
        guard head.number == known.head.number + 1 else { return .gap(head.number, known: known.head.number) }
        guard let before = head.before, before == known.hash else {
            return .otherChain(known: known.hash, found: head.before ?? .zero)
        }
        if head.from < known.head.from { return .fromBefore(from: head.from, known: known.head.from) }
        return nil
    }

    /// The first row that the authority may not publish.
    public static func refusal(of row: EditionRow, remit: Remit) -> EditionRefusal? {
        switch row {
        case .agency(let agency): remit.contains(agency.code) ? nil : .outsideSubtree(row.key)
        case .node(let node): remit.contains(node.node) ? nil : .outsideSubtree(row.key)
        case .authority: remit.authority == EditionHead.root ? nil : .outsideSubtree(row.key)
        }
    }

    /// What an edition may not make of the rows of the one before.
    public static func findings(of after: Edition, after before: Edition) -> EditionFindings {
        var findings = EditionFindings()
        RowPairs.each(before.rows, after.rows) { old, new in
            for finding in self.findings(of: new, after: old, from: after.head.from, known: before.head.from) {
                findings.add(finding)
            }
        }
        return findings
    }

    /// What an edition, valid from a moment, may not make of one row of the edition before, valid from `known`.
    public static func findings(
        of new: EditionRow?, after old: EditionRow?, from: Moment, known: Moment
    ) -> [EditionFinding] {
        if case .authority(let row) = old, row.authority == EditionHead.root, new == nil {
            return [EditionFinding(.removesItself, old?.key, "the root would remove itself")]
        }
        guard case .agency(let before) = old else { return [] }
        let key = EditionKey.agency(before.code)
        guard case .agency(let after) = new else {
            if let closed = before.closed, closed.adding(days: EditionBounds.memoryDays) <= from { return [] }
            return [
                EditionFinding(
                    .removedOpen, key,
                    "it would be removed without having been closed for \(EditionBounds.memoryDays) days")
            ]
        }
        if let closed = before.closed, closed <= from, closed.adding(days: EditionBounds.memoryDays) > from,
            after.closed.map({ $0 > closed }) ?? true
        {
            return [
                EditionFinding(
                    .codeReturns, key,
                    "closed at \(closed), and it would come back within \(EditionBounds.memoryDays) days")
            ]
        }
        guard past(before, known) != past(after, known) else { return [] }
        return [
            EditionFinding(
                .pastChanged, key, grade: .remark, "what is said of the time before \(known) becomes another")
        ]
    }

    private struct Past: Equatable {
        var states: [DatedState]
        var homes: [DatedHome]
        var successor: Successor?
    }

    private static func past(_ row: AgencyRow, _ moment: Moment) -> Past {
        Past(
            states: row.states.filter { $0.from < moment }, homes: row.homes.filter { $0.from < moment },
            successor: row.successor.flatMap { $0.from < moment ? $0 : nil })
    }
}
