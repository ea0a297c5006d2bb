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
