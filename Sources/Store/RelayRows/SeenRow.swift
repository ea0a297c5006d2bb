// SeenRow: which of 4,096 counters of one source and recipient have arrived here, and beside each a keyed hash that tells the bundle
// that arrived from another one under its number: a counter alone says nothing of content, and a false duplicate is a loss.
//
// What 0.3 has written has no hash: a list of offsets while they are few, a bitmap when dense. It stays readable. Beside it stand the
// pairs of offset (2 bytes) and hash (8 bytes). When they are many they are parted, so that no arrival rewrites a long row: into 16
// rows, each of 256 counters, whose key has one byte more. All rows of a block are read and written here. An unreadable one is nil.

import RelayModel

/// What the memory says of an offered bundle.
public enum SeenAnswer: Sendable, Hashable {
    case unknown
    /// That very one has arrived.
    case same
    /// Another one has arrived under its number.
    case other
    /// One has arrived under its number, and there is no hash of it.
    case unhashed
}

public struct SeenRow: Sendable {
    /// Days of relay time at the last change, so that old rows can be dropped.
    public private(set) var day: UInt64
    private var offsets: [UInt16]
    private var bitmap: [UInt64]
    /// Which key the hashes were made with.
    private var keyIdentity: UInt16 = 0
    private var marks: [(offset: UInt16, hash: UInt64)] = []
    /// The pairs are in rows of their own, by offset ÷ 256.
    public private(set) var isParted = false

    public static let counters: UInt32 = 4_096
    static let countersOfPart: UInt32 = 256
    /// Beyond this many a bitmap (512 bytes) is smaller than the list.
    private static let listMax = 256
    /// Offset and hash.
    fileprivate static let markBytes = 10
    /// Beyond this many the pairs are parted.
    fileprivate static let marksMax = 256

    public init() {
        day = 0
        offsets = []
        bitmap = []
    }

    /// Whatever arrived under this counter.
    public func contains(_ counter: UInt32) -> Bool {
        let offset = UInt16(counter % Self.counters)
        return marks.contains { $0.offset == offset } || hasUnhashed(offset)
    }

    private func hasUnhashed(_ offset: UInt16) -> Bool {
        if !bitmap.isEmpty { return bitmap[Int(offset / 64)] & (1 << UInt64(offset % 64)) != 0 }
        return offsets.contains(offset)
    }

    /// Without a hash: what has no number of ours.
    public mutating func insert(_ counter: UInt32, day: UInt64) {
        self.day = max(self.day, day)
        insertUnhashed(UInt16(counter % Self.counters))
    }

    private mutating func insertUnhashed(_ offset: UInt16) {
        if bitmap.isEmpty, offsets.count < Self.listMax {
            if !offsets.contains(offset) { offsets.append(offset) }
            return
        }
        if bitmap.isEmpty {
            bitmap = Array(repeating: 0, count: Int(Self.counters) / 64)
            for old in offsets { bitmap[Int(old / 64)] |= 1 << UInt64(old % 64) }
            offsets = []
        }
        bitmap[Int(offset / 64)] |= 1 << UInt64(offset % 64)
    }

    mutating func insert(_ counter: UInt32, hash: UInt64, _ key: UInt16, day: UInt64) {
        self.day = max(self.day, day)
        if key != keyIdentity {
            // The key is another one: what the old hashes say is not known any more.
            for mark in marks { insertUnhashed(mark.offset) }
            marks = []
            keyIdentity = key
        }
        marks.append((UInt16(counter % Self.counters), hash))
    }

    mutating func touch(_ day: UInt64) { self.day = max(self.day, day) }

    var isFull: Bool { marks.count >= Self.marksMax }

