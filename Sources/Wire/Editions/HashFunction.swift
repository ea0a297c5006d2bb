// HashFunction: the hash by which editions are named and proved, passed in: this module has none of its own. For the directory it is
// SHA-256.

import RelayModel

/// A hash that has begun. Of one thread.
public struct RunningHash {
    public let update: (UnsafeRawBufferPointer) -> Void
    /// To be called once.
    public let finish: () -> Digest

    public init(update: @escaping (UnsafeRawBufferPointer) -> Void, finish: @escaping () -> Digest) {
        self.update = update
        self.finish = finish
    }
}

public struct HashFunction: Sendable {
    public let begin: @Sendable () -> RunningHash

    public init(begin: @escaping @Sendable () -> RunningHash) { self.begin = begin }

    /// The hash of octets that are all there.
    public func hash(_ bytes: UnsafeRawBufferPointer) -> Digest {
        let running = begin()
        running.update(bytes)
        return running.finish()
    }
}

/// Counts rows and hashes them as the head does.
struct RowsHash {
    private let running: RunningHash
    private(set) var count = 0

    init(_ function: HashFunction) { running = function.begin() }

    mutating func add(_ row: UnsafeRawBufferPointer) {
        running.update(row)
        withUnsafeBytes(of: UInt8(ascii: "\n")) { running.update($0) }
        count += 1
    }

    func finish() -> Digest { running.finish() }
}
