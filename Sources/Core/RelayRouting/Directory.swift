// Directory: which agencies there are, their other spellings, and the node where each is at home. Built from
// agencies.yaml, never changed afterwards: a reload builds a new one. A value without I/O; loading 123,000 agencies
// keeps them in flat arrays and two hash tables. Fails only while it is built, by `Collision`.

import RelayModel

/// The agencies of the network.
public struct Directory: Sendable {
    /// One agency, put together when it is asked for.
    public struct Agency: Hashable, Sendable {
        public var code: AgencyCode
        public var name: String
        public var home: NodeID
        /// Other spellings, such as `000.00.00.G22` for `G22`.
        public var aliases: [AgencyCode]

        public init(code: AgencyCode, name: String, home: NodeID, aliases: [AgencyCode] = []) {
            self.code = code
            self.name = name
            self.home = home
            self.aliases = aliases
        }
    }

    /// Why an agency could not enter.
    public enum Collision: Error, Hashable, Sendable {
        /// The code is already an agency's own.
        case codeTaken(AgencyCode)
        /// The code is already another spelling of `owner`.
        case codeIsAlias(AgencyCode, owner: AgencyCode)
        /// The other spelling is already an agency's own code.
        case aliasIsCode(AgencyCode)
        /// The other spelling already belongs to `owner`.
        case aliasTaken(AgencyCode, owner: AgencyCode)
    }

    private struct Row: Sendable {
        var code: AgencyCode
        var name: String
        var home: Int32
    }

    private var rows: [Row] = []
    private var rowOfCode: [AgencyCode: Int32] = [:]
    private var rowOfAlias: [AgencyCode: Int32] = [:]
    private var homes: [NodeID] = []
    private var indexOfHome: [NodeID: Int32] = [:]

    public init() {}

    public var count: Int { rows.count }
    public var aliasCount: Int { rowOfAlias.count }

    /// Makes room for so many agencies.
    public mutating func reserveCapacity(_ count: Int) {
        rows.reserveCapacity(count)
        rowOfCode.reserveCapacity(count)
        rowOfAlias.reserveCapacity(count)
    }

    /// Enters an agency; nothing is entered when any of its spellings collides.
    public mutating func insert(_ agency: Agency) throws(Collision) {
        if rowOfCode[agency.code] != nil { throw .codeTaken(agency.code) }
        if let row = rowOfAlias[agency.code] { throw .codeIsAlias(agency.code, owner: rows[Int(row)].code) }
        for (index, alias) in agency.aliases.enumerated() {
            if alias == agency.code || rowOfCode[alias] != nil { throw .aliasIsCode(alias) }
            if let row = rowOfAlias[alias] { throw .aliasTaken(alias, owner: rows[Int(row)].code) }
            if agency.aliases[..<index].contains(alias) { throw .aliasTaken(alias, owner: agency.code) }
        }
        let row = Int32(rows.count)
        rows.append(Row(code: agency.code, name: agency.name, home: homeIndex(agency.home)))
        rowOfCode[agency.code] = row
        for alias in agency.aliases { rowOfAlias[alias] = row }
    }

    private mutating func homeIndex(_ node: NodeID) -> Int32 {
        if let index = indexOfHome[node] { return index }
        let index = Int32(homes.count)
        homes.append(node)
        indexOfHome[node] = index
        return index
    }
}

// Questions.
extension Directory {
    /// The canonical code of a text in any known spelling; nil when the text names no agency here.
    public func canonical(_ text: String) -> AgencyCode? {
        guard let code = AgencyCode(text) else { return nil }
        return canonical(code)
    }

    /// The canonical code of a code in any known spelling.
    public func canonical(_ code: AgencyCode) -> AgencyCode? {
        if rowOfCode[code] != nil { return code }
        guard let row = rowOfAlias[code] else { return nil }
        return rows[Int(row)].code
    }

    /// True for a canonical code of this directory.
    public func contains(_ code: AgencyCode) -> Bool { rowOfCode[code] != nil }

    /// The home node of an agency by its canonical code.
    public func home(of code: AgencyCode) -> NodeID? {
        guard let row = rowOfCode[code] else { return nil }
        return homes[Int(rows[Int(row)].home)]
    }

    /// The name of an agency by its canonical code.
    public func name(of code: AgencyCode) -> String? {
        guard let row = rowOfCode[code] else { return nil }
        return rows[Int(row)].name
    }

    /// The canonical codes in file order.
    public var codes: some Sequence<AgencyCode> { rows.lazy.map(\.code) }

    /// Every canonical code with its home, in file order.
    public func each(_ body: (_ code: AgencyCode, _ home: NodeID) -> Void) {
        for row in rows { body(row.code, homes[Int(row.home)]) }
    }

    /// Every other spelling with its canonical code, in no order.
    public func eachAlias(_ body: (_ alias: AgencyCode, _ code: AgencyCode) -> Void) {
        for (alias, row) in rowOfAlias { body(alias, rows[Int(row)].code) }
    }

    /// The canonical codes of the agencies at home on a node, in file order.
    public func codes(homeAt node: NodeID) -> [AgencyCode] {
        guard let index = indexOfHome[node] else { return [] }
        return rows.lazy.filter { $0.home == index }.map(\.code)
    }

    /// True for a node that is home to some agency.
    public func isHome(_ node: NodeID) -> Bool { indexOfHome[node] != nil }

    /// The nodes that are home to some agency, in file order.
    public var homeNodes: [NodeID] { homes }

    /// The other spellings of an agency in order; walks all of them, so it is for people's questions.
    public func aliases(of code: AgencyCode) -> [AgencyCode] {
        guard let row = rowOfCode[code] else { return [] }
        return rowOfAlias.filter { $0.value == row }.map(\.key).sorted()
    }
}
