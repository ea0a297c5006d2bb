// ImportGraphTests: who may import whom, as docs/architecture.md draws it: arrows go down only, and what decides does no I/O.

import Testing

@Suite struct ImportGraphTests {
    /// The folders of Sources, from the bottom. A module imports from its own floor and from those below.
    static let order = ["System", "Base", "Store", "Wire", "Core", "Documents", "Operators", "Node", "Programs"]

    /// The modules, and what each may import of this package. A module stands above all that it imports.
    static let modules: [(module: String, imports: [String])] = [
        ("CLMDB", []), ("COpenSSL", []), ("CExpat", []), ("CChecksum", []), ("CLinux", []),
        ("Trap", ["CLinux"]),
        ("Language", []), ("RelayLanguage", ["Language"]), ("OpenMetrics", []),
        ("RelayModel", []),
        ("ControlAPI", []),
        ("Monotonic", []), ("Listening", []),
        ("Journal", ["CLinux", "Monotonic"]),
        ("RelayRouting", ["RelayModel"]),
        ("RelayRows", ["RelayModel", "CChecksum"]),
        ("BundleProtocol", ["RelayModel", "CChecksum"]),
        ("TCPCL", ["RelayModel"]),
        ("EdXML", ["RelayModel", "CExpat"]),
        ("Editions", ["RelayModel"]),
        ("LMDB", ["CLMDB"]),
        ("OpenSSLTLS", ["RelayModel", "COpenSSL"]),
        ("OpenSSLCMS", ["RelayModel", "COpenSSL", "OpenSSLTLS"]),
        ("RelayStore", ["RelayModel", "RelayRows", "LMDB", "CChecksum", "Monotonic"]),
        ("RelayCore", ["RelayModel", "RelayRouting", "RelayRows"]),
        ("RelayEngine", ["RelayModel", "RelayRows", "RelayCore", "RelayStore", "BundleProtocol"]),
        (
            "RelaySession",
            ["RelayModel", "RelayCore", "RelayEngine", "TCPCL", "BundleProtocol", "OpenSSLTLS"]
        ),
        (
            "RelayLink",
            [
                "RelayModel", "RelayRows", "RelayCore", "RelayEngine", "RelaySession", "RelayStore", "TCPCL",
                "BundleProtocol", "OpenSSLTLS", "CLinux", "Listening",
            ]
        ),
        ("RelayConfiguration", ["RelayModel", "RelayRouting"]),
        (
            "RelayControl",
            [
                "ControlAPI", "RelayModel", "RelayRows", "RelayRouting", "RelayCore", "RelayEngine", "RelayStore",
                "RelayConfiguration", "EdXML", "OpenSSLTLS", "CLinux", "CExpat", "OpenMetrics", "Listening",
            ]
        ),
        (
            "RelayNode",
            [
                "RelayModel", "RelayRouting", "RelayRows", "RelayCore", "RelayEngine", "RelaySession", "RelayStore",
                "RelayLink", "RelayConfiguration", "RelayControl", "ControlAPI", "OpenSSLTLS", "CLinux", "Journal",
                "Monotonic", "Listening",
            ]
        ),
        (
            "RelaySimulator",
            [
                "RelayModel", "RelayRouting", "RelayRows", "RelayCore", "RelayEngine", "RelaySession", "RelayStore",
                "BundleProtocol", "TCPCL", "OpenSSLTLS",
            ]
        ),
        ("edocd", ["Language", "RelayLanguage", "RelayNode", "RelayConfiguration", "ControlAPI"]),
        (
            "edocctl",
            [
                "Language", "RelayLanguage", "ControlAPI", "RelayModel", "EdXML", "Editions", "OpenSSLCMS",
                "OpenSSLTLS", "RelayControl", "RelayStore",
            ]
        ),
        ("edoc-sim", ["RelaySimulator"]),
        (
            "edoc-bench",
            [
                "RelayNode", "RelaySession", "RelayControl", "RelayModel", "RelayRows", "RelayRouting", "RelayCore",
                "RelayEngine",
                "RelayStore", "ControlAPI", "OpenSSLTLS", "BundleProtocol", "TCPCL", "CLMDB",
            ]
        ),
        ("edoc-manual", ["Language"]),
        ("edoc-chunk-layout", ["RelayRows", "RelayStore"]),
        (
            "edoc-flips",
            ["RelayModel", "RelayRouting", "RelayRows", "RelayCore", "RelayEngine", "RelayStore", "OpenSSLTLS"]
        ),
    ]

