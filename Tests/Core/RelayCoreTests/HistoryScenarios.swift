// How far history goes back: what is cut for want of room is a finding, what is young or over is none. Each also with a restart between
// its steps.

import RelayCore
import RelayModel
import RelayRows
import Testing

@Suite struct HistoryScenarios {
    private static let percent: UInt64 = 5
    private static let memory = Milliseconds.days(400)

    /// History has room for so many rows.
    private static func bench(_ rowsMax: UInt64, restarts: Bool) -> Bench {
        let bench = Bench(restarts: restarts) {
            $0.limits.historyPercent = percent
            $0.limits.historyMemory = memory
        }
        bench.makeRoom(forHistory: rowsMax, percent)
        return bench
    }

    /// So many copies have ended so long ago, a minute apart.
    private static func end(_ count: Int, _ ago: Milliseconds, _ bench: Bench) throws {
        let bundle = try #require(bench.submit(["B1"])?.accepted)
        let row = try #require(bench.rows(of: bundle).first)
        let record = HistoryRow(
            envelope: row, recipient: row.recipients[0], ended: WallTime(milliseconds: bench.wall)
        ).encoded()
        _ = bench.store.batch { rows in
            for index in 0..<count {
                let end = RelayTime(milliseconds: bench.relay - ago.count + UInt64(index) * 60_000)
                rows.put(.history, Keys.history(end, number: 1_000_000 + UInt64(index), index: 0), record)
            }
        }
    }

    private static func reach(_ bench: Bench) -> HistoryReach {
        bench.read { bench.engine.core.picture.historyReach($0, bench.store.headRoom, at: bench.reading.relay) }
    }

    private static func findings(_ bench: Bench) -> [Finding] {
        reach(bench).findings(at: bench.reading.relay)
    }

    @Test(arguments: [false, true]) func whatIsCutIsSaidUntilThereIsRoom(restarts: Bool) throws {
        let bench = Self.bench(1_000, restarts: restarts)
        bench.skip(.days(30))
        // Young, and nearly as much as there is room for.
        try Self.end(990, .days(20), bench)
        bench.advance(.minutes(2))
        bench.breathe()
        #expect(Self.reach(bench).span(at: bench.reading.relay).text == "20d")
        #expect(Self.findings(bench).isEmpty, "nothing has gone before its time")
        // More than that: the oldest go.
        try Self.end(500, .days(10), bench)
        bench.advance(.minutes(2))
        bench.breathe()
        #expect(bench.read { $0.count(.history) } <= 1_000)
        let finding = try #require(Self.findings(bench).first)
        #expect(finding.code == .historyShort && finding.grade == .warning)
        #expect(
            finding.text.hasPrefix("history goes back 19d, and store.history_memory wants 400d:"), "\(finding.text)")
        // It has its room again: what is gone is gone, and it grows.
        bench.makeRoom(forHistory: 2_000, Self.percent)
        bench.advance(.minutes(2))
        bench.breathe()
        #expect(Self.findings(bench).isEmpty)
        #expect(Self.reach(bench).span(at: bench.reading.relay).text == "19d")
    }

    /// Whoever wants no more than there is has it.
    @Test(arguments: [false, true]) func lessIsWanted(restarts: Bool) throws {
        let bench = Self.bench(1_000, restarts: restarts)
        bench.skip(.days(30))
        try Self.end(1_500, .days(20), bench)
        bench.advance(.minutes(2))
        bench.breathe()
        #expect(Self.findings(bench).count == 1)
        var configuration = bench.configuration
        configuration.limits.historyMemory = .days(19)
        bench.reload(configuration)
        bench.breathe()
        #expect(Self.findings(bench).isEmpty)
        // Without a share there is nothing to be short of.
        configuration.limits.historyMemory = Self.memory
        configuration.limits.historyPercent = 0
        bench.reload(configuration)
        #expect(Self.findings(bench).isEmpty)
    }

    /// What goes because its time is over is not cut.
    @Test func timeIsNoCut() throws {
        let bench = Self.bench(1_000, restarts: false)
        bench.skip(.days(450))
        try Self.end(990, .days(401), bench)
        bench.advance(.minutes(2))
        #expect(bench.read { $0.count(.history) } < 990)
        try Self.end(990, .days(20), bench)
        bench.advance(.minutes(2))
        #expect(Self.findings(bench).isEmpty)
    }

    @Test func anEmptyHistoryGoesNowhere() {
        let bench = Self.bench(1_000, restarts: false)
        #expect(Self.reach(bench).oldest == nil && Self.reach(bench).span(at: bench.reading.relay) == .zero)
        #expect(Self.findings(bench).isEmpty)
    }
}

extension Bench {
    /// Without what would be decided on the way.
    fileprivate func skip(_ span: Milliseconds) {
        relay += span.count
        wall += span.count
    }

    fileprivate func makeRoom(forHistory rows: UInt64, _ percent: UInt64) {
        store.capacityBytes = (rows * 256 / percent + 1) * 100
    }
}
