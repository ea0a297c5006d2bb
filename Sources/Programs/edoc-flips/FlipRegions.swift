// FlipRegions: which bytes of a sound data file are what: heads, branches, leaves of each table with their parts, values, the list of
// free pages, pages that are not in use. It changes nothing, and fails
// with StoreFailure.

import RelayStore

struct StoreRegion: Sendable, Hashable {
    /// Such as `queue leaf: key`.
    var kind: String
    var bytes: Range<UInt64>

    static func all(path: String) throws(StoreFailure) -> [StoreRegion] {
        let pages = try StorePages(path: path)
        guard let first = pages.meta(0), let second = pages.meta(1) else {
            throw StoreFailure(.damaged, "\(path) has no heads.")
        }
        var map = RegionMap(pages: pages)
        let meta = second.transaction > first.transaction ? second : first
        for index in 0..<UInt64(2) {
            map.add("head", index, 0..<152)
        }
        map.tree(meta.main, "tables")
        map.tree(meta.free, "free list")
        var used = map.used
        used.formUnion([0, 1])
        for page in 0...meta.lastPage where !used.contains(page) { map.add("free page", page, 0..<pages.pageBytes) }
        return map.regions
    }
}

private struct RegionMap {
    let pages: StorePages
    var regions: [StoreRegion] = []
    var used: Set<UInt64> = []

    init(pages: StorePages) { self.pages = pages }

    mutating func add(_ kind: String, _ page: UInt64, _ bytes: Range<Int>) {
        guard !bytes.isEmpty else { return }
        let start = page * UInt64(pages.pageBytes)
        regions.append(
            StoreRegion(kind: kind, bytes: start + UInt64(bytes.lowerBound)..<start + UInt64(bytes.upperBound)))
    }

    mutating func tree(_ root: TreeRoot, _ name: String) {
        guard root.page != TreeRoot.none else { return }
        walk(root.page, Int(root.depth), name)
    }

    private mutating func walk(_ number: UInt64, _ depth: Int, _ name: String) {
        guard let bytes = pages.page(number), used.insert(number).inserted else { return }
        let isLeaf = depth == 1
        guard let nodes = try? PageNodes(bytes, number: number, isLeaf: isLeaf).nodes else { return }
        let place = name + (isLeaf ? " leaf: " : " branch: ")
        add(place + "head", number, 0..<StorePages.headBytes)
        let lower = StorePages.headBytes + 2 * nodes.count
        add(place + "pointers", number, StorePages.headBytes..<lower)
        let first = nodes.map { $0.key.lowerBound - PageNode.headBytes }.min() ?? bytes.count
        add(isLeaf ? "gap in a leaf" : "gap in a branch", number, lower..<first)
        for node in nodes {
            add(place + "row head", number, node.key.lowerBound - PageNode.headBytes..<node.key.lowerBound)
            add(place + "key", number, node.key)
            guard isLeaf else {
                walk(node.page, depth - 1, name)
                continue
            }
            add(place + "value", number, node.value)
            if node.flags & PageNode.big != 0 {
                add(name + " long value: head", node.page, 0..<StorePages.headBytes)
                add(
                    name + " long value: bytes", node.page,
                    StorePages.headBytes..<StorePages.headBytes + node.valueBytes)
                for page in node.page..<node.page + (pages.overflowPages(node.page) ?? 1) { used.insert(page) }
            } else if node.flags & PageNode.tree != 0, node.value.count == TreeRoot.bytes {
                let root = bytes.withUnsafeBytes { TreeRoot(UnsafeRawBufferPointer(rebasing: $0[node.value])) }
                tree(root, String(decoding: bytes[node.key], as: UTF8.self))
            }
        }
    }
}
