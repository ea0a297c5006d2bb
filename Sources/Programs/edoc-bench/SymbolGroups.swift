// SymbolGroups: to which kind of work a sample of the processor belongs, by the function in which it was taken and, inside the
// kernel, by what it was called for. Names of functions of Swift are read mangled: their endings tell what the compiler made.

/// What is in a row of the table.
enum WorkGroup: String, CaseIterable, Sendable {
    case copies = "memmove, memset"
    case own = "own code"
    case references = "retain, release"
    case lmdb = "LMDB"
    case allocations = "malloc, free"
    case structs = "copies and destroys of structs"
    case security = "TLS, SHA-256"
    case kernelSync = "kernel: sync"
    case kernelPages = "kernel: page writes"
    case kernelSockets = "kernel: sockets"
    case kernelRest = "kernel: rest"
    case strings = "strings"
    case bundles = "bundle codec"
    case session = "session codec"
    case rows = "row codec"
    case exclusivity = "exclusivity"
    case hashing = "hashing, dictionaries"
    case nio = "NIO"
    case checksum = "CRC"
    case metadata = "metadata"
    case locks = "locks"
    case rest = "rest"
}

/// One function in the stack of a sample.
struct StackFrame: Sendable {
    var symbol: String
    /// The file that it is from; in brackets for the kernel.
    var object: String
}

enum SymbolGroups {
    /// The frame in which the sample was taken comes first.
    static func group(of stack: [StackFrame]) -> WorkGroup {
        guard let leaf = stack.first else { return .rest }
        if isKernel(leaf) { return kernelGroup(stack) }
        let object = leaf.object.split(separator: "/").last.map(String.init) ?? ""
        if object.hasPrefix("liblmdb") { return .lmdb }
        if object.hasPrefix("libcrypto") || object.hasPrefix("libssl") { return .security }
        if object.hasPrefix("libc.") || object.hasPrefix("libc-") || object.hasPrefix("ld-") {
            return libraryGroup(leaf.symbol)
        }
        return leaf.symbol.hasPrefix("$s") ? swiftGroup(leaf.symbol) : runtimeGroup(leaf.symbol)
    }

    private static func isKernel(_ frame: StackFrame) -> Bool {
        frame.object.hasPrefix("[") && frame.object != "[vdso]"
    }

    private static func kernelGroup(_ stack: [StackFrame]) -> WorkGroup {
        let names = stack.prefix(while: isKernel).map(\.symbol)
        func has(_ parts: String...) -> Bool { names.contains { name in parts.contains { name.contains($0) } } }
        if has("fsync", "sync_file", "fdatawrite", "sync_range") { return .kernelSync }
        if has("sock", "tcp_", "epoll", "inet_", "skb", "net_rx") { return .kernelSockets }
        if has("ext4", "filemap", "folio", "generic_perform_write", "vfs_write", "iomap", "xfs_", "btrfs") {
            return .kernelPages
        }
        return .kernelRest
    }

    private static func libraryGroup(_ symbol: String) -> WorkGroup {
        if ["memmove", "memcpy", "memset", "memcmp"].contains(where: symbol.contains) { return .copies }
        if ["malloc", "free", "calloc", "realloc", "memalign", "unlink_chunk", "tcache", "sysmalloc", "systrim"]
            .contains(where: symbol.contains)
        {
            return .allocations
        }
        return symbol.contains("pthread") || symbol.contains("lll_") ? .locks : .rest
    }

    /// Functions of the runtime, of C and C++.
    private static func runtimeGroup(_ symbol: String) -> WorkGroup {
        if symbol.contains("etain") || symbol.contains("elease") || symbol.contains("RefCount")
            || symbol.contains("UniquelyReferenced")
        {
            return .references
        }
        if symbol.contains("Access") { return .exclusivity }
        if ["alloc", "Alloc", "malloc", "free", "operator new", "operator delete"].contains(where: symbol.contains) {
            return .allocations
        }
        if ["etadata", "Witness", "Conform", "TypeBy", "getGeneric", "Mangl", "dynamicCast"]
            .contains(where: symbol.contains)
        {
            return .metadata
        }
        if symbol.contains("crc32") { return .checksum }
        if ["swift_arrayInit", "swift_arrayDestroy", "swift_arrayAssign", "swift_cvw", "swift_value"]
            .contains(where: symbol.contains)
        {
            return .structs
        }
        return .rest
    }

