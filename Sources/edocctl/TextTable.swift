// TextTable: rows in aligned columns for a terminal. A value. Every cell is made harmless here, so that no command can forget.

struct TextTable {
    enum Side { case left, right }

    private let titles: [String]
    private let sides: [Side]
    private var rows: [[String]] = []
    /// Columns are at least so wide: the next page of a list goes on where the one before stood.
    private(set) var widths: [Int]

    init(_ columns: [(title: String, side: Side)]) {
        titles = columns.map(\.title)
        sides = columns.map(\.side)
        widths = titles.map(Shown.width)
    }

    mutating func add(_ cells: [String]) {
        precondition(cells.count == titles.count, "A row has a cell for each column.")
        rows.append(cells.map(Shown.text))
        for (index, cell) in cells.enumerated() { widths[index] = max(widths[index], Shown.width(Shown.text(cell))) }
    }

    /// Takes the rows away, for the next page; the widths stay.
    mutating func clear() { rows = [] }

    var isEmpty: Bool { rows.isEmpty }

    /// Lines without trailing spaces; columns are two spaces apart.
    var text: String { text(columns: nil, shrinking: 0) }

    /// The same in at most so many columns: one column is cut where the lines would be longer; nil: as wide as it comes.
    func text(columns: Int?, shrinking column: Int, withTitles: Bool = true) -> String {
        var widths = widths
        let whole = widths.reduce(0, +) + 2 * (widths.count - 1)
        if let columns, whole > columns {
            widths[column] = max(Shown.width(titles[column]), 4, widths[column] - (whole - columns))
        }
        return ((withTitles ? [titles] : []) + rows).map { row in
            var row = row
            row[column] = Shown.cut(row[column], to: widths[column])
            return line(row, widths)
        }.joined()
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            let space = String(repeating: " ", count: widths[index] - Shown.width(cell))
            line += (index == 0 ? "" : "  ") + (sides[index] == .left ? cell + space : space + cell)
        }
        while line.last == " " { line.removeLast() }
        return line + "\n"
    }
}

/// Lines of `name: value`, aligned.
struct FactList {
    private var facts: [(name: String, value: String)] = []

    mutating func add(_ name: String, _ value: String) { facts.append((name, Shown.text(value))) }
    mutating func add(_ name: String, _ value: String?) {
        if let value { add(name, value) }
    }

    var text: String { text(columns: nil) }

    /// The same with values broken between words into lines of at most so many columns.
    func text(columns: Int?) -> String {
        let width = facts.map { Shown.width($0.name) }.max() ?? 0
        return facts.map { fact in
            // A line without a name goes on with what the one above says.
            let name = fact.name + (fact.name.isEmpty ? " " : ":")
            let indent = String(repeating: " ", count: width + 2)
            let lines = columns.map { Shown.broken(fact.value, to: max($0 - width - 2, 20)) } ?? [fact.value]
            return name + String(repeating: " ", count: width - Shown.width(fact.name) + 1)
                + lines.joined(separator: "\n" + indent) + "\n"
        }.joined()
    }
}
