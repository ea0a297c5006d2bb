// ReloadAnswer: what came of reading the configuration anew. Plain values.

/// POST /v1/reload
public struct ReloadAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    /// False: the old configuration stays.
    public var isApplied: Bool
    /// What changed, or why nothing did; one line each.
    public var lines: [String]
    /// True: nothing was changed, and `isApplied` says whether it would be.
    public var isDry: Bool?
    public init(isApplied: Bool, lines: [String], isDry: Bool? = nil) {
        self.isDry = isDry
        self.isApplied = isApplied
        self.lines = lines
    }
}
