// TakeWindowTests: what a client may acknowledge, once; and that a document is one connection's at a time.

import RelayControl
import RelayModel
import Testing

@testable import RelayNode

@Suite struct TakeWindowTests {
    private func claims(_ numbers: some Sequence<UInt64>) -> [TakeClaim] {
        numbers.map { TakeClaim(agency: AgencyCode("H29")!, number: $0) }
    }

    @Test func eachIsAcknowledgedOnce() {
        var window = TakeWindow()
        window.show(claims(101...110))
        #expect(window.last == 10 && window.open == 10)
        #expect(window.acknowledge(3)?.number == 103)
        #expect(window.acknowledge(3) == nil)
        #expect(window.giveBack(5)?.number == 105)
        #expect(window.acknowledge(5) == nil)
        #expect(window.acknowledge(through: 6).map(\.sequence) == [1, 2, 4, 6])
        #expect(window.acknowledge(through: 6).isEmpty)
        #expect(window.acknowledge(through: 4).isEmpty)
        #expect(window.acknowledge(11) == nil)
        #expect(window.openClaims.map(\.number) == [107, 108, 109, 110])
        #expect(window.acknowledge(through: 99).map(\.claim.number) == [107, 108, 109, 110])
        #expect(window.open == 0)
    }

    /// The place of a document is free when all before it have ended, and not before.
    @Test func aWindowIsBounded() {
        var window = TakeWindow()
        window.show(claims(1...UInt64(TakeWindow.span)))
        #expect(window.room == 0)
        #expect(window.acknowledge(2) != nil)
        window.end([2])
        #expect(window.room == 0)
        #expect(window.acknowledge(1) != nil)
        #expect(window.room == 0)
        window.end([1])
        #expect(window.room == 2)
        window.show(claims(9_001...9_002))
        #expect(window.last == UInt64(TakeWindow.span) + 2)
        #expect(window.acknowledge(UInt64(TakeWindow.span) + 2)?.number == 9_002)
        #expect(window.acknowledge(1) == nil)
    }

    @Test func aLeaseIsOnes() {
        let agency = AgencyCode("H29")!
        let leases = TakeLeases(start: RelayTime(milliseconds: 100))
        #expect(leases.claim(agency, [1, 2, 3], 2, except: []) == [1, 2])
        #expect(leases.claim(agency, [1, 2, 3], 2, except: []) == [3])
        #expect(leases.claim(AgencyCode("G22")!, [1], 1, except: []) == [1])
        #expect(leases.claim(agency, [4, 5], 2, except: Set(claims(4...4))) == [5])
        let late = RelayTime(milliseconds: 200)
        #expect(!leases.mayHaveBeenShown(claims(1...1)[0], arrived: late))
        // What has waited since before the start may have been shown by the process before.
        #expect(leases.mayHaveBeenShown(claims(1...1)[0], arrived: RelayTime(milliseconds: 100)))
        leases.release(claims(1...1), wereShown: true, now: late)
        leases.release(claims(2...2), wereShown: false, now: late)
        #expect(leases.mayHaveBeenShown(claims(1...1)[0], arrived: late))
        #expect(!leases.mayHaveBeenShown(claims(2...2)[0], arrived: late))
        #expect(leases.claim(agency, [1, 2, 3], 3, except: []) == [1, 2])
        leases.forget(claims(1...5))
        #expect(leases.count == 1)
        #expect(!leases.mayHaveBeenShown(claims(1...1)[0], arrived: late))
    }

    /// More than can be remembered: then all that waits may have been shown.
    @Test func whatCannotBeRememberedIsSaidOfAll() {
        let leases = TakeLeases(start: RelayTime(milliseconds: 100))
        let now = RelayTime(milliseconds: 500)
        leases.release(claims(0..<UInt64(TakeLeases.shownMax)), wereShown: true, now: now)
        #expect(!leases.mayHaveBeenShown(claims(1_000_000...1_000_000)[0], arrived: RelayTime(milliseconds: 300)))
        leases.release(claims(2_000_000...2_000_000), wereShown: true, now: now)
        #expect(leases.mayHaveBeenShown(claims(1_000_000...1_000_000)[0], arrived: RelayTime(milliseconds: 300)))
        #expect(!leases.mayHaveBeenShown(claims(1_000_000...1_000_000)[0], arrived: RelayTime(milliseconds: 501)))
    }
}
