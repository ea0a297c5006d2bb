// LogThinningTests: a flood of one owner and kind is a handful of lines, says how many it was, and pushes out nobody else's.

import Logging
import RelayControl
import RelayModel
import Testing

@testable import RelayNode

@Suite struct LogThinningTests {
    @Test func aFloodIsAHandfulThatSaysHowManyItWas() {
        let thinning = LogThinning()
        var written = 0
        var unsaid: UInt64 = 0
        // 20,000 in 3 s, then one more after a while.
        for index in 0..<20_000 {
            switch thinning.judge(.contentDiffers, "leaf", now: 1_000 + UInt64(index) * 3_000 / 20_000) {
            case .write(let more):
                written += 1
                unsaid += more
            case .drop: break
            }
        }
        #expect(written == Int(LogThinning.ownerMax))
        #expect(thinning.judge(.contentDiffers, "leaf", now: 60_000) == .write(unsaid: 20_000 - UInt64(written)))
        #expect(unsaid == 0)
        // Others are heard meanwhile, and so is the same owner about something else.
        #expect(thinning.judge(.contentDiffers, "other", now: 2_000) == .write(unsaid: 0))
        #expect(thinning.judge(.linkDown, "leaf", now: 2_000) == .write(unsaid: 0))
        #expect(thinning.dropped(now: 30_000).lately && !thinning.dropped(now: 200_000).lately)
    }

    /// Owners that nobody has seen before, one after the other.
    @Test func aCrowdIsOneKind() {
        let thinning = LogThinning()
        let written = (0..<90_000).count { index in
            thinning.judge(.contactFailed, "10.\(index / 65_536).\(index / 256 % 256).\(index % 256)", now: 1_000)
                != .drop
        }
        #expect(written == Int(LogThinning.kindMax))
        #expect(thinning.ownersCount <= LogThinning.ownersMax)
        #expect(thinning.judge(.linkUp, "hcm", now: 1_000) == .write(unsaid: 0))
    }

    @Test func whatNobodyElseBringsAboutIsAlwaysWritten() {
        let thinning = LogThinning()
        for _ in 0..<5_000 {
            #expect(thinning.judge(.deedDone, "root", now: 0) == .write(unsaid: 0))
            #expect(thinning.judge(nil, nil, now: 0) == .write(unsaid: 0))
        }
    }

    /// Neighbours bring them about: a hub wrote 399 of them for 400 documents whose stamps changed to and fro.
    @Test func doubtsOfTheClockAreThinned() {
        let thinning = LogThinning()
        let kinds: [EventKind] = [.clockDoubted, .clockBelieved]
        for kind in kinds {
            let written = (0..<200).count { _ in thinning.judge(kind, "leaf", now: 1_000) != .drop }
            #expect(written == Int(LogThinning.ownerMax))
            #expect(thinning.judge(kind, nil, now: 1_000) == .write(unsaid: 0))
        }
    }

    @Test func theLeastRecentlyUsedGoesFirst() {
        var used = RecentlyUsed<Int, String>(max: 3)
        for key in 0..<3 { used.put(key, "\(key)") }
        if let first = used.take(0) { used.put(0, first) }
        used.put(3, "3")
        #expect(used[1] == nil && used[0] == "0" && used[2] == "2" && used[3] == "3" && used.count == 3)
    }

    /// One text cannot push out what an operator looks for.
    @Test func theRingOfNoticesIsOneAKind() {
        let recent = RecentEntries()
        recent.add(.warning, "the store is full", .event(.storeFull))
        for index in 0..<10_000 { recent.add(.notice, "contact failed \(index)", .event(.contactFailed)) }
        recent.add(.notice, "started", .event(.started))
        let all = recent.all
        #expect(all.count == RecentEntries.kindMax + 2)
        #expect(all.first?.event == "storeFull" && all.last?.event == "started")
        #expect(all.dropLast().last?.text == "contact failed 9999")
    }
}
