// BundleID: what names a bundle on the wire (RFC 9171, 4.2.7 and 4.3.1).

/// Source node and creation timestamp; a fragment also has an offset, which is kept apart (`PieceRange`), since all pieces
/// of one envelope share this ID.
public struct BundleID: Hashable, Sendable {
    public var source: EndpointID
    /// Milliseconds since 2000-01-01T00:00:00Z, or 0 when the source has no clock (RFC 9171, 4.2.6).
    public var creationTime: UInt64
    /// For sources of this make: store incarnation × 2^32 + a counter that is never reset (docs/protocol.md).
    public var sequence: UInt64

    public init(source: EndpointID, creationTime: UInt64, sequence: UInt64) {
        self.source = source
        self.creationTime = creationTime
        self.sequence = sequence
    }

    /// The store incarnation in the sequence number of a source of this make.
    /// The name of an anonymous bundle is no name (RFC 9171, 4.2.3; RFC 9758, 3.4.1): another one may have the same.
    public var isAnonymous: Bool { source == .none || source == .ipn(node: 0, service: 0) }
    public var incarnation: UInt32 { UInt32(truncatingIfNeeded: sequence >> 32) }
    /// The counter in the sequence number of a source of this make.
    public var counter: UInt32 { UInt32(truncatingIfNeeded: sequence) }
}

/// The name of an envelope as operators see and type it: `<node>-<incarnation>-<counter>` for sources of this make,
/// `<eid>@<creation time>.<sequence>` for others. It is the same on every node.
extension BundleID: CustomStringConvertible {
    public var description: String { envelopeName }

    public var envelopeName: String {
        if case .dtn = source, let node = source.node, node.endpoint == source, incarnation != 0 {
            return node.name + "-" + Base32.text(UInt64(incarnation)) + "-" + String(counter)
                + "@" + String(creationTime, radix: 36)
        }
        return source.text + "@" + String(creationTime) + "." + String(sequence)
    }

    /// Parses an envelope name, the inverse of `envelopeName`.
    public init?(envelopeName text: String) {
        guard let at = text.lastIndex(of: "@") else { return nil }
        let left = text[..<at]
        let right = text[text.index(after: at)...]
        if left.hasPrefix("dtn:") || left.hasPrefix("ipn:") {
            let parts = right.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 2, let time = UInt64(parts[0]), let sequence = UInt64(parts[1]),
                let source = EndpointID(text: String(left))
            else { return nil }
            self.init(source: source, creationTime: time, sequence: sequence)
            return
        }
        let parts = left.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 3, let counter = UInt32(parts[parts.count - 1]),
            let incarnation = Base32.number(String(parts[parts.count - 2])), incarnation <= UInt64(UInt32.max),
            let node = NodeID(name: parts.dropLast(2).joined(separator: "-")),
            let time = UInt64(right, radix: 36)
        else { return nil }
        self.init(source: node.endpoint, creationTime: time, sequence: incarnation << 32 | UInt64(counter))
    }
}

/// Crockford's base 32, so that an ID read over the telephone has no look-alike letters.
enum Base32 {
    private static let digits = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    static func text(_ number: UInt64) -> String {
        var rest = number
        var bytes: [UInt8] = []
        repeat {
            bytes.append(digits[Int(rest & 31)])
            rest >>= 5
        } while rest > 0
        return String(decoding: bytes.reversed(), as: UTF8.self)
    }

    static func number(_ text: String) -> UInt64? {
        guard !text.isEmpty, text.utf8.count <= 12 else { return nil }
        var result: UInt64 = 0
        for byte in text.utf8 {
            guard let digit = digits.firstIndex(of: byte) else { return nil }
            result = result << 5 | UInt64(digit)
        }
        return result
    }
}
