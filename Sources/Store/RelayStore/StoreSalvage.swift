// StoreSalvage: brings what can be read of a damaged store into a new file, page by page, without mapping it. Trees are followed as far as
// they lead; a page that is not what the page above says ends its branch, and then all pages of the file are looked at that no tree
// reached and that are not free: each row of schema 2 carries a check of its table and key, so it says itself where it belongs. A row
// that does not check is left behind, and counted. The new file is one that `restore` takes: what waits in it is held and compared, and
// the daemon makes the indexes and the books anew from the envelopes' rows. The damaged file is not changed. It blocks its caller; it
// fails with StoreFailure, and leaves nothing then.

import Glibc
import RelayRows

public struct SalvageResult: Sendable, Hashable {
    public var node = ""
    /// Rows brought over.
    public var rows: UInt64 = 0
    public var envelopes: UInt64 = 0
    /// Rows that do not check.
    public var badRows: UInt64 = 0
    /// Pages that are not what they should be, with all that only they led to.
    public var badPages: UInt64 = 0
    /// Rows found on pages that no tree led to any more.
    public var strayRows: UInt64 = 0
    /// Envelopes of which only the label is left; the daemon lists them by name.
    public var namesOnly: UInt64 = 0
}

public enum StoreSalvage {
    /// `node`: whose store it is, where the store itself does not say it any more.
    public static func run(
        directory: String, to file: String, node: String?
    ) throws(StoreFailure) -> SalvageResult {
        let data = directory + "/" + StorePlace.data
        if try StillStore.isInUse(directory) {
            throw StoreFailure(.refused, "The store in \(directory) is in use by a running daemon; stop it first.")
        }
        var facts = stat()
        if lstat(file, &facts) == 0 {
            throw StoreFailure(
                .refused, "\(file) is there already; a copy never takes the place of a file. Name another.")
        }
        let pages = try StorePages(path: data)
        let scratch = file + ".salvage"
        if mkdir(scratch, 0o700) != 0 {
            guard errno == EEXIST else { throw StoreFailure(call: "mkdir", path: scratch, errno: errno) }
            throw StoreFailure(
                .refused, "\(scratch) is there: a salvage was cut off. Remove it, and begin again.")
        }
        defer { clear(scratch) }
        var work = SalvageWork(pages: pages)
        let owner = try owner(&work, directory, node)
        var settings = StoreSettings(node: owner)
        settings.mapBytes = max(work.mapBytes, pages.fileBytes + (256 << 20))
        settings.growthBytes = 16 << 20
        settings.aheadBytes = 16 << 20
        settings.ballastBytes = 0
        do {
            work.target = try LMDBStore(directory: scratch, settings: settings)
            try work.bringAll()
            work.target = nil
        }
        if rename(scratch + "/" + StorePlace.data, file) != 0 {
            throw StoreFailure(call: "rename", path: file, errno: errno)
        }
        try CopyFile.syncFolder(CopyFile.split(file).folder)
        work.result.node = owner
        return work.result
    }

    private static func owner(
        _ work: inout SalvageWork, _ directory: String, _ given: String?
    ) throws(StoreFailure) -> String {
        var owner = given
        work.visit { table, key, value in
            guard table == .meta, key == StoreIdentity.nodeKey.bytes else { return }
            value.withUnsafeBytes { raw in
                guard var row = RowCursor(raw) else { return }
                let text = row.text()
                if row.isSound { owner = text }
            }
        }
        guard let owner else {
            throw StoreFailure(
                .damaged,
                "\(directory) does not say any more whose store it is; name the node with --node, as dtn://NAME/.")
        }
        return owner
    }

    private static func clear(_ directory: String) {
        for name in [StorePlace.data] + StorePlace.companions { unlink(directory + "/" + name) }
        rmdir(directory)
    }
}

/// The walk through the damaged file.
struct SalvageWork {
    private let pages: StorePages
    private var reached: Set<UInt64> = []
    private var free: Set<UInt64> = []
    /// Leaves that a tree led to and that are not what they should be: most of their rows are whole all the same.
    private var broken: Set<UInt64> = []
    private let meta: MetaPage?
    var mapBytes: UInt64 { meta?.mapBytes ?? 0 }
    var target: LMDBStore?
    var result = SalvageResult()

