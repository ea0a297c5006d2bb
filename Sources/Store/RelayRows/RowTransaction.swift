// RowReader and RowTransaction: the border between the decisions and their durability. The LMDB store and the simulator's
// memory store are two bodies of it. Nothing here does I/O by itself.

/// A consistent view of the store. Used on one thread; never kept beyond the closure that it was handed to.
public protocol RowReader: AnyObject {
    /// The value of a key, or nil. The bytes are valid until the next change or the end of the view.
    func value(_ table: Table, _ key: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer?

    /// The first row whose key is `key` or greater, or nil at the end of the table. Same validity as `value`.
    func row(_ table: Table, atOrAfter key: UnsafeRawBufferPointer) -> (
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    )?

    /// The last row whose key is less than `key`, or nil. Same validity as `value`.
    func row(_ table: Table, before key: UnsafeRawBufferPointer) -> (
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    )?

    /// Rows from `key` upward until the table ends or the body answers false. The body must not change the store.
    func scan(
        _ table: Table, from key: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool)

    /// How many rows a table has.
    func count(_ table: Table) -> UInt64

    /// Tables in which this view has met a key out of its order, or a row under a key that it was not written under. Such a row of a
    /// table of markers is passed over; a record comes as bytes that cannot be read.
    var damagedTables: TableSet { get }
}

extension RowReader {
    public var damagedTables: TableSet { TableSet() }
}

/// A view that can be changed. All changes of one transaction become durable together or not at all.
///
/// A change that the store cannot take (map or disk full, I/O error) is remembered; later changes do nothing, and the commit
/// fails. The decisions are then thrown away with the transaction, so no caller has to handle the error at each row.
public protocol RowTransaction: RowReader {
    /// Writes a row, replacing one with the same key.
    func put(_ table: Table, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer)

    /// Writes a row of `count` bytes that `fill` writes in place (all of them).
    func put(
        _ table: Table, _ key: UnsafeRawBufferPointer, count: Int, fill: (UnsafeMutableRawBufferPointer) -> Void)

    /// Removes a row; true when there was one.
    @discardableResult
    func delete(_ table: Table, _ key: UnsafeRawBufferPointer) -> Bool

    /// True once a change could not be taken.
    var isFailed: Bool { get }

    /// Brings each row of a table to where look-ups find it, and takes out what was not written under its key (records go to
    /// `corrupt`). False where the body of the store cannot.
    func mend(_ table: Table) -> Bool

    /// The most pages that a row of payload may take now: so many lie free side by side.
    var chunkPages: Int { get }
}

extension RowTransaction {
    public func mend(_ table: Table) -> Bool { false }
    public var chunkPages: Int { .max }
}

/// A program outside of the daemon that has been reading its store from one snapshot.
public struct OldReader: Sendable, Hashable {
    public var process: Int32
    public var seconds: UInt64
    public init(process: Int32, seconds: UInt64) {
        self.process = process
        self.seconds = seconds
    }
}

/// How much the store can still take, read once a batch.
public struct HeadRoom: Sendable, Hashable {
    /// Bytes that the map (or, if less, the disk below it) can still take, free pages inside the file included.
    public var freeBytes: UInt64
    /// Bytes that only commits which accept nothing may use.
    public var reserveBytes: UInt64
    /// Bytes of the file in use by rows.
    public var usedBytes: UInt64
    /// True when a batch may meet pages that are free and do not lie side by side, and may fail for that.
    public var isTight = false
    /// Bytes of the longest run of free pages that one row can have.
    public var longestRunBytes: UInt64 = .max
    /// Bytes that are free and cannot be used yet, because a snapshot is open that is older.
    public var pinnedBytes: UInt64 = 0
    /// The oldest snapshot that another program has open, once it is old.
    public var oldReader: OldReader?
    public init(freeBytes: UInt64, reserveBytes: UInt64, usedBytes: UInt64) {
        self.freeBytes = freeBytes
        self.reserveBytes = reserveBytes
        self.usedBytes = usedBytes
    }
    /// Chunk rows that one commit may remove: LMDB notes the pages that it frees in one record, eight bytes a page, which itself
    /// takes pages side by side.
    public var removalsMax: Int {
        let noted = longestRunBytes / 8
        return max(8, Int(clamping: noted / UInt64(ChunkLayout.standard.pages) / 2))
    }
    /// What admission may still promise.
    public var acceptableBytes: UInt64 { freeBytes > reserveBytes ? freeBytes - reserveBytes : 0 }
}
