// What is believed of a report: of a recipient's home, and of nodes that had the copy; an arrival stands against another's word.

import NIOCore
import RelayCore
import RelayEngine
import RelayModel
import RelayRouting
import RelayRows
import Testing

@Suite struct BeliefScenarios {
    private func row(
        _ bench: Bench, _ bundle: BundleID, _ recipient: String, _ state: ReportedState, _ path: [String]
    ) -> ReportRow {
        ReportRow(
            bundle: bundle, recipient: agency(recipient), state: state, time: WallTime(milliseconds: bench.wall),
            reason: .none, path: path.map { PathStop(node: node($0), time: WallTime(milliseconds: bench.wall)) })
    }

    @discardableResult
    private func report(_ bench: Bench, _ line: ReportRow, over peer: String? = nil) -> [Effect] {
        let reporter = line.path.last!.node
        return bench.event(
            .reported(
                ticket: bench.ticket(), session: bench.sessions[node(peer ?? reporter.name)]!, reporter: reporter,
                bundle: bench.bundle(of: reporter.name), rows: [line]))
    }

    private func standing(_ bench: Bench, _ bundle: BundleID, _ recipient: String) -> ReportedState? {
        ReportRow.standing(bench.reports(of: bundle).filter { $0.recipient.text == recipient })?.state
    }

    /// The case of the field: the home of one recipient says of another's document, which lies in its inbox, that it was refused.
    @Test func aCoRecipientsNodeDoesNotSpeakForOthers() {
        let bench = Bench()
        for name in ["an", "binh", "chi"] { bench.connect(name) }
        let effects = bench.submit(["A1", "B1"])!
        let bundle = effects.accepted!
        for dispatch in effects.documents { bench.answer(dispatch, .acknowledged) }
        let forged = report(bench, row(bench, bundle, "B1", .refused, ["tam", "an"]))
        #expect(forged.acknowledgements == 1, "the record is taken off its hands")
        #expect(forged.notices.contains { $0.kind == .reportsDisbelieved && $0.agency == agency("B1") })
        #expect(standing(bench, bundle, "B1") == nil)
        report(bench, row(bench, bundle, "B1", .arrived, ["tam", "binh"]))
        #expect(standing(bench, bundle, "B1") == .arrived)
        report(bench, row(bench, bundle, "B1", .refused, ["tam", "an"]))
        #expect(standing(bench, bundle, "B1") == .arrived)
        // Of its own recipient it is believed, and takes its own word back.
        report(bench, row(bench, bundle, "A1", .arrived, ["tam", "an"]))
        report(bench, row(bench, bundle, "A1", .expired, ["tam", "an"]))
        #expect(standing(bench, bundle, "A1") == .expired)
    }

    /// The next hop that was handed the copy, by our own books, is believed.
    @Test func hopsThatHadTheCopyAreBelieved() {
        let bench = Bench { configuration in
            configuration.routes = Bench.routes([("an", ["an"]), ("binh", ["an"]), ("chi", ["an"]), ("dao", ["dao"])])
        }
        bench.connect("an")
        let effects = bench.submit(["A1", "B1", "C1"])!
        let bundle = effects.accepted!
        bench.answer(effects.documents[0], .acknowledged)
        report(bench, row(bench, bundle, "B1", .expired, ["tam", "an"]))
        #expect(standing(bench, bundle, "B1") == .expired, "it is A1's home, and had the copy for B1 as well")
        report(bench, row(bench, bundle, "C1", .refused, ["tam", "an"]))
        #expect(standing(bench, bundle, "C1") == .refused)
        // The home's word outweighs it, and both are told.
        let told = report(bench, row(bench, bundle, "C1", .arrived, ["tam", "an", "chi"]), over: "an")
        #expect(told.notices.contains { $0.kind == .reportsContradict && $0.text.contains("an says refused") })
        #expect(standing(bench, bundle, "C1") == .arrived)
    }

    private func outcome(_ bench: Bench, _ bundle: BundleID, _ recipient: String) -> ReportedState?? {
        bench.read { Outcomes.state(bundle, agency(recipient), $0) }
    }

    /// A leaf that never had the copy, and is the home of no recipient, ends nothing: from its own place it is not believed, and behind the
    /// hop that had it, it is heard as a warning, once a state.
    @Test(arguments: ["dao", "hanoi"]) func whoNeverHadTheCopyEndsNothing(leaf: String) {
        let bench = Bench()
        for name in ["an", "binh", "dao"] { bench.connect(name) }
        let effects = bench.submit(["B1", "A1"])!
        let bundle = effects.accepted!
        let alone = report(bench, row(bench, bundle, "B1", .refused, ["tam", leaf]), over: "dao")
        #expect(alone.notices.contains { $0.kind == .reportsDisbelieved })
        report(bench, row(bench, bundle, "B1", .refused, ["tam", "binh", "binh", leaf]), over: "dao")
        for dispatch in effects.documents { bench.answer(dispatch, .acknowledged) }
        // Not by the end of its way, nor behind a hop that had another recipient's copy.
        report(bench, row(bench, bundle, "B1", .refused, ["tam", "binh", leaf]), over: "dao")
        report(bench, row(bench, bundle, "B1", .refused, ["tam", "an", leaf]), over: "dao")
        #expect(bench.allReports(of: bundle).filter { $0.recipient == agency("B1") && $0.state != .delayed }.isEmpty)
        #expect(outcome(bench, bundle, "B1") == .some(nil))
        report(bench, row(bench, bundle, "B1", .arrived, ["tam", "binh"]))
        report(bench, row(bench, bundle, "B1", .expired, ["tam", "dao", leaf]), over: "dao")
        #expect(standing(bench, bundle, "B1") == .arrived && outcome(bench, bundle, "B1") == .some(.arrived))
    }

