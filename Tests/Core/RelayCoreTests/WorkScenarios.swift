// What one turn looks at does not grow with the square of what it is given: reads and writes are counted, and the octets that are read of
// a table, not time.

import RelayCore
import RelayEngine
import RelayModel
import RelayRouting
import RelayRows
import RelayStore
import Testing

/// Counts what goes through a transaction.
private final class CountedRows: StoreTransaction {
    let rows: any StoreTransaction
    private(set) var reads: [String: Int] = [:]
    private(set) var writes: [String: Int] = [:]
    /// Octets of the records that were read: a row may be as long as a thousand others.
    private(set) var octets: [String: Int] = [:]
    init(_ rows: any StoreTransaction) { self.rows = rows }

    private func read(_ table: Table, _ value: UnsafeRawBufferPointer? = nil) {
        reads[table.name, default: 0] += 1
        if let value { octets[table.name, default: 0] += value.count }
    }
    private func write(_ table: Table) { writes[table.name, default: 0] += 1 }

    func value(_ table: Table, _ key: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let value = rows.value(table, key)
        read(table, value)
        return value
    }
    func row(_ table: Table, atOrAfter key: UnsafeRawBufferPointer) -> (
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    )? {
        read(table)
        return rows.row(table, atOrAfter: key)
    }
    func row(_ table: Table, before key: UnsafeRawBufferPointer) -> (
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    )? {
        read(table)
        return rows.row(table, before: key)
    }
    func scan(
        _ table: Table, from key: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) {
        rows.scan(table, from: key) { key, value in
            read(table, value)
            return body(key, value)
        }
    }
    func count(_ table: Table) -> UInt64 { rows.count(table) }
    var damagedTables: TableSet { rows.damagedTables }
    func put(_ table: Table, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        write(table)
        rows.put(table, key, value)
    }
    func put(
        _ table: Table, _ key: UnsafeRawBufferPointer, count: Int, fill: (UnsafeMutableRawBufferPointer) -> Void
    ) {
        write(table)
        rows.put(table, key, count: count, fill: fill)
    }
    func delete(_ table: Table, _ key: UnsafeRawBufferPointer) -> Bool {
        write(table)
        return rows.delete(table, key)
    }
    var isFailed: Bool { rows.isFailed }
    func mend(_ table: Table) -> Bool { rows.mend(table) }
    var bytesChanged: UInt64 { rows.bytesChanged }
    var rowsChanged: UInt64 { rows.rowsChanged }
    var chunkPages: Int {
        get { rows.chunkPages }
        set { rows.chunkPages = newValue }
    }
}

@Suite struct WorkScenarios {
    /// A bench with many agencies at one node, and their names.
    private static func bench(_ count: Int, at home: String = "an") -> (Bench, [String]) {
        let names = (0..<count).map { "K\($0)" }
        let bench = Bench { configuration in
            for name in names {
                try? configuration.directory.insert(
                    .init(code: agency(name), name: name, home: node(home), aliases: []))
            }
        }
        bench.failingChanges = []
        return (bench, names)
    }

    /// What one batch reads and writes; the bench stays as it was.
    private static func count(_ bench: Bench, _ inputs: [EngineInput]) -> Work {
        var engine = bench.engine
        var work = Work()
        let room = bench.store.headRoom
        _ = bench.store.batch { rows in
            let through = CountedRows(rows)
            let outcome = engine.run(inputs[...], now: bench.reading, room: room, rows: through)
            work = Work(
                reads: through.reads, writes: through.writes, octets: through.octets, taken: outcome.taken,
                effects: outcome.effects)
            return outcome.effects
        }
        return work
    }

    private struct Work {
        var reads: [String: Int] = [:]
        var writes: [String: Int] = [:]
        var octets: [String: Int] = [:]
        var taken = 0
        var effects: [Effect] = []
    }

    /// So many octets of envelopes' records may one batch look at for its inputs.
    private static let octetsOfBatch = 64 << 20

    /// Offers of one envelope, each for one recipient: a hundred octets on the wire, and each asks for all copies that are here.
    private static func smallOffers(_ bench: Bench, _ bundle: BundleID, _ document: DocumentDescription)
        -> [EngineInput]
    {
        (0..<2_000).flatMap { index in
            bench.inputs(
                "an", bundle, document, for: ["K\(index % 1_000)"], path: bench.path("an", "a\(index)"))
        }
    }

    /// Sixty-four copies of a thousand recipients each, and then offers of that envelope for one: the engine stood for most of a minute.
    @Test func whatIsAskedOfManyCopiesIsBounded() throws {
        let (bench, names) = Self.bench(1_000, at: "chi")
        bench.connect("an")
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", names)
        var causes: [String] = []
        // Each parts from the one before at a lesser node, so that it is another copy.
        for index in 0..<8 {
            causes += bench.offer("an", bundle, document, path: bench.path("an", "n\(9 - index)")).reasons
        }
        #expect(causes == Array(repeating: "tooManyCopies", count: 4))
        #expect(bench.rows(of: bundle).count == 4)
        let work = Self.count(bench, Self.smallOffers(bench, bundle, document))
        #expect((work.octets["envelope"] ?? 0) < Self.octetsOfBatch, "\(work.octets)")
        #expect(work.taken < 1_000 && work.taken > 50, "the batch ends by what it looks at: \(work.taken)")
    }

