// Damage in the rows: books and indexes are made anew from the envelopes' rows, what cannot be read is set aside by its name, and nothing
// traps over the node's own books.

import RelayCore
import RelayModel
import RelayRows
import Testing

@Suite struct DamageScenarios {
    private func put(_ bench: Bench, _ table: Table, _ key: RowKey, _ value: [UInt8]) {
        _ = bench.store.batch { $0.put(table, key, value) }
    }

    private func delete(_ bench: Bench, _ table: Table, _ key: RowKey) {
        let isThere = bench.store.batch { $0.delete(table, key) }.released
        #expect(isThere == true)
    }

    /// A bit in a counter's key loses the count, one in its value makes it unreadable.
    @Test(arguments: [true, false]) func aDaemonDoesNotTrapOverItsOwnBooks(isLost: Bool) {
        let bench = Bench()
        let bundles = (0..<3).map { _ in bench.submit(["B1"])!.accepted! }
        bench.submit(["T2"])
        let waiting = CounterKey.state(.waiting, admin: false)
        #expect(bench.counter(waiting) == 3)
        let key = RowKey(text: waiting.name)
        if isLost { delete(bench, .counter, key) } else { put(bench, .counter, key, [9, 9, 9, 9, 9, 9, 9]) }
        bench.restart()
        let sent = bench.connect("binh").documents
        #expect(sent.count == 3)
        for dispatch in sent { bench.answer(dispatch, .acknowledged) }
        bench.submit(["C1"])
        bench.advance(.seconds(5))
        #expect(bench.counter(waiting) == 1)
        #expect(bench.counter(.state(.arrived, admin: false)) == 1)
        #expect(bench.counter(.state(.forwarded, admin: false)) == 3)
        #expect(bench.counter(.stockCount(.everything)) == 2)
        #expect(bench.released.notices.contains { $0.kind == .storeReckoned })
        #expect(bundles.allSatisfy { bench.states(of: $0) == ["B1": .forwarded] })
    }

