// Many documents for spools at once: how many are begun in a turn and are under way, whose turn it is, and that one that fails keeps none
// of the others.

import NIOCore
import RelayEngine
import RelayModel
import RelayRows
import Testing

@testable import RelayCore

@Suite struct SpoolGroupScenarios {
    /// So many documents lie in each inbox when the spools are configured; and what that turn begins.
    private static func bench(
        _ agencies: [String], documents: Int, atOnce: Int
    ) -> (bench: Bench, first: [HandOver]) {
        let bench = Bench { configuration in
            configuration.limits.pauseMin = .seconds(10)
            configuration.limits.pauseMax = .seconds(40)
        }
        submit(bench, documents, to: agencies)
        var configuration = bench.configuration
        configuration.spools = agencies.map { Spool(agency: agency($0), directory: "/srv/\($0)", atOnce: atOnce) }
        return (bench, SpoolScenarios.steps(bench.reload(configuration)))
    }

    private static func submit(_ bench: Bench, _ count: Int, to recipients: [String]) {
        var inputs: [EngineInput] = []
        for place in 0..<count {
            let ticket = bench.ticket()
            inputs += [
                .submitted(
                    Submission(
                        ticket: ticket, sender: agency("T1"), recipients: recipients, urgency: .normal,
                        documentID: "7/VB", payloadLength: 10, lifetime: nil)),
                .submissionBytes(ticket, ByteBuffer(repeating: 9, count: 10)),
                .submissionCompleted(ticket, digest: Digest(words: (2, 0, 0, 0))),
            ]
            // No more than one batch takes.
            guard place % 50 == 49 || place == count - 1 else { continue }
            bench.run(inputs)
            inputs = []
        }
    }

    private func answers(_ steps: [HandOver]) -> [EngineInput] {
        steps.map { .event(.handedOver(ticket: $0.ticket, folder: 77)) }
    }

    /// No turn begins more than it may, and no more is under way than may be; what ends in one batch is followed by as many.
    @Test func manyGoTogether() throws {
        let (bench, first) = Self.bench(["T2"], documents: 400, atOnce: 300)
        #expect(first.count == SpoolTable.rowsPerTurn)
        let rest = SpoolScenarios.steps(bench.run([]) ?? [])
        #expect(first.count + rest.count == 300)
        #expect(SpoolScenarios.steps(bench.run([]) ?? []).isEmpty)
        #expect((first + rest).map(\.number) == (first + rest).map(\.number).sorted(), "the oldest first")

        // Written: all are renamed next, and nothing new is begun as long as they are under way.
        let moves = SpoolScenarios.steps(bench.run(answers(first)) ?? [])
        #expect(moves.count == first.count && moves.map(\.number) == first.map(\.number))
        for move in moves { guard case .move = move.step else { throw SpoolScenarios.Unexpected() } }
        #expect(bench.counter(.state(.handing, admin: false)) == Int64(first.count))
        // Delivered: the last hundred follow.
        let more = SpoolScenarios.steps(bench.run(answers(moves)) ?? [])
        #expect(more.count == 100)
        #expect(bench.counter(.state(.delivered, admin: false)) == Int64(first.count))
        for steps in [rest, more] {
            bench.run(answers(SpoolScenarios.steps(bench.run(answers(steps)) ?? [])))
        }
        #expect(bench.counter(.state(.delivered, admin: false)) == 400)
        #expect(bench.read { $0.count(.spool) } == 0 && bench.read { $0.count(.inbox) } == 0)
        #expect(SpoolScenarios.steps(bench.advance(.minutes(5))).isEmpty)
    }

    /// What a turn may begin is for all agencies; the one at which it ended is the first of the next.
    @Test func agenciesTakeTurns() throws {
        let (bench, first) = Self.bench(["T1", "T2"], documents: 300, atOnce: 1_000)
        #expect(first.count == SpoolTable.rowsPerTurn && first.allSatisfy { $0.agency == agency("T1") })
        let second = SpoolScenarios.steps(bench.run([]) ?? [])
        #expect(second.count == SpoolTable.rowsPerTurn && second.allSatisfy { $0.agency == agency("T2") })
        let third = SpoolScenarios.steps(bench.run([]) ?? [])
        #expect(third.count { $0.agency == agency("T1") } == 300 - first.count)
        #expect(third.count { $0.agency == agency("T2") } == 300 - second.count)
    }

    /// One of many cannot be written: the others are handed over, and it follows when it can.
    @Test func oneThatFailsKeepsNoOther() throws {
        let (bench, writes) = Self.bench(["T2"], documents: 20, atOnce: 20)
        try #require(writes.count == 20)
        var inputs = answers(writes)
        inputs[7] = .event(.handOverFailed(ticket: writes[7].ticket, .spool("tmp: Is a directory")))
        #expect((bench.run(inputs) ?? []).alarms.count == 1)
        #expect(bench.counter(.state(.handing, admin: false)) == 19)
        #expect(bench.engine.core.spoolViews.first?.trouble == "tmp: Is a directory")
        let later = SpoolScenarios.steps(bench.advance(.seconds(11)))
        let moves = later.filter { if case .move = $0.step { true } else { false } }
        let again = later.filter { if case .write = $0.step { true } else { false } }
        #expect(moves.count == 19 && again.map(\.number) == [writes[7].number])
        bench.run(answers(moves))
        #expect(bench.counter(.state(.delivered, admin: false)) == 19)
        let last = SpoolScenarios.steps(bench.run(answers(again)) ?? [])
        #expect(SpoolScenarios.said(bench.run(answers(last)) ?? []).isEmpty)
        #expect(bench.counter(.state(.delivered, admin: false)) == 20)
        #expect(bench.engine.core.spoolViews.first?.sentence == nil)
    }

    /// Octets bound what is under way where documents are large, and a few are always begun, so that the disk is at one while another is
    /// being committed.
    @Test func octetsAreBounded() {
        var load = SpoolLoad()
        for _ in 0..<SpoolLoad.countAlways {
            #expect(load.takes(1 << 40))
            load.add(1 << 40)
        }
        #expect(!load.takes(0) && load.count == SpoolLoad.countAlways)
        var small = SpoolLoad()
        while small.takes(1 << 20) { small.add(1 << 20) }
        #expect(small.count == Int(SpoolLoad.weightMax >> 20) && !small.takes(1))
        small.add(.max)
        #expect(small.weight == .max)
    }
}
