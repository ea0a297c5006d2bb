// CountedWork: what programs under Scripts/counters.c have counted, read from the file that they share with whoever asked. The layout
// is told there. Counts of one program run by one thread are exact; of a daemon they are those of all its threads.

import FoundationEssentials
import Glibc

/// The counts of one slot at a moment, or between two.
struct CountedWork: Sendable, Equatable {
    enum Total: Int, CaseIterable, Sendable {
        case allocations, allocatedBytes, copies, copiedBytes, clearedBytes, retains, releases, accessChecks, rowReads
        case writesBegun, commits, syncs, fileWrites, fileBytes
    }
    var totals = [UInt64](repeating: 0, count: Total.allCases.count)
    /// By the name of the table.
    var put: [String: UInt64] = [:]
    var deleted: [String: UInt64] = [:]
    var putBytes: [String: UInt64] = [:]

    subscript(_ total: Total) -> UInt64 { totals[total.rawValue] }
    var rowsPut: UInt64 { put.values.reduce(0, +) }
    var rowsDeleted: UInt64 { deleted.values.reduce(0, +) }
    var rowBytes: UInt64 { putBytes.values.reduce(0, +) }

    func since(_ before: CountedWork) -> CountedWork {
        var result = self
        for index in totals.indices { result.totals[index] -= before.totals[index] }
        for (name, number) in before.put { result.put[name, default: number] -= number }
        for (name, number) in before.deleted { result.deleted[name, default: number] -= number }
        for (name, number) in before.putBytes { result.putBytes[name, default: number] -= number }
        return result
    }
}

/// The file, mapped.
final class SharedCounts: @unchecked Sendable {
    // @unchecked: a mapping of numbers that programs change while they are read here; each number is whole.
    private let base: UnsafeMutableRawPointer
    private static let tables = 32
    private static let names = 512
    private static let slots = names + tables * 32
    private static let slotBytes = (32 + 3 * tables) * 8
    private static let bytes = slots + 4 * slotBytes

    /// Maps what is there; makes it when asked to.
    init(_ path: String, makes: Bool) throws {
        let file = open(path, O_RDWR | O_CLOEXEC | (makes ? O_CREAT | O_TRUNC : 0), 0o600)
        guard file >= 0 else { throw BenchFailure("\(path): \(String(cString: strerror(errno)))") }
        defer { close(file) }
        guard !makes || ftruncate(file, off_t(Self.bytes)) == 0,
            let place = mmap(nil, Self.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), place != MAP_FAILED
        else { throw BenchFailure("\(path): \(String(cString: strerror(errno)))") }
        base = place
    }

    deinit { munmap(base, Self.bytes) }

    /// Into which slot the program counts from now on.
    var slot: Int {
        get { Int(base.load(as: UInt64.self)) }
        set { base.storeBytes(of: UInt64(newValue), as: UInt64.self) }
    }

    /// All counts are zero again; the names of the tables stay.
    func forget() { memset(base + Self.slots, 0, 4 * Self.slotBytes) }

    func read(_ slot: Int = 0) -> CountedWork {
        var work = CountedWork()
        let start = Self.slots + slot * Self.slotBytes
        func number(_ index: Int) -> UInt64 { base.load(fromByteOffset: start + index * 8, as: UInt64.self) }
        for index in work.totals.indices { work.totals[index] = number(index) }
        for table in 0..<Self.tables {
            let name = UnsafeRawBufferPointer(start: base + Self.names + table * 32, count: 32).prefix { $0 != 0 }
            let text = name.isEmpty ? "-" : String(decoding: name, as: UTF8.self)
            work.put[text, default: 0] += number(32 + table)
            work.deleted[text, default: 0] += number(32 + Self.tables + table)
            work.putBytes[text, default: 0] += number(32 + 2 * Self.tables + table)
        }
        return work
    }
}

/// The library that counts, compiled for one run of the benchmark.
struct CountingLibrary: Sendable {
    let library: String

    /// The toolchain's compiler knows how Swift counts references.
    init(_ place: Place) throws {
        guard let source = place.counters else { throw BenchFailure("--counters must name Scripts/counters.c") }
        library = place.directory + "/counters.so"
        try Child.run(
            ["clang", "-O2", "-fno-builtin", "-shared", "-fPIC", "-o", library, source, "-ldl"],
            output: place.directory + "/counters.log")
    }

    /// A program that counts into a file; its tables have the same order in each run.
    func words(_ program: [String], counts: String) -> [String] {
        ["env", "LD_PRELOAD=\(library)", "EDOC_COUNTS=\(counts)", "SWIFT_DETERMINISTIC_HASHING=1"] + program
    }
}
