// TranslatedPagesTests: a page under docs/vi says what the page of the same name under docs says. What can be compared without knowing the
// languages is compared: headings by their levels, lists and tables by their shape, blocks of code line by line, commands in their order,
// everything else in code by paragraph, and links.
//
// In code only what is said to a person may be translated: a comment at the end of a line (two spaces and `#`), what stands in double
// quotes, and a place to be filled in, `<day>`.

import Foundation
import Testing

@Suite struct TranslatedPagesTests {
    /// Pages that operators have in both languages; a page under docs/vi that is not one of them would go stale unseen.
    private static let translated = ["installing.md", "operations.md"]

    @Test func pagesAreThere() throws {
        let found = try SourceTree.files("docs/vi", "").map(\.path)
        #expect(found == Self.translated.map { "docs/vi/" + $0 })
        for name in ["README.md", "docs/README.md"] {
            let text = try SourceTree.text(name)
            for page in Self.translated {
                #expect(text.contains("](\(name == "README.md" ? "docs/" : "")vi/\(page))"), "\(name): vi/\(page)")
            }
        }
    }

    @Test(arguments: translated) func pagesAreInStep(name: String) throws {
        let english = Page(try SourceTree.text("docs/" + name))
        let vietnamese = Page(try SourceTree.text("docs/vi/" + name))
        for trouble in Page.differences(english, vietnamese) { Issue.record("docs/vi/\(name): \(trouble)") }
        for (left, right) in zip(english.links, vietnamese.links) {
            let own = Self.translated.contains(left)
            #expect(right == (own ? left : "../" + left), "docs/vi/\(name): a link to \(left) is \(right)")
        }
        #expect(english.links.count == vietnamese.links.count, "docs/vi/\(name): links")
    }

    /// It is another language: a paragraph that was left as it is would be in step for ever.
    @Test(arguments: translated) func pagesAreVietnamese(name: String) throws {
        let english = Set(Page(try SourceTree.text("docs/" + name)).blocks.map(\.plain))
        for block in Page(try SourceTree.text("docs/vi/" + name)).blocks {
            guard block.shape != .code, block.plain.filter(\.isLetter).count > 12 else { continue }
            #expect(!english.contains(block.plain), "docs/vi/\(name):\(block.line): \(block.plain)")
        }
    }

    /// Each way to be out of step is seen; what may differ is not.
    @Test func whatIsOutOfStepIsFound() {
        let page = """
            # Title

            Text with `edocctl peers` and `down`, then `edocctl queue`.

            1. One `edocctl reload --reason "moved"`.
            2. Two [damage](damage.md).

                edocctl backup    # now
                systemctl stop 'edocd*'

            | a | b |
            |---|---|
            | `x` | y |

            ## Next

            Last.
            """
        let same = page.replacing("# now", with: "# làm ngay").replacing("\"moved\"", with: "\"đã chuyển\"")
            .replacing("Text with `edocctl peers` and `down`,", with: "`down` và `edocctl peers`,")
            .replacing("Last.", with: "Hết.").replacing("# Title", with: "# Tên")
        #expect(Page.differences(Page(page), Page(same)) == [])
        for (old, new) in [
            ("## Next", "### Next"), ("## Next\n\n", ""), ("`edocctl peers`", "`edocctl peer`"), ("`down`", "down"),
            ("edocctl backup ", "edocctl backups "), ("    systemctl stop 'edocd*'\n", ""), ("2. Two", "3. Two"),
            ("| `x` | y |", ""), ("--reason \"moved\"", "--reason moved"), ("\n\nLast.", "\n\nLast.\n\nMore."),
            ("    # now", "  --keep 7  # now"), ("`edocctl queue`", "`edocctl peers`"),
        ] {
            #expect(page.contains(old))
            #expect(!Page.differences(Page(page), Page(page.replacing(old, with: new))).isEmpty, "\(old) to \(new)")
        }
        let swapped = page.replacing("edocctl peers", with: "edocctl Q").replacing(
            "edocctl queue", with: "edocctl peers"
        )
        .replacing("edocctl Q", with: "edocctl queue")
        #expect(!Page.differences(Page(page), Page(swapped)).isEmpty, "commands have changed places")
    }
}

