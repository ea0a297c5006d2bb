// StorePages: the data file as bytes, page by page, without LMDB. LMDB has no checksums on its pages and believes what stands in
// them: a bit that changes in a header, a length or a pointer leads it out of its map, and the process dies. So whoever asks
// whether a file may be mapped, or what can still be had of one, reads it here, where every number is held against what it can be.
// It owns a descriptor for reading; one thread uses it. The layout is that of LMDB 0.9 on a 64-bit machine, little-endian (mdb.c:
// MDB_page, MDB_node, MDB_db, MDB_meta). Opening fails with StoreFailure; what a page says wrong is an answer.

import Glibc

/// One of the two pages that say where the trees begin.
package struct MetaPage: Equatable {
    package var pageBytes: UInt64
    var mapBytes: UInt64
    package var lastPage: UInt64
    package var transaction: UInt64
    package var free: TreeRoot
    package var main: TreeRoot
}

/// A tree by its record (MDB_db).
package struct TreeRoot: Equatable {
    package static let none = UInt64.max
    package static let bytes = 48

    package var flags: UInt16
    package var depth: UInt16
    var branchPages: UInt64
    var leafPages: UInt64
    var overflowPages: UInt64
    var rows: UInt64
    package var page: UInt64

    package init(_ raw: UnsafeRawBufferPointer) {
        flags = raw.loadUnaligned(fromByteOffset: 4, as: UInt16.self)
        depth = raw.loadUnaligned(fromByteOffset: 6, as: UInt16.self)
        branchPages = raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        leafPages = raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
        overflowPages = raw.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
        rows = raw.loadUnaligned(fromByteOffset: 32, as: UInt64.self)
        page = raw.loadUnaligned(fromByteOffset: 40, as: UInt64.self)
    }
}

/// One node of a page, by its place in it.
package struct PageNode {
    /// Bits of a leaf's node: its value is on pages of its own, or is a tree.
    package static let big: UInt16 = 1
    package static let tree: UInt16 = 2
    package static let headBytes = 8

    package var key: Range<Int>
    package var flags: UInt16
    /// Of a leaf: bytes of the value, wherever they are.
    package var valueBytes: Int
    /// Of a branch: the page below. Of a big value: its first page.
    package var page: UInt64
    /// Of a leaf: where the value is in this page.
    package var value: Range<Int>
}

