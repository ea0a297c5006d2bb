// Documents in and out: what is taken, what is refused and why, and that neither side holds a large one.

import ControlAPI
import EdXML
import NIOCore
import OpenSSLTLS
import RelayModel
import Synchronization
import Testing

@testable import RelayControl
@testable import edocctl

@Suite(.serialized) struct DocumentTests {
    @Test func badRecipientsAreNamed() async throws {
        try await World.with { world in
            let (code, answer) = try await world.refusal {
                _ = try await world.submit([("sender", "G22"), ("to", "H29"), ("to", "X1"), ("to", "Y2")], [1])
            }
            #expect(code == 422)
            #expect(answer.problems.count == 2)
            #expect(answer.problems[0].contains("X1"))
            #expect(answer.problems[1].contains("Y2"))
            let (foreign, why) = try await world.refusal {
                _ = try await world.submit([("sender", "H29"), ("to", "G22")], [1])
            }
            #expect(foreign == 403)
            #expect(why.problems == ["sender H29 is not at home at this node"])
            for query in [
                [("to", "H29")], [("sender", "G22")], [("urgency", "1")],
                [("sender", "G22"), ("to", "H29"), ("urgency", "5")],
                [("sender", "G22"), ("to", "H29"), ("lifetime", "soon")],
                [("sender", "G22"), ("to", "H29"), ("lifetime", "999d")],
            ] {
                let (code, _) = try await world.refusal {
                    _ = try await world.submit(query.map { (name: $0.0, value: $0.1) }, [1])
                }
                #expect(code == 400, "\(query)")
            }
            let (empty, _) = try await world.refusal {
                _ = try await world.submit([("sender", "G22"), ("to", "H29")], [])
            }
            #expect(empty == 400)
            let ledger = try await world.get(ControlPath.ledger, as: LedgerAnswer.self)
            #expect(ledger.documents?.accepted == 0)
            #expect(ledger.refusedSubmissions["unknownAgency"] == 1)
        }
    }

