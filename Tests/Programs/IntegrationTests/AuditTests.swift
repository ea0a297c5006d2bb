// AuditTests: the operator log with the real programs: who did what stands in it, its head is in the daemon's log, and whoever changes the
// store afterwards is found out, by a running daemon and without one.

import ControlAPI
import Foundation
import LMDB
import RelayRows
import TestNetwork
import Testing

@Suite(.serialized) struct AuditTests {
    /// A hub that was reloaded by an operator some times, and stopped.
    private func network(reloads: Int) throws -> Network {
        let network = try Network(plain: true)
        try network.start("truc")
        for _ in 0..<reloads { #expect(try network.control("truc", ["reload"]).end == .exited(0)) }
        return network
    }

    private func verify(_ network: Network, _ arguments: [String] = []) throws -> (Network.Result, AuditCheckAnswer?) {
        let store = ["--store", network.folder["truc/store"]]
        let result = try network.run(Places.edocctl, store + ["audit", "verify", "--json"] + arguments)
        return (result, try? ControlJSON.answer(AuditCheckAnswer.self, from: Array(result.output.utf8)))
    }

    /// Changes the operator log behind the daemon's back.
    private func tamper(_ network: Network, _ change: (borrowing WriteTransaction, Database) throws -> Void) throws {
        let environment = try Environment(
            directory: network.folder["truc/store"], mapBytes: 1 << 30, tables: 64, readers: 8)
        let write = try environment.beginWrite()
        try change(write, try write.open("audit"))
        try write.commit()
    }

    private func entry(_ order: UInt64, _ write: borrowing WriteTransaction, _ table: Database) throws -> [UInt8] {
        let raw = try Keys.audit(order).withBytes { try write.handle.value(table, $0) }
        return [UInt8](try #require(raw))
    }

    private func put(
        _ order: UInt64, _ bytes: [UInt8], _ write: borrowing WriteTransaction, _ table: Database
    ) throws {
        try Keys.audit(order).withBytes { key in try bytes.withUnsafeBytes { try write.put(table, key, $0) } }
    }

    @Test func whatWasDoneStandsInTheLog() throws {
        let network = try network(reloads: 2)
        try network.replace("truc", "  directory: truc/store", "  directory: truc/elsewhere")
        #expect(try network.control("truc", ["reload"]).end == .exited(1))
        network.send(SIGHUP, to: "truc")
        #expect(
            try eventually {
                let answer: AuditAnswer = try network.ask("truc", "audit")
                return answer.entries.count == 4
            }, "\(network.logTail("truc"))")
        let answer: AuditAnswer = try network.ask("truc", "audit", "list")
        #expect(answer.entries.map(\.order) == [4, 3, 2, 1])
        #expect(answer.entries.map(\.login) == ["(SIGHUP)", "root", "root", "root"] || !Places.isRoot)
        #expect(answer.entries.allSatisfy { $0.verb == "reload" && $0.uid == getuid() })
        #expect(answer.entries[1].outcome.hasPrefix("refused: ") && answer.entries[3].outcome == "done")
        // The head stands outside of the store, with each entry.
        let log = network.logText("truc")
        for entry in answer.entries { #expect(log.contains("hash=\(entry.hash)"), "\(log)") }
        let page: AuditAnswer = try network.ask("truc", "audit", "list", "--limit", "3")
        let rest: AuditAnswer = try network.ask("truc", "audit", "list", "--cursor", try #require(page.cursor))
        #expect(rest.entries == [answer.entries[3]])
        let none: AuditAnswer = try network.ask("truc", "audit", "list", "--user", "nobody-known")
        #expect(none.entries.isEmpty)
        #expect(try network.control("truc", ["audit", "list", "--since", "yesterday"]).end == .exited(1))
        // The daemon checks it itself, and says at which entry an anchor is.
        let anchor = answer.entries[2].hash
        let check: AuditCheckAnswer = try network.ask("truc", "audit", "verify", "--anchor", anchor)
        #expect(check.checked == 4 && check.order == 4 && check.anchoredAt == 2 && check.brokenAt == nil)
        #expect(try network.control("truc", ["audit", "verify", "--anchor", "beef"]).end == .exited(1))
        // With the daemon running its store is not read beside it.
        let (running, _) = try verify(network)
        #expect(running.end == .exited(1) && running.errors.contains("in use by a running daemon"), "\(running.errors)")
    }

    @Test func whoeverChangesAnEntryIsFound() throws {
        let network = try network(reloads: 4)
        #expect(network.stop("truc") == .exited(0))
        let (sound, check) = try verify(network)
        #expect(sound.end == .exited(0) && check?.checked == 4 && check?.brokenAt == nil, "\(sound.errors)")
        var original: [UInt8] = []
        // One byte.
        try tamper(network) { write, table in
            original = try entry(3, write, table)
            var bytes = original
            bytes[bytes.count / 2] ^= 1
            try put(3, bytes, write, table)
        }
        let (byte, byteCheck) = try verify(network)
        #expect(byte.end == .exited(1) && byteCheck?.brokenAt == 3 && byteCheck?.order == 2)
        #expect(byteCheck?.why == "the entry cannot be read" && byte.errors.contains("entry 3"))
        // By somebody who knows the record, but not the hash.
        try tamper(network) { write, table in
            var row = try #require(original.withUnsafeBytes { AuditRow(record: $0) })
            row.login = "somebody else"
            try put(3, row.encoded(), write, table)
        }
        #expect(try verify(network).1?.why == "the entry was changed after it was made")
        // An entry that was taken out.
        try tamper(network) { write, table in
            try put(3, original, write, table)
            _ = try Keys.audit(2).withBytes { try write.delete(table, $0) }
        }
        let (gap, gapCheck) = try verify(network)
        #expect(gap.end == .exited(1) && gapCheck?.brokenAt == 2 && gapCheck?.why == "the entry is missing")
        // The running daemon says the same, and goes on writing.
        try network.start("truc")
        #expect(try network.control("truc", ["reload"]).end == .exited(0))
        let running = try network.control("truc", ["audit", "verify"])
        #expect(running.end == .exited(1) && running.errors.contains("breaks at entry 2"), "\(running.errors)")
        let answer: AuditAnswer = try network.ask("truc", "audit")
        #expect(answer.entries.first?.order == 5)
    }

    /// A log that was cut off is sound in itself; what the journal kept tells.
    @Test func aLogThatWasCutOffIsFoundByItsAnchor() throws {
        let network = try network(reloads: 3)
        let answer: AuditAnswer = try network.ask("truc", "audit")
        let anchor = try #require(answer.entries.first).hash
        #expect(network.logText("truc").contains("hash=\(anchor)"))
        #expect(network.stop("truc") == .exited(0))
        let (whole, found) = try verify(network, ["--anchor", anchor])
        #expect(whole.end == .exited(0) && found?.anchoredAt == 3)
        try tamper(network) { write, table in
            _ = try Keys.audit(3).withBytes { try write.delete(table, $0) }
        }
        let (unaware, check) = try verify(network)
        #expect(unaware.end == .exited(0) && check?.checked == 2)
        let (cut, cutCheck) = try verify(network, ["--anchor", anchor])
        #expect(cut.end == .exited(1) && cutCheck?.anchoredAt == nil)
        #expect(cut.errors.contains("the anchor is not part of the chain"), "\(cut.errors)")
        // New entries do not make it good again.
        try network.start("truc")
        #expect(try network.control("truc", ["reload"]).end == .exited(0))
        #expect(try network.control("truc", ["audit", "verify"]).end == .exited(0))
        #expect(try network.control("truc", ["audit", "verify", "--anchor", anchor]).end == .exited(1))
    }
}
