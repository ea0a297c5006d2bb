// The tool: its exit codes against a live daemon and without one, and what a person sees.

import ControlAPI
import Glibc
import NIOCore
import Testing

@testable import edocctl

/// The zone of the golden texts; set once before any of them.
private let zone: Void = {
    setenv("TZ", "Asia/Ho_Chi_Minh", 1)
    tzset()
}()

@Suite(.serialized) struct ToolTests {
    init() { _ = zone }

    @Test func exitCodesSayWhatHappened() async throws {
        try await World.with { world in
            let socket = ["--socket", world.socket]
            #expect(await Entry.run(["status"] + socket) == .done)
            #expect(await Entry.run(["queue", "--json"] + socket) == .done)
            #expect(await Entry.run(["show", "nothing"] + socket) == .negative)
            #expect(await Entry.run(["routes", "explain", "H29"] + socket) == .done)
            #expect(await Entry.run(["routes"] + socket) == .done)
            #expect(await Entry.run(["routes", "explain", "Z99"] + socket) == .negative)
            #expect(await Entry.run(["ledger"] + socket) == .done)
            #expect(await Entry.run(["nonsense"]) == .usage)
            #expect(await Entry.run(["show"]) == .usage)
            #expect(await Entry.run(["--help"]) == .done)
            #expect(await Entry.run(["status", "--socket", world.folder + "/none"]) == .unreachable)
            let notSocket = try world.file("file", [1])
            #expect(await Entry.run(["status", "--socket", notSocket]) == .unreachable)
            world.caller.set(.init(uid: 1_000, user: "lan", groups: []))
            #expect(await Entry.run(["status"] + socket) == .notPermitted)
        }
    }

    @Test func aDocumentGoesInAndComesOut() async throws {
        try await World.with { world in
            let socket = ["--socket", world.socket]
            let attachment = try world.file("công văn.pdf", Array(repeating: 0x25, count: 100_000))
            let package = world.folder + "/p.edxml"
            let make = [
                "package", "--from", "G22=Văn phòng", "--to", "G22.1", "H29=UBND", "--number", "41", "--notation",
                "VPCP",
                "--date", "2026-03-09", "--place", "Hà Nội", "--subject", "Về việc thử", "--priority", "1", "--attach",
                attachment, "-o", package,
            ]
            #expect(await Entry.run(make) == .done)
            #expect(await Entry.run(make) == .negative, "an existing file is left alone")
            #expect(await Entry.run(make + ["--force"]) == .done)
            #expect(await Entry.run(["submit", package] + socket) == .done)
            #expect(
                await Entry.run(["submit", attachment, "--sender", "G22", "--to", "G22.1", "--to", "H29"] + socket)
                    == .done)
            #expect(await Entry.run(["submit", attachment, "--sender", "G22", "--to", "X1"] + socket) == .negative)
            #expect(await Entry.run(["submit", world.folder + "/missing"] + socket) == .negative)
            #expect(await Entry.run(["submit", world.folder] + socket) == .negative)

            let inbox = try await world.get(ControlPath.inbox("G22.1"), as: InboxAnswer.self)
            #expect(inbox.documents.map(\.documentID) == ["41/VPCP", ""])
            let name = try #require(inbox.documents.last?.envelope)
            let out = world.folder + "/out.pdf"
            #expect(await Entry.run(["inbox", "list", "G22.1"] + socket) == .done)
            #expect(await Entry.run(["inbox", "fetch", "G22.1", name, "-o", out] + socket) == .done)
            #expect(try InputFile(out).next() == InputFile(attachment).next())
            #expect(await Entry.run(["inbox", "fetch", "G22.1", "nothing", "-o", out + "2"] + socket) == .negative)
            #expect(access(out + "2", F_OK) != 0, "no file is left of a refusal")
            #expect(await Entry.run(["inbox", "ack", "G22.1", name] + socket) == .done)
            #expect(await Entry.run(["history", "--agency", "G22.1"] + socket) == .done)
            #expect(await Entry.run(["list", "--state", "waiting"] + socket) == .done)
            #expect(await Entry.run(["trace", name] + socket) == .done)
            #expect(await Entry.run(["show", name] + socket) == .done)
            #expect(await Entry.run(["peers"] + socket) == .done)
        }
    }

    @Test func aFileThatShrinksIsNotSubmitted() async throws {
        try await World.with { world in
            let parts = BodyParts(Array(repeating: 1, count: 10_000), size: 4_096)
            await #expect(throws: FileError.self) {
                _ = try await world.client.post(
                    ControlPath.query(ControlPath.submit, [("sender", "G22"), ("to", "G22.1")]), length: 20_000
                ) { parts.next() }
            }
            let status = try await world.get(ControlPath.status, as: StatusAnswer.self)
            #expect(status.store.envelopes == 0)
        }
    }

    @Test func failuresAreOneLine() {
        let down = Failure(ClientError.unreachable(socket: "/run/x\u{1b}[2J"))
        #expect(down?.status == .unreachable)
        #expect(
            down?.lines == [
                #"no daemon answers at /run/x\u{1b}[2J; start it (systemctl start edocd) or name its socket with --socket"#
            ])
        let denied = Failure(ClientError.refused(status: 403, ErrorAnswer(error: "lan may not see here", problems: [])))
        #expect(denied?.status == .notPermitted)
        let refused = Failure(ClientError.refused(status: 422, ErrorAnswer(error: "no", problems: ["X1\u{9b}1m"])))
        #expect(refused?.lines == ["no", #"  X1\u{9b}1m"#])
    }
}
