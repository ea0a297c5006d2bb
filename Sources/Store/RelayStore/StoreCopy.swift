// StoreCopy: a consistent copy of a live store in one file, by LMDB's own copying. The copy reads a snapshot for as long as it takes, and
// meanwhile no page that the writer frees can be used again: the plan says how much room that needs, and a copy under way gives up
// before the room is gone, so that no backup ever fills a store. It blocks the thread that calls it, never the writer.
//
// LMDB writes into a pipe on a thread of its own; what comes out is written to the file at the rate asked for, and closing the pipe is how
// a copy is given up. Whether it goes on is asked on a third thread, because the file's disk may never answer: then the copy hangs, and
// the snapshot is let go all the same. The file has a name of its own until it is whole, checked and on disk.

import Glibc
import LMDB
import Monotonic
import RelayModel
import RelayRows
import Synchronization

/// What a copy will need, before it begins.
public struct CopyPlan: Sendable, Hashable {
    /// The length that the copy will have, roughly.
    public var copyBytes: UInt64
    public var seconds: UInt64
    /// What the writer frees in a second, as measured just now.
    public var churnBytesPerSecond: UInt64
    /// Room that the store needs while the copy reads: what is freed meanwhile, twice over.
    public var needBytes: UInt64
    public var headRoomBytes: UInt64
    /// Below this head room the copy gives up.
    public var floorBytes: UInt64
    /// Free on the disk of the copy.
    public var diskBytes: UInt64
    /// Why it should not begin; nil when it may.
    public var refusal: String?
}

/// What has been copied.
public struct CopyFacts: Sendable, Hashable {
    public var bytes: UInt64
    public var envelopes: UInt64
    /// Rows of every table that were looked at in the finished copy.
    public var checkedRows: UInt64
}

extension LMDBStore {
    /// The rate when none is asked for: as fast as the disk goes would take a third of the store's own throughput.
    public static let copyRate: UInt64 = 64 << 20

    /// The least head room that a copy leaves: the reserve, and as much again for what is being accepted.
    public var copyFloorBytes: UInt64 { settings.effectiveReserveBytes * 2 }

    /// Judges whether a copy to a folder may begin. `churn`: bytes freed in a second, measured by the caller.
    public func copyPlan(
        toFolder folder: String, churn: UInt64, bytesPerSecond: UInt64?, isCompacting: Bool = true
    ) -> CopyPlan {
        let room = headRoom
        let bytes = isCompacting ? room.usedBytes : (environment.info.lastPage + 1) * environment.pageBytes
        let seconds = bytes / max(bytesPerSecond ?? Self.copyRate, 1) + 1
        let (freed, overflow) = churn.multipliedReportingOverflow(by: seconds * 2)
        var plan = CopyPlan(
            copyBytes: bytes, seconds: seconds, churnBytesPerSecond: churn, needBytes: overflow ? .max : freed,
            headRoomBytes: room.freeBytes, floorBytes: copyFloorBytes, diskBytes: CopyFile.diskBytes(folder),
            refusal: nil)
        // On the store's own disk the copy leaves the store its floor.
        let kept = CopyFile.device(folder) == CopyFile.device(directory) ? plan.floorBytes : 0
        if access(folder, W_OK | X_OK) != 0 {
            plan.refusal = "no file can be made in \(folder): \(String(cString: strerror(errno)))"
        } else if room.freeBytes <= plan.floorBytes || room.freeBytes - plan.floorBytes < plan.needBytes {
            plan.refusal =
                "the copy takes about \(Milliseconds.seconds(seconds).text), in which the store may free \(plan.needBytes) bytes that it cannot use "
                + "again, and gives up below a floor of \(plan.floorBytes); the head room is \(room.freeBytes): try again when "
                + "the store is quieter or emptier, or with a higher rate"
        } else if plan.diskBytes < kept || plan.diskBytes - kept < bytes + bytes / 16 {
            plan.refusal =
                "the copy needs about \(bytes) bytes and leaves \(kept) to the store; the disk of \(folder) has "
                + "\(plan.diskBytes): name another folder"
        }
        return plan
    }

    /// Removes what copies to the same folder have left whose processes were killed; answers the paths. `prefix`: how the names of
    /// this node's copies begin.
    public static func removeLeftovers(besideCopy path: String, prefix: String) throws(StoreFailure) -> [String] {
        try CopyFile.removeLeftovers(beside: path, prefix: prefix)
    }

