// RecordTests: administrative records, ours and the RFC's.

import NIOCore
import RelayModel
import Testing

@testable import BundleProtocol

@Suite struct RecordTests {
    private func code(_ hex: String) -> BundleError.Code? {
        do throws(BundleError) {
            _ = try AdministrativeRecord(decoding: ByteBuffer(hex: hex))
            return nil
        } catch {
            return error.code
        }
    }

    private let bundle = BundleID(source: .ipn(node: 2, service: 1), creationTime: 0, sequence: 40)

    @Test func statusReportOctets() throws {
        let report = StatusReport(
            received: .asserted(at: nil), deleted: .asserted(at: WallTime(milliseconds: 5)), reason: .lifetimeExpired,
            bundle: bundle)
        var octets = ByteBuffer()
        report.encode(into: &octets)
        #expect(
            octets.hex == "8201" + "84" + "84" + "81f5" + "81f4" + "81f4" + "82f505" + "01" + "8202820201" + "82001828")
        #expect(try AdministrativeRecord(decoding: octets) == .statusReport(report))
    }

    @Test func statusReportOfAPiece() throws {
        let report = StatusReport(
            delivered: .asserted(at: nil), reason: .none, bundle: bundle,
            piece: StatusReport.Piece(offset: 100, length: 50))
        var octets = ByteBuffer()
        report.encode(into: &octets)
        #expect(octets.hex.hasPrefix("820186"))
        #expect(try AdministrativeRecord(decoding: octets) == .statusReport(report))
        let indefinite = "9f019f9f9ff4ff81f481f581f4ff00" + "8202820201" + "82001828" + "18641832" + "ffff"
        #expect(try AdministrativeRecord(decoding: ByteBuffer(hex: indefinite)) == .statusReport(report))
    }

    @Test func statusReportFaults() {
        let tail = "00" + "8202820201" + "82001828"
        #expect(code("82018484" + "81f481f481f481f4" + tail) == nil)
        // A fifth status of a time to come is passed over.
        #expect(code("82018485" + "81f481f481f481f4" + "82f505" + tail) == nil)
        #expect(code("82018483" + "81f481f481f4" + tail) == .badRecord)
        #expect(code("82018484" + "82f40581f481f481f4" + tail) == .badRecord)
        #expect(code("82018484" + "8081f481f481f4" + tail) == .badRecord)
        #expect(code("82018484" + "810081f481f481f4" + tail) == .wrongType)
        #expect(code("82018584" + "81f481f481f481f4" + tail + "00") == .badRecord)
        #expect(code("82018484" + "81f481f481f481f4" + tail + "00") == .trailingOctets)
        #expect(code("8101") == .wrongShape)
        #expect(code("82018490" + String(repeating: "81", count: 50)) == .wrongType)
        #expect(code("82018485" + "81f481f481f481f4" + String(repeating: "81", count: 50)) == .limitExceeded)
    }

    @Test func refusalOctets() throws {
        let name = RefusalNotice.Name(bundle, [AgencyCode("H29")!])
        let notice = RefusalNotice(refuser: NodeID(name: "x")!, cause: 7, names: [name])
        var octets = ByteBuffer()
        try RefusalRecord.encode(notice, into: &octets)
        #expect(
            octets.hex == "821a00010001" + "85" + "6465646f63" + "01" + "8201" + "642f2f782f" + "07" + "81"
                + "84" + "8202820201" + "00" + "1828" + "81" + "63483239")
        #expect(try AdministrativeRecord(decoding: octets) == .refusals(notice))
        // A cause of a later version is kept; names are at least one and at most a hundred.
        let many = RefusalNotice(
            refuser: NodeID(name: "x")!, cause: 4_711, names: Array(repeating: name, count: 100))
        octets = ByteBuffer()
        try RefusalRecord.encode(many, into: &octets)
        #expect(try AdministrativeRecord(decoding: octets) == .refusals(many))
        for count in [0, 101] {
            var none = ByteBuffer()
            #expect(throws: BundleError.self) {
                try RefusalRecord.encode(
                    RefusalNotice(
                        refuser: NodeID(name: "x")!, cause: 0, names: Array(repeating: name, count: count)),
                    into: &none)
            }
        }
        let head = "821a00010001" + "85" + "6465646f63"
        #expect(code(head + "01" + "8201" + "642f2f782f" + "07" + "80") == .badRecord)
        #expect(code(head + "02" + "8201" + "642f2f782f" + "07" + "80") == .unsupportedVersion)
        #expect(code(head + "01" + "8201" + "642f2f782f" + "07" + "9865") == .limitExceeded)
        // Each name has recipients, and all together no more than a record may have.
        let one = head + "01" + "8201" + "642f2f782f" + "07" + "81" + "84" + "8202820201" + "00" + "1828"
        #expect(code(one + "80") == .badRecord)
        #expect(code(one + "9907d1") == .limitExceeded)
        for recipients in [0, 1_001] {
            var none = ByteBuffer()
            let name = RefusalNotice.Name(bundle, Array(repeating: AgencyCode("H29")!, count: recipients))
            #expect(throws: BundleError.self) {
                try RefusalRecord.encode(
                    RefusalNotice(refuser: NodeID(name: "x")!, cause: 0, names: [name, name]), into: &none)
            }
        }
        // Another project's.
        #expect(code("821a00010001" + "8101") == nil)
    }

    @Test func unknownRecords() throws {
        #expect(try AdministrativeRecord(decoding: ByteBuffer(hex: "820600")) == .unknown(type: 6))
        let foreign = ByteBuffer(hex: "82" + "1a00010000" + "8162" + "6f66")
        #expect(try AdministrativeRecord(decoding: foreign) == .unknown(type: 65_536))
        #expect(code("82" + "1a00010000" + "83" + "6465646f63" + "02" + "80") == .unsupportedVersion)
        #expect(code("82" + "1a00010000" + "83" + "6465646f63" + "01" + "80") == .badRecord)
    }

    @Test func reportOctets() throws {
        let row = ReportRow(
            bundle: bundle, recipient: AgencyCode("G22")!, state: .delivered, time: WallTime(milliseconds: 7),
            reason: .none, path: [PathStop(node: NodeID(name: "a")!, time: WallTime(milliseconds: 6))])
        var octets = ByteBuffer()
        try ReportRecord.encode([row], into: &octets)
        #expect(
            octets.hex == "821a00010000" + "836465646f6301" + "81" + "88" + "8202820201" + "00" + "1828" + "63473232"
                + "02" + "07" + "00" + "8182" + "8201642f2f612f" + "06")
        #expect(try AdministrativeRecord(decoding: octets) == .reports([row]))
        for count in 0..<octets.readableBytes {
            // Cut inside the mark it is somebody else's; cut anywhere else it is an error; never rows.
            let cut = try? AdministrativeRecord(decoding: octets.getSlice(at: 0, length: count)!)
            #expect(cut == nil || cut == .unknown(type: 65_536))
        }
    }

    /// A delay looks like an arrival to whoever does not know its reason; what nobody knows yet is passed over.
    @Test func delaysAndStatesToCome() throws {
        func row(_ state: ReportedState, _ reason: ReportReason) -> ReportRow {
            ReportRow(
                bundle: bundle, recipient: AgencyCode("G22")!, state: state, time: WallTime(milliseconds: 7),
                reason: reason, path: [PathStop(node: NodeID(name: "a")!, time: WallTime(milliseconds: 6))])
        }
        let rows = [row(.delayed, .stillQueued), row(.delayed, .notPickedUp), row(.arrived, .none)]
        var octets = ByteBuffer()
        try ReportRecord.encode(rows, into: &octets)
        #expect(try AdministrativeRecord(decoding: octets) == .reports(rows))
        let wire = "63473232" + "01" + "07" + "1a00010006"
        #expect(octets.hex.contains(wire), "state 1, reason 65,542")
        for state in ["06", "17"] {
            let changed = octets.hex.replacing(wire, with: "63473232" + state + "07" + "1a00010006")
            #expect(try AdministrativeRecord(decoding: ByteBuffer(hex: changed)) == .reports(Array(rows.dropFirst())))
        }
    }

    @Test func reportLimits() throws {
        var random = SeededGenerator(seed: 5)
        let rows = (0..<501).map { _ in row(&random) }
        var octets = ByteBuffer()
        #expect(throws: BundleError.self) { try ReportRecord.encode(rows, into: &octets) }
        #expect(throws: BundleError.self) { try ReportRecord.encode([], into: &octets) }
        #expect(octets.readableBytes == 0)
        let most = Array(rows.dropLast())
        try ReportRecord.encode(most, into: &octets)
        #expect(try AdministrativeRecord(decoding: octets) == .reports(most))
        #expect(code("82" + "1a00010000" + "83" + "6465646f63" + "01" + "9901f5") == .limitExceeded)
    }

    @Test func randomRows() throws {
        var random = SeededGenerator(seed: 6)
        for _ in 0..<200 {
            let rows = (0...Int(random.next() % 8)).map { _ in row(&random) }
            var octets = ByteBuffer()
            try ReportRecord.encode(rows, into: &octets)
            #expect(try AdministrativeRecord(decoding: octets) == .reports(rows))
        }
    }

    private func row(_ random: inout SeededGenerator) -> ReportRow {
        ReportRow(
            bundle: BundleID(source: random.endpoint(), creationTime: random.number(), sequence: random.number()),
            recipient: random.agency(), state: ReportedState.allCases[Int(random.next() % 5)],
            time: WallTime(milliseconds: random.number()), reason: ReportReason(rawValue: random.number()),
            path: random.path())
    }
}
