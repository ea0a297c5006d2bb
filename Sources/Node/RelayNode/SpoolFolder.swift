// SpoolFolder: one agency's spool as the file system sees it: `tmp`, where documents are written, and `new`, from which the agency takes
// them. It owns the descriptors of both folders, is used by one thread for one group of steps, and fails with a sentence for the operator.
// Neither folder is ever made here: where a disk is not mounted they are missing, and that must not look like documents that were taken.
//
// A file is written by `write`, is on the disk when it `landed`, and is found there after a power cut when `tmp` was synced as well
// (`settleWritten`, once for many). A rename is on the disk after `settleMoved`.

import CLinux
import Glibc
import NIOCore
import OpenSSLTLS
import RelayCore
import RelayModel

/// Why a step was not done.
struct SpoolFailure: Error {
    var failure: HandOverFailure

    static func spool(_ sentence: String) -> SpoolFailure { SpoolFailure(failure: .spool(sentence)) }
    static func folderGone(_ sentence: String) -> SpoolFailure { SpoolFailure(failure: .folderGone(sentence)) }
    static func room(_ sentence: String) -> SpoolFailure { SpoolFailure(failure: .room(sentence)) }
    static func place(_ sentence: String) -> SpoolFailure { SpoolFailure(failure: .place(sentence)) }
    static func document(_ sentence: String) -> SpoolFailure { SpoolFailure(failure: .document(sentence)) }
}

struct SpoolFolder: ~Copyable {
    private let directory: String
    private let tmp: Int32
    private let new: Int32
    /// What tells `tmp` from another folder at its path.
    let identity: UInt64

    init(_ directory: String) throws(SpoolFailure) {
        let tmp = try Self.open(directory + "/tmp")
        let new: Int32
        let identity: UInt64
        do throws(SpoolFailure) {
            new = try Self.open(directory + "/new")
        } catch {
            close(tmp)
            throw error
        }
        do throws(SpoolFailure) {
            identity = try Self.identity(directory, tmp, new)
        } catch {
            close(tmp)
            close(new)
            throw error
        }
        self.directory = directory
        self.tmp = tmp
        self.new = new
        self.identity = identity
    }

    private static func identity(_ directory: String, _ tmp: Int32, _ new: Int32) throws(SpoolFailure) -> UInt64 {
        var facts = (tmp: stat(), new: stat())
        guard fstat(tmp, &facts.tmp) == 0, fstat(new, &facts.new) == 0 else {
            throw .spool(sentence(directory, errno))
        }
        guard facts.tmp.st_dev == facts.new.st_dev else {
            throw .spool("\(directory): tmp and new must be on one disk, or nothing can be moved from one to the other")
        }
        let identity = clinux_folder_identity(tmp)
        guard identity != 0 else { throw .spool(sentence(directory, errno)) }
        return identity
    }

    deinit {
        close(tmp)
        close(new)
    }