    /// Copies the store to a file that is not there yet. `goesOn` is told the bytes written so far, several times a second and on a thread
    /// of its own; false gives the copy up. `check` looks at the finished copy before it gets its name, and answers what is wrong.
    public func copy(
        to path: String, bytesPerSecond: UInt64?, isCompacting: Bool, goesOn: (UInt64) -> Bool,
        check: (StillStore) -> String?
    ) throws(StoreFailure) -> CopyFacts {
        let file = try CopyFile(path)
        let floor = copyFloorBytes
        let stream = CopyStream(environment, readers, isCompacting: isCompacting)
        let failure = stream.pump(into: file, bytesPerSecond: bytesPerSecond) {
            let room = headRoom.freeBytes
            if room < floor {
                return "the head room fell to \(room) bytes, below the floor of \(floor); the store comes first"
            }
            return goesOn($0) ? nil : "it was cancelled"
        }
        if let failure { throw failure }
        if !isCompacting { try file.lengthen() }
        try file.sync()
        let copy = try StillStore(file: file.partial)
        guard copy.node == settings.node else { throw StoreFailure(.damaged, "The copy is not of this node.") }
        let sample = try StoreSample(copy)
        let problem = sample.problem ?? check(copy)
        if let problem { throw StoreFailure(.damaged, "The copy is not sound and was removed: \(problem)") }
        let envelopes = try copy.read { $0.count(.envelope) }
        try file.keep()
        return CopyFacts(bytes: file.written, envelopes: envelopes, checkedRows: sample.rows)
    }
}

/// Where a copy goes, octet by octet. Its calls may hang.
protocol CopySink: AnyObject {
    var partial: String { get }
    var written: UInt64 { get }
    func write(_ bytes: UnsafeRawBufferPointer) -> StoreFailure?
    func flush() -> StoreFailure?
}

/// LMDB's copy through a pipe.
final class CopyStream {
    private let environment: Environment
    private let readers: ReaderPool
    private let isCompacting: Bool
    private static let portion = 1 << 20
    /// F_SETPIPE_SZ of fcntl(2), which Glibc does not show to Swift. A pipe that stays small is only slower.
    private static let setPipeSize: Int32 = 1_031
    /// Written bytes are brought to the disk in steps, so that they do not crowd out the store's own syncs.
    private static let syncStep: UInt64 = 4 << 20

    init(_ environment: Environment, _ readers: ReaderPool, isCompacting: Bool) {
        self.environment = environment
        self.readers = readers
        self.isCompacting = isCompacting
    }

    /// A thread's work. What it leaves behind is looked at after it has been joined.
    private class Errand {
        func run() {}

        /// Nil when the thread cannot be made; then `errno` says why.
        final func start() -> pthread_t? {
            var thread = pthread_t()
            let context = Unmanaged.passRetained(self)
            let code = pthread_create(
                &thread, nil,
                { context in
                    Unmanaged<Errand>.fromOpaque(context!).takeRetainedValue().run()
                    return nil
                }, context.toOpaque())
            if code == 0 { return thread }
            context.release()
            errno = code
            return nil
        }
    }

    /// Has LMDB write into a descriptor, and closes it. The snapshot is held for exactly as long.
    private final class Copying: Errand {
        private let environment: Environment
        private let readers: ReaderPool
        private let isCompacting: Bool
        private let descriptor: Int32
        private(set) var error: LMDBError?

        init(_ environment: Environment, _ readers: ReaderPool, _ isCompacting: Bool, _ descriptor: Int32) {
            self.environment = environment
            self.readers = readers
            self.isCompacting = isCompacting
            self.descriptor = descriptor
        }

        override func run() {
            // A pipe that is closed at the other end is an answer, not the end of the process.
            var signals = sigset_t()
            sigemptyset(&signals)
            sigaddset(&signals, SIGPIPE)
            pthread_sigmask(SIG_BLOCK, &signals, nil)
            do throws(LMDBError) {
                try readers.pinned { () throws(LMDBError) in
                    try environment.copy(to: descriptor, isCompacting: isCompacting)
                }
            } catch {
                self.error = error
            }
            close(descriptor)
        }
    }

    /// The end of the pipe that is read. It is closed by putting another file in its place: one thread may be about to read it while
    /// another closes it, and its number must not become somebody else's meanwhile.
    private final class Source {
        let descriptor: Int32
        private let nothing: Int32

        init?(_ descriptor: Int32) {
            self.descriptor = descriptor
            nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
            if nothing < 0 { return nil }
        }

