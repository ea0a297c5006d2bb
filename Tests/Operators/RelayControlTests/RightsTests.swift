// Who may do what: by the kernel's word about the caller and the rights table, and what the log keeps of it.

import ControlAPI
import Glibc
import RelayModel
import Testing

@testable import RelayControl
@testable import edocctl

@Suite struct RightsTests {
    private static let rights = """
        [{user: lan, verbs: [submit_as, inbox], agencies: [G22]}, {group: operators, verbs: [see]}, \
        {user: van-thu, verbs: [submit_as], agencies: ["G22.*"]}, {group: own, verbs: [inbox], agencies: [own]}]
        """

    @Test func theTableDecides() async throws {
        try await World.with(rights: Self.rights) { world in
            func code(_ user: String?, _ groups: Set<String>, _ body: () async throws -> Void) async throws -> UInt {
                world.caller.set(Caller(uid: 1_000, user: user, groups: groups))
                do {
                    try await body()
                    return 200
                } catch ClientError.refused(let status, _) {
                    return status
                }
            }
            let see = { _ = try await world.client.get(ControlPath.status) }
            let asG22 = { _ = try await world.submit([("sender", "000.00.00.G22"), ("to", "H29")], [1]) }
            let asG221 = { _ = try await world.submit([("sender", "G22.1"), ("to", "H29")], [1]) }
            let inbox = { _ = try await world.client.get(ControlPath.inbox("G22.1")) }
            #expect(try await code("lan", [], see) == 403)
            #expect(try await code("lan", ["operators"], see) == 200)
            #expect(try await code("lan", [], asG22) == 200)
            #expect(try await code("lan", [], asG221) == 403)
            #expect(try await code("lan", [], inbox) == 403)
            #expect(try await code("van-thu", [], asG221) == 200)
            #expect(try await code("van-thu", [], asG22) == 200)
            #expect(try await code(nil, ["own"], inbox) == 200)
            #expect(try await code(nil, [], inbox) == 403)
            #expect(try await code("root", [], see) == 403, "a name is not a number")
            world.caller.set(Caller(uid: 0, user: nil, groups: []))
            try await see()
        }
    }

    @Test func everyPathAsksFirst() async throws {
        try await World.with { world in
            world.caller.set(Caller(uid: 1_000, user: "lan", groups: []))
            for path in [
                ControlPath.status, ControlPath.queue, ControlPath.envelopes, ControlPath.envelope("1"),
                ControlPath.trace("1"),
                ControlPath.history, ControlPath.peers, ControlPath.routes, ControlPath.explain + "?agency=G22",
                ControlPath.ledger, ControlPath.ledger(of: "truc"), ControlPath.inbox("G22"),
                ControlPath.document("G22", "1"),
            ] {
                let (code, answer) = try await world.refusal { _ = try await world.client.get(path) }
                #expect(code == 403, "\(path)")
                #expect(answer.error.contains("control.rights"))
            }
            let json = try ControlJSON.bytes(AcknowledgeRequest(envelopes: ["1"]))
            let (ack, _) = try await world.refusal {
                _ = try await world.client.post(ControlPath.acknowledge("G22"), json: json)
            }
            #expect(ack == 403)
            let (submit, _) = try await world.refusal {
                _ = try await world.submit([("sender", "G22"), ("to", "H29")], [1])
            }
            #expect(submit == 403)
        }
    }

    @Test func actsAreLogged() async throws {
        try await World.with(rights: Self.rights) { world in
            world.caller.set(Caller(uid: 1_000, user: "lan\u{1b}[2J", groups: []))
            _ = try await world.refusal { _ = try await world.client.get(ControlPath.queue) }
            world.caller.set(Caller(uid: 1_000, user: "lan", groups: []))
            let answer = try await world.submit([("sender", "G22"), ("to", "G22")], [1])
            _ = try await world.client.get(ControlPath.document("G22", answer.envelope))
            let json = try ControlJSON.bytes(AcknowledgeRequest(envelopes: [answer.envelope]))
            _ = try await world.client.post(ControlPath.acknowledge("G22"), json: json)
            let lines = world.log.all
            #expect(lines.contains(#"control: denied caller=lan\u{1b}[2J event=callDenied verb=see"#))
            #expect(lines.contains("control: submitted bytes=1 caller=lan envelope=\(answer.envelope) sender=G22"))
            #expect(lines.contains("control: document fetched agency=G22 caller=lan envelope=\(answer.envelope)"))
            #expect(
                lines.contains {
                    $0.hasPrefix("control: inbox acknowledged agency=G22 caller=lan") && $0.hasSuffix("taken=1")
                })
        }
    }

    @Test func theKernelNamesTheCaller() async throws {
        try await World.with { world in
            _ = try await world.client.get(ControlPath.status)
            let seen = try #require(world.caller.credentials.first)
            #expect(seen == PeerCredentials(pid: getpid(), uid: getuid(), gid: getgid()))
            let root = try await CallerNames.system.caller(of: PeerCredentials(pid: 1, uid: 0, gid: 0))
            #expect(root.user == "root")
            #expect(root.groups.contains("root"))
            let nobody = try await CallerNames.system.caller(
                of: PeerCredentials(pid: 1, uid: 4_000_000_000, gid: 4_000_000_000))
            #expect(nobody.user == nil)
            #expect(nobody.groups.isEmpty)
        }
    }

    @Test func theSocketIsForOwnerAndGroup() async throws {
        try await World.with { world in
            var status = stat()
            #expect(stat(world.socket, &status) == 0)
            #expect(status.st_mode & S_IFMT == S_IFSOCK)
            #expect(status.st_mode & 0o777 == 0o660)
        }
    }

    @Test func whatIsNoSocketStays() async throws {
        try await World.with { world in
            let path = try world.file("precious", [1, 2, 3])
            let server = ControlServer(node: world.node, socket: path, logger: world.log.logger)
            await #expect(throws: ControlServerError.notASocket(path: path)) { try await server.run() }
            #expect(try InputFile(path).length == 3)
        }
    }
}
