// SourceLiterals: the string literals of a source file, with `%` for what is put in, as the tests of the two languages compare them.
// Literals that are added with `+` are one.

struct SourceLiteral {
    var line: Int
    var text: String
    /// Beside it, as the arguments of one call, stands another literal: a sentence and its translation.
    var isPaired: Bool
    /// It goes to the log, or traps.
    var isLogged: Bool
}

enum SourceLiterals {
    static func of(_ text: String) -> [SourceLiteral] {
        var result: [SourceLiteral] = []
        var gap = "-"
        var before = ["", ""]
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.drop(while: { $0 == " " }).hasPrefix("//") { continue }
            let code = Array(line)
            let near = before[1] + line
            let isLogged =
                ["logger.", "metadata"].contains(where: near.contains)
                || ["Notice(", "demand(", "trap("].contains(where: (before[0] + near).contains)
            var index = 0
            for (start, end, text) in literals(of: code) {
                gap += String(code[index..<start])
                index = end
                let between = gap.filter { $0 != " " }
                gap = ""
                if between == "+", let last = result.indices.last {
                    result[last].text += text
                    continue
                }
                let isPaired = between == ","
                if isPaired, let last = result.indices.last { result[last].isPaired = true }
                result.append(SourceLiteral(line: number + 1, text: text, isPaired: isPaired, isLogged: isLogged))
            }
            gap += String(code[index...])
            before = [before[1], String(line)]
        }
        return result
    }

    private static func literals(of line: [Character]) -> [(start: Int, end: Int, text: String)] {
        var result: [(Int, Int, String)] = []
        var index = 0
        while index < line.count {
            guard line[index] == "\"" else {
                index += 1
                continue
            }
            let start = index
            let isRaw = index > 0 && line[index - 1] == "#"
            index += 1
            var text = ""
            while index < line.count, line[index] != "\"" || (isRaw && line[safe: index + 1] != "#") {
                if !isRaw, line[index] == "\\" {
                    index += 1
                    if line[safe: index] == "(" {
                        index = end(of: line, from: index)
                        text += "%"
                    } else {
                        text += line[safe: index].map(String.init) ?? ""
                        index += 1
                    }
                    continue
                }
                text.append(line[index])
                index += 1
            }
            index = min(index + 1, line.count)
            result.append((start, index, text))
        }
        return result
    }

    /// Behind the parenthesis that closes the one at `start`; texts in it may have some of their own.
    private static func end(of line: [Character], from start: Int) -> Int {
        var depth = 0
        var index = start
        var isText = false
        while index < line.count {
            if line[index] == "\"" { isText.toggle() }
            if !isText, line[index] == "(" { depth += 1 }
            if !isText, line[index] == ")" { depth -= 1 }
            index += 1
            if depth == 0 { return index }
        }
        return index
    }
}

extension [Character] {
    fileprivate subscript(safe index: Int) -> Character? { indices.contains(index) ? self[index] : nil }
}