/// A page in blocks: headings, paragraphs, items of lists, rows of tables, code.
private struct Page {
    enum Shape: Hashable {
        case heading(level: Int)
        case paragraph
        case item(String)
        case row(columns: Int)
        case code
    }

    struct Block {
        var line: Int
        var shape: Shape
        var text: String

        /// What stands between back quotes, as it may not differ.
        var spans: [String] {
            text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                .compactMap { $0.offset % 2 == 1 ? Page.bare(String($0.element)) : nil }
        }
        /// Spans that are typed: their order is that of the work.
        var commands: [String] { spans.filter { span in Page.programs.contains { span.hasPrefix($0) } } }
        /// Without what is in code.
        var plain: String {
            text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                .compactMap { $0.offset % 2 == 0 ? String($0.element) : nil }.joined()
        }
    }

    private(set) var blocks: [Block] = []
    static let programs = [
        "edocctl", "edocd", "systemctl", "journalctl", "Scripts/", "runuser", "chown", "chmod", "apt", "man ",
    ]
    let links: [String]

    init(_ text: String) {
        links = text.matches(of: /\]\(([^)#]+)\)/).map { String($0.output.1) }
        var isAfterGap = true
        var isCode = false
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let trimmed = String(line.drop { $0 == " " })
            defer { isAfterGap = trimmed.isEmpty }
            if trimmed.isEmpty { continue }
            let indent = line.count - trimmed.count
            isCode = indent >= 4 && (isAfterGap || isCode)
            let shape: Shape?
            if isCode {
                shape = .code
            } else if trimmed.hasPrefix("#") {
                shape = .heading(level: trimmed.prefix { $0 == "#" }.count)
            } else if trimmed.hasPrefix("|") {
                shape = .row(columns: trimmed.count { $0 == "|" })
            } else if let item = trimmed.prefixMatch(of: #/(-|[0-9]+\.) /#) {
                shape = .item(String(item.output.1))
            } else {
                shape = isAfterGap ? .paragraph : nil
            }
            if let shape {
                blocks.append(Block(line: index + 1, shape: shape, text: shape == .code ? Self.bare(trimmed) : trimmed))
            } else if !blocks.isEmpty {
                blocks[blocks.count - 1].text += " " + trimmed
            }
        }
    }

    /// Code without what may be translated.
    static func bare(_ code: String) -> String {
        var text = code.replacing(/\s{2,}#.*$/, with: "").replacing(/\s+/, with: " ")
        text = text.replacing(/"[^"]*"/, with: "\"…\"").replacing(/<[^>]*>/, with: "<…>")
        return text.trimmingCharacters(in: .whitespaces)
    }

    static func differences(_ left: Page, _ right: Page) -> [String] {
        var result: [String] = []
        for (one, other) in zip(left.blocks, right.blocks) {
            guard one.shape == other.shape else {
                // What follows would all be named.
                return ["line \(other.line) is \(other.shape), where line \(one.line) there is \(one.shape)"]
            }
            if one.shape == .code {
                if one.text != other.text { result.append("line \(other.line): \(other.text), and there \(one.text)") }
                continue
            }
            if one.spans.sorted() != other.spans.sorted() {
                let missing = one.spans.filter { !other.spans.contains($0) }
                let more = other.spans.filter { !one.spans.contains($0) }
                result.append("line \(other.line): in code, missing \(missing), too many \(more), or their number")
            } else if one.commands != other.commands {
                result.append("line \(other.line): the order of commands is \(other.commands)")
            }
        }
        if left.blocks.count != right.blocks.count {
            result.append("\(right.blocks.count) blocks, and there \(left.blocks.count)")
        }
        return result
    }
}