    private static func open(_ path: String) throws(SpoolFailure) -> Int32 {
        let descriptor = retrying { Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
        guard descriptor < 0 else { return descriptor }
        throw missing(path, errno)
    }

    private static func missing(_ path: String, _ code: Int32) -> SpoolFailure {
        code == ENOENT ? .spool("\(path) is not there; make it, or mount its disk") : .spool(sentence(path, code))
    }

    // MARK: - Steps

    /// A document may begin only when there is room for all of it.
    func requireRoom(_ length: UInt64, reserve: UInt64) throws(SpoolFailure) {
        var facts = statvfs()
        guard retrying({ fstatvfs(tmp, &facts) }) == 0 else { throw .spool(Self.sentence(directory, errno)) }
        let (free, overflow) = UInt64(facts.f_bavail).multipliedReportingOverflow(by: UInt64(facts.f_frsize))
        let (wanted, isTooMuch) = length.addingReportingOverflow(reserve)
        if !overflow, isTooMuch || free < wanted {
            throw .room(
                "\(directory): its disk has \(free) bytes free, and \(reserve) beside the document must stay free")
        }
    }

    /// What would keep documents from going into a directory, looked at before there is one; nil when nothing would.
    static func problem(_ directory: String, group: String = "") -> String? {
        do throws(SpoolFailure) {
            _ = try SpoolFolder(directory)
        } catch {
            return error.failure.sentence
        }
        for name in ["tmp", "new"] where access(directory + "/" + name, W_OK | X_OK) != 0 {
            return sentence("\(directory)/\(name)", errno)
        }
        if !group.isEmpty, Self.group(group) == nil { return noGroup(directory, group) }
        return nil
    }

    /// What the agency's system needs to read its files.
    struct Rights {
        var mode: mode_t
        /// Nil: the daemon's own.
        var group: (name: String, number: gid_t)?
    }

    /// Fails where there is no such group.
    func rights(mode: UInt32, group: String) throws(SpoolFailure) -> Rights {
        guard !group.isEmpty else { return Rights(mode: mode_t(mode)) }
        guard let number = Self.group(group) else { throw .spool(Self.noGroup(directory, group)) }
        return Rights(mode: mode_t(mode), group: (group, number))
    }

    /// A file of `tmp` with all its bytes, on their way to the disk.
    struct Written {
        fileprivate var file: String
        var descriptor: Int32
    }

    /// Writes `tmp/<file>` whole, with its owner and permissions, which stand before the content is on disk, so that no file is ever seen
    /// without them. What an earlier attempt has left goes. `next` fills the buffer with the next bytes, and leaves it empty at the end.
    /// Whoever calls lets it land, or drops it.
    func write(
        _ file: String, length: UInt64, digest: Digest?, rights: Rights,
        next: (inout ByteBuffer) throws(SpoolFailure) -> Void
    ) throws(SpoolFailure) -> Written {
        try remove(file)
        let descriptor = retrying {
            openat(tmp, file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        }
        guard descriptor >= 0 else { throw .spool(Self.sentence("\(directory)/tmp", errno)) }
        let result = Written(file: file, descriptor: descriptor)
        do throws(SpoolFailure) {
            try give(descriptor, rights)
            try claim(length, descriptor)
            let hasher = SHA256Hasher()
            var written: UInt64 = 0
            var buffer = ByteBuffer()
            while true {
                buffer.clear()
                try next(&buffer)
                guard buffer.readableBytes > 0 else { break }
                buffer.withUnsafeReadableBytes { hasher.update($0) }
                try write(buffer, to: descriptor)
                // The disk begins with it; that it has ended, and how, the sync finds out.
                clinux_begin_writing(descriptor, written, UInt64(buffer.readableBytes))
                written += UInt64(buffer.readableBytes)
            }
            // The file has its full length already: a gap would be zeros. Not every document has a digest.
            if written != length {
                throw .document("\(written) bytes of it are in the store, and it has \(length)")
            }
            if let digest, hasher.finish() != digest {
                throw .document("its bytes in the store do not match its digest")
            }
        } catch {
            drop(result)
            throw error
        }
        return result
    }

    /// The disk has said that it has all of the file (0), or why not.
    func landed(_ written: Written, _ code: Int32) throws(SpoolFailure) {
        guard code == 0 else {
            drop(written)
            throw .spool(Self.sentence("\(directory)/tmp", code))
        }
        close(written.descriptor)
    }

    /// The file goes.
    func drop(_ written: Written) {
        removeOwn(written.file, written.descriptor)
        close(written.descriptor)
    }

    /// The names of what was written are on the disk as well, and in the folder to which the path leads: in one that is gone meanwhile
    /// they would be nowhere.
    func settleWritten() throws(SpoolFailure) {
        try sync(tmp, "tmp")
        try requireInPlace()
    }

    /// The file that was not finished, and no other: a call may have hung so long that another has been written under its name.
    private func removeOwn(_ file: String, _ descriptor: Int32) {
        var (own, found) = (stat(), stat())
        guard fstat(descriptor, &own) == 0, fstatat(tmp, file, &found, AT_SYMLINK_NOFOLLOW) == 0,
            own.st_ino == found.st_ino, own.st_dev == found.st_dev
        else { return }
        unlinkat(tmp, file, 0)
    }

    /// Takes the blocks at once, so that documents that are written at the same time do not count on the same ones. A small one is written
    /// as fast as its blocks would be taken.
    private func claim(_ length: UInt64, _ descriptor: Int32) throws(SpoolFailure) {
        guard length > Self.claimedFrom else { return }
        guard let size = off_t(exactly: length) else { throw .spool(Self.sentence("\(directory)/tmp", EFBIG)) }
        var code: Int32
        repeat { code = posix_fallocate(descriptor, 0, size) } while code == EINTR
        // A file system that cannot do it finds out while it writes.
        if code != 0, code != EOPNOTSUPP, code != EINVAL { throw .spool(Self.sentence("\(directory)/tmp", code)) }
    }

    private static let claimedFrom: UInt64 = 1 << 20

    private func write(_ buffer: ByteBuffer, to descriptor: Int32) throws(SpoolFailure) {
        var code: Int32 = 0
        buffer.withUnsafeReadableBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else {
                    code = count < 0 ? errno : ENOSPC
                    return
                }
                rest = rest.dropFirst(count)
            }
        }
        if code != 0 { throw .spool(Self.sentence("\(directory)/tmp", code)) }
    }

