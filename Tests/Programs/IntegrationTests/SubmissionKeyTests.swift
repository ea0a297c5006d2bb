// SubmissionKeyTests: a caller that did not hear the answer hands the same document in again, across a SIGKILL of the node, too.

import ControlAPI
import Foundation
import TestNetwork
import Testing

@Suite struct SubmissionKeyTests {
    @Test func theSameKeyMakesOneEnvelope() throws {
        let network = try Network()
        try network.start("truc")
        try network.start("vpcp")
        let file = network.folder["letter"]
        try network.folder.write("Kính gửi", to: "letter")
        try network.folder.write("Kính gửi ạ", to: "other")
        let options = ["--sender", "G22", "--to", "H29", "--document", "41/VPCP"]
        func submit(_ file: String, _ options: [String], key: String = "k-1") throws -> Network.Result {
            try network.control("vpcp", ["submit", file, "--json"] + options + ["--key", key])
        }
        func answer(_ result: Network.Result) throws -> SubmitAnswer {
            guard result.end == .exited(0) else { throw TestFailure(result.errors) }
            return try ControlJSON.answer(SubmitAnswer.self, from: Array(result.output.utf8))
        }
        let first = try answer(try submit(file, options))
        #expect(first.isRepeated == nil)
        let again = try answer(try submit(file, options))
        #expect(again.isRepeated == true && again.envelope == first.envelope && again.number == first.number)
        // What was acknowledged is remembered by the disk, not by the process.
        network.kill("vpcp")
        try network.start("vpcp")
        #expect(try answer(try submit(file, options)).envelope == first.envelope)
        #expect(try network.ledger("vpcp").documents?.submitted == 1)
        // Any difference, in the bytes or in what is said of them, is another document.
        for (file, options) in [
            (network.folder["other"], options), (file, ["--sender", "G22", "--to", "H26", "--document", "41/VPCP"]),
            (file, options + ["--urgency", "2"]), (file, options + ["--lifetime", "1h"]),
        ] {
            let refused = try submit(file, options)
            #expect(refused.end == .exited(1) && refused.errors.contains(first.envelope), "\(refused)")
        }
        #expect(try network.ledger("vpcp").refusedSubmissions["keyConflict"] == 4)
        #expect(try network.ledger("vpcp").documents?.submitted == 1)
        // Another key, or none, is another submission.
        #expect(try answer(try submit(file, options, key: "k-2")).envelope != first.envelope)
        #expect(try network.submit("vpcp", file, options).envelope != first.envelope)
        #expect(try network.ledger("vpcp").documents?.submitted == 3)
        for bad in ["", "a b", "khóa", String(repeating: "k", count: 129)] {
            let refused = try submit(file, options, key: bad)
            #expect(refused.end == .exited(1) && refused.errors.contains("Idempotency-Key"), "\(bad): \(refused)")
        }
    }
}