    init(pages: StorePages) {
        self.pages = pages
        let heads = [pages.meta(0), pages.meta(1)].compactMap(\.self)
        meta = heads.max { $0.transaction < $1.transaction }
    }

    /// All rows that check, of the trees first, then of pages that none led to. The first of a key counts.
    mutating func visit(_ take: (Table, [UInt8], [UInt8]) -> Void) {
        reached = []
        free = []
        broken = []
        result = SalvageResult()
        if let meta {
            walkFree(meta.free)
            var roots: [(Table, TreeRoot)] = []
            var unknown: UInt64 = 0
            walk(meta.main.page, Int(meta.main.depth), nil) { _, key, value in
                guard value.count == TreeRoot.bytes,
                    let table = Table.allCases.first(where: { key.elementsEqual($0.name.utf8) })
                else {
                    unknown += 1
                    return
                }
                roots.append((table, value.withUnsafeBytes { TreeRoot($0) }))
            }
            // What is under a name that has changed is found by its rows.
            result.badPages += unknown
            for (table, root) in roots where root.page != TreeRoot.none {
                walk(root.page, Int(root.depth), table, take)
            }
        }
        visitStrays(take)
    }

    private mutating func walk(
        _ number: UInt64, _ depth: Int, _ table: Table?, _ take: (Table, [UInt8], [UInt8]) -> Void
    ) {
        guard (1...32).contains(depth), number >= 2, !free.contains(number), reached.insert(number).inserted,
            let bytes = pages.page(number), let nodes = try? PageNodes(bytes, number: number, isLeaf: depth == 1).nodes
        else {
            result.badPages += 1
            // A page of another tree, or a free one, is none of this one.
            if depth == 1, table != nil, reached.contains(number), !free.contains(number) { broken.insert(number) }
            return
        }
        for node in nodes {
            if depth > 1 {
                walk(node.page, depth - 1, table, take)
            } else {
                let key = Array(bytes[node.key])
                guard let value = value(node, bytes) else {
                    result.badRows += 1
                    continue
                }
                guard let table else {
                    take(.meta, key, value)
                    continue
                }
                if Self.isSound(table, key, value) { take(table, key, value) } else { result.badRows += 1 }
            }
        }
    }

    private mutating func value(_ node: PageNode, _ bytes: [UInt8]) -> [UInt8]? {
        guard node.flags & PageNode.big != 0 else { return Array(bytes[node.value]) }
        guard let count = pages.overflowPages(node.page), count > 0, count < 1 << 20 else { return nil }
        let (start, overflow) = node.page.multipliedReportingOverflow(by: UInt64(pages.pageBytes))
        guard !overflow, let value = pages.bytes(at: start + UInt64(StorePages.headBytes), count: node.valueBytes)
        else {
            return nil
        }
        for page in node.page..<node.page + count { reached.insert(page) }
        return value
    }

    private static func isSound(_ table: Table, _ key: [UInt8], _ value: [UInt8]) -> Bool {
        guard !key.isEmpty, key.count <= RowKey.bytesMax else { return false }
        return key.withUnsafeBytes { key in
            value.withUnsafeBytes { StoreSample.isSound(table, key, $0) }
        }
    }

    /// Rows on leaf pages that nothing led to: the check of the key says of which table they are.
    private mutating func visitStrays(_ take: (Table, [UInt8], [UInt8]) -> Void) {
        let end = min(pages.fileBytes / UInt64(pages.pageBytes), (meta?.lastPage ?? .max - 1) &+ 1)
        guard result.badPages > 0 || meta == nil, end > 2 else { return }
        for number in 2..<end where broken.contains(number) || !reached.contains(number) && !free.contains(number) {
            guard let bytes = pages.page(number) else { continue }
            var nodes = (try? PageNodes(bytes, number: number, isLeaf: true).nodes) ?? []
            if nodes.isEmpty, broken.contains(number) || PageNodes.looksLikeLeaf(bytes, number: number) {
                nodes = PageNodes.loose(bytes)
            }
            for node in nodes where node.flags & PageNode.tree == 0 {
                let key = Array(bytes[node.key])
                guard let value = value(node, bytes),
                    let table = Table.allCases.first(where: { Self.isTied($0, key, value) })
                else { continue }
                result.strayRows += 1
                take(table, key, value)
            }
        }
    }

