// OfferTests: documents that a peer must not get through: each refused with the protocol's own reason, counted, and without effect
// on the next good one.

import BundleProtocol
import ControlAPI
import Foundation
import NIOCore
import RelayModel
import TCPCL
import TestNetwork
import Testing

@Suite(.serialized) struct OfferTests {
    @Test func rightsOfThePeer() throws {
        let hub = try Hub { network in
            try network.replace("truc", "  vpcp: {}", "  vpcp:\n    may_send_to: [H29, X99]")
        }
        // A sender agency that is not vpcp's.
        try hub.expectRefused(.notAcceptable, counted: "notAuthorised", SampleBundle { $0.sender = "H26" })
        // A source node that is not the peer.
        try hub.expectRefused(
            .notAcceptable, counted: "notAuthorised",
            SampleBundle {
                $0.source = "hanoi"
                $0.sender = "H26"
                $0.path = ["hanoi", "vpcp"]
            })
        // A recipient to whom the peer may not send.
        try hub.expectRefused(.notAcceptable, counted: "notAuthorised", SampleBundle { $0.recipients = ["H26"] })
        // Nobody knows any of the recipients.
        try hub.expectRefused(.notAcceptable, counted: "unknownAgency", SampleBundle { $0.recipients = ["X99"] })
        try hub.expectGoodPasses()
    }

    /// One unknown among known ones ends as refused, by name; the others are served.
    @Test func partialAcceptance() throws {
        let hub = try Hub { network in
            try network.replace("truc", "  vpcp: {}", "  vpcp:\n    may_send_to: [H29, X99]")
        }
        let sample = SampleBundle { $0.recipients = ["H29", "X99", "H26"] }
        #expect(try hub.vpcp.send(sample.octets()) == .acknowledged)
        #expect(try hub.report(of: sample, "H29").state == .arrived)
        let unknown = try hub.report(of: sample, "X99")
        #expect(unknown.state == .refused && unknown.reason == .unknownAgency)
        let forbidden = try hub.report(of: sample, "H26")
        #expect(forbidden.state == .refused && forbidden.reason == .notAuthorised)
        #expect(try hub.network.inbox("hcm", "H29").map(\.envelope) == [sample.bundleID.envelopeName])
        #expect(try hub.network.ledger("truc").documents?.ended["refused"] == 2)
        try hub.expectGoodPasses()
    }

    @Test func loopsReturnsAndDuplicates() throws {
        let hub = try Hub()
        // Every next hop has been passed already.
        try hub.expectRefused(
            .notAcceptable, counted: "loop", SampleBundle { $0.path = ["vpcp", "hcm", "truc", "vpcp"] })
        try hub.expectRefused(.notAcceptable, counted: "loop", SampleBundle { $0.path = ["vpcp", "hcm"] })
        try hub.expectRefused(
            .notAcceptable, counted: "hopLimit", SampleBundle { $0.hops = (limit: 3, count: 3) })
        try hub.expectRefused(
            .notAcceptable, counted: "pathTooLong",
            SampleBundle { $0.path = (0..<64).map { "n\($0)" } })

        // The same again.
        let sample = SampleBundle()
        #expect(try hub.vpcp.send(sample.octets()) == .acknowledged)
        try hub.expectRefused(.completed, counted: "duplicate", sample)
        #expect(try eventually { try hub.network.inbox("hcm", "H29").count == 1 })
        try hub.expectRefused(.completed, counted: "duplicate", sample)

        // The same ID with other content: never *Completed*, and an alarm.
        var other = sample
        other.payload = Array("Kính gửi: ai đó khác".utf8)
        try hub.expectRefused(.notAcceptable, counted: "contentConflict", other)
        #expect(try hub.logs("error: another document came under a number that is known here"))
        #expect(try hub.network.inbox("hcm", "H29").map(\.bytes) == [UInt64(sample.payload.count)])
        try hub.expectGoodPasses()
    }

