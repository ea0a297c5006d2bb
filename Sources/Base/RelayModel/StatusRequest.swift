// StatusRequest: which RFC status reports a foreign bundle asks for (RFC 9171, 4.2.3), each by itself. A value; it cannot fail.

public struct StatusRequest: OptionSet, Hashable, Sendable {
    public var rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let received = StatusRequest(rawValue: 1)
    public static let forwarded = StatusRequest(rawValue: 2)
    public static let delivered = StatusRequest(rawValue: 4)
    public static let deleted = StatusRequest(rawValue: 8)
    /// With the time of what is reported; asks for no report by itself.
    public static let time = StatusRequest(rawValue: 16)

    public static let reports: StatusRequest = [.received, .forwarded, .delivered, .deleted]
    public var asksForReports: Bool { !isDisjoint(with: .reports) }
}

/// One assertion about one bundle, which may be a fragment.
public struct StatusNote: Sendable, Hashable {
    public var bundle: BundleID
    /// Of a fragment: its place in the whole.
    public var piece: PieceRange?
    /// One of the four.
    public var status: StatusRequest
    /// Nil unless it was asked for.
    public var time: WallTime?
    public var reason: ReportReason
    public init(bundle: BundleID, piece: PieceRange?, status: StatusRequest, time: WallTime?, reason: ReportReason) {
        self.bundle = bundle
        self.piece = piece
        self.status = status
        self.time = time
        self.reason = reason
    }
}
