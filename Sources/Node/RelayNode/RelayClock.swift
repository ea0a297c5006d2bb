// RelayClock: the one place where clocks are read. Relay time goes on from where the store left off, by the boot-time clock
// (which counts sleep), and across restarts by the wall clock's difference, within bounds. A step of the wall clock moves
// neither keys nor deadlines; it is noticed and reported.
//
// Used on the engine thread; `wallNow` and `reading` may be called on any thread, they change nothing.

import Glibc
import RelayModel

/// What the two clocks show, in milliseconds: since boot, and DTN time.
struct ClockFaces: Sendable {
    var boot: UInt64
    var wall: UInt64

    /// The machine's own.
    static func read() -> ClockFaces {
        ClockFaces(boot: milliseconds(CLOCK_BOOTTIME), wall: wallMilliseconds())
    }

    private static func milliseconds(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
    }

    private static func wallMilliseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let epoch = Int(WallTime.unixSecondsAtEpoch)
        guard time.tv_sec > epoch else { return 0 }
        return UInt64(time.tv_sec - epoch) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
    }
}

/// Reads both clocks.
public struct RelayClock: Sendable {
    private let faces: @Sendable () -> ClockFaces
    private let relayBase: UInt64
    private let bootBase: UInt64
    private let wallBase: UInt64

    /// A node that was off for longer than this is taken to have been off for this long: a clock that is years ahead at start
    /// must not expire a queue. What was really off longer lives that much longer, which harms nobody.
    public static let downtimeMax = Milliseconds.days(1)
    /// A wall clock that has moved further than this while the node was off, or back, is doubted until others agree with it.
    public static let downtimeBelieved = Milliseconds.days(30)
    /// Why the wall clock is doubted at the start; nil when it is not.
    public let doubt: String?
    /// Beyond this difference between the two clocks' progress the wall clock has been stepped.
    public static let stepMax: Int64 = 60_000

    /// Goes on from the relay and wall times that the store was left with; zeros for a new store.
    public init(lastRelay: UInt64, lastWall: UInt64) {
        self.init(lastRelay: lastRelay, lastWall: lastWall, faces: ClockFaces.read)
    }

    /// By other clocks than the machine's, for tests.
    init(lastRelay: UInt64, lastWall: UInt64, faces: @escaping @Sendable () -> ClockFaces) {
        self.faces = faces
        let start = faces()
        bootBase = start.boot
        wallBase = start.wall
        if lastRelay == 0 {
            relayBase = max(wallBase, 1)
            doubt = nil
        } else {
            let away = wallBase > lastWall ? wallBase - lastWall : 0
            relayBase = lastRelay + min(away, Self.downtimeMax.count)
            if away > Self.downtimeBelieved.count {
                doubt = "the wall clock is \(away / 86_400_000) days ahead of when this node last ran"
            } else if wallBase + UInt64(Self.stepMax) < lastWall {
                doubt = "the wall clock is \((lastWall - wallBase) / 1_000) s behind when this node last ran"
            } else {
                doubt = nil
            }
        }
    }

    /// Both clocks, now.
    public var reading: ClockReading {
        let now = faces()
        return ClockReading(relay: relay(now), wall: WallTime(milliseconds: now.wall))
    }

    public var relayNow: RelayTime { relay(faces()) }

    private func relay(_ now: ClockFaces) -> RelayTime {
        RelayTime(milliseconds: relayBase + (now.boot - bootBase))
    }

    /// How far the wall clock has moved against the boot-time clock since the start, in milliseconds.
    public var wallDrift: Int64 {
        let now = faces()
        let wall = Int64(bitPattern: now.wall &- wallBase)
        let boot = Int64(bitPattern: now.boot &- bootBase)
        return wall - boot
    }
}

/// Notices each step of the wall clock once, and that it was taken back.
struct StepWatch {
    private var noticed: Int64 = 0

    /// `drift`: as `RelayClock.wallDrift` says it. Answers when it has changed by a step since the last answer.
    mutating func notice(_ drift: Int64) -> (isOff: Bool, why: String)? {
        guard abs(drift - noticed) > RelayClock.stepMax else { return nil }
        noticed = drift
        let isOff = abs(drift) > RelayClock.stepMax
        return (
            isOff,
            isOff ? "the wall clock was stepped by \(drift / 1_000) s" : "the wall clock was stepped back in place"
        )
    }
}
