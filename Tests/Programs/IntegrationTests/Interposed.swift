// Interposed: libraries for LD_PRELOAD, compiled for a test's network, and programs that end by themselves because of them.

import Foundation
import TestNetwork

extension Network {
    /// Compiles Tests/Programs/Interposer/`name`.c; the path of the library.
    func interposer(_ name: String) throws -> String {
        let library = folder[name + ".so"]
        let source = Places.root + "/Tests/Programs/Interposer/\(name).c"
        // The toolchain brings a compiler where the system has none.
        let compiled = try ["cc", "clang"].map { compiler in
            try run("/usr/bin/env", [compiler, "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"])
        }
        guard compiled.contains(where: { $0.end == .exited(0) }) else {
            throw TestFailure("\(name).c does not compile: \(compiled.map(\.errors))")
        }
        return library
    }

    /// Compiles the same folder's `name`.c as a program; its path.
    func compiled(_ name: String, _ libraries: [String]) throws -> String {
        let program = folder[name]
        let source = Places.root + "/Tests/Programs/Interposer/\(name).c"
        let compiled = try ["cc", "clang"].map { compiler in
            try run("/usr/bin/env", [compiler, "-O1", "-o", program, source] + libraries)
        }
        guard compiled.contains(where: { $0.end == .exited(0) }) else {
            throw TestFailure("\(name).c does not compile: \(compiled.map(\.errors))")
        }
        return program
    }

    /// Changes one bit in the store of a stopped node, in bytes of a kind; what and where it was.
    @discardableResult
    func flip(
        _ name: String, _ kind: String, containing text: String = "", at place: (byte: Int, bit: Int)? = nil,
        seed: UInt64 = 1
    ) throws -> String {
        let result = try run(
            Places.programs + "/edoc-flips",
            [
                "--change", folder[name + "/store/data.mdb"], "--only", kind, "--containing", text, "--seed",
                String(seed),
            ] + (place.map { ["--byte", String($0.byte), "--bit", String($0.bit)] } ?? []))
        guard result.end == .exited(0) else { throw TestFailure("flip of \(kind) in \(name): \(result.errors)") }
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Waits for the end of a node that ends by itself.
    func end(of name: String) throws -> ProgramEnd? {
        guard try eventually({ !isRunning(name) }) else {
            throw TestFailure("\(name) does not end:\n\(logTail(name))")
        }
        return stop(name)
    }
}
