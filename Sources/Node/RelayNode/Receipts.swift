// Receipts: for an agency with a spool, a folder in which its document system finds what became of the documents that the agency has sent:
// a file of JSON for each change, as the feed of outcomes has it. The folder's own `.cursor` says up to which change files have been
// written, so nothing is missed by a restart; a file that was written before the cursor was is written again, the same. The agency's system
// takes files away as it likes; when too many lie there, no more are written until it does.
//
// A look every second on an event loop starts a thread for each folder that has something to be asked (DetachedThread): its disk may never
// answer, and then only this folder waits. What is wrong is a finding, by agency.

import ControlAPI
import Glibc
import NIOConcurrencyHelpers
import NIOCore
import RelayConfiguration
import RelayControl
import RelayCore
import RelayModel
import RelayRows
import RelayStore

final class Receipts: Sendable {
    private struct State {
        /// Directories that a thread is at work in.
        var busy: Set<String> = []
        var troubles: [AgencyCode: String] = [:]
    }

    /// Where the log of changes stands.
    struct Head: Sendable {
        var epoch: UInt32
        var order: UInt64
        /// The last change before this epoch.
        var start: UInt64
    }

    private let state = NIOLockedValueBox(State())
    private let store: LMDBStore
    private let head: @Sendable () -> Head
    private let settings: @Sendable () -> [SpoolConfiguration]

    init(
        store: LMDBStore, head: @escaping @Sendable () -> Head,
        settings: @escaping @Sendable () -> [SpoolConfiguration]
    ) {
        self.store = store
        self.head = head
        self.settings = settings
    }

    /// Looks, for as long as the loop runs, whether there is something to write.
    func watch(on loop: any EventLoop) {
        loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { [self] _ in look() }
    }

    var findings: [Finding] {
        state.withLockedValue { state in
            state.troubles.sorted { $0.key.text < $1.key.text }.map { agency, why in
                Finding(
                    .warning, .receiptsTroubled, subject: agency.text,
                    "receipts of \(agency) are not written: \(why)")
            }
        }
    }

    private func look() {
        let spools = settings().filter { $0.receipts != nil }
        state.withLockedValue { state in
            let known = Set(spools.map(\.agency))
            state.troubles = state.troubles.filter { known.contains($0.key) }
        }
        for spool in spools {
            guard let directory = spool.receipts,
                state.withLockedValue({ $0.busy.insert(directory).inserted })
            else { continue }
            let why = DetachedThread.start("receipts") { [self] in
                let trouble = round(spool, directory)
                state.withLockedValue {
                    $0.troubles[spool.agency] = trouble
                    $0.busy.remove(directory)
                }
            }
            if let why {
                state.withLockedValue {
                    $0.troubles[spool.agency] = why
                    $0.busy.remove(directory)
                }
            }
        }
    }

    /// Writes what has come since the folder's cursor; answers what keeps it from that.
    func round(_ spool: SpoolConfiguration, _ directory: String) -> String? {
        do throws(ReceiptFailure) {
            let folder = try ReceiptFolder(directory, mode: spool.mode, group: spool.group)
            let head = self.head()
            guard let cursor = try folder.cursor() else {
                // What was before nobody has asked for.
                try folder.setCursor(epoch: head.epoch, order: head.order)
                return nil
            }
            // Of a store that came back from a copy: what it has lost it has lost. What it has counted since then the cursor does not
            // mean, however far it has come.
            var order = min(cursor.order, cursor.epoch == head.epoch ? head.order : head.start)
            while order < head.order {
                try folder.requireRoom()
                let from = order
                let page: (changes: [KnownOutcome], order: UInt64)
                do throws(StoreFailure) {
                    page = try store.read { rows in
                        Outcomes.changes(after: from, limit: ReceiptFolder.portion, budget: 4_096, rows) {
                            $0.about.sender == spool.agency.text
                        }
                    }
                } catch {
                    throw ReceiptFailure("the store cannot be read: \(error.sentence)")
                }
                guard page.order > order else { break }
                for change in page.changes {
                    guard let bytes = try? ControlJSON.bytes(OutcomeLine(change)) else { continue }
                    try folder.write(Self.name(head.epoch, change.order), bytes)
                }
                order = page.order
                try folder.setCursor(epoch: head.epoch, order: order)
            }
            if cursor.epoch != head.epoch { try folder.setCursor(epoch: head.epoch, order: order) }
            return nil
        } catch {
            return error.sentence
        }
    }

