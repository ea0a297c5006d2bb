// ReloadAnswer: what came of reading the configuration anew. Plain values.

/// POST /v1/reload
public struct ReloadAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    /// False: the old configuration stays.
    public var isApplied: Bool
    /// What changed, or why nothing did; one line each.
    public var lines: [String]
    public init(isApplied: Bool, lines: [String]) {
        self.isApplied = isApplied
        self.lines = lines
    }
}
