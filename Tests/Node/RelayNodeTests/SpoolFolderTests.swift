// SpoolFolderTests: a file that cannot be renamed counts as renamed before only where it must have been: gone from the folder in which it
// was written, with both folders in their places.

import Glibc
import NIOConcurrencyHelpers
import NIOCore
import OpenSSLTLS
import RelayCore
import RelayModel
import TestNetwork
import Testing

@testable import RelayNode

@Suite struct SpoolFolderTests {
    private static let file = "vpcp-1-1@a-H29"

    private final class Spool {
        let folder: TestFolder
        var path: String { folder["spool"] }

        init() throws {
            folder = try TestFolder()
            for name in ["tmp", "new"] { try folder.makeFolder("spool/" + name) }
        }

        func open() throws(SpoolFailure) -> SpoolFolder { try SpoolFolder(path) }

        func exists(_ name: String) -> Bool { access(path + "/" + name, F_OK) == 0 }
    }

    private static func write(_ folder: borrowing SpoolFolder, _ text: String = "Kính gửi") throws(SpoolFailure) {
        var rest = ByteBuffer(string: text)
        let written = try folder.write(
            file, length: UInt64(rest.readableBytes), digest: nil, rights: folder.rights(mode: 0o640, group: "")
        ) { buffer in buffer.writeBuffer(&rest) }
        try folder.landed(written, FileSync([written.descriptor]) {}.wait()[0])
        try folder.settleWritten()
    }

    private static func move(
        _ folder: borrowing SpoolFolder, writtenIn identity: UInt64? = nil, document: HandOver.Content? = nil
    ) throws(SpoolFailure) {
        try folder.move(file, writtenIn: identity ?? folder.identity, document: document)
        try folder.settleMoved()
    }

    /// The sentence that `body` fails with; empty when it does not.
    private static func trouble(_ body: () throws(SpoolFailure) -> Void) -> String {
        do throws(SpoolFailure) {
            try body()
        } catch {
            return error.failure.sentence
        }
        return ""
    }

    @Test func oneThatWasRenamedBefore() throws {
        let spool = try Spool()
        let folder = try spool.open()
        try Self.write(folder)
        try Self.move(folder)
        #expect(spool.exists("new/" + Self.file) && !spool.exists("tmp/" + Self.file))
        #expect(unlink(spool.path + "/new/" + Self.file) == 0)
        try Self.move(folder)
    }

    enum Change: String, CaseIterable { case removed, movedAway, exchanged }

    private static func change(_ path: String, _ change: Change) {
        switch change {
        case .removed: #expect(rmdir(path) == 0)
        case .movedAway: #expect(rename(path, path + ".away") == 0)
        case .exchanged: #expect(rename(path, path + ".away") == 0 && mkdir(path, 0o700) == 0)
        }
    }

    /// `new` goes between the opening and the rename, with the file still in `tmp`, or no longer.
    @Test(arguments: Change.allCases, [false, true]) func newGoesMeanwhile(_ change: Change, isWritten: Bool) throws {
        let spool = try Spool()
        let folder = try spool.open()
        if isWritten { try Self.write(folder) }
        Self.change(spool.path + "/new", change)
        let trouble = Self.trouble { () throws(SpoolFailure) in
            try Self.move(folder)
        }
        if isWritten, change != .removed {
            // The folder lives, under another name: the file is in it.
            #expect(trouble.isEmpty && spool.exists("new.away/" + Self.file))
        } else {
            #expect(trouble.hasPrefix(spool.path + "/new is "), "\(trouble)")
            #expect(spool.exists("tmp/" + Self.file) == isWritten)
        }
    }

    @Test(arguments: Change.allCases) func tmpGoesMeanwhile(_ change: Change) throws {
        let spool = try Spool()
        let folder = try spool.open()
        Self.change(spool.path + "/tmp", change)
        let trouble = Self.trouble { () throws(SpoolFailure) in
            try Self.move(folder)
        }
        #expect(trouble.hasPrefix(spool.path + "/tmp is "), "\(trouble)")
    }

