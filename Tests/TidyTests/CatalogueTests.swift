// CatalogueTests: what the daemon says to people has its Vietnamese entry. The sentences are read off the sources: string literals of the
// files that answer operators, with `%` for what is put in. Parts of sentences, and what goes to the log only, stand in a list of their own.

import Testing

@Suite struct CatalogueTests {
    /// Files whose texts reach a person by way of edocctl.
    private static let files: [String] = [
        "Sources/RelayCore/CoreView.swift", "Sources/RelayCore/LimitViews.swift",
        "Sources/RelayRouting/RouteTable.swift", "Sources/RelayControl/ControlContext.swift",
        "Sources/RelayControl/DeedPages.swift", "Sources/RelayControl/EnvelopePages.swift",
        "Sources/RelayControl/EnvelopeSearch.swift", "Sources/RelayControl/InboxPages.swift",
        "Sources/RelayControl/LinkPages.swift", "Sources/RelayControl/SelectorReading.swift",
        "Sources/RelayControl/StatusPages.swift", "Sources/RelayControl/StuckJudge.swift",
        "Sources/RelayControl/SubmitPage.swift", "Sources/RelayControl/TracePage.swift",
        "Sources/RelayControl/BackupPages.swift", "Sources/RelayControl/AuditPages.swift",
        "Sources/RelayControl/ReloadPage.swift",
    ]

    /// Put together with others, or never shown by edocctl.
    private static let parts: Set<String> = [
        ", then ", "down for % s", "% is %; it dials us%", "% is %, % dials failed%", "for another % s",
        "until resumed",
        "% is suspended by % %: %", "the next hop", "links down: ", ", asked again in % s",
        "it says that it has no resources%", "% dials failed%",
        "% transfers are under way, and nothing was acknowledged for ",
        "% is up, and its window is full: % of % ", "transfers, % of % bytes not answered", ", and comes after %",
        ", and waits for one before it that has just been lost", "; it may come back before others take over",
        "have the inbox of %", "submit as %", "of peer %", "of sender %", "envelopes %", "bytes %", "backup cancel",
        "level is one of ", "configuration, with force",
    ]

    @Test func everySentenceHasItsEntry() throws {
        let files = try SourceTree.files("Sources/edocctl").map(\.path).filter { $0.contains("/CatalogueEntries") }
        let known = Set(try files.flatMap(Self.literals))
        #expect(known.count > 300)
        var looked = 0
        for path in Self.files {
            for sentence in try Self.literals(path) where Self.isSentence(sentence) {
                looked += 1
                if Self.parts.contains(sentence) || known.contains(sentence) { continue }
                Issue.record("\(path): \(sentence.debugDescription) has no entry in CatalogueEntries*.swift")
            }
        }
        #expect(looked > 100)
    }

    /// Two words of letters, one after the other.
    private static func isSentence(_ text: String) -> Bool {
        text.firstMatch(of: /[a-z]{2,} [a-z%]/) != nil && !text.hasPrefix("control: ")
    }

    /// The string literals of a file, with `%` for each value, but for those on lines that log or trap.
    private static func literals(_ path: String) throws -> [String] {
        var result: [String] = []
        var before = ""
        for line in try SourceTree.text(path).split(separator: "\n", omittingEmptySubsequences: false) {
            defer { before = String(line) }
            let code = String(line)
            if code.drop(while: { $0 == " " }).hasPrefix("//") { continue }
            let context = before + code
            if ["logger.", "metadata", "precondition", "fatalError"].contains(where: context.contains) { continue }
            result += literals(of: Array(code))
        }
        return result
    }

    private static func literals(of line: [Character]) -> [String] {
        var result: [String] = []
        var index = 0
        while index < line.count {
            guard line[index] == "\"" else {
                index += 1
                continue
            }
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
            index += 1
            result.append(text)
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