package final class StorePages {
    enum Flag {
        static let branch: UInt16 = 1
        static let leaf: UInt16 = 2
        static let overflow: UInt16 = 4
        static let meta: UInt16 = 8
    }
    package static let headBytes = 16
    private static let magic: UInt32 = 0xbeef_c0de
    private static let formatVersion: UInt32 = 1

    let path: String
    package let pageBytes: Int
    let fileBytes: UInt64
    private let file: Int32

    package init(path: String) throws(StoreFailure) {
        self.path = path
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw StoreFailure(call: "open", path: path, errno: errno) }
        self.file = file
        var facts = stat()
        fileBytes = fstat(file, &facts) == 0 ? UInt64(clamping: facts.st_size) : 0
        // Every store of this program has pages of the machine's size; one of the two metas says so.
        pageBytes = sysconf(Int32(_SC_PAGESIZE))
    }

    deinit { close(file) }

    /// Bytes at a place of the file; nil where the file ends before they do or the disk does not give them.
    func bytes(at offset: UInt64, count: Int) -> [UInt8]? {
        guard let place = off_t(exactly: offset), offset <= fileBytes, UInt64(count) <= fileBytes - offset else {
            return nil
        }
        var isRead = true
        let result = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            var done = 0
            while done < count {
                let got = pread(file, buffer.baseAddress! + done, count - done, place + off_t(done))
                if got < 0, errno == EINTR { continue }
                guard got > 0 else { break }
                done += got
            }
            filled = done
            isRead = done == count
        }
        return isRead ? result : nil
    }

    package func page(_ number: UInt64) -> [UInt8]? {
        let (offset, overflow) = number.multipliedReportingOverflow(by: UInt64(pageBytes))
        return overflow ? nil : bytes(at: offset, count: pageBytes)
    }

    /// A meta page; nil where it is none.
    package func meta(_ index: UInt64) -> MetaPage? {
        guard let bytes = page(index) else { return nil }
        return bytes.withUnsafeBytes { raw in
            guard raw.loadUnaligned(fromByteOffset: 0, as: UInt64.self) == index,
                raw.loadUnaligned(fromByteOffset: 10, as: UInt16.self) & Flag.meta != 0,
                raw.loadUnaligned(fromByteOffset: 16, as: UInt32.self) == Self.magic,
                raw.loadUnaligned(fromByteOffset: 20, as: UInt32.self) == Self.formatVersion
            else { return nil }
            return MetaPage(
                pageBytes: UInt64(raw.loadUnaligned(fromByteOffset: 40, as: UInt32.self)),
                mapBytes: raw.loadUnaligned(fromByteOffset: 32, as: UInt64.self),
                lastPage: raw.loadUnaligned(fromByteOffset: 136, as: UInt64.self),
                transaction: raw.loadUnaligned(fromByteOffset: 144, as: UInt64.self),
                free: TreeRoot(UnsafeRawBufferPointer(rebasing: raw[40..<88])),
                main: TreeRoot(UnsafeRawBufferPointer(rebasing: raw[88..<136])))
        }
    }

    /// The first page of a value that has pages of its own: how many they are; nil where it is none.
    package func overflowPages(_ number: UInt64) -> UInt64? {
        let (offset, overflow) = number.multipliedReportingOverflow(by: UInt64(pageBytes))
        guard !overflow, let head = bytes(at: offset, count: Self.headBytes) else { return nil }
        return head.withUnsafeBytes { raw in
            guard raw.loadUnaligned(fromByteOffset: 0, as: UInt64.self) == number,
                raw.loadUnaligned(fromByteOffset: 10, as: UInt16.self) == Flag.overflow
            else { return nil }
            return UInt64(raw.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
        }
    }
}

/// The nodes of a branch or leaf page, each inside the page and none upon another.
package struct PageNodes {
    package let nodes: [PageNode]

    /// Or what is wrong with the page.
    package struct Wrong: Error {
        var what: String
    }

    package init(_ bytes: [UInt8], number: UInt64, isLeaf: Bool) throws(Wrong) {
        let wanted = isLeaf ? StorePages.Flag.leaf : StorePages.Flag.branch
        func number16(_ offset: Int) -> Int { Int(bytes[offset]) | Int(bytes[offset + 1]) << 8 }
        func number64(_ offset: Int, _ count: Int) -> UInt64 {
            (0..<count).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
        }
        guard number64(0, 8) == number else { throw Wrong(what: "it says that it is page \(number64(0, 8))") }
        guard number16(10) == Int(wanted) else { throw Wrong(what: isLeaf ? "it is not a leaf" : "it is not a branch") }
        let (lower, upper) = (number16(12), number16(14))
        guard lower >= StorePages.headBytes, lower % 2 == 0, lower <= upper, upper <= bytes.count else {
            throw Wrong(what: "its bounds cannot be")
        }
        var nodes: [PageNode] = []
        nodes.reserveCapacity((lower - StorePages.headBytes) / 2)
        var used = 0
        for place in stride(from: StorePages.headBytes, to: lower, by: 2) {
            let start = number16(place)
            guard start >= upper, start % 2 == 0, start + PageNode.headBytes <= bytes.count else {
                throw Wrong(what: "a row lies outside of it")
            }
            let flags = UInt16(number16(start + 4))
            let keyEnd = start + PageNode.headBytes + number16(start + 6)
            var node = PageNode(
                key: start + PageNode.headBytes..<max(keyEnd, start + PageNode.headBytes), flags: flags,
                valueBytes: 0, page: 0, value: keyEnd..<keyEnd)
            var end = keyEnd
            if isLeaf {
                node.valueBytes = number16(start) | number16(start + 2) << 16
                guard flags & ~(PageNode.big | PageNode.tree) == 0 else { throw Wrong(what: "a row has unknown marks") }
                end += flags & PageNode.big != 0 ? 8 : node.valueBytes
            } else {
                node.page = UInt64(number16(start)) | UInt64(number16(start + 2)) << 16 | UInt64(flags) << 32
            }
            guard end <= bytes.count else { throw Wrong(what: "a row goes beyond its end") }
            if isLeaf {
                node.value = keyEnd..<end
                if flags & PageNode.big != 0 { node.page = number64(keyEnd, 8) }
            }
            used += (end - start + 1) & ~1
            nodes.append(node)
        }
        // LMDB keeps the rows of a page together at its end: lengths that do not add up to that are not what was written.
        guard used == bytes.count - upper else { throw Wrong(what: "the lengths of its rows do not add up") }
        self.nodes = nodes
    }
}

