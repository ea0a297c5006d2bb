// TextColumns: how wide texts are on a terminal, and how lines that are too wide are broken. Pure functions.

public enum TextColumns {
    /// Columns that a text takes on a terminal: marks that combine take none, wide signs two. Vietnamese takes the same width
    /// precomposed and decomposed.
    public static func width(_ text: String) -> Int {
        text.unicodeScalars.reduce(0) { $0 + width($1) }
    }

    /// Lines of at most so many columns, the first of so many more, broken between words; a word that is longer has a line of its own.
    public static func broken(_ text: String, to columns: Int, first more: Int = 0) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            if line.isEmpty {
                line = String(word)
            } else if width(line) + 1 + width(String(word)) <= columns + (lines.isEmpty ? more : 0) {
                line += " " + word
            } else {
                lines.append(line)
                line = String(word)
            }
        }
        return lines + [line]
    }

    /// Lines for a terminal: those that are too wide are broken between words, and go on below where they began, and a little behind;
    /// nil: as they are.
    public static func folded(_ text: String, to columns: Int?, hanging: Int = 2) -> String {
        guard let columns else { return text }
        return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            guard width(String(line)) > columns else { return String(line) }
            let words = line.drop { $0 == " " }
            let indent = String(line.prefix(line.count - words.count))
            let behind = indent + String(repeating: " ", count: hanging)
            let parts = broken(String(words), to: max(columns - behind.count, 20), first: hanging)
            return indent + parts.joined(separator: "\n" + behind)
        }.joined(separator: "\n")
    }

    private static func width(_ scalar: Unicode.Scalar) -> Int {
        if scalar.value < 0x300 { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        switch scalar.value {
        // East Asian Wide and Fullwidth, and the pictures.
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xa960...0xa97f, 0xac00...0xd7a3, 0xf900...0xfaff,
            0xfe30...0xfe6f, 0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1f64f, 0x1f680...0x1f6ff, 0x1f900...0x1f9ff,
            0x20000...0x3fffd:
            return 2
        default: return 1
        }
    }
}
