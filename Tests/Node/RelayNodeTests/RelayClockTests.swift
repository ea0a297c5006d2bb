// RelayClockTests: relay time by clocks that the test sets: on across restarts by a bounded difference of the wall clock, never
// backward, and a step of the wall clock is noticed and moves nothing.

import RelayModel
import Synchronization
import Testing

@testable import RelayNode

@Suite struct RelayClockTests {
    /// A machine's two clocks.
    private final class Machine: Sendable {
        private let shown: Mutex<ClockFaces>

        init(boot: UInt64, wall: UInt64) { shown = Mutex(ClockFaces(boot: boot, wall: wall)) }

        /// Time passes, by both.
        func pass(_ span: Milliseconds) {
            shown.withLock {
                $0.boot += span.count
                $0.wall += span.count
            }
        }

        func stepWall(_ step: Int64) { shown.withLock { $0.wall = UInt64(Int64($0.wall) + step) } }

        /// Off for a while, and up again: what counts from boot begins anew.
        func reboot(after span: Milliseconds) {
            shown.withLock {
                $0.boot = 7_000
                $0.wall += span.count
            }
        }

        func clock(last reading: ClockReading? = nil) -> RelayClock {
            RelayClock(lastRelay: reading?.relay.milliseconds ?? 0, lastWall: reading?.wall.milliseconds ?? 0) {
                self.shown.withLock { $0 }
            }
        }
    }

    private static let wall: UInt64 = 820_454_400_000

    @Test func aNewStoreBeginsAtTheWallClock() {
        let machine = Machine(boot: 5_000, wall: Self.wall)
        let clock = machine.clock()
        #expect(clock.doubt == nil)
        #expect(clock.relayNow == RelayTime(milliseconds: Self.wall))
        machine.pass(.minutes(3))
        #expect(clock.reading.relay == RelayTime(milliseconds: Self.wall + 180_000))
        #expect(clock.reading.wall == WallTime(milliseconds: Self.wall + 180_000))
        // Zero is the mark of a new store, so that a clock before the epoch begins at one.
        #expect(Machine(boot: 5_000, wall: 0).clock().relayNow == RelayTime(milliseconds: 1))
    }

    @Test(arguments: [Milliseconds.zero, .seconds(2), .hours(23), .days(1)])
    func timeGoesOnAcrossARestart(away: Milliseconds) {
        let machine = Machine(boot: 900_000_000, wall: Self.wall)
        let last = machine.clock().reading
        machine.reboot(after: away)
        let clock = machine.clock(last: last)
        #expect(clock.doubt == nil)
        #expect(clock.relayNow == last.relay + away)
        machine.pass(.seconds(1))
        #expect(clock.relayNow == last.relay + away + .seconds(1))
        #expect(clock.wallDrift == 0)
    }

    /// Relay time is its own: a store that was left with another difference to the wall clock keeps it.
    @Test func itIsNotTheWallClock() {
        let machine = Machine(boot: 5_000, wall: Self.wall)
        let last = ClockReading(relay: RelayTime(milliseconds: 42), wall: WallTime(milliseconds: Self.wall - 100))
        #expect(machine.clock(last: last).relayNow == RelayTime(milliseconds: 142))
    }

    /// Off for longer than a day, or a clock that is ahead: a day at most, and beyond a month the clock is doubted too.
    @Test(
        arguments: [(.days(1) + .seconds(1), false), (.days(30), false), (.days(31), true)] as [(Milliseconds, Bool)])
    func whatIsBelievedOfALongTimeIsBounded(away: Milliseconds, isDoubted: Bool) {
        let machine = Machine(boot: 5_000, wall: Self.wall)
        let last = machine.clock().reading
        machine.reboot(after: away)
        let clock = machine.clock(last: last)
        #expect(clock.relayNow == last.relay + RelayClock.downtimeMax)
        #expect((clock.doubt != nil) == isDoubted, "\(clock.doubt ?? "")")
    }

    /// The wall clock is behind at the start: relay time stays where it was, and goes on from there.
    @Test(arguments: [(-60_000, false), (-61_000, true), (-400 * 86_400_000, true)] as [(Int64, Bool)])
    func itNeverGoesBackward(step: Int64, isDoubted: Bool) {
        let machine = Machine(boot: 5_000, wall: Self.wall)
        let last = machine.clock().reading
        machine.reboot(after: .zero)
        machine.stepWall(step)
        let clock = machine.clock(last: last)
        #expect(clock.relayNow == last.relay)
        #expect((clock.doubt != nil) == isDoubted, "\(clock.doubt ?? "")")
        machine.pass(.seconds(10))
        #expect(clock.relayNow == last.relay + .seconds(10))
        // The next start is measured from what this one left, not from the time before the step.
        let left = clock.reading
        machine.reboot(after: .minutes(5))
        #expect(machine.clock(last: left).relayNow == left.relay + .minutes(5))
        #expect(machine.clock(last: left).doubt == nil)
    }

    @Test(arguments: [90_000, -90_000, 3_650 * 86_400_000] as [Int64])
    func aStepMovesNothingAndIsNoticedOnce(step: Int64) {
        let machine = Machine(boot: 5_000, wall: Self.wall)
        let clock = machine.clock()
        var watch = StepWatch()
        machine.pass(.hours(1))
        #expect(clock.wallDrift == 0)
        let atFirst = watch.notice(clock.wallDrift)
        #expect(atFirst == nil)
        let before = clock.relayNow
        machine.stepWall(step)
        #expect(clock.relayNow == before)
        #expect(clock.wallDrift == step)
        let noticed = watch.notice(clock.wallDrift)
        #expect(noticed?.isOff == true && noticed?.why.contains("\(step / 1_000) s") == true)
        machine.pass(.seconds(30))
        let again = watch.notice(clock.wallDrift)
        #expect(again == nil, "once")
        #expect(clock.relayNow == before + .seconds(30))
        // Taken back: noticed as well, and that it is right again.
        machine.stepWall(-step)
        let back = watch.notice(clock.wallDrift)
        #expect(back?.isOff == false)
    }

    /// A clock that is slewed, or set by less than what others may disagree by.
    @Test func aSmallStepIsNone() {
        let machine = Machine(boot: 5_000, wall: Self.wall)
        let clock = machine.clock()
        var watch = StepWatch()
        machine.stepWall(RelayClock.stepMax)
        let small = watch.notice(clock.wallDrift)
        #expect(small == nil)
        machine.stepWall(1)
        let large = watch.notice(clock.wallDrift)
        #expect(large?.isOff == true)
    }

    /// The machine's own clocks: they go on, and together.
    @Test func theMachinesOwn() {
        let clock = RelayClock(lastRelay: 1_000, lastWall: ClockFaces.read().wall)
        let first = clock.reading
        let second = clock.reading
        #expect(first.relay >= RelayTime(milliseconds: 1_000) && second.relay >= first.relay)
        #expect(clock.doubt == nil && abs(clock.wallDrift) < RelayClock.stepMax)
    }
}