    /// Takes the pairs out, by their parts; from now on they are in rows of their own.
    mutating func part() -> [(part: UInt8, row: SeenRow)] {
        var rows: [UInt8: SeenRow] = [:]
        for mark in marks {
            let part = UInt8(mark.offset / UInt16(Self.countersOfPart))
            var row = rows[part] ?? SeenRow()
            row.day = day
            row.keyIdentity = keyIdentity
            row.marks.append(mark)
            rows[part] = row
        }
        marks = []
        isParted = true
        return rows.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    public func encoded() -> [UInt8] {
        var out = RowWriter(capacity: 64 + offsets.count * 2 + bitmap.count * 8 + marks.count * 10)
        out.number(day)
        out.number(UInt64(offsets.count))
        for offset in offsets { out.short(offset) }
        out.number(UInt64(bitmap.count))
        for word in bitmap { out.long(word) }
        if isParted || !marks.isEmpty {
            out.byte(isParted ? 1 : 0)
            out.short(keyIdentity)
            out.number(UInt64(marks.count))
            out.fields(marks.count * Self.markBytes) { field in
                for index in marks.indices {
                    let place = index * Self.markBytes
                    field.storeBytes(of: marks[index].offset.bigEndian, toByteOffset: place, as: UInt16.self)
                    field.storeBytes(of: marks[index].hash.bigEndian, toByteOffset: place + 2, as: UInt64.self)
                }
            }
        }
        return out.record()
    }

    public init?(record: UnsafeRawBufferPointer) {
        guard var row = RowCursor(record) else { return nil }
        day = row.number()
        offsets = []
        for _ in 0..<row.count() { offsets.append(row.short()) }
        bitmap = []
        let words = row.count()
        guard words == 0 || words == Int(Self.counters) / 64 else { return nil }
        for _ in 0..<words { bitmap.append(row.long()) }
        if !row.isAtEnd {
            isParted = row.byte() & 1 != 0
            keyIdentity = row.short()
            let count = row.count()
            guard let field = row.fields(count, bytes: Self.markBytes) else { return nil }
            // One more is mostly put in.
            marks.reserveCapacity(count + 1)
            for index in 0..<count {
                let place = index * Self.markBytes
                marks.append(
                    (
                        UInt16(bigEndian: field.loadUnaligned(fromByteOffset: place, as: UInt16.self)),
                        UInt64(bigEndian: field.loadUnaligned(fromByteOffset: place + 2, as: UInt64.self))
                    ))
            }
        }
        guard row.isSound else { return nil }
    }
}

extension RowWriter {
    fileprivate mutating func short(_ value: UInt16) {
        byte(UInt8(truncatingIfNeeded: value >> 8))
        byte(UInt8(truncatingIfNeeded: value))
    }
    fileprivate mutating func long(_ value: UInt64) {
        for shift in stride(from: 56, through: 0, by: -8) { byte(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
    }
}

extension RowCursor {
    fileprivate mutating func short() -> UInt16 { UInt16(byte()) << 8 | UInt16(byte()) }
    fileprivate mutating func long() -> UInt64 {
        var word: UInt64 = 0
        for _ in 0..<8 { word = word << 8 | UInt64(byte()) }
        return word
    }
}

/// Where what has arrived of one source, incarnation and recipient under one counter is remembered.
public struct SeenPlace: Sendable {
    public let counter: UInt32
    /// The row of the block, and the one of its part.
    public let block: RowKey
    public let part: RowKey

    public init(_ bundle: BundleID, _ recipient: String) {
        counter = bundle.counter
        block = Keys.seen(
            bundle.source, incarnation: bundle.incarnation, recipient: recipient, block: counter / SeenRow.counters)
        var key = block
        key.append(UInt8(counter % SeenRow.counters / SeenRow.countersOfPart))
        part = key
    }
}

/// A look at a record of `seen` where it lies: an arrival asks for one of hundreds of numbers, and adds one.
private struct SeenGlance {
    private let day: UInt64
    /// What stands between the day and the count of the pairs; of a row that 0.3 has written, less.
    private let middle: UnsafeRawBufferPointer
    private let offsets: UnsafeRawBufferPointer
    private let bitmap: UnsafeRawBufferPointer
    let isParted: Bool
    private let keyIdentity: UInt16
    /// Pairs of offset and hash.
    private let marks: UnsafeRawBufferPointer

    init?(_ record: UnsafeRawBufferPointer) {
        guard var row = RowCursor(record) else { return nil }
        day = row.number()
        let start = row.position
        guard let offsets = row.fields(row.count(), bytes: 2) else { return nil }
        let words = row.count()
        guard words == 0 || words == Int(SeenRow.counters) / 64, let bitmap = row.fields(words, bytes: 8) else {
            return nil
        }
        self.offsets = offsets
        self.bitmap = bitmap
        if row.isAtEnd {
            isParted = false
            keyIdentity = 0
            middle = UnsafeRawBufferPointer(rebasing: record[start..<row.position])
            marks = UnsafeRawBufferPointer(rebasing: record[row.position...])
        } else {
            isParted = row.byte() & 1 != 0
            keyIdentity = UInt16(row.byte()) << 8 | UInt16(row.byte())
            middle = UnsafeRawBufferPointer(rebasing: record[start..<row.position])
            guard let marks = row.fields(row.count(), bytes: SeenRow.markBytes) else { return nil }
            self.marks = marks
        }
        guard row.isSound else { return nil }
    }

    /// The hash beside this counter; nil where there is none.
    private func hash(of offset: UInt16) -> UInt64? {
        let wanted = offset.bigEndian
        var place = 0
        while place < marks.count {
            if marks.loadUnaligned(fromByteOffset: place, as: UInt16.self) == wanted {
                return UInt64(bigEndian: marks.loadUnaligned(fromByteOffset: place + 2, as: UInt64.self))
            }
            place += SeenRow.markBytes
        }
        return nil
    }

    private func hasUnhashed(_ offset: UInt16) -> Bool {
        if !bitmap.isEmpty {
            let word = UInt64(bigEndian: bitmap.loadUnaligned(fromByteOffset: Int(offset / 64) * 8, as: UInt64.self))
            return word & (1 << UInt64(offset % 64)) != 0
        }
        return stride(from: 0, to: offsets.count, by: 2).contains {
            offsets.loadUnaligned(fromByteOffset: $0, as: UInt16.self) == offset.bigEndian
        }
    }

    func contains(_ counter: UInt32) -> Bool {
        let offset = UInt16(counter % SeenRow.counters)
        return hash(of: offset) != nil || hasUnhashed(offset)
    }

    func answer(_ counter: UInt32, _ hash: UInt64, _ key: UInt16) -> SeenAnswer {
        let offset = UInt16(counter % SeenRow.counters)
        if let known = self.hash(of: offset) { return key != keyIdentity ? .unhashed : known == hash ? .same : .other }
        return hasUnhashed(offset) ? .unhashed : .unknown
    }

    /// The record with one number more; nil where more than that changes.
    func record(adding counter: UInt32, hash: UInt64, _ key: UInt16, day: UInt64, isPart: Bool) -> [UInt8]? {
        let count = marks.count / SeenRow.markBytes
        guard count > 0, key == keyIdentity, !isParted, isPart || count < SeenRow.marksMax else { return nil }
        var out = RowWriter(capacity: 24 + middle.count + marks.count + SeenRow.markBytes)
        out.number(max(self.day, day))
        out.fields(middle.count) { $0.copyMemory(from: middle) }
        out.number(UInt64(count + 1))
        out.fields(marks.count + SeenRow.markBytes) { field in
            field.copyMemory(from: marks)
            field.storeBytes(
                of: UInt16(counter % SeenRow.counters).bigEndian, toByteOffset: marks.count, as: UInt16.self)
            field.storeBytes(of: hash.bigEndian, toByteOffset: marks.count + 2, as: UInt64.self)
        }
        return out.record()
    }
}

extension RowReader {
    /// Has anything arrived under this number?
    public func hasSeen(_ place: SeenPlace) -> Bool {
        guard let row = value(.seen, place.block).flatMap({ SeenGlance($0) }) else { return false }
        if row.contains(place.counter) { return true }
        return row.isParted && value(.seen, place.part).flatMap { SeenGlance($0) }?.contains(place.counter) ?? false
    }

    public func seen(_ place: SeenPlace, hash: UInt64, _ key: UInt16) -> SeenAnswer {
        guard let row = value(.seen, place.block).flatMap({ SeenGlance($0) }) else { return .unknown }
        let answer = row.answer(place.counter, hash, key)
        guard answer == .unknown, row.isParted, let part = value(.seen, place.part).flatMap({ SeenGlance($0) })
        else { return answer }
        return part.answer(place.counter, hash, key)
    }
}

extension RowTransaction {
    /// Remembers what was not known. A row that cannot be read begins anew; `aside` is told of it before.
    public func remember(
        _ place: SeenPlace, hash: UInt64, _ key: UInt16, day: UInt64, aside: (RowKey, [UInt8]) -> Void = { _, _ in }
    ) {
        func row(_ key: RowKey) -> SeenRow {
            guard let raw = value(.seen, key) else { return SeenRow() }
            if let row = SeenRow(record: raw) { return row }
            aside(key, [UInt8](raw))
            return SeenRow()
        }
        let known = value(.seen, place.block).flatMap { SeenGlance($0) }
        if let record = known?.record(adding: place.counter, hash: hash, key, day: day, isPart: false) {
            return put(.seen, place.block, record)
        }
        var block = row(place.block)
        if !block.isParted, !block.isFull {
            block.insert(place.counter, hash: hash, key, day: day)
            return put(.seen, place.block, block.encoded())
        }
        if !block.isParted {
            for (number, part) in block.part() {
                var key = place.block
                key.append(number)
                put(.seen, key, part.encoded())
            }
            put(.seen, place.block, block.encoded())
        }
        let part = value(.seen, place.part).flatMap { SeenGlance($0) }
        if let record = part?.record(adding: place.counter, hash: hash, key, day: day, isPart: true) {
            put(.seen, place.part, record)
        } else {
            var part = row(place.part)
            part.insert(place.counter, hash: hash, key, day: day)
            put(.seen, place.part, part.encoded())
        }
        // The block's row is what finds its parts: it goes when the last of them does.
        if block.day < day {
            block.touch(day)
            put(.seen, place.block, block.encoded())
        }
    }
}
