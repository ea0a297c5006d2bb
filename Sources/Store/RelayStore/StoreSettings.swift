// StoreSettings: what a store is opened with. A value; every field has a default but the node.

public struct StoreSettings: Hashable, Sendable {
    /// The node that the store belongs to. A store that another node wrote is refused.
    public var node: String
    /// The most that the data file can grow to. It costs address space only, but no store can outgrow it while open.
    public var mapBytes: UInt64 = 16 << 30
    /// The data file grows by this much at a time, with its blocks allocated: a commit that extends the file is several
    /// times slower, and one that finds the disk full has to be thrown away.
    public var growthBytes: UInt64 = 64 << 20
    /// Allocated and unused bytes that the file has at its end before a batch begins, as long as the disk has them:
    /// more than a batch of the largest size can dirty.
    public var aheadBytes: UInt64 = 32 << 20
    /// Bytes of the map that admission leaves free so that a full store can be drained: deleting needs pages too.
    /// Nil: 2 % of the map, at least 64 MiB.
    public var reserveBytes: UInt64?
    /// Bytes of the disk kept in a file of their own for the same purpose, against other programs that fill the disk.
    /// Nil: as much as the reserve, because a drain can use no more.
    public var ballastBytes: UInt64?
    /// How long the file may be looked through before it is mapped; what was not seen by then is seen by the next verification.
    public var lookMilliseconds: UInt64 = 700
    /// Read transactions that can be open at a time; further readers wait.
    public var readers: Int = 4

    public init(node: String) { self.node = node }

    static let leastReserveBytes: UInt64 = 64 << 20

    public var effectiveReserveBytes: UInt64 { reserveBytes ?? max(mapBytes / 50, Self.leastReserveBytes) }
    public var effectiveBallastBytes: UInt64 { ballastBytes ?? effectiveReserveBytes }
}

/// How much one batch may change. The engine stops taking events into a batch that `isLarge`; the store takes what it
/// gets.
public enum BatchLimits {
    public static let bytes: UInt64 = 16 << 20
    public static let rows: UInt64 = 4096
}
