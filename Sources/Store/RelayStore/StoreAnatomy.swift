// StoreAnatomy: a look through the trees of a data file that nobody has mapped: that each page is what the page above says, that
// every row lies in its page, that no page is used twice or free and used, that keys are in order, and that rows belong to their
// keys. What LMDB would fall over is told apart from what the store can mend. It reads branch and leaf pages, and of payload only
// the head of each value, so that it costs a small part of the file; a bound of time ends it where it is. It changes nothing.

import Glibc
import RelayRows

public struct StoreAnatomy: Sendable {
    /// What no reader of this file would survive, or what would make a writer overwrite what is in use; nil when there is nothing.
    public internal(set) var fault: String?
    /// The page that it is about.
    public internal(set) var faultPage: UInt64?
    /// Tables with rows out of their order, or under a key that they were not written under.
    public internal(set) var disordered = TableSet()
    /// Tables with records that do not check.
    public internal(set) var unreadable = TableSet()
    public internal(set) var badRows: UInt64 = 0
    public internal(set) var rows: UInt64 = 0
    public internal(set) var pages: UInt64 = 0
    /// Time did not suffice for all; what was seen is as said.
    public internal(set) var isCutShort = false

    /// `mayGoOn` is asked every few hundred pages.
    public static func look(path: String, mayGoOn: () -> Bool = { true }) throws(StoreFailure) -> StoreAnatomy {
        let pages = try StorePages(path: path)
        return withoutActuallyEscaping(mayGoOn) { mayGoOn in
            var look = AnatomyLook(pages: pages, mayGoOn: mayGoOn)
            look.run()
            return look.found
        }
    }
}

/// The look itself.
struct AnatomyLook {
    private(set) var found = StoreAnatomy()
    private let pages: StorePages
    private let mayGoOn: () -> Bool
    private var used: [UInt64] = []
    private var last: UInt64 = 0
    private var isEnded = false

    /// The state that is looked at, by its transaction: of a store that is in use; nil: of one that nobody has mapped.
    private let snapshot: UInt64?

    init(pages: StorePages, snapshot: UInt64? = nil, mayGoOn: @escaping () -> Bool) {
        self.pages = pages
        self.snapshot = snapshot
        self.mayGoOn = mayGoOn
    }

    mutating func run() {
        guard pages.fileBytes > 0 else { return }
        guard let meta = meta() else { return }
        last = meta.lastPage
        used = [UInt64](repeating: 0, count: Int(clamping: last / 64 + 1))
        var tables: [(Table, TreeRoot)] = []
        var unknown = 0
        tree(meta.main, nil) { key, value, flags in
            guard flags & PageNode.tree != 0, value.count == TreeRoot.bytes,
                let table = Table.allCases.first(where: { key.elementsEqual($0.name.utf8) })
            else {
                unknown += 1
                return
            }
            tables.append((table, TreeRoot(value)))
        }
        // LMDB would make an empty table under the name that is missed. A later version of this schema may have tables that are not
        // known here, an earlier one has fewer: only both together are a name that has changed.
        if found.fault == nil, unknown > 0, Set(tables.map(\.0)).count < Table.allCases.count {
            fault("a table is missing, and there is one of an unknown name", meta.main.page)
        }
        if found.fault == nil, tables.isEmpty, meta.main.rows > 0 {
            fault("its table of tables is not of a store", meta.main.page)
        }
        // It is short, and what is wrong in it destroys what is whole: it must be seen where time does not suffice for all. What is free
        // and in use shows at the page that uses it.
        if !isEnded { freeList(meta) }
        for (table, root) in tables where !isEnded { tree(root, table) { _, _, _ in } }
    }

    /// The meta page in force, if the two agree.
    private mutating func meta() -> MetaPage? {
        let both = (pages.meta(0), pages.meta(1))
        guard let first = both.0, let second = both.1 else {
            fault("one of its two heads cannot be read", both.0 == nil ? 0 : 1)
            return nil
        }
        if let snapshot {
            // The two are written while this is read; the one of this snapshot may have been written over.
            guard let meta = [first, second].first(where: { $0.transaction == snapshot }) else {
                found.isCutShort = true
                return nil
            }
            return meta
        }
        let isNew = first.transaction == 0 && second.transaction == 0
        let (low, high) = (min(first.transaction, second.transaction), max(first.transaction, second.transaction))
        // The two take turns: transaction n writes page n modulo 2.
        guard
            isNew || high - low == 1 && first.transaction % 2 == 0 && second.transaction % 2 == 1
                || low == 0 && high == 1
        else {
            fault("its two heads do not follow one another (\(first.transaction), \(second.transaction))", 0)
            return nil
        }
        let meta = second.transaction > first.transaction ? second : first
        for (index, head) in [first, second].enumerated() {
            guard head.pageBytes == UInt64(pages.pageBytes), head.mapBytes == first.mapBytes || head.mapBytes > 0,
                head.lastPage < .max / UInt64(pages.pageBytes)
            else {
                fault("a head says sizes that cannot be", UInt64(index))
                return nil
            }
        }
        guard (meta.lastPage + 1) * UInt64(pages.pageBytes) <= pages.fileBytes else {
            fault(
                "it is cut off: its pages take \((meta.lastPage + 1) * UInt64(pages.pageBytes)) bytes, and it has \(pages.fileBytes)",
                nil)
            return nil
        }
        return meta
    }

