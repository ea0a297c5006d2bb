// TextTable: rows in aligned columns for a terminal. A value. Every cell is made harmless here, so that no command can forget.

import Trap

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
        demand(cells.count == titles.count, "A row has a cell for each column.")
        rows.append(cells.map(Shown.text))
        for (index, cell) in cells.enumerated() { widths[index] = max(widths[index], Shown.width(Shown.text(cell))) }
    }

    /// Takes the rows away, for the next page; the widths stay.
    mutating func clear() { rows = [] }

    var isEmpty: Bool { rows.isEmpty }

    /// What a column gives up where the lines would be longer than the terminal is wide.
    enum Yield {
        /// It is cut to so many columns, but never to less than its title.
        case cut(Int, to: Int = 4)
        /// It is left out.
        case drop(Int)
    }

    /// A wrapped column that would have less room stands in lines of its own.
    private static let wrappedMin = 24
    private static let indent = "    "

    /// Lines without trailing spaces; columns are two spaces apart.
    var text: String { text(columns: nil) }

    /// The same in at most so many columns: one column is cut where the lines would be longer; nil: as wide as it comes.
    func text(columns: Int?, shrinking column: Int, withTitles: Bool = true) -> String {
        text(columns: columns, yielding: [.cut(column)], withTitles: withTitles)
    }

    /// The same in at most so many columns. What yields does so in the order given, until the lines fit. With `wrapping` the last column,
    /// which is text, is broken between words instead; where there is no room for that it stands below its row.
    func text(columns: Int?, yielding yields: [Yield] = [], wrapping: Bool = false, withTitles: Bool = true) -> String {
        let layout = layout(columns, yields, wrapping)
        return ((withTitles ? [titles] : []) + rows).map { row in
            lines(row, layout) + below(row, layout, columns)
        }.joined()
    }

    private struct Layout {
        var widths: [Int]
        var shown: [Int]
        var below: Int?
        var isWrapped = false

        var total: Int { shown.reduce(0) { $0 + widths[$1] } + 2 * max(shown.count - 1, 0) }
    }

    private func layout(_ columns: Int?, _ yields: [Yield], _ wrapping: Bool) -> Layout {
        // A column without a title in which nothing stands takes no room.
        var layout = Layout(widths: widths, shown: widths.indices.filter { widths[$0] > 0 })
        guard let columns, layout.total > columns else { return layout }
        if wrapping, let last = layout.shown.last {
            let room = columns - (layout.total - layout.widths[last])
            if room >= max(Self.wrappedMin, Shown.width(titles[last])) {
                layout.widths[last] = room
                layout.isWrapped = true
            } else {
                layout.below = last
                layout.shown.removeLast()
            }
        }
        for yield in yields where layout.total > columns {
            switch yield {
            case .drop(let column): layout.shown.removeAll { $0 == column }
            case .cut(let column, let least):
                let room = layout.widths[column] - (layout.total - columns)
                layout.widths[column] = min(layout.widths[column], max(Shown.width(titles[column]), least, room))
            }
        }
        return layout
    }

    private func lines(_ row: [String], _ layout: Layout) -> String {
        guard layout.isWrapped, let last = layout.shown.last else { return line(row, layout) }
        let parts = Shown.broken(row[last], to: layout.widths[last])
        let before = String(repeating: " ", count: layout.total - layout.widths[last])
        var first = row
        first[last] = parts[0]
        return line(first, layout) + parts.dropFirst().map { before + $0 + "\n" }.joined()
    }

    private func line(_ row: [String], _ layout: Layout) -> String {
        var line = ""
        for (place, index) in layout.shown.enumerated() {
            let cell =
                layout.isWrapped && index == layout.shown.last
                ? row[index] : Shown.cut(row[index], to: layout.widths[index])
            let space = String(repeating: " ", count: max(layout.widths[index] - Shown.width(cell), 0))
            line += (place == 0 ? "" : "  ") + (sides[index] == .left ? cell + space : space + cell)
        }
        while line.last == " " { line.removeLast() }
        return line + "\n"
    }

    private func below(_ row: [String], _ layout: Layout, _ columns: Int?) -> String {
        guard let below = layout.below, let columns, !row[below].isEmpty else { return "" }
        return Shown.broken(row[below], to: columns - Self.indent.count).map { Self.indent + $0 + "\n" }.joined()
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
