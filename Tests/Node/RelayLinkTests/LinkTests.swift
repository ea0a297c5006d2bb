// LinkTests: two nodes on the loopback interface, over real TLS.

import NIOCore
import NIOPosix
import OpenSSLTLS
import RelayModel
import RelaySession
import Testing

@testable import RelayCore
@testable import RelayLink

@Suite(.timeLimit(.minutes(2)))
struct LinkTests {
    @Test func aHundredBothWays() async throws {
        let pair = try await TestPair.make(Authority("a", "b"))
        for node in [pair.a, pair.b] {
            for number in UInt64(1)...100 {
                let length = number == 50 ? 3_000_000 : Int(number * number * 5)
                node.keep((0..<length).map { UInt8(truncatingIfNeeded: $0 &* Int(number)) }, as: number)
            }
        }
        let numbers = (UInt64(1)...100).map { ($0, $0 == 50 ? 3_000_000 : Int($0 * $0 * 5)) }
        pair.a.send(numbers, on: pair.sessionOfA, to: pair.b.name)
        pair.b.send(numbers, on: pair.sessionOfB, to: pair.a.name)
        for (node, other) in [(pair.a, pair.b), (pair.b, pair.a)] {
            await node.wait { $0.answers.count == 100 }
            #expect(node.now.answers.values.allSatisfy { $0 == [.acknowledged] })
            let told = other.now
            for ticket in told.completed {
                let offer = try #require(told.offers[ticket])
                let number = Int(truncatingIfNeeded: offer.bundle.sequence & 0xffff)
                let isSame = told.payloads[ticket]!.enumerated().allSatisfy {
                    $0.element == UInt8(truncatingIfNeeded: $0.offset &* number)
                }
                #expect(isSame && told.payloads[ticket]!.count == Int(offer.payloadLength))
            }
        }
        let info = try #require(pair.a.links.sessions.first)
        #expect(info.tlsVersion == "TLSv1.3" && info.cipher != nil && info.certificateNotAfter != nil)
        #expect(info.peer == pair.b.name && info.isDialled && info.inFlight == 0)
        #expect(info.bytesOut > 3_000_000 && info.bytesIn > 3_000_000)
        #expect(info.address.hasPrefix("127.0.0.1:"))
        try await pair.stop()
        #expect(pair.a.now.ended[pair.sessionOfA]?.reason == "the test is over")
        #expect(pair.a.now.ended[pair.sessionOfA]?.whole == [])
        #expect(pair.b.now.ended[pair.sessionOfB] != nil)
        #expect(pair.a.links.sessions.isEmpty)
        #expect(pair.a.gauge.bytes == 0 && pair.b.gauge.bytes == 0)
    }

