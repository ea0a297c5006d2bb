// AgencyTable: rows of agencies from a table of the national axis or of a spreadsheet: id, pid, code, name, mail, oldCode or code102. It
// takes what can be taken, and names by row what was odd and what became of it. Pure; only a table without its columns has no rows.

import RelayModel

/// What was odd in one row of a table.
public struct TableOddity: Hashable, Sendable {
    public enum Code: String, Sendable, CaseIterable {
        case missingColumn = "missing-column"
        case columnTwice = "column-twice"
        case badRecord = "bad-record"
        case badUTF8 = "bad-utf8"
        case tooLong = "too-long"
        case tooManyRows = "too-many-rows"
        case badCode = "bad-code"
        case codeTwice = "code-twice"
        case idTwice = "id-twice"
        case emptyName = "empty-name"
        case nameMended = "name-mended"
        case badMail = "bad-mail"
        case badAlias = "bad-alias"
        case aliasIsCode = "alias-is-code"
        case aliasTwice = "alias-twice"
        case tooManyAliases = "too-many-aliases"
        case missingParent = "missing-parent"
        case parentCycle = "parent-cycle"
        case tooDeep = "too-deep"
        case noHome = "no-home"
    }

    public var code: Code
    /// The row as a spreadsheet counts, the line of the names is 1.
    public var row: Int
    public var sentence: String
    /// The row gives no agency.
    public var isDropped: Bool

    public init(_ code: Code, row: Int, isDropped: Bool = false, _ sentence: String) {
        self.code = code
        self.row = row
        self.isDropped = isDropped
        self.sentence = sentence
    }
}

extension TableOddity: CustomStringConvertible {
    public var description: String { "row \(row): \(sentence) [\(code.rawValue)]" }
}

/// The nodes at which agencies are at home by default.
public struct DefaultHomes: Sendable {
    private let homes: [(subtree: Subtree, node: NodeID)]

    /// The longest subtree that has a code gives its home.
    public init(_ homes: [Subtree: NodeID]) {
        self.homes = homes.sorted { $0.key.text.utf8.count > $1.key.text.utf8.count }.map { ($0.key, $0.value) }
    }

    public init(_ node: NodeID) { self.init([.all: node]) }

    public func home(of code: AgencyCode) -> NodeID? { homes.first { $0.subtree.contains(code) }?.node }
}

public struct AgencyTable: Sendable {
    /// In the order of their codes.
    public private(set) var rows: [AgencyRow] = []
    /// In the order of the table, as far as they are of one row; what needs all rows comes behind.
    public private(set) var oddities: [TableOddity] = []

    /// A row that has its code, before the others are known.
    private struct Draft {
        var row: AgencyRow
        var parentID: String
        var parentCode: String
        var number: Int
    }

    private struct Columns {
        var id: Int?
        var parentID: Int?
        var parentCode: Int?
        var code: Int?
        var name: Int?
        var mail: Int?
        var phone: Int?
        var oldCodes: [Int] = []
    }

    private var drafts: [Draft] = []
    private var indexOfCode: [AgencyCode: Int] = [:]
    private var indexOfID: [String: Int] = [:]

    /// Agencies joined from a moment on, at home where `homes` says.
    public init(reading bytes: [UInt8], homes: DefaultHomes, joined: Moment, rowsMax: Int = 1_000_000) {
        var table = SeparatedValues(bytes)
        var columns: Columns?
        read: while true {
            do throws(SeparatedValues.Trouble) {
                guard let fields = try table.next() else { break }
                guard table.row <= rowsMax else {
                    note(.tooManyRows, table.row, "more than \(rowsMax) rows; the rest is left out")
                    break
                }
                if fields.isEmpty { continue }
                guard let known = columns else {
                    columns = header(fields)
                    if columns == nil { break read }
                    continue
                }
                take(fields, known, row: table.row)
            } catch {
                note(error)
                if columns == nil { break }
            }
        }
        if columns == nil, oddities.isEmpty {
            note(.missingColumn, 1, dropped: true, "the first row does not name the columns code and name")
        }
        settle(homes: homes, joined: joined)
    }