    /// What the compiler makes of copies and destroys of structs: outlined functions, and functions in the tables of a type.
    private static let structEndings = ["WOb", "WOc", "WOd", "WOe", "WOf", "WOh", "WOi", "WOy"]
    private static let referenceEndings = ["WOr", "WOs"]
    private static let witnessEndings = [
        "wcp", "wxx", "wca", "wta", "wtk", "wst", "wet", "wup", "wui", "wug", "wCP", "wTK",
    ]
    private static let metadataEndings = ["Ma", "Mr", "WL", "Wl", "MD", "Mi"]
    private static let library: [(part: String, group: WorkGroup)] = [
        ("s6HasherV", .hashing), ("Dictionary", .hashing), ("$sSD", .hashing), ("$sSh", .hashing),
        ("NativeSet", .hashing), ("SipHash", .hashing), ("RawSetStorage", .hashing), ("$sSS", .strings),
        ("$sSs", .strings), ("String", .strings), ("Unicode", .strings), ("Character", .strings),
    ]
    private static let modules: [(part: String, group: WorkGroup)] = [
        ("14BundleProtocol", .bundles), ("5TCPCL", .session), ("9RelayRows", .rows), ("10OpenSSLTLS", .security),
        ("4LMDB", .lmdb), ("7NIOCore", .nio), ("8NIOPosix", .nio), ("10NIOHTTP1", .nio), ("8_NIOBase", .nio),
    ]

    private static func swiftGroup(_ symbol: String) -> WorkGroup {
        func ends(_ endings: [String]) -> Bool { endings.contains { symbol.hasSuffix($0) } }
        if ends(structEndings) || ends(witnessEndings) { return .structs }
        if ends(referenceEndings) { return .references }
        if ends(metadataEndings) { return .metadata }
        let name = symbol.dropFirst(2)
        // The module of the function itself comes first; of what it was specialised for, later.
        if let module = modules.first(where: { name.hasPrefix($0.part) }) { return module.group }
        if name.first?.isNumber ?? false { return .own }
        return library.first { symbol.contains($0.part) }?.group ?? .rest
    }
}

/// The words of `perf script`: for each sample a line with the process, a line for each function, and an empty one.
struct SampleReader {
    private(set) var samples: [Int32: [WorkGroup: Int]] = [:]
    private(set) var functions: [Int32: [String: Int]] = [:]
    private var process: Int32?
    private var stack: [StackFrame] = []

    mutating func read(_ line: Substring) {
        let words = line.split(separator: " ", omittingEmptySubsequences: true)
        if words.isEmpty { return finish() }
        if line.first?.isWhitespace ?? false, process != nil, words.count >= 2, let object = words.last,
            object.hasPrefix("(")
        {
            let file = String(object.dropFirst().dropLast())
            // Behind the address stands, outside of the kernel, the place in the file.
            let hasPlace = !file.hasPrefix("[") && words.count > 3 && words[1].allSatisfy(\.isHexDigit)
            let symbol = words[(hasPlace ? 2 : 1)..<(words.count - 1)].joined(separator: " ")
            stack.append(StackFrame(symbol: symbol, object: file))
        } else {
            finish()
            process = words.lazy.compactMap { Int32($0) }.first
        }
    }

    mutating func finish() {
        defer {
            stack = []
            process = nil
        }
        guard let process, let leaf = stack.first else { return }
        samples[process, default: [:]][SymbolGroups.group(of: stack), default: 0] += 1
        functions[process, default: [:]][leaf.symbol, default: 0] += 1
    }
}
