// RecordTests: administrative records for this node are read here; those for others are offered like any bundle.

import BundleProtocol
import NIOCore
import RelayModel
import RelaySession
import TCPCL
import Testing

@testable import RelayCore

struct RecordTests {
    private func record(_ rows: [ReportRow]) throws -> [UInt8] {
        var buffer = ByteBuffer()
        try ReportRecord.encode(rows, into: &buffer)
        return Array(buffer.readableBytesView)
    }

    @Test(arguments: [1, 3, Int.max])
    func rowsForThisNode(part: Int) throws {
        let duet = Duet()
        duet.start()
        let rows = (1...100).map { Sample.row(UInt64($0)) }
        duet.a.perform(.send(Sample.record(1, try record(rows), at: duet.a)), duet.now)
        duet.run(part: part)
        let report = try #require(duet.b.reports.first)
        #expect(report.rows == rows)
        #expect(report.reporter == NodeID(name: "a"))
        #expect(report.bundle == Sample.bundleID(1))
        #expect(duet.b.offers.isEmpty)
        #expect(duet.a.answers == [Ticket(1): [.acknowledged]])
        #expect(duet.b.counts.recordsReceived == 1)
    }

    @Test func recordsForOthersAreOffered() throws {
        let duet = Duet()
        duet.start()
        let payload = try record([Sample.row(1)])
        duet.a.perform(.send(Sample.record(1, payload, at: duet.a, destination: "dtn://c/")), duet.now)
        duet.run()
        #expect(duet.b.reports.isEmpty)
        #expect(duet.b.offers.first?.isAdministrative == true)
        #expect(duet.b.payloads.values.first == payload)
        #expect(duet.a.answers == [Ticket(1): [.acknowledged]])
    }

    /// Whoever sends records of types that nobody here knows has them carried by nobody.
    @Test(arguments: [1, 3, Int.max])
    func recordsOfOtherTypesAreNotHandedOn(part: Int) throws {
        let duet = Duet()
        duet.start()
        let payloads: [[UInt8]] = [
            [0x82, 0x18, 0x63] + [UInt8](repeating: 0, count: 5_000), [0x82, 0x18, 0x63, 0x00], [1, 2, 3], [0x82],
            [0x82, 0x1a, 0x00, 0x02, 0x00, 0x00, 0x00],
        ]
        for (index, payload) in payloads.enumerated() {
            let record = Sample.record(UInt64(index + 1), payload, at: duet.a, destination: "dtn://c/")
            duet.a.perform(.send(record), duet.now)
        }
        duet.run(part: part)
        #expect(duet.a.answers.count == payloads.count)
        #expect(duet.a.answers.values.allSatisfy { $0 == [.refused(.notAcceptable)] })
        // A later one of this network's own numbers is.
        let later: [UInt8] = [0x82, 0x1a, 0x00, 0x01, 0x00, 0x01, 0x00]
        duet.a.perform(.send(Sample.record(9, later, at: duet.a, destination: "dtn://c/")), duet.now)
        duet.run(part: part)
        #expect(duet.a.answers[Ticket(9)] == [.acknowledged])
    }

    @Test func statusReportsAreTakenWithoutRows() throws {
        let duet = Duet()
        duet.start()
        var buffer = ByteBuffer()
        StatusReport(
            delivered: .asserted(at: nil), reason: .none, bundle: Sample.bundleID(9)
        ).encode(into: &buffer)
        duet.a.perform(.send(Sample.record(1, Array(buffer.readableBytesView), at: duet.a)), duet.now)
        duet.run()
        #expect(duet.b.reports.map(\.rows.count) == [0])
        #expect(duet.a.answers == [Ticket(1): [.acknowledged]])
    }

    @Test func whatIsNoRecordIsRefused() throws {
        let duet = Duet()
        duet.start()
        let whole = try record([Sample.row(1)])
        let piece = try #require(PieceRange(offset: 0, length: 10, total: UInt64(whole.count)))
        let dispatches = [
            Sample.record(1, [1, 2, 3], at: duet.a), Sample.record(2, [], at: duet.a),
            Sample.record(3, [0x82, 0x18, 0x63, 0x00], at: duet.a), Sample.record(4, whole + [0], at: duet.a),
            Sample.record(5, whole, at: duet.a, piece: piece),
            Sample.record(6, [UInt8](repeating: 0, count: AdministrativeRecord.octetsMax + 1), at: duet.a),
        ]
        for dispatch in dispatches { duet.a.perform(.send(dispatch), duet.now) }
        duet.run()
        #expect(duet.a.answers.count == dispatches.count)
        #expect(duet.a.answers.values.allSatisfy { $0 == [.refused(.notAcceptable)] })
        #expect(duet.b.reports.isEmpty && duet.b.offers.isEmpty)
        duet.a.perform(.send(Sample.record(7, whole, at: duet.a)), duet.now)
        duet.run()
        #expect(duet.b.reports.count == 1)
    }
}
