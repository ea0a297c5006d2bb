// EditionFinding: one thing that is wrong with an edition, or odd: a code, the row, a sentence. A value.

public struct EditionFinding: Hashable, Sendable {
    public enum Grade: String, Sendable {
        /// The edition is not to be signed, and counts nowhere.
        case fault
        /// For the one who proposes; the edition counts.
        case remark
    }

    /// Stable words.
    public enum Code: String, Sendable, CaseIterable {
        // What the authority may not say.
        case outsideSubtree = "outside-subtree"
        case outsideNodes = "outside-nodes"
        case notTheRoot = "not-the-root"
        case reservedCode = "reserved-code"
        case aliasOutside = "alias-outside"
        // Agencies.
        case codeTwice = "code-twice"
        case aliasTwice = "alias-twice"
        case aliasIsCode = "alias-is-code"
        case parentMissing = "parent-missing"
        case parentCycle = "parent-cycle"
        case parentClosed = "parent-closed"
        case tooDeep = "too-deep"
        case noHome = "no-home"
        case homeLate = "home-late"
        case homeMissing = "home-missing"
        case homeIsHub = "home-is-hub"
        case dateOrder = "date-order"
        case plannedAgain = "planned-again"
        case closedReturns = "closed-returns"
        case stateAgain = "state-again"
        case successorMissing = "successor-missing"
        case successorCycle = "successor-cycle"
        case successorTakesNothing = "successor-takes-nothing"
        case successorOfOpen = "successor-of-open"
        case successorLate = "successor-late"
        case tooManySuccessors = "too-many-successors"
        case closesItself = "closes-itself"
        // Nodes.
        case nodeTwice = "node-twice"
        case nodeUnproved = "node-unproved"
        case certificateDates = "certificate-dates"
        case certificateHash = "certificate-hash"
        // Authorities.
        case removesItself = "removes-itself"
        case rootSubtree = "root-subtree"
        case subtreeTwice = "subtree-twice"
        case nodeOfTwo = "node-of-two"
        case needsNothing = "needs-nothing"
        case needsTooMany = "needs-too-many"
        case certificateTwice = "certificate-twice"
        case certificateShared = "certificate-shared"
        case heirOfNone = "heir-of-none"
        // The head.
        case validOrder = "valid-order"
        case otherAuthority = "other-authority"
        // Against the edition before.
        case removedOpen = "removed-open"
        case codeReturns = "code-returns"
        case pastChanged = "past-changed"
    }

    public var code: Code
    public var grade: Grade
    /// Nil where it is the edition's own.
    public var key: EditionKey?
    public var sentence: String

    public init(_ code: Code, _ key: EditionKey?, grade: Grade = .fault, _ sentence: String) {
        self.code = code
        self.grade = grade
        self.key = key
        self.sentence = sentence
    }
}

extension EditionFinding: CustomStringConvertible {
    public var description: String {
        guard let key else { return "\(sentence) [\(code.rawValue)]" }
        return "\(key): \(sentence) [\(code.rawValue)]"
    }
}

/// Findings up to a bound; what is more is counted.
public struct EditionFindings: Hashable, Sendable {
    public private(set) var list: [EditionFinding] = []
    public private(set) var leftOut = 0
    /// Faults, those left out among them.
    public private(set) var faults = 0

    public init() {}

    public mutating func add(_ finding: EditionFinding) {
        if finding.grade == .fault { faults += 1 }
        if list.count < EditionBounds.findingsMax { list.append(finding) } else { leftOut += 1 }
    }

    mutating func add(
        _ code: EditionFinding.Code, _ key: EditionKey?, grade: EditionFinding.Grade = .fault, _ sentence: String
    ) {
        add(EditionFinding(code, key, grade: grade, sentence))
    }

    public var isSound: Bool { faults == 0 }
}
