// TransferID: the number of a transfer, unique within one session and direction (RFC 9174, 5.2.1). A value; cannot fail.

/// A transfer ID. The IDs of the two directions of a session have nothing to do with each other.
public struct TransferID: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let rawValue: UInt64

    public init(_ rawValue: UInt64) { self.rawValue = rawValue }

    public static func < (left: TransferID, right: TransferID) -> Bool { left.rawValue < right.rawValue }

    public var description: String { String(rawValue) }
}
