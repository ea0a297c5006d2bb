// Random operations, from seeds, against a dictionary: both bodies must hold what it holds, the durable one across
// openings.

import RelayRows
import RelayStore
import Testing

@Suite struct ModelTests {
    private typealias Model = [Table: [[UInt8]: [UInt8]]]
    private static let tables: [Table] = [.queue, .chunk, .meta]

    private enum Operation {
        case put(Table, [UInt8], [UInt8])
        case delete(Table, [UInt8])
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func bothBodiesHoldWhatADictionaryHolds(seed: UInt64) throws {
        let scratch = StoreScratch()
        var random = SplitMix(state: seed)
        var model: Model = [:]
        let memory = MemoryStore()
        var durable = try LMDBStore(directory: scratch.path, settings: .small(mapBytes: 64 << 20))
        for round in 0..<120 {
            let operations = (0..<Int.random(in: 0...60, using: &random)).map { _ in operation(&random) }
            let next = apply(operations, to: model)
            let isLost = random.next() % 8 == 0
            if isLost { memory.nextCommit = .crashBefore }
            let inMemory = memory.batch { self.apply(operations, to: $0) }
            memory.nextCommit = .durable
            if isLost && !inMemory.isUnchanged {
                #expect(inMemory.isFatal)
            } else {
                let onDisk = durable.batch { self.apply(operations, to: $0) }
                #expect(onDisk.released == inMemory.released)
                #expect(onDisk.isUnchanged == inMemory.isUnchanged)
                model = next
            }
            if round % 10 == 9 {
                try compare(memory, model)
                try compare(durable, model)
            }
            if random.next() % 20 == 0 { durable = try reopened(&durable, scratch) }
        }
        try compare(try reopened(&durable, scratch), model)
    }

    /// The old store has to be gone before the new one can have its lock.
    private func reopened(_ store: inout LMDBStore, _ scratch: StoreScratch) throws -> LMDBStore {
        let elsewhere = StoreScratch()
        store = try LMDBStore(directory: elsewhere.path, settings: .small())
        return try LMDBStore(directory: scratch.path, settings: .small(mapBytes: 64 << 20))
    }

    private func operation(_ random: inout SplitMix) -> Operation {
        let table = Self.tables[Int(random.next() % 3)]
        let key = Array("key \(random.next() % 300)".utf8)
        if random.next() % 3 == 0 { return .delete(table, key) }
        let size = random.next() % 10 == 0 ? 30_000 : 300
        var value = random.bytes(Int(random.next() % UInt64(size)))
        // What begins like a record and is none is not read as it was written.
        if !value.isEmpty { value[0] |= 0x80 }
        return .put(table, key, value)
    }

    private func apply(_ operations: [Operation], to model: Model) -> Model {
        var model = model
        for operation in operations {
            switch operation {
            case .put(let table, let key, let value): model[table, default: [:]][key] = value
            case .delete(let table, let key): model[table, default: [:]][key] = nil
            }
        }
        return model
    }

    /// Answers which deletions found a row.
    private func apply(_ operations: [Operation], to rows: any RowTransaction) -> [Bool] {
        operations.map { operation in
            switch operation {
            case .put(let table, let key, let value):
                key.withUnsafeBytes { key in value.withUnsafeBytes { rows.put(table, key, $0) } }
                return true
            case .delete(let table, let key):
                return key.withUnsafeBytes { rows.delete(table, $0) }
            }
        }
    }

    private func compare(_ store: any DurableStore, _ model: Model) throws {
        for table in Self.tables {
            let expected = (model[table] ?? [:]).sorted { $0.key.lexicographicallyPrecedes($1.key) }
            // A durable store has two facts of its own in its meta table.
            let own = [RowKey(text: "schema").bytes, RowKey(text: "node").bytes]
            let found = try store.read { $0.all(table) }.filter { !own.contains($0[0]) }
            #expect(found.map { $0[0] } == expected.map(\.key))
            #expect(found.map { $0[1] } == expected.map(\.value))
            if table != .meta { #expect(try store.read { $0.count(table) } == UInt64(expected.count)) }
        }
    }
}
