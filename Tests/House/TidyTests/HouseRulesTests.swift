// HouseRulesTests: rules of the house that can be read off the sources.

import Foundation
import Testing

@Suite struct HouseRulesTests {
    /// What decides takes time, chance and identity from outside.
    static let decisive: Set<String> = [
        "RelayModel", "RelayRouting", "RelayRows", "RelayCore", "RelayEngine", "RelaySession", "BundleProtocol",
        "TCPCL", "Editions",
    ]
    static let banned = [
        "import Foundation", "Date(", "UUID(", "Task {", "Task(", "DispatchQueue", "ContinuousClock", "SuspendingClock",
        "SystemRandomNumberGenerator", ".random(", "hashValue", "Thread", "usleep", "clock_gettime", "getenv",
    ]

    @Test func whatDecidesIsDeterministic() throws {
        for file in try SourceTree.files("Sources") where Self.decisive.contains(file.module) {
            for (number, line) in file.code.enumerated() {
                for word in Self.banned where line.contains(word) {
                    // A seeded generator that is passed in is what the rule wants.
                    if word == ".random(", line.contains("using:") { continue }
                    Issue.record("\(file.path):\(number + 1): \(word)")
                }
            }
        }
    }

    /// The library's own traps say nothing in an optimised build: `demand` and `trap` do (Trap.swift).
    @Test func trapsSayTheirSentence() throws {
        let silent = /\b(precondition|preconditionFailure|fatalError|assert|assertionFailure)\(/
        var said = 0
        for file in try SourceTree.files("Sources") {
            for (number, line) in file.code.enumerated() {
                if line.firstMatch(of: silent) != nil { Issue.record("\(file.path):\(number + 1): \(line)") }
                if line.firstMatch(of: /\b(demand|trap)\(/) != nil { said += 1 }
            }
        }
        #expect(said > 50)
    }

    /// Whoever promises the compiler what it cannot see stands here, and says why beside it.
    static let uncheckedSendable: Set<String> = [
        "Sources/Store/LMDB/Environment.swift",
        "Sources/Store/LMDB/ReadTransaction.swift", "Sources/Store/LMDB/TransactionHandle.swift",
        "Sources/Store/LMDB/WriteTransaction.swift",
        "Sources/Wire/OpenSSLTLS/TLSContext.swift", "Sources/Wire/OpenSSLTLS/OwnedContext.swift",
        "Sources/Wire/OpenSSLTLS/KeyLog.swift", "Sources/Wire/OpenSSLTLS/SHA256Hasher.swift",
        "Sources/Wire/OpenSSLCMS/KeyToken.swift",
        "Sources/Store/RelayStore/LMDBStore.swift", "Sources/Store/RelayStore/MemoryStore.swift",
        "Sources/Node/RelayNode/BulkSubmission.swift", "Sources/Node/RelayNode/TakeSocket.swift",
        "Sources/Node/RelayNode/EngineThread.swift",
        "Sources/Wire/OpenSSLTLS/ByteBufferBIO.swift", "Sources/Node/RelayNode/InHand.swift",
        "Sources/Store/RelayStore/ReaderPool.swift", "Sources/Store/RelayStore/StillStore.swift",
        "Sources/Programs/edoc-bench/StoreWatch.swift", "Sources/Programs/edoc-bench/UnixSocket.swift",
        "Sources/Programs/edoc-bench/AMQP.swift", "Sources/Programs/edoc-bench/NATSLines.swift",
        "Sources/Programs/edoc-bench/CountedWork.swift",
        "Sources/Programs/edocctl/TopCommand.swift",
        "Tests/Programs/TestNetwork/RawChannel.swift",
        "Sources/Base/Monotonic/MonotonicCondition.swift", "Sources/Base/Journal/LogPipe.swift",
        "Sources/Base/RelayModel/Place.swift",
    ]

    /// A wait that ends by the clock on the wall lasts as long as that clock was stepped, or spins.
    static let wallWaits = [
        "ConditionLock", "NSCondition", "NSConditionLock", "DispatchSemaphore", "wallDeadline", "DispatchWallTime",
        "sleep(until", "pthread_cond_timedwait", "pthread_mutex_timedlock", "sem_timedwait",
        "mq_timed", "SuspendingClock", "TFD_TIMER_ABSTIME", "setitimer", "alarm(",
    ]
    /// Where the waits are made.
    static let waitsAreMade: Set<String> = ["Sources/Base/Monotonic/MonotonicCondition.swift"]
    /// Who may ask what time it is on the wall, and waits for nothing by it.
    static let readsTheWall: Set<String> = [
        "Sources/Node/RelayNode/RelayClock.swift", "Sources/Node/RelayNode/NodeLogging.swift",
        "Sources/Node/RelayNode/StandardErrorLog.swift",
        "Sources/Node/RelayNode/Examination.swift", "Sources/Operators/RelayControl/OfflineNode.swift",
        "Sources/Programs/edocctl/DirectoryCommand.swift", "Sources/Programs/edocctl/PackageCommand.swift",
        "Sources/Programs/edocctl/ReportCommand.swift",
        "Sources/Programs/edocctl/RestoreCommand.swift", "Sources/Wire/OpenSSLTLS/TLSContext.swift",
        "Sources/Wire/OpenSSLTLS/TLSExamination.swift", "Sources/Wire/OpenSSLTLS/CertificateVerdict.swift",
    ]

    @Test func everyWaitIsByTheMonotonicClock() throws {
        var files = try SourceTree.files("Sources")
        files += try SourceTree.files("Sources/System", ".c") + SourceTree.files("Sources/System", ".h")
        for file in files where !Self.waitsAreMade.contains(file.path) {
            for (number, line) in file.code.enumerated() {
                if let found = Self.wallWaits.first(where: line.contains) {
                    Issue.record("\(file.path):\(number + 1): \(found)")
                }
                guard !Self.readsTheWall.contains(file.path) else { continue }
                for word in ["CLOCK_REALTIME", "time(nil)", "gettimeofday"] where line.contains(word) {
                    Issue.record("\(file.path):\(number + 1): \(word)")
                }
            }
        }
    }

    @Test func uncheckedSendableIsRare() throws {
        for file in try SourceTree.swift() where !file.path.hasPrefix("Tests/House/TidyTests/") {
            let promises = file.code.contains {
                $0.contains("@unchecked Sendable") || $0.contains("nonisolated(unsafe)")
            }
            guard promises else { continue }
            #expect(Self.uncheckedSendable.contains(file.path), "\(file.path)")
            let saysWhy = file.lines.contains { $0.contains("//") && $0.contains("nchecked") }
            #expect(saysWhy, "\(file.path) does not say why")
        }
    }

    @Test func filesBeginBySayingWhatTheyAre() throws {
        for file in try SourceTree.swift() {
            #expect(file.text.hasPrefix("// "), "\(file.path) begins without a comment")
            let name = file.path.split(separator: "/").last.map { String($0.dropLast(6)) } ?? ""
            guard file.path.hasPrefix("Sources/"), let first = file.lines.first else { continue }
            let main = name.split(separator: "+").first.map(String.init) ?? name
            let isNamed = first.contains(main) || first.contains(file.module) || first.contains(":")
            #expect(isNamed || first.contains(","), "\(file.path): \(first)")
        }
    }

    /// A ratchet: lower them when the longest have become shorter.
    static let fileLinesMax = 600
    static let functionLinesMax = 100

    @Test func filesAndFunctionsFit() throws {
        for file in try SourceTree.swift() {
            #expect(file.lines.count <= Self.fileLinesMax, "\(file.path) has \(file.lines.count) lines")
            for function in Self.functions(of: file) where function.lines > Self.functionLinesMax {
                Issue.record("\(file.path):\(function.start): a function of \(function.lines) lines")
            }
        }
    }

    /// Functions by indentation, which the formatter guarantees.
    private static func functions(of file: SourceFile) -> [(start: Int, lines: Int)] {
        var open: [(indent: Int, start: Int)] = []
        var result: [(Int, Int)] = []
        for (number, line) in file.code.enumerated() {
            let indent = line.prefix { $0 == " " }.count
            let isHead = line.contains("func ") || line.dropFirst(indent).hasPrefix("init") || line.contains(" init")
            if isHead, line.hasSuffix("{") || line.hasSuffix("(") { open.append((indent, number + 1)) }
            guard line.dropFirst(indent).hasPrefix("}"), let last = open.last, last.indent == indent else { continue }
            open.removeLast()
            result.append((last.start, number + 2 - last.start))
        }
        return result
    }

    @Test func nothingIsLeftForLater() throws {
        let words = ["TO" + "DO", "FIX" + "ME", "HA" + "CK:"]
        for file in try SourceTree.swift() {
            for (number, line) in file.lines.enumerated() {
                for word in words where line.contains(word) { Issue.record("\(file.path):\(number + 1): \(word)") }
            }
        }
    }

    /// Paths that exist on one machine only.
    @Test func noMachineIsNamed() throws {
        let words = ["/" + "work/", "/" + "home/", "/" + "root/", "/" + "Users/"]
        var files = try SourceTree.swift()
        for folder in ["Scripts", "Config", "docs", "systemd", "Tests/Programs/Interposer", "Tests/Programs/Lab"] {
            files += try SourceTree.files(folder, "")
        }
        for file in files {
            for (number, line) in file.lines.enumerated() {
                for word in words where line.contains(word) { Issue.record("\(file.path):\(number + 1): \(word)") }
            }
        }
    }

    /// Pages are read side by side with a terminal. A row of a table cannot be broken, and a command is copied whole.
    static let pageLineMax = 120

    @Test func linesOfPagesFit() throws {
        var pages = try SourceTree.files("docs", ".md")
        for name in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
            pages.append(SourceFile(path: name, text: try SourceTree.text(name)))
        }
        for page in pages {
            for (number, line) in page.lines.enumerated() where line.count > Self.pageLineMax && !line.hasPrefix("|") {
                Issue.record("\(page.path):\(number + 1): \(line.count) characters")
            }
        }
    }

    // A copy of the checkout without its history has nothing tracked.
    @Test(.enabled(if: FileManager.default.fileExists(atPath: SourceTree.root + "/.git"), "No checkout of git."))
    func whatIsBuiltIsNotTracked() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["git", "-c", "safe.directory=*", "-C", SourceTree.root, "ls-files"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let paths = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        #expect(paths.contains("Package.swift"))
        for path in paths {
            let isProduct =
                path.hasPrefix(".build/") || path.contains("/.build/") || path.hasSuffix(".o")
                || path.hasSuffix(".swiftmodule") || path.hasSuffix(".mdb") || path.hasSuffix(".key")
                || path.hasSuffix(".pem")
            #expect(!isProduct, "\(path)")
        }
    }
}
