// YAMLText: text to a tree with places. The only file that knows the YAML library. A large `agencies:` section is cut
// into slices of whole entries and handed over slice by slice, so that 123,000 agencies never stand in memory as
// library nodes, and an error in one slice does not hide those in the others. A slice in the plain form is read without
// the library (PlainRows). Adds every error to the list that it is given.

import Yams

/// A node of a configuration file.
struct YAMLNode: Equatable {
    var mark: ConfigurationMark
    var value: Value

    indirect enum Value: Equatable {
        case scalar(String, isPlain: Bool)
        case list([YAMLNode])
        case map([Entry])
    }

    struct Entry: Equatable {
        var key: String
        var mark: ConfigurationMark
        var value: YAMLNode
    }

    /// Nothing stands there, or the word for nothing.
    var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = value else { return false }
        return text.isEmpty || text == "~" || text == "null"
    }

    /// What stands there, for an error.
    var found: String {
        switch value {
        case .scalar(let text, _): isNull ? "nothing" : quoted(text)
        case .list(let items): items.count == 1 ? "a list of 1 item" : "a list of \(items.count) items"
        case .map(let entries): entries.count == 1 ? "a map of 1 key" : "a map of \(entries.count) keys"
        }
    }
}

/// Reads YAML texts of one file.
struct YAMLText {
    var file: String

    /// Entries of `agencies:` handed over at a time.
    static let sliceEntries = 500
    /// References in YAML can make a small text a huge tree.
    private static let nodesMax = 2_000_000

    /// The keys that a second use of a key is renamed to, so that the rest of the file can still be judged.
    static let duplicatePrefix = "duplicate~"

    /// The tree of a whole text; nil when it is empty or no tree could be made.
    func parse(_ text: String, firstLine: Int = 1, _ errors: inout ErrorList) -> YAMLNode? {
        var text = text
        for attempt in 0..<ErrorList.errorsMax {
            do {
                // The encoding is named: else the library looks for one in the environment each time.
                guard let node = try compose(yaml: text, .basic, .default, .utf8) else { return nil }
                var budget = Self.nodesMax
                guard let tree = convert(node, firstLine, &budget) else {
                    errors.add(
                        .notYAML, file, nil, "", expected: "at most \(Self.nodesMax) values", found: "more")
                    return nil
                }
                return tree
            } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
                let key = keys.first ?? ""
                let first = ConfigurationMark(line: context.mark.line, column: context.mark.column)
                let second = renameSecond(key, after: first, attempt, in: &text)
                let place = second ?? first
                errors.add(
                    .duplicate, file, .init(line: place.line + firstLine - 1, column: place.column), key,
                    expected: "each key once (first in line \(first.line + firstLine - 1))", found: "it twice")
                if second == nil { return nil }
            } catch {
                add(error, firstLine, &errors)
                return nil
            }
        }
        return nil
    }

    private func convert(_ node: Node, _ firstLine: Int, _ budget: inout Int) -> YAMLNode? {
        budget -= 1
        guard budget > 0 else { return nil }
        let mark = mark(node, firstLine)
        switch node {
        case .scalar(let scalar):
            return YAMLNode(mark: mark, value: .scalar(scalar.string, isPlain: scalar.style == .plain))
        case .sequence(let sequence):
            var items: [YAMLNode] = []
            for item in sequence {
                guard let item = convert(item, firstLine, &budget) else { return nil }
                items.append(item)
            }
            return YAMLNode(mark: mark, value: .list(items))
        case .mapping(let mapping):
            var entries: [YAMLNode.Entry] = []
            for (key, value) in mapping {
                guard let value = convert(value, firstLine, &budget) else { return nil }
                entries.append(.init(key: key.scalar?.string ?? "?", mark: self.mark(key, firstLine), value: value))
            }
            return YAMLNode(mark: mark, value: .map(entries))
        case .alias:
            return YAMLNode(mark: mark, value: .scalar("*", isPlain: false))
        }
    }

    private func mark(_ node: Node, _ firstLine: Int) -> ConfigurationMark {
        guard let mark = node.mark else { return ConfigurationMark(line: firstLine, column: 1) }
        return ConfigurationMark(line: mark.line + firstLine - 1, column: mark.column)
    }

    private func add(_ error: any Error, _ firstLine: Int, _ errors: inout ErrorList) {
        var mark: ConfigurationMark?
        var found = "an unreadable text"
        switch error {
        case YamlError.scanner(_, let problem, let place, _), YamlError.parser(_, let problem, let place, _),
            YamlError.composer(_, let problem, let place, _):
            mark = ConfigurationMark(line: place.line + firstLine - 1, column: place.column)
            found = problem
        case YamlError.reader(let problem, _, _, _): found = problem
        default: break
        }
        errors.add(.notYAML, file, mark, "", expected: "YAML", found: found)
    }

    /// Finds the next line with the same key in the same column and gives the key there a name of its own. Nil for keys
    /// that do not begin a line's content (inside braces).
    private func renameSecond(
        _ key: String, after first: ConfigurationMark, _ attempt: Int, in text: inout String
    ) -> ConfigurationMark? {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard first.line >= 1, first.line < lines.count, first.column >= 1 else { return nil }
        for index in first.line..<lines.count {
            let line = lines[index]
            let indent = line.prefix { $0 == " " }.count
            let content = line.dropFirst(indent)
            if content.isEmpty || content.hasPrefix("#") || indent > first.column - 1 { continue }
            if indent < first.column - 1 { return nil }
            for spelling in [key, "\"\(key)\"", "'\(key)'"] where content.hasPrefix(spelling) {
                let rest = content.dropFirst(spelling.count)
                guard rest.drop(while: { $0 == " " }).hasPrefix(":") else { continue }
                lines[index] = Substring(
                    String(repeating: " ", count: indent) + Self.duplicatePrefix + "\(attempt)" + rest)
                text = lines.joined(separator: "\n")
                return ConfigurationMark(line: index + 1, column: first.column)
            }
        }
        return nil
    }
}

