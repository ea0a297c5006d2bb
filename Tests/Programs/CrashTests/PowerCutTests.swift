// PowerCutTests: the power fails while a store is written: what no sync had covered is dropped, torn at sectors and reordered. The store must
// open, everything that was promised before must be there and whole, and nothing that had ended comes again. In short: of the store
// library under the engine, with cuts at each commit; and of the daemon under load, which starts on what is left.
//
//   EDOC_CUTS        commits of the store library at which the power is cut (40; Scripts/power-cut says 1,000)
//   EDOC_DAEMON_CUTS cuts of the daemon (3)
//   EDOC_CUTS_SEED   the seed

import ControlAPI
import Foundation
import OpenSSLTLS
import RelayModel
import TestNetwork
import Testing

@Suite(.serialized) struct PowerCutTests {
    private static let seed = CrashTests.number("EDOC_CUTS_SEED", 1907)
    private static let program = Places.programs + "/edoc-flips"

    /// Compiles the library that records what is written.
    private static func recorder(in folder: TestFolder) throws -> String {
        let library = folder["cuts.so"]
        for compiler in ["cc", "clang"] {
            let program = try Program(
                "/usr/bin/env",
                [
                    compiler, "-O1", "-shared", "-fPIC", "-o", library,
                    Places.root + "/Tests/Programs/Interposer/cuts.c", "-ldl",
                ], output: folder["compiler"], errors: folder["compiler"])
            if program.wait() == .exited(0) { return library }
        }
        throw TestFailure("cuts.c does not compile: \(folder.text("compiler"))")
    }

    private static func run(_ arguments: [String], in folder: TestFolder) throws -> (end: ProgramEnd, text: String) {
        // What was said before is of another run.
        for name in ["said", "complained"] { unlink(folder[name]) }
        let program = try Program(
            Self.program, arguments, output: folder["said"], errors: folder["complained"])
        let end = program.wait()
        return (end, folder.text("said") + folder.text("complained"))
    }

    /// `skipping`: each second sync is not made, though the store believes that it was. Then promises are broken, and the test says so.
    @Test(arguments: [false, true]) func theStoreKeepsItsPromises(skipping: Bool) throws {
        let folder = try TestFolder()
        let commits = skipping ? 24 : CrashTests.number("EDOC_CUTS", 40)
        let (end, text) = try Self.run(
            [
                "--cuts", "\(commits)", "--seed", "\(Self.seed)", "--skipping", skipping ? "2" : "0", "--interposer",
                try Self.recorder(in: folder), "--scratch", folder.path,
            ], in: folder)
        #expect(end == .exited(skipping ? 1 : 0), "\(text)")
        #expect(text.contains(" 0 promises broken") == !skipping, "\(text)")
        #expect(!skipping || text.contains("the store does not open"), "\(text)")
    }

    /// One document as its submitter knows it.
    private struct Document {
        var bytes: UInt64
        var digest: String
    }

    @Test func theDaemonKeepsItsPromises() throws {
        let network = try Network()
        let record = network.folder["record"]
        let store = network.folder["hcm/store"]
        network.setEnvironment(
            "hcm",
            [
                "LD_PRELOAD": try Self.recorder(in: network.folder), "EDOC_CUT_FILE": store + "/data.mdb",
                "EDOC_CUT_LOG": record,
            ])
        try network.start("hcm")
        let documents = try load(network, record)
        #expect(network.stop("hcm") == .exited(0))
        network.setEnvironment("hcm", [:])
        for index in 0..<CrashTests.number("EDOC_DAEMON_CUTS", 3) {
            try FileManager.default.removeItem(atPath: store)
            try network.folder.makeFolder("hcm/store")
            let (end, text) = try Self.run(
                ["--image", record, "--output", store + "/data.mdb", "--seed", "\(Self.seed + index)"],
                in: network.folder)
            #expect(end == .exited(0), "\(text)")
            try expectPromisesKept(network, documents, text)
        }
    }

    /// Documents come and are taken from the inbox; beside each promise stands a mark in the record.
    private func load(_ network: Network, _ record: String) throws -> [String: Document] {
        let marks = open(record, O_WRONLY | O_APPEND | O_CLOEXEC)
        defer { close(marks) }
        let client = try BulkClient(socket: network.folder["hcm/submit.sock"])
        var documents: [String: Document] = [:]
        for round in 0..<8 {
            // Many under way at once, so that a commit covers several.
            let numbers = round * 10..<round * 10 + 10
            for number in numbers {
                let payload = (0..<(200 + number * 977 % 90_000)).map { UInt8(truncatingIfNeeded: $0 &* (number + 3)) }
                let digest = payload.withUnsafeBytes { SHA256Hasher.digest(of: $0) }
                documents["d\(number)"] = Document(bytes: UInt64(payload.count), digest: digest.hex)
                #expect(
                    client.submit(
                        token: UInt64(number), from: "H29.15", to: ["H29"], document: "d\(number)", payload: payload))
            }
            for _ in numbers {
                guard case .accepted(let token, _)? = client.answer() else { throw TestFailure("not accepted") }
                try mark("kept d\(token)", marks)
            }
            let waiting = try network.inbox("hcm", "H29").filter { $0.number % 3 == 0 }
            for document in waiting { try mark("ending \(document.documentID ?? "")", marks) }
            let answer: AcknowledgeAnswer = try network.ask(
                "hcm", ["inbox", "ack", "H29"] + waiting.map(\.envelope))
            #expect(answer.taken == waiting.count)
            for document in waiting { try mark("ended \(document.documentID ?? "")", marks) }
        }
        return documents
    }

    /// As the library writes its records (Tests/Programs/Interposer/cuts.c).
    private func mark(_ text: String, _ descriptor: Int32) throws {
        var record = Data("CUTS".utf8)
        withUnsafeBytes(of: UInt32(UInt8(ascii: "K")).littleEndian) { record.append(contentsOf: $0) }
        for number in [0, 0, UInt64(text.utf8.count)] {
            withUnsafeBytes(of: number.littleEndian) { record.append(contentsOf: $0) }
        }
        record.append(contentsOf: text.utf8)
        guard record.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == record.count else {
            throw TestFailure("the record cannot be written")
        }
    }

    private func expectPromisesKept(_ network: Network, _ documents: [String: Document], _ text: String) throws {
        var promises: [String: Set<String>] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if words.count == 2 { promises[words[0], default: []].insert(words[1]) }
        }
        let (kept, ending) = (promises["kept"] ?? [], promises["ending"] ?? [])
        #expect(!kept.isEmpty, "\(text)")
        try network.start("hcm")
        let listed = try network.inbox("hcm", "H29")
        var found: Set<String> = []
        for document in listed {
            let name = document.documentID ?? ""
            #expect(found.insert(name).inserted, "\(name) is there twice")
            #expect(document.bytes == documents[name]?.bytes && document.digest == documents[name]?.digest, "\(name)")
        }
        #expect(kept.subtracting(ending).isSubset(of: found), "lost: \(kept.subtracting(ending).subtracting(found))")
        #expect(found.isDisjoint(with: promises["ended"] ?? []))
        // Every payload is read and compared with its digest, and the books with the rows.
        let verified = try network.control("hcm", ["verify", "--wait"])
        #expect(verified.end == .exited(0), "\(verified.output)\(verified.errors)")
        let ledger = try network.ledger("hcm")
        #expect(ledger.documents?.balances == true && ledger.reports?.balances == true, "\(ledger)")
        #expect(network.stop("hcm") == .exited(0), "\(network.logTail("hcm"))")
    }
}
