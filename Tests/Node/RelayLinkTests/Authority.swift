// Authority: a folder of throw-away certificates, made by Scripts/certificates and removed with this object.

import Foundation
import OpenSSLTLS

final class Authority: Sendable {
    private let directory: URL

    init(_ arguments: String...) throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("links-\(UUID().uuidString)")
        try script(arguments)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    func script(_ arguments: [String]) throws {
        let source = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        let root = (1...4).reduce(source) { path, _ in path.deletingLastPathComponent() }
        let process = Process()
        process.executableURL = root.appendingPathComponent("Scripts/certificates")
        process.arguments = [directory.path] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw ToolFailure(text: String(decoding: text, as: UTF8.self)) }
    }

    func context(_ node: String, withRevocation: Bool = false) throws -> TLSContext {
        func path(_ name: String) -> String { directory.appendingPathComponent(name).path }
        return try TLSContext(
            TLSConfiguration(
                authorityFile: path("ca.pem"), certificateChainFile: path("\(node).pem"), keyFile: path("\(node).key"),
                revocationListFile: withRevocation ? path("crl.pem") : nil))
    }
}

struct ToolFailure: Error {
    let text: String
}
