// CBORReader: reads the part of CBOR (RFC 8949) that bundles use: unsigned integers, byte strings, text strings,
// arrays, false and true, break. A value on the caller's stack, over the octets of a buffer where they lie: it is lent to a
// closure (`CBORReader.read`) and is good for as long as that runs. Every function either returns an item or throws a BundleError with the octet where it went wrong; nothing is allocated
// from a length that has not been compared with the bytes at hand, and nothing recurses.
//
// Deterministic encoding: RFC 9171, 4.1 demands the shortest form of every number and length, and this reader refuses
// any other (`notDeterministic`). The RFC allows to discard such bytes; taking them would give one value several
// spellings, and a relay could then not tell whether a block that it writes anew still has the bytes that its
// checksum or signature covers. Arrays and text strings may be of indefinite length, which the same clause does not
// prohibit.

import NIOCore
import Trap

struct CBORReader {
    /// The readable octets of `buffer`, which keeps them.
    private let octets: UnsafeRawBufferPointer
    private let buffer: ByteBuffer
    private let offset: Int
    private let octetsMax: Int
    private var index = 0
    private var end: Int { octets.count }

    /// After a `truncated` error: how many octets, counted from the first of the buffer, the item needs at least.
    private(set) var wanted = 0

    /// Chunks of one text string at most; more are an attack on the reader's time.
    static let textChunksMax = 64

    /// - Parameters:
    ///   - offset: where the buffer's first readable octet lies in the whole, for errors.
    ///   - octetsMax: an item that would end beyond this many octets from the start is `headerTooLong`.
    @inline(__always)
    static func read<Result>(
        _ buffer: ByteBuffer, at offset: Int = 0, octetsMax: Int = .max,
        _ body: (inout CBORReader) throws(BundleError) -> Result
    ) throws(BundleError) -> Result {
        try buffer.withUnsafeReadableBytes { (octets) throws(BundleError) in
            var reader = CBORReader(octets, buffer, at: offset, octetsMax: octetsMax)
            return try body(&reader)
        }
    }

    private init(_ octets: UnsafeRawBufferPointer, _ buffer: ByteBuffer, at offset: Int, octetsMax: Int) {
        self.octets = octets
        self.buffer = buffer
        self.offset = offset
        self.octetsMax = octetsMax
    }

    // MARK: Where we are

    /// Octets read so far.
    var position: Int { index }

    var isAtEnd: Bool { index == end }

    /// Goes to a position at which this reader, or an earlier one over the same bytes, has been.
    mutating func seek(to position: Int) { index = min(position, end) }

    /// The octets from a position passed earlier up to here, sharing the buffer's storage.
    func slice(from position: Int) -> ByteBuffer {
        buffer.getSlice(at: buffer.readerIndex + position, length: index - position) ?? ByteBuffer()
    }

