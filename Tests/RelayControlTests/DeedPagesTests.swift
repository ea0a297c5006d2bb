// Deeds over the interface: who may, what a selector means, what a preview says, and what a job answers.

import ControlAPI
import RelayCore
import RelayModel
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
