// SimulatedClock: the two clocks of one node, as functions of the world's true time. The wall clock has an offset, a drift and
// steps; the relay clock is what the daemon makes of a persisted reading, the monotonic clock, and the bounded wall
// difference across a restart. A value; it cannot fail.

import RelayModel

struct SimulatedClock {
    /// Added to true time, milliseconds.
    var offset: Int64
    /// What it is set to again after faults.
    let usualOffset: Int64
    /// Parts per million by which the wall clock runs fast.
    var drift: Int64

    /// By how much the relay clock is ahead of the time that has passed, because the wall clock was at a start.
    private(set) var gained: UInt64 = 0

    private var relayBase: UInt64 = 0
    private var startedAt: UInt64 = 0
    /// The reading that is on disk.
    private var persisted: (relay: UInt64, wall: UInt64)?

    /// A restart adds no more residence than this: a wall clock can be wrong by years.
    private static let absenceMax: UInt64 = 86_400_000
    /// True time 0 of every world: 2026-01-01, in milliseconds since 2000.
    static let epoch: UInt64 = 820_454_400_000

    init(offset: Int64, drift: Int64) {
        self.offset = offset
        usualOffset = offset
        self.drift = drift
    }

    func wall(_ now: UInt64) -> WallTime {
        let drifted = Int64(now) * drift / 1_000_000
        return WallTime(milliseconds: UInt64(max(1, Int64(Self.epoch) + Int64(now) + drifted + offset)))
    }

    func relay(_ now: UInt64) -> RelayTime { RelayTime(milliseconds: relayBase + (now - startedAt)) }

    func reading(_ now: UInt64) -> ClockReading { ClockReading(relay: relay(now), wall: wall(now)) }

    /// The true time at which the relay clock will show a reading; not before `now`.
    func trueTime(of time: RelayTime, now: UInt64) -> UInt64 {
        let shown = relay(now).milliseconds
        return time.milliseconds <= shown ? now : now + (time.milliseconds - shown)
    }

    mutating func persist(_ now: UInt64) { persisted = (relay(now).milliseconds, wall(now).milliseconds) }

    /// The process begins.
    mutating func start(_ now: UInt64) {
        let shown = wall(now).milliseconds
        let before = relay(now).milliseconds
        if let persisted {
            let absence = shown > persisted.wall ? min(shown - persisted.wall, Self.absenceMax) : 0
            relayBase = persisted.relay + absence
            gained += relayBase > before ? relayBase - before : 0
        } else {
            relayBase = shown
        }
        startedAt = now
    }
}
