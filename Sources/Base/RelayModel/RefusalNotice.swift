// RefusalNotice: what a node that refuses envelopes says of it to the neighbour that offered them, and that one to the one before, up to
// the node where they were handed in (docs/protocol.md, "The refusal record"). It changes no custody: the envelopes wait where they
// are, and whoever can mend the cause hears of it before they end. A value; what is read of a peer is bounded where it is read.

public struct RefusalNotice: Hashable, Sendable {
    /// Who refuses.
    public var refuser: NodeID
    /// RefusalCode; a number that is not known here is kept as it is.
    public var cause: UInt64
    /// 1 to 100.
    public var names: [Name]

    /// An envelope, and the recipients whose copies were refused.
    public struct Name: Hashable, Sendable {
        public var bundle: BundleID
        /// At least one.
        public var recipients: [AgencyCode]

        public init(_ bundle: BundleID, _ recipients: [AgencyCode]) {
            self.bundle = bundle
            self.recipients = recipients
        }
    }

    public init(refuser: NodeID, cause: UInt64, names: [Name]) {
        self.refuser = refuser
        self.cause = cause
        self.names = names
    }

    public static let namesMax = 100
    /// Of all names together.
    public static let recipientsMax = 2_000
}
