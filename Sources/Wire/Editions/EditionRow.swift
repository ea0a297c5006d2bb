// EditionHead, EditionRow, EditionChange: what an edition is made of. Values.

import RelayModel
import Trap

/// What an edition says of itself, the same in both of its forms.
public struct EditionHead: Hashable, Sendable {
    /// The name of the authority that names the others; no agency has it as its code.
    public static let root: AgencyCode = {
        guard let code = AgencyCode("root") else { trap("root is no code") }
        return code
    }()
    /// Of what the head is the head: the one format that this reader knows.
    public static let format: UInt64 = 1

    public var authority: AgencyCode
    /// From 1.
    public var number: UInt64
    /// The hash of the edition before; nil for number 1 only.
    public var before: Digest?
    public var from: Moment
    /// It is no longer valid then.
    public var until: Moment
    /// The number of rows of the whole.
    public var count: Int
    /// The hash of the rows of the whole: each row as it is written, without the comma behind it, and LF.
    public var rows: Digest

    public init(
        authority: AgencyCode, number: UInt64, before: Digest?, from: Moment, until: Moment, count: Int, rows: Digest
    ) {
        self.authority = authority
        self.number = number
        self.before = before
        self.from = from
        self.until = until
        self.count = count
        self.rows = rows
    }

    public var isRoot: Bool { authority == Self.root }
}

/// A head with its hash, which is the hash of the edition: that of the first line with its LF.
public struct SealedHead: Hashable, Sendable {
    public var head: EditionHead
    public var hash: Digest

    public init(head: EditionHead, hash: Digest) {
        self.head = head
        self.hash = hash
    }
}

/// What a file holds of an edition.
public enum EditionForm: String, Hashable, Sendable, CaseIterable {
    /// Every row.
    case whole
    /// What is to be set and removed in the edition before.
    case changes
}

/// The kind and the code of a row. Rows stand in the order of their keys: authorities, nodes, agencies, each by the octets of its code.
public enum EditionKey: Hashable, Sendable, Comparable {
    case authority(AgencyCode)
    case node(NodeID)
    case agency(AgencyCode)

    /// The name of the kind in the file.
    public var kind: String {
        switch self {
        case .authority: "authority"
        case .node: "node"
        case .agency: "agency"
        }
    }

    /// The code in the file; of a node its short name.
    public var code: String {
        switch self {
        case .authority(let code), .agency(let code): code.text
        case .node(let node): node.name
        }
    }

    private var rank: Int {
        switch self {
        case .authority: 0
        case .node: 1
        case .agency: 2
        }
    }

    public static func < (left: EditionKey, right: EditionKey) -> Bool {
        switch (left, right) {
        case (.agency(let left), .agency(let right)), (.authority(let left), .authority(let right)): left < right
        case (.node(let left), .node(let right)): left.name < right.name
        default: left.rank < right.rank
        }
    }
}

extension EditionKey: CustomStringConvertible {
    public var description: String { "\(kind) \(code)" }
}

public enum EditionRow: Hashable, Sendable {
    case authority(AuthorityRow)
    case node(NodeRow)
    case agency(AgencyRow)

    public var key: EditionKey {
        switch self {
        case .authority(let row): .authority(row.authority)
        case .node(let row): .node(row.node)
        case .agency(let row): .agency(row.code)
        }
    }
}

/// One line of either form; a whole only sets.
public enum EditionChange: Hashable, Sendable {
    case set(EditionRow)
    case remove(EditionKey)

    public var key: EditionKey {
        switch self {
        case .set(let row): row.key
        case .remove(let key): key
        }
    }
}
