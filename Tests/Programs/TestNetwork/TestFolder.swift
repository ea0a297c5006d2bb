// TestFolder: a temporary folder with a short path, because paths of Unix sockets are short. Removed when the value goes away.

import Foundation

public final class TestFolder {
    public let path: String

    public init() throws {
        let base = ProcessInfo.processInfo.environment["TMPDIR"].flatMap { $0.utf8.count <= 40 ? $0 : nil } ?? "/tmp"
        var template = Array("\(base)/edoc-test.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestFailure("no temporary folder can be made in \(base)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        guard ProcessInfo.processInfo.environment["EDOC_KEEP"] == nil else { return }
        try? FileManager.default.removeItem(atPath: path)
    }

    public subscript(name: String) -> String { path + "/" + name }

    public func write(_ text: String, to name: String) throws {
        try text.write(toFile: self[name], atomically: true, encoding: .utf8)
    }

    public func text(_ name: String) -> String {
        (try? Data(contentsOf: URL(fileURLWithPath: self[name]))).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    public func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: self[name])))
    }

    public func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: self[name], withIntermediateDirectories: true)
    }
}

/// Where things are.
public enum Places {
    /// The checkout.
    public static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    /// The folder of the built programs: that of the test's own program, unless EDOC_BIN names another.
    public static let programs: String =
        ProcessInfo.processInfo.environment["EDOC_BIN"]
        ?? URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path

    public static var edocd: String { programs + "/edocd" }
    public static var edocctl: String { programs + "/edocctl" }
    /// The folder of the programs of 0.3, if they have been built: of EDOC_OLD_BIN, or by Scripts/old-program.
    public static let oldPrograms: String? = {
        let named = ProcessInfo.processInfo.environment["EDOC_OLD_BIN"]
        let folders = [named, root + "/.build-0.3/bin"].compactMap { $0 }
        return folders.first { FileManager.default.isExecutableFile(atPath: $0 + "/edocd") }
    }()
    public static var isRoot: Bool { geteuid() == 0 }
}
