// GreetingTests: what two nodes tell each other in SESS_INIT, the sign of life that one is asked for, and the name that an envelope had
// before, from header to offer.

import BundleProtocol
import NIOCore
import RelayModel
import RelaySession
import TCPCL
import Testing

@testable import RelayCore

struct GreetingTests {
    private static func greeting(_ incarnation: UInt32, features: [Feature] = Feature.own) -> Greeting {
        Greeting(version: "0.4.0", incarnation: incarnation, counter: 3, features: features)
    }

    /// Each side is asked for what it tells that very node: the one it dials, or the one that announces itself.
    @Test(arguments: [1, Int.max]) func bothHearOfEachOther(part: Int) {
        let duet = Duet { settings in
            let own = settings.session.nodeID
            settings.greet = { other in
                var greeting = Self.greeting(own.name == "a" ? 7 : 8)
                greeting.taken = [TakenNumbers(incarnation: other?.name == "a" ? 7 : 8, counter: 9, created: 1)]
                return greeting
            }
        }
        duet.a.start(duet.now)
        duet.b.start(duet.now)
        duet.run(part: part)
        #expect(duet.a.facts?.greeting?.incarnation == 8 && duet.b.facts?.greeting?.incarnation == 7)
        #expect(duet.a.facts?.greeting?.taken.first?.incarnation == 7)
        #expect(duet.b.facts?.greeting?.taken.first?.incarnation == 8)
        #expect(duet.a.facts?.understands(.returns) == true)
    }

    /// The chain vouches for a certificate, and it is not that of the node which it says it is, or which was dialled: nothing is told.
    @Test(arguments: [true, false]) func whoIsNotAcceptedHearsNothing(isDialled: Bool) {
        var told: [String: Bool] = [:]
        for certificate in ["a", "b", "x"] {
            let duet = Duet { settings in
                settings.session.tls = .required
                settings.greet = { _ in Self.greeting(7) }
            }
            duet.start()
            let side = isDialled ? duet.a : duet.b
            let other = isDialled ? duet.b : duet.a
            #expect(side.wantsTLS && other.wantsTLS)
            let names = CertificateNames(bundleEIDs: ["dtn://\(certificate)/"])
            side.conversation.tlsEstablished(names, now: duet.now, &side.output)
            side.collect(duet.now)
            other.conversation.tlsEstablished(
                CertificateNames(bundleEIDs: ["dtn://\(side.name)/"]), now: duet.now, &other.output)
            other.collect(duet.now)
            duet.run()
            told[certificate] = String(decoding: other.octetsHeard, as: UTF8.self).contains("0.4.0")
        }
        #expect(told == ["a": !isDialled, "b": isDialled, "x": false])
    }

    /// A node of 0.3, or of another make, says nothing; the session is as it was.
    @Test func whoSaysNothingUnderstandsNothing() {
        let duet = Duet { settings in
            if settings.session.role == .active { settings.greet = { _ in Self.greeting(7) } }
        }
        duet.start()
        #expect(duet.a.facts?.greeting == nil && duet.a.facts?.understands(.returns) == false)
        #expect(duet.b.facts?.greeting?.incarnation == 7)
    }

    /// Whoever lives answers, and its engine hears of nothing but an empty record.
    @Test func aSignOfLife() {
        let duet = Duet()
        duet.start()
        duet.a.perform(.probe(session: Ticket(1)), duet.now)
        #expect(!duet.a.log.contains("answered"))
        duet.run()
        #expect(duet.a.log.filter { $0 == "answered" }.count == 1)
        #expect(duet.b.reports.map(\.rows) == [[]])
        #expect(duet.b.counts.malformed == 0 && duet.b.counts.unacceptable == 0)
        #expect(duet.a.answers.isEmpty && duet.a.closed == nil)
    }

    /// The end that says why goes to who understands it.
    @Test(arguments: [true, false]) func theSecondOfTwoHearsWhy(understands: Bool) {
        let duet = Duet { settings in
            if settings.session.role == .passive { settings.greet = { _ in Self.greeting(8) } }
            if settings.session.role == .active, understands { settings.greet = { _ in Self.greeting(7) } }
        }
        duet.start()
        duet.b.perform(.endTwin(session: Ticket(1), why: "test"), duet.now)
        duet.run()
        #expect(duet.a.log.contains("identityTwice") == understands)
        #expect(duet.a.ends == 1)
    }

    /// Block 244 stands in a record as its maker has written it, and is taken out for a hop that does not understand it.
    @Test func whatTheMakerOfARecordUnderstands() throws {
        let source = EndpointID.dtn("a/")
        let primary = PrimaryBlock(
            flags: .isAdministrativeRecord, destination: .dtn("b/"), source: source, reportTo: source, creationTime: 7,
            sequence: 8, lifetime: .days(1))
        var header = try BundleHeader(
            primary: primary, blocks: [.bundleAge(.zero, number: 2)], payload: PayloadHead(crcType: .none, length: 0))
        try header.setFeatures([.returns, .homeFeatures])
        var octets = ByteBuffer()
        header.encode(into: &octets)
        var parser = BundleHeaderParser()
        guard case .header(var read, _) = try parser.parse(&octets) else {
            Issue.record("not a header")
            return
        }
        #expect(read.features == [.returns, .homeFeatures] && read.unprocessed.isEmpty)
        read.removeFeatures()
        #expect(read.blocks.map(\.type) == [.bundleAge] && read.features == nil)
    }

    /// Blocks 242 and 243 are made for the hop that is to have them, and only for it.
    @Test func theFormerNameAndTheReturn() throws {
        let source = EndpointID.dtn("a/")
        let former = BundleID(source: source, creationTime: 5, sequence: 6)
        let primary = PrimaryBlock(
            flags: [], destination: .dtn("H29/edoc"), source: source, reportTo: source, creationTime: 7, sequence: 8,
            lifetime: .days(1))
        var header = try BundleHeader(
            primary: primary, blocks: [.bundleAge(.zero, number: 2)], payload: PayloadHead(crcType: .none, length: 0))
        try header.setNames(former: former, isReturn: true)
        var octets = ByteBuffer()
        header.encode(into: &octets)
        var parser = BundleHeaderParser()
        guard case .header(var read, _) = try parser.parse(&octets) else {
            Issue.record("not a header")
            return
        }
        #expect(read.formerName == former && read.isReturn && read.unprocessed.isEmpty)
        try read.setNames(former: nil, isReturn: false)
        #expect(read.blocks.map(\.type) == [.bundleAge])
        #expect(read.formerName == nil && !read.isReturn)
    }
}
