// SessionTimers: when the next thing is due that no octet from the peer brings about.
// Owned by SessionMachine, on its thread; knows times and intervals, decides nothing. Cannot fail.

struct SessionTimers {
    /// What can be due.
    enum Due: CaseIterable {
        case contactOver
        case terminationOver
        case peerSilent
        case answersOverdue
        case transferStalled
        case sessionIdle
        case keepalive
    }

    /// The end of making contact, all steps together; nil once established.
    var contactEnds: UInt64?
    /// Set by the first SESS_TERM.
    var terminationEnds: UInt64?

    /// In milliseconds; 0 is off.
    var keepaliveInterval: UInt64 = 0
    /// The last time anything was written, came, any message but KEEPALIVE went or came; `lastProgress`: a segment of the oldest
    /// transfer that is not answered went, or an answer to it came. Traffic behind one that a peer has forgotten does not count.
    var lastSent: UInt64 = 0
    var lastReceived: UInt64 = 0
    var lastActivity: UInt64 = 0
    var lastProgress: UInt64 = 0
    /// The last time octets of a transfer came.
    var lastData: UInt64 = 0

    /// The session's side of the conditions; the machine fills it in before it asks.
    struct Conditions {
        var isEstablished: Bool
        var isReading: Bool
        var isIdle: Bool
        var peerOwesAnswers: Bool
        /// A transfer has begun to come and has not ended.
        var isReceiving: Bool
        var idleTimeout: UInt64
        var answerTimeout: UInt64
    }

    /// When `due` is due under these conditions; nil for never.
    func time(of due: Due, _ conditions: Conditions) -> UInt64? {
        switch due {
        case .contactOver:
            return contactEnds
        case .terminationOver:
            return terminationEnds
        case .peerSilent:
            // RFC 9174, 5.1.1: no shorter than twice the interval. 2.5 forgives one late KEEPALIVE. Any octet counts as
            // life. Who does not read cannot know.
            guard conditions.isEstablished, conditions.isReading, keepaliveInterval > 0 else { return nil }
            return Self.sum(lastReceived, keepaliveInterval / 2 * 5)
        case .answersOverdue:
            guard conditions.isReading, conditions.peerOwesAnswers, conditions.answerTimeout > 0 else { return nil }
            return Self.sum(lastProgress, conditions.answerTimeout)
        case .transferStalled:
            // What has begun is promised room; a peer that keeps alive and sends nothing more of it would keep that for ever.
            guard conditions.isReading, conditions.isReceiving, conditions.answerTimeout > 0 else { return nil }
            return Self.sum(lastData, conditions.answerTimeout)
        case .sessionIdle:
            guard conditions.isEstablished, conditions.isIdle, conditions.idleTimeout > 0 else { return nil }
            return Self.sum(lastActivity, conditions.idleTimeout)
        case .keepalive:
            // RFC 9174, 5.1.1: a KEEPALIVE whenever the interval has elapsed with no transmission of any message.
            guard conditions.isEstablished, keepaliveInterval > 0 else { return nil }
            return Self.sum(lastSent, keepaliveInterval)
        }
    }

    func next(_ conditions: Conditions) -> UInt64? {
        Due.allCases.compactMap { time(of: $0, conditions) }.min()
    }

    /// Saturating, because configured times can be any number.
    static func sum(_ time: UInt64, _ span: UInt64) -> UInt64 {
        let (sum, overflow) = time.addingReportingOverflow(span)
        return overflow ? .max : sum
    }
}
