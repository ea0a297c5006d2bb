// What the homes of agencies further away understand: learned from their reports, believed as these are, and forgotten when a report comes
// without it.

import RelayCore
import RelayModel
import RelayRouting
import RelayRows
import Testing

@Suite struct HomeFeatureScenarios {
    private static let far = node("xa")

    /// `xa` lies behind `binh` and is the home of X1.
    private static func bench() -> Bench {
        Bench { configuration in
            try? configuration.directory.insert(.init(code: agency("X1"), name: "X1", home: far, aliases: []))
            configuration.routes = Bench.routes([
                ("an", ["an"]), ("binh", ["binh"]), ("chi", ["chi"]), ("dao", ["dao"]), ("xa", ["binh"]),
            ])
        }
    }

    /// A record of `reporter` comes over `binh`, with one row about this envelope.
    private static func hear(
        _ bench: Bench, _ bundle: BundleID, from reporter: NodeID = far, _ features: [Feature]?,
        recipient: String = "X1"
    ) {
        if bench.sessions[node("binh")] == nil { bench.connect("binh") }
        let ticket = bench.ticket()
        let path = [Bench.hub, node("binh"), reporter].map { PathStop(node: $0, time: WallTime(milliseconds: 5)) }
        let row = ReportRow(
            bundle: bundle, recipient: agency(recipient), state: .arrived, time: WallTime(milliseconds: bench.wall),
            reason: .none, path: path)
        if let features { bench.event(.featuresHeard(ticket: ticket, features)) }
        bench.event(
            .reported(
                ticket: ticket, session: bench.sessions[node("binh")]!, reporter: reporter,
                bundle: bench.bundle(of: reporter.name), rows: [row]))
    }

    private static func knows(_ bench: Bench, _ node: NodeID = far) -> Bool {
        bench.engine.core.homeUnderstands(.returns, node)
    }

    @Test func aHomeSaysItInItsReports() throws {
        let bench = Self.bench()
        let bundle = try #require(bench.submit(["X1", "B1"])?.accepted)
        #expect(!Self.knows(bench), "nothing is sent before it is known")
        Self.hear(bench, bundle, [.returns, .homeFeatures])
        #expect(Self.knows(bench) && !bench.engine.core.homeUnderstands(.formerName, Self.far))
        let view = bench.engine.core.explainRoute("X1", now: bench.reading.relay)
        #expect(view.features == [.homeFeatures, .returns])
        // A hop on the way is older now, or the home itself: nothing may be sent any more.
        Self.hear(bench, bundle, nil)
        #expect(!Self.knows(bench))
        Self.hear(bench, bundle, [.returns])
        bench.restart()
        #expect(!Self.knows(bench), "a restart asks once more")
    }

    @Test func whoIsNotBelievedTeachesNothing() throws {
        let bench = Self.bench()
        let bundle = try #require(bench.submit(["X1", "B1"])?.accepted)
        // Of an envelope that was not handed in here.
        Self.hear(bench, bench.bundle(of: "tam"), [.returns])
        #expect(!Self.knows(bench))
        // Arrived, says one that is not its home.
        Self.hear(bench, bundle, [.returns], recipient: "B1")
        #expect(!Self.knows(bench))
        // Believed of the home only; a believed record takes nothing away from others.
        Self.hear(bench, bundle, [.returns])
        #expect(Self.knows(bench))
        Self.hear(bench, bundle, from: node("la"), [.returns], recipient: "X1")
        #expect(!Self.knows(bench, node("la")) && Self.knows(bench))
        // What one record said is not the next one's.
        bench.event(.featuresHeard(ticket: bench.ticket(), [.returns]))
        Self.hear(bench, bundle, nil)
        #expect(!Self.knows(bench))
    }

    /// Neighbours say it on their sessions; what is kept is bounded by the homes of the directory.
    @Test func neighboursSpeakForThemselvesAndHomesThatGoAreForgotten() throws {
        let bench = Self.bench()
        let bundle = try #require(bench.submit(["X1", "B1"])?.accepted)
        Self.hear(bench, bundle, from: node("binh"), [.returns], recipient: "B1")
        #expect(!Self.knows(bench, node("binh")), "its session has said nothing")
        bench.connect("chi", greeting: Greeting(version: "0.4", incarnation: 5, counter: 0))
        #expect(Self.knows(bench, node("chi")) && Self.knows(bench, Bench.hub))
        Self.hear(bench, bundle, [.returns])
        var next = bench.configuration
        next.directory = Bench.directory()
        bench.reload(next)
        #expect(!Self.knows(bench))
    }

    /// The block goes with records of this node to who understands it, and to nobody else.
    @Test(arguments: [false, true]) func recordsTellWhoUnderstands(understands: Bool) throws {
        let bench = Self.bench()
        bench.connect("an", greeting: understands ? Greeting(version: "0.4", incarnation: 5, counter: 0) : nil)
        bench.offer("an", bench.bundle(of: "an"), bench.document("A1", ["T1"]), path: bench.path("an"))
        bench.advance(.seconds(1))
        let record = try #require(bench.released.dispatches.first { $0.kind == .administrative })
        #expect(record.peer == node("an") && record.tellsFeatures == understands)
    }
}
