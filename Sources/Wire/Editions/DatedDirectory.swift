// DatedDirectory: the agencies of all editions that count, asked at a moment: who a code or another spelling is, and who takes its
// documents then. A value without I/O; 200,000 agencies stand in one array and two tables.

import RelayModel

public struct DatedDirectory: Sendable {
    /// Who takes the documents of a code.
    public enum Taker: Hashable, Sendable {
        /// The last of these, which is joined; the first is the canonical code of what was asked for.
        case agency([AgencyCode])
        /// It is there, and takes nothing at the moment: planned, suspended, or closed with no successor. The last is the one.
        case nobody([AgencyCode], AgencyState?)
        /// A successor is no agency here.
        case lost([AgencyCode])
        /// The successors go round, or are too many.
        case endless([AgencyCode])
        /// The code is no agency's.
        case unknown
    }

    private var rows: [AgencyRow] = []
    private var rowOfCode: [AgencyCode: Int32] = [:]
    private var rowOfAlias: [AgencyCode: Int32] = [:]

    public init() {}

    /// Of two rows with one code, and of two agencies with one alias, the first counts.
    public init(_ rows: some Sequence<EditionRow>) {
        for row in rows {
            if case .agency(let agency) = row { insert(agency) }
        }
    }

    public var count: Int { rows.count }

    /// Enters an agency; false where its code is taken.
    @discardableResult public mutating func insert(_ agency: AgencyRow) -> Bool {
        guard rowOfCode[agency.code] == nil else { return false }
        let index = Int32(rows.count)
        rows.append(agency)
        rowOfCode[agency.code] = index
        for alias in agency.aliases where rowOfAlias[alias] == nil { rowOfAlias[alias] = index }
        return true
    }

    public func agency(_ code: AgencyCode) -> AgencyRow? { rowOfCode[code].map { rows[Int($0)] } }

    /// The canonical code of any spelling. A code of an agency's own is before another's alias.
    public func canonical(_ code: AgencyCode) -> AgencyCode? {
        (rowOfCode[code] ?? rowOfAlias[code]).map { rows[Int($0)].code }
    }

    /// What is so of a canonical code at a moment; nil where there is no such agency.
    public func standing(of code: AgencyCode, at moment: Moment) -> AgencyStanding? { agency(code)?.at(moment) }

    /// Who takes at a moment what is addressed to a code in any spelling.
    public func taker(of code: AgencyCode, at moment: Moment) -> Taker {
        guard let first = canonical(code) else { return .unknown }
        var way = [first]
        while let last = way.last {
            guard let agency = agency(last) else { return .lost(way) }
            guard let successor = agency.successor(at: moment) else {
                let state = agency.state(at: moment)
                return state == .joined ? .agency(way) : .nobody(way, state)
            }
            guard way.count <= EditionBounds.successorsMax, !way.contains(successor.to) else { return .endless(way) }
            way.append(successor.to)
        }
        return .unknown
    }
}
