// Whose share: headers count, promises are for those who keep them, and when room is short the youngest half-received goes first.

import NIOCore
import RelayCore
import RelayEngine
import RelayModel
import RelayRows
import Testing

@Suite struct ShareScenarios {
    private static let grid = PieceRange.grid

    // MARK: - Headers

    /// Three thousand bundles with 229 KB of unknown blocks stood in the store and in no quota.
    @Test func unknownBlocksAreBounded() {
        let bench = Bench()
        bench.connect("an")
        let refused = bench.offerForeign("an", .init(sequence: 1, header: 229_000))
        #expect(refused.refusals == [.notAcceptable])
        #expect(refused.reasons == ["its header is longer than this node takes"])
        #expect(bench.counter(.refusedToPeer(RefusalCause.tooLarge.rawValue)) == 1)
        #expect(bench.offerForeign("an", .init(sequence: 2, header: 30_000)).acknowledgements == 1)
    }

    @Test(arguments: [false, true])
    func headersCountInTheQuota(restarts: Bool) {
        let bench = Bench(restarts: restarts) { $0.peers[0].quota = Quota(bytes: 1 << 20) }
        bench.connect("an")
        var taken: UInt64 = 0
        var refused = 0
        for sequence in 0..<100 as Range<UInt64> {
            let effects = bench.offerForeign("an", .init(sequence: sequence, header: 30_000))
            taken += UInt64(effects.acknowledgements)
            if effects.reasons == ["quota"] { refused += 1 }
        }
        bench.breathe()
        #expect(taken == (1 << 20) / 30_003)
        #expect(refused == 100 - Int(taken))
        #expect(bench.stock(.origin(node("an"))) == (taken, taken * 30_003))
        #expect(bench.stock(.everything) == (taken, taken * 3))
        // Nobody else feels it, and what has left gives its room back.
        bench.connect("dao")
        #expect(bench.offerForeign("dao", .init(source: .ipn(node: 8, service: 1), sequence: 1)).acknowledgements == 1)
        for dispatch in bench.connect("binh").dispatches { bench.answer(dispatch, .acknowledged) }
        bench.advance(.seconds(1))
        #expect(bench.stock(.origin(node("an"))) == (0, 0))
        #expect(bench.offerForeign("an", .init(sequence: 999, header: 30_000)).acknowledgements == 1)
    }

    /// Said once, and shown in `limits` while it is fresh.
    @Test func aShareThatIsUsedUpIsSeen() {
        let bench = Bench { $0.peers[0].quota = Quota(count: 1) }
        bench.connect("an")
        bench.offerForeign("an", .init(sequence: 1))
        let second = bench.offerForeign("an", .init(sequence: 2))
        #expect(second.notices.map(\.kind).filter { $0 != .peerRefused } == [.shareUsedUp])
        #expect(bench.offerForeign("an", .init(sequence: 3)).notices.isEmpty)
        #expect(bench.engine.core.sharesUsedUp(bench.reading.relay) == [.peer(node("an"))])
        let views = bench.read { bench.engine.core.limitViews(bench.store.headRoom, $0, now: bench.reading.relay) }
        #expect(views.first { $0.name == "envelopes of peer an" }?.binds == true)
        bench.advance(.minutes(11))
        #expect(bench.engine.core.sharesUsedUp(bench.reading.relay).isEmpty)
    }

    // MARK: - The least that each has

