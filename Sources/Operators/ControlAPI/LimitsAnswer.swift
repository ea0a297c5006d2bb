// LimitsAnswer: every bound of a node, how close it is, and which ones bind now. Plain values.

/// GET /v1/limits
public struct LimitsAnswer: ControlAnswer {
    public var schema = ControlPath.schema
    public var now: Timestamp
    /// The closest first among those that are used at all; then the others.
    public var limits: [Limit]

    public struct Limit: Codable, Sendable, Hashable {
        public var name: String
        /// The key of edocd.yaml, or `built in`.
        public var setting: String
        /// count, bytes or milliseconds.
        public var unit: String
        public var value: UInt64
        /// Nil where nothing is used up: a bound on each single thing.
        public var used: UInt64?
        /// True when something is refused or waits at this moment because of it.
        public var binds: Bool
        /// What happens at the bound.
        public var effect: String

        public init(
            name: String, setting: String, unit: String, value: UInt64, used: UInt64?, binds: Bool, effect: String
        ) {
            self.name = name
            self.setting = setting
            self.unit = unit
            self.value = value
            self.used = used
            self.binds = binds
            self.effect = effect
        }

        /// How much of it is used, in hundredths; rounded down.
        public var percent: UInt64? {
            guard let used, value > 0 else { return nil }
            let (product, overflow) = used.multipliedReportingOverflow(by: 100)
            return overflow ? used / max(value / 100, 1) : product / value
        }
    }

    public init(now: Timestamp, limits: [Limit]) {
        self.now = now
        self.limits = limits
    }
}
