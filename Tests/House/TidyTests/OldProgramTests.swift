// OldProgramTests: the tests of a network of old and new nodes are left out where there is no commit of 0.3.0, and for no other reason: a
// build that fails is a failure, or they would be skipped for good and nobody would hear of it.

import Foundation
import Testing

@Suite struct OldProgramTests {
    /// Runs a script of a folder that is made for it, and gives its exit code and what it said.
    private func run(_ script: String, in folder: URL, path: String? = nil) throws -> (code: Int32, said: String) {
        let process = Process()
        process.executableURL = folder.appendingPathComponent(script)
        process.currentDirectoryURL = folder
        if let path { process.environment = ["PATH": path, "HOME": folder.path] }
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: bytes, as: UTF8.self))
    }

    private func write(_ text: String, _ name: String, in folder: URL) throws {
        let file = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: file, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
    }

    private func folder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("old-program-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    @Test func aCloneWithoutTheCommitSaysSoByACodeOfItsOwn() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try write(SourceTree.text("Scripts/old-program"), "Scripts/old-program", in: folder)
        try write("#!/bin/sh\nexit 128\n", "bin/git", in: folder)
        let answer = try run("Scripts/old-program", in: folder, path: "\(folder.path)/bin:/usr/bin:/bin")
        #expect(answer.code == 3, "\(answer.said)")
    }

    /// `swift` is one that builds nothing; only a build of the old programs says more than that.
    @Test(arguments: [(Int32(0), true), (3, true), (1, false), (65, false)])
    func onlyAMissingCommitIsExcused(code: Int32, goesOn: Bool) throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try write(SourceTree.text("Scripts/test"), "Scripts/test", in: folder)
        for name in ["install-missing", "format", "package-test", "rehearse", "certificates"] {
            try write("#!/bin/sh\nexit 0\n", "Scripts/\(name)", in: folder)
        }
        try write("#!/bin/sh\necho /old\nexit \(code)\n", "Scripts/old-program", in: folder)
        try write("#!/bin/sh\nexit 0\n", "edoc-bench", in: folder)
        try write(
            "#!/bin/sh\ncase \"$*\" in *show-bin-path*) pwd ;; *--filter*) echo \"real programs, ${EDOC_OLD_BIN-none}\" ;; esac\n",
            "bin/swift", in: folder)
        let answer = try run("Scripts/test", in: folder, path: "\(folder.path)/bin:/usr/bin:/bin")
        #expect(answer.code == (goesOn ? 0 : code), "\(answer.said)")
        #expect(answer.said.contains("real programs, \(code == 0 ? "/old" : "none")") == goesOn, "\(answer.said)")
        #expect(answer.said.contains("NOT RUN") == (code == 3), "\(answer.said)")
    }
}
