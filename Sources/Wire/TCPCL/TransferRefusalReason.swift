// TransferRefusalReason: why a receiver did not take a transfer (RFC 9174, 5.2.4). A value; cannot fail.

/// The reason code of XFER_REFUSE. A struct, because a peer may send codes that no table knows yet.
public struct TransferRefusalReason: Hashable, Sendable {
    public let code: UInt8

    public init(code: UInt8) { self.code = code }

    public static let unknown = TransferRefusalReason(code: 0x00)
    /// The receiver has the complete bundle already.
    public static let completed = TransferRefusalReason(code: 0x01)
    public static let noResources = TransferRefusalReason(code: 0x02)
    /// The bundle must be sent again from its beginning.
    public static let retransmit = TransferRefusalReason(code: 0x03)
    /// The same bundle need not be tried again here.
    public static let notAcceptable = TransferRefusalReason(code: 0x04)
    public static let extensionFailure = TransferRefusalReason(code: 0x05)
    public static let sessionTerminating = TransferRefusalReason(code: 0x06)
}

extension TransferRefusalReason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknown: "unknown"
        case .completed: "completed"
        case .noResources: "no resources"
        case .retransmit: "retransmit"
        case .notAcceptable: "not acceptable"
        case .extensionFailure: "extension failure"
        case .sessionTerminating: "session terminating"
        // RFC 9174, 5.2.4: a reason that cannot be decoded is treated as unknown.
        default: "unknown (code \(code))"
        }
    }
}
