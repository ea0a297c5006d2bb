// A sender agency's quota: what of it may be in the store, by number and by octets, whether it was handed in here or came from a
// peer. Beyond it the node has no resources for that sender, for nobody else, and only until the stock has fallen.

import RelayCore
import RelayModel
import RelayRows
import Testing

@Suite struct QuotaScenarios {
    private func expectStock(
        _ bench: Bench, _ sender: String, _ count: UInt64, _ bytes: UInt64,
        _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(bench.counter(.stockCount(.sender(agency(sender)))) == count, sourceLocation: location)
        #expect(bench.counter(.stockBytes(.sender(agency(sender)))) == bytes, sourceLocation: location)
    }

    /// Two at most, or 300 octets at most: either way the third is one too many. A second recipient takes 64 octets, the header here one.
    @Test(arguments: [Quota(count: 2), Quota(bytes: 300)], [false, true])
    func ofWhatIsHandedInHere(quota: Quota, restarts: Bool) {
        let bench = Bench(restarts: restarts) { $0.limits.senderQuota = quota }
        let kept = [bench.submit(["C1"])!.accepted!, bench.submit(["C1", "D1"])!.accepted!]
        bench.breathe()
        expectStock(bench, "T1", 2, 264)
        let refused = bench.submit(["C1"])!
        #expect(refused.submissionCause == .noResources)
        #expect(refused.submissionProblems == ["the quota of T1 is used up"])
        #expect(bench.counter(.submissionRefused(SubmissionRefusal.noResources.rawValue)) == 1)
        // Nothing of it is kept, and it is no refusal of an envelope.
        #expect(bench.read { $0.count(.envelope) } == 2)
        #expect(bench.counter(.state(.refused, admin: false)) == 0)
        #expect(bench.balance() == (3, 3))
        expectStock(bench, "T1", 2, 264)
        // Nobody else feels it.
        #expect(bench.submit(["C1"], sender: "T2")!.accepted != nil)

        // The stock has fallen when the last recipient has ended.
        let sent = bench.connect("chi").documents
        for dispatch in sent { bench.answer(dispatch, .acknowledged) }
        #expect(bench.states(of: kept[0]) == ["C1": .forwarded])
        #expect(bench.states(of: kept[1]) == ["C1": .forwarded, "D1": .waiting])
        expectStock(bench, "T1", 1, 164)
        bench.breathe()
        #expect(bench.submit(["C1"])!.accepted != nil)
        #expect(bench.counter(.submissionRefused(SubmissionRefusal.noResources.rawValue)) == 1)
    }

    @Test(arguments: [Quota(count: 2), Quota(bytes: 300)], [false, true])
    func ofWhatPeersOffer(quota: Quota, restarts: Bool) {
        let bench = Bench(restarts: restarts) { $0.limits.senderQuota = quota }
        bench.connect("an")
        let kept = (0..<2).map { _ in bench.bundle(of: "an") }
        for bundle in kept {
            bench.offer("an", bundle, bench.document("A1", ["C1"]), path: bench.path("an"))
        }
        bench.breathe()
        expectStock(bench, "A1", 2, 202)
        let late = bench.bundle(of: "an")
        let document = bench.document("A1", ["C1"])
        let refused = bench.offer("an", late, document, path: bench.path("an"))
        #expect(refused.refusals == [.retransmit])
        #expect(refused.reasons == ["quota"])
        #expect(bench.counter(.refusedToPeer(RefusalCause.quota.rawValue)) == 1)
        #expect(bench.rows(of: late).isEmpty)
        #expect(bench.balance() == (2, 2))
        // What is here already is complete, quota or not, and another sender of the same peer has its own.
        #expect(
            bench.offer("an", kept[0], document, path: bench.path("an")).refusals == [.completed])
        let other = bench.offer("an", bench.bundle(of: "an"), bench.document("A2", ["C1"]), path: bench.path("an"))
        #expect(other.acknowledgements == 1)

        let sent = bench.connect("chi").documents
        bench.answer(sent.first { $0.bundle == kept[0] }!, .acknowledged)
        expectStock(bench, "A1", 1, 101)
        bench.breathe()
        #expect(bench.offer("an", late, document, path: bench.path("an")).acknowledgements == 1)
        #expect(bench.counter(.refusedToPeer(RefusalCause.quota.rawValue)) == 1)
    }

    /// What waits in an inbox is stock of its sender, until the agency has taken it.
    @Test func ofWhatHasArrived() {
        let bench = Bench { $0.limits.senderQuota = Quota(count: 1) }
        bench.connect("an")
        let first = bench.bundle(of: "an")
        let document = bench.document("A1", ["T1"])
        bench.offer("an", first, document, path: bench.path("an"))
        #expect(bench.states(of: first) == ["T1": .arrived])
        let second = bench.bundle(of: "an")
        #expect(bench.offer("an", second, document, path: bench.path("an")).refusals == [.retransmit])
        bench.event(
            .inboxAcknowledged(
                ticket: bench.ticket(), agency: agency("T1"), envelopes: [bench.rows(of: first)[0].number]))
        expectStock(bench, "A1", 0, 0)
        #expect(bench.offer("an", second, document, path: bench.path("an")).acknowledgements == 1)
    }

    /// The neighbour's side: one agency's share is used up at the next hop, and others' documents go on at once.
    @Test func oneSendersQuotaStopsNobodyElse() {
        let bench = Bench { $0.limits.windowTransfers = 1 }
        bench.connect("chi")
        let first = bench.submit(["C1"], sender: "T1")!
        let second = bench.submit(["C1"], sender: "T2")!.accepted!
        let next = bench.answer(first.dispatches[0], .refused(.retransmit)).documents
        #expect(next.map(\.bundle) == [second])
        #expect(bench.states(of: first.accepted!) == ["C1": .deferred])
        bench.answer(next[0], .acknowledged)
        #expect(bench.advance(.minutes(2)).documents.map(\.bundle) == [first.accepted!])
    }
}
