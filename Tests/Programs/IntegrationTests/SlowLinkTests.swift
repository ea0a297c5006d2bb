// SlowLinkTests: real nodes over a link that is slow, hangs, or swallows what is large. Scripts/slow-links has the long form, with figures.

import ControlAPI
import Foundation
import TCPCL
import TestNetwork
import Testing

@Suite(.serialized) struct SlowLinkTests {
    /// vpcp dials the hub through the proxy; everybody else directly.
    private static func network(
        _ conduct: SlowProxy.Conduct = .init(), session: String = "", _ change: (Network) throws -> Void = { _ in }
    ) throws -> (Network, SlowProxy) {
        let network = try Network()
        if !session.isEmpty {
            for name in Network.names { try network.replace(name, "tls:\n", "session:\n\(session)tls:\n") }
        }
        try change(network)
        try network.start(["truc", "hcm"])
        let proxy = try SlowProxy(to: network.port, conduct)
        try network.replace("vpcp", "address: 127.0.0.1:14557", "address: 127.0.0.1:\(proxy.port)")
        try network.start("vpcp")
        return (network, proxy)
    }

    private static func sessions(_ network: Network, _ name: String, with peer: String) throws -> Int {
        let answer: PeersAnswer = try network.ask(name, "peers")
        return answer.peers.first { $0.node == peer }?.sessions.count ?? 0
    }

    private static func file(_ network: Network, _ name: String, _ bytes: Int) throws -> String {
        try network.folder.write(String(repeating: "x", count: bytes), to: name)
        return network.folder[name]
    }

    /// A Hỏa tốc is at its home while the first of five documents of 4 MB, or a piece of a giant, is still on its way.
    @Test(arguments: [[4_000_000, 4_000_000, 4_000_000, 4_000_000, 4_000_000], [20_000_000]])
    func anUrgentDocumentOvertakes(sizes: [Int]) throws {
        let (network, proxy) = try Self.network(.init(bytesPerSecond: 125_000))
        #expect(try eventually { try Self.sessions(network, "vpcp", with: "truc") == 2 }, "\(network.logTail("vpcp"))")
        for (index, size) in sizes.enumerated() {
            let file = try Self.file(network, "large-\(index)", size)
            _ = try network.submit("vpcp", file, ["--sender", "G22", "--to", "H29", "--document", "L\(index)"])
        }
        let isUnderWay = try eventually {
            let peers: PeersAnswer = try network.ask("vpcp", "peers")
            return peers.peers.first?.sessions.contains { $0.bytesSent > 200_000 } ?? false
        }
        #expect(isUnderWay)
        let small = try Self.file(network, "small", 3_000)
        let urgent = try network.submit(
            "vpcp", small, ["--sender", "G22", "--to", "H29", "--document", "HT", "--urgency", "3"])
        #expect(try eventually { try !network.inbox("hcm", "H29").isEmpty }, "\(network.logTail("vpcp"))")
        #expect(try network.inbox("hcm", "H29").map(\.envelope) == [urgent.envelope])
        #expect(proxy.accepted == 2)
    }

    /// What is not chosen for a slow link can be held.
    @Test func whatWaitsForASlowLinkCanBeHeld() throws {
        let (network, proxy) = try Self.network(.init(bytesPerSecond: 50_000))
        #expect(try eventually { try Self.sessions(network, "vpcp", with: "truc") >= 1 })
        let file = try Self.file(network, "large", 3_000_000)
        for index in 0..<4 {
            _ = try network.submit("vpcp", file, ["--sender", "G22", "--to", "H29", "--document", "L\(index)"])
        }
        let preview: PreviewAnswer = try network.ask("vpcp", ["hold", "--to", "H29", "--reason", "test"])
        let job = try #require(preview.job, "\(preview)")
        let _: JobAnswer = try network.ask("vpcp", "hold", "--apply", String(job.id))
        let held = try eventually {
            let ledger = try network.ledger("vpcp")
            return ledger.documents?.inStore["held"] ?? 0 >= 3
        }
        #expect(proxy.accepted > 0)
        #expect(held, "\(network.logTail("vpcp"))")
    }

