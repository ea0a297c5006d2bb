// RejectionReason: why a whole message was rejected (RFC 9174, 5.1.2). A value; cannot fail.

/// The reason code of MSG_REJECT. A struct, because a peer may send codes that no table knows yet.
public struct RejectionReason: Hashable, Sendable {
    public let code: UInt8

    public init(code: UInt8) { self.code = code }

    public static let typeUnknown = RejectionReason(code: 0x01)
    public static let unsupported = RejectionReason(code: 0x02)
    public static let unexpected = RejectionReason(code: 0x03)

    /// True for the codes of the RFC's table.
    public var isAssigned: Bool { (0x01...0x03).contains(code) }
}

extension RejectionReason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .typeUnknown: "message type unknown"
        case .unsupported: "message unsupported"
        case .unexpected: "message unexpected"
        default: "unknown (code \(code))"
        }
    }
}
