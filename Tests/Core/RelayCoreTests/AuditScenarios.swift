// AuditScenarios: the operator log as the core keeps it: a chain across restarts, its head said with each entry and every minute, and
// nothing that ever removes an entry.

import OpenSSLTLS
import RelayCore
import RelayModel
import RelayRows
import Testing

@Suite struct AuditScenarios {
    private func deed(_ verb: String) -> Deed {
        Deed(uid: 1_000, login: "lan", verb: verb, subject: "H29", reason: "vì lũ", count: 3, bytes: 9)
    }

    private func heads(_ effects: [Effect]) -> [AuditHead] {
        effects.compactMap { if case .auditHead(let head) = $0 { head } else { nil } }
    }

    /// The whole chain, checked in portions.
    private func chain(_ bench: Bench, portion: Int = 2) throws -> AuditChain {
        var order: UInt64 = 0
        while true {
            let part = bench.read { rows in
                var chain = AuditChain(after: order, rows)
                chain?.check(rows, limit: portion, anchor: nil, hash: SHA256Hasher.digest)
                return chain
            }
            let chain = try #require(part)
            if chain.isAtEnd || chain.broken != nil { return chain }
            order = chain.order
        }
    }

    @Test(arguments: [false, true]) func entriesFollowEachOther(restarts: Bool) throws {
        let bench = Bench(restarts: restarts)
        var hashes: [Digest] = []
        for number in 1...5 {
            let head = try #require(heads(bench.event(.audited(deed("v\(number)"), ticket: Ticket(7)))).first)
            #expect(head.order == UInt64(number) && head.ticket == Ticket(7))
            #expect(head.entry?.verb == "v\(number)" && head.entry?.previous == hashes.last ?? .zero)
            hashes.append(head.hash)
            bench.breathe()
        }
        let chain = try chain(bench)
        #expect(chain.broken == nil && chain.order == 5 && chain.head == hashes.last)
    }

    @Test func theHeadIsSaidEveryMinute() throws {
        let bench = Bench()
        #expect(heads(bench.advance(.minutes(3))).isEmpty)
        let made = try #require(heads(bench.event(.audited(deed("reload"), ticket: nil))).first)
        let said = heads(bench.advance(.minutes(5)))
        #expect(said.count == 5)
        #expect(said.allSatisfy { $0.entry == nil && $0.hash == made.hash && $0.order == 1 })
        // After a restart it is said at once.
        let before = bench.released.count
        bench.restart()
        #expect(heads(Array(bench.released.dropFirst(before))).map(\.hash) == [made.hash])
    }

    @Test func housekeepingLeavesItAlone() throws {
        let bench = Bench()
        for number in 1...3 { bench.event(.audited(deed("v\(number)"), ticket: nil)) }
        bench.relay += 900 * 86_400_000
        bench.wall += 900 * 86_400_000
        bench.advance(.minutes(3))
        #expect(bench.read { $0.count(.audit) } == 3)
    }

    @Test func anUnreadableEntryDoesNotStopTheLog() throws {
        let bench = Bench()
        for number in 1...2 { bench.event(.audited(deed("v\(number)"), ticket: nil)) }
        _ = bench.store.batch { $0.put(.audit, Keys.audit(2), [1, 2, 3]) }
        bench.restart()
        let head = try #require(heads(bench.event(.audited(deed("v3"), ticket: nil))).first)
        #expect(head.order == 3)
        let chain = try chain(bench)
        #expect(chain.broken?.order == 2 && chain.broken?.why == "the entry cannot be read")
    }

    @Test func longTextsAreCut() throws {
        let bench = Bench()
        let reason = String(repeating: "ữ", count: 5_000)
        let head = try #require(
            heads(bench.event(.audited(Deed(uid: 0, login: "root", verb: "x", reason: reason), ticket: nil))).first)
        #expect(head.entry!.reason.utf8.count < 2_100)
        #expect(head.entry!.reason.hasSuffix("(\(reason.utf8.count) bytes)"))
        #expect(try chain(bench).broken == nil)
    }
}
