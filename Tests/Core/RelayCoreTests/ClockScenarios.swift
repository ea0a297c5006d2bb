// Whom a node believes about its clock: its neighbours' own stamps, one word each, in a table of how many there are and how many of
// them lie. Sources that nobody knows, and what was refused, say nothing.

import NIOCore
import RelayCore
import RelayEngine
import RelayModel
import RelayRouting
import RelayRows
import Testing

@Suite struct ClockScenarios {
    private static let tenYears = Milliseconds.days(3_652).count

    /// A node with so many neighbours, p0 to pn. `isHub`: they may hand over what others have made.
    private func bench(_ count: Int, isHub: Bool = true) -> Bench {
        Bench { configuration in
            configuration = CoreConfiguration(
                node: Bench.hub, directory: Bench.directory(),
                routes: Bench.routes([("an", ["p0"]), ("binh", ["p0"])]),
                peers: (0..<count).map {
                    Peer(node: node("p\($0)"), dials: false, rights: isHub ? Bench.open : SendRights())
                }, limits: CoreLimits())
        }
    }

    private func hear(_ bench: Bench, _ neighbours: Range<Int>, off: Int64) {
        for index in neighbours { bench.hear("p\(index)", stamp: UInt64(Int64(bench.wall) + off)) }
    }

    private func isDoubted(_ bench: Bench) -> Bool { bench.engine.core.isClockDoubted }

    struct Row: Sendable {
        var neighbours: Int
        var honest: Int
        var liars: Int
        var isDoubted: Bool
    }

    /// How many are configured, how many of them agree, how many disagree by an hour: is the clock doubted?
    static let table = [
        Row(neighbours: 1, honest: 1, liars: 0, isDoubted: false),
        Row(neighbours: 1, honest: 0, liars: 1, isDoubted: true),
        Row(neighbours: 2, honest: 2, liars: 0, isDoubted: false),
        Row(neighbours: 2, honest: 1, liars: 1, isDoubted: false),
        Row(neighbours: 2, honest: 0, liars: 1, isDoubted: false),
        Row(neighbours: 2, honest: 0, liars: 2, isDoubted: true),
        Row(neighbours: 3, honest: 2, liars: 1, isDoubted: false),
        Row(neighbours: 3, honest: 1, liars: 1, isDoubted: false),
        Row(neighbours: 3, honest: 0, liars: 1, isDoubted: false),
        Row(neighbours: 3, honest: 0, liars: 2, isDoubted: true),
        Row(neighbours: 3, honest: 1, liars: 2, isDoubted: true),
        Row(neighbours: 3, honest: 0, liars: 3, isDoubted: true),
        Row(neighbours: 60, honest: 59, liars: 1, isDoubted: false),
        Row(neighbours: 60, honest: 30, liars: 30, isDoubted: false),
        Row(neighbours: 60, honest: 29, liars: 31, isDoubted: true),
        Row(neighbours: 60, honest: 3, liars: 2, isDoubted: false),
        Row(neighbours: 60, honest: 0, liars: 1, isDoubted: false),
        Row(neighbours: 60, honest: 0, liars: 60, isDoubted: true),
    ]

    @Test(arguments: table, [Int64(3_600_000), -3_600_000])
    func theTable(row: Row, off: Int64) {
        let bench = bench(row.neighbours)
        hear(bench, 0..<row.honest, off: 0)
        // However often they say it.
        for _ in 0..<5 { hear(bench, row.honest..<row.honest + row.liars, off: off) }
        #expect(isDoubted(bench) == row.isDoubted, "\(row)")
        // A restart does not make a clock right, nor wrong.
        bench.restart()
        #expect(isDoubted(bench) == row.isDoubted, "\(row) after a restart")
        // They agree again, and the doubt is over.
        hear(bench, 0..<row.honest + row.liars, off: 0)
        #expect(!isDoubted(bench), "\(row) at the end")
    }

