// ShareTests: nobody takes more than his share of a process: crowds of silent connections, a leaf with hundreds of sessions, users of the
// local sockets, descriptors, log lines. Each time others go on, and an operator is told.

import BundleProtocol
import ControlAPI
import Foundation
import NIOCore
import OpenSSLTLS
import RelayModel
import RelayNode
import TCPCL
import TestNetwork
import Testing

@Suite(.serialized) struct ShareTests {
    private func limit(_ network: Network, _ node: String, _ name: String) throws -> LimitsAnswer.Limit {
        let answer: LimitsAnswer = try network.ask(node, "limits")
        return try #require(answer.limits.first { $0.name == name }, "\(answer.limits.map(\.name))")
    }

    /// More silent connections than have a place, from one address and from many: a neighbour still gets in, and they go by themselves.
    @Test func silentConnectionsLockNobodyOut() throws {
        let hub = try Hub { network in
            try network.replace("truc", "tls:\n", "session:\n  strangers_max: 32\n  handshake_timeout: 3s\ntls:\n")
        }
        let crowd = HeldConnections()
        try crowd.open(200, port: hub.network.port, from: "127.0.0.66")
        for index in 1...40 { try crowd.open(1, port: hub.network.port, from: "127.0.1.\(index)") }
        #expect(try eventually { crowd.openCount <= 32 })
        #expect(try limit(hub.network, "truc", "connections of strangers").value == 32)
        let late = try hub.peer("hanoi")
        #expect(late.isEstablished, "\(late.ending ?? "") \(hub.network.logTail("truc"))")
        try hub.expectGoodPasses()
        // All of them dribble: one time for all steps.
        crowd.say(Array("dtn!".utf8))
        #expect(try eventually { crowd.openCount == 0 }, "\(crowd.openCount)")
        #expect(try eventually { try limit(hub.network, "truc", "connections of strangers").used == 0 })
        let lines = hub.network.logText("truc").split(separator: "\n")
        #expect(lines.count { $0.contains("no place for another that has not proven") } >= 1)
        #expect(lines.count { $0.contains("127.0.0.66") } <= 70, "\(lines.count)")
    }

    /// One leaf with as many sessions as it can open has its share, and everybody else has a place.
    @Test func oneLeafHasItsShareOfSessions() throws {
        let hub = try Hub { network in
            try network.replace("truc", "tls:\n", "session:\n  sessions_max: 12\n  sessions_per_peer: 6\ntls:\n")
        }
        let tls = try RawPeer.tls(hub.network, "hanoi")
        var held: [AttackingPeer] = []
        var refused = 0
        for _ in 0..<12 {
            let peer = try AttackingPeer(port: hub.network.port, tls: tls)
            #expect(try peer.announce("hanoi") != nil)
            held.append(peer)
        }
        for peer in held.dropFirst(6) {
            let end = try peer.hear { if case .termination = $0 { true } else { false } }
            if end == .termination(isReply: false, reason: .resourceExhaustion) { refused += 1 }
        }
        #expect(refused == 6)
        let row = try limit(hub.network, "truc", "sessions of one peer")
        #expect(row.value == 6 && row.used == 6 && row.binds)
        hub.vpcp.cut()
        // Its first one has a place as soon as the old one is known to be gone.
        let isBack = try eventually {
            hub.vpcp = try hub.peer("vpcp")
            return hub.vpcp.isEstablished
        }
        #expect(isBack, "\(hub.vpcp.ending ?? "")")
        try hub.expectGoodPasses()
        #expect(hub.network.logText("truc").contains("has 6 sessions already"))
    }

