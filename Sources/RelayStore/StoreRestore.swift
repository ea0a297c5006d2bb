// StoreRestore: brings a copy back as the store of a daemon that does not run. The copy is checked, written beside the place where it is to
// be, marked, brought to the disk, and only then takes that place by a rename; what was there is moved aside and never removed. On
// any failure the old store is where it was. It blocks its caller.

import Glibc
import RelayModel
import RelayRows

public struct StoreRestore {
    /// Where what was there before is now; nil when there was nothing.
    public private(set) var movedTo: String?
    public let node: String
    public let envelopes: UInt64
    public let bytes: UInt64
    /// When the copy was made, by the store's own last word.
    public let copied: WallTime

    /// `uid` and `login`: who does it. `check` looks at the copy as a whole and answers what is wrong. `suffix` tells stores that were
    /// moved aside apart.
    public init(
        file: String, directory: String, isForced: Bool, uid: UInt32, login: String, reason: String, suffix: String,
        check: (StillStore) -> String?
    ) throws(StoreFailure) {
        let directory = directory.count > 1 && directory.hasSuffix("/") ? String(directory.dropLast()) : directory
        let copy = try StillStore(file: file)
        if let problem = try StoreSample(copy).problem ?? check(copy) {
            throw StoreFailure(.damaged, "\(file) is not sound: \(problem)")
        }
        node = copy.node
        (envelopes, copied) = try copy.read { rows in
            (rows.count(.envelope), WallTime(milliseconds: rows.number(.meta, "wallTime")))
        }
        bytes = copy.endBytes
        let lock = try Self.place(directory, isForced: isForced)
        defer { if let lock { StoreFiles.unlock(lock) } }
        let fresh = directory + ".restoring"
        Self.clear(fresh)
        do throws(StoreFailure) {
            try Self.make(fresh, like: directory)
            try Self.copyFile(file, to: fresh + "/data.mdb")
            let mark = RestorationRow(uid: uid, login: login, reason: reason, source: file, copied: copied)
            try Self.mark(fresh, node: copy.node, mapBytes: max(copy.mapBytes, copy.endBytes + (64 << 20)), mark)
            try Self.own(fresh, like: directory)
            try CopyFile.syncFolder(fresh)
            if Self.hasEntries(directory) {
                let aside = directory + ".before-restore-" + suffix
                try Self.move(directory, aside)
                movedTo = aside
            }
            do throws(StoreFailure) {
                // An empty directory gives its place up.
                try Self.move(fresh, directory)
            } catch {
                if let movedTo { try Self.move(movedTo, directory) }
                throw error
            }
        } catch {
            Self.clear(fresh)
            throw error
        }
        try CopyFile.syncFolder(CopyFile.split(directory).folder)
    }

    /// Judges the place; answers the lock of the store that is there.
    private static func place(_ directory: String, isForced: Bool) throws(StoreFailure) -> Int32? {
        var facts = stat()
        guard lstat(directory, &facts) == 0 else {
            if errno == ENOENT { return nil }
            throw StoreFailure(call: "stat", path: directory, errno: errno)
        }
        guard facts.st_mode & S_IFMT == S_IFDIR else {
            throw StoreFailure(
                .refused, "\(directory) is not a directory; name the one that store.directory in edocd.yaml names.")
        }
        guard hasEntries(directory) else { return nil }
        if try StillStore.isInUse(directory) {
            throw StoreFailure(.refused, "The store in \(directory) is in use by a running daemon; stop it first.")
        }
        guard isForced else {
            throw StoreFailure(
                .refused,
                "\(directory) is not empty; with --force it is moved aside, whole, and the copy takes its place.")
        }
        guard access(directory + "/owner.lock", F_OK) == 0 else { return nil }
        // No daemon may begin on it while it is being moved.
        return try StoreFiles.lock(directory: directory)
    }

    private static func hasEntries(_ directory: String) -> Bool {
        guard let folder = opendir(directory) else { return false }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = name(of: entry)
            if name != ".", name != ".." { return true }
        }
        return false
    }

    private static func name(of entry: UnsafeMutablePointer<dirent>) -> String {
        withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
    }

    /// Removes what an earlier attempt has left: the files that it makes, and nothing else.
    private static func clear(_ directory: String) {
        for name in ["data.mdb", "lock.mdb", "owner.lock", "ballast"] { unlink(directory + "/" + name) }
        rmdir(directory)
    }

    private static func make(_ directory: String, like old: String) throws(StoreFailure) {
        var facts = stat()
        let mode = stat(old, &facts) == 0 ? facts.st_mode & 0o770 : 0o700
        if mkdir(directory, mode) != 0 { throw StoreFailure(call: "mkdir", path: directory, errno: errno) }
    }

    private static func copyFile(_ source: String, to target: String) throws(StoreFailure) {
        let input = open(source, O_RDONLY | O_CLOEXEC)
        if input < 0 { throw StoreFailure(call: "open", path: source, errno: errno) }
        defer { close(input) }
        let output = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if output < 0 { throw StoreFailure(call: "open", path: target, errno: errno) }
        defer { close(output) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4_096)
        defer { buffer.deallocate() }
        while true {
            let count = read(input, buffer.baseAddress, buffer.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw StoreFailure(call: "read", path: source, errno: errno) }
            if count == 0 { break }
            var rest = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            while !rest.isEmpty {
                let done = write(output, rest.baseAddress, rest.count)
                if done < 0, errno == EINTR { continue }
                if done <= 0 { throw StoreFailure(call: "write", path: target, errno: errno) }
                rest = UnsafeRawBufferPointer(rebasing: rest[done...])
            }
        }
        if fsync(output) != 0 { throw StoreFailure(call: "fsync", path: target, errno: errno) }
    }

    /// Writes the mark, by which the daemon holds everything before it sends anything.
    private static func mark(
        _ directory: String, node: String, mapBytes: UInt64, _ mark: RestorationRow
    ) throws(StoreFailure) {
        var settings = StoreSettings(node: node)
        settings.mapBytes = mapBytes
        settings.growthBytes = 1 << 20
        settings.aheadBytes = 1 << 20
        settings.ballastBytes = 0
        do {
            let store = try LMDBStore(directory: directory, settings: settings)
            let result = store.batch { $0.put(.meta, RestorationRow.key, mark.encoded()) }
            guard result.released != nil else {
                throw StoreFailure(.system, "The copy in \(directory) cannot be marked as restored; is the disk full?")
            }
        }
        // The daemon makes its own.
        for name in ["lock.mdb", "owner.lock", "ballast"] { unlink(directory + "/" + name) }
    }

    /// The daemon has to be able to use it: it gets the owner of what was there, or of the folder that it is in.
    private static func own(_ directory: String, like old: String) throws(StoreFailure) {
        guard geteuid() == 0 else { return }
        var facts = stat()
        guard stat(old, &facts) == 0 || stat(CopyFile.split(old).folder, &facts) == 0 else { return }
        for path in [directory, directory + "/data.mdb"] where chown(path, facts.st_uid, facts.st_gid) != 0 {
            throw StoreFailure(call: "chown", path: path, errno: errno)
        }
    }

    private static func move(_ from: String, _ to: String) throws(StoreFailure) {
        if rename(from, to) != 0 { throw StoreFailure(call: "rename", path: from, errno: errno) }
    }
}