    /// The only neighbour is a leaf that speaks for itself: it makes nobody doubt, but its agreement ends a doubt.
    @Test func theWordOfASingleLeaf() {
        let bench = bench(1, isHub: false)
        hear(bench, 0..<1, off: 7_200_000)
        #expect(!isDoubted(bench))
        bench.event(.clockDoubted(true, why: "a step"))
        #expect(isDoubted(bench))
        hear(bench, 0..<1, off: 0)
        #expect(!isDoubted(bench))
    }

    /// Of more than two, those who were not heard for an hour do not count.
    @Test func silenceIsNoWord() {
        let bench = bench(5)
        hear(bench, 0..<3, off: 0)
        bench.advance(.minutes(61))
        hear(bench, 3..<5, off: 3_600_000)
        #expect(isDoubted(bench), "two of the two that were heard lately")
        hear(bench, 0..<2, off: 0)
        #expect(!isDoubted(bench), "two of four are not more than half")
    }

    /// This node's own clock is set right: what neighbours have said before shows it at once, without a new word.
    @Test func theClockIsMended() {
        let bench = bench(3)
        hear(bench, 0..<3, off: -7_200_000)
        #expect(isDoubted(bench))
        bench.wall -= 7_200_000
        bench.advance(.minutes(2))
        #expect(!isDoubted(bench))
        bench.wall += 7_200_000
        bench.event(.clockDoubted(true, why: "the wall clock was stepped"))
        #expect(isDoubted(bench))
        bench.wall -= 7_200_000
        bench.event(.clockDoubted(false, why: "the wall clock was stepped back in place"))
        #expect(!isDoubted(bench))
    }

    /// What lay at the neighbour for a day says that its clock is not ahead of ours by more, and nothing else.
    @Test func aLongWaitIsNoDisagreement() {
        let bench = bench(1)
        bench.hear("p0", stamp: bench.wall - Milliseconds.hours(20).count, age: .hours(24))
        #expect(!isDoubted(bench))
        bench.event(.clockDoubted(true, why: "a step"))
        bench.hear("p0", stamp: bench.wall - Milliseconds.hours(20).count, age: .hours(24))
        #expect(isDoubted(bench), "it does not confirm the clock either")
        bench.hear("p0", stamp: bench.wall + Milliseconds.hours(1).count, age: .hours(24))
        bench.event(.clockDoubted(false, why: "in place"))
        #expect(isDoubted(bench), "the hub's clock is an hour ahead for sure")
    }