    /// A record that does not end on each session of a leaf: memory has an owner.
    @Test func memoryOfSessionsHasAnOwner() throws {
        let hub = try Hub { network in
            try network.replace(
                "truc", "tls:\n", "session:\n  memory_max: 16MiB\n  sessions_per_peer: 64\ntls:\n")
        }
        let tls = try RawPeer.tls(hub.network, "hanoi")
        var held: [AttackingPeer] = []
        for index in 0..<12 {
            let peer = try AttackingPeer(port: hub.network.port, tls: tls)
            #expect(try peer.announce("hanoi") != nil)
            let primary = PrimaryBlock(
                flags: .isAdministrativeRecord, destination: NodeID(name: "truc")!.endpoint,
                source: NodeID(name: "hanoi")!.endpoint, reportTo: .none, creationTime: SampleBundle.now,
                sequence: UInt64(index), lifetime: .days(1))
            let header = try BundleHeader(
                primary: primary, hopCount: try HopCount(limit: 32), age: .zero, payloadLength: 900_000)
            var octets = ByteBuffer()
            WholeBundle(header: header, payload: ByteBuffer(repeating: 0, count: 900_000)).encode(into: &octets)
            let length = UInt64(octets.readableBytes)
            peer.say(
                .segment(
                    SegmentHeader(
                        flags: [.start], id: TransferID(0), extensions: .understood(transferLength: length),
                        dataLength: length)),
                data: Array(octets.readableBytesView.dropLast(10)))
            held.append(peer)
        }
        #expect(hub.network.isRunning("truc"))
        #expect(try hub.logs("its peer holds more memory than its share"), "\(hub.network.logTail("truc"))")
        let row = try limit(hub.network, "truc", "memory that sessions of one peer hold")
        #expect(row.value == 4 << 20 && (row.used ?? 0) > 0 && (row.used ?? 0) <= row.value + (2 << 20), "\(row)")
        try hub.expectGoodPasses()
        for peer in held { peer.cut() }
        #expect(
            try eventually {
                try limit(hub.network, "truc", "memory that sessions of one peer hold").used ?? 0 < 1 << 20
            })
    }

    /// Eleven fragments of one octet, each of a bundle of 87 MiB that lives for half a year, held 957 MiB of 959 at a node. They are promised
    /// nothing, at a hub and at home.
    @Test func aFewOctetsHoldNoRoom() throws {
        let hub = try Hub { network in
            for name in ["truc", "hcm"] {
                try network.replace(name, "  map_size: 1GiB", "  map_size: 256MiB\n  reserve_min: 16MiB")
            }
            try network.replace(
                "truc", "  vpcp: {}", "  vpcp:\n    may_send_from: {nodes: [\"*\"], agencies: [\"*\"]}")
        }
        func room(_ node: String) throws -> UInt64 { try hub.network.status(node).store.acceptableBytes }
        let before = try (room("truc"), room("hcm"))
        let total: UInt64 = 87 << 20
        // For a home that is down, and for one that is there.
        for destination in ["dtn://H26/edoc", "dtn://H29/edoc"] {
            for number in 0..<11 as Range<UInt64> {
                let primary = PrimaryBlock(
                    destination: EndpointID(text: destination)!, source: EndpointID(text: "ipn:77.1")!,
                    reportTo: EndpointID(text: "ipn:77.1")!, creationTime: SampleBundle.now, sequence: number + 1,
                    lifetime: .days(180), fragment: FragmentPlace(offset: number, totalLength: total))
                let header = try BundleHeader(
                    primary: primary, hopCount: HopCount(limit: 32, count: 1), age: Milliseconds(5), payloadLength: 1)
                #expect(
                    try hub.vpcp.send(WholeBundle(header: header, payload: ByteBuffer(bytes: [1]))) == .acknowledged,
                    "\(hub.network.logTail("truc"))")
            }
        }
        // Rows of their own, and no more.
        #expect(try before.0 - min(room("truc"), before.0) < 4 << 20)
        // A large document has its room.
        let large = SampleBundle { $0.payload = [UInt8](repeating: 0x2e, count: 30 << 20) }
        #expect(try hub.vpcp.send(large.octets()) == .acknowledged, "\(hub.network.logTail("truc"))")
        let name = large.bundleID.envelopeName
        #expect(try eventually { try hub.network.inbox("hcm", "H29").contains { $0.envelope == name } })
        // Beside the large one, which came behind them, they hold next to nothing at home.
        #expect(try before.1 - min(room("hcm"), before.1) < 40 << 20)
        try hub.expectGoodPasses()
    }

    /// Nine documents of 100 MiB of which an octet comes now and then: a node of a gigabyte refused everything meanwhile.
    @Test func dribblingUploadsStopNobody() throws {
        let network = try Network(plain: true)
        try network.start("vpcp")
        let before = try network.status("vpcp").store.acceptableBytes
        let length = 100 << 20
        var frames: [BulkClient] = []
        var bodies: [BulkClient] = []
        for token in 0..<9 as Range<UInt64> {
            let frame = try BulkClient(socket: network.folder["vpcp/submit.sock"])
            var head = ByteBuffer()
            BulkRequest(
                token: token, sender: "G22", recipients: ["H29"], urgency: .normal, documentID: "d\(token)",
                lifetime: .zero, payloadLength: UInt64(length)
            ).write(to: &head)
            #expect(frame.write(Array(head.readableBytesView) + [0x20]))
            frames.append(frame)
            let body = try BulkClient(socket: network.folder["vpcp/control.sock"])
            let request =
                "POST /v1/submit?sender=G22&to=H29 HTTP/1.1\r\nHost: x\r\nContent-Length: \(length)\r\n\r\n "
            #expect(body.write(Array(request.utf8)))
            bodies.append(body)
        }
        // All eighteen are being taken, and others are accepted between their octets.
        try network.folder.write("Kính gửi", to: "text")
        for round in 1...20 {
            for client in frames + bodies { #expect(client.write([0x20]), "round \(round)") }
            _ = try network.submit("vpcp", network.folder["text"], ["--sender", "G22", "--to", "H29"])
        }
        let large = try BulkClient(socket: network.folder["vpcp/submit.sock"])
        #expect(
            large.submit(
                token: 1, from: "G22", to: ["H29"], document: "large", payload: [UInt8](repeating: 1, count: 60 << 20)))
        guard case .accepted = large.answer() else { throw TestFailure("refused: \(network.logTail("vpcp"))") }
        #expect(try network.status("vpcp").inStore["waiting"] == 21)
        #expect(try before - network.status("vpcp").store.acceptableBytes < 80 << 20)
        frames = []
        bodies = []
        #expect(try eventually { try network.status("vpcp").stagedBytes == 0 })
        try network.expectBooksBalance(["vpcp"])
    }

    /// A member of the sockets' group, with a right and without one.
    @Test(.enabled(if: Places.isRoot, "Needs root."))
    func localSocketsArePartedByUser() throws {
        let network = try Network(plain: true)
        try network.replace(
            "vpcp", "  submit_socket: vpcp/submit.sock",
            "  submit_socket: vpcp/submit.sock\n  connections_per_user: 10\n  rights:\n    - user: daemon\n      verbs: [see]\n"
        )
        try network.start("vpcp")
        let path = network.folder.path
        let sockets = ["\(path)/vpcp/control.sock", "\(path)/vpcp/submit.sock"]
        for place in [path, "\(path)/vpcp"] { chmod(place, 0o755) }
        for socket in sockets { chmod(socket, 0o666) }
        func crowd(_ user: String, _ socket: String, _ count: Int, left: Int) throws -> Network.Result {
            let script = """
                import os, pwd, socket, sys, time
                user = pwd.getpwnam('\(user)')
                os.setgroups([]); os.setgid(user.pw_gid); os.setuid(user.pw_uid)
                held = []
                for _ in range(\(count)):
                    s = socket.socket(socket.AF_UNIX); s.connect('\(socket)'); s.setblocking(False); held.append(s)
                def is_open(s):
                    try: return s.recv(4096) != b''
                    except BlockingIOError: return True
                    except OSError: return False
                for _ in range(300):
                    now = sum(is_open(s) for s in held)
                    if now <= \(left): break
                    time.sleep(0.2)
                print(now)
                """
            return try network.run("/usr/bin/env", ["python3", "-c", script])
        }
        // With a right: its share, and the rest is closed.
        #expect(try crowd("daemon", sockets[0], 60, left: 10).output == "10\n")
        // Without any right: all are closed, on both.
        #expect(try crowd("nobody", sockets[0], 20, left: 0).output == "0\n")
        #expect(try crowd("nobody", sockets[1], 20, left: 0).output == "0\n")
        #expect(try network.status("vpcp").node == "vpcp")
        let log = network.logText("vpcp")
        #expect(log.contains("control: a client that has no right here was dropped"))
        #expect(log.contains("submission: a client that has no right here was dropped"))
        #expect(log.contains("as many connections as one may have"))
    }

    /// A body that dribbles for ever.
    @Test func aBodyHasATime() throws {
        let network = try Network(plain: true)
        try network.replace(
            "vpcp", "  submit_socket: vpcp/submit.sock",
            "  submit_socket: vpcp/submit.sock\n  client_timeout: 1m\n  body_timeout: 1s")
        try network.start("vpcp")
        let client = try BulkClient(socket: network.folder["vpcp/control.sock"])
        let head = "POST /v1/submit?sender=G22&to=H29 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
        var isOpen = client.write(Array(head.utf8))
        #expect(
            try eventually {
                isOpen = client.write([0x20])
                return !isOpen
            })
        #expect(network.logText("vpcp").contains("control: a client that took too long for what it sends was dropped"))
        #expect(try eventually { try network.status("vpcp").stagedBytes == 0 })
    }

    /// So few descriptors that a crowd would use them up: they are parted, connections wait, and the operator's socket answers.
    @Test func descriptorsAreParted() throws {
        let network = try Network()
        try network.start("truc")
        let port = network.port
        network.stop("truc")
        try network.edit("truc") { $0 = $0.replacingOccurrences(of: "127.0.0.1:0", with: "127.0.0.1:\(port)") }
        try network.launch("truc", through: ["/bin/sh", "-c", "ulimit -n 200; exec \"$0\" \"$@\""])
        #expect(try eventually { try network.control("truc", ["status"]).end == .exited(0) })
        #expect(network.logText("truc").contains("this process may have 200 descriptors"))
        let crowd = HeldConnections()
        try crowd.open(300, port: port)
        #expect(try eventually { crowd.openCount < 60 })
        let row = try limit(network, "truc", "descriptors of the process")
        #expect(row.value == 200 && (row.used ?? 200) < 200)
        #expect(try network.status("truc").node == "truc")
        let peer = try RawPeer(port: port, as: "vpcp", tls: RawPeer.tls(network, "vpcp"))
        #expect(peer.isEstablished, "\(network.logTail("truc"))")
    }

    /// All descriptors are in use, whoever has them: before that a finding, then a line, a critical check and no core spent; with the next
    /// free one it goes on.
    @Test func descriptorsThatAreUsedUp() throws {
        let hub = try Hub()
        let network = hub.network
        let pid = try #require(network.pid("truc"))
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
        func setLimit(_ count: Int) throws {
            let done = try network.run("/usr/bin/env", ["prlimit", "--pid", "\(pid)", "--nofile=\(count):"])
            guard done.end == .exited(0) else { throw TestFailure("prlimit: \(done.errors)") }
        }
        /// Seconds of processor so far.
        func spent() throws -> Double {
            let words = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8).split(separator: " ")
            return (Double(words[13]) ?? 0) / 100 + (Double(words[14]) ?? 0) / 100
        }
        try setLimit(open + 12)
        let crowd = HeldConnections()
        try crowd.open(5, port: network.port)
        let isFound = try eventually {
            let check = try network.control("truc", ["check", "alarms"])
            return check.end == .exited(1)
                && check.output.contains("the bound of descriptors of the process is reached")
        }
        #expect(isFound, "\(network.logTail("truc"))")
        #expect(try limit(network, "truc", "descriptors of the process").binds)
        let before = try spent()
        let start = ProcessInfo.processInfo.systemUptime
        try crowd.open(40, port: network.port)
        #expect(try hub.logs("the system gives nothing to take them with"), "\(network.logTail("truc"))")
        let check = try network.control("truc", ["check", "--timeout", "3"])
        #expect(check.end == .exited(2), "\(check)")
        let seconds = ProcessInfo.processInfo.systemUptime - start
        let used = try spent() - before
        #expect(used < max(seconds, 3) / 4, "\(used) s of \(seconds) s")
        let lines = network.logText("truc").split(separator: "\n").count {
            $0.contains("the system gives nothing to take them with")
        }
        #expect(lines <= 40, "\(lines)")
        crowd.close(45)
        #expect(try eventually { try network.control("truc", ["status"]).end == .exited(0) })
        try setLimit(1_024)
        try hub.expectGoodPasses()
    }

    /// Thousands of connections without a certificate are a handful of lines.
    @Test func aFloodIsAHandfulOfLines() throws {
        let hub = try Hub()
        for round in 0..<40 {
            let crowd = HeldConnections()
            try crowd.open(30, port: hub.network.port, from: "127.0.2.\(round + 1)")
            crowd.say(Array("GET /\(round) HTTP/1.1\r\n\r\n".utf8))
            #expect(try eventually { crowd.openCount == 0 })
        }
        let lines = hub.network.logText("truc").split(separator: "\n").count { $0.contains("contact failed") }
        #expect(lines >= 1 && lines <= 300, "\(lines)")
        // A leaf that says one thing twice, again and again, with its own name on it.
        let hanoi = try hub.peer("hanoi")
        let first = SampleBundle {
            $0.source = "hanoi"
            $0.sender = "H26"
            $0.path = ["hanoi"]
        }
        #expect(try hanoi.send(first.octets()) == .acknowledged)
        for number in 0..<200 {
            var other = first
            other.payload = Array("another \(number)".utf8)
            #expect(try hanoi.send(other.octets()) == .refused(.notAcceptable))
        }
        let conflicts = hub.network.logText("truc").split(separator: "\n").count {
            $0.contains("another document came under a number")
        }
        #expect(conflicts >= 1 && conflicts <= 35, "\(conflicts)")
        try hub.expectGoodPasses()
    }
}
