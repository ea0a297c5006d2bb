// Selectors: what a scan by an index and a glance finds is what a look at every row finds.

import RelayCore
import RelayModel
import RelayRouting
import RelayRows
import Testing

@Suite struct SelectorScenarios {
    /// Envelopes in every state that a hub has, some of them ended.
    private static func hub() -> Bench {
        let bench = Bench()
        bench.connect("an")
        let document = bench.document("A1", ["B1", "B2", "T1"], length: 4_000, urgency: .flash)
        bench.offer("an", bench.bundle(of: "an"), document, path: bench.path("an"))
        bench.connect("chi")
        bench.submit(["C1"])
        for dispatch in bench.released.documents { bench.answer(dispatch, .acknowledged) }
        bench.lose("chi")
        for recipients in [["B1"], ["B1", "C1"], ["T2"], ["D1", "T1"]] { bench.submit(recipients) }
        bench.advance(.seconds(90))
        bench.deed(.hold) { $0.to = .agency(agency("D1")) }
        bench.deed(.delete) { $0.to = .agency(agency("B2")) }
        bench.submit(["B1", "D1"])
        return bench
    }

    private static let selectors: [(String, @Sendable (inout Selector) -> Void)] = [
        ("everything", { _ in }),
        ("to an agency", { $0.to = .agency(agency("B1")) }),
        ("to a subtree", { $0.to = .subtree(agency("B1")) }),
        ("to nobody", { $0.to = .agency(agency("B9")) }),
        ("from an agency", { $0.from = .agency(agency("A1")) }),
        ("from a subtree, waiting", { ($0.from, $0.states) = (.subtree(agency("A1")), [.waiting]) }),
        ("of a peer", { $0.peer = PeerChoice(node: node("binh"), isAnyHop: false) }),
        ("of any hop", { $0.peer = PeerChoice(node: node("chi"), isAnyHop: true) }),
        ("held", { $0.states = [.held] }),
        ("being deleted", { $0.states = [.deleting] }),
        ("arrived", { $0.states = [.arrived] }),
        ("forwarded", { $0.states = [.forwarded] }),
        ("forwarded to an agency", { ($0.states, $0.to) = ([.forwarded], .agency(agency("C1"))) }),
        ("by document", { $0.documentID = "1/VB" }),
        ("by document, ended", { ($0.documentID, $0.states) = ("1/VB", [.forwarded, .waiting]) }),
        ("by another document", { $0.documentID = "2/VB" }),
        ("urgent", { $0.urgencies = [.flash] }),
        ("large", { $0.bytesMin = 1_000 }),
        ("small", { $0.bytesMax = 999 }),
        ("old", { $0.olderThan = .seconds(60) }),
        ("new", { $0.newerThan = .seconds(60) }),
        ("with records", { $0.withRecords = true }),
    ]

    @Test func aScanFindsWhatALookAtEveryRowFinds() {
        let bench = Self.hub()
        let context = bench.engine.core.selectorContext(now: bench.reading.relay, withActive: true)
        var empty: [String] = []
        for (name, change) in Self.selectors {
            var selector = Selector()
            change(&selector)
            let expected = bench.allRows.flatMap { row in
                selector.matches(row, context).map { PairName(number: row.number, index: UInt32($0)) }
            }
            let pairs = bench.find(selector)
            #expect(pairs == expected.sorted(), "\(name)")
            if pairs.isEmpty { empty.append(name) }
        }
        #expect(empty == ["to nobody", "by another document"])
    }

    @Test func aGlanceSeesWhatTheRowSays() throws {
        let rows = Self.hub().allRows
        #expect(rows.contains { $0.document == nil } && rows.contains { $0.recipients.count > 2 })
        for row in rows {
            let record = row.encoded()
            try record.withUnsafeBytes { bytes in
                let glance = try #require(EnvelopeGlance(number: row.number, record: bytes))
                #expect(glance.kind == row.kind && glance.urgency == row.urgency && glance.arrival == row.arrival)
                #expect(glance.payloadLength == row.payloadLength)
                #expect(glance.sender == row.sender && glance.documentID == row.documentID)
                var recipients: [(name: String, state: RecipientState)] = []
                let isFound = glance.hasRecipient { name, state in
                    recipients.append((String(decoding: name, as: UTF8.self), state))
                    return false
                }
                #expect(!isFound && recipients.map(\.name) == row.recipients.map(\.name))
                #expect(recipients.map(\.state) == row.recipients.map(\.state))
            }
            // A flipped bit anywhere is not passed over as something that does not fit, nor read beyond its end.
            for position in record.indices {
                var damaged = record
                damaged[position] ^= 1 << UInt8(position % 8)
                damaged.withUnsafeBytes { #expect(EnvelopeGlance(number: row.number, record: $0) == nil) }
            }
        }
    }
}
