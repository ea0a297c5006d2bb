// Administrative records of others: no more urgent than they need to be, of a size, a lifetime and a quota of their own, not sent again
// and again, and an operator's to end.

import NIOCore
import RelayCore
import RelayModel
import RelayRows
import Testing

@Suite struct RecordScenarios {
    private func record(
        _ bench: Bench, _ sequence: UInt64, octets: Int = 1_000, lifetime: Milliseconds = .days(1),
        created: UInt64? = nil
    ) -> [Effect] {
        bench.offerForeign(
            "an",
            .init(
                source: node("an").endpoint, destination: node("binh").endpoint, sequence: sequence, octets: octets,
                lifetime: lifetime, created: created, isRecord: true))
    }

    @Test func aRecordIsOfBoundedSize() {
        let bench = Bench()
        bench.connect("an")
        #expect(record(bench, 1, octets: 1 << 20).acknowledgements == 1)
        let refused = record(bench, 2, octets: 1 << 20 + 1)
        #expect(refused.refusals == [.notAcceptable] && refused.reasons == ["not an administrative record"])
    }

    /// Nobody reports the end of a report, and on the way nobody can give it a name without a time.
    @Test func aRecordOfTheFutureIsTaken() {
        let bench = Bench()
        bench.connect("an")
        let ahead = bench.wall + Milliseconds.days(2).count
        #expect(record(bench, 1, created: ahead).acknowledgements == 1)
        let document = bench.offer(
            "an", bench.bundle(of: "an", created: ahead), bench.document("A1", ["B1"]), path: bench.path("an"))
        #expect(document.reasons == ["created in the future"])
    }

    /// Flash documents are not overtaken by a flood of records.
    @Test func aRecordIsNotFlash() {
        let bench = Bench { $0.limits.windowTransfers = 1 }
        bench.connect("an")
        for sequence in 1...5 as ClosedRange<UInt64> { #expect(record(bench, sequence).acknowledgements == 1) }
        let urgent = bench.submit(["B1"], urgency: .veryUrgent)!.accepted!
        var order: [BundleID] = []
        var next = bench.connect("binh").dispatches
        while let dispatch = next.first {
            order.append(dispatch.bundle)
            next = bench.answer(dispatch, .acknowledged).dispatches.filter { $0.peer == node("binh") }
        }
        #expect(order.count == 6)
        #expect(order.first == urgent)
    }

    /// It lives as long as this node says, not as its sender does.
    @Test(arguments: [false, true])
    func aRecordIsKeptForABoundedTime(restarts: Bool) {
        let bench = Bench(restarts: restarts) { $0.limits.recordLifetimeMax = .days(2) }
        bench.connect("an")
        #expect(record(bench, 1, lifetime: .days(180)).acknowledgements == 1)
        bench.breathe()
        bench.advance(.days(1))
        #expect(bench.allRows.map { $0.recipients[0].state } == [.waiting])
        bench.advance(.days(1) + .minutes(1))
        #expect(bench.allRows.map { $0.recipients[0].state } == [.expired])
        #expect(bench.balance(true) == (1, 1))
        #expect(bench.stock(.records(node("an"))) == (0, 0))
    }

    /// Records have a quota of their own: it is used up without anybody's documents being refused.
    @Test(arguments: [Quota(bytes: 10_500), Quota(count: 10)], [false, true])
    func recordsHaveAQuotaOfTheirOwn(quota: Quota, restarts: Bool) {
        let bench = Bench(restarts: restarts) {
            $0.limits.recordQuota = quota
            $0.peers[0].quota = Quota(count: 2)
        }
        bench.connect("an")
        var reasons: [String] = []
        for sequence in 1...15 as ClosedRange<UInt64> { reasons += record(bench, sequence).reasons }
        #expect(reasons == Array(repeating: "quota", count: 5))
        bench.breathe()
        #expect(bench.stock(.records(node("an"))) == (10, 10_010))
        #expect(bench.stock(.origin(node("an"))) == (0, 0))
        #expect(bench.stock(.everything) == (0, 0))
        let document = bench.document("A1", ["C1"])
        #expect(bench.offer("an", bench.bundle(of: "an"), document, path: bench.path("an")).acknowledgements == 1)
        for dispatch in bench.connect("binh").dispatches { bench.answer(dispatch, .acknowledged) }
        for _ in 0..<3 { bench.advance(.seconds(1)) }
        #expect(bench.stock(.records(node("an"))) == (0, 0))
        #expect(record(bench, 99).acknowledgements == 1)
    }

    /// 20 MB became 84 MB in six minutes: refused by every hop it is sent a few times more, and ends after the grace.
    @Test func aRefusedRecordIsNotSentForEver() {
        let bench = Bench()
        bench.connect("an")
        bench.connect("binh")
        bench.connect("chi")
        var sent = record(bench, 1, lifetime: .days(30)).dispatches
        var count = 0
        var moments: [UInt64] = []
        for _ in 0..<40 {
            while let dispatch = sent.popLast() {
                count += 1
                moments.append(bench.relay)
                sent += bench.answer(dispatch, .refused(.notAcceptable)).dispatches
            }
            sent += bench.advance(.minutes(10)).dispatches
        }
        #expect(bench.allRows.filter { $0.kind == .administrative }.map { $0.recipients[0].state } == [.refused])
        // Two hops, at once and four times more.
        #expect(count <= 10, "it was sent \(count) times")
        #expect(moments.filter { $0 < moments[0] + 360_000 }.count == 2)
        #expect(bench.balance(true) == (1, 1))
    }

    @Test(arguments: [DeedVerb.expire, .delete], [false, true])
    func aRecordCanBeEnded(verb: DeedVerb, restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("an")
        for sequence in 1...3 as ClosedRange<UInt64> { _ = record(bench, sequence) }
        let job = bench.deed(verb) { $0.withRecords = true }
        #expect(job?.done == 3 && job?.skippedCount == 0)
        bench.breathe()
        bench.advance(.minutes(16))
        #expect(bench.allRows.allSatisfy { $0.isEnded })
        #expect(bench.balance(true) == (3, 3))
        #expect(bench.stock(.records(node("an"))) == (0, 0))
        #expect(bench.read { $0.count(.chunk) } == 0)
    }
}
