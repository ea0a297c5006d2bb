// TakeRoundTests: in which order documents come, that no look takes what another has, and when it is said that there is nothing more.

import RelayModel
import RelayRows
import RelayStore
import Testing

@testable import RelayControl

@Suite struct TakeRoundTests {
    /// Inboxes with so many documents, and who has claimed which.
    private final class Inboxes {
        let store = MemoryStore()
        var taken: [AgencyCode: Set<UInt64>] = [:]
        var denied: Set<AgencyCode> = []
        var signal: UInt64 = 1

        func put(_ agency: String, _ numbers: some Sequence<UInt64>) {
            _ = store.batch { rows in for number in numbers { rows.put(.inbox, Keys.inbox(agency, number: number)) } }
        }

        func look(_ round: inout TakeRound, _ wanted: Int) -> TakeRound.Look {
            let found = try? store.read { rows in
                round.look(rows, wanted: wanted, signal: signal) {
                    !denied.contains($0)
                } claim: {
                    agency, numbers, count in
                    let free = numbers.filter { taken[agency]?.contains($0) != true }.prefix(count)
                    taken[agency, default: []].formUnion(free)
                    return Array(free)
                }
            }
            return found ?? TakeRound.Look()
        }
    }

    @Test func theOldestFirst() {
        let inboxes = Inboxes()
        inboxes.put("H29", 1...200)
        var round = TakeRound(agencies: nil)
        var numbers: [UInt64] = []
        for _ in 0..<4 {
            let look = inboxes.look(&round, 50)
            #expect(look.cleanSince == nil)
            numbers += look.claims.map(\.number)
        }
        #expect(numbers == Array(1...200))
        let last = inboxes.look(&round, 50)
        #expect(last.claims.isEmpty && last.cleanSince == 1)
    }

    /// Some of each, however much lies in the first one.
    @Test func agenciesTakeTurns() {
        let inboxes = Inboxes()
        inboxes.put("G22", 1...1_000)
        inboxes.put("H29", 2_001...2_010)
        inboxes.put("H29.15", 3_001...3_100)
        var round = TakeRound(agencies: nil)
        let first = inboxes.look(&round, 128).claims
        #expect(first.prefix(64).allSatisfy { $0.agency.text == "G22" })
        #expect(first.dropFirst(64).prefix(10).map(\.number) == Array(2_001...2_010))
        #expect(first.dropFirst(74).allSatisfy { $0.agency.text == "H29.15" })
        let second = inboxes.look(&round, 64).claims
        #expect(second.allSatisfy { $0.agency.text == "G22" } && second.first?.number == 65)
    }

    @Test func onlyWhatIsAllowedAndNamed() {
        let inboxes = Inboxes()
        for agency in ["G22", "H26", "H29"] { inboxes.put(agency, 1...3) }
        inboxes.denied = [AgencyCode("G22")!]
        var all = TakeRound(agencies: nil)
        #expect(inboxes.look(&all, 64).claims.map(\.agency.text) == ["H26", "H26", "H26", "H29", "H29", "H29"])
        inboxes.taken = [:]
        var named = TakeRound(agencies: [AgencyCode("H29")!, AgencyCode("G22")!])
        #expect(inboxes.look(&named, 64).claims.map(\.agency.text) == ["H29", "H29", "H29"])
        // Of what comes to others nothing is seen.
        inboxes.put("H26", 10...12)
        inboxes.signal = 2
        let look = inboxes.look(&named, 64)
        #expect(look.claims.isEmpty)
    }

    /// A large document was numbered early and arrives late: behind all others, and yet it is found.
    @Test func anEarlyNumberMayComeLate() {
        let inboxes = Inboxes()
        inboxes.put("H29", 100...5_000)
        var round = TakeRound(agencies: nil)
        var numbers: [UInt64] = []
        numbers += inboxes.look(&round, 64).claims.map(\.number)
        inboxes.put("H29", 7...7)
        var looks = 1
        while numbers.last != 7, looks < 2 * TakeRound.visitsFromBeginning {
            numbers += inboxes.look(&round, 64).claims.prefix { numbers.last != 7 && $0.number > 0 }.map(\.number)
            if numbers.contains(7) { break }
            looks += 1
        }
        #expect(numbers.contains(7))
        #expect(looks <= TakeRound.visitsFromBeginning)
    }

    /// Nothing is said to be left only when all was looked at after the signal: else an arrival would be slept over.
    @Test func nothingIsLeftSinceTheSignal() {
        let inboxes = Inboxes()
        inboxes.put("H29", 1...3)
        var round = TakeRound(agencies: nil)
        #expect(inboxes.look(&round, 2).claims.map(\.number) == [1, 2])
        #expect(inboxes.look(&round, 2).claims.map(\.number) == [3])
        inboxes.signal = 5
        #expect(inboxes.look(&round, 2).cleanSince == 5)
        inboxes.put("H29", 9...9)
        inboxes.signal = 6
        #expect(inboxes.look(&round, 2).claims.map(\.number) == [9])
        #expect(inboxes.look(&round, 2).cleanSince == 6)
    }

    /// A look is short, also where all that lies there is somebody else's.
    @Test func aLookIsBounded() {
        let inboxes = Inboxes()
        let count = UInt64(TakeRound.rowsMax * 3)
        inboxes.put("H29", 1...count)
        inboxes.taken[AgencyCode("H29")!] = Set(1...count)
        inboxes.put("H29", (count + 1)...(count + 2))
        var round = TakeRound(agencies: nil)
        var looks = 0
        var found: [UInt64] = []
        while found.isEmpty, looks < 10 {
            let look = inboxes.look(&round, 64)
            #expect(look.cleanSince == nil)
            found = look.claims.map(\.number)
            looks += 1
        }
        #expect(found == [count + 1, count + 2])
        #expect(looks == 4)
    }
}
