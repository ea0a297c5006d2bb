// The difference of two configurations: what counts as moved, and when force is needed.

import RelayModel
import Testing

@testable import RelayConfiguration

@Suite struct ConfigurationDiffTests {
    private func agencies(_ count: Int, moved: Int = 0, removed: Int = 0, via: String = "hcm") -> String {
        var text = "nodes: {vpcp: A, hcm: B, truc: C}\nagencies:\n"
        for index in removed..<count {
            text += "  A\(index): {name: x, home: \(index < removed + moved ? "vpcp" : "hcm"), aliases: [O\(index)]}\n"
        }
        return text + "routes:\n  - {to: hcm, via: [\(via)]}\n  - {to: \"*\", via: [vpcp]}\n"
    }

    @Test func nothingChangedIsEmpty() throws {
        let diff = ConfigurationDiff(from: try load(), to: try load())
        #expect(diff.isEmpty)
        #expect(!diff.needsForce)
    }

    @Test func fivePercentIsTheLimit() throws {
        let old = try load(agencies: agencies(100))
        let five = ConfigurationDiff(from: old, to: try load(agencies: agencies(100, moved: 3, removed: 2)))
        #expect(five.agencies.moved.count == 3)
        #expect(five.agencies.removed == ["A0", "A1"])
        #expect(five.agencies.percent == 5)
        #expect(!five.needsForce)
        let six = ConfigurationDiff(from: old, to: try load(agencies: agencies(100, moved: 4, removed: 2)))
        #expect(six.agencies.percent == 6)
        #expect(six.needsForce)
        #expect(six.lines().contains("agencies: 0 added, 4 moved, 2 removed of 100 (6.0 % moved or removed)"))
        #expect(six.lines().last == "more than 5.0 % moved or removed: needs force")
    }

    @Test func addingNeedsNoForce() throws {
        let diff = ConfigurationDiff(
            from: try load(agencies: agencies(10)), to: try load(agencies: agencies(1_000)))
        #expect(diff.agencies.added.count == 990)
        #expect(!diff.needsForce)
        #expect(diff.lines(rowsMax: 2).contains("  + and 988 more"))
    }

    /// Of a small table one row is already more than 5 %.
    @Test func fiveRowsAreFree() throws {
        let old = try load(agencies: agencies(8))
        #expect(!ConfigurationDiff(from: old, to: try load(agencies: agencies(8, moved: 3, removed: 2))).needsForce)
        #expect(ConfigurationDiff(from: old, to: try load(agencies: agencies(8, moved: 3, removed: 3))).needsForce)
    }

    /// What had no way goes no other way by having one.
    @Test func gainingARouteIsNotMoving() throws {
        let none = agencies(100).replacing("routes:\n  - {to: hcm, via: [hcm]}", with: "routes:")
            .replacing("  - {to: \"*\", via: [vpcp]}\n", with: "  - {to: vpcp, via: [vpcp]}\n")
        let diff = ConfigurationDiff(from: try load(agencies: none), to: try load(agencies: agencies(100)))
        #expect(diff.agencies.moved.isEmpty)
        #expect(diff.agencies.gained.count == 100)
        #expect(diff.agencies.gained.first == "A0: via hcm")
        #expect(!diff.needsForce)
        #expect(diff.lines(rowsMax: 2).contains("agencies: 100 gained a route"))
        let back = ConfigurationDiff(from: try load(agencies: agencies(100)), to: try load(agencies: none))
        #expect(back.agencies.moved.count == 100 && back.needsForce)
    }

    @Test func oneRouteCanMoveEveryAgency() throws {
        let diff = ConfigurationDiff(
            from: try load(agencies: agencies(100)), to: try load(agencies: agencies(100, via: "vpcp")))
        #expect(diff.routes.moved == ["dtn://hcm/: via hcm to vpcp"])
        #expect(diff.agencies.moved.first == "A0: via hcm to vpcp")
        #expect(diff.agencies.percent == 100)
        #expect(diff.needsForce)
    }

    @Test func peersAndSettingsAreCompared() throws {
        let edocd = """
            node: {name: truc}
            store: {map_size: 1GiB}
            peers:
              vpcp: {dial: yes, address: "a:1"}
              hcm: {address: 10.0.0.1:4556, dial: yes}
              hanoi: {}
            """
        let diff = ConfigurationDiff(from: try load(), to: try load(edocd))
        // A peer's share is a part of the map.
        #expect(diff.peers.moved == ["vpcp: settings changed", "hcm: settings changed"])
        #expect(diff.peers.added == ["hanoi (dtn://hanoi/)"])
        #expect(diff.settingsChanged)
        let back = ConfigurationDiff(from: try load(edocd), to: try load())
        #expect(back.peers.removed == ["hanoi (dtn://hanoi/)"])
    }
}
