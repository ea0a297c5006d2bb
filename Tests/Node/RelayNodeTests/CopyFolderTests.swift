// CopyFolderTests: which of the files in a folder are this node's old copies, and who is told what when no copy can be made there.

import ControlAPI
import Foundation
import RelayModel
import TestNetwork
import Testing

@testable import RelayNode

@Suite struct CopyFolderTests {
    private static let day: UInt64 = 86_400_000
    /// 2026-03-09T17:05:00Z
    private static let now = WallTime(milliseconds: (1_773_075_900 - WallTime.unixSecondsAtEpoch) * 1_000)

    private func names(_ name: String = "truc") throws -> CopyNames {
        CopyNames(node: try #require(NodeID(name: name)))
    }

    private func left(_ folder: TestFolder) throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: folder.path))
    }

    @Test func copiesAreNamedAfterNodeAndMoment() throws {
        let names = try names()
        #expect(names.path(in: "/b", at: Self.now) == "/b/edocd-truc-20260309T170500Z.mdb")
        #expect(names.path(in: "/b/", at: Self.now) == "/b/edocd-truc-20260309T170500Z.mdb")
        #expect(names.moment(of: "edocd-truc-20260309T170500Z.mdb") == "20260309T170500Z")
        for other in [
            "edocd-truc-2-20260309T170500Z.mdb", "edocd-truc-20260309T170500Z.mdb.partial",
            ".edocd-truc-20260309T170500Z.mdb", "edocd-truc-20260309T1705Z.mdb", "edocd-truc-.mdb",
            "edocd-truc-2026x309T170500Z.mdb", "edocd-hcm-20260309T170500Z.mdb", "data.mdb",
        ] { #expect(names.moment(of: other) == nil, "\(other)") }
    }

    /// The new one, and eight before it, a day apart; beside them what is not a copy of this node.
    private func filled() throws -> (TestFolder, CopyNames, newest: String, others: Set<String>) {
        let folder = try TestFolder()
        let names = try names()
        for days in 0...8 {
            let time = WallTime(milliseconds: Self.now.milliseconds - UInt64(days) * Self.day)
            try folder.write("x", to: String(name(names, time)))
        }
        let others: Set<String> = [
            "edocd-truc-2-20200101T000000Z.mdb", "edocd-hcm-20200101T000000Z.mdb", "before-upgrade.mdb",
            "edocd-truc-20200102T000000Z.mdb", "edocd-truc-20200103T000000Z.mdb",
        ]
        for name in others where !name.hasPrefix("edocd-truc-2020010") { try folder.write("x", to: name) }
        // A folder and a link that are named like copies.
        try folder.makeFolder("edocd-truc-20200102T000000Z.mdb")
        try FileManager.default.createSymbolicLink(
            atPath: folder["edocd-truc-20200103T000000Z.mdb"], withDestinationPath: folder["before-upgrade.mdb"])
        return (folder, names, names.path(in: folder.path, at: Self.now), others)
    }

    private func name(_ names: CopyNames, _ time: WallTime) -> Substring {
        names.path(in: "", at: time).dropFirst()
    }

    private func days(_ folder: TestFolder, _ names: CopyNames) throws -> [Int] {
        let found = try left(folder)
        return (0...8).filter {
            found.contains(
                String(name(names, WallTime(milliseconds: Self.now.milliseconds - UInt64($0) * Self.day))))
        }
    }

    @Test(arguments: [
        (keep: UInt64?.some(3), age: UInt64?.none, stay: [0, 1, 2]), (keep: 1, age: nil, stay: [0]),
        (keep: 100, age: nil, stay: Array(0...8)), (keep: nil, age: 2, stay: [0, 1, 2]),
        (keep: 4, age: 2, stay: [0, 1, 2, 3]), (keep: 2, age: 5, stay: [0, 1, 2, 3, 4, 5]),
        (keep: nil, age: .max, stay: Array(0...8)),
    ])
    func onlyOldCopiesOfThisNodeGo(keep: UInt64?, age: UInt64?, stay: [Int]) throws {
        let (folder, names, newest, others) = try filled()
        let pruned = try #require(
            CopyFolder(folder.path).prune(names, besides: newest, keep: keep, days: age, now: Self.now))
        #expect(pruned.trouble == nil && pruned.removed.count == 9 - stay.count)
        #expect(try days(folder, names) == stay)
        #expect(try left(folder).isSuperset(of: others))
    }

    @Test func withoutABoundNothingGoes() throws {
        let (folder, names, newest, others) = try filled()
        #expect(CopyFolder(folder.path).prune(names, besides: newest, keep: nil, days: nil, now: Self.now) == nil)
        #expect(try days(folder, names) == Array(0...8) && left(folder).isSuperset(of: others))
    }

    /// The clock was ahead when some were made: the one just made stays all the same.
    @Test func theNewestIsTheOneJustMade() throws {
        let (folder, names, _, _) = try filled()
        let early = WallTime(milliseconds: Self.now.milliseconds - 8 * Self.day)
        let made = names.path(in: folder.path, at: early)
        let pruned = CopyFolder(folder.path).prune(names, besides: made, keep: 2, days: nil, now: early)
        #expect(pruned?.trouble == nil)
        #expect(try days(folder, names) == [0, 8])
    }

    @Test func aFolderThatCannotBeReadIsSaid() throws {
        let folder = try TestFolder()
        let pruned = CopyFolder(folder["gone"]).prune(
            try names(), besides: folder["gone/x"], keep: 1, days: nil, now: Self.now)
        #expect(pruned?.removed == [] && pruned?.trouble?.contains("No such file or directory") == true)
    }

    @Test func whoNeedsWhatIsSaid() throws {
        let folder = try TestFolder()
        try folder.makeFolder("standard")
        try folder.write("x", to: "file")
        let good = CopyFolder(folder.path)
        #expect(good.trouble(seenAs: nil, standard: nil) == nil)
        var facts = stat()
        #expect(stat(folder.path, &facts) == 0)
        let same = BackupOrder.FolderIdentity(device: UInt64(facts.st_dev), inode: UInt64(facts.st_ino))
        #expect(good.trouble(seenAs: same, standard: nil) == nil)
        let hidden = try #require(
            good.trouble(
                seenAs: .init(device: same.device, inode: same.inode &+ 1), standard: folder["standard"]))
        #expect(hidden.contains("PrivateTmp="))
        #expect(hidden.hasSuffix("; edocctl backup without a path writes to " + folder["standard"]))
        // One that only the caller sees.
        #expect(CopyFolder(folder["none"]).trouble(seenAs: same, standard: nil)?.contains("ProtectHome=") == true)
        let absent = try #require(CopyFolder(folder["none"]).trouble(seenAs: nil, standard: folder["none"]))
        let user = Identity.name(of: geteuid()) ?? String(geteuid())
        #expect(absent.hasSuffix("root makes it: install -d -o \(user) -m 0700 " + folder["none"]))
        #expect(CopyFolder(folder["file"]).trouble(seenAs: nil, standard: nil)?.hasSuffix("it is not a folder") == true)
    }

    /// The kernel's own folder of figures: nobody can make a file there, root neither.
    @Test func whatTheSystemForbidsIsSaid() throws {
        let trouble = try #require(CopyFolder("/proc/self").trouble(seenAs: nil, standard: nil))
        #expect(trouble.contains("/proc/self"), "\(trouble)")
    }

    @Test func sinceWhenTheTimerIsEnabled() throws {
        let folder = try TestFolder()
        #expect(BackupTimer.since(folder["timer"]) == nil)
        // A link whose unit is gone is enabled all the same.
        try FileManager.default.createSymbolicLink(atPath: folder["timer"], withDestinationPath: folder["gone"])
        var facts = stat()
        #expect(lstat(folder["timer"], &facts) == 0)
        #expect(BackupTimer.since(folder["timer"]) == WallTime(unixSeconds: Int64(facts.st_mtim.tv_sec)))
    }
}