extension PageNodes {
    /// The head says so in one of its two ways: a bit of the other may have changed.
    static func looksLikeLeaf(_ bytes: [UInt8], number: UInt64) -> Bool {
        bytes.withUnsafeBytes { raw in
            raw.loadUnaligned(fromByteOffset: 0, as: UInt64.self) == number
                || raw.loadUnaligned(fromByteOffset: 10, as: UInt16.self) == StorePages.Flag.leaf
        }
    }

    /// What may be the rows of a leaf whose head, pointers or lengths are damaged, for who can tell whether one is a row: LMDB keeps them one
    /// behind the other up to the end of the page. What lies before them is left alone, since it may be of rows that are gone.
    static func loose(_ bytes: [UInt8]) -> [PageNode] {
        bytes.withUnsafeBytes { raw in
            func number16(_ offset: Int) -> Int { Int(raw.loadUnaligned(fromByteOffset: offset, as: UInt16.self)) }
            let (lower, upper) = (number16(12), number16(14))
            func isPlace(_ start: Int) -> Bool {
                start % 2 == 0 && (StorePages.headBytes..<raw.count - PageNode.headBytes).contains(start)
            }
            // Head and pointers both say where the rows begin; one of them may be wrong.
            var starts: [Int] = isPlace(upper) ? [upper] : []
            if lower >= StorePages.headBytes, lower % 2 == 0, lower < raw.count {
                let pointers = stride(from: StorePages.headBytes, to: lower, by: 2).map(number16).filter(isPlace)
                if let least = pointers.min(), least >= lower { starts.append(least) }
            }
            guard let first = starts.min() else { return [] }
            // A row whose lengths are wrong hides none behind it: every place may be one's.
            return stride(from: first, to: raw.count - PageNode.headBytes, by: 2).compactMap { node(raw, at: $0) }
        }
    }

    private static func node(_ raw: UnsafeRawBufferPointer, at start: Int) -> PageNode? {
        func number16(_ offset: Int) -> Int {
            Int(raw.loadUnaligned(fromByteOffset: start + offset, as: UInt16.self))
        }
        let (flags, keyBytes) = (UInt16(number16(4)), number16(6))
        let key = start + PageNode.headBytes..<start + PageNode.headBytes + keyBytes
        guard flags & ~PageNode.big == 0, keyBytes > 0, key.upperBound <= raw.count else { return nil }
        let valueBytes = number16(0) | number16(2) << 16
        let end = key.upperBound + (flags & PageNode.big != 0 ? 8 : valueBytes)
        guard end <= raw.count else { return nil }
        let page = flags & PageNode.big != 0 ? raw.loadUnaligned(fromByteOffset: key.upperBound, as: UInt64.self) : 0
        return PageNode(key: key, flags: flags, valueBytes: valueBytes, page: page, value: key.upperBound..<end)
    }
}
