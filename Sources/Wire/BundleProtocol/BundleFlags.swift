// BundleFlags: the two sets of processing control flags (RFC 9171, 4.2.3 and 4.2.4). Bits that are not known here are
// kept and ignored, as both clauses demand.

/// Bundle processing control flags (RFC 9171, 4.2.3).
public struct BundleFlags: OptionSet, Hashable, Sendable {
    public var rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let isFragment = BundleFlags(rawValue: 0x000001)
    public static let isAdministrativeRecord = BundleFlags(rawValue: 0x000002)
    public static let mustNotBeFragmented = BundleFlags(rawValue: 0x000004)
    public static let acknowledgementRequested = BundleFlags(rawValue: 0x000020)
    public static let statusTimeRequested = BundleFlags(rawValue: 0x000040)
    public static let reportReception = BundleFlags(rawValue: 0x004000)
    public static let reportForwarding = BundleFlags(rawValue: 0x010000)
    public static let reportDelivery = BundleFlags(rawValue: 0x020000)
    public static let reportDeletion = BundleFlags(rawValue: 0x040000)

    /// All four requests for status reports.
    public static let reports: BundleFlags = [.reportReception, .reportForwarding, .reportDelivery, .reportDeletion]
}

/// Block processing control flags (RFC 9171, 4.2.4).
public struct BlockFlags: OptionSet, Hashable, Sendable {
    public var rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let mustBeReplicated = BlockFlags(rawValue: 0x01)
    public static let reportIfUnprocessed = BlockFlags(rawValue: 0x02)
    public static let deleteBundleIfUnprocessed = BlockFlags(rawValue: 0x04)
    public static let discardIfUnprocessed = BlockFlags(rawValue: 0x10)
}