    private mutating func note(
        _ code: TableOddity.Code, _ row: Int, dropped: Bool = false, _ sentence: String
    ) {
        oddities.append(TableOddity(code, row: row, isDropped: dropped, sentence))
    }

    private mutating func note(_ trouble: SeparatedValues.Trouble) {
        switch trouble {
        case .tooLong(let row): note(.tooLong, row, dropped: true, "the row is too long; it is left out")
        case .badUTF8(let row): note(.badUTF8, row, dropped: true, "the row is not UTF-8; it is left out")
        case .badQuote(let row):
            note(.badRecord, row, dropped: true, "a quote is not closed, or text stands behind it; the row is left out")
        }
    }

    private mutating func header(_ names: [String]) -> Columns? {
        var columns = Columns()
        var seen: Set<String> = []
        for (index, written) in names.enumerated() {
            let name = SeenText.mended(written).lowercased()
            if !name.isEmpty, !seen.insert(name).inserted {
                note(.columnTwice, 1, "the column \(quoted(name)) stands twice; the first counts")
                continue
            }
            switch name {
            case "id": columns.id = index
            case "pid": columns.parentID = index
            case "pcode": columns.parentCode = index
            case "code": columns.code = index
            case "name": columns.name = index
            case "mail": columns.mail = index
            case "mobile": columns.phone = index
            case "oldcode", "code102": columns.oldCodes.append(index)
            default: continue
            }
        }
        guard columns.code != nil, columns.name != nil else {
            note(.missingColumn, 1, dropped: true, "the first row does not name the columns code and name")
            return nil
        }
        return columns
    }

    private mutating func take(_ fields: [String], _ columns: Columns, row number: Int) {
        func field(_ index: Int?) -> String {
            guard let index, index < fields.count else { return "" }
            return SeenText.mended(fields[index])
        }
        let codeText = field(columns.code)
        guard let code = AgencyCode(codeText), code != EditionHead.root else {
            note(.badCode, number, dropped: true, "\(quoted(codeText)) is not a code; the row is left out")
            return
        }
        if let first = indexOfCode[code] {
            note(
                .codeTwice, number, dropped: true,
                "the code \(code) stands in row \(drafts[first].number) too; the row is left out")
            return
        }
        var name = field(columns.name)
        if name.isEmpty {
            note(.emptyName, number, "the name is empty; the code stands for it")
            name = code.text
        } else if name.utf8.count > EditionBounds.nameBytesMax {
            note(
                .tooLong, number, dropped: true,
                "the name is longer than \(EditionBounds.nameBytesMax) octets; the row is left out")
            return
        } else if let written = columns.name, written < fields.count, !name.utf8.elementsEqual(fields[written].utf8) {
            note(.nameMended, number, "the name had spaces, signs or marks that are not seen; they are mended")
        }
        var row = AgencyRow(code: code, vietnamese: name)
        let mail = field(columns.mail)
        if mail.utf8.count <= EditionBounds.mailBytesMax {
            row.contact.mail = mail
        } else {
            note(
                .badMail, number, "the mail address is longer than \(EditionBounds.mailBytesMax) octets; it is left out"
            )
        }
        let phone = field(columns.phone)
        if phone.utf8.count <= EditionBounds.phoneBytesMax { row.contact.phone = phone }
        row.aliases = aliases(columns.oldCodes.map { field($0) }, of: code, row: number)
        let index = drafts.count
        indexOfCode[code] = index
        let id = field(columns.id)
        if !id.isEmpty {
            if let first = indexOfID[id] {
                note(.idTwice, number, "the id \(quoted(id)) stands in row \(drafts[first].number) too, which counts")
            } else {
                indexOfID[id] = index
            }
        }
        drafts.append(
            Draft(row: row, parentID: field(columns.parentID), parentCode: field(columns.parentCode), number: number))
    }