        /// Nobody reads any more: who writes is told so. Any thread, any number of times.
        func close() {
            dup2(nothing, descriptor)
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }

        deinit {
            Glibc.close(descriptor)
            if nothing >= 0 { Glibc.close(nothing) }
        }
    }

    /// Asks several times a second whether the copy goes on, and closes the pipe when it does not.
    private final class Watch: Errand {
        private let stop: (UInt64) -> String?
        private let source: Source
        private let verdict = Mutex<String?>(nil)
        private let isOver = MonotonicLock(value: false)
        private let written = Atomic<UInt64>(0)
        private static let seconds = 0.1

        init(_ source: Source, _ stop: @escaping (UInt64) -> String?) {
            self.source = source
            self.stop = stop
        }

        override func run() {
            repeat {
                if let why = stop(written.load(ordering: .relaxed)) {
                    verdict.withLock { $0 = why }
                    source.close()
                    return
                }
            } while !isOver.lock(whenValue: true, timeoutSeconds: Self.seconds)
            isOver.unlock()
        }

        func note(_ written: UInt64) { self.written.store(written, ordering: .relaxed) }

        /// Why the copy is given up; nil while it goes on.
        var failure: StoreFailure? {
            verdict.withLock { $0 }.map { StoreFailure(.refused, "The copy was given up: \($0).") }
        }

        func end() {
            isOver.lock()
            isOver.unlock(withValue: true)
        }
    }

    /// Nil when all is in the sink. `stop` answers why to give up; it is asked on another thread.
    func pump(into sink: any CopySink, bytesPerSecond: UInt64?, stop: (UInt64) -> String?) -> StoreFailure? {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return StoreFailure(call: "pipe", path: sink.partial, errno: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[0], Self.setPipeSize, Int32(Self.portion))
        guard let source = Source(ends[0]) else {
            close(ends[1])
            return StoreFailure(call: "open", path: "/dev/null", errno: errno)
        }
        return withoutActuallyEscaping(stop) { stop in
            let watch = Watch(source, stop)
            guard let watching = watch.start() else {
                close(ends[1])
                return StoreFailure(call: "pthread_create", path: sink.partial, errno: errno)
            }
            defer {
                watch.end()
                pthread_join(watching, nil)
            }
            let copying = Copying(environment, readers, isCompacting, ends[1])
            guard let thread = copying.start() else {
                close(ends[1])
                return StoreFailure(call: "pthread_create", path: sink.partial, errno: errno)
            }
            let failure = drain(source.descriptor, into: sink, bytesPerSecond, watch)
            // LMDB may still be writing, when the sink has failed.
            source.close()
            pthread_join(thread, nil)
            if let failure { return failure }
            return copying.error.map { StoreFailure(.system, "The store cannot be copied: \($0.sentence)") }
        }
    }

    private func drain(
        _ source: Int32, into sink: any CopySink, _ bytesPerSecond: UInt64?, _ watch: Watch
    ) -> StoreFailure? {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.portion, alignment: 4_096)
        defer { buffer.deallocate() }
        let begun = Self.milliseconds()
        var synced: UInt64 = 0
        while true {
            let count = read(source, buffer.baseAddress, buffer.count)
            if count < 0, errno == EINTR { continue }
            if let failure = watch.failure { return failure }
            if count < 0 { return StoreFailure(call: "read", path: "pipe", errno: errno) }
            if count == 0 { return nil }
            if let failure = sink.write(UnsafeRawBufferPointer(rebasing: buffer[..<count])) { return failure }
            watch.note(sink.written)
            if sink.written - synced >= Self.syncStep {
                synced = sink.written
                if let failure = sink.flush() { return failure }
            }
            while let bytesPerSecond, bytesPerSecond > 0 {
                let now = Self.milliseconds()
                let due =
                    begun + sink.written / bytesPerSecond * 1_000 + sink.written % bytesPerSecond * 1_000
                    / bytesPerSecond
                guard due > now else { break }
                if let failure = watch.failure { return failure }
                usleep(UInt32(min(due - now, 100)) * 1_000)
            }
        }
    }

    private static func milliseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
    }
}

/// The file of a copy: `.name.partial` until it is whole; removed when it does not come to that.
final class CopyFile: CopySink {
    let path: String
    let partial: String
    private let descriptor: Int32
    private(set) var written: UInt64 = 0
    private var isKept = false

