// StorePlace: the directory of a store as `restore` and an opening daemon find it: which of its files are a store's, whether a store is
// there, whose it is, and what an interrupted restore has left. It only looks. It fails with StoreFailure.

import Glibc

struct StorePlace {
    static let data = "data.mdb"
    /// The copy while it is being made ready.
    static let fresh = ".restoring"
    /// What was there before, with the moment behind it.
    static let aside = "before-restore-"
    /// What belongs to a store beside its data.
    static let companions = ["lock.mdb", "owner.lock", "ballast", "in-hand", "stopped"]

    /// Where the directory really is: a link is followed.
    let directory: String
    let isThere: Bool
    let hasData: Bool

    init(_ path: String) throws(StoreFailure) {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        var facts = stat()
        guard stat(path, &facts) == 0 else {
            guard errno == ENOENT else { throw StoreFailure(call: "stat", path: path, errno: errno) }
            if lstat(path, &facts) == 0 {
                throw StoreFailure(
                    .refused, "\(path) is a symbolic link to a place that is not there; make that directory first.")
            }
            directory = path
            isThere = false
            hasData = false
            return
        }
        guard facts.st_mode & S_IFMT == S_IFDIR else {
            throw StoreFailure(
                .refused, "\(path) is not a directory; name the one that store.directory in edocd.yaml names.")
        }
        guard let real = realpath(path, nil) else { throw StoreFailure(call: "realpath", path: path, errno: errno) }
        defer { free(real) }
        directory = String(cString: real)
        isThere = true
        hasData = lstat(directory + "/" + Self.data, &facts) == 0
        if hasData, facts.st_mode & S_IFMT != S_IFREG {
            throw StoreFailure(
                .refused, "\(directory)/\(Self.data) is not a file of its own; put the store's file in its place.")
        }
    }

    /// Names that no store has made: where there are such and no data, the directory is somebody else's.
    var strangers: [String] {
        Self.entries(directory).filter { name in
            name != Self.data && name != Self.fresh && name != "lost+found" && !Self.companions.contains(name)
                && !name.hasPrefix(Self.aside)
        }
    }

    /// Stores that a restore has moved aside or not put into its place, when the place itself has none: here, and beside it where
    /// earlier versions laid them.
    static func leftovers(_ path: String) -> [String] {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        let (folder, name) = CopyFile.split(path)
        let inside = entries(path).filter { $0 == fresh || $0.hasPrefix(aside) }.map { path + "/" + $0 }
        let beside = entries(folder).filter { $0 == name + fresh || $0.hasPrefix(name + "." + aside) }
            .map { folder + "/" + $0 }
        return (inside + beside).filter { bytes($0 + "/" + data) > 0 }.sorted()
    }

    /// No daemon begins an empty store where a restore has stopped half-way: that would look as if all were lost.
    static func refuseEmptyBesideLeftovers(_ directory: String) throws(StoreFailure) {
        guard bytes(directory + "/" + data) == 0, let left = leftovers(directory).last else { return }
        throw StoreFailure(
            .refused,
            "There is no store in \(directory), but there is \(left): a restore was interrupted. Run edocctl restore again, or move "
                + "\(left)/\(data) to \(directory)/\(data); to begin with an empty store, move \(left) elsewhere.")
    }

    /// Length of a file; zero when there is none.
    static func bytes(_ path: String) -> UInt64 {
        var facts = stat()
        return stat(path, &facts) == 0 ? UInt64(clamping: facts.st_size) : 0
    }

    /// What is in a directory; nothing when it cannot be read.
    static func entries(_ directory: String) -> [String] {
        guard let folder = opendir(directory) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
