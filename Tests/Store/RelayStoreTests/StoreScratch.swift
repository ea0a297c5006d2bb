// What the store's tests share: a directory that goes away, small stores, a seeded generator, and rows by name.

import Glibc
import RelayRows

@testable import RelayStore

/// A directory that is removed with the store in it.
final class StoreScratch {
    let path: String

    init() {
        var template = Array("/tmp/store-tests-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "No temporary directory.")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for file in ["data.mdb", "lock.mdb", "owner.lock", "ballast", StopNote.name] { unlink("\(path)/\(file)") }
        rmdir(path)
    }
}

extension StoreSettings {
    /// A store of a few MiB.
    static func small(mapBytes: UInt64 = 32 << 20, node: String = "dtn://test/") -> StoreSettings {
        var settings = StoreSettings(node: node)
        settings.mapBytes = mapBytes
        settings.growthBytes = 4 << 20
        settings.aheadBytes = 2 << 20
        settings.reserveBytes = 2 << 20
        settings.ballastBytes = 1 << 20
        return settings
    }
}

/// Both bodies, by name.
enum Body: CaseIterable, Sendable {
    case lmdb
    case memory

    func make(in scratch: StoreScratch) throws -> any DurableStore {
        switch self {
        case .lmdb: try LMDBStore(directory: scratch.path, settings: .small())
        case .memory: MemoryStore(capacityBytes: 32 << 20, reserveBytes: 2 << 20)
        }
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
}

func withBytes<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try Array(text.utf8).withUnsafeBytes(body)
}

func text(_ bytes: UnsafeRawBufferPointer?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

extension RowReader {
    func text(_ table: Table, _ key: String) -> String? { withBytes(key) { RelayStoreTests.text(value(table, $0)) } }

    /// All rows of a table, in order.
    func all(_ table: Table) -> [[[UInt8]]] {
        var rows: [[[UInt8]]] = []
        scan(table, from: UnsafeRawBufferPointer(start: nil, count: 0)) { key, value in
            rows.append([Array(key), Array(value)])
            return true
        }
        return rows
    }
}

extension RowTransaction {
    func put(_ table: Table, _ key: String, _ value: String) {
        withBytes(key) { key in withBytes(value) { put(table, key, $0) } }
    }

    @discardableResult
    func delete(_ table: Table, _ key: String) -> Bool { withBytes(key) { delete(table, $0) } }
}

extension CommitResult {
    var isDurable: Bool { if case .durable = self { true } else { false } }
    var isUnchanged: Bool { if case .unchanged = self { true } else { false } }
    var isFull: Bool { if case .full = self { true } else { false } }
    var isFatal: Bool { if case .fatal = self { true } else { false } }
}