    /// Three neighbours together could fill the map, each within its share, and the fourth got nothing.
    @Test(arguments: [false, true]) func severalTogetherLeaveTheFourthItsMinimum(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.failingChanges = []
        for peer in ["an", "binh", "chi", "dao"] { bench.connect(peer) }
        bench.limitRoom(64 << 20)
        func offer(_ peer: String, _ sender: String, _ recipient: String) -> Bool {
            let document = bench.document(sender, [recipient], length: 500_000)
            return bench.offer(peer, bench.bundle(of: peer), document, path: bench.path(peer)).acknowledgements == 1
        }
        var taken: [String: Int] = [:]
        var isMore = true
        while isMore {
            isMore = false
            for (peer, sender) in [("an", "A1"), ("binh", "B1"), ("chi", "C1")] where offer(peer, sender, "T1") {
                taken[peer, default: 0] += 1
                isMore = true
            }
        }
        #expect(taken.values.allSatisfy { $0 > 30 }, "\(taken)")
        let minimum = bench.read { bench.engine.core.limitViews(bench.store.headRoom, $0, now: bench.reading.relay) }
            .first { $0.name == "room kept for peer dao" }
        #expect(minimum?.used == 0)
        let kept = minimum?.value ?? 0
        #expect(kept > 1 << 20)
        bench.breathe()
        // What is handed in here does not get it either.
        #expect(bench.submit(["A1"], length: 500_000)?.submissionCause == .noResources)
        var own: UInt64 = 0
        while offer("dao", "D1", "T1") { own += 1 }
        #expect(own * 500_000 > kept - 700_000 && own * 500_000 < kept * 2, "\(own) of \(kept)")
        // And nobody has taken any of it meanwhile.
        #expect(!offer("an", "A1", "T1"))
    }

    // MARK: - Promises

    /// Eleven octets held 957 of 959 MiB for half a year.
    @Test(arguments: [false, true])
    func aFragmentIsPromisedNothing(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("an")
        bench.connect("dao")
        bench.limitRoom(40 << 20)
        for sequence in 1...11 as ClosedRange<UInt64> {
            let piece = PieceRange(offset: 0, length: 1, total: 87 << 20)!
            let effects = bench.offerForeign(
                "an", .init(sequence: sequence, piece: piece, octets: 1, lifetime: .days(180)))
            #expect(effects.acknowledgements == 1)
        }
        bench.breathe()
        #expect(bench.counter(.reservedBytes) == 0)
        #expect(bench.stock(.origin(node("an"))) == (11, 22))
        #expect(bench.stock(.everything) == (11, 11))
        let document = bench.document("D1", ["C1"], length: 1 << 20)
        #expect(bench.offer("dao", bench.bundle(of: "dao"), document, path: bench.path("dao")).acknowledgements == 1)
        // Off the grid, with a document block, is no better.
        let off = bench.document("A1", ["C1"], length: 30 << 20)
        for _ in 0..<5 {
            let effects = bench.offer("an", bench.bundle(of: "an"), off, path: bench.path("an"), piece: (5, 1))
            #expect(effects.acknowledgements == 1)
        }
        #expect(bench.counter(.reservedBytes) == 0)
    }

    /// What comes unpromised is looked at as it comes: beyond the room or the share it ends, and the rest of the store goes on.
    @Test func octetsThatCameUnpromisedEndWithTheShare() {
        let bench = Bench { $0.peers[0].quota = Quota(bytes: 100_000) }
        bench.connect("an")
        let piece = PieceRange(offset: 0, length: 60_000, total: 1 << 20)!
        #expect(bench.offerForeign("an", .init(sequence: 1, piece: piece, octets: 60_000)).acknowledgements == 1)
        let next = PieceRange(offset: 60_000, length: 60_000, total: 1 << 20)!
        let refused = bench.offerForeign("an", .init(sequence: 1, piece: next, octets: 60_000))
        #expect(refused.refusals == [.noResources] && refused.acknowledgements == 0)
        #expect(refused.reasons == ["quota"])
        #expect(bench.stock(.origin(node("an"))).bytes == 60_001)
        #expect(bench.engine.core.stagedOctets == 0)
    }

