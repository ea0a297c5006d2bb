// RepeatedNoticesTests: a port check once a minute is said every ten minutes, with a count, and another host at once.

import RelayCore
import RelayModel
import Testing

@testable import RelayNode

@Suite struct RepeatedNoticesTests {
    private static func failed(_ host: String, _ port: Int) -> Notice {
        Notice(.notice, "contact failed: no TLS [\(host):\(port)]", kind: .contactFailed)
    }

    @Test func whatComesAgainIsSaidOnceInTenMinutes() {
        let notices = RepeatedNotices()
        let start = RelayTime(milliseconds: 1_000_000)
        var said: [String] = []
        for minute in 0..<21 {
            let now = start + .minutes(UInt64(minute))
            if let notice = notices.thinned(Self.failed("10.0.0.1", 40_000 + minute), now: now) {
                said.append(notice.text)
            }
        }
        #expect(
            said == [
                "contact failed: no TLS [10.0.0.1:40000]",
                "contact failed: no TLS [10.0.0.1:40010], and 9 more like it since it was last said",
                "contact failed: no TLS [10.0.0.1:40020], and 9 more like it since it was last said",
            ])
        #expect(notices.thinned(Self.failed("10.0.0.2", 1), now: start) != nil, "another host")
        #expect(
            notices.thinned(
                Notice(.notice, "contact failed: of another kind [10.0.0.1:1]", kind: .contactFailed), now: start)
                != nil)
    }

    /// A row that is missing in a neighbour's tables makes it refuse one envelope after the other.
    @Test func whatAHopRefusesIsSaidOnceAHop() {
        let notices = RepeatedNotices()
        let start = RelayTime(milliseconds: 1_000_000)
        func refused(_ peer: String, _ second: UInt64) -> String? {
            let notice = Notice(
                .alarm, "refused by every next hop: \(peer): not acceptable", peer: NodeID(name: peer),
                kind: .refusedEverywhere)
            return notices.thinned(notice, now: start + .seconds(second))?.text
        }
        let said = (0..<700).compactMap { refused("binh", $0) }
        #expect(
            said == [
                "refused by every next hop: binh: not acceptable",
                "refused by every next hop: binh: not acceptable, and 599 more like it since it was last said",
            ])
        #expect(refused("chi", 1) != nil)
    }

    @Test func othersAreNotTouchedAndMemoryIsBounded() {
        let notices = RepeatedNotices()
        let now = RelayTime(milliseconds: 1_000_000)
        let up = Notice(.notice, "link up", kind: .linkUp)
        for _ in 0..<3 { #expect(notices.thinned(up, now: now) == up) }
        for host in 0..<(3 * RepeatedNotices.seenMax) {
            #expect(notices.thinned(Self.failed("10.0.\(host)", 1), now: now) != nil)
        }
        #expect(notices.seenCount <= RepeatedNotices.seenMax)
    }
}
