// OutcomeWords: what a pair's outcome is called, what operators select by it, and under which cause bad ones are counted. Values.

extension ReportedState {
    /// An end that nobody wanted, or a delay.
    public var isBadOutcome: Bool {
        switch self {
        case .refused, .expired, .deleted, .delayed: true
        case .arrived, .delivered: false
        }
    }

    public static let badOutcomes: [ReportedState] = [.refused, .expired, .deleted, .delayed]
}

/// What `--outcome` may say.
public enum OutcomeChoice: String, Sendable, Hashable, CaseIterable {
    /// Not delivered, as far as is known here, for whatever reason.
    case undelivered
    case delayed, refused, expired, deleted, delivered

    /// `state`: nil where nothing has been heard.
    public func means(_ state: ReportedState?) -> Bool {
        switch self {
        case .undelivered: state != .delivered
        case .delayed: state == .delayed
        case .refused: state == .refused
        case .expired: state == .expired
        case .deleted: state == .deleted
        case .delivered: state == .delivered
        }
    }
}

/// Why outcomes are bad: what they are counted and grouped by. Reasons come from others: those that are not known here count as one.
public struct OutcomeCause: Sendable, Hashable, Comparable {
    public let state: ReportedState
    public let reason: ReportReason

    public init?(_ state: ReportedState, _ reason: ReportReason) {
        guard state.isBadOutcome else { return nil }
        self.state = state
        self.reason = Self.reasons.contains(reason) ? reason : .none
    }

    private static let reasons =
        (0...11).map { ReportReason(rawValue: $0) } + (65_536...65_560).map { ReportReason(rawValue: $0) }

    public static var all: [OutcomeCause] {
        ReportedState.badOutcomes.flatMap { state in reasons.compactMap { OutcomeCause(state, $0) } }
    }

    /// `expired-1`: as counters and commands name it.
    public var code: String { "\(state)-\(reason.rawValue)" }

    public init?(code: String) {
        let parts = code.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = UInt64(parts[1]),
            let state = ReportedState.badOutcomes.first(where: { String(describing: $0) == parts[0] }),
            Self.reasons.contains(ReportReason(rawValue: number))
        else { return nil }
        self.state = state
        reason = ReportReason(rawValue: number)
    }

    public static func < (left: OutcomeCause, right: OutcomeCause) -> Bool {
        (left.state.rawValue, left.reason.rawValue) < (right.state.rawValue, right.reason.rawValue)
    }
}
