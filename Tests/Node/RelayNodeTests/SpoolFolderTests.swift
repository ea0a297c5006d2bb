// SpoolFolderTests: a file that cannot be renamed counts as renamed before only where it must have been: gone from the folder in which it
// was written, with both folders in their places.

import Glibc
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
        try folder.write(
            file, length: UInt64(rest.readableBytes), digest: nil, mode: 0o640, group: ""
        ) { buffer in buffer.writeBuffer(&rest) }
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
        try folder.move(Self.file, writtenIn: folder.identity, document: nil)
        #expect(spool.exists("new/" + Self.file) && !spool.exists("tmp/" + Self.file))
        #expect(unlink(spool.path + "/new/" + Self.file) == 0)
        try folder.move(Self.file, writtenIn: folder.identity, document: nil)
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
            try folder.move(Self.file, writtenIn: folder.identity, document: nil)
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
            try folder.move(Self.file, writtenIn: folder.identity, document: nil)
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
            try folder.move(Self.file, writtenIn: folder.identity &+ 1, document: document)
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
            try folder.write(Self.file, length: length, digest: nil, mode: 0o640, group: "") { buffer in
                buffer.writeBuffer(&rest)
            }
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
            try folder.write(Self.file, length: 10, digest: nil, mode: 0o640, group: "") {
                (_) throws(SpoolFailure) in
                #expect(unlink(path) == 0 && symlink("elsewhere", path) == 0)
                throw .spool("this node is stopping")
            }
        }
        #expect(trouble == "this node is stopping")
        var facts = stat()
        #expect(lstat(path, &facts) == 0)
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
