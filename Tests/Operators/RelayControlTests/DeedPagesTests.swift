// Deeds over the interface: who may, what a selector means, what a preview says, and what a job answers.

import ControlAPI
import RelayCore
import RelayModel
import RelayRows
import Testing

@testable import RelayControl
@testable import edocctl

@Suite struct DeedPagesTests {
    private static func preview(_ world: World, _ request: DeedRequest) async throws -> PreviewAnswer {
        let bytes = try await world.client.post(ControlPath.preview, json: try ControlJSON.bytes(request))
        return try ControlJSON.answer(PreviewAnswer.self, from: bytes)
    }

    private static func selector(_ change: (inout SelectorValues) -> Void) -> SelectorValues {
        var values = SelectorValues()
        change(&values)
        return values
    }

    @Test func whoeverActsNeedsTheRight() async throws {
        try await World.with(rights: "[{user: lan, verbs: [see]}, {user: binh, verbs: [act]}]") { world in
            _ = try await world.submit([("sender", "G22"), ("to", "H29")], [1])
            world.caller.set(Caller(uid: 1_000, user: "lan", groups: []))
            let request = DeedRequest(verb: "hold", selector: Self.selector { $0.to = "H29" })
            let json = try ControlJSON.bytes(request)
            for path in [
                ControlPath.preview, ControlPath.apply(1), ControlPath.cancel(1), ControlPath.undo(1),
                ControlPath.drain,
                ControlPath.cancelDrain,
            ] {
                let (code, answer) = try await world.refusal { _ = try await world.client.post(path, json: json) }
                #expect(code == 403 && answer.error.contains("may not act"), "\(path)")
            }
            _ = try await world.client.get(ControlPath.jobs)
            _ = try await world.client.get(ControlPath.suspensions)
            world.caller.set(Caller(uid: 1_001, user: "binh", groups: []))
            let job = try #require(try await Self.preview(world, request).job)
            #expect(job.uid == 1_001 && job.login == "binh" && job.phase == "preview")
            let (code, _) = try await world.refusal { _ = try await world.client.get(ControlPath.jobs) }
            #expect(code == 403, "who acts may not see by that")
        }
    }

    @Test func aPreviewSaysWhatItWouldTouch() async throws {
        try await World.with { world in
            for document in ["1", "2", "3"] {
                _ = try await world.submit(
                    [("sender", "G22"), ("to", "H29"), ("to", "G22.1"), ("document", document)], [1, 2, 3])
            }
            let hold = try await Self.preview(
                world, DeedRequest(verb: "hold", selector: Self.selector { $0.from = "000.00.00.G22" }))
            #expect(hold.count == 3 && hold.bytes == 9 && hold.lines.map(\.recipient) == ["H29", "H29", "H29"])
            #expect(hold.passedOver == ["arrived": 3], "what has arrived is the agency's")
            let none = try await Self.preview(
                world, DeedRequest(verb: "release", selector: Self.selector { $0.from = "G22" }))
            #expect(none.job == nil && none.count == 0 && none.passedOver == ["arrived": 3, "waiting": 3])
            let id = try #require(hold.job?.id)
            let applied: JobAnswer = try ControlJSON.answer(
                JobAnswer.self, from: try await world.client.post(ControlPath.apply(id), json: []))
            #expect(applied.job.reason.isEmpty)
            _ = await world.node.run([])
            let done: JobAnswer = try await world.get(ControlPath.job(id))
            #expect(done.job.phase == "done" && done.job.done == 3 && done.job.undoUntil != nil)
            let held = try await Self.preview(
                world, DeedRequest(verb: "release", selector: Self.selector { $0.state = ["held"] }))
            #expect(held.count == 3)
            let (code, answer) = try await world.refusal {
                _ = try await world.client.post(ControlPath.apply(id), json: [])
            }
            #expect(code == 409 && answer.error.contains("applied already"))
        }
    }