// Slices.
extension YAMLText {
    /// Calls `entries` with the entries of the block under the top-level key `section`, slice by slice, and gives the
    /// tree of everything else; there the section's key has no value.
    func parse(
        _ bytes: [UInt8], slicing section: String, _ errors: inout ErrorList,
        entries: ([YAMLNode.Entry], inout ErrorList) -> Void
    ) -> YAMLNode? {
        let block = Self.block(of: section, in: bytes)
        var rest = bytes[..<block.range.lowerBound]
        rest.append(contentsOf: repeatElement(UInt8(ascii: "\n"), count: block.lineCount))
        rest.append(contentsOf: bytes[block.range.upperBound...])
        for slice in block.slices {
            if let found = PlainRows.entries(bytes[slice.range], firstLine: slice.firstLine) {
                entries(found, &errors)
                continue
            }
            let text = String(decoding: bytes[slice.range], as: UTF8.self)
            guard let node = parse(text, firstLine: slice.firstLine, &errors) else { continue }
            guard case .map(let found) = node.value else {
                errors.add(.wrongType, file, node.mark, section, expected: "a map", found: node.found)
                continue
            }
            entries(found, &errors)
        }
        return parse(String(decoding: rest, as: UTF8.self), &errors)
    }

    struct Block {
        var range: Range<Int>
        var lineCount = 0
        var slices: [(range: Range<Int>, firstLine: Int)] = []
    }

    /// The lines under `section:`. In a block, a line as far in as the first entry always begins an entry (YAML 1.2,
    /// 8.2.2), so the slices can be cut there.
    private static func block(of section: String, in bytes: [UInt8]) -> Block {
        var result = Block(range: bytes.count..<bytes.count)
        var isInside = false
        var entryIndent: Int?
        var entryCount = 0
        var line = 0
        var start = 0
        while start < bytes.count {
            line += 1
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.count
            let content = bytes[start..<end]
            let indent = content.prefix { $0 == UInt8(ascii: " ") }.count
            let first = content.dropFirst(indent).first
            let isBlank = first == nil || first == UInt8(ascii: "\n") || first == UInt8(ascii: "\r")
            let isContent = !isBlank && first != UInt8(ascii: "#")
            if isInside {
                if isContent, indent == 0 { break }
                if isContent, indent == entryIndent ?? indent {
                    if entryIndent == nil || entryCount == sliceEntries {
                        result.slices.append((start..<end, line))
                        entryCount = 0
                    }
                    entryIndent = indent
                    entryCount += 1
                }
                if let last = result.slices.indices.last {
                    result.slices[last].range = result.slices[last].range.lowerBound..<end
                }
                result.lineCount += 1
                result.range = result.range.lowerBound..<end
            } else if isSectionLine(content, section) {
                isInside = true
                result.range = end..<end
            }
            start = end
        }
        return result
    }

    /// `section:` and nothing else but a comment.
    private static func isSectionLine(_ content: ArraySlice<UInt8>, _ section: String) -> Bool {
        guard content.starts(with: Array(section.utf8) + [UInt8(ascii: ":")]) else { return false }
        let rest = content.dropFirst(section.utf8.count + 1)
        let after = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }
        return after.isEmpty || after.first == UInt8(ascii: "\n")
            || (after.first == UInt8(ascii: "#") && after.startIndex > rest.startIndex)
    }
}
