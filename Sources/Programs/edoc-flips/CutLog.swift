// CutLog: what a program did to the data file of a store, as the interposer of Tests/Programs/Interposer/cuts.c has recorded it, and what a
// disk may hold of it when the power fails at one of its records: all that a sync has covered, and of the rest what chance wants, in any
// order and torn at sectors. The record is mapped; the file stands in memory.

import Glibc

struct CutLog: ~Copyable {
    enum Kind: UInt8 {
        case write = 0x57
        case synchronous = 0x44
        case synchronousEnd = 0x64
        case sync = 0x53
        case syncEnd = 0x73
        case truncation = 0x54
        case room = 0x41
        case mark = 0x4b
    }
    struct Entry {
        var kind: Kind
        var thread: UInt64
        var offset: UInt64
        /// Where its data stand in the record.
        var data: Range<Int>
    }
    struct Unreadable: Error, CustomStringConvertible {
        var description: String
    }

    private let bytes: UnsafeRawBufferPointer
    let entries: [Entry]

    private static let headBytes = 32

    init(_ path: String) throws(Unreadable) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Unreadable(description: "\(path) cannot be opened") }
        defer { close(file) }
        let length = Int(lseek(file, 0, SEEK_END))
        guard length > 0, let start = mmap(nil, length, PROT_READ, MAP_PRIVATE, file, 0), start != MAP_FAILED else {
            throw Unreadable(description: "\(path) is empty or cannot be read")
        }
        let mapped = UnsafeRawBufferPointer(start: start, count: length)
        var found: [Entry] = []
        var place = 0
        while place < length {
            guard let entry = Self.entry(mapped, at: place) else {
                munmap(start, length)
                throw Unreadable(description: "\(path) has no record at \(place)")
            }
            found.append(entry)
            place = entry.data.upperBound
        }
        bytes = mapped
        entries = found
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }

    private static func entry(_ bytes: UnsafeRawBufferPointer, at place: Int) -> Entry? {
        guard place + headBytes <= bytes.count, bytes[place..<place + 4].elementsEqual("CUTS".utf8) else { return nil }
        func number(_ offset: Int) -> UInt64 { bytes.loadUnaligned(fromByteOffset: place + offset, as: UInt64.self) }
        let start = place + headBytes
        guard let kind = Kind(rawValue: bytes[place + 4]), let length = Int(exactly: number(24)),
            length <= bytes.count - start
        else { return nil }
        return Entry(kind: kind, thread: number(8), offset: number(16), data: start..<start + length)
    }

    func data(_ entry: Entry) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[entry.data]) }

    func text(_ entry: Entry) -> String { String(decoding: data(entry), as: UTF8.self) }

    /// Adds a mark to a record, whoever else is writing it. False when it cannot be written.
    static func mark(_ text: String, in descriptor: Int32) -> Bool {
        var record: [UInt8] = Array("CUTS".utf8)
        func add(_ number: some FixedWidthInteger) {
            withUnsafeBytes(of: number.littleEndian) { record.append(contentsOf: $0) }
        }
        add(UInt32(Kind.mark.rawValue))
        add(UInt64(0))
        add(UInt64(0))
        add(UInt64(text.utf8.count))
        record += Array(text.utf8)
        return write(descriptor, record, record.count) == record.count
    }
}

/// The disk, up to one record.
struct CutDisk {
    private static let sector = 512

    /// What a sync has covered, or what was written synchronously.
    private var durable: [UInt8] = []
    /// What was asked for since, in the order in which it was: places in the record.
    private var pending: [(order: Int, entry: CutLog.Entry)] = []
    /// Where each thread's call begins that has not returned.
    private var begun: [UInt64: Int] = [:]

