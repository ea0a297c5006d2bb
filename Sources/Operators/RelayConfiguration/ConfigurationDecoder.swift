// ConfigurationDecoder: walks a tree along the key table and gives typed values, defaults filled in. Goes on after
// every error, so that one run names them all; a key in error has its default afterwards, and the caller throws in
// the end.

import Trap

/// The values of one section.
struct ConfigurationSection {
    var mark: ConfigurationMark
    var values: [String: (value: ConfigurationValue, mark: ConfigurationMark)] = [:]
    var sections: [String: ConfigurationSection] = [:]
    /// Under names (`named`) or in order (`items`, with empty names).
    var members: [String: [(name: String, section: ConfigurationSection)]] = [:]
}

/// The key table as a tree.
struct ConfigurationKeyTree: Sendable {
    var key: ConfigurationKey?
    var children: [(name: String, tree: ConfigurationKeyTree)] = []

    static let edocd = ConfigurationKeyTree(ConfigurationKey.all)

    init(_ keys: [ConfigurationKey]) {
        for key in keys { insert(key, Self.parts(key.path)[...]) }
    }

    private init() {}

    /// `a.<name>.b` is a, <name>, b; `a.b[].c` is a, b, [], c.
    private static func parts(_ path: String) -> [String] {
        path.split(separator: ".").flatMap { part in
            part.hasSuffix("[]") ? [String(part.dropLast(2)), "[]"] : [String(part)]
        }
    }

    private mutating func insert(_ key: ConfigurationKey, _ parts: ArraySlice<String>) {
        guard let name = parts.first else {
            self.key = key
            return
        }
        let index: Int
        if let known = children.firstIndex(where: { $0.name == name }) {
            index = known
        } else {
            index = children.count
            children.append((name, ConfigurationKeyTree()))
        }
        children[index].tree.insert(key, parts.dropFirst())
    }
}

/// Decodes one file.
struct ConfigurationDecoder {
    var file: String
    var errors: ErrorList
    /// Defaults by the path in the key table: a hub reads those of a peer five hundred times.
    private var standards: [String: ConfigurationValue] = [:]

    init(file: String, errors: ErrorList) {
        self.file = file
        self.errors = errors
    }

    /// The values of the section `tree` that stand in `node`; without a node, the defaults.
    mutating func section(_ node: YAMLNode?, _ tree: ConfigurationKeyTree, path: String) -> ConfigurationSection {
        var given: [String: YAMLNode.Entry] = [:]
        let mark = node?.mark ?? ConfigurationMark(line: 1, column: 1)
        if let node, !node.isNull {
            if case .map(let entries) = node.value {
                for entry in entries where !entry.key.hasPrefix(YAMLText.duplicatePrefix) {
                    if tree.children.contains(where: { $0.name == entry.key }) {
                        given[entry.key] = entry
                    } else {
                        errors.add(
                            .unknownKey, file, entry.mark, join(path, entry.key), expected: "a known key",
                            found: quoted(entry.key), suggestion: nearest(entry.key, in: tree.children.map(\.name)))
                    }
                }
            } else {
                errors.add(.wrongType, file, node.mark, path, expected: "a map", found: node.found)
            }
        }
        var result = ConfigurationSection(mark: mark)
        for (name, child) in tree.children {
            let entry = given[name]
            let childPath = join(path, name)
            switch child.key?.kind {
            case .section, nil:
                result.sections[name] = section(entry?.value, child, path: childPath)
            case .named: result.members[name] = named(entry?.value, child, path: childPath)
            case .items: result.members[name] = items(entry?.value, child, path: childPath)
            default:
                guard let key = child.key else { continue }
                let keyMark = entry?.value.mark ?? mark
                if let value = value(entry, key, path: childPath, sectionMark: mark) {
                    result.values[name] = (value, keyMark)
                }
            }
        }
        return result
    }

    private mutating func named(
        _ node: YAMLNode?, _ tree: ConfigurationKeyTree, path: String
    ) -> [(name: String, section: ConfigurationSection)] {
        guard let node, !node.isNull, let member = tree.children.first?.tree else { return [] }
        guard case .map(let entries) = node.value else {
            errors.add(.wrongType, file, node.mark, path, expected: "a map", found: node.found)
            return []
        }
        return entries.filter { !$0.key.hasPrefix(YAMLText.duplicatePrefix) }.map { entry in
            var section = section(entry.value, member, path: join(path, entry.key))
            section.mark = entry.mark
            return (entry.key, section)
        }
    }

    private mutating func items(
        _ node: YAMLNode?, _ tree: ConfigurationKeyTree, path: String
    ) -> [(name: String, section: ConfigurationSection)] {
        guard let node, !node.isNull, let item = tree.children.first?.tree else { return [] }
        guard case .list(let nodes) = node.value else {
            errors.add(.wrongType, file, node.mark, path, expected: "a list of maps", found: node.found)
            return []
        }
        return nodes.enumerated().map { ("", section($0.element, item, path: "\(path)[\($0.offset + 1)]")) }
    }

    /// The value of one key: what stands there, or the default.
    private mutating func value(
        _ entry: YAMLNode.Entry?, _ key: ConfigurationKey, path: String, sectionMark: ConfigurationMark
    ) -> ConfigurationValue? {
        if let entry {
            if let value = parsed(entry.value, key.kind, path: path) { return value }
        } else if key.standard == nil {
            errors.add(
                .missingKey, file, sectionMark, path, expected: key.kind.expectation, found: "no such key")
        }
        guard let standard = key.standard else { return nil }
        if let known = standards[key.path] { return known }
        var decoder = ConfigurationDecoder(file: "defaults", errors: ErrorList())
        let node = YAMLText(file: "defaults").parse(standard, &decoder.errors)
        let value = node.flatMap { decoder.parsed($0, key.kind, path: path) }
        demand(value != nil, "The default of a configuration key is not a value of its kind.")
        standards[key.path] = value
        return value
    }

