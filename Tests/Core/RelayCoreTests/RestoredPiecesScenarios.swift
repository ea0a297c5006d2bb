// RestoredPiecesScenarios: what a copy has of documents in part, and of operators' deeds under way: the pieces that came after it are lost
// though their sender believes them to be here, and nothing that somebody had begun goes on by itself.

import RelayCore
import RelayModel
import RelayRows
import Testing

@Suite struct RestoredPiecesScenarios {
    private static let total: UInt64 = 9_000
    private static let pieces: [(UInt64, UInt64)] = [(0, 3_000), (3_000, 3_000), (6_000, 3_000)]

    private func notices(_ effects: [Effect], _ kind: EventKind) -> [String] {
        var texts: [String] = []
        for case .notice(let notice) in effects where notice.kind == kind { texts.append(notice.text) }
        return texts
    }

    private func history(_ bench: Bench) -> [HistoryRow] {
        bench.read { rows in
            var found: [HistoryRow] = []
            rows.scan(.history, prefix: RowKey()) { _, value in
                if let row = HistoryRow(record: value) { found.append(row) }
                return true
            }
            return found
        }
    }

    /// One for an agency here and one to be handed on, both here in part. They end with a word to the operator, and their sender, which goes
    /// on where the lost store stopped, is made to begin anew.
    @Test(arguments: [false, true]) func whatIsHereInPartEndsAndIsAskedForAnew(restarts: Bool) throws {
        let bench = Bench(restarts: restarts)
        bench.connect("an")
        bench.connect("binh")
        let documents = ["T1", "B1"].map { (bench.bundle(of: "an"), bench.document("A1", [$0], length: Self.total)) }
        for (bundle, document) in documents {
            bench.offer("an", bundle, document, path: bench.path("an"), piece: Self.pieces[0])
        }
        #expect(bench.counter(.reservedBytes) == 0, "nothing is promised to pieces off the grid")
        let begunLater = (bench.bundle(of: "an"), bench.document("A1", ["T2"], length: Self.total))
        bench.bringBack()
        let effects = bench.advance(.seconds(10))
        for (bundle, document) in documents {
            #expect(bench.states(of: bundle) == [document.recipients[0].text: .deleted])
            #expect(bench.reports(of: bundle).isEmpty)
        }
        #expect(bench.counter(.reservedBytes) == 0 && bench.counter(.stockBytes(.origin(node("an")))) == 0)
        #expect(history(bench).map(\.reason) == [.lostInPart, .lostInPart] && bench.balance() == (0, 0))
        let alarm = notices(effects, .restoredInPart)
        #expect(alarm.count == 1 && alarm[0].contains(": 2."), "\(alarm)")

        bench.connect("an")
        bench.connect("binh")
        bench.breathe()
        for (bundle, document) in documents + [begunLater] {
            func offer(_ piece: (UInt64, UInt64)) -> [Effect] {
                bench.offer("an", bundle, document, path: bench.path("an"), piece: piece)
            }
            #expect(offer(Self.pieces[1]).refusals == [.notAcceptable])
            bench.breathe()
            var open: [Dispatch] = []
            for piece in Self.pieces {
                let effects = offer(piece)
                #expect(effects.acknowledgements == 1)
                open += effects.documents
                while let next = open.popLast() { open += bench.answer(next, .acknowledged).documents }
            }
            let row = try #require(bench.rows(of: bundle).last)
            if row.recipients[0].state == .waiting {
                bench.event(.documentVerified(number: row.number, matches: true))
            }
            let state = try #require(bench.rows(of: bundle).last?.recipients.first?.state)
            #expect(state == (document.recipients == [agency("B1")] ? .forwarded : .arrived))
        }
        #expect(bench.counter(.refusedToPeer(RefusalCause.lostInPart.rawValue)) == 3)
        #expect(bench.balance() == (3, 3))
    }

    /// The sender of the refused piece begins anew: what the other side had of the copy counts no more.
    @Test func theSenderBeginsAnew() throws {
        let bench = Bench()
        bench.connect("binh")
        let length = Int(PieceRange.grid) * 2 + 5
        let bundle = try #require(bench.submit(["B1"], length: length)?.accepted)
        let first = try #require(bench.released.documents.first { $0.piece?.offset == 0 })
        bench.answer(first, .acknowledged)
        bench.lose("binh")
        var open = bench.connect("binh").documents
        #expect(open.first?.piece?.offset == PieceRange.grid)
        for next in open { bench.answer(next, .refused(.notAcceptable)) }
        #expect(bench.states(of: bundle) != ["B1": .forwarded])
        open = bench.advance(.hours(1)).documents
        #expect(open.first?.piece?.offset == 0)
    }

