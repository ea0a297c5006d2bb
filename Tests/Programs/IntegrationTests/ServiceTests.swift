// ServiceTests: the daemon as a service: what it tells the service manager, and what a reload changes, whole or not at all.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite(.serialized) struct ServiceTests {
    /// A hub with a service manager that listens.
    private func hub(_ change: (Network) throws -> Void = { _ in }) throws -> (Network, NotifySocket) {
        let network = try Network()
        try change(network)
        let manager = try NotifySocket(network.folder["notify"])
        network.setEnvironment("truc", ["NOTIFY_SOCKET": manager.path])
        try network.start("truc")
        #expect(try manager.next() == "READY=1")
        return (network, manager)
    }

    /// What the manager hears at its end.
    @discardableResult
    private func reload(_ network: Network, _ manager: NotifySocket) throws -> String {
        let before = monotonicMicroseconds()
        network.send(SIGHUP, to: "truc")
        let lines = try manager.next().split(separator: "\n")
        #expect(lines.first == "RELOADING=1")
        let usec = lines.last.flatMap { $0.hasPrefix("MONOTONIC_USEC=") ? UInt64($0.dropFirst(15)) : nil }
        let time = try #require(usec)
        #expect(time >= before && time <= monotonicMicroseconds())
        let ready = try manager.next()
        #expect(ready.hasPrefix("READY=1\nSTATUS="))
        return ready
    }

    private func monotonicMicroseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1_000
    }

    @Test func whatTheManagerHears() throws {
        let (network, manager) = try hub()
        try reload(network, manager)
        try reload(network, manager)
        network.send(SIGTERM, to: "truc")
        #expect(try manager.next() == "STOPPING=1")
        #expect(network.stop("truc") == .exited(0), "\(network.logTail("truc"))")
    }

    @Test func aReloadAddsAgencies() throws {
        let (network, manager) = try hub()
        #expect(try network.control("truc", ["routes", "explain", "H30"]).end == .exited(1))
        try add(network, "  H30:\n    name: Một cơ quan mới\n    home: hanoi\n    aliases: [000.00.00.H30]\n")
        try reload(network, manager)
        let answer: ExplainAnswer = try network.ask("truc", "routes", "explain", "000.00.00.H30")
        #expect(answer.agency == "H30" && answer.home == "hanoi" && answer.nextHops == ["hanoi"])
        #expect(network.logText("truc").contains("reload: agencies: 1 added, 0 moved, 0 removed of 4"))
        #expect(network.logText("truc").contains("sha256="))
    }

    @Test func aBrokenFileChangesNothing() throws {
        let (network, manager) = try hub()
        try add(network, "  H30:\n    name: Một cơ quan mới\n    home: hanoi\n    colour: red\n")
        try reload(network, manager)
        let lines = network.folder.text("agencies.yaml").split(separator: "\n", omittingEmptySubsequences: false)
        let line = try #require(lines.firstIndex { $0.contains("colour") }) + 1
        let log = network.logText("truc")
        #expect(log.contains("the old configuration stays"))
        #expect(log.contains("agencies.yaml:\(line):") && log.contains("agencies.H30.colour"), "\(log)")
        #expect(try network.control("truc", ["routes", "explain", "H30"]).end == .exited(1))
        #expect(try network.control("truc", ["routes", "explain", "H29"]).end == .exited(0))
    }

    /// Six of ten agencies are more than 5 %, and more than the rows that are free.
    @Test func whatMovesTooMuchNeedsForce() throws {
        let (network, manager) = try hub { network in
            for index in 1...6 { try add(network, "  X\(index): {name: Cơ quan \(index), home: hcm}\n") }
        }
        let text = network.folder.text("agencies.yaml")
        let moved = text.replacingOccurrences(
            of: "    home: hcm\n    aliases: [000.00.15.H29]", with: "    home: hanoi\n    aliases: [000.00.15.H29]"
        ).replacingOccurrences(of: ", home: hcm}", with: ", home: hanoi}")
        #expect(moved != text)
        try network.folder.write(moved, to: "agencies.yaml")
        // systemctl status shows why.
        #expect(
            try reload(network, manager).contains("STATUS=Reload refused, the old configuration stays: more"))
        #expect(network.logText("truc").contains("reload refused"))
        let answer: ExplainAnswer = try network.ask("truc", "routes", "explain", "H29.15")
        #expect(answer.home == "hcm")
    }

    @Test func whatOnlyARestartChanges() throws {
        let (network, manager) = try hub()
        try network.replace("truc", "  directory: truc/store", "  directory: truc/elsewhere")
        try reload(network, manager)
        #expect(network.logText("truc").contains("store.directory changes only with a restart"))
    }

    /// A revoked peer's session ends with the reload, and it does not come back; the others stay.
    @Test func aRevokedPeerIsOut() throws {
        let (network, manager) = try hub { network in
            try network.replace("truc", "tls:\n", "tls:\n  crl: tls/crl.pem\n")
        }
        try network.start(["hcm", "hanoi"])
        func state(_ node: String) throws -> PeersAnswer.Peer? {
            let answer: PeersAnswer = try network.ask("truc", "peers")
            return answer.peers.first { $0.node == node }
        }
        #expect(try eventually { try state("hcm")?.state == "up" && state("hanoi")?.state == "up" })
        func upSince() throws -> Int64 { try #require(try state("hanoi")?.since).unixMilliseconds }
        let since = try upSince()
        try network.certificates(["--revoke", "hcm"])
        try reload(network, manager)
        #expect(try eventually { try state("hcm")?.state == "down" }, "\(network.logTail("truc"))")
        // It dials again, and is refused by name of the reason.
        #expect(try eventually { network.logText("truc").contains("revoked") }, "\(network.logTail("truc"))")
        #expect(try state("hcm")?.state == "down")
        // Told by two clocks, so it may be a millisecond off; a session that began anew is off by more.
        #expect(try state("hanoi")?.state == "up")
        #expect(abs(try upSince() - since) < 20)
    }

    private func add(_ network: Network, _ rows: String) throws {
        let text = network.folder.text("agencies.yaml")
        let changed = text.replacingOccurrences(of: "\nroutes:", with: rows + "\nroutes:")
        guard changed != text else { throw TestFailure("agencies.yaml has no routes") }
        try network.folder.write(changed, to: "agencies.yaml")
    }
}