    mutating func take(_ index: Int, of log: borrowing CutLog) {
        let entry = log.entries[index]
        switch entry.kind {
        case .write, .truncation, .room: pending.append((index, entry))
        case .synchronous:
            pending.append((index, entry))
            begun[entry.thread] = index
        case .synchronousEnd:
            guard let order = begun.removeValue(forKey: entry.thread),
                let own = pending.first(where: { $0.order == order })
            else { return }
            // What was written to the same place before is written by now or lost.
            settle(log) { $0.order <= order && Self.overlap($0.entry, own.entry) }
        case .sync: begun[entry.thread] = index
        case .syncEnd:
            // What was asked for while it ran may be covered or not.
            guard let order = begun.removeValue(forKey: entry.thread) else { return }
            settle(log) { $0.order < order }
        case .mark: break
        }
    }

    private static func overlap(_ one: CutLog.Entry, _ other: CutLog.Entry) -> Bool {
        let (first, second) = (range(one), range(other))
        return first.lowerBound < second.upperBound && second.lowerBound < first.upperBound
    }

    private static func range(_ entry: CutLog.Entry) -> Range<UInt64> {
        entry.offset..<entry.offset + UInt64(entry.data.count)
    }

    private mutating func settle(
        _ log: borrowing CutLog, _ isCovered: ((order: Int, entry: CutLog.Entry)) -> Bool
    ) {
        for item in pending where isCovered(item) {
            Self.apply(item.entry, log, to: &durable, everySector: true) { true }
        }
        pending.removeAll(where: isCovered)
    }

    /// One of the contents that it may have after a cut here.
    func afterCut(_ log: borrowing CutLog, _ choice: inout FlipChoice) -> [UInt8] {
        var image = durable
        var rest = pending
        var dice = choice
        while !rest.isEmpty {
            let item = rest.remove(at: Int(dice.next(UInt64(rest.count))))
            switch dice.next(3) {
            case 0: continue
            case 1: Self.apply(item.entry, log, to: &image, everySector: true) { true }
            default: Self.apply(item.entry, log, to: &image, everySector: false) { dice.next(2) == 0 }
            }
        }
        choice = dice
        return image
    }

    var pendingCount: Int { pending.count }

    private static func apply(
        _ entry: CutLog.Entry, _ log: borrowing CutLog, to image: inout [UInt8], everySector: Bool,
        _ takesSector: () -> Bool
    ) {
        switch entry.kind {
        case .truncation:
            let length = Int(clamping: entry.offset)
            if image.count > length { image.removeLast(image.count - length) }
            lengthen(&image, length)
        case .room: lengthen(&image, Int(clamping: entry.offset))
        case .write, .synchronous:
            let data = log.data(entry)
            var place = Int(clamping: entry.offset)
            var from = 0
            while from < data.count {
                // Sectors of the disk, not of the call.
                let count =
                    everySector ? data.count : min(sector - place % sector, data.count - from)
                if takesSector() {
                    lengthen(&image, place + count)
                    image.withUnsafeMutableBytes {
                        UnsafeMutableRawBufferPointer(rebasing: $0[place..<place + count])
                            .copyMemory(from: UnsafeRawBufferPointer(rebasing: data[from..<from + count]))
                    }
                }
                place += count
                from += count
            }
        case .synchronousEnd, .sync, .syncEnd, .mark: break
        }
    }

    private static func lengthen(_ image: inout [UInt8], _ length: Int) {
        if image.count < length { image.append(contentsOf: repeatElement(0, count: length - image.count)) }
    }

    /// Writes a content into a file, with holes where it is zero. False when that cannot be done.
    static func write(_ image: [UInt8], to path: String) -> Bool {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { return false }
        defer { close(file) }
        guard ftruncate(file, off_t(image.count)) == 0 else { return false }
        return image.withUnsafeBytes { bytes in
            var place = 0
            while place < bytes.count {
                let part = UnsafeRawBufferPointer(rebasing: bytes[place..<min(place + 65_536, bytes.count)])
                if !isZero(part), pwrite(file, part.baseAddress, part.count, off_t(place)) != part.count {
                    return false
                }
                place += part.count
            }
            return true
        }
    }

    private static func isZero(_ part: UnsafeRawBufferPointer) -> Bool {
        part.first == 0 && part.count > 0 && memcmp(part.baseAddress!, part.baseAddress! + 1, part.count - 1) == 0
    }
}
