// SourceTree: the checkout as text, for tests about the house's rules. Reads files only.

import Foundation

struct SourceFile {
    /// From the root of the checkout.
    var path: String
    var text: String
    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    /// `Core` of `Sources/Core/RelayCore/Queue.swift`.
    var floor: String { component(1) }
    /// `RelayCore` of the same.
    var module: String { component(2) }

    private func component(_ index: Int) -> String {
        let parts = path.split(separator: "/")
        return index < parts.count ? String(parts[index]) : ""
    }

    /// The text without comments and string literals, line by line.
    var code: [String] {
        var isInBlock = false
        return lines.map { line in
            if line.contains("\"\"\"") {
                isInBlock.toggle()
                return ""
            }
            return isInBlock ? "" : Self.bare(line)
        }
    }

    private static func bare(_ line: Substring) -> String {
        var result: [UInt8] = []
        var isInText = false
        var rest = Array(line.utf8)[...]
        while let byte = rest.popFirst() {
            if isInText {
                if byte == UInt8(ascii: "\\") {
                    _ = rest.popFirst()
                } else if byte == UInt8(ascii: "\"") {
                    isInText = false
                }
            } else if byte == UInt8(ascii: "\"") {
                isInText = true
            } else if byte == UInt8(ascii: "/"), rest.first == byte {
                break
            } else {
                result.append(byte)
            }
        }
        while result.last == UInt8(ascii: " ") { result.removeLast() }
        return String(decoding: result, as: UTF8.self)
    }
}

enum SourceTree {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    static func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: root + "/" + path)), as: UTF8.self)
    }

    /// Every file under a folder whose name ends so.
    static func files(_ folder: String, _ suffix: String = ".swift") throws -> [SourceFile] {
        guard let all = FileManager.default.enumerator(atPath: root + "/" + folder) else { return [] }
        let paths = all.compactMap { $0 as? String }.filter { $0.hasSuffix(suffix) && isFile("\(folder)/\($0)") }
            .sorted()
        return try paths.map { SourceFile(path: "\(folder)/\($0)", text: try text("\(folder)/\($0)")) }
    }

    private static func isFile(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: root + "/" + path, isDirectory: &isFolder) && !isFolder.boolValue
    }

    static func swift() throws -> [SourceFile] { try files("Sources") + files("Tests") }
}
