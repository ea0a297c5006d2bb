// OutputFileTests: a file that edocctl writes is under its name whole or not at all.

import Foundation
import NIOCore
import Testing

@testable import edocctl

@Suite struct OutputFileTests {
    private let folder = Folder()
    private var path: String { folder["out/document"] }

    private final class Folder {
        private let path = FileManager.default.temporaryDirectory.path + "/edocctl-output.\(UUID().uuidString)"

        init() {
            for name in ["", "/out"] where mkdir(path + name, 0o700) != 0 { Issue.record("no folder can be made") }
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        subscript(_ name: String) -> String { path + "/" + name }

        func text(_ name: String) -> String { (try? String(contentsOfFile: self[name], encoding: .utf8)) ?? "" }

        func write(_ text: String, to name: String) throws {
            try text.write(toFile: self[name], atomically: false, encoding: .utf8)
        }
    }

    private func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder["out"]).sorted()
    }

    private static func write(_ text: String, _ file: OutputFile) throws { try file.write(ByteBuffer(string: text)) }

    @Test func hiddenUntilItIsWhole() throws {
        let file = try OutputFile(path, overwrites: false)
        try Self.write("half", file)
        let hidden = try names()
        #expect(hidden.count == 1 && hidden[0].hasPrefix("."), "\(hidden)")
        try Self.write(" and half", file)
        try file.finish()
        #expect(try names() == ["document"] && folder.text("out/document") == "half and half")
    }

    @Test func nothingIsLeftOfOneThatIsNotFinished() throws {
        func half() throws { try Self.write("half", try OutputFile(path, overwrites: false)) }
        try half()
        #expect(try names().isEmpty)
    }

    @Test func whatIsThereIsLeftAlone() throws {
        func late() throws {
            let file = try OutputFile(path, overwrites: false)
            try Self.write("late", file)
            try folder.write("first", to: "out/document")
            #expect(throws: FileError.self) { try file.finish() }
        }
        try late()
        #expect(try names() == ["document"] && folder.text("out/document") == "first")
        #expect(throws: FileError.self) { try OutputFile(path, overwrites: false) }
    }

    /// Until the new one is whole the old one is there, with its rights; a link stays one.
    @Test(arguments: [false, true]) func writtenOver(throughLink: Bool) throws {
        try folder.write("old", to: "out/document")
        #expect(chmod(path, 0o604) == 0 && symlink(path, folder["link"]) == 0)
        let file = try OutputFile(throughLink ? folder["link"] : path, overwrites: true)
        try Self.write("new", file)
        #expect(folder.text("out/document") == "old")
        try file.finish()
        #expect(try names() == ["document"] && folder.text("link") == "new")
        var facts = stat()
        #expect(lstat(path, &facts) == 0 && facts.st_mode == S_IFREG | 0o604)
        #expect(lstat(folder["link"], &facts) == 0 && facts.st_mode & S_IFMT == S_IFLNK)
    }

    /// A pipe is written to, never replaced.
    @Test func aPipe() throws {
        #expect(mkfifo(path, 0o600) == 0)
        let reader = open(path, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        let file = try OutputFile(path, overwrites: true)
        try Self.write("through", file)
        try file.finish()
        var bytes = [UInt8](repeating: 0, count: 16)
        #expect(read(reader, &bytes, bytes.count) == 7)
        var facts = stat()
        #expect(lstat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFIFO)
    }
}
