// A store that is not there is not taken for a node that never was; a file that is cut off is told before it is mapped; salvage and restore
// bring a damaged store back.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite struct MissingStoreTests {
    private func start(_ network: Network, _ name: String, _ more: [String] = []) throws -> (
        end: String, errors: String
    ) {
        let result = try network.run(Places.edocd, more + ["--config", network.folder[name + ".yaml"]])
        return ("\(result.end)", result.errors)
    }

    @Test func aNewStoreIsMadeOnlyWhenAsked() throws {
        let network = try Network()
        let first = try start(network, "truc")
        #expect(first.end == "exited(78)" && first.errors.contains("edocd --create-store"), "\(first)")
        #expect(!FileManager.default.fileExists(atPath: network.folder["truc/store/data.mdb"]))
        // The harness asks.
        try network.start("truc")
        network.stop("truc")
        let data = network.folder["truc/store/data.mdb"]
        let kept = network.folder["kept.mdb"]
        try FileManager.default.moveItem(atPath: data, toPath: kept)
        // Gone beside its ballast, or with its whole disk: not taken for a new node.
        for isUnmounted in [false, true] {
            if isUnmounted { try FileManager.default.removeItem(atPath: network.folder["truc/store"]) }
            let refused = try start(network, "truc")
            #expect(refused.end == "exited(78)" && refused.errors.contains("there was one"), "\(refused)")
            #expect(!FileManager.default.fileExists(atPath: data))
        }
        // Empty, as a file system that lost its blocks leaves it.
        try network.folder.makeFolder("truc/store")
        try Data().write(to: URL(fileURLWithPath: data))
        let empty = try start(network, "truc")
        #expect(empty.end == "exited(78)" && empty.errors.contains("there was one"), "\(empty)")
        try FileManager.default.removeItem(atPath: data)
        try FileManager.default.moveItem(atPath: kept, toPath: data)
        try network.start("truc")
    }

    /// A hub that does not open its store any more: what waited is held after salvage and restore, set against the neighbours' books, and
    /// goes on when it is released. What had been taken does not go out once more.
    @Test func whatWaitedComesBackBySalvage() throws {
        let network = try Network(plain: true)
        try network.start(["truc", "vpcp", "hcm"])
        func submit(_ index: Int, _ agency: String) throws -> String {
            try network.folder.write(
                String(repeating: "văn bản \(index) ", count: 40 * index * index), to: "text-\(index)")
            return try network.submit(
                "vpcp", network.folder["text-\(index)"],
                ["--sender", "G22", "--to", agency, "--document", "\(index)/VPCP"]
            ).envelope
        }
        let gone = try (1...3).map { try submit($0, "H29") }
        #expect(try eventually { try network.inbox("hcm", "H29").count == 3 })
        let waiting = try (4...12).map { try submit($0, "H26") }
        #expect(try eventually { try network.status("truc").inStore["waiting"] == 9 })
        #expect(network.stop("truc") == .exited(0))
        // The page says that its rows end where no page has bytes.
        let place = try network.flip("truc", "chunk leaf: head", at: (byte: 13, bit: 7))
        let refused = try start(network, "truc")
        #expect(refused.end == "exited(78)" && refused.errors.contains("edocctl salvage"), "\(place): \(refused)")
        #expect(refused.errors.split(separator: "\n").count { $0.contains("salvage") } == 1)
        let damaged = try network.folder.bytes("truc/store/data.mdb")
        let salvaged = try network.run(
            Places.edocctl, ["salvage", network.folder["truc/store"], network.folder["salvaged.mdb"]])
        #expect(salvaged.end == .exited(0), "\(salvaged)")
        #expect(try network.folder.bytes("truc/store/data.mdb") == damaged)
        let restore = ["restore", network.folder["salvaged.mdb"], "--store", network.folder["truc/store"], "--force"]
        let restored = try network.run(Places.edocctl, restore)
        #expect(restored.end == .exited(0), "\(restored.errors)")
        try network.start("truc")
        let list = ["restore", "list", "--json"]
        #expect(try eventually { try (network.ask("truc", list) as RestoreAnswer).phase == "held" })
        let held: RestoreAnswer = try network.ask("truc", list)
        #expect(Set(held.rows.map(\.name)) == Set(waiting) && held.rows.allSatisfy { $0.state == "held" })
        var files: [String] = []
        for peer in ["vpcp", "hcm"] {
            let books = try network.control(peer, ["ledger", "truc", "--envelopes"])
            #expect(books.end == .exited(0), "\(books.errors)")
            files.append(network.folder[peer + ".jsonl"])
            try network.folder.write(books.output, to: peer + ".jsonl")
        }
        let compared: CompareAnswer = try network.ask(
            "truc", ["restore", "compare"] + files + ["--apply", "--reason", "cứu kho"])
        #expect(compared.missing.isEmpty && compared.ended == 0, "\(compared)")
        let release = try network.control("truc", ["restore", "release", "--uncompared", "--reason", "cứu kho"])
        #expect(release.end == .exited(0), "\(release)")
        try network.start("hanoi")
        #expect(try eventually { try network.inbox("hanoi", "H26").count == 9 }, "\(network.logTail("truc"))")
        for (index, name) in zip(4..., waiting) {
            let copy = network.folder["copy"]
            #expect(try network.control("hanoi", ["inbox", "fetch", "H26", name, "-o", copy]).end == .exited(0))
            #expect(try network.folder.bytes("copy") == network.folder.bytes("text-\(index)"))
            unlink(copy)
        }
        #expect(try Set(network.inbox("hcm", "H29").map(\.envelope)) == Set(gone))
        #expect(try network.ledger("hcm").peers.first { $0.node == "truc" }?.taken == 3)
    }

    /// A copy, or a store, that ends before its pages do: read as bytes before it is mapped, by every program.
    @Test(arguments: [20_000, 8_192, 100]) func aCutCopyIsNotMapped(bytes: off_t) throws {
        let network = try Network(plain: true)
        try network.start("truc")
        let copy = network.folder["copy.mdb"]
        #expect(try network.control("truc", ["backup", copy]).end == .exited(0))
        #expect(network.stop("truc") == .exited(0))
        #expect(truncate(copy, bytes) == 0)
        let data = network.folder["truc/store/data.mdb"]
        let before = try network.folder.bytes("truc/store/data.mdb")
        let store = network.folder["truc/store"]
        let restored = try network.run(Places.edocctl, ["restore", copy, "--store", store, "--force"])
        #expect(restored.end == .exited(1) && restored.errors.contains("copy.mdb"), "\(restored)")
        #expect(try network.folder.bytes("truc/store/data.mdb") == before)
        #expect(truncate(data, bytes) == 0)
        for arguments in [["status"], ["queue", "list"], ["ledger"]] {
            let asked = try network.run(Places.edocctl, ["--store", store] + arguments)
            #expect(asked.end == .exited(1) && asked.errors.contains(store), "\(asked)")
        }
        let started = try start(network, "truc")
        #expect(started.end == "exited(78)" && started.errors.contains(store), "\(started)")
    }

    @Test func aTruncatedFileIsToldAndSalvageBringsTheRestBack() throws {
        let network = try Network()
        try network.start("truc")
        network.stop("truc")
        let data = network.folder["truc/store/data.mdb"]
        // Every leaf says that it is longer than a page: nothing that LMDB would survive. Which of them are in use is not asked.
        let file = try #require(FileHandle(forUpdatingAtPath: data))
        let bytes = try #require(try file.read(upToCount: 1 << 20))
        for page in stride(from: 8_192, to: bytes.count, by: 4_096) where bytes[page + 10] == 2 && bytes[page + 11] == 0
        {
            try file.seek(toOffset: UInt64(page) + 13)
            try file.write(contentsOf: Data([bytes[page + 13] ^ 0x80]))
        }
        try file.close()
        let refused = try start(network, "truc")
        #expect(refused.end == "exited(78)" && refused.errors.contains("edocctl salvage"), "\(refused)")
        let offline = try network.run(Places.edocctl, ["--store", network.folder["truc/store"], "status"])
        #expect(offline.end != .exited(0))
        let salvaged = try network.run(
            Places.edocctl,
            [
                "salvage", network.folder["truc/store"], network.folder["salvaged.mdb"], "--node", "dtn://truc/",
            ])
        #expect(salvaged.end == .exited(0), "\(salvaged.errors)")
        let restored = try network.run(
            Places.edocctl,
            ["restore", network.folder["salvaged.mdb"], "--store", network.folder["truc/store"], "--force"])
        #expect(restored.end == .exited(0), "\(restored.errors)")
        try network.start("truc")
        network.stop("truc")
        #expect(truncate(data, 20_000) == 0)
        let cut = try start(network, "truc")
        #expect(cut.end == "exited(78)" && cut.errors.contains("cut off"), "\(cut)")
    }
}