    /// What is chosen for a link that carries nothing, and not begun, is taken back and held; what is begun goes when the link goes on.
    @Test func whatIsChosenAndNotBegunCanBeHeld() throws {
        let (network, proxy) = try Self.network(session: "  silence: 1m\n")
        #expect(try eventually { try Self.sessions(network, "vpcp", with: "truc") == 2 })
        proxy.change { $0.isFrozen = true }
        let file = try Self.file(network, "letter", 200_000)
        for index in 0..<12 {
            _ = try network.submit("vpcp", file, ["--sender", "G22", "--to", "H29", "--document", "L\(index)"])
        }
        #expect(try eventually { try network.status("vpcp").active >= 4 }, "some are chosen")
        let chosen = try network.status("vpcp").active
        let preview: PreviewAnswer = try network.ask("vpcp", ["hold", "--to", "H29", "--reason", "test"])
        let job = try #require(preview.job, "\(preview)")
        let _: JobAnswer = try network.ask("vpcp", "hold", "--apply", String(job.id))
        func held() throws -> UInt64 { try network.ledger("vpcp").documents?.inStore["held"] ?? 0 }
        // Of those that were chosen some are still in no octet on the way.
        #expect(try eventually { try held() > 12 - chosen }, "\(chosen) of 12 were chosen")
        let left = try eventually {
            let (active, parked) = (try network.status("vpcp").active, try held())
            return active + parked == 12
        }
        #expect(left, "what is not held is begun")
        let stays = try held()
        proxy.change { $0.isFrozen = false }
        #expect(try eventually(within: 60) { try network.inbox("hcm", "H29").count == Int(12 - stays) })
        #expect(try held() == stays)
        let release: PreviewAnswer = try network.ask("vpcp", ["release", "--state", "held", "--reason", "test"])
        let releasing = try #require(release.job, "\(release)")
        let _: JobAnswer = try network.ask("vpcp", "release", "--apply", String(releasing.id))
        #expect(try eventually(within: 60) { try network.inbox("hcm", "H29").count == 12 })
    }

    // MARK: - An address translator that forgets

    /// Keepalives of the peer's own keep the flow in its memory: nothing is lost, and nothing is dialled anew.
    @Test func keepalivesKeepTheFlow() throws {
        var conduct = SlowProxy.Conduct()
        conduct.forgetsAfter = 2.5
        let (network, proxy) = try Self.network(conduct) { network in
            try network.edit("vpcp") {
                $0 = $0.replacingOccurrences(of: "    address: 127", with: "    keepalive: 1s\n    address: 127")
            }
        }
        #expect(try eventually { try Self.sessions(network, "vpcp", with: "truc") == 2 })
        // Long enough for it to forget twice what carries nothing.
        let end = ProcessInfo.processInfo.systemUptime + 6
        #expect(try eventually { ProcessInfo.processInfo.systemUptime > end })
        #expect(proxy.forgotten == 0 && proxy.accepted == 2, "\(network.logTail("vpcp"))")
        try Self.expectQuick(network, urgency: 0, within: 3)
        try Self.expectQuick(network, urgency: 3, within: 3)
        #expect(proxy.accepted == 2)
    }

    /// Without them the flows are forgotten. The first document finds it out, in the time of `session.silence`, and goes by a new connection.
    @Test(arguments: [0, 3])
    func aForgottenFlowIsReplacedSoon(urgency: Int) throws {
        let (network, proxy) = try Self.network(session: "  silence: 500ms\n  keepalive: 30s\n")
        #expect(try eventually { try Self.sessions(network, "vpcp", with: "truc") == 2 })
        try Self.expectQuick(network, urgency: urgency, within: 10)
        proxy.change { $0.forgetsAfter = 0.2 }
        #expect(try eventually { proxy.forgotten >= 2 })
        proxy.change { $0.forgetsAfter = nil }
        try Self.expectQuick(network, urgency: urgency, within: 10)
        #expect(proxy.accepted > 2)
        try network.expectBooksBalance(["truc", "hcm", "vpcp"])
    }

    /// One document arrives at hcm, in so many seconds.
    private static func expectQuick(_ network: Network, urgency: Int, within limit: Double) throws {
        let file = try file(network, "small", 3_000)
        let before = try network.inbox("hcm", "H29").count
        let start = ProcessInfo.processInfo.systemUptime
        _ = try network.submit(
            "vpcp", file,
            ["--sender", "G22", "--to", "H29", "--document", "N\(urgency)-\(before)", "--urgency", "\(urgency)"])
        #expect(try eventually { try network.inbox("hcm", "H29").count > before }, "\(network.logTail("vpcp"))")
        let span = ProcessInfo.processInfo.systemUptime - start
        #expect(span < limit, "it took \(span) s")
    }