    /// What the job would pass over is not promised: what is on a link, and what may be with a peer already.
    @Test func aPreviewPromisesWhatTheJobDoes() async throws {
        try await World.with { world in
            for document in ["1", "2", "3"] {
                _ = try await world.submit([("sender", "G22"), ("to", "H29"), ("document", document)], [1, 2, 3])
            }
            let session = Ticket(900)
            let truc = try #require(NodeID(name: "truc"))
            let facts = SessionFacts(peer: truc, transferMRU: 1 << 20, isDialled: true)
            await world.node.run([.event(.sessionEstablished(session: session, facts))])
            let sent = try #require(await world.node.dispatches.first)
            _ = try await world.submit([("sender", "G22"), ("to", "H26"), ("document", "4")], [1])
            func previewed(_ verb: String, _ change: (inout SelectorValues) -> Void) async throws -> PreviewAnswer {
                try await Self.preview(
                    world, DeedRequest(verb: verb, selector: Self.selector(change), reason: "x"))
            }
            let onLinks = try await previewed("hold") { $0.from = "G22" }
            #expect(onLinks.count == 4 && onLinks.onLinks == 4 && onLinks.passedOver.isEmpty)
            let active = try await previewed("hold") { $0.state = ["active"] }
            #expect(active.count == 4 && active.onLinks == 4, "they are found by their state")
            let held = PreviewView.text(active)
            #expect(held.contains("4 on a link: only what it has not begun is touched"), "\(held)")
            let retried = try await previewed("retry") { $0.state = ["active"] }
            #expect(retried.count == 0 && retried.passedOver == ["on a link": 4], "they are on their way")
            let text = PreviewView.text(retried)
            #expect(text.contains("not touched: 4 (on a link)"), "\(text)")
            await world.node.run([
                .event(.sessionEnded(session: session, sentWhole: [sent.ticket], reason: "cut"))
            ])
            let none = try await previewed("hold") { $0.state = ["active"] }
            #expect(none.count == 0 && none.passedOver.isEmpty)
            let deletion = try await previewed("delete") { $0.from = "G22" }
            #expect(deletion.count == 3 && deletion.bytes == 7 && deletion.passedOver == ["in doubt": 1])
            #expect(!deletion.lines.contains { $0.number == sent.number })
            let job = try #require(deletion.job)
            _ = try await world.client.post(ControlPath.apply(job.id), json: [])
            _ = await world.node.run([])
            let done: JobAnswer = try await world.get(ControlPath.job(job.id))
            #expect(done.job.done == deletion.count && done.job.skipped == 0)
            let hold = try await previewed("hold") { $0.from = "G22" }
            #expect(hold.count == 1 && hold.passedOver == ["deleting": 3], "what is in doubt can be held")
        }
    }

    /// Found twice, by two rows of indexes or on two pages: one pair, once, with its octets once.
    @Test func whatIsFoundTwiceIsCountedOnce() async throws {
        try await World.with { world in
            let sent = try await world.submit(
                [("sender", "G22"), ("to", "H29"), ("to", "H26"), ("document", "1")], [1, 2, 3])
            let row = try await world.node.read { rows -> EnvelopeRow? in
                rows.value(.envelope, Keys.envelope(sent.number)).flatMap {
                    EnvelopeRow(number: sent.number, record: $0)
                }
            }
            var envelope = try #require(row)
            let picture = world.node.picture(of: [envelope.number])
            let now = world.node.now.relay
            let context = picture.selectorContext(now: now)
            let truc = try #require(NodeID(name: "truc"))
            func deed(_ verb: DeedVerb) -> DeedCase {
                DeedCase(verb: verb, target: truc, selector: Selector(), fixed: now, restoration: nil)
            }
            var found = FoundPairs()
            found.add(envelope, [0], deed(.hold), picture, context)
            found.add(envelope, [1, 0], deed(.hold), picture, context)
            var page = FoundPairs()
            page.add(envelope, [0, 1], deed(.hold), picture, context)
            found.add(page)
            found.settle()
            #expect(found.count == 2 && found.bytes == 6 && found.passedOver.isEmpty)
            #expect(found.lines.map(\.recipient) == ["H29", "H26"])
            #expect(found.pairs.map(\.index) == [0, 1])
            // It came from there: no way back.
            envelope.origin = truc
            var back = FoundPairs()
            for _ in 0..<2 { back.add(envelope, [0, 1], deed(.reroute), picture, context) }
            back.settle()
            #expect(back.count == 0 && back.bytes == 0 && back.passedOver == ["no way": 2])
        }
    }