    /// Nine callers announce all that there is, send an octet, and wait.
    @Test func submissionsThatDribbleKeepNobodyOut() {
        let bench = Bench()
        bench.limitRoom(40 << 20)
        for _ in 0..<9 {
            let (ticket, effects) = bench.begin(["C1"], sender: "T2", length: 30 << 20)
            #expect(effects.submissionCause == nil)
            bench.dribble(ticket, 1)
        }
        #expect(bench.engine.core.stagedOctets == 0)
        #expect(bench.submit(["C1"], length: 1 << 20)?.accepted != nil)
        bench.connect("an")
        let document = bench.document("A1", ["C1"], length: 1 << 20)
        #expect(bench.offer("an", bench.bundle(of: "an"), document, path: bench.path("an")).acknowledgements == 1)
        // And end after two hours without an octet.
        let ended = bench.advance(.hours(3))
        let answers = ended.count { if case .answerSubmission(_, .refused) = $0 { true } else { false } }
        #expect(answers == 9)
        #expect(bench.read { $0.count(.staging) } == 0)
    }

    /// Two grow until there is no room for both: the younger one is let go, the older one becomes whole.
    @Test func theYoungestSubmissionGoesFirst() {
        let bench = Bench()
        bench.limitRoom(1 << 20)
        let old = bench.begin(["C1"], sender: "T1", length: 800_000).ticket
        let young = bench.begin(["C1"], sender: "T2", length: 800_000).ticket
        var effects: [Effect] = []
        for _ in 0..<8 {
            effects += bench.dribble(old, 100_000)
            effects += bench.dribble(young, 100_000)
        }
        #expect(effects.submissionProblems == ["the store is full up to its reserve; try again later"])
        #expect(effects.submissionCause == .noResources)
        #expect(!bench.engine.core.isOpen(young))
        #expect(bench.complete(old).accepted != nil)
        bench.advance(.seconds(1))
        let rows = bench.allRows
        #expect(rows.count == 1 && rows[0].document?.sender == agency("T1"))
        // Nothing of the other one is left behind.
        let strangers = bench.read { reader in
            var found = 0
            reader.scan(.chunk, prefix: RowKey()) { key, _ in
                if key.number(at: 0) != rows[0].extent { found += 1 }
                return true
            }
            return found
        }
        #expect(strangers == 0 && bench.read { $0.count(.staging) } == 0)
    }

    // MARK: - Reservations

    private func giant(
        _ bench: Bench, _ from: String, _ sender: String, to: String = "T1"
    ) -> (BundleID, DocumentDescription) {
        (bench.bundle(of: from), bench.document(sender, [to], length: 2 * Self.grid))
    }

    /// A promise that nobody uses is taken back after two hours; the sender hears *Retransmit* and begins with the first piece.
    @Test(arguments: [false, true])
    func aPromiseEndsAfterTwoHours(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("an")
        let (bundle, document) = giant(bench, "an", "A1")
        func offer(_ offset: UInt64) -> [Effect] {
            bench.offer("an", bundle, document, path: bench.path("an"), piece: (offset, Self.grid), lifetime: .days(30))
        }
        #expect(offer(0).acknowledgements == 1)
        #expect(bench.counter(.reservedBytes) == Self.grid)
        bench.advance(.minutes(119))
        #expect(bench.counter(.reservedBytes) == Self.grid)
        bench.breathe()
        let ended = bench.advance(.minutes(5))
        #expect(ended.notices.contains { $0.kind == .incomingLetGo })
        #expect(bench.counter(.reservedBytes) == 0)
        #expect(bench.stock(.origin(node("an"))) == (0, 0))
        #expect(bench.balance() == (0, 0))
        bench.advance(.seconds(2))
        #expect(bench.read { $0.count(.chunk) } == 0)
        bench.breathe()

        #expect(offer(Self.grid).refusals == [.retransmit])
        bench.advance(.seconds(25))
        // A node of 0.3 does not forget what it believes to be here before it hears this.
        #expect(offer(Self.grid).refusals == [.notAcceptable])
        #expect(offer(0).acknowledgements == 1)
        bench.breathe()
        #expect(offer(Self.grid).acknowledgements == 1)
        #expect(bench.counter(.reservedBytes) == 0)
        let whole = bench.rows(of: bundle).first { $0.isComplete }
        bench.event(.documentVerified(number: whole!.number, matches: true))
        #expect(bench.rows(of: bundle).contains { $0.recipients[0].state == .arrived })
        #expect(bench.balance() == (1, 1))
    }

