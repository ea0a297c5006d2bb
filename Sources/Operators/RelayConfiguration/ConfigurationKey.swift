// ConfigurationKey: what one key of edocd.yaml is, and how its text becomes a value. The table of all keys is in
// ConfigurationKeys.swift. Pure functions; a wrong text gives what was expected.

import RelayModel
import RelayRouting

/// One key of edocd.yaml.
struct ConfigurationKey: Sendable {
    /// Parts parted by dots; `<name>` stands for any name, `[]` after a part for the items of a list.
    var path: String
    var kind: Kind
    /// As the file would spell it; nil when the key must be given.
    var standard: String?
    /// One sentence.
    var help: String

    enum Kind: Sendable {
        /// Holds other keys.
        case section
        /// A map from names to sections.
        case named
        /// A list of sections.
        case items
        /// 1...255 printable bytes; may also be empty when `canBeEmpty`.
        case text(canBeEmpty: Bool)
        /// A file, relative to the folder of the configuration file; empty means none when `canBeEmpty`.
        case path(canBeEmpty: Bool)
        /// A file, or `credential:NAME`: one that the service manager hands over.
        case secretPath
        /// Milliseconds.
        case duration(ClosedRange<UInt64>, word: String? = nil)
        /// Octets; `word` is another allowed text, which means that another key decides.
        case size(ClosedRange<UInt64>, word: String? = nil)
        case count(ClosedRange<UInt64>, word: String? = nil)
        /// Octets, or a part of `store.map_size` in hundredths, such as `25%`; `word` as of a size.
        case share(ClosedRange<UInt64>, word: String? = nil)
        case yesNo
        case choice([String])
        case choices([String])
        case address(canBeEmpty: Bool)
        case addresses
        case nodeName
        case nodeID(word: String)
        case nodePatterns
        case agencyPatterns
    }
}

/// A decoded value.
enum ConfigurationValue {
    case text(String)
    case number(UInt64)
    /// Hundredths of the map.
    case percent(UInt64)
    case yesNo(Bool)
    case texts([String])
    case addresses([HostPort])
    /// Another key decides.
    case inherited
}

/// A host and a port, such as `[::]:4556` or `hub.example.gov.vn:4556`.
public struct HostPort: Hashable, Sendable, CustomStringConvertible {
    /// Without brackets.
    public var host: String
    public var port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Parses `host:port`; an IPv6 address stands in brackets.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
            !text.hasSuffix("+\(port)")
        else { return nil }
        var host = text[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, host.utf8.count <= 253, host.contains(":") == isBracketed else { return nil }
        let isHost = host.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
                || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
                || (isBracketed && ($0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "%")))
        }
        guard isHost else { return nil }
        self.init(host: String(host), port: port)
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Only this machine is behind it.
    public var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        // A name may begin with 127., too.
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}

/// Durations and sizes as the file spells them.
enum Quantity {
    static let durationUnits: [(name: String, factor: UInt64)] = [
        ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]
    static let sizeUnits: [(name: String, factor: UInt64)] = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("B", 1),
    ]

    /// Digits and a unit, nothing between.
    static func parse(_ text: String, _ units: [(name: String, factor: UInt64)]) -> UInt64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text[digits.endIndex...]
        guard !digits.isEmpty, let number = UInt64(digits), let factor = units.first(where: { $0.name == unit })?.factor
        else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }

    /// In the largest unit that leaves no rest.
    static func text(_ number: UInt64, _ units: [(name: String, factor: UInt64)]) -> String {
        let best = units.filter { number != 0 && number % $0.factor == 0 }.max { $0.factor < $1.factor }
        guard let best else { return "0" + (units.first { $0.name == "s" } ?? units[units.count - 1]).name }
        return "\(number / best.factor)\(best.name)"
    }
}

extension ConfigurationKey.Kind {
    /// What to expect, for errors and for the printed file.
    var expectation: String {
        switch self {
        case .section, .named: "a map"
        case .items: "a list of maps"
        case .text(let canBeEmpty): canBeEmpty ? "a text, or \"\" for none" : "a text"
        case .path(let canBeEmpty): canBeEmpty ? "a path, or \"\" for none" : "a path"
        case .secretPath: "a path, or credential:NAME for one of LoadCredential="
        case .duration(let range, let word):
            "a duration from \(Quantity.text(range.lowerBound, Quantity.durationUnits))"
                + " to \(Quantity.text(range.upperBound, Quantity.durationUnits))" + (word.map { ", or \($0)" } ?? "")
        case .size(let range, let word):
            "a size from \(Quantity.text(range.lowerBound, Quantity.sizeUnits))"
                + " to \(Quantity.text(range.upperBound, Quantity.sizeUnits))" + (word.map { ", or \($0)" } ?? "")
        case .count(let range, let word):
            "a number from \(range.lowerBound) to \(range.upperBound)" + (word.map { ", or \($0)" } ?? "")
        case .share(let range, let word):
            "a size from \(Quantity.text(range.lowerBound, Quantity.sizeUnits))"
                + " to \(Quantity.text(range.upperBound, Quantity.sizeUnits)), or 1% to 100% of store.map_size"
                + (word.map { ", or \($0)" } ?? "")
        case .yesNo: "yes or no"
        case .choice(let words): "one of " + words.joined(separator: ", ")
        case .choices(let words): "a list of " + words.joined(separator: ", ")
        case .address(let canBeEmpty): canBeEmpty ? "host:port, or \"\" for none" : "host:port"
        case .addresses: "a list of host:port"
        case .nodeName: "a node name"
        case .nodeID(let word): "a node ID such as dtn://truc/, or \(word)"
        case .nodePatterns: "a list of node names, own or *"
        case .agencyPatterns: "a list of agency codes, subtrees such as H29.*, own or *"
        }
    }
}

/// Patterns as the file spells them.
enum Pattern {
    static func agency(_ text: String) -> AgencyPattern? {
        if text == "*" { return .any }
        if text == "own" { return .own }
        if text.hasSuffix(".*") { return AgencyCode(String(text.dropLast(2))).map(AgencyPattern.subtree) }
        return AgencyCode(text).map(AgencyPattern.agency)
    }

    static func node(_ text: String) -> NodePattern? {
        if text == "*" { return .any }
        if text == "own" { return .own }
        return node(named: text).map(NodePattern.node)
    }

    /// A node by short name or node ID.
    static func node(named text: String) -> NodeID? { NodeID(text: text) ?? NodeID(shortName: text) }
}
