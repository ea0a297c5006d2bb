// What takes long is said once, by the node that knows, and ends nothing; and the age picture stays that of the queue when its cells
// become hours.

import RelayCore
import RelayModel
import RelayRows
import Testing

@Suite struct DelayScenarios {
    private func delays(_ bench: Bench, _ bundle: BundleID) -> [ReportRow] {
        bench.allReports(of: bundle).filter { $0.state == .delayed }
    }

    /// At home here and not taken: after four hours, for an urgent one after a quarter of an hour; not sooner, and once.
    @Test(arguments: [false, true]) func whatIsNotPickedUp(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        let normal = bench.submit(["T2"])!.accepted!
        let urgent = bench.submit(["T2"], urgency: .urgent)!.accepted!
        bench.advance(.minutes(14))
        bench.breathe()
        #expect(delays(bench, urgent).isEmpty)
        bench.advance(.minutes(2))
        #expect(delays(bench, urgent).map(\.reason) == [.notPickedUp])
        #expect(delays(bench, normal).isEmpty)
        bench.breathe()
        bench.advance(.hours(4))
        #expect(delays(bench, normal).map(\.reason) == [.notPickedUp])
        bench.advance(.days(2))
        #expect(delays(bench, normal).count == 1)
        #expect(bench.counter(.delayReported) == 2)
        #expect(bench.states(of: normal) == ["T2": .arrived], "a delay ends nothing")
        let number = bench.rows(of: normal)[0].number
        bench.event(.inboxAcknowledged(ticket: bench.ticket(), agency: agency("T2"), envelopes: [number]))
        #expect(bench.states(of: normal) == ["T2": .delivered])
    }

    /// Its lifetime is shorter than the time after which a delay is told: it has stopped where the document has arrived.
    @Test(arguments: [false, true]) func whatIsNotPickedUpOutlivesItsLifetime(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        let bundle = bench.submit(["T2"], lifetime: .hours(1))!.accepted!
        bench.advance(.hours(2))
        bench.breathe()
        #expect(delays(bench, bundle).isEmpty)
        bench.advance(.hours(3))
        #expect(delays(bench, bundle).map(\.reason) == [.notPickedUp])
        #expect(bench.states(of: bundle) == ["T2": .arrived])
        bench.advance(.days(2))
        #expect(delays(bench, bundle).count == 1)
    }

    /// What an agency takes in time is not spoken of.
    @Test func whatIsTakenInTime() {
        let bench = Bench()
        let bundle = bench.submit(["T2"])!.accepted!
        bench.advance(.hours(3))
        let number = bench.rows(of: bundle)[0].number
        bench.event(.inboxAcknowledged(ticket: bench.ticket(), agency: agency("T2"), envelopes: [number]))
        bench.advance(.days(1))
        #expect(delays(bench, bundle).isEmpty)
        #expect(bench.counter(.delayReported) == 0)
    }

