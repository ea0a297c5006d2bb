// Plot: pictures of figures as SVG, to be read beside their table: bars, bars of several parts, and lines. Pure; the same figures give
// the same picture, octet for octet, so that a page that is made anew changes only where a figure did.

import FoundationEssentials

enum Plot {
    private static let colours = [
        "#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2", "#edc948", "#b07aa1", "#9c755f", "#ff9da7", "#bab0ac",
        "#2f4b7c", "#a05195", "#665191", "#ffa600", "#488f31", "#8a508f", "#bc5090", "#003f5c", "#58508d", "#ff6361",
        "#6b8ba4", "#c9b458",
    ]
    private static let width = 720.0
    private static let labelWidth = 240.0
    private static let rowHeight = 26.0

    static func colour(_ index: Int) -> String { colours[index % colours.count] }

    /// One bar a row, with its value behind it.
    static func bars(_ title: String, _ rows: [(label: String, value: Double)]) -> String {
        parts(title, rows.map { ($0.label, [$0.value]) }, series: [])
    }

    /// One bar a row, made of parts; `series` names the parts.
    static func parts(_ title: String, _ rows: [(label: String, values: [Double])], series: [String]) -> String {
        let top = 40.0
        let legendTop = top + Double(rows.count) * rowHeight + 14
        let legendRows = (series.count + 2) / 3
        let height = legendTop + Double(legendRows) * 18 + 8
        let most = rows.map { $0.values.reduce(0, +) }.max() ?? 0
        let scale = most > 0 ? (width - labelWidth - 90) / most : 0
        var body: [String] = []
        for (index, row) in rows.enumerated() {
            let y = top + Double(index) * rowHeight
            body.append(text(labelWidth - 8, y + 15, row.label, anchor: "end"))
            var x = labelWidth
            for (part, value) in row.values.enumerated() where value > 0 {
                body.append(
                    "<rect x=\"\(tenths(x))\" y=\"\(tenths(y))\" width=\"\(tenths(value * scale))\" height=\"18\" "
                        + "fill=\"\(colour(part))\"/>")
                x += value * scale
            }
            body.append(text(x + 6, y + 15, shown(row.values.reduce(0, +))))
        }
        for (index, name) in series.enumerated() {
            let x = 16 + Double(index % 3) * (width / 3)
            let y = legendTop + Double(index / 3) * 18
            body.append(
                "<rect x=\"\(tenths(x))\" y=\"\(tenths(y))\" width=\"12\" height=\"12\" fill=\"\(colour(index))\"/>")
            body.append(text(x + 18, y + 10, name, size: 11))
        }
        return whole(title, height: height, body)
    }

    /// Lines over a common axis from nothing to the largest value; points of a line stand at equal distances.
    static func lines(_ title: String, across: String, _ series: [(name: String, values: [Double])]) -> String {
        let (left, top, bottom) = (70.0, 40.0, 240.0)
        let right = width - 20
        let most = series.flatMap(\.values).max() ?? 0
        var body = [
            "<path d=\"M\(tenths(left)) \(tenths(top))V\(tenths(bottom))H\(tenths(right))\" fill=\"none\" stroke=\"#888\"/>",
            text(left - 6, top + 4, shown(most), anchor: "end"), text(left - 6, bottom, "0", anchor: "end"),
            text((left + right) / 2, bottom + 18, across, anchor: "middle"),
        ]
        for (index, one) in series.enumerated() {
            let points = one.values.enumerated().map { place, value in
                let x = left + (right - left) * (Double(place) + 0.5) / Double(max(one.values.count, 1))
                let y = most > 0 ? bottom - (bottom - top) * value / most : bottom
                return "\(tenths(x)),\(tenths(y))"
            }
            body.append(
                "<polyline points=\"\(points.joined(separator: " "))\" fill=\"none\" stroke=\"\(colour(index))\" "
                    + "stroke-width=\"2\"/>")
            let x = left + Double(index) * 220
            body.append(
                "<rect x=\"\(tenths(x))\" y=\"\(tenths(bottom + 30))\" width=\"12\" height=\"12\" fill=\"\(colour(index))\"/>"
            )
            body.append(text(x + 18, bottom + 40, one.name, size: 11))
        }
        return whole(title, height: bottom + 56, body)
    }

    private static func whole(_ title: String, height: Double, _ body: [String]) -> String {
        let head =
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(tenths(width))\" height=\"\(tenths(height))\" "
            + "font-family=\"sans-serif\" font-size=\"12\">"
        let ground = "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
        return ([head, ground, text(16, 24, title, size: 14)] + body + ["</svg>"]).joined(separator: "\n") + "\n"
    }

    private static func text(_ x: Double, _ y: Double, _ words: String, anchor: String = "start", size: Int = 12)
        -> String
    {
        let safe = words.map { ["&": "&amp;", "<": "&lt;", ">": "&gt;"][$0] ?? String($0) }.joined()
        return
            "<text x=\"\(tenths(x))\" y=\"\(tenths(y))\" text-anchor=\"\(anchor)\" font-size=\"\(size)\">\(safe)</text>"
    }

    private static func tenths(_ value: Double) -> String { Figure.real((value * 10).rounded() / 10).json }

    /// As many digits as a reader compares.
    static func shown(_ value: Double) -> String {
        if value >= 1_000 { return grouped(Int(value.rounded())) }
        if value >= 100 || value == value.rounded() { return String(Int(value.rounded())) }
        return Figure.real(value >= 10 ? (value * 10).rounded() / 10 : (value * 100).rounded() / 100).json
    }

    private static func grouped(_ value: Int) -> String {
        let digits = String(value)
        var result = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { result += "," }
            result.append(digit)
        }
        return result
    }
}
