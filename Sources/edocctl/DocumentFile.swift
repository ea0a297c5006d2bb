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
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
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

/// A file that is written, or the standard output. A file is there whole or not at all.
final class OutputFile: Sendable {
    private let descriptor: Int32
    private let path: String?
    private let isDone = Atomic(false)

    /// Nil writes to the standard output. An existing file is left alone unless `overwrites`.
    init(_ path: String?, overwrites: Bool) throws(FileError) {
        guard let path else {
            self.path = nil
            descriptor = STDOUT_FILENO
            return
        }
        let flags = O_WRONLY | O_CREAT | O_CLOEXEC | (overwrites ? O_TRUNC : O_EXCL)
        let descriptor = open(path, flags, 0o640)
        if descriptor < 0, errno == EEXIST { throw FileError("\(path) exists already; give --force to write over it") }
        guard descriptor >= 0 else { throw FileError("cannot write", path) }
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        guard let path else { return }
        _ = close(descriptor)
        if !isDone.load(ordering: .relaxed) { unlink(path) }
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

    /// All bytes are written and on disk; the file stays from now on.
    func finish() throws(FileError) {
        if let path, fsync(descriptor) != 0 { throw FileError("cannot write", path) }
        isDone.store(true, ordering: .relaxed)
    }
}
