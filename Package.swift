// swift-tools-version: 6.2
// The e-Doc relay: edocd, edocctl, and their tools. The graph of the modules is drawn in docs/architecture.md; a test compares.
import PackageDescription

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    // Modules are borders for readers, not for the optimiser. Exclusive access is checked in the debug build, by which all tests
    // run; traps of arithmetic, bounds and contradictions stay in both. docs/architecture.md, "What the release build leaves out".
    .unsafeFlags(["-cross-module-optimization", "-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioLocks: Target.Dependency = .product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let histogram: Target.Dependency = .product(name: "Histogram", package: "hdrhistogram-swift")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

// The floors, from the top. A module may depend on its own floor and on those below; Tests/House holds this against the folders.
let floors: KeyValuePairs<String, [String]> = [
    "Programs": ["edocd", "edocctl", "edoc-sim", "edoc-bench", "edoc-manual", "edoc-chunk-layout", "edoc-flips"],
    "Node": ["RelayNode", "RelayLink", "RelaySession", "RelaySimulator"],
    "Operators": ["RelayControl", "ControlAPI", "RelayConfiguration", "OpenMetrics"],
    "Documents": ["EdXML"],
    "Core": ["RelayEngine", "RelayCore", "RelayRouting"],
    "Wire": ["BundleProtocol", "TCPCL", "Editions", "OpenSSLTLS", "OpenSSLCMS"],
    "Store": ["RelayStore", "RelayRows", "LMDB"],
    "Base": ["RelayModel", "Journal", "RelayLanguage", "Language", "Monotonic", "Listening", "Trap"],
    "System": ["CLMDB", "COpenSSL", "CExpat", "CChecksum", "CLinux"],
]
// Tests that stand for no single module.
let ensembles = [
    "TestNetwork": "Programs", "IntegrationTests": "Programs", "CrashTests": "Programs", "SimulationTests": "Node",
    "BenchTests": "Programs", "TidyTests": "House",
]

func floor(of module: String) -> String {
    guard let floor = floors.first(where: { $0.value.contains(module) }) else { fatalError("\(module) has no floor") }
    return floor.key
}
func source(_ name: String) -> String { "Sources/\(floor(of: name))/\(name)" }
func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    // Every module may end the program with a sentence.
    .target(
        name: name, dependencies: name == "Trap" ? dependencies : dependencies + ["Trap"], path: source(name),
        swiftSettings: strict)
}
func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies + ["Trap"], path: source(name), swiftSettings: strict)
}
func tests(_ name: String, excluding: [String] = [], _ dependencies: [Target.Dependency]) -> Target {
    let folder = ensembles[name] ?? floor(of: String(name.dropLast("Tests".count)))
    return .testTarget(
        name: name, dependencies: dependencies, path: "Tests/\(folder)/\(name)", exclude: excluding,
        swiftSettings: strict)
}

