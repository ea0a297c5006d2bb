// Documents in pieces: put together at home, handed on piece by piece, taken up again after a cut, kept when foreign nodes cut them
// anywhere, and counted against quotas from the first piece on.

import NIOCore
import RelayCore
import RelayModel
import RelayRows
import RelayStore
import Testing

@Suite struct PiecesScenarios {
    private static let total: UInt64 = 10_000
    private static let pieces: [(UInt64, UInt64)] = [(6_000, 4_000), (0, 3_000), (3_000, 3_000)]

    /// Out of order, each twice, on two links; verified; one arrival.
    @Test(arguments: [false, true])
    func piecesArriveInAnyOrder(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("an")
        bench.connect("binh")
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["T1", "T2"], length: Self.total)
        var verifications: [Effect] = []
        for (index, piece) in Self.pieces.enumerated() {
            let link = index % 2 == 0 ? "an" : "binh"
            let path = index % 2 == 0 ? bench.path("an") : bench.path("an", "binh")
            let effects = bench.offer(link, bundle, document, path: path, piece: piece)
            #expect(effects.acknowledgements == 1)
            verifications += effects
            bench.breathe()
            let again = bench.offer("an", bundle, document, path: bench.path("an"), piece: piece)
            #expect(again.refusals == [.completed])
        }
        #expect(bench.rows(of: bundle).count == 1)
        #expect(bench.counter(.reservedBytes) == 0)
        #expect(bench.released.contains { if case .verify = $0 { true } else { false } })
        let number = bench.rows(of: bundle)[0].number
        bench.event(.documentVerified(number: number, matches: true))
        #expect(bench.states(of: bundle) == ["T1": .arrived, "T2": .arrived])
    }

    @Test func aDocumentThatIsNotWhatItSaysIsRefused() {
        let bench = Bench()
        bench.connect("an")
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["T1"], length: Self.total)
        for piece in Self.pieces { bench.offer("an", bundle, document, path: bench.path("an"), piece: piece) }
        bench.event(.documentVerified(number: bench.rows(of: bundle)[0].number, matches: false))
        #expect(bench.states(of: bundle) == ["T1": .refused])
        let whole = bench.bundle(of: "an")
        let wrong = Digest(words: (9, 9, 9, 9))
        let refused = bench.offer("an", whole, bench.document("A1", ["T1"]), path: bench.path("an"), digest: wrong)
        #expect(refused.refusals == [.notAcceptable])
        bench.advance(.seconds(1))
        #expect(bench.read { $0.count(.chunk) } == 0 || bench.rows(of: whole).isEmpty)
    }

    /// A piece of another make went into it; the copy that comes later is judged by itself, and the agency has the document.
    @Test func aGoodCopyIsTakenAfterABadOne() {
        let bench = Bench()
        bench.connect("an")
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["T1"], length: Self.total)
        for piece in Self.pieces { bench.offer("an", bundle, document, path: bench.path("an"), piece: piece) }
        bench.event(.documentVerified(number: bench.rows(of: bundle)[0].number, matches: false))
        #expect(bench.states(of: bundle) == ["T1": .refused])
        #expect(bench.counter(.refusedToPeer(RefusalCause.digestMismatch.rawValue)) == 1)
        // A piece of the same copy whose acknowledgement was lost begins no new one.
        let last = bench.offer("an", bundle, document, path: bench.path("an"), piece: Self.pieces.last!)
        #expect(last.refusals == [.completed])
        #expect(bench.rows(of: bundle).count == 1 && bench.counter(.reservedBytes) == 0)
        bench.connect("chi")
        for piece in Self.pieces.sorted(by: { $0.0 < $1.0 }) {
            let taken = bench.offer("chi", bundle, document, path: bench.path("an", "chi"), piece: piece)
            #expect(taken.acknowledgements == 1)
        }
        let second = bench.rows(of: bundle)[1]
        bench.event(.documentVerified(number: second.number, matches: true))
        #expect(bench.rows(of: bundle)[1].recipients.map(\.state) == [.arrived])
        // From now on it is known.
        let again = bench.offer("chi", bundle, document, path: bench.path("an", "chi"), piece: Self.pieces[0])
        #expect(again.refusals == [.completed])
        #expect(bench.counter(.acceptedTaken(admin: false)) == 2)
        #expect(bench.counter(.state(.refused, admin: false)) == 1)
        #expect(bench.counter(.state(.arrived, admin: false)) == 1)
    }

    /// Some of the recipients are known here already: all pieces still find their row, and nobody is counted twice.
    @Test func piecesOfAPartlyKnownCopyComeTogether() {
        let bench = Bench()
        bench.connect("an")
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["T1", "T2"], length: Self.total)
        for piece in Self.pieces {
            bench.offer("an", bundle, document, for: ["T1"], path: bench.path("an"), piece: piece)
        }
        bench.event(.documentVerified(number: bench.rows(of: bundle)[0].number, matches: true))
        for piece in Self.pieces {
            #expect(bench.offer("an", bundle, document, path: bench.path("an"), piece: piece).acknowledgements == 1)
        }
        let second = bench.rows(of: bundle)[1]
        bench.event(.documentVerified(number: second.number, matches: true))
        #expect(bench.rows(of: bundle)[1].recipients.map(\.name).sorted() == ["T1", "T2"])
        #expect(bench.counter(.state(.arrived, admin: false)) == 2)
        #expect(bench.counter(.acceptedTaken(admin: false)) == 2)
    }

    /// A large document for two links: each link's progress is its own.
    @Test func aGiantGoesOutOnTwoLinks() {
        let bench = Bench()
        bench.connect("binh")
        bench.connect("chi")
        let length = Int(PieceRange.grid) * 2 + 5
        let bundle = bench.submit(["B1", "C1"], length: length)!.accepted!
        var open = bench.released.documents
        var seen: [String: [UInt64]] = [:]
        while !open.isEmpty {
            let next = open.removeFirst()
            seen[next.peer.name, default: []].append(next.piece?.offset ?? 0)
            open += bench.answer(next, .acknowledged).documents
        }
        let offsets = [0, PieceRange.grid, 2 * PieceRange.grid]
        #expect(seen == ["binh": offsets, "chi": offsets])
        #expect(bench.states(of: bundle) == ["B1": .forwarded, "C1": .forwarded])
        bench.advance(.seconds(1))
        #expect(bench.read { $0.count(.chunk) } == 0)
    }

    /// Both links are cut in the middle: what each had is not sent again, though both were under way at a time.
    @Test(arguments: [false, true])
    func bothLinksOfAGiantGoOnWhereTheyWere(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("binh")
        bench.connect("chi")
        let length = Int(PieceRange.grid) * 3
        let bundle = bench.submit(["B1", "C1"], length: length)!.accepted!
        let first = bench.released.documents.filter { $0.piece?.offset == 0 }
        #expect(Set(first.map(\.peer.name)) == ["binh", "chi"])
        for next in first { bench.answer(next, .acknowledged) }
        bench.lose("binh")
        bench.lose("chi")
        if restarts { bench.restart() }
        let before = bench.released.count
        bench.connect("binh")
        bench.connect("chi")
        bench.advance(.minutes(5))
        var open = Array(bench.released[before...]).documents
        var seen: [String: [UInt64]] = [:]
        while !open.isEmpty {
            let next = open.removeFirst()
            seen[next.peer.name, default: []].append(next.piece?.offset ?? 0)
            open += bench.answer(next, .acknowledged).documents
        }
        let offsets = [PieceRange.grid, 2 * PieceRange.grid]
        #expect(seen == ["binh": offsets, "chi": offsets])
        #expect(bench.states(of: bundle) == ["B1": .forwarded, "C1": .forwarded])
    }

    /// Foreign nodes cut where they like: of what overlaps, the first is kept, and the whole is what was sent.
    @Test(
        arguments: [
            [(0, 70_000), (50_000, 60_000), (100_000, 100_000)],
            [(40_000, 10_000), (0, 200_000)],
            [(100_000, 100_000), (0, 40_000), (20_000, 150_000)],
            [(10, 5), (30, 5), (20, 5), (0, 199_999), (199_998, 2)],
        ] as [[(UInt64, UInt64)]])
    func overlappingPiecesComeTogether(cuts: [(UInt64, UInt64)]) {
        let bench = Bench()
        bench.connect("an")
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["T1"], length: 200_000)
        let content: (UInt64) -> UInt8 = { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
        for cut in cuts {
            let effects = bench.offer("an", bundle, document, path: bench.path("an"), piece: cut, content: content)
            #expect(effects.acknowledgements == 1)
            let again = bench.offer("an", bundle, document, path: bench.path("an"), piece: cut, content: content)
            #expect(again.refusals == [.completed])
        }
        #expect(bench.counter(.reservedBytes) == 0)
        var whole = ByteBuffer()
        for case .verify(_, let payload, _) in bench.released {
            for range in payload {
                let outcome = bench.read {
                    PayloadReader.copy(
                        range.offset..<range.offset + range.length, of: range.extent, from: $0, into: &whole)
                }
                #expect(outcome == .complete)
            }
        }
        #expect(Array(whole.readableBytesView) == (0..<200_000).map(content))
        let number = bench.rows(of: bundle)[0].number
        bench.event(.documentVerified(number: number, matches: true))
        bench.event(.inboxAcknowledged(ticket: bench.ticket(), agency: agency("T1"), envelopes: [number]))
        // The report of it is a payload, too, until it has left.
        for record in bench.advance(.seconds(1)).dispatches { bench.answer(record, .acknowledged) }
        bench.advance(.seconds(1))
        for record in bench.released.dispatches { bench.answer(record, .acknowledged) }
        #expect(bench.read { $0.count(.chunk) } == 0)
    }

    /// Bytes that were here before do not lie there a second time.
    @Test func whatOverlapsIsNotKeptTwice() {
        let bench = Bench()
        bench.connect("an")
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["T1"], length: 2_000_000)
        bench.offer("an", bundle, document, path: bench.path("an"), piece: (0, 1_000_000))
        let before = bench.read { $0.count(.chunk) }
        bench.offer("an", bundle, document, path: bench.path("an"), piece: (100, 1_000_000))
        #expect(bench.read { $0.count(.chunk) } <= before + 3)
    }

    /// A foreign node cuts a document into octets: at some number there is an end, and nobody else feels it.
    @Test func thereIsAnEndOfPieces() {
        let bench = Bench()
        bench.connect("an")
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["T1"], length: 50_000)
        // Every other octet, so that no two touch; in batches, as a link brings them.
        var effects: [Effect] = []
        for first in stride(from: UInt64(0), to: 16_385, by: 127) {
            let inputs = (first..<min(first + 127, 16_385)).flatMap { index in
                bench.inputs("an", bundle, document, path: bench.path("an"), piece: (2 * index, 1))
            }
            effects += bench.run(inputs) ?? []
        }
        #expect(effects.acknowledgements == 16_384)
        #expect(effects.refusals == [.notAcceptable])
        #expect(bench.counter(.refusedToPeer(RefusalCause.tooManyPieces.rawValue)) == 1)
        #expect(bench.rows(of: bundle).count == 1)
        #expect(bench.balance() == (0, 0), "what is not whole was not accepted")
        let good = bench.bundle(of: "an")
        bench.offer("an", good, bench.document("A1", ["T1"]), path: bench.path("an"))
        #expect(bench.states(of: good) == ["T1": .arrived])
    }

    /// On the grid the whole is promised from the first piece on, within the peer's share.
    @Test func whatIsNotWholeCountsAgainstTheQuota() {
        let bench = Bench { configuration in
            for index in configuration.peers.indices { configuration.peers[index].quota = Quota(bytes: 9 << 20) }
        }
        bench.connect("an")
        let grid = PieceRange.grid
        let pieces = [(0, grid), (grid, 1_000)] as [(UInt64, UInt64)]
        let document = bench.document("A1", ["T1"], length: grid + 1_000)
        let first = bench.bundle(of: "an")
        let path = bench.path("an")
        #expect(bench.offer("an", first, document, path: path, piece: pieces[0]).acknowledgements == 1)
        #expect(bench.counter(.reservedBytes) == 1_000)
        let second = bench.bundle(of: "an")
        #expect(bench.offer("an", second, document, path: path, piece: pieces[0]).acknowledgements == 1)
        let third = bench.bundle(of: "an")
        #expect(bench.offer("an", third, document, path: path, piece: pieces[0]).refusals == [.noResources])
        bench.offer("an", first, document, path: path, piece: pieces[1])
        let number = bench.rows(of: first)[0].number
        bench.event(.documentVerified(number: number, matches: true))
        bench.event(.inboxAcknowledged(ticket: bench.ticket(), agency: agency("T1"), envelopes: [number]))
        #expect(bench.counter(.stockBytes(.origin(node("an")))) == grid + 1_001)
        #expect(bench.offer("an", third, document, path: path, piece: pieces[0]).acknowledgements == 1)
    }

    /// Giants whose pieces are still to come do not keep others from the link, and go on when a piece comes.
    @Test func aGiantThatHasRunDryGivesUpItsPlace() {
        let bench = Bench { configuration in configuration.limits.activeMax = 6 }
        bench.connect("an")
        bench.connect("binh")
        var open: [Dispatch] = []
        let giants = (0..<3).map { _ in bench.bundle(of: "an") }
        let document = bench.document("A1", ["B1"], length: Self.total)
        for giant in giants {
            open += bench.offer("an", giant, document, path: bench.path("an"), piece: Self.pieces[0]).documents
        }
        #expect(open.count == 3)
        for next in open { bench.answer(next, .acknowledged) }
        open = bench.submit(["B1"])!.documents
        #expect(open.map(\.piece) == [nil])
        for next in open { bench.answer(next, .acknowledged) }
        for piece in Self.pieces.dropFirst() {
            for giant in giants {
                var next = bench.offer("an", giant, document, path: bench.path("an"), piece: piece).documents
                #expect(next.map(\.piece?.offset) == [piece.0])
                while let one = next.popLast() { next += bench.answer(one, .acknowledged).documents }
            }
        }
        for giant in giants { #expect(bench.states(of: giant) == ["B1": .forwarded]) }
    }
}