    /// The rows of the indexes are made anew: what waited goes, what had arrived can be found.
    @Test func lostRowsOfTheIndexesComeAgain() throws {
        let bench = Bench()
        let (away, home) = (bench.submit(["B1", "C1"])!.accepted!, bench.submit(["T2"])!.accepted!)
        let (number, inbox) = (bench.rows(of: away)[0].number, bench.rows(of: home)[0].number)
        let keys = bench.read { rows in
            var keys: [(Table, RowKey)] = [
                (.inbox, Keys.inbox("T2", number: inbox)), (.bundle, Keys.bundle(away, number: number)),
            ]
            for table in [Table.queue, .deadline] {
                rows.scan(table, prefix: RowKey()) { key, _ in
                    keys.append((table, RowKey(copying: key)))
                    return true
                }
            }
            return keys
        }
        for (table, key) in keys { delete(bench, table, key) }
        // And some that lead nowhere.
        _ = bench.store.batch { rows in
            rows.put(.queue, QueueKey(routeClass: 1, urgency: .flash, due: .zero, number: 9_999).key)
            rows.put(.inbox, Keys.inbox("T2", number: 9_999))
        }
        bench.restart()
        bench.event(.storeDamaged(why: "a test"))
        bench.advance(.seconds(2))
        for (table, key) in keys { #expect(bench.read { $0.value(table, key) } != nil, "\(table)") }
        #expect(bench.read { $0.value(.inbox, Keys.inbox("T2", number: 9_999)) } == nil)
        let result = try #require(bench.engine.core.reckoned)
        #expect(result.missing >= UInt64(keys.count) && result.strays >= 2 && !result.isClean)
        #expect(bench.connect("binh").documents.count == 1)
        #expect(bench.connect("chi").documents.count == 1)
    }

    /// The record goes; number, bundle ID, sender, recipients and document ID are kept apart.
    @Test(arguments: [true, false]) func anUnreadableEnvelopeIsSetAsideByName(isGone: Bool) throws {
        let bench = Bench()
        let bundle = bench.submit(["B1", "T2"])!.accepted!
        let other = bench.submit(["B1"])!.accepted!
        let number = bench.rows(of: bundle)[0].number
        if isGone {
            delete(bench, .envelope, Keys.envelope(number))
        } else {
            put(bench, .envelope, Keys.envelope(number), [1, 2, 3, 4, 5, 6])
        }
        bench.restart()
        if isGone { bench.event(.storeDamaged(why: "a test")) }
        let sent = bench.connect("binh").documents
        bench.advance(.seconds(5))
        #expect(sent.map(\.bundle) == [other])
        // What lay in its inbox lies there still; the other one has a name and a state.
        #expect(bench.states(of: bundle) == ["B1": .corrupt, "T2": .arrived])
        let row = bench.rows(of: bundle)[0]
        #expect(row.number == number && row.document?.sender.text == "T1" && row.document?.documentID == "7/VB")
        #expect(bench.counter(.state(.corrupt, admin: false)) == 1)
        #expect(bench.counter(.state(.arrived, admin: false)) == 1)
        #expect(bench.counter(.state(.waiting, admin: false)) == 1)
        let alarm = try #require(bench.released.notices.first { $0.kind == .recordCorrupt && $0.envelope == bundle })
        #expect(alarm.text.contains("T1") && alarm.text.contains("B1") && alarm.text.contains("7/VB"))
        // Its submitter is told.
        let reports = bench.allReports(of: bundle).filter { $0.state == .delayed }
        #expect(reports.map(\.recipient.text) == ["B1"] && reports[0].reason == .unreadable)
        // It is found as corrupt, and can be ended.
        var selector = Selector()
        selector.states = [.corrupt]
        let found = bench.find(selector)
        #expect(found.map(\.number) == [number])
    }

    /// Of what came from elsewhere the submitter is told, by a path that he can believe: where it was handed in, who handed it over.
    @Test(arguments: [true, false]) func aSubmitterElsewhereIsTold(isNeighbour: Bool) throws {
        let bench = Bench()
        let names = isNeighbour ? ["an"] : ["binh", "an"]
        bench.connect("an")
        let bundle = bench.bundle(of: names[0])
        let path = isNeighbour ? bench.path("an") : bench.path("binh", "an")
        let sender = isNeighbour ? "A1" : "B1"
        #expect(bench.offer("an", bundle, bench.document(sender, ["C1"]), path: path).acknowledgements == 1)
        let number = try #require(bench.rows(of: bundle).first).number
        put(bench, .envelope, Keys.envelope(number), [1, 2, 3, 4, 5, 6])
        bench.restart()
        bench.event(.storeDamaged(why: "a test"))
        bench.advance(.seconds(1))
        #expect(bench.states(of: bundle) == ["C1": .corrupt])
        let lines = bench.read { rows in
            var lines: [ReportRow] = []
            rows.scan(.outgoingReport, prefix: RowKey()) { _, value in
                if let line = ReportRow(record: value) { lines.append(line) }
                return true
            }
            return lines
        }
        let stops = try #require(bench.rows(of: bundle).first).path.map(\.node.name)
        #expect(stops == names + ["tam"])
        // The row waits for its way to the source, or has gone into a record for it.
        #expect(lines.allSatisfy { $0.path.map(\.node.name) == stops && $0.reason == .unreadable })
    }

    /// The schedule has the whole store looked through, payloads too, when the last time is so long ago; and so may an operator.
    @Test func theStoreIsVerifiedBySchedule() throws {
        let bench = Bench { $0.limits.verifyEvery = .days(7) }
        let numbers = ["B1", "B2"].map { bench.rows(of: bench.submit([$0])!.accepted!)[0].number }
        /// The envelopes whose payload was asked for; that of the second does not match.
        func pass(_ span: Milliseconds) -> [UInt64] {
            var read: [UInt64] = []
            var effects = bench.advance(span)
            while true {
                var asked: [UInt64] = []
                for case .verify(let number, _, _) in effects { asked.append(number) }
                guard !asked.isEmpty else { return read }
                read += asked
                effects = asked.flatMap { bench.event(.documentVerified(number: $0, matches: $0 != numbers[1])) }
                effects += bench.advance(.seconds(1))
            }
        }
        // A new store is in order.
        #expect(pass(.days(6)).isEmpty)
        #expect(pass(.days(2)) == numbers)
        let first = try #require(bench.engine.core.reckoned)
        #expect(first.why == "the schedule" && first.payloads == 2 && first.badPayloads == 1 && !first.isClean)
        #expect(bench.rows(of: bench.allRows[1].bundle)[0].recipients[0].state == .corrupt)
        let mended = bench.read { Finding.ofStore($0, at: bench.reading) }.filter { $0.code == .storeMended }
        #expect(mended.count == 1 && mended[0].since == first.ended)
        // Not again for a week, nor sooner for a start; and what is set aside is not read again.
        #expect(pass(.days(3)).isEmpty)
        bench.restart()
        #expect(pass(.days(3)).isEmpty)
        #expect(pass(.days(2)) == [numbers[0]])
        #expect(bench.engine.core.reckoned?.isClean == true)
        #expect(bench.read { Finding.ofStore($0, at: bench.reading) }.allSatisfy { $0.code != .storeMended })
        // An operator asks; one at a time.
        func ask() -> OperationAnswer { bench.operate(.verify(bytesPerSecond: 1, reason: "a test")) }
        guard case .verifying = ask() else { throw Unexpected() }
        guard case .refused(let why) = ask() else { throw Unexpected() }
        #expect(why == "the store is being verified already")
        #expect(pass(.minutes(5)) == [numbers[0]])
        #expect(bench.engine.core.reckoned?.why == "asked by lan")
    }

    private struct Unexpected: Error {}

    @Test func aLabelGoesWithItsEnvelope() {
        let bench = Bench()
        bench.submit(["B1"])
        #expect(bench.read { $0.count(.label) } == 1)
        for dispatch in bench.connect("binh").documents { bench.answer(dispatch, .acknowledged) }
        #expect(bench.read { $0.count(.label) } == 0)
        // An ended envelope whose record cannot be read has nothing to lose.
        let number = bench.allRows[0].number
        put(bench, .envelope, Keys.envelope(number), [1, 2, 3, 4, 5, 6])
        bench.restart()
        bench.event(.storeDamaged(why: "a test"))
        bench.advance(.seconds(5))
        #expect(bench.allRows.isEmpty)
        #expect(bench.counter(.state(.corrupt, admin: false)) == 0)
    }

    /// A store from before labels gets them, and its books stay what they are.
    @Test func aStoreOfAnEarlierVersionGetsLabels() {
        let bench = Bench()
        for _ in 0..<600 { bench.submit(["B1"]) }
        let before = bench.counter(.state(.waiting, admin: false))
        let keys = bench.allRows.map { Keys.envelope($0.number) }
        _ = bench.store.batch { rows in
            for key in keys { rows.delete(.label, key) }
            rows.delete(.meta, Keys.meta("reckoned"))
        }
        bench.restart()
        // Cut off in the middle, and started once more.
        bench.advance(Milliseconds(2))
        bench.restart()
        bench.advance(.seconds(5))
        #expect(bench.read { $0.count(.label) } == 600)
        #expect(bench.counter(.state(.waiting, admin: false)) == before)
        #expect(bench.engine.core.reckoned?.counters == 0)
        #expect(bench.engine.core.reckoned?.missing == 0)
    }

    /// While the books are made anew everything goes on, and what changes meanwhile is in them.
    @Test func changesDuringAReckoningAreInTheBooks() {
        let bench = Bench()
        for _ in 0..<900 { bench.submit(["B1"]) }
        put(bench, .counter, RowKey(text: CounterKey.state(.waiting, admin: false).name), [9, 9, 9, 9, 9, 9, 9])
        bench.restart()
        bench.event(.storeDamaged(why: "a test"))
        var open = bench.connect("binh").documents
        for _ in 0..<40 {
            var next: [Effect] = []
            for dispatch in open.prefix(7) { next += bench.answer(dispatch, .acknowledged) }
            open.removeFirst(min(7, open.count))
            open += next.documents
            bench.submit(["C1"])
        }
        bench.advance(.seconds(5))
        let rows = bench.allRows.flatMap(\.recipients)
        for state in [RecipientState.waiting, .arrived, .held, .corrupt] {
            #expect(bench.counter(.state(state, admin: false)) == UInt64(rows.count { $0.state == state }), "\(state)")
        }
        let stock = bench.allRows.filter { $0.ended == .zero }
        #expect(bench.counter(.stockCount(.everything)) == UInt64(stock.count))
        #expect(bench.counter(.stockBytes(.everything)) == stock.reduce(0) { $0 + $1.payloadLength })
        let cells = bench.read { AgeCell.all($0) }
        #expect(cells.reduce(0) { $0 + $1.count } == UInt64(rows.count { $0.state == .waiting }))
    }

    /// The totals stand in no row: neighbours' counters, history and the equation of the books tell them.
    @Test(arguments: [
        ["accepted.submitted"], ["accepted.taken"], ["ended.forwarded"], ["ended.delivered"], ["ended.expired"],
        ["accepted.submitted", "ended.delivered"], ["accepted.taken", "ended.expired"],
    ])
    func totalsAreMadeAnew(lost: [String]) throws {
        let bench = Bench()
        bench.failingChanges = []
        bench.connect("an")
        for _ in 0..<300 { bench.submit(["T1"], length: 4) }
        let numbers = bench.allRows.map(\.number)
        bench.event(.inboxAcknowledged(ticket: bench.ticket(), agency: agency("T1"), envelopes: numbers))
        for _ in 0..<3 {
            bench.offer("an", bench.bundle(of: "an"), bench.document("A1", ["B1"]), path: bench.path("an"))
        }
        var open = bench.connect("binh").documents
        while !open.isEmpty { open += bench.answer(open.removeFirst(), .acknowledged).documents }
        bench.submit(["C1"], lifetime: .minutes(5))
        bench.advance(.minutes(6))
        bench.submit(["C1"])
        let names = [
            "accepted.submitted", "accepted.taken", "ended.forwarded", "ended.delivered", "ended.expired",
            "store.waiting",
        ]
        let before = bench.read { rows in names.map { rows.number(.counter, $0) } }
        #expect(before == [302, 3, 3, 300, 1, 1], "\(before)")
        _ = bench.store.batch { rows in
            for name in lost { rows.setNumber(.counter, name, 0) }
        }
        bench.restart()
        bench.event(.storeDamaged(why: "a test"))
        bench.finishJobs()
        #expect(bench.read { rows in names.map { rows.number(.counter, $0) } } == before)
        #expect(bench.engine.core.reckoned?.totals == UInt64(lost.count))
        let (accepted, states) = bench.balance()
        #expect(accepted == states)
    }

    /// An envelope that is gone with its name is not put down as ended.
    @Test func whatIsGoneIsNotCalledEnded() throws {
        let bench = Bench()
        let bundle = try #require(bench.submit(["C1"])?.accepted)
        bench.submit(["C1"])
        let number = bench.rows(of: bundle)[0].number
        _ = bench.store.batch { rows in
            rows.delete(.envelope, Keys.envelope(number))
            rows.delete(.label, Keys.envelope(number))
        }
        bench.restart()
        bench.event(.storeDamaged(why: "a test"))
        bench.finishJobs()
        let (accepted, states) = bench.balance()
        #expect((accepted, states) == (2, 1))
        #expect(bench.engine.core.reckoned?.totals == 0)
    }
}
