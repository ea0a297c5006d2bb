// HeldSocketTests: the daemon with sockets, pings and credentials of a service manager, whose part the test plays.

import ControlAPI
import Foundation
import NIOCore
import TestNetwork
import Testing

@Suite(.serialized) struct HeldSocketTests {
    /// The node vpcp, and the three sockets that its configuration names, held.
    private func held() throws -> (Network, HeldSockets) {
        let network = try Network()
        let sockets = HeldSockets()
        let port = try sockets.listen(as: "edocd.socket")
        try network.replace("vpcp", "127.0.0.1:0", "127.0.0.1:\(port)")
        try sockets.listen(at: network.folder["vpcp/control.sock"], as: "edocd-control.socket")
        try sockets.listen(at: network.folder["vpcp/submit.sock"], as: "edocd-control.socket")
        return (network, sockets)
    }

    private func inode(_ path: String) -> UInt64 {
        var facts = stat()
        return stat(path, &facts) == 0 ? UInt64(facts.st_ino) : 0
    }

    /// A connection that asks for a contact header (RFC 9174, 4.2), which whoever has accepted it answers with one.
    private func greeting(_ port: Int) throws -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        let answer = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        let header: [UInt8] = Array("dtn!".utf8) + [4, 1]
        guard answer == 0, send(descriptor, header, header.count, Int32(MSG_NOSIGNAL)) == header.count else {
            close(descriptor)
            throw TestFailure("port \(port): \(String(cString: strerror(errno)))")
        }
        return descriptor
    }

    private func answer(_ descriptor: Int32) -> String {
        defer { close(descriptor) }
        var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&state, 1, 30_000) > 0 else { return "nothing" }
        var bytes = [UInt8](repeating: 0, count: 4)
        let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_WAITALL))
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }

    @Test func theyOutliveTheDaemon() throws {
        let (network, sockets) = try held()
        let manager = try NotifySocket(network.folder["notify"])
        let files = ["vpcp/control.sock", "vpcp/submit.sock"].map { network.folder[$0] }
        let inodes = files.map(inode)
        var daemon = try sockets.start(network, "vpcp", environment: ["NOTIFY_SOCKET": manager.path])
        #expect(try manager.next() == "READY=1", "\(network.logTail("vpcp"))")
        let status = try network.status("vpcp")
        let port = try #require(status.listening.first?.split(separator: ":").last.flatMap { Int($0) })
        #expect(answer(try greeting(port)) == "dtn!")
        let client = try BulkClient(socket: files[1])
        #expect(client.submit(token: 1, from: "G22", to: ["H29"], document: "một", payload: [1, 2, 3]))
        guard case .accepted = client.answer() else { throw TestFailure("the submission was refused") }

        daemon.send(SIGKILL)
        daemon.wait()
        // Nobody is there; nobody is refused.
        let waiting = try greeting(port)
        let question = try Program(
            Places.edocctl, ["status", "--socket", files[0]], output: network.folder["question"],
            errors: network.folder["question"])
        daemon = try sockets.start(network, "vpcp", environment: ["NOTIFY_SOCKET": manager.path])
        #expect(try manager.next() == "READY=1", "\(network.logTail("vpcp"))")
        #expect(answer(waiting) == "dtn!")
        #expect(question.wait() == .exited(0), "\(network.folder.text("question"))")
        #expect(try network.status("vpcp").listening == status.listening)

        // In order, too, it leaves the files alone: they are the manager's.
        #expect(daemon.stop() == .exited(0), "\(network.logTail("vpcp"))")
        #expect(files.map(inode) == inodes)
        close(try greeting(port))
    }

    @Test func oneThatTheConfigurationDoesNotKnow() throws {
        let (network, sockets) = try held()
        let port = try sockets.listen(as: "edocd.socket")
        #expect(try sockets.start(network, "vpcp").wait() == .exited(78))
        #expect(
            network.logText("vpcp").contains("edocd.socket listens at 127.0.0.1:\(port), which listen does not name"),
            "\(network.logTail("vpcp"))")
        #expect(!FileManager.default.fileExists(atPath: network.folder["vpcp/store"]))
    }

    @Test func aFileThatTheConfigurationDoesNotKnow() throws {
        let (network, sockets) = try held()
        try sockets.listen(at: network.folder["other.sock"], as: "edocd-control.socket")
        #expect(try sockets.start(network, "vpcp").wait() == .exited(78))
        #expect(
            network.logText("vpcp").contains("other.sock, which neither control.socket"), "\(network.logTail("vpcp"))")
    }

    /// What a parent had got is none of the daemon's: it opens its own, which is not possible where the others listen.
    @Test func thoseOfAnotherProcess() throws {
        let (network, sockets) = try held()
        #expect(try sockets.start(network, "vpcp", pid: "1").wait() == .exited(1))
        #expect(network.logText("vpcp").contains("listen: 127.0.0.1:"), "\(network.logTail("vpcp"))")
    }

    // MARK: - Watchdog

    /// Starts a node and listens from its first word on: a manager that does not read is waited for.
    private func start(
        _ network: Network, _ node: String, _ manager: NotifySocket, _ more: [String: String]
    ) throws -> Program {
        let daemon = try Program(
            Places.edocd, ["--create-store", "--config", network.folder[node + ".yaml"]],
            environment: more.merging(["NOTIFY_SOCKET": manager.path]) { $1 }, output: network.log(node),
            errors: network.log(node))
        // A ping may be earlier: both begin at the same time.
        while try said(manager, network, node) != "READY=1" {}
        return daemon
    }

    private func said(_ manager: NotifySocket, _ network: Network, _ node: String) throws -> String {
        do {
            return try manager.next()
        } catch {
            throw TestFailure("\(error); its log ends with:\n\(network.logTail(node))")
        }
    }

    @Test func pingsWhileItLives() throws {
        let network = try Network()
        let manager = try NotifySocket(network.folder["notify"])
        let daemon = try start(network, "truc", manager, ["WATCHDOG_USEC": "300000"])
        for _ in 1...3 { #expect(try said(manager, network, "truc") == "WATCHDOG=1") }
        daemon.send(SIGTERM)
        var last = try said(manager, network, "truc")
        while last == "WATCHDOG=1" { last = try said(manager, network, "truc") }
        #expect(last == "STOPPING=1")
        #expect(daemon.stop() == .exited(0), "\(network.logTail("truc"))")
    }

    @Test func noPingsForAnother() throws {
        let network = try Network()
        let manager = try NotifySocket(network.folder["notify"])
        let daemon = try start(network, "truc", manager, ["WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"])
        daemon.send(SIGTERM)
        #expect(try said(manager, network, "truc") == "STOPPING=1")
    }

    /// While the engine waits for the disk its questions are not answered, and nothing tells the manager that all is well.
    @Test func noPingsWhileTheEngineHangs() throws {
        let network = try Network()
        let manager = try NotifySocket(network.folder["notify"])
        let delay = 1_500
        let daemon = try start(
            network, "vpcp", manager,
            [
                "WATCHDOG_USEC": "150000", "LD_PRELOAD": try network.interposer("interposer"),
                "EDOC_INTERPOSE_DELAY_MS": String(delay),
            ])
        let client = try BulkClient(socket: network.folder["vpcp/submit.sock"])
        #expect(client.submit(token: 1, from: "G22", to: ["H29"], document: "một", payload: [1, 2, 3]))
        var (longest, before) = (0.0, ProcessInfo.processInfo.systemUptime)
        let end = before + 30
        // The gap of the commit, which is at least one sync long; pings of the loops alone would come every 50 ms.
        while longest < Double(delay - 200) / 1_000, before < end {
            #expect(try said(manager, network, "vpcp") == "WATCHDOG=1")
            let now = ProcessInfo.processInfo.systemUptime
            longest = max(longest, now - before)
            before = now
        }
        #expect(longest >= Double(delay - 200) / 1_000, "the longest gap was \(longest) s")
        guard case .accepted = client.answer() else { throw TestFailure("the submission was refused") }
        #expect(try said(manager, network, "vpcp") == "WATCHDOG=1")
        daemon.send(SIGKILL)
        daemon.wait()
    }

    // MARK: - Credentials

    @Test func theKeyAsACredential() throws {
        let network = try Network()
        try network.replace("truc", "key: tls/truc.key", "key: credential:node.key")
        try network.folder.makeFolder("credentials")
        try FileManager.default.moveItem(
            atPath: network.folder["tls/truc.key"], toPath: network.folder["credentials/node.key"])
        chmod(network.folder["credentials/node.key"], 0o400)
        let refused = try network.run(Places.edocd, ["--config", network.folder["truc.yaml"]])
        #expect(refused.end == .exited(78))
        #expect(
            refused.errors.contains("tls.key") && refused.errors.contains("LoadCredential=node.key:FILE"),
            "\(refused.errors)")
        network.setEnvironment("truc", ["CREDENTIALS_DIRECTORY": network.folder["credentials"]])
        try network.start("truc")
        #expect(network.isRunning("truc"))
    }
}
