// InputFile and OutputFile: files that go into requests and come out of answers, read and written in runs of bounded size. Each
// owns its descriptor. Calls block; this is a tool that does one thing at a time. Fails by `FileError`, which says what to do.

import Glibc
import NIOCore
import Synchronization

struct FileError: Error, Hashable {
    var sentence: String

    init(_ what: String, _ path: String, _ code: Int32 = errno) {
        sentence = "\(what) \(path): \(String(cString: strerror(code)))"
    }

    init(_ sentence: String) { self.sentence = sentence }
}

/// A file that is read.
final class InputFile: Sendable {
    static let runBytes = 256 << 10

    private let descriptor: Int32
    private let path: String
    let length: UInt64

    init(_ path: String) throws(FileError) {
        // A pipe that nobody writes to would be waited for; it is refused below.
        let descriptor = TypedPath.withBytes(path) { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        guard descriptor >= 0 else { throw FileError("cannot read", path) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            _ = close(descriptor)
            throw FileError("cannot read \(path): it is not a regular file, and its length must be known first")
        }
        self.path = path
        self.descriptor = descriptor
        length = UInt64(max(status.st_size, 0))
    }

    deinit { _ = close(descriptor) }

    /// The next run; empty at the end.
    func next() throws(FileError) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: Self.runBytes)
        while true {
            var count = 0
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.runBytes) { raw in
                count = read(descriptor, raw.baseAddress, Self.runBytes)
                return max(count, 0)
            }
            if count >= 0 { return buffer }
            if errno != EINTR { throw FileError("cannot read", path) }
        }
    }
}

/// A file that is written, or the standard output. Under its name it is there whole or not at all: until `finish` the bytes are in a
/// hidden file beside it, with a name that nobody who looks into the folder takes for a document.
final class OutputFile: Sendable {
    /// Where the bytes go, and what becomes of them.
    private enum Goal: Sendable {
        /// The standard output, or a device or pipe of this path: there is nothing that could take its place.
        case stream(path: String?)
        /// The file's path, and that of the hidden one. `replaces`: what is there already goes.
        case file(path: String, hidden: String, replaces: Bool)
    }

    private let descriptor: Int32
    private let goal: Goal
    private let isDone = Atomic(false)

    /// Nil writes to the standard output. An existing file is left alone unless `overwrites`.
    init(_ path: String?, overwrites: Bool) throws(FileError) {
        guard let path else {
            goal = .stream(path: nil)
            descriptor = STDOUT_FILENO
            return
        }
        try TypedPath.checkWritable(path)
        var found = stat()
        let exists = lstat(path, &found) == 0
        if exists, !overwrites { throw Self.exists(path) }
        // What a link leads to is written over, not the link.
        var goal = path
        if exists, found.st_mode & S_IFMT == S_IFLNK {
            guard let real = realpath(path, nil) else { throw FileError("cannot write", path) }
            goal = String(cString: real)
            free(real)
            guard lstat(goal, &found) == 0 else { throw FileError("cannot write", path) }
        }
        if exists, found.st_mode & S_IFMT != S_IFREG {
            let descriptor = open(path, O_WRONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw FileError("cannot write", path) }
            self.goal = .stream(path: path)
            self.descriptor = descriptor
            return
        }
        // What may not be written to is not replaced either.
        if exists, access(goal, W_OK) != 0 { throw FileError("cannot write", path) }
        let hidden =
            Self.folder(of: goal) + "/.edocctl-\(getpid())-" + String(UInt64.random(in: 0 ... .max), radix: 36)
        let descriptor = open(hidden, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw FileError("cannot write", path) }
        if exists { _ = fchmod(descriptor, found.st_mode & 0o7777) }
        self.goal = .file(path: goal, hidden: hidden, replaces: exists)
        self.descriptor = descriptor
    }

    deinit {
        switch goal {
        case .stream(path: nil): break
        case .stream: _ = close(descriptor)
        case .file(_, let hidden, _):
            _ = close(descriptor)
            if !isDone.load(ordering: .relaxed) { unlink(hidden) }
        }
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "" : String(path[..<slash])
    }

    private static func exists(_ path: String) -> FileError {
        FileError("\(path) exists already; give --force to write over it")
    }

    private var path: String? {
        switch goal {
        case .stream(let path): path
        case .file(let path, _, _): path
        }
    }

    func write(_ buffer: ByteBuffer) throws {
        try buffer.withUnsafeReadableBytes { try write($0) }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest)
            let count = Glibc.write(descriptor, part.baseAddress, part.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw FileError("cannot write", path ?? "the standard output")
            }
            rest = rest.dropFirst(count)
        }
    }

    /// All bytes are written and on disk; the file gets its name, and stays from now on.
    func finish() throws(FileError) {
        guard case .file(let path, let hidden, let replaces) = goal else { return }
        guard fsync(descriptor) == 0 else { throw FileError("cannot write", path) }
        if replaces {
            guard rename(hidden, path) == 0 else { throw FileError("cannot write", path) }
        } else {
            try Self.give(hidden, path)
        }
        isDone.store(true, ordering: .relaxed)
        // Who may write into a folder may not always open it; the name is in it all the same.
        let folder = open(Self.folder(of: path) + "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return }
        defer { _ = close(folder) }
        // Some file systems know no such thing.
        guard fsync(folder) == 0 || errno == EINVAL else { throw FileError("cannot write", path) }
    }

    /// A second name, which is refused where somebody has made a file of that name meanwhile; and the first goes.
    private static func give(_ hidden: String, _ path: String) throws(FileError) {
        if link(hidden, path) == 0 {
            unlink(hidden)
            return
        }
        let code = errno
        if code == EEXIST { throw exists(path) }
        guard [EPERM, EOPNOTSUPP, ENOSYS, EMLINK, EINVAL].contains(code) else {
            throw FileError("cannot write", path, code)
        }
        // A file system on which a file has one name.
        var found = stat()
        if lstat(path, &found) == 0 { throw exists(path) }
        guard rename(hidden, path) == 0 else { throw FileError("cannot write", path) }
    }
}
