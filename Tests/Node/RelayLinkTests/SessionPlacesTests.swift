// SessionPlacesTests: nobody takes another's place: crowds push out their own, a peer has its share, and each peer has one place whatever others hold.

import RelayCore
import RelayModel
import Testing

@testable import RelayLink

@Suite struct SessionPlacesTests {
    private static let bounds = SessionPlaces.Bounds(sessionsMax: 10, perPeer: 4, strangersMax: 8)
    private func node(_ name: String) -> NodeID { NodeID(name: name)! }

    @Test func aCrowdPushesOutItsOwn() {
        var places = SessionPlaces(Self.bounds)
        var next: UInt64 = 0
        func ticket() -> Ticket {
            next += 1
            return Ticket(next)
        }
        let quiet = ticket()
        #expect(places.came(quiet, from: "10.0.0.1:5") == [])
        // 1,024 from one address, by ports that change.
        for port in 0..<1_024 {
            let gone = places.came(ticket(), from: "10.6.6.6:\(port)")
            #expect(!gone.contains(quiet))
            #expect(places.strangerCount <= Self.bounds.strangersMax)
        }
        // Others come and prove who they are all the while.
        for name in ["a", "b", "c"] {
            let session = ticket()
            #expect(!places.came(session, from: "10.0.0.2:1").contains(session))
            #expect(places.proved(session, to: node(name)) == nil)
        }
        #expect(places.proved(quiet, to: node("quiet")) == nil)
        #expect(places.sessionCount == 4)
    }

    @Test func aPeerHasItsShareAndEachHasOne() {
        var places = SessionPlaces(Self.bounds)
        var next: UInt64 = 0
        func come(_ name: String) -> SessionPlaces.Refusal? {
            next += 1
            _ = places.came(Ticket(next), from: "10.0.0.\(next % 200):1")
            return places.proved(Ticket(next), to: node(name))
        }
        // One with 1,022 sessions.
        var taken = 0
        for _ in 0..<1_022 { if come("greedy") == nil { taken += 1 } }
        #expect(taken == 4)
        #expect(come("greedy") == .peerHasEnough(4))
        for name in ["x", "y"] { for _ in 0..<4 { _ = come(name) } }
        #expect(places.sessionCount == 10 && come("x") != nil)
        // The places are taken, and everybody else still has one.
        for index in 0..<20 { #expect(come("leaf\(index)") == nil) }
        #expect(come("leaf3") == .allTaken(10))
        places.leave(Ticket(1))
        #expect(places.count(of: node("greedy")) == 3)
        places.leave(Ticket(1))
        #expect(places.count(of: node("greedy")) == 3)
    }

    @Test(arguments: [
        ("10.1.2.3:4556", "10.1.2.3"), ("[2001:db8:1:2:3:4:5:6]:99", "2001:db8:1:2"),
        ("[2001:db8::1]:99", "2001:db8:0:0"),
        ("[::1]:1", "0:0:0:0"), ("[::ffff:10.1.2.3]:7", "10.1.2.3"), ("unknown", "unknown"),
    ])
    func owners(_ address: String, _ owner: String) { #expect(SessionPlaces.owner(of: address) == owner) }

    @Test func memoryHasOwners() {
        let memory = SessionMemory(max: 1_000)
        #expect(memory.change("a", by: 250) && !memory.change("a", by: 1), "a quarter for one")
        #expect(memory.change("a", by: -100))
        for name in ["b", "c", "d"] { #expect(memory.change(name, by: 250)) }
        // The whole is used up: who has most lets go, others are not touched.
        #expect(memory.change("e", by: 150), "\(memory.picture)")
        #expect(!memory.change("b", by: 0 + 10))
        memory.move(150, from: "e", to: "f")
        #expect(memory.picture.held >= 1_000)
        for name in ["a", "b", "c", "d", "f"] { _ = memory.change(name, by: -300) }
        #expect(memory.picture.mostOfOne == 0)
    }
}