    /// A document that began after the restore may come in any order, as ever.
    @Test func whatIsNewerThanTheRestoreComesInAnyOrder() {
        let bench = Bench()
        bench.bringBack()
        bench.advance(.days(3))
        bench.connect("an")
        let bundle = bench.bundle(of: "an")
        let document = bench.document("A1", ["T1"], length: Self.total)
        for piece in Self.pieces.reversed() {
            let effects = bench.offer("an", bundle, document, path: bench.path("an"), piece: piece)
            #expect(effects.acknowledgements == 1)
        }
    }

    /// What was being deleted is neither deleted nor sent: its operator says once more what is to become of it.
    @Test(arguments: [false, true]) func whatWasBeingDeletedIsHeld(restarts: Bool) throws {
        let bench = Bench(restarts: restarts)
        let bundle = try #require(bench.submit(["B1"])?.accepted)
        let job = try #require(bench.deed(.delete) { $0.states = [.waiting] })
        #expect(bench.states(of: bundle) == ["B1": .deleting])
        bench.advance(.minutes(1))
        bench.bringBack()
        bench.advance(.seconds(10))
        bench.breathe()
        #expect(bench.states(of: bundle) == ["B1": .held])
        let why = bench.engine.core.wait(bench.rows(of: bundle)[0], 0, now: bench.reading.relay).why
        #expect(why.contains { $0.hasPrefix("held: it was being deleted") }, "\(why)")
        bench.advance(.hours(2))
        _ = bench.operate(.undo(job.number))
        bench.finishJobs()
        bench.connect("binh")
        bench.event(.restoredReleased(ticket: Ticket(1), Deed(uid: 1, login: "lan", verb: "restore release")))
        #expect(bench.advance(.seconds(10)).documents.isEmpty)
        #expect(bench.states(of: bundle) == ["B1": .held])
        #expect(bench.counter(.state(.deleting, admin: false)) == 0)
        let found = try #require(bench.deed(.release) { $0.states = [.held] })
        #expect(found.done == 1)
        #expect(bench.advance(.seconds(10)).documents.map(\.bundle) == [bundle] || bench.released.documents.count == 1)
        #expect(bench.balance() == (1, 1))
    }

    /// A deletion whose time for undoing was over long ago, when the copy is brought back weeks later.
    @Test func anOldDeletionIsHeldToo() throws {
        let bench = Bench()
        let bundle = try #require(bench.submit(["B1"])?.accepted)
        _ = try #require(bench.deed(.delete) { $0.states = [.waiting] })
        bench.relay += 86_400_000
        bench.wall += 86_400_000
        bench.bringBack()
        bench.advance(.minutes(5))
        #expect(bench.states(of: bundle) == ["B1": .held])
    }

    /// A job that ran when the copy was made is over, and says why; a preview of then cannot be applied.
    @Test func jobsOfTheCopyAreCancelled() throws {
        let bench = Bench()
        for _ in 0..<700 { _ = try #require(bench.submit(["B1"])?.accepted) }
        let job = try #require(bench.preview(.expire) { $0.states = [.waiting] })
        let looked = try #require(bench.preview(.hold) { $0.states = [.waiting] })
        guard case .job = bench.operate(.apply(job.number)) else {
            Issue.record("the job did not begin")
            return
        }
        #expect(bench.job(job.number)?.phase == .running)
        let expired = bench.counter(.state(.expired, admin: false))
        #expect(expired > 0 && expired < 700)
        bench.bringBack()
        bench.advance(.minutes(5))
        #expect(bench.job(job.number)?.phase == .cancelled)
        #expect(bench.counter(.state(.expired, admin: false)) == expired)
        #expect(bench.counter(.state(.held, admin: false)) == 700 - expired)
        guard case .unknown = bench.operate(.apply(looked.number)) else {
            Issue.record("a preview of the copy was applied")
            return
        }
        let entries = bench.read { rows in
            (1...rows.count(.audit)).compactMap { rows.value(.audit, Keys.audit($0)).flatMap { AuditRow(record: $0) } }
        }
        // And behind them the refusal of the preview.
        #expect(entries.map(\.verb).suffix(3) == ["restore", "expire", "apply"])
        #expect(
            entries.dropLast().last?.outcome
                == "cancelled, for the store was restored from a copy: \(expired) of 700 done")
    }
}
