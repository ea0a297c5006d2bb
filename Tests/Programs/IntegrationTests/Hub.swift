// Hub: the real hub and the real node of hcm, with the test itself as the node vpcp: what the bad-input tests share.

import BundleProtocol
import ControlAPI
import Foundation
import NIOCore
import OpenSSLTLS
import RelayModel
import TCPCL
import TestNetwork
import Testing

/// A hub under test. Every refusal must be counted, and must leave no trace on what comes after.
final class Hub {
    let network: Network
    /// The test's own session with the hub.
    var vpcp: RawPeer

    init(_ change: (Network) throws -> Void = { _ in }) throws {
        network = try Network()
        try change(network)
        try network.start(["truc", "hcm"])
        vpcp = try RawPeer(port: network.port, as: "vpcp", tls: RawPeer.tls(network, "vpcp"))
        #expect(vpcp.isEstablished, "\(vpcp.ending ?? "")")
    }

    func peer(_ name: String, certificate: String? = nil) throws -> RawPeer {
        try RawPeer(port: network.port, as: name, tls: RawPeer.tls(network, certificate ?? name))
    }

    /// Sends what must be refused for a reason, and counted under a cause.
    func expectRefused(
        _ reason: TransferRefusalReason, counted cause: String, from peer: RawPeer? = nil, _ sample: SampleBundle,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        try expectRefused(reason, counted: cause, from: peer, octets: sample.octets(), location)
    }

    func expectRefused(
        _ reason: TransferRefusalReason, counted cause: String, from peer: RawPeer? = nil, octets: ByteBuffer,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        try expectCounted(cause, location) {
            let answer = try (peer ?? vpcp).send(octets)
            #expect(answer == .refused(reason), "\(network.logTail("truc"))", sourceLocation: location)
        }
    }

    /// What happens is counted once (or, where one deed may break several rules, at least once) under a cause and under no other,
    /// and the hub's stock knows nothing of it.
    func expectCounted(
        _ cause: String, orMore: Bool = false, _ location: SourceLocation = #_sourceLocation,
        _ happens: () throws -> Void
    ) throws {
        let before = try network.ledger("truc")
        try happens()
        let old = before.refusedTransfers[cause] ?? 0
        let isCounted = try eventually(within: 10) {
            let count = try network.ledger("truc").refusedTransfers[cause] ?? 0
            return orMore ? count > old : count == old + 1
        }
        let after = try network.ledger("truc")
        #expect(isCounted, "\(cause): \(after.refusedTransfers)", sourceLocation: location)
        let others = [before, after].map { $0.refusedTransfers.filter { $0.key != cause } }
        #expect(others[0] == others[1], sourceLocation: location)
        // What is there may go on meanwhile; nothing may have come.
        #expect(after.documents?.accepted == before.documents?.accepted, sourceLocation: location)
        let stocks = [before, after].map { $0.documents?.inStore.values.reduce(0, +) ?? 0 }
        #expect(stocks[1] <= stocks[0], sourceLocation: location)
        let isDropped = try eventually(within: 10) { try network.status("truc").stagedBytes == 0 }
        #expect(isDropped, "octets stay promised", sourceLocation: location)
    }

    /// A good document still passes, and all books balance.
    func expectGoodPasses(_ location: SourceLocation = #_sourceLocation) throws {
        #expect(network.isRunning("truc"), "\(network.logTail("truc"))", sourceLocation: location)
        if vpcp.ending != nil { vpcp = try peer("vpcp") }
        let good = SampleBundle()
        #expect(try vpcp.send(good.octets()) == .acknowledged, "\(network.logTail("truc"))", sourceLocation: location)
        let name = good.bundleID.envelopeName
        let arrives = try eventually { try network.inbox("hcm", "H29").contains { $0.envelope == name } }
        #expect(arrives, "\(network.logTail("hcm"))", sourceLocation: location)
        let row = try report(of: good, "H29")
        #expect(row.state == .arrived, sourceLocation: location)
        try network.expectBooksBalance(["truc", "hcm"])
    }

    /// The row that comes back for one recipient.
    func report(of sample: SampleBundle, _ recipient: String) throws -> ReportRow {
        var found: ReportRow?
        _ = try vpcp.receive { bundle in
            guard bundle.header.primary.flags.contains(.isAdministrativeRecord),
                let row = Self.rows(of: bundle.payload).first(where: {
                    $0.bundle == sample.bundleID && $0.recipient.text == recipient
                })
            else { return false }
            found = row
            return true
        }
        return try #require(found)
    }

    /// The rows of a report record.
    static func rows(of payload: ByteBuffer) -> [ReportRow] {
        guard case .reports(let rows)? = try? AdministrativeRecord(decoding: payload) else { return [] }
        return rows
    }

    func logs(_ text: String) throws -> Bool { try eventually(within: 10) { network.logText("truc").contains(text) } }
}