    /// A store may have more of them from before: they are not all looked at.
    @Test(arguments: [false, true]) func copiesFromBeforeAreNotAllLookedAt(isReturn: Bool) throws {
        let (bench, names) = Self.bench(1_000, at: "chi")
        bench.connect("an")
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", names)
        try #require(bench.offer("an", bundle, document, path: bench.path("an", "n99")).acknowledgements == 1)
        var row = try #require(bench.rows(of: bundle).first)
        _ = bench.store.batch { rows in
            for index in 1..<64 {
                row.number += 1_000
                row.path[1].node = node("n\(99 - index)")
                rows.put(.envelope, Keys.envelope(row.number), row.encoded())
                rows.put(.bundle, Keys.bundle(bundle).adding(row.number))
            }
        }
        let offer = bench.inputs(
            "an", bundle, document, for: ["K7"], path: bench.path("an", "a"), isReturn: isReturn)
        let work = Self.count(bench, offer)
        #expect((work.reads["envelope"] ?? 0) < 20, "\(work.reads)")
        #expect(work.effects.refusals == [.notAcceptable])
        let many = Self.count(bench, (0..<2_000).flatMap { _ in offer })
        #expect((many.octets["envelope"] ?? 0) < Self.octetsOfBatch, "\(many.octets)")
    }

    /// What 0.3 has remembered without a hash is looked up in history once, not once a recipient; and not for ever in one batch.
    @Test func historyIsLookedAtOnceForAllRecipients() throws {
        let (bench, names) = Self.bench(200, at: "chi")
        bench.connect("an")
        let other = try #require(bench.submit(["C1"])?.accepted)
        let row = try #require(bench.rows(of: other).first)
        let record = HistoryRow(
            envelope: row, recipient: row.recipients[0], ended: WallTime(milliseconds: bench.wall)
        ).encoded()
        let bundles = (0..<200).map { _ in bench.bundle(of: "an") }
        _ = bench.store.batch { rows in
            for index in 0..<3_000 {
                let end = RelayTime(milliseconds: bench.relay)
                rows.put(.history, Keys.history(end, number: 1_000 + UInt64(index), index: 0), record)
            }
            // As 0.3 wrote it: the day, a list of offsets, no bitmap.
            for name in names {
                var out = RowWriter()
                out.number(bench.relay / 86_400_000)
                out.number(UInt64(bundles.count))
                for bundle in bundles {
                    let offset = UInt16(bundle.counter % SeenRow.counters)
                    out.byte(UInt8(offset >> 8))
                    out.byte(UInt8(offset & 0xff))
                }
                out.number(0)
                rows.put(.seen, SeenPlace(bundles[0], name).block, out.record())
            }
        }
        let document = bench.document("A1", names)
        let one = Self.count(bench, bench.inputs("an", bundles[0], document, path: bench.path("an")))
        #expect(one.effects.refusals == [.completed])
        #expect((one.reads["history"] ?? 0) < 3_100, "\(one.reads)")
        let all = Self.count(bench, bundles.flatMap { bench.inputs("an", $0, document, path: bench.path("an")) })
        #expect((all.reads["history"] ?? 0) < 100_000, "\(all.reads)")
        #expect(all.taken < 100, "the batch ends by what it looks at: \(all.taken)")
    }

    /// A record of many rows about one envelope of many recipients: its row is read once, and its reports once.
    @Test(arguments: ["an", "binh"]) func aRecordReadsAnEnvelopeOnce(reporter: String) throws {
        var reads: [Int: (envelope: Int, report: Int)] = [:]
        for count in [50, 400] {
            let (bench, names) = Self.bench(count)
            let bundle = try #require(bench.submit(names)?.accepted)
            let sent = try #require(bench.connect("an").documents.first)
            bench.answer(sent, .acknowledged)
            if bench.sessions[node(reporter)] == nil { bench.connect(reporter) }
            let path = bench.path("tam", "an") + (reporter == "an" ? [] : [bench.path("binh")[0]])
            let lines = names.map {
                ReportRow(
                    bundle: bundle, recipient: agency($0), state: reporter == "an" ? .arrived : .refused,
                    time: WallTime(milliseconds: bench.wall), reason: .none, path: path)
            }
            let work = Self.count(
                bench,
                [
                    .event(
                        .reported(
                            ticket: bench.ticket(), session: bench.sessions[node(reporter)]!, reporter: node(reporter),
                            bundle: bench.bundle(of: reporter), rows: lines))
                ])
            reads[count] = (work.reads["envelope"] ?? 0, work.reads["report"] ?? 0)
        }
        let few = try #require(reads[50])
        let many = try #require(reads[400])
        #expect(few.envelope == many.envelope, "\(few) \(many)")
        #expect(many.report <= few.report * 8 + 50, "reads grow with the rows: \(few) \(many)")
    }

    /// Many held recipients of one envelope end in one turn: the index of what is parked is written once.
    @Test func whatIsParkedIsIndexedOnce() throws {
        let (bench, names) = Self.bench(250)
        try #require(bench.submit(names)?.accepted != nil)
        bench.deed(.hold) { $0.states = [.waiting] }
        let job = try #require(bench.preview(.expire, { $0.states = [.held] }))
        let apply = Operation(
            ticket: bench.ticket(), caller: Bench.operatorsName, wish: .apply(job.number, as: .expire))
        let work = Self.count(bench, [.event(.operated(apply))])
        #expect(bench.read { $0.number(.counter, CounterKey.state(.expired, admin: false).name) } == 250)
        // That of what is parked, and one a recipient and sender where it is indexed.
        #expect((work.writes["lookup"] ?? 0) <= 256, "\(work.writes)")
        #expect((work.reads["envelope"] ?? 0) < 20, "\(work.reads)")
    }
}
