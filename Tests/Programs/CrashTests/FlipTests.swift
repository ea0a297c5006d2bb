// The short form of Scripts/flips: single bits of a store change, of every kind of page and table in turn, and a child process works on
// what is left. docs/damage.md has the figures of the long form.
//
//   EDOC_FLIPS       how many bits (120)
//   EDOC_FLIPS_SEED  the seed of their choice

import Foundation
import TestNetwork
import Testing

@Suite struct FlipTests {
    @Test func noFlipLeadsToWrongBytesOrToASilentLoss() throws {
        let folder = try TestFolder()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Places.programs + "/edoc-flips")
        process.arguments = [
            "--count", "\(CrashTests.number("EDOC_FLIPS", 120))", "--seed",
            "\(CrashTests.number("EDOC_FLIPS_SEED", 1907))", "--documents", "60", "--scratch", folder.path, "--verbose",
        ]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(output)")
        #expect(output.contains("| all | \(CrashTests.number("EDOC_FLIPS", 120)) |"), "\(output)")
    }
}
