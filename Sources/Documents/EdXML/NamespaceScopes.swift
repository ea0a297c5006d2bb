// NamespaceScopes: which namespace a prefix means (Namespaces in XML 1.0), kept beside the XML parser, because real packages have
// prefixes that are bound to nothing and a parser that resolves them refuses the whole file. Two of these are understood, with a
// warning: `xlink:` before an attribute, and `edXML:` before an element. Owns the open bindings, which are bounded; throws
// `EdXMLFault` where the file breaks the rules in any other way.

/// The bindings of the open elements.
struct NamespaceScopes {
    private struct Binding {
        var prefix: Substring
        var namespace: String
        var depth: Int
    }

    /// What is made of the name of an element.
    struct Resolved {
        var local: String
        /// Empty when it has none.
        var namespace: String
        /// Prefixes that are bound to nothing and were understood all the same.
        var unbound: [String] = []
    }

    private var bindings: [Binding] = []
    private var depth = 0
    private var rootNamespace: String?

    /// Octets of prefixes and namespaces held at this moment.
    private(set) var retainedBytes = 0

    private static let xml = "http://www.w3.org/XML/1998/namespace"
    private static let xmlns = "http://www.w3.org/2000/xmlns/"

    /// An element opened, with its attributes as they are written.
    mutating func opened(_ name: String, _ attributes: [(name: String, value: String)]) throws(EdXMLFault) -> Resolved {
        depth += 1
        for attribute in attributes { try declare(attribute.name, attribute.value) }
        let parts = try Self.split(name)
        var result = Resolved(local: String(parts.local), namespace: "")
        if let namespace = namespace(of: parts.prefix) {
            result.namespace = namespace
        } else if parts.prefix == "edXML", let rootNamespace {
            result.namespace = rootNamespace
            result.unbound.append("edXML")
        } else {
            throw EdXMLFault(.notWellFormed, "The prefix \(quoted(String(parts.prefix))) is bound to no namespace.")
        }
        if depth == 1 { rootNamespace = result.namespace }
        try judge(attributes, &result)
        return result
    }

    /// The innermost element closed.
    mutating func closed() {
        while let last = bindings.last, last.depth == depth {
            bindings.removeLast()
            retainedBytes -= last.prefix.utf8.count + last.namespace.utf8.count
        }
        depth -= 1
    }

    private mutating func declare(_ name: String, _ value: String) throws(EdXMLFault) {
        let prefix: Substring
        if name == "xmlns" {
            prefix = ""
        } else if name.hasPrefix("xmlns:") {
            prefix = name.dropFirst("xmlns:".count)
        } else {
            return
        }
        let isReserved = prefix == "xmlns" || value == Self.xmlns || (prefix == "xml") != (value == Self.xml)
        guard !isReserved, !prefix.contains(":"), !(value.isEmpty && !prefix.isEmpty) else {
            throw EdXMLFault(.notWellFormed, "\(quoted(name)) may not be bound to \(quoted(value)).")
        }
        guard bindings.count < EdXMLLimits.namespacesMax else {
            throw EdXMLFault(
                .tooDeep, "More than \(EdXMLLimits.namespacesMax) namespaces are declared in open elements.")
        }
        bindings.append(Binding(prefix: prefix, namespace: value, depth: depth))
        retainedBytes += prefix.utf8.count + value.utf8.count
    }

    /// No attribute may stand twice under two prefixes of one namespace, and all prefixes are bound, but for `xlink`.
    private func judge(_ attributes: [(name: String, value: String)], _ result: inout Resolved) throws(EdXMLFault) {
        var seen: Set<String> = []
        for attribute in attributes where attribute.name.utf8.contains(UInt8(ascii: ":")) {
            let parts = try Self.split(attribute.name)
            if parts.prefix == "xmlns" || parts.prefix == "xml" { continue }
            guard let namespace = namespace(of: parts.prefix) else {
                guard parts.prefix == "xlink" else {
                    throw EdXMLFault(
                        .notWellFormed, "The prefix \(quoted(String(parts.prefix))) is bound to no namespace.")
                }
                if !result.unbound.contains("xlink") { result.unbound.append("xlink") }
                continue
            }
            guard seen.insert("\(namespace) \(parts.local)").inserted else {
                throw EdXMLFault(.notWellFormed, "The attribute \(quoted(attribute.name)) stands twice.")
            }
        }
    }

    private func namespace(of prefix: Substring) -> String? {
        if prefix == "xml" { return Self.xml }
        if let binding = bindings.last(where: { $0.prefix == prefix }) { return binding.namespace }
        return prefix.isEmpty ? "" : nil
    }

    private static func split(_ name: String) throws(EdXMLFault) -> (prefix: Substring, local: Substring) {
        let parts = name.split(separator: ":", omittingEmptySubsequences: false)
        switch parts.count {
        case 1: return ("", parts[0])
        case 2 where !parts[0].isEmpty && !parts[1].isEmpty && parts[0] != "xmlns": return (parts[0], parts[1])
        case 2 where parts[0] == "xmlns" && !parts[1].isEmpty: return (parts[0], parts[1])
        default: throw EdXMLFault(.notWellFormed, "\(quoted(name)) is no name of an element or attribute.")
        }
    }
}