    /// The same octets where they lie; good for as long as the reader.
    func octets(from position: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: octets[position..<index])
    }

    /// All octets; good for as long as the reader.
    var whole: UnsafeRawBufferPointer { octets }

    func failure(_ code: BundleError.Code, _ sentence: String) -> BundleError {
        BundleError(code, at: offset + position, sentence)
    }

    /// A failure at a position passed earlier.
    func failure(at position: Int, _ code: BundleError.Code, _ sentence: String) -> BundleError {
        BundleError(code, at: offset + position, sentence)
    }

    func expectEnd() throws(BundleError) {
        guard isAtEnd else { throw failure(.trailingOctets, "octets follow the end of the item") }
    }

    // MARK: Items

    mutating func readUnsigned() throws(BundleError) -> UInt64 {
        let before = index
        let head = try readHead()
        guard head.major == .unsigned else { throw wrongType(before, "an unsigned integer is needed here") }
        return head.argument
    }

    mutating func readBool() throws(BundleError) -> Bool {
        let before = index
        let head = try readHead()
        guard head.major == .simple, !head.isIndefinite, head.argument == 20 || head.argument == 21 else {
            throw wrongType(before, "false or true is needed here")
        }
        return head.argument == 21
    }

    /// The length of a byte string of definite length, whose octets follow.
    mutating func readBytesHead() throws(BundleError) -> UInt64 {
        let before = index
        let head = try readHead()
        guard head.major == .bytes else { throw wrongType(before, "a byte string is needed here") }
        guard !head.isIndefinite else {
            index = before
            throw failure(.wrongShape, "this byte string must have a definite length (RFC 9171, 4.3.2)")
        }
        return head.argument
    }

    /// A byte string of definite length, sharing the buffer's storage.
    mutating func readBytes() throws(BundleError) -> ByteBuffer {
        let length = try readBytesHead()
        let first = position
        try skip(length)
        return slice(from: first)
    }

    /// A text string of valid UTF-8, in one piece or in chunks.
    mutating func readText(bytesMax: Int) throws(BundleError) -> String {
        let before = index
        let head = try readHead()
        guard head.major == .text else { throw wrongType(before, "a text string is needed here") }
        guard head.isIndefinite else { return try readText(length: head.argument, bytesMax: bytesMax) }
        var text = ""
        for _ in 0..<Self.textChunksMax {
            if try readBreak() { return text }
            let chunkStart = index
            let chunk = try readHead()
            // RFC 8949, 3.2.3: the chunks are definite-length strings of the same major type.
            guard chunk.major == .text, !chunk.isIndefinite else {
                throw malformed(chunkStart, "a text string in chunks has a chunk of another kind")
            }
            text += try readText(length: chunk.argument, bytesMax: bytesMax - text.utf8.count)
        }
        throw failure(.limitExceeded, "a text string comes in too many chunks")
    }

    private mutating func readText(length: UInt64, bytesMax: Int) throws(BundleError) -> String {
        let count = try requireText(length, bytesMax)
        let run = UnsafeRawBufferPointer(rebasing: octets[index..<index + count])
        if run.allSatisfy({ $0 < 0x80 }) {
            // Nearly all text in a header; the check of anything else is made for every kind of it.
            index += count
            return String(decoding: run, as: UTF8.self)
        }
        guard let text = String(validating: run.assumingMemoryBound(to: UInt8.self), as: UTF8.self) else {
            throw failure(.malformedCBOR, "a text string is not UTF-8 (RFC 8949, 3.1)")
        }
        index += count
        return text
    }

    /// The octets of a text string where they lie, if it stands in one piece; nil, and nothing is read, if it is in chunks. Whether they
    /// are UTF-8 is the caller's to judge.
    mutating func readTextOctets(bytesMax: Int) throws(BundleError) -> UnsafeRawBufferPointer? {
        let before = index
        let head = try readHead()
        guard head.major == .text else { throw wrongType(before, "a text string is needed here") }
        guard !head.isIndefinite else {
            index = before
            return nil
        }
        let count = try requireText(head.argument, bytesMax)
        defer { index += count }
        return UnsafeRawBufferPointer(rebasing: octets[index..<index + count])
    }

    private mutating func requireText(_ length: UInt64, _ bytesMax: Int) throws(BundleError) -> Int {
        guard let count = Int(exactly: length), count <= bytesMax else {
            throw failure(.limitExceeded, "a text string is longer than its field allows")
        }
        try require(count)
        return count
    }

    // MARK: Arrays

    /// The number of items that follow, nil for an array that ends with a break.
    mutating func readArrayHead() throws(BundleError) -> UInt64? {
        let before = index
        let head = try readHead()
        guard head.major == .array else { throw wrongType(before, "an array is needed here") }
        return head.isIndefinite ? nil : head.argument
    }

    /// Opens an array of exactly `count` items; give the result to `closeArray` after the last.
    mutating func openArray(_ count: UInt64) throws(BundleError) -> ArrayEnd {
        let before = index
        guard let stated = try readArrayHead() else { return .needsBreak }
        guard stated == count else {
            index = before
            throw failure(.wrongShape, "an array has \(stated) items instead of \(count)")
        }
        return .isCounted
    }

    mutating func closeArray(_ end: ArrayEnd) throws(BundleError) {
        guard end == .needsBreak else { return }
        guard try readBreak() else { throw failure(.wrongShape, "an array has too many items") }
    }

    /// Opens an array of any number of items up to `countMax`.
    mutating func openList(countMax: Int) throws(BundleError) -> CBORList {
        let before = index
        let stated = try readArrayHead()
        if let stated, stated > UInt64(countMax) {
            index = before
            throw failure(.limitExceeded, "a list has \(stated) items; at most \(countMax) are allowed")
        }
        return CBORList(remaining: stated.map { Int($0) }, room: countMax)
    }

    /// Takes a break if it comes next.
    mutating func readBreak() throws(BundleError) -> Bool {
        guard try peek() == 0xff else { return false }
        index += 1
        return true
    }

    /// The next octet, which stays.
    @inline(__always)
    mutating func peek() throws(BundleError) -> UInt8 {
        try require(1)
        return octets[index]
    }

    /// Passes over one item of any shape that bundles use.
    mutating func skipItem(depthMax: Int = 4, itemsMax: Int = 128) throws(BundleError) {
        demand(depthMax <= 8, "the stack of open arrays has eight places")
        var open: InlineArray<8, UInt64> = .init(repeating: 0)
        var depth = 0
        for _ in 0..<itemsMax {
            let before = index
            let head = try readHead()
            switch head.major {
            case .unsigned: break
            case .bytes where !head.isIndefinite, .text where !head.isIndefinite: try skip(head.argument)
            case .simple where head.isIndefinite:
                guard depth > 0, open[depth - 1] == .max else { throw malformed(before, "a break ends no array") }
                depth -= 1
            case .simple: break
            case .array, .text:
                // The chunks of an indefinite text string are passed over like the items of an array.
                guard depth < depthMax else { throw failure(.limitExceeded, "arrays are nested too deeply") }
                guard head.isIndefinite || head.argument > 0 else { break }
                open[depth] = head.isIndefinite ? .max : head.argument
                depth += 1
                continue
            case .bytes, .other: throw wrongType(before, "no such item belongs in a bundle")
            }
            while depth > 0, open[depth - 1] != .max {
                open[depth - 1] -= 1
                guard open[depth - 1] == 0 else { break }
                depth -= 1
            }
            if depth == 0 { return }
        }
        throw failure(.limitExceeded, "a block has too many items")
    }

    // MARK: Heads and octets

    private mutating func readHead() throws(BundleError) -> CBORHead {
        let first = try peek()
        let major = CBORMajor(first)
        let additional = first & 0x1f
        guard additional >= 24 else {
            index += 1
            return CBORHead(major: major, argument: UInt64(additional))
        }
        switch additional {
        case 24: return try readHead(major, UInt8.self, least: 24)
        case 25: return try readHead(major, UInt16.self, least: 1 << 8)
        case 26: return try readHead(major, UInt32.self, least: 1 << 16)
        case 27: return try readHead(major, UInt64.self, least: 1 << 32)
        case 31 where major != .unsigned && major != .other:
            index += 1
            return CBORHead(major: major, argument: 0, isIndefinite: true)
        default: throw failure(.malformedCBOR, "reserved additional information (RFC 8949, 3)")
        }
    }

    /// A head whose argument stands in the octets after the first; `least` is the smallest number that needs so many.
    private mutating func readHead<Argument: FixedWidthInteger & UnsignedInteger>(
        _ major: CBORMajor, _: Argument.Type, least: UInt64
    ) throws(BundleError) -> CBORHead {
        // Simple values of two octets and floating-point numbers stand nowhere in a bundle.
        guard major != .simple else { throw failure(.wrongType, "no such item belongs in a bundle") }
        let width = Argument.bitWidth / 8
        try require(1 + width)
        let argument = UInt64(Argument(bigEndian: octets.loadUnaligned(fromByteOffset: index + 1, as: Argument.self)))
        // RFC 9171, 4.1 with RFC 8949, 4.2.1: the shortest form.
        guard argument >= least else {
            throw failure(.notDeterministic, "a number is not in its shortest form (RFC 9171, 4.1)")
        }
        index += 1 + width
        return CBORHead(major: major, argument: argument)
    }

    /// Passes over octets, such as those of a byte string whose head has been read.
    mutating func skip(_ length: UInt64) throws(BundleError) {
        guard let count = Int(exactly: length) else {
            throw failure(.limitExceeded, "a length is beyond any that can be counted here")
        }
        try require(count)
        index += count
    }

    @inline(__always)
    private mutating func require(_ count: Int) throws(BundleError) {
        if count > end - index { throw missing(count) }
    }

    @inline(never)
    private mutating func missing(_ count: Int) -> BundleError {
        guard octetsMax == .max || count <= octetsMax - position else {
            return failure(.headerTooLong, "the octets before the payload exceed the limit of \(octetsMax)")
        }
        wanted = position + min(count, .max - position)
        return failure(.truncated, "the octets end inside an item")
    }

    private mutating func wrongType(_ before: Int, _ sentence: String) -> BundleError {
        index = before
        return failure(.wrongType, sentence)
    }

    private mutating func malformed(_ before: Int, _ sentence: String) -> BundleError {
        index = before
        return failure(.malformedCBOR, sentence)
    }
}

