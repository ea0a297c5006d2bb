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
        let before = try network.ledger("truc").refusedTransfers[cause] ?? 0
        let answer = try (peer ?? vpcp).send(sample.octets())
        #expect(answer == .refused(reason), "\(network.logTail("truc"))", sourceLocation: location)
        let isCounted = try eventually(within: 10) {
            try network.ledger("truc").refusedTransfers[cause] ?? 0 == before + 1
        }
        let counts = try network.ledger("truc").refusedTransfers
        #expect(isCounted, "\(cause): \(counts)", sourceLocation: location)
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