let package = Package(
    name: "edoc-relay",
    products: [
        .executable(name: "edocd", targets: ["edocd"]),
        .executable(name: "edocctl", targets: ["edocctl"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", .upToNextMinor(from: "2.101.2")),
        .package(url: "https://github.com/apple/swift-log", .upToNextMinor(from: "1.16.2")),
        .package(url: "https://github.com/apple/swift-argument-parser", .upToNextMinor(from: "1.8.2")),
        .package(url: "https://github.com/hummingbird-project/hummingbird", .upToNextMinor(from: "2.28.1")),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", .upToNextMinor(from: "2.13.0")),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", .upToNextMinor(from: "0.2.0")),
        .package(url: "https://github.com/jpsim/Yams", .upToNextMinor(from: "6.2.2")),
    ],
    targets: [
        // System libraries and what Swift cannot import of them.
        .systemLibrary(name: "CLMDB", path: source("CLMDB"), pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
        .systemLibrary(
            name: "COpenSSL", path: source("COpenSSL"), pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(
            name: "CExpat", path: source("CExpat"), pkgConfig: "expat", providers: [.apt(["libexpat1-dev"])]),
        .target(name: "CChecksum", path: source("CChecksum")),
        .target(name: "CLinux", path: source("CLinux")),

        module("Trap", ["CLinux"]),

        // Values and codecs: no I/O.
        module("Language", []),
        module("RelayLanguage", ["Language"]),
        module("OpenMetrics", []),
        module("RelayModel", []),
        module("RelayRouting", ["RelayModel"]),
        module("RelayRows", ["RelayModel", "CChecksum"]),
        module("BundleProtocol", ["RelayModel", "CChecksum", nioCore]),
        module("TCPCL", ["RelayModel", nioCore]),
        module("EdXML", ["RelayModel", "CExpat"]),
        module("Editions", ["RelayModel"]),

        // The decisions.
        module("RelayCore", ["RelayModel", "RelayRouting", "RelayRows"]),
        module("RelayEngine", ["RelayModel", "RelayRows", "RelayCore", "RelayStore", "BundleProtocol", nioCore]),
        module(
            "RelaySession",
            ["RelayModel", "RelayCore", "RelayEngine", "TCPCL", "BundleProtocol", "OpenSSLTLS", nioCore]),

        // The shells: disk, TLS, links, control.
        module("LMDB", ["CLMDB"]),
        module("RelayStore", ["RelayModel", "RelayRows", "LMDB", "CChecksum", "Monotonic", nioCore, nioLocks]),
        module("OpenSSLTLS", ["RelayModel", "COpenSSL", nioCore]),
        module("OpenSSLCMS", ["RelayModel", "COpenSSL", "OpenSSLTLS"]),
        module(
            "RelayLink",
            [
                "RelayModel", "RelayRows", "RelayCore", "RelayEngine", "RelaySession", "RelayStore", "TCPCL",
                "BundleProtocol", "OpenSSLTLS", "Listening", nioCore, nioPosix,
            ]),
        module("RelayConfiguration", ["RelayModel", "RelayRouting", yams]),
        module("ControlAPI", []),
        module("Monotonic", []),
        module("Listening", [nioCore]),
        module("Journal", ["CLinux", "Monotonic", logging]),
        module(
            "RelayControl",
            [
                "ControlAPI", "RelayModel", "RelayRows", "RelayRouting", "RelayCore", "RelayEngine", "RelayStore",
                "RelayConfiguration", "EdXML", "CExpat", "OpenSSLTLS", "OpenMetrics", "Listening", hummingbird,
                hummingbirdCore,
                lifecycle,
                nioCore, nioPosix, nioLocks, logging,
            ]),
        module(
            "RelayNode",
            [
                "RelayModel", "RelayRouting", "RelayRows", "RelayCore", "RelayEngine", "RelaySession", "RelayStore",
                "RelayLink", "RelayConfiguration", "RelayControl", "ControlAPI", "OpenSSLTLS", "CLinux", "Journal",
                "Monotonic", "Listening", nioCore, nioPosix, nioLocks, lifecycle, signals, logging,
            ]),
        module(
            "RelaySimulator",
            [
                "RelayModel", "RelayRouting", "RelayRows", "RelayCore", "RelayEngine", "RelaySession", "RelayStore",
                "BundleProtocol", "TCPCL", "OpenSSLTLS", nioCore,
            ]),

        // The programs.
        program(
            "edocd", ["Language", "RelayLanguage", "RelayNode", "RelayConfiguration", "ControlAPI", arguments, logging]),
        program(
            "edocctl",
            [
                "Language", "RelayLanguage", "RelayModel", "ControlAPI", "EdXML", "Editions", "OpenSSLCMS",
                "OpenSSLTLS",
                "RelayControl", "RelayStore",
                arguments,
                nioCore, nioPosix, nioHTTP,
            ]),
        program("edoc-sim", ["RelaySimulator", arguments]),
        program(
            "edoc-bench",
            [
                "RelayNode", "RelaySession", "RelayControl", "RelayModel", "RelayRows", "RelayRouting", "RelayCore",
                "RelayEngine", "RelayStore", "TCPCL", "OpenSSLTLS", "ControlAPI", "CLMDB", arguments, nioCore,
                histogram,
            ]),
        program("edoc-manual", ["Language"]),
        program(
            "edoc-flips",
            [
                "RelayModel", "RelayRouting", "RelayRows", "RelayCore", "RelayEngine", "RelayStore", "OpenSSLTLS",
                arguments,
                nioCore,
            ]),
        program("edoc-chunk-layout", ["RelayRows", "RelayStore"]),

        // Tests.
        tests("TrapTests", ["Trap"]),
        tests("LanguageTests", ["Language", "RelayLanguage"]),
        tests("RelayModelTests", ["RelayModel"]),
        tests("BundleProtocolTests", ["BundleProtocol", "RelayModel", "CChecksum", nioCore]),
        tests("TCPCLTests", ["TCPCL", "RelayModel", nioCore]),
        tests("OpenMetricsTests", ["OpenMetrics"]),
        tests("JournalTests", ["Journal", "Monotonic", "TestNetwork", logging]),
        tests("EdXMLTests", ["EdXML", "RelayModel"]),
        tests("EditionsTests", ["Editions", "RelayModel"]),
        tests("RelayConfigurationTests", ["RelayConfiguration", "RelayRouting", "RelayModel"]),
        tests("LMDBTests", ["LMDB"]),
        tests("RelayStoreTests", ["RelayStore", "RelayRows", "LMDB", "RelayModel", nioCore, nioLocks]),
        tests("OpenSSLTLSTests", ["OpenSSLTLS", "RelayModel", nioCore, nioPosix, nioEmbedded]),
        tests("OpenSSLCMSTests", ["OpenSSLCMS", "RelayModel"]),
        tests(
            "RelayCoreTests",
            ["RelaySimulator", "RelayCore", "RelayEngine", "RelayStore", "RelayRows", "RelayModel", "OpenSSLTLS"]),
        tests("SimulationTests", ["RelaySimulator"]),
        tests(
            "RelaySessionTests",
            [
                "RelaySession", "RelayModel", "RelayEngine", "RelayCore", "TCPCL", "BundleProtocol", "OpenSSLTLS",
                nioCore,
            ]),
        tests(
            "RelayLinkTests",
            [
                "RelayLink", "RelaySession", "RelayModel", "RelayRows", "RelayEngine", "RelayCore", "RelayStore",
                "TCPCL",
                "BundleProtocol", "OpenSSLTLS", nioCore, nioPosix,
            ]),
        tests(
            "RelayNodeTests",
            [
                "RelayNode", "RelayModel", "RelayRows", "RelayCore", "RelayEngine", "RelayStore", "RelayControl",
                "RelayConfiguration", "ControlAPI", "TestNetwork", nioCore, nioPosix, nioLocks, logging,
            ]),
        tests(
            "RelayControlTests",
            [
                "RelayControl", "ControlAPI", "RelayEngine", "RelayStore", "RelayCore", "RelayConfiguration",
                "RelayRouting",
                "RelayRows", "RelayModel", "EdXML", "OpenSSLTLS", "edocctl", nioCore, logging, lifecycle,
            ]),
        .target(
            name: "TestNetwork",
            dependencies: [
                "ControlAPI", "RelayModel", "RelayControl", "RelayNode", "TCPCL", "BundleProtocol", "OpenSSLTLS",
                nioCore,
                nioPosix,
            ],
            path: "Tests/Programs/TestNetwork", swiftSettings: strict),
        tests(
            "IntegrationTests", excluding: ["Stores"],
            [
                "Language", "RelayLanguage", "TestNetwork", "ControlAPI", "RelayModel", "RelayControl", "RelayNode",
                "TCPCL",
                "BundleProtocol", "OpenSSLTLS",
                "LMDB", "RelayRows",
                nioCore,
                nioPosix,
            ]),
        tests("CrashTests", ["TestNetwork", "ControlAPI", "RelayModel", "BundleProtocol", "OpenSSLTLS", nioCore]),
        tests("BenchTests", ["edoc-bench"]),
        tests("TidyTests", []),
    ]
)