    /// The attacks of the field: refused records with invented sources, and documents of many sources of one node.
    @Test func inventedSourcesSayNothing() {
        let bench = Bench { configuration in
            configuration.peers[0].rights = SendRights(fromNodes: [.own, .node(node("an"))])
        }
        for name in ["an", "binh", "chi"] { bench.connect(name) }
        for index in 0..<8 {
            let ticket = bench.ticket()
            let stranger = NodeID(name: "la\(index)")!
            let effects =
                bench.run([
                    .event(.recordHeard(ticket: ticket, age: .zero)),
                    .event(
                        .reported(
                            ticket: ticket, session: bench.sessions[node("an")]!, reporter: stranger,
                            bundle: BundleID(
                                source: stranger.endpoint, creationTime: bench.wall + Self.tenYears,
                                sequence: 77 << 32 | UInt64(index)), rows: [])),
                ]) ?? []
            #expect(effects.refusals == [.notAcceptable])
        }
        for index in 0..<40 {
            let source = EndpointID(text: "dtn://an/x\(index)")!
            let bundle = BundleID(
                source: source, creationTime: bench.wall - Self.tenYears, sequence: 77 << 32 | UInt64(index + 100))
            bench.offer(
                "an", bundle, bench.document("A1", ["B1"]),
                path: [PathStop(node: node("an"), time: WallTime(milliseconds: bench.wall - Self.tenYears))])
        }
        #expect(!isDoubted(bench))
        let accepted = bench.submit(["B1"])?.accepted
        #expect(accepted?.creationTime == bench.wall)
        // From ten years ahead nothing is taken, and what was refused is nobody's word.
        for name in ["an", "binh", "chi"] {
            let future = bench.bundle(of: "an", created: bench.wall + Self.tenYears)
            #expect(
                bench.offer(name, future, bench.document("A1", ["D1"]), path: bench.path("an", name)).refusals
                    == [.notAcceptable])
        }
        #expect(!isDoubted(bench))
    }

    /// A hub's own clock is far behind: what all neighbours offer is of the future by it. The second neighbour's copy shows who is
    /// wrong, and is taken.
    @Test func aClockBehindIsFoundOut() {
        let bench = Bench()
        for name in ["an", "binh", "chi"] { bench.connect(name) }
        let now = bench.wall + Self.tenYears
        func offer(_ from: String, _ sender: String) -> [Effect] {
            bench.offer(
                from, bench.bundle(of: from, created: now), bench.document(sender, ["D1"]),
                path: [PathStop(node: node(from), time: WallTime(milliseconds: now))])
        }
        #expect(offer("an", "A1").refusals == [.notAcceptable])
        #expect(offer("an", "A1").refusals == [.notAcceptable], "one neighbour is one voice")
        #expect(!isDoubted(bench))
        #expect(offer("binh", "B1").acknowledgements == 1)
        #expect(isDoubted(bench))
        #expect(offer("an", "A1").acknowledgements == 1)
    }

    private func greeting(_ bench: Bench, off: Int64) -> Greeting {
        Greeting(
            version: "0.4", incarnation: 5, counter: 0,
            clock: WallTime(milliseconds: UInt64(Int64(bench.wall) + off)))
    }

    private func ended(_ effects: [Effect]) -> [Ticket] {
        effects.compactMap { if case .endSession(let session, _) = $0 { session } else { nil } }
    }

    /// A leaf that only sends: its hub's clock is wrong, and then right. Nothing comes in, and the doubt ends in some minutes.
    @Test func aNodeThatOnlySendsHearsTheTime() {
        let bench = bench(1)
        bench.connect("p0", greeting: greeting(bench, off: 7_200_000))
        #expect(isDoubted(bench), "said with the session")
        #expect(ended(bench.advance(.minutes(9))).isEmpty)
        let session = bench.sessions[node("p0")]!
        #expect(ended(bench.advance(.minutes(3))) == [session])
        bench.lose("p0")
        bench.connect("p0", greeting: greeting(bench, off: 7_200_000))
        #expect(isDoubted(bench))
        #expect(ended(bench.advance(.minutes(12))).count == 1)
        bench.lose("p0")
        bench.connect("p0", greeting: greeting(bench, off: 0))
        #expect(!isDoubted(bench))
        #expect(ended(bench.advance(.hours(5))).isEmpty, "without a doubt nobody is asked")
        // One that does not say it with the session is not asked in vain.
        let old = self.bench(1)
        old.connect("p0")
        old.hear("p0", stamp: old.wall + 7_200_000)
        #expect(isDoubted(old) && ended(old.advance(.hours(1))).isEmpty)
    }

    /// What a neighbour says of refusals has its stamp, too.
    @Test func aRefusalRecordHasAStamp() {
        let bench = bench(1)
        func refuse(off: Int64) {
            let ticket = bench.ticket()
            bench.run([
                .event(.recordHeard(ticket: ticket, age: .zero)),
                .event(
                    .refusalsTold(
                        ticket: ticket, session: bench.sessions[node("p0")]!,
                        bundle: bench.bundle(of: "p0", created: UInt64(Int64(bench.wall) + off)),
                        RefusalNotice(
                            refuser: node("p0"), cause: 7,
                            names: [RefusalNotice.Name(bench.bundle(of: "tam"), [agency("B1")])]))),
            ])
        }
        bench.connect("p0")
        refuse(off: 7_200_000)
        #expect(isDoubted(bench))
        refuse(off: 0)
        #expect(!isDoubted(bench))
    }
}
