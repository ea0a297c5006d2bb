// StoreFiles: the files of a store as the file system sees them: the lock that keeps a second daemon out, the data
// file's allocated length, and the ballast. It owns three descriptors and is used by the writer only. Opening fails
// with StoreFailure; later a full disk is an answer, because the store goes on with the room that it has.
//
// LMDB writes pages where its own count of them says and reads no length of its file, so that the file may be longer
// than its pages. Blocks that are allocated ahead are what lets a commit succeed on a disk that somebody else has
// filled.

import Glibc

final class StoreFiles {
    let directory: String
    private let lock: Int32
    private let data: Int32
    private let ballast: Int32
    /// Length of the data file; every byte of it has its block on disk.
    private(set) var dataBytes: UInt64 = 0
    private(set) var ballastBytes: UInt64 = 0

    /// Locks the directory, which is created when it is not there. The data file must not be open before.
    static func lock(directory: String) throws(StoreFailure) -> Int32 {
        if mkdir(directory, 0o700) != 0, errno != EEXIST {
            throw StoreFailure(call: "mkdir", path: directory, errno: errno)
        }
        let path = directory + "/owner.lock"
        let lock = try openFile(path, O_RDWR | O_CREAT | O_CLOEXEC)
        // A lock of the open file, not of the process: it keeps out a second store in the same process as well, ends
        // with the process however that ends, and cannot be lost by closing another descriptor of the file.
        if flock(lock, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            close(lock)
            if code == EWOULDBLOCK {
                var failure = StoreFailure(.refused, "The store in \(directory) is in use by another daemon.")
                failure.isPassing = true
                throw failure
            }
            throw StoreFailure(call: "flock", path: path, errno: code)
        }
        return lock
    }

    /// Gives the lock back when opening goes no further.
    static func unlock(_ lock: Int32) { close(lock) }

    /// Takes over the lock. The data file is there by now.
    init(directory: String, lock: Int32) throws(StoreFailure) {
        self.directory = directory
        self.lock = lock
        var opened: [Int32] = [lock]
        do throws(StoreFailure) {
            opened.append(try Self.openFile(directory + "/data.mdb", O_RDWR | O_CLOEXEC))
            opened.append(try Self.openFile(directory + "/ballast", O_RDWR | O_CREAT | O_CLOEXEC))
            try Self.syncDirectory(directory)
        } catch {
            for descriptor in opened { close(descriptor) }
            throw error
        }
        data = opened[1]
        ballast = opened[2]
        ballastBytes = Self.length(ballast)
        // A file that was copied or restored may have holes: give each its block, or leave the file as it is.
        let length = Self.length(data)
        _ = Self.allocate(data, 0..<length)
        dataBytes = length
    }

    deinit {
        close(ballast)
        close(data)
        close(lock)
    }

    /// Lengthens the data file to `goal`, or as far as the disk allows.
    func grow(to goal: UInt64) {
        guard goal > dataBytes else { return }
        var step = goal - dataBytes
        while !Self.allocate(data, dataBytes..<dataBytes + step), step > 1 << 20 { step /= 4 }
        dataBytes = max(dataBytes, Self.length(data))
    }

    /// Makes the ballast `goal` bytes long when the disk has them and `slack` bytes more.
    func raiseBallast(to goal: UInt64, slack: UInt64) {
        guard ballastBytes < goal, diskBytes >= goal - ballastBytes + slack else { return }
        if !Self.allocate(ballast, 0..<goal) { ftruncate(ballast, 0) }
        ballastBytes = Self.length(ballast)
    }

    /// Gives the ballast's blocks back to the disk.
    func dropBallast() {
        ftruncate(ballast, 0)
        ballastBytes = Self.length(ballast)
    }

    /// Gives back what a commit that failed has appended; no page of a commit that succeeded lies there.
    func trim() { ftruncate(data, off_t(clamping: dataBytes)) }

    /// True when the disk has not even the blocks of a small write.
    var isDiskFull: Bool { diskBytes < 64 << 10 }

    /// Bytes that the disk has for this program, apart from what is allocated already.
    var diskBytes: UInt64 {
        var facts = statvfs()
        guard retrying({ fstatvfs(data, &facts) }) == 0 else { return 0 }
        return UInt64(facts.f_bavail).multipliedReportingOverflow(by: UInt64(facts.f_frsize)).partialValue
    }

    /// True when the disk has reported that bytes of the data file, written since the last call, were lost. A commit
    /// that LMDB gives up because of a full disk leaves open whether it was a write or a sync that failed, and after a
    /// failed sync nothing can be promised. This descriptor has its own record of such errors, so that LMDB's sync has
    /// not used it up.
    func hasLostWrites() -> Bool { retrying { fdatasync(data) } != 0 }

    private static func openFile(_ path: String, _ flags: Int32) throws(StoreFailure) -> Int32 {
        let descriptor = retrying { open(path, flags, 0o600) }
        if descriptor < 0 { throw StoreFailure(call: "open", path: path, errno: errno) }
        return descriptor
    }

    /// The names of new files are on disk only after this.
    private static func syncDirectory(_ directory: String) throws(StoreFailure) {
        let descriptor = try openFile(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(descriptor) }
        if retrying({ fsync(descriptor) }) != 0 {
            throw StoreFailure(call: "fsync", path: directory, errno: errno)
        }
    }

    private static func length(_ descriptor: Int32) -> UInt64 {
        var facts = stat()
        return fstat(descriptor, &facts) == 0 ? UInt64(clamping: facts.st_size) : 0
    }

    /// Blocks for a range of bytes; false when the disk does not have them. posix_fallocate answers the error itself.
    private static func allocate(_ descriptor: Int32, _ range: Range<UInt64>) -> Bool {
        guard let start = off_t(exactly: range.lowerBound), let length = off_t(exactly: range.upperBound),
            length > start
        else { return false }
        var code: Int32
        repeat { code = posix_fallocate(descriptor, start, length - start) } while code == EINTR
        return code == 0
    }
}

/// Calls again while a signal has interrupted the call.
private func retrying(_ call: () -> Int32) -> Int32 {
    var answer: Int32
    repeat { answer = call() } while answer == -1 && errno == EINTR
    return answer
}
