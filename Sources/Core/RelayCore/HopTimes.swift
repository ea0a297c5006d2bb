// HopTimes: how long copies took to the next hop, since the engine was built. Kept by the thread that decides, so an envelope costs two
// additions and no lock; monitors read it by a question. Not durable: a monitor knows how to go on after a restart.

import RelayModel

public struct HopTimes: Sendable {
    /// From acceptance here to the answer that took it, by urgency.
    public private(set) var hops: [TimeHistogram] = Array(repeating: .ofHops, count: Urgency.allCases.count)
    /// From the decision to send to an answer that took it, of each transfer.
    public private(set) var answers = TimeHistogram.ofAnswers

    /// A transfer was taken.
    mutating func answered(decided: RelayTime, now: RelayTime) { answers.add(now.since(decided)) }

    /// The next hop has a whole envelope.
    mutating func forwarded(urgency: Urgency, accepted: RelayTime, now: RelayTime) {
        hops[Int(urgency.rawValue)].add(now.since(accepted))
    }
}
