// TextTable: rows in aligned columns for a terminal. A value. Every cell is made harmless here, so that no command can forget.

struct TextTable {
    enum Side { case left, right }

    private let titles: [String]
    private let sides: [Side]
    private var rows: [[String]] = []

    init(_ columns: [(title: String, side: Side)]) {
        titles = columns.map(\.title)
        sides = columns.map(\.side)
    }

    mutating func add(_ cells: [String]) {
        precondition(cells.count == titles.count, "A row has a cell for each column.")
        rows.append(cells.map(Shown.text))
    }

    var isEmpty: Bool { rows.isEmpty }

    /// Lines without trailing spaces; columns are two spaces apart.
    var text: String {
        var widths = titles.map(Shown.width)
        for row in rows {
            for (index, cell) in row.enumerated() { widths[index] = max(widths[index], Shown.width(cell)) }
        }
        return ([titles] + rows).map { line($0, widths) }.joined()
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

    var text: String {
        let width = facts.map { Shown.width($0.name) }.max() ?? 0
        return facts.map { fact in
            // A line without a name goes on with what the one above says.
            fact.name + (fact.name.isEmpty ? " " : ":")
                + String(repeating: " ", count: width - Shown.width(fact.name) + 1) + fact.value + "\n"
        }.joined()
    }
}