    private func give(_ descriptor: Int32, _ rights: Rights) throws(SpoolFailure) {
        if let group = rights.group {
            // A folder with the set-group-ID bit gives its files its group, for which nobody needs a right: the unit's filter of system
            // calls leaves no other way.
            var facts = stat()
            let fits = fstat(descriptor, &facts) == 0 && facts.st_gid == group.number
            if !fits, fchown(descriptor, uid_t.max, group.number) != 0 {
                throw .spool(
                    "\(directory): files cannot be given to the group \(group.name): \(Self.text(errno)); as root: chgrp \(group.name) \(directory)/tmp; chmod g+s \(directory)/tmp"
                )
            }
        }
        if fchmod(descriptor, rights.mode) != 0 { throw .spool(Self.sentence("\(directory)/tmp", errno)) }
    }

    /// Renames `tmp/<file>` into `new/`, which is on the disk after `settleMoved`. `beat` is called now and then while much is read.
    func move(
        _ file: String, writtenIn folder: UInt64, document: HandOver.Content?,
        beat: () throws(SpoolFailure) -> Void = {}
    ) throws(SpoolFailure) {
        // What lies in another folder was put there by hand, and may be half of it.
        if identity != folder { try requireWhole(file, document, beat) }
        if renameat(tmp, file, new, file) != 0 {
            let code = errno
            guard code == ENOENT else { throw .spool(Self.sentence("\(directory)/new", code)) }
            try requireMoved(file, writtenIn: folder)
        }
    }

    /// What was renamed is so on the disk.
    func settleMoved() throws(SpoolFailure) {
        try sync(new, "new")
        try sync(tmp, "tmp")
    }

    /// Renames a sidecar, if there is one: it may be in `new` already, or never have been made.
    func moveSidecar(_ file: String) throws(SpoolFailure) {
        if renameat(tmp, file, new, file) != 0, errno != ENOENT {
            throw .spool(Self.sentence("\(directory)/new", errno))
        }
    }

    /// The file is there with the length, and the digest where it is known, of the document; and on disk.
    private func requireWhole(
        _ file: String, _ document: HandOver.Content?, _ beat: () throws(SpoolFailure) -> Void
    ) throws(SpoolFailure) {
        let descriptor = retrying { openat(tmp, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) }
        guard descriptor >= 0 else {
            let code = errno
            guard code == ENOENT else { throw .place(Self.sentence("\(directory)/tmp/\(file)", code)) }
            return try requireMoved(file, writtenIn: 0)
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw .place(Self.sentence("\(directory)/tmp/\(file)", errno)) }
        let isWhole =
            if facts.st_mode & S_IFMT == S_IFREG, let document, UInt64(max(facts.st_size, 0)) == document.length {
                if let digest = document.digest { try self.digest(of: file, descriptor, beat) == digest } else { true }
            } else {
                false
            }
        guard isWhole else {
            throw .place(
                "\(directory)/tmp/\(file) is not the document; remove it, and fetch the document under that name")
        }
        if retrying({ fsync(descriptor) }) != 0 { throw .spool(Self.sentence("\(directory)/tmp", errno)) }
    }

