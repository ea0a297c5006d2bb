// SalvageTests: what comes out of a store whose leaves say wrong things of themselves: the rows that lie on them are whole all the same, and
// come over; what has been removed does not come back.

import Glibc
import RelayRows
import RelayStore
import Testing

@Suite struct SalvageTests {
    private let scratch = StoreScratch()
    private let target = StoreScratch()
    private static let rows: UInt64 = 2_000

    /// Where the head, or the first pointer, of every leaf has another bit.
    struct Damage: Sendable, CustomTestStringConvertible {
        var what: String
        var byte: Int
        var mask: UInt8
        var testDescription: String { what }
    }
    static let damages = [
        Damage(what: "number of the page", byte: 2, mask: 1), Damage(what: "kind of page", byte: 10, mask: 4),
        Damage(what: "end of the pointers, far", byte: 13, mask: 0x80),
        Damage(what: "end of the pointers, near", byte: 12, mask: 8),
        Damage(what: "begin of the rows, far", byte: 15, mask: 0x40),
        Damage(what: "begin of the rows, near", byte: 14, mask: 0x20),
        Damage(what: "a pointer", byte: 17, mask: 0x10), Damage(what: "a pointer, beyond", byte: 17, mask: 0x80),
    ]

    private func number(_ value: UInt64) -> [UInt8] {
        var out = RowWriter()
        out.number(value)
        return out.record()
    }

    private func change(_ body: ([UInt8], Int32) -> Void) {
        let file = open(scratch.path + "/data.mdb", O_RDWR)
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 4 << 20)
        bytes.removeLast(bytes.count - max(pread(file, &bytes, bytes.count, 0), 0))
        body(bytes, file)
    }

    /// The rows of the table in what was salvaged.
    private func salvaged() throws -> (numbers: [UInt64], result: SalvageResult) {
        unlink(target.path + "/data.mdb")
        let result = try StoreSalvage.run(
            directory: scratch.path, to: target.path + "/data.mdb", node: "dtn://test/")
        let numbers = try StillStore(directory: target.path).read { rows in
            var found: [UInt64] = []
            rows.scan(.counter, prefix: RowKey()) { key, value in
                guard key.count == 8, var row = RowCursor(value), row.number() == key.number(at: 0) * 3 else {
                    return true
                }
                found.append(key.number(at: 0))
                return true
            }
            return found
        }
        return (numbers, result)
    }

    @Test(arguments: damages) func rowsOfDamagedLeavesComeOver(_ damage: Damage) throws {
        do {
            let store = try LMDBStore(directory: scratch.path, settings: .small())
            #expect(
                store.batch { for n in 1...Self.rows { $0.put(.counter, RowKey(n), number(n * 3)) } }.isDurable)
        }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        var changed = 0
        change { bytes, file in
            for place in stride(from: 2 * page, to: bytes.count, by: page)
            where bytes[place + 10] == 2 && bytes[place + 11] == 0 {
                var byte = bytes[place + damage.byte] ^ damage.mask
                changed += pwrite(file, &byte, 1, off_t(place + damage.byte))
            }
        }
        #expect(changed > 10)
        let (numbers, result) = try salvaged()
        #expect(numbers == Array(1...Self.rows), "\(numbers.count) of \(Self.rows): \(result)")
        #expect(result.badPages > 0)
    }

    /// A length in the middle of a leaf: that row is lost, and no other.
    @Test func oneRowWithAWrongLength() throws {
        do {
            let store = try LMDBStore(directory: scratch.path, settings: .small())
            #expect(
                store.batch { for n in 1...Self.rows { $0.put(.counter, RowKey(n), number(n * 3)) } }.isDurable)
        }
        let key = RowKey(UInt64(1_000)).bytes
        var changed = 0
        change { bytes, file in
            for place in 8..<(bytes.count - key.count) where Array(bytes[place..<place + 8]) == key {
                // The length of its value, in front of its key.
                var byte = bytes[place - 8] ^ 0x40
                changed += pwrite(file, &byte, 1, off_t(place - 8))
            }
        }
        #expect(changed > 0)
        let (numbers, result) = try salvaged()
        let lost = Set(1...Self.rows).subtracting(numbers)
        #expect(lost.contains(1_000) && lost.count <= 2, "\(lost) \(result)")
    }

    /// What was removed may still stand in the gap of a page; it stays gone.
    @Test func removedRowsStayGone() throws {
        do {
            let store = try LMDBStore(directory: scratch.path, settings: .small())
            #expect(
                store.batch { for n in 1...Self.rows { $0.put(.counter, RowKey(n), number(n * 3)) } }.isDurable)
            #expect(
                store.batch { for n in 1...Self.rows where n % 3 == 0 { $0.delete(.counter, RowKey(n)) } }.isDurable)
        }
        // The leaves of the table as it is now: those with one of the rows that are left, and none that the removal has freed.
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let kept = RowKey(UInt64(1_000)).bytes
        let gone = RowKey(UInt64(999)).bytes
        var changed = 0
        change { bytes, file in
            for place in stride(from: 2 * page, to: bytes.count, by: page)
            where bytes[place + 10] == 2 && bytes[place + 11] == 0 {
                let upper = Int(bytes[place + 14]) | Int(bytes[place + 15]) << 8
                let rows = Array(bytes[place + upper..<place + page])
                guard Self.contains(rows, kept), !Self.contains(rows, gone) else { continue }
                var byte = bytes[place + 13] ^ 0x80
                changed += pwrite(file, &byte, 1, off_t(place + 13))
            }
        }
        #expect(changed == 1)
        let (numbers, result) = try salvaged()
        #expect(numbers == (1...Self.rows).filter { $0 % 3 != 0 }, "\(numbers.count) \(result)")
        #expect(result.badPages == 1 && result.strayRows > 10)
    }

    private static func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        bytes.indices.dropLast(part.count - 1).contains { bytes[$0..<$0 + part.count].elementsEqual(part) }
    }
}