    /// In the order of the changes, and never twice: a restored store counts in an epoch of its own.
    static func name(_ epoch: UInt32, _ order: UInt64) -> String {
        let digits = String(order)
        let lead = String(repeating: "0", count: max(0, 12 - digits.count))
        return "\(String(epoch, radix: 16))-\(lead)\(digits).json"
    }
}

extension Receipts.Head {
    init(_ picture: CorePicture) {
        let head = picture.outcomeHead
        self.init(epoch: head.epoch, order: head.order, start: picture.outcomeStart)
    }
}

struct ReceiptFailure: Error {
    var sentence: String
    init(_ sentence: String) { self.sentence = sentence }
}

/// The folder, as the file system sees it. Used by one thread for one round.
struct ReceiptFolder: ~Copyable {
    private let path: String
    private let descriptor: Int32
    private let mode: UInt32
    private let group: gid_t?

    /// Files written between two looks at the room, and files that may lie there.
    static let portion = 256
    static let filesMax = 10_000

    init(_ path: String, mode: UInt32, group: String?) throws(ReceiptFailure) {
        var number: gid_t?
        if let group {
            number = SpoolFolder.group(group)
            if number == nil { throw ReceiptFailure("\(path): there is no group \(group) on this machine") }
        }
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure(path, errno) }
        self.path = path
        self.descriptor = descriptor
        self.mode = mode
        self.group = number
    }

    deinit { close(descriptor) }

    private static func failure(_ path: String, _ code: Int32) -> ReceiptFailure {
        ReceiptFailure("\(path): \(String(cString: strerror(code)))")
    }

    /// The agency's system has to take some away before there are more.
    func requireRoom() throws(ReceiptFailure) {
        guard let folder = opendir(path) else { throw Self.failure(path, errno) }
        defer { closedir(folder) }
        var count = 0
        while count <= Self.filesMax, readdir(folder) != nil { count += 1 }
        if count > Self.filesMax {
            throw ReceiptFailure("\(path): \(Self.filesMax) files lie there and nobody takes them")
        }
    }

    func write(_ name: String, _ bytes: [UInt8]) throws(ReceiptFailure) {
        let hidden = "." + name
        let file = openat(descriptor, hidden, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Self.failure(path, errno) }
        var code: Int32 = 0
        bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty, code == 0 {
                let count = Glibc.write(file, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                if count <= 0 { code = count < 0 ? errno : ENOSPC } else { rest = rest.dropFirst(count) }
            }
        }
        if code == 0, let group {
            // A folder with the set-group-ID bit gives its files its group.
            var facts = stat()
            if fstat(file, &facts) != 0 || facts.st_gid != group, fchown(file, uid_t.max, group) != 0 { code = errno }
        }
        if code == 0, fchmod(file, mode_t(mode)) != 0 { code = errno }
        if code == 0, fsync(file) != 0 { code = errno }
        close(file)
        if code == 0, renameat(descriptor, hidden, descriptor, name) != 0 { code = errno }
        if code != 0 {
            unlinkat(descriptor, hidden, 0)
            throw Self.failure(path, code)
        }
    }

    private static let cursorName = ".cursor"

    /// Nil: the folder is new.
    func cursor() throws(ReceiptFailure) -> (epoch: UInt32, order: UInt64)? {
        let file = openat(descriptor, Self.cursorName, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw Self.failure(path, errno)
        }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = read(file, &buffer, buffer.count)
        guard count >= 0 else { throw Self.failure(path, errno) }
        let parts = String(decoding: buffer.prefix(count), as: UTF8.self).split { $0 == " " || $0 == "\n" }
        guard parts.count == 2, let epoch = UInt32(parts[0]), let order = UInt64(parts[1]) else {
            throw ReceiptFailure("\(path)/.cursor cannot be read; remove it to begin anew from now on")
        }
        return (epoch, order)
    }

    /// After the files: they and the cursor are on disk when this returns.
    func setCursor(epoch: UInt32, order: UInt64) throws(ReceiptFailure) {
        guard fsync(descriptor) == 0 else { throw Self.failure(path, errno) }
        let text = "\(epoch) \(order)\n"
        let hidden = Self.cursorName + ".new"
        let file = openat(descriptor, hidden, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Self.failure(path, errno) }
        let bytes = Array(text.utf8)
        let isWritten = Glibc.write(file, bytes, bytes.count) == bytes.count && fsync(file) == 0
        let code = errno
        close(file)
        guard isWritten else { throw Self.failure(path, code) }
        guard renameat(descriptor, hidden, descriptor, Self.cursorName) == 0, fsync(descriptor) == 0 else {
            throw Self.failure(path, errno)
        }
    }
}