    /// What modules may import of other packages and of the system.
    static let outside: [String: Set<String>] = [
        "Language": ["Glibc"], "RelayLanguage": [], "OpenMetrics": [],
        "Journal": ["Glibc", "Logging", "Synchronization"], "RelayModel": [],
        "RelayRouting": [], "RelayRows": [], "RelayCore": [],
        "ControlAPI": ["FoundationEssentials", "Foundation"],
        "BundleProtocol": ["NIOCore"], "TCPCL": ["NIOCore"],
        "Editions": [],
        "RelayEngine": ["NIOCore", "Synchronization"], "RelaySession": ["NIOCore", "Synchronization"],
    ]

    @Test func arrowsGoDown() {
        var below: Set<String> = []
        for (module, imports) in Self.modules {
            for other in imports { #expect(below.contains(other), "\(module) imports \(other), which is not below it") }
            below.insert(module)
        }
    }

    @Test func everyModuleHasItsFloor() throws {
        let known = Set(Self.modules.map(\.module))
        for file in try SourceTree.files("Sources") {
            #expect(known.contains(file.module), "\(file.path)")
            #expect(Self.order.contains(file.floor), "\(file.path)")
        }
        for file in try SourceTree.files("Tests") {
            #expect(file.floor == "House" || Self.order.contains(file.floor), "\(file.path)")
        }
    }

    @Test func noFloorImportsFromAbove() throws {
        let floor = try Self.floorOfModule()
        for (module, imports) in Self.modules {
            guard let own = Self.order.firstIndex(of: floor[module] ?? "") else {
                Issue.record("\(module) is in no folder of Sources")
                continue
            }
            for other in imports {
                let level = Self.order.firstIndex(of: floor[other] ?? "")
                #expect(level.map { $0 <= own } == true, "\(module) imports \(other), which is on a floor above")
            }
        }
    }

    /// The picture in docs/architecture.md is the listing of the folder, and Package.swift says the same.
    @Test func picturesAreTheListing() throws {
        let floor = try Self.floorOfModule()
        let picture = try SourceTree.text("docs/architecture.md")
        let package = try SourceTree.text("Package.swift")
        for name in Self.order.reversed() {
            let modules = Set(floor.filter { $0.value == name }.keys)
            let drawn = picture.matches(of: /\n    ([A-Z][a-z]+) +([^\n]*)/).first { $0.output.1 == name }
            let words = (drawn?.output.2 ?? "").split(separator: " ").map(String.init)
            #expect(Set(words) == modules, "docs/architecture.md draws \(name) with \(words)")
            let row = package.matches(of: /"([A-Z][a-z]+)": \[([^\]]*)\]/).first { $0.output.1 == name }
            let declared = (row?.output.2 ?? "").matches(of: /"([A-Za-z-]+)"/).map { String($0.output.1) }
            #expect(Set(declared) == modules, "Package.swift has \(name) with \(declared)")
        }
    }

    private static func floorOfModule() throws -> [String: String] {
        var result: [String: String] = [:]
        for suffix in [".swift", ".c", "module.modulemap"] {
            for file in try SourceTree.files("Sources", suffix) { result[file.module] = file.floor }
        }
        return result
    }

    @Test func importsAreAllowed() throws {
        let allowed = Dictionary(uniqueKeysWithValues: Self.modules.map { ($0.module, Set($0.imports)) })
        let own = Set(allowed.keys)
        for file in try SourceTree.files("Sources") {
            for name in Self.imports(of: file) {
                // Every module may end the program with a sentence.
                if name == "Trap" { continue }
                if own.contains(name) {
                    #expect(allowed[file.module]?.contains(name) == true, "\(file.path) imports \(name)")
                } else if let outside = Self.outside[file.module] {
                    #expect(outside.contains(name), "\(file.path) imports \(name)")
                }
            }
        }
    }

    /// Package.swift must not let more in than the table.
    @Test func packageDeclaresNoMore() throws {
        let allowed = Dictionary(uniqueKeysWithValues: Self.modules.map { ($0.module, Set($0.imports)) })
        let text = try SourceTree.text("Package.swift")
        let pattern = /(?:module|program)\(\s*"([A-Za-z-]+)",\s*\[([^\]]*)\]/
        let rows = text.matches(of: pattern)
        #expect(rows.count > 10)
        for row in rows {
            let names = row.output.2.matches(of: /"([A-Za-z-]+)"/).map { String($0.output.1) }
            for name in names {
                #expect(allowed[String(row.output.1)]?.contains(name) == true, "\(row.output.1) depends on \(name)")
            }
        }
    }

    private static func imports(of file: SourceFile) -> [String] {
        file.code.compactMap { line in
            let words = line.split(separator: " ")
            guard let position = words.firstIndex(of: "import"), position <= 2, position + 1 < words.count else {
                return nil
            }
            guard words[..<position].allSatisfy({ $0.hasPrefix("@") || $0 == "internal" || $0 == "public" }) else {
                return nil
            }
            let last = words[words.count - 1]
            return String(last.split(separator: ".").first ?? last)
        }
    }
}
