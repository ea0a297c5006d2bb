// StoreRestore: brings a copy back as the store of a daemon that does not run. The copy is checked, written into the store's directory
// under another name, marked, brought to the disk, and only then takes the place of the data by one rename; what was there has got a second
// name in a directory of its own before, and is never removed. On any failure, and whenever it is killed, the place has the old data or the
// new, whole. All is done inside the directory, which may be a mount point. It blocks its caller.

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
        let copy = try StillStore(file: file)
        if let problem = try StoreSample(copy).problem ?? check(copy) {
            throw StoreFailure(.damaged, "\(file) is not sound: \(problem)")
        }
        node = copy.node
        (envelopes, copied) = try copy.read { rows in
            (rows.count(.envelope), WallTime(milliseconds: rows.number(.meta, "wallTime")))
        }
        bytes = copy.endBytes
        let place = try StorePlace(directory)
        let target = place.directory
        try Self.judge(place, isForced: isForced, node: copy.node)
        // No daemon may begin here meanwhile, and no second restore.
        let lock = try StoreFiles.lock(directory: target)
        defer { StoreFiles.unlock(lock) }
        let fresh = target + "/" + StorePlace.fresh
        do throws(StoreFailure) {
            Self.clear(fresh)
            try Self.forgetUnused(target)
            try Self.own(target, isNew: !place.isThere)
            if mkdir(fresh, 0o700) != 0 { throw StoreFailure(call: "mkdir", path: fresh, errno: errno) }
            try Self.copyFile(file, to: fresh + "/" + StorePlace.data)
            var mark = RestorationRow(uid: uid, login: login, reason: reason, source: file, copied: copied)
            mark.follow(try copy.read { RestorationRow.read($0) })
            try Self.mark(fresh, node: copy.node, mapBytes: max(copy.mapBytes, copy.endBytes + (64 << 20)), mark)
            try Self.give(
                [fresh + "/" + StorePlace.data], like: place.hasData ? target + "/" + StorePlace.data : target)
            try CopyFile.syncFolder(fresh)
            if place.hasData { movedTo = try Self.keepOld(target, suffix) }
            // What is of the store that was here, and not of the copy.
            for name in ["lock.mdb", "in-hand", StopNote.name] { unlink(target + "/" + name) }
            // By this the copy takes the place of what is there, at one moment.
            try Self.move(fresh + "/" + StorePlace.data, target + "/" + StorePlace.data)
        } catch {
            Self.clear(fresh)
            if let movedTo { Self.clear(movedTo) }
            if !place.isThere { Self.clear(target) }
            throw error
        }
        try CopyFile.syncFolder(target)
        Self.clear(fresh)
        if !place.isThere { try CopyFile.syncFolder(CopyFile.split(target).folder) }
    }

    /// May the copy come here?
    private static func judge(_ place: StorePlace, isForced: Bool, node: String) throws(StoreFailure) {
        let directory = place.directory
        guard place.isThere else { return }
        guard place.hasData else {
            guard let stranger = place.strangers.min() else { return }
            throw StoreFailure(
                .refused,
                "\(directory) is no store: it has \(stranger) in it, and no \(StorePlace.data). Name the directory that "
                    + "store.directory in edocd.yaml names, or an empty one.")
        }
        if try StillStore.isInUse(directory) {
            throw StoreFailure(.refused, "The store in \(directory) is in use by a running daemon; stop it first.")
        }
        if let other = try stranger(directory, node: node) { throw StoreFailure(.refused, other) }
        guard isForced else {
            throw StoreFailure(
                .refused,
                "There is a store in \(directory); with --force it is moved aside, whole, and the copy takes its place."
            )
        }
    }

    /// Why the store that is there is not this node's; nil when it is, or when it cannot be read any more.
    private static func stranger(_ directory: String, node: String) throws(StoreFailure) -> String? {
        // One that is cut off must not be looked into.
        if StoreLength.problem(directory + "/" + StorePlace.data) != nil { return nil }
        do throws(StoreFailure) {
            let old = try StillStore(directory: directory)
            guard old.node != node else { return nil }
            return
                "The store in \(directory) is that of \(old.node), and the copy is of \(node); bring it back on its own node."
        } catch {
            guard error.kind == .foreign else { return nil }
            return
                "\(directory)/\(StorePlace.data) is not of this program; a store is never put in its place. Move it away by hand."
        }
    }

    /// The old data under a second name, in a directory of its own; the first is taken from it when the copy comes.
    private static func keepOld(_ directory: String, _ suffix: String) throws(StoreFailure) -> String {
        let first = directory + "/" + StorePlace.aside + suffix
        var aside = first
        var count = 1
        while mkdir(aside, 0o700) != 0 {
            // Two within a second.
            guard errno == EEXIST, count < 100 else { throw StoreFailure(call: "mkdir", path: aside, errno: errno) }
            count += 1
            aside = first + "-\(count)"
        }
        let old = directory + "/" + StorePlace.data
        if link(old, aside + "/" + StorePlace.data) != 0 {
            let failure = StoreFailure(call: "link", path: old, errno: errno)
            rmdir(aside)
            throw failure
        }
        try give([aside], like: directory)
        try CopyFile.syncFolder(aside)
        return aside
    }

    /// A restore that was killed before the copy came has left a second name for data that is still in use.
    private static func forgetUnused(_ directory: String) throws(StoreFailure) {
        var data = stat()
        guard stat(directory + "/" + StorePlace.data, &data) == 0 else { return }
        for name in StorePlace.entries(directory) where name.hasPrefix(StorePlace.aside) {
            var facts = stat()
            let aside = directory + "/" + name
            guard stat(aside + "/" + StorePlace.data, &facts) == 0, facts.st_ino == data.st_ino,
                facts.st_dev == data.st_dev
            else { continue }
            clear(aside)
        }
    }

    /// Removes what an attempt has made: a store's files, and nothing else.
    private static func clear(_ directory: String) {
        for name in [StorePlace.data] + StorePlace.companions { unlink(directory + "/" + name) }
        rmdir(directory)
    }

    private static func own(_ directory: String, isNew: Bool) throws(StoreFailure) {
        if isNew { try give([directory], like: CopyFile.split(directory).folder) }
        try give([directory + "/owner.lock"], like: directory)
    }

    /// The daemon has to be able to use it: it gets the owner of the directory that it is in.
    private static func give(_ paths: [String], like model: String) throws(StoreFailure) {
        var facts = stat()
        guard geteuid() == 0, stat(model, &facts) == 0 else { return }
        for path in paths where chown(path, facts.st_uid, facts.st_gid) != 0 {
            throw StoreFailure(call: "chown", path: path, errno: errno)
        }
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

    private static func move(_ from: String, _ to: String) throws(StoreFailure) {
        if rename(from, to) != 0 { throw StoreFailure(call: "rename", path: from, errno: errno) }
    }
}