/// How an open array ends.
enum ArrayEnd {
    case isCounted
    case needsBreak
}

/// The items of an array still to come: `while try list.hasNext(&reader) { read one }`.
struct CBORList {
    private var remaining: Int?
    private var room: Int

    init(remaining: Int?, room: Int) {
        self.remaining = remaining
        self.room = room
    }

    /// The stated number of items, 0 when the list ends with a break: what to reserve, already within the limit.
    var stated: Int { remaining ?? 0 }

    mutating func hasNext(_ reader: inout CBORReader) throws(BundleError) -> Bool {
        if let count = remaining {
            remaining = count - 1
            return count > 0
        }
        if try reader.readBreak() { return false }
        guard room > 0 else { throw reader.failure(.limitExceeded, "a list has too many items") }
        room -= 1
        return true
    }
}

private struct CBORHead {
    var major: CBORMajor
    var argument: UInt64
    var isIndefinite = false
}

/// The major types of RFC 8949, 3.1; those that bundles do not use are one case.
private enum CBORMajor {
    case unsigned, bytes, text, array, simple, other

    init(_ first: UInt8) {
        switch first >> 5 {
        case 0: self = .unsigned
        case 2: self = .bytes
        case 3: self = .text
        case 4: self = .array
        case 7: self = .simple
        default: self = .other
        }
    }
}