    /// In another folder lies what somebody has put there by hand: it is handed over when it is the document, and stays otherwise.
    @Test(arguments: ["Kính gửi", "Kính g", "Kính gửi!", "kính gửi", nil], [false, true])
    func putThereByHand(_ text: String?, isKnown: Bool) throws {
        let spool = try Spool()
        let folder = try spool.open()
        if let text { try Self.write(folder, text) }
        let hasher = SHA256Hasher()
        let whole = Array("Kính gửi".utf8)
        whole.withUnsafeBytes { hasher.update($0) }
        let digest = hasher.finish()
        let document = HandOver.Content(length: UInt64(whole.count), digest: isKnown ? digest : nil)
        var failure: HandOverFailure?
        do throws(SpoolFailure) {
            try Self.move(folder, writtenIn: folder.identity &+ 1, document: document)
        } catch {
            failure = error.failure
        }
        let isWhole = text == "Kính gửi" || text == "kính gửi" && !isKnown
        #expect(spool.exists("new/" + Self.file) == isWhole)
        #expect(spool.exists("tmp/" + Self.file) == (text != nil && !isWhole))
        guard !isWhole else { return #expect(failure == nil) }
        switch failure {
        case .folderGone(let sentence)?:
            #expect(text == nil && sentence.contains("is not the folder in which"), "\(sentence)")
        case .place(let sentence)?: #expect(text != nil && sentence.contains("is not the document"), "\(sentence)")
        default: throw Unexpected()
        }
    }

    struct Unexpected: Error {}

    /// A group that nobody knows is told before any document comes.
    @Test func aGroupThatIsNotThere() throws {
        let spool = try Spool()
        #expect(SpoolFolder.problem(spool.path) == nil)
        #expect(
            SpoolFolder.problem(spool.path, group: "no-such-group")
                == "\(spool.path): there is no group no-such-group on this machine")
    }

    /// The store gives less than the document has, or more: the file, which has its full length at once, would be filled up with zeros.
    @Test(arguments: [3, 100]) func anotherLength(_ length: UInt64) throws {
        let spool = try Spool()
        let folder = try spool.open()
        var rest = ByteBuffer(string: "seven b")
        var failure: HandOverFailure?
        do throws(SpoolFailure) {
            _ = try folder.write(
                Self.file, length: length, digest: nil, rights: folder.rights(mode: 0o640, group: "")
            ) { buffer in buffer.writeBuffer(&rest) }
        } catch {
            failure = error.failure
        }
        #expect(failure == .document("7 bytes of it are in the store, and it has \(length)"))
        #expect(!spool.exists("tmp/" + Self.file))
    }

    /// A write that fails late leaves the file alone that another one has written meanwhile.
    @Test func aLateFailure() throws {
        let spool = try Spool()
        let folder = try spool.open()
        let path = spool.path + "/tmp/" + Self.file
        let trouble = Self.trouble { () throws(SpoolFailure) in
            _ = try folder.write(
                Self.file, length: 10, digest: nil, rights: folder.rights(mode: 0o640, group: "")
            ) {
                (_) throws(SpoolFailure) in
                #expect(unlink(path) == 0 && symlink("elsewhere", path) == 0)
                throw .spool("this node is stopping")
            }
        }
        #expect(trouble == "this node is stopping")
        var facts = stat()
        #expect(lstat(path, &facts) == 0)
    }

    /// The disk says no when the file is synced: it goes, and says why.
    @Test func aSyncThatFails() throws {
        let spool = try Spool()
        let folder = try spool.open()
        var rest = ByteBuffer(string: "Kính gửi")
        let trouble = Self.trouble { () throws(SpoolFailure) in
            let written = try folder.write(
                Self.file, length: UInt64(rest.readableBytes), digest: nil,
                rights: folder.rights(mode: 0o640, group: "")
            ) { buffer in buffer.writeBuffer(&rest) }
            try folder.landed(written, EIO)
        }
        #expect(trouble == "\(spool.path)/tmp: Input/output error")
        #expect(!spool.exists("tmp/" + Self.file))
    }

    /// Many at once: each has its own answer, whoever of the threads has synced it.
    @Test(arguments: [0, 1, FileSync.fewFiles, 100]) func syncs(_ count: Int) throws {
        let spool = try Spool()
        var descriptors: [Int32] = []
        defer { for descriptor in descriptors where descriptor >= 0 { close(descriptor) } }
        for index in 0..<count {
            // Every third is none.
            let path = spool.path + "/tmp/\(index)"
            descriptors.append(index % 3 == 2 ? -1 : open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
        }
        let beats = NIOLockedValueBox(0)
        let codes = FileSync(descriptors) { beats.withLockedValue { $0 += 1 } }.wait()
        #expect(codes == descriptors.map { $0 < 0 ? EBADF : 0 })
        #expect(beats.withLockedValue { $0 } == count)
    }

    /// What was written into a folder that nobody finds any more is not handed over.
    @Test(arguments: [Change.movedAway, .exchanged]) func tmpGoesWhileItIsWritten(_ change: Change) throws {
        let spool = try Spool()
        let folder = try spool.open()
        Self.change(spool.path + "/tmp", change)
        let trouble = Self.trouble { () throws(SpoolFailure) in try Self.write(folder) }
        #expect(trouble.hasPrefix(spool.path + "/tmp is "), "\(trouble)")
    }
}
