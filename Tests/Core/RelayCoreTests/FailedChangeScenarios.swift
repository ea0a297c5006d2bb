// A change that the store does not take: reads answer nothing from there to the end of the batch, and nothing is decided by them. Each
// batch of a life with most of what a node does fails at every one of its changes, one after another, before it is let through. The
// store must be what it is without those failures, and nothing may trap.

import NIOCore
import RelayCore
import RelayEngine
import RelayModel
import RelayRows
import RelayStore
import Testing

@Suite struct FailedChangeScenarios {
    /// Documents whole and in pieces, refusals, losses, reports, ends by lifetime and by operators' hands.
    private static func live(_ bench: Bench) {
        for name in ["an", "binh", "chi"] { bench.connect(name) }
        let shared = bench.bundle(of: "an")
        let first = bench.offer(
            "an", shared, bench.document("A1", ["T1", "B1", "C1"], length: 40_000), path: bench.path("an"))
        for dispatch in first.documents {
            bench.answer(dispatch, dispatch.peer == node("chi") ? .acknowledged : .refused(.notAcceptable))
        }
        bench.offer("an", shared, bench.document("A1", ["T1", "B1", "C1"], length: 40_000), path: bench.path("an"))
        let giant = bench.bundle(of: "an")
        let large = bench.document("A1", ["T1", "C1"], length: 90_000)
        for piece in [(60_000, 30_000), (0, 30_000), (30_000, 30_000)] as [(UInt64, UInt64)] {
            for dispatch in bench.offer("an", giant, large, path: bench.path("an"), piece: piece).documents {
                bench.answer(dispatch, .acknowledged)
            }
        }
        for row in bench.rows(of: giant) { bench.event(.documentVerified(number: row.number, matches: true)) }
        for dispatch in bench.submit(["D1", "T2"], length: 5_000)?.documents ?? [] {
            bench.answer(dispatch, .refused(.noResources))
        }
        let waiting = bench.submit(["D1"], length: 3_000, lifetime: .minutes(5))
        #expect(waiting?.accepted != nil)
        bench.lose("chi", sentWhole: [])
        bench.advance(.seconds(30))
        bench.connect("chi")
        bench.advance(.minutes(10))
        for row in bench.allRows where row.recipients.contains(where: { $0.state == .arrived && $0.name == "T1" }) {
            bench.event(.inboxAcknowledged(ticket: bench.ticket(), agency: agency("T1"), envelopes: [row.number]))
        }
        bench.reload(
            Bench.configuration(routes: [("an", ["an"]), ("binh", ["chi"]), ("chi", ["chi"]), ("dao", ["binh"])]))
        bench.advance(.minutes(2))
    }

    private static func rows(_ bench: Bench) -> [String] {
        bench.read { rows in
            Table.allCases.flatMap { table in
                var lines: [String] = []
                rows.scan(table, prefix: RowKey()) { key, value in
                    lines.append("\(table.name) \(Array(key)) \(Array(value))")
                    return true
                }
                return lines
            }
        }
    }

