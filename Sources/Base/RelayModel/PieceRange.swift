// PieceRange, ExtentRange and EnvelopeKind: which bytes of which kind of envelope.

/// The part of a document that one transfer carries: all of it, or a piece (a fragment, RFC 9171, 5.8).
public struct PieceRange: Hashable, Sendable {
    public var offset: UInt64
    public var length: UInt64
    /// Octets of the whole document.
    public var total: UInt64
    /// Nil when the range does not lie within the total.
    public init?(offset: UInt64, length: UInt64, total: UInt64) {
        let (end, overflow) = offset.addingReportingOverflow(length)
        guard !overflow, end <= total else { return nil }
        self.offset = offset
        self.length = length
        self.total = total
    }
    public var end: UInt64 { offset + length }
    /// Our own pieces are cut on this grid (docs/protocol.md).
    public static let grid: UInt64 = 4 << 20
}

/// What kind of envelope it is; decides who answers how.
public enum EnvelopeKind: UInt8, Sendable {
    /// It has a document block: sender, recipients, digest.
    case document = 0
    /// An administrative record (RFC 9171, 6.1) on its way to another node.
    case administrative = 1
    /// Anything else: one destination, opaque.
    case foreign = 2
}

/// A run of bytes of one extent of the chunk table.
public struct ExtentRange: Hashable, Sendable {
    public var extent: UInt64
    public var offset: UInt64
    public var length: UInt64
    public init(extent: UInt64, offset: UInt64, length: UInt64) {
        self.extent = extent
        self.offset = offset
        self.length = length
    }
}
