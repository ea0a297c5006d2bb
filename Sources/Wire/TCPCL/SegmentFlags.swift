// SegmentFlags: the flags of XFER_SEGMENT and XFER_ACK (RFC 9174, 5.2.2 and 5.2.3). A value; cannot fail.

/// START and END, with whatever other bits came: an acknowledgement echoes all of them.
public struct SegmentFlags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The last segment of the transfer.
    public static let end = SegmentFlags(rawValue: 0x01)
    /// The first segment of the transfer.
    public static let start = SegmentFlags(rawValue: 0x02)
}