    /// A copy that waits here for a neighbour: a report record for the submitter, for each recipient of it.
    @Test(arguments: [false, true]) func whatIsStillQueued(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("an")
        let bundle = bench.bundle(of: "an")
        #expect(
            bench.offer(
                "an", bundle, bench.document("A1", ["B1", "B2"], urgency: .flash), path: bench.path("an"),
                lifetime: .hours(1)
            ).acknowledgements == 1)
        bench.breathe()
        let records = bench.counter(.recordMade)
        let sent = bench.advance(.minutes(16)).dispatches
        #expect(bench.counter(.delayReported) == 2)
        #expect(bench.counter(.recordMade) == records + 1)
        #expect(sent.contains { $0.kind == .administrative && $0.peer == node("an") })
        bench.advance(.hours(2))
        #expect(bench.counter(.delayReported) == 2)
        #expect(bench.states(of: bundle) == ["B1": .expired, "B2": .expired], "it expires as if nothing had been said")
    }

    /// Handed on, and nobody has said anything since; the memory of it ends when it would have.
    @Test(arguments: [false, true]) func whatWasNeverHeardOf(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        bench.connect("binh")
        let silent = bench.submit(["B1"])!
        let told = bench.submit(["B2"])!
        for dispatch in silent.documents + told.documents { bench.answer(dispatch, .acknowledged) }
        let arrival = ReportRow(
            bundle: told.accepted!, recipient: agency("B2"), state: .arrived, time: WallTime(milliseconds: bench.wall),
            reason: .none, path: bench.path("tam", "binh"))
        bench.event(
            .reported(
                ticket: bench.ticket(), session: bench.sessions[node("binh")]!, reporter: node("binh"),
                bundle: bench.bundle(of: "binh"), rows: [arrival]))
        bench.breathe()
        bench.advance(.hours(4))
        #expect(delays(bench, silent.accepted!).isEmpty, "others have a minute to say it first")
        bench.advance(.minutes(2))
        #expect(delays(bench, silent.accepted!).map(\.reason) == [.noReport])
        #expect(delays(bench, told.accepted!).isEmpty)
        #expect(bench.states(of: silent.accepted!) == ["B1": .forwarded])
        bench.advance(.days(8))
        #expect(bench.rows(of: silent.accepted!).isEmpty)
    }

    @Test func delaysCanBeSwitchedOff() {
        let bench = Bench { $0.limits.delayAfter = .zero }
        let bundle = bench.submit(["T2"])!.accepted!
        bench.advance(.days(2))
        #expect(delays(bench, bundle).isEmpty)
    }

    /// Any node of the way is believed, each once; and no delay counts as more than that.
    @Test func delaysOfOthersAreBelieved() {
        let bench = Bench()
        bench.connect("chi")
        let bundle = bench.submit(["B1"])!.accepted!
        for round in 0..<2 {
            let row = ReportRow(
                bundle: bundle, recipient: agency("B1"), state: .delayed,
                time: WallTime(milliseconds: bench.wall + UInt64(round)), reason: .stillQueued,
                path: bench.path("tam", "chi"))
            let effects = bench.event(
                .reported(
                    ticket: bench.ticket(), session: bench.sessions[node("chi")]!, reporter: node("chi"),
                    bundle: bench.bundle(of: "chi"), rows: [row]))
            #expect(effects.alarms.isEmpty)
        }
        #expect(delays(bench, bundle).count == 1)
        #expect(bench.states(of: bundle) == ["B1": .waiting])
    }

    /// A row of an earlier version ends before the fields that were added.
    @Test func rowsOfAnEarlierVersionAreRead() throws {
        let bench = Bench()
        var row = bench.rows(of: bench.submit(["T2"])!.accepted!)[0]
        row.nextLook = .zero
        let new = row.encoded()
        var old = RowWriter(capacity: new.count)
        // The fields that were added: marks of further copies, the look, delays, answers and pieces, each of them zero.
        for byte in new.dropFirst(5).dropLast(5) { old.byte(byte) }
        let read = old.record().withUnsafeBytes { EnvelopeRow(number: row.number, record: $0) }
        #expect(read?.recipients == row.recipients)
        #expect(read?.nextLook == .zero)
        row.note("asked to retransmit", of: node("binh"), for: [0], WallTime(milliseconds: 9))
        row.delayed = [0]
        let back = row.encoded().withUnsafeBytes { EnvelopeRow(number: row.number, record: $0) }
        #expect(back?.answers == row.answers)
        #expect(back?.delayed == [0])
        #expect(back?.recipients[0].lastAnswer == "binh: asked to retransmit")
    }

    // MARK: - Ages

    private func cells(_ bench: Bench) -> [AgeCell] { bench.read { AgeCell.all($0) } }

    /// A day of envelopes a minute apart becomes cells of hours; what leaves afterwards leaves the right cell.
    @Test(arguments: [false, true]) func cellsBecomeHours(restarts: Bool) {
        let bench = Bench(restarts: restarts)
        for _ in 0..<90 {
            _ = bench.submit(["B1"])
            bench.advance(.minutes(1))
        }
        let inbox = bench.submit(["T2"])!.accepted!
        #expect(cells(bench).count { $0.place != .arrived("T2") } >= 90)
        #expect(cells(bench).filter { $0.place == .arrived("T2") }.map(\.count) == [1])
        bench.advance(.days(1) + .hours(2))
        bench.breathe()
        let old = cells(bench)
        #expect(old.count <= 4, "\(old)")
        #expect(old.allSatisfy { $0.minute % 60 == 0 })
        #expect(old.filter { $0.place != .arrived("T2") }.reduce(0) { $0 + $1.count } == 90)
        #expect(old.reduce(0) { $0 + $1.bytes } == 91 * 100)
        // Now they leave, all of them.
        let number = bench.rows(of: inbox)[0].number
        bench.event(.inboxAcknowledged(ticket: bench.ticket(), agency: agency("T2"), envelopes: [number]))
        var sent = bench.connect("binh").documents
        while !sent.isEmpty { sent = sent.flatMap { bench.answer($0, .acknowledged).documents } }
        #expect(cells(bench).isEmpty)
    }

    @Test func whatCameAndWentLately() {
        let bench = Bench()
        for _ in 0..<3 { _ = bench.submit(["B1"]) }
        func lately() -> (came: UInt64, left: UInt64)? {
            let flows = bench.engine.core.lately(RelayTime(milliseconds: bench.relay))
            return flows.first { if case .queued = $0.key { true } else { false } }?.value
        }
        #expect(lately()?.came == 3)
        #expect(lately()?.left == 0)
        for dispatch in bench.connect("binh").documents.prefix(2) { bench.answer(dispatch, .acknowledged) }
        #expect(lately()?.left == 2)
        bench.advance(.minutes(6))
        #expect(lately() == nil)
    }
}