    /// The preferred hop hangs, its connection alive: the document goes by the next hop.
    @Test(arguments: [true, false])
    func aHopThatHangsIsPassedOver(isProcessFrozen: Bool) throws {
        var proxy: SlowProxy?
        let network = try Network()
        for name in Network.names { try network.replace(name, "tls:\n", "session:\n  silence: 500ms\ntls:\n") }
        let agencies = network.folder.text("agencies.yaml").replacingOccurrences(
            of: "{to: hcm, via: [hcm], at: [truc]}", with: "{to: hcm, via: [hanoi, hcm], at: [truc]}")
        try network.folder.write(agencies, to: "agencies.yaml")
        try network.start(["truc", "hcm", "vpcp"])
        if isProcessFrozen {
            try network.start("hanoi")
        } else {
            proxy = try SlowProxy(to: network.port)
            try network.replace("hanoi", "address: 127.0.0.1:14557", "address: 127.0.0.1:\(proxy!.port)")
            try network.start("hanoi")
        }
        #expect(try eventually { try Self.sessions(network, "truc", with: "hanoi") == 2 })
        #expect(try eventually { try Self.sessions(network, "truc", with: "hcm") == 2 })
        if isProcessFrozen { network.send(SIGSTOP, to: "hanoi") } else { proxy?.change { $0.isFrozen = true } }
        let file = try Self.file(network, "small", 3_000)
        let urgent = try network.submit(
            "vpcp", file, ["--sender", "G22", "--to", "H29", "--document", "HT", "--urgency", "3"])
        let ordinary = try network.submit("vpcp", file, ["--sender", "G22", "--to", "H29", "--document", "O"])
        let arrives = try eventually { try network.inbox("hcm", "H29").count == 2 }
        #expect(arrives, "\(network.logTail("truc"))")
        let order = try network.inbox("hcm", "H29").map(\.envelope)
        #expect(Set(order) == [urgent.envelope, ordinary.envelope])
        let shown = try network.show("truc", urgent.envelope)
        #expect("\(shown)".contains("nothing is acknowledged"), "\(shown)")
        if isProcessFrozen { network.send(SIGCONT, to: "hanoi") } else { proxy?.change { $0.isFrozen = false } }
        try network.expectBooksBalance(["truc", "hcm", "vpcp"])
    }

    /// Packets above 1,300 octets vanish: sessions come up and carry nothing. The neighbour is named with the likely cause.
    @Test func aLinkThatSwallowsLargePacketsIsAFinding() throws {
        var conduct = SlowProxy.Conduct()
        conduct.swallowsAbove = 1_300
        // The handshake passes.
        conduct.swallowsAfter = 3_000
        let (network, proxy) = try Self.network(conduct, session: "  silence: 300ms\n  keepalive: 1s\n")
        let file = try Self.file(network, "large", 50_000)
        let document = try network.submit("vpcp", file, ["--sender", "G22", "--to", "H29", "--document", "L"])
        func stuck() throws -> PeersAnswer.Stuck? {
            let peers: PeersAnswer = try network.ask("vpcp", "peers")
            return peers.peers.first { $0.node == "truc" }?.stuck
        }
        #expect(try eventually { try stuck()?.word == "barren" }, "\(network.logTail("vpcp"))")
        let why = try stuck()?.why ?? ""
        #expect(why.contains("(MTU)"), "\(why)")
        let check = try network.control("vpcp", ["check", "links"])
        #expect(check.end != .exited(0) && check.output.contains("MTU"), "\(check.output)")
        let attempts = try network.show("vpcp", document.envelope).envelope.recipients.first?.attempts ?? 0
        #expect(attempts >= 2)
        // The path is mended: the document goes, and the finding with it.
        proxy.change { $0.swallowsAbove = nil }
        #expect(try eventually { try !network.inbox("hcm", "H29").isEmpty }, "\(network.logTail("vpcp"))")
        #expect(try eventually { try stuck()?.word != "barren" })
    }

    /// Sessions that end in order end by FIN both ways, at a stop and at the end of a session's life.
    @Test func orderlyEndsAreNoResets() throws {
        let (network, proxy) = try Self.network(session: "  session_lifetime: 1s\n")
        let file = try Self.file(network, "small", 3_000)
        var count = 0
        let hasEnded = try eventually {
            count += 1
            _ = try network.submit("vpcp", file, ["--sender", "G22", "--to", "H29", "--document", "L\(count)"])
            return proxy.ends.count { $0.count == 2 } >= 4
        }
        #expect(hasEnded, "\(proxy.ends)")
        #expect(network.stop("vpcp") == .exited(0))
        #expect(try eventually { proxy.ends.allSatisfy { $0.count == 2 } }, "\(proxy.ends)")
        #expect(proxy.ends.allSatisfy { $0 == [.finished, .finished] }, "\(proxy.ends)")
        #expect(try eventually { try network.inbox("hcm", "H29").count == count })
    }

