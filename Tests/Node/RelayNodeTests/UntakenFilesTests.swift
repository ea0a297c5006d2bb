// UntakenFilesTests: what counts as a document that nobody takes out of a spool, and from when on.

import Glibc
import NIOPosix
import RelayModel
import TestNetwork
import Testing

@testable import RelayConfiguration
@testable import RelayNode

@Suite struct UntakenFilesTests {
    private static let agency = AgencyCode("H29")!
    /// Tuesday, 2026-03-10, 10:00 in Vietnam.
    private static let now: Int64 = 1_773_111_600

    private func file(_ folder: TestFolder, _ name: String, minutes: Int64) throws {
        try folder.write("x", to: "new/" + name)
        var times = [timespec(), timespec()]
        times[0].tv_sec = time_t(Self.now - minutes * 60)
        times[1] = times[0]
        #expect(utimensat(AT_FDCWD, folder["new/" + name], &times, 0) == 0)
    }

    private func looker(_ spools: [SpoolConfiguration] = []) -> UntakenFiles {
        let milliseconds = UInt64(Self.now) * 1_000 - WallTime.unixSecondsAtEpoch * 1_000
        return UntakenFiles(
            now: { WallTime(milliseconds: milliseconds) },
            urgency: { bundle in
                switch bundle.counter {
                case 1: .normal
                case 2: .urgent
                case 3: .veryUrgent
                case 4: .flash
                default: nil
                }
            }, settings: { spools })
    }

    @Test func urgentOnesAfterAQuarterOfAnHour() throws {
        let folder = try TestFolder()
        try folder.makeFolder("new")
        func look() -> UntakenFiles.Piles? { looker().piles(in: folder["new"], of: Self.agency) }
        #expect(look() == UntakenFiles.Piles())
        for counter in 1...5 { try file(folder, "vpcp-2b-\(counter)@abc-H29", minutes: 14) }
        #expect(look() == UntakenFiles.Piles())
        for counter in 1...5 { try file(folder, "vpcp-2b-\(counter)@abc-H29", minutes: 15) }
        // Khẩn has the time of ordinary ones; what the store does not know, too.
        #expect(look() == UntakenFiles.Piles(urgent: .init(count: 2, oldestSeconds: 900)))
        try file(folder, "vpcp-2b-4@abc-H29", minutes: 600)
        #expect(look()?.urgent == .init(count: 2, oldestSeconds: 36_000))
        // Taken.
        for counter in 3...4 { #expect(unlink(folder["new/vpcp-2b-\(counter)@abc-H29"]) == 0) }
        #expect(look() == UntakenFiles.Piles())
        #expect(looker().piles(in: folder["away"], of: Self.agency) == nil)
    }

    @Test func othersAfterAWorkingDay() throws {
        let folder = try TestFolder()
        try folder.makeFolder("new")
        func look() -> UntakenFiles.Piles? { looker().piles(in: folder["new"], of: Self.agency) }
        // Monday 11:00 and 10:00; the Friday before it at 11:00: an hour short of a working day and four days.
        try file(folder, "vpcp-2b-1@abc-H29", minutes: 23 * 60)
        #expect(look() == UntakenFiles.Piles())
        try file(folder, "vpcp-2b-1@abc-H29", minutes: 24 * 60)
        #expect(look() == UntakenFiles.Piles(other: .init(count: 1, oldestSeconds: 86_400)))
        try file(folder, "anything that lies there", minutes: 6 * 24 * 60)
        #expect(look()?.other == .init(count: 2, oldestSeconds: 6 * 86_400))
        // No documents: hidden ones, sidecars, folders, links.
        for name in [".hidden", "vpcp-2b-1@abc-H29.json"] { try file(folder, name, minutes: 9 * 24 * 60) }
        try folder.makeFolder("new/folder")
        #expect(symlink("/etc/passwd", folder["new/link"]) == 0)
        #expect(look()?.other.count == 2)
        // By a clock that has gone back everything is of the future.
        try file(folder, "vpcp-2b-1@abc-H29", minutes: -24 * 60)
        #expect(look()?.other.count == 1)
    }

    /// From the look to the list of findings, with a thread of its own; an agency that has no spool any more is forgotten.
    @Test func findingsOfAgencies() throws {
        let folder = try TestFolder()
        try folder.makeFolder("new")
        try file(folder, "vpcp-2b-4@abc-H29", minutes: 20)
        try file(folder, "vpcp-2b-1@abc-H29", minutes: 3 * 24 * 60)
        let spool = SpoolConfiguration(
            agency: Self.agency, directory: folder.path, mode: 0o640, group: nil, reserve: 0, atOnce: 1,
            answerWithin: .seconds(30))
        let looker = looker([spool])
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        looker.watch(on: group.next())
        #expect(try eventually { looker.findings.count == 2 }, "\(looker.findings)")
        let findings = looker.findings
        #expect(findings.allSatisfy { $0.code == .spoolUntaken && $0.subject == "H29" && $0.code.check == "arrived" })
        #expect(findings.map(\.grade) == [.critical, .warning])
        #expect(
            findings.map(\.text) == [
                "the spool of H29 has urgent documents that nobody takes: 1, the oldest for 20m",
                "the spool of H29 has documents that nobody takes: 1, the oldest for 3d",
            ])
        #expect(findings[0].since?.unixMilliseconds == UInt64(Self.now - 1_200) * 1_000)
    }
}
