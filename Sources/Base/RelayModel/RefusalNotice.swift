// RefusalNotice: what a node that refuses envelopes says of it to the neighbour that offered them, and that one to the one before, up to
// the node where they were handed in (docs/protocol.md, "The refusal record"). It changes no custody: the envelopes wait where they
// are, and whoever can mend the cause hears of it before they end. A value; what is read of a peer is bounded where it is read.

public struct RefusalNotice: Hashable, Sendable {
    /// Who refuses.
    public var refuser: NodeID
    /// RefusalCode; a number that is not known here is kept as it is.
    public var cause: UInt64
    /// Which envelopes: 1 to 100.
    public var bundles: [BundleID]

    public init(refuser: NodeID, cause: UInt64, bundles: [BundleID]) {
        self.refuser = refuser
        self.cause = cause
        self.bundles = bundles
    }

    public static let bundlesMax = 100
}