    /// The address was wrong; the next dial by itself would be an hour later.
    @Test func aCorrectedAddressIsDialledAtTheReload() throws {
        let retries = Network.quickRetries
            .replacingOccurrences(of: "dial_backoff_min: 100ms", with: "dial_backoff_min: 1h")
            .replacingOccurrences(of: "dial_backoff_max: 1s", with: "dial_backoff_max: 2h")
        let network = try Network(retries: retries)
        try network.start(["truc"])
        // A port where nobody listens: of a proxy that is gone.
        let gone = try SlowProxy(to: 1)
        let port = gone.port
        gone.stop()
        #expect(try eventually { try !Self.answers(port) })
        try network.replace("vpcp", "address: 127.0.0.1:14557", "address: 127.0.0.1:\(port)")
        try network.start("vpcp")
        #expect(try eventually { network.logText("vpcp").contains("cannot reach peer") })
        try network.replace("vpcp", "address: 127.0.0.1:\(port)", "address: 127.0.0.1:\(network.port)")
        network.send(SIGHUP, to: "vpcp")
        #expect(try eventually { try Self.sessions(network, "vpcp", with: "truc") >= 1 }, "\(network.logTail("vpcp"))")
    }

    private static func answers(_ port: Int) throws -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    /// A hop that refuses one document after the other is one line, with all of them counted.
    @Test func refusedByEveryNextHopIsOneLine() throws {
        let network = try Network()
        try network.replace("truc", "  vpcp: {}", "  vpcp:\n    may_send_to: [\"H26\"]")
        try network.start(["truc", "vpcp"])
        let file = try Self.file(network, "small", 300)
        for index in 0..<20 {
            _ = try network.submit("vpcp", file, ["--sender", "G22", "--to", "H29", "--document", "R\(index)"])
        }
        let isRefused = try eventually {
            let ledger = try network.ledger("truc")
            return ledger.refusedTransfers.values.reduce(0, +) >= 20
        }
        #expect(isRefused, "\(network.logTail("truc"))")
        let isSaid = try eventually { network.logText("vpcp").contains("refused by every next hop") }
        #expect(isSaid)
        #expect(network.logText("vpcp").ranges(of: "refused by every next hop").count == 1)
    }

    /// A bundle that is a few octets longer than the neighbour takes is not begun, and called what it is; what fits goes.
    @Test func aBundleLongerThanThePeerTakesIsNamed() throws {
        let network = try Network()
        try network.start(["truc", "vpcp"])
        let hanoi = try AttackingPeer(port: network.port, tls: RawPeer.tls(network, "hanoi"))
        let told = try hanoi.announce("hanoi") { $0.transferMRU = 10_000 }
        #expect(told != nil)
        let long = try Self.file(network, "long", 9_990)
        let options = ["--sender", "G22", "--to", "H26", "--document"]
        let document = try network.submit("vpcp", long, options + ["long"])
        func answer() throws -> String {
            try network.show("truc", document.envelope).envelope.recipients.first?.lastAnswer ?? ""
        }
        let isNamed = try eventually {
            (try? answer()) == "hanoi: larger than the peer's transfer MRU"
        }
        #expect(isNamed, "\(network.logTail("truc"))")
        let short = try Self.file(network, "short", 5_000)
        _ = try network.submit("vpcp", short, options + ["short"])
        let segment = try hanoi.hear { if case .segment = $0 { true } else { false } }
        guard case .segment(let header)? = segment else { throw TestFailure("no segment came: \(hanoi.heard)") }
        #expect(header.flags == [.start, .end], "the first one that comes is the short one")
        #expect(header.dataLength > 5_000 && header.dataLength < 9_990)
    }

    /// `peers.*.keepalive`, on a session that the peer has opened.
    @Test func theKeepaliveIsThePeersOwn() throws {
        let network = try Network()
        try network.replace("truc", "  vpcp: {}", "  vpcp: {keepalive: 7s}")
        try network.start("truc")
        let peer = try RawPeer(port: network.port, as: "vpcp", tls: RawPeer.tls(network, "vpcp"))
        #expect(peer.isEstablished && peer.keepaliveSeconds == 7)
        let other = try RawPeer(port: network.port, as: "hcm", tls: RawPeer.tls(network, "hcm"))
        #expect(other.isEstablished && other.keepaliveSeconds == 30)
    }
}