    @Test func everyChangeOfEveryBatchMayFail() {
        let plain = Bench()
        plain.failingChanges = []
        Self.live(plain)
        let tried = Bench()
        tried.failingChanges = Array(1...60)
        Self.live(tried)
        let expected = Self.rows(plain)
        #expect(expected.count > 60)
        #expect(Self.rows(tried) == expected)
        #expect(
            plain.counter(.state(.forwarded, admin: false)) > 0 && plain.counter(.state(.expired, admin: false)) > 0)
    }

    /// The first start of a store, and every later one, may find no room as well.
    @Test func everyChangeOfAStartMayFail() {
        let bench = Bench()
        bench.connect("an")
        bench.offer("an", bench.bundle(of: "an"), bench.document("A1", ["C1", "T1"]), path: bench.path("an"))
        for change in UInt64(1)...40 {
            bench.store.failingChange = change
            let now = ClockReading(
                relay: RelayTime(milliseconds: bench.relay + 60_000), wall: WallTime(milliseconds: bench.wall + 60_000))
            let room = bench.store.headRoom
            let result = bench.store.batch { rows in
                var engine = Engine(
                    configuration: bench.configuration, seed: change, now: now, room: room, rows: rows,
                    hash: { _ in Digest(words: (0, 0, 0, 0)) })
                _ = engine.run([], now: now, room: room, rows: rows)
            }
            if bench.store.failingChange != nil { break }
            #expect(result.released == nil)
        }
        bench.store.failingChange = nil
    }

    /// What has no room by itself is refused by itself, with the reason; the session and what comes behind it go on.
    @Test func whatHasNoRoomByItselfIsRefusedByItself() {
        let bench = Bench()
        bench.failingChanges = []
        bench.connect("an")
        bench.connect("chi")
        let open = bench.inputs(
            "an", bench.bundle(of: "an"), bench.document("A1", ["C1"], length: 9_000), path: bench.path("an"))
        bench.run([open[0], open[1]])
        let effects = bench.run([.foundNoRoom(open[2])]) ?? []
        #expect(effects.refusals == [.noResources])
        #expect(
            effects.reasons == [
                "the store's free pages do not lie together as this document needs them; try again later"
            ])
        #expect(bench.counter(.refusedToPeer("storeInPieces")) == 1)
        // Not judged yet, or judged and gone.
        let next = bench.inputs("an", bench.bundle(of: "an"), bench.document("A1", ["C1"]), path: bench.path("an"))
        #expect(bench.run([.foundNoRoom(next[0]), next[1], next[2]])?.refusals == [.noResources])
        #expect(bench.run([.foundNoRoom(next[2])])?.refusals == [])
        let good = bench.offer("an", bench.bundle(of: "an"), bench.document("A1", ["C1"]), path: bench.path("an"))
        #expect(good.acknowledgements == 1 && good.documents.count == 1)
        #expect(bench.read { $0.count(.chunk) } == 1 && bench.read { $0.count(.staging) } == 0)
        let ticket = bench.ticket()
        let submission = Submission(
            ticket: ticket, sender: agency("T1"), recipients: ["C1"], urgency: .normal, documentID: "1",
            payloadLength: 3,
            lifetime: nil)
        #expect(bench.run([.foundNoRoom(.submitted(submission))])?.submissionCause == .noResources)
    }

    /// First all in rows of one page, then one by one, then none; the one that is at fault is refused. What accepts nothing waits.
    @Test func theOneAtFaultIsFound() {
        let bench = Bench()
        bench.connect("an")
        let document = bench.document("A1", ["C1"])
        let offer = bench.inputs("an", bench.bundle(of: "an"), document, path: bench.path("an"))[0]
        var narrowing = Narrowing()
        #expect(narrowing.share(of: 9) == 9 && !narrowing.isLean)
        #expect(narrowing.foundNoRoom(first: offer) == .again)
        #expect(narrowing.share(of: 9) == 9 && narrowing.isLean)
        #expect(narrowing.foundNoRoom(first: offer) == .again)
        #expect(narrowing.share(of: 9) == 1)
        #expect(narrowing.foundNoRoom(first: offer) == .again)
        #expect(narrowing.share(of: 9) == 0)
        #expect(narrowing.went() == .refuseFirst)
        #expect(narrowing.share(of: 9) == 1)
        for _ in 0..<16 { #expect(narrowing.went() == .again) }
        #expect(narrowing.step == .wide)

        let event = EngineInput.event(.documentVerified(number: 1, matches: true))
        #expect(narrowing.foundNoRoom(first: event) == .again)
        #expect(narrowing.foundNoRoom(first: event) == .again)
        var waits = 0
        while case .wait = narrowing.foundNoRoom(first: event) { waits += 1 }
        #expect(waits == 40)
    }
}