    private mutating func fault(_ what: String, _ page: UInt64?) {
        guard found.fault == nil else { return }
        found.fault = what
        found.faultPage = page
        isEnded = true
    }

    /// Marks pages as used; false when one is not in the file or used already.
    private mutating func take(_ page: UInt64, _ count: UInt64 = 1) -> Bool {
        guard page >= 2, count > 0, page <= last, count <= last - page + 1 else { return false }
        for number in page..<page + count {
            let (word, bit) = (Int(number / 64), UInt64(1) << (number % 64))
            if used[word] & bit != 0 { return false }
            used[word] |= bit
        }
        return true
    }

    /// What one tree has been found to have.
    private struct Counts {
        var branch: UInt64 = 0
        var leaf: UInt64 = 0
        var overflow: UInt64 = 0
        var rows: UInt64 = 0
        var previous: [UInt8] = []
        var hasPrevious = false
    }

    private mutating func tree(
        _ root: TreeRoot, _ table: Table?,
        _ row: (UnsafeRawBufferPointer, UnsafeRawBufferPointer, UInt16) -> Void
    ) {
        var counts = Counts()
        if root.page != TreeRoot.none {
            guard root.depth >= 1, root.depth <= 32 else {
                return fault("\(name(table)) has a depth that cannot be", nil)
            }
            walk(root.page, depth: Int(root.depth), table, &counts, nil, nil, row)
        }
        guard !isEnded else { return }
        if counts.branch != root.branchPages || counts.leaf != root.leafPages || counts.overflow != root.overflowPages
            || counts.rows != root.rows
        {
            fault("\(name(table)) has other numbers of pages and rows than its record says", root.page)
        }
        if table != nil, root.flags != 0 {
            fault("\(name(table)) has marks that no table of this program has", root.page)
        }
    }

    private func name(_ table: Table?) -> String { table.map { "table \($0.name)" } ?? "the table of tables" }

    private mutating func walk(
        _ number: UInt64, depth: Int, _ table: Table?, _ counts: inout Counts, _ low: [UInt8]?, _ high: [UInt8]?,
        _ row: (UnsafeRawBufferPointer, UnsafeRawBufferPointer, UInt16) -> Void
    ) {
        guard !isEnded else { return }
        found.pages += 1
        if found.pages % 256 == 0, !mayGoOn() {
            found.isCutShort = true
            isEnded = true
            return
        }
        guard take(number) else { return fault("a page of \(name(table)) is used twice or is not in the file", number) }
        guard let bytes = pages.page(number) else { return fault("a page of \(name(table)) cannot be read", number) }
        let nodes: [PageNode]
        do throws(PageNodes.Wrong) {
            nodes = try PageNodes(bytes, number: number, isLeaf: depth == 1).nodes
        } catch {
            return fault("a page of \(name(table)): \(error.what)", number)
        }
        if depth > 1 {
            counts.branch += 1
            guard !nodes.isEmpty else { return fault("a page of \(name(table)) is empty", number) }
            for (index, node) in nodes.enumerated() {
                // The key of the first is not looked at by LMDB: all that is less is below it.
                let from = index == 0 ? low : Array(bytes[node.key])
                let to = index + 1 < nodes.count ? Array(bytes[nodes[index + 1].key]) : high
                if let from, let to, !from.lexicographicallyPrecedes(to) { disorder(table, number) }
                walk(node.page, depth: depth - 1, table, &counts, from, to, row)
            }
            return
        }
        counts.leaf += 1
        bytes.withUnsafeBytes { raw in
            for node in nodes where !isEnded {
                let key = UnsafeRawBufferPointer(rebasing: raw[node.key])
                leafRow(node, key, raw, table, &counts, low, high, number, row)
            }
        }
    }

