// Page: a manual page under construction, in the macros of man(7). Text that goes in is escaped here and nowhere else.

struct Page {
    private(set) var text: String
    /// Under a heading a paragraph begins by itself.
    private var isUnderHeading = false

    init(_ name: String, section: Int, version: String) {
        text =
            ".TH \(Self.escaped(name.uppercased())) \(section) \"\" \"e\\-Doc relay \(Self.escaped(version))\" \"e\\-Doc relay\"\n"
    }

    mutating func heading(_ title: String) {
        text += ".SH \"\(Self.escaped(title.uppercased()))\"\n"
        isUnderHeading = true
    }

    mutating func subheading(_ title: String) {
        text += ".SS \"\(Self.escaped(title))\"\n"
        isUnderHeading = true
    }

    private mutating func beginParagraph() {
        if !isUnderHeading { text += ".PP\n" }
        isUnderHeading = false
    }

    mutating func paragraph(_ words: String) {
        beginParagraph()
        text += Self.line(words)
    }

    /// A term in bold and what it means.
    mutating func item(_ term: String, _ meaning: String) {
        isUnderHeading = false
        text += ".TP\n.B \(Self.escaped(term))\n" + Self.line(meaning.isEmpty ? "\u{a0}" : meaning)
    }

    /// One form of a command: its words in bold, then the arguments.
    mutating func synopsis(_ command: String, _ arguments: [String]) {
        beginParagraph()
        text += ".B \(Self.escaped(command))\n"
        if !arguments.isEmpty { text += Self.line(arguments.joined(separator: " ")) }
    }

    private static func line(_ words: String) -> String {
        let text = escaped(words)
        return (text.hasPrefix(".") || text.hasPrefix("'") ? "\\&" + text : text) + "\n"
    }

    private static func escaped(_ words: String) -> String {
        var result = ""
        for scalar in words.unicodeScalars {
            switch scalar {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case "\"": result += "\\(dq"
            case "\n": result += " "
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
