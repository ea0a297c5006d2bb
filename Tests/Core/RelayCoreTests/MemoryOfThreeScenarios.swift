// What 0.3 has remembered has no hash of content: history decides, and where it has gone the number alone does, as then, and is counted.

import RelayCore
import RelayModel
import RelayRows
import Testing

@Suite struct MemoryOfThreeScenarios {
    /// A row as 0.3 wrote it: the day, a list of offsets, no bitmap.
    private func forgetHash(_ bench: Bench, _ bundle: BundleID, _ recipient: String) {
        var out = RowWriter()
        out.number(bench.relay / 86_400_000)
        out.number(1)
        let offset = UInt16(bundle.counter % SeenRow.counters)
        out.byte(UInt8(offset >> 8))
        out.byte(UInt8(offset & 0xff))
        out.number(0)
        let record = out.record()
        _ = bench.store.batch { $0.put(.seen, SeenPlace(bundle, recipient).block, record) }
    }

    @Test(arguments: [false, true]) func historyDecides(restarts: Bool) throws {
        let bench = Bench(restarts: restarts)
        bench.connect("an")
        let bundle = bench.bundle(of: "an")
        func offer(_ bundle: BundleID, digest: UInt64 = 1) -> [Effect] {
            bench.offer(
                "an", bundle, bench.document("A1", ["T1"], digest: digest), path: bench.path("an"), lifetime: .days(60),
                age: Milliseconds(bench.wall - min(bundle.creationTime, bench.wall)))
        }
        #expect(offer(bundle).acknowledgements == 1)
        let number = bench.rows(of: bundle)[0].number
        bench.event(.inboxAcknowledged(ticket: bench.ticket(), agency: agency("T1"), envelopes: [number]))
        bench.advance(bench.limits.transitMemory + .days(1))
        #expect(bench.rows(of: bundle).isEmpty)
        forgetHash(bench, bundle, "T1")
        bench.breathe()
        var other = bundle
        other.creationTime += 5_000
        #expect(offer(other).refusals == [.notAcceptable])
        #expect(offer(bundle).refusals == [.completed])
        #expect(bench.counter(.refusedToPeer(RefusalCause.duplicateByNumber.rawValue)) == 0)
        // History has gone.
        _ = bench.store.batch { rows in
            var keys: [RowKey] = []
            rows.scan(.history, prefix: RowKey()) { key, _ in
                keys.append(RowKey(copying: key))
                return true
            }
            for key in keys { rows.delete(.history, key) }
        }
        #expect(offer(other).refusals == [.completed])
        #expect(bench.counter(.refusedToPeer(RefusalCause.duplicateByNumber.rawValue)) == 1)
    }
}