    /// The check of table and key is there and fits: not only that nothing speaks against it.
    private static func isTied(_ table: Table, _ key: [UInt8], _ value: [UInt8]) -> Bool {
        switch table.form {
        case .bytes: guard table == .chunk, key.withUnsafeBytes({ ChunkKey($0) != nil }) else { return false }
        case .marker: guard value.count >= RowSeal.checkBytes else { return false }
        case .record: guard value.first == RowSeal.version else { return false }
        }
        return isSound(table, key, value)
    }

    private mutating func walkFree(_ root: TreeRoot) {
        guard root.page != TreeRoot.none, (1...32).contains(root.depth) else { return }
        var todo: [(UInt64, Int)] = [(root.page, Int(root.depth))]
        while let (number, depth) = todo.popLast() {
            guard reached.insert(number).inserted, let bytes = pages.page(number),
                let nodes = try? PageNodes(bytes, number: number, isLeaf: depth == 1).nodes
            else { continue }
            for node in nodes {
                if depth > 1 {
                    todo.append((node.page, depth - 1))
                } else if let value = value(node, bytes), value.count >= 8 {
                    value.withUnsafeBytes { raw in
                        let count = min(raw.loadUnaligned(as: UInt64.self), UInt64(raw.count / 8 - 1))
                        for index in 0..<Int(count) {
                            free.insert(raw.loadUnaligned(fromByteOffset: 8 + 8 * index, as: UInt64.self))
                        }
                    }
                }
            }
        }
    }

    // MARK: Into the new store

    mutating func bringAll() throws(StoreFailure) {
        var failure: StoreFailure?
        // The walk and what it finds are two things: rows are gathered, and written by and by.
        var gathered: [(table: Table, key: [UInt8], value: [UInt8])] = []
        var bytes = 0
        let store = target
        var brought: UInt64 = 0
        func flush() {
            guard failure == nil, let store, !gathered.isEmpty else { return }
            let rows = gathered
            gathered.removeAll(keepingCapacity: true)
            bytes = 0
            let outcome = store.batch { target in
                for row in rows {
                    row.key.withUnsafeBytes { key in
                        // What is there came by its tree; what the new store says of itself stays.
                        guard target.value(row.table, key) == nil else { return }
                        row.value.withUnsafeBytes { stored in
                            guard case .sound(let value) = RowSeal.opened(row.table, key, stored) else { return }
                            target.put(row.table, key, value)
                        }
                        brought += 1
                    }
                }
            }
            if outcome.released == nil {
                failure = StoreFailure(.system, "The new file cannot be written; is the disk full?")
            }
        }
        visit { table, key, value in
            gathered.append((table, key, value))
            bytes += key.count + value.count
            if bytes >= 4 << 20 || gathered.count >= 2_048 { flush() }
        }
        flush()
        if let failure { throw failure }
        result.rows = brought
        try finish()
    }

    /// The daemon makes books and indexes anew at its first start.
    private mutating func finish() throws(StoreFailure) {
        guard let target else { return }
        let outcome = target.batch { rows -> (UInt64, UInt64) in
            rows.setNumber(.meta, "reckoningDue", 1)
            var names: UInt64 = 0
            rows.scan(.label, prefix: RowKey()) { key, _ in
                if rows.value(.envelope, key) == nil { names += 1 }
                return true
            }
            return (rows.count(.envelope), names)
        }
        guard let (envelopes, names) = outcome.released else {
            throw StoreFailure(.system, "The new file cannot be written; is the disk full?")
        }
        result.envelopes = envelopes
        result.namesOnly = names
    }
}
