// RelayTime and ClockReading: time as the relay counts it. Nothing here reads a clock; readings are passed in.

/// Milliseconds on the node's residence clock: it starts near the wall clock when the store is created, never runs backward,
/// goes on across restarts by the bounded wall difference, and ignores steps of the wall clock. Every key and deadline in
/// the store is in this time, so that no clock step expires or delays an envelope.
public struct RelayTime: Hashable, Sendable, Comparable {
    public var milliseconds: UInt64

    public init(milliseconds: UInt64) { self.milliseconds = milliseconds }

    public static let zero = RelayTime(milliseconds: 0)
    public static let never = RelayTime(milliseconds: .max)

    public static func < (left: RelayTime, right: RelayTime) -> Bool { left.milliseconds < right.milliseconds }

    /// Saturating: a lifetime from a peer can be any 64-bit number.
    public static func + (time: RelayTime, span: Milliseconds) -> RelayTime {
        let (sum, overflow) = time.milliseconds.addingReportingOverflow(span.count)
        return RelayTime(milliseconds: overflow ? .max : sum)
    }

    /// The span from `earlier` to `self`, zero when `earlier` is later.
    public func since(_ earlier: RelayTime) -> Milliseconds {
        Milliseconds(milliseconds > earlier.milliseconds ? milliseconds - earlier.milliseconds : 0)
    }
}

/// A span of time in milliseconds; never negative.
public struct Milliseconds: Hashable, Sendable, Comparable {
    public var count: UInt64
    public init(_ count: UInt64) { self.count = count }
    public static let zero = Milliseconds(0)
    public static func seconds(_ seconds: UInt64) -> Milliseconds { Milliseconds(seconds.saturatingTimes(1_000)) }
    public static func minutes(_ minutes: UInt64) -> Milliseconds { .seconds(minutes.saturatingTimes(60)) }
    public static func hours(_ hours: UInt64) -> Milliseconds { .minutes(hours.saturatingTimes(60)) }
    public static func days(_ days: UInt64) -> Milliseconds { .hours(days.saturatingTimes(24)) }
    public static func < (left: Milliseconds, right: Milliseconds) -> Bool { left.count < right.count }
    public static func + (left: Milliseconds, right: Milliseconds) -> Milliseconds {
        let (sum, overflow) = left.count.addingReportingOverflow(right.count)
        return Milliseconds(overflow ? .max : sum)
    }

    /// `45s`, `3m`, `2h`, `5d`: as a sentence names it, rounded down.
    public var text: String {
        let seconds = count / 1_000
        return switch seconds {
        case 0..<60: "\(seconds)s"
        case 60..<3_600: "\(seconds / 60)m"
        case 3_600..<86_400: "\(seconds / 3_600)h"
        default: "\(seconds / 86_400)d"
        }
    }

    /// The same of what is still to come, rounded to the nearest: what is to last two hours is not `1h` after a second.
    public var nearestText: String {
        let seconds = count / 1_000
        return switch seconds {
        case 0..<60: "\(seconds)s"
        case 60..<3_570: "\((seconds + 30) / 60)m"
        case 3_570..<84_600: "\((seconds + 1_800) / 3_600)h"
        default: "\(seconds / 86_400 + (seconds % 86_400 >= 43_200 ? 1 : 0))d"
        }
    }
}

extension UInt64 {
    /// Multiplication that stops at the largest value.
    public func saturatingPlus(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    public func saturatingTimes(_ other: UInt64) -> UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}

/// Milliseconds since 2000-01-01T00:00:00Z by the wall clock (DTN time, RFC 9171, 4.2.6). For people and for creation
/// timestamps; decisions use `RelayTime`.
public struct WallTime: Hashable, Sendable, Comparable {
    public var milliseconds: UInt64
    public init(milliseconds: UInt64) { self.milliseconds = milliseconds }

    /// Seconds from the Unix epoch to the DTN epoch.
    public static let unixSecondsAtEpoch: UInt64 = 946_684_800

    /// Milliseconds since 1970, as tools expect them.
    public var unixMilliseconds: UInt64 {
        let (sum, overflow) = milliseconds.addingReportingOverflow(Self.unixSecondsAtEpoch * 1_000)
        return overflow ? .max : sum
    }
    public static func < (left: WallTime, right: WallTime) -> Bool { left.milliseconds < right.milliseconds }
}

/// One reading of both clocks, taken once a batch.
public struct ClockReading: Sendable, Hashable {
    public var relay: RelayTime
    public var wall: WallTime
    public init(relay: RelayTime, wall: WallTime) {
        self.relay = relay
        self.wall = wall
    }
}