    private mutating func aliases(_ texts: [String], of code: AgencyCode, row number: Int) -> [AgencyCode] {
        var aliases: Set<AgencyCode> = []
        let parts = texts.flatMap { text in
            text.utf8.split { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: ";") || $0 == UInt8(ascii: " ") }
                .map { String(Substring($0)) }
        }
        for part in parts {
            guard let alias = AgencyCode(part) else {
                note(.badAlias, number, "the old code \(quoted(part)) is not a code; it is left out")
                continue
            }
            if alias != code { aliases.insert(alias) }
        }
        let sorted = aliases.sorted()
        if sorted.count > EditionBounds.aliasesMax {
            note(.tooManyAliases, number, "more than \(EditionBounds.aliasesMax) old codes; the rest is left out")
        }
        return Array(sorted.prefix(EditionBounds.aliasesMax))
    }

    // MARK: What needs all rows

    private mutating func settle(homes: DefaultHomes, joined: Moment) {
        var ownerOfAlias: [AgencyCode: Int] = [:]
        for index in drafts.indices {
            let number = drafts[index].number
            var kept: [AgencyCode] = []
            for alias in drafts[index].row.aliases {
                if let other = indexOfCode[alias] {
                    note(
                        .aliasIsCode, number,
                        "the old code \(alias) is the code of row \(drafts[other].number); it is left out")
                } else if let other = ownerOfAlias[alias] {
                    note(
                        .aliasTwice, number,
                        "the old code \(alias) is also that of row \(drafts[other].number); it is left out")
                } else {
                    ownerOfAlias[alias] = index
                    kept.append(alias)
                }
            }
            drafts[index].row.aliases = kept
            drafts[index].row.parent = parent(of: drafts[index])
            drafts[index].row.states = [DatedState(.joined, from: joined)]
            if let home = homes.home(of: drafts[index].row.code) {
                drafts[index].row.homes = [DatedHome(home, from: joined)]
            } else {
                drafts[index].row.states = [DatedState(.planned, from: joined)]
                note(.noHome, number, "no home is given for its code; it is planned, and not joined")
            }
        }
        cutCycles()
        rows = drafts.map(\.row).sorted { $0.code < $1.code }
        drafts = []
        indexOfCode = [:]
        indexOfID = [:]
    }

    private mutating func parent(of draft: Draft) -> AgencyCode? {
        if !draft.parentCode.isEmpty {
            if let code = AgencyCode(draft.parentCode), indexOfCode[code] != nil { return code }
            note(
                .missingParent, draft.number,
                "the parent \(quoted(draft.parentCode)) is in no row; it stands without one")
            return nil
        }
        // What stands at the top has none, or one that no row has.
        guard !["", "0", "-1", "null", "NULL"].contains(draft.parentID) else { return nil }
        if let index = indexOfID[draft.parentID] { return drafts[index].row.code }
        note(.missingParent, draft.number, "the parent \(quoted(draft.parentID)) is in no row; it stands without one")
        return nil
    }

    /// An agency whose parents lead back to it, or that lies too deep, stands without a parent.
    private mutating func cutCycles() {
        var levels = [Int](repeating: 0, count: drafts.count)
        for start in drafts.indices where levels[start] == 0 {
            var way: [Int] = []
            var level = 0
            var here = start
            while true {
                levels[here] = -1
                way.append(here)
                guard let parent = drafts[here].row.parent, let next = indexOfCode[parent] else { break }
                if levels[next] == -1 {
                    note(
                        .parentCycle, drafts[here].number,
                        "its parents lead back to it, by way of \(parent); it stands without one")
                    drafts[here].row.parent = nil
                    break
                }
                if levels[next] > 0 {
                    level = levels[next]
                    break
                }
                here = next
            }
            for index in way.reversed() {
                level += 1
                if level > EditionBounds.levelsMax {
                    note(
                        .tooDeep, drafts[index].number,
                        "it lies more than \(EditionBounds.levelsMax) levels deep; it stands without a parent")
                    drafts[index].row.parent = nil
                    level = 1
                }
                levels[index] = level
            }
        }
    }
}
