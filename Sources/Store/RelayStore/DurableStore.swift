// DurableStore: what the engine and the simulator see of a store: one writer that works in batches, and readers beside
// it. LMDBStore is the daemon's body of it; MemoryStore the simulator's.

import RelayRows

/// How a batch ended. The effects that the batch decided on can only be taken out of a result that says that the rows
/// which justify them are on disk, or that there was nothing to write: no acknowledgement can go out early.
public enum CommitResult<Effects> {
    /// All changes are on disk.
    case durable(Effects)
    /// The batch changed nothing, and nothing was written.
    case unchanged(Effects)
    /// There was no room. Nothing has changed; what the batch decided is gone with it.
    case full(String)
    /// It is not known what is on disk, or the store is damaged. The process has to stop: nothing more can be promised.
    case fatal(String)

    /// The effects, when they may be released.
    public var released: Effects? {
        switch self {
        case .durable(let effects), .unchanged(let effects): effects
        case .full, .fatal: nil
        }
    }

    public func map<Other>(_ transform: (Effects) -> Other) -> CommitResult<Other> {
        switch self {
        case .durable(let effects): .durable(transform(effects))
        case .unchanged(let effects): .unchanged(transform(effects))
        case .full(let sentence): .full(sentence)
        case .fatal(let sentence): .fatal(sentence)
        }
    }
}

extension CommitResult: Sendable where Effects: Sendable {}

/// A transaction that knows how much it has changed.
public protocol StoreTransaction: RowTransaction {
    /// Bytes of keys and values written.
    var bytesChanged: UInt64 { get }
    /// Rows written and rows removed.
    var rowsChanged: UInt64 { get }
    /// The most pages that a row of payload may take: as many as surely lie free side by side.
    var chunkPages: Int { get set }
}

extension StoreTransaction {
    /// True when the batch should take no more events: what is left waits for the next one.
    public var isLarge: Bool { bytesChanged >= BatchLimits.bytes || rowsChanged >= BatchLimits.rows }
}

public protocol DurableStore: AnyObject {
    /// Runs `body` in one write transaction and makes its changes durable before its effects can be had. One batch at a
    /// time.
    func batch<Effects>(_ body: (any StoreTransaction) -> Effects) -> CommitResult<Effects>

    /// Runs `body` on a snapshot of the last commit. The snapshot keeps pages from being used again: keep it short.
    func read<Result>(_ body: (any RowReader) -> Result) throws(StoreFailure) -> Result

    /// As of the last batch.
    var headRoom: HeadRoom { get }
}