    private mutating func leafRow(
        _ node: PageNode, _ key: UnsafeRawBufferPointer, _ raw: UnsafeRawBufferPointer, _ table: Table?,
        _ counts: inout Counts, _ low: [UInt8]?, _ high: [UInt8]?, _ number: UInt64,
        _ row: (UnsafeRawBufferPointer, UnsafeRawBufferPointer, UInt16) -> Void
    ) {
        counts.rows += 1
        found.rows += 1
        guard (1...RowKey.bytesMax).contains(key.count) else {
            return fault("a key of \(name(table)) has no length", number)
        }
        if counts.hasPrevious, !counts.previous.withUnsafeBytes({ isAscending($0, key) }) { disorder(table, number) }
        if let low, low.withUnsafeBytes({ isAscending(key, $0) }) { disorder(table, number) }
        if let high, !high.withUnsafeBytes({ isAscending(key, $0) }) { disorder(table, number) }
        counts.previous.removeAll(keepingCapacity: true)
        counts.previous.append(contentsOf: key)
        counts.hasPrevious = true
        guard (node.flags & PageNode.tree != 0) == (table == nil) else {
            return fault("a row of \(name(table)) has the wrong marks", number)
        }
        var big: [UInt8]?
        if node.flags & PageNode.big != 0 {
            let needed = UInt64((StorePages.headBytes - 1 + node.valueBytes) / pages.pageBytes + 1)
            guard let count = pages.overflowPages(node.page), count >= needed, take(node.page, count) else {
                return fault("a value of \(name(table)) has pages that cannot be", node.page)
            }
            counts.overflow += count
            if let table, table.form != .bytes {
                big = pages.bytes(
                    at: node.page * UInt64(pages.pageBytes) + UInt64(StorePages.headBytes), count: node.valueBytes)
                guard big != nil else { return fault("a value of \(name(table)) cannot be read", node.page) }
            }
        }
        let value = UnsafeRawBufferPointer(rebasing: raw[node.value])
        row(key, value, node.flags)
        guard let table, table.form != .bytes else { return }
        let isSound = big.map { $0.withUnsafeBytes { judge(table, key, $0) } } ?? judge(table, key, value)
        if !isSound { found.badRows += 1 }
    }

    private mutating func judge(
        _ table: Table, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
    ) -> Bool {
        if case .misplaced = RowSeal.opened(table, key, value) {
            found.disordered.insert(table)
            return false
        }
        guard RowSeal.isSound(table, key, value) else {
            found.unreadable.insert(table)
            return false
        }
        return true
    }

    private mutating func disorder(_ table: Table?, _ page: UInt64) {
        guard let table else { return fault("the names of the tables are out of order", page) }
        found.disordered.insert(table)
    }

    /// LMDB's list of free pages, keyed by transaction in the machine's order: a page in it that is in use would be overwritten.
    private mutating func freeList(_ meta: MetaPage) {
        let root = meta.free
        guard root.page != TreeRoot.none else { return }
        guard root.depth >= 1, root.depth <= 32 else {
            return fault("its list of free pages has a depth that cannot be", nil)
        }
        // What a program adds up and multiplies by the size of a page.
        guard max(root.branchPages, root.leafPages, root.overflowPages) <= meta.lastPage else {
            return fault("its list of free pages has more pages than the file", nil)
        }
        var lists: [(page: UInt64, offset: Int, count: Int)] = []
        freePages(root.page, depth: Int(root.depth), newest: meta.transaction, &lists)
        for list in lists where !isEnded {
            let place = list.page.multipliedReportingOverflow(by: UInt64(pages.pageBytes))
            guard !place.overflow,
                let bytes = pages.bytes(at: place.partialValue + UInt64(list.offset), count: list.count)
            else { return fault("its list of free pages cannot be read", list.page) }
            bytes.withUnsafeBytes { raw in
                let count = raw.count >= 8 ? raw.loadUnaligned(as: UInt64.self) : .max
                // LMDB may keep room behind the numbers, never fewer.
                guard count <= UInt64(raw.count / 8 - 1) else {
                    return fault("its list of free pages has a length that cannot be", list.page)
                }
                var previous = UInt64.max
                for index in 0..<Int(count) {
                    let page = raw.loadUnaligned(fromByteOffset: 8 + 8 * index, as: UInt64.self)
                    guard page < previous, take(page) else {
                        return fault("its list of free pages has page \(page), which is in use or is none", list.page)
                    }
                    previous = page
                }
            }
        }
    }

    private mutating func freePages(
        _ number: UInt64, depth: Int, newest: UInt64, _ lists: inout [(page: UInt64, offset: Int, count: Int)]
    ) {
        guard !isEnded else { return }
        found.pages += 1
        guard take(number), let bytes = pages.page(number) else {
            return fault("a page of its list of free pages is used twice or is not in the file", number)
        }
        let nodes: [PageNode]
        do throws(PageNodes.Wrong) {
            nodes = try PageNodes(bytes, number: number, isLeaf: depth == 1).nodes
        } catch {
            return fault("a page of its list of free pages: \(error.what)", number)
        }
        var previous: UInt64 = 0
        for (index, node) in nodes.enumerated() where !isEnded {
            if depth > 1 {
                freePages(node.page, depth: depth - 1, newest: newest, &lists)
                continue
            }
            let key = node.key.count == 8 ? node.key.reversed().reduce(0) { $0 << 8 | UInt64(bytes[$1]) } : .max
            guard node.flags & PageNode.tree == 0, key <= newest, index == 0 || key > previous else {
                return fault("its list of free pages is out of order", number)
            }
            previous = key
            if node.flags & PageNode.big != 0 {
                let needed = UInt64((StorePages.headBytes - 1 + node.valueBytes) / pages.pageBytes + 1)
                guard let count = pages.overflowPages(node.page), count >= needed, take(node.page, count) else {
                    return fault("its list of free pages has pages that cannot be", node.page)
                }
                lists.append((node.page, StorePages.headBytes, node.valueBytes))
            } else {
                lists.append((number, node.value.lowerBound, node.valueBytes))
            }
        }
    }
}
