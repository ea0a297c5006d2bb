// NumbersRow: the highest counter of one incarnation of a node: given, where it is this node's own; taken, where it is a neighbour's.

import RelayModel

public struct NumbersRow: Sendable, Hashable {
    public var counter: UInt32
    /// When the bundle with that counter was made, by its maker's clock; zero where that is not known.
    public var created: UInt64
    /// When this row was written.
    public var changed: RelayTime

    public init(counter: UInt32, created: UInt64, changed: RelayTime) {
        self.counter = counter
        self.created = created
        self.changed = changed
    }

    public func encoded() -> [UInt8] {
        var out = RowWriter(capacity: 32)
        out.number(UInt64(counter))
        out.number(created)
        out.number(changed.milliseconds)
        return out.record()
    }

    public init?(record: UnsafeRawBufferPointer) {
        guard var row = RowCursor(record) else { return nil }
        let counter = row.number()
        self.init(
            counter: UInt32(clamping: counter), created: row.number(),
            changed: RelayTime(milliseconds: row.number()))
        guard row.isSound, counter <= UInt64(UInt32.max) else { return nil }
    }
}