    /// One that has understood is not told otherwise, however long the first piece takes to be taken.
    @Test func whoBeginsAnewIsNeverCalledUnacceptable() {
        let bench = Bench()
        bench.connect("an")
        let (bundle, document) = giant(bench, "an", "A1")
        func offer(_ offset: UInt64) -> [Effect] {
            bench.offer("an", bundle, document, path: bench.path("an"), piece: (offset, Self.grid), lifetime: .days(30))
        }
        #expect(offer(0).acknowledgements == 1)
        bench.advance(.hours(3))
        #expect(offer(Self.grid).refusals == [.retransmit])
        bench.limitRoom(1_000_000)
        #expect(offer(0).refusals == [.noResources])
        bench.advance(.minutes(10))
        #expect(offer(Self.grid).refusals == [.retransmit])
        bench.store.capacityBytes = .max
        #expect(offer(0).acknowledgements == 1)
        #expect(offer(Self.grid).acknowledgements == 1)
    }

    /// The sender's side: what the hop had does not count any more.
    @Test(arguments: [false, true])
    func afterRetransmitTheFirstPieceIsSentAgain(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("chi")
        let sent = bench.submit(["C1"], length: Int(3 * Self.grid))!.dispatches
        #expect(sent.map { $0.piece?.offset } == [0, Self.grid, 2 * Self.grid])
        bench.answer(sent[0], .acknowledged)
        bench.answer(sent[1], .refused(.retransmit))
        bench.breathe()
        let again = bench.advance(.minutes(1)).dispatches
        #expect(again.first?.piece?.offset == 0)
        #expect(Set(again.compactMap { $0.piece?.offset }) == [0, Self.grid, 2 * Self.grid])
        for dispatch in again { bench.answer(dispatch, .acknowledged) }
        #expect(bench.allRows.map { $0.recipients[0].state } == [.forwarded])
    }

    /// Room is short: of him who has taken most the youngest half-received goes, and the oldest stays.
    @Test(arguments: [false, true])
    func theYoungestHalfReceivedGoesFirst(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("an")
        bench.connect("dao")
        bench.limitRoom(30 << 20)
        let bundles = (0..<3).map { _ in self.giant(bench, "an", "A1") }
        for (bundle, document) in bundles {
            let effects = bench.offer("an", bundle, document, path: bench.path("an"), piece: (0, Self.grid))
            #expect(effects.acknowledgements == 1)
        }
        bench.breathe()
        #expect(bench.counter(.reservedBytes) == 3 * Self.grid)
        // 12 MiB are here and 12 promised: 6 are left.
        let document = bench.document("D1", ["C1"], length: 7 << 20)
        let taken = bench.offer("dao", bench.bundle(of: "dao"), document, path: bench.path("dao"))
        #expect(taken.acknowledgements == 1)
        #expect(taken.notices.filter { $0.kind == .incomingLetGo }.map(\.envelope) == [bundles[2].0])
        #expect(bench.counter(.reservedBytes) == 2 * Self.grid)
        // Who asks for more than he has left the other does not get it that way.
        let (fourth, giant) = self.giant(bench, "an", "A1")
        bench.limitRoom(9 << 20)
        let refused = bench.offer("an", fourth, giant, path: bench.path("an"), piece: (0, Self.grid))
        #expect(refused.refusals == [.noResources])
        #expect(bench.counter(.reservedBytes) == 2 * Self.grid)
    }

