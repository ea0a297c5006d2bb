// LinkMeter: how fast the peer acknowledges what is sent on one session, and since when it has acknowledged nothing. A value;
// times and octets in, figures out; owned by a conversation, on its thread. Cannot fail: before anything is measured it says so.
//
// A sample is what was acknowledged while there was more to send, over at least `sampleTime`. When there was not, the link was
// not the bound: such a sample can only raise the figure.

import RelayModel

struct LinkMeter {
    static let sampleTime = Milliseconds(250)
    /// Taken for granted until something is measured: a modem's.
    static let assumedBytesPerSecond: UInt64 = 4_096
    /// Segments before anything is measured, and the smallest ever.
    static let firstSegmentBytes = 8_192
    static let segmentBytesMin = 4_096
    /// A session that takes no longer for a segment hides nothing behind it.
    static let segmentTime = Milliseconds(250)

    /// Octets a second; nil until something was acknowledged.
    private(set) var bytesPerSecond: UInt64?
    /// At least one sample was the link's own.
    private(set) var isProven = false
    /// The quickest acknowledgement of what was sent on a link without anything under way: the way there and back, about.
    private(set) var quickest: Milliseconds?
    /// Since when something is under way and nothing was acknowledged.
    private(set) var quietSince = RelayTime.zero

    private var sampleBegan: RelayTime?
    private var sampleBytes: UInt64 = 0
    private var wasStarved = false
    private var aloneSince: RelayTime?

    /// Octets went; `before`: under way already.
    mutating func sent(before: UInt64, now: RelayTime) {
        guard before == 0 else {
            aloneSince = nil
            return
        }
        quietSince = now
        aloneSince = now
        if sampleBegan == nil {
            sampleBegan = now
            sampleBytes = 0
            wasStarved = false
        }
    }

    /// There was nothing more to send: the link waits for us.
    mutating func starved() { wasStarved = true }

    /// The peer has acknowledged; `left`: still under way.
    mutating func acknowledged(_ bytes: UInt64, left: UInt64, now: RelayTime) {
        quietSince = now
        if let alone = aloneSince, bytes > 0 {
            let span = max(now.since(alone), Milliseconds(1))
            quickest = min(quickest ?? span, span)
            aloneSince = nil
        }
        guard let began = sampleBegan else { return }
        sampleBytes = sampleBytes.saturatingPlus(bytes)
        let span = max(now.since(began).count, 1)
        guard span >= Self.sampleTime.count || left == 0 else { return }
        take(sampleBytes.saturatingTimes(1_000) / span, isOwn: !wasStarved && left > 0)
        sampleBegan = left > 0 ? now : nil
        sampleBytes = 0
        wasStarved = false
    }

    private mutating func take(_ sample: UInt64, isOwn: Bool) {
        let sample = max(sample, 1)
        guard let known = bytesPerSecond else {
            bytesPerSecond = sample
            isProven = isOwn
            return
        }
        if isOwn {
            // Towards the sample, faster up than down: a pause is not a slow link.
            bytesPerSecond = sample > known ? known / 2 + sample / 2 : known / 4 * 3 + sample / 4
            if !isProven { bytesPerSecond = sample }
            isProven = true
        } else if sample > known {
            bytesPerSecond = sample
        }
        bytesPerSecond = max(bytesPerSecond ?? 1, 1)
    }

    /// Nothing could be heard meanwhile, or something else of the peer's has come.
    mutating func excused(now: RelayTime) { quietSince = max(quietSince, now) }

    /// The size of segments that take about `segmentTime`.
    func segmentBytes(max largest: Int) -> Int {
        guard let bytesPerSecond else { return min(Self.firstSegmentBytes, largest) }
        let fitting = Int(clamping: bytesPerSecond.saturatingTimes(Self.segmentTime.count) / 1_000)
        return min(max(fitting, Self.segmentBytesMin), largest)
    }

    /// For so long a link that works may acknowledge nothing: `least`, or four times the time of a segment at its own rate.
    func patience(least: Milliseconds, segment: UInt64) -> Milliseconds {
        let rate = bytesPerSecond ?? Self.assumedBytesPerSecond
        return max(least, Milliseconds(segment.saturatingTimes(4_000) / max(rate, 1)))
    }
}