    @Test func aPackageSaysItsOwnWay() async throws {
        try await World.with { world in
            let attachment = try world.file("a.pdf", (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
            let package = try Self.package(world, attachment)
            let answer = try await world.submit([("lifetime", "2d")], package)
            #expect(answer.sender == "G22")
            #expect(answer.recipients == ["H29", "G22.1"])
            #expect(answer.bytes == UInt64(package.count))
            let shown = try await world.get(ControlPath.envelope(answer.envelope), as: EnvelopeAnswer.self)
            #expect(shown.envelope.documentID == "41/2026")
            #expect(shown.envelope.urgency == 2)
            #expect(shown.envelope.lifetimeSeconds == 2 * 86_400)
            let (code, _) = try await world.refusal { _ = try await world.submit([("urgency", "1")], package) }
            #expect(code == 400)
        }
    }

    @Test func aPackageThatBreaksLaterIsTakenBack() async throws {
        try await World.with { world in
            let attachment = try world.file("a.pdf", (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
            var package = try Self.package(world, attachment)
            package[package.count / 2] = UInt8(ascii: "!")
            let broken = package
            let (code, answer) = try await world.refusal { _ = try await world.submit([], broken) }
            #expect(code == 422)
            #expect(answer.problems.first?.contains("bad-base64") == true)
            #expect(await world.node.abandoned == 1)
            let cut = Array(package.prefix(600))
            #expect(try await world.refusal { _ = try await world.submit([], cut) }.status == 422)
            let text = Array("no package at all".utf8)
            #expect(try await world.refusal { _ = try await world.submit([], text) }.status == 422)
            let status = try await world.get(ControlPath.status, as: StatusAnswer.self)
            #expect(status.store.envelopes == 0)
            #expect(status.stagedBytes == 0)
        }
    }

    @Test func aHeaderThatNeverEndsIsRefused() async throws {
        try await World.with { world in
            let name = "xmlns=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\""
            var text = "<edXML \(name)><edXMLEnvelope><edXMLHeader>"
            for _ in 0..<40_000 { text += "<Filler>aaaaaaaaaaaaaaaaaaaaaa</Filler>" }
            let bytes = Array(text.utf8)
            let (code, answer) = try await world.refusal { _ = try await world.submit([], bytes) }
            #expect(code == 400)
            #expect(answer.error.contains("does not end within"))
        }
    }

    @Test func theHeaderIsCutAtEveryWayOfArriving() async throws {
        try await World.with { world in
            let attachment = try world.file("a.pdf", Array(repeating: 9, count: 3_000))
            let package = try Self.package(world, attachment)
            for size in [1, 2, 7, 64, 1_024, package.count] {
                let cut = EdXMLHeaderCut()
                var found: EdXMLSummary?
                var offset = 0
                while found == nil, offset < package.count {
                    let part = Array(package[offset..<min(offset + size, package.count)])
                    offset += part.count
                    if case .header(let summary) = try part.withUnsafeBytes({ try cut.feed($0) }) { found = summary }
                }
                #expect(found?.recipients == ["000.00.00.H29", "G22.1"])
                #expect(found?.priority == 2)
                #expect(found?.attachmentCount == 0)
            }
        }
    }

    @Test func anInboxIsListedFetchedAndAcknowledged() async throws {
        try await World.with { world in
            let body = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            var names: [String] = []
            for _ in 0..<3 {
                names.append(
                    try await world.submit([("sender", "G22"), ("to", "G22.1"), ("to", "H29")], body).envelope)
            }
            let inbox = try await world.get(ControlPath.inbox("G22.1"), as: InboxAnswer.self)
            #expect(inbox.documents.map(\.envelope) == names)
            let page = try await world.get(
                ControlPath.query(ControlPath.inbox("G22.1"), [("limit", "2")]), as: InboxAnswer.self)
            #expect(page.documents.map(\.envelope) == Array(names[0..<2]))
            let rest = try await world.get(
                ControlPath.query(ControlPath.inbox("G22.1"), [("limit", "2"), ("cursor", page.cursor)]),
                as: InboxAnswer.self)
            #expect(rest.documents.map(\.envelope) == [names[2]])
            #expect(rest.cursor == nil)

            #expect(try await world.client.get(ControlPath.document("G22.1", names[1])) == body)
            let acknowledge = { (names: [String]) in
                let bytes = try await world.client.post(
                    ControlPath.acknowledge("G22.1"), json: try ControlJSON.bytes(AcknowledgeRequest(envelopes: names)))
                return try ControlJSON.answer(AcknowledgeAnswer.self, from: bytes)
            }
            let taken = try await acknowledge([names[1]])
            #expect(taken.taken == 1)
            let again = try await acknowledge([names[0], names[1], names[0]])
            #expect(again.taken == 1)
            #expect(again.alreadyTaken == 1)
            let (gone, _) = try await world.refusal {
                _ = try await world.client.get(ControlPath.document("G22.1", names[1]))
            }
            #expect(gone == 410)
            let (code, answer) = try await world.refusal { _ = try await acknowledge([names[2], "nothing"]) }
            #expect(code == 404)
            #expect(answer.problems.count == 1)
            let left = try await world.get(ControlPath.inbox("G22.1"), as: InboxAnswer.self)
            #expect(left.documents.map(\.envelope) == [names[2]])
            let (elsewhere, why) = try await world.refusal { _ = try await world.client.get(ControlPath.inbox("H29")) }
            #expect(elsewhere == 404)
            #expect(why.error == "H29 is at home on node hcm; its inbox is there")
            let (nobody, unknown) = try await world.refusal { _ = try await world.client.get(ControlPath.inbox("X99")) }
            #expect(nobody == 404)
            #expect(unknown.error.hasPrefix("no agency or node X99 is in the directory"))
            let (bad, _) = try await world.refusal {
                _ = try await world.client.post(ControlPath.acknowledge("G22.1"), json: Array("[]".utf8))
            }
            #expect(bad == 400)
        }
    }

    @Test func sixtyFourMebibytesPassInBoundedMemory() async throws {
        try await World.with { world in
            let length = 64 << 20
            let run = 256 << 10
            let hasher = Mutex(SHA256Hasher())
            let sent = Mutex(0)
            // Warm up what is made once, then see what the document adds.
            _ = try await world.submit([("sender", "G22"), ("to", "G22.1")], Array(repeating: 1, count: 1 << 20))
            let before = FakeNode.rssAnon()
            let bytes = try await world.client.post(
                ControlPath.query(ControlPath.submit, [("sender", "G22"), ("to", "G22.1")]), length: UInt64(length)
            ) {
                let index = sent.withLock { count in
                    defer { count += 1 }
                    return count
                }
                guard index * run < length else { return ByteBuffer() }
                let buffer = ByteBuffer(repeating: UInt8(truncatingIfNeeded: index), count: run)
                hasher.withLock { hasher in buffer.withUnsafeReadableBytes { hasher.update($0) } }
                return buffer
            }
            let answer = try ControlJSON.answer(SubmitAnswer.self, from: bytes)
            let digest = hasher.withLock { $0.finish() }
            #expect(answer.digest == digest.hex)

            let path = world.folder + "/out"
            let file = try OutputFile(path, overwrites: false)
            let fetched = Mutex(SHA256Hasher())
            let most = Mutex<UInt64>(0)
            let count = try await world.client.fetch(ControlPath.document("G22.1", answer.envelope)) { part in
                try file.write(part)
                fetched.withLock { hasher in part.withUnsafeReadableBytes { hasher.update($0) } }
                most.withLock { $0 = max($0, FakeNode.rssAnon()) }
            }
            try file.finish()
            #expect(count == UInt64(length))
            #expect(fetched.withLock { $0.finish() } == digest)
            #expect(try InputFile(path).length == UInt64(length))
            let peak = max(await world.node.rssAnonMax, most.withLock { $0 })
            #expect(peak < before + 32 << 20, "the document takes \((peak - min(peak, before)) >> 20) MiB")
        }
    }

    private static func package(_ world: World, _ attachment: String) throws -> [UInt8] {
        let draft = EdXMLDraft(
            sender: .init(code: "G22", name: "Văn phòng"),
            recipients: [.init(code: "000.00.00.H29"), .init(code: "G22.1")],
            documentID: "41/2026", codeNumber: "41", codeNotation: "VPCP", place: "Hà Nội",
            date: EdXMLDate(year: 2026, month: 3, day: 9)!, subject: "Về việc thử", priority: 2,
            sentAt: "2026/03/09 07:05:00", attachments: [.init(name: "a.pdf", path: attachment)])
        var bytes: [UInt8] = []
        try withoutActuallyEscaping({ (raw: UnsafeRawBufferPointer) in bytes.append(contentsOf: raw) }) {
            try EdXMLWriter.write(draft, to: $0)
        }
        return bytes
    }
}