    init(_ path: String) throws(StoreFailure) {
        self.path = path
        let (folder, name) = Self.split(path)
        partial = folder + "/." + name + ".partial"
        if access(path, F_OK) == 0 {
            throw StoreFailure(
                .refused, "\(path) is there already; a copy never takes the place of a file. Name another.")
        }
        _ = try Self.removeLeftovers(beside: path, prefix: nil)
        descriptor = open(partial, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw StoreFailure(call: "open", path: partial, errno: errno) }
        // As long as it is being written nobody takes it for a leftover.
        flock(descriptor, LOCK_EX | LOCK_NB)
    }

    deinit {
        close(descriptor)
        if !isKept { unlink(partial) }
    }

    /// Removes what earlier copies have left whose processes were killed: of this name, and of all that begin with `prefix`. What
    /// somebody still writes stays, and is a refusal when it has this very name; so does what belongs to somebody else.
    static func removeLeftovers(beside path: String, prefix: String?) throws(StoreFailure) -> [String] {
        let (folder, name) = split(path)
        var removed: [String] = []
        for entry in StorePlace.entries(folder) {
            let isOwn = entry == "." + name + ".partial"
            guard isOwn || prefix.map({ isLeftover(entry, of: $0) }) ?? false else { continue }
            let partial = folder + "/" + entry
            let file = open(partial, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            defer { if file >= 0 { close(file) } }
            var facts = stat()
            guard file >= 0, fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_uid == geteuid()
            else { continue }
            guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
                if isOwn {
                    throw StoreFailure(.refused, "Another copy is being written to \(path). Name another file.")
                }
                continue
            }
            if unlink(partial) == 0 { removed.append(partial) }
        }
        return removed
    }

    /// Behind the prefix stands the moment, which has no dash: the name of another node may begin like this one's.
    private static func isLeftover(_ entry: String, of prefix: String) -> Bool {
        entry.hasPrefix("." + prefix) && entry.hasSuffix(".mdb.partial")
            && !entry.dropFirst(prefix.count + 1).contains("-")
    }

    /// Makes the file as long as its pages want it to be. LMDB copies a file no further than it goes, and its last pages may never have
    /// been written, when nothing is in them.
    func lengthen() throws(StoreFailure) {
        guard let (needed, length) = StoreLength.measure(partial), length < needed else { return }
        if ftruncate(descriptor, off_t(clamping: needed)) != 0 {
            throw StoreFailure(call: "ftruncate", path: partial, errno: errno)
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> StoreFailure? {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return StoreFailure(call: "write", path: partial, errno: errno) }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            written += UInt64(count)
        }
        return nil
    }

    func flush() -> StoreFailure? {
        fdatasync(descriptor) == 0 ? nil : StoreFailure(call: "fdatasync", path: partial, errno: errno)
    }

    func sync() throws(StoreFailure) {
        if fsync(descriptor) != 0 { throw StoreFailure(call: "fsync", path: partial, errno: errno) }
    }

    /// Gives the file its name, which is on disk when this returns. A file that has come there meanwhile stays.
    func keep() throws(StoreFailure) {
        if link(partial, path) == 0 {
            unlink(partial)
        } else if errno == EEXIST {
            throw StoreFailure(.refused, "\(path) has come to be meanwhile; the copy was removed. Name another.")
        } else if access(path, F_OK) == 0 || rename(partial, path) != 0 {
            // A file system without links.
            throw StoreFailure(call: "rename", path: path, errno: errno)
        }
        isKept = true
        try Self.syncFolder(Self.split(path).folder)
    }

    static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = String(path[..<slash])
        return (folder.isEmpty ? "/" : folder, String(path[path.index(after: slash)...]))
    }

    /// The names in a folder are on disk only after this.
    static func syncFolder(_ folder: String) throws(StoreFailure) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor < 0 { throw StoreFailure(call: "open", path: folder, errno: errno) }
        defer { close(descriptor) }
        if fsync(descriptor) != 0 { throw StoreFailure(call: "fsync", path: folder, errno: errno) }
    }

    static func diskBytes(_ path: String) -> UInt64 {
        var facts = statvfs()
        guard statvfs(path, &facts) == 0 else { return 0 }
        return UInt64(facts.f_bavail).multipliedReportingOverflow(by: UInt64(facts.f_frsize)).partialValue
    }

    static func device(_ path: String) -> UInt64? {
        var facts = stat()
        return stat(path, &facts) == 0 ? UInt64(facts.st_dev) : nil
    }
}
