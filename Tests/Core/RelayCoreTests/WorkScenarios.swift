// What one turn looks at does not grow with the square of what it is given: reads and writes are counted, not time.

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
    init(_ rows: any StoreTransaction) { self.rows = rows }

    private func read(_ table: Table) { reads[table.name, default: 0] += 1 }
    private func write(_ table: Table) { writes[table.name, default: 0] += 1 }

    func value(_ table: Table, _ key: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        read(table)
        return rows.value(table, key)
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
            read(table)
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
    /// A bench with many agencies at `an`, and the names of some of them.
    private static func bench(_ count: Int) -> (Bench, [String]) {
        let names = (0..<count).map { "K\($0)" }
        let bench = Bench { configuration in
            for name in names {
                try? configuration.directory.insert(
                    .init(code: agency(name), name: name, home: node("an"), aliases: []))
            }
        }
        bench.failingChanges = []
        return (bench, names)
    }

    /// What one batch reads and writes; the bench stays as it was.
    private static func count(_ bench: Bench, _ inputs: [EngineInput]) -> (reads: [String: Int], writes: [String: Int])
    {
        var engine = bench.engine
        var counted: CountedRows?
        let room = bench.store.headRoom
        _ = bench.store.batch { rows in
            let through = CountedRows(rows)
            counted = through
            return engine.run(inputs[...], now: bench.reading, room: room, rows: through).effects
        }
        return (counted?.reads ?? [:], counted?.writes ?? [:])
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