    @Test func aWrongCertificateIsRefused() async throws {
        let authority = try Authority("a", "--name", "x", "b")
        let b = try TestNode("b", peers: [TestNode.peer("a")], tls: authority.context("b"))
        let port = try await b.listen()
        let a = try TestNode("a", peers: [TestNode.peer("b", port: port)], tls: authority.context("a"))
        a.links.dial(b.name)
        await a.wait { !$0.dialFailures.isEmpty }
        #expect(
            a.now.dialFailures == ["The peer announces dtn://b/, but its certificate is that of dtn://x/."])
        #expect(a.now.established.isEmpty)
        try await a.stop()
        try await b.stop()
    }

    @Test func anUntrustedCertificateIsRefused() async throws {
        let b = try TestNode("b", peers: [TestNode.peer("a")], tls: Authority("b").context("b"))
        let port = try await b.listen()
        let a = try TestNode("a", peers: [TestNode.peer("b", port: port)], tls: Authority("a").context("a"))
        a.links.dial(b.name)
        await a.wait { !$0.dialFailures.isEmpty }
        #expect(a.now.dialFailures.first?.contains("does not lead to a trusted CA") == true)
        await b.wait { !$0.notices.isEmpty }
        #expect(b.now.notices.first?.text.hasPrefix("contact failed: ") == true)
        #expect(b.now.notices.first?.text.contains("[127.0.0.1:") == true)
        #expect(b.now.established.isEmpty && b.now.ended.isEmpty)
        try await a.stop()
        try await b.stop()
    }

    @Test func cutInTheMiddle() async throws {
        let proxy = Proxy(limit: 4 << 20)
        let pair = try await TestPair.make(Authority("a", "b"), through: proxy)
        pair.b.change { $0.acknowledges = false }
        pair.a.keep([1, 2, 3], as: 1)
        pair.a.keep([UInt8](repeating: 7, count: 64 << 20), as: 2)
        pair.a.send([(1, 3), (2, 64 << 20)], on: pair.sessionOfA, to: pair.b.name)
        await pair.b.wait { told in told.offers.count == 2 && told.completed.count == 1 }
        proxy.cut()
        await pair.a.wait { !$0.ended.isEmpty }
        await pair.b.wait { !$0.ended.isEmpty }
        #expect(pair.a.now.ended[pair.sessionOfA]?.whole == [Ticket(1)])
        #expect(pair.a.now.answers.isEmpty)
        #expect(pair.b.now.completed.count == 1)
        #expect(pair.b.now.abandoned.count == 1)
        // Late effects find no session.
        pair.b.links.perform([.acknowledge(session: pair.sessionOfB, offer: pair.b.now.completed[0])])
        try await pair.stop()
    }

    @Test func aFullEngineStopsTheReading() async throws {
        let highWater = 1 << 20
        let pair = try await TestPair.make(Authority("a", "b"), highWaterOfB: highWater)
        pair.b.change { $0.isHolding = true }
        for number in UInt64(1)...20 { pair.a.keep([UInt8](repeating: UInt8(number), count: 2 << 20), as: number) }
        pair.a.send((UInt64(1)...20).map { ($0, 2 << 20) }, on: pair.sessionOfA, to: pair.b.name)
        await pair.b.wait { $0.heaviest >= highWater }
        #expect(pair.b.gauge.isHigh)
        // With 40 MiB on the way, nothing more comes in, however often the loops turn.
        for loop in pair.b.group.makeIterator() {
            for _ in 0..<300 { try await loop.submit {}.get() }
        }
        #expect(pair.b.links.sessions.first?.isReading == false)
        #expect(pair.b.gauge.bytes < highWater + (2 << 20))
        pair.b.takeHeld()
        await pair.a.wait { $0.answers.count == 20 }
        #expect(pair.b.now.heaviest < highWater + (2 << 20))
        #expect(pair.b.gauge.bytes == 0 && !pair.b.gauge.isHigh)
        try await pair.stop()
    }

    @Test func reloadEndsTheSessionOfARevokedPeer() async throws {
        let authority = try Authority("a", "b", "c")
        let pair = try await TestPair.make(authority)
        let port = try #require(pair.a.links.sessions.first?.address.split(separator: ":").last.flatMap { Int($0) })
        let c = try TestNode("c", peers: [TestNode.peer("b", port: port)], tls: authority.context("c"))
        c.links.dial(pair.b.name)
        await pair.b.wait { $0.established.count == 2 }
        try authority.script(["--revoke", "a"])
        let peers = [TestNode.peer("a"), TestNode.peer("c")]
        let context = try authority.context("b", withRevocation: true)
        pair.b.links.replacePolicy(LinkPolicy(node: pair.b.name, tls: context, peers: peers))
        await pair.b.wait { !$0.ended.isEmpty }
        await pair.a.wait { !$0.ended.isEmpty }
        #expect(pair.b.now.ended.keys.first == pair.sessionOfB)
        #expect(pair.b.now.ended.values.first?.reason.contains("revoked") == true)
        #expect(pair.a.now.ended.values.first?.reason == "The peer ended the session (unknown).")
        // It does not come back, the other stays until it is removed.
        pair.a.links.dial(pair.b.name)
        await pair.b.wait { $0.notices.contains { $0.text.contains("contact failed: the certificate") } }
        #expect(c.now.ended.isEmpty && pair.b.links.sessions.map(\.peer).contains(c.name))
        pair.b.links.replacePolicy(LinkPolicy(node: pair.b.name, tls: context, peers: [TestNode.peer("a")]))
        await c.wait { !$0.ended.isEmpty }
        try await c.stop()
        try await pair.stop()
    }

    @Test func whatCannotBeReadIsSaid() async throws {
        let pair = try await TestPair.make(nil)
        pair.a.keep([1], as: 2)
        pair.a.send([(1, 1_000), (2, 1)], on: pair.sessionOfA, to: pair.b.name)
        await pair.a.wait { $0.answers.count == 2 }
        #expect(pair.a.now.answers == [Ticket(1): [.unreadable], Ticket(2): [.acknowledged]])
        #expect(pair.a.now.notices.contains { $0.grade == .alarm })
        #expect(pair.a.links.sessions.first?.tlsVersion == nil)
        try await pair.stop()
    }

    @Test func stoppingDoesNotWaitForEver() async throws {
        let pair = try await TestPair.make(Authority("a", "b"))
        pair.b.change { $0.acknowledges = false }
        pair.a.keep([1], as: 1)
        pair.a.send([(1, 1)], on: pair.sessionOfA, to: pair.b.name)
        await pair.b.wait { $0.completed.count == 1 }
        try await pair.a.links.terminateAll(why: "stop", within: Milliseconds(50)).get()
        await pair.a.wait { !$0.ended.isEmpty }
        #expect(pair.a.now.ended[pair.sessionOfA]?.whole == [Ticket(1)])
        pair.a.links.dial(pair.b.name)
        await pair.a.wait { $0.dialFailures == ["this node is stopping"] }
        try await pair.b.stop()
    }

    @Test func dialsThatFail() async throws {
        let b = try TestNode("b", peers: [], tls: nil)
        let port = try await b.listen(.plain)
        try await b.links.terminateAll(why: "stop", within: .zero).get()
        let a = try TestNode("a", peers: [TestNode.peer("b", port: port, .plain), TestNode.peer("c")], tls: nil)
        a.links.perform([.dial(peer: b.name)])
        await a.wait { $0.dialFailures == ["127.0.0.1:\(port): Connection refused"] }
        a.links.dial(NodeID(name: "c")!)
        a.links.dial(NodeID(name: "unknown")!)
        await a.wait { $0.dialFailures.count == 3 }
        #expect(a.now.dialFailures[1] == "no address is configured")
        #expect(a.gauge.bytes == 0)
    }

    @Test func sessionsAreLimited() async throws {
        var settings = LinkSettings()
        settings.sessionsPerPeer = 1
        let pair = try await TestPair.make(nil, settings: settings)
        pair.a.links.dial(pair.b.name)
        await pair.a.wait { !$0.dialFailures.isEmpty }
        #expect(pair.a.now.dialFailures == ["The peer ended the session (resource exhaustion)."])
        await pair.b.wait { !$0.notices.isEmpty }
        let said = pair.b.now.notices.first?.text
        #expect(said?.hasPrefix("contact failed: The peer has 1 sessions already") == true, "\(said ?? "")")
        #expect(pair.b.links.shares.sessions == 1 && pair.b.links.shares.mostOfOnePeer == 1)
        try await pair.stop()
    }

    @Test func plainLinksStayAtHome() async throws {
        let b = try TestNode("b", peers: [], tls: nil)
        await #expect(throws: LinkError.plainBeyondLoopback("0.0.0.0")) {
            _ = try await b.links.listen(on: LinkAddress(host: "0.0.0.0", port: 0), .plain).get()
        }
        await #expect(throws: LinkError.noTLSSettings) { _ = try await b.listen() }
    }

    @Test func aPeerThatSaysNothingLosesItsPlace() async throws {
        var settings = LinkSettings()
        settings.handshakeTimeout = Milliseconds(20)
        let b = try TestNode("b", peers: [], tls: nil, settings: settings)
        let port = try await b.listen(.plain)
        let channel = try await ClientBootstrap(group: b.group).connect(host: "127.0.0.1", port: port).get()
        try await channel.closeFuture.get()
        await b.wait { $0.notices.first?.text.hasPrefix("contact failed: The peer did not finish") == true }
        #expect(b.links.sessions.isEmpty)
        try await b.stop()
    }
}
