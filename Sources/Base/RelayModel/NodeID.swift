// NodeID: the name of a node, which is also the EID of its administrative endpoint (RFC 9171, 4.2.5.2).

/// The identity of a node: `dtn://<name>/` or `ipn:<number>.0`.
public struct NodeID: Hashable, Sendable, Comparable {
    /// The EID of the node's administrative endpoint.
    public let endpoint: EndpointID

    /// The longest node name in bytes.
    public static let nameBytesMax = 255

    /// The node of a `dtn` endpoint's specific part: what stands before its first slash. An administrative endpoint's text is shared.
    init?(specificPart part: String) {
        var part = part
        let named: (count: Int, isWhole: Bool)? = part.withUTF8 { bytes in
            let count = bytes.firstIndex(of: UInt8(ascii: "/")) ?? bytes.count
            guard (1...Self.nameBytesMax).contains(count), bytes[..<count].allSatisfy(Self.isNameByte) else {
                return nil
            }
            return (count, count + 1 == bytes.count)
        }
        guard let named else { return nil }
        endpoint = .dtn(
            named.isWhole ? part : part[..<part.utf8.index(part.startIndex, offsetBy: named.count)] + "/")
    }

    /// A `dtn` node by its name: `vpcp` becomes `dtn://vpcp/`. Nil unless the name is 1...255 of `a-z A-Z 0-9 . _ - ~`.
    public init?(name: String) {
        guard !name.isEmpty, name.utf8.count <= Self.nameBytesMax, name.utf8.allSatisfy(Self.isNameByte) else {
            return nil
        }
        endpoint = .dtn(name + "/")
    }

    /// An `ipn` node by its number.
    public init(ipn number: UInt64) {
        endpoint = .ipn(node: number, service: 0)
    }

    /// Parses a node ID in URI form; the endpoint must be an administrative one (`dtn://name/`, `ipn:N.0`).
    public init?(text: String) {
        guard let endpoint = EndpointID(text: text), let node = endpoint.node, node.endpoint == endpoint else {
            return nil
        }
        self = node
    }

    /// The short name: `vpcp` of `dtn://vpcp/`, `ipn:7` of `ipn:7.0`. What tables and logs show.
    public var name: String {
        switch endpoint {
        case .none: "none"
        case .dtn(let rest): String(rest[..<rest.utf8.index(before: rest.endIndex)])
        case .ipn(let number, _): "ipn:\(number)"
        }
    }

    /// The node with this short name, the inverse of `name`.
    public init?(shortName: String) {
        if shortName.hasPrefix("ipn:") {
            guard let number = UInt64(shortName.dropFirst(4)) else { return nil }
            self.init(ipn: number)
        } else {
            self.init(name: shortName)
        }
    }

    /// The URI form.
    public var text: String { endpoint.text }

    public static func < (left: NodeID, right: NodeID) -> Bool { left.text < right.text }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}

extension NodeID: CustomStringConvertible {
    public var description: String { name }
}