    /// A release that would end something says how much; a suspension that stands in the place of another one says which.
    @Test func aPreviewSaysWhatCannotBeTakenBack() async throws {
        try await World.with { world in
            for (document, lifetime) in [("1", "10m"), ("2", "2h")] {
                _ = try await world.submit(
                    [("sender", "G22"), ("to", "H29"), ("document", document), ("lifetime", lifetime)], [1])
            }
            func previewed(_ request: DeedRequest) async throws -> PreviewAnswer {
                try await Self.preview(world, request)
            }
            func apply(_ preview: PreviewAnswer) async throws {
                _ = try await world.client.post(ControlPath.apply(try #require(preview.job).id), json: [])
                _ = await world.node.run([])
            }
            try await apply(previewed(DeedRequest(verb: "hold", selector: Self.selector { $0.from = "G22" })))
            world.node.advance(.minutes(20))
            let held = Self.selector { $0.state = ["held"] }
            let release = try await previewed(DeedRequest(verb: "release", selector: held, reason: "x"))
            #expect(release.count == 2 && release.ends == 1)
            #expect(PreviewView.text(release).contains("the lifetime of 1 is over"))
            let peer = Self.selector { $0.peer = "truc" }
            let first = try await previewed(
                DeedRequest(verb: "suspend", selector: peer, span: "2h", reason: "line is being repaired"))
            #expect(first.replaces == nil)
            try await apply(first)
            let second = try await previewed(DeedRequest(verb: "suspend", selector: peer, reason: "moved"))
            #expect(second.replaces?.reason == "line is being repaired" && second.replaces?.until != nil)
            let text = PreviewView.text(second)
            #expect(text.contains("peer truc is suspended by root") && text.contains("takes its place"), "\(text)")
        }
    }

    /// What keeps the daemon from ending is what is left, and a report that is in no record yet is a part of it.
    @Test func aDrainCountsWhatIsLeft() async throws {
        try await World.with { world in
            _ = try await world.submit([("sender", "G22"), ("to", "H29")], [1])
            let truc = try #require(NodeID(name: "truc"))
            _ = world.node.store.batch { $0.put(.outgoingReport, Keys.outgoingReport(truc, order: 1), [1]) }
            let bytes = try await world.client.post(ControlPath.drain, json: [])
            #expect(try ControlJSON.answer(DrainAnswer.self, from: bytes).left == 2)
        }
    }

    @Test func selectorsAreUnderstoodOrRefused() async throws {
        try await World.with { world in
            for json in [
                "{}", #"{"verb": "hold"}"#, #"{"verb": "burn", "selector": {"to": "H29"}}"#,
                #"{"verb": "hold", "selector": {}}"#, #"{"verb": "hold", "selector": {"records": true}}"#,
                #"{"verb": "hold", "selector": {"to": 29}}"#, #"{"verb": "hold", "selector": {"recipient": "H29"}}"#,
                #"{"verb": "hold", "selector": {"urgency": ["5"]}}"#, #"{"verb": "hold", "selector": {"hop": "any"}}"#,
                #"{"verb": "hold", "to": "truc", "selector": {"to": "H29"}}"#,
                #"{"verb": "hold", "span": "2h", "selector": {"to": "H29"}}"#,
                #"{"verb": "delete", "reason": " ", "selector": {"to": "H29"}}"#,
            ] {
                let (code, answer) = try await world.refusal {
                    _ = try await world.client.post(ControlPath.preview, json: Array(json.utf8))
                }
                #expect(code == 400 && !answer.error.contains("\n"), "\(json): \(answer.error)")
            }
            let values = Self.selector {
                $0.urgency = ["2+"]
                $0.to = "H29.*"
                $0.older = "2h"
                $0.larger = "10MiB"
                $0.answer = "Not Acceptable"
            }
            let configuration = world.node.configuration
            let selector = try await world.node.read { try Selector(values, configuration, $0) }
            #expect(selector.urgencies == [.veryUrgent, .flash, .flashTimed])
            #expect(selector.to == .subtree(AgencyCode("H29")!))
            #expect(selector.olderThan == .hours(2) && selector.bytesMin == 10 << 20)
            #expect(selector.answer == "not acceptable")
            #expect(SizeText.parse("99999999999TiB") == nil && SizeText.parse("1KB") == nil)
        }
    }
}
