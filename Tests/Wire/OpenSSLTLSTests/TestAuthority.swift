// TestAuthority: a folder of throw-away certificates, made by Scripts/certificates and removed with this object.

import Foundation
import OpenSSLTLS

struct ToolFailure: Error, CustomStringConvertible {
    let description: String
}

final class TestAuthority {
    let directory: URL

    /// A CA with certificates of these nodes.
    init(_ nodes: String...) throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("tls-\(UUID().uuidString)")
        try script(nodes)
    }

    deinit {
        try? FileManager.default.removeItem(at: directory)
    }

    func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

    /// Runs Scripts/certificates on the folder.
    func script(_ arguments: [String]) throws {
        let source = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        let root = (1...4).reduce(source) { path, _ in path.deletingLastPathComponent() }
        let tool = root.appendingPathComponent("Scripts/certificates").path
        try Self.run(tool, [directory.path] + arguments)
    }

    /// Runs openssl in the folder.
    func openssl(_ arguments: String...) throws {
        try Self.run("/usr/bin/env", ["openssl"] + arguments, in: directory)
    }

    /// A certificate with these alternative names, in the words of openssl's configuration; none without `names`.
    func issue(_ node: String, names: String?, subject: String = "/CN=node", extra: [String] = []) throws {
        let extensions = names.map { "subjectAltName = \($0)\n" } ?? "basicConstraints = CA:false\n"
        try extensions.write(toFile: path("\(node).cnf"), atomically: true, encoding: .utf8)
        try Self.run(
            "/usr/bin/env",
            [
                "openssl", "req", "-new", "-utf8", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", "\(node).key", "-subj", subject, "-out", "\(node).csr",
            ], in: directory)
        try Self.run(
            "/usr/bin/env",
            [
                "openssl", "x509", "-req", "-in", "\(node).csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "10", "-extfile", "\(node).cnf", "-out", "\(node).pem",
            ] + extra, in: directory)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path("\(node).key"))
    }

    func configuration(_ node: String, withRevocation: Bool = false) -> TLSConfiguration {
        TLSConfiguration(
            authorityFile: path("ca.pem"), certificateChainFile: path("\(node).pem"), keyFile: path("\(node).key"),
            revocationListFile: withRevocation ? path("crl.pem") : nil)
    }

    func context(_ node: String, withRevocation: Bool = false) throws -> TLSContext {
        try TLSContext(configuration(node, withRevocation: withRevocation))
    }

    private static func run(_ tool: String, _ arguments: [String], in folder: URL? = nil) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: tool)
        process.arguments = arguments
        process.currentDirectoryURL = folder
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw ToolFailure(description: String(decoding: text, as: UTF8.self))
        }
    }
}
