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

    /// The next hop that was handed the copy, by our own books, is believed; and so is a hub that is no recipient's home.
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
        // `truc` is on the way for all that is known: it has no agency, and cannot know of the envelope otherwise.
        report(bench, row(bench, bundle, "C1", .refused, ["tam", "an", "truc"]), over: "an")
        #expect(standing(bench, bundle, "C1") == .refused)
        // The home's word outweighs it, and both are told.
        let told = report(bench, row(bench, bundle, "C1", .arrived, ["tam", "an", "chi"]), over: "an")
        #expect(told.notices.contains { $0.kind == .reportsContradict && $0.text.contains("truc") })
        #expect(standing(bench, bundle, "C1") == .arrived)
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