    private func join(_ path: String, _ name: String) -> String { path.isEmpty ? name : path + "." + name }
}

// Values of each kind.
extension ConfigurationDecoder {
    private mutating func parsed(
        _ node: YAMLNode, _ kind: ConfigurationKey.Kind, path: String
    ) -> ConfigurationValue? {
        switch kind {
        case .choices(let words):
            texts(node, kind, path) { words.contains($0) }
        case .nodePatterns: texts(node, kind, path) { Pattern.node($0) != nil }
        case .agencyPatterns: texts(node, kind, path) { Pattern.agency($0) != nil }
        case .addresses:
            if case .texts(let texts)? = texts(node, kind, path, { HostPort($0) != nil }) {
                .addresses(texts.compactMap(HostPort.init))
            } else {
                nil
            }
        default: scalar(node, kind, path)
        }
    }

    private mutating func texts(
        _ node: YAMLNode, _ kind: ConfigurationKey.Kind, _ path: String, _ isValid: (String) -> Bool
    ) -> ConfigurationValue? {
        guard case .list(let items) = node.value else {
            errors.add(.wrongType, file, node.mark, path, expected: kind.expectation, found: node.found)
            return nil
        }
        var result: [String] = []
        for (index, item) in items.enumerated() {
            let itemPath = "\(path)[\(index + 1)]"
            guard case .scalar(let text, _) = item.value else {
                errors.add(.wrongType, file, item.mark, itemPath, expected: kind.expectation, found: item.found)
                continue
            }
            if !isValid(text) {
                errors.add(.badValue, file, item.mark, itemPath, expected: kind.expectation, found: item.found)
            } else if result.contains(text) {
                errors.add(.duplicate, file, item.mark, itemPath, expected: "each item once", found: item.found)
            } else {
                result.append(text)
            }
        }
        return .texts(result)
    }

    private mutating func scalar(
        _ node: YAMLNode, _ kind: ConfigurationKey.Kind, _ path: String
    ) -> ConfigurationValue? {
        guard case .scalar(let text, let isPlain) = node.value, !node.isNull else {
            errors.add(.wrongType, file, node.mark, path, expected: kind.expectation, found: node.found)
            return nil
        }
        switch kind {
        case .text(let canBeEmpty), .path(let canBeEmpty):
            return checked(node, kind, path, (canBeEmpty || !text.isEmpty) && isText(text) ? .text(text) : nil)
        case .secretPath:
            let isSound =
                !text.isEmpty && isText(text) && (!Credential.isCredential(text) || Credential.name(text) != nil)
            return checked(node, kind, path, isSound ? .text(text) : nil)
        case .duration(let range, let word):
            if isPlain, text == word { return .inherited }
            return number(node, kind, path, isPlain ? Quantity.parse(text, Quantity.durationUnits) : nil, range)
        case .size(let range, let word):
            if isPlain, text == word { return .inherited }
            return number(node, kind, path, isPlain ? Quantity.parse(text, Quantity.sizeUnits) : nil, range)
        case .count(let range, let word):
            if isPlain, text == word { return .inherited }
            let isDigits = text.utf8.allSatisfy { (0x30...0x39).contains($0) }
            return number(node, kind, path, isPlain && isDigits ? UInt64(text) : nil, range)
        case .share(let range, let word):
            if isPlain, text == word { return .inherited }
            if isPlain, text.hasSuffix("%"), let percent = UInt64(text.dropLast()), (1...100).contains(percent),
                text == "\(percent)%"
            {
                return .percent(percent)
            }
            return number(node, kind, path, isPlain ? Quantity.parse(text, Quantity.sizeUnits) : nil, range)
        case .yesNo:
            let flags = ["yes": true, "true": true, "no": false, "false": false]
            guard isPlain, let flag = flags[text] else {
                errors.add(.wrongType, file, node.mark, path, expected: kind.expectation, found: node.found)
                return nil
            }
            return .yesNo(flag)
        case .choice(let words):
            return checked(
                node, kind, path, words.contains(text) ? .text(text) : nil, suggestion: nearest(text, in: words))
        case .address(let canBeEmpty):
            if canBeEmpty, text.isEmpty { return .addresses([]) }
            return checked(node, kind, path, HostPort(text).map { .addresses([$0]) })
        case .nodeName:
            return checked(node, kind, path, NodeNameText.isValid(text) ? .text(text) : nil)
        case .nodeID(let word):
            if text == word { return .inherited }
            return checked(node, kind, path, NodeNameText.isNodeID(text) ? .text(text) : nil)
        default: trap("A key of this kind has no single value.")
        }
    }

    private mutating func checked(
        _ node: YAMLNode, _ kind: ConfigurationKey.Kind, _ path: String, _ value: ConfigurationValue?,
        suggestion: String? = nil
    ) -> ConfigurationValue? {
        if value == nil {
            errors.add(
                .badValue, file, node.mark, path, expected: kind.expectation, found: node.found,
                suggestion: suggestion)
        }
        return value
    }

    private mutating func number(
        _ node: YAMLNode, _ kind: ConfigurationKey.Kind, _ path: String, _ number: UInt64?, _ range: ClosedRange<UInt64>
    ) -> ConfigurationValue? {
        guard let number, range.contains(number) else {
            errors.add(
                number == nil ? .wrongType : .outOfRange, file, node.mark, path, expected: kind.expectation,
                found: node.found)
            return nil
        }
        return .number(number)
    }

    private func isText(_ text: String) -> Bool {
        text.utf8.count <= 4_096 && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
    }
}