    private func digest(
        of file: String, _ descriptor: Int32, _ beat: () throws(SpoolFailure) -> Void
    ) throws(SpoolFailure) -> Digest {
        let hasher = SHA256Hasher()
        var portion = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            try beat()
            let count = read(descriptor, &portion, portion.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .place(Self.sentence("\(directory)/tmp/\(file)", errno)) }
            guard count > 0 else { return hasher.finish() }
            portion.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }

    /// `rename` answers with the same number whether the file is gone, or one of the folders. Only that the file is gone, out of the
    /// folder in which it was written, while both folders are where they belong, says that it was renamed before.
    private func requireMoved(_ file: String, writtenIn folder: UInt64) throws(SpoolFailure) {
        var facts = stat()
        if fstatat(tmp, file, &facts, AT_SYMLINK_NOFOLLOW) == 0 {
            try requireInPlace()
            throw .spool("\(directory)/new takes no files: \(Self.text(ENOENT))")
        }
        let code = errno
        guard code == ENOENT else { throw .spool(Self.sentence("\(directory)/tmp", code)) }
        guard identity == folder else {
            throw .folderGone(
                "\(directory)/tmp is not the folder in which \(file) was written; put that one back, or ask the agency: what it has "
                    + "is acknowledged by edocctl inbox ack, what it has not is fetched into tmp")
        }
        // Afterwards: what is in its place now was so when the file was looked for.
        try requireInPlace()
    }

    /// Both folders are still what their paths lead to. One that was removed, or on whose place a disk was mounted, keeps its descriptor.
    private func requireInPlace() throws(SpoolFailure) {
        for (descriptor, name) in [(tmp, "tmp"), (new, "new")] {
            let path = "\(directory)/\(name)"
            var (opened, found) = (stat(), stat())
            guard fstat(descriptor, &opened) == 0 else { throw .spool(Self.sentence(path, errno)) }
            guard lstat(path, &found) == 0 else { throw Self.missing(path, errno) }
            guard opened.st_dev == found.st_dev, opened.st_ino == found.st_ino else {
                throw .spool("\(path) is another folder than a moment ago")
            }
        }
    }

    func remove(_ file: String) throws(SpoolFailure) {
        if unlinkat(tmp, file, 0) != 0, errno != ENOENT { throw .spool(Self.sentence("\(directory)/tmp", errno)) }
    }

    private func sync(_ folder: Int32, _ name: String) throws(SpoolFailure) {
        if retrying({ fsync(folder) }) != 0 { throw .spool(Self.sentence("\(directory)/\(name)", errno)) }
    }

    // MARK: - Words

    private static func text(_ code: Int32) -> String { String(cString: strerror(code)) }

    private static func sentence(_ path: String, _ code: Int32) -> String { "\(path): \(text(code))" }

    private static func noGroup(_ directory: String, _ group: String) -> String {
        "\(directory): there is no group \(group) on this machine"
    }

    static func group(_ name: String) -> gid_t? {
        var entry = Glibc.group()
        var found: UnsafeMutablePointer<Glibc.group>?
        var room = [CChar](repeating: 0, count: 1 << 16)
        guard getgrnam_r(name, &entry, &room, room.count, &found) == 0, found != nil else { return nil }
        return entry.gr_gid
    }
}

/// Calls again while a signal has interrupted the call.
private func retrying(_ call: () -> Int32) -> Int32 {
    var answer: Int32
    repeat { answer = call() } while answer == -1 && errno == EINTR
    return answer
}
