// TerminationReason: why a session ends (RFC 9174, 6.1). A value; cannot fail.

/// The reason code of SESS_TERM. A struct, because a peer may send codes that no table knows yet.
public struct TerminationReason: Hashable, Sendable {
    public let code: UInt8

    public init(code: UInt8) { self.code = code }

    public static let unknown = TerminationReason(code: 0x00)
    public static let idleTimeout = TerminationReason(code: 0x01)
    public static let versionMismatch = TerminationReason(code: 0x02)
    public static let busy = TerminationReason(code: 0x03)
    public static let contactFailure = TerminationReason(code: 0x04)
    public static let resourceExhaustion = TerminationReason(code: 0x05)
    /// Of private use (0xf0 to 0xff): another one with the peer's identity has a session. Sent to who understands it only.
    public static let identityTwice = TerminationReason(code: 0xf1)
}

extension TerminationReason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknown: "unknown"
        case .idleTimeout: "idle timeout"
        case .versionMismatch: "version mismatch"
        case .busy: "busy"
        case .contactFailure: "contact failure"
        case .resourceExhaustion: "resource exhaustion"
        case .identityTwice: "another one with this identity has a session"
        // RFC 9174, 6.1: a reason that cannot be decoded is treated as unknown.
        default: "unknown (code \(code))"
        }
    }
}
