// EndpointID: the name of a bundle endpoint (RFC 9171, 4.2.5.1). A value, no I/O, no Foundation.
// Fails by returning nil from `init?(text:)`; never traps on what a peer sent.

/// A bundle endpoint ID of the `dtn` (RFC 9171, 4.2.5.1.1) or `ipn` scheme (RFC 9171, 4.2.5.1.2).
///
/// The `dtn` case keeps the scheme-specific part without the leading `//`, exactly as it was received, because EIDs in a
/// relayed bundle never change.
public enum EndpointID: Hashable, Sendable {
    /// `dtn:none`, the null endpoint.
    case none
    /// `dtn://<authority-and-path>`; the text after the two slashes, for example `hcm/` or `H29/edoc`.
    case dtn(String)
    /// `ipn:<node>.<service>`.
    case ipn(node: UInt64, service: UInt64)

    /// The longest EID text, in bytes, that this program takes from a peer.
    public static let textBytesMax = 1_023

    /// Parses the URI form: `dtn:none`, `dtn://name/...`, `ipn:N.M`.
    public init?(text: String) {
        guard text.utf8.count <= Self.textBytesMax else { return nil }
        if text == "dtn:none" {
            self = .none
        } else if text.utf8.starts(with: "dtn://".utf8) {
            let rest = String(text[text.utf8.index(text.startIndex, offsetBy: 6)...])
            guard Self.isValidSpecificPart(rest) else { return nil }
            self = .dtn(rest)
        } else if text.hasPrefix("ipn:") {
            let parts = text.dropFirst(4).split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 2, let node = Self.decimal(parts[0]), let service = Self.decimal(parts[1]) else {
                return nil
            }
            self = .ipn(node: node, service: service)
        } else {
            return nil
        }
    }

    /// A `dtn` endpoint by the octets of its specific part without the two slashes; nil where they are not such a part.
    public init?(specificPart octets: UnsafeRawBufferPointer) {
        guard Self.isValidSpecificPart(octets) else { return nil }
        self = .dtn(String(decoding: octets, as: UTF8.self))
    }

    /// The URI form.
    public var text: String {
        switch self {
        case .none: "dtn:none"
        case .dtn(let rest): "dtn://" + rest
        case .ipn(let node, let service): "ipn:\(node).\(service)"
        }
    }

    /// At least as many as `text` has.
    var textOctetsAtMost: Int { if case .dtn(let rest) = self { 6 + rest.utf8.count } else { 48 } }

    /// The node that this endpoint belongs to: `dtn://<authority>/` or `ipn:N.0`; nil for the null endpoint.
    public var node: NodeID? {
        switch self {
        case .none: nil
        case .dtn(let rest): NodeID(specificPart: rest)
        case .ipn(let node, _): NodeID(ipn: node)
        }
    }

    /// True for a `dtn` specific part that is printable ASCII without spaces and has an authority (RFC 3986 characters).
    static func isValidSpecificPart(_ rest: String) -> Bool {
        var rest = rest
        return rest.withUTF8 { isValidSpecificPart(UnsafeRawBufferPointer($0)) }
    }

    private static func isValidSpecificPart(_ octets: UnsafeRawBufferPointer) -> Bool {
        guard let first = octets.first, first != UInt8(ascii: "/") else { return false }
        return octets.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    }

    private static func decimal(_ digits: Substring) -> UInt64? {
        guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return UInt64(digits)
    }
}

extension EndpointID: CustomStringConvertible {
    public var description: String { text }
}
