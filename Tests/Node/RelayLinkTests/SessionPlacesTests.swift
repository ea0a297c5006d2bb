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

    /// A crowd that comes from another address each time holds one place an address: nobody of it holds most, and the oldest went.
    @Test(arguments: ["10.0.0.1:77", "[2001:db8:0:7::9]:77", "192.0.2.4:9", "198.51.100.1:4"])
    func aMovingCrowdDoesNotPushOutAPeer(address: String) {
        var places = SessionPlaces(Self.bounds)
        places.configure([
            (node("a"), nil), (node("b"), "[2001:db8:0:7::1]:4556"), (node("c"), "192.0.2.4:4556"), (node("d"), nil),
        ])
        // One came from there before, three are dialled: one of them by its name.
        _ = places.came(Ticket(1), from: "10.0.0.1:5")
        #expect(places.proved(Ticket(1), to: node("a")) == nil)
        places.leave(Ticket(1))
        places.dialled(node("d"), at: "198.51.100.1:4556")
        let peer = Ticket(10)
        #expect(places.came(peer, from: address) == [])
        for index in 0..<5_000 {
            let gone = places.came(
                Ticket(100 + UInt64(index)), from: "[2001:db8:\(String(index + 16, radix: 16))::1]:\(index)")
            #expect(!gone.contains(peer))
            #expect(places.strangerCount <= Self.bounds.strangersMax + 1)
        }
        // It is one place: a crowd from that very address pushes out its own.
        for index in 0..<20 { _ = places.came(Ticket(10_000 + UInt64(index)), from: address) }
        #expect(places.strangerCount <= Self.bounds.strangersMax + 1)
        // The last newcomer has a place all the same.
        #expect(places.came(Ticket(20_000), from: "203.0.113.9:1") != [Ticket(20_000)])
        // Whoever is no peer any more has none kept.
        places.configure([])
        #expect(places.came(Ticket(20_001), from: "203.0.113.10:1").count >= 1)
        #expect(places.strangerCount <= Self.bounds.strangersMax)
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