    /// What would not be enough is not taken from anybody.
    @Test(arguments: [false, true])
    func nothingIsLetGoForWhatHasNoRoomAllTheSame(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("an")
        bench.connect("dao")
        bench.limitRoom(30 << 20)
        for _ in 0..<3 {
            let (bundle, document) = giant(bench, "an", "A1")
            bench.offer("an", bundle, document, path: bench.path("an"), piece: (0, Self.grid))
        }
        bench.breathe()
        let document = bench.document("D1", ["C1"], length: 40 << 20)
        let refused = bench.offer(
            "dao", bench.bundle(of: "dao"), document, path: bench.path("dao"), piece: (0, Self.grid))
        #expect(refused.refusals == [.noResources])
        #expect(refused.notices.filter { $0.kind == .incomingLetGo }.isEmpty)
        #expect(bench.counter(.reservedBytes) == 3 * Self.grid)
    }

    /// Operators can end what is half-received, and its room is free.
    @Test(arguments: [DeedVerb.expire, .delete], [false, true])
    func whatIsIncomingCanBeEnded(verb: DeedVerb, restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("an")
        let (bundle, document) = giant(bench, "an", "A1", to: "C1")
        bench.offer("an", bundle, document, path: bench.path("an"), piece: (0, Self.grid))
        #expect(bench.find(Selector()).count == 1)
        let job = bench.deed(verb) { $0.states = [.incoming] }
        #expect(job?.done == 1 && job?.skippedCount == 0)
        bench.breathe()
        bench.advance(.minutes(16))
        #expect(bench.states(of: bundle) == ["C1": verb == .expire ? .expired : .deleted])
        #expect(bench.counter(.reservedBytes) == 0)
        #expect(bench.stock(.origin(node("an"))) == (0, 0))
        #expect(bench.balance() == (0, 0))
        bench.advance(.seconds(2))
        #expect(bench.read { $0.count(.chunk) } == 0)
        // It does not come back piece by piece: its sender is to hear of it.
        let next = bench.offer("an", bundle, document, path: bench.path("an"), piece: (Self.grid, Self.grid))
        #expect(next.refusals == [.notAcceptable])
    }

    // MARK: - Time of the engine

    /// 8,600 recipients in one frame were looked up one by one, each against all before it.
    @Test func tooManyRecipientsAreRefusedUnread() {
        let bench = Bench()
        let refused = bench.submit((0..<8_600).map { "X\($0)" })!
        #expect(refused.submissionCause == .badRequest)
        #expect(refused.submissionProblems == ["more than 1000 recipients"])
        let few = Bench { $0.limits.recipientsMax = 2 }
        #expect(few.submit(["A1", "B1", "C1"])!.submissionProblems == ["more than 2 recipients"])
        #expect(few.submit(["A1", "B1"])!.accepted != nil)
    }

    /// A batch ends though nothing of it writes: what is refused costs time, too.
    @Test func aBatchOfRefusalsEnds() {
        let bench = Bench()
        let inputs: [EngineInput] = (0..<20_000).map { _ in
            .submitted(
                Submission(
                    ticket: bench.ticket(), sender: agency("T1"), recipients: [], urgency: .normal, documentID: "",
                    payloadLength: 1, lifetime: nil))
        }
        var engine = bench.engine
        let taken = bench.store.batch { rows in
            engine.run(inputs[...], now: bench.reading, room: bench.store.headRoom, rows: rows).taken
        }.released
        #expect(taken == 8_192)
    }

    /// Copies of one envelope that each came another way: each is looked at when one more comes.
    @Test func copiesOfOneEnvelopeAreBounded() {
        let bench = Bench()
        bench.connect("an")
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["C1"])
        var causes: [String] = []
        // Each parts from the one before at a lesser node, so that each is the senior one.
        for index in 0..<80 {
            let name = "n\(String(format: 999 - index))"
            causes += bench.offer("an", bundle, document, path: bench.path("an", name)).reasons
        }
        #expect(bench.rows(of: bundle).count <= 65)
        #expect(Set(causes).isSubset(of: ["tooManyCopies", "known here"]))
        #expect(causes.contains("tooManyCopies"))
    }
}

extension String {
    fileprivate init(format number: Int) {
        self = String(repeating: "0", count: 3 - String(number).count) + String(number)
    }
}
