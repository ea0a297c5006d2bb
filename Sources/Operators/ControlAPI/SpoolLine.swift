// SpoolLine: an agency that takes its documents from a directory, as answers of the control interface show it. A plain value.

public struct SpoolLine: Codable, Sendable, Hashable {
    public var agency: String
    /// Nil when none is configured any more, and something is still on its way.
    public var directory: String?
    /// Documents that are being written or moved.
    public var underWay: Int
    /// What was wrong at the last attempt.
    public var trouble: String?
    /// How many documents alone are in trouble; nil when the directory takes none at all, or nothing is wrong.
    public var stuck: Int?
    public var nextAttempt: Timestamp?
    /// True where what was in the inbox of a restored store is given to the directory by `restore release` only.
    public var waitsForRelease: Bool?

    public init(agency: String, directory: String?, underWay: Int, trouble: String?, nextAttempt: Timestamp?) {
        self.agency = agency
        self.directory = directory
        self.underWay = underWay
        self.trouble = trouble
        self.nextAttempt = nextAttempt
    }
}