    /// A chain: what is handed to `an` goes by `xa` to `chi`. Nothing here knows more of `xa` than that it says so.
    private func chain() -> (bench: Bench, submit: () -> BundleID) {
        let bench = Bench { configuration in
            configuration.routes = Bench.routes([("an", ["an"]), ("binh", ["an"]), ("chi", ["an"])])
        }
        bench.connect("an")
        return (
            bench,
            {
                let effects = bench.submit(["C1"], lifetime: .hours(1))!
                for dispatch in effects.documents { bench.answer(dispatch, .acknowledged) }
                return effects.accepted!
            }
        )
    }

    /// What expires at the third node of four is heard: its lifetime is over by the books here, too. The record is one as 0.3 writes it.
    @Test func aFarExpiryIsHeard() {
        let (bench, submit) = chain()
        let bundle = submit()
        report(bench, row(bench, bundle, "C1", .expired, ["tam", "an", "xa"]), over: "an")
        #expect(outcome(bench, bundle, "C1") == .some(.delayed), "its lifetime is not over: a warning")
        bench.advance(bench.rows(of: bundle)[0].lifetime)
        report(bench, row(bench, bundle, "C1", .expired, ["tam", "an", "xa"]), over: "an")
        #expect(standing(bench, bundle, "C1") == .expired && outcome(bench, bundle, "C1") == .some(.expired))
        // An arrival that was under way all the same.
        report(bench, row(bench, bundle, "C1", .arrived, ["tam", "an", "xa", "chi"]), over: "an")
        #expect(standing(bench, bundle, "C1") == .arrived)
    }

    /// A home that has had another document by way of that node has said that it hands on; a restart reads it from the reports.
    @Test(arguments: [false, true]) func aCarrierIsBelieved(restarts: Bool) {
        let (bench, submit) = chain()
        let first = submit()
        let second = submit()
        report(bench, row(bench, second, "C1", .refused, ["tam", "an", "xa"]), over: "an")
        #expect(outcome(bench, second, "C1") == .some(.delayed) && standing(bench, second, "C1") == nil)
        report(bench, row(bench, first, "C1", .arrived, ["tam", "an", "xa", "chi"]), over: "an")
        if restarts {
            bench.restart()
            bench.connect("an")
        }
        report(bench, row(bench, second, "C1", .refused, ["tam", "an", "xa"]), over: "an")
        #expect(standing(bench, second, "C1") == .refused && outcome(bench, second, "C1") == .some(.refused))
        // Of a node that says so of itself it is not known, and a warning makes nobody a carrier.
        report(bench, row(bench, second, "C1", .delayed, ["tam", "an", "ke", "ma"]), over: "an")
        let third = submit()
        for leaf in ["ke", "chi"] {
            report(bench, row(bench, third, "C1", .refused, ["tam", "an", leaf, "ma"]), over: "an")
        }
        #expect(standing(bench, third, "C1") == nil)
    }

    /// A home of one recipient that lies on another's way: the routes of the network's file say so, or an earlier report does.
    @Test func aHomeOnTheWayIsBelieved() {
        for knowsRoutes in [true, false] {
            let bench = Bench { configuration in
                configuration.routes = Bench.routes([("an", ["an"]), ("binh", ["an"]), ("chi", ["an"])])
                if knowsRoutes {
                    configuration.transit.add(
                        Route(target: .node(node("chi")), via: [node("binh")]), at: [node("an")])
                }
            }
            bench.connect("an")
            let effects = bench.submit(["B1", "C1"])!
            let bundle = effects.accepted!
            bench.answer(effects.documents[0], .acknowledged)
            report(bench, row(bench, bundle, "C1", .expired, ["tam", "an", "binh"]), over: "an")
            #expect(standing(bench, bundle, "C1") == (knowsRoutes ? .expired : nil))
            // chi says that the copy came by binh: binh had it.
            report(bench, row(bench, bundle, "C1", .arrived, ["tam", "an", "binh", "chi"]), over: "an")
            report(bench, row(bench, bundle, "C1", .deleted, ["tam", "an", "binh"]), over: "an")
            #expect(standing(bench, bundle, "C1") == .arrived)
            #expect(bench.reports(of: bundle).contains { $0.state == .deleted })
        }
    }

    /// A node that never had anything to do with it, and knows the name: only for recipients of the document, only from its own place.
    @Test func pathsMustFit() {
        let bench = Bench()
        for name in ["an", "binh", "dao"] { bench.connect(name) }
        let effects = bench.submit(["B1"])!
        let bundle = effects.accepted!
        for path in [["an"], ["dao", "an"], ["tam", "an", "binh"], ["tam"]] {
            report(bench, row(bench, bundle, "B1", .refused, path), over: "an")
        }
        report(bench, row(bench, bundle, "C1", .refused, ["tam", "an"]))
        // The one that is both: binh, the home, over its own link.
        #expect(bench.reports(of: bundle).allSatisfy { $0.path.last?.node == node("binh") })
        report(bench, row(bench, bundle, "B1", .arrived, ["tam", "an"]))
        #expect(!bench.reports(of: bundle).contains { $0.state == .arrived })
    }
}