    /// What the hub has forwarded to hanoi comes back from hanoi: there is no other way, so hanoi keeps it.
    @Test func aReturnWithoutAnotherWay() throws {
        let hub = try Hub()
        let hanoi = try hub.peer("hanoi")
        let sample = SampleBundle { $0.recipients = ["H26"] }
        #expect(try hub.vpcp.send(sample.octets()) == .acknowledged)
        let copy = try hanoi.receive { $0.header.primary.bundleID == sample.bundleID }
        #expect(copy.header.copy?.path.map(\.node.name) == ["vpcp", "truc"])
        let name = sample.bundleID.envelopeName
        #expect(
            try eventually { try hub.network.show("truc", name).envelope.recipients.first?.state == "forwarded" })
        // Hanoi may send for itself only, unless the hub says otherwise; a return is another's document.
        var back = sample
        back.path = ["vpcp", "truc", "hanoi"]
        try hub.expectRefused(.notAcceptable, counted: "notAuthorised", from: hanoi, back)
        #expect(try hub.network.show("truc", name).envelope.recipients.first?.state == "forwarded")
        try hub.expectGoodPasses()
    }

    @Test func aReturnThatMayBeSent() throws {
        let hub = try Hub { network in
            try network.replace(
                "truc", "  hanoi: {}", "  hanoi:\n    may_send_from: {nodes: [\"*\"], agencies: [\"*\"]}")
        }
        let hanoi = try hub.peer("hanoi")
        let sample = SampleBundle { $0.recipients = ["H26"] }
        #expect(try hub.vpcp.send(sample.octets()) == .acknowledged)
        _ = try hanoi.receive { $0.header.primary.bundleID == sample.bundleID }
        let name = sample.bundleID.envelopeName
        #expect(
            try eventually { try hub.network.show("truc", name).envelope.recipients.first?.state == "forwarded" })
        var back = sample
        back.path = ["vpcp", "truc", "hanoi"]
        try hub.expectRefused(.notAcceptable, counted: "loop", from: hanoi, back)
        try hub.expectGoodPasses()
    }

    /// A bundle of another make, for a node with a number: by the routing table, its destination as it came.
    @Test func aNumberedDestination() throws {
        let hub = try Hub { network in
            try network.replace(
                "truc", "  vpcp: {}", "  vpcp:\n    may_send_from: {nodes: [\"*\"], agencies: [\"*\"]}")
            let text = network.folder.text("agencies.yaml")
            try network.folder.write(text + "\n  - {to: \"ipn:7.0\", via: [hanoi], at: [truc]}\n", to: "agencies.yaml")
        }
        func foreign(_ destination: String) throws -> WholeBundle {
            let payload = Array("no document of this network".utf8)
            let header = try BundleHeader(
                primary: PrimaryBlock(
                    destination: EndpointID(text: destination)!, source: EndpointID(text: "ipn:9.1")!,
                    reportTo: EndpointID(text: "ipn:9.1")!, creationTime: SampleBundle.now,
                    sequence: UInt64(UInt32.random(in: 1...(.max))), lifetime: .days(1)),
                hopCount: HopCount(limit: 32, count: 1), age: Milliseconds(5), payloadLength: UInt64(payload.count))
            return WholeBundle(header: header, payload: ByteBuffer(bytes: payload))
        }
        let bundle = try foreign("ipn:7.3")
        #expect(try hub.vpcp.send(bundle) == .acknowledged, "\(hub.network.logTail("truc"))")
        // It waits for the hop that the table names.
        #expect(try eventually { try hub.network.status("truc").inStore["waiting"] == 1 })
        let hanoi = try hub.peer("hanoi")
        let came = try hanoi.receive { $0.header.primary.bundleID == bundle.header.primary.bundleID }
        #expect(came.header.primary.destination == EndpointID(text: "ipn:7.3"))
        #expect(came.payload == bundle.payload)
        #expect(came.header.hopCount?.count == 2)
        // Another number has no row.
        var unknown = ByteBuffer()
        try foreign("ipn:8.3").encode(into: &unknown)
        try hub.expectRefused(.notAcceptable, counted: "noRoute", octets: unknown)
        try hub.expectGoodPasses()
    }

    @Test func times() throws {
        let hub = try Hub()
        let tenYears = Milliseconds.days(3_650).count
        try hub.expectRefused(
            .notAcceptable, counted: "expired",
            SampleBundle {
                $0.lifetime = .minutes(10)
                $0.age = .minutes(10)
            })
        // Older than its lifetime by the clock, where it carries no age.
        try hub.expectRefused(
            .notAcceptable, counted: "expired",
            SampleBundle {
                $0.created -= tenYears
                $0.age = nil
            })
        // What is refused says nothing of anybody's clock.
        try hub.expectGoodPasses()
        try hub.expectRefused(
            .notAcceptable, counted: "creationInFuture", SampleBundle { $0.created += tenYears })
        #expect(!hub.network.logText("truc").contains("clock of dtn://vpcp/"))
        // Ten years behind, but young by its age: the age decides. One neighbour of three does not make the hub doubt itself.
        let old = SampleBundle { $0.created -= tenYears }
        #expect(try hub.vpcp.send(old.octets()) == .acknowledged)
        #expect(try hub.report(of: old, "H29").state == .arrived)
        #expect(try hub.logs("clock of dtn://vpcp/"))
        #expect(try !hub.network.status("truc").clockDoubted)
        try hub.expectGoodPasses()
    }

    @Test func sizesAndDigests() throws {
        let hub = try Hub { network in try network.edit("truc") { $0 += "\nlimits:\n  document_max: 1MiB\n" } }
        try hub.expectRefused(
            .notAcceptable, counted: "tooLarge",
            SampleBundle { $0.payload = [UInt8](repeating: 7, count: (1 << 20) + 1) })
        // What the header alone shows to be wrong is refused by the session itself.
        let lying = SampleBundle { $0.claimedLength = 1 << 40 }
        try hub.expectRefused(.notAcceptable, counted: "badCopy", lying)
        #expect(try hub.logs("bundle refused: "))
        try hub.expectRefused(.notAcceptable, counted: "digestMismatch", SampleBundle { $0.claimedDigest = .zero })
        #expect(try hub.logs("payload does not match its digest"))
        // A copy for somebody whom the document does not name.
        let misled = SampleBundle {
            $0.recipients = ["H29"]
            $0.allRecipients = ["H26"]
        }
        try hub.expectRefused(.notAcceptable, counted: "badCopy", misled)
        try hub.expectGoodPasses()
    }

    /// The hub knows the agency, and no way to its home.
    @Test func noWay() throws {
        let hub = try Hub { network in
            let text = network.folder.text("agencies.yaml")
            try network.folder.write(
                text.replacingOccurrences(of: "  - {to: hanoi, via: [hanoi], at: [truc]}\n", with: ""),
                to: "agencies.yaml")
        }
        try hub.expectRefused(.notAcceptable, counted: "noRoute", SampleBundle { $0.recipients = ["H26"] })
        try hub.expectGoodPasses()
    }

    /// Before anything is received, a peer's quota and a node that is being emptied are resources that are not there.
    @Test func resources() throws {
        let hub = try Hub { network in
            try network.replace("truc", "  hanoi: {}", "  hanoi:\n    quotas: {bytes: 1MiB}")
        }
        let hanoi = try hub.peer("hanoi")
        func sample(_ bytes: Int) -> SampleBundle {
            SampleBundle {
                $0.source = "hanoi"
                $0.sender = "H26"
                $0.path = ["hanoi"]
                $0.payload = [UInt8](repeating: 7, count: bytes)
            }
        }
        try hub.expectRefused(.noResources, counted: "quota", from: hanoi, sample((1 << 20) + 1))
        #expect(try hanoi.send(sample(100).octets()) == .acknowledged)
        try hub.expectGoodPasses()

        // One that waits keeps the node from ending while it is emptied.
        #expect(hub.network.stop("hcm") == .exited(0))
        #expect(try hub.vpcp.send(SampleBundle().octets()) == .acknowledged)
        #expect(try hub.network.control("truc", ["drain", "--yes", "--reason", "thay máy"]).end == .exited(0))
        try hub.expectRefused(.noResources, counted: "draining", SampleBundle())
        #expect(try hub.network.control("truc", ["drain", "--cancel"]).end == .exited(0))
        try hub.network.start("hcm")
        try hub.expectGoodPasses()
    }

    /// 3,000 bundles with 229 KB of unknown blocks stood in the store, and in no quota.
    @Test func headersAreBoundedAndCounted() throws {
        let hub = try Hub { network in
            try network.replace("truc", "  hanoi: {}", "  hanoi:\n    quotas: {bytes: 1MiB}")
        }
        func sample(_ octets: Int) -> SampleBundle {
            SampleBundle {
                $0.source = "hanoi"
                $0.sender = "H26"
                $0.path = ["hanoi"]
                $0.extraBlocks = [
                    CanonicalBlock(
                        type: BlockType(rawValue: 250), number: 20, flags: [],
                        data: ByteBuffer(repeating: 0, count: octets))
                ]
            }
        }
        let hanoi = try hub.peer("hanoi")
        try hub.expectRefused(.notAcceptable, counted: "tooLarge", from: hanoi, sample(229_000))
        // What is waiting for a home that is down fills the share by its headers.
        #expect(hub.network.stop("hcm") == .exited(0))
        var taken = 0
        while taken < 60, try hanoi.send(sample(30_000).octets()) == .acknowledged { taken += 1 }
        #expect((30...35).contains(taken), "\(taken) bundles of 30 KB in 1 MiB")
        #expect(try hub.network.ledger("truc").refusedTransfers["quota"] == 1)
        try hub.network.start("hcm")
        try hub.expectGoodPasses()
    }

    /// A report is believed of the recipient's home only, and only over a link that may carry its reporter.
    @Test func forgedReports() throws {
        let hub = try Hub()
        // The real vpcp takes the place of the test's own.
        try hub.vpcp.end()
        try hub.network.start("vpcp")
        let file = try hub.network.package("forged.edxml", to: ["H26"])
        let accepted = try hub.network.submit("vpcp", file)
        let bundle = try #require(BundleID(envelopeName: accepted.envelope))
        func row(_ path: [String], _ state: ReportedState) -> ReportRow {
            ReportRow(
                bundle: bundle, recipient: AgencyCode("H26")!, state: state,
                time: WallTime(milliseconds: SampleBundle.now), reason: .none,
                path: path.map { PathStop(node: NodeID(name: $0)!, time: WallTime(milliseconds: 1)) })
        }
        // The place of hcm is the test's now.
        #expect(hub.network.stop("hcm") == .exited(0))
        let hcm = try hub.peer("hcm")

        // In another node's name.
        let disguised = try SampleBundle.report(
            [row(["vpcp", "truc", "hanoi"], .delivered)], from: "hanoi", to: "vpcp")
        #expect(try hcm.send(disguised) == .refused(.notAcceptable))
        #expect(try hub.network.ledger("truc").refusedTransfers["notAuthorised"] == 1)
        // In another node's name, to the hub itself.
        let toHub = try SampleBundle.report([row(["truc", "hanoi"], .delivered)], from: "hanoi", to: "truc")
        #expect(try hcm.send(toHub) == .refused(.notAcceptable))
        #expect(try eventually { try hub.network.ledger("truc").refusedTransfers["forgedReport"] == 1 })

        // In its own name, of a recipient that is at home elsewhere: the hub carries it, the submitter does not believe it.
        let own = try SampleBundle.report([row(["vpcp", "truc", "hcm"], .delivered)], from: "hcm", to: "vpcp")
        #expect(try hcm.send(own) == .acknowledged)
        let isNoticed = try eventually { hub.network.logText("vpcp").contains("report rows of hcm are not believed") }
        #expect(isNoticed, "\(hub.network.logTail("vpcp"))")
        let trace = try hub.network.trace("vpcp", accepted.envelope)
        #expect(trace.recipients.allSatisfy { $0.state != "delivered" && !$0.isFinal }, "\(trace)")

        // The document itself still gets to its agency, and then the report is true.
        let hanoi = try hub.peer("hanoi")
        _ = try hanoi.receive { $0.header.primary.bundleID == bundle }
        let path = ["vpcp", "truc", "hanoi"]
        #expect(try hanoi.send(SampleBundle.report([row(path, .arrived)], from: "hanoi", to: "vpcp")) == .acknowledged)
        #expect(
            try eventually { try hub.network.trace("vpcp", accepted.envelope).recipients.map(\.state) == ["arrived"] })
        try hub.network.expectBooksBalance(["vpcp", "truc"])
    }
}
